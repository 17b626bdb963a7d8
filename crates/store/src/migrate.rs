//! Migrations: a list of named steps, run at a database's first use in one transaction with their version rows.

use crate::{Db, StoreError, WriteTx};
use sea_orm::sea_query::{
    IndexCreateStatement, PostgresQueryBuilder, SqliteQueryBuilder, TableCreateStatement,
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use std::collections::HashSet;

/// One step of a service's tables. Its name is never used again; its content never changes once released.
#[derive(Clone, Copy)]
pub struct Step {
    /// `crate/number-what`, such as `accounts/1-tables`.
    pub name: &'static str,
    /// The statements, for the dialect that `Ddl` builds.
    pub up: fn(&mut Ddl),
}

/// Collects the statements of a step.
pub struct Ddl {
    backend: DbBackend,
    sql: Vec<String>,
}

impl Ddl {
    /// The dialect.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.backend
    }

    /// A table; its name carries the schema marker.
    pub fn table(&mut self, table: &TableCreateStatement) {
        self.sql.push(match self.backend {
            DbBackend::Sqlite => table.to_string(SqliteQueryBuilder),
            _ => table.to_string(PostgresQueryBuilder),
        });
    }

    /// An index; its table carries the schema marker, its name does not.
    pub fn index(&mut self, index: &IndexCreateStatement) {
        // SQLite's builder panics at a schema; plain indexes read the same in both dialects once the marker is gone.
        self.sql.push(index.to_string(PostgresQueryBuilder));
    }

    /// Anything the builders cannot say.
    pub fn raw(&mut self, sql: impl Into<String>) {
        self.sql.push(sql.into());
    }
}

/// The store's own tables: the change log, the outbox and the idempotency rows.
fn own(ddl: &mut Ddl) {
    let (seq, time, json, int) = match ddl.backend {
        DbBackend::Sqlite => (
            "seq INTEGER PRIMARY KEY AUTOINCREMENT",
            "timestamp_with_timezone_text",
            "json_text",
            "bigint",
        ),
        _ => (
            "id BIGSERIAL PRIMARY KEY, seq BIGINT UNIQUE",
            "timestamptz",
            "jsonb",
            "bigint",
        ),
    };
    ddl.raw(format!(
        r#"CREATE TABLE "project"."_changes" ({seq}, collection text NOT NULL, record text NOT NULL, action text NOT NULL,
           fields {json} NOT NULL, actor text, witness {json}, before {json}, after {json}, at {time} NOT NULL)"#
    ));
    if ddl.backend != DbBackend::Sqlite {
        ddl.raw(
            r#"CREATE INDEX "_changes_unstamped" ON "project"."_changes" (id) WHERE seq IS NULL"#,
        );
    }
    ddl.raw(r#"CREATE TABLE "project"."_counters" (name text PRIMARY KEY NOT NULL, value bigint NOT NULL)"#);
    ddl.raw(r#"INSERT INTO "project"."_counters" (name, value) VALUES ('change', 0)"#);
    let id = if ddl.backend == DbBackend::Sqlite {
        "id INTEGER PRIMARY KEY AUTOINCREMENT"
    } else {
        "id BIGSERIAL PRIMARY KEY"
    };
    ddl.raw(format!(
        r#"CREATE TABLE "project"."_outbox" ({id}, kind text NOT NULL, body {json} NOT NULL, attempts {int} NOT NULL,
           due_at {time} NOT NULL, created_at {time} NOT NULL)"#
    ));
    ddl.raw(r#"CREATE INDEX "_outbox_due" ON "project"."_outbox" (kind, due_at)"#);
    ddl.raw(format!(
        r#"CREATE TABLE "project"."_idempotency" (caller text NOT NULL, key text NOT NULL, hash text NOT NULL, status {int} NOT NULL,
           etag text, body text, created_at {time} NOT NULL, PRIMARY KEY (caller, key))"#
    ));
    ddl.raw(r#"CREATE INDEX "_idempotency_age" ON "project"."_idempotency" (created_at)"#);
}

/// What finds the changes of one collection, and the last change of a collection itself.
fn change_indexes(ddl: &mut Ddl) {
    // On SQLite the place is the row's own number, which every index carries. On PostgreSQL rows without one are left
    // out, so that a row enters once, when it is stamped.
    let (of, marks) = match ddl.backend {
        DbBackend::Sqlite => ("(collection)", "(record)"),
        _ => ("(collection, seq) WHERE seq IS NOT NULL", "(record, seq)"),
    };
    ddl.raw(format!(
        r#"CREATE INDEX "_changes_of" ON "project"."_changes" {of}"#
    ));
    ddl.raw(format!(
        r#"CREATE INDEX "_changes_schema" ON "project"."_changes" {marks} WHERE collection = '{}'"#,
        crate::SCHEMA_CHANGES
    ));
}

/// The store's own steps, before all others.
const OWN: [Step; 2] = [
    Step {
        name: "store/1-tables",
        up: own,
    },
    Step {
        name: "store/2-change-indexes",
        up: change_indexes,
    },
];

/// Brings `db` to the steps given. A database that has a step that is not known here is refused untouched.
pub(crate) async fn migrate(db: &Db, steps: &[Step]) -> Result<(), StoreError> {
    let steps: Vec<Step> = OWN.into_iter().chain(steps.iter().copied()).collect();
    db.write(async move |tx: &WriteTx| run(tx, &steps).await)
        .await
}

async fn run(tx: &WriteTx, steps: &[Step]) -> Result<(), StoreError> {
    let backend = tx.backend();
    let time = if backend == DbBackend::Sqlite {
        "text"
    } else {
        "timestamptz DEFAULT now()"
    };
    if backend == DbBackend::Postgres {
        // A step may take longer than a request may, and so may the wait for another node that runs it.
        tx.execute_unprepared("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '300s'")
            .await?;
        tx.execute_unprepared(r#"SELECT pg_advisory_xact_lock(hashtext('galley"project".'))"#)
            .await?;
    }
    tx.execute_unprepared(&format!(r#"CREATE TABLE IF NOT EXISTS "project"."_migrations" (name text PRIMARY KEY NOT NULL, applied_at {time})"#))
        .await?;
    let applied = tx
        .query_all_raw(Statement::from_sql_and_values(
            backend,
            r#"SELECT name FROM "project"."_migrations""#,
            [],
        ))
        .await?;
    let applied: HashSet<String> = applied
        .iter()
        .map(|row| row.try_get("", "name"))
        .collect::<Result<_, _>>()?;
    if let Some(unknown) = applied
        .iter()
        .find(|name| steps.iter().all(|s| s.name != *name))
    {
        return Err(StoreError::Newer(unknown.clone()));
    }
    for step in steps.iter().filter(|s| !applied.contains(s.name)) {
        let mut ddl = Ddl {
            backend,
            sql: Vec::new(),
        };
        (step.up)(&mut ddl);
        for sql in &ddl.sql {
            tx.execute_unprepared(sql).await?;
        }
        let insert = Statement::from_sql_and_values(
            backend,
            r#"INSERT INTO "project"."_migrations" (name) VALUES ($1)"#,
            [step.name.into()],
        );
        tx.execute_raw(insert).await?;
    }
    Ok(())
}
