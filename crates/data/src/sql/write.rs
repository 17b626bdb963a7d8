//! Writes of one record, each answering the whole record as it is afterwards.

use super::plan::Text;
use super::projection::Projection;
use super::quote;
use crate::schema::Loaded;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, PostgresQueryBuilder, Query, SqliteQueryBuilder};
use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

/// `json, key, version` of the row that a write touched. The table's own name is its alias there.
fn returning(collection: &Loaded, backend: DbBackend) -> [Expr; 3] {
    let everything = Projection {
        columns: collection.columns(true),
        masked: false,
        expand: Vec::new(),
    };
    let mut null = Text::new(backend);
    null.push("CAST(NULL AS text)");
    [
        everything.expr(&collection.def.name, backend),
        null.expr(),
        Expr::col(Alias::new("_version")),
    ]
}

fn build(sql: (String, sea_orm::sea_query::Values), backend: DbBackend) -> Statement {
    Statement::from_sql_and_values(backend, sql.0, sql.1)
}

/// The text of an insert of all columns of the collection, in the order of [`Loaded::columns`].
pub(crate) fn insert_text(collection: &Loaded, backend: DbBackend) -> String {
    let columns = collection.columns(true);
    let mut insert = Query::insert();
    insert
        .into_table((
            Alias::new(store::SCHEMA),
            Alias::new(collection.def.name.clone()),
        ))
        .columns(columns.iter().map(|c| Alias::new(c.name.clone())))
        .values_panic(columns.iter().map(|c| Expr::value(c.kind.null())))
        .returning(Query::returning().exprs(returning(collection, backend)));
    match backend {
        DbBackend::Sqlite => insert.build(SqliteQueryBuilder).0,
        _ => insert.build(PostgresQueryBuilder).0,
    }
}

/// Makes one record of values in the order of [`Loaded::columns`].
pub(crate) fn insert(collection: &Loaded, values: Vec<Value>, backend: DbBackend) -> Statement {
    Statement::from_sql_and_values(backend, collection.insert_text(backend), values)
}

/// Changes some columns of one record.
pub(crate) fn update(
    collection: &Loaded,
    id: Uuid,
    set: Vec<(String, Value)>,
    backend: DbBackend,
) -> Statement {
    let mut update = Query::update();
    update.table((
        Alias::new(store::SCHEMA),
        Alias::new(collection.def.name.clone()),
    ));
    for (name, value) in set {
        update.value(Alias::new(name), Expr::value(value));
    }
    let mut next = Text::new(backend);
    next.push(&format!("{} + 1", quote("_version")));
    update.value(Alias::new("_version"), next.expr());
    update.and_where(Expr::col(Alias::new("id")).eq(Expr::value(Value::Uuid(Some(id)))));
    update.returning(Query::returning().exprs(returning(collection, backend)));
    match backend {
        DbBackend::Sqlite => build(update.build(SqliteQueryBuilder), backend),
        _ => build(update.build(PostgresQueryBuilder), backend),
    }
}

/// Removes one record.
pub(crate) fn delete(collection: &Loaded, id: Uuid, backend: DbBackend) -> Statement {
    let mut delete = Query::delete();
    delete
        .from_table((
            Alias::new(store::SCHEMA),
            Alias::new(collection.def.name.clone()),
        ))
        .and_where(Expr::col(Alias::new("id")).eq(Expr::value(Value::Uuid(Some(id)))));
    match backend {
        DbBackend::Sqlite => build(delete.build(SqliteQueryBuilder), backend),
        _ => build(delete.build(PostgresQueryBuilder), backend),
    }
}
