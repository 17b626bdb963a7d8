//! Access tokens that were verified, and how their sessions stand: what makes a signed-in request cost about nothing.
//!
//! A token is verified once. Its session is believed for one second after it was read, and not a moment longer once
//! this process ended it. Both maps are bounded; losing an entry costs one verification.

mod shards;

use gate::UserAuth;
use kernel::Stamp;
use shards::{Shards, mark};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use uuid::Uuid;

/// For how long a session is believed to stand as it was read.
const BELIEVED: Duration = Duration::from_secs(1);

/// How a session stands, as far as this process knows. Its end is final; all else is read anew each second.
pub(crate) struct Live {
    project: Uuid,
    /// The session.
    pub session: Uuid,
    /// Who signed in.
    pub user: Uuid,
    ended: AtomicBool,
    seen: RwLock<Option<Seen>>,
}

/// What was read of a session and its user, and when.
struct Seen {
    at: Stamp,
    /// A second later, or when the session expires if that is sooner.
    until: Stamp,
    stands: Standing,
}

/// How a session and its user stand, for the gate.
#[derive(Clone)]
pub(crate) struct Standing {
    /// What rules read as `auth`.
    pub auth: Arc<rules::Auth>,
    /// When a credential was last shown.
    pub proved_at: Stamp,
    /// Who acts as the user, where it is not the user.
    pub impersonator: Option<Arc<str>>,
}

impl Live {
    /// What rules read as `auth`, if the session was read less than a second ago and has not ended.
    fn believed(&self, now: Stamp) -> Option<Standing> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        // A clock that went back makes the reading look like one from the future: that is not believed either.
        let seen = seen
            .as_ref()
            .filter(|seen| seen.at <= now && now < seen.until)?;
        (!self.is_ended()).then(|| seen.stands.clone())
    }

    /// Notes what was read at `at`.
    pub(crate) fn note(&self, at: Stamp, expires_at: Stamp, stands: Standing) {
        let until = expires_at.min(at.plus(BELIEVED));
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) =
            Some(Seen { at, until, stands });
    }

    /// Whether this process ended it. Asked after reading the rows too: the end may have come in between.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// The session and its user, for the gate.
    pub(crate) fn user_auth(&self, stands: Standing) -> UserAuth {
        UserAuth {
            id: self.user,
            session: self.session,
            auth: stands.auth,
            proved_at: stands.proved_at,
            impersonator: stands.impersonator,
        }
    }
}

/// A verified token.
struct Known {
    project: Uuid,
    text: Box<str>,
    exp: i64,
    live: Arc<Live>,
}

/// What is known of a token.
pub(crate) enum Found {
    /// It is good, and its session stood a moment ago.
    Good(UserAuth),
    /// It is good; how its session stands must be read.
    Stale(Arc<Live>),
    /// It was verified, but its time is over.
    Expired,
    /// It was not verified yet, or was forgotten.
    Unknown,
}

/// The verified tokens and their sessions, of all projects.
pub(crate) struct Cache {
    tokens: Shards<Known>,
    lives: Shards<Arc<Live>>,
    /// How often tokens were forgotten.
    forgotten: AtomicU64,
}

