//! Passkeys: the public halves of key pairs whose private halves are with their users.

use crate::webauthn::Shown;
use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect};
use store::WriteTx;

/// One passkey.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_passkeys")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// The id by which authenticators know it, in base64url. No two passkeys of a project have the same.
    pub credential_id: String,
    /// The public key as COSE writes it, in base64url.
    pub public_key: String,
    /// How often its authenticator says it was used; 0 where it does not count.
    pub sign_count: i64,
    /// What its user calls it.
    pub name: String,
    /// Whether it is asked for after another proof as well.
    pub second_factor: bool,
    /// How its authenticator is reached, space-separated.
    pub transports: String,
    /// Whether it may be copied to other devices of its user.
    pub backup_eligible: bool,
    /// Whether it was.
    pub backed_up: bool,
    /// Whether its authenticator ever verified its user.
    pub user_verified: bool,
    /// The model of the authenticator, or nil.
    pub aaguid: Uuid,
    /// When it was made.
    pub created_at: TimeDateTimeWithTimeZone,
    /// When it was used last.
    pub used_at: Option<TimeDateTimeWithTimeZone>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Keeps a passkey, unless somebody has one with the same id of its authenticator; whether it is kept.
pub(crate) async fn insert(tx: &WriteTx, row: Model) -> Result<bool, DbErr> {
    let once = OnConflict::column(Column::CredentialId)
        .do_nothing()
        .to_owned();
    let done = Entity::insert(row.into_active_model())
        .on_conflict(once)
        .exec_without_returning(tx)
        .await?;
    Ok(done == 1)
}

/// A user's passkeys, in the order in which they were made.
pub(crate) async fn of<C: ConnectionTrait>(db: &C, user: Uuid) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::UserId.eq(user))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await
}

/// The passkey with this id of its authenticator, locked until the transaction ends.
pub(crate) async fn lock(tx: &WriteTx, credential_id: &str) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::CredentialId.eq(credential_id))
        .lock_exclusive()
        .one(tx)
        .await
}

/// The passkey with this id of its authenticator.
pub(crate) async fn find<C: ConnectionTrait>(
    db: &C,
    credential_id: &str,
) -> Result<Option<Model>, DbErr> {
    let same = Entity::find().filter(Column::CredentialId.eq(credential_id));
    same.one(db).await
}

/// Notes what a passkey that is locked said of itself.
pub(crate) async fn used(tx: &WriteTx, row: &Model, shown: Shown, now: Stamp) -> Result<(), DbErr> {
    let is_verified = row.user_verified || shown.user_verified;
    Entity::update_many()
        .col_expr(Column::SignCount, Expr::value(i64::from(shown.sign_count)))
        .col_expr(Column::BackedUp, Expr::value(shown.backed_up))
        .col_expr(Column::UserVerified, Expr::value(is_verified))
        .col_expr(Column::UsedAt, Expr::value(Some(now.time())))
        .filter(Column::Id.eq(row.id))
        .exec(tx)
        .await
        .map(drop)
}

/// Calls it otherwise, and has it asked for or not.
pub(crate) async fn update(tx: &WriteTx, row: &Model) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Name, Expr::value(row.name.clone()))
        .col_expr(Column::SecondFactor, Expr::value(row.second_factor))
        .filter(Column::Id.eq(row.id))
        .exec(tx)
        .await
        .map(drop)
}

pub(crate) async fn delete(tx: &WriteTx, id: Uuid) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(tx).await.map(drop)
}

/// Removes all of a user's.
pub(crate) async fn delete_of(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}
