//! Counters of what may be done so often in a time: each is moved in the transaction of what it counts, so that many who
//! come at once are counted one by one.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue, QuerySelect};
use std::time::Duration;
use store::WriteTx;

/// One counter.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_tallies")]
pub struct Model {
    /// What it counts.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// Of whom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// When its time began.
    #[sea_orm(primary_key, auto_increment = false)]
    pub since: TimeDateTimeWithTimeZone,
    /// How much it has counted.
    pub taken: i64,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Counts one more of `kind` for `key` in the present span; false where there have been `max` already.
pub(crate) async fn take(
    tx: &WriteTx,
    (kind, key): (&str, &str),
    span: Duration,
    max: u32,
    now: Stamp,
) -> Result<bool, DbErr> {
    let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    let into = now.unix_seconds().rem_euclid(seconds);
    let since = now.minus(Duration::from_secs(into.unsigned_abs()));
    // Spans begin at whole seconds.
    let since = since.time().replace_microsecond(0).unwrap_or(since.time());
    let row = ActiveModel {
        kind: ActiveValue::Set(kind.to_owned()),
        key: ActiveValue::Set(key.to_owned()),
        since: ActiveValue::Set(since),
        taken: ActiveValue::Set(1),
    };
    let more = Expr::col((Entity, Column::Taken)).add(1);
    let over = OnConflict::columns([Column::Kind, Column::Key, Column::Since])
        .value(Column::Taken, more)
        .to_owned();
    Entity::insert(row)
        .on_conflict(over)
        .exec_without_returning(tx)
        .await?;
    // The row is ours until the transaction ends.
    let taken: Option<i64> = Entity::find_by_id((kind.to_owned(), key.to_owned(), since))
        .select_only()
        .column(Column::Taken)
        .into_tuple()
        .one(tx)
        .await?;
    Ok(taken.is_some_and(|taken| taken <= i64::from(max)))
}

/// Removes counters whose time began before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::Since.lt(before.time()))
        .exec(tx)
        .await
        .map(drop)
}
