//! Registering, listing and removing devices: whose they are, what is refused, and what is never told.

use crate::kit::{Kit, U, V, both, key, key_of, session, signed_in, user};
use actix_web::http::Method;
use kernel::Ids;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

both!(
    a_device_is_new_once,
    a_device_that_somebody_else_registers_is_his,
    two_at_once_make_one_device,
    endpoints_that_are_not_public_are_refused_without_effect,
    nothing_of_a_subscription_is_told_or_kept_in_clear,
    users_see_and_remove_their_own,
    another_projects_devices_are_not_there,
    the_oldest_device_makes_room,
    who_may_do_what_is_said_by_permissions,
    devices_that_were_not_seen_for_long_are_gone,
    users_and_sessions_take_their_devices_along,
    lists_come_in_pages,
    a_retry_with_its_key_is_answered_the_same,
);

const DEVICES: &str = "/v1/push/devices";

async fn ids(kit: &Kit, who: &gate::Who, query: &str) -> Vec<Uuid> {
    let page = kit.get(who, &format!("{DEVICES}{query}")).await.expect(200);
    let page = page.json();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|i| i["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

async fn a_device_is_new_once(kit: &Kit) {
    let first = kit.try_register(&user(U), "/a").await.expect(201);
    let view = first.json();
    assert_eq!(
        (
            &view["kind"],
            &view["user"],
            &view["current"],
            &view["service"]
        ),
        (&json!("web"), &json!(U), &json!(true), &json!("127.0.0.1"))
    );
    kit.pass(Duration::from_secs(60));
    let again = kit.try_register(&user(U), "/a").await.expect(200);
    assert_eq!(again.id(), first.id());
    assert_eq!(again.json()["created_at"], view["created_at"]);
    assert_ne!(again.json()["last_seen_at"], view["last_seen_at"]);
    let version = r#"SELECT version AS n FROM "project"."_push_devices""#;
    assert_eq!(kit.number(version).await, 2);
}

async fn a_device_that_somebody_else_registers_is_his(kit: &Kit) {
    let id = kit.register(&user(U), "/a").await;
    assert_eq!(kit.try_register(&user(V), "/a").await.expect(200).id(), id);
    assert!(ids(kit, &user(U), "").await.is_empty());
    assert_eq!(ids(kit, &user(V), "").await, [id]);
}

async fn two_at_once_make_one_device(kit: &Kit) {
    let (u, v) = (user(U), user(V));
    let all = futures_util::future::join_all(
        (0..12).map(|i| kit.try_register(if i % 2 == 0 { &u } else { &v }, "/a")),
    )
    .await;
    let new = all.iter().filter(|r| r.status.as_u16() == 201).count();
    let known = all.iter().filter(|r| r.status.as_u16() == 200).count();
    assert_eq!((new, known), (1, 11));
    assert_eq!(kit.count("_push_devices").await, 1);
}

async fn endpoints_that_are_not_public_are_refused_without_effect(kit: &Kit) {
    let before = kit.dump().await;
    for (endpoint, code) in [
        ("http://push.example.com/a", "not_https"),
        ("https://push.example.com:8443/a", "bad_port"),
        ("https://u:p@push.example.com/a", "user_info"),
        ("https://127.0.0.1/a", "not_public"),
        ("https://[::1]/a", "not_public"),
        ("https://[::ffff:127.0.0.1]/a", "not_public"),
        ("https://0/a", "not_public"),
        ("https://2130706433/a", "not_public"),
        ("https://0x7f.1/a", "not_public"),
        ("https://169.254.169.254/latest", "not_public"),
        ("https://100.64.0.1/a", "not_public"),
        ("https://[fd00::1]/a", "not_public"),
        ("https://localhost/a", "not_public"),
        ("file:///etc/passwd", "not_https"),
        ("/a", "not_a_url"),
        ("http://127.0.0.1:1/a", "not_https"),
    ] {
        let body = json!({"kind": "web", "subscription": kit.browser.subscription(endpoint)});
        let reply = kit.post(&user(U), DEVICES, body).await;
        assert_eq!(
            reply.fails(),
            (422, "validation_failed".to_owned()),
            "{endpoint}"
        );
        let error = &reply.json()["errors"][0];
        assert_eq!(
            (&error["path"], &error["code"]),
            (&json!("/subscription/endpoint"), &json!(code)),
            "{endpoint}"
        );
    }
    assert_eq!(kit.dump().await, before);
}

async fn nothing_of_a_subscription_is_told_or_kept_in_clear(kit: &Kit) {
    let made = kit
        .try_register(&user(U), "/very/secret/path")
        .await
        .expect(201);
    let mut told = String::from_utf8(made.bytes).unwrap();
    for who in [user(U), key()] {
        told.push_str(&String::from_utf8(kit.get(&who, DEVICES).await.expect(200).bytes).unwrap());
    }
    let kept = kit.dump().await;
    for secret in ["very/secret", &kit.browser.p256dh(), &kit.browser.auth()] {
        assert!(!told.contains(secret), "{secret} in {told}");
        assert!(!kept.contains(secret), "{secret} in {kept}");
    }
}

async fn users_see_and_remove_their_own(kit: &Kit) {
    let (mine, his) = (
        kit.register(&user(U), "/a").await,
        kit.register(&user(V), "/b").await,
    );
    assert_eq!(ids(kit, &user(U), "").await, [mine]);
    assert_eq!(ids(kit, &key(), "").await, [his, mine]);
    assert_eq!(ids(kit, &key(), &format!("?user={U}")).await, [mine]);
    let refused = kit.get(&user(U), &format!("{DEVICES}?user={V}")).await;
    assert_eq!(refused.fails(), (400, "invalid_parameter".to_owned()));
    let refused = kit.get(&key(), &format!("{DEVICES}?user=x")).await;
    assert_eq!(refused.fails(), (400, "invalid_parameter".to_owned()));
    // What is another user's is answered as what is nobody's.
    let remove = async |who, id: Uuid| {
        kit.call(who, Method::DELETE, &format!("{DEVICES}/{id}"), None)
            .await
    };
    let (u, k) = (user(U), key());
    let (hidden, absent) = (remove(&u, his).await, remove(&u, Ids.new_id()).await);
    assert_eq!(hidden.fails(), (404, "device_not_found".to_owned()));
    assert_eq!(
        (hidden.bytes, hidden.headers),
        (absent.bytes, absent.headers)
    );
    assert_eq!(ids(kit, &user(V), "").await, [his]);
    remove(&u, mine).await.expect(204);
    assert_eq!(remove(&u, mine).await.fails().0, 404);
    remove(&k, his).await.expect(204);
    assert_eq!(kit.count("_push_devices").await, 0);
    let bad = kit
        .call(&u, Method::DELETE, &format!("{DEVICES}/x"), None)
        .await;
    assert_eq!(bad.fails(), (400, "invalid_id".to_owned()));
}

async fn another_projects_devices_are_not_there(kit: &Kit) {
    let id = kit.register(&user(U), "/a").await;
    let other = kit.other_project().await;
    let at =
        async |method, path: &str, body| kit.call_at(&other, &key(), method, path, body, &[]).await;
    let page = at(Method::GET, DEVICES, None).await.expect(200).json();
    assert_eq!(page["items"], json!([]));
    let gone = at(Method::DELETE, &format!("{DEVICES}/{id}"), None).await;
    assert_eq!(gone.fails().0, 404);
    // It can be addressed by nobody there: neither by its id, nor by its user, nor with all.
    for to in [
        json!({"devices": [id]}),
        json!({"users": [U]}),
        json!({"all": true}),
    ] {
        kit.send_in(&other, json!({"to": to, "title": "stolen"}))
            .await;
    }
    while kit.push.tick(&other, kit.now()).await.unwrap().is_some() {}
    assert_eq!(kit.service.count(), 0);
    assert_eq!(ids(kit, &user(U), "").await, [id]);
}

async fn the_oldest_device_makes_room(kit: &Kit) {
    let first = kit.register(&user(U), "/first").await;
    kit.pass(Duration::from_secs(1));
    let kept = kit.register(&user(V), "/other").await;
    for i in 0..99 {
        kit.register(&user(U), &format!("/{i}")).await;
    }
    kit.pass(Duration::from_secs(1));
    assert_eq!(kit.count("_push_devices").await, 101);
    // The first is seen again, so that another one is the oldest.
    assert_eq!(
        kit.try_register(&user(U), "/first").await.expect(200).id(),
        first
    );
    kit.register(&user(U), "/last").await;
    assert_eq!(kit.count("_push_devices").await, 101);
    let left = ids(kit, &user(U), "?limit=1000").await;
    assert!(left.len() == 100 && left.contains(&first));
    assert_eq!(ids(kit, &user(V), "").await, [kept]);
}

async fn who_may_do_what_is_said_by_permissions(kit: &Kit) {
    let body =
        json!({"kind": "web", "subscription": kit.browser.subscription(&kit.endpoint("/a"))});
    let nobody = gate::Who::Anonymous;
    assert_eq!(
        kit.post(&nobody, DEVICES, body.clone()).await.fails().0,
        401
    );
    assert_eq!(kit.get(&nobody, DEVICES).await.fails().0, 401);
    // A key has no user whose device it could be.
    let key_only = kit
        .post(&key_of(&["devices.register"]), DEVICES, body.clone())
        .await;
    assert_eq!(key_only.fails(), (403, "permission_denied".to_owned()));
    let sender = key_of(&["messages.send"]);
    assert_eq!(kit.get(&sender, DEVICES).await.fails().0, 403);
    assert_eq!(
        kit.get(&key_of(&["devices.read"]), DEVICES).await.status,
        200
    );
    let message = json!({"to": {"all": true}, "title": "t"});
    for who in [user(U), key_of(&["messages.read"]), key_of(&["devices.*"])] {
        let refused = kit.post(&who, "/v1/push/messages", message.clone()).await;
        assert_eq!(refused.fails().0, 403);
    }
    for path in ["/v1/push/messages", "/v1/push/inbox"] {
        assert_eq!(kit.get(&user(U), path).await.fails().0, 403);
        assert_eq!(kit.get(&sender, path).await.fails().0, 403);
        assert_eq!(kit.get(&key_of(&["messages.read"]), path).await.status, 200);
    }
    kit.post(&sender, "/v1/push/messages", message)
        .await
        .expect(202);
}

async fn devices_that_were_not_seen_for_long_are_gone(kit: &Kit) {
    let old = kit.register(&user(U), "/old").await;
    kit.pass(Duration::from_secs(60 * 86_400));
    let new = kit.register(&user(U), "/new").await;
    assert_eq!(ids(kit, &user(U), "").await, [new, old]);
    kit.pass(Duration::from_secs(31 * 86_400));
    // Neither listed nor sent to, and in the end not kept.
    assert_eq!(ids(kit, &user(U), "").await, [new]);
    let id = kit
        .send(json!({"to": {"devices": [old, new]}, "title": "t"}))
        .await;
    kit.run().await;
    assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 1, 0, 0, 1]));
    assert_eq!(kit.count("_push_devices").await, 1);
    kit.pass(Duration::from_secs(30));
    assert_eq!(kit.try_register(&user(U), "/old").await.status, 201);
}

