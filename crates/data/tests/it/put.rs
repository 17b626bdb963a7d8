//! PUT: a record is made or changed under its id, with its conditions, preferences and retries.

use crate::http::{Reply, call};
use crate::kit::{Kit, U, V, add_user, anon, both, key, u, v};
use data::Asker;
use futures_util::future::join_all;
use serde_json::{Value as Json, json};

both!(
    a_record_is_put,
    conditions_hold,
    what_cannot_be_seen_is_taken,
    puts_meet,
    retries_and_preferences,
);

const A: &str = "01990000-0000-7000-8000-00000000000a";
const B: &str = "01990000-0000-7000-8000-00000000000b";

async fn notes(kit: &Kit, template: &str) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "text", "type": "text", "required": true},
        {"name": "n", "type": "number", "format": "integer"}
    ]);
    let definition = json!({"name": "notes", "fields": fields, "template": template});
    kit.collection(definition).await;
}

async fn put(kit: &Kit, asker: &Asker, id: &str, data: Json, headers: &[(&str, &str)]) -> Reply {
    let path = format!("/v1/records/notes/{id}");
    call(kit, asker, "PUT", &path, Some(data), headers).await
}

async fn a_record_is_put(kit: &Kit) {
    notes(kit, "owner").await;
    let whole = json!({"id": A.to_uppercase(), "owner": U, "text": "1"});
    let made = put(kit, &u(), A, whole.clone(), &[]).await;
    assert_eq!((made.status, made.etag.as_deref()), (201, Some("\"1\"")));
    assert_eq!(
        (&made.json()["id"], &made.json()["text"]),
        (&json!(A), &json!("1"))
    );
    let changed = put(kit, &u(), &A.to_uppercase(), json!({"n": 2}), &[]).await;
    assert_eq!(
        (changed.status, changed.etag.as_deref()),
        (200, Some("\"2\""))
    );
    assert_eq!(
        (&changed.json()["n"], &changed.json()["text"]),
        (&json!(2), &json!("1"))
    );
    let before = kit.dump(&["notes"]).await;
    for (id, data, want) in [
        // What is made must be whole.
        (B, json!({"owner": U}), (422, "validation_failed")),
        (A, json!({"text": null}), (422, "validation_failed")),
        // Operators are of merges alone.
        (
            A,
            json!({"n": {"increment": 1}}),
            (422, "validation_failed"),
        ),
        (A, json!({"id": B, "text": "x"}), (400, "readonly_field")),
        (
            A,
            json!({"created_at": "2026-01-01T00:00:00Z"}),
            (400, "readonly_field"),
        ),
        (A, json!({"nothing": 1}), (400, "unknown_field")),
        (B, json!({"owner": V, "text": "x"}), (403, "rule_denied")),
        ("x", json!({"owner": U, "text": "x"}), (400, "bad_request")),
        ("role:admin", json!({}), (400, "bad_request")),
        (
            "00000000-0000-0000-0000-000000000000",
            json!({}),
            (400, "bad_request"),
        ),
    ] {
        let reply = put(kit, &u(), id, data.clone(), &[]).await;
        assert_eq!(reply.fails(), (want.0, want.1.to_owned()), "{id} {data}");
    }
    assert_eq!(kit.dump(&["notes"]).await, before);
}

