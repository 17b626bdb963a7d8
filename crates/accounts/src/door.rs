//! The one door: whoever signs in, by whatever way, gets a session here and nowhere else.
//!
//! A way to sign in proves who somebody is, in the transaction in which it uses up its secret. Whether that is enough,
//! and what is kept of it, is decided here.

use crate::Accounts;
use crate::error::Error;
use crate::grants::Granted;
use crate::hooks::Extra;
use crate::keys::KeySet;
use crate::ports::UserRow;
use crate::refresh::Secret;
use crate::rows::{self, Which, session};
use crate::service::{Ask, SignedIn, place};
use gate::UserAuth;
use kernel::Stamp;
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// How long a proof is recent: what is dear asks for one.
pub(crate) const RECENT: Duration = Duration::from_secs(300);

/// How somebody proved who it is. The names are kept in sessions and told in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A password.
    Password,
    /// A code that was sent by mail.
    EmailCode,
    /// A link that was sent by mail.
    MagicLink,
    /// A code that was sent to a telephone.
    PhoneCode,
    /// A passkey.
    Passkey,
    /// Another service that knows the person.
    Social,
    /// Nothing at all.
    Anonymous,
    /// The word of the project's own server.
    Custom,
    /// A code of an authenticator app.
    Totp,
    /// A recovery code.
    RecoveryCode,
    /// An operator or a key acts as the user.
    Impersonation,
    /// An invitation that was sent by mail.
    Invitation,
}

impl Method {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::EmailCode => "email_code",
            Self::MagicLink => "magic_link",
            Self::PhoneCode => "phone_code",
            Self::Passkey => "passkey",
            Self::Social => "social",
            Self::Anonymous => "anonymous",
            Self::Custom => "custom",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::Impersonation => "impersonation",
            Self::Invitation => "invitation",
        }
    }
}

/// What somebody showed.
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    /// How.
    pub method: Method,
    /// How strong it is alone: 1 for one factor, 2 for two.
    pub level: i64,
}

impl Proof {
    /// One factor.
    #[must_use]
    pub fn one(method: Method) -> Self {
        Self { method, level: 1 }
    }
}

/// Whom a way to sign in let pass, in its transaction.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    /// The user, as it stands now.
    pub user: UserRow,
    /// Sessions of it that were ended.
    pub ended: Vec<Uuid>,
    /// Whether the user was changed, so that its other sessions are to be read anew.
    pub changed: bool,
}

impl Admitted {
    /// Somebody who is as before.
    pub(crate) fn as_before(user: UserRow) -> Self {
        Self {
            user,
            ended: Vec::new(),
            changed: false,
        }
    }
}

/// Who came to the door.
#[derive(Clone, Debug)]
pub enum Entered {
    /// Somebody who is in.
    In(SignedIn),
    /// Somebody who must show a second factor first.
    Factor(FactorDue),
}

/// What is due before somebody is in.
#[derive(Clone, Debug)]
pub struct FactorDue {
    /// Goes with the factor; good once.
    pub token: String,
    /// The factors that the user has.
    pub factors: Vec<&'static str>,
    /// Whether it has none and must set one up first.
    pub enrols: bool,
    /// For how many seconds the token is good.
    pub expires_in: u32,
}

/// A session that is not stored yet, and its first refresh token.
#[derive(Clone)]
pub(crate) struct Begun {
    pub(crate) row: session::Model,
    pub(crate) refresh_token: String,
}

impl Accounts {
    /// Lets in whom `admit` lets pass. It runs in the transaction that begins the session, and uses up there what was
    /// shown; it may run more than once.
    pub(crate) async fn enter(
        &self,
        ask: &Ask,
        proof: Proof,
        admit: impl AsyncFn(&WriteTx) -> Result<Admitted, Error> + Send + 'static,
    ) -> Result<Entered, Error> {
        self.enter_after(ask, proof, None, admit).await
    }

