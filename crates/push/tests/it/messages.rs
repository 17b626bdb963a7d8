//! Sending: who gets what, how it looks on the wire, and what is told of it.

use crate::browser::Browser;
use crate::kit::{Kit, U, V, both, key, session, user};
use actix_web::http::Method;
use kernel::Ids;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

both!(
    a_message_reaches_its_audience_and_can_be_read,
    headers_are_those_of_the_standard,
    the_largest_message_fits,
    a_message_that_is_refused_leaves_nothing,
    a_retry_with_its_key_sends_once,
    a_dry_run_counts_and_sends_nothing,
    what_was_cancelled_is_not_sent,
    what_is_under_way_when_it_is_cancelled_is_counted_as_it_went,
    nobody_gets_what_was_for_somebody_else,
    nothing_is_sent_after_sign_out,
    sessions_that_cannot_be_asked_for_cost_nothing,
    messages_are_listed_newest_first,
    another_projects_messages_are_not_there,
    old_messages_are_removed,
);

async fn a_message_reaches_its_audience_and_can_be_read(kit: &Kit) {
    let (a, b) = (
        kit.register(&user(U), "/a").await,
        kit.register(&user(U), "/b").await,
    );
    let c = kit.register(&user(V), "/c").await;
    let nobody = Ids.new_id();
    for (to, paths, skipped) in [
        (json!({"users": [U]}), vec!["/a", "/b"], 0),
        (json!({"users": [V, U]}), vec!["/a", "/b", "/c"], 0),
        (json!({"users": [V, nobody]}), vec!["/c"], 1),
        (json!({"devices": [b]}), vec!["/b"], 0),
        (json!({"devices": [c, a, nobody]}), vec!["/a", "/c"], 1),
        (json!({"all": true}), vec!["/a", "/b", "/c"], 0),
    ] {
        let before = kit.service.count();
        let id = kit
            .send(json!({"to": to, "title": "Hällo", "body": "b", "url": "/o/1", "data": {"n": 1}}))
            .await;
        assert_eq!(kit.run().await, None);
        let came = kit.service.received().split_off(before);
        let mut got: Vec<&str> = came.iter().map(|r| r.path.as_str()).collect();
        got.sort_unstable();
        assert_eq!(got, paths, "{to}");
        let want = json!({"web_push": 8030, "notification": {
            "title": "Hällo", "body": "b", "navigate": "/o/1", "data": {"n": 1}, "tag": id}});
        assert!(came.iter().all(|r| kit.browser.read(&r.body) == want));
        let sent = i64::try_from(paths.len()).unwrap();
        assert_eq!(
            kit.state(id).await,
            ("done".to_owned(), [0, sent, 0, 0, skipped]),
            "{to}"
        );
    }
    assert_eq!(kit.count("_push_deliveries").await, 0);
    assert_eq!(kit.wakes(), 6);
}

async fn headers_are_those_of_the_standard(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    kit.send(json!({"to": {"all": true}, "title": "t"})).await;
    kit.run().await;
    let extra = json!({"to": {"all": true}, "title": "t", "ttl_seconds": 3600, "urgency": "very-low", "collapse_key": "order 1 ä"});
    for _ in 0..2 {
        kit.send(extra.clone()).await;
    }
    kit.pass(Duration::from_secs(100));
    kit.run().await;
    let came = kit.service.received();
    let plain = &came[0].headers;
    assert_eq!(
        (plain["ttl"].as_str(), plain["urgency"].as_str()),
        ("259200", "normal")
    );
    assert_eq!(plain["content-encoding"], "aes128gcm");
    assert_eq!(plain["content-type"], "application/octet-stream");
    assert!(plain["user-agent"].starts_with("galley/"));
    assert!(!plain.contains_key("topic") && !plain.contains_key("cookie"));
    let headers = &came[1].headers;
    // It waited here for a while.
    assert_eq!(
        (headers["ttl"].as_str(), headers["urgency"].as_str()),
        ("3500", "very-low")
    );
    let topic = &headers["topic"];
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    assert!(topic.len() == 32 && topic.chars().all(is_plain), "{topic}");
    assert_eq!(topic, &came[2].headers["topic"]);
    assert_eq!(
        kit.browser.read(&came[1].body)["notification"]["tag"],
        "order 1 ä"
    );
    // Each is encrypted with a key of its own.
    assert_ne!(came[1].body[..86], came[2].body[..86]);
}

