//! One database in one SQLite file: inline reads on the calling thread, writes through one group-committing writer.

mod object;
mod pool;
mod reader;
mod slow;
mod snapshot;
mod tx;
mod writer;

use crate::error::{StoreError, from_sqlite, into_db_err, sqlite_text};
use crate::value::{self, Doc};
use rusqlite::{Connection, OpenFlags, config::DbConfig, functions::FunctionFlags, limits::Limit};
use sea_orm::{DbErr, ProxyExecResult, ProxyRow, Statement, Value};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

pub use pool::Writers;
pub use slow::SlowLane;
pub use snapshot::SqliteRead;
pub use tx::SqliteTx;

/// The oldest SQLite that does not lose committed writes when two connections checkpoint (fixed in 3.51.3).
pub const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// Settings of all SQLite databases of a process.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// How long a read may hold its worker, in milliseconds, before it is moved to the slow lane; 0 turns the budget off.
    pub read_budget_ms: u64,
    /// How long a read may take on the slow lane, in milliseconds.
    pub slow_deadline_ms: u64,
    /// Threads of the slow lane.
    pub slow_threads: usize,
    /// Reads that may wait for the slow lane; more are refused as too expensive.
    pub slow_queue: usize,
    /// Threads that commit for all databases.
    pub writer_threads: usize,
    /// Memory that the reader connections of all threads together may take, in MiB. Each thread has an equal share of it
    /// and keeps at least one connection; what the connections leave of it holds pages of their databases. One takes about
    /// 256 KiB with the fewest pages.
    pub reader_memory_mib: usize,
}

impl SqliteOptions {
    /// What one of so many threads may use.
    fn share_kib(&self, threads: usize) -> usize {
        self.reader_memory_mib.saturating_mul(1_024) / threads.max(1)
    }

    /// Reader connections that one of so many threads keeps open.
    fn readers_of_one(&self, threads: usize) -> usize {
        (self.share_kib(threads) / (BARE_READER_KIB + CACHE_KIB_MIN)).max(1)
    }

    /// Pages that each of a thread's readers may keep, in KiB: a power of two, so that it rarely changes as they come and go.
    fn cache_kib(&self, threads: usize, readers: usize) -> usize {
        let each = self.share_kib(threads) / readers.max(1);
        let pages = each.saturating_sub(BARE_READER_KIB);
        1 << pages.clamp(CACHE_KIB_MIN, CACHE_KIB_MAX).ilog2()
    }
}

/// What an open reader takes with a statement or two, and without pages.
const BARE_READER_KIB: usize = 128;
/// Fewer pages are of no use.
const CACHE_KIB_MIN: usize = 128;
/// More is for the system's cache of files, which all readers share.
const CACHE_KIB_MAX: usize = 16 * 1_024;

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            read_budget_ms: 2,
            slow_deadline_ms: 5_000,
            slow_threads: 2,
            slow_queue: 64,
            writer_threads: 8,
            reader_memory_mib: 64,
        }
    }
}

/// What all SQLite databases of a process share: the committing threads and the slow lane.
pub struct SqliteRuntime {
    pub(crate) options: SqliteOptions,
    pub(crate) writers: Writers,
    pub(crate) slow: SlowLane,
    /// Every database that is open, or was.
    open: Mutex<Vec<Weak<Inner>>>,
}

impl SqliteRuntime {
    /// Closes every open database and waits until none has a log.
    pub(crate) async fn shutdown(&self) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        let open = open.iter().filter_map(Weak::upgrade);
        let open: Vec<SqliteDb> = open.map(|inner| SqliteDb { inner }).collect();
        open.iter().for_each(SqliteDb::close);
        for db in &open {
            db.ended().await;
        }
    }

    /// Starts the threads. Fails when the linked SQLite is too old to be safe.
    pub fn start(options: SqliteOptions) -> Result<Arc<Self>, StoreError> {
        if rusqlite::version_number() < SQLITE_VERSION_MIN {
            return Err(StoreError::Db(format!(
                "SQLite {} is too old: 3.51.3 or newer is needed",
                rusqlite::version()
            )));
        }
        let writers = Writers::start(options.writer_threads)?;
        let slow = SlowLane::start(&options)?;
        Ok(Arc::new(Self {
            options,
            writers,
            slow,
            open: Mutex::default(),
        }))
    }
}

/// A handle to one SQLite database. Cheap to clone; the last clone closes the file.
#[derive(Clone)]
pub struct SqliteDb {
    inner: Arc<Inner>,
}

