//! Second factors: who must show one, how it is shown at the door, and how a user gets and loses one.
//!
//! What was proved first is kept here under a token that is good for five minutes, five guesses and one session; no
//! session begins before the second factor was shown. Codes of apps are counted per account, whatever token they come
//! with, and none is taken twice.

use crate::Accounts;
use crate::door::{Admitted, Entered, FactorDue, Method, Proof};
use crate::error::Error;
use crate::model::factors::{Evidence, FactorAnswer, MfaToken, ShowPasskey, TotpAnswer};
use crate::notices::Notice;
use crate::passkeys::{Begun, CEREMONY, FACTOR, secret_of};
use crate::ports::UserRow;
use crate::rows::ceremonies::{self, Bound, pending};
use crate::rows::{self, factors, mails, passkeys};
use crate::service::Ask;
use crate::{recovery, totp};
use gate::{SecondFactorPolicy, Settings, UserAuth};
use kernel::{Code, Stamp};
use sea_orm::ConnectionTrait;
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// What the tokens begin with.
const PREFIX: &str = "gm_";
/// Guesses with one token at most.
const TOKEN_GUESSES_MAX: i64 = 5;
/// Guesses at the codes of one account's app: so many within so long. Of a million codes three are good at a time.
const APP_GUESSES: (i64, Duration) = (20, Duration::from_secs(86_400));
/// What apps are enrolled for.
const ENROL: &str = "totp";

/// What a user has.
pub struct Standing {
    pub(crate) app: Option<factors::Model>,
    pub(crate) passkeys: Vec<passkeys::Model>,
    /// Recovery codes that are left.
    pub recovery_codes: u64,
}

/// What a user must show after a first proof.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing.
    Nothing,
    /// One of these.
    Factors(Vec<&'static str>),
    /// One that is to be set up first.
    Enrolment,
}

/// A secret that an app is to be given.
pub struct Enrolment {
    /// Goes with the first code.
    pub id: Uuid,
    /// As people type it.
    pub secret: String,
    /// As apps read it from a picture.
    pub uri: String,
}

/// A code of an app that was found good, and is not used up yet.
#[derive(Clone)]
pub(crate) struct GoodCode {
    app: factors::Model,
    step: i64,
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

impl Standing {
    pub(crate) async fn read<C: ConnectionTrait>(db: &C, user: Uuid) -> Result<Self, Error> {
        Ok(Self {
            app: factors::get(db, user).await?,
            passkeys: passkeys::of(db, user).await?,
            recovery_codes: factors::recovery_left(db, user).await?,
        })
    }

    /// What is asked for at the door. Where a factor is required any passkey is one; else those that their user chose
    /// for it, so that who makes a passkey is not shut out of the devices that do not have it.
    pub(crate) fn due(&self, settings: &Settings, user: &UserRow) -> Due {
        if settings.second_factor.policy == SecondFactorPolicy::Off || user.anonymous {
            return Due::Nothing;
        }
        let is_required = settings.second_factor.requires(&user.roles);
        let is_chosen = self.app.is_some() || self.passkeys.iter().any(|row| row.second_factor);
        if !is_chosen && !is_required {
            return Due::Nothing;
        }
        if self.is_empty() {
            return Due::Enrolment;
        }
        let all = [
            ("totp", self.app.is_some()),
            ("passkey", !self.passkeys.is_empty()),
            ("recovery_code", self.recovery_codes > 0),
        ];
        let have = all.into_iter().filter(|(_, has)| *has);
        Due::Factors(have.map(|(name, _)| name).collect())
    }

    fn is_empty(&self) -> bool {
        self.app.is_none() && self.passkeys.is_empty()
    }
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
        let (factors, enrols) = match standing.due(&ask.project.settings(), user) {
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

    fn first_code(
        &self,
        ask: &Ask,
        row: &ceremonies::Model,
        code: &str,
    ) -> Result<GoodCode, Error> {
        let secret = secret_of(&ask.project, row)?;
        let step = totp::step_of(&secret, code, ask.now);
        let step = step.ok_or(Error::InvalidFactor("another code"))?;
        let app = factors::Model {
            user_id: row.user_id,
            secret: ask.project.seal(&place(row.user_id), &secret)?,
            step,
            guesses: 0,
            guesses_from: ask.now.time(),
            created_at: ask.now.time(),
        };
        Ok(GoodCode { app, step })
    }

    /// Uses up what was shown, in the transaction that it is shown for. Whether a passkey's authenticator verified its
    /// user; for all else whether it is a factor beside the first at all.
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
        Ok(true)
    }

