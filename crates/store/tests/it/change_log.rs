//! The change log: a reader that remembers only its last place never misses a row, whatever the writers' pace.

use crate::kit::{Kit, both, eventually, stamp, statement};
use sea_orm::ConnectionTrait;
use std::collections::HashSet;
use std::time::Duration;
use store::{Action, ChangeIn, Db, StoreError, WriteTx};

both!(
    a_change_reads_back,
    a_reader_never_skips,
    a_rolled_back_change_is_not_there
);

fn change(record: &str) -> ChangeIn {
    ChangeIn {
        collection: "posts".into(),
        record: record.into(),
        action: Action::Update,
        fields: r#"["title"]"#.into(),
        actor: Some("user:1".into()),
        witness: Some(r#"{"owner": "u1", "n": 1.5}"#.into()),
        before: None,
        after: Some("{}".into()),
        at: stamp("2026-01-02T03:04:05Z"),
    }
}

async fn log(db: &Db, record: String) {
    db.write(async move |tx: &WriteTx| tx.log_change(change(&record)).await)
        .await
        .unwrap();
}

async fn records(db: &Db) -> Vec<String> {
    db.changes(0, 1_000)
        .await
        .unwrap()
        .into_iter()
        .map(|c| c.record)
        .collect()
}

async fn a_change_reads_back(kit: &Kit) {
    let db = kit.open().await;
    db.write(async move |tx: &WriteTx| {
        tx.log_change(change("a")).await?;
        tx.log_change(ChangeIn {
            action: Action::Delete,
            witness: None,
            actor: None,
            ..change("b")
        })
        .await
    })
    .await
    .unwrap();
    let changes = eventually("both are stamped", async || {
        Some(db.changes(0, 10).await.unwrap()).filter(|c| c.len() == 2)
    })
    .await;
    assert_eq!(
        (
            changes[0].record.as_str(),
            changes[0].action.as_str(),
            changes[0].collection.as_str()
        ),
        ("a", "update", "posts")
    );
    assert_eq!(
        changes[0].witness,
        Some(serde_json::json!({"owner": "u1", "n": 1.5}))
    );
    assert_eq!(
        (
            changes[1].record.as_str(),
            changes[1].action.as_str(),
            changes[1].witness.clone()
        ),
        ("b", "delete", None)
    );
    assert!(changes[0].seq < changes[1].seq);
    assert_eq!(db.changes(changes[0].seq, 10).await.unwrap(), changes[1..]);
    assert_eq!(db.changes(0, 1).await.unwrap(), changes[..1]);
}

async fn a_rolled_back_change_is_not_there(kit: &Kit) {
    let db = kit.open().await;
    let failed = db.write(async move |tx: &WriteTx| {
        tx.log_change(change("gone")).await?;
        Err::<(), _>(StoreError::Closed)
    });
    assert!(failed.await.is_err());
    log(&db, "kept".into()).await;
    let seen = eventually("it is stamped", async || {
        Some(records(&db).await).filter(|r| !r.is_empty())
    })
    .await;
    assert_eq!(seen, ["kept"]);
}

async fn a_reader_never_skips(kit: &Kit) {
    const WRITERS: usize = 6;
    const EACH: usize = 25;
    let uid = kit.uid();
    let mut nodes = vec![kit.store.project(uid, &[crate::kit::TABLES]).await.unwrap()];
    if kit.is_postgres() {
        // A second node writes to the same log.
        nodes.push(
            kit.another()
                .await
                .project(uid, &[crate::kit::TABLES])
                .await
                .unwrap(),
        );
    }
    let postgres = kit.is_postgres();
    let writers: Vec<_> = (0..WRITERS)
        .map(|w| {
            let db = nodes[w % nodes.len()].clone();
            tokio::spawn(async move {
                for i in 0..EACH {
                    let pause = u64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 8;
                    if !postgres {
                        tokio::time::sleep(Duration::from_millis(pause)).await;
                    }
                    db.write(async move |tx: &WriteTx| {
                        tx.log_change(change(&format!("{w}-{i}"))).await?;
                        if postgres {
                            // It has its place in the table, but is not committed: others overtake it.
                            tokio::time::sleep(Duration::from_millis(pause)).await;
                        }
                        tx.log_change(change(&format!("{w}-{i} again"))).await
                    })
                    .await
                    .unwrap();
                }
            })
        })
        .collect();
    let reader = nodes[0].clone();
    let wanted = WRITERS * EACH * 2;
    let reading = tokio::spawn(async move {
        let (mut since, mut seen) = (0, Vec::new());
        let mut idle = 0;
        while seen.len() < wanted && idle < 2_500 {
            let changes = reader.changes(since, 7).await.unwrap();
            if changes.is_empty() {
                idle += 1;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            for change in changes {
                assert!(change.seq > since);
                since = change.seq;
                seen.push(change.record);
            }
        }
        seen
    });
    for writer in writers {
        writer.await.unwrap();
    }
    let seen = reading.await.unwrap();
    assert_eq!(seen.len(), wanted, "a reader missed changes");
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), wanted);
    // Each writer's own changes come in its order.
    for w in 0..WRITERS {
        let own: Vec<&str> = seen
            .iter()
            .filter(|r| r.starts_with(&format!("{w}-")))
            .map(String::as_str)
            .collect();
        let wanted: Vec<String> = (0..EACH)
            .flat_map(|i| [format!("{w}-{i}"), format!("{w}-{i} again")])
            .collect();
        assert_eq!(own, wanted);
    }
}

