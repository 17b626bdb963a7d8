//! Who holds an access token: from memory when it was seen a moment ago, else by its signature and its session's row.

use crate::Accounts;
use crate::cache::{Found, Live, Standing};
use crate::error::Error;
use crate::grants::Granted;
use crate::ports::UserRow;
use crate::rows;
use crate::service::realm;
use crate::tokens::{self, Claims, Refusal};
use gate::ports::UserTokens;
use gate::{Problem, Project, UserAuth};
use kernel::Stamp;
use std::sync::Arc;

impl Accounts {
    /// The user behind an access token of this project.
    pub(crate) async fn authenticate(
        &self,
        project: &Project,
        token: &str,
        found: Found,
        now: Stamp,
    ) -> Result<UserAuth, Error> {
        match found {
            Found::Good(user) => Ok(user),
            Found::Expired => Err(Error::InvalidAccessToken("out of date")),
            Found::Stale(live) => self.look(project, &live, now).await,
            Found::Unknown => {
                let moment = self.inner.cache.moment();
                let claims = self.claims(project, token, now).await?;
                let live = self.inner.cache.live(project.uid, claims.sid, claims.sub);
                let user = self.look(project, &live, now).await?;
                self.inner.cache.keep(token, claims.exp, &live, now, moment);
                Ok(user)
            }
        }
    }

    /// What a token says, once its signature and its claims are found good. A key that is not known may be new.
    async fn claims(&self, project: &Project, token: &str, now: Stamp) -> Result<Claims, Error> {
        let mut keys = self.inner.keys.of(project, now).await?;
        let mut result = tokens::verify(&keys, realm(project), token, now);
        if let Err(Refusal::UnknownKey) = result
            && let Some(newer) = self.inner.keys.again(project, now).await?
        {
            keys = newer;
            result = tokens::verify(&keys, realm(project), token, now);
        }
        result.map_err(|why| {
            Error::InvalidAccessToken(match why {
                Refusal::Malformed => "no token of ours",
                Refusal::UnknownKey => "an unknown key",
                Refusal::Wrong => "a wrong signature or claim",
                Refusal::Untimely => "out of its time",
            })
        })
    }

    /// Reads how the session and its user stand, and notes it for the next requests.
    async fn look(&self, project: &Project, live: &Live, now: Stamp) -> Result<UserAuth, Error> {
        let over = Error::InvalidAccessToken;
        let row = rows::session(&project.db, live.session)
            .await?
            .ok_or(over("no such session"))?;
        if row.user_id != live.user || row.ended_at.is_some() || row.expires_at <= now.time() {
            return Err(over("the session is over"));
        }
        let user = self.inner.directory.get(project, live.user).await?;
        let user = user
            .filter(|user| !user.disabled)
            .ok_or(over("the user may not sign in"))?;
        let time = |time| Stamp::from_time(time).ok_or(Error::Sealed("a session's time"));
        let mut auth = auth(user, row.level, row.claims.as_deref());
        Granted::add_to(&project.db, live.user, &mut auth).await?;
        let stands = Standing {
            auth: Arc::new(auth),
            proved_at: time(row.proved_at)?,
            impersonator: row.impersonator.map(Into::into),
        };
        live.note(now, time(row.expires_at)?, stands.clone());
        // The session may have been ended while the rows were read.
        if live.is_ended() {
            Err(over("the session was ended"))
        } else {
            Ok(live.user_auth(stands))
        }
    }
}

/// What rules read as `auth`.
fn auth(user: UserRow, level: i64, claims: Option<&str>) -> rules::Auth {
    rules::Auth {
        id: user.id.to_string(),
        email: user.email,
        verified: user.verified,
        anonymous: user.anonymous,
        roles: user.roles,
        level,
        claims: claims
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default(),
        ..rules::Auth::default()
    }
}

#[async_trait::async_trait(?Send)]
impl UserTokens for Accounts {
    async fn verify(
        &self,
        project: &Project,
        token: &str,
        now: Stamp,
    ) -> Result<UserAuth, Problem> {
        let found = self.inner.cache.find(project.uid, token, now);
        Ok(self.authenticate(project, token, found, now).await?)
    }
}
