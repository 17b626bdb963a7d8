//! Fields and indexes that are added to collections with records, and the options of fields.

use crate::files::put;
use crate::kit::{Kit, U, V, add_user, anon, at, both, code, faults, key, u, v};
use kernel::Code;
use serde_json::{Value as Json, json};
use uuid::Uuid;

both!(
    records_that_are_there_get_the_default,
    what_cannot_be_added,
    indexes_are_added,
    users_get_fields_too,
    others_see_what_is_added,
    only_keys_write_what_is_read_only,
    what_is_written_once_stays,
    choices_are_kept,
    defaults_are_computed,
    defaults_must_resolve,
    files_are_held,
    files_go_with_their_records,
    files_are_expanded,
    files_are_read_as_their_fields,
);

async fn records_that_are_there_get_the_default(kit: &Kit) {
    kit.open("posts", json!([{"name": "title", "type": "text"}]))
        .await;
    let old = kit.made("posts", json!({"title": "old"})).await;
    let odd = "it's \\ \"project\".\"posts\" é ? $1 \u{1F600}";
    let added = json!([
        {"name": "a", "type": "text", "required": true, "default": odd},
        {"name": "b", "type": "number", "format": "integer", "min": 1, "max": 9, "required": true, "default": 3},
        {"name": "c", "type": "number", "default": -1.5},
        {"name": "d", "type": "bool", "required": true, "default": true},
        {"name": "e", "type": "datetime", "default": "2026-01-01T00:00:00+01:00"},
        {"name": "f", "type": "select", "values": ["x", "y"], "default": "y"},
        {"name": "g", "type": "relation", "collection": "posts"},
        {"name": "h", "type": "text", "max": 50, "unique": true},
        {"name": "i", "type": "text"}
    ]);
    let version = kit.data.schema(&kit.project).await.unwrap().version;
    let view = kit
        .change(
            "posts",
            json!({"fields": {"add": added}, "rules": {"delete": null}}),
        )
        .await
        .unwrap();
    assert_eq!(view["fields"].as_array().unwrap().len(), 10);
    assert_eq!(view["rules"]["delete"], Json::Null);
    assert!(kit.data.schema(&kit.project).await.unwrap().version > version);
    let filled = json!({"a": odd, "b": 3, "c": -1.5, "d": true, "e": "2025-12-31T23:00:00.000000Z", "f": "y", "g": null, "h": null, "i": null});
    let old_now = kit.get(&anon(), "posts", &old).await.unwrap();
    for (name, want) in filled.as_object().unwrap() {
        assert_eq!(old_now[name], *want, "{name}");
    }
    assert_eq!(old_now["_version"], 1);
    let new = kit
        .create(&anon(), "posts", json!({"g": old, "h": "h"}))
        .await
        .unwrap();
    assert_eq!((&new["a"], &new["g"]), (&json!(odd), &json!(old)));
    let same = kit
        .list(
            &anon(),
            "posts",
            &[("filter", "b == 3 && d && f == 'y' && c < 0")],
        )
        .await
        .unwrap();
    assert_eq!(same.len(), 2);
    assert_eq!(
        faults(
            kit.merge(&anon(), "posts", &old, json!({"b": {"increment": 9}}))
                .await
        ),
        (Code::ValidationFailed, vec!["/b".into()])
    );
    assert_eq!(
        code(kit.create(&anon(), "posts", json!({"h": "h"})).await),
        Code::Duplicate
    );
    assert_eq!(
        code(kit.delete(&key(), "posts", &old).await),
        Code::Referenced
    );
    // Another process reads what is stored.
    let other = kit.another().await;
    assert_eq!(
        other
            .data
            .get_collection(&other.project, "posts")
            .await
            .unwrap()
            .view(),
        view
    );
    assert_eq!(other.get(&anon(), "posts", &old).await.unwrap(), old_now);
}

