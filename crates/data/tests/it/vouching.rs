//! No record vouches for itself: rules over other records are asked in the world before the write.

use crate::hop_rules::with_users;
use crate::kit::{Kit, U, V, both, code, faults, key, u, v};
use kernel::Code;
use serde_json::json;

both!(
    a_new_record_does_not_vouch_for_itself,
    a_change_does_not_vouch_for_itself,
    nor_within_a_batch,
);

const A: &str = "01990000-0000-7000-8000-00000000000a";

async fn members(kit: &Kit) {
    with_users(kit).await;
    let fields = json!([
        {"name": "user", "type": "relation", "collection": "users", "required": true},
        {"name": "team", "type": "text", "max": 50, "required": true},
        {"name": "role", "type": "text", "max": 50}
    ]);
    let indexes = json!([{"fields": ["user", "team"], "unique": true}]);
    let admin = "collection(\"members\").exists(m, m.user == auth.id && m.team == team && m.role == \"admin\")";
    let rules =
        json!({"list": "true", "view": "true", "create": admin, "update": admin, "delete": admin});
    kit.collection(
        json!({"name": "members", "fields": fields, "indexes": indexes, "rules": rules}),
    )
    .await;
}

async fn a_new_record_does_not_vouch_for_itself(kit: &Kit) {
    members(kit).await;
    let own = json!({"user": U, "team": "x", "role": "admin"});
    assert_eq!(
        code(kit.create(&u(), "members", own.clone()).await),
        Code::RuleDenied
    );
    assert_eq!(kit.list(&key(), "members", &[]).await.unwrap().len(), 0);
    kit.made("members", json!({"user": V, "team": "x", "role": "admin"}))
        .await;
    // The refused learn of no conflict either: this pair is taken.
    assert_eq!(
        code(
            kit.create(&u(), "members", json!({"user": V, "team": "x"}))
                .await
        ),
        Code::RuleDenied
    );
    kit.create(&v(), "members", own.clone()).await.unwrap();
    assert_eq!(
        faults(kit.create(&v(), "members", own).await),
        (Code::Duplicate, vec!["/team".into(), "/user".into()])
    );
    // Nor by a relation that leads to itself.
    let fields = json!([{"name": "owner", "type": "relation", "collection": "users"}]);
    kit.collection(json!({"name": "folders", "fields": fields}))
        .await;
    kit.change("folders", json!({"fields": {"add": [{"name": "parent", "type": "relation", "collection": "folders"}]}, "rules": {"create": "parent.owner == auth.id"}})).await.unwrap();
    let looped = json!({"id": A, "parent": A, "owner": U});
    assert_eq!(
        code(kit.create(&u(), "folders", looped).await),
        Code::RuleDenied
    );
}

async fn a_change_does_not_vouch_for_itself(kit: &Kit) {
    members(kit).await;
    let mine = kit
        .made(
            "members",
            json!({"user": U, "team": "mine", "role": "admin"}),
        )
        .await;
    let guest = kit
        .made(
            "members",
            json!({"user": V, "team": "mine", "role": "guest"}),
        )
        .await;
    kit.made(
        "members",
        json!({"user": V, "team": "theirs", "role": "admin"}),
    )
    .await;
    // One's own admin row moved into another team would make one its admin.
    assert_eq!(
        code(
            kit.merge(&u(), "members", &mine, json!({"team": "theirs"}))
                .await
        ),
        Code::RuleDenied
    );
    // A conflict in that team is nobody's business either.
    assert_eq!(
        code(
            kit.merge(&u(), "members", &guest, json!({"team": "theirs"}))
                .await
        ),
        Code::RuleDenied
    );
    assert_eq!(
        code(
            kit.merge(&v(), "members", &guest, json!({"role": "admin"}))
                .await
        ),
        Code::RuleDenied
    );
    kit.merge(&u(), "members", &guest, json!({"role": "admin"}))
        .await
        .unwrap();
    kit.merge(&v(), "members", &guest, json!({"team": "theirs"}))
        .await
        .map(|_| ())
        .unwrap_err();
    // With a rule that names the row after, too.
    let admin = "collection(\"members\").exists(m, m.user == auth.id && m.team == next.team && m.role == \"admin\")";
    kit.rules("members", json!({"update": admin}))
        .await
        .unwrap();
    assert_eq!(
        code(
            kit.merge(&u(), "members", &mine, json!({"team": "theirs"}))
                .await
        ),
        Code::RuleDenied
    );
    // And what holds before must hold after: who gives up the role cannot do it by the role.
    assert_eq!(
        code(
            kit.merge(&u(), "members", &mine, json!({"role": "guest"}))
                .await
        ),
        Code::RuleDenied
    );
}

/// Each operation is asked in the world that the earlier ones have left, which themselves were allowed.
async fn nor_within_a_batch(kit: &Kit) {
    members(kit).await;
    let own = json!({"user": U, "team": "x", "role": "admin"});
    let join = |op: &str| json!([{"op": op, "collection": "members", "id": A, "data": own}]);
    for op in ["create", "upsert"] {
        assert_eq!(
            code(kit.batch(&u(), join(op)).await),
            Code::RuleDenied,
            "{op}"
        );
    }
    kit.made("members", json!({"user": V, "team": "x", "role": "admin"}))
        .await;
    let third = "01990000-0000-7000-8000-0000000000cc";
    let done = kit
        .batch(
            &v(),
            json!([
                {"op": "create", "collection": "members", "id": A, "data": own},
                {"op": "upsert", "collection": "members", "id": third, "data": {"user": U, "team": "x2", "role": "admin"}}
            ]),
        )
        .await;
    assert_eq!(code(done), Code::RuleDenied);
    assert_eq!(kit.list(&key(), "members", &[]).await.unwrap().len(), 1);
}