async fn the_largest_message_fits(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let message = |n: usize| json!({"to": {"all": true}, "title": "t", "body": "x".repeat(n), "data": {"a": "y".repeat(1_500)}});
    let mut longest = 0;
    for n in (1_400..1_450).rev() {
        let reply = kit.post(&key(), "/v1/push/messages", message(n)).await;
        if reply.status.as_u16() == 202 {
            longest = n;
            break;
        }
        assert_eq!(reply.fails().0, 422);
    }
    assert!(longest > 1_400);
    kit.run().await;
    let came = kit.service.received().pop().unwrap();
    assert!(came.body.len() <= 4_096);
    assert_eq!(
        kit.browser.decrypt(&came.body).unwrap().len(),
        push::model::PAYLOAD_BYTES_MAX
    );
}

async fn a_message_that_is_refused_leaves_nothing(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let before = kit.dump().await;
    for bad in [
        json!({}),
        json!({"to": {"all": true}}),
        json!({"to": {"all": true, "users": [U]}, "title": "t"}),
        json!({"to": {"all": true}, "title": "t", "urgency": "now"}),
        json!({"to": {"all": true}, "title": "t", "body": "ä".repeat(1_900)}),
        json!({"to": {"all": true}, "title": "t", "subtitle": "t"}),
    ] {
        let reply = kit.post(&key(), "/v1/push/messages", bad.clone()).await;
        assert!(matches!(reply.fails().0, 400 | 422), "{bad}");
    }
    assert_eq!((kit.dump().await, kit.wakes()), (before, 0));
}

async fn a_retry_with_its_key_sends_once(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let call = async |title: &str, who: &gate::Who| {
        let body = Some(json!({"to": {"all": true}, "title": title}));
        let headers = [("idempotency-key", "0123456789abcdef")];
        kit.call_at(
            &kit.project,
            who,
            Method::POST,
            "/v1/push/messages",
            body,
            &headers,
        )
        .await
    };
    let one = key_one();
    let calls = (0..5).map(|_| call("t", &one));
    let replies = futures_util::future::join_all(calls).await;
    assert!(
        replies
            .iter()
            .all(|r| r.status.as_u16() == 202 && r.bytes == replies[0].bytes)
    );
    assert_eq!(
        call("other", &one).await.fails(),
        (422, "idempotency_mismatch".to_owned())
    );
    // Another caller's key is another key.
    assert_ne!(call("t", &key()).await.expect(202).bytes, replies[0].bytes);
    kit.run().await;
    assert_eq!(kit.service.count(), 2);
}

fn key_one() -> gate::Who {
    gate::Who::Key {
        id: Uuid::from_u128(1),
        scopes: ["messages.*".to_owned()].into(),
    }
}

async fn a_dry_run_counts_and_sends_nothing(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    kit.register(&user(V), "/b").await;
    let id = kit
        .send(json!({"to": {"users": [U, V, Ids.new_id()]}, "title": "t", "dry_run": true}))
        .await;
    kit.run().await;
    assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 0, 0, 0, 3]));
    assert_eq!(
        kit.reasons(id).await,
        ["skipped/dry_run: 2", "skipped/no_device: 1"]
    );
    assert_eq!(
        (kit.service.count(), kit.count("_push_deliveries").await),
        (0, 0)
    );
}

async fn cancel(kit: &Kit, id: Uuid) -> crate::kit::Reply {
    kit.call(
        &key(),
        Method::POST,
        &format!("/v1/push/messages/{id}/cancel"),
        None,
    )
    .await
}

