//! The rows of buckets, files and their owners, and every statement on them.

mod list;

pub(crate) use list::{After, Page, count, page};

use crate::model::{Bucket, Kind, Limits};
use gate::Problem;
use kernel::Stamp;
use sea_orm::sea_query::{Alias, Expr, LockBehavior, LockType, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait,
    IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use std::collections::BTreeMap;
use store::WriteTx;
use uuid::Uuid;

pub(crate) mod bucket {
    use sea_orm::entity::prelude::*;

    /// One bucket.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_buckets")]
    pub struct Model {
        /// Its name.
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        /// What its files are for.
        pub kind: String,
        /// Its rules and limits.
        pub definition: Json,
        /// Moves with every change.
        pub version: i64,
        /// When it was made.
        pub created_at: TimeDateTimeWithTimeZone,
        /// When it was last changed.
        pub updated_at: TimeDateTimeWithTimeZone,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod file {
    use sea_orm::entity::prelude::*;

    /// The table of files, which is its alias too.
    pub const TABLE: &str = "_files";

    /// One file.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_files")]
    pub struct Model {
        /// The file.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// The bucket that holds it.
        pub bucket: String,
        /// Its path in the bucket.
        pub path: String,
        /// The object that has its bytes.
        pub object: Uuid,
        /// Its size.
        pub size_bytes: i64,
        /// Its type.
        pub content_type: String,
        /// The SHA-256 of its bytes.
        pub sha256: String,
        /// The user who sent the bytes.
        pub uploader: Option<Uuid>,
        /// When it was made.
        pub created_at: TimeDateTimeWithTimeZone,
        /// When its bytes were last replaced.
        pub updated_at: TimeDateTimeWithTimeZone,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod owner {
    use sea_orm::entity::prelude::*;

    /// A field of a record, with one of the files that it holds.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "_file_owners")]
    pub struct Model {
        /// The record's collection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub collection: String,
        /// The record.
        #[sea_orm(primary_key, auto_increment = false)]
        pub record: Uuid,
        /// The field.
        #[sea_orm(primary_key, auto_increment = false)]
        pub field: String,
        /// The file.
        #[sea_orm(primary_key, auto_increment = false)]
        pub file: Uuid,
        /// The user who bound it; none for keys and operators.
        pub claimed_by: Option<Uuid>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Fields that are asked whether they show a file, at most.
const OWNERS_MAX: u64 = 100;

fn read_bucket(row: &bucket::Model) -> Result<Bucket, Problem> {
    let time = |t| Stamp::from_time(t).ok_or_else(|| Problem::internal("a time out of range"));
    let kind = Kind::parse(&row.kind);
    Ok(Bucket {
        name: row.name.clone(),
        kind: kind.ok_or_else(|| Problem::internal("a stored bucket of no kind"))?,
        rules: BTreeMap::new(),
        limits: Limits::default(),
        version: row.version,
        created_at: time(row.created_at)?,
        updated_at: time(row.updated_at)?,
    }
    .with_definition(&row.definition))
}

pub(crate) async fn buckets<C: ConnectionTrait>(db: &C) -> Result<Vec<Bucket>, Problem> {
    let find = bucket::Entity::find().order_by_asc(bucket::Column::Name);
    let rows = find.all(db).await?;
    rows.iter().map(read_bucket).collect()
}

pub(crate) async fn bucket<C: ConnectionTrait>(
    db: &C,
    name: &str,
) -> Result<Option<Bucket>, Problem> {
    let row = bucket::Entity::find_by_id(name.to_owned()).one(db).await?;
    row.as_ref().map(read_bucket).transpose()
}

/// The bucket, locked against other changes of it until the transaction ends.
pub(crate) async fn lock_bucket(tx: &WriteTx, name: &str) -> Result<Option<Bucket>, Problem> {
    let find = bucket::Entity::find_by_id(name.to_owned()).lock_exclusive();
    let row = find.one(tx).await?;
    row.as_ref().map(read_bucket).transpose()
}

fn bucket_row(it: &Bucket) -> bucket::Model {
    bucket::Model {
        name: it.name.clone(),
        kind: it.kind.as_str().to_owned(),
        definition: it.definition(),
        version: it.version,
        created_at: it.created_at.time(),
        updated_at: it.updated_at.time(),
    }
}

pub(crate) async fn insert_bucket(tx: &WriteTx, it: &Bucket) -> Result<(), DbErr> {
    bucket::Entity::insert(bucket_row(it).into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

pub(crate) async fn update_bucket(tx: &WriteTx, it: &Bucket) -> Result<(), DbErr> {
    let row = bucket_row(it);
    let change = bucket::ActiveModel {
        definition: Set(row.definition),
        version: Set(row.version),
        updated_at: Set(row.updated_at),
        ..Default::default()
    };
    bucket::Entity::update_many()
        .set(change)
        .filter(bucket::Column::Name.eq(row.name))
        .exec(tx)
        .await
        .map(drop)
}

pub(crate) async fn delete_bucket(tx: &WriteTx, name: &str) -> Result<(), DbErr> {
    bucket::Entity::delete_by_id(name.to_owned())
        .exec(tx)
        .await
        .map(drop)
}

/// Whether the bucket holds a file.
pub(crate) async fn has_files(tx: &WriteTx, bucket: &str) -> Result<bool, DbErr> {
    let find = file::Entity::find().filter(file::Column::Bucket.eq(bucket));
    Ok(find.one(tx).await?.is_some())
}

/// How a file is named.
#[derive(Clone, Debug)]
pub enum Which {
    /// By its bucket and path.
    At(String, String),
    /// By its id.
    Id(Uuid),
}

fn find(which: &Which) -> sea_orm::Select<file::Entity> {
    match which {
        Which::Id(id) => file::Entity::find_by_id(*id),
        Which::At(bucket, path) => file::Entity::find()
            .filter(file::Column::Bucket.eq(bucket))
            .filter(file::Column::Path.eq(path)),
    }
}

pub(crate) async fn file<C: ConnectionTrait>(
    db: &C,
    which: &Which,
) -> Result<Option<file::Model>, DbErr> {
    find(which).one(db).await
}

/// The file, locked until the transaction ends: what binds it, frees it, replaces it or deletes it goes one by one.
pub(crate) async fn lock_file(tx: &WriteTx, which: &Which) -> Result<Option<file::Model>, DbErr> {
    find(which).lock_exclusive().one(tx).await
}

pub(crate) async fn files<C: ConnectionTrait>(
    db: &C,
    ids: &[Uuid],
) -> Result<Vec<file::Model>, DbErr> {
    let find = file::Entity::find().filter(file::Column::Id.is_in(ids.iter().copied()));
    find.all(db).await
}

pub(crate) async fn insert_file(tx: &WriteTx, row: file::Model) -> Result<(), DbErr> {
    file::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// Writes what a replacement changes.
pub(crate) async fn replace_file(tx: &WriteTx, row: file::Model) -> Result<(), DbErr> {
    let change = file::ActiveModel {
        id: sea_orm::ActiveValue::Unchanged(row.id),
        object: Set(row.object),
        size_bytes: Set(row.size_bytes),
        content_type: Set(row.content_type),
        sha256: Set(row.sha256),
        uploader: Set(row.uploader),
        updated_at: Set(row.updated_at),
        ..Default::default()
    };
    change.update(tx).await.map(drop)
}

pub(crate) async fn delete_file(tx: &WriteTx, id: Uuid) -> Result<(), DbErr> {
    file::Entity::delete_by_id(id).exec(tx).await.map(drop)
}

/// Which of these objects files name.
pub(crate) async fn named_objects<C: ConnectionTrait>(
    db: &C,
    objects: &[Uuid],
) -> Result<Vec<Uuid>, DbErr> {
    let find = file::Entity::find()
        .select_only()
        .column(file::Column::Object)
        .filter(file::Column::Object.is_in(objects.iter().copied()));
    find.into_tuple().all(db).await
}

/// Attachments that no field holds and that were last written before `before`, at most 500, locked where the engine
/// locks rows.
pub(crate) async fn lock_unheld(tx: &WriteTx, before: Stamp) -> Result<Vec<file::Model>, DbErr> {
    let attachments = Query::select()
        .column(bucket::Column::Name)
        .from((Alias::new(store::SCHEMA), bucket::Entity))
        .and_where(bucket::Column::Kind.eq(Kind::Attachments.as_str()))
        .to_owned();
    let held = Query::select()
        .column(owner::Column::File)
        .from((Alias::new(store::SCHEMA), owner::Entity))
        .to_owned();
    let mut find = file::Entity::find()
        .filter(file::Column::Bucket.in_subquery(attachments))
        .filter(file::Column::UpdatedAt.lt(before.time()))
        .filter(file::Column::Id.not_in_subquery(held))
        .limit(500);
    if tx.backend() == DbBackend::Postgres {
        find = find.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    find.all(tx).await
}

/// The fields that hold a file; those beyond the hundredth are not looked at.
pub(crate) async fn owners<C: ConnectionTrait>(
    db: &C,
    file: Uuid,
) -> Result<Vec<owner::Model>, DbErr> {
    let find = owner::Entity::find().filter(owner::Column::File.eq(file));
    find.limit(OWNERS_MAX).all(db).await
}

/// How many fields hold a file.
pub(crate) async fn count_owners<C: ConnectionTrait>(db: &C, file: Uuid) -> Result<u64, DbErr> {
    let find = owner::Entity::find().filter(owner::Column::File.eq(file));
    find.count(db).await
}

/// Whether a field that somebody else bound holds the file.
pub(crate) async fn is_held_by_others(tx: &WriteTx, file: Uuid, user: Uuid) -> Result<bool, DbErr> {
    let others = Condition::any()
        .add(owner::Column::ClaimedBy.is_null())
        .add(owner::Column::ClaimedBy.ne(user));
    let find = owner::Entity::find().filter(owner::Column::File.eq(file));
    Ok(find.filter(others).one(tx).await?.is_some())
}

type OwnerKey<'a> = (&'a str, Uuid, &'a str);

fn of_field((collection, record, field): OwnerKey<'_>) -> Condition {
    Condition::all()
        .add(owner::Column::Collection.eq(collection))
        .add(owner::Column::Record.eq(record))
        .add(owner::Column::Field.eq(field))
}

/// The files that a field holds.
pub(crate) async fn held(tx: &WriteTx, key: OwnerKey<'_>) -> Result<Vec<Uuid>, DbErr> {
    let rows = owner::Entity::find().filter(of_field(key)).all(tx).await?;
    Ok(rows.into_iter().map(|row| row.file).collect())
}

/// Whether a field holds the file.
pub(crate) async fn holds(tx: &WriteTx, key: OwnerKey<'_>, file: Uuid) -> Result<bool, DbErr> {
    let find = owner::Entity::find().filter(of_field(key));
    let row = find.filter(owner::Column::File.eq(file)).one(tx).await?;
    Ok(row.is_some())
}

pub(crate) async fn insert_owner(tx: &WriteTx, row: owner::Model) -> Result<(), DbErr> {
    owner::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
}

/// Frees a file that a field holds, or all of them.
pub(crate) async fn delete_owner(
    tx: &WriteTx,
    key: OwnerKey<'_>,
    file: Option<Uuid>,
) -> Result<(), DbErr> {
    let file = file.map(|file| owner::Column::File.eq(file));
    owner::Entity::delete_many()
        .filter(of_field(key).add_option(file))
        .exec(tx)
        .await
        .map(drop)
}

/// Frees all files that records of a collection hold.
pub(crate) async fn delete_owners_of(tx: &WriteTx, collection: &str) -> Result<(), DbErr> {
    owner::Entity::delete_many()
        .filter(owner::Column::Collection.eq(collection))
        .exec(tx)
        .await
        .map(drop)
}

/// Has all files that a field holds be held under another name of it, `(collection, field)`.
pub(crate) async fn rename_owners(
    tx: &WriteTx,
    from: (&str, &str),
    to: (&str, &str),
) -> Result<(), DbErr> {
    owner::Entity::update_many()
        .col_expr(owner::Column::Collection, Expr::value(to.0))
        .col_expr(owner::Column::Field, Expr::value(to.1))
        .filter(owner::Column::Collection.eq(from.0))
        .filter(owner::Column::Field.eq(from.1))
        .exec(tx)
        .await
        .map(drop)
}

/// The files that a user sent, the newest first, before this one.
pub(crate) async fn of_uploader<C: ConnectionTrait>(
    db: &C,
    user: Uuid,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<file::Model>, DbErr> {
    let mut find = file::Entity::find().filter(file::Column::Uploader.eq(user));
    if let Some(before) = before {
        find = find.filter(file::Column::Id.lt(before));
    }
    find.order_by_desc(file::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// All files that a user sent, locked where the engine locks rows, in the order of their ids.
pub(crate) async fn lock_of_uploader(tx: &WriteTx, user: Uuid) -> Result<Vec<file::Model>, DbErr> {
    let find = file::Entity::find().filter(file::Column::Uploader.eq(user));
    let find = find.order_by_asc(file::Column::Id);
    find.lock_exclusive().all(tx).await
}

/// Takes a user's name from the files that stay, and from what it bound to fields.
pub(crate) async fn forget_uploader(tx: &WriteTx, user: Uuid) -> Result<(), DbErr> {
    file::Entity::update_many()
        .col_expr(file::Column::Uploader, Expr::value(None::<Uuid>))
        .filter(file::Column::Uploader.eq(user))
        .exec(tx)
        .await?;
    owner::Entity::update_many()
        .col_expr(owner::Column::ClaimedBy, Expr::value(None::<Uuid>))
        .filter(owner::Column::ClaimedBy.eq(user))
        .exec(tx)
        .await
        .map(drop)
}
