//! The development inbox: what was delivered, or would have been, while the project is in development.

use crate::kit::{Kit, U, V, both, key, session, user};
use serde_json::{Value, json};
use std::time::Duration;

both!(
    every_recipient_is_there_with_its_outcome,
    without_development_nothing_is_kept,
    it_is_bounded_in_number_and_in_time,
);

const INBOX: &str = "/v1/push/inbox?limit=1000&count=exact";

async fn inbox(kit: &Kit) -> Vec<Value> {
    let page = kit.get(&key(), INBOX).await.expect(200).json();
    let items = page["items"].as_array().unwrap().clone();
    assert_eq!(page["total"], json!(items.len()));
    items
}

async fn every_recipient_is_there_with_its_outcome(kit: &Kit) {
    kit.set_development(true).await;
    let nobody = kernel::Ids.new_id();
    let mut devices = Vec::new();
    for (path, status) in [("/a", 201), ("/b", 403), ("/c", 410), ("/d", 503)] {
        devices.push(kit.register(&user(U), path).await);
        kit.service.status(path, status);
    }
    devices.push(kit.register(&user(V), "/e").await);
    kit.sessions.end(session(V));
    let to = json!({"users": [U, V, nobody]});
    let id = kit
        .send(json!({"to": to, "title": "t", "body": "b", "data": {"a": 1}}))
        .await;
    kit.run().await;
    let mut got: Vec<(Value, Value, Value)> = Vec::new();
    let payload = json!({"web_push": 8030, "notification": {"title": "t", "body": "b", "navigate": "/", "data": {"a": 1}, "tag": id}});
    for entry in inbox(kit).await {
        assert_eq!(
            (&entry["message"], &entry["payload"]),
            (&json!(id), &payload)
        );
        let user = if entry["device"].is_null() {
            nobody
        } else if entry["device"] == json!(devices[4]) {
            V
        } else {
            U
        };
        assert_eq!(entry["user"], json!(user));
        got.push((
            entry["device"].clone(),
            entry["outcome"].clone(),
            entry["reason"].clone(),
        ));
    }
    let mut want = vec![
        (json!(devices[0]), json!("sent"), Value::Null),
        (json!(devices[1]), json!("failed"), json!("http_403")),
        (json!(devices[2]), json!("pruned"), json!("gone")),
        (json!(devices[3]), json!("queued"), json!("http_503")),
        (json!(devices[4]), json!("pruned"), json!("signed_out")),
        (Value::Null, json!("skipped"), json!("no_device")),
    ];
    let order = |x: &(Value, Value, Value)| x.0.to_string();
    got.sort_by_key(order);
    want.sort_by_key(order);
    assert_eq!(got, want);
    let text = String::from_utf8(kit.get(&key(), INBOX).await.bytes).unwrap();
    for secret in [
        &kit.service.origin,
        &kit.browser.auth(),
        &kit.browser.p256dh(),
    ] {
        assert!(!text.contains(secret.as_str()));
    }
    // A dry run and a cancelled message are there too.
    let dry = kit
        .send(json!({"to": {"devices": [devices[0]]}, "title": "dry", "dry_run": true}))
        .await;
    kit.run().await;
    let path = format!("/v1/push/messages/{id}/cancel");
    kit.call(&key(), actix_web::http::Method::POST, &path, None)
        .await
        .expect(200);
    let entries = inbox(kit).await;
    assert_eq!(
        (&entries[0]["message"], &entries[0]["reason"]),
        (&json!(dry), &json!("dry_run"))
    );
    let cancelled = entries
        .iter()
        .find(|e| e["device"] == json!(devices[3]))
        .unwrap();
    assert_eq!(cancelled["reason"], "cancelled");
    // An erased user leaves nothing behind.
    let push = kit.push.clone();
    let erase = async move |tx: &store::WriteTx| push.user_erased(tx, U).await;
    kit.db().write(erase).await.unwrap();
    assert!(inbox(kit).await.iter().all(|e| e["user"] != json!(U)));
}

async fn without_development_nothing_is_kept(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    kit.send(json!({"to": {"users": [U, V]}, "title": "t"}))
        .await;
    kit.run().await;
    assert_eq!(
        (inbox(kit).await.len(), kit.count("_push_inbox").await),
        (0, 0)
    );
    kit.set_development(true).await;
    kit.send_all("t").await;
    kit.run().await;
    assert_eq!(inbox(kit).await.len(), 1);
    // What was kept is not shown any more, and in the end removed.
    kit.set_development(false).await;
    assert_eq!(inbox(kit).await.len(), 0);
    kit.pass(Duration::from_secs(3_600));
    kit.run().await;
    assert_eq!(kit.count("_push_inbox").await, 0);
}

async fn it_is_bounded_in_number_and_in_time(kit: &Kit) {
    kit.set_development(true).await;
    let users: Vec<_> = (0..700).map(|_| kernel::Ids.new_id()).collect();
    let to = json!({"to": {"users": users}, "title": "t"});
    kit.send(to.clone()).await;
    kit.run().await;
    let last = kit.send(to).await;
    kit.run().await;
    let entries = inbox(kit).await;
    assert_eq!(entries.len(), 1_000);
    assert_eq!(
        entries
            .iter()
            .filter(|e| e["message"] == json!(last))
            .count(),
        700
    );
    kit.pass(Duration::from_secs(7 * 86_400 + 1));
    assert_eq!(inbox(kit).await.len(), 0);
    kit.run().await;
    assert_eq!(kit.count("_push_inbox").await, 0);
}
