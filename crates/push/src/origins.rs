//! What this process knows of push services: how many requests each may have at once, and which one rests because it
//! does not answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Requests to one service at once.
const CONCURRENT_MAX: usize = 16;
/// How long a service rests after the first failure of the network; twice as long after each further one.
const REST: Duration = Duration::from_secs(5);
/// How long it rests at most.
const REST_MAX: Duration = Duration::from_secs(300);
/// Services that are remembered. Endpoints come from users, and each could name a service of its own.
const ORIGINS_MAX: usize = 1_000;

/// The services by their origin.
#[derive(Default)]
pub(crate) struct Origins(Mutex<HashMap<String, Origin>>);

#[derive(Clone)]
struct Origin {
    room: Arc<Semaphore>,
    failures: u32,
    rests_until: Option<Instant>,
}

impl Origins {
    /// The room that requests to this service share.
    pub(crate) fn room(&self, origin: &str) -> Arc<Semaphore> {
        self.with(origin, |known| known.room.clone())
    }

    /// For how much longer this service rests; `None` when it does not.
    pub(crate) fn rest(&self, origin: &str) -> Option<Duration> {
        self.with(origin, |known| {
            let left = known.rests_until?.checked_duration_since(Instant::now())?;
            (!left.is_zero()).then_some(left)
        })
    }

    /// Notes whether the service answered, whatever it said.
    pub(crate) fn note(&self, origin: &str, answered: bool) {
        self.with(origin, |known| {
            if answered {
                known.failures = 0;
                known.rests_until = None;
            } else if known
                .rests_until
                .is_none_or(|until| until <= Instant::now())
            {
                // Requests that were under way together count as one failure.
                let rest = REST * 2_u32.saturating_pow(known.failures.min(10));
                known.failures += 1;
                known.rests_until = Some(Instant::now() + rest.min(REST_MAX));
            }
        });
    }

    fn with<T>(&self, origin: &str, f: impl FnOnce(&mut Origin) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ORIGINS_MAX && !all.contains_key(origin) {
            let now = Instant::now();
            all.retain(|_, known| {
                Arc::strong_count(&known.room) > 1 || known.rests_until.is_some_and(|t| t > now)
            });
            // All of them rest: who forgets one tries it once more.
            if all.len() >= ORIGINS_MAX {
                all.retain(|_, known| Arc::strong_count(&known.room) > 1);
            }
        }
        f(all.entry(origin.to_owned()).or_insert_with(|| Origin {
            room: Arc::new(Semaphore::new(CONCURRENT_MAX)),
            failures: 0,
            rests_until: None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_does_not_answer_rests_longer_each_time_and_an_answer_ends_it() {
        let origins = Origins::default();
        let rest = || origins.rest("https://a").map_or(0, |d| d.as_secs() + 1);
        assert_eq!(rest(), 0);
        origins.note("https://a", false);
        origins.note("https://a", false);
        assert_eq!(rest(), 5);
        origins.with("https://a", |known| {
            known.rests_until = Some(Instant::now())
        });
        origins.note("https://a", false);
        assert_eq!(rest(), 10);
        assert_eq!(origins.rest("https://b"), None);
        origins.note("https://a", true);
        assert_eq!(rest(), 0);
        origins.note("https://a", false);
        assert_eq!(rest(), 5);
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let origins = Origins::default();
        for i in 0..5_000 {
            origins.note(&format!("https://{i}.example.com"), i % 2 == 0);
        }
        assert!(origins.0.lock().unwrap().len() <= ORIGINS_MAX);
    }
}
