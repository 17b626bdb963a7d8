//! What every test needs: a project on one of the engines, callers, and short ways to ask and to look.

use data::{Asker, Data, IfMatch, Query, RecordPage, WriteOptions};
use gate::{Input, Problem, Project};
use kernel::Ids;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use serde_json::{Value as Json, json};
use sqlx::Connection;
use std::sync::Arc;
use store::{Answer, Db, Engine, PgOptions, SqliteOptions, Step, Store};
use uuid::Uuid;

/// Declares tests that run on either engine.
macro_rules! both {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(&crate::kit::Kit::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(&crate::kit::Kit::postgres().await).await;
            }
        }
    )*};
}
pub use crate::callers::*;
use crate::files::Shelf;
pub(crate) use both;

/// A project with its service, on one engine.
pub struct Kit {
    pub data: Data,
    pub project: Arc<Project>,
    pub db: Db,
    uid: Uuid,
    engine: Engine,
    _store: Store,
    dir: tempfile::TempDir,
}

pub fn steps() -> Vec<Step> {
    [gate::project_steps(), data::steps(), crate::files::steps()].concat()
}

impl Kit {
    pub async fn sqlite() -> Self {
        Self::start(Engine::Sqlite(SqliteOptions::default())).await
    }

    pub async fn postgres() -> Self {
        let mut options = PgOptions::new(postgres_url());
        (options.read_connections, options.write_connections) = (4, 4);
        Self::start(Engine::Postgres(options)).await
    }

