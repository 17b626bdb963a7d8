//! Rows of operators' sessions, in the instance's database.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};
use time::OffsetDateTime;

/// One session.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "operator_sessions")]
pub struct Model {
    /// The token's hash.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    /// Whose it is.
    pub operator: Uuid,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it was last used, to a few minutes.
    pub seen_at: OffsetDateTime,
    /// When it ends in any case.
    pub expires_at: OffsetDateTime,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) async fn insert<C: ConnectionTrait>(db: &C, row: &Model) -> Result<(), DbErr> {
    let row = row.clone();
    let row = ActiveModel {
        hash: Set(row.hash),
        operator: Set(row.operator),
        created_at: Set(row.created_at),
        seen_at: Set(row.seen_at),
        expires_at: Set(row.expires_at),
    };
    Entity::insert(row)
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

pub(crate) async fn by_hash<C: ConnectionTrait>(
    db: &C,
    hash: &str,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(hash).one(db).await
}

pub(crate) async fn touch<C: ConnectionTrait>(
    db: &C,
    hash: &str,
    at: OffsetDateTime,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::SeenAt, Expr::value(at))
        .filter(Column::Hash.eq(hash))
        .exec(db)
        .await
        .map(|_| ())
}

/// Removes one; whether it was there.
pub(crate) async fn delete<C: ConnectionTrait>(db: &C, hash: &str) -> Result<bool, DbErr> {
    Ok(Entity::delete_many()
        .filter(Column::Hash.eq(hash))
        .exec(db)
        .await?
        .rows_affected
        > 0)
}

pub(crate) async fn delete_of<C: ConnectionTrait>(db: &C, operator: Uuid) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::Operator.eq(operator))
        .exec(db)
        .await
        .map(|_| ())
}

/// Removes those that ended, by their age or by idleness.
pub(crate) async fn delete_ended<C: ConnectionTrait>(
    db: &C,
    now: OffsetDateTime,
    idle_since: OffsetDateTime,
) -> Result<(), DbErr> {
    let ended = Column::ExpiresAt
        .lte(now)
        .or(Column::SeenAt.lte(idle_since));
    Entity::delete_many()
        .filter(ended)
        .exec(db)
        .await
        .map(|_| ())
}
