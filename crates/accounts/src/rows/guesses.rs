//! Wrong guesses at passwords, counted per account and per network under keys that tell nothing.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, OnConflict};
use sea_orm::{ConnectionTrait, IntoActiveModel};
use store::WriteTx;

/// The count of one key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_guesses")]
pub struct Model {
    /// What is guessed at, or from where: a keyed hash.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Wrong guesses that are not forgotten.
    pub failures: i64,
    /// When the first of them was.
    pub began_at: TimeDateTimeWithTimeZone,
    /// When the last of them was.
    pub last_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// When what was counted is forgotten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forgotten {
    /// At most so many failures, whose first is older than `few_before`,
    pub(crate) few: i64,
    pub(crate) few_before: Stamp,
    /// or any number, whose last is older than this.
    pub(crate) all_before: Stamp,
}

/// The counts of these keys, those that there are.
pub(crate) async fn of<C: ConnectionTrait>(db: &C, keys: &[String]) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Key.is_in(keys.iter().map(String::as_str)))
        .all(db)
        .await
}

/// Counts one more wrong guess.
pub(crate) async fn count(
    tx: &WriteTx,
    key: &str,
    forgotten: Forgotten,
    now: Stamp,
) -> Result<(), DbErr> {
    let row = Model {
        key: key.to_owned(),
        failures: 0,
        began_at: now.time(),
        last_at: now.time(),
    };
    let known = OnConflict::column(Column::Key).do_nothing().to_owned();
    Entity::insert(row.into_active_model())
        .on_conflict(known)
        .exec_without_returning(tx)
        .await?;
    let is_few = Column::Failures
        .lte(forgotten.few)
        .and(Column::BeganAt.lte(forgotten.few_before.time()));
    let is_over = is_few.or(Column::LastAt.lte(forgotten.all_before.time()));
    let failures = CaseStatement::new()
        .case(is_over.clone(), Expr::value(1_i64))
        .finally(Expr::col(Column::Failures).add(1));
    let began = CaseStatement::new()
        .case(is_over, Expr::value(now.time()))
        .finally(Expr::col(Column::BeganAt));
    Entity::update_many()
        .col_expr(Column::Failures, failures.into())
        .col_expr(Column::BeganAt, began.into())
        .col_expr(Column::LastAt, Expr::value(now.time()))
        .filter(Column::Key.eq(key))
        .exec(tx)
        .await
        .map(drop)
}

/// Forgets what was counted of these keys.
pub(crate) async fn forget(tx: &WriteTx, keys: &[String]) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::Key.is_in(keys.iter().map(String::as_str)))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes what was counted last before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::LastAt.lt(before.time()))
        .exec(tx)
        .await
        .map(drop)
}
