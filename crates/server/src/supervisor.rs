//! Background work: every task that is not a request is started here, restarted after a panic, and waited for at the end.

use actix_web::rt;
use futures_util::FutureExt;
use std::cell::RefCell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The pause before a task that panicked starts again.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// How long tasks have to end when the server stops.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// The tasks of a process. Lives on the main thread.
pub struct Supervisor {
    stop: watch::Sender<bool>,
    tasks: RefCell<Vec<JoinHandle<()>>>,
}

impl Supervisor {
    /// With no task yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            stop: watch::Sender::new(false),
            tasks: RefCell::default(),
        }
    }

    /// Runs what `make` gives until it ends or the server stops; after a panic it is made anew.
    pub fn run<F>(&self, name: &'static str, make: impl Fn() -> F + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        let mut stop = self.stop.subscribe();
        #[expect(clippy::disallowed_methods, reason = "this is the supervisor")]
        let task = rt::spawn(async move {
            loop {
                let work = AssertUnwindSafe(make()).catch_unwind();
                let ended = tokio::select! {
                    ended = work => ended,
                    _ = stop.wait_for(|stop| *stop) => return,
                };
                if ended.is_ok() {
                    return;
                }
                tracing::error!(task = name, "a background task panicked and starts again");
                tokio::time::sleep(RESTART_PAUSE).await;
            }
        });
        self.tasks.borrow_mut().push(task);
    }

    /// Runs `work`, which cannot be made anew, until it ends or the server stops.
    pub fn once(&self, name: &'static str, work: impl Future<Output = ()> + 'static) {
        let work = RefCell::new(Some(work));
        self.run(name, move || {
            let work = work.take();
            async move {
                if let Some(work) = work {
                    work.await;
                }
            }
        });
    }

    /// Ends all tasks and waits for them.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let all = futures_util::future::join_all(self.tasks.into_inner());
        if tokio::time::timeout(STOP_PATIENCE, all).await.is_err() {
            tracing::warn!("a background task did not end in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    #[test]
    fn a_task_that_panics_starts_again_and_all_end() {
        rt::System::new().block_on(async {
            let starts = Rc::new(Cell::new(0));
            let supervisor = Supervisor::new();
            let count = starts.clone();
            supervisor.run("test", move || {
                count.set(count.get() + 1);
                let first = count.get() == 1;
                async move {
                    assert!(!first, "the first run fails");
                    std::future::pending::<()>().await;
                }
            });
            tokio::time::sleep(RESTART_PAUSE + Duration::from_millis(300)).await;
            assert_eq!(starts.get(), 2);
            supervisor.stop().await;
        });
    }
}
