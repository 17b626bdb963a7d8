//! The one place where it is decided who may have an account: whatever the way, a user is made of a [`Newcomer`], and
//! only [`Accounts::admit_new`] makes one.

use crate::Accounts;
use crate::door::Method;
use crate::error::Error;
use crate::ports::{NewUser, UserChange, UserRow};
use crate::service::Ask;
use gate::SignUp;
use serde_json::{Map, Value};
use store::WriteTx;

/// Somebody who may have an account.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    user: NewUser,
    /// What the project's hook adds, written as an operator would.
    profile: Map<String, Value>,
}

impl Newcomer {
    /// What the project's hook adds to the profile.
    pub(crate) fn added(&self) -> &Map<String, Value> {
        &self.profile
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
            let profile = Map::new();
            return Ok(Newcomer { user, profile });
        }
        match (ask.project.settings().sign_up, method) {
            (SignUp::Closed, _) => return Err(Error::SignUpClosed),
            (SignUp::Open, _) | (SignUp::InviteOnly, Method::Invitation) => {}
            (SignUp::InviteOnly, _) => return Err(Error::InvitationRequired),
        }
        if let Some(email) = &user.email {
            Self::demand_domain(ask, email)?;
        }
        let profile = self.ask_before_sign_up(ask, &user, method.as_str()).await?;
        Ok(Newcomer { user, profile })
    }

    /// Makes the user, in the transaction of the way by which it came.
    pub(crate) async fn make_new(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        newcomer: &Newcomer,
    ) -> Result<UserRow, Error> {
        let directory = &self.inner.directory;
        let Newcomer { user, profile } = newcomer;
        let made = directory.create(&ask.project, tx, user.clone()).await?;
        if profile.is_empty() {
            return Ok(made);
        }
        let change = UserChange {
            profile: profile.clone(),
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

    /// Refuses an address that the project does not take.
    pub(crate) fn demand_domain(ask: &Ask, email: &str) -> Result<(), Error> {
        let domains = &ask.project.settings().email_domains;
        match ask.is_trusted || domains.allows(email) {
            true => Ok(()),
            false => Err(Error::EmailDomainRefused),
        }
    }
}
