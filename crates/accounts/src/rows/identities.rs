//! Whose a person of a provider is: one row per provider, issuer and subject.

use kernel::Stamp;
use kernel::limits::PAGE_MAX;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect};
use store::WriteTx;

/// One identity.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_identities")]
pub struct Model {
    /// The identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// By which provider of the settings.
    pub provider: String,
    /// Who says so.
    pub issuer: String,
    /// How the issuer names the person.
    pub subject: String,
    /// The address that the issuer told last. It is no identity.
    pub email: Option<String>,
    /// Whether the issuer had verified it.
    pub email_verified: bool,
    /// How the person is called.
    pub name: Option<String>,
    /// Where a picture is.
    pub picture: Option<String>,
    /// The provider's tokens, sealed, if they are kept.
    pub tokens: Option<String>,
    /// Until when somebody is renewing them.
    pub claimed_until: Option<TimeDateTimeWithTimeZone>,
    /// When it was linked.
    pub created_at: TimeDateTimeWithTimeZone,
    /// When it was last shown.
    pub used_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The identity of a person.
pub(crate) async fn find<C: ConnectionTrait>(
    db: &C,
    provider: &str,
    issuer: &str,
    subject: &str,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::Provider.eq(provider))
        .filter(Column::Issuer.eq(issuer))
        .filter(Column::Subject.eq(subject))
        .one(db)
        .await
}

pub(crate) async fn insert(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// Takes over what the provider told last, if the identity is there and its user's as it was.
pub(crate) async fn update(tx: &WriteTx, row: Model) -> Result<bool, DbErr> {
    let (id, user) = (row.id, row.user_id);
    let done = Entity::update_many()
        .set(row.into_active_model().reset_all())
        .filter(Column::Id.eq(id))
        .filter(Column::UserId.eq(user))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// All of a user, the oldest first.
pub(crate) async fn of<C: ConnectionTrait>(db: &C, user: Uuid) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::UserId.eq(user))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(u64::from(PAGE_MAX))
        .all(db)
        .await
}

/// The one that a user showed last, of a provider.
pub(crate) async fn newest<C: ConnectionTrait>(
    db: &C,
    user: Uuid,
    provider: &str,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::Provider.eq(provider))
        .order_by_desc(Column::UsedAt)
        .order_by_desc(Column::Id)
        .one(db)
        .await
}

pub(crate) async fn delete(tx: &WriteTx, id: Uuid) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(tx).await.map(drop)
}

/// Removes all of a user.
pub(crate) async fn delete_of(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}

/// Reserves the tokens for who renews them; one of many gets it.
pub(crate) async fn claim(
    tx: &WriteTx,
    row: &Model,
    now: Stamp,
    until: Stamp,
) -> Result<bool, DbErr> {
    let free = Condition::any()
        .add(Column::ClaimedUntil.is_null())
        .add(Column::ClaimedUntil.lte(now.time()));
    let done = Entity::update_many()
        .col_expr(Column::ClaimedUntil, Expr::value(Some(until.time())))
        .filter(Column::Id.eq(row.id))
        .filter(Column::Tokens.eq(row.tokens.clone()))
        .filter(free)
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Keeps other tokens in the place of those that were claimed, or gives them back as they were.
pub(crate) async fn settle(tx: &WriteTx, row: &Model, tokens: Option<String>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Tokens, Expr::value(tokens))
        .col_expr(
            Column::ClaimedUntil,
            Expr::value(None::<TimeDateTimeWithTimeZone>),
        )
        .filter(Column::Id.eq(row.id))
        .filter(Column::Tokens.eq(row.tokens.clone()))
        .exec(tx)
        .await
        .map(drop)
}
