//! Tables and indexes of collections on both engines.

use super::{pairs, quote};
use crate::fields::{Bound, Type};
use crate::model::{Collection, Field, Index};
use crate::names::Names;
use rules::RowSource;
use sea_orm::sea_query::{PostgresQueryBuilder, Query, SqliteQueryBuilder};
use sea_orm::{DbBackend, Value};
use std::collections::BTreeMap;

/// The statements that make a collection's table, its indexes and its join tables.
pub(crate) fn create(collection: &Collection, backend: DbBackend) -> Vec<String> {
    let mut sql = vec![create_table(collection, &table(collection), backend)];
    let indexes = collection.all_indexes();
    sql.extend(indexes.iter().map(|i| index_sql(collection, i, backend)));
    sql.extend(pairs::of(collection).map(|(_, field)| pairs::create(collection, field, backend)));
    sql
}

/// The statement that makes a collection's table, under the name `table`, quoted.
pub(crate) fn create_table(collection: &Collection, table: &str, backend: DbBackend) -> String {
    let time = Type::DateTime.column(backend);
    let mut columns = vec![format!("\"id\" {} NOT NULL", Type::Id.column(backend))];
    for field in &collection.fields {
        columns.extend(field_columns(collection, field, None, backend));
    }
    columns.push(format!("\"created_at\" {time} NOT NULL"));
    columns.push(format!("\"updated_at\" {time} NOT NULL"));
    columns.push("\"_version\" bigint NOT NULL".to_owned());
    columns.push(format!(
        "CONSTRAINT {} PRIMARY KEY (\"id\")",
        quote(&primary_name(collection))
    ));
    // On SQLite with a rowid of its own: an index leads to the row by that number, in half of the time that a seek by a
    // text takes through pages full of records.
    format!("CREATE TABLE {table} ({})", columns.join(", "))
}

/// The statements that add a field's columns. Records that are there get its constant default, and so do those that
/// another node makes while it does not know the field yet.
pub(crate) fn add_field(collection: &Collection, field: &Field, backend: DbBackend) -> Vec<String> {
    let default = field.default_value();
    let default = (default != field.kind.null()).then_some(default);
    let columns = field_columns(collection, field, default, backend).into_iter();
    let add = |column| format!("ALTER TABLE {} ADD COLUMN {column}", table(collection));
    columns.map(add).collect()
}

/// The statement that makes an index.
pub(crate) fn index_sql(collection: &Collection, index: &Index, backend: DbBackend) -> String {
    // Nulls sort first on both engines; PostgreSQL uses an index only if it says so too.
    let nulls = if backend == DbBackend::Sqlite {
        ""
    } else {
        " NULLS FIRST"
    };
    let mut fields: Vec<String> = index
        .fields
        .iter()
        .flat_map(|name| match collection.field(name) {
            Some(field) => field
                .kind
                .columns(name)
                .into_iter()
                .map(|c| (c, Some(field)))
                .collect(),
            None => vec![(name.clone(), None)],
        })
        .map(|(column, field)| {
            let folded = index.unique && field.is_some_and(|f| f.case_insensitive);
            let column = quote(&column);
            if folded {
                format!("lower({column}){nulls}")
            } else {
                format!("{column}{nulls}")
            }
        })
        .collect();
    // Every order ends with the id. PostgreSQL sorts what is equal until then.
    let is_ordered = index.unique || index.fields.iter().any(|name| name == "id");
    if backend == DbBackend::Sqlite && !is_ordered {
        fields.push(quote("id"));
    }
    let unique = if index.unique { "UNIQUE " } else { "" };
    let condition = index.condition.as_ref().map_or(String::new(), |text| {
        // It was checked before: one that does not resolve makes an index of nothing.
        let sql = partial(collection, text, backend).unwrap_or_else(|_| "1 = 0".to_owned());
        format!(" WHERE {sql}")
    });
    format!(
        "CREATE {unique}INDEX {} ON {} ({}){condition}",
        quote(&index_name(collection, index)),
        table(collection),
        fields.join(", ")
    )
}

/// The row of an index's condition while it is compiled: neither engine takes names of tables there.
const INDEXED: &str = "_galley_indexed";

/// The condition of a partial index as SQL without anything bound; else what is wrong with it.
pub(crate) fn partial(
    collection: &Collection,
    text: &str,
    backend: DbBackend,
) -> Result<String, String> {
    let known = BTreeMap::from([(collection.name.clone(), collection.clone())]);
    let names = Names {
        collections: &known,
    };
    let rule = rules::parse_and_resolve(text, &collection.name, rules::Mode::Rule, &names, None);
    let rule = rule.map_err(|error| error.to_string())?;
    if !rule.is_simple() {
        let message = "The condition of an index compares the record's own fields with constants, or with each other.";
        return Err(message.to_owned());
    }
    // Both words are replaced in the text of the statement.
    if text.contains(INDEXED) || text.contains(store::SCHEMA) {
        return Err("The condition holds a reserved word.".to_owned());
    }
    let row = || RowSource::Alias(INDEXED.to_owned());
    let mut select = Query::select();
    select.and_where(rule.to_sql(backend, row(), row()).truth);
    let sql = match backend {
        DbBackend::Sqlite => select.to_string(SqliteQueryBuilder),
        _ => select.to_string(PostgresQueryBuilder),
    };
    let condition = sql.split_once(" WHERE ").map(|(_, condition)| condition);
    let condition = condition.ok_or("The condition is empty.")?;
    Ok(condition.replace(&format!("{}.", quote(INDEXED)), ""))
}

