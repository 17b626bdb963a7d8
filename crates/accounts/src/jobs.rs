//! What happens after a mail was asked for: it is taken, made, handed to a server outside of any transaction, and what
//! became of it is noted.
//!
//! A process that dies between sending and noting leaves a mail taken; it is free again when its time is over, and is
//! sent once more with the same content. Processes that work side by side pass over what another one took.

use crate::Accounts;
use crate::error::Error;
use crate::language::Language;
use crate::links::{self, Secret};
use crate::mail::template::{Rendered, SignInPlace, Values};
use crate::mail::transport::{Failure, Letter, Route};
use crate::mail::{COUNTED, INBOX_MAX, MAIL_KEPT, Template, address_key};
use crate::phone::Purpose;
use crate::ports::UserRow;
use crate::rows::{
    self, ceremonies, challenges, changes, guesses, mails, sign_ups, social, tallies, teams, tokens,
};
use crate::{guesses as counting, places};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use gate::{Problem, Project};
use kernel::Stamp;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use store::WriteTx;
use uuid::Uuid;

/// Mails that are under way at once in a tick.
const BATCH: u64 = 8;
/// Mails that one tick takes at most, about.
const TICK_MAX: usize = 128;
/// After which time a tick takes no more.
const TICK_TIME: Duration = Duration::from_secs(2);
/// How long what is taken stays taken: longer than the slowest server.
const LEASE: Duration = Duration::from_secs(120);
/// How long to wait after the first failure; twice as long after each further one,
const WAIT: Duration = Duration::from_secs(10);
/// up to this.
const WAIT_MAX: Duration = Duration::from_secs(1_800);
/// How often a project is cleaned up.
const TIDY_EVERY: Duration = Duration::from_secs(3_600);
/// How long counters are kept: those of a day are the longest.
const TALLIES_KEPT: Duration = Duration::from_secs(2 * 86_400);

/// What becomes of a mail.
pub(crate) enum Fate {
    /// A server has it.
    Sent,
    /// It is in the development inbox.
    Caught,
    /// It is not to be sent; why.
    Dropped(&'static str),
    /// It is given up; why.
    Failed(String),
    /// It is tried again; why.
    Later(String),
    /// Somebody else has it.
    Lost,
}

/// A mail that can be sent, or what becomes of it because it cannot.
pub(crate) enum Made {
    Mail(Rendered),
    Not(Fate),
}

impl Accounts {
    /// Does what is due in the project, a bounded part of it, and tells when to be called again: at once if the answer
    /// is not in the future, not before it wakes its holder if there is none.
    ///
    /// A tick takes mails for two seconds at most, and then waits for those that are under way, at most 40 seconds. So
    /// let the ticks of several projects run at the same time. Two ticks of one project do no harm, and a future that is
    /// dropped half-way is as a process that dies.
    pub async fn tick(&self, project: &Arc<Project>, now: Stamp) -> Result<Option<Stamp>, Problem> {
        self.deliver(project, now).await?;
        if self.tidy(project, now).await? {
            return Ok(Some(now));
        }
        let due = mails::next_due(&project.db).await;
        let due = due.map_err(Error::from)?;
        Ok(due.and_then(Stamp::from_time))
    }

    async fn deliver(&self, project: &Project, now: Stamp) -> Result<(), Error> {
        let started = Instant::now();
        // The tick has one present, but what it waited for a server has passed when a mail is put off.
        let present = || now.plus(started.elapsed());
        let mut running = FuturesUnordered::new();
        let (mut taken, mut outcome) = (0, Ok(()));
        loop {
            let is_time = taken < TICK_MAX && started.elapsed() < TICK_TIME && outcome.is_ok();
            if is_time && running.is_empty() {
                let until = present().plus(LEASE);
                let take = async move |tx: &WriteTx| -> Result<Vec<mails::Model>, Error> {
                    Ok(mails::lease(tx, now, until, BATCH).await?)
                };
                // Looked for first: a write has an fsync even where it changes nothing.
                match self.is_due(project, now).await {
                    Ok(false) => taken = TICK_MAX,
                    Err(error) => outcome = Err(error),
                    Ok(true) => match project.db.write(take).await {
                        Ok(rows) if rows.is_empty() => taken = TICK_MAX,
                        Ok(rows) => {
                            taken += rows.len();
                            let one = |row| async {
                                let (row, fate) = self.attempt(project, row, now).await;
                                // Noted here, where it is polled with the others: one that waits for a connection
                                // while nobody polls those that hold them would wait for ever.
                                self.note(project, row, fate, present()).await
                            };
                            running.extend(rows.into_iter().map(one));
                        }
                        Err(error) => outcome = Err(error),
                    },
                }
            }
            match running.next().await {
                None => return outcome,
                Some(Ok(())) => {}
                // What was sent and cannot be noted comes again.
                Some(Err(error)) => outcome = Err(error),
            }
        }
    }

