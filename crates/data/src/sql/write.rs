//! Writes of one record. PostgreSQL answers the whole record as it is afterwards; on SQLite it is read again.

use super::plan::Text;
use super::projection::Projection;
use super::{column, pairs, quote};
use crate::fields::Type;
use crate::schema::Loaded;
use sea_orm::sea_query::{
    Alias, Expr, ExprTrait, OnConflict, Order, PostgresQueryBuilder, Query, SelectStatement,
    SqliteQueryBuilder,
};
use sea_orm::{DbBackend, Statement, Value};
use std::collections::BTreeSet;
use uuid::Uuid;

/// `json, key, version` of the row that a write touched. The table's own name is its alias there. Where join tables keep
/// something of the record, they are not written yet: the record is read when they are.
///
/// None on SQLite: a statement with RETURNING opens a table for its rows there, and keeps a copy of each page that it
/// changes, which costs more than to find the record again.
fn returning(collection: &Loaded, backend: DbBackend) -> Option<[Expr; 3]> {
    if backend == DbBackend::Sqlite {
        return None;
    }
    let everything = Projection {
        columns: collection.columns(true),
        masked: false,
        expand: Vec::new(),
    };
    let mut null = Text::new(backend);
    null.push("CAST(NULL AS text)");
    let json = if collection.joined().next().is_some() {
        let mut nothing = Text::new(backend);
        nothing.push("''");
        nothing.expr()
    } else {
        everything.expr(&collection.def.name, backend)
    };
    Some([json, null.expr(), Expr::col(Alias::new("_version"))])
}

fn build(sql: (String, sea_orm::sea_query::Values), backend: DbBackend) -> Statement {
    Statement::from_sql_and_values(backend, sql.0, sql.1)
}

/// The text of an insert of all columns of the collection, in the order of [`Loaded::columns`].
/// Where `or_yield`, nothing happens and nothing is answered if the id is taken.
pub(crate) fn insert_text(collection: &Loaded, or_yield: bool, backend: DbBackend) -> String {
    let columns = collection.columns(true);
    let mut insert = Query::insert();
    insert
        .into_table((
            Alias::new(store::SCHEMA),
            Alias::new(collection.def.name.clone()),
        ))
        .columns(
            columns
                .iter()
                .flat_map(|c| c.kind.columns(&c.name))
                .map(Alias::new),
        )
        .values_panic(
            columns
                .iter()
                .flat_map(|c| c.kind.cells(c.kind.null()).into_iter().map(move |v| (c, v)))
                .map(|(c, null)| c.kind.bound(Expr::value(null), backend)),
        );
    if let Some(told) = returning(collection, backend) {
        insert.returning(Query::returning().exprs(told));
    }
    if or_yield {
        insert.on_conflict(OnConflict::column(Alias::new("id")).do_nothing().to_owned());
    }
    match backend {
        DbBackend::Sqlite => store::placed_on_sqlite(insert.build(SqliteQueryBuilder).0),
        _ => insert.build(PostgresQueryBuilder).0,
    }
}

/// Makes one record of values in the order of [`Loaded::columns`].
pub(crate) fn insert(
    collection: &Loaded,
    values: Vec<Value>,
    or_yield: bool,
    backend: DbBackend,
) -> Statement {
    let columns = collection.columns(true).into_iter().zip(values);
    let cells = columns.flat_map(|(c, value)| c.kind.cells(value));
    Statement::from_sql_and_values(backend, collection.insert_text(or_yield, backend), cells)
}

/// What an update does to one column.
#[derive(Clone, Debug)]
pub(crate) enum Assign {
    /// It becomes this.
    Value(Value),
    /// This is added to it; null counts as 0.
    Increment(Value),
    /// It becomes this if it is null.
    IfAbsent(Value),
    /// These are put at the end of a list.
    Append(Value),
    /// These are taken out of a list.
    Remove(Value),
}

impl Assign {
    /// What it does to each of the columns.
    fn cells(self, kind: &Type) -> Vec<Self> {
        let (value, make): (Value, fn(Value) -> Self) = match self {
            Self::Value(value) => (value, Self::Value),
            Self::IfAbsent(value) => (value, Self::IfAbsent),
            _ => return vec![self],
        };
        kind.cells(value).into_iter().map(make).collect()
    }

