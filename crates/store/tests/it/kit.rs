//! What every test needs: a store on one of the engines, fresh databases in it, two entities, and their removal.

use kernel::Stamp;
use sea_orm::{DbBackend, Schema, Statement, Value};
use sqlx::Connection;
use std::path::Path;
use std::sync::Mutex;
use store::{Db, Ddl, Engine, PgOptions, SqliteOptions, Step, Store, StoreError};
use uuid::Uuid;

/// Declares `name` as a test of either engine.
macro_rules! both {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite() {
                super::$name(&crate::kit::Kit::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                super::$name(&crate::kit::Kit::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use both;

/// A store with what it leaves behind.
pub struct Kit {
    pub store: Store,
    engine: Engine,
    dir: tempfile::TempDir,
    uids: Mutex<Vec<Uuid>>,
}

impl Kit {
    pub async fn sqlite() -> Self {
        Self::sqlite_with(SqliteOptions::default()).await
    }

    pub async fn sqlite_with(options: SqliteOptions) -> Self {
        Self::start(Engine::Sqlite(options)).await
    }

    pub async fn postgres() -> Self {
        let mut options = PgOptions::new(postgres_url());
        (options.read_connections, options.write_connections) = (8, 8);
        Self::postgres_with(options).await
    }

    pub async fn postgres_with(options: PgOptions) -> Self {
        Self::start(Engine::Postgres(options)).await
    }

    async fn start(engine: Engine) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(&engine, dir.path()).await.unwrap();
        Self {
            store,
            engine,
            dir,
            uids: Mutex::default(),
        }
    }

    /// Another process, as far as the databases can tell.
    pub async fn another(&self) -> Store {
        Store::start(&self.engine, self.dir.path()).await.unwrap()
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn uid(&self) -> Uuid {
        let uid = Uuid::new_v4();
        self.uids.lock().unwrap().push(uid);
        uid
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    pub async fn try_open(&self, steps: &[Step]) -> Result<Db, StoreError> {
        self.store.project(self.uid(), steps).await
    }

    /// A fresh database with the tables of the two entities.
    pub async fn open(&self) -> Db {
        self.try_open(&[TABLES]).await.unwrap()
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        if !self.is_postgres() {
            return;
        }
        let uids = std::mem::take(&mut *self.uids.lock().unwrap());
        // The test's own runtime may be ending.
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let mut admin = admin().await;
                for uid in uids {
                    let sql = format!(r#"DROP SCHEMA IF EXISTS "p_{}" CASCADE"#, uid.simple());
                    // The sequencer that was woken last may still look at one table and want the next.
                    for last in [false, false, false, true] {
                        let sql = sqlx::AssertSqlSafe(sql.clone());
                        let dropped = sqlx::query(sql).execute(&mut admin).await;
                        assert!(dropped.is_ok() || !last, "{dropped:?}");
                        if dropped.is_ok() {
                            break;
                        }
                    }
                }
            });
        })
        .join();
        assert!(
            removed.is_ok() || std::thread::panicking(),
            "a test's schemas were not dropped"
        );
    }
}

pub fn postgres_url() -> String {
    std::env::var("GALLEY_TEST_POSTGRES")
        .expect("GALLEY_TEST_POSTGRES is not set: run the tests with `cargo xtask test`, which starts a PostgreSQL and names it there")
}

/// A connection of our own, beside the store's.
pub async fn admin() -> sqlx::PgConnection {
    let mut connection = sqlx::PgConnection::connect(&postgres_url()).await.unwrap();
    sqlx::query("SET lock_timeout = '20s'")
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

pub fn sql(db: &Db, text: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    statement(db.backend(), text, values)
}

pub fn statement(
    backend: DbBackend,
    text: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(backend, text, values)
}

pub fn stamp(text: &str) -> Stamp {
    Stamp::parse(text).unwrap()
}

/// Tries until `f` gives something, at most ten seconds.
pub async fn eventually<T>(what: &str, mut f: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(value) = f().await {
            return value;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("not within ten seconds: {what}");
}

/// One of each type the store takes, and each as an option.
pub mod thing {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "things")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub count: i64,
        pub ratio: f64,
        pub done: bool,
        pub made_at: TimeDateTimeWithTimeZone,
        #[sea_orm(column_type = "JsonBinary")]
        pub doc: Json,
        pub raw: Vec<u8>,
        pub id_or: Option<Uuid>,
        #[sea_orm(unique)]
        pub name_or: Option<String>,
        pub count_or: Option<i64>,
        pub ratio_or: Option<f64>,
        pub done_or: Option<bool>,
        pub made_at_or: Option<TimeDateTimeWithTimeZone>,
        #[sea_orm(column_type = "Json")]
        pub doc_or: Option<Json>,
        pub raw_or: Option<Vec<u8>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::part::Entity")]
        Parts,
    }

    impl Related<super::part::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Parts.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Belongs to a thing.
pub mod part {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "parts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub thing: Uuid,
        pub label: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::thing::Entity",
            from = "Column::Thing",
            to = "super::thing::Column::Id"
        )]
        Thing,
    }

    impl Related<super::thing::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Thing.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub const TABLES: Step = Step {
    name: "test/1-tables",
    up: tables,
};

fn tables(ddl: &mut Ddl) {
    let schema = Schema::new(ddl.backend());
    ddl.table(&schema.create_table_from_entity(thing::Entity));
    let mut parts = schema.create_table_from_entity(part::Entity);
    parts.check(sea_orm::sea_query::Expr::cust("label <> ''"));
    ddl.table(&parts);
    ddl.raw(r#"CREATE TABLE "project"."laters" (id bigint PRIMARY KEY NOT NULL, next bigint REFERENCES "project"."laters" (id) DEFERRABLE INITIALLY DEFERRED)"#);
}

/// A thing with a name and nothing special.
pub fn thing(name: &str) -> thing::Model {
    thing::Model {
        id: Uuid::new_v4(),
        name: name.to_owned(),
        count: 1,
        ratio: 0.5,
        done: false,
        made_at: stamp("2026-01-02T03:04:05.678901Z").time(),
        doc: serde_json::json!({}),
        raw: Vec::new(),
        id_or: None,
        name_or: None,
        count_or: None,
        ratio_or: None,
        done_or: None,
        made_at_or: None,
        doc_or: None,
        raw_or: None,
    }
}