/// Adds a row as a process does that dies between its commit and the stamp.
async fn log_and_die(db: &Db, record: &'static str) {
    db.write(async move |tx: &WriteTx| {
        let text = r#"INSERT INTO "project"."_changes" (collection, record, action, fields, at) VALUES ('c', $1, 'create', '[]', now())"#;
        tx.execute_raw(statement(tx.backend(), text, [record.into()])).await?;
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn unstamped_rows_are_stamped_by_the_next_wake_or_opening() {
    let kit = Kit::postgres().await;
    let uid = kit.uid();
    let db = kit.store.project(uid, &[]).await.unwrap();
    // The opening's own run must be over.
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    log_and_die(&db, "first").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(records(&db).await, Vec::<String>::new());
    log(&db, "second".into()).await;
    eventually("a later wake stamps both", async || {
        Some(records(&db).await).filter(|r| *r == ["first", "second"])
    })
    .await;
    log_and_die(&db, "third").await;
    let again = kit.another().await.project(uid, &[]).await.unwrap();
    eventually("an opening stamps it", async || {
        Some(records(&again).await).filter(|r| r.len() == 3)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_rows_than_one_stamp_takes_keep_their_order() {
    let kit = Kit::postgres().await;
    let db = kit.open().await;
    db.write(async move |tx: &WriteTx| {
        let text = r#"INSERT INTO "project"."_changes" (collection, record, action, fields, at)
                      SELECT 'c', n::text, 'create', '[]', now() FROM generate_series(1, 2500) AS n"#;
        tx.execute_unprepared(text).await?;
        tx.log_change(change("2501")).await
    })
    .await
    .unwrap();
    let all = eventually("all are stamped", async || {
        Some(db.changes(0, 10_000).await.unwrap()).filter(|c| c.len() == 2_501)
    })
    .await;
    assert!(
        all.iter()
            .zip(1..)
            .all(|(c, n)| c.record == n.to_string() && c.seq == n)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequencer_that_died_with_its_runtime_is_replaced() {
    let kit = Kit::postgres().await;
    let db = kit.open().await;
    log(&db, "first".into()).await;
    for i in 0..5 {
        let db = db.clone();
        // The task is spawned into a runtime that ends before it is polled.
        tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(log(&db, format!("short {i}")));
        })
        .await
        .unwrap();
    }
    log(&db, "last".into()).await;
    eventually("all are stamped", async || {
        Some(records(&db).await).filter(|r| r.len() == 7)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stamping_is_tried_again_after_a_failure() {
    let kit = Kit::postgres().await;
    let uid = kit.uid();
    let db = kit.store.project(uid, &[]).await.unwrap();
    let mut admin = crate::kit::admin().await;
    let schema = format!("p_{}", uid.simple());
    let rename = async |admin: &mut sqlx::PgConnection, from: &str, to: &str| {
        let text = format!(r#"ALTER TABLE "{schema}"."_changes" RENAME COLUMN "{from}" TO "{to}""#);
        sqlx::query(sqlx::AssertSqlSafe(text))
            .execute(admin)
            .await
            .unwrap();
    };
    // Who writes does not name the column, and who stamps does.
    rename(&mut admin, "seq", "away").await;
    log(&db, "only".into()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    rename(&mut admin, "away", "seq").await;
    assert_eq!(records(&db).await, Vec::<String>::new());
    eventually("it is stamped without another write", async || {
        Some(records(&db).await).filter(|r| r.len() == 1)
    })
    .await;
}
