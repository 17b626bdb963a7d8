//! What users are known by: finding whom a sign-in means, another name to sign in with, and becoming somebody after
//! having been nobody.

use crate::Accounts;
use crate::door::Method;
use crate::error::Error;
use crate::links::Secret;
use crate::mail::{Template, Wish};
use crate::model::{CodeAnswer, Named, Promotion, ToAddress, normal_phone};
use crate::newcomers::Newcomer;
use crate::ports::{NewUser, UserChange, UserRow};
use crate::rows::{self, anonymous, challenges, credential, mails};
use crate::service::Ask;
use gate::{CaptchaPlace, Project, UserAuth};
use secrecy::ExposeSecret;
use store::WriteTx;
use uuid::Uuid;

/// What codes are for that make somebody of nobody; it stands in the state of their challenges.
fn promotion_state(email: &str) -> String {
    gate::token_hash(&format!("promote {}", crate::mail::address_key(email)))
}

impl Accounts {
    /// Whom a sign-in means. Every kind of identity is looked up, whatever the others found: what is known and what is
    /// not costs the same. Those that are built in come first, so that no field of the developer's own hides them.
    pub(crate) async fn by_identity(
        &self,
        project: &Project,
        identity: &str,
    ) -> Result<Option<UserRow>, Error> {
        let settings = project.settings();
        let methods = &settings.sign_in;
        let built_in = ["email", "username", "phone"].into_iter();
        let built_in = built_in.filter(|name| methods.knows_by(name));
        let mut found = None;
        for field in built_in.chain(methods.own_fields()) {
            let number = (field == "phone").then(|| normal_phone(identity)).flatten();
            let value = number.as_deref().unwrap_or(identity);
            let user = self.inner.directory.find(project, field, value).await?;
            found = found.or(user);
        }
        Ok(found)
    }

    /// The row of a mail that asks whether an address is its reader's.
    pub(crate) fn verification(&self, ask: &Ask, email: String) -> mails::Model {
        let wish = Wish {
            template: Template::Verify,
            recipient: email,
            subject_id: None,
            language: ask.language,
        };
        self.inner.mail(wish, ask.now)
    }

    /// Gives the user another name to sign in with, or none, if something else is left to sign in with.
    pub async fn change_username(
        &self,
        ask: &Ask,
        user: &UserAuth,
        name: Option<String>,
    ) -> Result<(), Error> {
        let is_known = ask.project.settings().sign_in.knows_by("username");
        if name.is_some() && !is_known {
            return Err(Error::MethodDisabled);
        }
        let change = UserChange {
            username: Some(name.clone()),
            ..UserChange::new(ask.now, ask.actor.clone())
        };
        match name {
            None => self.take_away(ask, user, change).await,
            Some(_) => {
                let (this, of, id) = (self.clone(), ask.clone(), user.id);
                let write = async move |tx: &WriteTx| -> Result<(), Error> {
                    let directory = &this.inner.directory;
                    let change = change.clone();
                    Ok(directory.change(&of.project, tx, id, change).await?)
                };
                ask.project.db.write(write).await?;
                self.user_changed(&ask.project, user.id);
                Ok(())
            }
        }
    }

    /// Takes the user's telephone number away, if something else is left to sign in with.
    pub async fn remove_phone(&self, ask: &Ask, user: &UserAuth) -> Result<(), Error> {
        let change = UserChange {
            phone: Some(None),
            phone_verified: Some(false),
            ..UserChange::new(ask.now, ask.actor.clone())
        };
        self.take_away(ask, user, change).await
    }

    /// Takes something away by which the user is known, as dear as any other change of how it signs in.
    async fn take_away(&self, ask: &Ask, user: &UserAuth, change: UserChange) -> Result<(), Error> {
        let (this, of, who) = (self.clone(), ask.clone(), user.clone());
        let write = async move |tx: &WriteTx| -> Result<(), Error> {
            let user = this.lock_self(&of, tx, &who).await?;
            this.demand_change(&of, tx, &who, &user).await?;
            let directory = &this.inner.directory;
            let change = change.clone();
            directory.change(&of.project, tx, who.id, change).await?;
            this.demand_a_way_in(&of, tx, who.id).await
        };
        ask.project.db.write(write).await?;
        self.user_changed(&ask.project, user.id);
        Ok(())
    }

