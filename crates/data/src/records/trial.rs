//! What a write would make of a record, without writing it.

use super::defaults;
use super::merge::Merging;
use super::values::{NewRecord, Writing, merged, new_values, row_of};
use crate::error::DataError;
use crate::schema::Loaded;
use crate::service::Asker;
use kernel::FieldError;
use rules::Row;
use sea_orm::Statement;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use store::Db;
use uuid::Uuid;

/// A record as a write would leave it.
pub(crate) struct Trial {
    pub after: Row,
    /// What is wrong with it, told only to whom the rules allow it; other faults are told at once.
    pub faults: Vec<FieldError>,
}

impl Trial {
    /// Of a new record.
    pub(crate) async fn create(
        db: &Db,
        collection: &Loaded,
        asker: &Asker,
        object: Map<String, Json>,
        fresh: Uuid,
    ) -> Result<Self, DataError> {
        let NewRecord {
            mut values, late, ..
        } = new_values(collection, object, asker, fresh)?;
        let mut faults = Vec::new();
        if !late.is_empty() {
            let docs = async |read: Statement| db.docs(read).await;
            let asked = (db.backend(), docs);
            faults = defaults::late(asked, asker, collection, &mut values, &late).await?;
        }
        Ok(Self {
            after: row_of(collection, &values),
            faults,
        })
    }

    /// Of a change.
    pub(crate) fn update(
        collection: &Arc<Loaded>,
        asker: &Asker,
        id: Uuid,
        before: &Row,
        object: Map<String, Json>,
    ) -> Result<Self, DataError> {
        let merging = Merging::parse(collection, asker, id, object, None, Writing::Merge)?;
        let (values, faults) = merging.outcome(before);
        let version = before.get("_version").and_then(Json::as_i64).unwrap_or(0);
        Ok(Self {
            after: merged(collection, before, &values, version, asker.now),
            faults,
        })
    }
}
