//! Signing in by the word of the project's own identity system: a server key asks for a ticket, and the app signs in
//! with it, once, within a minute.

use crate::Accounts;
use crate::door::{Admitted, Entered, Method, Proof};
use crate::error::Error;
use crate::links::Secret;
use crate::mail::Template;
use crate::model::{Mint, OneTime, Whom};
use crate::ports::{NewUser, UserRow};
use crate::rows::{externals, tokens};
use crate::service::Ask;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// For how long a ticket is good.
pub(crate) const TICKET: Duration = Duration::from_secs(60);
/// What tickets are for.
const PURPOSE: &str = "custom";

/// What a ticket hands on to its session.
#[derive(Default, Serialize, Deserialize)]
struct Extra {
    device: Option<String>,
    claims: Option<Map<String, Value>>,
}

/// A ticket, and for whom it is.
#[derive(Clone, Debug)]
pub struct Minted {
    /// The ticket.
    pub token: String,
    /// The user.
    pub user: Uuid,
    /// Whether the user was made now.
    pub is_new: bool,
}

impl Accounts {
    /// Makes a ticket for a user who may sign in. A name of the project's own identity system makes a user at its first
    /// time, and means the same user from then on.
    pub async fn mint(&self, ask: &Ask, form: Mint) -> Result<Minted, Error> {
        let ticket = Secret::fresh(Template::MagicLink)?;
        let extra = Extra {
            device: form.device,
            claims: form.claims,
        };
        let extra = serde_json::to_string(&extra).map_err(|_| Error::Sealed("a ticket"))?;
        let row = tokens::Model {
            hash: ticket.hash(None),
            purpose: PURPOSE.to_owned(),
            user_id: Uuid::nil(),
            state: String::new(),
            change_id: None,
            claimed_until: None,
            created_at: ask.now.time(),
            expires_at: ask.now.plus(TICKET).time(),
            extra: Some(extra),
        };
        let (this, of, new) = (self.clone(), ask.clone(), self.inner.ids.new_id());
        let mint = async move |tx: &WriteTx| -> Result<(Uuid, bool), Error> {
            let (user, is_new) = match &form.whom {
                Whom::User(id) => (
                    this.inner.directory.lock(&of.project, tx, *id).await?,
                    false,
                ),
                Whom::External(name) => this.of_external(&of, tx, name, new).await?,
            };
            let user = user.ok_or(Error::NoSuchUser)?;
            if user.disabled {
                return Err(Error::UserDisabled);
            }
            let row = tokens::Model {
                user_id: user.id,
                ..row.clone()
            };
            tokens::insert(tx, row).await?;
            Ok((user.id, is_new))
        };
        let (user, is_new) = ask.project.db.write(mint).await?;
        Ok(Minted {
            token: ticket.code().to_owned(),
            user,
            is_new,
        })
    }

    /// Whom a name of the project's own identity system means, locked, and whether it was made now as `new`.
    async fn of_external(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        name: &str,
        new: Uuid,
    ) -> Result<(Option<UserRow>, bool), Error> {
        let directory = &self.inner.directory;
        // Of many who bring a new name at once, one makes the user, and the others wait for it.
        if !externals::claim(tx, name, new, ask.now).await? {
            let id = externals::get(tx, name).await?.unwrap_or_default();
            let user = directory.lock(&ask.project, tx, id).await?;
            if user.is_some() {
                return Ok((user, false));
            }
            // The user was erased: the name is free for another.
            externals::release(tx, name).await?;
            externals::claim(tx, name, new, ask.now).await?;
        }
        let user = NewUser::new(new, ask.now, ask.actor.clone());
        let made = directory.create(&ask.project, tx, user).await?;
        Ok((Some(made), true))
    }

    /// Signs in with a ticket.
    pub async fn sign_in_custom(&self, ask: &Ask, form: OneTime) -> Result<Entered, Error> {
        let hash = Secret::brought(form.token.expose_secret()).hash(None);
        // Read before, because it says what the session is to hold; whether it is good is judged when it is used up.
        let found = tokens::find(&ask.project.db, &hash, &[PURPOSE], ask.now).await?;
        let found = found.ok_or(Error::InvalidToken)?;
        let extra: Extra = found
            .extra
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let claims = extra.claims.map(|claims| Value::Object(claims).to_string());
        let ask = Ask {
            device: extra.device.or(ask.device.clone()),
            claims,
            ..ask.clone()
        };
        let (this, of) = (self.clone(), ask.clone());
        let admit = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            let token = tokens::consume(tx, &hash, &[PURPOSE], of.now).await?;
            let token = token.ok_or(Error::InvalidToken)?;
            let directory = &this.inner.directory;
            let user = directory.lock(&of.project, tx, token.user_id).await?;
            let user = user.filter(|user| !user.disabled);
            Ok(Admitted::as_before(user.ok_or(Error::InvalidToken)?))
        };
        self.enter(&ask, Proof::one(Method::Custom), admit).await
    }
}
