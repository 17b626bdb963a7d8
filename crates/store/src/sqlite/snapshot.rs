//! Several reads of one state of the file: inline under the budget, or all of them once more on the slow lane.

use super::{ReadError, SqliteDb, reader, values};
use crate::Snapshot;
use crate::error::{StoreError, from_sqlite};
use crate::value::{self, Doc};
use futures_util::task::noop_waker_ref;
use sea_orm::Statement;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The reader of this thread while its view of the file is held.
pub struct SqliteRead {
    db: SqliteDb,
    lane: Lane,
    /// A statement passed the budget, or is known to: the slow lane must read.
    passed: AtomicBool,
}

/// Where the statements run, and for how long.
#[derive(Clone, Copy)]
enum Lane {
    /// On the caller's thread, each for so long.
    Inline(Option<Duration>),
    /// On a thread of the slow lane, all of them until then.
    Slow(Instant),
}

impl SqliteRead {
    pub(crate) fn docs(&self, statement: &Statement) -> Result<Vec<Doc>, StoreError> {
        let slow = &self.db.inner.runtime.slow;
        let budget = match self.lane {
            Lane::Inline(_) if slow.is_known_slow(&statement.sql) => {
                self.passed.store(true, Ordering::Relaxed);
                return Err(StoreError::TooExpensive);
            }
            Lane::Inline(budget) => budget,
            Lane::Slow(end) => Some(end.saturating_duration_since(Instant::now())),
        };
        self.db.count_read();
        let read = reader::with_reader(&self.db, budget, |connection| {
            let mut cached = connection.prepare_cached(&statement.sql)?;
            value::docs(&mut cached, values(statement))
        });
        read.map_err(|e| {
            if e.sqlite_error_code() != Some(rusqlite::ErrorCode::OperationInterrupted) {
                return from_sqlite(&e);
            }
            if matches!(self.lane, Lane::Inline(_)) {
                slow.remember(&statement.sql);
                self.passed.store(true, Ordering::Relaxed);
            }
            StoreError::TooExpensive
        })
    }
}

impl SqliteDb {
    /// Runs `f` over one state of the file.
    pub(crate) async fn snapshot<T, E, F>(&self, f: F) -> Result<T, E>
    where
        F: AsyncFn(&Snapshot) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.open_check()?;
        if let Some(result) = run(self, Lane::Inline(self.budget()), &f) {
            return result;
        }
        let db = self.clone();
        let work = move |deadline| {
            let lane = Lane::Slow(Instant::now() + deadline);
            Ok(run(&db, lane, &f).unwrap_or_else(|| Err(StoreError::TooExpensive.into())))
        };
        let slow = &self.inner.runtime.slow;
        match slow.run(self.inner.id, work).await {
            Ok(result) => result,
            Err(ReadError::Store(e)) => Err(e.into()),
            Err(ReadError::Sqlite(e)) => Err(from_sqlite(&e).into()),
        }
    }
}

/// Runs `f` here; nothing when it belongs on the slow lane.
fn run<T, E, F>(db: &SqliteDb, lane: Lane, f: &F) -> Option<Result<T, E>>
where
    F: AsyncFn(&Snapshot) -> Result<T, E>,
    E: From<StoreError>,
{
    let read = Snapshot::Sqlite(SqliteRead {
        db: db.clone(),
        lane,
        passed: AtomicBool::new(false),
    });
    let held = reader::holding(db, || {
        // Everything that may be awaited is ready at once, so one poll with no waker is enough.
        match pin!(f(&read)).poll(&mut Context::from_waker(noop_waker_ref())) {
            Poll::Ready(out) => out,
            Poll::Pending => Err(E::from(StoreError::Yielded)),
        }
    });
    match (&read, held) {
        (Snapshot::Sqlite(read), _) if read.passed.load(Ordering::Relaxed) => None,
        (_, Ok(out)) => Some(out),
        (_, Err(e)) => Some(Err(from_sqlite(&e).into())),
    }
}