struct Inner {
    /// Names the database in the readers' caches, never used twice in a process.
    id: u64,
    path: PathBuf,
    runtime: Arc<SqliteRuntime>,
    writer: Arc<writer::Writer>,
    closed: std::sync::atomic::AtomicBool,
    /// Statements that were read.
    reads: AtomicU64,
}

impl Drop for Inner {
    fn drop(&mut self) {
        reader::note_closed();
    }
}

/// How much a database's acknowledged writes are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// They survive a power cut.
    Full,
    /// They survive a crash of the process, not one of the machine.
    Relaxed,
}

impl SqliteDb {
    /// Opens or creates the file at `path`. Its one writer connection stays open as long as the handle, so that
    /// closing a reader is never the last close of the file. `folders` above a new file are made durable with it.
    pub(crate) fn open(
        runtime: &Arc<SqliteRuntime>,
        path: &Path,
        durability: Durability,
        folders: usize,
    ) -> Result<Self, StoreError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let connection = open_writer(path, durability).map_err(|e| from_sqlite(&e))?;
        prepare_heartbeat(&connection, || sync_folders(path, folders))?;
        let writer = writer::Writer::new(connection).map_err(|e| from_sqlite(&e))?;
        let inner = Arc::new(Inner {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            path: path.to_owned(),
            runtime: runtime.clone(),
            writer: Arc::new(writer),
            closed: std::sync::atomic::AtomicBool::new(false),
            reads: AtomicU64::new(0),
        });
        let mut open = runtime.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|known| known.strong_count() > 0);
        open.push(Arc::downgrade(&inner));
        drop(open);
        Ok(Self { inner })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Whether writes wait for a failed commit to heal.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.inner.writer.is_suspended()
    }

    pub(crate) fn counts(&self) -> crate::WriteCounts {
        self.inner.writer.counts()
    }

    pub(crate) fn read_count(&self) -> u64 {
        self.inner.reads.load(Ordering::Relaxed)
    }

    fn count_read(&self) {
        self.inner.reads.fetch_add(1, Ordering::Relaxed);
    }

    /// How long a statement may hold its caller's thread.
    fn budget(&self) -> Option<Duration> {
        match self.inner.runtime.options.read_budget_ms {
            0 => None,
            ms => Some(Duration::from_millis(ms)),
        }
    }

    fn open_check(&self) -> Result<(), StoreError> {
        if self.inner.closed.load(Ordering::Relaxed) {
            Err(StoreError::Closed)
        } else {
            Ok(())
        }
    }

    pub(crate) async fn rows(&self, statement: Statement) -> Result<Vec<ProxyRow>, DbErr> {
        let run = |c: &Connection, s: &Statement| {
            let mut cached = c.prepare_cached(&s.sql)?;
            value::proxy_rows(&mut cached, values(s))
        };
        self.read(statement, run).await.map_err(|e| match e {
            ReadError::Sqlite(e) => DbErr::Custom(sqlite_text(&e)),
            ReadError::Store(e) => into_db_err(&e),
        })
    }

    pub(crate) async fn docs(&self, statement: Statement) -> Result<Vec<Doc>, StoreError> {
        let run = |c: &Connection, s: &Statement| {
            let mut cached = c.prepare_cached(&s.sql)?;
            value::docs(&mut cached, values(s))
        };
        self.read(statement, run).await.map_err(|e| match e {
            ReadError::Sqlite(e) => from_sqlite(&e),
            ReadError::Store(e) => e,
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        statement: Statement,
        run: fn(&Connection, &Statement) -> rusqlite::Result<T>,
    ) -> Result<T, ReadError> {
        self.open_check().map_err(ReadError::Store)?;
        self.count_read();
        let slow = &self.inner.runtime.slow;
        if !slow.is_known_slow(&statement.sql) {
            match reader::with_reader(self, self.budget(), |connection| {
                run(connection, &statement)
            }) {
                Err(e)
                    if e.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) =>
                {
                    slow.remember(&statement.sql);
                }
                result => return result.map_err(ReadError::Sqlite),
            }
        }
        let db = self.clone();
        let work = move |deadline| {
            reader::with_reader(&db, Some(deadline), |c| run(c, &statement))
                .map_err(ReadError::Sqlite)
        };
        slow.run(self.inner.id, work).await
    }
}

