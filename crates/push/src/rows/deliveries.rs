//! Deliveries: one message to one device, while it waits. What is done is counted in the message and removed here.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType};
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect};
use store::WriteTx;

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_push_deliveries")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The message.
    pub message_id: Uuid,
    /// The device.
    pub device_id: Uuid,
    /// Whose the device was when the message was addressed.
    pub user_id: Uuid,
    /// How often it was taken to be sent; whoever took it knows the number, and it is his as long as it stands.
    pub attempts: i64,
    /// Whether somebody took it.
    pub leased: bool,
    /// When it is to be sent; if it is taken, when it is free again.
    pub due_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) async fn insert(tx: &WriteTx, rows: Vec<Model>) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    Entity::insert_many(rows)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// Takes due deliveries until `until`; those that others take at this moment are passed over.
pub(crate) async fn lease(
    tx: &WriteTx,
    now: Stamp,
    until: Stamp,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut due = Entity::find()
        .filter(Column::DueAt.lte(now.time()))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(tx)
        .await?;
    if due.is_empty() {
        return Ok(due);
    }
    Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::Leased, Expr::value(true))
        .col_expr(Column::DueAt, Expr::value(until.time()))
        .filter(Column::Id.is_in(due.iter().map(|row| row.id)))
        .exec(tx)
        .await?;
    for row in &mut due {
        row.attempts += 1;
    }
    Ok(due)
}

/// The delivery as it was taken.
fn taken(row: &Model) -> Condition {
    Condition::all()
        .add(Column::Id.eq(row.id))
        .add(Column::Attempts.eq(row.attempts))
        .add(Column::Leased.eq(true))
}

/// Removes deliveries that are done, and tells which of them were still the caller's.
pub(crate) async fn finish(tx: &WriteTx, rows: &[&Model]) -> Result<Vec<Model>, DbErr> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let any = rows
        .iter()
        .fold(Condition::any(), |any, row| any.add(taken(row)));
    Entity::delete_many()
        .filter(any)
        .exec_with_returning(tx)
        .await
}

/// Gives a delivery back until `due`, if it was still the caller's.
pub(crate) async fn postpone(tx: &WriteTx, row: &Model, due: Stamp) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Leased, Expr::value(false))
        .col_expr(Column::DueAt, Expr::value(due.time()))
        .filter(taken(row))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes the deliveries of a message that nobody is sending at this moment.
pub(crate) async fn cancel(tx: &WriteTx, message: Uuid, now: Stamp) -> Result<Vec<Model>, DbErr> {
    let free = Condition::any()
        .add(Column::Leased.eq(false))
        .add(Column::DueAt.lte(now.time()));
    Entity::delete_many()
        .filter(Column::MessageId.eq(message))
        .filter(free)
        .exec_with_returning(tx)
        .await
}

/// When the next delivery is due.
pub(crate) async fn next_due<C: ConnectionTrait>(
    db: &C,
) -> Result<Option<TimeDateTimeWithTimeZone>, DbErr> {
    let next = Entity::find().order_by_asc(Column::DueAt).limit(1);
    Ok(next.one(db).await?.map(|row| row.due_at))
}
