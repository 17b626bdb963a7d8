//! Codes that were sent by mail: each is the answer to one challenge, whose id only the requester has.

use crate::error::Error;
use aws_lc_rs::rand;
use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ConnectionTrait, IntoActiveModel, QuerySelect};
use std::time::Duration;
use store::WriteTx;

/// One challenge.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_challenges")]
pub struct Model {
    /// Its id, given to the requester alone.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who is to sign in.
    pub user_id: Uuid,
    /// The hash of the code, with the challenge's id.
    pub code_hash: String,
    /// How the user stood when it was made.
    pub state: String,
    /// How often it was guessed at.
    pub attempts: i64,
    /// Whether it was answered.
    pub used: bool,
    /// When it was made.
    pub created_at: TimeDateTimeWithTimeZone,
    /// Until when it is good.
    pub expires_at: TimeDateTimeWithTimeZone,
    /// The number or the address that the code goes to, where it is not the user's yet.
    pub recipient: Option<String>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The id of a new challenge, random in all its bits: whoever does not have it cannot guess at the code.
pub(crate) fn fresh() -> Result<Uuid, Error> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Error::Crypto)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// A challenge whose code is not made yet: nothing answers it.
pub(crate) fn asked(id: Uuid, user: Uuid, recipient: &str, now: Stamp, life: Duration) -> Model {
    Model {
        id,
        user_id: user,
        code_hash: String::new(),
        state: String::new(),
        attempts: 0,
        used: false,
        created_at: now.time(),
        expires_at: now.plus(life).time(),
        recipient: Some(recipient.to_owned()),
    }
}

pub(crate) async fn get<C: ConnectionTrait>(db: &C, id: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// Gives a challenge its code: one that was asked for beforehand, unless it is over, else a new one. Guesses that came
/// before the code stay counted.
pub(crate) async fn make(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    let made = Entity::update_many()
        .col_expr(Column::CodeHash, Expr::value(row.code_hash.as_str()))
        .col_expr(Column::State, Expr::value(row.state.as_str()))
        .col_expr(Column::ExpiresAt, Expr::value(row.expires_at))
        .filter(Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    if made.rows_affected == 1 {
        return Ok(());
    }
    replace(tx, row).await
}

/// Removes a user's challenges.
pub(crate) async fn delete_of(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}

/// Keeps a challenge; earlier ones of the user are over, and their attempts stay counted.
pub(crate) async fn replace(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Used, Expr::value(true))
        .filter(Column::UserId.eq(row.user_id))
        .exec(tx)
        .await?;
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// Counts a guess at a challenge that is good, and gives it; none when it has had `max`.
pub(crate) async fn guess(
    tx: &WriteTx,
    id: Uuid,
    max: i64,
    now: Stamp,
) -> Result<Option<Model>, DbErr> {
    let guessed = Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .filter(Column::Id.eq(id))
        .filter(Column::Used.eq(false))
        .filter(Column::Attempts.lt(max))
        .filter(Column::ExpiresAt.gt(now.time()))
        .exec_with_returning(tx)
        .await?;
    Ok(guessed.into_iter().next())
}

/// Uses up a challenge; one of many callers gets it.
pub(crate) async fn consume(tx: &WriteTx, id: Uuid) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::Used, Expr::value(true))
        .filter(Column::Id.eq(id))
        .filter(Column::Used.eq(false))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// How often a user's challenges were guessed at since `since`.
pub(crate) async fn guesses<C: ConnectionTrait>(
    db: &C,
    user: Uuid,
    since: Stamp,
) -> Result<i64, DbErr> {
    let counts: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::Attempts)
        .filter(Column::UserId.eq(user))
        .filter(Column::CreatedAt.gt(since.time()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(counts.into_iter().sum())
}

/// Removes what was made before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::CreatedAt.lt(before.time()))
        .exec(tx)
        .await
        .map(drop)
}
