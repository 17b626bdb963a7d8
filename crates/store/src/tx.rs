//! The write transaction on either engine, as a closure sees it.

use crate::error::StoreError;
use crate::value::Doc;
use crate::{pg::PgTx, place, sqlite::SqliteTx};
use sea_orm::{DbBackend, Statement};

/// An open write transaction, or one nested in it. Implements SeaORM's connection and transaction traits.
pub enum WriteTx {
    /// On SQLite: a savepoint in the writer's batch.
    Sqlite(SqliteTx),
    /// On PostgreSQL: a transaction of its own.
    Postgres(PgTx),
}

impl WriteTx {
    /// The dialect that statements must be built for.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    /// Runs a statement of the columns (json text, key text or null, version bigint): a read, or a write with RETURNING.
    pub async fn docs(&self, mut statement: Statement) -> Result<Vec<Doc>, StoreError> {
        match self {
            Self::Sqlite(tx) => {
                place(&mut statement.sql, "");
                tx.docs(&statement)
            }
            Self::Postgres(tx) => tx.docs(statement).await,
        }
    }
}
