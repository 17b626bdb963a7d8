//! The key pairs that sign a project's access tokens: made at first need, sealed at rest, loaded once, several at a time.

mod pair;

use crate::error::Error;
use crate::rows::{self, signing_key};
use crate::views::social::SigningKeyView;
use gate::{By, Project, SigningAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use kernel::Stamp;
pub(crate) use pair::make_pair;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// How long after a look at the table an unknown key is not looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long keys are believed without a look at the table: so long another node may sign with one that was retired.
const BELIEVED: Duration = Duration::from_secs(60);
/// How long the next key is published before it signs.
const PUBLISHED_BEFORE: Duration = Duration::from_secs(86_400);
/// How old a key is at least before one of another algorithm takes its place: nodes that learn of a changed setting one
/// after the other must not replace each other's keys.
const SETTLED: Duration = Duration::from_secs(5);

/// One key pair, ready to use.
pub(crate) struct SigningKey {
    /// The thumbprint of the public half.
    pub kid: String,
    /// The one algorithm it is good for.
    pub algorithm: Algorithm,
    /// The private half.
    pub private: EncodingKey,
    /// The public half.
    pub public: DecodingKey,
    /// The public half as it is published.
    pub jwk: Value,
    /// When it was made.
    pub created_at: Stamp,
    /// Since when it signs.
    pub signs_at: Stamp,
    /// Since when it signs no more.
    retired_at: Option<Stamp>,
}

impl SigningKey {
    /// From what is stored; `None` when it is not what it should be.
    pub(crate) fn new(algorithm: &str, private: &[u8], jwk: Value, times: Times) -> Option<Self> {
        let member = |name: &str| jwk.get(name).and_then(Value::as_str);
        let (algorithm, private, public) = match algorithm {
            "ES256" => (
                Algorithm::ES256,
                EncodingKey::from_ec_der(private),
                DecodingKey::from_ec_components(member("x")?, member("y")?).ok()?,
            ),
            "EdDSA" => (
                Algorithm::EdDSA,
                EncodingKey::from_ed_der(private),
                DecodingKey::from_ed_components(member("x")?).ok()?,
            ),
            _ => return None,
        };
        let kid = member("kid")?.to_owned();
        Some(Self {
            kid,
            algorithm,
            private,
            public,
            jwk,
            created_at: times.created_at,
            signs_at: times.signs_at,
            retired_at: times.retired_at,
        })
    }

    fn open(project: &Project, row: signing_key::Model) -> Result<Self, Error> {
        let private = project.open(&place(&row.kid), &row.private)?;
        let created_at = Stamp::from_time(row.created_at).ok_or(Error::Sealed("a key's time"))?;
        let times = Times {
            created_at,
            signs_at: row
                .signs_at
                .and_then(Stamp::from_time)
                .unwrap_or(created_at),
            retired_at: row.retired_at.and_then(Stamp::from_time),
        };
        Self::new(&row.algorithm, &private, row.public, times).ok_or(Error::Sealed("a signing key"))
    }

    fn signs(&self, now: Stamp) -> bool {
        self.signs_at <= now && self.retired_at.is_none_or(|at| now < at)
    }
}

/// The times of a key.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) created_at: Stamp,
    pub(crate) signs_at: Stamp,
    pub(crate) retired_at: Option<Stamp>,
}

/// The name of what is signed with (RFC 7518, RFC 8037).
pub(crate) fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "EdDSA",
        _ => "ES256",
    }
}

/// What a project's settings want to be signed with.
fn wanted(project: &Project) -> SigningAlgorithm {
    project.settings().auth.signing_algorithm
}

fn stored(algorithm: SigningAlgorithm) -> &'static str {
    match algorithm {
        SigningAlgorithm::Es256 => "ES256",
        SigningAlgorithm::Eddsa => "EdDSA",
    }
}

/// Where a private half is stored: what it was sealed for.
fn place(kid: &str) -> String {
    format!("_signing_keys/{kid}")
}

/// The keys of one project as they were at one moment.
pub(crate) struct KeySet {
    /// The newest first.
    keys: Vec<SigningKey>,
    loaded_at: Stamp,
    /// How long a token lives at most, and with it a retired key.
    life: Duration,
}

