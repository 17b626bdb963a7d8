//! What a writer may do and what it is told: its rights on a record, and the faults that constraints find.

use super::IfMatch;
use super::read::is_absent;
use super::scene::{Operation, Scene};
use super::values::Link;
use crate::error::DataError;
use crate::fields::{Bound, OnDelete, Relation, Type};
use crate::schema::{Loaded, Rule};
use crate::service::{Asker, allows, visible};
use crate::sql::{ddl, write};
use gate::Problem;
use kernel::{Code, FieldError};
use rules::Row;
use serde_json::{Map, Value as Json, json};
use store::{Answer, Doc, StoreError, WriteTx};
use uuid::Uuid;

/// Refuses a writer as far as it may know: 403 if it may see the record, else as if there were none.
pub(super) async fn refusal(
    asker: &Asker,
    tx: &WriteTx,
    collection: &Loaded,
    before: &Row,
) -> Result<DataError, DataError> {
    Ok(if visible(collection, asker, tx, before).await? {
        DataError::Denied
    } else {
        DataError::NoRecord
    })
}

/// Denies unless the rule is true of the record as it is.
pub(super) async fn demand(
    rule: &Rule,
    asker: &Asker,
    tx: &WriteTx,
    collection: &Loaded,
    before: &Row,
) -> Result<(), DataError> {
    if allows(rule, asker, tx, before, Some(before)).await? {
        return Ok(());
    }
    Err(refusal(asker, tx, collection, before).await?)
}

/// Denies unless the record has a version that the caller asked for.
pub(super) async fn demand_version(
    wanted: Option<&IfMatch>,
    version: i64,
    asker: &Asker,
    tx: &WriteTx,
    collection: &Loaded,
    before: &Row,
) -> Result<(), DataError> {
    match wanted {
        Some(IfMatch::Versions(versions)) if !versions.contains(&version) => {
            // Of a record that is not to be seen, not even its version tells that it is there.
            Err(match refusal(asker, tx, collection, before).await? {
                DataError::Denied => DataError::OtherVersion,
                absent => absent,
            })
        }
        _ => Ok(()),
    }
}

/// What an operation has done, as far as the caller may know.
#[derive(Debug)]
pub(super) struct Done {
    pub status: u16,
    pub id: Uuid,
    /// The record's version; none of a record that is gone.
    pub version: Option<i64>,
    /// The record as the caller may see it.
    pub record: Option<String>,
}

impl Done {
    /// The answer of an operation that stands alone. Who may not see the record is told its id and version.
    pub(super) fn answer(self) -> Answer {
        Answer {
            status: self.status,
            etag: self.version.map(|v| format!("\"{v}\"")),
            body: self.version.map(|_| self.shown()),
        }
    }

    /// The record as the caller may see it: to who may not, its id and version.
    pub(super) fn shown(&self) -> String {
        let brief = || brief(&self.id.to_string(), self.version.unwrap_or_default());
        self.record.clone().unwrap_or_else(brief)
    }
}

/// What the caller is told of the record it wrote.
pub(super) async fn done(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    id: Uuid,
    doc: Doc,
    row: &Row,
    status: u16,
) -> Result<Done, DataError> {
    let version = Some(doc.version);
    let record = if asker.privileged() {
        Some(doc.json)
    } else if !visible(collection, asker, tx, row).await? {
        None
    } else if collection.private {
        Some(crate::service::shown(collection, asker, tx, &doc.json, row).await?)
    } else {
        Some(doc.json)
    };
    Ok(Done {
        status,
        id,
        version,
        record,
    })
}

fn brief(id: &str, version: i64) -> String {
    format!("{{\"id\":\"{id}\",\"_version\":{version}}}")
}

/// What is kept of an answer that is too long to be kept: the ids and versions, by which the records can be read.
pub(super) fn shortened(body: &str) -> Result<String, DataError> {
    let row = parse_row(body)?;
    let short = |row: &Map<String, Json>, names: &[&str]| -> Json {
        let some = names.iter();
        let some = some.filter_map(|n| Some(((*n).to_owned(), row.get(*n)?.clone())));
        Json::Object(some.collect())
    };
    Ok(match row.get("results").and_then(Json::as_array) {
        Some(results) => {
            let results = results.iter().filter_map(Json::as_object);
            let results: Json = results.map(|r| short(r, &["status", "id"])).collect();
            json!({"results": results}).to_string()
        }
        None => short(&row, &["id", "_version"]).to_string(),
    })
}

