//! What a push service may answer, and what becomes of the delivery, the device and the message.

use crate::kit::{Kit, U, V, both, key, user};
use crate::service::Say;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

both!(
    every_status_has_its_outcome,
    what_is_gone_is_removed_unless_it_came_back,
    what_came_back_as_somebody_elses_stays_his,
    pauses_grow_and_end_with_the_messages_time,
    a_service_says_when_to_come_again,
    a_service_that_hangs_is_left_and_rests,
    a_service_that_answers_without_end_has_answered,
    redirects_lead_nowhere,
    an_address_that_is_not_allowed_any_more_is_not_sent_to,
);

async fn every_status_has_its_outcome(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    for status in [200, 201, 202, 204] {
        kit.service.status("/a", status);
        let id = kit.send_all("t").await;
        kit.run().await;
        assert_eq!(kit.reasons(id).await, ["sent/: 1"], "{status}");
    }
    for status in [400, 401, 403, 413, 422, 301, 302, 308] {
        kit.service.status("/a", status);
        let id = kit.send_all("t").await;
        assert_eq!(kit.run().await, None, "{status}");
        assert_eq!(
            kit.state(id).await,
            ("done".to_owned(), [0, 0, 1, 0, 0]),
            "{status}"
        );
        assert_eq!(kit.reasons(id).await, [format!("failed/http_{status}: 1")]);
    }
    for status in [408, 425, 429, 500, 502, 503, 504] {
        kit.service.status("/a", status);
        let id = kit.send_all("t").await;
        let before = kit.service.count();
        let next = kit.run().await.unwrap();
        assert!(next > kit.now());
        assert_eq!(
            kit.state(id).await,
            ("sending".to_owned(), [1, 0, 0, 0, 0]),
            "{status}"
        );
        kit.clock.set(next);
        assert_eq!(kit.run().await, None);
        assert_eq!(kit.service.count(), before + 2);
        assert_eq!(kit.reasons(id).await, ["sent/: 1"], "{status}");
    }
    assert_eq!(kit.count("_push_devices").await, 1);
    for status in [404, 410] {
        kit.try_register(&user(U), "/a").await;
        kit.service.status("/a", status);
        let id = kit.send_all("t").await;
        kit.run().await;
        assert_eq!(kit.reasons(id).await, ["pruned/gone: 1"], "{status}");
        assert_eq!(kit.count("_push_devices").await, 0);
    }
    assert_eq!(kit.count("_push_deliveries").await, 0);
}

async fn what_is_gone_is_removed_unless_it_came_back(kit: &Kit) {
    let id = kit.register(&user(U), "/a").await;
    let gate = Arc::new(Semaphore::new(0));
    kit.service.say("/a", Say::Held(gate.clone(), 410));
    let message = kit.send_all("t").await;
    let back = async {
        kit.service.wait_for(1).await;
        // The app starts while the request is under way.
        assert_eq!(kit.try_register(&user(U), "/a").await.expect(200).id(), id);
        gate.add_permits(1);
    };
    let (next, ()) = tokio::join!(kit.run(), back);
    assert_eq!(kit.count("_push_devices").await, 1);
    assert_eq!(
        kit.state(message).await,
        ("sending".to_owned(), [1, 0, 0, 0, 0])
    );
    // The message is sent to the device as it is now.
    kit.clock.set(next.unwrap());
    assert_eq!(kit.run().await, None);
    assert_eq!(kit.reasons(message).await, ["sent/: 1"]);
}

async fn what_came_back_as_somebody_elses_stays_his(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let gate = Arc::new(Semaphore::new(0));
    kit.service.say("/a", Say::Held(gate.clone(), 404));
    let message = kit.send_all("t").await;
    let back = async {
        kit.service.wait_for(1).await;
        kit.try_register(&user(V), "/a").await.expect(200);
        gate.add_permits(1);
    };
    let (next, ()) = tokio::join!(kit.run(), back);
    kit.clock.set(next.unwrap());
    kit.run().await;
    assert_eq!(kit.reasons(message).await, ["pruned/moved: 1"]);
    assert_eq!(
        (kit.service.count(), kit.count("_push_devices").await),
        (1, 1)
    );
}

