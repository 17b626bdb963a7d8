//! Opening and closing: databases are apart, and what is closed gives its files back.

use crate::kit::{Kit, TABLES, both, eventually, sql, statement};
use sea_orm::ConnectionTrait;
use store::{Db, SqliteOptions, StoreError, WriteTx};

both!(
    two_databases_are_apart,
    local_files_open_on_either_engine,
    many_databases_at_once
);

async fn add(db: &Db, id: i64) -> Result<(), StoreError> {
    db.write(async move |tx: &WriteTx| {
        tx.execute_raw(statement(
            tx.backend(),
            r#"INSERT INTO "project"."laters" (id) VALUES ($1)"#,
            [id.into()],
        ))
        .await?;
        Ok(())
    })
    .await
}

async fn ids(db: &Db) -> Vec<i64> {
    let rows = db
        .query_all_raw(sql(
            db,
            r#"SELECT id FROM "project"."laters" ORDER BY id"#,
            [],
        ))
        .await
        .unwrap();
    rows.iter().map(|r| r.try_get("", "id").unwrap()).collect()
}

async fn two_databases_are_apart(kit: &Kit) {
    let (a, b) = (kit.open().await, kit.open().await);
    add(&a, 1).await.unwrap();
    add(&b, 2).await.unwrap();
    assert_eq!((ids(&a).await, ids(&b).await), (vec![1], vec![2]));
    a.close();
    assert!(matches!(add(&a, 3).await, Err(StoreError::Closed)));
    add(&b, 3).await.unwrap();
    assert_eq!(ids(&b).await, [2, 3]);
}

async fn local_files_open_on_either_engine(kit: &Kit) {
    let path = kit.dir().join("requests.db");
    let log = kit.store.local(&path, &[TABLES]).await.unwrap();
    assert_eq!(log.backend(), sea_orm::DbBackend::Sqlite);
    add(&log, 1).await.unwrap();
    let other = kit
        .store
        .local(&kit.dir().join("other.db"), &[TABLES])
        .await
        .unwrap();
    assert_eq!((ids(&log).await, ids(&other).await), (vec![1], vec![]));
    drop(log);
    assert_eq!(
        ids(&kit.store.local(&path, &[TABLES]).await.unwrap()).await,
        [1]
    );
    // The engine's own databases are beside them.
    let db = kit.open().await;
    assert_eq!(ids(&db).await, Vec::<i64>::new());
}

