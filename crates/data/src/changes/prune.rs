//! Forgetting old changes: 30 days and a million places of the log are kept.

use crate::error::DataError;
use crate::service::Data;
use gate::{Problem, Project};
use kernel::Stamp;
use std::time::Duration;
use store::{Pruned, WriteTx};

/// How long a change is kept at least, unless there are too many.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many places of the log are kept at most.
const KEPT_PLACES: i64 = 1_000_000;
/// Changes that are removed in one transaction.
const SLICE: u32 = 500;
/// Transactions of one tick at most.
const SLICES_PER_TICK: u32 = 20;
/// How often a log is looked at whose oldest change may stay: there may be too many.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

impl Data {
    /// Removes a slice of changes that are older than 30 days or behind the newest million, at most 500, in one
    /// transaction. A reader who has not seen them is told `resync_required` from then on.
    pub async fn prune_changes(&self, project: &Project, now: Stamp) -> Result<Pruned, DataError> {
        let before = now.minus(KEPT);
        project
            .db
            .write(async move |tx: &WriteTx| -> Result<Pruned, DataError> {
                Ok(tx.prune_changes(before, KEPT_PLACES, SLICE).await?)
            })
            .await
    }

    /// Does the work of a project that no request waits for, a bounded part of it, and tells when to come again: at once
    /// if that is not in the future. To repeat it, to be late or to end half-way does no harm.
    pub async fn tick(&self, project: &Project, now: Stamp) -> Result<Option<Stamp>, Problem> {
        for _ in 0..SLICES_PER_TICK {
            let pruned = self.prune_changes(project, now).await?;
            if pruned.removed < u64::from(SLICE) {
                let due = pruned.oldest.map(|oldest| oldest.plus(KEPT));
                let look = now.plus(LOOK_EVERY);
                return Ok(Some(due.map_or(look, |due| due.min(look))));
            }
        }
        Ok(Some(now))
    }
}
