//! One database in one PostgreSQL schema, through a read pool and a write pool that all projects share.

mod bind;
mod notify;
mod pipe;
mod readers;
mod role;
mod sequencer;
mod session;
mod tls;
mod tx;

use crate::error::{StoreError, into_db_err, is_stale_plan};
use crate::news::Desk;
use crate::value::{Doc, NAN, has_nan};
use crate::{Snapshot, WriteTx, place};
use futures_util::FutureExt;
use notify::Ears;
use readers::{Lanes, Readers};
use sea_orm::{DbErr, QueryResult, Statement, Value};
use sequencer::Sequencer;
use session::db_err;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Postgres};
use std::panic::AssertUnwindSafe;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use uuid::Uuid;

pub use tx::PgTx;

/// How often a write is run again after a deadlock or a serialization failure.
const RETRIES_MAX: u32 = 3;

/// Settings of the pools.
#[derive(Clone, Debug)]
pub struct PgOptions {
    /// `postgres://user:password@host:port/database`. With `sslmode=verify-ca` or `verify-full`, or a parameter that only
    /// sqlx knows, reads do not share connections, which is slower.
    pub url: String,
    /// Connections that read at most, shared out among the cores; what runs beside requests has a core's share more.
    pub read_connections: u32,
    /// Connections of the write pool at most.
    pub write_connections: u32,
    /// How long a statement may run, in milliseconds.
    pub statement_timeout_ms: u64,
    /// Connections one project may hold of each pool.
    pub per_project: usize,
}

impl PgOptions {
    /// The defaults for a server at `url`.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self {
            url,
            read_connections: 16,
            write_connections: 16,
            statement_timeout_ms: 5_000,
            per_project: 12,
        }
    }
}

/// The pools of a process.
pub(crate) struct PgShared {
    read: Readers,
    write: PgPool,
    per_project: usize,
    /// What this node hears and tells under.
    node: Uuid,
    desk: Arc<Desk>,
    listening: PgConnectOptions,
    /// Once somebody listens.
    ears: OnceLock<Ears>,
}

