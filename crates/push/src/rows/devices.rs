//! Devices: where messages can be sent.

use crate::model::Audience;
use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ConnectionTrait, FromQueryResult, IntoActiveModel, QueryOrder, QuerySelect};
use store::WriteTx;

/// One device.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_push_devices")]
pub struct Model {
    /// Its id, which stays when it is registered again.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// How it is reached: `web`.
    pub kind: String,
    /// Whose it is.
    pub user_id: Uuid,
    /// The session that registered it last.
    pub session_id: Uuid,
    /// The hash of its endpoint.
    pub endpoint_hash: String,
    /// The host of its push service.
    pub service: String,
    /// Where and how it takes messages, sealed.
    pub subscription: String,
    /// Its language.
    pub locale: Option<String>,
    /// Its time zone.
    pub timezone: Option<String>,
    /// The app's version.
    pub app_version: Option<String>,
    /// Moves with every registration.
    pub version: i64,
    /// When it was registered first.
    pub created_at: TimeDateTimeWithTimeZone,
    /// When it was registered last.
    pub last_seen_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A device as far as a message is addressed to it.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Address {
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
}

/// Adds the device, or gives the one with its endpoint to whom it says: its id and the time of its making stay.
pub(crate) async fn upsert(tx: &WriteTx, row: Model) -> Result<Model, DbErr> {
    let again = OnConflict::column(Column::EndpointHash)
        .update_columns([
            Column::Kind,
            Column::UserId,
            Column::SessionId,
            Column::Service,
            Column::Subscription,
            Column::Locale,
            Column::Timezone,
            Column::AppVersion,
            Column::LastSeenAt,
        ])
        .value(Column::Version, Expr::col((Entity, Column::Version)).add(1))
        .to_owned();
    Entity::insert(row.into_active_model())
        .on_conflict(again)
        .exec_with_returning(tx)
        .await
}

/// Removes the user's devices beyond `keep`, those unseen for longest first.
pub(crate) async fn delete_excess(tx: &WriteTx, user: Uuid, keep: u64) -> Result<(), DbErr> {
    let excess: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::UserId.eq(user))
        .order_by_desc(Column::LastSeenAt)
        .order_by_desc(Column::Id)
        // An offset needs a limit.
        .limit(1_000)
        .offset(keep)
        .into_tuple()
        .all(tx)
        .await?;
    if excess.is_empty() {
        return Ok(());
    }
    delete(tx, Column::Id.is_in(excess)).await.map(drop)
}

pub(crate) async fn delete_of_sessions(tx: &WriteTx, sessions: &[Uuid]) -> Result<u64, DbErr> {
    delete(tx, Column::SessionId.is_in(sessions.iter().copied())).await
}

pub(crate) async fn delete_of_user(tx: &WriteTx, user: Uuid) -> Result<u64, DbErr> {
    delete(tx, Column::UserId.eq(user)).await
}

/// Removes the device, of this user if one is named. False when there is none.
pub(crate) async fn delete_one(tx: &WriteTx, id: Uuid, user: Option<Uuid>) -> Result<bool, DbErr> {
    let mut which = Column::Id.eq(id);
    if let Some(user) = user {
        which = which.and(Column::UserId.eq(user));
    }
    Ok(delete(tx, which).await? == 1)
}

/// Removes the device unless it was registered again since `version`. False when it was not removed.
pub(crate) async fn delete_version(tx: &WriteTx, id: Uuid, version: i64) -> Result<bool, DbErr> {
    Ok(delete(tx, Column::Id.eq(id).and(Column::Version.eq(version))).await? == 1)
}

async fn delete(tx: &WriteTx, which: Expr) -> Result<u64, DbErr> {
    let done = Entity::delete_many().filter(which).exec(tx).await?;
    Ok(done.rows_affected)
}

