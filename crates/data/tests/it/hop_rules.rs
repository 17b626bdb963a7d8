//! Rules that look at other records, which the database answers.

use crate::kit::{Kit, U, V, add_user, anon, both, code, faults, u, v};
use kernel::Code;
use serde_json::json;

both!(
    rules_hop,
    rules_look_back,
    rules_look_elsewhere,
    conflicts_are_not_told_to_the_refused,
);
pub async fn with_users(kit: &Kit) {
    add_user(kit, U, Some("u@example.com")).await;
    add_user(kit, V, Some("v@example.com")).await;
}

async fn rules_hop(kit: &Kit) {
    with_users(kit).await;
    kit.open("teams", json!([{"name": "name", "type": "text"}, {"name": "lead", "type": "relation", "collection": "users"}])).await;
    kit.collection(json!({"name": "notes", "fields": [{"name": "team", "type": "relation", "collection": "teams"}, {"name": "text", "type": "text"}]})).await;
    let rule = "team.lead == auth.id";
    kit.rules(
        "notes",
        json!({"list": rule, "view": rule, "create": rule, "update": rule, "delete": rule}),
    )
    .await
    .unwrap();
    // In a rule a hop is trusted, whatever the other collection shows.
    kit.rules("teams", json!({"list": null, "view": null}))
        .await
        .unwrap();
    let us = kit.made("teams", json!({"name": "us", "lead": U})).await;
    let them = kit.made("teams", json!({"name": "them", "lead": V})).await;
    let made = kit
        .create(&u(), "notes", json!({"team": us, "text": "a"}))
        .await
        .unwrap();
    assert_eq!(made["text"], "a");
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        code(kit.create(&u(), "notes", json!({"team": them})).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(kit.create(&u(), "notes", json!({})).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(kit.create(&anon(), "notes", json!({"team": us})).await),
        Code::RuleDenied
    );
    let theirs = kit.made("notes", json!({"team": them, "text": "b"})).await;
    assert_eq!(kit.values(&u(), "notes", "text", &[]).await, [json!("a")]);
    assert_eq!(
        code(kit.get(&u(), "notes", &theirs).await),
        Code::RecordNotFound
    );
    assert_eq!(
        code(
            kit.merge(&u(), "notes", &theirs, json!({"text": "x"}))
                .await
        ),
        Code::RecordNotFound
    );
    assert_eq!(
        code(kit.merge(&u(), "notes", id, json!({"team": them})).await),
        Code::RuleDenied
    );
    assert_eq!(
        kit.merge(&u(), "notes", id, json!({"text": "c"}))
            .await
            .unwrap()["text"],
        "c"
    );
    assert_eq!(
        code(kit.delete(&v(), "notes", id).await),
        Code::RecordNotFound
    );
    kit.delete(&u(), "notes", id).await.unwrap();
}

async fn rules_look_back(kit: &Kit) {
    with_users(kit).await;
    kit.open("docs", json!([{"name": "text", "type": "text"}]))
        .await;
    kit.open("shares", json!([{"name": "doc", "type": "relation", "collection": "docs"}, {"name": "user", "type": "relation", "collection": "users"}, {"name": "writes", "type": "bool"}])).await;
    let reads = "shares_via_doc.exists(s, s.user == auth.id)";
    let writes = "shares_via_doc.exists(s, s.user == auth.id && s.writes)";
    kit.rules("docs", json!({"list": reads, "view": reads, "update": writes, "delete": format!("!{reads} || {writes}")})).await.unwrap();
    let id = kit.made("docs", json!({"text": "a"})).await;
    kit.made("shares", json!({"doc": id, "user": U, "writes": true}))
        .await;
    kit.made("shares", json!({"doc": id, "user": V, "writes": false}))
        .await;
    assert_eq!(kit.list(&v(), "docs", &[]).await.unwrap().len(), 1);
    assert_eq!(kit.list(&anon(), "docs", &[]).await.unwrap().len(), 0);
    assert_eq!(
        kit.merge(&u(), "docs", &id, json!({"text": "b"}))
            .await
            .unwrap()["text"],
        "b"
    );
    assert_eq!(
        code(kit.merge(&v(), "docs", &id, json!({"text": "c"})).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(kit.merge(&anon(), "docs", &id, json!({"text": "c"})).await),
        Code::RecordNotFound
    );
    assert_eq!(code(kit.delete(&v(), "docs", &id).await), Code::RuleDenied);
    // `!exists` does not let in who has no id at all.
    assert_eq!(
        code(kit.delete(&anon(), "docs", &id).await),
        Code::RecordNotFound
    );
}

async fn rules_look_elsewhere(kit: &Kit) {
    with_users(kit).await;
    kit.open("members", json!([{"name": "user", "type": "relation", "collection": "users"}, {"name": "room", "type": "text"}])).await;
    kit.open(
        "messages",
        json!([{"name": "room", "type": "text"}, {"name": "text", "type": "text"}]),
    )
    .await;
    let member = "collection(\"members\").exists(m, m.user == auth.id && m.room == room)";
    kit.rules("messages", json!({"list": member, "view": member, "create": member, "update": format!("{member} && next.room == room"), "delete": null})).await.unwrap();
    kit.made("members", json!({"user": U, "room": "a"})).await;
    let made = kit
        .create(&u(), "messages", json!({"room": "a", "text": "hi"}))
        .await
        .unwrap();
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        code(kit.create(&u(), "messages", json!({"room": "b"})).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(kit.create(&u(), "messages", json!({})).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(kit.create(&v(), "messages", json!({"room": "a"})).await),
        Code::RuleDenied
    );
    kit.merge(&u(), "messages", id, json!({"text": "ho"}))
        .await
        .unwrap();
    assert_eq!(
        code(kit.merge(&u(), "messages", id, json!({"room": "b"})).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(kit.merge(&v(), "messages", id, json!({"text": "x"})).await),
        Code::RecordNotFound
    );
    assert_eq!(
        code(kit.delete(&u(), "messages", id).await),
        Code::RuleDenied
    );
    assert_eq!(kit.list(&v(), "messages", &[]).await.unwrap().len(), 0);
    assert_eq!(kit.list(&u(), "messages", &[]).await.unwrap().len(), 1);
    // At most so many: asked before the new row is there.
    kit.rules(
        "messages",
        json!({"create": "size(collection(\"messages\")) < 2"}),
    )
    .await
    .unwrap();
    kit.create(&v(), "messages", json!({})).await.unwrap();
    assert_eq!(
        code(kit.create(&v(), "messages", json!({})).await),
        Code::RuleDenied
    );
}

/// Who may not write is not told whether a value or an id is taken, or a record there.
async fn conflicts_are_not_told_to_the_refused(kit: &Kit) {
    with_users(kit).await;
    let fields = json!([{"name": "slug", "type": "text", "max": 50, "unique": true}, {"name": "owner", "type": "relation", "collection": "users"}]);
    kit.open("posts", fields).await;
    kit.open(
        "members",
        json!([{"name": "user", "type": "relation", "collection": "users"}]),
    )
    .await;
    let taken = kit
        .made("posts", json!({"slug": "taken", "owner": V}))
        .await;
    let nowhere = "01990000-0000-7000-8000-0000000000ff";
    let conflicts = [
        json!({"slug": "taken"}),
        json!({"id": taken}),
        json!({"owner": nowhere}),
        json!({"slug": "free"}),
    ];
    for rule in [
        json!(null),
        json!("owner == auth.id && slug != null"),
        json!("collection(\"members\").exists(m, m.user == auth.id)"),
    ] {
        kit.rules(
            "posts",
            json!({"create": rule, "update": rule, "view": rule}),
        )
        .await
        .unwrap();
        for record in &conflicts {
            assert_eq!(
                code(kit.create(&u(), "posts", record.clone()).await),
                Code::RuleDenied,
                "{rule} {record}"
            );
        }
        for record in [&conflicts[0], &conflicts[2]] {
            assert_eq!(
                code(kit.merge(&u(), "posts", &taken, record.clone()).await),
                Code::RecordNotFound,
                "{rule} {record}"
            );
        }
    }
    let other = kit
        .made("posts", json!({"slug": "other", "owner": V}))
        .await;
    kit.rules("posts", json!({"view": null, "update": "collection(\"members\").exists(m, m.user == auth.id && next.owner == m.user)"})).await.unwrap();
    assert_eq!(
        code(
            kit.merge(&u(), "posts", &other, json!({"slug": "taken"}))
                .await
        ),
        Code::RecordNotFound
    );
    // Who may write is told.
    kit.made("members", json!({"user": U})).await;
    kit.rules(
        "posts",
        json!({"create": "collection(\"members\").exists(m, m.user == auth.id)"}),
    )
    .await
    .unwrap();
    assert_eq!(
        faults(kit.create(&u(), "posts", json!({"slug": "taken"})).await),
        (Code::Duplicate, vec!["/slug".into()])
    );
    assert_eq!(
        faults(
            kit.merge(&u(), "posts", &other, json!({"slug": "taken", "owner": U}))
                .await
        ),
        (Code::Duplicate, vec!["/slug".into()])
    );
}
