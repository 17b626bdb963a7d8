//! A user's accounts elsewhere: listed, linked, unlinked, and the tokens of their providers for the app's use.

use super::provider::Tokens;
use super::{is_taken, sealed, tokens_place, use_up};
use crate::Accounts;
use crate::door::Method;
use crate::error::Error;
use crate::model::social::SocialIn;
use crate::ports::NewUser;
use crate::rows::{identities as kept, passkeys};
use crate::service::Ask;
use gate::{Project, UserAuth};
use kernel::{Code, Stamp};
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// How long before its end a token is renewed.
const EARLY: Duration = Duration::from_secs(30);
/// For how long tokens are reserved for who renews them: longer than a provider may take.
const CLAIM: Duration = Duration::from_secs(30);
/// How long to wait for somebody else who renews them, and how often at most.
const WAIT: (Duration, usize) = (Duration::from_millis(200), 60);

/// A token of a provider that is good now.
pub(crate) struct ProviderToken {
    pub(crate) access_token: String,
    pub(crate) expires_at: Option<Stamp>,
    pub(crate) scope: Option<String>,
}

impl Accounts {
    /// The user's identities, the oldest first.
    pub async fn identities(&self, ask: &Ask, user: &UserAuth) -> Result<Vec<kept::Model>, Error> {
        Ok(kept::of(&ask.project.db, user.id).await?)
    }

    /// Links an identity to the user who asks. One that is linked already is taken over as it is now.
    pub async fn link_identity(
        &self,
        ask: &Ask,
        user: &UserAuth,
        form: SocialIn,
    ) -> Result<kept::Model, Error> {
        Self::demand_recent(user, ask.now)?;
        let claim = self.prove(ask, &form.shown).await?;
        let new = NewUser::new(user.id, ask.now, ask.actor.clone());
        let newcomer = self.admit_nobody(ask, user.auth.anonymous, new, Method::Social);
        let newcomer = newcomer.await?;
        let (this, of, id) = (self.clone(), ask.clone(), user.id);
        let link = async move |tx: &WriteTx| -> Result<kept::Model, Error> {
            use_up(tx, &of, &claim).await?;
            let proven = &claim.proven;
            let user = this.inner.directory.lock(&of.project, tx, id).await?;
            let user = user.filter(|user| !user.disabled);
            let user = user.ok_or(Error::InvalidAccessToken("the user may not sign in"))?;
            let person = &proven.person;
            let there = kept::find(tx, &proven.provider, &person.issuer, &person.subject).await?;
            match there {
                Some(row) if row.user_id == id => this.renew_identity(&of, tx, row, proven).await,
                Some(row) => {
                    let owner = this.inner.directory.get(&of.project, row.user_id);
                    if owner.await?.is_some() {
                        return Err(gate::Problem::from(Code::IdentityTaken).into());
                    }
                    // What an erased user left belongs to nobody.
                    kept::delete(tx, row.id).await?;
                    this.add_identity(&of, tx, id, proven).await
                }
                None => {
                    this.tell_linked(&of, tx, &user).await?;
                    if user.anonymous {
                        this.become_somebody(&of, tx, id, newcomer.as_ref()).await?;
                    }
                    this.add_identity(&of, tx, id, proven).await
                }
            }
        };
        let row = ask
            .project
            .db
            .write(link)
            .await
            .map_err(|error| match error {
                // Somebody else linked it at the same time.
                error if is_taken(&error) => gate::Problem::from(Code::IdentityTaken).into(),
                other => other,
            })?;
        self.user_changed(&ask.project, user.id);
        (self.inner.wake)(&ask.project);
        Ok(row)
    }

