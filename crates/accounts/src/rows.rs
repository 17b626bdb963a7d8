//! The rows of credentials, sessions and signing keys, and every statement on them.

pub(crate) mod anonymous;
pub(crate) mod ceremonies;
pub(crate) mod challenges;
pub(crate) mod changes;
pub(crate) mod externals;
pub(crate) mod factors;
pub mod grants;
pub(crate) mod guesses;
pub mod identities;
pub mod mails;
pub mod passkeys;
pub(crate) mod places;
pub mod sign_ups;
pub mod social;
pub(crate) mod tallies;
pub mod teams;
pub(crate) mod templates;
pub mod tokens;

use kernel::Stamp;
use kernel::limits::PAGE_MAX;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// How long an ended session's row is kept.
const ENDED_KEPT: Duration = Duration::from_secs(86_400);

/// What a user signs in with.
pub mod credential {
    use sea_orm::entity::prelude::*;

    /// One user's password.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_credentials")]
    pub struct Model {
        /// The user.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        /// The password's hash, in PHC form.
        pub password_hash: String,
        /// When it was set.
        pub changed_at: TimeDateTimeWithTimeZone,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A sign-in, and the family of its refresh tokens.
pub mod session {
    use sea_orm::entity::prelude::*;

    /// One session.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_sessions")]
    pub struct Model {
        /// The session, and the family of its refresh tokens.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// Who signed in.
        pub user_id: Uuid,
        /// The number of the one refresh token that is unused.
        pub counter: i64,
        /// The secret that the family's tokens are derived with, sealed.
        pub secret: String,
        /// When the user signed in.
        pub created_at: TimeDateTimeWithTimeZone,
        /// When it was last refreshed.
        pub used_at: TimeDateTimeWithTimeZone,
        /// When the counter last moved.
        pub rotated_at: TimeDateTimeWithTimeZone,
        /// When it ends unless it is refreshed.
        pub expires_at: TimeDateTimeWithTimeZone,
        /// When it was ended.
        pub ended_at: Option<TimeDateTimeWithTimeZone>,
        /// What the client said it is.
        pub user_agent: Option<String>,
        /// The network it came from.
        pub network: String,
        /// How the user proved who it is: names of [`crate::door::Method`], with spaces between them.
        pub methods: String,
        /// How strong that was: 1 for one factor, 2 for two.
        pub level: i64,
        /// When a credential was last shown.
        pub proved_at: TimeDateTimeWithTimeZone,
        /// What the device is called.
        pub device: Option<String>,
        /// Who acts as the user, where it is not the user.
        pub impersonator: Option<String>,
        /// What the project's own identity system says of the user for this session: a JSON object.
        pub claims: Option<String>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A key pair that signs access tokens.
pub mod signing_key {
    use sea_orm::entity::prelude::*;

