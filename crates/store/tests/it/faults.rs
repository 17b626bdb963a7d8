//! Faults: a disk that fails to sync, a disk that is full, and a process that is killed, each in a process of its own.
//!
//! This test program starts itself again with the shim loaded and the child's part chosen by a variable.

use crate::kit::{TABLES, eventually, sql, statement};
use sea_orm::ConnectionTrait;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use store::{Db, Engine, SqliteOptions, Store, StoreError, WriteTx};
use uuid::Uuid;

/// Which part the child plays; unset in the parent.
const PART: &str = "GALLEY_STORE_TEST_PART";
const FAULT_FILE: &str = "GALLEY_TEST_FAULT_FILE";
const DIR: &str = "GALLEY_STORE_TEST_DIR";
const UID: Uuid = Uuid::from_u128(1);

/// Compiles the shim, once in this process.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
        std::fs::create_dir_all(dir).unwrap();
        let out = dir.join(format!("shim-{}.so", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/faults/shim.c");
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&out, &source])
            .arg("-ldl")
            .status()
            .unwrap();
        assert!(status.success(), "the shim was not compiled");
        let kept = dir.join("shim.so");
        std::fs::rename(out, &kept).unwrap();
        kept
    })
}

fn spawn(part: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults::child", "--nocapture"])
        .env(PART, part)
        .env(DIR, dir)
        .env(FAULT_FILE, dir.join("fault"))
        .env("LD_PRELOAD", shim())
        // Its own test report is not one of this run's; a panic is told on the other stream.
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

fn run(part: &str) {
    let dir = tempfile::tempdir().unwrap();
    assert!(
        spawn(part, dir.path()).wait().unwrap().success(),
        "the child that plays {part} failed"
    );
}

#[test]
fn a_failed_sync_is_unknown_and_heals() {
    run("sync");
}

#[test]
fn a_full_disk_is_told_and_heals() {
    run("full");
}

/// The child's part; in the parent there is nothing to play.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn child() {
    let Ok(part) = std::env::var(PART) else {
        return;
    };
    let dir = PathBuf::from(std::env::var(DIR).unwrap());
    match part.as_str() {
        "sync" => sync(&dir).await,
        "full" => full(&dir).await,
        "write" => write_for_ever(&dir).await,
        other => panic!("no part {other}"),
    }
}

struct Fault(PathBuf);

impl Fault {
    fn new(dir: &Path) -> Self {
        Self(dir.join("fault"))
    }

    /// From now on the files of this project break. The control file appears at once with its text.
    fn begin(&self, kind: &str, uid: Uuid) {
        let draft = self.0.with_extension("draft");
        std::fs::write(&draft, format!("{kind} {uid}")).unwrap();
        std::fs::rename(draft, &self.0).unwrap();
    }

