//! Changes of collections that are sent again with the same idempotency key: done once, answered alike.

use crate::http::call;
use crate::kit::{Kit, anon, both, key};
use serde_json::{Value as Json, json};

both!(
    a_change_is_done_once,
    what_is_refused_or_tried_is_not_kept,
    many_send_the_same_change_at_once,
    a_collection_is_made_once,
);

const POSTS: &str = "/v1/collections/posts";

async fn posts(kit: &Kit) {
    let fields = json!([{"name": "a", "type": "text"}, {"name": "n", "type": "number", "format": "integer"}]);
    kit.open("posts", fields).await;
    kit.made("posts", json!({"a": "x", "n": 1})).await;
}

async fn send(kit: &Kit, method: &str, path: &str, body: &Json, once: &str) -> (u16, Json) {
    let headers = [("idempotency-key", once)];
    let reply = call(kit, &key(), method, path, Some(body.clone()), &headers).await;
    (reply.status, reply.json())
}

/// Kept changes of the schema, those of this collection.
async fn versions(kit: &Kit) -> i64 {
    kit.number(r#"SELECT count(*) AS n FROM "project"."_schema_versions""#)
        .await
}

async fn a_change_is_done_once(kit: &Kit) {
    posts(kit).await;
    let before = versions(kit).await;
    // By its second try neither the collection nor the field has the name that it is called by.
    let change = json!({"name": "notes", "fields": {"rename": {"a": "b"}, "drop": ["n"]}, "confirm": ["drop:n"]});
    let first = send(kit, "PATCH", POSTS, &change, "0123456789abcdef").await;
    assert_eq!((first.0, &first.1["name"]), (200, &json!("notes")));
    let again = send(kit, "PATCH", POSTS, &change, "0123456789abcdef").await;
    assert_eq!(again, first);
    assert_eq!(versions(kit).await, before + 1);
    // Another change with this key, and this change with another key.
    let other = json!({"fields": {"rename": {"a": "c"}}});
    let refused = send(kit, "PATCH", POSTS, &other, "0123456789abcdef").await;
    assert_eq!(
        (refused.0, &refused.1["code"]),
        (422, &json!("idempotency_mismatch"))
    );
    let refused = send(kit, "PATCH", POSTS, &change, "0123456789abcdee").await;
    assert_eq!(
        (refused.0, &refused.1["code"]),
        (404, &json!("collection_not_found"))
    );
    assert_eq!(kit.values(&anon(), "notes", "b", &[]).await, ["x"]);
}

async fn what_is_refused_or_tried_is_not_kept(kit: &Kit) {
    posts(kit).await;
    let once = "0123456789abcdef";
    let mut change = json!({"fields": {"drop": ["n"]}});
    let refused = send(kit, "PATCH", POSTS, &change, once).await;
    assert_eq!(
        (refused.0, &refused.1["code"]),
        (409, &json!("confirmation_required"))
    );
    change["confirm"] = json!(["drop:n"]);
    change["dry_run"] = true.into();
    let tried = send(kit, "PATCH", POSTS, &change, once).await;
    assert_eq!((tried.0, &tried.1["dry_run"]), (200, &json!(true)));
    change["dry_run"] = false.into();
    let done = send(kit, "PATCH", POSTS, &change, once).await;
    assert_eq!(
        (done.0, done.1["fields"].as_array().unwrap().len()),
        (200, 1)
    );
}

async fn many_send_the_same_change_at_once(kit: &Kit) {
    posts(kit).await;
    let before = versions(kit).await;
    let change = json!({"fields": {"rename": {"a": "b"}, "add": [{"name": "c", "type": "text"}]}});
    let all = (0..8).map(|_| send(kit, "PATCH", POSTS, &change, "0123456789abcdef"));
    let all = futures_util::future::join_all(all).await;
    let done: Vec<&Json> = all.iter().filter(|a| a.0 == 200).map(|a| &a.1).collect();
    assert!(
        !done.is_empty() && done.iter().all(|body| *body == done[0]),
        "{all:?}"
    );
    // Who came too early is told to come again, and nobody anything else.
    assert!(
        all.iter()
            .all(|(status, body)| *status == 200 || body["code"] == "in_flight" || *status == 503),
        "{all:?}"
    );
    assert_eq!(versions(kit).await, before + 1);
}

async fn a_collection_is_made_once(kit: &Kit) {
    let definition = json!({"name": "posts", "fields": [{"name": "a", "type": "text"}]});
    let make = || {
        send(
            kit,
            "POST",
            "/v1/collections",
            &definition,
            "0123456789abcdef",
        )
    };
    let (first, again) = (make().await, make().await);
    assert_eq!((first.0, &again), (201, &first));
    let mut other = definition.clone();
    other["name"] = "notes".into();
    let refused = send(kit, "POST", "/v1/collections", &other, "0123456789abcdef").await;
    assert_eq!(
        (refused.0, &refused.1["code"]),
        (422, &json!("idempotency_mismatch"))
    );
}
