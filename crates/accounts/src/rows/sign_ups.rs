//! Sign-ups that wait for their address to be confirmed: whoever is to be a user, with the password that was chosen.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect};
use store::WriteTx;

/// One sign-up. One address may have several: each has a link of its own, which confirms it alone.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_sign_ups")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The user that it makes, or the anonymous one that it gives an identity.
    pub user_id: Uuid,
    /// The address in the form in which addresses are compared.
    pub email_key: String,
    /// The hash of the password that was chosen, in PHC form.
    pub password_hash: String,
    /// Who signs up, sealed.
    pub content: String,
    /// When it was made.
    pub created_at: TimeDateTimeWithTimeZone,
    /// Until when it can be confirmed.
    pub expires_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) async fn insert(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    let row = row.into_active_model();
    Entity::insert(row)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// The sign-up, while it can be confirmed.
pub(crate) async fn get<C: ConnectionTrait>(
    db: &C,
    id: Uuid,
    now: Stamp,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id)
        .filter(Column::ExpiresAt.gt(now.time()))
        .one(db)
        .await
}

/// The newest sign-up of an address.
pub(crate) async fn newest<C: ConnectionTrait>(
    db: &C,
    key: &str,
    now: Stamp,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::EmailKey.eq(key))
        .filter(Column::ExpiresAt.gt(now.time()))
        .order_by_desc(Column::Id)
        .limit(1)
        .one(db)
        .await
}

/// Uses up a sign-up; one of many callers gets it.
pub(crate) async fn consume(tx: &WriteTx, id: Uuid) -> Result<bool, DbErr> {
    let gone = Entity::delete_by_id(id).exec(tx).await?;
    Ok(gone.rows_affected == 1)
}

/// Removes all sign-ups of an address.
pub(crate) async fn delete_to(tx: &WriteTx, key: &str) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::EmailKey.eq(key))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes those of a user.
pub(crate) async fn delete_of(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes those that could be confirmed until before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::ExpiresAt.lt(before.time()))
        .exec(tx)
        .await
        .map(drop)
}