async fn what_cannot_be_added(kit: &Kit) {
    kit.open(
        "posts",
        json!([{"name": "title", "type": "text", "max": 50}]),
    )
    .await;
    kit.made("posts", json!({})).await;
    let before = kit.dump(&["posts"]).await;
    let cases = [
        (
            json!({"name": "title", "type": "text"}),
            "/fields/add/0/name",
        ),
        (json!({"name": "id", "type": "text"}), "/fields/add/0/name"),
        (
            json!({"name": "x\";--", "type": "text"}),
            "/fields/add/0/name",
        ),
        (
            json!({"name": "a", "type": "text", "required": true}),
            "/fields/add/0/default",
        ),
        (
            json!({"name": "a", "type": "text", "required": true, "default": {"expression": "title"}}),
            "/fields/add/0/default",
        ),
        (
            json!({"name": "a", "type": "text", "max": 9, "unique": true, "default": "x"}),
            "/fields/add/0/unique",
        ),
        (
            json!({"name": "a", "type": "relation", "collection": "posts", "required": true}),
            "/fields/add/0/required",
        ),
        (
            json!({"name": "a", "type": "relation", "collection": "nothing"}),
            "/fields/add/0/collection",
        ),
        (
            json!({"name": "a", "type": "file", "bucket": "nothing"}),
            "/fields/add/0/bucket",
        ),
        (
            json!({"name": "a", "type": "file", "bucket": "posters", "default": U}),
            "/fields/add/0/default",
        ),
        (
            json!({"name": "a", "type": "select", "values": []}),
            "/fields/add/0/values",
        ),
        (
            json!({"name": "a", "type": "select", "values": ["x"], "default": "y"}),
            "/fields/add/0/default",
        ),
        (
            json!({"name": "a", "type": "number", "default": {"expression": "titel"}}),
            "/fields/add/0/default",
        ),
        (
            json!({"name": "a", "type": "text", "fly": 1}),
            "/fields/add/0/fly",
        ),
    ];
    for (field, path) in cases {
        assert_eq!(
            faults(
                kit.change("posts", json!({"fields": {"add": [field]}}))
                    .await
            )
            .1,
            [path.to_owned()],
            "{field}"
        );
    }
    for change in [
        json!({"fields": {"drop": ["title"]}}),
        json!({"fields": {"change": []}}),
        json!({"fields": {"add": {}}}),
        json!({"fields": {"add": [7]}}),
        json!({"indexes": {"add": [{"fields": ["none"]}]}}),
        json!({"name": "other"}),
        json!({"fields": {"add": [{"name": "b", "type": "text", "max": 5000, "unique": true}]}}),
    ] {
        assert!(
            kit.change("posts", change.clone()).await.is_err(),
            "{change}"
        );
    }
    // A rule over the added field that does not resolve keeps all of it away.
    let both = json!({"fields": {"add": [{"name": "n", "type": "number"}]}, "rules": {"list": "n == \"text\""}});
    assert_eq!(
        faults(kit.change("posts", both).await),
        (Code::InvalidRule, vec!["/rules/list".into()])
    );
    let many: Vec<Json> = (0..196)
        .map(|n| json!({"name": format!("f{n}"), "type": "bool"}))
        .collect();
    assert_eq!(
        faults(kit.change("posts", json!({"fields": {"add": many}})).await).1,
        ["/fields/add".to_owned()]
    );
    assert_eq!(kit.dump(&["posts"]).await, before);
}

