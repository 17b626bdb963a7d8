//! Rows of operators, in the instance's database.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, QueryOrder, QuerySelect};
use time::OffsetDateTime;

/// One operator.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "operators")]
pub struct Model {
    /// The id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The address as it was typed.
    pub email: String,
    /// The address by which it is found.
    pub email_key: String,
    /// The name that people read.
    pub name: Option<String>,
    /// The password's hash, a PHC string.
    pub password: String,
    /// `owner` or `member`.
    pub role: String,
    /// A member's role by project uid.
    pub projects: Json,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) async fn insert<C: ConnectionTrait>(db: &C, row: &Model) -> Result<(), DbErr> {
    let row = row.clone();
    let row = ActiveModel {
        id: Set(row.id),
        email: Set(row.email),
        email_key: Set(row.email_key),
        name: Set(row.name),
        password: Set(row.password),
        role: Set(row.role),
        projects: Set(row.projects),
        created_at: Set(row.created_at),
    };
    Entity::insert(row)
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

pub(crate) async fn by_id<C: ConnectionTrait>(db: &C, id: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

pub(crate) async fn by_email_key<C: ConnectionTrait>(
    db: &C,
    key: &str,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::EmailKey.eq(key))
        .one(db)
        .await
}

pub(crate) async fn page<C: ConnectionTrait>(
    db: &C,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut query = Entity::find().order_by_asc(Column::Id).limit(limit);
    if let Some(after) = after {
        query = query.filter(Column::Id.gt(after));
    }
    query.all(db).await
}

pub(crate) async fn count<C: ConnectionTrait>(db: &C) -> Result<u64, DbErr> {
    Entity::find().count(db).await
}

/// The owners, locked until the transaction ends, so that two of them cannot remove each other at once.
pub(crate) async fn lock_owners<C: ConnectionTrait>(db: &C) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Role.eq("owner"))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(db)
        .await
}

/// Removes it; whether it was there.
pub(crate) async fn delete<C: ConnectionTrait>(db: &C, id: Uuid) -> Result<bool, DbErr> {
    Ok(Entity::delete_many()
        .filter(Column::Id.eq(id))
        .exec(db)
        .await?
        .rows_affected
        > 0)
}
