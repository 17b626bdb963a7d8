//! Rows of the request log, in a database of its own on each node.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, PaginatorTrait, QueryOrder, QuerySelect};
use time::OffsetDateTime;

/// One request.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "requests")]
pub struct Model {
    /// The id, in the order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it came.
    pub at: OffsetDateTime,
    /// Names it in problems and traces.
    pub request_id: String,
    /// The project's slug.
    pub project: Option<String>,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status of the answer.
    pub status: i64,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// Who called.
    pub actor: Option<String>,
    /// The peer's network.
    pub network: String,
    /// The problem's code.
    pub code: Option<String>,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) project: Option<String>,
    pub(crate) status: Option<(i64, i64)>,
}

pub(crate) async fn insert_all<C: ConnectionTrait>(db: &C, rows: &[Model]) -> Result<(), DbErr> {
    let row = |row: Model| ActiveModel {
        id: Set(row.id),
        at: Set(row.at),
        request_id: Set(row.request_id),
        project: Set(row.project),
        method: Set(row.method),
        path: Set(row.path),
        status: Set(row.status),
        duration_us: Set(row.duration_us),
        actor: Set(row.actor),
        network: Set(row.network),
        code: Set(row.code),
    };
    Entity::insert_many(rows.iter().cloned().map(row))
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

fn found(filter: &Filter) -> Select<Entity> {
    let mut query = Entity::find();
    if let Some(project) = &filter.project {
        query = query.filter(Column::Project.eq(project.as_str()));
    }
    if let Some((low, high)) = filter.status {
        query = query.filter(Column::Status.between(low, high));
    }
    query
}

/// All requests that are kept and found.
pub(crate) async fn count<C: ConnectionTrait>(db: &C, filter: &Filter) -> Result<u64, DbErr> {
    found(filter).count(db).await
}

/// The requests before `before`, newest first.
pub(crate) async fn page<C: ConnectionTrait>(
    db: &C,
    filter: &Filter,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut query = found(filter).order_by_desc(Column::Id).limit(limit);
    if let Some(before) = before {
        query = query.filter(Column::Id.lt(before));
    }
    query.all(db).await
}

/// Removes what is older than `cutoff`, and the oldest beyond `most` rows.
pub(crate) async fn prune<C: ConnectionTrait>(
    db: &C,
    cutoff: OffsetDateTime,
    most: u64,
) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::At.lt(cutoff))
        .exec(db)
        .await?;
    let oldest_kept = Entity::find()
        .order_by_desc(Column::Id)
        .offset(most)
        .limit(1)
        .one(db)
        .await?;
    if let Some(row) = oldest_kept {
        Entity::delete_many()
            .filter(Column::Id.lte(row.id))
            .exec(db)
            .await?;
    }
    Ok(())
}
