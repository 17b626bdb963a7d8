//! Passkeys: made by who is signed in, shown to sign in without naming anybody, called and removed.
//!
//! A ceremony is kept here and not with its client: it is bound to what began it, and is used up in the transaction of
//! its answer, so that of many answers one counts.

use crate::Accounts;
use crate::door::{Admitted, Entered, Method, Proof};
use crate::error::Error;
use crate::model::factors::{MakePasskey, PasskeyPatch, ShowPasskey};
use crate::notices::Notice;
use crate::ports::{NewUser, UserRow};
use crate::rows::ceremonies::{self, Bound};
use crate::rows::{identities, mails, passkeys};
use crate::service::Ask;
use crate::webauthn::{self, Asked, Kept, Party};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::{Project, UserAuth};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// How long a ceremony may take.
pub(crate) const CEREMONY: Duration = Duration::from_secs(300);
/// Passkeys of a user at most.
const PASSKEYS_MAX: usize = 20;
/// What ceremonies are begun for.
const MAKE: &str = "make_passkey";
const SIGN_IN: &str = "sign_in_passkey";
pub(crate) const FACTOR: &str = "factor_passkey";
pub(crate) const STEP_UP: &str = "step_up_passkey";

/// A ceremony that was begun, with what a browser is to be asked.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Goes with the answer.
    pub id: Uuid,
    /// The options, as `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` read them.
    pub public_key: Value,
}

/// Whose passkey was shown, and whether its authenticator verified its user.
pub(crate) struct Recognised {
    pub(crate) user: UserRow,
    pub(crate) user_verified: bool,
}

impl Bound {
    /// Begun by somebody who is signed in.
    pub(crate) fn session(purpose: &'static str, user: &UserAuth) -> Self {
        Self {
            purpose,
            user_id: user.id,
            to: user.session.to_string(),
        }
    }

    /// Begun by a stranger.
    fn stranger() -> Self {
        Self {
            purpose: SIGN_IN,
            user_id: Uuid::nil(),
            to: String::new(),
        }
    }
}

/// For whom the project's passkeys are made.
fn party(project: &Project) -> Party {
    let settings = project.settings();
    let own = &settings.passkeys.rp_name;
    Party {
        id: settings.passkey_domain(&project.issuer),
        name: if own.is_empty() {
            crate::jobs::name_of(project)
        } else {
            own.clone()
        },
        origins: settings.passkey_origins(&project.issuer),
    }
}

/// What a ceremony's secret is sealed for.
fn place(ceremony: Uuid) -> String {
    format!("_ceremonies/{ceremony}")
}

/// What a ceremony's row keeps.
pub(crate) fn secret_of(project: &Project, row: &ceremonies::Model) -> Result<Vec<u8>, Error> {
    Ok(project.open(&place(row.id), &row.secret)?)
}

impl Accounts {
    /// Keeps what was begun. Whoever begins again ends what he began before.
    pub(crate) async fn keep_ceremony(
        &self,
        ask: &Ask,
        bound: Bound,
        secret: &[u8],
    ) -> Result<Uuid, Error> {
        // Random in all its bits: whoever does not have it cannot answer.
        let mut bytes = [0; 16];
        rand::fill(&mut bytes).map_err(|_| Error::Crypto)?;
        let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
        let row = ceremonies::Model {
            id,
            purpose: bound.purpose.to_owned(),
            user_id: bound.user_id,
            bound_to: bound.to.clone(),
            secret: ask.project.seal(&place(id), secret)?,
            attempts: 0,
            expires_at: ask.now.plus(CEREMONY).time(),
        };
        let keep = async move |tx: &WriteTx| -> Result<(), Error> {
            if !bound.user_id.is_nil() {
                ceremonies::delete_of(tx, &bound).await?;
            }
            Ok(ceremonies::insert(tx, row.clone()).await?)
        };
        ask.project.db.write(keep).await?;
        Ok(id)
    }

