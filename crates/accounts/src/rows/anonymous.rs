//! Users without an identity, and which of them nobody comes back to.

use crate::rows::session;
use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect, QueryTrait};
use store::WriteTx;

/// One such user.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_anonymous")]
pub struct Model {
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// When it was made.
    pub created_at: TimeDateTimeWithTimeZone,
    /// When it could not be erased, because other records must have it.
    pub tried_at: Option<TimeDateTimeWithTimeZone>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) async fn insert(tx: &WriteTx, user: Uuid, now: Stamp) -> Result<(), DbErr> {
    let row = Model {
        user_id: user,
        created_at: now.time(),
        tried_at: None,
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// Forgets that a user was one.
pub(crate) async fn delete(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    Entity::delete_by_id(user).exec(tx).await.map(drop)
}

/// Some that nobody used since `before`, but for those that could not be erased since `tried`.
pub(crate) async fn abandoned<C: ConnectionTrait>(
    db: &C,
    before: Stamp,
    tried: Stamp,
    limit: u64,
) -> Result<Vec<Uuid>, DbErr> {
    let of_whom = Expr::col((session::Entity, session::Column::UserId));
    let used = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(of_whom.equals((Entity, Column::UserId)))
        .filter(session::Column::UsedAt.gte(before.time()))
        .into_query();
    let may = Condition::any()
        .add(Column::TriedAt.is_null())
        .add(Column::TriedAt.lt(tried.time()));
    Entity::find()
        .select_only()
        .column(Column::UserId)
        .filter(Column::CreatedAt.lt(before.time()))
        .filter(may)
        .filter(Expr::exists(used).not())
        .order_by_asc(Column::CreatedAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// Whether nobody used it since `before`, asked in the transaction that erases it.
pub(crate) async fn is_abandoned(tx: &WriteTx, user: Uuid, before: Stamp) -> Result<bool, DbErr> {
    let used = session::Entity::find()
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::UsedAt.gte(before.time()));
    Ok(used.one(tx).await?.is_none() && Entity::find_by_id(user).one(tx).await?.is_some())
}

/// Notes that it could not be erased.
pub(crate) async fn tried(tx: &WriteTx, user: Uuid, now: Stamp) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::TriedAt, Expr::value(Some(now.time())))
        .filter(Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}
