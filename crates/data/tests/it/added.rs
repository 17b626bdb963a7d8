//! Fields and indexes that are added to collections with records.

use crate::files::put;
use crate::kit::{Kit, U, V, add_user, anon, both, code, faults, key, u};
use kernel::Code;
use serde_json::{Value as Json, json};
use uuid::Uuid;

both!(
    records_that_are_there_get_the_default,
    what_cannot_be_added,
    indexes_are_added,
    users_get_fields_too,
    others_see_what_is_added,
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
        json!({"fields": {"lift": ["title"]}}),
        json!({"fields": {"change": []}}),
        json!({"fields": {"add": {}}}),
        json!({"fields": {"add": [7]}}),
        json!({"indexes": {"add": [{"fields": ["none"]}]}}),
        json!({"name": "Other"}),
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
        email: Some("v@example.com".to_owned()),
        profile: profile(json!({"name": "Vi"})),
        ..data::NewUser::new(V, crate::kit::now())
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
