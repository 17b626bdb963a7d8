//! Fields that get other options or another type while records are there.

use crate::alter::{posts, told, values};
use crate::kit::{Kit, anon, both, code, faults, key};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    options_are_loosened_and_tightened,
    values_become_another_type,
    a_collection_with_records_goes_when_that_is_said,
);

async fn options_are_loosened_and_tightened(kit: &Kit) {
    let ids = posts(kit).await;
    let change = async |field: &str, options: Json| {
        kit.change("posts", json!({"fields": {"change": {field: options}}}))
            .await
    };
    // Whatever fits what is there.
    for (field, options) in [
        ("title", json!({"max": 60, "min": 0})),
        ("title", json!({"max": 3, "min": 2})),
        ("title", json!({"unique": true})),
        (
            "title",
            json!({"unique": false, "hidden": true, "read_only": true}),
        ),
        ("title", json!({"hidden": false, "read_only": false})),
        ("stock", json!({"min": 1, "max": 2})),
        ("stock", json!({"min": null, "max": null})),
        ("stock", json!({"min": -5})),
        (
            "state",
            json!({"values": ["old", "new", "lost"], "default": "lost"}),
        ),
        ("state", json!({"values": ["old", "new"], "default": "old"})),
        ("price", json!({"default": 3.5})),
    ] {
        change(field, options.clone())
            .await
            .unwrap_or_else(|e| panic!("{field} {options}: {e} {:?}", e.field_errors()));
    }
    // What does not, with how many and which.
    for (field, options, path, what) in [
        (
            "title",
            json!({"max": 2}),
            "/fields/change/title",
            format!("1 record ({}) do not fit", ids[1]),
        ),
        (
            "title",
            json!({"min": 3}),
            "/fields/change/title",
            format!("1 record ({}) do not fit", ids[0]),
        ),
        (
            "title",
            json!({"required": true}),
            "/fields/change/title",
            format!("1 record ({}) have no value", ids[2]),
        ),
        (
            "stock",
            json!({"min": 2}),
            "/fields/change/stock",
            format!("1 record ({}) do not fit", ids[0]),
        ),
        (
            "stock",
            json!({"max": 0}),
            "/fields/change/stock",
            format!("2 records ({}, {}) do not fit", ids[0], ids[1]),
        ),
        (
            "state",
            json!({"values": ["new"], "default": null}),
            "/fields/change/state",
            format!("1 record ({}) do not fit", ids[1]),
        ),
        (
            "open",
            json!({"required": true, "default": true}),
            "/fields/change/open",
            format!("1 record ({}) have no value", ids[2]),
        ),
    ] {
        let (refused, errors) = told(change(field, options.clone()).await);
        assert_eq!(
            (refused, errors[0].0.as_str()),
            (Code::ValidationFailed, path),
            "{field} {options}"
        );
        assert!(
            errors[0].1.starts_with(&what),
            "{field} {options}: {errors:?}"
        );
    }
    kit.merge(&key(), "posts", &ids[2], json!({"title": "12", "stock": 3}))
        .await
        .unwrap();
    assert_eq!(
        faults(change("title", json!({"unique": true})).await),
        (Code::ValidationFailed, vec!["/fields/change/title".into()])
    );
    kit.merge(&key(), "posts", &ids[2], json!({"title": "3!"}))
        .await
        .unwrap();
    // All of it holds for writers afterwards.
    change("title", json!({"unique": true, "required": true, "max": 3}))
        .await
        .unwrap();
    change("stock", json!({"min": 1, "max": 5, "required": true}))
        .await
        .unwrap();
    assert_eq!(
        code(
            kit.create(&anon(), "posts", json!({"title": "12", "stock": 1}))
                .await
        ),
        Code::Duplicate
    );
    assert_eq!(
        faults(
            kit.create(&anon(), "posts", json!({"title": "1234", "stock": 6}))
                .await
        )
        .1,
        ["/stock", "/title"]
    );
    assert_eq!(
        faults(kit.create(&anon(), "posts", json!({})).await).1,
        ["/stock", "/title"]
    );
    let made = kit
        .create(&anon(), "posts", json!({"title": "new", "stock": 5}))
        .await
        .unwrap();
    assert_eq!(
        (&made["state"], &made["price"]),
        (&json!("old"), &json!(3.5))
    );
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        faults(
            kit.merge(&anon(), "posts", id, json!({"stock": {"increment": 1}}))
                .await
        ),
        (Code::ValidationFailed, vec!["/stock".into()])
    );
    // The database itself holds it too.
    let checks = if kit.is_postgres() {
        r#"SELECT count(*) AS n FROM pg_constraint AS c JOIN pg_namespace AS s ON s.oid = c.connamespace WHERE s.nspname = current_schema() AND false"#
    } else {
        "SELECT count(*) AS n FROM sqlite_master WHERE name = 'posts' AND sql LIKE '%CHECK (\"stock\" >= 1)%' AND sql LIKE '%CHECK (\"stock\" <= 5)%'"
    };
    assert_eq!(kit.number(checks).await, i64::from(!kit.is_postgres()));
    assert_eq!(
        kit.get(&anon(), "posts", &ids[0]).await.unwrap()["_version"],
        1
    );
}