impl PgShared {
    pub(crate) async fn connect(options: &PgOptions) -> Result<Arc<Self>, StoreError> {
        let base = PgConnectOptions::from_str(&options.url)
            .map_err(|e| StoreError::Db(e.to_string()))?
            .application_name("galley");
        #[expect(
            clippy::disallowed_methods,
            reason = "names a process to others, and no record"
        )]
        let node = Uuid::new_v4();
        let listening = base.clone();
        let timeout = options.statement_timeout_ms.to_string();
        let common = [
            ("statement_timeout", timeout.as_str()),
            ("timezone", "UTC"),
            ("extra_float_digits", "1"),
            ("jit", "off"),
        ];
        let read = base
            .clone()
            .options(common)
            .options([("default_transaction_read_only", "on")]);
        // The last of these ends the session of a caller that went between BEGIN and its first statement.
        let write = base.options(common).options([
            ("synchronous_commit", "on"),
            ("lock_timeout", "5000"),
            ("idle_in_transaction_session_timeout", "60000"),
        ]);
        let pool = || {
            PgPoolOptions::new()
                .acquire_timeout(Duration::from_secs(5))
                // A connection that was used a moment ago is not asked whether it lives: that would double the round trips.
                .test_before_acquire(false)
                .before_acquire(|connection, meta| {
                    Box::pin(async move {
                        if meta.idle_for > Duration::from_secs(1) {
                            sqlx::Connection::ping(connection).await?;
                        }
                        Ok(true)
                    })
                })
        };
        let write = pool()
            .max_connections(options.write_connections.max(1))
            .connect_with(write)
            .await
            .map_err(|e| StoreError::Db(e.to_string()))?;
        let pipes = pipe::address(&options.url, options.statement_timeout_ms);
        let read = Readers::new(pool(), read, pipes, options.read_connections);
        Ok(Arc::new(Self {
            read,
            write,
            per_project: options.per_project.max(1),
            node,
            desk: Desk::new(),
            listening,
            ears: OnceLock::new(),
        }))
    }

    /// Closes the pools once their connections have come back.
    pub(crate) async fn shutdown(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// A handle to one schema. Cheap to clone.
#[derive(Clone)]
pub struct PgDb {
    shared: Arc<PgShared>,
    place: Arc<Place>,
    reads: Arc<Lanes>,
    writes: Arc<Semaphore>,
    sequencer: Arc<Sequencer>,
    closed: Arc<AtomicBool>,
}

/// Where a database's statements go.
struct Place {
    schema: String,
    /// How often a statement was refused because its tables had changed after it was prepared.
    plans: AtomicU32,
    /// Statements that were read.
    reads: AtomicU64,
}

impl Place {
    /// Writes the schema into a statement, and what a prepared statement depends on: sqlx finds it again by its text
    /// alone, but it holds for the types of its first values and for the tables as they were.
    fn put(&self, statement: &mut Statement) -> Result<u32, DbErr> {
        place(&mut statement.sql, &self.schema);
        let values = statement
            .values
            .as_ref()
            .map_or(&[][..], |v| v.0.as_slice());
        if has_nan(values) {
            return Err(into_db_err(&StoreError::Constraint(NAN.to_owned())));
        }
        let plans = self.plans.load(Ordering::Relaxed);
        statement.sql.push_str(" /*");
        statement.sql.extend(values.iter().map(kind));
        if plans > 0 {
            statement.sql.push_str(&plans.to_string());
        }
        statement.sql.push_str("*/");
        Ok(plans)
    }

    /// From now on all statements are prepared anew, once for all that were refused together.
    fn renew(&self, seen: u32) {
        let _ = self
            .plans
            .compare_exchange(seen, seen + 1, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// A letter for the type that a value is bound as.
fn kind(value: &Value) -> char {
    match value {
        Value::Bool(_) => 'b',
        Value::TinyInt(_) => 'c',
        Value::SmallInt(_) | Value::TinyUnsigned(_) => 's',
        Value::Int(_) | Value::SmallUnsigned(_) => 'i',
        Value::BigInt(_) | Value::Unsigned(_) | Value::BigUnsigned(_) => 'l',
        Value::Float(_) => 'f',
        Value::Double(_) => 'd',
        Value::String(_) | Value::Char(_) => 't',
        Value::Bytes(_) => 'y',
        Value::Json(_) => 'j',
        Value::Uuid(_) => 'u',
        Value::TimeDateTimeWithTimeZone(_) => 'z',
        _ => 'x',
    }
}

/// A connection that one project reads on.
struct Reading<'a> {
    connection: PoolConnection<Postgres>,
    place: &'a Place,
    plans: u32,
    _permit: tokio::sync::OwnedSemaphorePermit,
}

impl Reading<'_> {
    /// Makes a statement that was refused because its tables had changed another one.
    fn renew(&self, statement: &mut Statement) {
        self.place.renew(self.plans);
        // The comment at its end sees to that; the old one is never found again.
        let comment = format!(" /*{}*/", self.plans + 1);
        statement.sql.push_str(&comment);
    }
}

impl PgDb {
    pub(crate) fn new(shared: &Arc<PgShared>, schema: &str) -> Self {
        Self {
            shared: shared.clone(),
            place: Arc::new(Place {
                schema: schema.to_owned(),
                plans: AtomicU32::new(0),
                reads: AtomicU64::new(0),
            }),
            reads: Arc::new(Lanes::new(shared.per_project)),
            writes: Arc::new(Semaphore::new(shared.per_project)),
            sequencer: Arc::default(),
            closed: Arc::default(),
        }
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.place.schema
    }

    pub(crate) fn read_count(&self) -> u64 {
        self.place.reads.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    async fn permit(
        &self,
        of: &Arc<Semaphore>,
    ) -> Result<tokio::sync::OwnedSemaphorePermit, StoreError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        let wait = tokio::time::timeout(Duration::from_secs(5), of.clone().acquire_owned()).await;
        match wait {
            Ok(permit) => permit.map_err(|_| StoreError::Closed),
            Err(_) => Err(StoreError::Busy(
                "too many queries of this project wait".to_owned(),
            )),
        }
    }

    pub(crate) async fn rows(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let plans = self.place.put(&mut statement)?;
        let mut session = self.session(plans).await?;
        match session::rows(&mut session.connection, &statement).await {
            Err(e) if is_stale_plan(&e) => {
                session.renew(&mut statement);
                session::rows(&mut session.connection, &statement).await
            }
            result => result,
        }
    }

    pub(crate) async fn docs(&self, mut statement: Statement) -> Result<Vec<Doc>, StoreError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        let plans = self.place.put(&mut statement)?;
        if let Some(pipes) = self.shared.read.pipes()
            && let Some(found) = pipes.docs(&statement).await
        {
            self.place.reads.fetch_add(1, Ordering::Relaxed);
            return found;
        }
        let mut session = self.session(plans).await?;
        let docs = match session::docs(&mut session.connection, &statement).await {
            Err(e) if is_stale_plan(&e) => {
                session.renew(&mut statement);
                session::docs(&mut session.connection, &statement).await
            }
            result => result,
        };
        docs?.ok_or_else(|| {
            // The rest of the rows is on its way: the connection would have to read it all.
            session.connection.close_on_drop();
            StoreError::TooLarge
        })
    }

    /// A connection to read on, for a statement that was put at its place when there were so many `plans`.
    async fn session(&self, plans: u32) -> Result<Reading<'_>, DbErr> {
        let permit = self.permit(self.reads.here()).await;
        let permit = permit.map_err(|e| into_db_err(&e))?;
        self.place.reads.fetch_add(1, Ordering::Relaxed);
        let connection = self.shared.read.here().acquire().await.map_err(db_err)?;
        Ok(Reading {
            connection,
            place: &self.place,
            plans,
            _permit: permit,
        })
    }

    /// Runs `f` over one state of the schema.
    pub(crate) async fn snapshot<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: AsyncFn(&Snapshot) -> Result<T, E>,
        E: From<StoreError>,
    {
        let mut attempt = 0;
        loop {
            let _permit = self.permit(self.reads.here()).await?;
            let tx = PgTx::snapshot(&self.shared.read.here(), &self.place).await;
            let tx = Snapshot::Postgres(tx.map_err(StoreError::from)?);
            let result = f(&tx).await;
            // A table had changed under a prepared statement; the next attempt prepares it anew. The transaction is
            // rolled back on its way to the pool, for which nobody waits.
            let again = matches!(&tx, Snapshot::Postgres(tx) if tx.must_run_again());
            if result.is_ok() || !again || attempt == RETRIES_MAX {
                return result;
            }
            attempt += 1;
        }
    }

    /// Creates the schema if it is absent.
    pub(crate) async fn create_schema(&self) -> Result<(), StoreError> {
        let find = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
        let schema = &self.place.schema;
        let found = sqlx::query(find)
            .bind(schema)
            .fetch_optional(&self.shared.write);
        if found.await.map_err(db_err)?.is_some() {
            return Ok(());
        }
        // Two nodes may do this at once; IF NOT EXISTS alone still fails with a unique violation then.
        let sql = format!(
            "SELECT pg_advisory_xact_lock(hashtextextended('{schema}', 7202194));
             CREATE SCHEMA IF NOT EXISTS \"{schema}\""
        );
        session::batch(&self.shared.write, &sql).await?;
        Ok(())
    }

    pub(crate) async fn write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: AsyncFn(&WriteTx) -> Result<T, E>,
        E: From<StoreError>,
    {
        self.write_with(f, None).await
    }

    pub(crate) async fn write_long<T, E, F>(&self, f: F, deadline: Duration) -> Result<T, E>
    where
        F: AsyncFn(&WriteTx) -> Result<T, E>,
        E: From<StoreError>,
    {
        self.write_with(f, Some(deadline)).await
    }

    async fn write_with<T, E, F>(&self, f: F, deadline: Option<Duration>) -> Result<T, E>
    where
        F: AsyncFn(&WriteTx) -> Result<T, E>,
        E: From<StoreError>,
    {
        let mut attempt = 0;
        let started = Instant::now();
        loop {
            let permit = self.permit(&self.writes).await?;
            let tx = PgTx::open(&self.shared.write, &self.place, deadline).await;
            let tx = WriteTx::Postgres(tx.map_err(StoreError::from)?);
            let run = AssertUnwindSafe(f(&tx)).catch_unwind();
            // The commit is not under the deadline: its outcome would not be known.
            let ran = match deadline {
                None => Ok(run.await),
                Some(max) => tokio::time::timeout(max.saturating_sub(started.elapsed()), run).await,
            };
            let WriteTx::Postgres(tx) = tx else {
                return Err(StoreError::Closed.into());
            };
            let Ok(ran) = ran else {
                tx.abandon().await;
                return Err(StoreError::TooExpensive.into());
            };
            let again = tx.must_run_again();
            let changed = tx.has_changes();
            let outcome = match ran {
                Ok(Ok(value)) if !tx.is_poisoned() => match tx.commit().await {
                    Ok(()) => Ok(value),
                    Err(e) => Err(commit_error(e)),
                },
                ran => {
                    // If this fails the connection is gone, and with it the transaction.
                    let _ = tx.rollback().await;
                    match ran {
                        Err(_) => Err(StoreError::Panicked),
                        Ok(_) if again => Err(StoreError::Aborted),
                        Ok(Err(e)) => return Err(e),
                        Ok(Ok(_)) => Err(StoreError::Poisoned),
                    }
                }
            };
            drop(permit);
            match outcome {
                Ok(value) => {
                    if changed {
                        self.wake_sequencer();
                    }
                    return Ok(value);
                }
                Err(StoreError::Aborted) if attempt < RETRIES_MAX => {
                    attempt += 1;
                    tokio::time::sleep(jitter(attempt)).await;
                }
                Err(e) => return Err(e.into()),
            }
        }
    }
}

fn commit_error(error: DbErr) -> StoreError {
    match StoreError::from(error) {
        // A deferred constraint or a serialization failure is a plain "no"; anything else may have been applied.
        e @ (StoreError::Aborted
        | StoreError::ForeignKey(_)
        | StoreError::Unique(_)
        | StoreError::Constraint(_)) => e,
        e => StoreError::CommitUnknown(e.to_string()),
    }
}

/// A pause before the next attempt, another for each caller, so that two that met do not meet again.
fn jitter(attempt: u32) -> Duration {
    static TURN: AtomicU32 = AtomicU32::new(0);
    let spread = TURN
        .fetch_add(1, Ordering::Relaxed)
        .wrapping_mul(0x9e37_79b9)
        >> 27;
    Duration::from_millis(u64::from(attempt * 5 + spread))
}
