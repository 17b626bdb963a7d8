//! End users of a project: sign-up, sign-in, sessions, and the tokens by which every other service knows them.
//!
//! Invariants:
//! - A session's row is the truth. A token is believed for at most one second after its session and user were read,
//!   and not at all once this process ended the session.
//! - An access token names its project, its session and its kind; what is missing or of another type refuses it.
//! - Refresh tokens are derived, so that a repeat has the same successor; anything older ends the session.
//! - A one-time secret is good once, for one purpose, while its user stands as when it was sent; whoever asks for one to
//!   an address learns nothing about the address.
//! - A mail is on the disk before its asker is answered, and is sent, or given up with a reason, whatever process dies.
//! - A user is made of whom the project's policies let be one, and of nobody else; wrong guesses at passwords are counted
//!   alike for accounts that are and that are not.
//! - A session of two factors begins, or goes on under another id, in the transaction that uses up the second one.
//! - An unknown identity, a wrong password and a disabled user read the same and cost the same, by whatever of its
//!   identities a user is looked for.
//! - Who was nobody becomes somebody once, with the same id.
//!
//! It owns credentials, sessions and signing keys, by user id. The users themselves are another crate's: see
//! [`ports::Directory`].

mod anonymous;
mod by_mail;
mod cache;
pub mod can;
mod captcha;
mod config;
mod custom;
mod device;
pub mod door;
mod email_change;
mod error;
mod factors;
pub mod grants;
mod guesses;
mod hooks;
mod identities;
mod impersonate;
mod import;
mod invite;
mod jobs;
mod keys;
mod language;
mod links;
mod mail;
mod migrations;
pub mod model;
mod newcomers;
mod notices;
mod pages;
mod passkeys;
mod person;
mod phone;
mod places;
pub mod ports;
mod recovery;
mod refresh;
mod routes;
pub mod rows;
mod second_factor;
mod service;
mod sign_ups;
mod social;
mod step_up;
pub mod teams;
mod tokens;
mod totp;
mod users;
mod verify;
pub mod views;
mod webauthn;

pub use config::{AccountsConfig, MailConfig, SmtpTls};
pub use door::{Entered, FactorDue, Method};
pub use error::Error;
pub use keys::Rotation;
pub use language::Language;
pub use mail::template::{Rendered, Source};
pub use mail::{INBOX_MAX, MAIL_KEPT, Template, Wake};
pub use pages::configure_pages;
pub use routes::configure_project;
pub use service::{Ask, SignedIn};
pub use sign_ups::SignedUp;

use cache::Cache;
use gate::Project;
use gate::egress::Egress;
use gate::password::Passwords;
use kernel::{Ids, Stamp};
use keys::Keys;
use ports::{Directory, PersonParts};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use store::{Step, Topic};
use uuid::Uuid;

/// What the service is made of.
pub struct AccountsParts {
    /// The users.
    pub directory: Arc<dyn Directory>,
    /// What other services keep of a person.
    pub parts: Vec<Arc<dyn PersonParts>>,
    /// The process's one queue for hashing.
    pub passwords: Passwords,
    /// Judges the mail servers of projects.
    pub egress: Egress,
    /// Called when a project has mails to send; it must not block.
    pub wake: Wake,
    /// The source of ids.
    pub ids: Ids,
    /// The section `[accounts]`, validated.
    pub config: AccountsConfig,
}

/// The service. Cheap to clone; make one per process, because it holds what ends sessions at once.
#[derive(Clone)]
pub struct Accounts {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Arc<dyn Directory>,
    parts: Vec<Arc<dyn PersonParts>>,
    passwords: Passwords,
    egress: Egress,
    wake: Wake,
    ids: Ids,
    keys: Keys,
    documents: social::documents::Documents,
    cache: Cache,
    config: AccountsConfig,
    guesses: guesses::UnderWay,
    /// When each project was cleaned up last.
    tidied: Mutex<HashMap<Uuid, Stamp>>,
}

impl Accounts {
    /// From its parts.
    #[must_use]
    pub fn new(parts: AccountsParts) -> Self {
        let AccountsParts {
            directory,
            parts: person,
            passwords,
            egress,
            wake,
            ids,
            config,
        } = parts;
        let cache = Cache::new(usize::try_from(config.verified_tokens_max).unwrap_or(usize::MAX));
        let keys = Keys::new(config.access_token());
        Self {
            inner: Arc::new(Inner {
                directory,
                parts: person,
                passwords,
                egress,
                wake,
                ids,
                keys,
                documents: social::documents::Documents::default(),
                cache,
                config,
                guesses: guesses::UnderWay::default(),
                tidied: Mutex::default(),
            }),
        }
    }

    /// The tables of a project.
    #[must_use]
    pub fn steps() -> &'static [Step] {
        migrations::STEPS
    }

    /// To be called when a user was disabled, erased, or given other roles: its sessions are read anew at the next
    /// request, not only within a second.
    pub fn user_changed(&self, project: &Project, user: Uuid) {
        self.inner.cache.doubt(project.uid, user);
        project.announce(Topic::Sessions);
    }

    /// Another node changed sessions of this project, or of all (`None`): they are read at their next use.
    pub fn doubt(&self, project: Option<Uuid>) {
        self.inner.cache.doubt_all(project);
    }

    /// Ends sessions at once on this node, and soon on the others. To be called when the rows are committed.
    pub(crate) fn ended(&self, project: &Project, sessions: &[Uuid]) {
        self.inner.cache.end(project.uid, sessions);
        if !sessions.is_empty() {
            project.announce(Topic::Sessions);
        }
    }
}
