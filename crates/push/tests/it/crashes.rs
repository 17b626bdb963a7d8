//! Processes that die between sending and noting, and processes that work side by side.

use crate::kit::{Kit, U, both, user};
use crate::service::Say;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

both!(
    what_a_dead_process_sent_comes_once_more_and_nothing_is_lost,
    a_process_that_is_late_counts_nothing_twice,
    a_process_that_is_late_takes_nothing_from_who_came_after,
    a_process_that_dies_before_it_sends_loses_nothing,
    two_processes_send_nothing_twice,
);

/// How often each path was sent to.
fn times(kit: &Kit) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    for received in kit.service.received() {
        *times.entry(received.path).or_default() += 1;
    }
    times
}

async fn what_a_dead_process_sent_comes_once_more_and_nothing_is_lost(kit: &Kit) {
    for i in 0..30 {
        kit.register(&user(U), &format!("/{i}")).await;
    }
    // Ten are never answered: their senders die with the process.
    let never = Arc::new(Semaphore::new(0));
    for i in 0..10 {
        kit.service
            .say(&format!("/{i}"), Say::Held(never.clone(), 201));
    }
    let id = kit.send_all("t").await;
    let doomed = kit.another_node();
    tokio::select! {
        _ = doomed.tick(&kit.project, kit.now()) => panic!("it must not end"),
        () = kit.service.wait_for(16) => {}
    }
    drop(doomed);
    let before = times(kit);
    assert!(before.len() >= 16 && before.values().all(|n| *n == 1));
    // What was taken stays so for a while: nobody sends it at once.
    kit.run().await;
    assert!(times(kit).values().all(|n| *n == 1));
    kit.pass(Duration::from_secs(150));
    assert_eq!(kit.run().await, None);
    let after = times(kit);
    assert_eq!(after.len(), 30);
    assert!(after.values().all(|n| *n <= 2), "{after:?}");
    // All of them are tagged alike, so that the second replaces the first.
    let came = kit.service.received();
    let tag = |body: &[u8]| kit.browser.read(body)["notification"]["tag"].clone();
    assert!(came.iter().all(|r| tag(&r.body) == serde_json::json!(id)));
    assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 30, 0, 0, 0]));
}

async fn a_process_that_is_late_counts_nothing_twice(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let gate = Arc::new(Semaphore::new(0));
    kit.service.say("/a", Say::Held(gate.clone(), 410));
    let id = kit.send_all("t").await;
    let slow = kit.another_node();
    let now = kit.now();
    let late = async {
        slow.tick(&kit.project, now).await.unwrap();
    };
    let other = async {
        kit.service.wait_for(1).await;
        // Its time is over, and somebody else sends: the device is there.
        kit.pass(Duration::from_secs(150));
        kit.run().await;
        assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 1, 0, 0, 0]));
        gate.add_permits(1);
    };
    tokio::join!(late, other);
    assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 1, 0, 0, 0]));
    assert_eq!(kit.reasons(id).await, ["sent/: 1"]);
}

async fn a_process_that_is_late_takes_nothing_from_who_came_after(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let (first, second) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    kit.service.say("/a", Say::Held(first.clone(), 503));
    kit.service.say("/a", Say::Held(second.clone(), 201));
    let id = kit.send_all("t").await;
    let slow = kit.another_node();
    let begun = kit.now();
    let late = async {
        slow.tick(&kit.project, begun).await.unwrap();
        // The other one is sending still; what this one was told is no reason to send once more.
        second.add_permits(1);
    };
    let other = async {
        kit.service.wait_for(1).await;
        kit.pass(Duration::from_secs(150));
        kit.push.tick(&kit.project, kit.now()).await.unwrap();
    };
    let release = async {
        kit.service.wait_for(2).await;
        first.add_permits(1);
    };
    tokio::join!(late, other, release);
    assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 1, 0, 0, 0]));
    kit.pass(Duration::from_secs(600));
    assert_eq!((kit.run().await, kit.service.count()), (None, 2));
}

async fn a_process_that_dies_before_it_sends_loses_nothing(kit: &Kit) {
    kit.register_many(&kit.project, "many", 40).await;
    let id = kit.send_all("t").await;
    // Ticks are dropped wherever they wait: in the fan-out, while taking, sending or noting.
    for patience in 0..60 {
        let node = kit.another_node();
        let _ = tokio::time::timeout(
            Duration::from_millis(patience),
            node.tick(&kit.project, kit.now()),
        )
        .await;
        kit.pass(Duration::from_secs(150));
    }
    kit.run().await;
    assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 40, 0, 0, 0]));
    assert_eq!(times(kit).len(), 40);
    assert_eq!(kit.count("_push_deliveries").await, 0);
}

async fn two_processes_send_nothing_twice(kit: &Kit) {
    kit.register_many(&kit.project, "many", 300).await;
    let id = kit.send_all("t").await;
    let nodes: Vec<_> = (0..4).map(|_| kit.another_node()).collect();
    let work = async |node: &push::Push| {
        while node
            .tick(&kit.project, kit.now())
            .await
            .unwrap()
            .is_some_and(|next| next <= kit.now())
        {}
    };
    futures_util::future::join_all(nodes.iter().map(work)).await;
    kit.run().await;
    let times = times(kit);
    assert_eq!((times.len(), times.values().max()), (300, Some(&1)));
    assert_eq!(kit.state(id).await, ("done".to_owned(), [0, 300, 0, 0, 0]));
}
