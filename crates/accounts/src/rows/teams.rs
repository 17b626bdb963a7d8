//! Teams, their members, and those who are asked to join.

use kernel::Stamp;
use sea_orm::sea_query::{Alias, Expr, OnConflict, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use store::WriteTx;
use uuid::Uuid;

/// A team.
pub mod team {
    use sea_orm::entity::prelude::*;

    /// One team.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_teams")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// What people call it.
        pub name: String,
        /// When it was made.
        pub created_at: TimeDateTimeWithTimeZone,
        /// When it was last renamed.
        pub updated_at: TimeDateTimeWithTimeZone,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Who is in a team.
pub mod member {
    use sea_orm::entity::prelude::*;

    /// One user in one team.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_team_members")]
    pub struct Model {
        /// The team.
        #[sea_orm(primary_key, auto_increment = false)]
        pub team_id: Uuid,
        /// The user.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        /// What the user is in it.
        pub role: String,
        /// Since when.
        pub joined_at: TimeDateTimeWithTimeZone,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Who is asked to join a team.
pub mod invitation {
    use sea_orm::entity::prelude::*;

    /// One address that is asked to join one team.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_team_invitations")]
    pub struct Model {
        /// Its id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The team.
        pub team_id: Uuid,
        /// The address, as it was spelled.
        pub email: String,
        /// The address, as it is compared.
        pub email_key: String,
        /// What its user will be in the team.
        pub role: String,
        /// Who asks.
        pub invited_by: Option<String>,
        /// When.
        pub created_at: TimeDateTimeWithTimeZone,
        /// Until when it can be accepted.
        pub expires_at: TimeDateTimeWithTimeZone,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) async fn insert(tx: &WriteTx, row: team::Model) -> Result<(), DbErr> {
    team::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

pub(crate) async fn get<C: ConnectionTrait>(
    db: &C,
    id: Uuid,
) -> Result<Option<team::Model>, DbErr> {
    team::Entity::find_by_id(id).one(db).await
}

/// The team, locked until the transaction ends: whatever changes its members takes turns.
pub(crate) async fn lock(tx: &WriteTx, id: Uuid) -> Result<Option<team::Model>, DbErr> {
    team::Entity::find_by_id(id).lock_exclusive().one(tx).await
}

pub(crate) async fn rename(tx: &WriteTx, id: Uuid, name: &str, now: Stamp) -> Result<(), DbErr> {
    team::Entity::update_many()
        .col_expr(team::Column::Name, Expr::value(name))
        .col_expr(team::Column::UpdatedAt, Expr::value(now.time()))
        .filter(team::Column::Id.eq(id))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes a team with its members and those who were asked.
pub(crate) async fn delete(tx: &WriteTx, id: Uuid) -> Result<(), DbErr> {
    invitation::Entity::delete_many()
        .filter(invitation::Column::TeamId.eq(id))
        .exec(tx)
        .await?;
    member::Entity::delete_many()
        .filter(member::Column::TeamId.eq(id))
        .exec(tx)
        .await?;
    team::Entity::delete_by_id(id).exec(tx).await.map(drop)
}

/// Teams, those of one user or all, the newest first, before this one.
fn teams_of(user: Option<Uuid>) -> sea_orm::Select<team::Entity> {
    let find = team::Entity::find();
    match user {
        None => find,
        Some(user) => find.filter(
            team::Column::Id.in_subquery(
                Query::select()
                    .column(member::Column::TeamId)
                    .from((Alias::new(store::SCHEMA), member::Entity))
                    .and_where(member::Column::UserId.eq(user))
                    .to_owned(),
            ),
        ),
    }
}

pub(crate) async fn page<C: ConnectionTrait>(
    db: &C,
    user: Option<Uuid>,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<team::Model>, DbErr> {
    let mut find = teams_of(user);
    if let Some(before) = before {
        find = find.filter(team::Column::Id.lt(before));
    }
    find.order_by_desc(team::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

pub(crate) async fn count<C: ConnectionTrait>(db: &C, user: Option<Uuid>) -> Result<u64, DbErr> {
    teams_of(user).count(db).await
}

pub(crate) async fn member<C: ConnectionTrait>(
    db: &C,
    team: Uuid,
    user: Uuid,
) -> Result<Option<member::Model>, DbErr> {
    member::Entity::find_by_id((team, user)).one(db).await
}

/// A user's places in teams, at most so many.
pub(crate) async fn places<C: ConnectionTrait>(
    db: &C,
    user: Uuid,
    limit: u64,
) -> Result<Vec<member::Model>, DbErr> {
    let find = member::Entity::find().filter(member::Column::UserId.eq(user));
    let find = find.order_by_asc(member::Column::TeamId).limit(limit);
    find.all(db).await
}

/// The members of a team in the order of their ids, after this one.
pub(crate) async fn members<C: ConnectionTrait>(
    db: &C,
    team: Uuid,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<member::Model>, DbErr> {
    let mut find = member::Entity::find().filter(member::Column::TeamId.eq(team));
    if let Some(after) = after {
        find = find.filter(member::Column::UserId.gt(after));
    }
    find.order_by_asc(member::Column::UserId)
        .limit(limit)
        .all(db)
        .await
}

/// How many members a team has, of one role or all.
pub(crate) async fn count_members<C: ConnectionTrait>(
    db: &C,
    team: Uuid,
    role: Option<&str>,
) -> Result<u64, DbErr> {
    let mut find = member::Entity::find().filter(member::Column::TeamId.eq(team));
    if let Some(role) = role {
        find = find.filter(member::Column::Role.eq(role));
    }
    find.count(db).await
}

/// Who has been in the team for longest, but for this user; of one role or of any.
pub(crate) async fn eldest(
    tx: &WriteTx,
    team: Uuid,
    but: Uuid,
    role: Option<&str>,
) -> Result<Option<member::Model>, DbErr> {
    let mut find = member::Entity::find()
        .filter(member::Column::TeamId.eq(team))
        .filter(member::Column::UserId.ne(but));
    if let Some(role) = role {
        find = find.filter(member::Column::Role.eq(role));
    }
    find.order_by_asc(member::Column::JoinedAt)
        .order_by_asc(member::Column::UserId)
        .one(tx)
        .await
}

/// Makes a user a member, or gives it another role.
pub(crate) async fn put_member(tx: &WriteTx, row: member::Model) -> Result<(), DbErr> {
    let over = OnConflict::columns([member::Column::TeamId, member::Column::UserId])
        .update_column(member::Column::Role)
        .to_owned();
    member::Entity::insert(row.into_active_model())
        .on_conflict(over)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// Removes a member; whether there was one.
pub(crate) async fn delete_member(tx: &WriteTx, team: Uuid, user: Uuid) -> Result<bool, DbErr> {
    let done = member::Entity::delete_by_id((team, user)).exec(tx).await?;
    Ok(done.rows_affected == 1)
}

/// Asks an address to join, in the place of an earlier time.
pub(crate) async fn invite(tx: &WriteTx, row: invitation::Model) -> Result<(), DbErr> {
    use invitation::Column;
    let over = OnConflict::columns([Column::TeamId, Column::EmailKey])
        .update_columns([
            Column::Id,
            Column::Email,
            Column::Role,
            Column::InvitedBy,
            Column::CreatedAt,
            Column::ExpiresAt,
        ])
        .to_owned();
    invitation::Entity::insert(row.into_active_model())
        .on_conflict(over)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

pub(crate) async fn invitation<C: ConnectionTrait>(
    db: &C,
    id: Uuid,
    now: Stamp,
) -> Result<Option<invitation::Model>, DbErr> {
    invitation::Entity::find_by_id(id)
        .filter(invitation::Column::ExpiresAt.gt(now.time()))
        .one(db)
        .await
}

/// The invitations of a team or to an address that can still be accepted, the newest first.
pub(crate) async fn invitations<C: ConnectionTrait>(
    db: &C,
    of: Either<'_>,
    now: Stamp,
    limit: u64,
) -> Result<Vec<invitation::Model>, DbErr> {
    let which = match of {
        Either::Team(id) => invitation::Column::TeamId.eq(id),
        Either::Address(key) => invitation::Column::EmailKey.eq(key),
    };
    invitation::Entity::find()
        .filter(which)
        .filter(invitation::Column::ExpiresAt.gt(now.time()))
        .order_by_desc(invitation::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// Whose invitations.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Either<'a> {
    /// A team's.
    Team(Uuid),
    /// An address's, as it is compared.
    Address(&'a str),
}

/// Uses up an invitation; one of many callers gets it.
pub(crate) async fn consume_invitation(tx: &WriteTx, id: Uuid) -> Result<bool, DbErr> {
    let done = invitation::Entity::delete_by_id(id).exec(tx).await?;
    Ok(done.rows_affected == 1)
}

/// Removes all invitations to an address.
pub(crate) async fn delete_invitations_to(tx: &WriteTx, key: &str) -> Result<(), DbErr> {
    invitation::Entity::delete_many()
        .filter(invitation::Column::EmailKey.eq(key))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes what could be accepted until before `before`.
pub(crate) async fn delete_old_invitations(tx: &WriteTx, before: Stamp) -> Result<(), DbErr> {
    invitation::Entity::delete_many()
        .filter(invitation::Column::ExpiresAt.lt(before.time()))
        .exec(tx)
        .await
        .map(drop)
}
