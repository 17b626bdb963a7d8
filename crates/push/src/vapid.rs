//! How push services know a project (RFC 8292): a key pair, made at first need and sealed at rest, and the tokens that
//! it signs, one per service for most of a day.

use crate::error::Error;
use crate::rows::keys::{self, Model};
use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::Project;
use kernel::Stamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use uuid::Uuid;
use web_push::{
    PartialVapidSignatureBuilder, SubscriptionInfo, VapidSignature, VapidSignatureBuilder,
};

/// How long a token is good. Services refuse more than a day (RFC 8292, section 2), and we promise half of one.
const TOKEN_LIFE: Duration = Duration::from_secs(11 * 3_600);
/// A token is signed anew when it has less time left, so that it outlives the request and the service's clock.
const TOKEN_REST: Duration = Duration::from_secs(3_600);
/// Tokens kept at most. Endpoints come from users, and each could name a service of its own.
const TOKENS_MAX: usize = 10_000;
/// What the private half is sealed for.
const PLACE: &str = "_push_keys/1";

/// The pair of one project, ready to use.
pub(crate) struct Pair {
    /// The public half as browsers take it: an uncompressed point in base64url.
    pub(crate) public: String,
    private: PartialVapidSignatureBuilder,
}

/// The pairs of all projects that were asked for, and their tokens.
pub(crate) struct Vapid {
    subject: String,
    pairs: RwLock<HashMap<Uuid, Arc<Pair>>>,
    tokens: Mutex<HashMap<(Uuid, String), Token>>,
}

struct Token {
    expires_at: Stamp,
    signed: VapidSignature,
}

impl Vapid {
    /// None yet; tokens name `subject` as their contact.
    pub(crate) fn new(subject: String) -> Self {
        Self {
            subject,
            pairs: RwLock::default(),
            tokens: Mutex::default(),
        }
    }

    /// The project's pair; the first call of all nodes makes it.
    pub(crate) async fn of(&self, project: &Project, now: Stamp) -> Result<Arc<Pair>, Error> {
        let known = {
            let pairs = self.pairs.read().unwrap_or_else(PoisonError::into_inner);
            pairs.get(&project.uid).cloned()
        };
        if let Some(pair) = known {
            return Ok(pair);
        }
        let row = match keys::get(&project.db).await? {
            Some(row) => row,
            None => {
                let fresh = make(project, now)?;
                let add = async move |tx: &store::WriteTx| -> Result<Option<Model>, Error> {
                    keys::add(tx, fresh.clone()).await?;
                    Ok(keys::get(tx).await?)
                };
                let row = project.db.write(add).await?;
                row.ok_or(Error::Sealed("the key pair of push"))?
            }
        };
        let pair = Arc::new(open(project, row)?);
        let mut pairs = self.pairs.write().unwrap_or_else(PoisonError::into_inner);
        Ok(pairs.entry(project.uid).or_insert(pair).clone())
    }

    /// The token for a service, named by its origin.
    pub(crate) fn token(
        &self,
        project: &Project,
        pair: &Pair,
        origin: &str,
        now: Stamp,
    ) -> Result<VapidSignature, Error> {
        let name = (project.uid, origin.to_owned());
        let enough = now.plus(TOKEN_REST);
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back must not leave us with a token of the future.
        let latest = now.plus(TOKEN_LIFE);
        let is_good = |token: &Token| token.expires_at > enough && token.expires_at <= latest;
        if let Some(token) = tokens.get(&name).filter(|token| is_good(token)) {
            return Ok(token.signed.clone());
        }
        let expires_at = now.plus(TOKEN_LIFE);
        // The library would leave out the port, and ask the clock.
        let nowhere = SubscriptionInfo::new(origin, "", "");
        let mut builder = pair.private.clone().add_sub_info(&nowhere);
        builder.add_claim("aud", origin);
        builder.add_claim("exp", expires_at.unix_seconds());
        builder.add_claim("sub", self.subject.as_str());
        let signed = builder.build().map_err(|_| Error::Crypto)?;
        if tokens.len() >= TOKENS_MAX {
            tokens.retain(|_, token| is_good(token));
        }
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        let token = Token {
            expires_at,
            signed: signed.clone(),
        };
        tokens.insert(name, token);
        Ok(signed)
    }
}

fn make(project: &Project, now: Stamp) -> Result<Model, Error> {
    let pair =
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| Error::Crypto)?;
    let private: EcPrivateKeyBin<'_> = pair
        .private_key()
        .as_be_bytes()
        .map_err(|_| Error::Crypto)?;
    Ok(Model {
        id: keys::ONLY,
        public: URL_SAFE_NO_PAD.encode(pair.public_key()),
        private: project.seal(PLACE, private.as_ref())?,
        created_at: now.time(),
    })
}

fn open(project: &Project, row: Model) -> Result<Pair, Error> {
    let private = URL_SAFE_NO_PAD.encode(project.open(PLACE, &row.private)?);
    let private = VapidSignatureBuilder::from_base64_no_sub(&private);
    let private = private.map_err(|_| Error::Sealed("the key pair of push"))?;
    if URL_SAFE_NO_PAD.encode(private.get_public_key()) != row.public {
        return Err(Error::Sealed("the key pair of push"));
    }
    Ok(Pair {
        public: row.public,
        private,
    })
}