async fn conditions_hold(kit: &Kit) {
    notes(kit, "owner").await;
    let data = || json!({"owner": U, "text": "1"});
    let only_made = [("if-none-match", "*")];
    // Absent: only changed is refused, only made is done.
    for wanted in ["*", "\"1\""] {
        let reply = put(kit, &u(), A, data(), &[("if-match", wanted)]).await;
        assert_eq!(reply.fails(), (412, "precondition_failed".to_owned()));
    }
    assert_eq!(put(kit, &u(), A, data(), &only_made).await.status, 201);
    // There: the other way round.
    let before = kit.dump(&["notes"]).await;
    let refused = put(kit, &u(), A, data(), &only_made).await;
    assert_eq!(refused.fails(), (412, "precondition_failed".to_owned()));
    assert_eq!(
        put(kit, &u(), A, data(), &[("if-match", "\"2\"")])
            .await
            .status,
        412
    );
    let both = [("if-match", "*"), ("if-none-match", "*")];
    assert_eq!(put(kit, &u(), A, data(), &both).await.status, 412);
    assert_eq!(put(kit, &u(), B, data(), &both).await.status, 412);
    let tag = [("if-none-match", "\"1\"")];
    assert_eq!(
        put(kit, &u(), A, data(), &tag).await.fails(),
        (400, "bad_request".to_owned())
    );
    assert_eq!(kit.dump(&["notes"]).await, before);
    assert_eq!(
        put(kit, &u(), A, data(), &[("if-match", "\"1\"")])
            .await
            .etag
            .as_deref(),
        Some("\"2\"")
    );
}

async fn what_cannot_be_seen_is_taken(kit: &Kit) {
    notes(kit, "owner").await;
    put(kit, &u(), A, json!({"owner": U, "text": "1"}), &[]).await;
    let before = kit.dump(&["notes"]).await;
    for headers in [&[][..], &[("if-none-match", "*")]] {
        // To who might have made it the id is taken; to others there is nothing.
        let mine = put(kit, &v(), A, json!({"owner": V, "text": "2"}), headers).await;
        assert_eq!(mine.fails(), (409, "id_taken".to_owned()));
        let other = put(kit, &v(), A, json!({"owner": U, "text": "2"}), headers).await;
        let absent = put(kit, &v(), B, json!({"owner": U, "text": "2"}), headers).await;
        assert_eq!(
            (other.fails(), other.text),
            ((403, "rule_denied".to_owned()), absent.text)
        );
        assert_eq!(
            put(kit, &anon(), A, json!({"text": "2"}), headers)
                .await
                .status,
            403
        );
    }
    assert_eq!(kit.dump(&["notes"]).await, before);
}

async fn puts_meet(kit: &Kit) {
    notes(kit, "owner").await;
    let headers = [("if-none-match", "*")];
    let many = (0..8).map(|n| {
        let data = json!({"owner": U, "text": n.to_string()});
        async move { put(kit, &key(), A, data, &headers).await.status }
    });
    let mut all = join_all(many).await;
    all.sort_unstable();
    assert_eq!(all, [vec![201], vec![412; 7]].concat());
    let many = (0..8).map(|n| {
        let data = json!({"owner": U, "text": n.to_string()});
        async move { put(kit, &key(), B, data, &[]).await.status }
    });
    let mut all = join_all(many).await;
    all.sort_unstable();
    assert_eq!(all, [vec![200; 7], vec![201]].concat());
}

async fn retries_and_preferences(kit: &Kit) {
    notes(kit, "owner").await;
    let minimal = ("prefer", "return=minimal");
    let data = || json!({"owner": U, "text": "1"});
    let made = put(kit, &u(), A, data(), &[minimal]).await;
    assert_eq!(
        (made.status, made.text.as_str(), made.etag.as_deref()),
        (201, "", Some("\"1\""))
    );
    let changed = put(kit, &u(), A, data(), &[minimal]).await;
    assert_eq!(
        (
            changed.status,
            changed.text.as_str(),
            changed.etag.as_deref()
        ),
        (204, "", Some("\"2\""))
    );
    let retry = ("idempotency-key", "0123456789abcdef");
    let first = put(kit, &u(), B, data(), &[retry]).await;
    let again = put(kit, &u(), B, data(), &[retry]).await;
    assert_eq!((first.status, first.text), (again.status, again.text));
    // The condition belongs to the request.
    let other = put(kit, &u(), B, data(), &[retry, ("if-none-match", "*")]).await;
    assert_eq!(other.fails(), (422, "idempotency_mismatch".to_owned()));
}
