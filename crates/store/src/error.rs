//! What can go wrong in a database, classified once so that no other crate reads an engine's words.

use sea_orm::DbErr;

/// A failure of the store. The text is for the trace, never for a caller.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique constraint was hit. SQLite names the columns (`posts.slug, posts.lang`), PostgreSQL the constraint.
    #[error("unique constraint: {0}")]
    Unique(String),
    /// A foreign key points nowhere, or is still pointed to. SQLite names nothing, PostgreSQL the constraint.
    #[error("foreign key: {0}")]
    ForeignKey(String),
    /// A CHECK or NOT NULL constraint was hit.
    #[error("constraint: {0}")]
    Constraint(String),
    /// The commit's outcome is not known: it may have been applied.
    #[error("commit unknown: {0}")]
    CommitUnknown(String),
    /// Writes of this database wait until a failed commit has healed.
    #[error("writes are suspended until the last commit has healed")]
    Suspended,
    /// The closure panicked; nothing of it was applied.
    #[error("the write panicked")]
    Panicked,
    /// The closure awaited something other than its transaction.
    #[error("the write awaited something other than its transaction")]
    Yielded,
    /// Another job's failure, or an engine's conflict, undid this one three times.
    #[error("aborted with its batch")]
    Aborted,
    /// The closure went on after a failed statement; it was rolled back.
    #[error("a failed statement poisoned the transaction")]
    Poisoned,
    /// The closure left foreign keys that do not hold.
    #[error("deferred foreign keys do not hold")]
    DeferredForeignKey,
    /// The query passed the slow lane's deadline or the lane is full, or a long write passed its own.
    #[error("too expensive")]
    TooExpensive,
    /// The rows are larger than an answer may be.
    #[error("the rows are larger than an answer may be")]
    TooLarge,
    /// The database's user may not make the role that a project's own SQL runs as.
    #[error("the database's user may not make roles: give it CREATEROLE")]
    NoCreateRole,
    /// No room on the disk.
    #[error("disk full")]
    Full,
    /// Another process holds the database, or too many wait for it.
    #[error("busy: {0}")]
    Busy(String),
    /// The database was closed or deleted.
    #[error("closed")]
    Closed,
    /// The database is newer than this binary.
    #[error("the database has the migration {0}, which this binary does not know")]
    Newer(String),
    /// Anything else the engine says.
    #[error("database: {0}")]
    Db(String),
}

impl StoreError {
    /// Whether running the same closure again may succeed at once.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Aborted)
    }
}

/// Codes of our own, below all of SQLite's, for what the layer itself says in SQLite's manner.
const CODE_POISONED: i32 = -1;
const CODE_CLOSED: i32 = -2;

/// What a statement is answered in a transaction that an earlier failure poisoned.
pub(crate) fn sqlite_poisoned() -> rusqlite::Error {
    let text = "a failed statement poisoned the transaction".to_owned();
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(CODE_POISONED), Some(text))
}

/// What a statement is answered whose job has passed its deadline.
pub(crate) fn sqlite_interrupted() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_INTERRUPT),
        None,
    )
}

/// A failure of the store on its way through SeaORM, which `StoreError::from` finds again.
pub(crate) fn into_db_err(error: &StoreError) -> DbErr {
    let code = match error {
        StoreError::Poisoned => CODE_POISONED,
        StoreError::Closed => CODE_CLOSED,
        StoreError::Busy(_) => 5,
        StoreError::TooExpensive => 9,
        StoreError::TooLarge => 18,
        StoreError::Constraint(_) => 275,
        _ => 0,
    };
    let text = match error {
        StoreError::Busy(text) | StoreError::Constraint(text) => text.clone(),
        other => other.to_string(),
    };
    DbErr::Custom(format!("[{code}] {text}"))
}

/// The SQLite failures carry their extended code in front, as `[2067] UNIQUE constraint failed: t.c`.
pub(crate) fn sqlite_text(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(e, text) => {
            let text = text.as_deref().unwrap_or("no message");
            format!("[{}] {text}", e.extended_code)
        }
        other => format!("[0] {other}"),
    }
}

