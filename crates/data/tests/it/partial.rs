//! Indexes that hold some of the records only.

use crate::kit::{Kit, both, code, key};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(some_records_are_unique, conditions_are_checked);

fn fields() -> Json {
    json!([
        {"name": "status", "type": "select", "values": ["open", "o'pen\\", "done"]},
        {"name": "n", "type": "number", "format": "integer"},
        {"name": "price", "type": "number", "format": "decimal"},
        {"name": "at", "type": "datetime"},
        {"name": "day", "type": "date"},
        {"name": "live", "type": "bool"},
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "doc", "type": "json"},
        {"name": "labels", "type": "select", "values": ["a"], "multiple": true}
    ])
}

async fn some_records_are_unique(kit: &Kit) {
    let conditions = [
        (
            "status == \"open\"",
            json!({"status": "open"}),
            json!({"status": "done"}),
        ),
        (
            "status == \"o'pen\\\\\"",
            json!({"status": "o'pen\\"}),
            json!({"status": "open"}),
        ),
        (
            "!(status != \"open\")",
            json!({"status": "open"}),
            json!({}),
        ),
        (
            "price >= 1.5",
            json!({"price": "1.50"}),
            json!({"price": "1.49"}),
        ),
        (
            "at > timestamp(\"2026-01-01T00:00:00Z\")",
            json!({"at": "2026-01-02T00:00:00Z"}),
            json!({"at": "2026-01-01T00:00:00Z"}),
        ),
        (
            "day == \"2026-02-28\"",
            json!({"day": "2026-02-28"}),
            json!({"day": "2026-03-01"}),
        ),
        ("live", json!({"live": true}), json!({"live": false})),
        (
            "!live || status in [\"open\", \"done\"]",
            json!({"live": false}),
            json!({"live": true}),
        ),
        ("doc == null && n != null", json!({}), json!({"doc": 1})),
        ("owner == null", json!({}), Json::Null),
        (
            "id != \"018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b\"",
            json!({}),
            Json::Null,
        ),
    ];
    for (i, (condition, within, without)) in conditions.into_iter().enumerate() {
        let name = format!("tasks{i}");
        let index = json!([{"fields": ["n"], "unique": true, "where": condition}]);
        let made = kit
            .collection(json!({"name": name, "fields": fields(), "indexes": index}))
            .await;
        assert_eq!(made["indexes"][0]["where"], condition);
        let record = |more: &Json| {
            let mut record = json!({"n": 1});
            record
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().cloned().unwrap_or_default());
            record
        };
        kit.made(&name, record(&within)).await;
        let problem = kit
            .create(&key(), &name, record(&within))
            .await
            .unwrap_err();
        assert_eq!(
            (problem.code(), problem.field_errors()[0].path.as_str()),
            (Code::Duplicate, "/n"),
            "{condition}"
        );
        if !without.is_null() {
            kit.made(&name, record(&without)).await;
            kit.made(&name, record(&without)).await;
        }
    }
    // Added to records that are there: those that it holds must be unique.
    let add = |condition: &str| json!({"indexes": {"add": [{"fields": ["n"], "unique": true, "where": condition}]}});
    kit.change("tasks0", add("status == \"open\" && n > 0"))
        .await
        .unwrap();
    let problem = kit
        .change("tasks0", add("status == \"done\""))
        .await
        .unwrap_err();
    assert_eq!(problem.field_errors()[0].path, "/indexes/add/0");
    // The same fields with another condition are another index.
    let view = kit.change("tasks0", json!({})).await.unwrap();
    assert_eq!(view["indexes"].as_array().unwrap().len(), 2);
}

async fn conditions_are_checked(kit: &Kit) {
    for condition in [
        "owner.email == \"x\"",
        "n > params.n",
        "owner == auth.id",
        "at < now",
        "request.method == \"GET\"",
        "size(labels) > 0",
        "\"a\" in labels",
        "json(doc, \"a\") == 1.0",
        "lower(status) == \"open\"",
        "n + 1 > 2",
        "status.contains(\"o\")",
        "status.matches_like(\"o\")",
        "at.getFullYear() == 2026",
        "next.n == 1",
        "n ? true : false",
        "collection(\"users\").exists(u, u.id == owner)",
        "nothing == 1",
        "n ==",
        "status == \"_galley_indexed\"",
        "status == \"\\\"project\\\".x\"",
    ] {
        let index = json!([{"fields": ["n"]}, {"fields": ["n"], "where": condition}]);
        let made = kit
            .try_collection(json!({"name": "tasks", "fields": fields(), "indexes": index}))
            .await;
        let problem = made.unwrap_err();
        assert_eq!(
            (problem.code(), problem.field_errors()[0].path.as_str()),
            (Code::ValidationFailed, "/indexes/1/where"),
            "{condition}"
        );
    }
    kit.collection(json!({"name": "tasks", "fields": fields()}))
        .await;
    let add =
        json!({"indexes": {"add": [{"fields": ["n"]}, {"fields": ["n"], "where": "at < now"}]}});
    let problem = kit.change("tasks", add).await.unwrap_err();
    assert_eq!(problem.field_errors()[0].path, "/indexes/add/1/where");
    let empty = json!({"indexes": {"add": [{"fields": ["n"], "where": ""}]}});
    assert_eq!(
        code(kit.change("tasks", empty).await),
        Code::ValidationFailed
    );
}
