//! Options of fields: read-only, written once, choices, and defaults that are computed.

use crate::kit::{Kit, U, add_user, anon, at, both, code, faults, key, u};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    only_keys_write_what_is_read_only,
    what_is_written_once_stays,
    choices_are_kept,
    defaults_are_computed,
    defaults_must_resolve,
);

async fn only_keys_write_what_is_read_only(kit: &Kit) {
    kit.open("posts", json!([{"name": "a", "type": "text", "read_only": true, "default": "d"}, {"name": "b", "type": "text"}])).await;
    assert_eq!(
        faults(kit.create(&anon(), "posts", json!({"a": "x"})).await),
        (Code::ReadonlyField, vec!["/a".into()])
    );
    assert_eq!(
        faults(kit.create(&u(), "posts", json!({"a": null})).await),
        (Code::ReadonlyField, vec!["/a".into()])
    );
    let made = kit
        .create(&anon(), "posts", json!({"b": "x"}))
        .await
        .unwrap();
    assert_eq!(made["a"], "d");
    let id = made["id"].as_str().unwrap();
    for change in [
        json!({"a": "x"}),
        json!({"a": null}),
        json!({"a": {"set_if_absent": "x"}}),
    ] {
        assert_eq!(
            faults(kit.merge(&u(), "posts", id, change).await),
            (Code::ReadonlyField, vec!["/a".into()])
        );
    }
    assert_eq!(
        kit.merge(&key(), "posts", id, json!({"a": "x"}))
            .await
            .unwrap()["a"],
        "x"
    );
    assert_eq!(
        kit.create(&key(), "posts", json!({"a": "y"}))
            .await
            .unwrap()["a"],
        "y"
    );
}

async fn what_is_written_once_stays(kit: &Kit) {
    kit.open(
        "posts",
        json!([{"name": "a", "type": "text", "write_once": true}, {"name": "b", "type": "text"}]),
    )
    .await;
    let id = kit.made("posts", json!({"a": "x"})).await;
    for asker in [anon(), key()] {
        for change in [
            json!({"a": "y"}),
            json!({"a": "x"}),
            json!({"a": null}),
            json!({"a": {"set_if_absent": "y"}}),
        ] {
            assert_eq!(
                faults(kit.merge(&asker, "posts", &id, change).await),
                (Code::ReadonlyField, vec!["/a".into()])
            );
        }
    }
    kit.merge(&anon(), "posts", &id, json!({"b": "y"}))
        .await
        .unwrap();
    assert_eq!(kit.get(&anon(), "posts", &id).await.unwrap()["a"], "x");
}

async fn choices_are_kept(kit: &Kit) {
    let state = json!([{"name": "state", "type": "select", "values": ["new", "in work", "done"], "required": true, "default": "new"}, {"name": "mood", "type": "select", "values": ["good"], "unique": true}]);
    kit.open("tasks", state).await;
    let id = kit.made("tasks", json!({})).await;
    assert_eq!(
        kit.get(&anon(), "tasks", &id).await.unwrap()["state"],
        "new"
    );
    for bad in [
        json!("old"),
        json!(""),
        json!(7),
        json!("New"),
        json!(null),
        json!(["new"]),
    ] {
        assert_eq!(
            faults(
                kit.merge(&anon(), "tasks", &id, json!({"state": bad}))
                    .await
            ),
            (Code::ValidationFailed, vec!["/state".into()])
        );
    }
    kit.merge(
        &anon(),
        "tasks",
        &id,
        json!({"state": "in work", "mood": "good"}),
    )
    .await
    .unwrap();
    assert_eq!(
        kit.list(
            &anon(),
            "tasks",
            &[
                ("filter", "state == 'in work' && mood != null"),
                ("sort", "-state")
            ]
        )
        .await
        .unwrap()
        .len(),
        1
    );
    assert_eq!(
        code(kit.create(&anon(), "tasks", json!({"mood": "good"})).await),
        Code::Duplicate
    );
    for values in [
        json!([]),
        json!(["a", "a"]),
        json!([""]),
        json!("a"),
        json!(["x".repeat(101)]),
        json!(null),
    ] {
        let bad =
            json!({"name": "bad", "fields": [{"name": "a", "type": "select", "values": values}]});
        assert_eq!(
            faults(kit.try_collection(bad).await).1[0],
            "/fields/0/values"
        );
    }
}