impl KeySet {
    /// Keys in any order.
    pub(crate) fn new(mut keys: Vec<SigningKey>, loaded_at: Stamp, life: Duration) -> Self {
        keys.sort_by(|a, b| (b.signs_at, &b.kid).cmp(&(a.signs_at, &a.kid)));
        Self {
            keys,
            loaded_at,
            life,
        }
    }

    /// The key that signs: the newest that does so by now and is not retired.
    pub(crate) fn current(&self, now: Stamp) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.signs(now))
    }

    /// Whether nothing signs, or with something else than is wanted, for long enough.
    fn lacks(&self, wanted: SigningAlgorithm, now: Stamp) -> bool {
        self.current(now).is_none_or(|key| {
            let is_settled = now >= key.signs_at.plus(SETTLED);
            is_settled && name(key.algorithm) != stored(wanted)
        })
    }

    /// The key of this name, while its tokens may be met.
    pub(crate) fn find(&self, kid: &str, now: Stamp) -> Option<&SigningKey> {
        self.met(now).find(|key| key.kid == kid)
    }

    /// The public halves of all keys whose tokens may be met.
    pub(crate) fn public(&self, now: Stamp) -> Vec<Value> {
        self.met(now).map(|key| key.jwk.clone()).collect()
    }

    fn met(&self, now: Stamp) -> impl Iterator<Item = &SigningKey> {
        // Another node may have signed with it for a while after it was retired.
        let life = self.life.saturating_add(BELIEVED);
        self.keys
            .iter()
            .filter(move |key| key.retired_at.is_none_or(|at| now <= at.plus(life)))
    }

    /// Whether the table is to be looked at before they are believed.
    fn is_old(&self, now: Stamp) -> bool {
        now < self.loaded_at || self.loaded_at.plus(BELIEVED) <= now
    }

    fn has_more_than(&self, other: &Self) -> bool {
        let is_missing = |key: &SigningKey| other.keys.iter().all(|o| o.kid != key.kid);
        self.keys.iter().any(is_missing)
    }

    /// Whether it is too early to look at the table once more.
    fn is_recent(&self, now: Stamp) -> bool {
        self.loaded_at <= now && now < self.loaded_at.plus(LOOK_AGAIN)
    }
}

/// How a project's key is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The next is published now and signs in a day.
    InADay,
    /// The next signs now; tokens of the one before stay good.
    AtOnce,
    /// The next signs now; all before are dropped, and what they signed is refused.
    Revoking,
}

impl Rotation {
    fn as_str(self) -> &'static str {
        match self {
            Self::InADay => "in_a_day",
            Self::AtOnce => "at_once",
            Self::Revoking => "revoking",
        }
    }
}

/// The keys of all projects that were asked for.
pub(crate) struct Keys {
    sets: RwLock<Sets>,
    life: Duration,
}

#[derive(Default)]
struct Sets {
    of: HashMap<Uuid, Arc<KeySet>>,
    /// How often a set was forgotten: what was read before that may hold a key that is dropped.
    forgotten: u64,
}

impl Keys {
    /// None yet; tokens live for `life`.
    pub(crate) fn new(life: Duration) -> Self {
        Self {
            sets: RwLock::default(),
            life,
        }
    }

    /// The project's keys; makes a pair when none signs, or none as the settings want it.
    pub(crate) async fn of(&self, project: &Project, now: Stamp) -> Result<Arc<KeySet>, Error> {
        match self.known(project.uid) {
            Some(set) if !set.is_old(now) && !set.lacks(wanted(project), now) => Ok(set),
            _ => self.load(project, now).await,
        }
    }

    /// The project's keys once more from the table, because another node may have made one; `None` when that was done
    /// a moment ago, so that tokens with invented names cost no query each.
    pub(crate) async fn again(
        &self,
        project: &Project,
        now: Stamp,
    ) -> Result<Option<Arc<KeySet>>, Error> {
        match self.known(project.uid) {
            Some(set) if set.is_recent(now) => Ok(None),
            _ => self.load(project, now).await.map(Some),
        }
    }

    fn known(&self, project: Uuid) -> Option<Arc<KeySet>> {
        let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
        sets.of.get(&project).cloned()
    }

    /// Forgets the keys of a project, or of all, because one of them may be good no longer.
    pub(crate) fn forget(&self, project: Option<Uuid>) {
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        sets.forgotten += 1;
        sets.of.retain(|uid, _| project.is_some_and(|p| p != *uid));
    }

