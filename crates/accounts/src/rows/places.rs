//! From where users signed in lately: keyed hashes of their devices and networks.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, IntoActiveModel};
use store::WriteTx;

/// One place of one user.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_places")]
pub struct Model {
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// The keyed hash of a network, or of a device and its network.
    #[sea_orm(primary_key, auto_increment = false)]
    pub place: String,
    /// When the user signed in from there last.
    pub seen_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What stands for any place: it is kept for as long as the user.
pub(crate) const ANYWHERE: &str = "";

/// Whether the user signed in from there since `since`.
pub(crate) async fn is_known<C: ConnectionTrait>(
    db: &C,
    user: Uuid,
    place: &str,
    since: Stamp,
) -> Result<bool, DbErr> {
    let row = Entity::find_by_id((user, place.to_owned())).one(db).await?;
    Ok(row.is_some_and(|row| row.seen_at > since.time()))
}

/// Whether the user signed in from anywhere before, however long ago.
pub(crate) async fn has_any<C: ConnectionTrait>(db: &C, user: Uuid) -> Result<bool, DbErr> {
    let anywhere = Entity::find_by_id((user, ANYWHERE.to_owned()));
    Ok(anywhere.one(db).await?.is_some())
}

/// Notes that the user signed in from there.
pub(crate) async fn note(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    let again = OnConflict::columns([Column::UserId, Column::Place])
        .update_column(Column::SeenAt)
        .to_owned();
    Entity::insert(row.into_active_model())
        .on_conflict(again)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// Forgets a place of a user.
pub(crate) async fn forget(tx: &WriteTx, user: Uuid, place: &str) -> Result<(), DbErr> {
    Entity::delete_by_id((user, place.to_owned()))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes what was seen last before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::SeenAt.lt(before.time()))
        .filter(Column::Place.ne(ANYWHERE))
        .exec(tx)
        .await
        .map(drop)
}

/// Forgets all places of a user.
pub(crate) async fn delete_of(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}
