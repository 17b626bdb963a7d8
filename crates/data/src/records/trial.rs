//! What a write would make of a record, without writing it.

use super::values::{changed_values, merged, new_values, row_of};
use crate::error::DataError;
use crate::schema::Loaded;
use crate::service::{Asker, Data};
use rules::Row;
use serde_json::{Map, Value as Json};

/// A record as a write would leave it. Its faults are told as the write would tell them.
pub(crate) struct Trial {
    pub after: Row,
}

impl Trial {
    /// Of a new record.
    pub(crate) fn create(
        data: &Data,
        collection: &Loaded,
        asker: &Asker,
        object: &Map<String, Json>,
    ) -> Result<Self, DataError> {
        let (_, values) = new_values(collection, object.clone(), asker, data.ids().new_id())?;
        Ok(Self {
            after: row_of(collection, &values),
        })
    }

    /// Of a change.
    pub(crate) fn update(
        collection: &Loaded,
        asker: &Asker,
        before: &Row,
        object: &Map<String, Json>,
    ) -> Result<Self, DataError> {
        let set = changed_values(collection, object.clone(), asker)?;
        let version = before.get("_version").and_then(Json::as_i64).unwrap_or(0);
        Ok(Self {
            after: merged(before, &set, version, asker.now),
        })
    }
}