    async fn is_due(&self, project: &Project, now: Stamp) -> Result<bool, Error> {
        let next = mails::next_due(&project.db).await?;
        Ok(next.is_some_and(|due| due <= now.time()))
    }

    async fn attempt(
        &self,
        project: &Project,
        row: mails::Model,
        now: Stamp,
    ) -> (mails::Model, Fate) {
        let fate = match self.see_to(project, &row, now).await {
            Ok(fate) => fate,
            Err(error) => {
                tracing::error!(%error, project = %project.id, mail = %row.id, "a mail could not be made");
                Fate::Later("internal".to_owned())
            }
        };
        (row, fate)
    }

    async fn see_to(
        &self,
        project: &Project,
        row: &mails::Model,
        now: Stamp,
    ) -> Result<Fate, Error> {
        if row.expires_at <= now.time() {
            let reason = row.reason.clone();
            return Ok(Fate::Failed(reason.unwrap_or("expired".to_owned())));
        }
        let purpose = Purpose::parse(&row.template);
        let made = match purpose {
            Some(purpose) => self.see_to_message(project, row, purpose, now).await?,
            None => self.content(project, row, now).await?,
        };
        let mail = match made {
            Made::Mail(mail) => mail,
            Made::Not(fate) => return Ok(fate),
        };
        if purpose.is_some() {
            return Ok(self.send_message(project, row, &mail, now).await);
        }
        let (egress, config) = (&self.inner.egress, &self.inner.config.mail);
        let sent = match Route::of(project, config, egress) {
            Ok(None) => return Ok(Fate::Caught),
            Err(failure) => Err(failure),
            Ok(Some(route)) => {
                let letter = Letter {
                    id: row.id,
                    to: &row.recipient,
                    mail: &mail,
                    at: now,
                    attempts: usize::try_from(row.attempts).unwrap_or(0),
                };
                route.send(egress, letter).await
            }
        };
        Ok(match sent {
            Ok(()) => Fate::Sent,
            Err(Failure::Final(reason)) => Fate::Failed(reason),
            Err(Failure::Passing(reason)) => Fate::Later(reason),
        })
    }

