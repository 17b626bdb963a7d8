//! Changing the address of an account: the old one and the new one both agree by mail.

use crate::Accounts;
use crate::door::Method;
use crate::error::Error;
use crate::links::Secret;
use crate::mail::{Template, Wish, address_key, demand_room};
use crate::model::{EmailChange, OneTime};
use crate::newcomers::Newcomer;
use crate::ports::NewUser;
use crate::rows::changes::{self, Side};
use crate::rows::{self, mails, tokens};
use crate::service::Ask;
use gate::{Problem, UserAuth};
use kernel::FieldError;
use secrecy::ExposeSecret;
use store::WriteTx;
use uuid::Uuid;

/// The purposes of a confirmation of another address.
const CHANGE: [&str; 2] = ["change_email_old", "change_email_new"];

impl Accounts {
    /// Asks for another address: both addresses are asked by mail. Whether the new one has an account is not told.
    pub async fn request_email_change(
        &self,
        ask: &Ask,
        user: &UserAuth,
        form: EmailChange,
    ) -> Result<(), Error> {
        let found = self.inner.directory.get(&ask.project, user.id).await?;
        let found = found.ok_or(Error::InvalidAccessToken("the user is gone"))?;
        let credential = rows::credential(&ask.project.db, user.id).await?;
        if let Some(credential) = &credential {
            let current = form
                .current
                .as_ref()
                .map_or("", |text| text.expose_secret());
            self.demand_password(ask, user, current, Some(credential))
                .await?;
        } else {
            self.demand_change(ask, &ask.project.db, user, &found)
                .await?;
        }
        Self::demand_domain(ask, &form.new_email)?;
        let key = address_key(&form.new_email);
        if found.email.as_deref().map(address_key).as_ref() == Some(&key) {
            let fault = FieldError::at("new_email", "same", "This is the account's address.");
            return Err(Problem::validation(vec![fault]).into());
        }
        let change = changes::Model {
            user_id: user.id,
            id: self.inner.ids.new_id(),
            new_email: form.new_email.clone(),
            // Who has no address has nobody to ask.
            old_confirmed: found.email.is_none(),
            new_confirmed: false,
            expires_at: ask.now.plus(Template::ChangeEmailNew.life()).time(),
        };
        let old = found.email.map(|email| (Template::ChangeEmailOld, email));
        let both = old.into_iter();
        let both = both.chain([(Template::ChangeEmailNew, form.new_email)]);
        let letters: Vec<mails::Model> = both
            .map(|(template, recipient)| Wish {
                template,
                recipient,
                subject_id: Some(change.id),
                language: ask.language,
            })
            .map(|wish| self.inner.mail(wish, ask.now))
            .collect();
        let (now, max) = (ask.now, self.inner.config.mail.mails_per_recipient_hour);
        let begin = async move |tx: &WriteTx| -> Result<(), Error> {
            changes::replace(tx, change.clone()).await?;
            for row in &letters {
                demand_room(tx, &row.recipient_key, max, now).await?;
                mails::insert(tx, row.clone()).await?;
            }
            Ok(())
        };
        ask.project.db.write(begin).await?;
        (self.inner.wake)(&ask.project);
        Ok(())
    }

    /// Notes that one of the two addresses agreed; whether both have, and the address is changed.
    pub async fn confirm_email_change(&self, ask: &Ask, form: OneTime) -> Result<bool, Error> {
        let hash = Secret::brought(form.token.expose_secret()).hash(None);
        let newcomer = self.newcomer_by_change(ask, &hash).await?;
        let (this, of, now) = (self.clone(), ask.clone(), ask.now);
        let confirm = async move |tx: &WriteTx| -> Result<(Uuid, bool), Error> {
            let token = tokens::consume(tx, &hash, &CHANGE, now).await?;
            let token = token.ok_or(Error::InvalidToken)?;
            let user = this.demand_state(&of, tx, &token).await?;
            let side = match Template::parse(&token.purpose) {
                Some(Template::ChangeEmailOld) => Side::Old,
                _ => Side::New,
            };
            let change = token.change_id.unwrap_or_default();
            let change = changes::confirm(tx, change, side, now).await?;
            let change = change.filter(|change| change.user_id == user.id);
            let change = change.ok_or(Error::InvalidToken)?;
            let is_done = change.old_confirmed && change.new_confirmed;
            if is_done {
                this.set_address(&of, tx, user.id, Some(change.new_email))
                    .await?;
                if user.anonymous {
                    this.become_somebody(&of, tx, user.id, newcomer.as_ref())
                        .await?;
                }
                changes::delete(tx, user.id).await?;
                tokens::delete_of(tx, user.id, None).await?;
            }
            Ok((user.id, is_done))
        };
        let (user, is_done) = ask.project.db.write(confirm).await?;
        self.user_changed(&ask.project, user);
        Ok(is_done)
    }

    /// Judges who is nobody and gets an address by the secret of a change.
    async fn newcomer_by_change(&self, ask: &Ask, hash: &str) -> Result<Option<Newcomer>, Error> {
        let db = &ask.project.db;
        let token = tokens::find(db, hash, &CHANGE, ask.now).await?;
        let change = match token.and_then(|token| token.change_id) {
            Some(id) => changes::get(db, id).await?,
            None => None,
        };
        let Some(change) = change else {
            return Ok(None);
        };
        let user = self
            .inner
            .directory
            .get(&ask.project, change.user_id)
            .await?;
        let is_anonymous = user.is_some_and(|user| user.anonymous);
        let new = NewUser {
            email: Some(change.new_email),
            verified: true,
            ..NewUser::new(change.user_id, ask.now, ask.actor.clone())
        };
        self.admit_nobody(ask, is_anonymous, new, Method::EmailCode)
            .await
    }
}
