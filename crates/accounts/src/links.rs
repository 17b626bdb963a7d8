//! What is done with the secrets that mails carry: verifying an address and setting a new password.
//!
//! A secret is bound to one purpose and to how its user stood when it was made, and is used up in the transaction of
//! the act, so that of many who come with it one succeeds.

use crate::Accounts;
use crate::door::Admitted;
use crate::error::Error;
use crate::guesses::Right;
use crate::mail::{Template, Wish, address_key};
use crate::model::{OneTime, Reset, ToAddress};
use crate::ports::{UserChange, UserRow};
use crate::rows::{self, Which, changes, credential, identities as linked, tokens};
use crate::service::{Ask, identities};
use aws_lc_rs::rand;
use gate::{CaptchaPlace, Project};
use secrecy::ExposeSecret;
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// Over how long guesses at codes of one account are counted.
pub(crate) const GUESSES_COUNTED: Duration = Duration::from_secs(3_600);
/// For how long a secret is reserved while its new password is hashed.
const CLAIM: Duration = Duration::from_secs(30);
/// What the secrets of links begin with.
const PREFIX: &str = "gt_";

/// A secret as it goes into a mail.
pub(crate) struct Secret(String);

impl Secret {
    /// A new one: six digits where a person types it, else 256 random bits.
    pub(crate) fn fresh(template: Template) -> Result<Self, Error> {
        if template != Template::Code {
            return Ok(Self(gate::new_token(PREFIX)?));
        }
        loop {
            let mut bytes = [0; 4];
            rand::fill(&mut bytes).map_err(|_| Error::Crypto)?;
            let number = u32::from_le_bytes(bytes);
            // Above the last full million the low numbers would be likelier.
            if number < 4_294_000_000 {
                return Ok(Self(format!("{:06}", number % 1_000_000)));
            }
        }
    }

    /// One that a caller brought.
    pub(crate) fn brought(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The secret itself.
    pub(crate) fn code(&self) -> &str {
        &self.0
    }

    /// As it is kept. A code is hashed with its challenge.
    pub(crate) fn hash(&self, challenge: Option<Uuid>) -> String {
        match challenge {
            None => gate::token_hash(&self.0),
            Some(id) => gate::token_hash(&format!("{id} {}", self.0)),
        }
    }
}

/// Where a mail leads.
pub(crate) fn link(project: &Project, template: Template, secret: &Secret) -> String {
    let Some(page) = template.page() else {
        return String::new();
    };
    format!("{}/v1/auth/pages/{page}?token={}", project.issuer, secret.0)
}

/// How a user stands, as far as a secret of this purpose depends on it: with another address it is no good any more,
/// nor, if it lets in, after the password was changed.
pub(crate) fn state(
    template: Template,
    user: &UserRow,
    credential: Option<&credential::Model>,
) -> String {
    let key = address_key(user.email.as_deref().unwrap_or_default());
    let lets_in = matches!(
        template,
        Template::Reset
            | Template::Code
            | Template::MagicLink
            | Template::Invite
            | Template::TeamInvite
    );
    // The hash has a salt of its own each time, while a clock may show the same time twice.
    let password = credential.filter(|_| lets_in);
    let password = password.map(|row| row.password_hash.as_str());
    gate::token_hash(&format!("{} {key} {password:?}", template.as_str()))
}

/// A new password, with the secret that lets it be set.
#[derive(Clone)]
pub(crate) struct Fresh {
    token: tokens::Model,
    right: Right,
    password_hash: String,
}

impl Accounts {
    /// Asks for a mail that verifies an address.
    pub async fn request_verification(&self, ask: &Ask, form: ToAddress) -> Result<(), Error> {
        self.demand_person(ask, CaptchaPlace::Mails, form.captcha.as_ref())
            .await?;
        self.want_mail(ask, wish(ask, Template::Verify, form)).await
    }

    /// Notes that an address is its reader's.
    pub async fn confirm_verification(&self, ask: &Ask, form: OneTime) -> Result<(), Error> {
        let hash = Secret::brought(form.token.expose_secret()).hash(None);
        let (this, of, now) = (self.clone(), ask.clone(), ask.now);
        let confirm = async move |tx: &WriteTx| -> Result<Uuid, Error> {
            let token = tokens::consume(tx, &hash, &["verify"], now).await?;
            let token = token.ok_or(Error::InvalidToken)?;
            let user = this.demand_state(&of, tx, &token).await?;
            if !user.verified {
                this.set_address(&of, tx, user.id, None).await?;
            }
            Ok(user.id)
        };
        let user = ask.project.db.write(confirm).await?;
        self.user_changed(&ask.project, user);
        Ok(())
    }