    /// What the mail says: as it was made at the first attempt, so that the secret in it stays the same.
    async fn content(
        &self,
        project: &Project,
        row: &mails::Model,
        now: Stamp,
    ) -> Result<Made, Error> {
        if let Some(sealed) = &row.content {
            let plain = project.open(&place(row.id), sealed)?;
            let mail = serde_json::from_slice(&plain).map_err(|_| Error::Sealed("a mail"))?;
            return Ok(Made::Mail(mail));
        }
        let max = u64::from(self.inner.config.mail.mails_per_recipient_hour);
        let made = Stamp::from_time(row.created_at).ok_or(Error::Sealed("a mail's time"))?;
        let since = made.minus(COUNTED);
        if mails::count_to(&project.db, &row.recipient_key, since, Some(row.id)).await? >= max {
            return Ok(Made::Not(Fate::Dropped("too_many")));
        }
        let template = Template::parse(&row.template).ok_or(Error::Sealed("a mail's template"))?;
        if template == Template::TeamInvite {
            return self.team_mail(project, row, now).await;
        }
        if template == Template::Verify && row.subject_id.is_some() {
            return self.sign_up_mail(project, row, now).await;
        }
        let (user, new_email) = match self.addressee(project, row, template, now).await? {
            Ok(found) => found,
            Err(Fate::Dropped("address_taken")) => return self.known_mail(project, row).await,
            Err(fate) => return Ok(Made::Not(fate)),
        };
        let sign_in = match self.sign_in_place(project, row, template, user.id).await? {
            Ok(found) => found,
            Err(fate) => return Ok(Made::Not(fate)),
        };
        let credential = rows::credential(&project.db, user.id).await?;
        if template == Template::Invite && credential.is_some() {
            return Ok(Made::Not(Fate::Dropped("accepted_already")));
        }
        let secret = Secret::fresh(template)?;
        let source = self
            .template(
                project,
                template,
                Language::parse(&row.language).unwrap_or_default(),
            )
            .await?;
        let settings = project.settings();
        let mail = source.render(&Values {
            project: name_of(project),
            email: row.recipient.clone(),
            new_email,
            link: links::link(project, template, &secret),
            code: secret.code().to_owned(),
            minutes: template.life().as_secs() / 60,
            color: settings.brand.color().to_owned(),
            team: String::new(),
            sign_in,
            notice: String::new(),
        });
        let plain = serde_json::to_vec(&mail).map_err(|_| Error::Sealed("a mail"))?;
        let content = project.seal(&place(row.id), &plain)?;
        let state = links::state(template, &user, credential.as_ref());
        let ends = now.plus(template.life());
        let row = row.clone();
        let keep = async move |tx: &WriteTx| -> Result<bool, Error> {
            if !mails::fill(tx, &row, &content).await? {
                return Ok(false);
            }
            match (template, row.subject_id) {
                (Template::Code, Some(_)) => {
                    let state = state.clone();
                    let challenge = Self::mailed_challenge(&row, &user, &secret, state, now);
                    challenges::make(tx, challenge).await?;
                }
                // It tells something, and asks for nothing.
                (Template::Linked | Template::AccountExists, _) => {}
                (_, change_id) => {
                    let token = tokens::Model {
                        hash: secret.hash(None),
                        purpose: template.as_str().to_owned(),
                        user_id: user.id,
                        state: state.clone(),
                        change_id,
                        claimed_until: None,
                        created_at: now.time(),
                        expires_at: ends.time(),
                        extra: None,
                    };
                    match template {
                        // Each is about a session of its own.
                        Template::NewDevice => tokens::insert(tx, token).await?,
                        _ => tokens::replace(tx, token).await?,
                    }
                }
            }
            Ok(true)
        };
        Ok(match project.db.write(keep).await? {
            true => Made::Mail(mail),
            false => Made::Not(Fate::Lost),
        })
    }

    /// Whom the mail is about, and the address that is to be theirs; or why it is not sent.
    async fn addressee(
        &self,
        project: &Project,
        row: &mails::Model,
        template: Template,
        now: Stamp,
    ) -> Result<Result<(UserRow, String), Fate>, Error> {
        let directory = &self.inner.directory;
        let drop = |why| Ok(Err(Fate::Dropped(why)));
        if matches!(
            template,
            Template::ChangeEmailOld | Template::ChangeEmailNew
        ) {
            let id = row.subject_id.unwrap_or_default();
            let change = changes::get(&project.db, id).await?;
            let Some(change) = change.filter(|change| change.expires_at > now.time()) else {
                return drop("change_over");
            };
            let user = directory.get(project, change.user_id).await?;
            let Some(user) = user.filter(|user| !user.disabled) else {
                return drop("no_account");
            };
            // Who has an account already does not learn that somebody wants another with the same address.
            let is_new = template == Template::ChangeEmailNew;
            if is_new
                && directory
                    .find(project, "email", &change.new_email)
                    .await?
                    .is_some()
            {
                return drop("address_taken");
            }
            return Ok(Ok((user, change.new_email)));
        }
        if template == Template::Code
            && let Some(found) = self.to_promote(project, row).await?
        {
            return Ok(found
                .map(|user| (user, String::new()))
                .map_err(Fate::Dropped));
        }
        let found = directory.find(project, "email", &row.recipient).await?;
        // Where only a number was proved, the address may be a slip, and belong to anybody.
        let is_slip = |user: &UserRow| user.phone_verified && !user.verified;
        let found = found.filter(|user| template == Template::Verify || !is_slip(user));
        match found.filter(|user| !user.disabled) {
            None => drop("no_account"),
            Some(user) if template == Template::Verify && user.verified => drop("verified_already"),
            // The lookup may be kinder than we are: mail goes to the account's own address alone.
            Some(user) => match &user.email {
                Some(own) if address_key(own) == row.recipient_key => Ok(Ok((user, String::new()))),
                _ => drop("no_account"),
            },
        }
    }

    /// The sign-in that a mail tells of, if it does.
    async fn sign_in_place(
        &self,
        project: &Project,
        row: &mails::Model,
        template: Template,
        user: Uuid,
    ) -> Result<Result<SignInPlace, Fate>, Error> {
        if template != Template::NewDevice {
            return Ok(Ok(SignInPlace::default()));
        }
        let session = rows::session(&project.db, row.subject_id.unwrap_or_default()).await?;
        let Some(session) = session.filter(|session| session.user_id == user) else {
            return Ok(Err(Fate::Dropped("session_gone")));
        };
        Ok(Ok(places::described(&session)))
    }