async fn indexes_are_added(kit: &Kit) {
    kit.open(
        "posts",
        json!([{"name": "a", "type": "text", "max": 50}, {"name": "b", "type": "text", "max": 50}]),
    )
    .await;
    for (a, b) in [("1", "1"), ("1", "2")] {
        kit.made("posts", json!({"a": a, "b": b})).await;
    }
    let add = |fields: &[&str], unique: bool| json!({"indexes": {"add": [{"fields": fields, "unique": unique}]}});
    let problem = kit.change("posts", add(&["a"], true)).await.unwrap_err();
    assert_eq!(
        (
            problem.field_errors()[0].path.as_str(),
            problem.field_errors()[0].code
        ),
        ("/indexes/add/0", "not_unique")
    );
    kit.change("posts", add(&["a"], false)).await.unwrap();
    kit.change("posts", add(&["a", "b"], true)).await.unwrap();
    assert_eq!(
        faults(kit.change("posts", add(&["a"], false)).await).1,
        ["/indexes/add/0".to_owned()]
    );
    assert_eq!(
        faults(
            kit.create(&anon(), "posts", json!({"a": "1", "b": "2"}))
                .await
        ),
        (Code::Duplicate, vec!["/a".into(), "/b".into()])
    );
    // With a field of the same change.
    let both = json!({"fields": {"add": [{"name": "c", "type": "number"}]}, "indexes": {"add": [{"fields": ["c", "created_at"]}]}});
    assert_eq!(
        kit.change("posts", both).await.unwrap()["indexes"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

async fn users_get_fields_too(kit: &Kit) {
    add_user(kit, U, Some("u@example.com")).await;
    let added = json!([
        {"name": "name", "type": "text", "max": 50},
        {"name": "avatar", "type": "file", "bucket": "avatars"},
        {"name": "points", "type": "number", "format": "integer", "required": true, "default": 5, "read_only": true},
        {"name": "since", "type": "datetime", "default": {"expression": "now"}, "read_only": true},
        {"name": "label", "type": "text", "default": {"expression": "name"}, "write_once": true}
    ]);
    let change = json!({"fields": {"add": added}, "indexes": {"add": [{"fields": ["name"]}]}});
    kit.change("users", change).await.unwrap();
    let id = U.to_string();
    let me = kit.get(&u(), "users", &id).await.unwrap();
    assert_eq!(
        (&me["points"], &me["name"], &me["email"]),
        (&json!(5), &Json::Null, &json!("u@example.com"))
    );
    let face = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0f01);
    put(kit, face, "avatars", Some(U)).await;
    let me = kit
        .merge(&u(), "users", &id, json!({"name": "U", "avatar": face}))
        .await
        .unwrap();
    assert_eq!(me["avatar"], json!(face));
    assert_eq!(
        code(kit.merge(&u(), "users", &id, json!({"points": 9})).await),
        Code::ReadonlyField
    );
    for taken in ["email", "password", "verified", "name"] {
        let change = json!({"fields": {"add": [{"name": taken, "type": "text"}]}});
        assert_eq!(
            code(kit.change("users", change).await),
            Code::ValidationFailed,
            "{taken}"
        );
    }
    // Who signs up cannot send what only keys write, and gets the defaults.
    let data = kit.data.clone();
    let profile = |json: Json| crate::kit::object(json);
    assert_eq!(
        code(
            data.check_user(&kit.project, &profile(json!({"points": 9})))
                .await
                .map_err(Into::into)
        ),
        Code::ReadonlyField
    );
    assert_eq!(
        code(
            data.check_user(&kit.project, &profile(json!({"points": 9, "x": 1})))
                .await
                .map_err(Into::into)
        ),
        Code::UnknownField
    );
    let new = data::NewUser {
        id: V,
        email: Some("v@example.com".to_owned()),
        profile: profile(json!({"name": "Vi"})),
        now: crate::kit::now(),
        actor: None,
    };
    let stranger = data::NewUser {
        id: Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0f0f),
        email: None,
        profile: profile(json!({"avatar": face})),
        ..new.clone()
    };
    let sign_up = async |new: data::NewUser| {
        let (data, project) = (kit.data.clone(), kit.project.clone());
        let job = async move |tx: &store::WriteTx| -> Result<data::User, data::DataError> {
            data.create_user(&project, tx, &new).await
        };
        kit.db.write(job).await.map_err(gate::Problem::from)
    };
    let user = sign_up(new).await.unwrap();
    let want = (
        &json!(5),
        &json!("Vi"),
        &json!(crate::kit::now().to_string()),
    );
    assert_eq!(
        (
            &user.view["points"],
            &user.view["label"],
            &user.view["since"]
        ),
        want
    );
    assert_eq!(
        faults(sign_up(stranger).await),
        (Code::ValidationFailed, vec!["/avatar".into()])
    );
    let other = kit.another().await;
    assert_eq!(other.get(&u(), "users", &id).await.unwrap()["name"], "U");
}

/// Another node writes by the schema it knows until it looks again; what it makes meanwhile gets the default.
async fn others_see_what_is_added(kit: &Kit) {
    kit.open("posts", json!([{"name": "title", "type": "text"}]))
        .await;
    let other = kit.another().await;
    other
        .create(&anon(), "posts", json!({"title": "known"}))
        .await
        .unwrap();
    kit.change("posts", json!({"fields": {"add": [{"name": "n", "type": "number", "required": true, "default": 7}]}})).await.unwrap();
    let made = other
        .create(&anon(), "posts", json!({"title": "late"}))
        .await
        .unwrap();
    assert_eq!(
        kit.get(&anon(), "posts", made["id"].as_str().unwrap())
            .await
            .unwrap()["n"],
        7
    );
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(
        other
            .create(&anon(), "posts", json!({"n": 8}))
            .await
            .unwrap()["n"],
        8
    );
}

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
                .delete_collection(&kit.project, &key(), "products")
                .await
                .map_err(Into::into)
        ),
        (Code::Referenced, vec!["/lines/x/default".into()])
    );
}

