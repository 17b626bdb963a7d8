//! The second factor at the door, and what is shown as one anywhere.
//!
//! What was proved first is kept here under a token that is good for five minutes, five guesses and one session; no
//! session begins before the second factor was shown. Codes of apps are counted per account, whatever token they come
//! with, and none is taken twice.

use crate::Accounts;
use crate::door::{Admitted, Entered, FactorDue, Method, Proof};
use crate::error::Error;
use crate::factors::{Due, ENROL, Enrolment, Standing, place};
use crate::grants::Granted;
use crate::model::factors::{Evidence, FactorAnswer, MfaToken, ShowPasskey};
use crate::notices::Notice;
use crate::passkeys::{Begun, CEREMONY, FACTOR};
use crate::ports::UserRow;
use crate::rows::ceremonies::{self, Bound, pending};
use crate::rows::{factors, mails};
use crate::service::Ask;
use crate::{device, recovery, totp};
use kernel::Stamp;
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// What the tokens begin with.
const PREFIX: &str = "gm_";
/// Guesses with one token at most.
pub(crate) const TOKEN_GUESSES_MAX: i64 = 5;
/// Guesses at the codes of one account's app: so many within so long. Of a million codes three are good at a time.
const APP_GUESSES: (i64, Duration) = (20, Duration::from_secs(86_400));
/// A code of an app that was found good, and is not used up yet.
#[derive(Clone)]
pub(crate) struct GoodCode {
    pub(crate) app: factors::Model,
    pub(crate) step: i64,
}

/// Something that was shown, as far as it could be judged before the transaction.
#[derive(Clone)]
pub(crate) enum Judged {
    Totp(GoodCode),
    /// The first code of a secret that was enrolled with the token.
    FirstTotp(GoodCode, Uuid),
    Recovery(String),
    Passkey(Arc<ShowPasskey>),
}

impl Accounts {
    /// What the user must show beside what it showed: called by the door, in the transaction of the first proof.
    pub(crate) async fn factor_due(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: &UserRow,
        proof: Proof,
    ) -> Result<Option<FactorDue>, Error> {
        // An operator who acts for a user has proved who he is elsewhere, and it is written down.
        if proof.level >= 2 || proof.method == Method::Impersonation {
            return Ok(None);
        }
        let standing = Standing::read(tx, user.id).await?;
        let roles = Granted::of(tx, user).await?.roles;
        let (factors, enrols) = match standing.due(&ask.project.settings(), user, &roles) {
            Due::Nothing => return Ok(None),
            Due::Factors(names) => (names, false),
            Due::Enrolment => (Vec::new(), true),
        };
        let token = gate::new_token(PREFIX)?;
        let row = pending::Model {
            hash: gate::token_hash(&token),
            user_id: user.id,
            methods: proof.method.as_str().to_owned(),
            enrols,
            device: ask.device.clone(),
            claims: ask.claims.clone(),
            attempts: 0,
            expires_at: ask.now.plus(CEREMONY).time(),
        };
        ceremonies::insert_pending(tx, row).await?;
        Ok(Some(FactorDue {
            token,
            factors,
            enrols,
            expires_in: u32::try_from(CEREMONY.as_secs()).unwrap_or(u32::MAX),
        }))
    }

    /// Begins the showing of a passkey as the second factor.
    pub async fn begin_factor_passkey(&self, ask: &Ask, form: MfaToken) -> Result<Begun, Error> {
        let waiting = self.waiting(ask, &form, false).await?;
        // The first proof says who it is; that the authenticator is there is the second.
        self.begin_show(ask, bound(FACTOR, &waiting), "preferred")
            .await
    }

    /// Begins the setting up of an app by who has no second factor and must have one.
    pub async fn begin_factor_totp(&self, ask: &Ask, form: MfaToken) -> Result<Enrolment, Error> {
        let waiting = self.waiting(ask, &form, true).await?;
        let user = self.inner.directory.get(&ask.project, waiting.user_id);
        let user = user.await?.ok_or(Error::InvalidToken)?;
        self.enrol(ask, bound(ENROL, &waiting), &user).await
    }

    async fn waiting(
        &self,
        ask: &Ask,
        form: &MfaToken,
        enrols: bool,
    ) -> Result<pending::Model, Error> {
        let hash = gate::token_hash(form.token.expose_secret());
        let found = ceremonies::pending(&ask.project.db, &hash, ask.now).await?;
        found
            .filter(|row| row.enrols == enrols)
            .ok_or(Error::InvalidToken)
    }

