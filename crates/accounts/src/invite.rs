//! Invitations: an account that is made for somebody, who takes it into use with a first password by a mail's link.

use crate::Accounts;
use crate::door::{Admitted, Entered, Method, Proof};
use crate::error::Error;
use crate::grants::Granted;
use crate::links::Fresh;
use crate::mail::{Template, Wish, address_key, demand_room};
use crate::model::Reset;
use crate::model::users::{InviteForm, Person};
use crate::ports::UserChange;
use crate::rows::{self, identities, mails, places};
use crate::service::Ask;
use crate::users::{keep_made, made_before};
use crate::views::users::ManagedUserDetailView;
use gate::By;
use kernel::Code;
use serde_json::json;
use store::{Claim, WriteTx};
use uuid::Uuid;

impl Accounts {
    /// Makes an account for an address and sends its reader a link, good once and for seven days. An account that was
    /// invited and not taken into use yet is given what is said now, and its link is replaced; any other is
    /// `identity_taken`.
    pub async fn invite_user(
        &self,
        ask: &Ask,
        by: &By,
        form: InviteForm,
        claim: Option<Claim>,
    ) -> Result<ManagedUserDetailView, Error> {
        let found = self
            .inner
            .directory
            .find(&ask.project, "email", &form.email)
            .await?;
        let known = found.map(|user| user.id);
        let id = known.unwrap_or_else(|| self.inner.ids.new_id());
        let wish = Wish {
            template: Template::Invite,
            recipient: form.email.clone(),
            subject_id: None,
            language: ask.language,
        };
        let letter = self.inner.mail(wish, ask.now);
        let person = Person {
            email: Some(form.email),
            granted: form.granted,
            profile: form.profile,
            ..Person::default()
        };
        let entry = by.did("user.invite", id.to_string(), json!({}));
        let max = self.inner.config.mail.mails_per_recipient_hour;
        let (this, of) = (self.clone(), ask.clone());
        let invite = async move |tx: &WriteTx| -> Result<Uuid, Error> {
            if let Some(made) = made_before(tx, claim.as_ref(), of.now).await? {
                return Ok(made);
            }
            demand_room(tx, &letter.recipient_key, max, of.now).await?;
            match known {
                None => this.make(&of, tx, id, &person, None).await?,
                Some(_) => this.invite_again(&of, tx, id, &person).await?,
            }
            mails::insert(tx, letter.clone()).await?;
            gate::audit::record(tx, entry.clone()).await?;
            keep_made(tx, claim.as_ref(), id, of.now).await
        };
        let id = ask.project.db.write(invite).await?;
        self.user_changed(&ask.project, id);
        (self.inner.wake)(&ask.project);
        self.get_user(ask, id).await
    }

    /// Takes an account into use that was made for the reader of a mail, with its first password, and signs in.
    pub async fn enter_by_invitation(&self, ask: &Ask, form: Reset) -> Result<Entered, Error> {
        let set = async |fresh: Fresh| {
            let (this, of) = (self.clone(), ask.clone());
            let admit = async move |tx: &WriteTx| -> Result<Admitted, Error> {
                this.put_fresh(&of, tx, &fresh).await
            };
            self.enter(ask, Proof::one(Method::Invitation), admit).await
        };
        self.by_link(ask, form, Template::Invite, set).await
    }

    async fn invite_again(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        id: Uuid,
        person: &Person,
    ) -> Result<(), Error> {
        let taken = || Error::from(gate::Problem::new(Code::IdentityTaken));
        let directory = &self.inner.directory;
        let user = directory.lock(&ask.project, tx, id).await?;
        let credential = rows::lock_credential(tx, id).await?;
        let key = person.email.as_deref().map(address_key);
        let is_same = |own: &Option<String>| own.as_deref().map(address_key) == key;
        // Nobody has used it: no password, no account elsewhere, no sign-in, and nobody has shown that the address is
        // theirs. Who only wrote the address into an account of his own is given nothing.
        let is_used = credential.is_some()
            || places::has_any(tx, id).await?
            || !identities::of(tx, id).await?.is_empty();
        let waits = user.is_some_and(|user| {
            !user.verified && !user.disabled && !is_used && is_same(&user.email)
        });
        if !waits {
            return Err(taken());
        }
        let change = UserChange {
            profile: person.profile.clone(),
            ..UserChange::new(ask.now, ask.actor.clone())
        };
        directory.change(&ask.project, tx, id, change).await?;
        // The link that is on its way already is no good any more.
        rows::tokens::delete_of(tx, id, Some(Template::Invite.as_str())).await?;
        if person.granted != Granted::default() {
            person.granted.write(tx, id, ask.now).await?;
        }
        Ok(())
    }
}