pub(crate) fn table(collection: &Collection) -> String {
    format!("\"project\".{}", quote(&collection.name))
}

/// The definitions of a field's columns. What they must keep together stands with the last.
fn field_columns(
    collection: &Collection,
    field: &Field,
    default: Option<Value>,
    backend: DbBackend,
) -> Vec<String> {
    let null = if field.is_filled() { " NOT NULL" } else { "" };
    let reference = match &field.kind {
        Type::Relation(r) => format!(" REFERENCES \"project\".{} (\"id\")", quote(&r.collection)),
        _ => String::new(),
    };
    let kind = field.kind.column(backend);
    let names = field.kind.columns(&field.name);
    let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
    let cells = default.map_or(Vec::new(), |value| field.kind.cells(value));
    let mut columns = Vec::new();
    for (i, column) in names.iter().enumerate() {
        let default = cells.get(i).map_or(String::new(), |value| {
            format!(" DEFAULT {}", literal(&field.kind, value, backend))
        });
        let checks = field.kind.checks(column, backend).into_iter();
        let mut checks: Vec<(String, String)> = checks
            .map(|(bound, check)| (bound_name(collection, field, bound), check))
            .collect();
        if let Some(check) = field.kind.check(&names).filter(|_| i + 1 == names.len()) {
            checks.push((name("g", collection, &field.name), check));
        }
        let checks: String = checks
            .into_iter()
            .map(|(name, check)| format!(" CONSTRAINT {} CHECK ({check})", quote(&name)))
            .collect();
        columns.push(format!("{column} {kind}{null}{default}{checks}{reference}"));
    }
    columns
}

/// A constant in a definition, where nothing can be bound. A text is spelled so that none of it is taken for a quote or
/// for the schema's marker.
pub(crate) fn literal(kind: &Type, value: &Value, backend: DbBackend) -> String {
    let text = |text: &str| {
        if backend == DbBackend::Sqlite {
            // There the marker is taken away, once wherever it stands: what is left is the text.
            let split = text.replace("\"project\".", "\"pro\"project\".ject\".");
            format!("'{}'", split.replace('\'', "''"))
        } else {
            let escaped = text.chars().map(|c| match c {
                '\\' | '\'' | '"' => format!("\\u{:04x}", u32::from(c)),
                c => c.to_string(),
            });
            format!("E'{}'", escaped.collect::<String>())
        }
    };
    match value {
        Value::BigInt(Some(number)) if let Type::Exact(exact) = kind => {
            exact.literal(*number, backend == DbBackend::Sqlite)
        }
        Value::BigInt(Some(number)) => number.to_string(),
        Value::Double(Some(number)) => format!("{number:?}"),
        Value::Bool(Some(truth)) if backend == DbBackend::Sqlite => i64::from(*truth).to_string(),
        Value::Bool(Some(truth)) => truth.to_string(),
        Value::String(Some(value)) => text(value),
        Value::Uuid(Some(id)) => text(&id.to_string()),
        Value::TimeDateTimeWithTimeZone(Some(time)) => {
            kernel::Stamp::from_time(*time).map_or("NULL".to_owned(), |s| text(&s.to_string()))
        }
        _ => "NULL".to_owned(),
    }
}

/// The statements that remove a collection's table with its indexes, and its join tables before it.
pub(crate) fn drop(collection: &Collection) -> Vec<String> {
    let own = format!("DROP TABLE {}", table(collection));
    let joined = pairs::of(collection).map(|(name, _)| pairs::drop(&name));
    joined.chain([own]).collect()
}

/// `_u_` or `_i_` and 12 hex digits of a hash, so that no name is too long or taken.
pub(crate) fn index_name(collection: &Collection, index: &Index) -> String {
    let kind = if index.unique { "u" } else { "i" };
    let mut of = index.fields.join(",");
    if let Some(condition) = &index.condition {
        of.push_str(" where ");
        of.push_str(condition);
    }
    name(kind, collection, &of)
}

pub(crate) fn primary_name(collection: &Collection) -> String {
    name("p", collection, "id")
}

pub(crate) fn bound_name(collection: &Collection, field: &Field, bound: Bound) -> String {
    let kind = match bound {
        Bound::Min => "n",
        Bound::Max => "x",
    };
    name(kind, collection, &field.name)
}

/// The field and the bound behind a CHECK that the store reports broken.
pub(crate) fn broken_bound<'a>(
    collection: &'a Collection,
    reported: &str,
) -> Option<(&'a Field, Bound)> {
    let bounds = |field| [(field, Bound::Min), (field, Bound::Max)];
    let all = collection.fields.iter().flat_map(bounds);
    all.into_iter()
        .find(|(field, bound)| reported.ends_with(&bound_name(collection, field, *bound)))
}

pub(crate) fn name(kind: &str, collection: &Collection, of: &str) -> String {
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
    // SQLite names an index only where it is one over an expression.
    let reported = reported
        .strip_prefix("index '")
        .and_then(|name| name.strip_suffix('\''))
        .unwrap_or(reported);
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