    /// Shows the second factor, and begins the session.
    pub async fn sign_in_factor(&self, ask: &Ask, form: FactorAnswer) -> Result<Entered, Error> {
        let hash = gate::token_hash(form.token.expose_secret());
        let (of, key) = (ask.clone(), hash.clone());
        let is_code = matches!(form.evidence, Evidence::Totp(_));
        let guess = async move |tx: &WriteTx| -> Result<pending::Model, Error> {
            let row = ceremonies::guess_pending(tx, &key, TOKEN_GUESSES_MAX, of.now).await?;
            let row = row.ok_or(Error::InvalidToken)?;
            if is_code && !row.enrols {
                demand_guess(tx, row.user_id, of.now).await?;
            }
            Ok(row)
        };
        // Counted for good before it is looked at: many who guess at once have no more guesses.
        let waiting = ask.project.db.write(guess).await?;
        let judged = match form.evidence {
            Evidence::Totp(code) if waiting.enrols => {
                self.judge_first(ask, &bound(ENROL, &waiting), code.expose_secret())
                    .await?
            }
            _ if waiting.enrols => return Err(Error::InvalidFactor("none is set up")),
            evidence => self.judge(ask, waiting.user_id, evidence).await?,
        };
        let proof = Proof {
            method: judged.method(),
            level: 2,
        };
        let notice = judged.notice();
        let notice = match notice {
            Some(notice) => self.notice(ask, waiting.user_id, notice).await?,
            None => None,
        };
        let ask = &going_on(ask, &waiting);
        let (this, of, earlier) = (self.clone(), ask.clone(), waiting.methods.clone());
        let admit = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            if !ceremonies::consume_pending(tx, &hash, of.now).await? {
                return Err(Error::InvalidToken);
            }
            let user = this.inner.directory.lock(&of.project, tx, waiting.user_id);
            let user = user.await?.ok_or(Error::InvalidToken)?;
            let bound = bound(FACTOR, &waiting);
            this.take(&of, tx, &user, &judged, &bound).await?;
            mails::insert_some(tx, notice.as_ref()).await?;
            Ok(Admitted::as_before(user))
        };
        let entered = self.enter_after(ask, proof, Some(earlier), admit).await?;
        (self.inner.wake)(&ask.project);
        Ok(entered)
    }

    /// Judges what a user shows, as far as that needs no transaction. A code was counted before.
    pub(crate) async fn judge(
        &self,
        ask: &Ask,
        user: Uuid,
        evidence: Evidence,
    ) -> Result<Judged, Error> {
        Ok(match evidence {
            Evidence::Totp(code) => {
                let app = factors::get(&ask.project.db, user).await?;
                let app = app.ok_or(Error::InvalidFactor("there is no app"))?;
                let secret = ask.project.open(&place(user), &app.secret)?;
                let step = totp::step_of(&secret, code.expose_secret(), ask.now);
                let step = step.ok_or(Error::InvalidFactor("another code"))?;
                Judged::Totp(GoodCode { app, step })
            }
            Evidence::Recovery(code) => {
                Judged::Recovery(recovery::hash(&ask.project, user, code.expose_secret()))
            }
            Evidence::Passkey(form) => Judged::Passkey(Arc::new(form)),
            Evidence::Password(_) => return Err(Error::InvalidFactor("a password is the first")),
        })
    }

    /// Judges the first code of a secret that was enrolled.
    async fn judge_first(&self, ask: &Ask, bound: &Bound, code: &str) -> Result<Judged, Error> {
        let found = ceremonies::find(&ask.project.db, bound, ask.now).await?;
        let row = found.ok_or(Error::InvalidFactor("none is set up"))?;
        let app = self.first_code(ask, &row, code)?;
        Ok(Judged::FirstTotp(app, row.id))
    }

    /// Uses up what was shown, in the transaction that it is shown for. Whether it is two factors by itself: a passkey
    /// whose authenticator verified its user.
    pub(crate) async fn take(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: &UserRow,
        judged: &Judged,
        bound: &Bound,
    ) -> Result<bool, Error> {
        match judged {
            Judged::Totp(code) => {
                if !factors::take_step(tx, &code.app, code.step).await? {
                    return Err(Error::InvalidFactor("a code that was used"));
                }
            }
            Judged::FirstTotp(code, ceremony) => {
                let enrolled = Bound {
                    purpose: ENROL,
                    ..bound.clone()
                };
                let row = ceremonies::consume(tx, &enrolled, *ceremony, ask.now).await?;
                row.ok_or(Error::InvalidToken)?;
                // Who got one meanwhile must show that one.
                if !Standing::read(tx, user.id).await?.is_empty() {
                    return Err(Error::InvalidToken);
                }
                factors::put(tx, code.app.clone()).await?;
            }
            Judged::Recovery(hash) => {
                if !factors::take_recovery(tx, user.id, hash).await? {
                    return Err(Error::InvalidFactor("no such recovery code"));
                }
            }
            Judged::Passkey(form) => {
                let shown = self.show(ask, tx, form, bound, false).await?;
                return Ok(shown.user_verified);
            }
        }
        Ok(false)
    }
}

/// The request with what its session is to hold from the first proof on: the claims, and the device's name unless it is
/// called by another one now.
fn going_on(ask: &Ask, waiting: &pending::Model) -> Ask {
    let guessed = ask.user_agent.as_deref().and_then(device::name);
    let is_named = ask.device.is_some() && ask.device != guessed;
    let first = waiting.device.clone().filter(|_| !is_named);
    Ask {
        device: first.or(ask.device.clone()),
        claims: waiting.claims.clone(),
        ..ask.clone()
    }
}

impl Judged {
    pub(crate) fn method(&self) -> Method {
        match self {
            Self::Totp(_) | Self::FirstTotp(..) => Method::Totp,
            Self::Recovery(_) => Method::RecoveryCode,
            Self::Passkey(_) => Method::Passkey,
        }
    }

    /// What the user is told of it by mail.
    pub(crate) fn notice(&self) -> Option<Notice> {
        match self {
            Self::FirstTotp(..) => Some(Notice::TotpAdded),
            Self::Recovery(_) => Some(Notice::RecoveryUsed),
            Self::Totp(_) | Self::Passkey(_) => None,
        }
    }
}

/// Counts a guess at the codes of an account's app, which is no more than a few a day.
pub(crate) async fn demand_guess(tx: &WriteTx, user: Uuid, now: Stamp) -> Result<(), Error> {
    let has_app = factors::get(tx, user).await?.is_some();
    if has_app && factors::guess(tx, user, APP_GUESSES, now).await?.is_none() {
        return Err(Error::TooManyCodes);
    }
    Ok(())
}

/// What a ceremony is bound to that was begun with a token.
fn bound(purpose: &'static str, waiting: &pending::Model) -> Bound {
    Bound {
        purpose,
        user_id: waiting.user_id,
        to: waiting.hash.clone(),
    }
}
