//! One project's database, on SQLite (a file each) or PostgreSQL (a schema each), behind one API.
//!
//! Reads on SQLite run inline on the calling thread under a budget; writes of one database are committed in groups at
//! full durability and acknowledged after the fsync. On PostgreSQL both go through pools shared by all projects.
//! Statements name tables with the schema `project` (`"project"."posts"`); the store puts the project's own in its place.
//! It knows nothing of HTTP, callers or collections.

mod changes;
mod error;
mod factory;
mod ffi;
mod idempotency;
mod migrate;
mod news;
mod outbox;
mod pg;
mod snapshot;
mod sqlite;
mod traits;
mod tx;
mod value;

#[doc(hidden)]
pub use changes::change_reads;
pub use changes::{Action, Change, ChangeIn, Heads, Pruned, SCHEMA_CHANGES, SchemaHead};
pub use error::StoreError;
pub use factory::{Engine, Store};
pub use ffi::{
    compute_in_slices, release_program, run_when_idle, use_small_pages, yield_to_others,
};
pub use idempotency::{Answer, Claim, IDEMPOTENCY_BODY_MAX};
pub use migrate::{Ddl, Step};
pub use news::{Listener, News, Topic};
pub use outbox::{Effect, EffectIn};
pub use pg::PgOptions;
pub use snapshot::Snapshot;
pub use sqlite::{SQLITE_VERSION_MIN, SqliteOptions};
pub use tx::WriteTx;
pub use value::{Doc, Sq};

use sea_orm::{DbBackend, Statement};
use std::time::Duration;

/// The schema marker that every statement writes in front of a table.
pub const SCHEMA: &str = "project";

/// A handle to one database. Cheap to clone. Reads only, but for [`Db::write`].
#[derive(Clone)]
pub enum Db {
    /// A file of its own.
    Sqlite(sqlite::SqliteDb),
    /// A schema of its own.
    Postgres(pg::PgDb),
}

// The futures of PostgreSQL are large. They are boxed, so that those of SQLite, which are awaited beside them, are small
// to make and to move.
impl Db {
    /// The dialect that statements must be built for.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    /// Reads records as the database makes them: columns (json text, key text or null, version bigint).
    /// More than 16 MiB of JSON is [`StoreError::TooLarge`].
    pub async fn docs(&self, mut statement: Statement) -> Result<Vec<Doc>, StoreError> {
        match self {
            Self::Sqlite(db) => {
                place(&mut statement.sql, "");
                db.docs(statement).await
            }
            Self::Postgres(db) => Box::pin(db.docs(statement)).await,
        }
    }

    /// Runs `f` over one state of the database: what is written meanwhile is seen by none of its statements.
    ///
    /// Only the snapshot may be awaited in `f`. It may run more than once: on SQLite the slow lane runs it again from
    /// its beginning when a statement passes the budget.
    pub async fn snapshot<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: AsyncFn(&Snapshot) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self {
            Self::Sqlite(db) => db.snapshot(f).await,
            Self::Postgres(db) => Box::pin(db.snapshot(f)).await,
        }
    }

    /// How many statements were read through the clones of this handle, those of snapshots included.
    #[must_use]
    pub fn read_count(&self) -> u64 {
        match self {
            Self::Sqlite(db) => db.read_count(),
            Self::Postgres(db) => db.read_count(),
        }
    }

    /// Runs `f` in a write transaction and answers after it is durable.
    ///
    /// Only the transaction may be awaited in `f`. It may run more than once: the store repeats it when another job or
    /// the engine undid it. An `Err` rolls back. A failed statement poisons the transaction unless it ran in a nested
    /// one that was rolled back.
    pub async fn write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: AsyncFn(&WriteTx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self {
            Self::Sqlite(db) => db.write(f, None).await,
            Self::Postgres(db) => Box::pin(db.write(f)).await,
        }
    }

    /// Runs `f` as [`Db::write`] does, but alone in a transaction of its own and for at most `deadline`: for a write that
    /// is known to be long, such as a slice of a bulk job. It is interrupted at its deadline, which undoes all of it and
    /// nothing of its neighbours, and ends as [`StoreError::TooExpensive`]. On SQLite the other writes of the database
    /// wait meanwhile.
    pub async fn write_long<T, E, F>(&self, deadline: Duration, f: F) -> Result<T, E>
    where
        F: AsyncFn(&WriteTx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self {
            Self::Sqlite(db) => db.write(f, Some(deadline)).await,
            Self::Postgres(db) => Box::pin(db.write_long(f, deadline)).await,
        }
    }

    /// Whether writes wait for a failed commit to heal.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        match self {
            Self::Sqlite(db) => db.is_suspended(),
            Self::Postgres(_) => false,
        }
    }

    /// How many jobs were committed in how many commits since the database was opened; `None` on PostgreSQL, where each
    /// write commits alone.
    #[must_use]
    pub fn write_counts(&self) -> Option<WriteCounts> {
        match self {
            Self::Sqlite(db) => Some(db.counts()),
            Self::Postgres(_) => None,
        }
    }

    /// Refuses all further use through any clone and gives the connections back.
    pub fn close(&self) {
        match self {
            Self::Sqlite(db) => db.close(),
            Self::Postgres(db) => db.close(),
        }
    }
}

/// What the group commit has achieved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteCounts {
    /// Jobs answered after a commit, failed ones included.
    pub jobs: u64,
    /// Commits.
    pub commits: u64,
}

/// A statement as SQLite takes it, for one that is kept and run often: every other is made so each time it is run.
#[must_use]
pub fn placed_on_sqlite(mut sql: String) -> String {
    place(&mut sql, "");
    sql
}

/// Puts the project's schema in the place of the marker. Identifiers are always quoted and values always bound, so the
/// marker stands in front of tables and nowhere else. SQLite needs none: an index and a reference may not name one.
fn place(sql: &mut String, schema: &str) {
    const MARKER: &str = "\"project\".";
    if sql.contains(MARKER) {
        *sql = if schema.is_empty() {
            sql.replace(MARKER, "")
        } else {
            sql.replace(MARKER, &format!("\"{schema}\"."))
        };
    }
}
