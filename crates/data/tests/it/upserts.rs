//! Upserts: the rules of making where the record is made, those of changing where it is there.

use crate::kit::{Kit, U, V, add_user, anon, both, code, every_type, faults, u, v};
use futures_util::future::join_all;
use kernel::Code;
use serde_json::{Value as Json, json};

both!(upserts_keep_the_rules, upserts_meet);

const A: &str = "01990000-0000-7000-8000-00000000000a";
const B: &str = "01990000-0000-7000-8000-00000000000b";

async fn upserts_keep_the_rules(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "code", "type": "text", "required": true, "write_once": true},
        {"name": "text", "type": "text"}
    ]);
    kit.collection(json!({"name": "notes", "fields": fields, "template": "owner"}))
        .await;
    let upsert = |id: &str, data: Json| json!([{"op": "upsert", "collection": "notes", "id": id, "data": data}]);
    let whole = json!({"owner": U, "code": "c", "text": "1"});
    assert_eq!(
        kit.batch(&u(), upsert(A, whole.clone())).await.unwrap()[0]["status"],
        201
    );
    assert_eq!(
        kit.batch(&u(), upsert(A, whole.clone())).await.unwrap()[0]["status"],
        200
    );
    let part = json!({"text": "2"});
    assert_eq!(
        kit.batch(&u(), upsert(A, part.clone())).await.unwrap()[0]["record"]["text"],
        "2"
    );
    // What is made must be whole; what can be written once stays.
    assert_eq!(
        faults(kit.batch(&u(), upsert(B, part.clone())).await),
        (
            Code::ValidationFailed,
            vec!["/operations/0/data/code".into()]
        )
    );
    assert_eq!(
        faults(
            kit.batch(&u(), upsert(A, json!({"owner": U, "code": "d"})))
                .await
        ),
        (Code::ReadonlyField, vec!["/operations/0/data/code".into()])
    );
    // Somebody else's: taken to who might make it, and nothing to who might not.
    assert_eq!(
        code(
            kit.batch(&v(), upsert(A, json!({"owner": V, "code": "c"})))
                .await
        ),
        Code::IdTaken
    );
    for id in [A, B] {
        assert_eq!(
            code(kit.batch(&v(), upsert(id, whole.clone())).await),
            Code::RuleDenied,
            "{id}"
        );
    }
    // Visible, and not to be changed.
    kit.rules("notes", json!({"view": "true"})).await.unwrap();
    assert_eq!(
        code(
            kit.batch(&v(), upsert(A, json!({"owner": V, "code": "c"})))
                .await
        ),
        Code::RuleDenied
    );
    let conditional = |id: &str, n: i64| json!([{"op": "upsert", "collection": "notes", "id": id, "data": whole, "if_match": n}]);
    assert_eq!(
        code(kit.batch(&u(), conditional(A, 9)).await),
        Code::PreconditionFailed
    );
    assert_eq!(
        code(kit.batch(&u(), conditional(B, 1)).await),
        Code::PreconditionFailed
    );
    assert_eq!(
        kit.batch(&u(), conditional(A, 3)).await.unwrap()[0]["status"],
        200
    );
}

/// Many make the same record at once: one makes it, the others change it.
async fn upserts_meet(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let asker = anon();
    let done = join_all((0..20).map(|n| {
        kit.batch(
            &asker,
            json!([{"op": "upsert", "collection": "posts", "id": A, "data": {"stock": n}}]),
        )
    }))
    .await;
    let statuses: Vec<Json> = done
        .into_iter()
        .map(|d| d.unwrap()[0]["status"].clone())
        .collect();
    assert_eq!(statuses.iter().filter(|s| **s == 201).count(), 1);
    assert_eq!(kit.get(&anon(), "posts", A).await.unwrap()["_version"], 20);
}
