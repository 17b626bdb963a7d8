//! The second factor that a user types: the secret of an app, with the last step that was used, and recovery codes.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ConnectionTrait, IntoActiveModel, PaginatorTrait, QuerySelect};
use std::time::Duration;
use store::WriteTx;

/// An app of a user that makes codes.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_factors")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// The secret, sealed.
    pub secret: String,
    /// The last step whose code was taken: none is taken twice, nor one before it.
    pub step: i64,
    /// How often codes were guessed at since `guesses_from`.
    pub guesses: i64,
    /// Since when the guesses are counted.
    pub guesses_from: TimeDateTimeWithTimeZone,
    /// Since when the app is asked.
    pub created_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Recovery codes.
pub mod recovery {
    use sea_orm::entity::prelude::*;

    /// One code.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_recovery_codes")]
    pub struct Model {
        /// Its keyed hash.
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: String,
        /// Whose.
        pub user_id: Uuid,
        /// When it was made.
        pub created_at: TimeDateTimeWithTimeZone,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Sets a user's app in the place of an earlier one. The guesses at the earlier one stay counted.
pub(crate) async fn put(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    let over = OnConflict::column(Column::UserId)
        .update_columns([Column::Secret, Column::Step, Column::CreatedAt])
        .to_owned();
    Entity::insert(row.into_active_model())
        .on_conflict(over)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

pub(crate) async fn get<C: ConnectionTrait>(db: &C, user: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(user).one(db).await
}

/// Counts a guess at a user's codes, and gives the app; none when there were `max` within `window`.
pub(crate) async fn guess(
    tx: &WriteTx,
    user: Uuid,
    (max, window): (i64, Duration),
    now: Stamp,
) -> Result<Option<Model>, DbErr> {
    // A new window begins with a first guess.
    let over = now.minus(window).time();
    let begun = Entity::update_many()
        .col_expr(Column::Guesses, Expr::value(1_i64))
        .col_expr(Column::GuessesFrom, Expr::value(now.time()))
        .filter(Column::UserId.eq(user))
        .filter(Column::GuessesFrom.lte(over))
        .exec_with_returning(tx)
        .await?;
    if let Some(row) = begun.into_iter().next() {
        return Ok(Some(row));
    }
    let guessed = Entity::update_many()
        .col_expr(Column::Guesses, Expr::col(Column::Guesses).add(1))
        .filter(Column::UserId.eq(user))
        .filter(Column::Guesses.lt(max))
        .exec_with_returning(tx)
        .await?;
    Ok(guessed.into_iter().next())
}

/// Takes the code of a step, and forgets the guesses before it; one of many callers gets it, and none a step again.
pub(crate) async fn take_step(tx: &WriteTx, row: &Model, step: i64) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::Step, Expr::value(step))
        .col_expr(Column::Guesses, Expr::value(0_i64))
        .filter(Column::UserId.eq(row.user_id))
        .filter(Column::Secret.eq(row.secret.as_str()))
        .filter(Column::Step.lt(step))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Removes a user's app; whether there was one.
pub(crate) async fn delete(tx: &WriteTx, user: Uuid) -> Result<bool, DbErr> {
    let done = Entity::delete_by_id(user).exec(tx).await?;
    Ok(done.rows_affected == 1)
}

/// Sets a user's recovery codes in the place of earlier ones.
pub(crate) async fn put_recovery(
    tx: &WriteTx,
    user: Uuid,
    hashes: &[String],
    now: Stamp,
) -> Result<(), DbErr> {
    delete_recovery(tx, user).await?;
    let rows = hashes.iter().map(|hash| {
        recovery::Model {
            hash: hash.clone(),
            user_id: user,
            created_at: now.time(),
        }
        .into_active_model()
    });
    recovery::Entity::insert_many(rows)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// Uses up a recovery code; one of many callers gets it.
pub(crate) async fn take_recovery(tx: &WriteTx, user: Uuid, hash: &str) -> Result<bool, DbErr> {
    let gone = recovery::Entity::delete_many()
        .filter(recovery::Column::Hash.eq(hash))
        .filter(recovery::Column::UserId.eq(user))
        .exec(tx)
        .await?;
    Ok(gone.rows_affected == 1)
}

/// How many a user has left.
pub(crate) async fn recovery_left<C: ConnectionTrait>(db: &C, user: Uuid) -> Result<u64, DbErr> {
    let all = recovery::Entity::find().filter(recovery::Column::UserId.eq(user));
    all.limit(1_000).count(db).await
}

pub(crate) async fn delete_recovery(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    recovery::Entity::delete_many()
        .filter(recovery::Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}