    /// What a user has.
    pub async fn standing(&self, ask: &Ask, user: &UserAuth) -> Result<(Standing, bool), Error> {
        let has_password = rows::credential(&ask.project.db, user.id).await?.is_some();
        Ok((
            Standing::read(&ask.project.db, user.id).await?,
            has_password,
        ))
    }

    /// Begins the setting up of an app that makes codes.
    pub async fn begin_totp(&self, ask: &Ask, user: &UserAuth) -> Result<Enrolment, Error> {
        if ask.project.settings().second_factor.policy == SecondFactorPolicy::Off {
            return Err(Error::MethodDisabled);
        }
        let row = self.inner.directory.get(&ask.project, user.id).await?;
        let row = row.ok_or(Error::InvalidAccessToken("the user is gone"))?;
        self.demand_change(ask, &ask.project.db, user, &row).await?;
        self.enrol(ask, Bound::session(ENROL, user), &row).await
    }

    async fn enrol(&self, ask: &Ask, bound: Bound, user: &UserRow) -> Result<Enrolment, Error> {
        let secret = totp::fresh()?;
        let id = self.keep_ceremony(ask, bound, &secret).await?;
        let account = [&user.email, &user.username, &user.phone];
        let account = account.into_iter().flatten().next().cloned();
        let account = account.unwrap_or_else(|| user.id.to_string());
        Ok(Enrolment {
            id,
            secret: totp::base32(&secret),
            uri: totp::uri(&secret, &crate::jobs::name_of(&ask.project), &account),
        })
    }

    /// Has the app asked from now on, since it shows good codes; gives recovery codes.
    pub async fn activate_totp(
        &self,
        ask: &Ask,
        user: &UserAuth,
        form: TotpAnswer,
    ) -> Result<Vec<String>, Error> {
        let (bound, now) = (Bound::session(ENROL, user), ask.now);
        let (of, enrolment) = (bound.clone(), form.enrolment);
        let guess = async move |tx: &WriteTx| -> Result<Option<ceremonies::Model>, Error> {
            Ok(ceremonies::guess(tx, &of, enrolment, TOKEN_GUESSES_MAX, now).await?)
        };
        let row = ask.project.db.write(guess).await?;
        let row = row.ok_or(Error::InvalidToken)?;
        let code = self.first_code(ask, &row, form.code.expose_secret())?;
        let notice = self.notice(ask, user.id, Notice::TotpAdded).await?;
        let codes = recovery::fresh()?;
        let hashes = hashes(ask, user.id, &codes);
        let (this, of, who) = (self.clone(), ask.clone(), user.clone());
        let activate = async move |tx: &WriteTx| -> Result<(), Error> {
            let user = this.lock_self(&of, tx, &who).await?;
            this.demand_change(&of, tx, &who, &user).await?;
            let row = ceremonies::consume(tx, &bound, enrolment, of.now).await?;
            row.ok_or(Error::InvalidToken)?;
            factors::put(tx, code.app.clone()).await?;
            factors::put_recovery(tx, user.id, &hashes, of.now).await?;
            // A sign-in that waits was told what the user had before.
            ceremonies::delete_pending_of(tx, user.id).await?;
            Ok(mails::insert_some(tx, notice.as_ref()).await?)
        };
        ask.project.db.write(activate).await?;
        (self.inner.wake)(&ask.project);
        Ok(codes)
    }