    fn expr(self, kind: &Type, own: &str, backend: DbBackend) -> Expr {
        let mut sql = Text::new(backend);
        let bound = |value: Value| kind.bound(Expr::value(value), backend);
        match self {
            // What a list becomes is known before it is written.
            Self::Value(value) | Self::Append(value) | Self::Remove(value) => return bound(value),
            Self::Increment(by) => {
                sql.push(&format!("COALESCE({own}, 0) + "));
                sql.push_expr(bound(by));
            }
            Self::IfAbsent(value) => {
                sql.push(&format!("COALESCE({own}, "));
                sql.push_expr(bound(value)).push(")");
            }
        }
        sql.expr()
    }
}

/// Locks records in the order of their ids, so that two batches cannot wait for each other. PostgreSQL only.
pub(crate) fn lock(collection: &Loaded, ids: &BTreeSet<Uuid>) -> Statement {
    let mut select = Query::select();
    select
        .column(Alias::new("id"))
        .from((
            Alias::new(store::SCHEMA),
            Alias::new(collection.def.name.clone()),
        ))
        .and_where(
            Expr::col(Alias::new("id"))
                .is_in(ids.iter().map(|id| Expr::value(Value::Uuid(Some(*id))))),
        )
        .order_by(Alias::new("id"), Order::Asc)
        .lock_exclusive();
    build(select.build(PostgresQueryBuilder), DbBackend::Postgres)
}

/// The columns (json, key, version) of a statement that tells ids.
fn ids(collection: &Loaded, backend: DbBackend) -> SelectStatement {
    let mut id = Text::new(backend);
    id.push("CAST(")
        .push(&column(&collection.def.name, "id"))
        .push(" AS text)");
    let mut null = Text::new(backend);
    null.push("CAST(NULL AS text)");
    let mut zero = Text::new(backend);
    zero.push("CAST(0 AS bigint)");
    let mut select = Query::select();
    select
        .expr(id.expr())
        .expr(null.expr())
        .expr(zero.expr())
        .from((
            Alias::new(store::SCHEMA),
            Alias::new(collection.def.name.clone()),
        ));
    select
}

/// The ids of records whose field is not null, after `after` in their order, at most `limit`.
pub(crate) fn holders(
    collection: &Loaded,
    field: &str,
    after: Uuid,
    limit: u64,
    backend: DbBackend,
) -> Statement {
    let mut select = ids(collection, backend);
    select
        .and_where(Expr::col(Alias::new(field)).is_not_null())
        .and_where(Expr::col(Alias::new("id")).gt(Expr::value(Value::Uuid(Some(after)))))
        .order_by(Alias::new("id"), Order::Asc)
        .limit(limit);
    match backend {
        DbBackend::Sqlite => build(select.build(SqliteQueryBuilder), backend),
        _ => build(select.build(PostgresQueryBuilder), backend),
    }
}

/// The ids of records whose relation `field` points to `id`, or has it in its list, at most `limit`.
pub(crate) fn pointing(
    collection: &Loaded,
    field: &str,
    id: Uuid,
    limit: u64,
    backend: DbBackend,
) -> Statement {
    let table = collection
        .column(field, true)
        .and_then(|c| c.pairs.as_deref());
    if let Some(table) = table {
        return pairs::pointing(table, id, limit, backend);
    }
    let mut select = ids(collection, backend);
    select
        .and_where(Expr::col(Alias::new(field)).eq(Expr::value(Value::Uuid(Some(id)))))
        .order_by(Alias::new("id"), Order::Asc)
        .limit(limit);
    match backend {
        DbBackend::Sqlite => build(select.build(SqliteQueryBuilder), backend),
        _ => build(select.build(PostgresQueryBuilder), backend),
    }
}

/// Changes some columns of one record.
pub(crate) fn update(
    collection: &Loaded,
    id: Uuid,
    set: Vec<(String, Assign)>,
    backend: DbBackend,
) -> Statement {
    let mut update = Query::update();
    update.table((
        Alias::new(store::SCHEMA),
        Alias::new(collection.def.name.clone()),
    ));
    for (name, assign) in set {
        let Some(known) = collection.column(&name, true) else {
            continue;
        };
        let names = known.kind.columns(&name);
        for (name, assign) in names.into_iter().zip(assign.cells(&known.kind)) {
            let own = column(&collection.def.name, &name);
            update.value(Alias::new(name), assign.expr(&known.kind, &own, backend));
        }
    }
    let mut next = Text::new(backend);
    next.push(&format!("{} + 1", quote("_version")));
    update.value(Alias::new("_version"), next.expr());
    update.and_where(Expr::col(Alias::new("id")).eq(Expr::value(Value::Uuid(Some(id)))));
    if let Some(told) = returning(collection, backend) {
        update.returning(Query::returning().exprs(told));
    }
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
