//! Reader connections found in the thread, and the budget that keeps a read from holding a worker.

use super::{SqliteDb, open_reader};
use rusqlite::Connection;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// SQLite calls the progress handler every so many virtual-machine steps.
pub(super) const STEPS_PER_CHECK: i32 = 1_000;
/// A read is interrupted only after this many checks too, so that a preempted thread does not look like a slow query.
const CHECKS_MIN: u32 = 20;

/// The threads that keep readers.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// A thread's readers.
struct Readers(Vec<Entry>);

impl Readers {
    fn new() -> Self {
        THREADS.fetch_add(1, Ordering::Relaxed);
        Self(Vec::new())
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

thread_local! {
    static READERS: RefCell<Readers> = RefCell::new(Readers::new());
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
    static CHECKS: Cell<u32> = const { Cell::new(0) };
    static TICK: Cell<u64> = const { Cell::new(0) };
    static SEEN: Cell<u64> = const { Cell::new(0) };
    static SIZING: Cell<bool> = const { Cell::new(false) };
}

/// How many databases were closed in this process. A thread that sees it move gives its connections to them back.
static CLOSED: AtomicU64 = AtomicU64::new(0);

pub(super) fn note_closed() {
    CLOSED.fetch_add(1, Ordering::SeqCst);
}

struct Entry {
    id: u64,
    owner: Weak<super::Inner>,
    connection: Rc<Connection>,
    /// Pages that it may keep, in KiB, if that was set.
    cache_kib: usize,
    used: u64,
}

impl Entry {
    /// Has it keep so many KiB of pages. A failure leaves it as it was, to be tried with the next reader.
    fn keep(&mut self, cache_kib: usize) {
        if self.cache_kib == cache_kib {
            return;
        }
        SIZING.set(true);
        let kib = i64::try_from(cache_kib).unwrap_or(i64::MAX);
        // SQLite counts pages where the number is positive.
        if self
            .connection
            .pragma_update(None, "cache_size", -kib)
            .is_ok()
        {
            self.cache_kib = cache_kib;
        }
        SIZING.set(false);
    }
}

/// Whether the size of a reader's cache is being set, which nobody else may do.
pub(super) fn is_sizing() -> bool {
    SIZING.get()
}

/// Runs `f` on this thread's reader of `db`, opening one if need be. With a budget, a read that passes it ends
/// with `SQLITE_INTERRUPT`.
pub(super) fn with_reader<T>(
    db: &SqliteDb,
    budget: Option<Duration>,
    f: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let connection = find(db)?;
    CHECKS.set(0);
    DEADLINE.set(budget.map(|b| Instant::now() + b));
    let result = f(&connection);
    DEADLINE.set(None);
    result
}

/// Runs `f` while this thread's reader of `db` keeps to what it sees of the file now.
pub(super) fn holding<T>(db: &SqliteDb, f: impl FnOnce() -> T) -> rusqlite::Result<T> {
    let connection = find(db)?;
    // A statement that stands at its first row keeps its view of the file, and every statement beside it shares that
    // view: the transaction that SQLite began for the first ends with the last.
    let mut holder = connection.prepare_cached("SELECT 1 FROM sqlite_schema")?;
    let mut rows = holder.raw_query();
    rows.next()?;
    Ok(f())
}

fn find(db: &SqliteDb) -> rusqlite::Result<Rc<Connection>> {
    let tick = TICK.get() + 1;
    TICK.set(tick);
    let closed = CLOSED.load(Ordering::Relaxed);
    READERS.with_borrow_mut(|Readers(readers)| {
        if SEEN.replace(closed) != closed {
            readers.retain(|e| {
                e.owner
                    .upgrade()
                    .is_some_and(|o| !o.closed.load(Ordering::Relaxed))
            });
        }
        if let Some(entry) = readers.iter_mut().find(|e| e.id == db.inner.id) {
            entry.used = tick;
            return Ok(entry.connection.clone());
        }
        let threads = THREADS.load(Ordering::Relaxed);
        let max = db.inner.runtime.options.readers_of_one(threads);
        // More than one may be too many, since threads that came later have their share too.
        if readers.len() >= max {
            readers.sort_unstable_by_key(|e| std::cmp::Reverse(e.used));
            readers.truncate(max - 1);
        }
        let connection = Rc::new(open_reader(&db.inner.path)?);
        connection.progress_handler(
            STEPS_PER_CHECK,
            Some(|| {
                let checks = CHECKS.get() + 1;
                CHECKS.set(checks);
                checks >= CHECKS_MIN
                    && DEADLINE
                        .get()
                        .is_some_and(|deadline| Instant::now() >= deadline)
            }),
        )?;
        readers.push(Entry {
            id: db.inner.id,
            owner: Arc::downgrade(&db.inner),
            connection: connection.clone(),
            cache_kib: 0,
            used: tick,
        });
        let cache_kib = db.inner.runtime.options.cache_kib(threads, readers.len());
        readers.iter_mut().for_each(|e| e.keep(cache_kib));
        Ok(connection)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{Durability, SqliteOptions, SqliteRuntime};

    #[test]
    fn the_pages_of_all_readers_stay_within_the_memory() {
        let options = SqliteOptions {
            reader_memory_mib: 64,
            ..SqliteOptions::default()
        };
        for threads in [1, 2, 4, 16] {
            let most = options.readers_of_one(threads);
            for readers in [1, 2, 3, 7, 60, most] {
                let cache = options.cache_kib(threads, readers.min(most));
                assert!((128..=16_384).contains(&cache) && cache.is_power_of_two());
                let all = threads * readers.min(most) * (cache + 128);
                assert!(all <= 64 * 1_024, "{threads} {readers} {cache}");
            }
        }
        assert_eq!(
            (options.cache_kib(1, 1), options.cache_kib(4, 2)),
            (16_384, 4_096)
        );
    }

    #[test]
    fn a_reader_gives_room_to_those_that_come() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions {
            reader_memory_mib: 8,
            ..SqliteOptions::default()
        };
        let runtime = SqliteRuntime::start(options).unwrap();
        let open = |n: usize| {
            let path = folder.path().join(format!("{n}.db"));
            SqliteDb::open(&runtime, &path, Durability::Full, 0).unwrap()
        };
        let dbs: Vec<SqliteDb> = (0..9).map(open).collect();
        let kept = |db: &SqliteDb| {
            with_reader(db, None, |_| Ok(())).unwrap();
            READERS.with_borrow(|Readers(readers)| {
                let mine = readers.iter().find(|e| e.id == db.inner.id).unwrap();
                // SQLite tells what it was told, to the reader's own eyes alone.
                SIZING.set(true);
                let told: rusqlite::Result<i64> =
                    mine.connection
                        .pragma_query_value(None, "cache_size", |row| row.get(0));
                SIZING.set(false);
                told.unwrap()
            })
        };
        let first = kept(&dbs[0]);
        for db in &dbs[1..] {
            kept(db);
        }
        let last = kept(&dbs[0]);
        // Other tests' threads have their share as well: less is kept, and no less than the least.
        assert!(first < last && last <= -128, "{first} {last}");
        assert!(kept(&dbs[8]) == last);
    }
}