async fn held(kit: &Kit) -> Vec<String> {
    kit.rows(r#"SELECT field || ' ' || file AS line FROM "project"."_held" ORDER BY 1"#)
        .await
        .iter()
        .map(|row| row.try_get("", "line").unwrap())
        .collect()
}

fn file(n: u128) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0f00 + n)
}

async fn with_posters(kit: &Kit) {
    add_user(kit, U, None).await;
    for n in 0..4 {
        put(kit, file(n), "posters", Some(U)).await;
    }
    put(kit, file(9), "avatars", Some(U)).await;
    kit.open("films", json!([{"name": "title", "type": "text", "max": 20, "unique": true}, {"name": "poster", "type": "file", "bucket": "posters"}, {"name": "still", "type": "file", "bucket": "posters"}])).await;
}

async fn files_are_held(kit: &Kit) {
    with_posters(kit).await;
    let made = kit
        .create(&u(), "films", json!({"poster": file(0)}))
        .await
        .unwrap();
    assert_eq!(made["poster"], json!(file(0)));
    let id = made["id"].as_str().unwrap();
    assert_eq!(held(kit).await, [format!("poster {}", file(0))]);
    // Absent, in another bucket, somebody else's: one and the same.
    let nowhere = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_dead);
    for (asker, file) in [
        (u(), nowhere),
        (u(), file(9)),
        (v(), file(1)),
        (anon(), file(1)),
        (key(), nowhere),
    ] {
        let refused = kit
            .create(&asker, "films", json!({"still": file}))
            .await
            .unwrap_err();
        assert_eq!(
            (
                refused.code(),
                refused.field_errors()[0].path.as_str(),
                refused.field_errors()[0].code
            ),
            (Code::ValidationFailed, "/still", "unknown_file")
        );
        assert_eq!(
            faults(
                kit.merge(&asker, "films", id, json!({"poster": file, "title": "x"}))
                    .await
            ),
            (Code::ValidationFailed, vec!["/poster".into()])
        );
    }
    assert_eq!(
        faults(kit.create(&u(), "films", json!({"poster": "x"})).await),
        (Code::ValidationFailed, vec!["/poster".into()])
    );
    assert_eq!(
        held(kit).await,
        [format!("poster {}", file(0))],
        "a refusal binds and frees nothing"
    );
    // The same file stays without being claimed again: somebody else may send it back.
    kit.merge(&v(), "films", id, json!({"poster": file(0), "title": "t"}))
        .await
        .unwrap();
    kit.merge(
        &u(),
        "films",
        id,
        json!({"poster": file(1), "still": {"set_if_absent": file(2)}}),
    )
    .await
    .unwrap();
    assert_eq!(
        held(kit).await,
        [format!("poster {}", file(1)), format!("still {}", file(2))]
    );
    kit.merge(
        &u(),
        "films",
        id,
        json!({"still": {"set_if_absent": file(3)}}),
    )
    .await
    .unwrap();
    kit.merge(&u(), "films", id, json!({"poster": null}))
        .await
        .unwrap();
    assert_eq!(held(kit).await, [format!("still {}", file(2))]);
    kit.merge(&key(), "films", id, json!({"poster": file(1)}))
        .await
        .unwrap();
    // What goes wrong later takes the files with it.
    assert_eq!(code(kit.batch(&u(), json!([{"op": "update", "collection": "films", "id": id, "data": {"poster": file(3)}}, {"op": "create", "collection": "films", "data": {"title": "t", "still": file(0)}}])).await), Code::Duplicate);
    assert_eq!(held(kit).await.len(), 2);
    let swap = json!([{"op": "update", "collection": "films", "id": id, "data": {"poster": null}}, {"op": "upsert", "collection": "films", "id": file(7), "data": {"poster": file(1)}}]);
    kit.batch(&u(), swap).await.unwrap();
    kit.delete(&u(), "films", id).await.unwrap();
    assert_eq!(held(kit).await, [format!("poster {}", file(1))]);
}

