//! Lists that join tables keep: written beside the record within its transaction, and read with it afterwards.

use crate::error::DataError;
use crate::rows;
use crate::schema::Loaded;
use crate::service::Asker;
use crate::sql::pairs;
use sea_orm::Value;
use store::{Doc, WriteTx};
use uuid::Uuid;

/// Makes the lists of a record that stands, or `is_new`, what `values` say, and gives the record with them. `doc` is the
/// record as far as its write told it.
///
/// Who changes a list holds the record's row, so that two changes follow each other and none is lost.
pub(crate) async fn put<'v>(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    id: Uuid,
    (doc, is_new): (Doc, bool),
    values: impl Iterator<Item = (&'v str, &'v Value)> + Clone,
) -> Result<Doc, DataError> {
    for (column, table) in collection.joined() {
        let value = values.clone().find(|(name, _)| *name == column.name);
        let Some((_, Value::Json(Some(list)))) = value else {
            continue;
        };
        let empty = list.as_array().is_some_and(Vec::is_empty);
        let [gone, come] = pairs::put(table, id, &list.to_string(), tx.backend());
        if !is_new {
            rows::run(tx, gone).await?;
        }
        if !empty {
            rows::run(tx, come).await?;
        }
    }
    if doc.json.is_empty() {
        again(tx, asker, collection, id).await
    } else {
        Ok(doc)
    }
}

/// The whole record as it stands.
async fn again(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    id: Uuid,
) -> Result<Doc, DataError> {
    let plan = super::read::view_plan(collection, true, tx.backend());
    let read = super::read::bound(plan, asker, id)?;
    tx.docs(read).await?.pop().ok_or(DataError::NoRecord)
}

/// Empties the lists of a record that goes.
pub(super) async fn clear(tx: &WriteTx, collection: &Loaded, id: Uuid) -> Result<(), DataError> {
    for (_, table) in collection.joined() {
        rows::run(tx, pairs::clear(table, id, tx.backend())).await?;
    }
    Ok(())
}
