//! Mails: what is to be sent to whom, how far it is, and what became of it.

use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType};
use sea_orm::{Condition, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect};
use store::WriteTx;

/// The template of notices.
const NOTICE: &str = "security_notice";

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_mails")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Which template it is made of.
    pub template: String,
    /// In which language.
    pub language: String,
    /// To whom, as it was spelled.
    pub recipient: String,
    /// The same in the form in which addresses are compared.
    pub recipient_key: String,
    /// What it is about: a change of an address, or a challenge.
    pub subject_id: Option<Uuid>,
    /// The mail as it is sent, sealed; none before it was made and after it was sent.
    pub content: Option<String>,
    /// How far it is: `queued`, `sent`, `caught`, `failed` or `dropped`.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// How often it was taken to be sent; it belongs to who took it last.
    pub attempts: i64,
    /// When it is to be sent; if it is taken, when it is free again; none when it is done.
    pub due_at: Option<TimeDateTimeWithTimeZone>,
    /// When it was asked for.
    pub created_at: TimeDateTimeWithTimeZone,
    /// When it is given up.
    pub expires_at: TimeDateTimeWithTimeZone,
    /// When it was done.
    pub finished_at: Option<TimeDateTimeWithTimeZone>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Asks for a mail, if there is one to ask for.
pub(crate) async fn insert_some(tx: &WriteTx, row: Option<&Model>) -> Result<(), DbErr> {
    match row {
        Some(row) => insert(tx, row.clone()).await,
        None => Ok(()),
    }
}

pub(crate) async fn insert(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    let row = row.into_active_model();
    Entity::insert(row)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// How many were asked for to this address since `since`, among them those that were dropped: whoever asks learns
/// nothing. With `before`, only those that were asked for earlier than it. Notices are counted by themselves: nobody
/// causes so many that a reset is no more to be had.
pub(crate) async fn count_to<C: ConnectionTrait>(
    db: &C,
    key: &str,
    since: Stamp,
    before: Option<Uuid>,
) -> Result<u64, DbErr> {
    let mut find = Entity::find()
        .filter(Column::RecipientKey.eq(key))
        .filter(Column::Template.ne(NOTICE))
        .filter(Column::CreatedAt.gt(since.time()));
    if let Some(before) = before {
        find = find.filter(Column::Id.lt(before));
    }
    find.count(db).await
}

/// How many notices went to this address since `since`.
pub(crate) async fn count_notices<C: ConnectionTrait>(
    db: &C,
    key: &str,
    since: Stamp,
) -> Result<u64, DbErr> {
    Entity::find()
        .filter(Column::RecipientKey.eq(key))
        .filter(Column::Template.eq(NOTICE))
        .filter(Column::CreatedAt.gt(since.time()))
        .count(db)
        .await
}

/// Takes due mails until `until`; those that others take at this moment are passed over.
pub(crate) async fn lease(
    tx: &WriteTx,
    now: Stamp,
    until: Stamp,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut due = Entity::find()
        .filter(Column::DueAt.lte(now.time()))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(tx)
        .await?;
    if due.is_empty() {
        return Ok(due);
    }
    Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::DueAt, Expr::value(Some(until.time())))
        .filter(Column::Id.is_in(due.iter().map(|row| row.id)))
        .exec(tx)
        .await?;
    for row in &mut due {
        row.attempts += 1;
    }
    Ok(due)
}

/// The mail as it was taken, while it is to be sent.
fn taken(row: &Model) -> Condition {
    Condition::all()
        .add(Column::Id.eq(row.id))
        .add(Column::Attempts.eq(row.attempts))
        .add(Column::Status.eq("queued"))
}

/// Keeps the mail as it is to be sent, if it is still the caller's; whether it is.
pub(crate) async fn fill(tx: &WriteTx, row: &Model, content: &str) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::Content, Expr::value(Some(content)))
        .filter(taken(row))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// The same for a mail that turned out to be another one than was asked for.