async fn users_and_sessions_take_their_devices_along(kit: &Kit) {
    let second = Uuid::from_u128(99);
    kit.register(&user(U), "/a").await;
    kit.register(&signed_in(U, second), "/b").await;
    let other = kit.register(&user(V), "/c").await;
    let push = kit.push.clone();
    let end = async move |tx: &store::WriteTx| push.sessions_ended(tx, &[session(U)]).await;
    kit.db().write(end).await.unwrap();
    assert_eq!(ids(kit, &user(U), "").await.len(), 1);
    let push = kit.push.clone();
    let erase = async move |tx: &store::WriteTx| push.user_erased(tx, U).await;
    kit.db().write(erase).await.unwrap();
    assert_eq!(ids(kit, &key(), "").await, [other]);
}

async fn lists_come_in_pages(kit: &Kit) {
    for i in 0..5 {
        kit.register(&user(U), &format!("/{i}")).await;
    }
    let all = ids(kit, &user(U), "").await;
    let (mut seen, mut query) = (Vec::new(), "?limit=2&count=exact".to_owned());
    loop {
        let page = kit
            .get(&user(U), &format!("{DEVICES}{query}"))
            .await
            .expect(200)
            .json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|i| i["id"].clone()),
        );
        assert_eq!(page["total"], json!(5));
        let Value::String(cursor) = &page["next_cursor"] else {
            break;
        };
        let stolen = kit
            .get(&user(V), &format!("{DEVICES}?cursor={cursor}"))
            .await;
        assert_eq!(stolen.fails(), (400, "cursor_mismatch".to_owned()));
        query = format!("?limit=2&count=exact&cursor={cursor}");
    }
    assert_eq!(json!(seen), json!(all));
    let bad = kit.get(&user(U), &format!("{DEVICES}?cursor=x")).await;
    assert_eq!(bad.fails(), (400, "invalid_cursor".to_owned()));
}

async fn a_retry_with_its_key_is_answered_the_same(kit: &Kit) {
    let body =
        json!({"kind": "web", "subscription": kit.browser.subscription(&kit.endpoint("/a"))});
    let headers = [("idempotency-key", "0123456789abcdef")];
    let call = async || {
        let body = Some(body.clone());
        kit.call_at(
            &kit.project,
            &user(U),
            Method::POST,
            DEVICES,
            body,
            &headers,
        )
        .await
    };
    let (first, second) = (call().await.expect(201), call().await.expect(201));
    assert_eq!(first.bytes, second.bytes);
}