    async fn note(
        &self,
        project: &Project,
        row: mails::Model,
        fate: Fate,
        now: Stamp,
    ) -> Result<(), Error> {
        if let Fate::Failed(reason) | Fate::Later(reason) = &fate {
            tracing::warn!(project = %project.id, mail = %row.id, attempts = row.attempts, reason, "a mail was not sent");
        }
        let note = async move |tx: &WriteTx| -> Result<(), Error> {
            match &fate {
                Fate::Lost => {}
                Fate::Sent => mails::finish(tx, &row, "sent", None, now).await?,
                Fate::Caught => {
                    mails::finish(tx, &row, "caught", None, now).await?;
                    mails::delete_excess(tx, INBOX_MAX).await?;
                }
                Fate::Dropped(why) => mails::finish(tx, &row, "dropped", Some(why), now).await?,
                Fate::Failed(why) => mails::finish(tx, &row, "failed", Some(why), now).await?,
                Fate::Later(why) => {
                    let due = now.plus(pause(&row));
                    if due.time() >= row.expires_at {
                        mails::finish(tx, &row, "failed", Some(why), now).await?;
                    } else {
                        mails::postpone(tx, &row, due, why).await?;
                    }
                }
            }
            Ok(())
        };
        project.db.write(note).await
    }

    /// Removes what nobody needs any more, once an hour, and tells whether there is more of it. Nothing depends on it.
    async fn tidy(&self, project: &Arc<Project>, now: Stamp) -> Result<bool, Error> {
        let is_due = {
            let tidied = &self.inner.tidied;
            let mut tidied = tidied.lock().unwrap_or_else(PoisonError::into_inner);
            let last = tidied.get(&project.uid).copied();
            let is_due = last.is_none_or(|last| now >= last.plus(TIDY_EVERY) || now < last);
            if is_due {
                tidied.insert(project.uid, now);
            }
            is_due
        };
        if !is_due {
            return Ok(false);
        }
        let tidy = async move |tx: &WriteTx| -> Result<(), Error> {
            mails::delete_old(tx, now.minus(MAIL_KEPT)).await?;
            tokens::delete_old(tx, now).await?;
            changes::delete_old(tx, now).await?;
            sign_ups::delete_old(tx, now).await?;
            teams::delete_old_invitations(tx, now).await?;
            ceremonies::delete_old(tx, now).await?;
            challenges::delete_old(tx, now.minus(links::GUESSES_COUNTED)).await?;
            tallies::delete_old(tx, now.minus(TALLIES_KEPT)).await?;
            guesses::delete_old(tx, now.minus(counting::FORGOTTEN)).await?;
            rows::places::delete_old(tx, now.minus(places::KNOWN)).await?;
            social::delete_old(tx, now).await?;
            Ok(())
        };
        project.db.write(tidy).await?;
        let is_more = self.erase_abandoned(project, now).await?;
        if is_more {
            let tidied = &self.inner.tidied;
            let mut tidied = tidied.lock().unwrap_or_else(PoisonError::into_inner);
            tidied.remove(&project.uid);
        }
        Ok(is_more)
    }
}

/// What a mail's content is sealed for.
pub(crate) fn place(mail: Uuid) -> String {
    format!("_mails/{mail}")
}

/// What people know the project by.
pub(crate) fn name_of(project: &Project) -> String {
    let settings = project.settings();
    if settings.brand.name.is_empty() {
        project.name.clone()
    } else {
        settings.brand.name.clone()
    }
}

/// How long to wait before the next attempt: twice as long each time, and up to a quarter less or more, so that those
/// that failed together do not come again together.
fn pause(row: &mails::Model) -> Duration {
    let bits = row.id.as_u64_pair().1 ^ row.attempts.unsigned_abs().wrapping_mul(0x9e37_79b9);
    let thousandths =
        u32::try_from(bits.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap_or(0) % 1_000;
    let doublings = u32::try_from(row.attempts - 1).unwrap_or(0).min(20);
    let wait = WAIT.saturating_mul(2_u32.saturating_pow(doublings));
    wait.min(WAIT_MAX) * (1_500 + thousandths) / 2_000
}
