//! What is known of a browser that was sent to a provider, and of one that came back: kept as hashes and sealed, good
//! once and for a short time.

use kernel::Stamp;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter};
use store::WriteTx;

/// A browser that was sent away.
pub mod state {
    use sea_orm::entity::prelude::*;

    /// One departure.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_social_states")]
    pub struct Model {
        /// The hash of the state that the provider gives back.
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: String,
        /// To which provider.
        pub provider: String,
        /// The hash of what the browser holds.
        pub cookie_hash: String,
        /// Where it goes in the end.
        pub redirect_to: String,
        /// The challenge of the app.
        pub challenge: String,
        /// Our own verifier and nonce, sealed.
        pub secrets: String,
        /// When.
        pub created_at: TimeDateTimeWithTimeZone,
        /// Until when it may come back.
        pub expires_at: TimeDateTimeWithTimeZone,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Who came back: what the app signs in with.
pub mod ticket {
    use sea_orm::entity::prelude::*;

    /// One ticket.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_social_tickets")]
    pub struct Model {
        /// The hash of the ticket.
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: String,
        /// The challenge of the app that it is for.
        pub challenge: String,
        /// Who it is, sealed.
        pub content: String,
        /// Until when it is good.
        pub expires_at: TimeDateTimeWithTimeZone,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) async fn insert_state(tx: &WriteTx, row: state::Model) -> Result<(), DbErr> {
    state::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// Uses up a state, in the browser and at the provider that it was made for; one of many callers gets it.
pub(crate) async fn consume_state(
    tx: &WriteTx,
    hash: &str,
    provider: &str,
    cookie_hash: &str,
    now: Stamp,
) -> Result<Option<state::Model>, DbErr> {
    let gone = state::Entity::delete_many()
        .filter(state::Column::Hash.eq(hash))
        .filter(state::Column::Provider.eq(provider))
        .filter(state::Column::CookieHash.eq(cookie_hash))
        .filter(state::Column::ExpiresAt.gt(now.time()))
        .exec_with_returning(tx)
        .await?;
    Ok(gone.into_iter().next())
}

pub(crate) async fn insert_ticket(tx: &WriteTx, row: ticket::Model) -> Result<(), DbErr> {
    ticket::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// A ticket that is good for this app at the moment. Nothing is used up.
pub(crate) async fn ticket<C: ConnectionTrait>(
    db: &C,
    hash: &str,
    challenge: &str,
    now: Stamp,
) -> Result<Option<ticket::Model>, DbErr> {
    ticket::Entity::find()
        .filter(ticket::Column::Hash.eq(hash))
        .filter(ticket::Column::Challenge.eq(challenge))
        .filter(ticket::Column::ExpiresAt.gt(now.time()))
        .one(db)
        .await
}

/// Uses up a ticket, for the app that it was made for; one of many callers gets it.
pub(crate) async fn consume_ticket(
    tx: &WriteTx,
    hash: &str,
    challenge: &str,
    now: Stamp,
) -> Result<Option<ticket::Model>, DbErr> {
    let gone = ticket::Entity::delete_many()
        .filter(ticket::Column::Hash.eq(hash))
        .filter(ticket::Column::Challenge.eq(challenge))
        .filter(ticket::Column::ExpiresAt.gt(now.time()))
        .exec_with_returning(tx)
        .await?;
    Ok(gone.into_iter().next())
}

/// Removes what was good until before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp) -> Result<(), DbErr> {
    state::Entity::delete_many()
        .filter(state::Column::ExpiresAt.lt(before.time()))
        .exec(tx)
        .await?;
    ticket::Entity::delete_many()
        .filter(ticket::Column::ExpiresAt.lt(before.time()))
        .exec(tx)
        .await
        .map(drop)
}