    async fn start(engine: Engine) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let uid = Ids.new_id();
        let store = Store::start(&engine, dir.path()).await.unwrap();
        let db = store.project(uid, &steps()).await.unwrap();
        let project = Project::for_tests(db.clone(), "shop").unwrap();
        let data = Data::new(Ids, Arc::new(Shelf));
        Self {
            data,
            project,
            db,
            uid,
            engine,
            _store: store,
            dir,
        }
    }

    /// The same project as another process sees it: its own pools and its own memory.
    pub async fn another(&self) -> Self {
        let store = Store::start(&self.engine, self.dir.path()).await.unwrap();
        let db = store.project(self.uid, &steps()).await.unwrap();
        let project = Project::for_tests(db.clone(), "shop").unwrap();
        let dir = tempfile::tempdir().unwrap();
        // The first one drops the schema.
        let engine = Engine::Sqlite(SqliteOptions::default());
        Self {
            data: Data::new(Ids, Arc::new(Shelf)),
            project,
            db,
            uid: self.uid,
            engine,
            _store: store,
            dir,
        }
    }

    pub fn is_postgres(&self) -> bool {
        self.db.backend() == DbBackend::Postgres
    }

    // Schema

    pub async fn try_collection(&self, definition: Json) -> Result<Json, Problem> {
        let answer = self
            .data
            .create_collection(&self.project, &key(), Input::new(object(definition)), None)
            .await;
        Ok(serde_json::from_str(&answer?.body.unwrap()).unwrap())
    }

    pub async fn collection(&self, definition: Json) -> Json {
        self.try_collection(definition).await.unwrap()
    }

    /// A collection with these fields, open to everybody.
    pub async fn open(&self, name: &str, fields: Json) -> Json {
        let all = json!({"list": "true", "view": "true", "create": "true", "update": "true", "delete": "true"});
        self.collection(json!({"name": name, "fields": fields, "rules": all}))
            .await
    }

    pub async fn rules(&self, name: &str, rules: Json) -> Result<(), Problem> {
        self.change(name, json!({"rules": rules})).await?;
        Ok(())
    }

    /// Adds fields and indexes, or changes rules.
    pub async fn change(&self, name: &str, change: Json) -> Result<Json, Problem> {
        let changed = self
            .data
            .update_collection(&self.project, &key(), name, object(change), None)
            .await?;
        Ok(body(&changed))
    }

    // Records

    pub async fn batch(&self, asker: &Asker, operations: Json) -> Result<Json, Problem> {
        let operations = object(json!({"operations": operations}));
        let answer = self
            .data
            .batch(&self.project, asker, operations, None)
            .await?;
        Ok(body(&answer)["results"].clone())
    }

    pub async fn create(&self, asker: &Asker, name: &str, record: Json) -> Result<Json, Problem> {
        let answer = self
            .create_with(asker, name, record, WriteOptions::default())
            .await?;
        Ok(body(&answer))
    }

    pub async fn create_with(
        &self,
        asker: &Asker,
        name: &str,
        record: Json,
        options: WriteOptions,
    ) -> Result<Answer, Problem> {
        Ok(self
            .data
            .create(&self.project, asker, name, object(record), options)
            .await?)
    }

    /// A record made by a key; its id.
    pub async fn made(&self, name: &str, record: Json) -> String {
        let made = self.create(&key(), name, record).await.unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    pub async fn merge(
        &self,
        asker: &Asker,
        name: &str,
        id: &str,
        record: Json,
    ) -> Result<Json, Problem> {
        self.merge_if(asker, name, id, record, None).await
    }

    pub async fn merge_if(
        &self,
        asker: &Asker,
        name: &str,
        id: &str,
        record: Json,
        if_match: Option<IfMatch>,
    ) -> Result<Json, Problem> {
        let options = WriteOptions {
            if_match,
            claim: None,
        };
        let answer = self
            .data
            .merge(&self.project, asker, name, id, object(record), options)
            .await?;
        Ok(body(&answer))
    }

    pub async fn delete(&self, asker: &Asker, name: &str, id: &str) -> Result<(), Problem> {
        self.delete_if(asker, name, id, None).await
    }

    pub async fn delete_if(
        &self,
        asker: &Asker,
        name: &str,
        id: &str,
        if_match: Option<IfMatch>,
    ) -> Result<(), Problem> {
        let options = WriteOptions {
            if_match,
            claim: None,
        };
        let answer = self
            .data
            .delete(&self.project, asker, name, id, options)
            .await?;
        assert_eq!((answer.status, answer.body), (204, None));
        Ok(())
    }

    pub async fn get(&self, asker: &Asker, name: &str, id: &str) -> Result<Json, Problem> {
        self.get_with(asker, name, id, "").await
    }

    pub async fn get_with(
        &self,
        asker: &Asker,
        name: &str,
        id: &str,
        query: &str,
    ) -> Result<Json, Problem> {
        let query = Query::parse_one(query)?;
        let doc = self
            .data
            .get(&self.project, asker, name, id, &query)
            .await?;
        Ok(serde_json::from_str(&doc.json).unwrap())
    }

    /// The bytes of a record as it is read.
    pub async fn bytes(&self, name: &str, id: &str) -> String {
        self.data
            .get(&self.project, &key(), name, id, &Query::default())
            .await
            .unwrap()
            .json
    }

    pub async fn page(
        &self,
        asker: &Asker,
        name: &str,
        query: &str,
    ) -> Result<RecordPage, Problem> {
        let query = Query::parse_list(query)?;
        Ok(self.data.list(&self.project, asker, name, &query).await?)
    }

    pub async fn list(
        &self,
        asker: &Asker,
        name: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<Json>, Problem> {
        let page = self.page(asker, name, &query_string(query)).await?;
        Ok(page
            .docs
            .iter()
            .map(|d| serde_json::from_str(&d.json).unwrap())
            .collect())
    }

    /// The values of one field of a list.
    pub async fn values(
        &self,
        asker: &Asker,
        name: &str,
        field: &str,
        query: &[(&str, &str)],
    ) -> Vec<Json> {
        let items = self.list(asker, name, query).await.unwrap();
        items.into_iter().map(|i| i[field].clone()).collect()
    }

    // The database itself

    pub async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let statement = Statement::from_sql_and_values(self.db.backend(), sql, []);
        self.db.query_all_raw(statement).await.unwrap()
    }

    pub async fn number(&self, sql: &str) -> i64 {
        self.rows(sql)
            .await
            .first()
            .unwrap()
            .try_get("", "n")
            .unwrap()
    }

    /// All that writes could have left, as text.
    pub async fn dump(&self, tables: &[&str]) -> String {
        let mut out = String::new();
        for table in tables.iter().chain(&[
            "_changes",
            "_idempotency",
            "_audit",
            "_collections",
            "_outbox",
        ]) {
            let sql = if self.is_postgres() {
                format!(
                    r#"SELECT CAST(to_jsonb(x) - 'seq' AS text) AS line FROM "project"."{table}" AS x ORDER BY 1"#
                )
            } else {
                let columns = self
                    .rows(&format!(
                        "SELECT name AS name FROM pragma_table_info('{table}')"
                    ))
                    .await;
                let names: Vec<String> = columns
                    .iter()
                    .map(|c| c.try_get::<String>("", "name").unwrap())
                    .collect();
                let parts: Vec<String> = names.iter().map(|n| format!("quote(\"{n}\")")).collect();
                format!(
                    r#"SELECT {} AS line FROM "project"."{table}" ORDER BY 1"#,
                    parts.join(" || '|' || ")
                )
            };
            for row in self.rows(&sql).await {
                out.push_str(&format!(
                    "{table}: {}\n",
                    row.try_get::<String>("", "line").unwrap()
                ));
            }
        }
        out
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        let Engine::Postgres(_) = self.engine else {
            return;
        };
        let schema = format!("p_{}", self.uid.simple());
        let drop = async move {
            let mut admin = sqlx::PgConnection::connect(&postgres_url()).await.unwrap();
            let sql =
                format!(r#"SET lock_timeout = '20s'; DROP SCHEMA IF EXISTS "{schema}" CASCADE"#);
            // The change log may be stamped still: whoever meets that in a deadlock tries again.
            for last in [false, false, false, true] {
                let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone()))
                    .execute(&mut admin)
                    .await;
                if done.is_ok() || last {
                    done.unwrap();
                    return;
                }
            }
        };
        // The test's own runtime may be ending.
        let dropped = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(drop);
        });
        assert!(
            dropped.join().is_ok() || std::thread::panicking(),
            "a test's schema was not dropped"
        );
    }
}

fn postgres_url() -> String {
    std::env::var("GALLEY_TEST_POSTGRES")
        .expect("GALLEY_TEST_POSTGRES is not set: run the tests with `cargo xtask test`, which starts a PostgreSQL and names it there")
}
