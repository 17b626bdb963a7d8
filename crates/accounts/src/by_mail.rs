//! Signing in with what was sent by mail: a code that answers a challenge, or a link.
//!
//! Either proves that the address is its user's. Whoever made the account with this address before and never proved it
//! is put out: the password and the sessions that were there are gone.

use crate::Accounts;
use crate::door::{Admitted, Entered, Method, Proof};
use crate::error::Error;
use crate::links::{GUESSES_COUNTED, Secret};
use crate::mail::{Template, Wish};
use crate::model::{CodeAnswer, OneTime, ToAddress};
use crate::ports::UserRow;
use crate::rows::{self, Which, challenges, changes, identities, tokens};
use crate::service::Ask;
use gate::CaptchaPlace;
use secrecy::ExposeSecret;
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// Guesses at one code at most.
const GUESSES_MAX: i64 = 5;
/// Guesses at all codes of an account in an hour at most.
const ACCOUNT_GUESSES_MAX: i64 = 20;
/// For how long what the page of a link gives to the app is good.
const TICKET: Duration = Duration::from_secs(60);

impl Accounts {
    /// Asks for a code, and gives the challenge that it will answer, whether or not there is such an account.
    pub async fn request_code(&self, ask: &Ask, form: ToAddress) -> Result<Uuid, Error> {
        if !ask.project.settings().sign_in.email_code {
            return Err(Error::MethodDisabled);
        }
        self.demand_person(ask, CaptchaPlace::Mails, form.captcha.as_ref())
            .await?;
        let challenge = challenges::fresh()?;
        let wish = Wish {
            template: Template::Code,
            recipient: form.email,
            subject_id: Some(challenge),
            language: ask.language,
        };
        self.want_mail(ask, wish).await?;
        Ok(challenge)
    }

    /// Counts a guess at a challenge, and gives the challenge if the guess is right. Whoever uses it consumes it.
    pub(crate) async fn answered(
        &self,
        ask: &Ask,
        form: &CodeAnswer,
    ) -> Result<challenges::Model, Error> {
        let (id, now) = (form.challenge, ask.now);
        let guess = async move |tx: &WriteTx| -> Result<Option<challenges::Model>, Error> {
            Ok(challenges::guess(tx, id, GUESSES_MAX, now).await?)
        };
        // Counted for good before it is looked at: many who guess at once have no more guesses.
        let challenge = ask.project.db.write(guess).await?;
        let challenge = challenge.ok_or(Error::InvalidToken)?;
        let since = now.minus(GUESSES_COUNTED);
        let guesses = challenges::guesses(&ask.project.db, challenge.user_id, since).await?;
        let hash = Secret::brought(form.code.expose_secret()).hash(Some(id));
        if guesses > ACCOUNT_GUESSES_MAX || hash != challenge.code_hash {
            return Err(Error::InvalidToken);
        }
        Ok(challenge)
    }

    /// Signs in with the code of a challenge.
    pub async fn sign_in_code(&self, ask: &Ask, form: CodeAnswer) -> Result<Entered, Error> {
        if !ask.project.settings().sign_in.email_code {
            return Err(Error::MethodDisabled);
        }
        let challenge = self.answered(ask, &form).await?;
        let id = challenge.id;
        let (this, of) = (self.clone(), ask.clone());
        let enter = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            if !challenges::consume(tx, id).await? {
                return Err(Error::InvalidToken);
            }
            let (user, state) = (challenge.user_id, &*challenge.state);
            let user = this
                .demand_user(&of, tx, user, Template::Code, state)
                .await?;
            this.let_in(&of, tx, user).await
        };
        self.enter(ask, Proof::one(Method::EmailCode), enter).await
    }

    /// Asks for a link to sign in with.
    pub async fn request_link(&self, ask: &Ask, form: ToAddress) -> Result<(), Error> {
        if !ask.project.settings().sign_in.magic_link {
            return Err(Error::MethodDisabled);
        }
        self.demand_person(ask, CaptchaPlace::Mails, form.captcha.as_ref())
            .await?;
        let wish = Wish {
            template: Template::MagicLink,
            recipient: form.email,
            subject_id: None,
            language: ask.language,
        };
        self.want_mail(ask, wish).await
    }

    /// Signs in with the secret of a link, or with what the link's page gave for it.
    pub async fn sign_in_link(&self, ask: &Ask, form: OneTime) -> Result<Entered, Error> {
        if !ask.project.settings().sign_in.magic_link {
            return Err(Error::MethodDisabled);
        }
        let hash = Secret::brought(form.token.expose_secret()).hash(None);
        let purpose = [Template::MagicLink.as_str()];
        let (this, of) = (self.clone(), ask.clone());
        let enter = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            let token = tokens::consume(tx, &hash, &purpose, of.now).await?;
            let token = token.ok_or(Error::InvalidToken)?;
            let (user, state) = (token.user_id, &*token.state);
            let user = this
                .demand_user(&of, tx, user, Template::MagicLink, state)
                .await?;
            this.let_in(&of, tx, user).await
        };
        self.enter(ask, Proof::one(Method::MagicLink), enter).await
    }

    /// Uses up the secret of a link for one that the app signs in with, within a minute.
    pub(crate) async fn exchange_link(&self, ask: &Ask, form: &OneTime) -> Result<String, Error> {
        if !ask.project.settings().sign_in.magic_link {
            return Err(Error::MethodDisabled);
        }
        let hash = Secret::brought(form.token.expose_secret()).hash(None);
        let ticket = Secret::fresh(Template::MagicLink)?;
        let next = ticket.hash(None);
        let (this, of, purpose) = (self.clone(), ask.clone(), [Template::MagicLink.as_str()]);
        let exchange = async move |tx: &WriteTx| -> Result<(), Error> {
            let token = tokens::consume(tx, &hash, &purpose, of.now).await?;
            let token = token.ok_or(Error::InvalidToken)?;
            let (user, state) = (token.user_id, &*token.state);
            this.demand_user(&of, tx, user, Template::MagicLink, state)
                .await?;
            let row = tokens::Model {
                hash: next.clone(),
                created_at: of.now.time(),
                expires_at: of.now.plus(TICKET).time(),
                ..token
            };
            Ok(tokens::replace(tx, row).await?)
        };
        ask.project.db.write(exchange).await?;
        Ok(ticket.code().to_owned())
    }

    /// Lets a user in who proved that the address is his.
    pub(crate) async fn let_in(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: UserRow,
    ) -> Result<Admitted, Error> {
        let id = user.id;
        if user.verified {
            return Ok(Admitted::as_before(user));
        }
        let ended = self.put_out(ask, tx, id).await?;
        self.drop_unproven_phone(ask, tx, &user).await?;
        self.set_address(ask, tx, id, None).await?;
        let again = self.inner.directory.lock(&ask.project, tx, id).await?;
        Ok(Admitted {
            user: again.ok_or(Error::InvalidToken)?,
            ended,
            changed: true,
        })
    }

    /// Puts out whoever made an account whose address, or number, somebody else has proved just now: all that lets in is
    /// gone, and the sessions that ended are answered. The address or the number that was not proved is the caller's.
    pub(crate) async fn put_out(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: Uuid,
    ) -> Result<Vec<Uuid>, Error> {
        rows::delete_credential(tx, user).await?;
        self.drop_factors(tx, user).await?;
        changes::delete(tx, user).await?;
        tokens::delete_of(tx, user, None).await?;
        identities::delete_of(tx, user).await?;
        Ok(rows::end_sessions(tx, user, Which::All, ask.now).await?)
    }
}
