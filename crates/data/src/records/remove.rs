//! Removing a record within an open transaction.

use super::IfMatch;
use super::fall::fall;
use super::judge::{Done, demand, demand_version};
use super::merge::locked;
use super::scene::Scene;
use crate::error::DataError;
use crate::schema::Loaded;
use std::sync::Arc;
use store::WriteTx;
use uuid::Uuid;

/// A record to be removed.
pub(super) struct Removing {
    pub collection: Arc<Loaded>,
    pub id: Uuid,
    pub if_match: Option<IfMatch>,
}

impl Removing {
    /// In this order: the record's lock, its version, the delete rule; then of all that goes, what holds before
    /// what is held: the removal, the files, the log.
    pub(super) async fn run(&self, tx: &WriteTx, scene: &Scene) -> Result<Done, DataError> {
        let (collection, asker, id) = (&*self.collection, &scene.asker, self.id);
        let found = locked(tx, asker, collection, id, false).await?;
        let (version, before) = found.ok_or(DataError::NoRecord)?;
        let wanted = self.if_match.as_ref();
        demand_version(wanted, version, asker, tx, collection, &before).await?;
        demand(&collection.rules.delete, asker, tx, collection, &before).await?;
        fall(tx, scene, &self.collection, id, before).await?;
        Ok(Done {
            status: 204,
            id,
            version: None,
            record: None,
        })
    }
}
