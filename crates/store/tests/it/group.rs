//! Writes: many share a commit, and none can hurt its neighbours.

mod faults;

use crate::kit::{Kit, both, statement, thing};
use futures_util::FutureExt;
use sea_orm::{
    ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, TransactionSession,
    TransactionTrait,
};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use store::{Db, StoreError, WriteTx};

both!(
    many_writes_are_all_acknowledged,
    an_error_rolls_back_alone,
    a_panic_rolls_back_alone,
    a_swallowed_error_poisons,
    a_nested_error_is_allowed,
    deferred_keys_are_checked,
    a_panicking_error_type_does_no_harm,
);

type Write = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// Inserts a row into `laters`.
async fn add(tx: &WriteTx, id: i64) -> Result<(), StoreError> {
    run(tx, r#"INSERT INTO "project"."laters" (id) VALUES ($1)"#, id).await
}

async fn run(tx: &WriteTx, text: &str, id: i64) -> Result<(), StoreError> {
    tx.execute_raw(statement(tx.backend(), text, [id.into()]))
        .await?;
    Ok(())
}

async fn ids(db: &Db) -> Vec<i64> {
    let text = r#"SELECT id FROM "project"."laters" ORDER BY id"#;
    let rows = db
        .query_all_raw(crate::kit::sql(db, text, []))
        .await
        .unwrap();
    rows.iter().map(|r| r.try_get("", "id").unwrap()).collect()
}

fn adding(db: &Db, id: i64) -> Write {
    let db = db.clone();
    Box::pin(async move { db.write(async move |tx: &WriteTx| add(tx, id).await).await })
}

/// Keeps the writer busy, so that what is queued meanwhile shares one batch.
struct Held {
    release: mpsc::Sender<()>,
    write: Write,
}

impl Held {
    async fn new(db: &Db) -> Self {
        let (release, gate) = mpsc::channel::<()>();
        let (entered, in_job) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let db = db.clone();
        let mut write: Write = Box::pin(async move {
            db.write(async move |_tx: &WriteTx| {
                let _ = entered.send(());
                let _ = gate.lock().unwrap().recv();
                Ok(())
            })
            .await
        });
        queue(&mut write);
        tokio::task::spawn_blocking(move || in_job.recv())
            .await
            .unwrap()
            .unwrap();
        Self { release, write }
    }

    async fn release(self) {
        drop(self.release);
        self.write.await.unwrap();
    }
}

/// Puts a write into the queue, without waiting for its answer.
fn queue(write: &mut Write) {
    assert!(write.now_or_never().is_none());
}

async fn many_writes_are_all_acknowledged(kit: &Kit) {
    let db = kit.open().await;
    let before = db.write_counts();
    let writes: Vec<_> = (0..256).map(|i| tokio::spawn(adding(&db, i))).collect();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    assert_eq!(ids(&db).await, (0..256).collect::<Vec<i64>>());
    if let (Some(before), Some(after)) = (before, db.write_counts()) {
        let (jobs, commits) = (after.jobs - before.jobs, after.commits - before.commits);
        assert_eq!(jobs, 256);
        assert!(commits < 128, "{commits} commits for {jobs} jobs");
    }
}

async fn an_error_rolls_back_alone(kit: &Kit) {
    #[derive(Debug)]
    enum Mine {
        No,
        #[expect(dead_code, reason = "it is only shown")]
        Store(StoreError),
    }
    impl From<StoreError> for Mine {
        fn from(e: StoreError) -> Self {
            Self::Store(e)
        }
    }
    let db = kit.open().await;
    let failing = db.write(async move |tx: &WriteTx| {
        add(tx, 2).await.map_err(Mine::Store)?;
        Err::<(), _>(Mine::No)
    });
    let (before, failed, after) = tokio::join!(adding(&db, 1), failing, adding(&db, 3));
    before.unwrap();
    after.unwrap();
    assert!(matches!(failed, Err(Mine::No)), "{failed:?}");
    assert_eq!(ids(&db).await, [1, 3]);
}

async fn a_panic_rolls_back_alone(kit: &Kit) {
    let db = kit.open().await;
    let panicking = db.write(async move |tx: &WriteTx| {
        add(tx, 2).await?;
        assert!(
            tx.backend() == sea_orm::DbBackend::MySql,
            "a panic that this test wants"
        );
        Ok::<_, StoreError>(())
    });
    let (before, panicked, after) = tokio::join!(adding(&db, 1), panicking, adding(&db, 3));
    before.unwrap();
    after.unwrap();
    assert!(
        matches!(panicked, Err(StoreError::Panicked)),
        "{panicked:?}"
    );
    adding(&db, 4).await.unwrap();
    assert_eq!(ids(&db).await, [1, 3, 4]);
}

async fn a_swallowed_error_poisons(kit: &Kit) {
    let db = kit.open().await;
    adding(&db, 1).await.unwrap();
    let swallowing = db.write(async move |tx: &WriteTx| {
        add(tx, 2).await?;
        assert!(matches!(add(tx, 1).await, Err(StoreError::Unique(_))));
        // Nothing runs any more in a poisoned transaction, nested or not, on either engine.
        assert!(matches!(add(tx, 3).await, Err(StoreError::Poisoned)));
        assert!(tx.begin().await.is_err());
        Ok::<_, StoreError>(())
    });
    assert!(matches!(swallowing.await, Err(StoreError::Poisoned)));
    assert_eq!(ids(&db).await, [1]);
}

async fn a_nested_error_is_allowed(kit: &Kit) {
    let db = kit.open().await;
    adding(&db, 1).await.unwrap();
    let nested = db.write(async move |tx: &WriteTx| {
        let inner = tx.begin().await?;
        assert!(add(&inner, 1).await.is_err());
        inner.rollback().await?;
        {
            let dropped = tx.begin().await?;
            assert!(add(&dropped, 1).await.is_err());
        }
        add(tx, 2).await
    });
    nested.await.unwrap();
    assert_eq!(ids(&db).await, [1, 2]);
}

async fn deferred_keys_are_checked(kit: &Kit) {
    let db = kit.open().await;
    let dangling = {
        let db = db.clone();
        async move {
            db.write(async move |tx: &WriteTx| {
                run(
                    tx,
                    r#"INSERT INTO "project"."laters" (id, next) VALUES (2, $1)"#,
                    77,
                )
                .await
            })
            .await
        }
    };
    let (before, failed, after) = tokio::join!(adding(&db, 1), dangling, adding(&db, 3));
    before.unwrap();
    after.unwrap();
    assert!(
        matches!(
            failed,
            Err(StoreError::DeferredForeignKey | StoreError::ForeignKey(_))
        ),
        "{failed:?}"
    );
    assert_eq!(ids(&db).await, [1, 3]);
    // One that holds by the end is what they are for.
    let holding = db.write(async move |tx: &WriteTx| {
        run(
            tx,
            r#"INSERT INTO "project"."laters" (id, next) VALUES (5, $1)"#,
            6,
        )
        .await?;
        add(tx, 6).await
    });
    holding.await.unwrap();
}

async fn a_panicking_error_type_does_no_harm(kit: &Kit) {
    #[derive(Debug)]
    struct Bad;
    impl From<StoreError> for Bad {
        fn from(_: StoreError) -> Self {
            panic!("a panic that this test wants")
        }
    }
    let db = kit.open().await;
    let writer = db.clone();
    let bad = tokio::spawn(async move {
        writer
            .write(async move |tx: &WriteTx| {
                let _ = add(tx, 1).await;
                let _ = add(tx, 1).await;
                Ok::<_, Bad>(())
            })
            .await
    });
    let (bad, good) = tokio::join!(bad, adding(&db, 2));
    assert!(bad.is_err());
    good.unwrap();
    adding(&db, 3).await.unwrap();
    assert_eq!(ids(&db).await, [2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_awaits_something_else_has_yielded() {
    let kit = Kit::sqlite().await;
    let db = kit.open().await;
    let timer = db.write(async move |tx: &WriteTx| {
        add(tx, 1).await?;
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok::<_, StoreError>(())
    });
    assert!(matches!(timer.await, Err(StoreError::Yielded)));
    let task = db.write(async move |tx: &WriteTx| {
        add(tx, 1).await?;
        tokio::task::yield_now().await;
        Ok::<_, StoreError>(())
    });
    assert!(matches!(task.await, Err(StoreError::Yielded)));
    assert_eq!(ids(&db).await, Vec::<i64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_cannot_end_the_transaction_around_it() {
    let kit = Kit::sqlite().await;
    let db = kit.open().await;
    let words = [
        "COMMIT",
        "END",
        "ROLLBACK",
        "BEGIN",
        "SAVEPOINT s",
        "RELEASE j",
        "ROLLBACK TO j",
        "ATTACH ':memory:' AS other",
        "DETACH main",
        "PRAGMA synchronous = OFF",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA writable_schema = ON",
        "COMMIT /* store */",
    ];
    for (i, word) in words.into_iter().enumerate() {
        for prepared in [true, false] {
            let held = Held::new(&db).await;
            let id = i64::try_from(i).unwrap() * 10 + i64::from(prepared);
            let mut neighbour = adding(&db, id);
            queue(&mut neighbour);
            let (writer, text) = (db.clone(), word.to_owned());
            let mut job: Write = Box::pin(async move {
                writer
                    .write(async move |tx: &WriteTx| {
                        add(tx, -1).await?;
                        if prepared {
                            tx.execute_raw(statement(tx.backend(), &text, [])).await?;
                        } else {
                            tx.execute_unprepared(&text).await?;
                        }
                        Ok(())
                    })
                    .await
            });
            queue(&mut job);
            held.release().await;
            let error = job.await.unwrap_err();
            assert!(error.to_string().contains("[23]"), "{word}: {error}");
            neighbour.await.unwrap();
            assert!(ids(&db).await.contains(&id), "{word}");
        }
    }
    assert!(!ids(&db).await.contains(&-1));
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_of_a_job_that_ends_the_batch_run_again() {
    let kit = Kit::sqlite().await;
    let db = kit.open().await;
    adding(&db, 1).await.unwrap();
    let held = Held::new(&db).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let (writer, counted) = (db.clone(), runs.clone());
    let mut before: Write = Box::pin(async move {
        writer
            .write(async move |tx: &WriteTx| {
                counted.fetch_add(1, Ordering::SeqCst);
                add(tx, 2).await
            })
            .await
    });
    queue(&mut before);
    let writer = db.clone();
    let mut culprit: Write = Box::pin(async move {
        writer
            .write(async move |tx: &WriteTx| {
                run(
                    tx,
                    r#"INSERT OR ROLLBACK INTO "project"."laters" (id) VALUES ($1)"#,
                    1,
                )
                .await
            })
            .await
    });
    queue(&mut culprit);
    let writer = db.clone();
    // Goes on after the end of the transaction: what it writes then must not be kept outside of any.
    let mut swallowing: Write = Box::pin(async move {
        writer
            .write(async move |tx: &WriteTx| {
                assert!(
                    run(
                        tx,
                        r#"INSERT OR ROLLBACK INTO "project"."laters" (id) VALUES ($1)"#,
                        1
                    )
                    .await
                    .is_err()
                );
                assert!(add(tx, 66).await.is_err());
                assert!(tx.begin().await.is_err());
                Ok(())
            })
            .await
    });
    queue(&mut swallowing);
    let mut after = adding(&db, 3);
    queue(&mut after);
    held.release().await;
    before.await.unwrap();
    after.await.unwrap();
    // It learns its own error, not that of a batch.
    assert!(matches!(culprit.await, Err(StoreError::Unique(_))));
    assert!(matches!(swallowing.await, Err(StoreError::Poisoned)));
    assert_eq!(ids(&db).await, [1, 2, 3]);
    assert!(runs.load(Ordering::SeqCst) >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_gives_up_on_a_job_that_is_undone_again_and_again() {
    let kit = Kit::sqlite().await;
    let db = kit.open().await;
    adding(&db, 1).await.unwrap();
    let held = Held::new(&db).await;
    let mut victim = adding(&db, 2);
    queue(&mut victim);
    let mut culprits: Vec<Write> = (0..4)
        .map(|_| {
            let writer = db.clone();
            let write: Write = Box::pin(async move {
                writer
                    .write(async move |tx: &WriteTx| {
                        run(
                            tx,
                            r#"INSERT OR ROLLBACK INTO "project"."laters" (id) VALUES ($1)"#,
                            1,
                        )
                        .await
                    })
                    .await
            });
            write
        })
        .collect();
    culprits.iter_mut().for_each(queue);
    held.release().await;
    for culprit in culprits {
        assert!(culprit.await.is_err());
    }
    assert!(matches!(victim.await, Err(StoreError::Aborted)));
    assert_eq!(ids(&db).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_jobs_are_skipped_and_the_rest_keep_their_order() {
    let kit = Kit::sqlite().await;
    let db = kit.open().await;
    let held = Held::new(&db).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut writes: Vec<Write> = (0..400_i64)
        .map(|i| {
            let (db, order) = (db.clone(), order.clone());
            let write: Write = Box::pin(async move {
                db.write(async move |tx: &WriteTx| {
                    order.lock().unwrap().push(i);
                    add(tx, i).await
                })
                .await
            });
            write
        })
        .collect();
    writes.iter_mut().for_each(queue);
    let mut i = -1;
    writes.retain(|_| {
        i += 1;
        i % 3 != 0
    });
    held.release().await;
    for write in writes {
        write.await.unwrap();
    }
    let wanted: Vec<i64> = (0..400).filter(|i| i % 3 != 0).collect();
    assert_eq!(*order.lock().unwrap(), wanted);
    assert_eq!(ids(&db).await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_database_does_not_hold_another() {
    let kit = Kit::sqlite_with(store::SqliteOptions {
        writer_threads: 2,
        ..store::SqliteOptions::default()
    })
    .await;
    let (db, other) = (kit.open().await, kit.open().await);
    let held = Held::new(&db).await;
    let model = crate::kit::thing("free");
    let write = other.write(async move |tx: &WriteTx| {
        Ok::<_, StoreError>(
            thing::Entity::insert(model.clone().into_active_model())
                .exec(tx)
                .await?,
        )
    });
    tokio::time::timeout(Duration::from_secs(5), write)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(thing::Entity::find().count(&other).await.unwrap(), 1);
    held.release().await;
}
