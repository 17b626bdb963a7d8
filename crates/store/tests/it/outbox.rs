//! The outbox: an effect is done at least once, and hidden while somebody does it.

use crate::kit::{Kit, both, stamp};
use kernel::Stamp;
use serde_json::json;
use std::time::Duration;
use store::{Db, Effect, EffectIn, StoreError, WriteTx};

both!(
    effects_are_leased,
    parallel_workers_share,
    a_rolled_back_effect_is_not_there
);

fn effect(kind: &str, n: i64, due_at: Stamp) -> EffectIn {
    EffectIn {
        kind: kind.into(),
        body: json!({"n": n, "nested": [null, "x"]}),
        due_at,
    }
}

async fn lease(db: &Db, kind: &'static str, now: Stamp, limit: u32) -> Vec<Effect> {
    let until = now.plus(Duration::from_secs(60));
    // An owned name: a spawned write cannot capture a reference, not even a static one.
    let kind = kind.to_owned();
    db.write(async move |tx: &WriteTx| tx.lease_effects(&kind, now, until, limit).await)
        .await
        .unwrap()
}

async fn effects_are_leased(kit: &Kit) {
    let db = kit.open().await;
    let now = stamp("2026-03-01T12:00:00Z");
    let second = move |n: u64| now.plus(Duration::from_secs(n));
    db.write(async move |tx: &WriteTx| {
        tx.enqueue(effect("mail", 1, now), now).await?;
        tx.enqueue(effect("mail", 2, now), now).await?;
        tx.enqueue(effect("mail", 3, second(30)), now).await?;
        tx.enqueue(effect("push", 4, now), now).await
    })
    .await
    .unwrap();
    assert_eq!(db.effects_waiting().await.unwrap(), 4);

    let first = lease(&db, "mail", now, 1).await;
    assert_eq!(
        first
            .iter()
            .map(|e| (e.body.clone(), e.attempts))
            .collect::<Vec<_>>(),
        [(json!({"n": 1, "nested": [null, "x"]}), 0)]
    );
    let rest = lease(&db, "mail", now, 10).await;
    assert_eq!(
        rest.iter()
            .map(|e| e.body["n"].as_i64())
            .collect::<Vec<_>>(),
        [Some(2)]
    );
    assert_eq!(lease(&db, "mail", now, 10).await, []);
    // Done ones are gone, the other comes again after its lease, counted; and the one that was not yet due.
    let done = first[0].id;
    db.write(async move |tx: &WriteTx| tx.effect_done(done).await)
        .await
        .unwrap();
    let again = lease(&db, "mail", second(61), 10).await;
    assert_eq!(
        again
            .iter()
            .map(|e| (e.body["n"].as_i64(), e.attempts))
            .collect::<Vec<_>>(),
        [(Some(2), 1), (Some(3), 0)]
    );
    assert_eq!(again[0].id, rest[0].id);
    assert_eq!(db.effects_waiting().await.unwrap(), 3);
}

async fn parallel_workers_share(kit: &Kit) {
    let db = kit.open().await;
    let now = stamp("2026-03-01T12:00:00Z");
    db.write(async move |tx: &WriteTx| {
        for n in 0..40 {
            tx.enqueue(effect("mail", n, now), now).await?;
        }
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                loop {
                    let effects = lease(&db, "mail", now, 3).await;
                    if effects.is_empty() {
                        return taken;
                    }
                    taken.extend(effects.into_iter().map(|e| e.id));
                }
            })
        })
        .collect();
    let mut taken = Vec::new();
    for worker in workers {
        taken.extend(worker.await.unwrap());
    }
    taken.extend(lease(&db, "mail", now, 100).await.into_iter().map(|e| e.id));
    taken.sort_unstable();
    let count = taken.len();
    taken.dedup();
    assert_eq!((taken.len(), count), (40, 40));
}

async fn a_rolled_back_effect_is_not_there(kit: &Kit) {
    let db = kit.open().await;
    let now = stamp("2026-03-01T12:00:00Z");
    let failed = db.write(async move |tx: &WriteTx| {
        tx.enqueue(effect("mail", 1, now), now).await?;
        Err::<(), _>(StoreError::Closed)
    });
    assert!(failed.await.is_err());
    assert_eq!(db.effects_waiting().await.unwrap(), 0);
}
