//! Opening and closing: databases are apart, and what is closed gives its files back.

use crate::kit::{Kit, TABLES, both, sql, statement};
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
        readers_per_thread: 8,
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
    let links = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|e| std::fs::read_link(e.ok()?.path()).ok());
    links.filter(|l| l.to_string_lossy().contains(part)).count()
}

/// On one thread, so that it is known which readers there are.
#[tokio::test]
async fn a_closed_database_gives_its_files_back() {
    let kit = Kit::sqlite_with(SqliteOptions {
        readers_per_thread: 2,
        ..SqliteOptions::default()
    })
    .await;
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
    let left = open_files(&dir);
    assert!(left + 4 <= open, "{left} of {open} files are still open");
    drop(b);
    c.close();
    drop(c);
    // The readers go with the next read; open one to make it.
    let d = kit.open().await;
    assert_eq!(ids(&d).await, Vec::<i64>::new());
    let left = open_files(&dir);
    assert!(left <= 6, "{left} files are open for one database");
}
