//! The write transaction on SQLite: a part of the batch that the writer commits.

use super::reader::STEPS_PER_CHECK;
use super::{execute, values};
use crate::error::{StoreError, from_sqlite, sqlite_interrupted, sqlite_poisoned, sqlite_text};
use crate::ffi;
use crate::value::{self, Doc};
use rusqlite::Connection;
use sea_orm::{DbErr, ProxyExecResult, ProxyRow, Statement};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The writer's connection with the switch of its authorizer.
#[derive(Clone)]
pub(super) struct Session {
    connection: Arc<Mutex<Connection>>,
    /// True while the store itself speaks: only then are BEGIN, COMMIT, SAVEPOINT and the like allowed.
    allow: Arc<AtomicBool>,
    /// A nested transaction of the running job could not be ended: the job must not be kept.
    broken: Arc<AtomicBool>,
    /// When the running job must have ended, if it is a long one.
    deadline: Arc<Mutex<Option<Instant>>>,
    /// Stands behind the store's own words, so that a job cannot reach their cached statements by the same text, which
    /// the authorizer would not see again. Nobody can guess it.
    mark: Arc<str>,
}

impl Session {
    pub(super) fn new(connection: Connection) -> rusqlite::Result<Self> {
        let allow = Arc::new(AtomicBool::new(false));
        let open = allow.clone();
        connection.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| {
            use rusqlite::hooks::{AuthAction, Authorization};
            match context.action {
                AuthAction::Transaction { .. } | AuthAction::Savepoint { .. }
                    if !open.load(Ordering::Relaxed) =>
                {
                    Authorization::Deny
                }
                // SQLite asks itself whether the rows fit a CHECK that comes with a new column. A table that takes the
                // place of another has its references looked at when it stands.
                AuthAction::Pragma {
                    pragma_name:
                        "quick_check" | "foreign_key_check" | "foreign_key_list" | "defer_foreign_keys",
                    ..
                } => Authorization::Allow,
                AuthAction::Pragma { .. } if !open.load(Ordering::Relaxed) => Authorization::Deny,
                AuthAction::Attach { .. } | AuthAction::Detach { .. } => Authorization::Deny,
                _ => Authorization::Allow,
            }
        }))?;
        let mark = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), "store");
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            allow,
            broken: Arc::default(),
            deadline: Arc::default(),
            mark: format!(" /* {mark:x} */").into(),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panicking job leaves no half-made state in the connection: what it did is taken back by the writer.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the next statements interrupted after so long, or leaves them alone.
    pub(super) fn set_deadline(&self, long: Option<Duration>) {
        let deadline = long.map(|long| Instant::now() + long);
        let mut held = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() && deadline.is_none() {
            return;
        }
        *held = deadline;
        let passed = deadline.map(|deadline| move || Instant::now() >= deadline);
        if let Err(e) = self.lock().progress_handler(STEPS_PER_CHECK, passed) {
            tracing::error!(error = %e, "a long write has no deadline within its statements");
        }
    }

    /// Whether the running job has had its time.
    fn is_over(&self) -> bool {
        let deadline = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Runs one of the store's own transaction words.
    pub(super) fn control(&self, word: &str) -> rusqlite::Result<()> {
        let connection = self.lock();
        self.allow.store(true, Ordering::Relaxed);
        let result = connection
            .prepare_cached(&format!("{word}{}", self.mark))
            .and_then(|mut s| s.raw_execute().map(|_| ()));
        self.allow.store(false, Ordering::Relaxed);
        result
    }

    /// Moves the whole log into the file, so that what is copied or opened next is one file. Whoever reads at this moment
    /// keeps a part of it in the log, which does no harm.
    pub(super) fn checkpoint(&self) -> rusqlite::Result<()> {
        let connection = self.lock();
        connection.busy_timeout(Duration::ZERO)?;
        self.allow.store(true, Ordering::Relaxed);
        let done = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        self.allow.store(false, Ordering::Relaxed);
        done
    }

    pub(super) fn is_autocommit(&self) -> bool {
        self.lock().is_autocommit()
    }

    /// Whether a nested transaction could not be ended since this was last asked.
    pub(super) fn take_broken(&self) -> bool {
        self.broken.swap(false, Ordering::Relaxed)
    }

    pub(super) fn has_deferred_foreign_keys(&self) -> bool {
        ffi::has_deferred_foreign_keys(&self.lock())
    }
}

