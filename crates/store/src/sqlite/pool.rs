//! A fixed pool of threads that commit for all databases, over a queue of those that have jobs: jobs pile up while a
//! database waits its turn, which makes its next group larger.
//!
//! Of the threads that wait, the one that worked last is woken: what the database needs is still in its caches.

use super::writer::{Next, Writer};
use crate::error::StoreError;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
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
}

#[derive(Default)]
struct ReadyQueue {
    writers: VecDeque<Arc<Writer>>,
    /// Databases whose failed commit is tried again at that time. They hold no thread meanwhile.
    later: VecDeque<(Instant, Arc<Writer>)>,
    /// The threads that wait, the one that worked last at the end. Whoever takes one out wakes it.
    waiting: Vec<Thread>,
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
        let mut queue = self.ready.lock();
        queue.writers.push_back(writer);
        let thread = queue.waiting.pop();
        drop(queue);
        if let Some(thread) = thread {
            thread.unpark();
        }
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        let mut queue = self.ready.lock();
        queue.stopped = true;
        for thread in queue.waiting.drain(..) {
            thread.unpark();
        }
    }
}

fn work(ready: &Ready) {
    while let Some(writer) = ready.next() {
        let next = writer.turn();
        if next == Next::Idle {
            continue;
        }
        // This thread takes the next one at once, so that none needs to be woken.
        let mut queue = ready.lock();
        if next == Next::Ready {
            queue.writers.push_back(writer);
        } else {
            queue
                .later
                .push_back((Instant::now() + REPAIR_PAUSE, writer));
        }
    }
}

impl Ready {
    fn lock(&self) -> MutexGuard<'_, ReadyQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next database that has something to do; `None` when the pool has ended.
    fn next(&self) -> Option<Arc<Writer>> {
        let own = std::thread::current();
        loop {
            let mut queue = self.lock();
            // Whoever woke this thread took it out; not so where its pause was over.
            queue.waiting.retain(|thread| thread.id() != own.id());
            // All wait equally long, so the first is the earliest.
            let pause = queue
                .later
                .front()
                .map(|(at, _)| at.saturating_duration_since(Instant::now()));
            if pause == Some(Duration::ZERO) {
                return queue.later.pop_front().map(|(_, writer)| writer);
            }
            if let Some(writer) = queue.writers.pop_front() {
                // Another sees to those whose time comes meanwhile.
                if pause.is_some()
                    && let Some(other) = queue.waiting.pop()
                {
                    other.unpark();
                }
                return Some(writer);
            }
            if queue.stopped {
                return None;
            }
            queue.waiting.push(own.clone());
            drop(queue);
            match pause {
                Some(pause) => std::thread::park_timeout(pause),
                None => std::thread::park(),
            }
        }
    }
}
