//! The development inbox: what was delivered, or would have been, as it was rendered.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect};
use store::WriteTx;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_push_inbox")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The message.
    pub message_id: Uuid,
    /// To whom; none for a device that is not there.
    pub user_id: Option<Uuid>,
    /// To which device; none for a user who has none.
    pub device_id: Option<Uuid>,
    /// What was sent.
    pub payload: String,
    /// What became of it.
    pub outcome: String,
    /// Why.
    pub reason: Option<String>,
    /// When it was addressed.
    pub created_at: TimeDateTimeWithTimeZone,
    /// When its outcome was noted.
    pub updated_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds entries, and removes the oldest beyond `keep`.
pub(crate) async fn insert(tx: &WriteTx, rows: Vec<Model>, keep: u64) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    Entity::insert_many(rows).exec_without_returning(tx).await?;
    let first_beyond: Option<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .order_by_desc(Column::Id)
        .limit(1)
        .offset(keep)
        .into_tuple()
        .one(tx)
        .await?;
    if let Some(id) = first_beyond {
        Entity::delete_many()
            .filter(Column::Id.lte(id))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Notes what became of a delivery.
pub(crate) async fn note(
    tx: &WriteTx,
    (message, device): (Uuid, Uuid),
    outcome: &str,
    reason: Option<&str>,
    now: Stamp,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Outcome, Expr::value(outcome))
        .col_expr(Column::Reason, Expr::value(reason.map(str::to_owned)))
        .col_expr(Column::UpdatedAt, Expr::value(now.time()))
        .filter(Column::MessageId.eq(message))
        .filter(Column::DeviceId.eq(device))
        .exec(tx)
        .await
        .map(drop)
}

/// Entries made since `since`, the newest first.
pub(crate) async fn page<C: ConnectionTrait>(
    db: &C,
    since: Stamp,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut find = Entity::find().filter(Column::CreatedAt.gte(since.time()));
    if let Some(before) = before {
        find = find.filter(Column::Id.lt(before));
    }
    find.order_by_desc(Column::Id).limit(limit).all(db).await
}

pub(crate) async fn count<C: ConnectionTrait>(db: &C, since: Stamp) -> Result<u64, DbErr> {
    let find = Entity::find().filter(Column::CreatedAt.gte(since.time()));
    find.count(db).await
}

/// Removes entries made before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp) -> Result<u64, DbErr> {
    let done = Entity::delete_many()
        .filter(Column::CreatedAt.lt(before.time()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

/// Removes the entries to a user.
pub(crate) async fn delete_of_user(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}
