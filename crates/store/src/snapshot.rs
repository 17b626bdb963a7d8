//! One state of a database, for an answer that takes several statements: none of them sees what another did not.

use crate::error::StoreError;
use crate::value::Doc;
use crate::{pg::PgTx, place, sqlite::SqliteRead};
use sea_orm::{DbBackend, Statement};

/// A database as it was when the first statement read it. Reads only.
pub enum Snapshot {
    /// On SQLite: this thread's reader, whose view of the file is held.
    Sqlite(SqliteRead),
    /// On PostgreSQL: a transaction of the read pool (REPEATABLE READ).
    Postgres(PgTx),
}

impl Snapshot {
    /// The dialect that statements must be built for.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    /// Reads records as [`crate::Db::docs`] does.
    pub async fn docs(&self, mut statement: Statement) -> Result<Vec<Doc>, StoreError> {
        match self {
            Self::Sqlite(read) => {
                place(&mut statement.sql, "");
                read.docs(&statement)
            }
            Self::Postgres(tx) => {
                tx.count_read();
                tx.docs(statement).await
            }
        }
    }
}
