//! Messages: what was sent, to whom, how far it is, and what became of it.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{
    ActiveValue, ConnectionTrait, FromQueryResult, IntoActiveModel, QueryOrder, QuerySelect,
};
use store::WriteTx;

/// One message.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_push_messages")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who sent it.
    pub actor: Option<String>,
    /// What kind of audience it has.
    pub audience: String,
    /// How many ids the audience names; none for all.
    pub audience_size: Option<i64>,
    /// The ids of the audience.
    pub target: Json,
    /// What devices get.
    pub payload: String,
    /// How long push services keep it.
    pub ttl_seconds: i64,
    /// How soon it should wake devices.
    pub urgency: String,
    /// What it replaces.
    pub collapse_key: Option<String>,
    /// Whether it is counted only.
    pub dry_run: bool,
    /// How far it is.
    pub status: String,
    /// The last device that a delivery was made for.
    pub cursor: Option<Uuid>,
    /// Whether deliveries were made for all of them.
    pub fanned_out: bool,
    /// Deliveries that wait.
    pub waiting: i64,
    /// What became of the others.
    pub counts: Json,
    /// When deliveries were made last: whose turn is longest ago is next.
    pub turn_at: TimeDateTimeWithTimeZone,
    /// When it was sent.
    pub created_at: TimeDateTimeWithTimeZone,
    /// When it is given up.
    pub expires_at: TimeDateTimeWithTimeZone,
    /// When nothing of it waited any more.
    pub finished_at: Option<TimeDateTimeWithTimeZone>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A message without the ids of its audience, which may be a thousand.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Head {
    /// Its id.
    pub id: Uuid,
    /// Who sent it.
    pub actor: Option<String>,
    /// What kind of audience it has.
    pub audience: String,
    /// How many ids the audience names; none for all.
    pub audience_size: Option<i64>,
    /// What devices get.
    pub payload: String,
    /// How long push services keep it.
    pub ttl_seconds: i64,
    /// How soon it should wake devices.
    pub urgency: String,
    /// What it replaces.
    pub collapse_key: Option<String>,
    /// Whether it is counted only.
    pub dry_run: bool,
    /// How far it is.
    pub status: String,
    /// Whether deliveries were made for all devices.
    pub fanned_out: bool,
    /// Deliveries that wait.
    pub waiting: i64,
    /// What became of the others.
    pub counts: Json,
    /// When it was sent.
    pub created_at: TimeDateTimeWithTimeZone,
    /// When it is given up.
    pub expires_at: TimeDateTimeWithTimeZone,
    /// When nothing of it waited any more.
    pub finished_at: Option<TimeDateTimeWithTimeZone>,
}

const HEAD: [Column; 16] = [
    Column::Id,
    Column::Actor,
    Column::Audience,
    Column::AudienceSize,
    Column::Payload,
    Column::TtlSeconds,
    Column::Urgency,
    Column::CollapseKey,
    Column::DryRun,
    Column::Status,
    Column::FannedOut,
    Column::Waiting,
    Column::Counts,
    Column::CreatedAt,
    Column::ExpiresAt,
    Column::FinishedAt,
];

pub(crate) async fn insert(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

pub(crate) async fn heads<C: ConnectionTrait>(
    db: &C,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Head>, DbErr> {
    let find = Entity::find().filter(Column::Id.is_in(ids));
    find.select_only().columns(HEAD).into_model().all(db).await
}

/// The newest first.
pub(crate) async fn page<C: ConnectionTrait>(
    db: &C,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Head>, DbErr> {
    let mut find = Entity::find();
    if let Some(before) = before {
        find = find.filter(Column::Id.lt(before));
    }
    let find = find.order_by_desc(Column::Id).limit(limit);
    find.select_only().columns(HEAD).into_model().all(db).await
}

pub(crate) async fn count<C: ConnectionTrait>(db: &C) -> Result<u64, DbErr> {
    Entity::find().count(db).await
}

/// These messages, locked until the transaction ends, in the order of their ids so that nobody waits in a circle.
pub(crate) async fn lock(
    tx: &WriteTx,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Head>, DbErr> {
    let find = Entity::find()
        .filter(Column::Id.is_in(ids))
        .order_by_asc(Column::Id)
        .lock_exclusive();
    find.select_only().columns(HEAD).into_model().all(tx).await
}

/// The message whose turn it is to get more deliveries, locked; one that has `enough` is passed over, and one that
/// somebody else works on.
pub(crate) async fn lock_next(tx: &WriteTx, enough: i64) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::FannedOut.eq(false))
        .filter(Column::Waiting.lt(enough))
        .order_by_asc(Column::TurnAt)
        .order_by_asc(Column::Id)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .one(tx)
        .await
}

/// Whether a message is to get more deliveries.
pub(crate) async fn any_next<C: ConnectionTrait>(db: &C, enough: i64) -> Result<bool, DbErr> {
    let next: Option<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::FannedOut.eq(false))
        .filter(Column::Waiting.lt(enough))
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok(next.is_some())
}

/// How far a message has come.
pub(crate) async fn update(tx: &WriteTx, head: &Head) -> Result<(), DbErr> {
    let change = ActiveModel {
        id: ActiveValue::Unchanged(head.id),
        status: ActiveValue::Set(head.status.clone()),
        fanned_out: ActiveValue::Set(head.fanned_out),
        waiting: ActiveValue::Set(head.waiting),
        counts: ActiveValue::Set(head.counts.clone()),
        finished_at: ActiveValue::Set(head.finished_at),
        ..Default::default()
    };
    Entity::update(change).exec(tx).await.map(drop)
}

/// Where the making of its deliveries stands.
pub(crate) async fn advance(
    tx: &WriteTx,
    id: Uuid,
    cursor: Option<Uuid>,
    now: Stamp,
) -> Result<(), DbErr> {
    let change = ActiveModel {
        id: ActiveValue::Unchanged(id),
        cursor: ActiveValue::Set(cursor),
        turn_at: ActiveValue::Set(now.time()),
        ..Default::default()
    };
    Entity::update(change).exec(tx).await.map(drop)
}

/// Removes some of the messages that were finished before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp, limit: u64) -> Result<u64, DbErr> {
    let old: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::FinishedAt.lt(before.time()))
        .limit(limit)
        .into_tuple()
        .all(tx)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let done = Entity::delete_many()
        .filter(Column::Id.is_in(old))
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

impl From<Model> for Head {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            actor: row.actor,
            audience: row.audience,
            audience_size: row.audience_size,
            payload: row.payload,
            ttl_seconds: row.ttl_seconds,
            urgency: row.urgency,
            collapse_key: row.collapse_key,
            dry_run: row.dry_run,
            status: row.status,
            fanned_out: row.fanned_out,
            waiting: row.waiting,
            counts: row.counts,
            created_at: row.created_at,
            expires_at: row.expires_at,
            finished_at: row.finished_at,
        }
    }
}
