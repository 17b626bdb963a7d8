//! The verbs of accounts: signing in and out, refreshing, and changing the password.

use crate::Accounts;
use crate::door::{Admitted, Entered, Method, Proof};
use crate::error::Error;
use crate::guesses::Subject;
use crate::import;
use crate::language::Language;
use crate::model::{PasswordChange, Refresh, SignIn};
use crate::ports::UserRow;
use crate::refresh::{self, RefreshToken, Secret, Verdict};
use crate::rows::{self, Which, credential, session};
use crate::tokens::Realm;
use gate::{CaptchaPlace, PasswordPolicy, Problem, Project, UserAuth};
use kernel::{FieldError, Stamp};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use store::WriteTx;
use uuid::Uuid;

/// What an act needs to know of its request.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The project that was addressed.
    pub project: Arc<Project>,
    /// The request's present.
    pub now: Stamp,
    /// Who acts, for the change log.
    pub actor: Option<String>,
    /// Whether it is a key or an operator, who may make accounts where strangers may not.
    pub is_trusted: bool,
    /// What the client says it is.
    pub user_agent: Option<String>,
    /// The network it calls from.
    pub network: String,
    /// The language it likes best.
    pub language: Language,
    /// What the device is called.
    pub device: Option<String>,
    /// What the project's own identity system says of the user: a JSON object.
    pub claims: Option<String>,
    /// Whether a session is kept in cookies, and its tokens are not told.
    pub in_cookies: bool,
    /// The refresh token of the session whose cookies a sign-in writes over.
    pub replaces: Option<String>,
}

/// Somebody who is signed in now.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user as it may see itself.
    pub user: Map<String, Value>,
    /// What requests are signed with.
    pub access_token: String,
    /// What the next pair of tokens is asked for with.
    pub refresh_token: String,
    /// For how many seconds the access token is good.
    pub expires_in: u32,
}

/// What became of a refresh token that was made by us.
enum Turn {
    /// It was the unused one; now its successor is.
    Rotated,
    /// Anything else.
    Not(Verdict),
}