    /// One key pair.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_signing_keys")]
    pub struct Model {
        /// The thumbprint of its public half (RFC 7638).
        #[sea_orm(primary_key, auto_increment = false)]
        pub kid: String,
        /// The one algorithm it is good for.
        pub algorithm: String,
        /// The private half as PKCS#8, sealed.
        pub private: String,
        /// The public half as a JWK.
        pub public: Json,
        /// When it was made.
        pub created_at: TimeDateTimeWithTimeZone,
        /// Since when it signs no more; it may lie ahead.
        pub retired_at: Option<TimeDateTimeWithTimeZone>,
        /// Since when it signs; it may lie ahead.
        pub signs_at: Option<TimeDateTimeWithTimeZone>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) async fn insert_credential(tx: &WriteTx, row: credential::Model) -> Result<(), DbErr> {
    row.into_active_model().insert(tx).await.map(drop)
}

pub(crate) async fn credential<C: ConnectionTrait>(
    db: &C,
    user: Uuid,
) -> Result<Option<credential::Model>, DbErr> {
    credential::Entity::find_by_id(user).one(db).await
}

pub(crate) async fn credentials<C: ConnectionTrait>(
    db: &C,
    users: &[Uuid],
) -> Result<Vec<credential::Model>, DbErr> {
    let which = credential::Column::UserId.is_in(users.iter().copied());
    credential::Entity::find().filter(which).all(db).await
}

/// The credential, locked until the transaction ends: a sign-in and a change of the password exclude each other.
pub(crate) async fn lock_credential(
    tx: &WriteTx,
    user: Uuid,
) -> Result<Option<credential::Model>, DbErr> {
    credential::Entity::find_by_id(user)
        .lock_exclusive()
        .one(tx)
        .await
}

/// Sets a user's password, whether it had one or not.
pub(crate) async fn put_credential(tx: &WriteTx, row: credential::Model) -> Result<(), DbErr> {
    let over = OnConflict::column(credential::Column::UserId)
        .update_columns([
            credential::Column::PasswordHash,
            credential::Column::ChangedAt,
        ])
        .to_owned();
    credential::Entity::insert(row.into_active_model())
        .on_conflict(over)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

pub(crate) async fn delete_credential(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    credential::Entity::delete_by_id(user)
        .exec(tx)
        .await
        .map(drop)
}

pub(crate) async fn insert_session(tx: &WriteTx, row: session::Model) -> Result<(), DbErr> {
    row.into_active_model().insert(tx).await.map(drop)
}

pub(crate) async fn session<C: ConnectionTrait>(
    db: &C,
    id: Uuid,
) -> Result<Option<session::Model>, DbErr> {
    session::Entity::find_by_id(id).one(db).await
}

/// The session, locked until the transaction ends.
pub(crate) async fn lock_session(tx: &WriteTx, id: Uuid) -> Result<Option<session::Model>, DbErr> {
    session::Entity::find_by_id(id)
        .lock_exclusive()
        .one(tx)
        .await
}

/// Notes by what else, and when, the user of a session proved who it is.
pub(crate) async fn prove_session(tx: &WriteTx, row: &session::Model) -> Result<(), DbErr> {
    session::Entity::update_many()
        .col_expr(session::Column::Methods, Expr::value(row.methods.clone()))
        .col_expr(session::Column::ProvedAt, Expr::value(row.proved_at))
        .filter(session::Column::Id.eq(row.id))
        .exec(tx)
        .await
        .map(drop)
}

/// The user's sessions that are neither ended nor expired, the newest first.
pub(crate) async fn live_sessions<C: ConnectionTrait>(
    db: &C,
    user: Uuid,
    now: Stamp,
) -> Result<Vec<session::Model>, DbErr> {
    session::Entity::find()
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now.time()))
        .order_by_desc(session::Column::CreatedAt)
        .order_by_desc(session::Column::Id)
        .limit(u64::from(PAGE_MAX))
        .all(db)
        .await
}

/// The sessions among these that are neither ended nor expired.
pub(crate) async fn live_among<C: ConnectionTrait>(
    db: &C,
    ids: &[Uuid],
    now: Stamp,
) -> Result<Vec<session::Model>, DbErr> {
    session::Entity::find()
        .filter(session::Column::Id.is_in(ids.iter().copied()))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now.time()))
        .all(db)
        .await
}

/// Moves the family from the token `counter` to the next. False when it is not there, or ended.
pub(crate) async fn rotate(
    tx: &WriteTx,
    id: Uuid,
    counter: i64,
    now: Stamp,
    expires: Stamp,
) -> Result<bool, DbErr> {
    let done = session::Entity::update_many()
        .col_expr(session::Column::Counter, Expr::value(counter + 1))
        .col_expr(session::Column::UsedAt, Expr::value(now.time()))
        .col_expr(session::Column::RotatedAt, Expr::value(now.time()))
        .col_expr(session::Column::ExpiresAt, Expr::value(expires.time()))
        .filter(session::Column::Id.eq(id))
        .filter(session::Column::Counter.eq(counter))
        .filter(session::Column::EndedAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Which of a user's sessions to end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    /// This one.
    One(Uuid),
    /// All but this one.
    Others(Uuid),
    /// All.
    All,
}

/// Ends sessions that have not ended, and tells which.
pub(crate) async fn end_sessions(
    tx: &WriteTx,
    user: Uuid,
    which: Which,
    now: Stamp,
) -> Result<Vec<Uuid>, DbErr> {
    let chosen = match which {
        Which::One(id) => Condition::all().add(session::Column::Id.eq(id)),
        Which::Others(id) => Condition::all().add(session::Column::Id.ne(id)),
        Which::All => Condition::all(),
    };
    let ended = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now.time()))
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::EndedAt.is_null())
        .filter(chosen)
        .exec_with_returning(tx)
        .await?;
    // What waits for a second factor would be a session soon.
    if !matches!(which, Which::One(_)) {
        ceremonies::delete_pending_of(tx, user).await?;
    }
    Ok(ended.into_iter().map(|row| row.id).collect())
}