    /// Begins the making of a passkey.
    pub async fn begin_passkey(&self, ask: &Ask, user: &UserAuth) -> Result<Begun, Error> {
        let row = self.inner.directory.get(&ask.project, user.id).await?;
        let row = row.ok_or(Error::InvalidAccessToken("the user is gone"))?;
        self.demand_change(ask, &ask.project.db, user, &row).await?;
        let have = passkeys::of(&ask.project.db, user.id).await?;
        let (party, challenge) = (party(&ask.project), fresh_challenge()?);
        let id = self
            .keep_ceremony(ask, Bound::session(MAKE, user), &challenge)
            .await?;
        let name = [&row.email, &row.username, &row.phone];
        let name = name.into_iter().flatten().next().cloned();
        let name = name.unwrap_or_else(|| user.id.to_string());
        let algorithms = webauthn::ALGORITHMS.map(|alg| json!({"type": "public-key", "alg": alg}));
        let public_key = json!({
            "rp": {"id": party.id, "name": party.name},
            "user": {"id": URL_SAFE_NO_PAD.encode(user.id.as_bytes()), "name": name, "displayName": name},
            "challenge": URL_SAFE_NO_PAD.encode(challenge),
            "pubKeyCredParams": algorithms,
            "timeout": CEREMONY.as_millis(),
            "excludeCredentials": descriptors(&have),
            "authenticatorSelection": {"residentKey": "preferred", "requireResidentKey": false, "userVerification": "preferred"},
            "attestation": "none",
        });
        Ok(Begun { id, public_key })
    }

    /// Keeps a passkey that was made.
    pub async fn make_passkey(
        &self,
        ask: &Ask,
        user: &UserAuth,
        form: MakePasskey,
    ) -> Result<passkeys::Model, Error> {
        let notice = self.notice(ask, user.id, Notice::PasskeyAdded).await?;
        let new = NewUser::new(user.id, ask.now, ask.actor.clone());
        let newcomer = self.admit_nobody(ask, user.auth.anonymous, new, Method::Passkey);
        let newcomer = newcomer.await?;
        let (this, of, who, form) = (self.clone(), ask.clone(), user.clone(), Arc::new(form));
        let (id, party) = (self.inner.ids.new_id(), party(&ask.project));
        let make = async move |tx: &WriteTx| -> Result<passkeys::Model, Error> {
            let user = this.lock_self(&of, tx, &who).await?;
            this.demand_change(&of, tx, &who, &user).await?;
            let bound = Bound::session(MAKE, &who);
            let ceremony = ceremonies::consume(tx, &bound, form.ceremony, of.now).await?;
            let challenge = secret_of(&of.project, &ceremony.ok_or(Error::InvalidToken)?)?;
            let asked = Asked {
                party: &party,
                challenge: &challenge,
                user_verification: false,
            };
            let made =
                webauthn::verify_attestation(asked, &form.answer).map_err(Error::InvalidFactor)?;
            if passkeys::of(tx, user.id).await?.len() >= PASSKEYS_MAX {
                return Err(Error::TooManyPasskeys);
            }
            let row = passkeys::Model {
                id,
                user_id: user.id,
                credential_id: URL_SAFE_NO_PAD.encode(&made.credential_id),
                public_key: URL_SAFE_NO_PAD.encode(&made.public_key),
                sign_count: i64::from(made.sign_count),
                name: form.name.clone(),
                second_factor: form.second_factor,
                transports: form.transports.clone(),
                backup_eligible: made.backup_eligible,
                backed_up: made.backed_up,
                user_verified: made.user_verified,
                aaguid: made.aaguid,
                created_at: of.now.time(),
                used_at: None,
            };
            if user.anonymous {
                // Whoever can come back is somebody.
                this.become_somebody(&of, tx, user.id, newcomer.as_ref())
                    .await?;
            }
            // "Verify that the credentialId is not yet registered for any user" (section 7.1).
            if !passkeys::insert(tx, row.clone()).await? {
                return Err(Error::PasskeyKnown);
            }
            mails::insert_some(tx, notice.as_ref()).await?;
            Ok(row)
        };
        let row = ask.project.db.write(make).await?;
        self.user_changed(&ask.project, row.user_id);
        (self.inner.wake)(&ask.project);
        Ok(row)
    }

