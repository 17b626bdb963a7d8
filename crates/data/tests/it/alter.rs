//! Collections that are changed while they have records: what goes, what stands in the way, and what is refused.

use crate::kit::{Kit, anon, both, code, faults};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    what_is_dropped_is_told_and_agreed_to,
    what_is_named_stays,
    every_fault_is_told,
);

/// A collection with three records; their ids.
pub async fn posts(kit: &Kit) -> Vec<String> {
    kit.open(
        "posts",
        json!([
            {"name": "title", "type": "text", "max": 50},
            {"name": "stock", "type": "number", "format": "integer", "min": 0},
            {"name": "price", "type": "number"},
            {"name": "state", "type": "select", "values": ["new", "old"]},
            {"name": "open", "type": "bool"},
            {"name": "due", "type": "datetime"}
        ]),
    )
    .await;
    let records = [
        json!({"title": "12", "stock": 1, "price": 1.5, "state": "new", "open": true, "due": "2026-01-01T00:00:00Z"}),
        json!({"title": "two", "stock": 2, "price": 2.0, "state": "old", "open": false}),
        json!({}),
    ];
    let mut ids = Vec::new();
    for record in records {
        ids.push(kit.made("posts", record).await);
    }
    ids
}

/// The paths and codes of a refusal, with the words that it wants repeated.
pub fn told(result: Result<Json, gate::Problem>) -> (Code, Vec<(String, String)>) {
    let problem = result.unwrap_err();
    let errors = problem.field_errors().iter();
    let errors = errors.map(|e| (e.path.clone(), e.message.clone()));
    (problem.code(), errors.collect())
}

pub async fn values(kit: &Kit, collection: &str, field: &str) -> Json {
    kit.values(&anon(), collection, field, &[("sort", "id")])
        .await
        .into()
}

pub async fn fields(kit: &Kit, collection: &str) -> Vec<String> {
    let schema = kit
        .data
        .get_collection(&kit.project, collection)
        .await
        .unwrap();
    schema.fields.iter().map(|f| f.name.clone()).collect()
}

async fn what_is_dropped_is_told_and_agreed_to(kit: &Kit) {
    let ids = posts(kit).await;
    let before = kit.get(&anon(), "posts", &ids[0]).await.unwrap();
    let (refused, errors) = told(
        kit.change("posts", json!({"fields": {"drop": ["title", "due"]}}))
            .await,
    );
    assert_eq!(refused, Code::ConfirmationRequired);
    assert_eq!(errors[0].0, "/fields/drop/0");
    assert!(
        errors[0]
            .1
            .starts_with("2 records would lose the value of title"),
        "{errors:?}"
    );
    assert!(errors[0].1.contains("\"drop:title\"") && errors[1].1.contains("\"drop:due\""));
    assert!(errors[1].1.starts_with("1 record would"), "{errors:?}");
    // Half of it is not enough, and the other half is told.
    let half = json!({"fields": {"drop": ["title", "due"]}, "confirm": ["drop:title"]});
    assert_eq!(
        faults(kit.change("posts", half).await),
        (Code::ConfirmationRequired, vec!["/fields/drop/1".into()])
    );
    assert_eq!(
        values(kit, "posts", "title").await,
        json!(["12", "two", null])
    );
    let all = json!({"fields": {"drop": ["title", "due"]}, "confirm": ["drop:title", "drop:due"]});
    kit.change("posts", all).await.unwrap();
    let after = kit.get(&anon(), "posts", &ids[0]).await.unwrap();
    assert_eq!(after.get("title"), None);
    for same in [
        "id",
        "created_at",
        "updated_at",
        "_version",
        "stock",
        "price",
        "state",
    ] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(
        code(kit.create(&anon(), "posts", json!({"title": "x"})).await),
        Code::UnknownField
    );
    kit.made("posts", json!({"stock": 3})).await;
    // A field without a value in any record needs no word; neither does the same name again.
    kit.change(
        "posts",
        json!({"fields": {"add": [{"name": "title", "type": "number"}]}}),
    )
    .await
    .unwrap();
    kit.change("posts", json!({"fields": {"drop": ["title"]}}))
        .await
        .unwrap();
    // Something else with the name of what goes, in one change.
    let swap = json!({"fields": {"drop": ["price"], "add": [{"name": "price", "type": "text", "default": "free"}]}, "confirm": ["drop:price"]});
    kit.change("posts", swap).await.unwrap();
    assert_eq!(
        values(kit, "posts", "price").await,
        json!(["free", "free", "free", "free"])
    );
}

