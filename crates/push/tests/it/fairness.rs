//! Large audiences: they are fanned out in pages, and nobody waits for them.

use crate::kit::{Kit, U, both, user};
use crate::service::{PushService, Say};
use serde_json::json;
use std::collections::HashSet;
use std::time::{Duration, Instant};

both!(
    two_thousand_devices_are_reached_in_pages,
    another_project_does_not_wait,
    a_small_message_does_not_wait_for_a_large_one,
    who_registers_later_gets_nothing,
    a_service_that_hangs_holds_up_nobody_else,
);

async fn two_thousand_devices_are_reached_in_pages(kit: &Kit) {
    kit.register_many(&kit.project, "many", 2_000).await;
    let id = kit.send_all("t").await;
    let mut most = 0;
    while let Some(next) = kit.push.tick(&kit.project, kit.now()).await.unwrap() {
        assert!(next <= kit.now());
        most = most.max(kit.count("_push_deliveries").await);
    }
    // Never much more than two pages wait, however large the audience is.
    assert!(most <= 1_000, "{most}");
    let paths: HashSet<String> = kit.service.received().into_iter().map(|r| r.path).collect();
    assert_eq!((paths.len(), kit.service.count()), (2_000, 2_000));
    assert_eq!(
        kit.state(id).await,
        ("done".to_owned(), [0, 2_000, 0, 0, 0])
    );
}

async fn another_project_does_not_wait(kit: &Kit) {
    let other = kit.other_project().await;
    kit.register_many(&kit.project, "many", 1_200).await;
    kit.register_many(&other, "other", 1).await;
    kit.send_all("large").await;
    // A loop that ticks one project after the other, as slow as can be.
    kit.push.tick(&kit.project, kit.now()).await.unwrap();
    let started = Instant::now();
    kit.send_in(&other, json!({"to": {"all": true}, "title": "small"}))
        .await;
    kit.push.tick(&kit.project, kit.now()).await.unwrap();
    kit.push.tick(&other, kit.now()).await.unwrap();
    let came = |prefix: &str| {
        kit.service
            .received()
            .iter()
            .filter(|r| r.path.starts_with(prefix))
            .count()
    };
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(came("/other/"), 1);
    // Two ticks, each with a bounded part of the large message.
    assert!(came("/many/") <= 2 * (256 + 64), "{}", came("/many/"));
}

async fn a_small_message_does_not_wait_for_a_large_one(kit: &Kit) {
    kit.register_many(&kit.project, "many", 1_900).await;
    let large = kit.send_all("large").await;
    kit.push.tick(&kit.project, kit.now()).await.unwrap();
    let device = kit.register(&user(U), "/small").await;
    let small = kit
        .send(json!({"to": {"devices": [device]}, "title": "small"}))
        .await;
    let mut ticks = 0;
    while kit.state(small).await.0 != "done" {
        kit.pass(Duration::from_millis(1));
        kit.push.tick(&kit.project, kit.now()).await.unwrap();
        ticks += 1;
    }
    assert!(ticks <= 18, "{ticks}");
    assert_eq!(kit.state(large).await.0, "sending");
}

async fn who_registers_later_gets_nothing(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let id = kit.send_all("t").await;
    kit.pass(Duration::from_secs(1));
    kit.register(&user(U), "/b").await;
    kit.run().await;
    assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 1, 0, 0, 0]));
    assert_eq!(kit.service.received()[0].path, "/a");
}

async fn a_service_that_hangs_holds_up_nobody_else(kit: &Kit) {
    let hanging = PushService::start().await;
    hanging.otherwise(Some(Say::Nothing));
    let push = kit.node_for(&[&kit.service, &hanging]);
    let endpoint = format!("{}/hang", hanging.origin);
    let subscription = kit.browser.subscription(&endpoint);
    let body = json!({"kind": "web", "subscription": subscription});
    let input = gate::Input::new(body.as_object().cloned().unwrap());
    let form = push::model::DeviceForm::parse(input, push.egress()).unwrap();
    let ask = push::Ask {
        project: kit.project.clone(),
        who: user(U),
        now: kit.now(),
    };
    push.register(&ask, form, None).await.unwrap();
    kit.register_many(&kit.project, "many", 200).await;
    let id = kit.send_all("t").await;
    let started = Instant::now();
    // The device that hangs is the first of all.
    let watch = async {
        kit.service.wait_for(200).await;
        started.elapsed()
    };
    let (next, took) = tokio::join!(push.tick(&kit.project, kit.now()), watch);
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert_eq!((hanging.count(), next.unwrap().is_some()), (1, true));
    assert_eq!(
        kit.state(id).await,
        ("sending".to_owned(), [1, 200, 0, 0, 0])
    );
}