pub(crate) fn from_sqlite(error: &rusqlite::Error) -> StoreError {
    classify_sqlite(&sqlite_text(error))
}

fn classify_sqlite(text: &str) -> StoreError {
    let (code, rest) = text
        .strip_prefix('[')
        .and_then(|t| t.split_once("] "))
        .and_then(|(code, rest)| Some((code.parse::<i32>().ok()?, rest)))
        .unwrap_or((0, text));
    match code {
        CODE_POISONED => StoreError::Poisoned,
        CODE_CLOSED => StoreError::Closed,
        2067 | 1555 | 2579 => {
            let names = rest.split_once("failed: ").map_or(rest, |(_, names)| names);
            StoreError::Unique(names.to_owned())
        }
        787 => StoreError::ForeignKey(String::new()),
        // RESTRICT is a trigger to SQLite, as is what a trigger of the schema itself raises.
        1811 if rest.starts_with("FOREIGN KEY") => StoreError::ForeignKey(String::new()),
        275 | 1299 | 1811 | 3091 => StoreError::Constraint(rest.to_owned()),
        9 => StoreError::TooExpensive,
        18 => StoreError::TooLarge,
        _ => match code & 0xff {
            5 | 6 => StoreError::Busy(rest.to_owned()),
            13 => StoreError::Full,
            _ => StoreError::Db(text.to_owned()),
        },
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if let DbErr::Custom(text) = &error {
            return classify_sqlite(text);
        }
        if let Some((code, constraint, message)) = pg_code(&error) {
            return classify_postgres(&code, constraint, message);
        }
        match error {
            DbErr::ConnectionAcquire(e) => Self::Busy(e.to_string()),
            e if is_disconnected(&e) => Self::Busy(e.to_string()),
            e => Self::Db(e.to_string()),
        }
    }
}

pub(crate) fn classify_postgres(code: &str, constraint: String, message: String) -> StoreError {
    match code {
        "23505" => StoreError::Unique(constraint),
        "23503" | "23001" => StoreError::ForeignKey(constraint),
        "23502" | "23514" | "23P01" => StoreError::Constraint(if constraint.is_empty() {
            message
        } else {
            constraint
        }),
        "40001" | "40P01" => StoreError::Aborted,
        // Another connection changed a table; the statement will be prepared anew.
        "0A000" if message == STALE_PLAN => StoreError::Aborted,
        "57014" => StoreError::TooExpensive,
        "53100" => StoreError::Full,
        "25P02" => StoreError::Poisoned,
        "55P03" => StoreError::Busy(message),
        // The server is going, coming, or has no room for another connection.
        "08000" | "08003" | "08006" => StoreError::Busy(message),
        code if code.starts_with("53") || code.starts_with("57P") => StoreError::Busy(message),
        _ => StoreError::Db(format!("{code} {message}")),
    }
}

/// SQLSTATE, constraint name and message of a PostgreSQL error.
fn pg_code(error: &DbErr) -> Option<(String, String, String)> {
    let e = sqlx_error(error)?;
    let db = e.as_database_error()?;
    Some((
        db.code()?.into_owned(),
        db.constraint().unwrap_or_default().to_owned(),
        db.message().to_owned(),
    ))
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    use sea_orm::RuntimeErr;
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(e))
        | DbErr::Query(RuntimeErr::SqlxError(e))
        | DbErr::Conn(RuntimeErr::SqlxError(e)) => Some(e),
        _ => None,
    }
}

/// Whether the server was not there, or went while it was asked.
fn is_disconnected(error: &DbErr) -> bool {
    use sqlx::Error::{BeginFailed, Io, PoolClosed, PoolTimedOut, Tls, WorkerCrashed};
    sqlx_error(error).is_some_and(|e| {
        matches!(
            e,
            Io(_) | Tls(_) | PoolTimedOut | PoolClosed | WorkerCrashed | BeginFailed
        )
    })
}

const STALE_PLAN: &str = "cached plan must not change result type";

/// Whether PostgreSQL refused a prepared statement because its tables have changed since.
pub(crate) fn is_stale_plan(error: &DbErr) -> bool {
    pg_code(error).is_some_and(|(code, _, message)| code == "0A000" && message == STALE_PLAN)
}
