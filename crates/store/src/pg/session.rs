//! What runs on one PostgreSQL connection: statements with their values, and answers that end at a size.

use crate::value::Doc;
use futures_util::TryStreamExt;
use sea_orm::sea_query::Values;
use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Postgres, Row};

pub(super) fn db_err(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn query(statement: &Statement) -> sqlx::query::Query<'static, Postgres, SqlxValues> {
    let values = statement.values.clone().unwrap_or(Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql.clone()), SqlxValues(values))
}

pub(super) async fn rows(
    connection: &mut PgConnection,
    statement: &Statement,
) -> Result<Vec<QueryResult>, DbErr> {
    let rows = query(statement).fetch_all(connection).await;
    Ok(rows.map_err(db_err)?.into_iter().map(Into::into).collect())
}

/// The records of a statement; `None` where they are more than an answer may hold. The rows behind are not read then,
/// so the connection must be given up.
pub(super) async fn docs(
    connection: &mut PgConnection,
    statement: &Statement,
) -> Result<Option<Vec<Doc>>, DbErr> {
    let mut rows = query(statement).fetch(connection);
    let (mut docs, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await.map_err(db_err)? {
        let doc = Doc {
            json: row.try_get(0).map_err(db_err)?,
            key: row.try_get(1).map_err(db_err)?,
            version: row.try_get(2).map_err(db_err)?,
        };
        bytes += doc.json.len();
        if bytes > kernel::limits::RESPONSE_BYTES_MAX {
            return Ok(None);
        }
        docs.push(doc);
    }
    Ok(Some(docs))
}

pub(super) async fn execute(
    connection: &mut PgConnection,
    statement: &Statement,
) -> Result<ExecResult, DbErr> {
    let done = query(statement).execute(connection).await;
    done.map(Into::into).map_err(db_err)
}

/// Runs statements without values, one after another; in a transaction of their own if there is none around.
pub(super) async fn batch<'c>(
    on: impl Executor<'c, Database = Postgres>,
    sql: &str,
) -> Result<ExecResult, DbErr> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(on)
        .await;
    done.map(Into::into).map_err(db_err)
}
