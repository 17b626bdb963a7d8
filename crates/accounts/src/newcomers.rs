//! The one place where it is decided who may have an account: whatever the way, a user is made of a [`Newcomer`], and
//! only [`Accounts::admit_new`] makes one.

use crate::Accounts;
use crate::door::Method;
use crate::error::Error;
use crate::grants::Granted;
use crate::ports::{NewUser, UserChange, UserRow};
use crate::service::Ask;
use gate::SignUp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::WriteTx;
use uuid::Uuid;

/// Somebody who may have an account.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    user: NewUser,
    added: Added,
}

/// What the project's hook gives a newcomer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Added {
    /// Fields of the profile, written as an operator would.
    pub(crate) profile: Map<String, Value>,
    /// Roles and claims.
    pub(crate) granted: Granted,
}

/// A newcomer as it is kept until its address is confirmed.
#[derive(Serialize, Deserialize)]
struct Kept {
    id: Uuid,
    email: Option<String>,
    username: Option<String>,
    profile: Map<String, Value>,
    added: Map<String, Value>,
    roles: Vec<String>,
    claims: Map<String, Value>,
}

impl Newcomer {
    /// Who it is.
    pub(crate) fn user(&self) -> &NewUser {
        &self.user
    }

    /// What the project's hook adds to the profile.
    pub(crate) fn added(&self) -> &Map<String, Value> {
        &self.added.profile
    }

    /// As it is kept until its address is confirmed.
    pub(crate) fn kept(&self) -> Result<Vec<u8>, Error> {
        let (user, added) = (self.user.clone(), self.added.clone());
        let kept = Kept {
            id: user.id,
            email: user.email,
            username: user.username,
            profile: user.profile,
            added: added.profile,
            roles: added.granted.roles,
            claims: added.granted.claims,
        };
        serde_json::to_vec(&kept).map_err(|_| Error::Sealed("a sign-up"))
    }

    /// One that was kept, whose address is confirmed now.
    pub(crate) fn confirmed(ask: &Ask, kept: &[u8]) -> Result<Self, Error> {
        let kept: Kept = serde_json::from_slice(kept).map_err(|_| Error::Sealed("a sign-up"))?;
        let user = NewUser {
            email: kept.email,
            username: kept.username,
            verified: true,
            profile: kept.profile,
            ..NewUser::new(kept.id, ask.now, ask.actor.clone())
        };
        let (roles, claims) = (kept.roles, kept.claims);
        let added = Added {
            profile: kept.added,
            granted: Granted { roles, claims },
        };
        Ok(Self { user, added })
    }
}

impl Accounts {
    /// Lets somebody have an account, if the project's policies let: its sign-up mode (`sign_up_closed`,
    /// `invitation_required`), its domains of addresses (`email_domain_refused`), and its hook (`sign_up_refused`,
    /// `hook_failed`). Keys and operators make accounts without being asked.
    ///
    /// `method` is how the newcomer comes; by an invitation, an invitation was shown. It asks others, so call it outside
    /// of any transaction, also where the user may be there already: what it answers must not tell.
    pub(crate) async fn admit_new(
        &self,
        ask: &Ask,
        user: NewUser,
        method: Method,
    ) -> Result<Newcomer, Error> {
        if ask.is_trusted {
            let added = Added::default();
            return Ok(Newcomer { user, added });
        }
        Self::demand_open(ask, &user, method)?;
        let added = self.ask_before_sign_up(ask, &user, method.as_str()).await?;
        Ok(Newcomer { user, added })
    }

    /// Refuses whom the project's own settings do not let have an account; nobody is asked.
    pub(crate) fn demand_open(ask: &Ask, user: &NewUser, method: Method) -> Result<(), Error> {
        match (ask.project.settings().sign_up, method) {
            (SignUp::Closed, _) => return Err(Error::SignUpClosed),
            (SignUp::Open, _) | (SignUp::InviteOnly, Method::Invitation) => {}
            (SignUp::InviteOnly, _) => return Err(Error::InvitationRequired),
        }
        match &user.email {
            Some(email) => Self::demand_domain(ask, email),
            None => Ok(()),
        }
    }

    /// Makes the user, in the transaction of the way by which it came.
    pub(crate) async fn make_new(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        newcomer: &Newcomer,
    ) -> Result<UserRow, Error> {
        let directory = &self.inner.directory;
        let Newcomer { user, added } = newcomer;
        let made = directory.create(&ask.project, tx, user.clone()).await?;
        self.grant_new(ask, tx, user.id, newcomer).await?;
        if added.profile.is_empty() {
            return Ok(made);
        }
        let change = UserChange {
            profile: added.profile.clone(),
            ..UserChange::new(user.now, user.actor.clone())
        };
        let changed = directory.change(&ask.project, tx, user.id, change).await;
        changed.map_err(|problem| {
            tracing::warn!(project = %ask.project.id, %problem, "the profile that a hook gave does not fit");
            Error::HookFailed
        })?;
        let made = directory.lock(&ask.project, tx, user.id).await?;
        made.ok_or(Error::HookFailed)
    }

    /// Gives a newcomer the roles and claims that the project's hook says, beside those that are there: who was nobody
    /// may have some.
    pub(crate) async fn grant_new(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        id: Uuid,
        newcomer: &Newcomer,
    ) -> Result<(), Error> {
        let more = newcomer.added.granted.clone();
        if more == Granted::default() {
            return Ok(());
        }
        let mut granted = Granted::read(tx, id).await?;
        granted.roles.extend(more.roles);
        granted.roles.sort();
        granted.roles.dedup();
        granted.claims.extend(more.claims);
        granted.write(tx, id, ask.now).await
    }

    /// Refuses an address that the project does not take.
    pub(crate) fn demand_domain(ask: &Ask, email: &str) -> Result<(), Error> {
        let domains = &ask.project.settings().email_domains;
        match ask.is_trusted || domains.allows(email) {
            true => Ok(()),
            false => Err(Error::EmailDomainRefused),
        }
    }
}
