//! The one key pair by which push services know the project.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, IntoActiveModel};
use store::WriteTx;

/// The id of the only row.
pub(crate) const ONLY: i64 = 1;

/// The pair.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "project", table_name = "_push_keys")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// The public half: an uncompressed point in base64url.
    pub public: String,
    /// The private half, sealed.
    pub private: String,
    /// When it was made.
    pub created_at: TimeDateTimeWithTimeZone,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) async fn get<C: ConnectionTrait>(db: &C) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(ONLY).one(db).await
}

/// Adds the pair unless somebody was faster, whom it waits for.
pub(crate) async fn add(tx: &WriteTx, row: Model) -> Result<(), DbErr> {
    let once = OnConflict::column(Column::Id).do_nothing().to_owned();
    Entity::insert(row.into_active_model())
        .on_conflict(once)
        .exec_without_returning(tx)
        .await
        .map(drop)
}
