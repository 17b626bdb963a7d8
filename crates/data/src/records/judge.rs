//! What a writer may do and what it is told: its rights on a record, and the faults that constraints find.

use super::IfMatch;
use super::read::is_absent;
use super::values::Link;
use crate::error::DataError;
use crate::schema::{Loaded, Rule, Schema};
use crate::service::{Asker, allows, visible};
use crate::sql::ddl;
use gate::{Problem, Project};
use kernel::FieldError;
use rules::Row;
use serde_json::{Map, Value as Json};
use store::{Answer, Doc, StoreError, WriteTx};

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

/// What the caller is told of the record it wrote.
pub(super) async fn answer(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    doc: Doc,
    row: &Row,
    status: u16,
) -> Result<Answer, DataError> {
    let etag = Some(format!("\"{}\"", doc.version));
    let body = if asker.privileged() {
        doc.json
    } else if !visible(collection, asker, tx, row).await? {
        brief(row)
    } else if collection.private {
        crate::service::shown(collection, asker, &doc.json, row)?
    } else {
        doc.json
    };
    Ok(Answer {
        status,
        etag,
        body: Some(body),
    })
}

/// The id and the version alone.
pub(super) fn brief(row: &Row) -> String {
    let part: Map<String, Json> = ["id", "_version"]
        .iter()
        .filter_map(|n| Some(((*n).to_owned(), row.get(*n)?.clone())))
        .collect();
    Json::Object(part).to_string()
}

/// Whether the error is a constraint's, which says something about other records.
pub(super) fn is_conflict(error: &DataError) -> bool {
    let DataError::Store(error) = error else {
        return false;
    };
    matches!(
        error,
        StoreError::Unique(_) | StoreError::ForeignKey(_) | StoreError::Constraint(_)
    )
}

/// Turns an engine's constraint into the fields that people know. Only failures pay for the look.
pub(super) async fn explain(
    project: &Project,
    schema: &Schema,
    collection: &Loaded,
    asker: &Asker,
    error: DataError,
    links: &[Link],
) -> DataError {
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
            for link in links {
                if is_absent(project, schema, &link.collection, link.id).await {
                    let message = "There is no such record.";
                    errors.push(FieldError::at(&link.field, "unknown_record", message));
                }
            }
            DataError::invalid(errors)
        }
        DataError::Store(StoreError::Constraint(_)) => DataError::invalid(vec![FieldError {
            path: String::new(),
            code: "constraint",
            message: "A constraint of the collection does not hold.".to_owned(),
        }]),
        error => error,
    }
}

/// A stored record as rules see it.
pub(super) fn parse_row(json: &str) -> Result<Row, DataError> {
    serde_json::from_str(json)
        .map_err(|e| Problem::internal(format!("a stored record is no JSON: {e}")).into())
}
