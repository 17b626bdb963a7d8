//! Reads of one statement on connections that take many at once. The server answers in order, so that a request need not
//! wait for the answer before it: with many callers one look at the socket sends or brings many of them, on both sides.
//!
//! The price is that one slow statement keeps all behind it. What was slow once goes to the pools for a while, as does
//! everything while a connection is held up; the pools can do all that is done here.

use super::bind;
use crate::error::{self, StoreError};
use crate::value::Doc;
use futures_util::TryStreamExt;
use sea_orm::Statement;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error, Row, Statement as Prepared};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Connections of a thread.
pub(super) const PIPES: usize = 2;
/// Another connection is taken once the first has so many under way.
const CROWDED: u32 = 8;
/// What is under way on one connection at most.
const UNDER_WAY_MAX: u32 = 128;
/// Prepared statements that a connection keeps.
const STATEMENTS_MAX: usize = 256;
/// A connection without an answer for so long takes no more. On a busy machine the server may be away for 20 ms.
const HELD_UP: Duration = Duration::from_millis(100);
/// A statement that took so long...
const SLOW: Duration = Duration::from_millis(50);
/// ...so often, and never less between, goes to the pools...
const STRIKES: u32 = 3;
/// ...until so much later. Once may be the machine's fault.
const SLOW_FOR: Duration = Duration::from_mins(1);
/// Slow statements that are known at once.
const SLOW_MAX: usize = 1_024;
/// The pause before a connection that failed is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// The connections of one thread.
pub(super) struct Pipes {
    pipes: [Arc<Pipe>; PIPES],
    hasher: RandomState,
    /// Statements that were slow when they were last read: how often, and when.
    slow: Mutex<HashMap<u64, (u32, Instant)>>,
}

struct Pipe {
    address: Address,
    began: Instant,
    under_way: AtomicU32,
    /// When the last answer came, or the first question after silence went, in microseconds since `began`.
    moved: AtomicU64,
    state: Mutex<State>,
}

/// A connection, and what it has prepared.
struct Open {
    client: Client,
    statements: Mutex<HashMap<String, Prepared>>,
}

#[derive(Default)]
struct State {
    open: Option<Arc<Open>>,
    /// Its connection, while one is there or being made.
    task: Option<AbortHandle>,
    not_before: Option<Instant>,
    closed: bool,
}

/// One statement under way.
struct UnderWay<'a>(&'a Pipe);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipes {
    /// None is opened yet.
    pub(super) fn new(address: &Address) -> Self {
        let pipe = || {
            Arc::new(Pipe {
                address: address.clone(),
                began: Instant::now(),
                under_way: AtomicU32::new(0),
                moved: AtomicU64::new(0),
                state: Mutex::default(),
            })
        };
        Self {
            pipes: [pipe(), pipe()],
            hasher: RandomState::new(),
            slow: Mutex::default(),
        }
    }

    /// The records of a statement, or nothing where a pool should be asked instead: nothing was done then that matters.
    pub(super) async fn docs(&self, statement: &Statement) -> Option<Result<Vec<Doc>, StoreError>> {
        let number = self.hasher.hash_one(&statement.sql);
        if self.is_slow(number) {
            return None;
        }
        let values = bind::values(statement)?;
        let pipe = self.free()?;
        let open = pipe.open()?;
        let _under_way = pipe.enter();
        let sent = Instant::now();
        let found = open.ask(&statement.sql, &values).await;
        self.judge(number, pipe.took(sent));
        match found {
            Ok(Some(docs)) => Some(Ok(docs)),
            Ok(None) => Some(Err(StoreError::TooLarge)),
            Err(e) => open.failed(&statement.sql, &e).map(Err),
        }
    }

    /// Ends the connections.
    pub(super) fn close(&self) {
        for pipe in &self.pipes {
            let mut state = lock(&pipe.state);
            state.closed = true;
            state.open = None;
            if let Some(task) = state.task.take() {
                task.abort();
            }
        }
    }

    fn is_slow(&self, number: u64) -> bool {
        let slow = lock(&self.slow);
        let known = slow.get(&number);
        known.is_some_and(|(strikes, last)| *strikes >= STRIKES && last.elapsed() < SLOW_FOR)
    }

    fn judge(&self, number: u64, took: Duration) {
        let mut slow = lock(&self.slow);
        if took < SLOW {
            slow.remove(&number);
            return;
        }
        if slow.len() >= SLOW_MAX {
            slow.clear();
        }
        let (strikes, last) = slow.entry(number).or_insert((0, Instant::now()));
        (*strikes, *last) = (*strikes + 1, Instant::now());
    }

    /// The connection with the fewest under way of those that move.
    fn free(&self) -> Option<&Arc<Pipe>> {
        let mut best: Option<(&Arc<Pipe>, u32)> = None;
        for pipe in &self.pipes {
            let under_way = pipe.under_way.load(Ordering::Relaxed);
            let is_better = best.is_none_or(|(_, least)| under_way < least);
            if is_better && under_way < UNDER_WAY_MAX && !pipe.is_held_up(under_way) {
                best = Some((pipe, under_way));
                if under_way < CROWDED {
                    break;
                }
            }
        }
        best.map(|(pipe, _)| pipe)
    }
}

