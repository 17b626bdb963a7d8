//! Rows of the schema: the collections' definitions and the version that moves with them.

use crate::model::{Collection, Index};
use crate::sql::ddl;
use gate::Problem;
use kernel::Stamp;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryOrder, Set, Statement};
use store::{Db, StoreError, WriteTx};

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
    let parse = |row: collection::Model| {
        let time = |t| {
            Stamp::from_time(t).ok_or_else(|| Problem::internal("a stored time is out of range"))
        };
        Collection::from_definition(
            row.id,
            row.definition,
            time(row.created_at)?,
            time(row.updated_at)?,
        )
    };
    Ok((
        version,
        rows.into_iter().map(parse).collect::<Result<_, _>>()?,
    ))
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
/// log, each then stands on the side of a change of rules on which it happened. On SQLite writes follow each other anyway.
async fn fence(tx: &WriteTx, collection: &Collection) -> Result<(), StoreError> {
    if tx.backend() == DbBackend::Postgres {
        let table = crate::sql::quote(&collection.name);
        tx.execute_unprepared(&format!(
            r#"LOCK TABLE "project".{table} IN SHARE ROW EXCLUSIVE MODE"#
        ))
        .await?;
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

/// Adds what `changed` has beyond `collection` to the table, and writes the definition anew.
pub(crate) async fn extend(
    tx: &WriteTx,
    collection: &Collection,
    changed: &Collection,
) -> Result<(), Unfit> {
    fence(tx, collection).await?;
    for field in changed.fields.iter().skip(collection.fields.len()) {
        for sql in ddl::add_field(changed, field, tx.backend()) {
            execute(tx, &sql).await?;
        }
    }
    let known = collection.all_indexes();
    for index in changed.all_indexes() {
        if known.contains(&index) {
            continue;
        }
        let sql = ddl::index_sql(changed, &index, tx.backend());
        execute(tx, &sql).await.map_err(|e| match e {
            StoreError::Unique(_) => Unfit::Equal(index),
            e => e.into(),
        })?;
    }
    Ok(update(tx, changed).await?)
}

async fn execute(tx: &WriteTx, sql: &str) -> Result<(), StoreError> {
    tx.execute_unprepared(sql).await?;
    Ok(())
}

/// Writes a collection's definition anew.
async fn update(tx: &WriteTx, collection: &Collection) -> Result<(), StoreError> {
    let row = collection::ActiveModel {
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

/// Removes a collection's table and row.
pub(crate) async fn delete(tx: &WriteTx, collection: &Collection) -> Result<(), StoreError> {
    tx.execute_unprepared(&ddl::drop(collection)).await?;
    collection::Entity::delete_many()
        .filter(collection::Column::Id.eq(collection.id))
        .exec(tx)
        .await?;
    Ok(())
}