    /// Asks for a mail that leads to a new password.
    pub async fn request_reset(&self, ask: &Ask, form: ToAddress) -> Result<(), Error> {
        self.demand_person(ask, CaptchaPlace::Mails, form.captcha.as_ref())
            .await?;
        self.want_mail(ask, wish(ask, Template::Reset, form)).await
    }

    /// Sets a new password and ends all sessions. The address is verified by it: the secret was sent there. What waited
    /// for a confirmation is over.
    pub async fn confirm_reset(&self, ask: &Ask, form: Reset) -> Result<(), Error> {
        self.set_by_link(ask, form, Template::Reset).await
    }

    /// Takes an account into use that was made for the reader of a mail: with its first password, as with a new one.
    pub async fn take_invitation(&self, ask: &Ask, form: Reset) -> Result<(), Error> {
        self.set_by_link(ask, form, Template::Invite).await
    }

    async fn set_by_link(&self, ask: &Ask, form: Reset, of: Template) -> Result<(), Error> {
        let set = async |fresh: Fresh| {
            let (this, of) = (self.clone(), ask.clone());
            let write = async move |tx: &WriteTx| -> Result<Admitted, Error> {
                this.put_fresh(&of, tx, &fresh).await
            };
            let admitted = ask.project.db.write(write).await?;
            self.ended(&ask.project, &admitted.ended);
            self.user_changed(&ask.project, admitted.user.id);
            Ok(())
        };
        self.by_link(ask, form, of, set).await
    }

    /// Does something with a new password and the secret that lets it be set. The secret is reserved before the password
    /// is hashed: many who come with one secret cost one hash.
    pub(crate) async fn by_link<T>(
        &self,
        ask: &Ask,
        form: Reset,
        of: Template,
        set: impl AsyncFnOnce(Fresh) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let hash = Secret::brought(form.token.expose_secret()).hash(None);
        let (now, until) = (ask.now, ask.now.plus(CLAIM));
        let claim = async move |tx: &WriteTx| -> Result<Option<tokens::Model>, Error> {
            Ok(tokens::claim(tx, &hash, of.as_str(), now, until).await?)
        };
        let token = ask.project.db.write(claim).await?;
        let token = token.ok_or(Error::InvalidToken)?;
        let done = match self.fresh(ask, token.clone(), &form).await {
            Ok(fresh) => set(fresh).await,
            Err(error) => Err(error),
        };
        if done.is_err() {
            let give_back = async move |tx: &WriteTx| -> Result<(), Error> {
                Ok(tokens::release(tx, &token).await?)
            };
            ask.project.db.write(give_back).await?;
        }
        done
    }

    /// A new password, judged and hashed.
    async fn fresh(&self, ask: &Ask, token: tokens::Model, form: &Reset) -> Result<Fresh, Error> {
        let found = self
            .inner
            .directory
            .get(&ask.project, token.user_id)
            .await?;
        let found = found.ok_or(Error::InvalidToken)?;
        let new = form.new.expose_secret();
        self.demand_good(ask, form.name, new, &found).await?;
        let right = Right::of_user(ask, found.id, &identities(&found));
        let password_hash = self.inner.passwords.hash(new).await?;
        Ok(Fresh {
            token,
            right,
            password_hash,
        })
    }

    /// Sets a new password, and uses up the secret that let it be set.
    pub(crate) async fn put_fresh(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        fresh: &Fresh,
    ) -> Result<Admitted, Error> {
        let user = self.demand_state(ask, tx, &fresh.token).await?;
        if !tokens::consume_claimed(tx, &fresh.token).await? {
            return Err(Error::InvalidToken);
        }
        let row = credential::Model {
            user_id: user.id,
            password_hash: fresh.password_hash.clone(),
            changed_at: ask.now.time(),
        };
        rows::put_credential(tx, row).await?;
        // Whoever reads the user's mail is not locked out by others' guesses.
        fresh.right.forget(tx).await?;
        if !user.verified {
            self.drop_unproven_phone(ask, tx, &user).await?;
            // Whoever set them up may not be who reads the mail, nor who linked an account of his own.
            self.drop_factors(tx, user.id).await?;
            linked::delete_of(tx, user.id).await?;
            self.set_address(ask, tx, user.id, None).await?;
        }
        changes::delete(tx, user.id).await?;
        tokens::delete_of(tx, user.id, None).await?;
        let ended = rows::end_sessions(tx, user.id, Which::All, ask.now).await?;
        let again = self.inner.directory.lock(&ask.project, tx, user.id).await?;
        Ok(Admitted {
            user: again.ok_or(Error::InvalidToken)?,
            ended,
            changed: true,
        })
    }

