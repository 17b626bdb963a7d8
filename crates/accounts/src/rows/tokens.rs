//! One-time secrets that were sent by mail: kept as hashes, bound to a purpose and to how their user stood.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel};
use store::WriteTx;

/// One secret.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_auth_tokens")]
pub struct Model {
    /// The hash of the secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    /// What it is good for.
    pub purpose: String,
    /// Whose it is.
    pub user_id: Uuid,
    /// How the user stood when it was made.
    pub state: String,
    /// The change of an address that it confirms.
    pub change_id: Option<Uuid>,
    /// Until when somebody is using it.
    pub claimed_until: Option<TimeDateTimeWithTimeZone>,
    /// When it was made.
    pub created_at: TimeDateTimeWithTimeZone,
    /// Until when it is good.
    pub expires_at: TimeDateTimeWithTimeZone,
    /// What it hands on to the session: a name of the device, and claims.
    pub extra: Option<String>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Keeps a secret in the place of all others of its user and purpose.
pub(crate) async fn replace(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    delete_of(tx, row.user_id, Some(&row.purpose)).await?;
    insert(tx, row).await
}

/// Keeps a secret beside others of its user and purpose.
pub(crate) async fn insert(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// The secret if it is good for this and nobody is using it.
fn good(hash: &str, purposes: &[&str], now: Stamp) -> Condition {
    let free = Condition::any()
        .add(Column::ClaimedUntil.is_null())
        .add(Column::ClaimedUntil.lte(now.time()));
    Condition::all()
        .add(Column::Hash.eq(hash))
        .add(Column::Purpose.is_in(purposes.iter().copied()))
        .add(Column::ExpiresAt.gt(now.time()))
        .add(free)
}

/// Whether the secret is good at the moment, for a page that is only shown.
pub(crate) async fn find<C: ConnectionTrait>(
    db: &C,
    hash: &str,
    purposes: &[&str],
    now: Stamp,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(good(hash, purposes, now))
        .one(db)
        .await
}

/// Reserves the secret until `until`, for who needs time before using it; one of many callers gets it.
pub(crate) async fn claim(
    tx: &WriteTx,
    hash: &str,
    purpose: &str,
    now: Stamp,
    until: Stamp,
) -> Result<Option<Model>, DbErr> {
    let taken = Entity::update_many()
        .col_expr(Column::ClaimedUntil, Expr::value(Some(until.time())))
        .filter(good(hash, &[purpose], now))
        .exec_with_returning(tx)
        .await?;
    Ok(taken.into_iter().next())
}

/// Uses up a reserved secret, if it is still the caller's; whether it was.
pub(crate) async fn consume_claimed(tx: &WriteTx, row: &Model) -> Result<bool, DbErr> {
    let done = Entity::delete_many()
        .filter(Column::Hash.eq(row.hash.as_str()))
        .filter(Column::ClaimedUntil.eq(row.claimed_until))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Gives a reserved secret back.
pub(crate) async fn release(tx: &WriteTx, row: &Model) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(
            Column::ClaimedUntil,
            Expr::value(None::<TimeDateTimeWithTimeZone>),
        )
        .filter(Column::Hash.eq(row.hash.as_str()))
        .filter(Column::ClaimedUntil.eq(row.claimed_until))
        .exec(tx)
        .await
        .map(drop)
}

/// Uses up a secret; one of many callers gets it.
pub(crate) async fn consume(
    tx: &WriteTx,
    hash: &str,
    purposes: &[&str],
    now: Stamp,
) -> Result<Option<Model>, DbErr> {
    let gone = Entity::delete_many()
        .filter(good(hash, purposes, now))
        .exec_with_returning(tx)
        .await?;
    Ok(gone.into_iter().next())
}

/// Has the secrets that end a session of a user end the one that it goes on as.
pub(crate) async fn follow(tx: &WriteTx, user: Uuid, old: Uuid, new: Uuid) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ChangeId, Expr::value(Some(new)))
        .filter(Column::UserId.eq(user))
        .filter(Column::ChangeId.eq(old))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes a user's secrets, of one purpose or all.
pub(crate) async fn delete_of(
    tx: &WriteTx,
    user: Uuid,
    purpose: Option<&str>,
) -> Result<(), DbErr> {
    let mut delete = Entity::delete_many().filter(Column::UserId.eq(user));
    if let Some(purpose) = purpose {
        delete = delete.filter(Column::Purpose.eq(purpose));
    }
    delete.exec(tx).await.map(drop)
}

/// Removes what was good until before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::ExpiresAt.lt(before.time()))
        .exec(tx)
        .await
        .map(drop)
}
