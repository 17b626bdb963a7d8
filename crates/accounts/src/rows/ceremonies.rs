//! What was begun and waits for its answer: ceremonies of passkeys, secrets of apps that show no code yet, and sign-ins
//! that wait for a second factor.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel};
use store::WriteTx;

/// One ceremony.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_ceremonies")]
pub struct Model {
    /// Its id, random in all its bits: only who began it has it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What it is good for.
    pub purpose: String,
    /// Whose it is; nil where nobody is known yet.
    pub user_id: Uuid,
    /// The session, or the hash of the token, that it was begun with.
    pub bound_to: String,
    /// The challenge, or the secret of an app, sealed.
    pub secret: String,
    /// How often it was answered wrongly.
    pub attempts: i64,
    /// Until when it can be answered.
    pub expires_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Sign-ins that wait for a second factor.
pub mod pending {
    use sea_orm::entity::prelude::*;

    /// One of them.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_pending_factors")]
    pub struct Model {
        /// The hash of the token that goes on with it.
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: String,
        /// Who proved who it is once.
        pub user_id: Uuid,
        /// How.
        pub methods: String,
        /// Whether the user has no second factor and is to set one up.
        pub enrols: bool,
        /// What the device is called that the first proof came from.
        pub device: Option<String>,
        /// What the project's own identity system says of the user: a JSON object.
        pub claims: Option<String>,
        /// How often it was answered.
        pub attempts: i64,
        /// Until when it can be.
        pub expires_at: TimeDateTimeWithTimeZone,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What a ceremony must have been begun for, to be answered.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) purpose: &'static str,
    pub(crate) user_id: Uuid,
    pub(crate) to: String,
}

impl Bound {
    fn begun(&self) -> Condition {
        Condition::all()
            .add(Column::Purpose.eq(self.purpose))
            .add(Column::UserId.eq(self.user_id))
            .add(Column::BoundTo.eq(self.to.as_str()))
    }

    fn good(&self, id: Uuid, now: Stamp) -> Condition {
        self.begun()
            .add(Column::Id.eq(id))
            .add(Column::ExpiresAt.gt(now.time()))
    }
}

pub(crate) async fn insert(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// The one ceremony that was begun so.
pub(crate) async fn find<C: ConnectionTrait>(
    db: &C,
    bound: &Bound,
    now: Stamp,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(bound.begun())
        .filter(Column::ExpiresAt.gt(now.time()))
        .one(db)
        .await
}

/// Counts an answer, and gives the ceremony; none when it has had `max`.
pub(crate) async fn guess(
    tx: &WriteTx,
    bound: &Bound,
    id: Uuid,
    max: i64,
    now: Stamp,
) -> Result<Option<Model>, DbErr> {
    let guessed = Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .filter(bound.good(id, now))
        .filter(Column::Attempts.lt(max))
        .exec_with_returning(tx)
        .await?;
    Ok(guessed.into_iter().next())
}

/// Uses up a ceremony; one of many callers gets it.
pub(crate) async fn consume(
    tx: &WriteTx,
    bound: &Bound,
    id: Uuid,
    now: Stamp,
) -> Result<Option<Model>, DbErr> {
    let gone = Entity::delete_many()
        .filter(bound.good(id, now))
        .exec_with_returning(tx)
        .await?;
    Ok(gone.into_iter().next())
}

/// Ends the ceremonies of one purpose that were begun with the same session or token.
pub(crate) async fn delete_of(tx: &WriteTx, bound: &Bound) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(bound.begun())
        .exec(tx)
        .await
        .map(drop)
}

pub(crate) async fn insert_pending(tx: &WriteTx, row: pending::Model) -> Result<(), DbErr> {
    pending::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// A sign-in that waits.
pub(crate) async fn pending<C: ConnectionTrait>(
    db: &C,
    hash: &str,
    now: Stamp,
) -> Result<Option<pending::Model>, DbErr> {
    pending::Entity::find_by_id(hash)
        .filter(pending::Column::ExpiresAt.gt(now.time()))
        .one(db)
        .await
}

/// Counts an answer, and gives the sign-in; none when it has had `max`.
pub(crate) async fn guess_pending(
    tx: &WriteTx,
    hash: &str,
    max: i64,
    now: Stamp,
) -> Result<Option<pending::Model>, DbErr> {
    let guessed = pending::Entity::update_many()
        .col_expr(
            pending::Column::Attempts,
            Expr::col(pending::Column::Attempts).add(1),
        )
        .filter(pending::Column::Hash.eq(hash))
        .filter(pending::Column::Attempts.lt(max))
        .filter(pending::Column::ExpiresAt.gt(now.time()))
        .exec_with_returning(tx)
        .await?;
    Ok(guessed.into_iter().next())
}

/// Goes on with a sign-in that waits; one of many callers does.
pub(crate) async fn consume_pending(tx: &WriteTx, hash: &str, now: Stamp) -> Result<bool, DbErr> {
    let gone = pending::Entity::delete_many()
        .filter(pending::Column::Hash.eq(hash))
        .filter(pending::Column::ExpiresAt.gt(now.time()))
        .exec(tx)
        .await?;
    Ok(gone.rows_affected == 1)
}

/// Ends all that waits of a user: what it was begun with may be good no more.
pub(crate) async fn delete_of_user(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user))
        .exec(tx)
        .await?;
    delete_pending_of(tx, user).await
}

/// Ends the sign-ins of a user that wait for a second factor.
pub(crate) async fn delete_pending_of(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    pending::Entity::delete_many()
        .filter(pending::Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes what could be answered until before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::ExpiresAt.lt(before.time()))
        .exec(tx)
        .await?;
    pending::Entity::delete_many()
        .filter(pending::Column::ExpiresAt.lt(before.time()))
        .exec(tx)
        .await
        .map(drop)
}
