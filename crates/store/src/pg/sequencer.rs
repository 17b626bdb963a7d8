//! The sequencer: gives the committed rows of the change log their place in the order, after their commit.

use super::{PgDb, session::db_err};
use crate::{StoreError, place};
use sqlx::AssertSqlSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// How often stamping is tried again while the database cannot be reached, and the pause between.
const STAMP_RETRIES_MAX: u32 = 240;
const STAMP_PAUSE: Duration = Duration::from_millis(500);

/// Who stamps the change log: at most one run at a time per node, one more remembered.
#[derive(Default)]
pub(super) struct Sequencer {
    state: AtomicU8,
}

/// A sequencer that runs. If its runtime ends before it does, the next wake must be able to start another.
struct Running {
    sequencer: Arc<Sequencer>,
    rested: bool,
}

impl Running {
    /// Ends the run unless it was asked for again.
    fn rest(&mut self) -> bool {
        self.rested = self
            .sequencer
            .state
            .compare_exchange(RUNNING, IDLE, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok();
        self.rested
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After a rest the state belongs to whoever was woken since.
        if !self.rested {
            self.sequencer.state.store(IDLE, Ordering::SeqCst);
        }
    }
}

const IDLE: u8 = 0;
const RUNNING: u8 = 1;
const AGAIN: u8 = 2;

impl PgDb {
    /// Stamps what is committed, now and once more if asked while it runs.
    pub(crate) fn wake_sequencer(&self) {
        if self.sequencer.state.swap(AGAIN, Ordering::SeqCst) != IDLE {
            return;
        }
        let db = self.clone();
        let mut running = Running {
            sequencer: self.sequencer.clone(),
            rested: false,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the sequencer ends by itself after the rows that are there"
        )]
        tokio::spawn(async move {
            let mut failures = 0;
            loop {
                running.sequencer.state.store(RUNNING, Ordering::SeqCst);
                match db.stamp().await {
                    Ok(()) => failures = 0,
                    Err(e)
                        if failures < STAMP_RETRIES_MAX && !db.closed.load(Ordering::Relaxed) =>
                    {
                        failures += 1;
                        tracing::warn!(error = %e, failures, "the change log was not stamped and will be tried again");
                        tokio::time::sleep(STAMP_PAUSE).await;
                        continue;
                    }
                    Err(e) => tracing::error!(error = %e, "the change log was not stamped"),
                }
                if running.rest() {
                    return;
                }
            }
        });
    }

    /// Gives the committed, unstamped rows of the change log their place in the order. One stamper per database at a
    /// time on all nodes: the counter's row lock sees to that.
    pub(crate) async fn stamp(&self) -> Result<(), StoreError> {
        let sql = |text: &str| {
            let mut text = text.to_owned();
            place(&mut text, &self.place.schema);
            sqlx::query(AssertSqlSafe(text))
        };
        loop {
            let mut tx = self.shared.write.begin().await.map_err(db_err)?;
            sql(r#"SELECT value FROM "project"."_counters" WHERE name = 'change' FOR UPDATE"#)
                .execute(&mut *tx)
                .await
                .map_err(db_err)?;
            let stamped = sql(
                r#"WITH base AS (SELECT value FROM "project"."_counters" WHERE name = 'change'),
                   fresh AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM
                             (SELECT id FROM "project"."_changes" WHERE seq IS NULL ORDER BY id LIMIT 1000) AS u)
                   UPDATE "project"."_changes" AS c SET seq = base.value + fresh.n FROM base, fresh WHERE c.id = fresh.id"#,
            )
            .execute(&mut *tx)
            .await
            .map_err(db_err)?
            .rows_affected();
            if stamped == 0 {
                return Ok(tx.rollback().await.map_err(db_err)?);
            }
            sql(r#"UPDATE "project"."_counters" SET value = GREATEST(value, (SELECT COALESCE(max(seq), 0) FROM "project"."_changes")) WHERE name = 'change'"#)
                .execute(&mut *tx)
                .await
                .map_err(db_err)?;
            tx.commit().await.map_err(db_err)?;
            if stamped < 1_000 {
                return Ok(());
            }
        }
    }
}
