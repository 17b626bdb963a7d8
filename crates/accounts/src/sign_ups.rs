//! Signing up with a password: at once, or, where the project confirms addresses, by a mail.
//!
//! Where addresses are confirmed, nobody learns here who has an account. Whatever the address, the same is done and
//! the same is answered: a sign-up is kept with the password that was chosen, and a mail is asked for; the job that
//! makes the mail finds out whether it leads on or tells its reader of the account that is there. There is no user
//! before the link was followed, so nothing of who signed up with somebody else's address is left behind.
//!
//! A link confirms the sign-up that it was sent for, and no other of the same address, and only with the password that
//! was chosen then: whoever presses the button of a mail that somebody else caused gives nobody an account with a
//! password of that somebody.

use crate::Accounts;
use crate::door::{Admitted, Entered, Method, Proof};
use crate::error::Error;
use crate::guesses::Subject;
use crate::links::Secret;
use crate::mail::{Template, Wish, address_key, demand_room};
use crate::model::{Named, SignIn, SignUp, SignUpConfirmation};
use crate::newcomers::Newcomer;
use crate::ports::{NewUser, UserChange, UserRow};
use crate::rows::{self, credential, mails, sign_ups, tokens};
use crate::service::Ask;
use gate::{CaptchaPlace, Problem};
use kernel::{Code, FieldError};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// What the secrets of these links are good for.
pub(crate) const PURPOSE: &str = "sign_up";
/// For how long a sign-up can be confirmed: a link that is sent anew may be used after the first one's day.
const KEPT: Duration = Duration::from_secs(2 * 86_400);

/// What became of a sign-up.
#[derive(Debug)]
pub enum SignedUp {
    /// Somebody came to the door.
    At(Entered),
    /// A mail is on its way.
    Waits,
}

/// A sign-up whose link and password were shown.
#[derive(Clone)]
struct Shown {
    hash: String,
    row: sign_ups::Model,
    newcomer: Newcomer,
}

impl Accounts {
    /// Makes a user with a password, and signs it in; or asks by mail whether the address is its own.
    pub async fn sign_up(&self, ask: &Ask, mut form: SignUp) -> Result<SignedUp, Error> {
        let settings = ask.project.settings();
        if settings.sign_up == gate::SignUp::Closed && !ask.is_trusted {
            return Err(Error::SignUpClosed);
        }
        if !settings.sign_in.password && !ask.is_trusted {
            return Err(Error::MethodDisabled);
        }
        let directory = &self.inner.directory;
        let profile = directory.check(&ask.project, &form.profile).await;
        let password = form.password.expose_secret();
        let policy = (&settings.passwords, "password");
        let named = [&form.named.email, &form.named.username, &form.named.phone];
        let named: Vec<&str> = named.into_iter().filter_map(|n| n.as_deref()).collect();
        let faults = self.faults(policy, password, &named).await?;
        form.judge(profile, faults)?;
        let confirms = Self::confirms(ask, &form.named)?;
        self.demand_person(ask, CaptchaPlace::SignUp, form.captcha.as_ref())
            .await?;
        let user = NewUser {
            email: form.named.email,
            username: form.named.username,
            phone: form.named.phone,
            profile: form.profile,
            ..NewUser::new(self.inner.ids.new_id(), ask.now, ask.actor.clone())
        };
        let newcomer = self.admit_new(ask, user, Method::Password).await?;
        if confirms {
            self.hold(ask, &newcomer, &form.password).await?;
            return Ok(SignedUp::Waits);
        }
        self.sign_up_now(ask, newcomer, &form.password)
            .await
            .map(SignedUp::At)
    }