async fn what_was_cancelled_is_not_sent(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    // Before it is addressed to anybody.
    let early = kit.send_all("t").await;
    let view = cancel(kit, early).await.expect(200).json();
    assert_eq!(view["status"], "cancelled");
    kit.run().await;
    assert_eq!(kit.state(early).await, ("cancelled".to_owned(), [0; 5]));
    // While it waits to be tried again.
    kit.service.status("/a", 503);
    let late = kit.send_all("t").await;
    kit.run().await;
    assert_eq!(
        kit.state(late).await,
        ("sending".to_owned(), [1, 0, 0, 0, 0])
    );
    cancel(kit, late).await.expect(200);
    assert_eq!(
        cancel(kit, late).await.expect(200).json()["status"],
        "cancelled"
    );
    kit.pass(Duration::from_secs(3_600));
    assert_eq!(kit.run().await, None);
    assert_eq!(
        kit.state(late).await,
        ("cancelled".to_owned(), [0, 0, 0, 0, 1])
    );
    assert_eq!(kit.reasons(late).await, ["skipped/cancelled: 1"]);
    assert_eq!(kit.service.count(), 1);
    // When it is done.
    let done = kit.send_all("t").await;
    kit.run().await;
    assert_eq!(
        cancel(kit, done).await.fails(),
        (409, "message_done".to_owned())
    );
    assert_eq!(
        cancel(kit, Ids.new_id()).await.fails(),
        (404, "message_not_found".to_owned())
    );
}

async fn what_is_under_way_when_it_is_cancelled_is_counted_as_it_went(kit: &Kit) {
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    for (path, status) in [("/a", 201), ("/b", 503), ("/c", 410)] {
        kit.register(&user(U), path).await;
        kit.service
            .say(path, crate::service::Say::Held(gate.clone(), status));
    }
    let id = kit.send_all("t").await;
    let cancelling = async {
        kit.service.wait_for(3).await;
        let view = cancel(kit, id).await.expect(200).json();
        assert_eq!(view["counts"]["queued"], 3);
        gate.add_permits(3);
    };
    let (_, ()) = tokio::join!(kit.run(), cancelling);
    assert_eq!(
        kit.state(id).await,
        ("cancelled".to_owned(), [0, 1, 0, 1, 1])
    );
    assert_eq!(
        kit.reasons(id).await,
        ["sent/: 1", "pruned/gone: 1", "skipped/cancelled: 1"]
    );
    assert!(kit.message(id).await["finished_at"].is_string());
    assert_eq!(kit.count("_push_deliveries").await, 0);
}

async fn nobody_gets_what_was_for_somebody_else(kit: &Kit) {
    let a = kit.register(&user(U), "/a").await;
    kit.service.status("/a", 503);
    let ids = [
        kit.send(json!({"to": {"users": [U]}, "title": "for U"}))
            .await,
        kit.send(json!({"to": {"devices": [a]}, "title": "for U's device"}))
            .await,
    ];
    kit.service.status("/a", 503);
    kit.run().await;
    assert_eq!(kit.service.count(), 2);
    // V signs in on the same browser before the next attempt.
    assert_eq!(kit.try_register(&user(V), "/a").await.expect(200).id(), a);
    kit.pass(Duration::from_secs(60));
    assert_eq!(kit.run().await, None);
    assert_eq!(kit.service.count(), 2);
    for id in ids {
        assert_eq!(kit.reasons(id).await, ["pruned/moved: 1"]);
    }
    // It is V's all the same.
    kit.send(json!({"to": {"users": [V]}, "title": "for V"}))
        .await;
    kit.run().await;
    assert_eq!(kit.service.count(), 3);
}

async fn nothing_is_sent_after_sign_out(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    kit.register(&user(V), "/b").await;
    kit.sessions.end(session(U));
    let id = kit.send_all("t").await;
    kit.run().await;
    assert_eq!(kit.reasons(id).await, ["sent/: 1", "pruned/signed_out: 1"]);
    assert_eq!(kit.service.received()[0].path, "/b");
    assert_eq!(kit.count("_push_devices").await, 1);
    // A device that is removed while a message waits for it.
    kit.service.status("/b", 503);
    let id = kit.send_all("t").await;
    kit.run().await;
    let devices = kit.get(&user(V), "/v1/push/devices").await.json();
    let device = devices["items"][0]["id"].as_str().unwrap();
    kit.call(
        &user(V),
        Method::DELETE,
        &format!("/v1/push/devices/{device}"),
        None,
    )
    .await
    .expect(204);
    kit.pass(Duration::from_secs(60));
    kit.run().await;
    assert_eq!(kit.reasons(id).await, ["pruned/removed: 1"]);
    assert_eq!(kit.service.count(), 2);
}

