//! Tables and indexes of collections on both engines.

use super::quote;
use crate::fields::Type;
use crate::model::{Collection, Index};
use sea_orm::DbBackend;

/// The statements that make a collection's table and indexes.
pub(crate) fn create(collection: &Collection, backend: DbBackend) -> Vec<String> {
    let sqlite = backend == DbBackend::Sqlite;
    let time = Type::DateTime.column(backend);
    let mut columns = vec![format!("\"id\" {} NOT NULL", Type::Id.column(backend))];
    for field in &collection.fields {
        let column = quote(&field.name);
        let null = if field.required { " NOT NULL" } else { "" };
        let check = field
            .kind
            .check(&column)
            .map(|c| format!(" CHECK ({c})"))
            .unwrap_or_default();
        let reference = match &field.kind {
            Type::Relation(r) => {
                format!(" REFERENCES \"project\".{} (\"id\")", quote(&r.collection))
            }
            _ => String::new(),
        };
        columns.push(format!(
            "{column} {}{null}{check}{reference}",
            field.kind.column(backend)
        ));
    }
    columns.push(format!("\"created_at\" {time} NOT NULL"));
    columns.push(format!("\"updated_at\" {time} NOT NULL"));
    columns.push("\"_version\" bigint NOT NULL".to_owned());
    columns.push(format!(
        "CONSTRAINT {} PRIMARY KEY (\"id\")",
        quote(&primary_name(collection))
    ));
    // One tree instead of two: a record is found by its id alone.
    let without = if sqlite { " WITHOUT ROWID" } else { "" };
    let table = format!("\"project\".{}", quote(&collection.name));
    let mut sql = vec![format!(
        "CREATE TABLE {table} ({}){without}",
        columns.join(", ")
    )];
    for index in collection.all_indexes() {
        // Nulls sort first on both engines; PostgreSQL uses an index only if it says so too.
        let nulls = if sqlite { "" } else { " NULLS FIRST" };
        let fields: Vec<String> = index
            .fields
            .iter()
            .map(|f| format!("{}{nulls}", quote(f)))
            .collect();
        let unique = if index.unique { "UNIQUE " } else { "" };
        sql.push(format!(
            "CREATE {unique}INDEX {} ON {table} ({})",
            quote(&index_name(collection, &index)),
            fields.join(", ")
        ));
    }
    sql
}

/// The statement that removes a collection's table with its indexes.
pub(crate) fn drop(collection: &Collection) -> String {
    format!("DROP TABLE \"project\".{}", quote(&collection.name))
}

/// `_u_` or `_i_` and 12 hex digits of a hash, so that no name is too long or taken.
pub(crate) fn index_name(collection: &Collection, index: &Index) -> String {
    let kind = if index.unique { "u" } else { "i" };
    name(kind, collection, &index.fields.join(","))
}

pub(crate) fn primary_name(collection: &Collection) -> String {
    name("p", collection, "id")
}

fn name(kind: &str, collection: &Collection, of: &str) -> String {
    let text = format!("{} {of}", collection.id);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let hex: String = digest
        .as_ref()
        .iter()
        .take(6)
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("_{kind}_{hex}")
}

/// The fields behind a unique violation that the store reports: SQLite names columns, PostgreSQL the constraint.
pub(crate) fn unique_fields(collection: &Collection, reported: &str) -> Vec<String> {
    if reported == primary_name(collection) {
        return vec!["id".to_owned()];
    }
    let by_name = collection
        .all_indexes()
        .into_iter()
        .find(|i| index_name(collection, i) == reported);
    let fields = match by_name {
        Some(index) => index.fields,
        None => reported
            .split(", ")
            .filter_map(|c| c.rsplit('.').next())
            .map(str::to_owned)
            .collect(),
    };
    // The keys of identities are hidden: tell the field that people know.
    fields
        .into_iter()
        .map(|f| {
            f.strip_suffix("_key")
                .map(str::to_owned)
                .filter(|_| collection.name == "users")
                .unwrap_or(f)
        })
        .collect()
}
