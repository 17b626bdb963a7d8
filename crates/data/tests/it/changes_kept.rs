//! How long changes are kept, and what a reader is told who comes too late.

use crate::changes_feed::notes;
use crate::kit::{Kit, both, code, key, now, u};
use kernel::{Code, Stamp};
use sea_orm::ConnectionTrait;
use serde_json::json;
use std::time::Duration;
use store::{StoreError, WriteTx};

both!(
    late_readers_list_again,
    who_began_at_zero_is_told_too,
    a_tick_forgets_and_says_when_to_come_again,
    a_log_that_is_too_long_is_cut
);

const DAYS: Duration = Duration::from_secs(24 * 3600);

impl Kit {
    pub async fn execute(&self, sql: &str) {
        let sql = sql.to_owned();
        let done = self
            .db
            .write(async move |tx: &WriteTx| -> Result<(), StoreError> {
                tx.execute_unprepared(&sql).await?;
                Ok(())
            });
        done.await.unwrap();
    }
}

async fn late_readers_list_again(kit: &Kit) {
    notes(kit, json!("true")).await;
    let first = kit.place().await;
    let whole = kit.feed(&u(), "since=0&collections=notes").await.unwrap();
    let id = kit.made("notes", json!({"title": "a"})).await;
    kit.stamped().await;
    let after = kit.place().await;
    let pruned = kit
        .data
        .prune_changes(&kit.project, now().plus(31 * DAYS))
        .await
        .unwrap();
    assert!(pruned.removed > 0 && pruned.oldest.is_none());
    for asker in [u(), key()] {
        for since in [1, first, after - 1] {
            let got = kit
                .feed(&asker, &format!("since={since}&collections=notes"))
                .await;
            assert_eq!(code(got), Code::ResyncRequired, "{since}");
        }
        // Who is up to date stays so, and the place is not given twice.
        let page = kit
            .feed(&asker, &format!("since={after}&collections=notes"))
            .await
            .unwrap();
        assert_eq!((page.items.len(), page.next_since), (0, after));
        assert_eq!(
            kit.feed(&asker, "since=now&collections=notes")
                .await
                .unwrap()
                .next_since,
            after
        );
    }
    // From the oldest that is kept: whoever had the whole from there is told so by the tag.
    let rest = kit.feed(&u(), "since=0&collections=notes").await.unwrap();
    assert_eq!(rest.items.len(), 0);
    assert_ne!(rest.visibility, whole.visibility);
    kit.merge(&key(), "notes", &id, json!({"title": "b"}))
        .await
        .unwrap();
    assert_eq!(
        kit.told(&u(), "since=0&collections=notes").await,
        [(id.clone(), true)]
    );
    assert_eq!(
        kit.told(&u(), &format!("since={after}&collections=notes"))
            .await,
        [(id, true)]
    );
}

async fn a_tick_forgets_and_says_when_to_come_again(kit: &Kit) {
    notes(kit, json!("true")).await;
    kit.stamped().await;
    let count = async || {
        kit.number(r#"SELECT count(*) AS n FROM "project"."_changes""#)
            .await
    };
    let tick = async |at: Stamp| kit.data.tick(&kit.project, at).await.unwrap().unwrap();
    let hour = Duration::from_secs(3600);
    let before = count().await;
    assert!(before > 0);
    assert_eq!(tick(now()).await, now().plus(hour));
    // Exactly thirty days are kept.
    let over = now().plus(30 * DAYS);
    assert_eq!(tick(over.minus(Duration::from_secs(60))).await, over);
    assert_eq!(tick(over.minus(Duration::from_micros(1))).await, over);
    assert_eq!(count().await, before);
    assert_eq!(tick(over).await, over.plus(hour));
    assert_eq!(count().await, 0);
    assert_eq!(tick(over).await, over.plus(hour));
    // Much is removed in slices, a bounded number of them at once.
    let fill = if kit.is_postgres() {
        r#"INSERT INTO "project"."_changes" (seq, collection, record, action, fields, at)
           SELECT 1000 + n, 'notes', 'x', 'update', '[]', '2026-01-01T00:00:00Z' FROM generate_series(1, 10800) AS n"#
    } else {
        r#"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10800)
           INSERT INTO "project"."_changes" (seq, collection, record, action, fields, at)
           SELECT 1000 + n, 'notes', 'x', 'update', '[]', '2026-01-01T00:00:00.000000Z' FROM s"#
    };
    kit.execute(fill).await;
    let one = kit.data.prune_changes(&kit.project, over).await.unwrap();
    assert_eq!(one.removed, 500);
    assert_eq!(tick(over).await, over);
    assert_eq!(count().await, 10_800 - 500 - 20 * 500);
    assert_eq!(tick(over).await, over.plus(hour));
    assert_eq!(count().await, 0);
}

async fn a_log_that_is_too_long_is_cut(kit: &Kit) {
    notes(kit, json!("true")).await;
    kit.stamped().await;
    // A log with a gap is as long as its places say.
    let newest = kit.place().await;
    let far = newest + 1_000_000 - 1;
    let row = |seq: i64| {
        format!(
            r#"INSERT INTO "project"."_changes" (seq, collection, record, action, fields, at) VALUES ({seq}, 'notes', 'x', 'update', '[]', '2026-03-01T00:00:00.000000Z')"#
        )
    };
    kit.execute(&row(far)).await;
    let pruned = kit.data.prune_changes(&kit.project, now()).await.unwrap();
    assert_eq!(pruned.removed as i64, newest - 1);
    kit.execute(&row(far + 1)).await;
    let pruned = kit.data.prune_changes(&kit.project, now()).await.unwrap();
    assert_eq!(pruned.removed, 1);
    assert_eq!(
        code(
            kit.feed(&u(), &format!("since={}&collections=notes", newest - 1))
                .await
        ),
        Code::ResyncRequired
    );
    assert!(
        kit.feed(&u(), &format!("since={newest}&collections=notes"))
            .await
            .is_ok()
    );
}

/// 0 is a place to begin at whatever was pruned; that something was is told by the tag.
async fn who_began_at_zero_is_told_too(kit: &Kit) {
    let read = async |since: &str| {
        let query = format!("since={since}&collections=users");
        kit.feed(&key(), &query).await.unwrap()
    };
    let (zero, now_) = (read("0").await, read("now").await);
    assert_eq!((zero.next_since, &zero.visibility), (0, &now_.visibility));
    crate::kit::add_user(kit, crate::kit::U, None).await;
    assert_eq!(read("0").await.items.len(), 1);
    kit.data
        .prune_changes(&kit.project, now().plus(31 * DAYS))
        .await
        .unwrap();
    let after = read("0").await;
    assert_eq!(
        (after.items.len(), read("now").await.visibility),
        (0, now_.visibility)
    );
    assert_ne!(after.visibility, zero.visibility);
}