    async fn load(&self, project: &Project, now: Stamp) -> Result<Arc<KeySet>, Error> {
        let forgotten = {
            let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
            sets.forgotten
        };
        let rows = rows::signing_keys(&project.db).await?;
        let set = self.open(project, rows, now)?;
        if !set.lacks(wanted(project), now) {
            return Ok(self.know(project, set, forgotten));
        }
        let rows = self.add(project, now).await?;
        let set = self.open(project, rows, now)?;
        Ok(self.know(project, set, forgotten))
    }

    fn open(
        &self,
        project: &Project,
        rows: Vec<signing_key::Model>,
        now: Stamp,
    ) -> Result<KeySet, Error> {
        let keys = rows.into_iter().map(|row| SigningKey::open(project, row));
        let keys = keys.collect::<Result<Vec<_>, Error>>()?;
        Ok(KeySet::new(keys, now, self.life))
    }

    /// Keeps a set, unless somebody who read a moment later was faster and knows a key that it lacks, or sets were forgotten
    /// while it was read.
    fn know(&self, project: &Project, set: KeySet, forgotten: u64) -> Arc<KeySet> {
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        if sets.forgotten != forgotten {
            return Arc::new(set);
        }
        let newer = sets
            .of
            .get(&project.uid)
            .filter(|there| there.is_recent(set.loaded_at) && there.has_more_than(&set));
        if let Some(newer) = newer {
            return newer.clone();
        }
        let set = Arc::new(set);
        sets.of.insert(project.uid, set.clone());
        set
    }

    /// Adds a pair that signs from now on, unless somebody else was faster, and gives all rows.
    async fn add(&self, project: &Project, now: Stamp) -> Result<Vec<signing_key::Model>, Error> {
        let (wanted, row) = (wanted(project), fresh(project, now, now)?);
        let add = async move |tx: &WriteTx| -> Result<Vec<signing_key::Model>, Error> {
            let there = rows::lock_signing_keys(tx).await?;
            let signs = |row: &&signing_key::Model| {
                row.signs_at.unwrap_or(row.created_at) <= now.time()
                    && row.retired_at.is_none_or(|at| now.time() < at)
            };
            let newest = there.iter().filter(signs).max_by_key(|row| row.signs_at);
            let is_fine = newest.is_some_and(|row| {
                let since = Stamp::from_time(row.signs_at.unwrap_or(row.created_at));
                let is_settled = since.is_none_or(|at| now >= at.plus(SETTLED));
                row.algorithm == stored(wanted) || !is_settled
            });
            if !is_fine {
                rows::retire_signing_keys(tx, now).await?;
                rows::insert_signing_key(tx, row.clone()).await?;
            }
            Ok(rows::signing_keys(tx).await?)
        };
        project.db.write(add).await
    }

    /// Publishes the next pair, which signs from now on or in a day; one that waits already is the one.
    async fn rotate(&self, project: &Project, by: &By, how: Rotation) -> Result<SigningKey, Error> {
        let now = by.now;
        let signs_at = match how {
            Rotation::InADay => now.plus(PUBLISHED_BEFORE),
            Rotation::AtOnce | Rotation::Revoking => now,
        };
        let (row, by, wanted) = (fresh(project, now, signs_at)?, by.clone(), wanted(project));
        let rotate = async move |tx: &WriteTx| -> Result<signing_key::Model, Error> {
            let there = rows::lock_signing_keys(tx).await?;
            let waits = there.into_iter().find(|row| {
                row.signs_at.is_some_and(|at| at > now.time())
                    && row.retired_at.is_none()
                    && row.algorithm == stored(wanted)
            });
            if let Some(waits) = waits.filter(|_| how == Rotation::InADay) {
                return Ok(waits);
            }
            match how {
                Rotation::Revoking => rows::delete_signing_keys(tx).await?,
                _ => rows::retire_signing_keys(tx, signs_at).await?,
            }
            rows::insert_signing_key(tx, row.clone()).await?;
            let detail = json!({"algorithm": row.algorithm, "how": how.as_str()});
            let entry = by.did("signing_keys.rotate", &row.kid, detail);
            gate::audit::record(tx, entry).await?;
            Ok(row.clone())
        };
        let row = project.db.write(rotate).await?;
        SigningKey::open(project, row)
    }
}

