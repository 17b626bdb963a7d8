//! News: heard in this process at once, on other nodes soon, and after a gap as "everything".

use crate::kit::{Kit, admin, both, postgres_url};
use std::time::{Duration, Instant};
use store::{Engine, Listener, News, PgOptions, Store, Topic};
use uuid::Uuid;

both!(
    own_news_are_heard_once,
    a_slow_listener_is_told_that_it_missed_some
);

/// The next news of a project; on PostgreSQL other tests tell theirs on the same channel.
async fn of(listener: &mut Listener, project: Uuid, within: Duration) -> Option<Topic> {
    let heard = tokio::time::timeout(within, async {
        loop {
            match listener.next().await {
                Some(News::Changed(p, topic) | News::Heard(p, topic)) if p == project => {
                    return topic;
                }
                Some(_) => {}
                None => panic!("the store has ended"),
            }
        }
    });
    heard.await.ok()
}

const SOON: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(200);

async fn own_news_are_heard_once(kit: &Kit) {
    let project = Uuid::new_v4();
    let (mut a, mut b) = (kit.store.listen(), kit.store.clone().listen());
    kit.store.announce(project, Topic::Schema);
    for listener in [&mut a, &mut b] {
        assert_eq!(of(listener, project, SOON).await, Some(Topic::Schema));
        assert_eq!(of(listener, project, SILENCE).await, None);
    }
}

async fn a_slow_listener_is_told_that_it_missed_some(kit: &Kit) {
    let mut listener = kit.store.listen();
    // It is heard from while it does not read.
    for _ in 0..3_000 {
        kit.store.announce(Uuid::new_v4(), Topic::Changes);
    }
    assert_eq!(listener.next().await, Some(News::Everything));
    assert!(matches!(listener.next().await, Some(News::Changed(..))));
}

/// Waits until a node hears another: its connection for that is made in the background.
async fn connected(from: &Store, listener: &mut Listener) {
    let probe = Uuid::new_v4();
    for _ in 0..100 {
        from.announce(probe, Topic::Keys);
        if of(listener, probe, Duration::from_millis(100))
            .await
            .is_some()
        {
            of(listener, probe, Duration::from_millis(500)).await;
            return;
        }
    }
    panic!("the other node is not heard");
}

/// In a database of its own, since listeners are cut off.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_hear_each_other_in_few_messages_and_after_a_gap() {
    let name = format!("galley_news_{}", std::process::id());
    let mut server = admin().await;
    let mut run = async |sql: String| {
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut server)
            .await
            .unwrap();
    };
    run(format!("CREATE DATABASE {name}")).await;
    let url = postgres_url();
    let (server_url, _) = url.rsplit_once('/').unwrap();
    let url = format!("{server_url}/{name}");
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::Postgres(PgOptions::new(url.clone()));
    let one = Store::start(&engine, dir.path()).await.unwrap();
    let two = Store::start(&engine, dir.path()).await.unwrap();
    let mut heard = two.listen();
    connected(&one, &mut heard).await;

    let mut raw = sqlx::postgres::PgListener::connect(&url).await.unwrap();
    raw.listen("galley").await.unwrap();
    let project = Uuid::new_v4();
    let (started, mut told) = (Instant::now(), 0);
    while started.elapsed() < Duration::from_millis(300) {
        for topic in [Topic::Schema, Topic::Sessions] {
            one.announce(project, topic);
            told += 1;
        }
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    let most = started.elapsed().as_millis() / 10 + 2;
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 2 {
        seen.insert(of(&mut heard, project, SOON).await.expect("both are told"));
    }
    let mut messages = 0;
    while let Ok(message) = tokio::time::timeout(Duration::from_millis(500), raw.recv()).await {
        messages += 1;
        assert!(
            message
                .unwrap()
                .payload()
                .contains(&project.simple().to_string())
        );
    }
    assert!(
        (1..=most).contains(&messages),
        "{messages} messages for {told} pieces"
    );

    drop(raw);
    // Whoever listens is cut off.
    let cut = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND query LIKE 'LISTEN%'"
    );
    run(cut).await;
    let gap = async { while heard.next().await != Some(News::Everything) {} };
    tokio::time::timeout(SOON, gap)
        .await
        .expect("the gap is not told");
    connected(&one, &mut heard).await;
    drop((one, two));
    run(format!("DROP DATABASE {name} WITH (FORCE)")).await;
}
