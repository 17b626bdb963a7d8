//! The row of the one-time set-up token, in the instance's database.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use time::OffsetDateTime;

/// The token that may create the first operator.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "setup")]
pub struct Model {
    /// The token's hash.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Puts a new token in the place of all others.
pub(crate) async fn replace<C: ConnectionTrait>(
    db: &C,
    hash: &str,
    at: OffsetDateTime,
) -> Result<(), DbErr> {
    Entity::delete_many().exec(db).await?;
    let row = ActiveModel {
        hash: Set(hash.to_owned()),
        created_at: Set(at),
    };
    Entity::insert(row)
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

pub(crate) async fn is_valid<C: ConnectionTrait>(db: &C, hash: &str) -> Result<bool, DbErr> {
    Ok(Entity::find_by_id(hash).one(db).await?.is_some())
}

/// Uses the token up; only one caller ever sees true.
pub(crate) async fn take<C: ConnectionTrait>(db: &C, hash: &str) -> Result<bool, DbErr> {
    Ok(Entity::delete_many()
        .filter(Column::Hash.eq(hash))
        .exec(db)
        .await?
        .rows_affected
        == 1)
}

pub(crate) async fn clear<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    Entity::delete_many().exec(db).await.map(|_| ())
}
