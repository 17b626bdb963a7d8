//! What a change of a collection asks of the records that are there: how many they are, and what a field of them holds.

use super::plan::Text;
use super::{column, pairs};
use crate::fields::Type;
use crate::model::Field;
use sea_orm::sea_query::{
    Alias, Expr, ExprTrait, Order, PostgresQueryBuilder, Query, SqliteQueryBuilder,
};
use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

/// The first of a field's columns: it has a value where the field has one.
fn first(kind: &Type, name: &str) -> String {
    kind.columns(name)
        .into_iter()
        .next()
        .unwrap_or_else(|| name.to_owned())
}

/// A statement of the columns (json, key, version) over a table by its name.
fn docs(
    name: &str,
    json: &str,
    key: &str,
    version: &str,
    backend: DbBackend,
) -> sea_orm::sea_query::SelectStatement {
    let text = |sql: &str| {
        let mut text = Text::new(backend);
        text.push(sql);
        text.expr()
    };
    let mut select = Query::select();
    select
        .expr(text(json))
        .expr(text(key))
        .expr(text(version))
        .from((Alias::new(store::SCHEMA), Alias::new(name)));
    select
}

fn build(select: &sea_orm::sea_query::SelectStatement, backend: DbBackend) -> Statement {
    let (sql, values) = match backend {
        DbBackend::Sqlite => select.build(SqliteQueryBuilder),
        _ => select.build(PostgresQueryBuilder),
    };
    Statement::from_sql_and_values(backend, sql, values)
}

/// A field's values that are not null, after the record `after` in the order of ids, at most `limit`: `{"v": value}`
/// and the id of each.
pub(crate) fn values(
    name: &str,
    field: &str,
    kind: &Type,
    after: Uuid,
    limit: u64,
    backend: DbBackend,
) -> Statement {
    if kind.is_joined() {
        return pairs::lists(name, &pairs::name(name, field), after, limit, backend);
    }
    let value = kind.json(&column(name, field), backend);
    let json = if backend == DbBackend::Sqlite {
        format!("json_object('v', {value})")
    } else {
        format!("CAST(json_build_object('v', {value}) AS text)")
    };
    let key = format!("CAST({} AS text)", column(name, "id"));
    let mut select = docs(name, &json, &key, "CAST(0 AS bigint)", backend);
    select
        .and_where(Expr::col(Alias::new(first(kind, field))).is_not_null())
        .and_where(Expr::col(Alias::new("id")).gt(Expr::value(Value::Uuid(Some(after)))))
        .order_by(Alias::new("id"), Order::Asc)
        .limit(limit);
    build(&select, backend)
}

/// How many records there are, or how many of them have a value in a field or none: the version of the one row.
pub(crate) fn count(name: &str, having: Option<(&Field, bool)>, backend: DbBackend) -> Statement {
    let mut select = docs(
        name,
        "''",
        "CAST(NULL AS text)",
        "CAST(count(*) AS bigint)",
        backend,
    );
    if let Some((field, filled)) = having {
        let field = Expr::col(Alias::new(first(&field.kind, &field.name)));
        select.and_where(if filled {
            field.is_not_null()
        } else {
            field.is_null()
        });
    }
    build(&select, backend)
}

/// Some ids of records that have no value in a field.
pub(crate) fn without(name: &str, field: &Field, limit: u64, backend: DbBackend) -> Statement {
    let id = format!("CAST({} AS text)", column(name, "id"));
    let mut select = docs(
        name,
        &id,
        "CAST(NULL AS text)",
        "CAST(0 AS bigint)",
        backend,
    );
    select
        .and_where(Expr::col(Alias::new(first(&field.kind, &field.name))).is_null())
        .order_by(Alias::new("id"), Order::Asc)
        .limit(limit);
    build(&select, backend)
}