impl crate::Accounts {
    /// Changes the key that signs access tokens, and tells which is next.
    pub async fn rotate_keys(
        &self,
        ask: &crate::Ask,
        by: &By,
        how: Rotation,
    ) -> Result<SigningKeyView, Error> {
        let next = self.inner.keys.rotate(&ask.project, by, how).await?;
        self.doubt_keys(Some(ask.project.uid));
        ask.project.announce(store::Topic::SigningKeys);
        Ok(SigningKeyView::new(&next))
    }

    /// Keys of this project, or of all (`None`), may be good no longer: they are read again, and what they signed is
    /// verified again.
    pub fn doubt_keys(&self, project: Option<Uuid>) {
        self.inner.keys.forget(project);
        self.inner.cache.forget(project);
    }
}

/// The row of a new pair, as the settings want it.
fn fresh(project: &Project, now: Stamp, signs_at: Stamp) -> Result<signing_key::Model, Error> {
    let algorithm = wanted(project);
    let (private, public) = make_pair(algorithm)?;
    let kid = public["kid"].as_str().unwrap_or_default().to_owned();
    Ok(signing_key::Model {
        private: project.seal(&place(&kid), &private)?,
        kid,
        algorithm: stored(algorithm).to_owned(),
        public,
        created_at: now.time(),
        retired_at: None,
        signs_at: Some(signs_at.time()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Stamp {
        Stamp::from_time(time::OffsetDateTime::from_unix_timestamp(seconds).unwrap()).unwrap()
    }

    fn key(algorithm: SigningAlgorithm, signs: i64, retired: Option<i64>) -> SigningKey {
        let (private, public) = make_pair(algorithm).unwrap();
        let times = Times {
            created_at: at(signs.min(10)),
            signs_at: at(signs),
            retired_at: retired.map(at),
        };
        SigningKey::new(stored(algorithm), &private, public, times).unwrap()
    }

    #[test]
    fn the_thumbprint_is_that_of_the_library() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Eddsa] {
            let (_, public) = make_pair(algorithm).unwrap();
            let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(public.clone()).unwrap();
            let want = jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256);
            assert_eq!(public["kid"], want.unwrap());
        }
    }

    #[test]
    fn the_newest_key_signs_and_a_retired_one_is_published_until_its_last_token_ends() {
        use SigningAlgorithm::Es256;
        let (old, new) = (key(Es256, 10, Some(100)), key(Es256, 100, None));
        let (old_kid, new_kid) = (old.kid.clone(), new.kid.clone());
        let set = KeySet::new(vec![old, new], at(0), Duration::from_secs(600));
        let current = |now: i64| set.current(at(now)).map(|key| key.kid.clone());
        // The next one is published before it signs.
        assert_eq!((current(9), current(10)), (None, Some(old_kid.clone())));
        assert_eq!(
            (current(99), current(100)),
            (Some(old_kid.clone()), Some(new_kid))
        );
        let met = |now: i64| {
            (
                set.public(at(now)).len(),
                set.find(&old_kid, at(now)).is_some(),
            )
        };
        // 600 seconds of a token, and 60 in which another node did not know.
        assert_eq!(
            (met(10), met(760), met(761)),
            ((2, true), (2, true), (1, false))
        );
    }

    #[test]
    fn a_setting_that_changed_wants_another_key_once_the_last_one_has_settled() {
        use SigningAlgorithm::{Eddsa, Es256};
        let set = KeySet::new(vec![key(Es256, 100, None)], at(0), Duration::from_secs(600));
        assert!(set.lacks(Es256, at(99)) && !set.lacks(Es256, at(100)));
        assert!(!set.lacks(Eddsa, at(104)) && set.lacks(Eddsa, at(105)));
        let none = KeySet::new(Vec::new(), at(0), Duration::from_secs(600));
        assert!(none.lacks(Eddsa, at(0)));
    }

    #[test]
    fn another_algorithm_is_no_key_of_ours() {
        let (private, public) = make_pair(SigningAlgorithm::Es256).unwrap();
        let times = Times {
            created_at: at(0),
            signs_at: at(0),
            retired_at: None,
        };
        for name in ["HS256", "none", "es256", ""] {
            assert!(SigningKey::new(name, &private, public.clone(), times).is_none());
        }
    }
}
