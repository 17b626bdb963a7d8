//! Reads: a budget that protects the worker, a slow lane that protects itself, and handles that cannot write.

use crate::kit::{Kit, both, sql};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait};
use std::time::{Duration, Instant};
use store::{Db, SqliteOptions, StoreError, WriteTx};

both!(
    a_read_handle_does_not_write,
    a_changed_table_is_seen,
    the_deadline_ends_a_read,
    a_snapshot_is_one_state,
    a_snapshot_only_reads
);

/// Counts to `$1`, one row at a time.
const COUNT: &str = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $1) SELECT count(*) AS n FROM c";
const ENDLESS: i64 = 100_000_000_000;

async fn count(db: &Db, to: i64) -> Result<i64, StoreError> {
    let row = db.query_one_raw(sql(db, COUNT, [to.into()])).await?;
    Ok(row.unwrap().try_get("", "n")?)
}

async fn point(db: &Db) -> i64 {
    let row = db
        .query_one_raw(sql(
            db,
            r#"SELECT count(*) AS n FROM "project"."laters" WHERE id = $1"#,
            [1_i64.into()],
        ))
        .await;
    row.unwrap().unwrap().try_get("", "n").unwrap()
}

async fn a_read_handle_does_not_write(kit: &Kit) {
    let db = kit.open().await;
    let texts = [
        r#"INSERT INTO "project"."laters" (id) VALUES (1) RETURNING id"#,
        r#"UPDATE "project"."laters" SET id = 2 RETURNING id"#,
        r#"DELETE FROM "project"."laters" RETURNING id"#,
        r#"CREATE TABLE "project"."more" (id bigint)"#,
    ];
    for text in texts {
        assert!(
            db.query_all_raw(sql(&db, text, [])).await.is_err(),
            "{text}"
        );
        assert!(db.execute_raw(sql(&db, text, [])).await.is_err(), "{text}");
        assert!(db.execute_unprepared(text).await.is_err(), "{text}");
    }
    let insert = crate::kit::thing::Entity::insert(crate::kit::thing("x").into_active_model());
    assert!(insert.exec(&db).await.is_err());
    assert_eq!(
        crate::kit::thing::Entity::find().count(&db).await.unwrap(),
        0
    );
    if !kit.is_postgres() {
        for text in [
            "PRAGMA query_only = OFF",
            "PRAGMA query_only",
            "PRAGMA cache_size = -1000000",
            "BEGIN",
            "SAVEPOINT s",
            "ATTACH ':memory:' AS x",
        ] {
            let error = StoreError::from(db.query_all_raw(sql(&db, text, [])).await.unwrap_err());
            assert!(error.to_string().contains("[23]"), "{text}: {error}");
        }
        let rows = db
            .query_all_raw(sql(&db, "PRAGMA integrity_check", []))
            .await
            .unwrap();
        assert_eq!(
            rows[0].try_get::<String>("", "integrity_check").unwrap(),
            "ok"
        );
    }
}