/// Removes some of the devices that were not seen since `since`.
pub(crate) async fn delete_unseen(tx: &WriteTx, since: Stamp, limit: u64) -> Result<u64, DbErr> {
    let unseen: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::LastSeenAt.lt(since.time()))
        .limit(limit)
        .into_tuple()
        .all(tx)
        .await?;
    if unseen.is_empty() {
        return Ok(0);
    }
    // One of them may have been registered again meanwhile.
    let which = Column::Id
        .is_in(unseen)
        .and(Column::LastSeenAt.lt(since.time()));
    delete(tx, which).await
}

pub(crate) async fn exists(tx: &WriteTx, id: Uuid) -> Result<bool, DbErr> {
    Ok(Entity::find_by_id(id).count(tx).await? > 0)
}

pub(crate) async fn get_all<C: ConnectionTrait>(
    db: &C,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Id.is_in(ids)).all(db).await
}

/// The devices of a user, the newest first.
pub(crate) async fn of_user<C: ConnectionTrait>(
    db: &C,
    user: Uuid,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let find = Entity::find().filter(Column::UserId.eq(user));
    find.order_by_desc(Column::Id).limit(limit).all(db).await
}

/// Devices seen since `since`, the newest first.
pub(crate) async fn page<C: ConnectionTrait>(
    db: &C,
    user: Option<Uuid>,
    since: Stamp,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut find = Entity::find().filter(Column::LastSeenAt.gte(since.time()));
    if let Some(user) = user {
        find = find.filter(Column::UserId.eq(user));
    }
    if let Some(before) = before {
        find = find.filter(Column::Id.lt(before));
    }
    find.order_by_desc(Column::Id).limit(limit).all(db).await
}

pub(crate) async fn count<C: ConnectionTrait>(
    db: &C,
    user: Option<Uuid>,
    since: Stamp,
) -> Result<u64, DbErr> {
    let mut find = Entity::find().filter(Column::LastSeenAt.gte(since.time()));
    if let Some(user) = user {
        find = find.filter(Column::UserId.eq(user));
    }
    find.count(db).await
}

/// Which devices a message reaches: those of its audience that were there when it was sent and were seen since.
pub(crate) struct Reach<'a> {
    pub(crate) audience: &'a Audience,
    /// When the message was sent.
    pub(crate) made: TimeDateTimeWithTimeZone,
    /// Since when a device must have been seen.
    pub(crate) seen: Stamp,
}

impl Reach<'_> {
    fn find(&self) -> Select<Entity> {
        let find = Entity::find()
            .filter(Column::CreatedAt.lte(self.made))
            .filter(Column::LastSeenAt.gte(self.seen.time()));
        match self.audience {
            Audience::Users(ids) => find.filter(Column::UserId.is_in(ids.iter().copied())),
            Audience::Devices(ids) => find.filter(Column::Id.is_in(ids.iter().copied())),
            Audience::All => find,
        }
    }

    /// The devices after `cursor` in the order of their ids.
    pub(crate) async fn page(
        &self,
        tx: &WriteTx,
        cursor: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<Address>, DbErr> {
        let mut find = self.find();
        if let Some(cursor) = cursor {
            find = find.filter(Column::Id.gt(cursor));
        }
        find.select_only()
            .columns([Column::Id, Column::UserId])
            .order_by_asc(Column::Id)
            .limit(limit)
            .into_model()
            .all(tx)
            .await
    }

    /// The users or devices of the audience that have none.
    pub(crate) async fn missing(&self, tx: &WriteTx) -> Result<Vec<Uuid>, DbErr> {
        let column = match self.audience {
            Audience::Users(_) => Column::UserId,
            Audience::Devices(_) => Column::Id,
            Audience::All => return Ok(Vec::new()),
        };
        let find = self.find().select_only().column(column).distinct();
        let found: Vec<Uuid> = find.into_tuple().all(tx).await?;
        let found: std::collections::HashSet<Uuid> = found.into_iter().collect();
        let ids = self.audience.ids().iter().copied();
        Ok(ids.filter(|id| !found.contains(id)).collect())
    }
}