async fn defaults_are_computed(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("products", json!([{"name": "title", "type": "text", "max": 9}, {"name": "price", "type": "number"}, {"name": "left", "type": "number", "format": "integer"}, {"name": "open", "type": "bool"}, {"name": "due", "type": "datetime"}, {"name": "cost", "type": "number", "hidden": true}])).await;
    let fields = json!([
        {"name": "product", "type": "relation", "collection": "products"},
        {"name": "quantity", "type": "number", "format": "integer", "default": 2},
        {"name": "owner", "type": "relation", "collection": "users", "default": {"expression": "auth.id"}, "read_only": true},
        {"name": "made", "type": "datetime", "default": {"expression": "now"}},
        {"name": "until", "type": "datetime", "default": {"expression": "now + duration(\"24h\")"}},
        {"name": "price", "type": "number", "required": true, "max": 100, "default": {"expression": "product.price"}},
        {"name": "title", "type": "text", "default": {"expression": "product.title"}},
        {"name": "left", "type": "number", "format": "integer", "default": {"expression": "product.left"}},
        {"name": "open", "type": "bool", "default": {"expression": "product.open"}},
        {"name": "due", "type": "datetime", "default": {"expression": "product.due"}},
        {"name": "cost", "type": "number", "default": {"expression": "product.cost"}},
        {"name": "total", "type": "number", "default": {"expression": "product.price * quantity"}},
        {"name": "many", "type": "bool", "default": {"expression": "quantity > 1"}}
    ]);
    kit.open("lines", fields).await;
    let due = "2026-05-01T00:00:00.000000Z";
    let product = kit.made("products", json!({"title": "T'é", "price": 12.5, "left": 9_007_199_254_740_991_i64, "open": true, "due": due, "cost": 0.1})).await;
    let made = kit
        .create(
            &at(u(), "2026-04-01T00:00:00Z"),
            "lines",
            json!({"product": product}),
        )
        .await
        .unwrap();
    for (name, want) in json!({"owner": U, "made": "2026-04-01T00:00:00.000000Z", "until": "2026-04-02T00:00:00.000000Z", "price": 12.5, "title": "T'é", "left": 9_007_199_254_740_991_i64, "open": true, "due": due, "cost": 0.1, "total": 25, "quantity": 2, "many": true}).as_object().unwrap() {
        assert_eq!(made[name], *want, "{name}");
    }
    // What is sent stands, and is what other defaults see.
    let sent = kit
        .create(
            &key(),
            "lines",
            json!({"product": product, "quantity": 1, "price": 3, "owner": null}),
        )
        .await
        .unwrap();
    assert_eq!(
        (
            &sent["price"],
            &sent["total"],
            &sent["many"],
            &sent["owner"],
            &sent["made"]
        ),
        (
            &json!(3),
            &json!(12.5),
            &json!(false),
            &Json::Null,
            &json!(crate::kit::now().to_string())
        )
    );
    assert_eq!(
        kit.create(&anon(), "lines", json!({"product": product}))
            .await
            .unwrap()["owner"],
        Json::Null
    );
    // Nothing where there is nothing; and the value is checked as if it had been sent.
    assert_eq!(
        faults(kit.create(&u(), "lines", json!({})).await),
        (Code::ValidationFailed, vec!["/price".into()])
    );
    let dear = kit.made("products", json!({"price": 101})).await;
    assert_eq!(
        faults(kit.create(&u(), "lines", json!({"product": dear})).await),
        (Code::ValidationFailed, vec!["/price".into()])
    );
    // Who may not make it learns nothing of the product.
    kit.rules("lines", json!({"create": "owner == auth.id && price < 50"}))
        .await
        .unwrap();
    kit.create(&u(), "lines", json!({"product": product}))
        .await
        .unwrap();
    for (asker, record) in [
        (anon(), json!({"product": dear})),
        (u(), json!({})),
        (u(), json!({"product": dear})),
    ] {
        assert_eq!(
            code(kit.create(&asker, "lines", record).await),
            Code::RuleDenied
        );
    }
    // A batch computes by what it has made itself.
    let new = "01990000-0000-7000-8000-00000000000a";
    let done = kit.batch(&u(), json!([{"op": "create", "collection": "products", "id": new, "data": {"price": 7}}, {"op": "create", "collection": "lines", "data": {"product": new}}])).await.unwrap();
    assert_eq!(done[1]["record"]["price"], 7);
}

async fn defaults_must_resolve(kit: &Kit) {
    kit.open("products", json!([{"name": "title", "type": "text"}]))
        .await;
    let with = |kind: &str, text: &str| json!({"name": "lines", "fields": [{"name": "product", "type": "relation", "collection": "products"}, {"name": "n", "type": "number", "format": "integer"}, {"name": "x", "type": kind, "default": {"expression": text}}]});
    for (kind, text) in [
        ("number", "product.title"),
        ("text", "product.nothing"),
        ("text", "nothing"),
        ("text", "n"),
        ("bool", "n"),
        ("datetime", "auth.id"),
        ("text", "product.title.x"),
        ("text", ""),
        ("text", "'a' +"),
        ("text", "params.x"),
        ("text", "null"),
    ] {
        assert_eq!(
            faults(kit.try_collection(with(kind, text)).await),
            (Code::ValidationFailed, vec!["/fields/2/default".into()]),
            "{kind} {text}"
        );
    }
    for default in [
        json!({"expression": 7}),
        json!({"expression": "n", "more": 1}),
        json!({}),
        json!([1]),
    ] {
        let bad = json!({"name": "lines", "fields": [{"name": "n", "type": "number", "default": default}]});
        assert_eq!(
            faults(kit.try_collection(bad).await),
            (Code::ValidationFailed, vec!["/fields/0/default".into()])
        );
    }
    kit.collection(json!({"name": "lines", "fields": [{"name": "x", "type": "number", "format": "integer", "default": {"expression": "size(collection(\"products\"))"}}]})).await;
    // What a default names stays.
    assert_eq!(
        faults(
            kit.data
                .delete_collection(&kit.project, &key(), "products", Some("delete:products"))
                .await
                .map_err(Into::into)
        ),
        (Code::Referenced, vec!["/lines/x/default".into()])
    );
}
