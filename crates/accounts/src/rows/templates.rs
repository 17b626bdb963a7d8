//! Templates of mails that a project has of its own.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, IntoActiveModel, QueryOrder};
use store::WriteTx;

/// One template in one language.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_mail_templates")]
pub struct Model {
    /// Which.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// In which language.
    #[sea_orm(primary_key, auto_increment = false)]
    pub language: String,
    /// Its subject.
    pub subject: String,
    /// Its HTML.
    pub html: String,
    /// Its plain text.
    pub text: String,
    /// When it was written.
    pub updated_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) async fn get<C: ConnectionTrait>(
    db: &C,
    name: &str,
    language: &str,
) -> Result<Option<Model>, DbErr> {
    let key = (name.to_owned(), language.to_owned());
    Entity::find_by_id(key).one(db).await
}

/// All of them.
pub(crate) async fn all<C: ConnectionTrait>(db: &C) -> Result<Vec<Model>, DbErr> {
    let ordered = Entity::find().order_by_asc(Column::Name);
    ordered.order_by_asc(Column::Language).all(db).await
}

/// Writes one over the one that is there.
pub(crate) async fn put(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    let over = OnConflict::columns([Column::Name, Column::Language])
        .update_columns([
            Column::Subject,
            Column::Html,
            Column::Text,
            Column::UpdatedAt,
        ])
        .to_owned();
    Entity::insert(row.into_active_model())
        .on_conflict(over)
        .exec_without_returning(tx)
        .await
        .map(drop)
}

pub(crate) async fn delete(tx: &WriteTx, name: &str, language: &str) -> Result<(), DbErr> {
    let key = (name.to_owned(), language.to_owned());
    Entity::delete_by_id(key).exec(tx).await.map(drop)
}
