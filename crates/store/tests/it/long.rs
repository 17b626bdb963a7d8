//! Long writes run alone: their end by the deadline costs their neighbours nothing.

use crate::kit::{Kit, both, sql, statement};
use sea_orm::ConnectionTrait;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use store::{Db, StoreError, WriteTx};

both!(
    an_interrupted_long_write_costs_only_itself,
    many_short_statements_end_too,
    a_long_write_in_time_is_kept,
    nothing_waits_when_the_caller_of_a_long_write_goes
);

const ADD: &str = r#"INSERT INTO "project"."laters" (id) VALUES ($1)"#;
/// An UPDATE that counts to `$1` first: its interruption undoes the whole transaction on SQLite.
const UPDATE: &str = r#"UPDATE "project"."laters" SET next = NULL WHERE id <= (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $1) SELECT count(*) FROM c)"#;
const ENDLESS: i64 = 100_000_000_000;

async fn run(tx: &WriteTx, text: &str, value: i64) -> Result<(), StoreError> {
    tx.execute_raw(statement(tx.backend(), text, [value.into()]))
        .await?;
    Ok(())
}

async fn ids(db: &Db) -> Vec<i64> {
    let text = r#"SELECT id FROM "project"."laters" ORDER BY id"#;
    let rows = db.query_all_raw(sql(db, text, [])).await.unwrap();
    rows.iter().map(|r| r.try_get("", "id").unwrap()).collect()
}

async fn an_interrupted_long_write_costs_only_itself(kit: &Kit) {
    let db = kit.open().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let mut neighbours = Vec::new();
    let mut long = None;
    for id in 0..40 {
        if id == 20 {
            let db = db.clone();
            long = Some(tokio::spawn(async move {
                db.write_long(Duration::from_millis(300), async move |tx: &WriteTx| {
                    run(tx, ADD, 1_000).await?;
                    run(tx, UPDATE, ENDLESS).await
                })
                .await
            }));
        }
        let (db, runs) = (db.clone(), runs.clone());
        neighbours.push(tokio::spawn(async move {
            db.write(async move |tx: &WriteTx| {
                runs.fetch_add(1, Ordering::SeqCst);
                run(tx, ADD, id).await
            })
            .await
        }));
    }
    let started = Instant::now();
    let error: StoreError = long.unwrap().await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::TooExpensive), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
    for neighbour in neighbours {
        neighbour.await.unwrap().unwrap();
    }
    assert_eq!(ids(&db).await, (0..40).collect::<Vec<i64>>());
    assert_eq!(runs.load(Ordering::SeqCst), 40, "a neighbour was run again");
}

async fn many_short_statements_end_too(kit: &Kit) {
    let db = kit.open().await;
    let started = Instant::now();
    let error: StoreError = db
        .write_long(Duration::from_millis(300), async move |tx: &WriteTx| {
            // Each another text: none of them counts on from the one before.
            for id in 0.. {
                run(tx, &format!("{ADD} /* {id} */"), id).await?;
            }
            Ok(())
        })
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::TooExpensive), "{error:?}");
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
    assert!(ids(&db).await.is_empty());
    // The deadline was that write's alone.
    tokio::time::sleep(Duration::from_millis(300)).await;
    db.write(async move |tx: &WriteTx| run(tx, ADD, 1).await)
        .await
        .unwrap();
}

async fn a_long_write_in_time_is_kept(kit: &Kit) {
    let own = kit.is_postgres().then(|| {
        let mut options = store::PgOptions::new(crate::kit::postgres_url());
        options.statement_timeout_ms = 50;
        options
    });
    let own = match own {
        Some(options) => Some(Kit::postgres_with(options).await),
        None => None,
    };
    // On PostgreSQL one statement may take longer than others may.
    let db = own.as_ref().unwrap_or(kit).open().await;
    db.write_long(Duration::from_secs(60), async move |tx: &WriteTx| {
        run(tx, ADD, 1).await?;
        run(tx, UPDATE, 400_000).await
    })
    .await
    .map_err(|e: StoreError| e)
    .unwrap();
    assert_eq!(ids(&db).await, [1]);
    // What fails is told as it is, and is not kept.
    let error: StoreError = db
        .write_long(Duration::from_secs(60), async move |tx: &WriteTx| {
            run(tx, ADD, 2).await?;
            run(tx, ADD, 1).await
        })
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unique(_)), "{error:?}");
    assert_eq!(ids(&db).await, [1]);
}

async fn nothing_waits_when_the_caller_of_a_long_write_goes(kit: &Kit) {
    let db = kit.open().await;
    let long = db.write_long(Duration::from_secs(2), async move |tx: &WriteTx| {
        run(tx, ADD, 1_000).await?;
        run(tx, UPDATE, ENDLESS).await
    });
    let gone: Result<Result<(), StoreError>, _> =
        tokio::time::timeout(Duration::from_millis(50), long).await;
    assert!(gone.is_err());
    let started = Instant::now();
    db.write(async move |tx: &WriteTx| run(tx, ADD, 1).await)
        .await
        .unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}