impl Accounts {
    /// Signs in with a password. An unknown identity, a wrong password and a disabled user read and cost the same.
    pub async fn sign_in_password(&self, ask: &Ask, form: SignIn) -> Result<Entered, Error> {
        if !ask.project.settings().sign_in.password {
            return Err(Error::MethodDisabled);
        }
        self.demand_person(ask, CaptchaPlace::SignIn, form.captcha.as_ref())
            .await?;
        let found = self.by_identity(&ask.project, &form.identity).await?;
        // Nobody has the nil id: the lookup is made all the same, for its time.
        let id = found.as_ref().map_or(Uuid::nil(), |user| user.id);
        let subject = Subject::Identity(&form.identity);
        let guess = self
            .guess(ask, subject, found.as_ref().map(|user| user.id))
            .await?;
        let (directory, project) = (self.inner.directory.clone(), ask.project.clone());
        let credential = rows::credential(&ask.project.db, id).await?;
        let is_right = self
            .is_password(
                &ask.project,
                form.password.expose_secret(),
                credential.as_ref(),
            )
            .await?;
        let better = match &credential {
            Some(row) if is_right => self.better(&form.password, row).await?,
            _ => None,
        };
        let Some(user) = found.filter(|user| !user.disabled && is_right) else {
            let waits = self.waits(ask, &form).await?;
            // Also where it is that of a sign-up: who signs up with somebody's address guesses at nothing unseen.
            guess.was_wrong(ask).await?;
            return Err(match waits {
                Some(sign_up) => self.remind(ask, Some(sign_up.id), &form.identity).await?,
                None => Error::InvalidCredentials,
            });
        };
        let right = guess.was_right();
        if let Some(email) = Self::unconfirmed(ask, &user) {
            return Err(self.remind(ask, None, email).await?);
        }
        let admit = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            // The user may have been disabled, and the password changed, since they were looked at; a session of the
            // old one must not begin.
            let user = directory.lock(&project, tx, user.id).await?;
            let user = user.filter(|user| !user.disabled);
            let user = user.ok_or(Error::InvalidCredentials)?;
            if rows::lock_credential(tx, id).await? != credential {
                return Err(Error::InvalidCredentials);
            }
            if let Some(row) = &better {
                rows::put_credential(tx, row.clone()).await?;
            }
            right.forget(tx).await?;
            Ok(Admitted::as_before(user))
        };
        self.enter(ask, Proof::one(Method::Password), admit).await
    }

    /// Gives the next pair of tokens for a refresh token. One that was used before ends its session, but for a repeat
    /// of the last one within the grace, which is answered with the same successor.
    pub async fn refresh(&self, ask: &Ask, form: Refresh) -> Result<SignedIn, Error> {
        let refused = Error::InvalidRefreshToken;
        let token =
            RefreshToken::parse(form.token.expose_secret()).ok_or(refused("another form"))?;
        let row = rows::session(&ask.project.db, token.family)
            .await?
            .ok_or(refused("no such session"))?;
        let secret = Secret::new(&ask.project.open(&place(row.id), &row.secret)?);
        if !secret.made(ask.project.uid, &token) {
            return Err(refused("not made by us"));
        }
        if row.ended_at.is_some() || row.expires_at <= ask.now.time() {
            return Err(refused("the session is over"));
        }
        if row.impersonator.is_some() {
            return Err(refused("somebody acts as the user"));
        }
        let user = self.inner.directory.get(&ask.project, row.user_id).await?;
        let user = user
            .filter(|user| !user.disabled)
            .ok_or(refused("the user may not sign in"))?;
        let keys = self.inner.keys.of(&ask.project, ask.now).await?;
        // Asked before the family moves on: a token that cannot be had now can be asked for again with the same one.
        let extra = self.ask_on_token(ask, &user, &row).await?;
        match self.turn(ask, &row, token.counter).await? {
            Turn::Rotated | Turn::Not(Verdict::Repeat) => {}
            Turn::Not(Verdict::Over) => return Err(refused("the session is over")),
            Turn::Not(Verdict::Reuse) => {
                self.ended(&ask.project, &[row.id]);
                tracing::warn!(project = %ask.project.id, user = %row.user_id, session = %row.id, "a used refresh token came again: its session was ended");
                return Err(refused("used before"));
            }
        }
        let next = secret.token(ask.project.uid, row.id, token.counter.saturating_add(1));
        self.tokens(ask, &keys, user, &row, (next, extra)).await
    }

    /// Ends the session whose cookies a sign-in writes over: nobody could end it any more.
    pub(crate) async fn end_replaced(&self, ask: &Ask) -> Result<(), Error> {
        let token = ask.replaces.as_deref().and_then(RefreshToken::parse);
        let Some(token) = token else {
            return Ok(());
        };
        let Some(row) = rows::session(&ask.project.db, token.family).await? else {
            return Ok(());
        };
        let secret = Secret::new(&ask.project.open(&place(row.id), &row.secret)?);
        if !secret.made(ask.project.uid, &token) {
            return Ok(());
        }
        let (user, now) = (row.user_id, ask.now);
        let end = async move |tx: &WriteTx| -> Result<Vec<Uuid>, Error> {
            Ok(rows::end_sessions(tx, user, Which::One(row.id), now).await?)
        };
        let ended = ask.project.db.write(end).await?;
        self.ended(&ask.project, &ended);
        Ok(())
    }

    /// Moves the family on, or finds out why that cannot be; a reuse ends it in the same transaction.
    async fn turn(&self, ask: &Ask, row: &session::Model, counter: i64) -> Result<Turn, Error> {
        let (id, user, now) = (row.id, row.user_id, ask.now);
        let expires = now.plus(self.inner.config.session_idle());
        let turn = async move |tx: &WriteTx| -> Result<Turn, Error> {
            if rows::rotate(tx, id, counter, now, expires).await? {
                return Ok(Turn::Rotated);
            }
            let verdict = refresh::judge(rows::session(tx, id).await?.as_ref(), counter, now);
            if verdict == Verdict::Reuse {
                rows::end_sessions(tx, user, Which::One(id), now).await?;
            }
            Ok(Turn::Not(verdict))
        };
        ask.project.db.write(turn).await
    }

    /// Sets another password, and ends all other sessions of the user.
    pub async fn change_password(
        &self,
        ask: &Ask,
        user: &UserAuth,
        form: PasswordChange,
    ) -> Result<(), Error> {
        let old = rows::credential(&ask.project.db, user.id).await?;
        let row = self.inner.directory.get(&ask.project, user.id).await?;
        let row = row.ok_or(Error::InvalidAccessToken("the user is gone"))?;
        match &form.current {
            Some(current) => {
                let current = current.expose_secret();
                self.demand_password(ask, user, current, old.as_ref())
                    .await?;
            }
            // Who has one and does not show it must have shown two other factors.
            None if old.is_some() && user.auth.level < 2 => return Err(Error::WrongPassword),
            None => self.demand_change(ask, &ask.project.db, user, &row).await?,
        }
        self.demand_good(ask, "new_password", form.new.expose_secret(), &row)
            .await?;
        let password_hash = self.inner.passwords.hash(form.new.expose_secret()).await?;
        let (id, keep, now) = (user.id, user.session, ask.now);
        let row = credential::Model {
            user_id: id,
            password_hash,
            changed_at: now.time(),
        };
        let change = async move |tx: &WriteTx| -> Result<Vec<Uuid>, Error> {
            if rows::lock_credential(tx, id).await? != old {
                return Err(Error::WrongPassword);
            }
            rows::put_credential(tx, row.clone()).await?;
            // Who knew the old one may have begun it.
            rows::changes::delete(tx, id).await?;
            Ok(rows::end_sessions(tx, id, Which::Others(keep), now).await?)
        };
        let ended = ask.project.db.write(change).await?;
        self.ended(&ask.project, &ended);
        Ok(())
    }

    /// The user as it may see itself.
    pub async fn me(&self, ask: &Ask, user: &UserAuth) -> Result<Map<String, Value>, Error> {
        let row = self.inner.directory.get(&ask.project, user.id).await?;
        Ok(row
            .ok_or(Error::InvalidAccessToken("the user is gone"))?
            .view)
    }

    /// The user's sessions, the newest first.
    pub async fn sessions(&self, ask: &Ask, user: &UserAuth) -> Result<Vec<session::Model>, Error> {
        Ok(rows::live_sessions(&ask.project.db, user.id, ask.now).await?)
    }

    /// Which of these sessions live: neither ended nor expired, of users who exist and are not disabled.
    pub async fn alive(
        &self,
        project: &Project,
        sessions: &[Uuid],
        now: Stamp,
    ) -> Result<HashSet<Uuid>, Error> {
        let mut users = HashMap::new();
        let mut alive = HashSet::new();
        for row in rows::live_among(&project.db, sessions, now).await? {
            let may = match users.get(&row.user_id) {
                Some(may) => *may,
                None => {
                    let user = self.inner.directory.get(project, row.user_id).await?;
                    let may = user.is_some_and(|user| !user.disabled);
                    users.insert(row.user_id, may);
                    may
                }
            };
            if may {
                alive.insert(row.id);
            }
        }
        Ok(alive)
    }

    /// Ends one of the user's sessions; every token of it is refused from now on.
    pub async fn end_session(
        &self,
        ask: &Ask,
        user: &UserAuth,
        session: Uuid,
    ) -> Result<(), Error> {
        let ended = self.end(ask, user, Which::One(session)).await?;
        if ended.is_empty() {
            Err(Error::NoSuchSession)
        } else {
            Ok(())
        }
    }

    /// Ends the session that the caller's token belongs to.
    pub async fn sign_out(&self, ask: &Ask, user: &UserAuth) -> Result<(), Error> {
        self.end(ask, user, Which::One(user.session))
            .await
            .map(drop)
    }

    /// Ends all of the user's sessions but this one.
    pub async fn sign_out_elsewhere(&self, ask: &Ask, user: &UserAuth) -> Result<(), Error> {
        self.end(ask, user, Which::Others(user.session))
            .await
            .map(drop)
    }

    /// Gives one of the user's sessions another name.
    pub async fn rename_session(
        &self,
        ask: &Ask,
        user: &UserAuth,
        session: Uuid,
        device: String,
    ) -> Result<(), Error> {
        let (id, now) = (user.id, ask.now);
        let rename = async move |tx: &WriteTx| -> Result<bool, Error> {
            Ok(rows::rename_session(tx, id, session, &device, now).await?)
        };
        match ask.project.db.write(rename).await? {
            true => Ok(()),
            false => Err(Error::NoSuchSession),
        }
    }

    /// Ends all of the user's sessions.
    pub async fn sign_out_everywhere(&self, ask: &Ask, user: &UserAuth) -> Result<(), Error> {
        self.end(ask, user, Which::All).await.map(drop)
    }

    async fn end(&self, ask: &Ask, user: &UserAuth, which: Which) -> Result<Vec<Uuid>, Error> {
        let (id, now) = (user.id, ask.now);
        let end = async move |tx: &WriteTx| -> Result<Vec<Uuid>, Error> {
            Ok(rows::end_sessions(tx, id, which, now).await?)
        };
        let ended = ask.project.db.write(end).await?;
        self.ended(&ask.project, &ended);
        Ok(ended)
    }

    /// The public keys of the project, as JWKs.
    pub async fn jwks(&self, ask: &Ask) -> Result<Vec<Value>, Error> {
        Ok(self
            .inner
            .keys
            .of(&ask.project, ask.now)
            .await?
            .public(ask.now))
    }

    /// Refuses another password than the user's present one. Guesses at it are counted as those at sign-in are.
    pub(crate) async fn demand_password(
        &self,
        ask: &Ask,
        user: &UserAuth,
        password: &str,
        credential: Option<&credential::Model>,
    ) -> Result<(), Error> {
        let guess = self
            .guess(ask, Subject::User(user.id), Some(user.id))
            .await?;
        let is_right = self.is_password(&ask.project, password, credential);
        if is_right.await? {
            return Ok(());
        }
        guess.was_wrong(ask).await?;
        Err(Error::WrongPassword)
    }

    /// Refuses a new password that the project's policy does not let this user have.
    pub(crate) async fn demand_good(
        &self,
        ask: &Ask,
        name: &str,
        password: &str,
        user: &UserRow,
    ) -> Result<(), Error> {
        let settings = ask.project.settings();
        let faults = self
            .faults((&settings.passwords, name), password, &identities(user))
            .await?;
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Problem::validation(faults).into()),
        }
    }

    pub(crate) async fn faults(
        &self,
        (policy, name): (&PasswordPolicy, &str),
        password: &str,
        identities: &[&str],
    ) -> Result<Vec<FieldError>, Error> {
        let passwords = &self.inner.passwords;
        Ok(passwords.faults(policy, name, password, identities).await?)
    }

    /// Whether the password is that of the credential; nobody's takes as long.
    pub(crate) async fn is_password(
        &self,
        project: &Project,
        password: &str,
        credential: Option<&credential::Model>,
    ) -> Result<bool, Error> {
        Ok(match credential {
            Some(row) => {
                let kept = import::opened(project, row)?;
                self.inner.passwords.verify(password, &kept).await?
            }
            None => self.inner.passwords.verify_nobody(password).await?,
        })
    }
}

/// All by which a user is known to people.
pub(crate) fn identities(user: &UserRow) -> Vec<&str> {
    let all = [&user.email, &user.username, &user.phone];
    all.into_iter().filter_map(Option::as_deref).collect()
}

/// Where a family's secret is stored: what it was sealed for.
pub(crate) fn place(session: Uuid) -> String {
    format!("_sessions/{session}")
}

/// Whose tokens a project's are.
pub(crate) fn realm(project: &Project) -> Realm<'_> {
    Realm {
        issuer: &project.issuer,
        audience: &project.id,
    }
}
