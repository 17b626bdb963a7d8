//! Making a record, or changing the one that has its id, within an open transaction.

use super::IfMatch;
use super::judge::Done;
use super::make::Making;
use super::merge::Merging;
use super::scene::Scene;
use super::values::Writing;
use crate::error::DataError;
use crate::schema::Loaded;
use crate::service::{Asker, visible};
use gate::Problem;
use kernel::parse_id;
use rules::Row;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use store::WriteTx;
use uuid::Uuid;

/// A record to be made or changed.
pub(super) struct Upserting {
    pub merging: Merging,
    /// What is wrong with the record only matters where it is made: a change need not be whole.
    making: Result<Making, Problem>,
    /// Whether it may only be made.
    only_made: bool,
    /// Whether it may only be changed.
    only_changed: bool,
}

impl Upserting {
    /// Reads the record; gives the faults that it has either way. The id may stand in it, too.
    pub(super) fn parse(
        collection: &Arc<Loaded>,
        asker: &Asker,
        id: Uuid,
        mut object: Map<String, Json>,
        if_match: Option<IfMatch>,
    ) -> Result<Self, DataError> {
        let only_made = if_match == Some(IfMatch::Absent);
        let only_changed = if_match.is_some() && !only_made;
        let is_own = |json: &Json| json.as_str().and_then(parse_id) == Some(id);
        if object.get("id").is_some_and(is_own) {
            object.shift_remove("id");
        }
        let changes = object.clone();
        let merging = Merging::parse(collection, asker, id, changes, if_match, Writing::Upsert)?;
        object.insert("id".to_owned(), id.to_string().into());
        let making = Making::parse(collection, asker, object, id).map_err(Problem::from);
        Ok(Self {
            merging,
            making,
            only_made,
            only_changed,
        })
    }

    /// The rules of making hold where it is made, those of changing where it is there. A record that is there and
    /// cannot be seen answers as a taken id, to whom might have made it.
    pub(super) async fn run(&self, tx: &WriteTx, scene: &Scene) -> Result<Done, DataError> {
        let mut found = self.merging.found(tx, scene).await?;
        if found.is_none() {
            let making = self.making.as_ref().map_err(Clone::clone)?;
            if self.only_changed {
                return Err(if making.allowed(tx, scene).await? {
                    DataError::OtherVersion
                } else {
                    DataError::Denied
                });
            }
            if let Some(done) = making.run_unless_taken(tx, scene, true).await? {
                return Ok(done);
            }
            // Somebody else has made it meanwhile.
            found = self.merging.found(tx, scene).await?;
        }
        let found = found.ok_or(DataError::IdTaken)?;
        if self.only_made {
            return Err(self.refused(tx, scene, &found.1).await?);
        }
        match self.merging.run_on(tx, scene, found).await {
            Err(DataError::NoRecord) => Err(self.taken(tx, scene).await?),
            done => done,
        }
    }

    /// Why it is not made where a record is: to whom may not see that record its id is taken.
    async fn refused(
        &self,
        tx: &WriteTx,
        scene: &Scene,
        there: &Row,
    ) -> Result<DataError, DataError> {
        if visible(&self.merging.collection, &scene.asker, tx, there).await? {
            Ok(DataError::OtherVersion)
        } else {
            self.taken(tx, scene).await
        }
    }

    /// The id is taken, as far as the caller might have used it.
    async fn taken(&self, tx: &WriteTx, scene: &Scene) -> Result<DataError, DataError> {
        let making = self.making.as_ref().map_err(Clone::clone)?;
        Ok(if making.allowed(tx, scene).await? {
            DataError::IdTaken
        } else {
            DataError::Denied
        })
    }
}
