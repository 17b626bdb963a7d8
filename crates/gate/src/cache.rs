//! How long something that was read stays true: until this process changes it, and where other nodes may, under a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The rule of freshness: none on SQLite, where no other process changes anything.
#[derive(Clone, Debug)]
pub(crate) struct Fresh {
    start: Instant,
    after: Option<Duration>,
}

impl Fresh {
    pub(crate) fn new(after: Option<Duration>) -> Self {
        Self {
            start: Instant::now(),
            after,
        }
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark(AtomicU64::new(self.now()))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// When something was read.
#[derive(Debug)]
pub(crate) struct Mark(AtomicU64);

impl Mark {
    /// Notes the present, to the second, so that a busy thing is not written to at every use.
    pub(crate) fn touch(&self, fresh: &Fresh) {
        let now = fresh.now();
        if now.saturating_sub(self.0.load(Ordering::Relaxed)) >= 1_000 {
            self.0.store(now, Ordering::Relaxed);
        }
    }

    /// How long ago it was noted.
    pub(crate) fn age(&self, fresh: &Fresh) -> Duration {
        Duration::from_millis(fresh.now().saturating_sub(self.0.load(Ordering::Relaxed)))
    }

    /// Whether it must be read again, said to one caller only: the others go on with what is there meanwhile.
    pub(crate) fn is_due(&self, fresh: &Fresh) -> bool {
        let Some(after) = fresh.after else {
            return false;
        };
        let (now, then) = (fresh.now(), self.0.load(Ordering::Relaxed));
        let due = now.saturating_sub(then) >= u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        due && self
            .0
            .compare_exchange(then, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

/// Counts changes, so that what was read before a change is not kept after it.
#[derive(Debug, Default)]
pub(crate) struct Changes(AtomicU64);

impl Changes {
    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn one_more(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