    /// Gives an anonymous user identities and a password. It keeps its id, and all that it has. Whether that is done:
    /// where the project confirms addresses, a mail is on its way.
    pub async fn promote(
        &self,
        ask: &Ask,
        user: &UserAuth,
        form: Promotion,
    ) -> Result<bool, Error> {
        self.demand_promotion(ask, ask.project.settings().sign_in.password)?;
        self.demand_person(ask, CaptchaPlace::SignUp, form.captcha.as_ref())
            .await?;
        let Named {
            email,
            username,
            phone,
        } = form.named.clone();
        let row = UserRow {
            email: email.clone(),
            username: username.clone(),
            phone: phone.clone(),
            ..UserRow::default()
        };
        self.demand_good(ask, "password", form.password.expose_secret(), &row)
            .await?;
        let confirms = Self::confirms(ask, &form.named)?;
        let new = NewUser {
            email,
            username,
            phone,
            ..NewUser::new(user.id, ask.now, ask.actor.clone())
        };
        // Whoever is somebody now is judged as one who signs up.
        let newcomer = self.admit_new(ask, new, Method::Password).await?;
        if confirms {
            if !user.auth.anonymous {
                return Err(Error::NotAnonymous);
            }
            self.hold(ask, &newcomer, &form.password).await?;
            return Ok(false);
        }
        let password_hash = self
            .inner
            .passwords
            .hash(form.password.expose_secret())
            .await?;
        let mail = form.named.email.clone();
        let mail = mail.map(|email| self.verification(ask, email));
        let credential = credential::Model {
            user_id: user.id,
            password_hash,
            changed_at: ask.now.time(),
        };
        let (this, of, id) = (self.clone(), ask.clone(), user.id);
        let promote = async move |tx: &WriteTx| -> Result<(), Error> {
            this.lock_anonymous(&of, tx, id).await?;
            let Named {
                email,
                username,
                phone,
            } = form.named.clone();
            let change = UserChange {
                email: email.map(Some),
                username: username.map(Some),
                phone: phone.map(Some),
                profile: newcomer.added().clone(),
                ..UserChange::new(of.now, of.actor.clone())
            };
            let directory = &this.inner.directory;
            directory.change(&of.project, tx, id, change).await?;
            this.grant_new(&of, tx, id, &newcomer).await?;
            rows::put_credential(tx, credential.clone()).await?;
            if let Some(mail) = &mail {
                mails::insert(tx, mail.clone()).await?;
            }
            this.promoted(&of, tx, id).await
        };
        ask.project.db.write(promote).await?;
        self.user_changed(&ask.project, user.id);
        (self.inner.wake)(&ask.project);
        Ok(true)
    }

    /// Asks for a code to an address that is to be the anonymous user's.
    pub async fn request_promotion_code(
        &self,
        ask: &Ask,
        user: &UserAuth,
        form: ToAddress,
    ) -> Result<Uuid, Error> {
        self.demand_promotion(ask, ask.project.settings().sign_in.email_code)?;
        self.demand_person(ask, CaptchaPlace::Mails, form.captcha.as_ref())
            .await?;
        if !user.auth.anonymous {
            return Err(Error::NotAnonymous);
        }
        Self::demand_domain(ask, &form.email)?;
        let (id, life) = (challenges::fresh()?, Template::Code.life());
        let asked = challenges::asked(id, user.id, &form.email, ask.now, life);
        let wish = Wish {
            template: Template::Code,
            recipient: form.email,
            subject_id: Some(id),
            language: ask.language,
        };
        let row = self.inner.mail(wish, ask.now);
        let (now, max) = (ask.now, self.inner.config.mail.mails_per_recipient_hour);
        let want = async move |tx: &WriteTx| -> Result<(), Error> {
            crate::mail::demand_room(tx, &row.recipient_key, max, now).await?;
            challenges::replace(tx, asked.clone()).await?;
            Ok(mails::insert(tx, row.clone()).await?)
        };
        ask.project.db.write(want).await?;
        (self.inner.wake)(&ask.project);
        Ok(id)
    }

    /// Makes the address of a challenge the anonymous user's, which is anonymous no more.
    pub async fn promote_by_code(
        &self,
        ask: &Ask,
        user: &UserAuth,
        form: CodeAnswer,
    ) -> Result<(), Error> {
        self.demand_promotion(ask, ask.project.settings().sign_in.email_code)?;
        let challenge = self.answered(ask, &form).await?;
        let email = challenge.recipient.clone().ok_or(Error::InvalidToken)?;
        if challenge.user_id != user.id || challenge.state != promotion_state(&email) {
            return Err(Error::InvalidToken);
        }
        let new = NewUser {
            email: Some(email.clone()),
            verified: true,
            ..NewUser::new(user.id, ask.now, ask.actor.clone())
        };
        let newcomer = self.admit_new(ask, new, Method::EmailCode).await?;
        let (this, of, id) = (self.clone(), ask.clone(), user.id);
        let promote = async move |tx: &WriteTx| -> Result<(), Error> {
            if !challenges::consume(tx, challenge.id).await? {
                return Err(Error::InvalidToken);
            }
            this.lock_anonymous(&of, tx, id).await?;
            let change = UserChange {
                email: Some(Some(email.clone())),
                verified: Some(true),
                profile: newcomer.added().clone(),
                ..UserChange::new(of.now, of.actor.clone())
            };
            let directory = &this.inner.directory;
            directory.change(&of.project, tx, id, change).await?;
            this.grant_new(&of, tx, id, &newcomer).await?;
            this.promoted(&of, tx, id).await
        };
        ask.project.db.write(promote).await?;
        self.user_changed(&ask.project, user.id);
        Ok(())
    }