pub(crate) async fn fill_as(
    tx: &WriteTx,
    row: &Model,
    template: &str,
    content: &str,
) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::Template, Expr::value(template))
        .col_expr(Column::Content, Expr::value(Some(content)))
        .filter(taken(row))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Notes that a mail is done, if it is still the caller's. What it said is kept only where somebody is to read it here.
pub(crate) async fn finish(
    tx: &WriteTx,
    row: &Model,
    status: &str,
    reason: Option<&str>,
    now: Stamp,
) -> Result<(), DbErr> {
    let mut update = Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::Reason, Expr::value(reason))
        .col_expr(Column::DueAt, Expr::value(None::<TimeDateTimeWithTimeZone>))
        .col_expr(Column::FinishedAt, Expr::value(Some(now.time())));
    if status != "caught" {
        update = update.col_expr(Column::Content, Expr::value(None::<String>));
    }
    update.filter(taken(row)).exec(tx).await.map(drop)
}

/// Gives a mail back until `due`, if it is still the caller's.
pub(crate) async fn postpone(
    tx: &WriteTx,
    row: &Model,
    due: Stamp,
    reason: &str,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(Some(due.time())))
        .col_expr(Column::Reason, Expr::value(Some(reason)))
        .filter(taken(row))
        .exec(tx)
        .await
        .map(drop)
}

/// When the next mail is due.
pub(crate) async fn next_due<C: ConnectionTrait>(
    db: &C,
) -> Result<Option<TimeDateTimeWithTimeZone>, DbErr> {
    let next = Entity::find()
        .filter(Column::DueAt.is_not_null())
        .order_by_asc(Column::DueAt)
        .limit(1);
    Ok(next.one(db).await?.and_then(|row| row.due_at))
}

pub(crate) async fn get<C: ConnectionTrait>(db: &C, id: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// Mails, the newest first.
pub(crate) async fn page<C: ConnectionTrait>(
    db: &C,
    status: Option<&str>,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut find = Entity::find();
    if let Some(status) = status {
        find = find.filter(Column::Status.eq(status));
    }
    if let Some(before) = before {
        find = find.filter(Column::Id.lt(before));
    }
    find.order_by_desc(Column::Id).limit(limit).all(db).await
}

pub(crate) async fn count<C: ConnectionTrait>(db: &C, status: Option<&str>) -> Result<u64, DbErr> {
    let mut find = Entity::find();
    if let Some(status) = status {
        find = find.filter(Column::Status.eq(status));
    }
    find.count(db).await
}

/// Removes what was caught.
pub(crate) async fn delete_caught(tx: &WriteTx) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::Status.eq("caught"))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes what was done before `before`.
pub(crate) async fn delete_old(tx: &WriteTx, before: Stamp) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::FinishedAt.lt(before.time()))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes what was caught beyond the newest `keep`.
pub(crate) async fn delete_excess(tx: &WriteTx, keep: u64) -> Result<(), DbErr> {
    let first_beyond: Option<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Status.eq("caught"))
        .order_by_desc(Column::Id)
        .limit(1)
        .offset(keep)
        .into_tuple()
        .one(tx)
        .await?;
    if let Some(id) = first_beyond {
        Entity::delete_many()
            .filter(Column::Status.eq("caught"))
            .filter(Column::Id.lte(id))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Has the mails that wait, and tell of a session, tell of the one that it goes on as.
pub(crate) async fn follow(tx: &WriteTx, old: Uuid, new: Uuid) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::SubjectId, Expr::value(Some(new)))
        .filter(Column::DueAt.is_not_null())
        .filter(Column::SubjectId.eq(old))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes what mails to an address say, and to whom they went; that there were such mails stays counted.
pub(crate) async fn empty_to(tx: &WriteTx, key: &str) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Content, Expr::value(None::<String>))
        .col_expr(Column::Recipient, Expr::value(""))
        .filter(Column::RecipientKey.eq(key))
        .exec(tx)
        .await
        .map(drop)
}

/// Removes all mails to an address: those that wait are not sent.
pub(crate) async fn delete_to(tx: &WriteTx, key: &str) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::RecipientKey.eq(key))
        .exec(tx)
        .await
        .map(drop)
}
