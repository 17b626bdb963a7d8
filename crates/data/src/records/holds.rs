//! Files that fields hold: bound and unbound within the write that sets the fields.

use crate::error::DataError;
use crate::ports::{FileClaim, FileOwner, FileRefs, FileRelease};
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

/// All that a field holds.
fn all_of(collection: &Loaded, record: Uuid, field: &str) -> FileRelease {
    let owner = owner(collection, record, field);
    FileRelease { owner, file: None }
}

/// The files of a field in wire form: an id, a list of them, or null.
fn files(json: &Json) -> Vec<Uuid> {
    let ids = match json {
        Json::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    ids.iter()
        .filter_map(|id| id.as_str().and_then(parse_id))
        .collect()
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

/// Lets go of what a change takes away, then binds what it brings. A file that stays in its field is left alone.
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
        let old = before.get(field).map(files).unwrap_or_default();
        let new = match value {
            Value::Uuid(new) => new.iter().copied().collect(),
            Value::Json(Some(list)) => files(list),
            _ => Vec::new(),
        };
        let owner = owner(collection, record, field);
        let gone = old.iter().filter(|file| !new.contains(file));
        released.extend(gone.map(|file| FileRelease {
            owner: owner.clone(),
            file: Some(*file),
        }));
        let come = new.iter().filter(|file| !old.contains(file));
        claims.extend(come.map(|file| FileClaim {
            file: *file,
            bucket: bucket.clone(),
            owner: owner.clone(),
        }));
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
    let all: Vec<FileRelease> = fields.map(|(f, _)| all_of(collection, record, f)).collect();
    let now = keeper.asker.now;
    Ok(keeper.files.release(keeper.project, tx, &all, now).await?)
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
        let ids = ids.iter();
        let all: Vec<FileRelease> = ids.map(|id| all_of(collection, *id, field)).collect();
        let now = keeper.asker.now;
        keeper.files.release(keeper.project, tx, &all, now).await?;
    }
}
