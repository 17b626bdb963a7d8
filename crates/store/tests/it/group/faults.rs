//! Group commit when a job panics as it is dropped, and when another process holds the file.

use super::*;

/// A value whose owner should not have dropped it.
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(
            !self.0 || std::thread::panicking(),
            "a panic that this test wants"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_while_a_job_is_dropped_does_not_lose_the_database() {
    let kit = Kit::sqlite().await;
    let db = kit.open().await;
    let held = Held::new(&db).await;
    let bombing = |armed: bool| {
        let db = db.clone();
        let write: Write = Box::pin(async move {
            let bomb = Bomb(armed);
            db.write(async move |tx: &WriteTx| {
                let _ = &bomb;
                add(tx, 1).await
            })
            .await
        });
        write
    };
    // One is dropped after its answer, one because its caller has gone.
    let (mut answered, mut gone, mut neighbour) = (bombing(true), bombing(true), adding(&db, 2));
    queue(&mut answered);
    queue(&mut gone);
    queue(&mut neighbour);
    drop(gone);
    held.release().await;
    // Whoever shared the turn is answered, with the truth or with "unknown".
    for write in [answered, neighbour] {
        let result = write.await;
        assert!(
            matches!(result, Ok(()) | Err(StoreError::CommitUnknown(_))),
            "{result:?}"
        );
    }
    adding(&db, 3).await.unwrap();
    assert!(ids(&db).await.contains(&3));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_that_holds_the_file_makes_writes_busy() {
    let kit = Kit::sqlite().await;
    let uid = kit.uid();
    let (db, other) = (
        kit.store.project(uid, &[crate::kit::TABLES]).await.unwrap(),
        kit.open().await,
    );
    let file = kit
        .dir()
        .join("projects")
        .join(uid.to_string())
        .join("data.db");
    let holder = rusqlite::Connection::open(file).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut writes: Vec<Write> = (0..20).map(|i| adding(&db, i)).collect();
    writes.iter_mut().for_each(queue);
    tokio::time::timeout(Duration::from_secs(2), adding(&other, 1))
        .await
        .unwrap()
        .unwrap();
    let started = std::time::Instant::now();
    assert_eq!(ids(&db).await, Vec::<i64>::new());
    assert!(started.elapsed() < Duration::from_secs(1));
    for write in writes {
        let result = tokio::time::timeout(Duration::from_secs(6), write)
            .await
            .unwrap();
        assert!(matches!(result, Err(StoreError::Busy(_))), "{result:?}");
    }
    holder.execute_batch("ROLLBACK").unwrap();
    adding(&db, 99).await.unwrap();
    assert_eq!(ids(&db).await, [99]);
}
