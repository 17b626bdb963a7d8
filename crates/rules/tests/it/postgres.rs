//! PostgreSQL with the same rows, in a schema of its own.

use rules::{Binds, Env, Kind, Resolved, Truth, World};
use sea_orm::DbBackend;
use sea_orm::sea_query::{PostgresQueryBuilder, Value as Sql};
use serde_json::Value as Json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _};

use crate::kit::{PAIRS, Rows, columns, pairs, statement, stored, truth};

pub struct Pg {
    db: PgConnection,
    schema: String,
    runtime: tokio::runtime::Runtime,
}

impl Pg {
    pub fn new(name: &str) -> Self {
        let url = std::env::var("GALLEY_TEST_POSTGRES").unwrap_or_else(|_| {
            panic!(
                "GALLEY_TEST_POSTGRES is not set, so there is no PostgreSQL to compare with; \
                 run the tests by `cargo xtask test`"
            )
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let db = runtime
            .block_on(PgConnection::connect(&url))
            .expect("PostgreSQL answers");
        let schema = format!("rules_{name}_{}", std::process::id());
        let mut pg = Self {
            db,
            schema,
            runtime,
        };
        let schema = pg.schema.clone();
        // Compiling a plan to machine code takes seconds for these odd texts over tiny tables.
        pg.run("SET jit = off");
        pg.run(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"));
        pg.run(&format!("CREATE SCHEMA {schema}"));
        for table in PAIRS {
            pg.run(&format!(
                "CREATE TABLE {schema}.{table} (a uuid NOT NULL, b uuid NOT NULL)"
            ));
        }
        for collection in ["users", "posts", "comments"] {
            let columns: Vec<String> = columns(collection)
                .into_iter()
                .map(|(name, kind, ..)| {
                    let ty = match kind {
                        Kind::Integer => "bigint",
                        Kind::Bool => "boolean",
                        Kind::Decimal { .. } => "numeric",
                        Kind::Float => "double precision",
                        Kind::DateTime => "timestamptz(6)",
                        Kind::Date => "date",
                        Kind::Uuid | Kind::Relation { .. } => "uuid",
                        Kind::Json => "jsonb",
                        Kind::Texts => "json",
                        Kind::Point | Kind::Relations { .. } => unreachable!("no column"),
                        Kind::Text => "text COLLATE \"C\"",
                    };
                    format!("\"{name}\" {ty}")
                })
                .collect();
            pg.run(&format!(
                "CREATE TABLE {schema}.{collection} ({})",
                columns.join(", ")
            ));
        }
        pg
    }

    pub fn run(&mut self, sql: &str) {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.db);
        self.runtime
            .block_on(query)
            .unwrap_or_else(|e| panic!("{e}\n{sql}"));
    }

    pub fn schema(&self) -> &str {
        &self.schema
    }

    pub fn index(&mut self, table: &str, column: &str) {
        let schema = self.schema.clone();
        self.run(&format!(
            "CREATE INDEX {table}_{column} ON {schema}.{table} (\"{column}\")"
        ));
    }

    pub fn lines(&mut self, sql: &str, values: Vec<Option<String>>) -> Vec<String> {
        let sql = sql.replace("\"project\".", &format!("\"{}\".", self.schema));
        let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
        for value in values {
            query = query.bind(value);
        }
        let rows = self.runtime.block_on(query.fetch_all(&mut self.db));
        rows.unwrap_or_else(|e| panic!("{e}\n{sql}"))
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    pub fn fill(&mut self, rows: &Rows) {
        for table in PAIRS {
            self.run(&format!("TRUNCATE {}.{table}", self.schema));
        }
        for collection in ["users", "posts", "comments"] {
            let table = format!("{}.{collection}", self.schema);
            self.run(&format!("TRUNCATE {table}"));
            for row in rows.rows(collection) {
                let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
                let values: Vec<String> = columns(collection)
                    .into_iter()
                    .map(|(_, kind, name, half)| match stored(&row, name, half) {
                        Json::Null => "NULL".to_owned(),
                        other if matches!(kind, Kind::Json | Kind::Texts) => {
                            quoted(&other.to_string())
                        }
                        Json::String(text) => quoted(&text),
                        other => other.to_string(),
                    })
                    .collect();
                self.run(&format!(
                    "INSERT INTO {table} VALUES ({})",
                    values.join(", ")
                ));
                for (table, here, there) in pairs(collection, &row) {
                    let schema = self.schema.clone();
                    self.run(&format!(
                        "INSERT INTO {schema}.{table} VALUES ('{here}', '{there}')"
                    ));
                }
            }
        }
    }

    pub fn ask(&mut self, rules: &[&Resolved], env: &Env<'_>, given: bool) -> Vec<Vec<Truth>> {
        let select = statement(rules, DbBackend::Postgres, given);
        let (sql, values) = select.build(PostgresQueryBuilder);
        let sql = sql.replace("\"project\".", &format!("\"{}\".", self.schema));
        let values = texts(Binds::from_values(values).fill(env).expect("binds"));
        let mut query = sqlx::query(AssertSqlSafe(sql.clone())).persistent(false);
        for value in &values {
            query = query.bind(value);
        }
        let rows = self.runtime.block_on(query.fetch_all(&mut self.db));
        let texts: Vec<&str> = rules.iter().map(|rule| rule.text()).collect();
        rows.unwrap_or_else(|e| panic!("{e}\n{texts:#?}\n{sql}\n{values:?}"))
            .iter()
            .map(|row| {
                (0..rules.len())
                    .map(|n| truth(row.get(2 * n), row.get(2 * n + 1)))
                    .collect()
            })
            .collect()
    }
}

impl Drop for Pg {
    fn drop(&mut self) {
        let schema = self.schema.clone();
        let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
        let query = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.db);
        let _ = self.runtime.block_on(query);
    }
}

/// On PostgreSQL every value is bound as a text.
pub fn texts(values: Vec<Sql>) -> Vec<Option<String>> {
    values
        .into_iter()
        .map(|value| match value {
            Sql::String(text) => text,
            other => panic!("not a text: {other:?}"),
        })
        .collect()
}
