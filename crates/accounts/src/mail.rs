//! Mails: a row in the transaction of the act that wants one; what it says is made, and sent, by the jobs.
//!
//! Whoever asks for a mail to an address learns nothing about it: the row is written whether or not there is such an
//! account, and the job finds out.

pub(crate) mod desk;
mod sign_up;
mod team;
pub mod template;
mod texts;
pub(crate) mod transport;

pub(crate) use texts::{PageText, PageTexts, built_in, texts};

use crate::error::Error;
use crate::language::Language;
use crate::rows::mails;
use crate::service::Ask;
use crate::{Accounts, Inner};
use gate::Project;
pub(crate) use gate::email_key as address_key;
use kernel::Stamp;
use std::sync::Arc;
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// Over how long the mails to one address are counted.
pub(crate) const COUNTED: Duration = Duration::from_secs(3_600);
/// Mails of the development inbox at most.
pub const INBOX_MAX: u64 = 1_000;
/// How long mails are listed after they are done.
pub const MAIL_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// Tells that a project has mails to send, after they were committed.
pub type Wake = Arc<dyn Fn(&Project) + Send + Sync>;

/// The mails there are. The secret in one is good for the same purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Template {
    /// Asks whether the address is its reader's.
    Verify,
    /// Leads to a new password.
    Reset,
    /// Asks at the present address whether it may change.
    ChangeEmailOld,
    /// Asks at the new address whether it is its reader's.
    ChangeEmailNew,
    /// Holds a code to sign in with.
    Code,
    /// Holds a link to sign in with.
    MagicLink,
    /// Leads to the first password of an account that was made for its reader.
    Invite,
    /// Says that a team asks its reader to join. There is no secret in it.
    TeamInvite,
    /// Tells of a sign-in from elsewhere; its link ends that session.
    NewDevice,
    /// Tells that a way to prove who one is was added, removed or used.
    SecurityNotice,
    /// Tells that an account elsewhere signs in now.
    Linked,
    /// Tells who has an account already that somebody wanted another one with the same address.
    AccountExists,
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Verify,
        Self::Reset,
        Self::ChangeEmailOld,
        Self::ChangeEmailNew,
        Self::Code,
        Self::MagicLink,
        Self::Invite,
        Self::TeamInvite,
        Self::NewDevice,
        Self::SecurityNotice,
        Self::Linked,
        Self::AccountExists,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::ChangeEmailOld => "change_email_old",
            Self::ChangeEmailNew => "change_email_new",
            Self::Code => "code",
            Self::MagicLink => "magic_link",
            Self::Invite => "invite",
            Self::TeamInvite => "team_invite",
            Self::NewDevice => "new_device",
            Self::SecurityNotice => "security_notice",
            Self::Linked => "linked",
            Self::AccountExists => "account_exists",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// For how long the secret in it is good, and how long it is tried to be sent.
    #[must_use]
    pub fn life(self) -> Duration {
        Duration::from_secs(match self {
            Self::Verify
            | Self::ChangeEmailOld
            | Self::ChangeEmailNew
            | Self::NewDevice
            | Self::SecurityNotice
            | Self::Linked
            | Self::AccountExists => 86_400,
            Self::Reset => 3_600,
            Self::MagicLink => 900,
            Self::Code => 600,
            Self::Invite | Self::TeamInvite => 7 * 86_400,
        })
    }

    /// The page that its link leads to; none where it holds a code.
    pub(crate) fn page(self) -> Option<&'static str> {
        match self {
            Self::Verify => Some("verify"),
            Self::Reset => Some("reset"),
            Self::ChangeEmailOld | Self::ChangeEmailNew => Some("change-email"),
            Self::MagicLink => Some("magic-link"),
            Self::Invite => Some("invite"),
            Self::NewDevice => Some("end-session"),
            Self::Code
            | Self::TeamInvite
            | Self::SecurityNotice
            | Self::Linked
            | Self::AccountExists => None,
        }
    }
}

/// A mail that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) template: Template,
    pub(crate) recipient: String,
    pub(crate) subject_id: Option<Uuid>,
    pub(crate) language: Language,
}

impl Inner {
    /// The row of a mail that is wanted.
    pub(crate) fn mail(&self, wish: Wish, now: Stamp) -> mails::Model {
        mails::Model {
            id: self.ids.new_id(),
            template: wish.template.as_str().to_owned(),
            language: wish.language.as_str().to_owned(),
            recipient_key: address_key(&wish.recipient),
            recipient: wish.recipient,
            subject_id: wish.subject_id,
            content: None,
            status: "queued".to_owned(),
            reason: None,
            attempts: 0,
            due_at: Some(now.time()),
            created_at: now.time(),
            expires_at: now.plus(wish.template.life()).time(),
            finished_at: None,
        }
    }
}

impl Accounts {
    /// Asks for a mail by itself. What is answered and what is done here is the same whoever has the address.
    pub(crate) async fn want_mail(&self, ask: &Ask, wish: Wish) -> Result<(), Error> {
        let (row, now) = (self.inner.mail(wish, ask.now), ask.now);
        let max = self.inner.config.mail.mails_per_recipient_hour;
        let want = async move |tx: &WriteTx| -> Result<(), Error> {
            demand_room(tx, &row.recipient_key, max, now).await?;
            Ok(mails::insert(tx, row.clone()).await?)
        };
        ask.project.db.write(want).await?;
        (self.inner.wake)(&ask.project);
        Ok(())
    }
}

/// Refuses when an address has been asked for too often. Many who ask at once may pass; the job counts again, in order.
pub(crate) async fn demand_room(
    tx: &WriteTx,
    key: &str,
    max: u32,
    now: Stamp,
) -> Result<(), Error> {
    let recent = mails::count_to(tx, key, now.minus(COUNTED), None).await?;
    if recent >= u64::from(max) {
        return Err(Error::TooManyMails);
    }
    Ok(())
}