    async fn sign_up_now(
        &self,
        ask: &Ask,
        newcomer: Newcomer,
        password: &SecretString,
    ) -> Result<Entered, Error> {
        let password_hash = self.inner.passwords.hash(password.expose_secret()).await?;
        let email = newcomer.user().email.clone();
        let mail = email.map(|email| self.verification(ask, email));
        let credential = credential::Model {
            user_id: newcomer.user().id,
            password_hash,
            changed_at: ask.now.time(),
        };
        let (this, of) = (self.clone(), ask.clone());
        let make = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            let made = this.make_new(&of, tx, &newcomer).await?;
            rows::insert_credential(tx, credential.clone()).await?;
            if let Some(mail) = &mail {
                mails::insert(tx, mail.clone()).await?;
            }
            Ok(Admitted::as_before(made))
        };
        let proof = Proof::one(Method::Password);
        let entered = self.enter(ask, proof, make).await?;
        (self.inner.wake)(&ask.project);
        Ok(entered)
    }

    /// Whether somebody must confirm an address first. Then no telephone number is taken beside: that it is another
    /// user's would be told at once, or not before the link was followed.
    pub(crate) fn confirms(ask: &Ask, named: &Named) -> Result<bool, Error> {
        if !ask.project.settings().confirm_email || ask.is_trusted {
            return Ok(false);
        }
        if named.phone.is_some() {
            let message = "A number is added after signing up, by a code that is sent to it.";
            let fault = FieldError::at("phone", "not_now", message);
            return Err(Problem::validation(vec![fault]).into());
        }
        Ok(named.email.is_some())
    }

    /// Keeps a sign-up until its address is confirmed, and asks for the mail. The address is looked up nowhere; names
    /// that everybody sees are, and a taken one is told.
    pub(crate) async fn hold(
        &self,
        ask: &Ask,
        newcomer: &Newcomer,
        password: &SecretString,
    ) -> Result<(), Error> {
        let user = newcomer.user();
        self.demand_free_names(ask, user).await?;
        let (id, email) = (
            self.inner.ids.new_id(),
            user.email.clone().unwrap_or_default(),
        );
        let row = sign_ups::Model {
            id,
            user_id: user.id,
            email_key: address_key(&email),
            password_hash: self.inner.passwords.hash(password.expose_secret()).await?,
            content: ask.project.seal(&place(id), &newcomer.kept()?)?,
            created_at: ask.now.time(),
            expires_at: ask.now.plus(KEPT).time(),
        };
        let mail = self.confirmation(ask, Some(id), email);
        let (now, max) = (ask.now, self.inner.config.mail.mails_per_recipient_hour);
        let keep = async move |tx: &WriteTx| -> Result<(), Error> {
            demand_room(tx, &mail.recipient_key, max, now).await?;
            sign_ups::insert(tx, row.clone()).await?;
            Ok(mails::insert(tx, mail.clone()).await?)
        };
        ask.project.db.write(keep).await?;
        (self.inner.wake)(&ask.project);
        Ok(())
    }

    async fn demand_free_names(&self, ask: &Ask, user: &NewUser) -> Result<(), Error> {
        let settings = ask.project.settings();
        let own = settings.sign_in.own_fields();
        let own = own.filter_map(|name| Some((name, user.profile.get(name)?.as_str()?)));
        let name = user.username.as_deref().map(|name| ("username", name));
        for (field, value) in name.into_iter().chain(own) {
            let directory = &self.inner.directory;
            let found = directory.find(&ask.project, field, value).await?;
            if found.is_some_and(|found| found.id != user.id) {
                return Err(Problem::new(Code::IdentityTaken).into());
            }
        }
        Ok(())
    }

    /// The row of a mail that asks whether an address is its reader's: of a sign-up that waits, or of a user.
    fn confirmation(&self, ask: &Ask, sign_up: Option<Uuid>, email: String) -> mails::Model {
        let wish = Wish {
            template: Template::Verify,
            recipient: email,
            subject_id: sign_up,
            language: ask.language,
        };
        self.inner.mail(wish, ask.now)
    }

    /// The newest sign-up that waits under an identity, if the password is that of it. Where there is none it takes as
    /// long; so does a project's known user whose password is wrong.
    pub(crate) async fn waits(
        &self,
        ask: &Ask,
        form: &SignIn,
    ) -> Result<Option<sign_ups::Model>, Error> {
        if !ask.project.settings().confirm_email {
            return Ok(None);
        }
        let key = address_key(&form.identity);
        let row = sign_ups::newest(&ask.project.db, &key, ask.now).await?;
        let (passwords, password) = (&self.inner.passwords, form.password.expose_secret());
        let is_right = match &row {
            Some(row) => passwords.verify(password, &row.password_hash).await?,
            None => passwords.verify_nobody(password).await?,
        };
        Ok(row.filter(|_| is_right))
    }

    /// The address of a user that nobody has shown to be theirs, where the project confirms addresses. Who showed a
    /// number is known by that.
    pub(crate) fn unconfirmed<'a>(ask: &Ask, user: &'a UserRow) -> Option<&'a str> {
        let is_due = ask.project.settings().confirm_email && !user.verified && !user.phone_verified;
        user.email.as_deref().filter(|_| is_due)
    }

    /// Sends the link anew, if the address may have another mail, and gives what is answered in either case.
    pub(crate) async fn remind(
        &self,
        ask: &Ask,
        sign_up: Option<Uuid>,
        email: &str,
    ) -> Result<Error, Error> {
        let mail = self.confirmation(ask, sign_up, email.trim().to_owned());
        let (now, max) = (ask.now, self.inner.config.mail.mails_per_recipient_hour);
        let send = async move |tx: &WriteTx| -> Result<(), Error> {
            match demand_room(tx, &mail.recipient_key, max, now).await {
                Err(Error::TooManyMails) => Ok(()),
                Err(other) => Err(other),
                Ok(()) => Ok(mails::insert(tx, mail.clone()).await?),
            }
        };
        ask.project.db.write(send).await?;
        (self.inner.wake)(&ask.project);
        Ok(Error::EmailNotConfirmed)
    }

    /// Makes the user of a sign-up, and signs it in.
    pub async fn confirm_sign_up(
        &self,
        ask: &Ask,
        form: SignUpConfirmation,
    ) -> Result<Entered, Error> {
        let shown = self.shown(ask, &form).await?;
        let (this, of) = (self.clone(), ask.clone());
        let admit = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            this.settle(&of, tx, &shown).await
        };
        self.enter(ask, Proof::one(Method::Password), admit).await
    }

    /// The same on a page, which signs nobody in.
    pub(crate) async fn settle_sign_up(
        &self,
        ask: &Ask,
        form: SignUpConfirmation,
    ) -> Result<(), Error> {
        let shown = self.shown(ask, &form).await?;
        let (this, of) = (self.clone(), ask.clone());
        let settle = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            this.settle(&of, tx, &shown).await
        };
        let admitted = ask.project.db.write(settle).await?;
        self.user_changed(&ask.project, admitted.user.id);
        Ok(())
    }

    /// The sign-up of a link, if it waits.
    pub(crate) async fn begun_with(
        &self,
        ask: &Ask,
        token: &str,
    ) -> Result<Option<(String, sign_ups::Model)>, Error> {
        let (db, hash) = (&ask.project.db, Secret::brought(token).hash(None));
        let Some(found) = tokens::find(db, &hash, &[PURPOSE], ask.now).await? else {
            return Ok(None);
        };
        let row = sign_ups::get(db, found.user_id, ask.now).await?;
        Ok(row.map(|row| (hash, row)))
    }

    /// The sign-up whose link and password are brought. Guesses at the password are counted: who reads the mail is not
    /// always who chose it.
    async fn shown(&self, ask: &Ask, form: &SignUpConfirmation) -> Result<Shown, Error> {
        let found = self.begun_with(ask, form.token.expose_secret()).await?;
        let (hash, row) = found.ok_or(Error::InvalidToken)?;
        let kept = ask.project.open(&place(row.id), &row.content)?;
        let newcomer = Newcomer::confirmed(ask, &kept)?;
        Self::demand_open(ask, newcomer.user(), Method::Password)?;
        let guess = self.guess(ask, Subject::User(row.id), None).await?;
        let passwords = &self.inner.passwords;
        let password = form.password.expose_secret();
        if !passwords.verify(password, &row.password_hash).await? {
            guess.was_wrong(ask).await?;
            let message = "This is not the password of this sign-up.";
            let fault = FieldError::at("password", "wrong", message);
            return Err(Problem::validation(vec![fault]).into());
        }
        Ok(Shown {
            hash,
            row,
            newcomer,
        })
    }

    /// Uses up the link and the sign-up, and makes the user of it. Other sign-ups of the address stay till their time is
    /// over, though nothing comes of them: whoever made one would learn by its end that there is an account now.
    async fn settle(&self, ask: &Ask, tx: &WriteTx, shown: &Shown) -> Result<Admitted, Error> {
        let token = tokens::consume(tx, &shown.hash, &[PURPOSE], ask.now).await?;
        token.ok_or(Error::InvalidToken)?;
        if !sign_ups::consume(tx, shown.row.id).await? {
            return Err(Error::InvalidToken);
        }
        let id = shown.row.user_id;
        let directory = &self.inner.directory;
        let known = directory.lock(&ask.project, tx, id).await?;
        let user = match known {
            None => self.make_new(ask, tx, &shown.newcomer).await?,
            Some(nobody) if nobody.anonymous && !nobody.disabled => {
                self.settle_promotion(ask, tx, &shown.newcomer).await?
            }
            Some(_) => return Err(Error::InvalidToken),
        };
        let row = credential::Model {
            user_id: id,
            password_hash: shown.row.password_hash.clone(),
            changed_at: ask.now.time(),
        };
        rows::put_credential(tx, row).await?;
        Ok(Admitted {
            user,
            ended: Vec::new(),
            changed: true,
        })
    }

    /// Gives the anonymous user, which is locked, what it signed up with.
    async fn settle_promotion(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        newcomer: &Newcomer,
    ) -> Result<UserRow, Error> {
        let user = newcomer.user().clone();
        let change = UserChange {
            email: Some(user.email),
            username: user.username.map(Some),
            verified: Some(true),
            profile: newcomer.added().clone(),
            ..UserChange::new(ask.now, ask.actor.clone())
        };
        let directory = &self.inner.directory;
        directory.change(&ask.project, tx, user.id, change).await?;
        self.grant_new(ask, tx, user.id, newcomer).await?;
        self.promoted(ask, tx, user.id).await?;
        let again = directory.lock(&ask.project, tx, user.id).await?;
        again.ok_or(Error::InvalidToken)
    }
}

/// What a sign-up is sealed for.
fn place(sign_up: Uuid) -> String {
    format!("_sign_ups/{sign_up}")
}
