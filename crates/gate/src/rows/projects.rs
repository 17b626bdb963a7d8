//! Rows of projects, in the instance's database.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, QueryOrder, QuerySelect};
use time::OffsetDateTime;

/// One project.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "projects")]
pub struct Model {
    /// Names its folder, schema and keys.
    #[sea_orm(primary_key, auto_increment = false)]
    pub uid: Uuid,
    /// The slug by which it is addressed.
    pub slug: String,
    /// The name that people read.
    pub name: String,
    /// `active` or `suspended`.
    pub status: String,
    /// The root key, sealed with the master key.
    pub root_key: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was changed.
    pub updated_at: OffsetDateTime,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The place of a root key, for sealing.
pub(crate) fn root_key_place(uid: Uuid) -> String {
    format!("projects/{uid}")
}

pub(crate) async fn insert<C: ConnectionTrait>(db: &C, row: &Model) -> Result<(), DbErr> {
    let row = row.clone();
    let row = ActiveModel {
        uid: Set(row.uid),
        slug: Set(row.slug),
        name: Set(row.name),
        status: Set(row.status),
        root_key: Set(row.root_key),
        created_at: Set(row.created_at),
        updated_at: Set(row.updated_at),
    };
    Entity::insert(row)
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

pub(crate) async fn by_slug<C: ConnectionTrait>(
    db: &C,
    slug: &str,
) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Slug.eq(slug)).one(db).await
}

/// The projects after `after`, in the order in which they were made; of those in `only`, if it is given.
pub(crate) async fn page<C: ConnectionTrait>(
    db: &C,
    only: Option<&[Uuid]>,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut query = Entity::find().order_by_asc(Column::Uid).limit(limit);
    if let Some(after) = after {
        query = query.filter(Column::Uid.gt(after));
    }
    if let Some(only) = only {
        query = query.filter(Column::Uid.is_in(only.iter().copied()));
    }
    query.all(db).await
}

pub(crate) async fn count<C: ConnectionTrait>(db: &C, only: Option<&[Uuid]>) -> Result<u64, DbErr> {
    let mut query = Entity::find();
    if let Some(only) = only {
        query = query.filter(Column::Uid.is_in(only.iter().copied()));
    }
    query.count(db).await
}

pub(crate) async fn rename<C: ConnectionTrait>(
    db: &C,
    uid: Uuid,
    name: &str,
    at: OffsetDateTime,
) -> Result<(), DbErr> {
    let query = Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .col_expr(Column::UpdatedAt, Expr::value(at));
    query.filter(Column::Uid.eq(uid)).exec(db).await.map(|_| ())
}

/// Sets the status; whether it was another one before.
pub(crate) async fn set_status<C: ConnectionTrait>(
    db: &C,
    uid: Uuid,
    status: &str,
    at: OffsetDateTime,
) -> Result<bool, DbErr> {
    let query = Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::UpdatedAt, Expr::value(at));
    let done = query
        .filter(Column::Uid.eq(uid))
        .filter(Column::Status.ne(status))
        .exec(db)
        .await?;
    Ok(done.rows_affected > 0)
}