async fn files_go_with_their_records(kit: &Kit) {
    with_posters(kit).await;
    for n in 0..3 {
        kit.create(
            &u(),
            "films",
            json!({"title": format!("{n}"), "poster": file(n), "still": file(n)}),
        )
        .await
        .unwrap();
    }
    assert_eq!(held(kit).await.len(), 6);
    kit.data
        .delete_collection(&kit.project, &key(), "films")
        .await
        .unwrap();
    assert_eq!(held(kit).await, Vec::<String>::new());
}

async fn files_are_expanded(kit: &Kit) {
    with_posters(kit).await;
    kit.change("films", json!({"fields": {"add": [{"name": "next_film", "type": "relation", "collection": "films"}]}})).await.unwrap();
    let first = kit
        .create(
            &u(),
            "films",
            json!({"title": "1", "poster": file(0), "still": file(1)}),
        )
        .await
        .unwrap();
    let id = first["id"].as_str().unwrap();
    kit.create(
        &u(),
        "films",
        json!({"title": "2", "next_film": id, "poster": file(1)}),
    )
    .await
    .unwrap();
    let view = |n: u128| json!({"id": file(n), "bucket": "posters"});
    assert_eq!(
        kit.get_with(&anon(), "films", id, "expand=poster,still&fields=title")
            .await
            .unwrap(),
        json!({"title": "1", "expand": {"poster": view(0), "still": view(1)}})
    );
    let all = kit
        .list(
            &anon(),
            "films",
            &[
                ("expand", "poster,next_film,still"),
                ("sort", "title"),
                ("fields", "title,poster"),
            ],
        )
        .await
        .unwrap();
    assert_eq!(
        all[0],
        json!({"title": "1", "poster": file(0), "expand": {"poster": view(0), "next_film": null, "still": view(1)}})
    );
    assert_eq!(
        (
            &all[1]["expand"]["poster"],
            &all[1]["expand"]["still"],
            &all[1]["expand"]["next_film"]
        ),
        (&view(1), &Json::Null, &first)
    );
    // A file that is gone is null.
    kit.db
        .write(async |tx: &store::WriteTx| -> Result<(), data::DataError> {
            sea_orm::ConnectionTrait::execute_unprepared(
                tx,
                r#"DELETE FROM "project"."_shelf" WHERE bucket = 'posters'"#,
            )
            .await?;
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(
        kit.get_with(&anon(), "films", id, "expand=poster&fields=title")
            .await
            .unwrap(),
        json!({"title": "1", "expand": {"poster": null}})
    );
    // Files have no order.
    assert_eq!(
        code(kit.list(&anon(), "films", &[("sort", "poster")]).await),
        Code::InvalidSort
    );
    assert_eq!(
        kit.list(
            &anon(),
            "films",
            &[(
                "filter",
                &format!("poster == '{}' && still != null", file(0))
            )]
        )
        .await
        .unwrap()
        .len(),
        1
    );
}

async fn files_are_read_as_their_fields(kit: &Kit) {
    with_posters(kit).await;
    add_user(kit, V, None).await;
    let fields = json!([{"name": "owner", "type": "relation", "collection": "users"}, {"name": "scan", "type": "file", "bucket": "posters"}, {"name": "proof", "type": "file", "bucket": "posters", "hidden": true}]);
    kit.collection(json!({"name": "papers", "fields": fields, "template": "owner"}))
        .await;
    let id = kit
        .made(
            "papers",
            json!({"owner": U, "scan": file(0), "proof": file(1)}),
        )
        .await;
    let id = kernel::parse_id(&id).unwrap();
    let may = async |asker: data::Asker, collection: &str, id: Uuid, field: &str| {
        kit.data
            .may_read_field(&kit.project, &asker, collection, id, field)
            .await
            .unwrap()
    };
    assert!(may(u(), "papers", id, "scan").await);
    assert!(may(key(), "papers", id, "scan").await);
    assert!(may(key(), "papers", id, "proof").await);
    assert!(!may(v(), "papers", id, "scan").await);
    assert!(!may(anon(), "papers", id, "scan").await);
    assert!(!may(u(), "papers", id, "proof").await, "hidden");
    for (collection, id, field) in [
        ("nothing", id, "scan"),
        ("papers", file(3), "scan"),
        ("papers", id, "nothing"),
    ] {
        assert!(!may(key(), collection, id, field).await);
    }
}