/// Turns an engine's constraint into the fields that people know. Only failures pay for the look. `meant` leaves out
/// relations to records that the same transaction had made.
pub(super) async fn explain(
    scene: &Scene,
    operation: &Operation,
    error: DataError,
    meant: impl Fn(&Link) -> bool,
) -> DataError {
    let (asker, collection) = (&scene.asker, operation.collection());
    // An engine's words about a table that is another one by now mean nothing to the caller.
    if let DataError::Store(StoreError::Db(_) | StoreError::Constraint(_)) = &error
        && crate::rows::version(&scene.project.db)
            .await
            .is_ok_and(|version| version != collection.version)
    {
        return DataError::SchemaChanged;
    }
    match error {
        DataError::Store(StoreError::Unique(reported)) => {
            let mut fields = ddl::unique_fields(&collection.def, &reported);
            if fields == ["id"] {
                return DataError::IdTaken;
            }
            // A hidden field is not named to whom it does not exist for.
            fields.retain(|f| collection.column(f, asker.privileged()).is_some());
            DataError::Duplicate(fields)
        }
        DataError::Store(StoreError::ForeignKey(_)) => {
            let mut errors = Vec::new();
            for link in operation.links().iter().filter(|l| meant(l)) {
                if is_absent(&scene.project, &scene.schema, &link.collection, link.id).await {
                    errors.push(FieldError {
                        path: link.path.clone(),
                        code: "unknown_record",
                        message: "There is no such record.".to_owned(),
                    });
                }
            }
            if errors.is_empty() {
                // A relation that a default computes, or a record that has come meanwhile.
                errors.push(FieldError {
                    path: String::new(),
                    code: "unknown_record",
                    message: "A relation leads to no record.".to_owned(),
                });
            }
            DataError::invalid(errors)
        }
        DataError::Referenced => referred(scene, operation).await,
        DataError::Store(StoreError::Constraint(reported)) => {
            DataError::invalid(vec![broken(collection, asker, &reported)])
        }
        error => error,
    }
}

/// Names the relations that keep a record: of those that exist for the caller the ones by which some record points to it.
async fn referred(scene: &Scene, operation: &Operation) -> DataError {
    let (db, id) = (&scene.project.db, operation.record());
    let to = &operation.collection().def.name;
    let mut errors = Vec::new();
    for other in scene.schema.collections.values() {
        for column in other.columns(scene.asker.privileged()) {
            let keeps = |r: &Relation| r.collection == *to && r.on_delete == OnDelete::Restrict;
            if !matches!(&column.kind, Type::Relation(r) if keeps(r)) {
                continue;
            }
            let (from, field) = (&other.def.name, &column.name);
            let one = db.docs(write::pointing(other, field, id, 1, db.backend()));
            if one.await.is_ok_and(|found| !found.is_empty()) {
                errors.push(FieldError {
                    path: format!("/{from}/{field}"),
                    code: "referenced",
                    message: format!("Records of {from} point to it by {field}."),
                });
            }
        }
    }
    if errors.is_empty() {
        // What goes with it is referred to, or by what does not exist for the caller, or no more.
        return DataError::Referenced;
    }
    Problem::new(Code::Referenced).errors(errors).into()
}

/// The fault behind a CHECK: values are checked before they are written, so that only a bound that this node does not
/// know yet comes here.
fn broken(collection: &Loaded, asker: &Asker, reported: &str) -> FieldError {
    let found = ddl::broken_bound(&collection.def, reported);
    match found.filter(|(f, _)| collection.column(&f.name, asker.privileged()).is_some()) {
        Some((field, Bound::Min)) => {
            FieldError::at(&field.name, "too_small", "This would be too small.")
        }
        Some((field, Bound::Max)) => {
            FieldError::at(&field.name, "too_large", "This would be too large.")
        }
        None => FieldError {
            path: String::new(),
            code: "constraint",
            message: "A constraint of the collection does not hold.".to_owned(),
        },
    }
}

/// A stored record as rules see it.
pub(super) fn parse_row(json: &str) -> Result<Row, DataError> {
    serde_json::from_str(json)
        .map_err(|e| Problem::internal(format!("a stored record is no JSON: {e}")).into())
}
