//! Telephones: codes to sign in with, and to show that a number is its user's.
//!
//! A code is a challenge as those of mails are, with the same counters. Its message is a row in the transaction that
//! wants it, and whether the number has an account is found out by the jobs alone. What a flood of messages may cost is
//! bounded per number, per network and per project.

pub(crate) mod sender;

use crate::Accounts;
use crate::door::{Admitted, Entered, Method, Proof};
use crate::error::Error;
use crate::jobs::{Fate, Made, name_of, place};
use crate::language::Language;
use crate::links::Secret;
use crate::mail::template::{Rendered, Values};
use crate::mail::{Template, built_in};
use crate::model::{CodeAnswer, ToPhone};
use crate::ports::{NewUser, UserChange, UserRow};
use crate::rows::{self, challenges, credential, mails, tallies};
use crate::service::Ask;
use gate::{CaptchaPlace, Project, UserAuth};
use kernel::{FieldError, Stamp};
use sender::{Message, Sender};
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// What a message is for. It is the template of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To sign in.
    SignIn,
    /// To show that a number is to be the account's.
    Change,
}

impl Purpose {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "phone_code",
            Self::Change => "phone_change",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = [Self::SignIn, Self::Change];
        all.into_iter().find(|one| one.as_str() == name)
    }
}

/// How a user stands, as far as a code depends on it: it is for this number, and no good any more after the number or
/// the password was changed.
fn state(
    purpose: Purpose,
    number: &str,
    user: &UserRow,
    credential: Option<&credential::Model>,
) -> String {
    let password = credential.map(|row| row.password_hash.as_str());
    let own = user.phone.as_deref().unwrap_or_default();
    gate::token_hash(&format!("{} {number} {own} {password:?}", purpose.as_str()))
}

/// Whether a code to its number lets somebody in: not where only something else was proved to be theirs, because then
/// the number may be a slip, and belong to anybody.
fn may_prove(user: &UserRow) -> bool {
    !user.disabled && (user.phone_verified || !user.verified)
}

impl Accounts {
    /// Asks for a code to sign in with, and gives the challenge that it will answer, whether or not there is such an
    /// account.
    pub async fn request_phone_code(&self, ask: &Ask, form: ToPhone) -> Result<Uuid, Error> {
        if !ask.project.settings().sign_in.phone_code {
            return Err(Error::MethodDisabled);
        }
        self.demand_person(ask, CaptchaPlace::Messages, form.captcha.as_ref())
            .await?;
        let challenge = challenges::fresh()?;
        self.want_message(ask, Purpose::SignIn, form.phone, challenge, None)
            .await?;
        Ok(challenge)
    }