async fn sessions_that_cannot_be_asked_for_cost_nothing(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let id = kit.send_all("t").await;
    *kit.sessions.fails.lock().unwrap() = true;
    assert!(kit.push.tick(&kit.project, kit.now()).await.is_err());
    assert_eq!((kit.service.count(), kit.state(id).await.1[0]), (0, 1));
    *kit.sessions.fails.lock().unwrap() = false;
    kit.pass(Duration::from_secs(5));
    kit.run().await;
    assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 1, 0, 0, 0]));
}

async fn messages_are_listed_newest_first(kit: &Kit) {
    let mut ids = Vec::new();
    for i in 0..3 {
        ids.push(json!(kit.send_all(&format!("{i}")).await));
    }
    ids.reverse();
    let page = kit
        .get(&key(), "/v1/push/messages?limit=2&count=exact")
        .await
        .expect(200)
        .json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = kit
        .get(&key(), &format!("/v1/push/messages?cursor={cursor}"))
        .await
        .expect(200)
        .json();
    let all: Vec<&Value> = [&page, &rest]
        .iter()
        .flat_map(|p| p["items"].as_array().unwrap())
        .collect();
    assert_eq!(all.iter().map(|m| m["id"].clone()).collect::<Vec<_>>(), ids);
    assert_eq!(
        (&page["total"], &rest["next_cursor"]),
        (&json!(3), &Value::Null)
    );
    let view = all[0];
    assert_eq!(view["title"], "2");
    assert_eq!(view["audience"], json!({"kind": "all", "size": null}));
    assert_eq!(view["actor"], json!(format!("key:{}", Uuid::from_u128(7))));
    let crossed = kit
        .get(&key(), &format!("/v1/push/inbox?cursor={cursor}"))
        .await;
    assert_eq!(crossed.fails(), (400, "cursor_mismatch".to_owned()));
}

async fn another_projects_messages_are_not_there(kit: &Kit) {
    let id = kit.send_all("t").await;
    let other = kit.other_project().await;
    let read = async |id: Uuid| {
        let path = format!("/v1/push/messages/{id}");
        kit.call_at(&other, &key(), Method::GET, &path, None, &[])
            .await
    };
    let (hidden, absent) = (read(id).await, read(Ids.new_id()).await);
    assert_eq!(hidden.fails(), (404, "message_not_found".to_owned()));
    assert_eq!(
        (hidden.bytes, hidden.headers),
        (absent.bytes, absent.headers)
    );
    let path = format!("/v1/push/messages/{id}/cancel");
    let cancelled = kit
        .call_at(&other, &key(), Method::POST, &path, None, &[])
        .await;
    assert_eq!(cancelled.fails().0, 404);
    assert_eq!(kit.state(id).await.0, "queued");
    // A browser of the other project has other keys: what is for one cannot be read by another.
    kit.register(&user(U), "/a").await;
    kit.send_all("t").await;
    kit.run().await;
    let body = kit.service.received().pop().unwrap().body;
    assert_eq!(Browser::new().decrypt(&body), None);
}

async fn old_messages_are_removed(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let (old, waiting) = (kit.send_all("t").await, Duration::from_secs(31 * 86_400));
    kit.run().await;
    kit.pass(waiting);
    kit.try_register(&user(U), "/a").await;
    let new = kit.send_all("t").await;
    kit.run().await;
    let gone = kit.get(&key(), &format!("/v1/push/messages/{old}")).await;
    assert_eq!(
        (gone.fails().0, kit.state(new).await.0.as_str()),
        (404, "done")
    );
}