async fn values_become_another_type(kit: &Kit) {
    let ids = posts(kit).await;
    kit.change(
        "posts",
        json!({"indexes": {"add": [{"fields": ["stock"]}, {"fields": ["title", "created_at"]}]}}),
    )
    .await
    .unwrap();
    let change = async |fields: Json, confirm: Json| {
        kit.change(
            "posts",
            json!({"fields": {"change": fields}, "confirm": confirm}),
        )
        .await
    };
    // Totally.
    change(json!({"stock": {"type": "text", "max": 30}, "open": {"type": "text"}, "price": {"format": "float"}, "due": {"type": "text"}}), json!([])).await.unwrap();
    assert_eq!(values(kit, "posts", "stock").await, json!(["1", "2", null]));
    assert_eq!(
        values(kit, "posts", "open").await,
        json!(["true", "false", null])
    );
    assert_eq!(
        values(kit, "posts", "due").await,
        json!(["2026-01-01T00:00:00.000000Z", null, null])
    );
    // And back.
    change(json!({"stock": {"type": "number", "format": "integer", "min": 1}, "open": {"type": "bool"}, "due": {"type": "datetime"}}), json!([])).await.unwrap();
    assert_eq!(values(kit, "posts", "stock").await, json!([1, 2, null]));
    assert_eq!(
        values(kit, "posts", "open").await,
        json!([true, false, null])
    );
    assert_eq!(
        values(kit, "posts", "due").await,
        json!(["2026-01-01T00:00:00.000000Z", null, null])
    );
    assert_eq!(
        kit.list(&anon(), "posts", &[("filter", "stock >= 2 && !open")])
            .await
            .unwrap()
            .len(),
        1
    );
    // In part: what has no such value is told, and becomes null.
    let (refused, errors) = told(
        change(
            json!({"title": {"type": "number"}, "price": {"format": "integer"}}),
            json!([]),
        )
        .await,
    );
    assert_eq!(refused, Code::ConfirmationRequired);
    assert!(
        errors[0].1.contains(&ids[1]) && errors[0].1.contains("\"convert:title\""),
        "{errors:?}"
    );
    assert!(
        errors[1].1.contains(&ids[0]) && errors[1].1.contains("\"convert:price\""),
        "{errors:?}"
    );
    assert_eq!(
        values(kit, "posts", "title").await,
        json!(["12", "two", null])
    );
    let change_both =
        json!({"title": {"type": "number"}, "price": {"format": "integer", "default": 7}});
    change(change_both, json!(["convert:title", "convert:price"]))
        .await
        .unwrap();
    assert_eq!(values(kit, "posts", "title").await, json!([12, null, null]));
    assert_eq!(values(kit, "posts", "price").await, json!([7, 2, null]));
    // A required field needs a default for them.
    kit.merge(&key(), "posts", &ids[2], json!({"state": "old"}))
        .await
        .unwrap();
    change(json!({"state": {"required": true}}), json!([]))
        .await
        .unwrap();
    let refused = change(json!({"state": {"type": "bool"}}), json!(["convert:state"])).await;
    assert_eq!(
        faults(refused),
        (Code::ValidationFailed, vec!["/fields/change/state".into()])
    );
    change(
        json!({"state": {"type": "bool", "default": true}}),
        json!(["convert:state"]),
    )
    .await
    .unwrap();
    assert_eq!(
        values(kit, "posts", "state").await,
        json!([true, true, true])
    );
    assert_eq!(
        faults(kit.create(&anon(), "posts", json!({"state": null})).await).1,
        ["/state"]
    );
    // A select keeps its column, and its values are looked at.
    kit.change(
        "posts",
        json!({"fields": {"add": [{"name": "kind", "type": "text", "max": 20, "default": "a"}]}}),
    )
    .await
    .unwrap();
    change(
        json!({"kind": {"type": "select", "values": ["a", "b"]}}),
        json!([]),
    )
    .await
    .unwrap();
    assert_eq!(
        faults(kit.create(&anon(), "posts", json!({"kind": "c"})).await).1,
        ["/kind"]
    );
    let refused = change(
        json!({"kind": {"values": ["b"], "default": "b"}}),
        json!([]),
    )
    .await;
    assert_eq!(
        faults(refused),
        (Code::ValidationFailed, vec!["/fields/change/kind".into()])
    );
    // Converted and renamed at once.
    kit.change("posts", json!({"fields": {"change": {"kind": {"type": "text"}, "stock": {"type": "text", "max": 30}}, "rename": {"stock": "amount", "kind": "sort_of"}}})).await.unwrap();
    assert_eq!(
        values(kit, "posts", "amount").await,
        json!(["1", "2", null])
    );
    assert_eq!(
        kit.get(&anon(), "posts", &ids[0]).await.unwrap()["_version"],
        1
    );
    for (field, options) in [
        ("open", json!({"type": "datetime"})),
        ("open", json!({"type": "relation", "collection": "posts"})),
        ("open", json!({"type": "file", "bucket": "posters"})),
    ] {
        let refused = change(json!({field: options}), json!(["convert:open"])).await;
        assert_eq!(
            faults(refused),
            (
                Code::ValidationFailed,
                vec!["/fields/change/open/type".into()]
            ),
            "{options}"
        );
    }
}

async fn a_collection_with_records_goes_when_that_is_said(kit: &Kit) {
    posts(kit).await;
    let delete = async |confirm| {
        let gone = kit
            .data
            .delete_collection(&kit.project, &key(), "posts", confirm)
            .await;
        gone.map_err(gate::Problem::from)
    };
    for wrong in [None, Some("true"), Some("delete:comments")] {
        let problem = delete(wrong).await.unwrap_err();
        assert_eq!(problem.code(), Code::ConfirmationRequired);
        let error = &problem.field_errors()[0];
        assert_eq!(error.path, "?confirm");
        assert!(
            error.message.starts_with("3 records would be deleted"),
            "{error:?}"
        );
    }
    assert_eq!(kit.list(&anon(), "posts", &[]).await.unwrap().len(), 3);
    delete(Some("delete:posts")).await.unwrap();
    kit.open("posts", json!([])).await;
    delete(None).await.unwrap();
}
