//! Rows of project keys, in the instance's database.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, QueryOrder, QuerySelect};
use time::OffsetDateTime;

/// One key.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "project_keys")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The hash of the key.
    pub hash: String,
    /// The uid of its project.
    pub project: Uuid,
    /// The name that people read.
    pub name: String,
    /// What it may: permission names, `noun.*` or `*`.
    pub scopes: Json,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it ends, if ever.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was last used, to a few minutes.
    pub last_used_at: Option<OffsetDateTime>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) async fn insert<C: ConnectionTrait>(db: &C, row: &Model) -> Result<(), DbErr> {
    let row = row.clone();
    let row = ActiveModel {
        id: Set(row.id),
        hash: Set(row.hash),
        project: Set(row.project),
        name: Set(row.name),
        scopes: Set(row.scopes),
        created_by: Set(row.created_by),
        created_at: Set(row.created_at),
        expires_at: Set(row.expires_at),
        last_used_at: Set(row.last_used_at),
    };
    Entity::insert(row)
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

pub(crate) async fn by_hash<C: ConnectionTrait>(
    db: &C,
    hash: &str,
) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Hash.eq(hash)).one(db).await
}

pub(crate) async fn page<C: ConnectionTrait>(
    db: &C,
    project: Uuid,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut query = Entity::find()
        .filter(Column::Project.eq(project))
        .order_by_asc(Column::Id)
        .limit(limit);
    if let Some(after) = after {
        query = query.filter(Column::Id.gt(after));
    }
    query.all(db).await
}

pub(crate) async fn count<C: ConnectionTrait>(db: &C, project: Uuid) -> Result<u64, DbErr> {
    Entity::find()
        .filter(Column::Project.eq(project))
        .count(db)
        .await
}

/// Removes a key of the project; whether it was there.
pub(crate) async fn delete<C: ConnectionTrait>(
    db: &C,
    project: Uuid,
    id: Uuid,
) -> Result<bool, DbErr> {
    let query = Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::Project.eq(project));
    Ok(query.exec(db).await?.rows_affected > 0)
}

pub(crate) async fn touch<C: ConnectionTrait>(
    db: &C,
    id: Uuid,
    at: OffsetDateTime,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(at))
        .filter(Column::Id.eq(id))
        .exec(db)
        .await
        .map(|_| ())
}