    /// Whether a page has something to ask: its secret is good at the moment. Nothing is used up.
    pub(crate) async fn is_good(
        &self,
        ask: &Ask,
        purposes: &[&str],
        token: &str,
    ) -> Result<bool, Error> {
        let hash = Secret::brought(token).hash(None);
        let found = tokens::find(&ask.project.db, &hash, purposes, ask.now).await?;
        let Some((found, template)) = found.and_then(|row| {
            let template = Template::parse(&row.purpose)?;
            Some((row, template))
        }) else {
            return Ok(false);
        };
        let user = self
            .inner
            .directory
            .get(&ask.project, found.user_id)
            .await?;
        let credential = rows::credential(&ask.project.db, found.user_id).await?;
        Ok(user
            .filter(|user| !user.disabled)
            .is_some_and(|user| state(template, &user, credential.as_ref()) == found.state))
    }

    /// The user of a secret, locked, if it stands as when the secret was made.
    pub(crate) async fn demand_state(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        token: &tokens::Model,
    ) -> Result<UserRow, Error> {
        let template = Template::parse(&token.purpose).ok_or(Error::InvalidToken)?;
        self.demand_user(ask, tx, token.user_id, template, &token.state)
            .await
    }

    /// The user, locked, if it may sign in and stands as it did.
    pub(crate) async fn demand_user(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        id: Uuid,
        template: Template,
        then: &str,
    ) -> Result<UserRow, Error> {
        let user = self.inner.directory.lock(&ask.project, tx, id).await?;
        let credential = rows::lock_credential(tx, id).await?;
        user.filter(|user| !user.disabled && state(template, user, credential.as_ref()) == then)
            .ok_or(Error::InvalidToken)
    }

    /// Notes that the user's address is verified, and that it is another if one is given.
    pub(crate) async fn set_address(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: Uuid,
        email: Option<String>,
    ) -> Result<(), Error> {
        let change = UserChange {
            email: email.map(Some),
            verified: Some(true),
            ..UserChange::new(ask.now, ask.actor.clone())
        };
        let directory = &self.inner.directory;
        Ok(directory.change(&ask.project, tx, user, change).await?)
    }
}

fn wish(ask: &Ask, template: Template, form: ToAddress) -> Wish {
    Wish {
        template,
        recipient: form.email,
        subject_id: None,
        language: ask.language,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Stamp;

    #[test]
    fn a_code_has_six_digits_of_any_value_and_a_link_256_bits() {
        let mut firsts = std::collections::HashSet::new();
        for _ in 0..500 {
            let code = Secret::fresh(Template::Code).unwrap();
            assert!(code.0.len() == 6 && code.0.bytes().all(|b| b.is_ascii_digit()));
            firsts.insert(code.0.as_bytes()[0]);
        }
        assert_eq!(firsts.len(), 10);
        let link = Secret::fresh(Template::Reset).unwrap();
        assert_eq!(link.0.len(), 3 + 43);
    }

    #[test]
    fn a_code_is_hashed_with_its_challenge() {
        let code = Secret::brought("123456");
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_ne!(code.hash(Some(a)), code.hash(Some(b)));
        assert_ne!(code.hash(Some(a)), code.hash(None));
    }

    #[test]
    fn a_state_moves_with_what_it_depends_on() {
        let user = |email: &str| UserRow {
            email: Some(email.to_owned()),
            ..UserRow::default()
        };
        let credential = |hash: &str| credential::Model {
            user_id: Uuid::nil(),
            password_hash: hash.to_owned(),
            changed_at: Stamp::parse("2026-01-02T03:04:05Z").unwrap().time(),
        };
        let (one, two) = (credential("a"), credential("b"));
        let tells = [Template::SecurityNotice, Template::AccountExists];
        let with_secret = |one: &Template| !tells.contains(one);
        for template in Template::ALL.into_iter().filter(with_secret) {
            let of = |email: &str, c| state(template, &user(email), c);
            assert_eq!(of("A@b.co ", Some(&one)), of("a@b.co", Some(&one)));
            assert_ne!(of("a@b.co", Some(&one)), of("x@b.co", Some(&one)));
            let lets_in = template != Template::Linked
                && !matches!(
                    template.page(),
                    Some("verify" | "change-email" | "end-session")
                );
            assert_eq!(
                of("a@b.co", Some(&one)) != of("a@b.co", Some(&two)),
                lets_in
            );
            assert_eq!(of("a@b.co", Some(&one)) != of("a@b.co", None), lets_in);
        }
        let all: std::collections::HashSet<String> = Template::ALL
            .into_iter()
            .map(|template| state(template, &user("a@b.co"), None))
            .collect();
        assert_eq!(all.len(), Template::ALL.len());
    }
}