    fn end(&self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

/// One committing thread, so that a database that heals would be seen to hold up the others.
async fn store(dir: &Path) -> Store {
    Store::start(
        &Engine::Sqlite(SqliteOptions {
            writer_threads: 1,
            ..SqliteOptions::default()
        }),
        dir,
    )
    .await
    .unwrap()
}

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

async fn assert_sound(db: &Db) {
    let rows = db
        .query_all_raw(sql(db, "PRAGMA integrity_check", []))
        .await
        .unwrap();
    assert_eq!(
        rows[0].try_get::<String>("", "integrity_check").unwrap(),
        "ok"
    );
}

async fn sync(dir: &Path) {
    let (fault, other) = (Fault::new(dir), Uuid::from_u128(2));
    let store = store(dir).await;
    let (db, well) = (
        store.project(UID, &[TABLES]).await.unwrap(),
        store.project(other, &[TABLES]).await.unwrap(),
    );
    for round in 0..4 {
        let id = round * 100;
        add(&db, id + 1).await.unwrap();
        fault.begin("sync", UID);
        let error = add(&db, id + 2).await.unwrap_err();
        assert!(matches!(error, StoreError::CommitUnknown(_)), "{error:?}");
        assert!(db.is_suspended());
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(200) {
            let error = add(&db, id + 3).await.unwrap_err();
            assert!(matches!(error, StoreError::Suspended), "{error:?}");
            // Reads go on, and so does everybody else.
            assert_eq!(ids(&db).await.last(), Some(&(id + 1)));
            add(
                &well,
                id * 1_000 + i64::from(started.elapsed().subsec_micros()),
            )
            .await
            .unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!well.is_suspended());
        fault.end();
        eventually(
            "the database heals without being opened again",
            async || (!db.is_suspended()).then_some(()),
        )
        .await;
        add(&db, id + 4).await.unwrap();
        // The unknown one has not come back, nor will it.
        assert_eq!(
            ids(&db).await[usize::try_from(round * 2).unwrap()..],
            [id + 1, id + 4]
        );
    }
    assert_sound(&db).await;
    let before = ids(&db).await;
    drop((db, store));
    let again = self::store(dir)
        .await
        .project(UID, &[TABLES])
        .await
        .unwrap();
    assert_eq!(ids(&again).await, before);
    assert_sound(&again).await;
}

async fn full(dir: &Path) {
    let fault = Fault::new(dir);
    let db = store(dir).await.project(UID, &[TABLES]).await.unwrap();
    for round in 0..3 {
        let id = round * 100;
        add(&db, id + 1).await.unwrap();
        fault.begin("full", UID);
        for _ in 0..3 {
            let error = add(&db, id + 2).await.unwrap_err();
            // Nothing of it was applied, and that is known.
            assert!(matches!(error, StoreError::Full), "{error:?}");
            assert!(!db.is_suspended());
            assert_eq!(ids(&db).await.last(), Some(&(id + 1)));
        }
        // One that does not fit in the cache meets the full disk before its commit.
        let large = db.write(async move |tx: &WriteTx| {
            let text = r#"INSERT INTO "project"."laters" (id) WITH RECURSIVE c(n) AS (SELECT $1 UNION ALL SELECT n + 1 FROM c WHERE n < $1 + 400000) SELECT n FROM c"#;
            tx.execute_raw(statement(tx.backend(), text, [1_000_000_i64.into()])).await?;
            Ok::<_, StoreError>(())
        });
        let error = large.await.unwrap_err();
        assert!(matches!(error, StoreError::Full), "{error:?}");
        fault.end();
        add(&db, id + 2).await.unwrap();
        assert_eq!(ids(&db).await.last(), Some(&(id + 2)));
    }
    assert_sound(&db).await;
}

/// Writes until it is killed, and notes what was acknowledged.
async fn write_for_ever(dir: &Path) {
    let db = store(dir).await.project(UID, &[TABLES]).await.unwrap();
    let last = ids(&db).await.last().copied().unwrap_or(0);
    let next = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(last + 1_000));
    // More than it can reach before it is killed.
    let id_max = last + 1_000_000_000;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (db, next) = (db.clone(), next.clone());
            let mut acknowledged = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(dir.join("acknowledged"))
                .unwrap();
            tokio::spawn(async move {
                while id_max > next.load(std::sync::atomic::Ordering::SeqCst) {
                    let id = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    match add(&db, id).await {
                        Ok(()) => acknowledged
                            .write_all(format!("{id}\n").as_bytes())
                            .unwrap(),
                        Err(StoreError::Suspended | StoreError::CommitUnknown(_)) => {
                            tokio::time::sleep(Duration::from_millis(1)).await
                        }
                        Err(e) => panic!("{e:?}"),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let fault = Fault::new(dir.path());
    let noted = || std::fs::read_to_string(dir.path().join("acknowledged")).unwrap_or_default();
    let mut before = 0;
    for round in 0..8_u64 {
        let mut child = spawn("write", dir.path());
        // It has acknowledged something of this round.
        eventually("the child writes", async || {
            (noted().lines().count() > before + 20).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_millis(round * 23 % 100)).await;
        if round % 2 == 1 {
            // Killed while a commit is unknown: the shim fails to sync, the frames are in the file.
            fault.begin("sync", UID);
            tokio::time::sleep(Duration::from_millis(round * 17 % 80)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if round % 2 == 1 {
            fault.end();
        }
        let db = store(dir.path())
            .await
            .project(UID, &[TABLES])
            .await
            .unwrap();
        let there: std::collections::HashSet<i64> = ids(&db).await.into_iter().collect();
        let acknowledged: Vec<i64> = noted().lines().map(|l| l.parse().unwrap()).collect();
        let lost: Vec<&i64> = acknowledged
            .iter()
            .filter(|id| !there.contains(id))
            .collect();
        assert!(lost.is_empty(), "round {round} lost {lost:?}");
        assert_sound(&db).await;
        before = acknowledged.len();
    }
    assert!(before > 160, "only {before} writes were tried");
}