async fn many_databases_at_once(kit: &Kit) {
    let many = if kit.is_postgres() { 20 } else { 200 };
    let own = Kit::sqlite_with(SqliteOptions {
        reader_memory_mib: 3,
        ..SqliteOptions::default()
    })
    .await;
    let kit = if kit.is_postgres() { kit } else { &own };
    let mut dbs = Vec::new();
    for i in 0..many {
        let db = kit.open().await;
        add(&db, i).await.unwrap();
        dbs.push(db);
    }
    let all = std::sync::Arc::new(dbs);
    let tasks: Vec<_> = (0..4_usize)
        .map(|t| {
            let all = all.clone();
            tokio::spawn(async move {
                for round in 0..3 {
                    for (i, db) in all.iter().enumerate().skip((t + round) % 4).step_by(4) {
                        let own = i64::try_from(i).unwrap();
                        assert_eq!(ids(db).await.last(), Some(&own));
                        add(
                            db,
                            own - 1_000 * (1 + i64::try_from(t * 3 + round).unwrap()),
                        )
                        .await
                        .unwrap();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    if !kit.is_postgres() {
        // Four worker threads and this one, eight readers each, two or three descriptors a reader; one writer each.
        let open = open_files(".db");
        assert!(open < 200 * 3 + 8 * 8 * 3 + 100, "{open} files are open");
    }
}

fn open_files(part: &str) -> usize {
    open_files_that(|path| path.contains(part))
}

fn open_files_that(is: impl Fn(&str) -> bool) -> usize {
    let links = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|e| std::fs::read_link(e.ok()?.path()).ok());
    links.filter(|l| is(&l.to_string_lossy())).count()
}

/// On one thread, so that it is known which readers there are.
#[tokio::test]
async fn a_closed_database_gives_its_files_back() {
    let kit = Kit::sqlite().await;
    let dir = kit.dir().to_string_lossy().into_owned();
    let (a, b, c) = (kit.open().await, kit.open().await, kit.open().await);
    for db in [&a, &b, &c, &a] {
        assert_eq!(ids(db).await, Vec::<i64>::new());
    }
    let open = open_files(&dir);
    let clone = a.clone();
    a.close();
    drop((a, clone));
    // The next read of anything on this thread gives the reader back.
    assert_eq!(ids(&c).await, Vec::<i64>::new());
    eventually("the files of the closed one are given back", async || {
        (open_files(&dir) + 4 <= open).then_some(())
    })
    .await;
    drop(b);
    c.close();
    drop(c);
    // The readers go with the next read; open one to make it.
    let d = kit.open().await;
    assert_eq!(ids(&d).await, Vec::<i64>::new());
    eventually("the files of one database are left", async || {
        (open_files(&dir) <= 6).then_some(())
    })
    .await;
}

/// What is closed is one file, which can be copied; the log of what is open is beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_database_has_no_log() {
    let kit = Kit::sqlite().await;
    let log = |db: &Db| match db {
        Db::Sqlite(db) => {
            let path = format!("{}-wal", db.path().display());
            std::fs::metadata(path).map_or(0, |file| file.len())
        }
        Db::Postgres(_) => 0,
    };
    let (a, b, c) = (kit.open().await, kit.open().await, kit.open().await);
    for db in [&a, &b, &c] {
        add(db, 1).await.unwrap();
        assert_eq!(ids(db).await, [1]);
        assert!(log(db) > 0);
    }
    // Jobs that wait are refused, and the last turn still comes.
    let waiting: Vec<_> = (2..50)
        .map(|id| {
            let a = a.clone();
            tokio::spawn(async move { add(&a, id).await })
        })
        .collect();
    a.close();
    a.close();
    for job in waiting {
        let done = job.await.unwrap();
        assert!(matches!(done, Ok(()) | Err(StoreError::Closed)), "{done:?}");
    }
    eventually("the log of the closed one is gone", async || {
        (log(&a) == 0).then_some(())
    })
    .await;
    // One that is closed while its only job runs has its last turn too.
    let d = kit.open().await;
    let running = d.clone();
    let job = tokio::spawn(async move {
        running
            .write(async move |_: &WriteTx| {
                std::thread::sleep(std::time::Duration::from_millis(300));
                Ok::<_, StoreError>(())
            })
            .await
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    d.close();
    job.await.unwrap().unwrap();
    eventually("its log is gone", async || (log(&d) == 0).then_some(())).await;
    assert!(log(&b) > 0 && log(&c) > 0);
    kit.store.shutdown().await;
    assert_eq!((log(&b), log(&c)), (0, 0));
    assert!(matches!(add(&b, 9).await, Err(StoreError::Closed)));
    // It holds what was acknowledged.
    let path = match &b {
        Db::Sqlite(db) => db.path().to_owned(),
        Db::Postgres(_) => unreachable!("a file"),
    };
    let copy = kit.dir().join("copy.db");
    std::fs::copy(path, &copy).unwrap();
    assert_eq!(
        ids(&kit.store.local(&copy, &[TABLES]).await.unwrap()).await,
        [1]
    );
}

/// Each of the threads has its share of the memory: four that read twenty databases do not keep eighty readers.
#[test]
fn readers_are_bounded_over_all_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (kit, dbs) = runtime.block_on(async {
        let kit = Kit::sqlite_with(SqliteOptions {
            reader_memory_mib: 1,
            read_budget_ms: 0,
            ..SqliteOptions::default()
        })
        .await;
        let mut dbs = Vec::new();
        for _ in 0..20 {
            dbs.push(kit.open().await);
        }
        (kit, dbs)
    });
    // SQLite keeps the descriptor of a closed file for the next opening while another connection holds a lock; that of
    // the log is gone at once.
    let dir = kit.dir().to_string_lossy().into_owned();
    let logs = || open_files_that(|path| path.contains(&dir) && path.ends_with("-wal"));
    let before = logs();
    let all_have_read = std::sync::Barrier::new(4);
    let counted = std::sync::Barrier::new(5);
    let readers = std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..2 {
                    for db in &dbs {
                        assert!(runtime.block_on(ids(db)).is_empty());
                    }
                    if round == 0 {
                        all_have_read.wait();
                    }
                }
                counted.wait();
                counted.wait();
            });
        }
        counted.wait();
        let readers = logs() - before;
        counted.wait();
        readers
    });
    // Five fit, and each of the four threads keeps one.
    assert!((4..=5).contains(&readers), "{readers} readers");
}
