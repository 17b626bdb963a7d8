//! The one row of a project's settings, in the project's database.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use time::OffsetDateTime;

/// The row's id.
const ONLY: i64 = 1;

/// The settings.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_settings")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// Counts the changes.
    pub version: i64,
    /// The settings as JSON.
    pub value: Json,
    /// When they were changed.
    pub updated_at: OffsetDateTime,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) async fn read<C: ConnectionTrait>(db: &C) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(ONLY).one(db).await
}

/// Writes version `version`, if the version before is the one that is there; whether it was.
pub(crate) async fn write<C: ConnectionTrait>(
    db: &C,
    version: i64,
    value: Json,
    at: OffsetDateTime,
) -> Result<bool, DbErr> {
    if version == 1 {
        let row = ActiveModel {
            id: Set(ONLY),
            version: Set(1),
            value: Set(value),
            updated_at: Set(at),
        };
        return Entity::insert(row)
            .exec_without_returning(db)
            .await
            .map(|_| true);
    }
    let query = Entity::update_many()
        .col_expr(Column::Version, Expr::value(version))
        .col_expr(Column::Value, Expr::value(value))
        .col_expr(Column::UpdatedAt, Expr::value(at));
    let done = query
        .filter(Column::Id.eq(ONLY))
        .filter(Column::Version.eq(version - 1))
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}