    /// Signs in with the code of a challenge. It proves the number; whoever made the account with it before and never
    /// proved it is put out.
    pub async fn sign_in_phone(&self, ask: &Ask, form: CodeAnswer) -> Result<Entered, Error> {
        if !ask.project.settings().sign_in.phone_code {
            return Err(Error::MethodDisabled);
        }
        let challenge = self.answered(ask, &form).await?;
        let (this, of) = (self.clone(), ask.clone());
        let admit = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            let number = &challenge.recipient;
            let number = number.as_ref().ok_or(Error::InvalidToken)?;
            let user = this
                .demand_phone(&of, tx, &challenge, Purpose::SignIn, number)
                .await?;
            if !may_prove(&user) || user.phone.as_ref() != Some(number) {
                return Err(Error::InvalidToken);
            }
            this.let_in_by_phone(&of, tx, user).await
        };
        self.enter(ask, Proof::one(Method::PhoneCode), admit).await
    }

    /// Asks for a code to a number that is to be the account's, or that is to be shown to be.
    pub async fn request_phone_change(
        &self,
        ask: &Ask,
        user: &UserAuth,
        form: ToPhone,
    ) -> Result<Uuid, Error> {
        Self::demand_recent(user, ask.now)?;
        self.demand_person(ask, CaptchaPlace::Messages, form.captcha.as_ref())
            .await?;
        let found = self.inner.directory.get(&ask.project, user.id).await?;
        let found = found.ok_or(Error::InvalidAccessToken("the user is gone"))?;
        if found.phone_verified && found.phone.as_ref() == Some(&form.phone) {
            let fault = FieldError::at("phone", "same", "This is the account's number.");
            return Err(gate::Problem::validation(vec![fault]).into());
        }
        let challenge = challenges::fresh()?;
        let phone = form.phone;
        self.want_message(ask, Purpose::Change, phone, challenge, Some(user.id))
            .await?;
        Ok(challenge)
    }

    /// Makes the number of a challenge the account's. Whoever holds it without having proved it loses it.
    pub async fn confirm_phone_change(
        &self,
        ask: &Ask,
        user: &UserAuth,
        form: CodeAnswer,
    ) -> Result<(), Error> {
        Self::demand_recent(user, ask.now)?;
        let challenge = self.answered(ask, &form).await?;
        let number = challenge.recipient.clone().ok_or(Error::InvalidToken)?;
        if challenge.user_id != user.id {
            return Err(Error::InvalidToken);
        }
        let new = NewUser {
            phone: Some(number.clone()),
            phone_verified: true,
            ..NewUser::new(user.id, ask.now, ask.actor.clone())
        };
        let newcomer = self.admit_nobody(ask, user.auth.anonymous, new, Method::PhoneCode);
        let newcomer = newcomer.await?;
        let directory = self.inner.directory.clone();
        let other = directory.find(&ask.project, "phone", &number).await?;
        let other = other.map(|other| other.id).filter(|id| *id != user.id);
        let (this, of) = (self.clone(), ask.clone());
        let change = async move |tx: &WriteTx| -> Result<(), Error> {
            let found = this
                .demand_phone(&of, tx, &challenge, Purpose::Change, &number)
                .await?;
            let directory = &this.inner.directory;
            if let Some(other) = other {
                let holder = directory.lock(&of.project, tx, other).await?;
                let is_unproven =
                    |h: &UserRow| !h.phone_verified && h.phone == Some(number.clone());
                if holder.is_some_and(|h| is_unproven(&h)) {
                    let let_go = UserChange {
                        phone: Some(None),
                        ..UserChange::new(of.now, of.actor.clone())
                    };
                    directory.change(&of.project, tx, other, let_go).await?;
                }
            }
            let change = UserChange {
                phone: Some(Some(number.clone())),
                phone_verified: Some(true),
                ..UserChange::new(of.now, of.actor.clone())
            };
            directory.change(&of.project, tx, found.id, change).await?;
            if found.anonymous {
                this.become_somebody(&of, tx, found.id, newcomer.as_ref())
                    .await?;
            }
            Ok(())
        };
        ask.project.db.write(change).await?;
        self.user_changed(&ask.project, user.id);
        if let Some(other) = other {
            self.user_changed(&ask.project, other);
        }
        Ok(())
    }

    /// The user of a challenge, locked, if nobody used it up and the user stands as when it was made.
    async fn demand_phone(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        challenge: &challenges::Model,
        purpose: Purpose,
        number: &str,
    ) -> Result<UserRow, Error> {
        if !challenges::consume(tx, challenge.id).await? {
            return Err(Error::InvalidToken);
        }
        let id = challenge.user_id;
        let user = self.inner.directory.lock(&ask.project, tx, id).await?;
        let credential = rows::lock_credential(tx, id).await?;
        let stands = |user: &UserRow| {
            !user.disabled && state(purpose, number, user, credential.as_ref()) == challenge.state
        };
        user.filter(stands).ok_or(Error::InvalidToken)
    }

    async fn let_in_by_phone(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: UserRow,
    ) -> Result<Admitted, Error> {
        let id = user.id;
        if user.phone_verified {
            return Ok(Admitted::as_before(user));
        }
        // Whoever chose the password and the address may not be who holds the telephone.
        let ended = self.put_out(ask, tx, id).await?;
        let change = UserChange {
            email: user.email.is_some().then_some(None),
            phone_verified: Some(true),
            ..UserChange::new(ask.now, ask.actor.clone())
        };
        let directory = &self.inner.directory;
        directory.change(&ask.project, tx, id, change).await?;
        let again = directory.lock(&ask.project, tx, id).await?;
        Ok(Admitted {
            user: again.ok_or(Error::InvalidToken)?,
            ended,
            changed: true,
        })
    }

    /// Takes away a number that nobody proved from an account whose address somebody else has proved just now: with it
    /// whoever made the account would come back in.
    pub(crate) async fn drop_unproven_phone(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: &UserRow,
    ) -> Result<(), Error> {
        if user.phone.is_none() || user.phone_verified {
            return Ok(());
        }
        let change = UserChange {
            phone: Some(None),
            ..UserChange::new(ask.now, ask.actor.clone())
        };
        let directory = &self.inner.directory;
        Ok(directory.change(&ask.project, tx, user.id, change).await?)
    }

    /// Writes the row of a message. What is answered and what is done here is the same whoever has the number.
    async fn want_message(
        &self,
        ask: &Ask,
        purpose: Purpose,
        number: String,
        challenge: Uuid,
        user: Option<Uuid>,
    ) -> Result<(), Error> {
        let phone = ask.project.settings().phone.clone();
        if !phone.allows(&number) {
            let message = "Messages do not go to numbers of this country.";
            let fault = FieldError::at("phone", "country_not_allowed", message);
            return Err(gate::Problem::validation(vec![fault]).into());
        }
        let life = Template::Code.life();
        let (now, network) = (ask.now, ask.network.clone());
        let row = mails::Model {
            id: self.inner.ids.new_id(),
            template: purpose.as_str().to_owned(),
            language: ask.language.as_str().to_owned(),
            recipient: number.clone(),
            recipient_key: number.clone(),
            subject_id: Some(challenge),
            content: None,
            status: "queued".to_owned(),
            reason: None,
            attempts: 0,
            due_at: Some(now.time()),
            created_at: now.time(),
            expires_at: now.plus(life).time(),
            finished_at: None,
        };
        let asked = user.map(|user| challenges::asked(challenge, user, &number, now, life));
        let limits = [
            ("phone_network", network, phone.messages_per_network_hour),
            ("phone_number", number, phone.messages_per_number_hour),
        ];
        let want = async move |tx: &WriteTx| -> Result<(), Error> {
            for (kind, key, max) in &limits {
                if !tallies::take(tx, (kind, key), HOUR, *max, now).await? {
                    return Err(Error::TooManyMessages);
                }
            }
            if let Some(row) = &asked {
                challenges::replace(tx, row.clone()).await?;
            }
            Ok(mails::insert(tx, row.clone()).await?)
        };
        ask.project.db.write(want).await?;
        (self.inner.wake)(&ask.project);
        Ok(())
    }

    /// Makes a message that was taken, and sends it.
    pub(crate) async fn see_to_message(
        &self,
        project: &Project,
        row: &mails::Model,
        purpose: Purpose,
        now: Stamp,
    ) -> Result<Made, Error> {
        if let Some(sealed) = &row.content {
            let plain = project.open(&place(row.id), sealed)?;
            let made = serde_json::from_slice(&plain).map_err(|_| Error::Sealed("a message"))?;
            return Ok(Made::Mail(made));
        }
        let user = match self.holder(project, row, purpose).await? {
            Ok(user) => user,
            Err(why) => return Ok(Made::Not(Fate::Dropped(why))),
        };
        let credential = rows::credential(&project.db, user.id).await?;
        let secret = Secret::fresh(Template::Code)?;
        let language = Language::parse(&row.language).unwrap_or_default();
        let words = built_in(Template::Code, language).render(&Values {
            project: name_of(project),
            code: secret.code().to_owned(),
            ..Values::default()
        });
        let made = Rendered {
            subject: secret.code().to_owned(),
            html: String::new(),
            text: words.subject,
        };
        let plain = serde_json::to_vec(&made).map_err(|_| Error::Sealed("a message"))?;
        let content = project.seal(&place(row.id), &plain)?;
        let challenge = challenges::Model {
            code_hash: secret.hash(row.subject_id),
            state: state(purpose, &row.recipient, &user, credential.as_ref()),
            ..challenges::asked(
                row.subject_id.unwrap_or_default(),
                user.id,
                &row.recipient,
                now,
                Template::Code.life(),
            )
        };
        let (row, max) = (row.clone(), project.settings().phone.messages_per_day);
        let keep = async move |tx: &WriteTx| -> Result<Option<Fate>, Error> {
            // Counted where it costs: who has no account cannot use up what others need.
            if !tallies::take(tx, ("phone_day", ""), DAY, max, now).await? {
                return Ok(Some(Fate::Dropped("too_many_today")));
            }
            if !mails::fill(tx, &row, &content).await? {
                return Ok(Some(Fate::Lost));
            }
            challenges::make(tx, challenge.clone()).await?;
            Ok(None)
        };
        Ok(match project.db.write(keep).await? {
            None => Made::Mail(made),
            Some(fate) => Made::Not(fate),
        })
    }

    /// Whose number it is, or is to be; or why no message goes there.
    async fn holder(
        &self,
        project: &Project,
        row: &mails::Model,
        purpose: Purpose,
    ) -> Result<Result<UserRow, &'static str>, Error> {
        if !project.settings().phone.allows(&row.recipient) {
            return Ok(Err("country_not_allowed"));
        }
        let directory = &self.inner.directory;
        let found = directory.find(project, "phone", &row.recipient).await?;
        if purpose == Purpose::SignIn {
            return Ok(found.filter(may_prove).ok_or("no_account"));
        }
        let challenge = challenges::get(&project.db, row.subject_id.unwrap_or_default()).await?;
        let Some(challenge) = challenge.filter(|row| !row.used) else {
            return Ok(Err("change_over"));
        };
        // Who has an account already does not learn that somebody wants another with the same number.
        if found.is_some_and(|other| other.id != challenge.user_id && other.phone_verified) {
            return Ok(Err("number_taken"));
        }
        let user = directory.get(project, challenge.user_id).await?;
        Ok(user.filter(|user| !user.disabled).ok_or("no_account"))
    }

    /// Sends a message that was made.
    pub(crate) async fn send_message(
        &self,
        project: &Project,
        row: &mails::Model,
        made: &Rendered,
        now: Stamp,
    ) -> Fate {
        use crate::mail::transport::Failure;
        let egress = &self.inner.egress;
        let sent = match Sender::of(project, egress) {
            Ok(None) => return Fate::Caught,
            Err(failure) => Err(failure),
            Ok(Some(sender)) => {
                let message = Message {
                    id: row.id,
                    purpose: &row.template,
                    language: &row.language,
                    to: &row.recipient,
                    content: made,
                    at: now,
                };
                sender.send(egress, message).await
            }
        };
        match sent {
            Ok(()) => Fate::Sent,
            Err(Failure::Final(reason)) => Fate::Failed(reason),
            Err(Failure::Passing(reason)) => Fate::Later(reason),
        }
    }
}
