//! Operators' sessions: begun by a password, known by an opaque secret, ended by rest, age or wish.

use super::Gate;
use super::guesses::Guess;
use super::operators::Signed;
use crate::audit::{By, record_instance};
use crate::roles::Reach;
use crate::rows::{operators, sessions};
use crate::{Problem, Who, email_key, new_token, token_hash};
use kernel::{Code, Stamp};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// How coarse a session's last use is.
const SEEN: Duration = Duration::from_secs(300);

/// An operator that is signed in.
pub(crate) struct Present {
    id: Uuid,
    reach: Reach,
}

impl Gate {
    /// Begins a session. Wrong passwords and unknown addresses answer alike, after the same work: 401, and 429 where too
    /// many were tried.
    pub async fn sign_in(&self, by: &By, email: &str, password: &str) -> Result<Signed, Problem> {
        let key = email_key(email);
        let row = operators::by_email_key(&self.0.db, &key).await?;
        let guess = self.guess(by, &key, row.as_ref().map(|row| row.id)).await?;
        let fits = match &row {
            Some(row) => self.0.passwords.verify(password, &row.password).await?,
            None => self.0.passwords.verify_nobody(password).await?,
        };
        let row = row.filter(|_| fits).ok_or(Code::InvalidCredentials)?;
        self.begin_session(by, row, guess).await
    }

    async fn begin_session(
        &self,
        by: &By,
        operator: operators::Model,
        guess: Guess,
    ) -> Result<Signed, Problem> {
        let token = new_token("go_")?;
        let config = &self.0.config.sessions;
        let expires_at = by
            .now
            .plus(Duration::from_secs(config.lifetime_days * 86_400));
        let row = sessions::Model {
            hash: token_hash(&token),
            operator: operator.id,
            created_at: by.now.time(),
            seen_at: by.now.time(),
            expires_at: expires_at.time(),
        };
        let actor = Some(format!("operator:{}", operator.id));
        let entry = By {
            actor,
            ..by.clone()
        }
        .did("session.create", operator.id.to_string(), json!({}));
        let (now, idle_since) = (by.now.time(), self.idle_since(by.now).time());
        self.0
            .db
            .write(async move |tx: &WriteTx| -> Result<(), Problem> {
                sessions::delete_ended(tx, now, idle_since).await?;
                sessions::insert(tx, &row).await?;
                guess.was_right(tx).await?;
                record_instance(tx, entry.clone()).await
            })
            .await?;
        Ok(Signed {
            token,
            expires_at,
            operator: operator.into(),
        })
    }

    /// The operator behind a session's secret, or 401.
    pub(crate) async fn session(&self, token: &str, now: Stamp) -> Result<Present, Problem> {
        let ended = || Problem::new(Code::Unauthenticated).detail("The session has ended.");
        let hash = token_hash(token);
        let row = sessions::by_hash(&self.0.db, &hash)
            .await?
            .ok_or_else(ended)?;
        if row.expires_at <= now.time() || row.seen_at <= self.idle_since(now).time() {
            return Err(ended());
        }
        let operator = operators::by_id(&self.0.db, row.operator)
            .await?
            .ok_or_else(ended)?;
        if row.seen_at <= now.minus(SEEN).time() {
            self.0
                .db
                .write(async move |tx: &WriteTx| -> Result<(), Problem> {
                    Ok(sessions::touch(tx, &hash, now.time()).await?)
                })
                .await?;
        }
        Ok(Present {
            id: operator.id,
            reach: Reach::of(&operator.role, &operator.projects),
        })
    }

    fn idle_since(&self, now: Stamp) -> Stamp {
        now.minus(Duration::from_secs(
            self.0.config.sessions.idle_hours * 3_600,
        ))
    }

    /// The operator as a caller at the instance, or in the project of that uid.
    pub(crate) fn operator_at(&self, present: &Present, project: Option<Uuid>) -> Who {
        let scopes = match project {
            None => self.0.roles.at_instance(&present.reach),
            // Signed in, but with nothing to do here: every permission is refused with 403.
            Some(uid) => self
                .0
                .roles
                .in_project(&present.reach, uid)
                .unwrap_or_else(|| Arc::from(Vec::new())),
        };
        Who::Operator {
            id: present.id,
            scopes,
        }
    }

    /// Ends the session of this secret. Doing it twice changes nothing.
    pub async fn sign_out(&self, by: &By, token: &str) -> Result<(), Problem> {
        let (hash, entry) = (
            token_hash(token),
            by.did(
                "session.delete",
                by.actor.clone().unwrap_or_default(),
                json!({}),
            ),
        );
        self.0
            .db
            .write(async move |tx: &WriteTx| -> Result<(), Problem> {
                if sessions::delete(tx, &hash).await? {
                    record_instance(tx, entry.clone()).await?;
                }
                Ok(())
            })
            .await
    }
}