    /// Notes that a user has an identity now. For every way that gives an anonymous user one, in the transaction in
    /// which it does; the caller has locked the user, and tells of the change after the commit.
    pub(crate) async fn promoted(&self, ask: &Ask, tx: &WriteTx, user: Uuid) -> Result<(), Error> {
        let change = UserChange {
            anonymous: Some(false),
            ..UserChange::new(ask.now, ask.actor.clone())
        };
        let directory = &self.inner.directory;
        directory.change(&ask.project, tx, user, change).await?;
        Ok(anonymous::delete(tx, user).await?)
    }

    /// The user, locked, if it is anonymous: of many who promote it at once, one does.
    pub(crate) async fn lock_anonymous(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: Uuid,
    ) -> Result<UserRow, Error> {
        let found = self.inner.directory.lock(&ask.project, tx, user).await?;
        let found = found.filter(|user| !user.disabled);
        let found = found.ok_or(Error::InvalidAccessToken("the user is gone"))?;
        if found.anonymous {
            Ok(found)
        } else {
            Err(Error::NotAnonymous)
        }
    }

    /// Judges who is nobody and is to be somebody by another way than a promotion, as one who signs up; none where it is
    /// somebody already. The project may be asked, so call it outside of any transaction.
    pub(crate) async fn admit_nobody(
        &self,
        ask: &Ask,
        is_anonymous: bool,
        new: NewUser,
        method: Method,
    ) -> Result<Option<Newcomer>, Error> {
        if !is_anonymous {
            return Ok(None);
        }
        self.admit_new(ask, new, method).await.map(Some)
    }

    /// Makes somebody of who was nobody, as it was judged, in the transaction in which it gets an identity.
    pub(crate) async fn become_somebody(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: Uuid,
        newcomer: Option<&Newcomer>,
    ) -> Result<(), Error> {
        let newcomer = newcomer.ok_or(Error::NotAnonymous)?;
        let change = UserChange {
            profile: newcomer.added().clone(),
            ..UserChange::new(ask.now, ask.actor.clone())
        };
        let directory = &self.inner.directory;
        let changed = directory.change(&ask.project, tx, user, change).await;
        changed.map_err(|problem| {
            tracing::warn!(project = %ask.project.id, %problem, "the profile that a hook gave does not fit");
            Error::HookFailed
        })?;
        self.grant_new(ask, tx, user, newcomer).await?;
        self.promoted(ask, tx, user).await
    }

    /// Refuses where nobody may make an account, or not by this way.
    pub(crate) fn demand_promotion(&self, ask: &Ask, is_open: bool) -> Result<(), Error> {
        match ask.project.settings().sign_up {
            gate::SignUp::Open => {}
            gate::SignUp::InviteOnly => return Err(Error::InvitationRequired),
            gate::SignUp::Closed => return Err(Error::SignUpClosed),
        }
        is_open.then_some(()).ok_or(Error::MethodDisabled)
    }

    /// For whom a code of a promotion is: the user who asked, while it is anonymous and nobody has the address; else why
    /// it is not sent. None where the mail's code is to sign in with.
    pub(crate) async fn to_promote(
        &self,
        project: &Project,
        row: &mails::Model,
    ) -> Result<Option<Result<UserRow, &'static str>>, Error> {
        let id = row.subject_id.unwrap_or_default();
        let Some(challenge) = challenges::get(&project.db, id).await? else {
            return Ok(None);
        };
        let directory = &self.inner.directory;
        let user = directory.get(project, challenge.user_id).await?;
        let Some(user) = user.filter(|user| user.anonymous && !user.disabled) else {
            return Ok(Some(Err("no_account")));
        };
        // Who has an account already does not learn that somebody wants another with the same address.
        let taken = directory.find(project, "email", &row.recipient).await?;
        Ok(Some(match taken {
            Some(_) => Err("address_taken"),
            None => Ok(user),
        }))
    }

    /// The challenge of a code that was mailed: to an address that is the user's, or to be.
    pub(crate) fn mailed_challenge(
        row: &mails::Model,
        user: &UserRow,
        secret: &Secret,
        state: String,
        now: kernel::Stamp,
    ) -> challenges::Model {
        let id = row.subject_id.unwrap_or_default();
        let is_own = user.email.is_some();
        let life = Template::Code.life();
        challenges::Model {
            code_hash: secret.hash(Some(id)),
            state: match is_own {
                true => state,
                false => promotion_state(&row.recipient),
            },
            ..challenges::asked(id, user.id, &row.recipient, now, life)
        }
    }
}
