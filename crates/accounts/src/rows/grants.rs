//! What users are given by keys and operators: roles, and claims of the developer's own.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, IntoActiveModel};
use store::WriteTx;

/// What one user is given.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_grants")]
pub struct Model {
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// A list of names.
    pub roles: Json,
    /// An object.
    pub claims: Json,
    /// When it was last changed.
    pub updated_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) async fn get<C: ConnectionTrait>(db: &C, user: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(user).one(db).await
}

pub(crate) async fn of_many<C: ConnectionTrait>(
    db: &C,
    users: &[Uuid],
) -> Result<Vec<Model>, DbErr> {
    let find = Entity::find().filter(Column::UserId.is_in(users.iter().copied()));
    find.all(db).await
}

/// Gives a user this in the place of what it had.
pub(crate) async fn put(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    let over = OnConflict::column(Column::UserId)
        .update_columns([Column::Roles, Column::Claims, Column::UpdatedAt])
        .to_owned();
    Entity::insert(row.into_active_model())
        .on_conflict(over)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

pub(crate) async fn delete(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    Entity::delete_by_id(user).exec(tx).await.map(drop)
}
