//! The processes that serve one instance together, in the instance's database.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use time::OffsetDateTime;

/// A process.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "nodes")]
pub struct Model {
    /// Made at its start.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it last said that it lives, by its own clock.
    pub seen_at: OffsetDateTime,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Notes that a node lives.
pub(crate) async fn beat<C: ConnectionTrait>(
    db: &C,
    id: Uuid,
    at: OffsetDateTime,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(id),
        seen_at: Set(at),
    };
    let known = OnConflict::column(Column::Id)
        .update_column(Column::SeenAt)
        .to_owned();
    let insert = Entity::insert(row).on_conflict(known);
    insert.exec_without_returning(db).await.map(drop)
}

/// How many have said so since then.
pub(crate) async fn count_since<C: ConnectionTrait>(
    db: &C,
    then: OffsetDateTime,
) -> Result<u64, DbErr> {
    Entity::find()
        .filter(Column::SeenAt.gt(then))
        .count(db)
        .await
}

/// Forgets one that leaves.
pub(crate) async fn remove<C: ConnectionTrait>(db: &C, id: Uuid) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(db).await.map(drop)
}

/// Forgets those that have not been seen since then.
pub(crate) async fn remove_before<C: ConnectionTrait>(
    db: &C,
    then: OffsetDateTime,
) -> Result<(), DbErr> {
    let old = Entity::delete_many().filter(Column::SeenAt.lt(then));
    old.exec(db).await.map(drop)
}
