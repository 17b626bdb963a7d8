//! Rows of the audit logs: the table `audit` of the instance and `_audit` of each project have one shape.

use sea_orm::FromQueryResult;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, Order, Query};
use store::SCHEMA;
use time::OffsetDateTime;

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// Of the instance.
    Instance,
    /// Of a project.
    Project,
}

impl Log {
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::Instance => "audit",
            Self::Project => "_audit",
        }
    }
}

/// One act.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) at: OffsetDateTime,
    pub(crate) actor: Option<String>,
    pub(crate) action: String,
    pub(crate) target: String,
    pub(crate) detail: Json,
    pub(crate) network: String,
    pub(crate) request_id: String,
}

pub(crate) const COLUMNS: [&str; 8] = [
    "id",
    "at",
    "actor",
    "action",
    "target",
    "detail",
    "network",
    "request_id",
];

pub(crate) async fn insert<C: ConnectionTrait>(db: &C, log: Log, row: Row) -> Result<(), DbErr> {
    let values: [Expr; 8] = [
        row.id.into(),
        row.at.into(),
        row.actor.into(),
        row.action.into(),
        row.target.into(),
        row.detail.into(),
        row.network.into(),
        row.request_id.into(),
    ];
    let mut query = Query::insert();
    query
        .into_table((Alias::new(SCHEMA), Alias::new(log.table())))
        .columns(COLUMNS.map(Alias::new));
    query
        .values(values)
        .map_err(|e| DbErr::Type(e.to_string()))?;
    db.execute(&query).await.map(|_| ())
}

/// All acts that are kept.
pub(crate) async fn count<C: ConnectionTrait>(db: &C, log: Log) -> Result<u64, DbErr> {
    let mut query = Query::select();
    query
        .expr_as(Expr::col(Asterisk).count(), Alias::new("n"))
        .from((Alias::new(SCHEMA), Alias::new(log.table())));
    let row = db.query_one(&query).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "n"))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Whether the instance's log tells of such an act, from this network, since then.
pub(crate) async fn has<C: ConnectionTrait>(
    db: &C,
    action: &str,
    target: &str,
    network: &str,
    since: OffsetDateTime,
) -> Result<bool, DbErr> {
    let column = |name: &str| Expr::col(Alias::new(name));
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from((Alias::new(SCHEMA), Alias::new(Log::Instance.table())))
        .and_where(column("action").eq(action))
        .and_where(column("target").eq(target))
        .and_where(column("network").eq(network))
        .and_where(column("at").gt(since))
        .limit(1);
    Ok(db.query_one(&query).await?.is_some())
}

/// The acts before `before`, newest first.
pub(crate) async fn page<C: ConnectionTrait>(
    db: &C,
    log: Log,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let mut query = Query::select()
        .columns(COLUMNS.map(Alias::new))
        .from((Alias::new(SCHEMA), Alias::new(log.table())))
        .order_by(Alias::new("id"), Order::Desc)
        .limit(limit)
        .to_owned();
    if let Some(before) = before {
        query.and_where(Expr::col(Alias::new("id")).lt(before));
    }
    Row::find_by_statement(db.get_database_backend().build(&query))
        .all(db)
        .await
}
