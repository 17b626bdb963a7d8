//! The key pairs that sign a project's access tokens: made at first need, sealed at rest, loaded once, several at a time.

use crate::error::Error;
use crate::rows::{self, signing_key};
use aws_lc_rs::digest;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::Project;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use kernel::Stamp;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// How long after a look at the table an unknown key is not looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

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
    created_at: Stamp,
    /// Since when it signs no more.
    retired_at: Option<Stamp>,
}

impl SigningKey {
    /// From what is stored; `None` when it is not what it should be.
    pub(crate) fn new(
        algorithm: &str,
        private: &[u8],
        jwk: Value,
        created_at: Stamp,
        retired_at: Option<Stamp>,
    ) -> Option<Self> {
        let algorithm = (algorithm == "ES256").then_some(Algorithm::ES256)?;
        let member = |name: &str| jwk.get(name).and_then(Value::as_str);
        let public = DecodingKey::from_ec_components(member("x")?, member("y")?).ok()?;
        let kid = member("kid")?.to_owned();
        Some(Self {
            kid,
            algorithm,
            private: EncodingKey::from_ec_der(private),
            public,
            jwk,
            created_at,
            retired_at,
        })
    }

    fn open(project: &Project, row: signing_key::Model) -> Result<Self, Error> {
        let private = project.open(&place(&row.kid), &row.private)?;
        let created_at = Stamp::from_time(row.created_at).ok_or(Error::Sealed("a key's time"))?;
        let retired_at = row.retired_at.and_then(Stamp::from_time);
        Self::new(&row.algorithm, &private, row.public, created_at, retired_at)
            .ok_or(Error::Sealed("a signing key"))
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
        keys.sort_by(|a, b| (b.created_at, &b.kid).cmp(&(a.created_at, &a.kid)));
        Self {
            keys,
            loaded_at,
            life,
        }
    }

    /// The key that signs: the newest that is not retired.
    pub(crate) fn current(&self) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.retired_at.is_none())
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
        self.keys
            .iter()
            .filter(move |key| key.retired_at.is_none_or(|at| now <= at.plus(self.life)))
    }

    /// Whether it is too early to look at the table once more.
    fn is_recent(&self, now: Stamp) -> bool {
        self.loaded_at <= now && now < self.loaded_at.plus(LOOK_AGAIN)
    }
}

/// The keys of all projects that were asked for.
pub(crate) struct Keys {
    sets: RwLock<HashMap<Uuid, Arc<KeySet>>>,
    life: Duration,
}

impl Keys {
    /// None yet; tokens live for `life`.
    pub(crate) fn new(life: Duration) -> Self {
        Self {
            sets: RwLock::default(),
            life,
        }
    }

    /// The project's keys; makes the first pair when there is none.
    pub(crate) async fn of(&self, project: &Project, now: Stamp) -> Result<Arc<KeySet>, Error> {
        match self.known(project.uid) {
            Some(set) => Ok(set),
            None => self.load(project, now).await,
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
        self.sets
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&project)
            .cloned()
    }

    async fn load(&self, project: &Project, now: Stamp) -> Result<Arc<KeySet>, Error> {
        let mut rows = rows::signing_keys(&project.db).await?;
        if rows.iter().all(|row| row.retired_at.is_some()) {
            rows = add_first(project, now).await?;
        }
        let keys = rows
            .into_iter()
            .map(|row| SigningKey::open(project, row))
            .collect::<Result<Vec<_>, Error>>()?;
        let set = Arc::new(KeySet::new(keys, now, self.life));
        self.sets
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(project.uid, set.clone());
        Ok(set)
    }
}

/// Adds a pair unless somebody else was faster, and gives all rows.
async fn add_first(project: &Project, now: Stamp) -> Result<Vec<signing_key::Model>, Error> {
    let (private, public) = make_pair()?;
    let kid = public["kid"].as_str().unwrap_or_default().to_owned();
    let private = project.seal(&place(&kid), &private)?;
    let row = signing_key::Model {
        kid,
        algorithm: "ES256".to_owned(),
        private,
        public,
        created_at: now.time(),
        retired_at: None,
    };
    let add = async move |tx: &WriteTx| -> Result<Vec<signing_key::Model>, Error> {
        if rows::signing_keys(tx)
            .await?
            .iter()
            .all(|row| row.retired_at.is_some())
        {
            rows::insert_signing_key(tx, row.clone()).await?;
        }
        Ok(rows::signing_keys(tx).await?)
    };
    project.db.write(add).await
}

/// A new P-256 pair: the private half as PKCS#8, the public half as a JWK whose `kid` is its thumbprint (RFC 7638).
pub(crate) fn make_pair() -> Result<(Vec<u8>, Value), Error> {
    let pair =
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| Error::Crypto)?;
    let private = pair
        .to_pkcs8v1()
        .map_err(|_| Error::Crypto)?
        .as_ref()
        .to_vec();
    // An uncompressed point: the byte 4, then both coordinates.
    let point = pair.public_key().as_ref();
    let (x, y) = point
        .get(1..33)
        .zip(point.get(33..65))
        .ok_or(Error::Crypto)?;
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let thumbprint = digest::digest(
        &digest::SHA256,
        format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes(),
    );
    let kid = URL_SAFE_NO_PAD.encode(thumbprint.as_ref());
    Ok((
        private,
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": "ES256", "use": "sig"}),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Stamp {
        Stamp::from_time(time::OffsetDateTime::from_unix_timestamp(seconds).unwrap()).unwrap()
    }

    fn key(made: i64, retired: Option<i64>) -> SigningKey {
        let (private, public) = make_pair().unwrap();
        SigningKey::new("ES256", &private, public, at(made), retired.map(at)).unwrap()
    }

    #[test]
    fn the_thumbprint_is_that_of_the_library() {
        let (_, public) = make_pair().unwrap();
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(public.clone()).unwrap();
        assert_eq!(
            public["kid"],
            jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256)
                .unwrap()
        );
    }

    #[test]
    fn the_newest_key_signs_and_a_retired_one_is_published_until_its_last_token_ends() {
        let (old, new) = (key(10, Some(100)), key(20, None));
        let (old_kid, new_kid) = (old.kid.clone(), new.kid.clone());
        let set = KeySet::new(vec![old, new], at(0), Duration::from_secs(600));
        assert_eq!(set.current().map(|key| &key.kid), Some(&new_kid));
        assert_eq!(
            (
                set.public(at(700)).len(),
                set.find(&old_kid, at(700)).is_some()
            ),
            (2, true)
        );
        assert_eq!(
            (
                set.public(at(701)).len(),
                set.find(&old_kid, at(701)).is_some()
            ),
            (1, false)
        );
    }

    #[test]
    fn another_algorithm_is_no_key_of_ours() {
        let (private, public) = make_pair().unwrap();
        for name in ["HS256", "none", "es256", ""] {
            assert!(SigningKey::new(name, &private, public.clone(), at(0), None).is_none());
        }
    }
}