impl Cache {
    /// For so many tokens at most, and as many sessions.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            tokens: Shards::new(max),
            lives: Shards::new(max),
            forgotten: AtomicU64::new(0),
        }
    }

    /// What is known of a token of this project.
    pub(crate) fn find(&self, project: Uuid, text: &str, now: Stamp) -> Found {
        let look = |known: Option<&Known>| {
            let Some(known) =
                known.filter(|known| known.project == project && *known.text == *text)
            else {
                return Found::Unknown;
            };
            if crate::tokens::is_expired(known.exp, now) {
                return Found::Expired;
            }
            match known.live.believed(now) {
                Some(stands) => Found::Good(known.live.user_auth(stands)),
                None => Found::Stale(known.live.clone()),
            }
        };
        self.tokens.read(mark(text.as_bytes()), look)
    }

    /// The moment for [`Cache::keep`]. Take it before the keys that a token is verified with.
    pub(crate) fn moment(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }

    /// Keeps a token that was verified since a moment; not if tokens were forgotten after it.
    pub(crate) fn keep(&self, text: &str, exp: i64, live: &Arc<Live>, now: Stamp, moment: u64) {
        let known = Known {
            project: live.project,
            text: text.into(),
            exp,
            live: live.clone(),
        };
        let is_good =
            |known: &Known| !crate::tokens::is_expired(known.exp, now) && !known.live.is_ended();
        let may = || self.moment() == moment;
        self.tokens
            .insert_if(mark(text.as_bytes()), known, may, is_good);
    }

    /// Forgets that the tokens of a project, or of all, were verified.
    pub(crate) fn forget(&self, project: Option<Uuid>) {
        // First the count: whoever looks at it later keeps nothing, and whoever looked before is swept away.
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.tokens
            .retain(|known| project.is_some_and(|project| known.project != project));
    }

    /// The one place where this session's standing is kept. Take it before reading the rows, so that an end in
    /// between is noticed.
    pub(crate) fn live(&self, project: Uuid, session: Uuid, user: Uuid) -> Arc<Live> {
        let key = mark(session.as_bytes());
        let same = |live: &&Arc<Live>| {
            live.project == project && live.session == session && live.user == user
        };
        if let Some(live) = self.lives.read(key, |live| live.filter(same).cloned()) {
            return live;
        }
        let fresh = Arc::new(Live {
            project,
            session,
            user,
            ended: AtomicBool::new(false),
            seen: RwLock::new(None),
        });
        self.lives.get_or_insert(
            key,
            fresh,
            |live| same(&live),
            |live| Arc::strong_count(live) > 1,
        )
    }

    /// Ends sessions at once for this process. Call it when the rows are committed.
    pub(crate) fn end(&self, project: Uuid, sessions: &[Uuid]) {
        for session in sessions {
            self.lives.read(mark(session.as_bytes()), |live| {
                if let Some(live) =
                    live.filter(|live| live.project == project && live.session == *session)
                {
                    live.ended.store(true, Ordering::SeqCst);
                }
            });
        }
    }

    /// Believes nothing about the sessions of a project any more, or of all projects.
    pub(crate) fn doubt_all(&self, project: Option<Uuid>) {
        self.lives.each(|live| {
            if project.is_none_or(|project| live.project == project) {
                *live.seen.write().unwrap_or_else(PoisonError::into_inner) = None;
            }
        });
    }

    /// Believes nothing about a user's sessions any more: they are read at the next request.
    pub(crate) fn doubt(&self, project: Uuid, user: Uuid) {
        self.lives.each(|live| {
            if live.project == project && live.user == user {
                *live.seen.write().unwrap_or_else(PoisonError::into_inner) = None;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: Uuid = Uuid::from_u128(1);
    const Q: Uuid = Uuid::from_u128(2);
    const USER: Uuid = Uuid::from_u128(3);
    const SESSION: Uuid = Uuid::from_u128(4);

    fn at(millis: i128) -> Stamp {
        Stamp::from_time(
            time::OffsetDateTime::from_unix_timestamp_nanos(
                1_800_000_000_000_000_000 + millis * 1_000_000,
            )
            .unwrap(),
        )
        .unwrap()
    }

    fn standing() -> Standing {
        Standing {
            auth: Arc::default(),
            proved_at: at(0),
            impersonator: None,
        }
    }

    fn exp(seconds: i64) -> i64 {
        1_800_000_000 + seconds
    }

    fn filled() -> (Cache, Arc<Live>) {
        let cache = Cache::new(1_000);
        let live = cache.live(P, SESSION, USER);
        live.note(at(0), at(3_600_000), standing());
        cache.keep("token", exp(600), &live, at(0), 0);
        (cache, live)
    }

    fn kind(found: &Found) -> &'static str {
        match found {
            Found::Good(_) => "good",
            Found::Stale(_) => "stale",
            Found::Expired => "expired",
            Found::Unknown => "unknown",
        }
    }

    #[test]
    fn a_forgotten_token_is_verified_again_and_by_later_keys() {
        let (cache, live) = filled();
        let before = cache.moment();
        cache.forget(Some(Q));
        assert_eq!(kind(&cache.find(P, "token", at(0))), "good");
        cache.forget(Some(P));
        assert_eq!(kind(&cache.find(P, "token", at(0))), "unknown");
        // A request that took the keys before and verified the token after.
        cache.keep("token", exp(600), &live, at(0), before);
        assert_eq!(kind(&cache.find(P, "token", at(0))), "unknown");
        cache.keep("token", exp(600), &live, at(0), cache.moment());
        assert_eq!(kind(&cache.find(P, "token", at(0))), "good");
    }

    #[test]
    fn a_session_is_believed_for_a_second() {
        let (cache, live) = filled();
        let cases = [
            (0, "good"),
            (999, "good"),
            (1_000, "stale"),
            (-1, "stale"),
            (604_999, "stale"),
            (605_000, "expired"),
        ];
        for (millis, want) in cases {
            assert_eq!(kind(&cache.find(P, "token", at(millis))), want, "{millis}");
        }
        live.note(at(5_000), at(5_500), standing());
        assert_eq!(kind(&cache.find(P, "token", at(5_499))), "good");
        assert_eq!(kind(&cache.find(P, "token", at(5_500))), "stale");
    }

    #[test]
    fn a_token_is_known_by_its_whole_text_and_its_project() {
        let (cache, live) = filled();
        let long = format!("{}token-of-16-bytes", "x".repeat(50));
        let other = format!("{}token-of-16-bytes", "y".repeat(50));
        cache.keep(&long, exp(600), &live, at(0), 0);
        assert_eq!(kind(&cache.find(P, &long, at(0))), "good");
        for (project, text) in [
            (Q, "token"),
            (P, "Token"),
            (P, ""),
            (P, "tok"),
            (P, other.as_str()),
        ] {
            assert_eq!(
                kind(&cache.find(project, text, at(0))),
                "unknown",
                "{project} {text}"
            );
        }
    }

    #[test]
    fn an_end_is_at_once_and_final() {
        let (cache, live) = filled();
        cache.end(Q, &[SESSION]);
        assert_eq!(kind(&cache.find(P, "token", at(0))), "good");
        cache.end(P, &[SESSION]);
        assert_eq!(kind(&cache.find(P, "token", at(0))), "stale");
        // A request that read the rows before the end and notes them after it.
        live.note(at(1), at(3_600_000), standing());
        assert_eq!(kind(&cache.find(P, "token", at(1))), "stale");
        assert!(cache.live(P, SESSION, USER).is_ended());
    }

    #[test]
    fn a_doubted_user_is_read_again() {
        let (cache, _) = filled();
        cache.doubt(P, Uuid::from_u128(9));
        cache.doubt(Q, USER);
        assert_eq!(kind(&cache.find(P, "token", at(0))), "good");
        cache.doubt(P, USER);
        assert_eq!(kind(&cache.find(P, "token", at(0))), "stale");
    }

    #[test]
    fn the_sessions_of_a_project_are_read_again() {
        let (cache, _) = filled();
        cache.doubt_all(Some(Q));
        assert_eq!(kind(&cache.find(P, "token", at(0))), "good");
        cache.doubt_all(Some(P));
        assert_eq!(kind(&cache.find(P, "token", at(0))), "stale");
        let (cache, _) = filled();
        cache.doubt_all(None);
        assert_eq!(kind(&cache.find(P, "token", at(0))), "stale");
    }

    #[test]
    fn both_maps_are_bounded_and_drop_the_useless_first() {
        let (cache, live) = filled();
        let spread = |n: u128| {
            Uuid::from_u128(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_string()
        };
        for n in 0..5_000 {
            cache.keep(&spread(n), exp(-100), &live, at(0), 0);
        }
        for n in 5_000..5_200 {
            cache.keep(&spread(n), exp(600), &live, at(0), 0);
        }
        let count = std::cell::Cell::new(0);
        cache.tokens.each(|_| count.set(count.get() + 1));
        assert!(count.get() <= 1_000, "{}", count.get());
        let kept = (5_000..5_200)
            .filter(|n| kind(&cache.find(P, &spread(*n), at(0))) == "good")
            .count();
        assert!(kept > 190, "{kept}");
        for n in 0..5_000 {
            cache.live(P, Uuid::from_u128(n << 3), USER);
        }
        count.set(0);
        cache.lives.each(|_| count.set(count.get() + 1));
        assert!(count.get() <= 1_000, "{}", count.get());
        // The session with a kept token is still the same one.
        assert!(Arc::ptr_eq(&live, &cache.live(P, SESSION, USER)));
    }
}