    /// Begins a sign-in by a passkey, of whomever the authenticator knows.
    pub async fn begin_passkey_sign_in(&self, ask: &Ask) -> Result<Begun, Error> {
        if !ask.project.settings().sign_in.passkey {
            return Err(Error::MethodDisabled);
        }
        self.begin_show(ask, Bound::stranger(), "required").await
    }

    /// Begins the showing of a passkey: of one of the user's where it is known, else of any.
    pub(crate) async fn begin_show(
        &self,
        ask: &Ask,
        bound: Bound,
        user_verification: &str,
    ) -> Result<Begun, Error> {
        let (party, challenge) = (party(&ask.project), fresh_challenge()?);
        let have = if bound.user_id.is_nil() {
            Vec::new()
        } else {
            passkeys::of(&ask.project.db, bound.user_id).await?
        };
        let id = self.keep_ceremony(ask, bound, &challenge).await?;
        let public_key = json!({
            "challenge": URL_SAFE_NO_PAD.encode(challenge),
            "timeout": CEREMONY.as_millis(),
            "rpId": party.id,
            "allowCredentials": descriptors(&have),
            "userVerification": user_verification,
        });
        Ok(Begun { id, public_key })
    }

    /// Signs in by a passkey, whose authenticator verified its user: two factors at once.
    pub async fn sign_in_passkey(&self, ask: &Ask, form: ShowPasskey) -> Result<Entered, Error> {
        if !ask.project.settings().sign_in.passkey {
            return Err(Error::MethodDisabled);
        }
        let (this, of, form) = (self.clone(), ask.clone(), Arc::new(form));
        let admit = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            let shown = this.show(&of, tx, &form, &Bound::stranger(), true).await?;
            Ok(Admitted::as_before(shown.user))
        };
        let proof = Proof {
            method: Method::Passkey,
            level: 2,
        };
        self.enter(ask, proof, admit).await
    }

    /// Uses up a ceremony with a passkey, and tells whose it is. The user is locked before the passkey, as everywhere.
    pub(crate) async fn show(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        form: &ShowPasskey,
        bound: &Bound,
        user_verification: bool,
    ) -> Result<Recognised, Error> {
        let bad = Error::InvalidFactor;
        let ceremony = ceremonies::consume(tx, bound, form.ceremony, ask.now).await?;
        let challenge = secret_of(&ask.project, &ceremony.ok_or(Error::InvalidToken)?)?;
        let credential_id = URL_SAFE_NO_PAD.encode(&form.answer.id);
        let found = passkeys::find(tx, &credential_id).await?;
        let owner = found.ok_or(bad("no such passkey"))?.user_id;
        // "Identify the user being authenticated and verify that this user is the owner" (section 7.2).
        let is_known = !bound.user_id.is_nil();
        if is_known && owner != bound.user_id {
            return Err(bad("the passkey is another user's"));
        }
        match &form.answer.user_handle {
            Some(handle) if handle != owner.as_bytes() => {
                return Err(bad("the authenticator names another user"));
            }
            None if !is_known => return Err(bad("the authenticator names no user")),
            _ => {}
        }
        let user = self.inner.directory.lock(&ask.project, tx, owner).await?;
        let user = user.filter(|user| !user.disabled);
        let user = user.ok_or(bad("the user may not sign in"))?;
        let row = passkeys::lock(tx, &credential_id).await?;
        let row = row.filter(|row| row.user_id == owner);
        let row = row.ok_or(bad("no such passkey"))?;
        let asked = Asked {
            party: &party(&ask.project),
            challenge: &challenge,
            user_verification,
        };
        let public_key = URL_SAFE_NO_PAD.decode(&row.public_key);
        let kept = Kept {
            public_key: &public_key.map_err(|_| Error::Sealed("a passkey"))?,
            sign_count: u32::try_from(row.sign_count).unwrap_or(u32::MAX),
            backup_eligible: row.backup_eligible,
        };
        let shown = webauthn::verify_assertion(asked, kept, &form.answer).map_err(bad)?;
        passkeys::used(tx, &row, shown, ask.now).await?;
        Ok(Recognised {
            user,
            user_verified: shown.user_verified,
        })
    }

    /// A user's passkeys, in the order in which they were made.
    pub async fn passkeys(
        &self,
        ask: &Ask,
        user: &UserAuth,
    ) -> Result<Vec<passkeys::Model>, Error> {
        Ok(passkeys::of(&ask.project.db, user.id).await?)
    }

    /// Calls a passkey otherwise, or has it asked for after other proofs, or no more.
    pub async fn update_passkey(
        &self,
        ask: &Ask,
        user: &UserAuth,
        id: Uuid,
        patch: PasskeyPatch,
    ) -> Result<passkeys::Model, Error> {
        let (this, of, who, patch) = (self.clone(), ask.clone(), user.clone(), Arc::new(patch));
        let update = async move |tx: &WriteTx| -> Result<passkeys::Model, Error> {
            let user = this.lock_self(&of, tx, &who).await?;
            let all = passkeys::of(tx, user.id).await?;
            let row = all.into_iter().find(|row| row.id == id);
            let mut row = row.ok_or(Error::NoSuchPasskey)?;
            let asks = patch.second_factor.unwrap_or(row.second_factor);
            if asks != row.second_factor {
                this.demand_change(&of, tx, &who, &user).await?;
            }
            row.second_factor = asks;
            row.name = patch.name.clone().unwrap_or(row.name);
            passkeys::update(tx, &row).await?;
            Ok(row)
        };
        ask.project.db.write(update).await
    }

    /// Removes a passkey, unless it is the last way in or the last factor that must be there.
    pub async fn delete_passkey(&self, ask: &Ask, user: &UserAuth, id: Uuid) -> Result<(), Error> {
        let notice = self.notice(ask, user.id, Notice::PasskeyRemoved).await?;
        let (this, of, who) = (self.clone(), ask.clone(), user.clone());
        let delete = async move |tx: &WriteTx| -> Result<(), Error> {
            let user = this.lock_self(&of, tx, &who).await?;
            let all = passkeys::of(tx, user.id).await?;
            if !all.iter().any(|row| row.id == id) {
                return Err(Error::NoSuchPasskey);
            }
            this.demand_change(&of, tx, &who, &user).await?;
            let rest = (all.len() - 1, &*identities::of(tx, user.id).await?);
            if !this.has_a_way_in(&of, tx, &user, rest).await? {
                return Err(Error::LastWayIn);
            }
            passkeys::delete(tx, id).await?;
            this.settle_factors(&of, tx, &user).await?;
            Ok(mails::insert_some(tx, notice.as_ref()).await?)
        };
        ask.project.db.write(delete).await?;
        (self.inner.wake)(&ask.project);
        Ok(())
    }
}

fn fresh_challenge() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| Error::Crypto)?;
    Ok(bytes)
}

/// Passkeys as options name them (section 5.8.3).
fn descriptors(rows: &[passkeys::Model]) -> Vec<Value> {
    let one = |row: &passkeys::Model| {
        let mut it = json!({"type": "public-key", "id": row.credential_id});
        if !row.transports.is_empty() {
            it["transports"] = row.transports.split(' ').collect();
        }
        it
    };
    rows.iter().map(one).collect()
}
