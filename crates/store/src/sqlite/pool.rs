//! A fixed pool of threads that commit for all databases, over a queue of those that have jobs: jobs pile up while a
//! database waits its turn, which makes its next group larger.

use super::writer::{Next, Writer};
use crate::error::StoreError;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The pause between two attempts to heal a failed commit.
const REPAIR_PAUSE: Duration = Duration::from_millis(50);

/// The pool of committing threads.
pub struct Writers {
    ready: Arc<Ready>,
}

#[derive(Default)]
struct Ready {
    queue: Mutex<ReadyQueue>,
    wake: Condvar,
}

#[derive(Default)]
struct ReadyQueue {
    writers: VecDeque<Arc<Writer>>,
    /// Databases whose failed commit is tried again at that time. They hold no thread meanwhile.
    later: VecDeque<(Instant, Arc<Writer>)>,
    stopped: bool,
}

impl Writers {
    pub(super) fn start(threads: usize) -> Result<Self, StoreError> {
        let ready = Arc::new(Ready::default());
        // With a runtime at hand a job that awaits a timer is Yielded, else tokio panics in it.
        let runtime = tokio::runtime::Handle::try_current().ok();
        let writers = Self {
            ready: ready.clone(),
        };
        for i in 0..threads.max(1) {
            let (ready, runtime) = (ready.clone(), runtime.clone());
            std::thread::Builder::new()
                .name(format!("writer-{i}"))
                .spawn(move || {
                    let _entered = runtime.as_ref().map(tokio::runtime::Handle::enter);
                    work(&ready);
                })
                .map_err(|e| StoreError::Db(format!("cannot start a thread: {e}")))?;
        }
        Ok(writers)
    }

    pub(super) fn schedule(&self, writer: Arc<Writer>) {
        self.ready
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .writers
            .push_back(writer);
        self.ready.wake.notify_one();
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.ready
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stopped = true;
        self.ready.wake.notify_all();
    }
}

fn work(ready: &Ready) {
    while let Some(writer) = ready.next() {
        let next = writer.turn();
        if next == Next::Idle {
            continue;
        }
        let mut queue = ready.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if next == Next::Ready {
            queue.writers.push_back(writer);
        } else {
            queue
                .later
                .push_back((Instant::now() + REPAIR_PAUSE, writer));
        }
        drop(queue);
        ready.wake.notify_one();
    }
}

impl Ready {
    /// The next database that has something to do; `None` when the pool has ended.
    fn next(&self) -> Option<Arc<Writer>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            // All wait equally long, so the first is the earliest.
            let pause = queue
                .later
                .front()
                .map(|(at, _)| at.saturating_duration_since(Instant::now()));
            if pause == Some(Duration::ZERO) {
                return queue.later.pop_front().map(|(_, writer)| writer);
            }
            if let Some(writer) = queue.writers.pop_front() {
                return Some(writer);
            }
            if queue.stopped {
                return None;
            }
            queue = match pause {
                Some(pause) => {
                    self.wake
                        .wait_timeout(queue, pause)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self
                    .wake
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
