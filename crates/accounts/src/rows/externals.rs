//! The names by which a project's own identity system knows users.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, IntoActiveModel, TryInsertResult};
use store::WriteTx;

/// One name.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_externals")]
pub struct Model {
    /// The name there.
    #[sea_orm(primary_key, auto_increment = false)]
    pub external_id: String,
    /// The user here.
    pub user_id: Uuid,
    /// Since when.
    pub created_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Whom a name means.
pub(crate) async fn get<C: ConnectionTrait>(
    db: &C,
    external_id: &str,
) -> Result<Option<Uuid>, DbErr> {
    let found = Entity::find_by_id(external_id).one(db).await?;
    Ok(found.map(|row| row.user_id))
}

/// The names of a user.
pub(crate) async fn of<C: ConnectionTrait>(db: &C, user: Uuid) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::UserId.eq(user)).all(db).await
}

/// Whether a user has one.
pub(crate) async fn has<C: ConnectionTrait>(db: &C, user: Uuid) -> Result<bool, DbErr> {
    let count = Entity::find().filter(Column::UserId.eq(user)).count(db);
    Ok(count.await? > 0)
}

/// Gives a name to a user; false where it has one already, of whom it then is.
pub(crate) async fn claim(
    tx: &WriteTx,
    external_id: &str,
    user: Uuid,
    now: Stamp,
) -> Result<bool, DbErr> {
    let row = Model {
        external_id: external_id.to_owned(),
        user_id: user,
        created_at: now.time(),
    };
    let over = OnConflict::column(Column::ExternalId)
        .do_nothing()
        .to_owned();
    let done = Entity::insert(row.into_active_model())
        .on_conflict(over)
        .try_insert()
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(done, TryInsertResult::Inserted(1)))
}

/// Frees a name.
pub(crate) async fn release(tx: &WriteTx, external_id: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(external_id).exec(tx).await.map(drop)
}

/// Removes a user's names.
pub(crate) async fn delete_of(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}