/// What was prepared before a table changed, in this process or another, must not fail or give old columns.
async fn a_changed_table_is_seen(kit: &Kit) {
    let uid = kit.uid();
    let db = kit.store.project(uid, &[crate::kit::TABLES]).await.unwrap();
    let other = kit
        .another()
        .await
        .project(uid, &[crate::kit::TABLES])
        .await
        .unwrap();
    let change = async |texts: &'static [&'static str]| {
        other
            .write(async move |tx: &WriteTx| {
                for text in texts {
                    tx.execute_unprepared(text).await?;
                }
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    };
    let all = async || {
        db.query_all_raw(sql(&db, r#"SELECT * FROM "project"."t" ORDER BY id"#, []))
            .await
            .map_err(StoreError::from)
    };
    let write = async || {
        db.write(async move |tx: &WriteTx| {
            let text = r#"UPDATE "project"."t" SET id = id WHERE id = $1 RETURNING *"#;
            Ok::<_, StoreError>(
                tx.query_all_raw(crate::kit::statement(tx.backend(), text, [1_i64.into()]))
                    .await?,
            )
        })
        .await
    };
    change(&[
        r#"CREATE TABLE "project"."t" (id bigint NOT NULL, a bigint)"#,
        r#"INSERT INTO "project"."t" (id, a) VALUES (1, 5)"#,
    ])
    .await;
    // Several connections of a pool prepare it.
    let (x, y, z) = tokio::join!(all(), all(), all());
    for rows in [x.unwrap(), y.unwrap(), z.unwrap(), write().await.unwrap()] {
        assert_eq!(rows[0].try_get::<i64>("", "a").unwrap(), 5);
    }
    change(&[r#"ALTER TABLE "project"."t" ADD COLUMN b text DEFAULT 'new'"#]).await;
    for _ in 0..4 {
        assert_eq!(
            all().await.unwrap()[0].try_get::<String>("", "b").unwrap(),
            "new"
        );
        assert_eq!(
            write().await.unwrap()[0]
                .try_get::<String>("", "b")
                .unwrap(),
            "new"
        );
    }
    // The same name with another type.
    change(&[
        r#"ALTER TABLE "project"."t" DROP COLUMN a"#,
        r#"ALTER TABLE "project"."t" ADD COLUMN a boolean NOT NULL DEFAULT true"#,
    ])
    .await;
    for _ in 0..4 {
        assert!(all().await.unwrap()[0].try_get::<bool>("", "a").unwrap());
        assert!(write().await.unwrap()[0].try_get::<bool>("", "a").unwrap());
    }
    change(&[r#"DROP TABLE "project"."t""#]).await;
    assert!(all().await.is_err());
}

async fn the_deadline_ends_a_read(kit: &Kit) {
    let kit = if kit.is_postgres() {
        let mut options = store::PgOptions::new(crate::kit::postgres_url());
        (
            options.statement_timeout_ms,
            options.read_connections,
            options.write_connections,
        ) = (400, 4, 4);
        Kit::postgres_with(options).await
    } else {
        Kit::sqlite_with(SqliteOptions {
            slow_deadline_ms: 400,
            ..SqliteOptions::default()
        })
        .await
    };
    let db = kit.open().await;
    let started = Instant::now();
    let error = count(&db, ENDLESS).await.unwrap_err();
    assert!(matches!(error, StoreError::TooExpensive), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(4));
    assert_eq!(count(&db, 10).await.unwrap(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_read_leaves_the_worker_and_is_remembered() {
    let options = SqliteOptions {
        slow_deadline_ms: 1_500,
        slow_threads: 1,
        slow_queue: 2,
        ..SqliteOptions::default()
    };
    let kit = Kit::sqlite_with(options).await;
    let db = kit.open().await;
    assert_eq!(count(&db, 10).await.unwrap(), 10);
    // Longer than the budget, shorter than the deadline: interrupted, run again, answered.
    assert_eq!(count(&db, 300_000).await.unwrap(), 300_000);

    // One runs, one waits: half of the queue is this database's.
    let running = tokio::spawn({
        let db = db.clone();
        async move { count(&db, ENDLESS).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let waiting = tokio::spawn({
        let db = db.clone();
        async move { count(&db, 10).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    // The statement is known: even a cheap run of it goes to the lane, which has no room for it.
    assert!(matches!(
        count(&db, 10).await,
        Err(StoreError::TooExpensive)
    ));
    // Others do not wait.
    let started = Instant::now();
    for _ in 0..200 {
        assert_eq!(point(&db).await, 0);
    }
    assert!(
        started.elapsed() < Duration::from_millis(500),
        "200 point reads took {:?}",
        started.elapsed()
    );
    assert!(matches!(
        running.await.unwrap(),
        Err(StoreError::TooExpensive)
    ));
    // The second one waited a little less than the deadline: it still gets its answer.
    assert_eq!(waiting.await.unwrap().unwrap(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waited_as_long_as_a_read_may_take_is_refused() {
    let kit = Kit::sqlite_with(SqliteOptions {
        slow_deadline_ms: 300,
        slow_threads: 1,
        slow_queue: 64,
        ..SqliteOptions::default()
    })
    .await;
    let db = kit.open().await;
    let started = Instant::now();
    let flood: Vec<_> = (0..20)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { count(&db, ENDLESS).await })
        })
        .collect();
    for read in flood {
        assert!(matches!(read.await.unwrap(), Err(StoreError::TooExpensive)));
    }
    // Twenty of them one after another would take six seconds.
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_database_cannot_take_the_whole_slow_lane() {
    let kit = Kit::sqlite_with(SqliteOptions {
        slow_deadline_ms: 700,
        slow_threads: 2,
        slow_queue: 16,
        ..SqliteOptions::default()
    })
    .await;
    let (busy, other) = (kit.open().await, kit.open().await);
    let started = Instant::now();
    let flood: Vec<_> = (0..32)
        .map(|_| {
            let db = busy.clone();
            tokio::spawn(async move {
                // Whoever is refused comes again.
                while started.elapsed() < Duration::from_secs(1) {
                    assert!(matches!(
                        count(&db, ENDLESS).await,
                        Err(StoreError::TooExpensive)
                    ));
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(count(&other, 200_000).await.unwrap(), 200_000);
    for reads in flood {
        reads.await.unwrap();
    }
}

/// What the first statement saw, the others see, whoever writes meanwhile, and another snapshot sees the new.
async fn a_snapshot_is_one_state(kit: &Kit) {
    let db = kit.open().await;
    let count = r#"SELECT '' AS j, CAST(NULL AS text) AS k, count(*) AS n FROM "project"."laters""#;
    let look = |db: &Db| sql(db, count, []);
    let (first, second) = (look(&db), look(&db));
    let writer = db.clone();
    let before = db.read_count();
    let seen = db
        .snapshot(async move |snapshot: &store::Snapshot| {
            let one = snapshot.docs(first.clone()).await?[0].version;
            let writer = writer.clone();
            // Another thread, because the closure may wait for nothing but its snapshot.
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(insert(&writer));
            })
            .join()
            .unwrap();
            Ok::<_, StoreError>((one, snapshot.docs(second.clone()).await?[0].version))
        })
        .await
        .unwrap();
    assert_eq!(seen, (0, 0));
    assert_eq!(db.read_count() - before, 2);
    assert_eq!(db.docs(look(&db)).await.unwrap()[0].version, 1);
    let third = look(&db);
    let after = db.snapshot(async move |snapshot: &store::Snapshot| {
        Ok::<_, StoreError>(snapshot.docs(third.clone()).await?[0].version)
    });
    assert_eq!(after.await.unwrap(), 1);
}

async fn insert(db: &Db) {
    let text = r#"INSERT INTO "project"."laters" (id) VALUES ($1)"#;
    db.write(async move |tx: &WriteTx| {
        let id = tx
            .query_one_raw(crate::kit::statement(
                tx.backend(),
                r#"SELECT count(*) AS n FROM "project"."laters""#,
                [],
            ))
            .await?
            .unwrap()
            .try_get::<i64>("", "n")?;
        tx.execute_raw(crate::kit::statement(tx.backend(), text, [id.into()]))
            .await?;
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
}

/// A snapshot refuses to write, outlives a failed statement's caller, and ends where its closure does.
async fn a_snapshot_only_reads(kit: &Kit) {
    let db = kit.open().await;
    let write = sql(
        &db,
        r#"INSERT INTO "project"."laters" (id) VALUES (1) RETURNING '' AS j, CAST(NULL AS text) AS k, 1 AS n"#,
        [],
    );
    let tried = db.snapshot(async move |snapshot: &store::Snapshot| {
        snapshot.docs(write.clone()).await.map(|docs| docs.len())
    });
    assert!(tried.await.is_err());
    // Its view is not held any longer.
    insert(&db).await;
    assert_eq!(point_count(&db).await, 1);
    let failed: Result<(), StoreError> = db
        .snapshot(async |_: &store::Snapshot| Err(StoreError::Closed))
        .await;
    assert!(matches!(failed, Err(StoreError::Closed)));
    insert(&db).await;
    assert_eq!(point_count(&db).await, 2);
}

async fn point_count(db: &Db) -> i64 {
    let count = r#"SELECT '' AS j, CAST(NULL AS text) AS k, count(*) AS n FROM "project"."laters""#;
    db.docs(sql(db, count, [])).await.unwrap()[0].version
}

/// A statement that passes the budget takes the whole snapshot to the slow lane, where the deadline holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_snapshot_leaves_the_worker() {
    let kit = Kit::sqlite_with(SqliteOptions {
        slow_deadline_ms: 600,
        ..SqliteOptions::default()
    })
    .await;
    let db = kit.open().await;
    let docs = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $1) SELECT '' AS j, CAST(NULL AS text) AS k, count(*) AS n FROM c";
    let run = async |to: i64| {
        let statement = sql(&db, docs, [to.into()]);
        let runs = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let counted = runs.clone();
        let answer = db
            .snapshot(async move |snapshot: &store::Snapshot| {
                counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let thread = std::thread::current().name().unwrap_or_default().to_owned();
                Ok::<_, StoreError>((snapshot.docs(statement.clone()).await?[0].version, thread))
            })
            .await;
        (answer, runs.load(std::sync::atomic::Ordering::Relaxed))
    };
    let (answer, runs) = run(300_000).await;
    let (count, thread) = answer.unwrap();
    assert_eq!((count, runs), (300_000, 2));
    assert!(thread.starts_with("slow-"), "{thread}");
    let started = Instant::now();
    let (answer, _) = run(ENDLESS).await;
    assert!(
        matches!(answer, Err(StoreError::TooExpensive)),
        "{answer:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(4));
}