/// A transaction, or one nested in it, as a job sees it.
pub struct SqliteTx {
    session: Session,
    depth: u32,
    open: bool,
    poisoned: Arc<AtomicBool>,
}

impl SqliteTx {
    /// The outermost transaction of a job; the writer ends it.
    pub(super) fn job(session: &Session) -> Self {
        Self {
            session: session.clone(),
            depth: 0,
            open: false,
            poisoned: Arc::default(),
        }
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Relaxed)
    }

    /// Runs one statement, unless an earlier one has failed: PostgreSQL refuses such a statement too. Here it would run
    /// outside of any transaction, and be kept, if the failed one had ended the whole of it.
    fn run<T>(&self, f: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let connection = self.session.lock();
        let result = if self.is_poisoned() || connection.is_autocommit() {
            Err(sqlite_poisoned())
        } else if self.session.is_over() {
            // Many short statements are never interrupted.
            Err(sqlite_interrupted())
        } else {
            f(&connection)
        };
        if result.is_err() {
            self.poisoned.store(true, Ordering::Relaxed);
        }
        result
    }

    pub(crate) fn rows(&self, statement: &Statement) -> Result<Vec<ProxyRow>, DbErr> {
        self.run(|c| value::proxy_rows(&mut c.prepare_cached(&statement.sql)?, values(statement)))
            .map_err(|e| DbErr::Custom(sqlite_text(&e)))
    }

    pub(crate) fn docs(&self, statement: &Statement) -> Result<Vec<Doc>, StoreError> {
        self.run(|c| value::docs(&mut c.prepare_cached(&statement.sql)?, values(statement)))
            .map_err(|e| from_sqlite(&e))
    }

    pub(crate) fn execute(&self, statement: &Statement) -> Result<ProxyExecResult, DbErr> {
        self.run(|c| execute(c, statement))
            .map_err(|e| DbErr::Custom(sqlite_text(&e)))
    }

    pub(crate) fn execute_batch(&self, sql: &str) -> Result<ProxyExecResult, DbErr> {
        self.run(|c| c.execute_batch(sql))
            .map(|()| ProxyExecResult::default())
            .map_err(|e| DbErr::Custom(sqlite_text(&e)))
    }

    pub(crate) fn begin(&self) -> Result<Self, DbErr> {
        let depth = self.depth + 1;
        let begun = if self.is_poisoned() {
            Err(sqlite_poisoned())
        } else {
            self.session.control(&format!("SAVEPOINT n{depth}"))
        };
        begun.map_err(|e| {
            self.poisoned.store(true, Ordering::Relaxed);
            DbErr::Custom(sqlite_text(&e))
        })?;
        Ok(Self {
            session: self.session.clone(),
            depth,
            open: true,
            poisoned: Arc::default(),
        })
    }

    pub(crate) fn commit(mut self) -> Result<(), DbErr> {
        let keep = !self.is_poisoned();
        let ended = self.end(keep);
        if keep { ended } else { Err(sqlite_poisoned()) }
            .map_err(|e| DbErr::Custom(sqlite_text(&e)))
    }

    pub(crate) fn rollback(mut self) -> Result<(), DbErr> {
        self.end(false).map_err(|e| DbErr::Custom(sqlite_text(&e)))
    }

    fn end(&mut self, keep: bool) -> rusqlite::Result<()> {
        if !std::mem::replace(&mut self.open, false) {
            return Ok(());
        }
        let depth = self.depth;
        let ended = if keep {
            Ok(())
        } else {
            self.session.control(&format!("ROLLBACK TO n{depth}"))
        };
        let ended = ended.and_then(|()| self.session.control(&format!("RELEASE n{depth}")));
        if ended.is_err() {
            self.session.broken.store(true, Ordering::Relaxed);
        }
        ended
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        // The writer looks at `broken` itself.
        let _ = self.end(false);
    }
}