async fn what_is_named_stays(kit: &Kit) {
    posts(kit).await;
    kit.open(
        "comments",
        json!([
            {"name": "post", "type": "relation", "collection": "posts"},
            {"name": "copy", "type": "text", "default": {"expression": "post.title"}}
        ]),
    )
    .await;
    kit.change("posts", json!({
        "rules": {"list": "title != 'x' && comments_via_post.all(c, c.copy != 'y')", "update": "stock > 0"},
        "indexes": {"add": [{"fields": ["title", "stock"]}, {"fields": ["title"], "unique": true}]},
        "fields": {"change": {"state": {"default": {"expression": "title == 'a' ? 'new' : 'old'"}}}}
    })).await.unwrap();
    kit.change("comments", json!({"rules": {"view": "post.title == 'a'"}}))
        .await
        .unwrap();
    for change in [
        json!({"fields": {"drop": ["title"]}, "confirm": ["drop:title"]}),
        json!({"fields": {"rename": {"title": "name"}}}),
    ] {
        let is_drop = change["fields"].get("drop").is_some();
        let (refused, errors) = told(kit.change("posts", change).await);
        let mut sentences: Vec<&str> = errors.iter().map(|(_, m)| m.as_str()).collect();
        sentences.sort_unstable();
        let mut want = vec![
            "The default of copy of comments names it.",
            "The default of state of posts names it.",
            "The rule list of posts names it.",
            "The rule view of comments names it.",
        ];
        if is_drop {
            want.extend([
                "The index on title names it.",
                "The index on title, stock names it.",
            ]);
        }
        want.sort_unstable();
        assert_eq!((refused, sentences), (Code::Referenced, want));
    }
    // Another type that a rule cannot bear, and another name of what a back relation is called by.
    let typed = json!({"fields": {"change": {"stock": {"type": "text", "max": 30}}}});
    assert_eq!(
        faults(kit.change("posts", typed).await),
        (Code::Referenced, vec!["/fields/change/stock".into()])
    );
    let back = json!({"fields": {"rename": {"post": "about"}}});
    let (refused, errors) = told(kit.change("comments", back).await);
    let mut sentences: Vec<&str> = errors.iter().map(|(_, m)| m.as_str()).collect();
    sentences.sort_unstable();
    let want = [
        "The default of copy of comments names it.",
        "The rule list of posts names it.",
        "The rule view of comments names it.",
    ];
    assert_eq!((refused, sentences), (Code::Referenced, want.to_vec()));
    // What the change itself says anew does not count.
    kit.change(
        "comments",
        json!({"rules": {"view": "true"}, "fields": {"change": {"copy": {"default": null}}}}),
    )
    .await
    .unwrap();
    kit.change("posts", json!({
        "fields": {"drop": ["title"], "change": {"state": {"default": "new"}}},
        "indexes": {"drop": [{"fields": ["title", "stock"]}, {"fields": ["title"], "unique": true}]},
        "rules": {"list": "true"},
        "confirm": ["drop:title"]
    })).await.unwrap();
    assert_eq!(
        kit.list(&anon(), "posts", &[("expand", "comments_via_post")])
            .await
            .unwrap()
            .len(),
        3
    );
}

