//! Rows of the schema: the collections' definitions and the version that moves with them.

use crate::model::{Alter, Collection, Index};
use crate::sql::{alter as sql, ddl};
use crate::versions::{Entry, KEPT_MAX};
use gate::Problem;
use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::{
    ConnectionTrait, DbBackend, FromQueryResult, PaginatorTrait, QueryOrder, QuerySelect, Set,
    Statement,
};
use store::{Db, Doc, StoreError, WriteTx};

mod collection {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "_collections", schema_name = "project")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        #[sea_orm(unique)]
        pub name: String,
        pub definition: Json,
        pub created_at: TimeDateTimeWithTimeZone,
        pub updated_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod kept {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "_schema_versions", schema_name = "project")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub collection: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i64,
        pub action: String,
        pub before: Option<Json>,
        pub definition: Option<Json>,
        pub actor: Option<String>,
        pub request_id: Option<String>,
        pub at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(FromQueryResult)]
struct Version {
    value: i64,
}

/// The schema's version. It moves with every change of a collection.
pub(crate) async fn version<C: ConnectionTrait>(db: &C) -> Result<i64, StoreError> {
    let sql = r#"SELECT value FROM "project"."_counters" WHERE name = 'schema'"#;
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, []);
    Ok(Version::find_by_statement(statement)
        .one(db)
        .await?
        .map_or(0, |v| v.value))
}

/// All collections with the version they belong to.
pub(crate) async fn load<C: ConnectionTrait>(db: &C) -> Result<(i64, Vec<Collection>), Problem> {
    // A change between the two reads shows as another version the next time.
    let version = version(db).await?;
    let rows = collection::Entity::find()
        .order_by_asc(collection::Column::Name)
        .all(db)
        .await?;
    Ok((
        version,
        rows.into_iter().map(parse).collect::<Result<_, _>>()?,
    ))
}

fn parse(row: collection::Model) -> Result<Collection, Problem> {
    let time =
        |t| Stamp::from_time(t).ok_or_else(|| Problem::internal("a stored time is out of range"));
    let (created_at, updated_at) = (time(row.created_at)?, time(row.updated_at)?);
    Collection::from_definition(row.id, row.definition, created_at, updated_at)
}

/// One collection as it is now.
pub(crate) async fn find<C: ConnectionTrait>(
    db: &C,
    id: Uuid,
) -> Result<Option<Collection>, Problem> {
    let row = collection::Entity::find_by_id(id).one(db).await?;
    row.map(parse).transpose()
}

/// How the engine means to answer a read, a line for each step. The read is not done.
pub(crate) async fn plan(db: &Db, mut read: Statement) -> Result<Vec<String>, Problem> {
    let (explain, column) = match read.db_backend {
        DbBackend::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
        _ => ("EXPLAIN", "QUERY PLAN"),
    };
    read.sql = format!("{explain} {}", read.sql);
    let lines = db.query_all_raw(read).await?;
    let lines = lines.iter().map(|line| line.try_get("", column));
    Ok(lines.collect::<Result<_, _>>()?)
}

/// Takes the schema's lock until the commit and moves its version; gives the version before.
pub(crate) async fn lock(tx: &WriteTx) -> Result<i64, StoreError> {
    let sql = r#"UPDATE "project"."_counters" SET value = value + 1 WHERE name = 'schema'"#;
    tx.execute_raw(Statement::from_sql_and_values(tx.backend(), sql, []))
        .await?;
    Ok(version(tx).await? - 1)
}