    /// Unlinks an identity, unless nothing would be left to sign in with.
    pub async fn unlink_identity(
        &self,
        ask: &Ask,
        user: &UserAuth,
        identity: Uuid,
    ) -> Result<(), Error> {
        Self::demand_recent(user, ask.now)?;
        let (this, of, id) = (self.clone(), ask.clone(), user.id);
        let unlink = async move |tx: &WriteTx| -> Result<(), Error> {
            // Two who unlink the last two at once come one after the other.
            let user = this.inner.directory.lock(&of.project, tx, id).await?;
            let user = user.ok_or(Error::InvalidAccessToken("the user is gone"))?;
            let all = kept::of(tx, id).await?;
            if !all.iter().any(|row| row.id == identity) {
                return Err(Error::NoSuchIdentity);
            }
            let rest: Vec<kept::Model> = all.into_iter().filter(|row| row.id != identity).collect();
            let passkeys = passkeys::of(tx, id).await?.len();
            if !this.has_a_way_in(&of, tx, &user, (passkeys, &rest)).await? {
                return Err(Error::LastWayIn);
            }
            Ok(kept::delete(tx, identity).await?)
        };
        ask.project.db.write(unlink).await
    }

    /// A token by which the app asks the provider's API in the name of a user; renewed when it is out of date.
    pub(crate) async fn provider_token(
        &self,
        ask: &Ask,
        user: Uuid,
        provider: &str,
    ) -> Result<ProviderToken, Error> {
        for tried in 0..=WAIT.1 {
            let row = kept::newest(&ask.project.db, user, provider).await?;
            let row = row
                .filter(|row| row.tokens.is_some())
                .ok_or(Error::NoSuchIdentity)?;
            let tokens = opened(&ask.project, &row)?;
            let present = ask
                .now
                .plus(WAIT.0.saturating_mul(u32::try_from(tried).unwrap_or(0)));
            if tokens
                .expires_at
                .is_none_or(|end| present.plus(EARLY).unix_seconds() < end)
            {
                return Ok(shown(tokens));
            }
            let (claimed, until) = (row.clone(), present.plus(CLAIM));
            let claim = async move |tx: &WriteTx| -> Result<bool, Error> {
                Ok(kept::claim(tx, &claimed, present, until).await?)
            };
            // One asks the provider: many of them take a refresh token once, and its second use for theft.
            if ask.project.db.write(claim).await? {
                return self.renewed(ask, &row, &tokens).await.map(shown);
            }
            tokio::time::sleep(WAIT.0).await;
        }
        Err(Error::ProviderFailed(format!(
            "{provider}: somebody else renews the token for too long"
        )))
    }

    async fn renewed(&self, ask: &Ask, row: &kept::Model, old: &Tokens) -> Result<Tokens, Error> {
        let result = match &old.refresh_token {
            None => Err(Error::ConsentRequired),
            Some(token) => match self.provider(&ask.project, &row.provider) {
                Err(error) => Err(error),
                Ok(of) => self
                    .renew(&of, old, token, ask.now)
                    .await
                    .map_err(|error| match error {
                        // The person took back what it had agreed to.
                        Error::InvalidToken => Error::ConsentRequired,
                        other => other,
                    }),
            },
        };
        if let Err(Error::ProviderFailed(story)) = &result {
            tracing::warn!(story, project = %ask.project.id, "a provider's token was not renewed");
        }
        let text = match &result {
            Ok(tokens) => sealed(&ask.project, row.id, Some(tokens))?,
            Err(_) => row.tokens.clone(),
        };
        let row = row.clone();
        let settle = async move |tx: &WriteTx| -> Result<(), Error> {
            Ok(kept::settle(tx, &row, text.clone()).await?)
        };
        ask.project.db.write(settle).await?;
        result
    }
}

fn opened(project: &Project, row: &kept::Model) -> Result<Tokens, Error> {
    let sealed = row.tokens.as_deref().unwrap_or_default();
    let plain = project.open(&tokens_place(row.id), sealed)?;
    serde_json::from_slice(&plain).map_err(|_| Error::Sealed("a provider's tokens"))
}

fn shown(tokens: Tokens) -> ProviderToken {
    let end = tokens
        .expires_at
        .and_then(|end| time::OffsetDateTime::from_unix_timestamp(end).ok());
    ProviderToken {
        access_token: tokens.access_token,
        expires_at: end.and_then(Stamp::from_time),
        scope: tokens.scope,
    }
}