impl Pipe {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn enter(&self) -> UnderWay<'_> {
        if self.under_way.fetch_add(1, Ordering::Relaxed) == 0 {
            self.moved.store(self.now(), Ordering::Relaxed);
        }
        UnderWay(self)
    }

    fn is_held_up(&self, under_way: u32) -> bool {
        let silent = self
            .now()
            .saturating_sub(self.moved.load(Ordering::Relaxed));
        under_way > 0 && Duration::from_micros(silent) > HELD_UP
    }

    /// How long the server may have taken for a statement that was sent then and is answered now: since it was sent, or
    /// since the answer before.
    fn took(&self, sent: Instant) -> Duration {
        let now = self.now();
        let before = self.moved.swap(now, Ordering::Relaxed);
        sent.elapsed()
            .min(Duration::from_micros(now.saturating_sub(before)))
    }

    /// The connection, if it is there; else one is made, for those who come later.
    fn open(self: &Arc<Self>) -> Option<Arc<Open>> {
        let mut state = lock(&self.state);
        if let Some(open) = state.open.as_ref().filter(|o| !o.client.is_closed()) {
            return Some(open.clone());
        }
        let is_soon = state.not_before.is_some_and(|then| Instant::now() < then);
        // A connection ends with the runtime that it was made on; another may ask now.
        let is_running = state.task.as_ref().is_some_and(|task| !task.is_finished());
        if !is_running && !is_soon && !state.closed {
            state.open = None;
            let pipe = self.clone();
            #[expect(
                clippy::disallowed_methods,
                reason = "it ends with its connection, which is closed with its store"
            )]
            let task = tokio::spawn(async move { pipe.run().await });
            state.task = Some(task.abort_handle());
        }
        None
    }

    /// Opens the connection and moves what goes over it, until it ends.
    async fn run(self: Arc<Self>) {
        let connection = match self.address.config.connect(self.address.tls.clone()).await {
            Ok((client, connection)) => {
                let mut state = lock(&self.state);
                if state.closed {
                    return;
                }
                let statements = Mutex::default();
                state.open = Some(Arc::new(Open { client, statements }));
                connection
            }
            Err(error) => {
                tracing::warn!(%error, "no connection for reads; the pools are used");
                lock(&self.state).not_before = Some(Instant::now() + RETRY);
                return;
            }
        };
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection for reads has ended");
        }
    }
}

impl Open {
    /// The records; `None` where they are more than an answer may hold.
    async fn ask(&self, sql: &str, values: &[bind::Bound<'_>]) -> Result<Option<Vec<Doc>>, Error> {
        let known = lock(&self.statements).get(sql).cloned();
        let prepared = match known {
            Some(prepared) => prepared,
            None => {
                let types: Vec<_> = values.iter().map(bind::Bound::kind).collect();
                let prepared = self.client.prepare_typed(sql, &types).await?;
                let mut statements = lock(&self.statements);
                if statements.len() >= STATEMENTS_MAX {
                    statements.clear();
                }
                statements.insert(sql.to_owned(), prepared.clone());
                prepared
            }
        };
        let rows = self.client.query_raw(&prepared, values.iter()).await?;
        let mut rows = pin!(rows);
        let (mut docs, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.try_next().await? {
            let doc = doc(&row)?;
            bytes += doc.json.len();
            if bytes > kernel::limits::RESPONSE_BYTES_MAX {
                return Ok(None);
            }
            docs.push(doc);
        }
        Ok(Some(docs))
    }

    /// What a failure means; nothing where a pool should try.
    fn failed(&self, sql: &str, error: &Error) -> Option<StoreError> {
        let db = error.as_db_error()?;
        let constraint = db.constraint().unwrap_or_default().to_owned();
        let told = error::classify_postgres(db.code().code(), constraint, db.message().to_owned());
        // Its tables have changed, the connection goes, or something between has dropped the statement.
        let is_gone = matches!(told, StoreError::Aborted | StoreError::Busy(_))
            || *db.code() == SqlState::INVALID_SQL_STATEMENT_NAME;
        if is_gone {
            lock(&self.statements).remove(sql);
        }
        (!is_gone).then_some(told)
    }
}

fn doc(row: &Row) -> Result<Doc, Error> {
    Ok(Doc {
        json: row.try_get(0)?,
        key: row.try_get(1)?,
        version: row.try_get(2)?,
    })
}

/// Where the server is, and how to get there.
#[derive(Clone)]
pub(super) struct Address {
    config: Config,
    tls: MakeRustlsConnect,
}

/// The same server as sqlx finds behind `url`, or nothing where that is left to sqlx: where the certificate is to be
/// proven, or the address says what is not known here.
pub(super) fn address(url: &str, statement_timeout_ms: u64) -> Option<Address> {
    let url = url::Url::parse(url).ok()?;
    let decoded = |text: &str| {
        let text = percent_encoding::percent_decode_str(text).decode_utf8();
        text.ok().map(std::borrow::Cow::into_owned)
    };
    let named = |text: &str| decoded(text).filter(|name| !name.is_empty());
    let mut config = Config::new();
    let mut host = decoded(url.host_str().unwrap_or_default())?;
    for (name, value) in url.query_pairs() {
        match (&*name, &*value) {
            ("host", _) => host = value.into_owned(),
            ("sslmode" | "ssl-mode", mode) => {
                config.ssl_mode(match mode {
                    "disable" => SslMode::Disable,
                    "prefer" => SslMode::Prefer,
                    "require" => SslMode::Require,
                    _ => return None,
                });
            }
            _ => return None,
        }
    }
    config
        .host(host.trim_start_matches('[').trim_end_matches(']'))
        .port(url.port().unwrap_or(5432))
        .user(named(url.username())?)
        .dbname(named(url.path().trim_start_matches('/'))?)
        .application_name("galley")
        .connect_timeout(Duration::from_secs(5))
        .options(format!(
            "-c statement_timeout={statement_timeout_ms} -c timezone=UTC -c extra_float_digits=1 -c jit=off \
             -c default_transaction_read_only=on"
        ));
    if let Some(password) = url.password() {
        config.password(decoded(password)?);
    }
    let tls = super::tls::unproven().ok()?;
    Some(Address { config, tls })
}
