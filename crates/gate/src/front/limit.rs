//! Limits per caller in memory: one for all requests, a stricter one for guessing credentials.

use super::network::Network;
use super::trip::Trip;
use crate::{LimitsConfig, Place, Problem, Who};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock, QuantaInstant};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{NotUntil, Quota, RateLimiter};
use kernel::Code;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use uuid::Uuid;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Callers in memory above which those who rest are forgotten each second, and not each minute.
const MANY: usize = 20_000;

/// Whom a request is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CallerKey {
    /// With the project's uid, because users of two projects may bring the same id.
    User(Uuid, Uuid),
    Key(Uuid),
    Operator(Uuid),
    Network(Network),
}

/// Counts more for a request that stands for many. The front door leaves it with requests that write.
#[derive(Clone)]
pub(crate) struct Charge {
    limiter: Arc<Limiter<CallerKey>>,
    caller: CallerKey,
}

impl Charge {
    /// Counts `more` beside the request itself; 429 when its caller has had too many. What is more than a caller may
    /// ever send at once takes all of it.
    pub(crate) fn take(&self, more: u32) -> Result<(), Problem> {
        let whole = self.limiter.burst.saturating_sub(1);
        let Some(n) = NonZeroU32::new(more.min(whole)) else {
            return Ok(());
        };
        match self.limiter.governor.check_key_n(&self.caller, n) {
            // More than the whole allowance was cut down to it above.
            Ok(Ok(_)) | Err(_) => Ok(()),
            Ok(Err(until)) => Err(self.limiter.refusal(&until)),
        }
    }
}

/// Where a caller stands after this request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    burst: u32,
    remaining: u32,
    reset_seconds: u32,
}

impl Counted {
    pub(super) fn write(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.burst));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(self.reset_seconds));
    }
}

/// One node's part of the limits, rounded up: a limit that is on stays on.
pub(super) fn part(whole: &LimitsConfig, nodes: u32) -> LimitsConfig {
    let part = |of: u32| of.div_ceil(nodes.max(1));
    LimitsConfig {
        requests_per_second: part(whole.requests_per_second),
        burst: part(whole.burst),
        credential_requests_per_second: part(whole.credential_requests_per_second),
        credential_burst: part(whole.credential_burst),
    }
}

/// The limits of a process.
pub(super) struct Limits {
    all: Option<Arc<Limiter<CallerKey>>>,
    credentials: Option<Limiter<Network>>,
}

impl Limits {
    pub(super) fn new(config: &LimitsConfig) -> Self {
        Self {
            all: Limiter::new(config.requests_per_second, config.burst).map(Arc::new),
            credentials: Limiter::new(
                config.credential_requests_per_second,
                config.credential_burst,
            ),
        }
    }

    /// Counts the request; 429 when its caller has had too many. `path` is the one that the router reads.
    pub(super) fn check(
        &self,
        path: &str,
        trip: &mut Trip,
        who: Option<&Who>,
    ) -> Result<Option<Counted>, Problem> {
        let strict = match &self.credentials {
            Some(limiter)
                if trip.method == Method::POST && takes_credentials(trip.place(), path) =>
            {
                Some(limiter.check(trip.network, trip)?)
            }
            _ => None,
        };
        let uid = trip.project.as_ref().map(|p| p.uid).unwrap_or_default();
        let caller = match who {
            Some(Who::User(user)) => CallerKey::User(uid, user.id),
            Some(Who::Key { id, .. }) => CallerKey::Key(*id),
            Some(Who::Operator { id, .. }) => CallerKey::Operator(*id),
            Some(Who::Anonymous) | None => CallerKey::Network(trip.network),
        };
        let counted = self
            .all
            .as_ref()
            .map(|limiter| limiter.check(caller, trip))
            .transpose()?;
        if trip.method == Method::POST {
            trip.charge = self.all.as_ref().map(|limiter| Charge {
                limiter: limiter.clone(),
                caller,
            });
        }
        Ok(strict.or(counted))
    }
}

/// Where a caller can guess or make credentials, by POST; to read one's own sessions is not guessing.
fn takes_credentials(place: Place, path: &str) -> bool {
    match place {
        Place::Project => path.starts_with("/v1/auth/"),
        Place::Instance => path == "/admin/v1/session" || path == "/admin/v1/setup",
    }
}

type Governor<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

struct Limiter<K: Hash + Eq + Clone> {
    governor: Governor<K>,
    rate: u32,
    burst: u32,
    start: Instant,
    /// When callers who rest are forgotten next, in seconds after `start`.
    look_at: AtomicU64,
    sweep_at: AtomicU64,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(rate: u32, burst: u32) -> Option<Self> {
        let quota = Quota::per_second(NonZeroU32::new(rate)?).allow_burst(NonZeroU32::new(burst)?);
        let governor: Governor<K> =
            RateLimiter::new(quota, DashMapStateStore::default(), DefaultClock::default());
        let (look_at, sweep_at) = (AtomicU64::new(1), AtomicU64::new(60));
        Some(Self {
            governor,
            rate,
            burst,
            start: Instant::now(),
            look_at,
            sweep_at,
        })
    }

    fn check(&self, key: K, trip: &mut Trip) -> Result<Counted, Problem> {
        self.forget(trip.started);
        let counted = |remaining: u32| Counted {
            burst: self.burst,
            remaining,
            reset_seconds: (self.burst - remaining.min(self.burst)).div_ceil(self.rate),
        };
        match self.governor.check_key(&key) {
            Ok(state) => Ok(counted(state.remaining_burst_capacity())),
            Err(until) => {
                trip.limit = Some(counted(0));
                Err(self.refusal(&until))
            }
        }
    }

    fn refusal(&self, until: &NotUntil<QuantaInstant>) -> Problem {
        let wait = until.wait_time_from(self.governor.clock().now());
        Problem::new(Code::RateLimited)
            .retry_after(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }

    /// Forgets callers whose allowance is full again: each minute, or each second while there are many.
    fn forget(&self, now: Instant) {
        let second = now.saturating_duration_since(self.start).as_secs();
        let due = self.look_at.load(Ordering::Relaxed);
        if second < due
            || self
                .look_at
                .compare_exchange(due, second + 1, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        if second >= self.sweep_at.load(Ordering::Relaxed) || self.governor.len() > MANY {
            self.governor.retain_recent();
            self.sweep_at.store(second + 60, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_never_nothing_and_off_stays_off() {
        let whole = LimitsConfig {
            requests_per_second: 50,
            burst: 200,
            credential_requests_per_second: 0,
            credential_burst: 2,
        };
        let want = LimitsConfig {
            requests_per_second: 17,
            burst: 67,
            credential_requests_per_second: 0,
            credential_burst: 1,
        };
        assert_eq!(part(&whole, 3), want);
        assert_eq!(part(&whole, 1), whole);
        assert_eq!(part(&whole, 0), whole);
    }

    #[test]
    fn sign_in_and_set_up_are_where_credentials_are_guessed() {
        let cases = [
            (Place::Project, "/v1/auth/sign-up", true),
            (Place::Project, "/v1/records/auth", false),
            (Place::Project, "/admin/v1/session", false),
            (Place::Instance, "/admin/v1/session", true),
            (Place::Instance, "/admin/v1/setup", true),
            (Place::Instance, "/admin/v1/projects", false),
        ];
        for (place, path, want) in cases {
            assert_eq!(takes_credentials(place, path), want, "{place:?} {path}");
        }
    }
}
