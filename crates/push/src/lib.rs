//! Push: messages to the devices of a project's users, by Web Push, which needs no account with anybody.
//!
//! Invariants:
//! - A message is on the disk before its sender is answered, and from then on it is sent, whatever process dies: what
//!   is sent twice after a crash replaces itself on the device.
//! - A device belongs to one user and one session. What was addressed to another user's device is never sent to it, nor
//!   anything after its session ended.
//! - Endpoints and their keys are secrets: sealed at rest, in no answer, no log and no inbox.
//! - Nothing is sent within a transaction, and every outcome is counted once.
//! - Requests leave through [`gate::egress`] alone.
//!
//! It knows no users and no sessions: see [`ports::Sessions`]. It runs nothing by itself: whoever holds it calls
//! [`Push::tick`] when it wakes them, and when the tick before said so.

mod assets;
pub mod can;
mod config;
mod error;
mod jobs;
mod migrations;
pub mod model;
mod origins;
pub mod ports;
mod routes;
mod rows;
mod service;
mod tally;
mod vapid;
pub mod views;
mod web;

pub use config::PushConfig;
pub use error::Error;
pub use routes::configure_project;
pub use service::Ask;
pub use tally::{Count, Outcome, Tally};

use gate::Project;
use gate::egress::Egress;
use kernel::{Ids, Stamp};
use origins::Origins;
use ports::Sessions;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::Step;
use uuid::Uuid;
use vapid::Vapid;

/// Devices that one user has at most; the one unseen for longest makes room for the next.
pub const DEVICES_PER_USER: u64 = 100;
/// Entries of the development inbox at most.
pub const INBOX_MAX: u64 = 1_000;
/// How long the development inbox keeps an entry.
pub const INBOX_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// Tells that a project has something to send, after it was committed.
pub type Wake = Arc<dyn Fn(&Arc<Project>) + Send + Sync>;

/// What the service is made of.
pub struct PushParts {
    /// The process's one client for requests that leave it.
    pub egress: Egress,
    /// The sessions of users.
    pub sessions: Arc<dyn Sessions>,
    /// Called when a project has something to send; it must not block.
    pub wake: Wake,
    /// The source of ids.
    pub ids: Ids,
    /// The address by which the world reaches the instance.
    pub public_url: String,
    /// The section `[push]`, validated.
    pub config: PushConfig,
}

/// The service. Cheap to clone; make one per process, because it holds what is known of push services.
#[derive(Clone)]
pub struct Push {
    inner: Arc<Inner>,
}

struct Inner {
    egress: Egress,
    sessions: Arc<dyn Sessions>,
    wake: Wake,
    ids: Ids,
    config: PushConfig,
    vapid: Vapid,
    origins: Origins,
    /// When each project was cleaned up last.
    tidied: Mutex<HashMap<Uuid, Stamp>>,
}

impl Push {
    /// From its parts.
    #[must_use]
    pub fn new(parts: PushParts) -> Self {
        let subject = parts.config.subject(&parts.public_url);
        Self {
            inner: Arc::new(Inner {
                egress: parts.egress,
                sessions: parts.sessions,
                wake: parts.wake,
                ids: parts.ids,
                config: parts.config,
                vapid: Vapid::new(subject),
                origins: Origins::default(),
                tidied: Mutex::default(),
            }),
        }
    }

    /// The client for requests that leave the process.
    #[must_use]
    pub fn egress(&self) -> &Egress {
        &self.inner.egress
    }

    /// The tables of a project.
    #[must_use]
    pub fn steps() -> &'static [Step] {
        migrations::STEPS
    }
}