enum ReadError {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

fn values(statement: &Statement) -> &[Value] {
    statement.values.as_ref().map_or(&[], |v| v.0.as_slice())
}

/// Runs a statement that gives no rows, or whose rows nobody wants.
fn execute(connection: &Connection, statement: &Statement) -> rusqlite::Result<ProxyExecResult> {
    let mut cached = connection.prepare_cached(&statement.sql)?;
    value::bind(&mut cached, values(statement))?;
    let affected = if cached.column_count() == 0 {
        cached.raw_execute()?
    } else {
        let mut rows = cached.raw_query();
        let mut n = 0;
        while rows.next()?.is_some() {
            n += 1;
        }
        n
    };
    let last = u64::try_from(connection.last_insert_rowid()).unwrap_or(0);
    Ok(ProxyExecResult::new(last, affected as u64))
}

/// The repair transaction needs a row of its own to write. Its table is also the sign that the file's name is durable:
/// a crash before the folders are on the disk leaves it out, and the next opening sees to them again.
fn prepare_heartbeat(
    connection: &Connection,
    sync: impl FnOnce() -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    // The table is there at all openings but the first, which then take no lock for writing.
    if connection
        .table_exists(None, "_heartbeat")
        .map_err(|e| from_sqlite(&e))?
    {
        return Ok(());
    }
    sync()?;
    let sql = "BEGIN IMMEDIATE;
               CREATE TABLE IF NOT EXISTS _heartbeat (id INTEGER PRIMARY KEY CHECK (id = 1), beats INTEGER NOT NULL);
               INSERT OR IGNORE INTO _heartbeat (id, beats) VALUES (1, 0);
               COMMIT;";
    connection.execute_batch(sql).map_err(|e| from_sqlite(&e))
}

/// Makes the name of a new file and of the folders above it durable.
fn sync_folders(path: &Path, folders: usize) -> Result<(), StoreError> {
    for folder in path
        .ancestors()
        .skip(1)
        .take(folders)
        .filter(|p| p.is_dir())
    {
        std::fs::File::open(folder)
            .and_then(|f| f.sync_all())
            .map_err(|e| StoreError::Db(format!("{}: {e}", folder.display())))?;
    }
    Ok(())
}

fn open_writer(path: &Path, durability: Durability) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // A caller is told within five seconds that another process holds the file.
    connection.busy_timeout(Duration::from_secs(4))?;
    use_wal(&connection)?;
    let synchronous = if durability == Durability::Full {
        "FULL"
    } else {
        "OFF"
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "journal_size_limit", 67_108_864)?;
    harden(&connection)?;
    Ok(connection)
}

/// Two that open a new file at once may both want to turn it, and one is told "busy" without the timeout's patience.
fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    for _ in 0..200 {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                std::thread::sleep(Duration::from_millis(5))
            }
            result => return result,
        }
    }
    connection.pragma_update(None, "journal_mode", "WAL")
}

/// Pragmas that only tell. All others could take a reader's guards away.
const PRAGMAS_READ: [&str; 13] = [
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "page_count",
    "page_size",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
    // Read-write at the file so that it can take part in WAL recovery; `query_only` refuses every write.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "query_only", "ON")?;
    harden(&connection)?;
    // A transaction left open by a reading statement would show this thread the same old snapshot for ever.
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::Attach { .. }
        | AuthAction::Detach { .. } => Authorization::Deny,
        AuthAction::Pragma { pragma_name, .. } => {
            let is_ours = pragma_name == "cache_size" && reader::is_sizing();
            match is_ours || PRAGMAS_READ.contains(&pragma_name) {
                true => Authorization::Allow,
                false => Authorization::Deny,
            }
        }
        _ => Authorization::Allow,
    }))?;
    Ok(connection)
}

/// What every connection gets: no attaching, bounded strings, no double-quoted strings, stable plans, our functions.
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, 8 * 1_048_576)?;
    // An unknown double-quoted name must be an error, never a string: else a rule over a dropped column fails open.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    // Without it a bound LIMIT makes SQLite prepare a statement anew at every call.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(256);
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    // SQLite's own printing of floats differs from the shortest round-trip text of PostgreSQL and Rust.
    connection.create_scalar_function("galley_float", 1, flags, |context| {
        let value: Option<f64> = context.get(0)?;
        Ok(value.map(kernel::number::float_text))
    })?;
    object::register(connection, flags)?;
    // It has no sine of its own.
    connection.create_scalar_function("galley_distance", 4, flags, |context| {
        let half = |n| context.get::<Option<f64>>(n);
        Ok(match (half(0)?, half(1)?, half(2)?, half(3)?) {
            (Some(lat_a), Some(lon_a), Some(lat_b), Some(lon_b)) => {
                Some(kernel::geo::distance_m((lat_a, lon_a), (lat_b, lon_b)))
            }
            _ => None,
        })
    })
}