    /// Has the app asked no more.
    pub async fn delete_totp(&self, ask: &Ask, user: &UserAuth) -> Result<(), Error> {
        let notice = self.notice(ask, user.id, Notice::TotpRemoved).await?;
        let (this, of, who) = (self.clone(), ask.clone(), user.clone());
        let delete = async move |tx: &WriteTx| -> Result<(), Error> {
            let user = this.lock_self(&of, tx, &who).await?;
            if factors::get(tx, user.id).await?.is_none() {
                return Err(Error::NoSuchFactor);
            }
            this.demand_change(&of, tx, &who, &user).await?;
            factors::delete(tx, user.id).await?;
            this.settle_factors(&of, tx, &user).await?;
            Ok(mails::insert_some(tx, notice.as_ref()).await?)
        };
        ask.project.db.write(delete).await?;
        (self.inner.wake)(&ask.project);
        Ok(())
    }

    /// Gives new recovery codes in the place of those that there are.
    pub async fn renew_recovery(&self, ask: &Ask, user: &UserAuth) -> Result<Vec<String>, Error> {
        let notice = self.notice(ask, user.id, Notice::RecoveryRenewed).await?;
        let codes = recovery::fresh()?;
        let hashes = hashes(ask, user.id, &codes);
        let (this, of, who) = (self.clone(), ask.clone(), user.clone());
        let renew = async move |tx: &WriteTx| -> Result<(), Error> {
            let user = this.lock_self(&of, tx, &who).await?;
            this.demand_change(&of, tx, &who, &user).await?;
            if Standing::read(tx, user.id).await?.is_empty() {
                return Err(Error::NoSuchFactor);
            }
            factors::put_recovery(tx, user.id, &hashes, of.now).await?;
            Ok(mails::insert_some(tx, notice.as_ref()).await?)
        };
        ask.project.db.write(renew).await?;
        (self.inner.wake)(&ask.project);
        Ok(codes)
    }

    /// After one was removed: refuses where one must be left, and forgets recovery codes that stand for nothing.
    pub(crate) async fn settle_factors(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: &UserRow,
    ) -> Result<(), Error> {
        if !Standing::read(tx, user.id).await?.is_empty() {
            return Ok(());
        }
        if ask.project.settings().second_factor.requires(&user.roles) {
            return Err(Error::LastFactor);
        }
        Ok(factors::delete_recovery(tx, user.id).await?)
    }

    /// Removes all by which a user proves who it is beside a password: whoever set them up may not be who has the
    /// address now, or the user is gone.
    pub(crate) async fn drop_factors(&self, tx: &WriteTx, user: Uuid) -> Result<(), Error> {
        passkeys::delete_of(tx, user).await?;
        factors::delete(tx, user).await?;
        factors::delete_recovery(tx, user).await?;
        Ok(ceremonies::delete_of_user(tx, user).await?)
    }

    /// The caller's user, locked: what changes its factors goes one after the other.
    pub(crate) async fn lock_self(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        who: &UserAuth,
    ) -> Result<UserRow, Error> {
        let user = self.inner.directory.lock(&ask.project, tx, who.id).await?;
        user.filter(|user| !user.disabled)
            .ok_or(Error::InvalidAccessToken("the user may not sign in"))
    }

    /// Refuses who may not change how the user proves who it is: somebody else who acts for it, who has not shown a
    /// credential for a while, and who showed one factor where two are asked for.
    pub(crate) async fn demand_change<C: ConnectionTrait>(
        &self,
        ask: &Ask,
        db: &C,
        who: &UserAuth,
        user: &UserRow,
    ) -> Result<(), Error> {
        if who.impersonator.is_some() {
            return Err(Error::Problem(Code::PermissionDenied.into()));
        }
        Self::demand_recent(who, ask.now)?;
        let due = Standing::read(db, user.id).await?;
        let due = due.due(&ask.project.settings(), user);
        if matches!(due, Due::Factors(_)) && who.auth.level < 2 {
            return Err(Error::SecondFactorRequired);
        }
        Ok(())
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
        return Err(Error::TooManyGuesses);
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

fn hashes(ask: &Ask, user: Uuid, codes: &[String]) -> Vec<String> {
    let hash = |code: &String| recovery::hash(&ask.project, user, code);
    codes.iter().map(hash).collect()
}

/// What an app's secret is sealed for.
fn place(user: Uuid) -> String {
    format!("_factors/{user}")
}
