//! Files that fields hold: bound and unbound within the write that sets the fields.

use crate::error::DataError;
use crate::ports::{FileClaim, FileOwner, FileRefs};
use crate::schema::Loaded;
use crate::service::Asker;
use crate::sql::write;
use gate::Project;
use kernel::{FieldError, parse_id};
use rules::Row;
use sea_orm::Value;
use serde_json::Value as Json;
use store::WriteTx;
use uuid::Uuid;

/// Who keeps files, and for whom they are bound.
#[derive(Clone, Copy)]
pub(crate) struct Keeper<'a> {
    pub files: &'a dyn FileRefs,
    pub project: &'a Project,
    pub asker: &'a Asker,
}

/// Fields that are let go of in one call, where a collection goes.
const AT_ONCE: u64 = 500;

fn owner(collection: &Loaded, record: Uuid, field: &str) -> FileOwner {
    FileOwner {
        collection: collection.def.name.clone(),
        record,
        field: field.to_owned(),
    }
}

/// Binds the files of a new record to its fields.
pub(crate) async fn made(
    tx: &WriteTx,
    keeper: Keeper<'_>,
    collection: &Loaded,
    record: Uuid,
    values: &[Value],
) -> Result<(), DataError> {
    if collection.files.is_empty() {
        return Ok(());
    }
    let columns = collection.columns(true).into_iter().zip(values);
    let values = columns.map(|(c, value)| (c.name.as_str(), value));
    let values: Vec<(&str, &Value)> = values.collect();
    changed(tx, keeper, collection, record, &Row::new(), &values).await
}

/// Lets go of what a change replaces, then binds what it brings. A field whose file stays the same is left alone.
pub(super) async fn changed(
    tx: &WriteTx,
    keeper: Keeper<'_>,
    collection: &Loaded,
    record: Uuid,
    before: &Row,
    values: &[(&str, &Value)],
) -> Result<(), DataError> {
    let (mut released, mut claims) = (Vec::new(), Vec::new());
    for (field, bucket) in &collection.files {
        let Some((_, value)) = values.iter().find(|(name, _)| name == field) else {
            continue;
        };
        let old = before.get(field).and_then(Json::as_str).and_then(parse_id);
        let new = match value {
            Value::Uuid(new) => *new,
            _ => None,
        };
        if old == new {
            continue;
        }
        let owner = owner(collection, record, field);
        if old.is_some() {
            released.push(owner.clone());
        }
        if let Some(file) = new {
            claims.push(FileClaim {
                file,
                bucket: bucket.clone(),
                owner,
            });
        }
    }
    let Keeper {
        files,
        project,
        asker,
    } = keeper;
    if !released.is_empty() {
        files.release(project, tx, &released, asker.now).await?;
    }
    if claims.is_empty() {
        return Ok(());
    }
    let claimed = files.claim(project, tx, &asker.who, &claims).await?;
    claimed.map_err(|unknown| {
        let claims = claims.iter().filter(|c| unknown.contains(&c.file));
        let fault = |claim: &FileClaim| {
            let message = "There is no such file to be put here.";
            FieldError::at(&claim.owner.field, "unknown_file", message)
        };
        DataError::invalid(claims.map(fault).collect())
    })
}

/// Lets go of all files of a record that is gone.
pub(super) async fn removed(
    tx: &WriteTx,
    keeper: Keeper<'_>,
    collection: &Loaded,
    record: Uuid,
) -> Result<(), DataError> {
    if collection.files.is_empty() {
        return Ok(());
    }
    let fields = collection.files.iter();
    let owners: Vec<FileOwner> = fields.map(|(f, _)| owner(collection, record, f)).collect();
    let now = keeper.asker.now;
    Ok(keeper
        .files
        .release(keeper.project, tx, &owners, now)
        .await?)
}

/// Lets go of all files of a collection that goes with its records.
pub(crate) async fn all_removed(
    tx: &WriteTx,
    keeper: Keeper<'_>,
    collection: &Loaded,
) -> Result<(), DataError> {
    for (field, _) in &collection.files {
        field_removed(tx, keeper, collection, field).await?;
    }
    Ok(())
}

/// Lets go of all files that a field of a collection's records holds.
pub(crate) async fn field_removed(
    tx: &WriteTx,
    keeper: Keeper<'_>,
    collection: &Loaded,
    field: &str,
) -> Result<(), DataError> {
    let mut after = Uuid::nil();
    loop {
        let held = write::holders(collection, field, after, AT_ONCE, tx.backend());
        let ids = tx.docs(held).await?;
        let ids: Vec<Uuid> = ids.iter().filter_map(|d| parse_id(&d.json)).collect();
        let Some(last) = ids.last() else {
            return Ok(());
        };
        after = *last;
        let owners: Vec<FileOwner> = ids.iter().map(|id| owner(collection, *id, field)).collect();
        let now = keeper.asker.now;
        keeper
            .files
            .release(keeper.project, tx, &owners, now)
            .await?;
    }
}
