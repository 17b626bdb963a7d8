//! Changes of addresses that wait for both addresses to confirm them.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ConnectionTrait, IntoActiveModel};
use store::WriteTx;

/// One change: a user has one at a time.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_email_changes")]
pub struct Model {
    /// Whose address.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// Which change: a later one of the same user is another.
    pub id: Uuid,
    /// The address that is to be the account's, as it was spelled.
    pub new_email: String,
    /// Whether who has the present address agreed.
    pub old_confirmed: bool,
    /// Whether who has the new one did.
    pub new_confirmed: bool,
    /// Until when it can be confirmed.
    pub expires_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Which of the two addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The present one.
    Old,
    /// The one that is to be.
    New,
}

/// Begins a change in the place of an earlier one.
pub(crate) async fn replace(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    let everything = [
        Column::Id,
        Column::NewEmail,
        Column::OldConfirmed,
        Column::NewConfirmed,
        Column::ExpiresAt,
    ];
    let over = OnConflict::column(Column::UserId)
        .update_columns(everything)
        .to_owned();
    Entity::insert(row.into_active_model())
        .on_conflict(over)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

pub(crate) async fn get<C: ConnectionTrait>(db: &C, id: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Id.eq(id)).one(db).await
}

/// Notes that one side agreed, and gives the change as it stands then.
pub(crate) async fn confirm(
    tx: &WriteTx,
    id: Uuid,
    side: Side,
    now: Stamp,
) -> Result<Option<Model>, DbErr> {
    let column = match side {
        Side::Old => Column::OldConfirmed,
        Side::New => Column::NewConfirmed,
    };
    let changed = Entity::update_many()
        .col_expr(column, Expr::value(true))
        .filter(Column::Id.eq(id))
        .filter(Column::ExpiresAt.gt(now.time()))
        .exec_with_returning(tx)
        .await?;
    Ok(changed.into_iter().next())
}

pub(crate) async fn delete(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    Entity::delete_by_id(user).exec(tx).await.map(drop)
}

/// Removes what could be confirmed until before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::ExpiresAt.lt(before.time()))
        .exec(tx)
        .await
        .map(drop)
}
