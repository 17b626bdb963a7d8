//! How many processes serve the instance together: each grants its part of a caller's limit.

use super::Gate;
use crate::Problem;
use crate::rows::nodes;
use std::time::Duration;
use store::{Db, WriteTx};
use uuid::Uuid;

/// A node that was not seen for so long does not count. Nodes' clocks must agree to within this.
const LIVE_FOR: Duration = Duration::from_secs(20);
/// When a node that died is forgotten.
const KEPT_FOR: Duration = Duration::from_secs(3_600);

impl Gate {
    /// Whether other processes can serve the same databases: not on SQLite, whose directory one process holds.
    #[must_use]
    pub fn has_nodes(&self) -> bool {
        matches!(self.0.db, Db::Postgres(_))
    }

    /// Says that this node lives; how many do, this one among them. To be called every few seconds.
    pub async fn beat(&self, node: Uuid) -> Result<u32, Problem> {
        let now = self.0.clock.now();
        let (live, kept) = (now.minus(LIVE_FOR).time(), now.minus(KEPT_FOR).time());
        let count = self.0.db.write(async move |tx: &WriteTx| {
            nodes::beat(tx, node, now.time()).await?;
            nodes::remove_before(tx, kept).await?;
            nodes::count_since(tx, live).await.map_err(Problem::from)
        });
        Ok(u32::try_from(count.await?).unwrap_or(u32::MAX).max(1))
    }

    /// Says that this node ends: the others grant its part from their next beat on.
    pub async fn leave(&self, node: Uuid) -> Result<(), Problem> {
        let gone = async move |tx: &WriteTx| nodes::remove(tx, node).await.map_err(Problem::from);
        self.0.db.write(gone).await
    }
}
