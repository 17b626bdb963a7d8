//! The write transaction on PostgreSQL, on a connection of the write pool.

use super::{Place, session, session::db_err};
use crate::error::{StoreError, into_db_err, is_stale_plan};
use crate::place;
use crate::value::Doc;
use sea_orm::{DbErr, ExecResult, QueryResult, Statement};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgPool, Postgres, SqlSafeStr};
use sqlx_core::transaction::TransactionManager;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// Counts the transactions of a connection, so that one within another is a savepoint.
type Manager = <Postgres as sqlx::Database>::TransactionManager;

/// A transaction, or one nested in it.
pub struct PgTx {
    connection: Arc<Mutex<PoolConnection<Postgres>>>,
    place: Arc<Place>,
    open: bool,
    poisoned: AtomicBool,
    state: Arc<TxState>,
}

/// What the whole transaction remembers, nested ones included.
#[derive(Default)]
struct TxState {
    /// A deadlock or serialization failure was seen: running again may succeed.
    again: AtomicBool,
    /// The change log was written.
    changed: AtomicBool,
    /// A nested transaction was dropped while the one around it ran a statement: nothing of it may be kept.
    broken: AtomicBool,
    /// An answer was left unread: the connection, and the transaction with it, is given up.
    abandoned: AtomicBool,
}

impl PgTx {
    /// Begins one; its statements may each take as long as `statement_max` if that is given.
    pub(super) async fn open(
        pool: &PgPool,
        place: &Arc<Place>,
        statement_max: Option<Duration>,
    ) -> Result<Self, DbErr> {
        let mut connection = pool.acquire().await.map_err(db_err)?;
        Manager::begin(&mut connection, None)
            .await
            .map_err(db_err)?;
        let tx = Self::over(connection, place);
        if let Some(max) = statement_max {
            let ms = max.as_millis().clamp(1, 2_000_000_000);
            tx.execute_batch(&format!("SET LOCAL statement_timeout = {ms}"))
                .await?;
        }
        Ok(tx)
    }

    /// Begins one that only reads, all of it as the database is at its first statement.
    pub(super) async fn snapshot(pool: &PgPool, place: &Arc<Place>) -> Result<Self, DbErr> {
        let begin = AssertSqlSafe("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").into_sql_str();
        let mut connection = pool.acquire().await.map_err(db_err)?;
        Manager::begin(&mut connection, Some(begin))
            .await
            .map_err(db_err)?;
        Ok(Self::over(connection, place))
    }

    /// Of a connection on which it was begun.
    fn over(connection: PoolConnection<Postgres>, place: &Arc<Place>) -> Self {
        Self {
            connection: Arc::new(Mutex::new(connection)),
            place: place.clone(),
            open: true,
            poisoned: AtomicBool::new(false),
            state: Arc::default(),
        }
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Relaxed) || self.state.broken.load(Ordering::Relaxed)
    }

    pub(super) fn must_run_again(&self) -> bool {
        self.state.again.load(Ordering::Relaxed)
    }

    pub(super) fn has_changes(&self) -> bool {
        self.state.changed.load(Ordering::Relaxed)
    }

    /// Asks for the sequencer after the commit.
    pub(crate) fn mark_changed(&self) {
        self.state.changed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn count_read(&self) {
        self.place.reads.fetch_add(1, Ordering::Relaxed);
    }

    fn abandoned(&self) -> Result<(), DbErr> {
        if self.state.abandoned.load(Ordering::Relaxed) {
            return Err(into_db_err(&StoreError::Poisoned));
        }
        Ok(())
    }

    fn put(&self, statement: &mut Statement) -> Result<u32, DbErr> {
        let put = self.abandoned().and_then(|()| self.place.put(statement));
        self.watch(0, put)
    }

    /// Remembers how a statement, made when tables had changed `plans` times, has failed.
    fn watch<T>(&self, plans: u32, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(e) = &result {
            self.poisoned.store(true, Ordering::Relaxed);
            if StoreError::from(e.clone()).is_retryable() {
                self.state.again.store(true, Ordering::Relaxed);
            }
            if is_stale_plan(e) {
                self.place.renew(plans);
            }
        }
        result
    }

    pub(crate) async fn rows(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let plans = self.put(&mut statement)?;
        let mut connection = self.connection.lock().await;
        self.watch(plans, session::rows(&mut connection, &statement).await)
    }

    pub(crate) async fn docs(&self, mut statement: Statement) -> Result<Vec<Doc>, StoreError> {
        let plans = self.put(&mut statement)?;
        let mut connection = self.connection.lock().await;
        let docs = self.watch(plans, session::docs(&mut connection, &statement).await)?;
        docs.ok_or_else(|| {
            self.give_up(&mut connection);
            StoreError::TooLarge
        })
    }

    /// Gives the connection up, and the transaction with it, while a statement may still run.
    pub(super) async fn abandon(&self) {
        self.give_up(&mut *self.connection.lock().await);
    }

    fn give_up(&self, connection: &mut PoolConnection<Postgres>) {
        self.state.abandoned.store(true, Ordering::Relaxed);
        self.poisoned.store(true, Ordering::Relaxed);
        connection.close_on_drop();
    }

    pub(crate) async fn execute(&self, mut statement: Statement) -> Result<ExecResult, DbErr> {
        let plans = self.put(&mut statement)?;
        let mut connection = self.connection.lock().await;
        self.watch(plans, session::execute(&mut connection, &statement).await)
    }

    pub(crate) async fn execute_batch(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.watch(0, self.abandoned())?;
        let mut sql = sql.to_owned();
        place(&mut sql, &self.place.schema);
        let mut connection = self.connection.lock().await;
        self.watch(0, session::batch(&mut **connection, &sql).await)
    }

    pub(crate) async fn begin(&self) -> Result<Self, DbErr> {
        self.watch(0, self.abandoned())?;
        let mut connection = self.connection.lock().await;
        let begun = Manager::begin(&mut connection, None).await;
        self.watch(0, begun.map_err(db_err))?;
        Ok(Self {
            connection: self.connection.clone(),
            place: self.place.clone(),
            open: true,
            poisoned: AtomicBool::new(false),
            state: self.state.clone(),
        })
    }

    pub(crate) async fn commit(mut self) -> Result<(), DbErr> {
        if self.is_poisoned() {
            self.rollback().await?;
            return Err(into_db_err(&StoreError::Poisoned));
        }
        Manager::commit(&mut *self.connection.lock().await)
            .await
            .map_err(db_err)?;
        self.open = false;
        Ok(())
    }

    pub(crate) async fn rollback(mut self) -> Result<(), DbErr> {
        if self.abandoned().is_ok() {
            Manager::rollback(&mut *self.connection.lock().await)
                .await
                .map_err(db_err)?;
        }
        self.open = false;
        Ok(())
    }
}

impl Drop for PgTx {
    /// Rolls back what was not ended: the word is sent before the connection's next statement.
    fn drop(&mut self) {
        if !self.open || self.state.abandoned.load(Ordering::Relaxed) {
            return;
        }
        match self.connection.try_lock() {
            Ok(mut connection) => Manager::start_rollback(&mut connection),
            Err(_) => self.state.broken.store(true, Ordering::Relaxed),
        }
    }
}
