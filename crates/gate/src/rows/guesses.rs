//! Guesses at operators' passwords, counted under keys that tell nothing, in the instance's database.

use sea_orm::ActiveValue::Set;
use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use time::OffsetDateTime;

/// The count of one key.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "operator_guesses")]
pub struct Model {
    /// What is guessed at, and from where: a hash.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Guesses that are not forgotten.
    pub count: i64,
    /// When the last of them was.
    pub last_at: OffsetDateTime,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The count of a key, locked until the transaction ends.
pub(crate) async fn lock<C: ConnectionTrait>(db: &C, key: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(key).lock_exclusive().one(db).await
}

/// Counts one more.
pub(crate) async fn count<C: ConnectionTrait>(
    db: &C,
    key: &str,
    at: OffsetDateTime,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        key: Set(key.to_owned()),
        count: Set(1),
        last_at: Set(at),
    };
    let more = Expr::col((Entity, Column::Count)).add(1);
    let known = OnConflict::column(Column::Key)
        .value(Column::Count, more)
        .update_column(Column::LastAt)
        .to_owned();
    let insert = Entity::insert(row).on_conflict(known);
    insert.exec_without_returning(db).await.map(drop)
}

/// Forgets what was counted of these keys.
pub(crate) async fn forget<C: ConnectionTrait>(db: &C, keys: &[String]) -> Result<(), DbErr> {
    let keys = keys.iter().map(String::as_str);
    let gone = Entity::delete_many().filter(Column::Key.is_in(keys));
    gone.exec(db).await.map(drop)
}

/// Forgets what was counted last before then.
pub(crate) async fn forget_before<C: ConnectionTrait>(
    db: &C,
    then: OffsetDateTime,
) -> Result<(), DbErr> {
    let old = Entity::delete_many().filter(Column::LastAt.lte(then));
    old.exec(db).await.map(drop)
}