/// Removes a user's sessions.
pub(crate) async fn delete_sessions(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    session::Entity::delete_many()
        .filter(session::Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}

/// Gives one of the user's live sessions another name; whether there is one.
pub(crate) async fn rename_session(
    tx: &WriteTx,
    user: Uuid,
    id: Uuid,
    device: &str,
    now: Stamp,
) -> Result<bool, DbErr> {
    let done = session::Entity::update_many()
        .col_expr(session::Column::Device, Expr::value(device))
        .filter(session::Column::Id.eq(id))
        .filter(session::Column::UserId.eq(user))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now.time()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Removes the user's sessions that expired, or ended a while ago.
pub(crate) async fn delete_stale_sessions(
    tx: &WriteTx,
    user: Uuid,
    now: Stamp,
) -> Result<(), DbErr> {
    let expired = session::Column::ExpiresAt.lt(now.time());
    let ended = session::Column::EndedAt.lt(now.minus(ENDED_KEPT).time());
    let stale = Condition::any().add(expired).add(ended);
    session::Entity::delete_many()
        .filter(session::Column::UserId.eq(user))
        .filter(stale)
        .exec(tx)
        .await
        .map(drop)
}

pub(crate) async fn insert_signing_key(tx: &WriteTx, row: signing_key::Model) -> Result<(), DbErr> {
    row.into_active_model().insert(tx).await.map(drop)
}

/// The keys as they are when nobody else is changing them. The table is locked and not its rows: of the first key there is
/// none yet. SQLite's writers are alone as they are.
pub(crate) async fn lock_signing_keys(tx: &WriteTx) -> Result<Vec<signing_key::Model>, DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let lock = r#"LOCK TABLE "project"."_signing_keys" IN SHARE ROW EXCLUSIVE MODE"#;
        tx.execute_unprepared(lock).await?;
    }
    signing_keys(tx).await
}

/// Ends that keys sign, from a time on.
pub(crate) async fn retire_signing_keys(tx: &WriteTx, at: Stamp) -> Result<(), DbErr> {
    let signs = Condition::any()
        .add(signing_key::Column::RetiredAt.is_null())
        .add(signing_key::Column::RetiredAt.gt(at.time()));
    signing_key::Entity::update_many()
        .col_expr(signing_key::Column::RetiredAt, Expr::value(Some(at.time())))
        .filter(signs)
        .exec(tx)
        .await
        .map(drop)
}

/// Drops all keys.
pub(crate) async fn delete_signing_keys(tx: &WriteTx) -> Result<(), DbErr> {
    signing_key::Entity::delete_many().exec(tx).await.map(drop)
}

/// All signing keys, the newest first.
pub(crate) async fn signing_keys<C: ConnectionTrait>(
    db: &C,
) -> Result<Vec<signing_key::Model>, DbErr> {
    let newest = signing_key::Entity::find().order_by_desc(signing_key::Column::CreatedAt);
    newest.order_by_desc(signing_key::Column::Kid).all(db).await
}