    /// Lets in who showed something else before: names of methods, with spaces between them.
    pub(crate) async fn enter_after(
        &self,
        ask: &Ask,
        proof: Proof,
        earlier: Option<String>,
        admit: impl AsyncFn(&WriteTx) -> Result<Admitted, Error> + Send + 'static,
    ) -> Result<Entered, Error> {
        let keys = self.inner.keys.of(&ask.project, ask.now).await?;
        let mut begun = self.begin(ask, proof)?;
        if let Some(earlier) = earlier {
            begun.row.methods = format!("{earlier} {}", begun.row.methods);
        }
        let (this, of, row) = (self.clone(), ask.clone(), begun.row.clone());
        let open = async move |tx: &WriteTx| -> Result<(Admitted, Option<FactorDue>, bool), Error> {
            let admitted = admit(tx).await?;
            let id = admitted.user.id;
            if admitted.user.disabled {
                return Err(Error::InvalidCredentials);
            }
            if let Some(due) = this.factor_due(&of, tx, &admitted.user, proof).await? {
                return Ok((admitted, Some(due), false));
            }
            rows::delete_stale_sessions(tx, id, of.now).await?;
            let row = session::Model {
                user_id: id,
                ..row.clone()
            };
            rows::insert_session(tx, row.clone()).await?;
            // Where an operator sits is no place of the user's.
            let is_told = proof.method != Method::Impersonation
                && this.note_place(&of, tx, &admitted.user, &row).await?;
            Ok((admitted, None, is_told))
        };
        let (admitted, due, is_told) = ask.project.db.write(open).await?;
        self.ended(&ask.project, &admitted.ended);
        if admitted.changed {
            self.user_changed(&ask.project, admitted.user.id);
        }
        if is_told {
            (self.inner.wake)(&ask.project);
        }
        match due {
            Some(due) => Ok(Entered::Factor(due)),
            None => {
                self.end_replaced(ask).await?;
                let (row, token) = (&begun.row, begun.refresh_token);
                let user = admitted.user;
                let done = self.signed_in(ask, &keys, user, row, token).await;
                done.map(Entered::In)
            }
        }
    }

    /// A session of nobody yet.
    pub(crate) fn begin(&self, ask: &Ask, proof: Proof) -> Result<Begun, Error> {
        let id = self.inner.ids.new_id();
        let bytes = Secret::fresh()?;
        let row = session::Model {
            id,
            user_id: Uuid::nil(),
            counter: 1,
            secret: ask.project.seal(&place(id), &bytes)?,
            created_at: ask.now.time(),
            used_at: ask.now.time(),
            rotated_at: ask.now.time(),
            expires_at: ask.now.plus(self.inner.config.session_idle()).time(),
            ended_at: None,
            user_agent: ask.user_agent.clone(),
            network: ask.network.clone(),
            methods: proof.method.as_str().to_owned(),
            level: proof.level,
            proved_at: ask.now.time(),
            device: ask.device.clone(),
            impersonator: None,
            claims: ask.claims.clone(),
        };
        Ok(Begun {
            row,
            refresh_token: Secret::new(&bytes).token(ask.project.uid, id, 1),
        })
    }

    /// The tokens of a session that began just now. The project's hook is asked, and without its answer the session
    /// ends, where the answer must be there.
    pub(crate) async fn signed_in(
        &self,
        ask: &Ask,
        keys: &KeySet,
        user: UserRow,
        session: &session::Model,
        refresh_token: String,
    ) -> Result<SignedIn, Error> {
        let extra = match self.ask_on_token(ask, &user, session).await {
            Ok(extra) => extra,
            Err(error) => {
                let (user, id, now) = (user.id, session.id, ask.now);
                let end = async move |tx: &WriteTx| -> Result<Vec<Uuid>, Error> {
                    Ok(rows::end_sessions(tx, user, Which::One(id), now).await?)
                };
                ask.project.db.write(end).await?;
                return Err(error);
            }
        };
        self.tokens(ask, keys, user, session, (refresh_token, extra))
            .await
    }

    /// The tokens of a session.
    pub(crate) async fn tokens(
        &self,
        ask: &Ask,
        keys: &KeySet,
        user: UserRow,
        session: &session::Model,
        (refresh_token, extra): (String, Extra),
    ) -> Result<SignedIn, Error> {
        let key = keys
            .current(ask.now)
            .ok_or(Error::Sealed("a project without a signing key"))?;
        let life = self.inner.config.access_token();
        let realm = crate::service::realm(&ask.project);
        let granted = Granted::of(&ask.project.db, &user).await?;
        let holder = crate::tokens::Holder {
            user: user.id,
            session: session.id,
            level: session.level,
            methods: &session.methods,
            granted: &granted,
            actor: session.impersonator.as_deref(),
        };
        let access_token = crate::tokens::sign(key, realm, holder, ask.now, life, &extra)
            .map_err(|_| Error::Crypto)?;
        Ok(SignedIn {
            user: user.view,
            access_token,
            refresh_token,
            expires_in: self.inner.config.access_token_seconds,
        })
    }

    /// Refuses who has not shown a credential for a while: `reauth_required`. Who acts as somebody else never has.
    pub(crate) fn demand_recent(user: &UserAuth, now: Stamp) -> Result<(), Error> {
        if user.impersonator.is_some() {
            return Err(Error::Impersonated);
        }
        let is_recent = user.proved_at <= now && now < user.proved_at.plus(RECENT);
        is_recent.then_some(()).ok_or(Error::ReauthRequired)
    }
}
