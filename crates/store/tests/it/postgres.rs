//! What can only go wrong on PostgreSQL: pools, prepared statements, callers that go, servers that go.

use crate::kit::{Kit, admin, eventually, sql, statement};
use sea_orm::ConnectionTrait;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use store::{Db, PgOptions, StoreError, WriteTx};

async fn run(tx: &WriteTx, text: &str, values: Vec<sea_orm::Value>) -> Result<(), StoreError> {
    tx.execute_raw(statement(tx.backend(), text, values))
        .await?;
    Ok(())
}

const ADD: &str = r#"INSERT INTO "project"."laters" (id) VALUES ($1)"#;

async fn add(db: &Db, id: i64) -> Result<(), StoreError> {
    db.write(async move |tx: &WriteTx| run(tx, ADD, vec![id.into()]).await)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_text_with_values_of_other_types() {
    let mut options = PgOptions::new(crate::kit::postgres_url());
    options.read_connections = 1;
    let kit = Kit::postgres_with(options).await;
    let db = kit.open().await;
    // sqlx finds a prepared statement by its text alone, and it was prepared for the first one's types.
    let text = "SELECT CAST(pg_typeof($1) AS text) AS t";
    for (value, wanted) in [
        (7_i64.into(), "bigint"),
        ("x".into(), "text"),
        (1.5_f64.into(), "double precision"),
        (true.into(), "boolean"),
    ] {
        let row = db
            .query_one_raw(sql(&db, text, [value]))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.try_get::<String>("", "t").unwrap(), wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_leaves_no_transaction() {
    let mut options = PgOptions::new(crate::kit::postgres_url());
    options.write_connections = 2;
    let kit = Kit::postgres_with(options).await;
    let db = kit.open().await;
    for pause in [0, 1, 2, 5, 10, 20, 40] {
        let write = db.write(async move |tx: &WriteTx| {
            run(tx, ADD, vec![1_i64.into()]).await?;
            let _nested = sea_orm::TransactionTrait::begin(tx).await?;
            run(tx, "SELECT pg_sleep($1)", vec![0.05.into()]).await?;
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok::<_, StoreError>(())
        });
        assert!(
            tokio::time::timeout(Duration::from_millis(pause * 3), write)
                .await
                .is_err()
        );
        // Its row lock and both connections are free again.
        let ids = [
            100 + i64::try_from(pause).unwrap(),
            200 + i64::try_from(pause).unwrap(),
        ];
        let (a, b) = tokio::join!(add(&db, ids[0]), add(&db, ids[1]));
        a.unwrap();
        b.unwrap();
    }
    add(&db, 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlocks_are_run_again() {
    let kit = Kit::postgres().await;
    let db = kit.open().await;
    add(&db, 1).await.unwrap();
    add(&db, 2).await.unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let cross = |first: i64, second: i64| {
        let (db, runs) = (db.clone(), runs.clone());
        async move {
            db.write(async move |tx: &WriteTx| {
                let text = r#"UPDATE "project"."laters" SET next = NULL WHERE id = $1"#;
                run(tx, text, vec![first.into()]).await?;
                if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                run(tx, text, vec![second.into()]).await
            })
            .await
        }
    };
    let (a, b) = tokio::join!(cross(1, 2), cross(2, 1));
    a.unwrap();
    b.unwrap();
    assert!(runs.load(Ordering::SeqCst) >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_session_is_busy_and_the_pool_heals() {
    let kit = Kit::postgres().await;
    let db = kit.open().await;
    let killed = db.write(async move |tx: &WriteTx| {
        run(tx, ADD, vec![1_i64.into()]).await?;
        run(tx, "SELECT pg_terminate_backend(pg_backend_pid())", vec![]).await
    });
    let error = killed.await.unwrap_err();
    assert!(matches!(error, StoreError::Busy(_)), "{error:?}");
    // One that dies in the pool: the next caller may meet it, the one after must not.
    let pid = db
        .write(async move |tx: &WriteTx| {
            let row = tx
                .query_one_raw(statement(
                    tx.backend(),
                    "SELECT pg_backend_pid() AS pid",
                    [],
                ))
                .await?;
            Ok::<i32, StoreError>(row.map_or(0, |r| r.try_get("", "pid").unwrap()))
        })
        .await
        .unwrap();
    sqlx::query("SELECT pg_terminate_backend($1)")
        .bind(pid)
        .execute(&mut admin().await)
        .await
        .unwrap();
    for id in 10..14 {
        if let Err(e) = add(&db, id).await {
            assert!(matches!(e, StoreError::Busy(_)), "{e:?}");
        }
    }
    eventually("the pool heals", async || add(&db, 99).await.ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_unknown() {
    let kit = Kit::postgres().await;
    let db = kit.open().await;
    // A deferred trigger ends the session within the COMMIT.
    db.write(async move |tx: &WriteTx| {
        tx.execute_unprepared(
            r#"CREATE FUNCTION "project".die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
               CREATE CONSTRAINT TRIGGER die AFTER INSERT ON "project"."laters" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "project".die()"#,
        )
        .await?;
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let error = add(&db, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::CommitUnknown(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_project_cannot_take_all_connections() {
    let mut options = PgOptions::new(crate::kit::postgres_url());
    (
        options.write_connections,
        options.read_connections,
        options.per_project,
    ) = (4, 4, 2);
    let kit = Kit::postgres_with(options).await;
    let (busy, other) = (kit.open().await, kit.open().await);
    let flood: Vec<_> = (0..10)
        .map(|_| {
            let db = busy.clone();
            tokio::spawn(async move {
                db.write(async move |_tx: &WriteTx| {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    Ok::<_, StoreError>(())
                })
                .await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::time::timeout(Duration::from_millis(250), add(&other, 1))
        .await
        .unwrap()
        .unwrap();
    for write in flood {
        write.await.unwrap().unwrap();
    }
}

/// The most memory this process has ever used, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1_024
}

/// A thousand rows of a megabyte each are refused without holding them, in a read and in a write.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_counted_as_they_come() {
    let mut options = PgOptions::new(crate::kit::postgres_url());
    (options.read_connections, options.write_connections) = (1, 1);
    options.statement_timeout_ms = 60_000;
    let kit = Kit::postgres_with(options).await;
    let db = kit.open().await;
    let text =
        "SELECT repeat('x', 1000000), NULL, n FROM generate_series(CAST(1 AS bigint), 1000) AS n";
    let before = peak_mib();
    let error = db.docs(sql(&db, text, [])).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge), "{error:?}");
    let error = db
        .write(async move |tx: &WriteTx| {
            run(tx, ADD, vec![1_i64.into()]).await?;
            let docs = tx.docs(statement(tx.backend(), text, [])).await;
            assert!(matches!(docs, Err(StoreError::TooLarge)));
            // It is not silently half a transaction that goes on.
            assert!(run(tx, ADD, vec![2_i64.into()]).await.is_err());
            docs
        })
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::TooLarge), "{error:?}");
    let grown = peak_mib() - before;
    assert!(grown < 200, "it took {grown} MiB to refuse them");
    // The one connection of each pool is replaced, and nothing was kept.
    let started = std::time::Instant::now();
    add(&db, 1).await.unwrap();
    let rows = db
        .query_all_raw(sql(&db, r#"SELECT id FROM "project"."laters""#, []))
        .await;
    assert_eq!(rows.unwrap().len(), 1);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}
