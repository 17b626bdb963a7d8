//! Proving again, or further, who one is, within a session: what is dear asks for it.
//!
//! A session whose level rises gets another id and other tokens, and the ones before are dead: whoever knew them does not
//! rise with it.

use crate::Accounts;
use crate::door::{Method, Proof};
use crate::error::Error;
use crate::model::factors::{Evidence, StepUp};
use crate::passkeys::{Begun, STEP_UP};
use crate::refresh::Secret;
use crate::rows::ceremonies::Bound;
use crate::rows::{self, Which, mails, session, tokens};
use crate::second_factor::demand_guess;
use crate::service::{Ask, SignedIn, place};
use gate::UserAuth;
use kernel::Code;
use secrecy::ExposeSecret;
use std::sync::Arc;
use store::WriteTx;
use uuid::Uuid;

/// What was shown, beside what the session began with.
enum Strength {
    /// The first factor once more.
    Again,
    /// A second factor.
    Second,
    /// Two at once.
    Both,
}

impl Accounts {
    /// Begins the showing of one of the user's passkeys.
    pub async fn begin_step_up(&self, ask: &Ask, user: &UserAuth) -> Result<Begun, Error> {
        demand_self(user)?;
        self.begin_show(ask, Bound::session(STEP_UP, user), "preferred")
            .await
    }

    /// Notes that the user proved again who it is; with a second factor the session goes on under another id.
    pub async fn step_up(
        &self,
        ask: &Ask,
        user: &UserAuth,
        form: StepUp,
    ) -> Result<SignedIn, Error> {
        demand_self(user)?;
        match form.evidence {
            Evidence::Password(password) => {
                let row = rows::credential(&ask.project.db, user.id).await?;
                let shown = password.expose_secret();
                let right = self.demand_password(ask, user, shown, row.as_ref()).await;
                right.map_err(|error| match error {
                    Error::WrongPassword => Error::InvalidFactor("another password"),
                    other => other,
                })?;
                let again = async move |tx: &WriteTx| -> Result<Strength, Error> {
                    // It may have been changed since it was checked.
                    if rows::lock_credential(tx, row.as_ref().map_or(Uuid::nil(), |r| r.user_id))
                        .await?
                        != row
                    {
                        return Err(Error::InvalidFactor("another password"));
                    }
                    Ok(Strength::Again)
                };
                self.proved(ask, user, Method::Password, again).await
            }
            evidence => self.step_up_factor(ask, user, evidence).await,
        }
    }

    async fn step_up_factor(
        &self,
        ask: &Ask,
        user: &UserAuth,
        evidence: Evidence,
    ) -> Result<SignedIn, Error> {
        if matches!(evidence, Evidence::Totp(_)) {
            let (id, now) = (user.id, ask.now);
            let guess = async move |tx: &WriteTx| demand_guess(tx, id, now).await;
            ask.project.db.write(guess).await?;
        }
        let judged = self.judge(ask, user.id, evidence).await?;
        let notice = match judged.notice() {
            Some(notice) => self.notice(ask, user.id, notice).await?,
            None => None,
        };
        let (this, of, who) = (self.clone(), ask.clone(), user.clone());
        let method = judged.method();
        let show = async move |tx: &WriteTx| -> Result<Strength, Error> {
            let user = this.lock_self(&of, tx, &who).await?;
            let bound = Bound::session(STEP_UP, &who);
            let is_both = this.take(&of, tx, &user, &judged, &bound).await?;
            mails::insert_some(tx, notice.as_ref()).await?;
            Ok(if is_both {
                Strength::Both
            } else {
                Strength::Second
            })
        };
        let signed_in = self.proved(ask, user, method, show).await?;
        (self.inner.wake)(&ask.project);
        Ok(signed_in)
    }

    /// Uses up a proof, whose strength `show` tells, and moves the session on by it.
    async fn proved(
        &self,
        ask: &Ask,
        user: &UserAuth,
        method: Method,
        show: impl AsyncFn(&WriteTx) -> Result<Strength, Error> + Send + 'static,
    ) -> Result<SignedIn, Error> {
        let keys = self.inner.keys.of(&ask.project, ask.now).await?;
        let row = self.inner.directory.get(&ask.project, user.id).await?;
        let row = row.ok_or(Error::InvalidAccessToken("the user is gone"))?;
        let fresh = self.begin(ask, Proof::one(method))?;
        let (next, id, of) = (Arc::new(fresh.row.clone()), user.session, ask.clone());
        let go_on = async move |tx: &WriteTx| -> Result<session::Model, Error> {
            let shown = show(tx).await?;
            let over = Error::InvalidAccessToken("the session is over");
            let old = rows::lock_session(tx, id).await?;
            let old = old.filter(|row| row.ended_at.is_none()).ok_or(over)?;
            let methods = with(&old.methods, method);
            let level = match shown {
                Strength::Both => 2,
                // A session that began with nothing has no first factor yet.
                Strength::Second if old.methods != Method::Anonymous.as_str() => 2,
                Strength::Second | Strength::Again => old.level,
            };
            if level <= old.level {
                let row = session::Model {
                    methods,
                    proved_at: of.now.time(),
                    ..old
                };
                rows::prove_session(tx, &row).await?;
                return Ok(row);
            }
            let row = session::Model {
                user_id: old.user_id,
                methods,
                level,
                device: old.device,
                claims: old.claims,
                ..(*next).clone()
            };
            rows::end_sessions(tx, old.user_id, Which::One(id), of.now).await?;
            rows::insert_session(tx, row.clone()).await?;
            // Whoever is told of a session by mail ends it by the mail's link, whatever became of it.
            tokens::follow(tx, old.user_id, id, row.id).await?;
            mails::follow(tx, id, row.id).await?;
            Ok(row)
        };
        let session = ask.project.db.write(go_on).await?;
        if session.id == user.session {
            self.user_changed(&ask.project, user.id);
        } else {
            self.ended(&ask.project, &[user.session]);
        }
        // The one refresh token of the session that is unused.
        let secret = ask.project.open(&place(session.id), &session.secret)?;
        let token = Secret::new(&secret).token(ask.project.uid, session.id, session.counter);
        self.signed_in(ask, &keys, row, &session, token).await
    }
}

/// Who acts for a user has none of its credentials.
fn demand_self(user: &UserAuth) -> Result<(), Error> {
    match user.impersonator {
        None => Ok(()),
        Some(_) => Err(Error::Problem(Code::PermissionDenied.into())),
    }
}

/// The methods of a session with one more, each once.
fn with(methods: &str, method: Method) -> String {
    if methods.split(' ').any(|one| one == method.as_str()) {
        methods.to_owned()
    } else {
        format!("{methods} {}", method.as_str())
    }
}
