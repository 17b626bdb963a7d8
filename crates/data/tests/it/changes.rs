//! The change log: what each write leaves in it.

use crate::kit::{Kit, U, V, add_user, both, code, every_type, key, u};
use kernel::Code;
use sea_orm::QueryResult;
use serde_json::{Value as Json, json};

both!(
    writes_are_logged,
    witnesses_hold_what_rules_name,
    refusals_are_not_logged
);

fn text(row: &QueryResult, name: &str) -> String {
    row.try_get("", name).unwrap()
}

async fn log(kit: &Kit) -> Vec<(String, String, Json, Option<String>, Json)> {
    // Cast, so that SQLite gives the text and not what it declared.
    let (fields, witness) = (
        "CAST(fields AS text)",
        "COALESCE(CAST(witness AS text), 'null')",
    );
    let order = if kit.is_postgres() { "id" } else { "seq" };
    let sql = format!(
        r#"SELECT record, action, {fields} AS f, actor, {witness} AS w FROM "project"."_changes" WHERE collection = 'posts' ORDER BY {order}"#
    );
    let row = |r: &QueryResult| {
        let json = |name| serde_json::from_str(&text(r, name)).unwrap();
        (
            text(r, "record"),
            text(r, "action"),
            json("f"),
            r.try_get("", "actor").unwrap(),
            json("w"),
        )
    };
    kit.rows(&sql).await.iter().map(row).collect()
}

async fn writes_are_logged(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("posts", every_type()).await;
    let id = kit
        .create(&u(), "posts", json!({"title": "a"}))
        .await
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    kit.merge(&key(), "posts", &id, json!({"title": "b", "stock": 1}))
        .await
        .unwrap();
    kit.merge(&crate::kit::anon(), "posts", &id, json!({}))
        .await
        .unwrap();
    kit.delete(&u(), "posts", &id).await.unwrap();
    let user = Some(format!("user:{U}"));
    let key = Some("key:00000000-0000-0000-0000-000000000007".to_owned());
    let want = [
        (
            id.clone(),
            "create".into(),
            json!([]),
            user.clone(),
            Json::Null,
        ),
        (
            id.clone(),
            "update".into(),
            json!(["title", "stock"]),
            key,
            Json::Null,
        ),
        (id.clone(), "update".into(), json!([]), None, Json::Null),
        (id, "delete".into(), json!([]), user, Json::Null),
    ];
    assert_eq!(log(kit).await, want);
    // In their order, once each has its place in it.
    for _ in 0..200 {
        let changes = kit.db.changes(0, 100).await.unwrap();
        if changes.iter().filter(|c| c.collection == "posts").count() == 4 {
            let actions: Vec<&str> = changes
                .iter()
                .filter(|c| c.collection == "posts")
                .map(|c| c.action.as_str())
                .collect();
            assert_eq!(actions, ["create", "update", "update", "delete"]);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the changes were not stamped");
}

async fn witnesses_hold_what_rules_name(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    kit.open("posts", every_type()).await;
    // Of list and view, not of the others, and of this collection only.
    kit.rules("posts", json!({"list": "open || owner.verified", "view": "due < now || title == 'x'", "update": "price != 9.0", "delete": "stock != 9"})).await.unwrap();
    let id = kit.made("posts", json!({"title": "a", "open": true, "owner": U, "due": "2026-01-01T00:00:00Z", "stock": 1, "price": 1.5})).await;
    kit.merge(
        &key(),
        "posts",
        &id,
        json!({"title": null, "open": false, "owner": V}),
    )
    .await
    .unwrap();
    kit.merge(&u(), "posts", &id, json!({"stock": 2}))
        .await
        .unwrap();
    kit.delete(&key(), "posts", &id).await.unwrap();
    let log = log(kit).await;
    assert_eq!(log[0].4, Json::Null);
    assert_eq!(
        log[1].4,
        json!({"due": "2026-01-01T00:00:00.000000Z", "open": true, "owner": U, "title": "a"})
    );
    let later =
        json!({"due": "2026-01-01T00:00:00.000000Z", "open": false, "owner": V, "title": null});
    assert_eq!((&log[2].4, &log[3].4), (&later, &later));
}

async fn refusals_are_not_logged(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let id = kit.made("posts", json!({})).await;
    kit.rules(
        "posts",
        json!({"create": null, "update": null, "delete": null}),
    )
    .await
    .unwrap();
    assert_eq!(
        code(kit.create(&u(), "posts", json!({})).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(kit.merge(&u(), "posts", &id, json!({})).await),
        Code::RuleDenied
    );
    assert_eq!(code(kit.delete(&u(), "posts", &id).await), Code::RuleDenied);
    assert!(
        kit.create(
            &key(),
            "posts",
            json!({"owner": "01990000-0000-7000-8000-0000000000ff"})
        )
        .await
        .is_err()
    );
    assert_eq!(log(kit).await.len(), 1);
}
