//! The slow lane: a few threads with a queue limit and a deadline for reads that pass the budget.

use super::{ReadError, SqliteOptions};
use crate::error::StoreError;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long a statement that passed the budget goes to the slow lane directly.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Statements remembered at most.
const REMEMBERED_MAX: usize = 1_024;

type Task = Box<dyn FnOnce() + Send>;

/// The lane itself. Its threads end when it is dropped.
pub struct SlowLane {
    queue: Arc<Queue>,
    queue_max: usize,
    deadline: Duration,
    known: RwLock<HashMap<u64, Instant>>,
    known_len: AtomicUsize,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    /// Tasks with the database each belongs to.
    waiting: VecDeque<(u64, Task)>,
    running: Vec<u64>,
    stopped: bool,
}

impl State {
    /// The oldest task of the database that holds the fewest threads, so that one busy database cannot starve another.
    fn take(&mut self) -> Option<(u64, Task)> {
        let held = |db: u64| self.running.iter().filter(|r| **r == db).count();
        let at = self
            .waiting
            .iter()
            .enumerate()
            .min_by_key(|(i, (db, _))| (held(*db), *i))
            .map(|(i, _)| i)?;
        let (db, task) = self.waiting.remove(at)?;
        self.running.push(db);
        Some((db, task))
    }
}

impl Queue {
    fn work(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some((db, task)) = state.take() {
                drop(state);
                // A panic loses its own answer, not the thread.
                let _ = catch_unwind(AssertUnwindSafe(task));
                state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(at) = state.running.iter().position(|r| *r == db) {
                    state.running.swap_remove(at);
                }
            } else if state.stopped {
                return;
            } else {
                state = self
                    .wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Drop for SlowLane {
    fn drop(&mut self) {
        self.queue
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stopped = true;
        self.queue.wake.notify_all();
    }
}

impl SlowLane {
    pub(super) fn start(options: &SqliteOptions) -> Result<Self, StoreError> {
        let lane = Self {
            queue: Arc::default(),
            queue_max: options.slow_queue.max(1),
            deadline: Duration::from_millis(options.slow_deadline_ms.max(1)),
            known: RwLock::default(),
            known_len: AtomicUsize::new(0),
        };
        for i in 0..options.slow_threads.max(1) {
            let queue = lane.queue.clone();
            std::thread::Builder::new()
                .name(format!("slow-{i}"))
                .spawn(move || queue.work())
                .map_err(|e| StoreError::Db(format!("cannot start a thread: {e}")))?;
        }
        Ok(lane)
    }

    /// Whether this SQL passed the budget within the last minute.
    pub(super) fn is_known_slow(&self, sql: &str) -> bool {
        if self.known_len.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let hash = hash(sql);
        let since = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&hash)
            .copied();
        let Some(since) = since else { return false };
        let fresh = since.elapsed() < REMEMBERED;
        if !fresh {
            // It gets another chance; and once all are forgotten, reads need not hash their SQL any more.
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, since| since.elapsed() < REMEMBERED);
            self.known_len.store(known.len(), Ordering::Relaxed);
        }
        fresh
    }

    pub(super) fn remember(&self, sql: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, since| since.elapsed() < REMEMBERED);
        if known.len() < REMEMBERED_MAX {
            known.insert(hash(sql), Instant::now());
        }
        self.known_len.store(known.len(), Ordering::Relaxed);
    }

    /// Does the work of the database `id` on a thread of the lane; it is given the time that it may take.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        id: u64,
        work: impl FnOnce(Duration) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let (reply, answer) = oneshot::channel();
        let (deadline, since) = (self.deadline, Instant::now());
        let task: Task = Box::new(move || {
            // A caller that has gone needs no answer.
            if reply.is_closed() {
                return;
            }
            // Who waited as long as a read may take is not worth reading for: else a flood is worked off for minutes.
            let result = if since.elapsed() >= deadline {
                Err(ReadError::Store(StoreError::TooExpensive))
            } else {
                work(deadline)
            };
            let _ = reply.send(result);
        });
        self.push(id, task)?;
        match answer.await {
            Ok(Err(ReadError::Sqlite(e)))
                if e.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) =>
            {
                Err(ReadError::Store(StoreError::TooExpensive))
            }
            Ok(result) => result,
            Err(_) => Err(ReadError::Store(StoreError::Closed)),
        }
    }

    fn push(&self, db: u64, task: Task) -> Result<(), ReadError> {
        let mut state = self
            .queue
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let own = state.waiting.iter().filter(|(d, _)| *d == db).count();
        // The other half is kept for the other databases.
        if state.waiting.len() >= self.queue_max || own >= self.queue_max.div_ceil(2) {
            return Err(ReadError::Store(StoreError::TooExpensive));
        }
        state.waiting.push_back((db, task));
        drop(state);
        self.queue.wake.notify_one();
        Ok(())
    }
}

fn hash(sql: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    sql.hash(&mut hasher);
    hasher.finish()
}
