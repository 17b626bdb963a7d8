//! Threads of their own for hashing, and a queue before them that sheds what is too much.

use crate::Problem;
use kernel::Code;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Seconds after which a caller who was refused may come again.
const RETRY_SECONDS: u64 = 2;
/// A thread without work rests after so long.
const IDLE: Duration = Duration::from_secs(1);

/// A few threads, and the work that waits for them. Dropped, it ends its threads.
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Work that may wait, beside what is being done.
    waiting_max: usize,
    threads: usize,
    /// What a thread does once it has had nothing to do for [`IDLE`].
    rest: fn(),
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Box<dyn Work>>,
    busy: usize,
    is_over: bool,
}

/// A piece of work whose caller may go away.
trait Work: Send {
    fn is_wanted(&self) -> bool;
    fn run(self: Box<Self>);
}

struct Job<F, T> {
    work: F,
    done: oneshot::Sender<T>,
}

impl<T: Send, F: FnOnce() -> T + Send> Work for Job<F, T> {
    fn is_wanted(&self) -> bool {
        !self.done.is_closed()
    }

    fn run(self: Box<Self>) {
        let Self { work, done } = *self;
        // Whoever is gone by now does not need it.
        let _ = done.send(work());
    }
}

impl Pool {
    /// With so many threads, which begin at once, so much work waiting, and what a thread does when work has ceased for a
    /// second.
    pub(super) fn new(threads: usize, waiting_max: usize, rest: fn()) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            waiting_max,
            threads,
            rest,
        });
        for _ in 0..threads {
            let shared = shared.clone();
            let thread = std::thread::Builder::new().name("hashing".to_owned());
            // Without a thread nothing is hashed, and what waits is refused in its turn.
            if let Err(error) = thread.spawn(move || shared.work()) {
                tracing::error!(%error, "a thread for hashing cannot be made");
            }
        }
        Self(shared)
    }

    /// Does a piece of work, or refuses it when too much waits. Work whose caller went away while it waited is not done.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (done, result) = oneshot::channel();
        self.0.enter(Box::new(Job { work, done }))?;
        // A thread that panicked, or that there is none.
        result
            .await
            .map_err(|_| Problem::internal("a password could not be hashed"))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.is_over = true;
        queue.waiting.clear();
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, job: Box<dyn Work>) -> Result<(), Problem> {
        let mut queue = self.lock();
        if queue.waiting.len() + queue.busy >= self.waiting_max + self.threads {
            queue.waiting.retain(|job| job.is_wanted());
        }
        if queue.waiting.len() + queue.busy >= self.waiting_max + self.threads {
            return Err(Problem::new(Code::RateLimited)
                .detail("Too many passwords are being checked.")
                .retry_after(RETRY_SECONDS));
        }
        queue.waiting.push_back(job);
        self.changed.notify_one();
        Ok(())
    }

    fn work(&self) {
        store::yield_to_others();
        while let Some(job) = self.next() {
            // The next caller must not suffer for a panic, which drops this one's sender.
            let run = std::panic::AssertUnwindSafe(|| job.run());
            if std::panic::catch_unwind(run).is_err() {
                tracing::error!("a thread for hashing panicked");
            }
            self.lock().busy -= 1;
        }
    }

    /// The next piece of work that somebody waits for; none when the pool is over.
    fn next(&self) -> Option<Box<dyn Work>> {
        let mut rested = false;
        let mut queue = self.lock();
        loop {
            if queue.is_over {
                return None;
            }
            match queue.waiting.pop_front() {
                Some(job) if job.is_wanted() => {
                    queue.busy += 1;
                    return Some(job);
                }
                Some(_) => {}
                None if rested => {
                    let woken = self.changed.wait(queue);
                    queue = woken.unwrap_or_else(PoisonError::into_inner);
                }
                None => {
                    let woken = self.changed.wait_timeout(queue, IDLE);
                    let (held, waited) = woken.unwrap_or_else(PoisonError::into_inner);
                    queue = held;
                    if waited.timed_out() && queue.waiting.is_empty() {
                        drop(queue);
                        (self.rest)();
                        rested = true;
                        queue = self.lock();
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_panic_is_one_callers_and_others_are_served() {
        let pool = Pool::new(1, 4, || ());
        let failed = pool.run(|| panic!("on purpose")).await;
        assert!(failed.is_err_and(|p: Problem| p.code() == Code::Internal));
        assert_eq!(pool.run(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn work_of_a_caller_who_left_is_not_done() {
        let pool = Pool::new(1, 4, || ());
        let done = Arc::new(AtomicUsize::new(0));
        let (block, wait) = std::sync::mpsc::channel::<()>();
        let first = pool.run(move || wait.recv().ok());
        let count = done.clone();
        let second = pool.run(move || count.fetch_add(1, Ordering::SeqCst));
        let both = async { tokio::join!(first, second) };
        assert!(
            tokio::time::timeout(Duration::from_millis(50), both)
                .await
                .is_err()
        );
        block.send(()).unwrap();
        pool.run(|| ()).await.unwrap();
        assert_eq!(done.load(Ordering::SeqCst), 0);
    }
}