async fn pauses_grow_and_end_with_the_messages_time(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    kit.service.otherwise(Some(Say::Status(500, String::new())));
    let message = json!({"to": {"all": true}, "title": "t", "ttl_seconds": 600});
    let (id, begun) = (kit.send(message).await, kit.now());
    let mut pauses = Vec::new();
    while let Some(next) = kit.run().await {
        pauses.push((next.unix_micros() - kit.now().unix_micros()) / 1_000);
        kit.clock.set(next);
    }
    // 5, 10, 20 ... seconds, a quarter less or more.
    for (i, pause) in pauses.iter().enumerate() {
        let middle = 5_000 << i;
        assert!(
            (middle * 3 / 4..=middle * 5 / 4 + 1_000).contains(pause),
            "{pauses:?}"
        );
    }
    assert!((5..=7).contains(&pauses.len()), "{pauses:?}");
    assert_eq!(kit.service.count(), pauses.len() + 1);
    assert_eq!(kit.reasons(id).await, ["failed/expired: 1"]);
    assert!(kit.now() < begun.plus(Duration::from_secs(600)));
    // What waits when its time is over is not sent either; with no time at all it has a minute here.
    kit.service.otherwise(None);
    for (ttl, wait, want) in [
        (600, 599, "sent/: 1"),
        (600, 600, "failed/expired: 1"),
        (0, 59, "sent/: 1"),
        (0, 60, "failed/expired: 1"),
    ] {
        let id = kit
            .send(json!({"to": {"all": true}, "title": "t", "ttl_seconds": ttl}))
            .await;
        kit.pass(Duration::from_secs(wait));
        kit.run().await;
        assert_eq!(kit.reasons(id).await, [want], "{ttl} {wait}");
    }
    let last = kit.service.received().pop().unwrap();
    assert_eq!(last.headers["ttl"], "0");
}

async fn a_service_says_when_to_come_again(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let now = kit.now();
    for (text, least, most) in [
        ("120", 120, 132),
        ("Sun, 01 Mar 2026 12:01:40 GMT", 100, 110),
        ("86400", 21_600, 23_760),
    ] {
        kit.clock.set(now);
        kit.service
            .say("/a", Say::Status(429, format!("Retry-After: {text}\r\n")));
        let id = kit.send_all("t").await;
        let next = kit.run().await.unwrap();
        let pause = (next.unix_micros() - now.unix_micros()) / 1_000_000;
        assert!((least..=most).contains(&pause), "{text}: {pause}");
        // Nothing is sent before.
        kit.clock.set(next.minus(Duration::from_millis(1)));
        let count = kit.service.count();
        assert_eq!((kit.run().await, kit.service.count()), (Some(next), count));
        kit.clock.set(next);
        assert_eq!(kit.run().await, None);
        assert_eq!(kit.reasons(id).await, ["sent/: 1"]);
    }
}

async fn a_service_that_hangs_is_left_and_rests(kit: &Kit) {
    for i in 0..40 {
        kit.register(&user(U), &format!("/{i}")).await;
    }
    kit.service.otherwise(Some(Say::Nothing));
    let id = kit.send_all("t").await;
    let started = Instant::now();
    let next = kit.run().await.unwrap();
    let took = started.elapsed().as_secs_f32();
    // Those who waited for room found out that nobody answers: it takes one time-out, not three.
    assert!((9.5..16.0).contains(&took), "{took}");
    assert!(
        next > kit.now() && kit.service.count() == 16,
        "{}",
        kit.service.count()
    );
    assert_eq!(
        kit.state(id).await,
        ("sending".to_owned(), [40, 0, 0, 0, 0])
    );
    // Another process knows nothing of it, and the service is there again.
    kit.service.otherwise(None);
    kit.pass(Duration::from_secs(60));
    let other = kit.another_node();
    while other.tick(&kit.project, kit.now()).await.unwrap().is_some() {}
    assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 40, 0, 0, 0]));
}

async fn a_service_that_answers_without_end_has_answered(kit: &Kit) {
    for (path, say) in [("/endless", Say::Endless), ("/huge", Say::Huge)] {
        kit.register(&user(U), path).await;
        kit.service.say(path, say);
    }
    let started = Instant::now();
    let id = kit.send_all("t").await;
    assert_eq!(kit.run().await, None);
    assert!(started.elapsed() < Duration::from_secs(8));
    assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 2, 0, 0, 0]));
}

async fn redirects_lead_nowhere(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let to = kit.endpoint("/internal");
    kit.service
        .say("/a", Say::Status(307, format!("Location: {to}\r\n")));
    let id = kit.send_all("t").await;
    kit.run().await;
    assert_eq!(kit.reasons(id).await, ["failed/http_307: 1"]);
    assert_eq!(kit.service.count(), 1);
}

async fn an_address_that_is_not_allowed_any_more_is_not_sent_to(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let strict = push::Push::new(push::PushParts {
        egress: gate::egress::Egress::new(&gate::egress::EgressConfig::default()),
        sessions: kit.sessions.clone(),
        wake: Arc::new(|_| {}),
        ids: kernel::Ids,
        public_url: String::new(),
        config: push::PushConfig::default(),
    });
    let id = kit.send_all("t").await;
    while strict
        .tick(&kit.project, kit.now())
        .await
        .unwrap()
        .is_some()
    {}
    assert_eq!(kit.reasons(id).await, ["failed/address_not_public: 1"]);
    assert_eq!(kit.service.count(), 0);
    let told = kit.get(&key(), "/v1/push/messages").await;
    assert!(!String::from_utf8(told.bytes).unwrap().contains("127.0.0.1"));
}
