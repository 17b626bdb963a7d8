//! Second factors of a user: what it has, who is asked for one, and how one is set up and given up.

use crate::Accounts;
use crate::error::Error;
use crate::grants::Granted;
use crate::model::factors::TotpAnswer;
use crate::notices::Notice;
use crate::passkeys::secret_of;
use crate::ports::UserRow;
use crate::rows::ceremonies::{self, Bound};
use crate::rows::{self, Which, externals, factors, identities, mails, passkeys};
use crate::second_factor::{GoodCode, TOKEN_GUESSES_MAX};
use crate::service::Ask;
use crate::{recovery, totp};
use gate::{By, SecondFactorPolicy, Settings, SignInMethods, UserAuth};
use kernel::Code;
use sea_orm::ConnectionTrait;
use secrecy::ExposeSecret;
use serde_json::json;
use store::WriteTx;
use uuid::Uuid;

/// What apps are enrolled for.
pub(crate) const ENROL: &str = "totp";

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
    pub(crate) fn due(&self, settings: &Settings, user: &UserRow, roles: &[String]) -> Due {
        if settings.second_factor.policy == SecondFactorPolicy::Off || user.anonymous {
            return Due::Nothing;
        }
        let is_required = settings.second_factor.requires(roles);
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

    pub(crate) fn is_empty(&self) -> bool {
        self.app.is_none() && self.passkeys.is_empty()
    }
}

impl Accounts {
    pub(crate) fn first_code(
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

    pub(crate) async fn enrol(
        &self,
        ask: &Ask,
        bound: Bound,
        user: &UserRow,
    ) -> Result<Enrolment, Error> {
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

    /// Removes all factors and passkeys of a user who lost them, and ends its sessions: an operator has made sure, in
    /// some other way, who asks for it.
    pub async fn reset_factors(&self, ask: &Ask, by: &By, user: Uuid) -> Result<(), Error> {
        let notice = self.notice(ask, user, Notice::FactorsReset).await?;
        let entry = by.did("user.reset_factors", user.to_string(), json!({}));
        let (this, of) = (self.clone(), ask.clone());
        let reset = async move |tx: &WriteTx| -> Result<Vec<Uuid>, Error> {
            let row = this.inner.directory.lock(&of.project, tx, user).await?;
            row.ok_or(Error::Problem(Code::UserNotFound.into()))?;
            this.drop_factors(tx, user).await?;
            mails::insert_some(tx, notice.as_ref()).await?;
            gate::audit::record(tx, entry.clone()).await?;
            Ok(rows::end_sessions(tx, user, Which::All, of.now).await?)
        };
        let ended = ask.project.db.write(reset).await?;
        self.ended(&ask.project, &ended);
        (self.inner.wake)(&ask.project);
        Ok(())
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
        let roles = Granted::of(tx, user).await?.roles;
        if ask.project.settings().second_factor.requires(&roles) {
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

    /// Whether the user can get in with so many passkeys, these identities, and what else it has.
    pub(crate) async fn has_a_way_in(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: &UserRow,
        (passkeys, identities): (usize, &[identities::Model]),
    ) -> Result<bool, Error> {
        let settings = ask.project.settings();
        let ways = &settings.sign_in;
        let mut linked = identities.iter();
        let has_password = rows::lock_credential(tx, user.id).await?.is_some();
        // Who forgot a password, or never had one, sets one by mail.
        let by_mail = ways.email_code || ways.magic_link || ways.password;
        Ok((passkeys > 0 && ways.passkey)
            || linked.any(|row| settings.social.provider(&row.provider).is_some())
            || (user.email.is_some() && by_mail)
            || (user.phone.is_some() && ways.phone_code)
            || (has_password && ways.password && is_known(ways, user))
            || externals::has(tx, user.id).await?)
    }

    /// Whether the user can get in as it stands.
    pub(crate) async fn gets_in(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: &UserRow,
    ) -> Result<bool, Error> {
        let linked = identities::of(tx, user.id).await?;
        let passkeys = passkeys::of(tx, user.id).await?.len();
        self.has_a_way_in(ask, tx, user, (passkeys, &linked)).await
    }

    /// Refuses what was done in this transaction if its user, who is locked, can get in no more.
    pub(crate) async fn demand_a_way_in(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: Uuid,
    ) -> Result<(), Error> {
        let user = self.inner.directory.lock(&ask.project, tx, user).await?;
        let user = user.ok_or(Error::NoSuchUser)?;
        match self.gets_in(ask, tx, &user).await? {
            true => Ok(()),
            false => Err(Error::LastWayIn),
        }
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
        let roles = Granted::of(db, user).await?.roles;
        let due = due.due(&ask.project.settings(), user, &roles);
        if matches!(due, Due::Factors(_)) && who.auth.level < 2 {
            return Err(Error::SecondFactorRequired);
        }
        Ok(())
    }
}

/// Whether there is something to type beside a password.
fn is_known(ways: &SignInMethods, user: &UserRow) -> bool {
    let built_in = [
        ("email", user.email.is_some()),
        ("username", user.username.is_some()),
        ("phone", user.phone.is_some()),
    ];
    let has = |name: &str| user.view.get(name).is_some_and(|value| !value.is_null());
    built_in
        .iter()
        .any(|(name, has)| *has && ways.knows_by(name))
        || ways.own_fields().any(has)
}

fn hashes(ask: &Ask, user: Uuid, codes: &[String]) -> Vec<String> {
    let hash = |code: &String| recovery::hash(&ask.project, user, code);
    codes.iter().map(hash).collect()
}

/// What an app's secret is sealed for.
pub(crate) fn place(user: Uuid) -> String {
    format!("_factors/{user}")
}