async fn every_fault_is_told(kit: &Kit) {
    posts(kit).await;
    let refused = kit.change("posts", json!({
        "name": "Bad Name",
        "surprise": 1,
        "fields": {
            "rename": {"title": "x\";drop table posts;--", "id": "key", "nothing": "a", "price": "stock", "due": 5},
            "change": {"_version": {"max": 3}, "stock": {"min": "a", "max": 0.5}, "state": {"name": "b"}, "open": 3},
            "drop": ["created_at", "nothing", 7, "open", "open"],
            "order": [],
            "lift": []
        },
        "indexes": {"drop": [{"fields": ["title"]}, 3, {"fields": ["a"], "b": 1}], "add": [{"fields": ["zz"]}]},
        "confirm": "all",
        "dry_run": 1
    })).await.unwrap_err();
    assert_eq!(refused.code(), Code::UnknownField);
    let refused = kit.change("posts", json!({
        "name": "Bad Name",
        "fields": {
            "rename": {"title": "x\";drop table posts;--", "id": "key", "nothing": "a", "price": "stock", "due": 5},
            "change": {"_version": {"max": 3}, "stock": {"min": "a", "max": 0.5}, "state": {"name": "b"}, "open": 3},
            "drop": ["created_at", "nothing", 7, "open", "open"],
            "order": [],
            "lift": []
        },
        "indexes": {"drop": [{"fields": ["title"]}, 3, {"fields": ["a"], "b": 1}], "add": [{"fields": ["zz"]}]},
        "confirm": "all",
        "dry_run": 1
    })).await;
    let (refused, mut paths) = faults(refused);
    assert_eq!(refused, Code::ValidationFailed);
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(
        paths,
        [
            "/confirm",
            "/dry_run",
            "/fields/change/_version",
            "/fields/change/open",
            "/fields/change/state/name",
            "/fields/change/stock/max",
            "/fields/change/stock/min",
            "/fields/drop/0",
            "/fields/drop/1",
            "/fields/drop/2",
            "/fields/drop/3",
            "/fields/lift",
            "/fields/order",
            "/fields/rename/due",
            "/fields/rename/id",
            "/fields/rename/nothing",
            "/fields/rename/price",
            "/fields/rename/title",
            "/indexes/add/0",
            "/indexes/drop/0",
            "/indexes/drop/1",
            "/indexes/drop/2",
            "/indexes/drop/2/b",
            "/name"
        ]
    );
    for (change, path) in [
        (
            json!({"fields": {"add": [{"name": "n", "type": "text"}], "change": {"n": {"max": 1}}}}),
            "/fields/change/n",
        ),
        (json!({"name": "people"}), "/name"),
        (
            json!({"fields": {"drop": ["email"]}, "confirm": ["drop:email"]}),
            "/fields/drop/0",
        ),
        (
            json!({"fields": {"rename": {"verified": "ok"}}}),
            "/fields/rename/verified",
        ),
        (
            json!({"fields": {"change": {"disabled": {"hidden": true}}}}),
            "/fields/change/disabled",
        ),
        (
            json!({"fields": {"change": {"email_key": {"unique": false}}}}),
            "/fields/change/email_key",
        ),
    ] {
        assert_eq!(
            faults(kit.change("users", change).await),
            (Code::ValidationFailed, vec![path.into()])
        );
    }
    // A new rule that does not hold after the change, and a formula.
    let change = json!({"rules": {"list": "title == 'x'"}, "fields": {"rename": {"title": "name"}, "change": {"price": {"default": {"expression": "title.size() * 1.0"}}}}});
    let (refused, paths) = faults(kit.change("posts", change).await);
    assert_eq!(
        (refused, paths),
        (
            Code::ValidationFailed,
            vec!["/fields/change/price/default".into(), "/rules/list".into()]
        )
    );
    assert_eq!(
        code(kit.change("nothing", json!({})).await),
        Code::CollectionNotFound
    );
    kit.change("posts", json!({})).await.unwrap();
}