/// Makes a collection's table and row.
pub(crate) async fn create(tx: &WriteTx, collection: &Collection) -> Result<(), StoreError> {
    for sql in ddl::create(collection, tx.backend()) {
        tx.execute_unprepared(&sql).await?;
    }
    let row = collection::ActiveModel {
        id: Set(collection.id),
        name: Set(collection.name.clone()),
        definition: Set(serde_json::Value::Object(collection.definition())),
        created_at: Set(collection.created_at.time()),
        updated_at: Set(collection.updated_at.time()),
    };
    collection::Entity::insert(row)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Waits for the writes of a collection's records that have begun, and lets none begin before the commit: in the change
/// log, each then stands on the side of a change of rules on which it happened. A table whose columns change is held
/// against readers too, from the beginning: a lock that grows is a deadlock. On SQLite writes follow each other anyway.
pub(crate) async fn fence(
    tx: &WriteTx,
    collection: &Collection,
    alone: bool,
) -> Result<(), StoreError> {
    if tx.backend() == DbBackend::Postgres {
        let table = ddl::table(collection);
        let mode = if alone {
            "ACCESS EXCLUSIVE"
        } else {
            "SHARE ROW EXCLUSIVE"
        };
        execute(tx, &format!("LOCK TABLE {table} IN {mode} MODE")).await?;
    }
    Ok(())
}

/// Why a change of a collection could not be written.
pub(crate) enum Unfit {
    /// Records that are there have equal values where an index wants them unique.
    Equal(Index),
    Store(StoreError),
}

impl From<StoreError> for Unfit {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Does what changes the table; `steps` makes them when it has its new name, and the values that are made anew.
pub(crate) async fn alter(tx: &WriteTx, alter: &Alter) -> Result<Vec<sql::Step>, Unfit> {
    let steps = sql::steps(alter, tx.backend());
    if sql::is_rebuilt(alter, tx.backend()) && any(tx, sql::acting(alter)).await? {
        return Err(StoreError::ForeignKey(String::new()).into());
    }
    for step in &steps {
        for text in &step.sql {
            execute(tx, text)
                .await
                .map_err(|e| match (e, &step.index) {
                    (StoreError::Unique(_), Some(index)) => Unfit::Equal(index.clone()),
                    (e, _) => e.into(),
                })?;
        }
    }
    if sql::is_rebuilt(alter, tx.backend()) && any(tx, sql::check(alter)).await? {
        return Err(StoreError::ForeignKey(String::new()).into());
    }
    Ok(steps)
}

/// Whether a read finds anything.
async fn any(tx: &WriteTx, read: Statement) -> Result<bool, StoreError> {
    Ok(!tx.query_all_raw(read).await?.is_empty())
}

/// Runs a statement that has no values.
pub(crate) async fn execute(tx: &WriteTx, sql: &str) -> Result<(), StoreError> {
    tx.execute_unprepared(sql).await?;
    Ok(())
}

/// Runs a statement for what it does.
pub(crate) async fn run(tx: &WriteTx, statement: Statement) -> Result<(), StoreError> {
    tx.execute_raw(statement).await?;
    Ok(())
}

/// Runs a write of one record; `None` if there was none to write to, or none was made. What it gives is the record where
/// the engine tells it, else without its JSON and version: to be read when all of it is written.
pub(crate) async fn write(tx: &WriteTx, statement: Statement) -> Result<Option<Doc>, StoreError> {
    if tx.backend() != DbBackend::Sqlite {
        return Ok(tx.docs(statement).await?.pop());
    }
    let met = tx.execute_raw(statement).await?.rows_affected();
    Ok((met > 0).then(Doc::default))
}

/// Writes a collection's definition anew.
pub(crate) async fn update(tx: &WriteTx, collection: &Collection) -> Result<(), StoreError> {
    let row = collection::ActiveModel {
        name: Set(collection.name.clone()),
        definition: Set(serde_json::Value::Object(collection.definition())),
        updated_at: Set(collection.updated_at.time()),
        ..Default::default()
    };
    collection::Entity::update_many()
        .set(row)
        .filter(collection::Column::Id.eq(collection.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Removes a collection's tables and row.
pub(crate) async fn delete(tx: &WriteTx, collection: &Collection) -> Result<(), StoreError> {
    for sql in ddl::drop(collection) {
        execute(tx, &sql).await?;
    }
    collection::Entity::delete_many()
        .filter(collection::Column::Id.eq(collection.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Keeps what a change has made of a collection, and forgets what is older than the newest [`KEPT_MAX`] of it.
pub(crate) async fn remember(
    tx: &WriteTx,
    entry: &Entry,
    before: Option<&Collection>,
    after: Option<&Collection>,
) -> Result<(), StoreError> {
    let Some(collection) = after.or(before).map(|c| c.id) else {
        return Ok(());
    };
    let json = |c: Option<&Collection>| c.map(|c| serde_json::Value::Object(c.definition()));
    let row = kept::ActiveModel {
        collection: Set(collection),
        version: Set(entry.version),
        action: Set(entry.action.clone()),
        before: Set(json(before)),
        definition: Set(json(after)),
        actor: Set(entry.actor.clone()),
        request_id: Set(entry.request_id.clone()),
        at: Set(entry.at.time()),
    };
    kept::Entity::insert(row).exec_without_returning(tx).await?;
    let of = kept::Column::Collection.eq(collection);
    let oldest = kept::Entity::find()
        .select_only()
        .column(kept::Column::Version)
        .filter(of.clone())
        .order_by_desc(kept::Column::Version)
        .offset(KEPT_MAX)
        .limit(1)
        .into_tuple::<i64>()
        .one(tx)
        .await?;
    if let Some(oldest) = oldest {
        let old = kept::Column::Version.lte(oldest);
        let forget = kept::Entity::delete_many().filter(of).filter(old);
        forget.exec(tx).await?;
    }
    Ok(())
}

fn entry(row: &kept::Model) -> Result<Entry, Problem> {
    Ok(Entry {
        version: row.version,
        action: row.action.clone(),
        actor: row.actor.clone(),
        request_id: row.request_id.clone(),
        at: Stamp::from_time(row.at)
            .ok_or_else(|| Problem::internal("a stored time is out of range"))?,
    })
}

/// The changes of a collection below a version, newest first.
pub(crate) async fn versions<C: ConnectionTrait>(
    db: &C,
    collection: Uuid,
    below: i64,
    limit: u64,
) -> Result<Vec<Entry>, Problem> {
    let rows = kept::Entity::find()
        .filter(kept::Column::Collection.eq(collection))
        .filter(kept::Column::Version.lt(below))
        .order_by_desc(kept::Column::Version)
        .limit(limit)
        .all(db)
        .await?;
    rows.iter().map(entry).collect()
}

/// How many changes of a collection are kept.
pub(crate) async fn count_versions<C: ConnectionTrait>(
    db: &C,
    collection: Uuid,
) -> Result<u64, StoreError> {
    let of = kept::Column::Collection.eq(collection);
    Ok(kept::Entity::find().filter(of).count(db).await?)
}

/// A kept change with the definitions before and after it.
pub(crate) type Kept = (Entry, Option<Json>, Option<Json>);

/// The last change of a collection until a version.
pub(crate) async fn version_at<C: ConnectionTrait>(
    db: &C,
    collection: Uuid,
    version: i64,
) -> Result<Option<Kept>, Problem> {
    let row = kept::Entity::find()
        .filter(kept::Column::Collection.eq(collection))
        .filter(kept::Column::Version.lte(version))
        .order_by_desc(kept::Column::Version)
        .limit(1)
        .one(db)
        .await?;
    row.map(|row| Ok((entry(&row)?, row.before, row.definition)))
        .transpose()
}
