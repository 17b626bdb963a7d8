//! The audit log: who did what to what, written in the transaction of the act.

use crate::Problem;
use crate::rows::audit::{self, Log, Row};
use kernel::{Ids, Stamp};
use serde_json::Value;
use store::WriteTx;

/// Who acts, from where, and when: what every act in the audit log has in common.
#[derive(Clone, Debug)]
pub struct By {
    /// `user:<id>`, `key:<id>`, `operator:<id>`, `cli`, or nobody.
    pub actor: Option<String>,
    /// The peer's network.
    pub network: String,
    /// Names the request.
    pub request_id: String,
    /// When.
    pub now: Stamp,
}

impl By {
    /// The machine's own administrator, at the command line.
    #[must_use]
    pub fn cli(now: Stamp) -> Self {
        Self {
            actor: Some("cli".to_owned()),
            network: "local".to_owned(),
            request_id: String::new(),
            now,
        }
    }

    /// An entry of the audit log. `detail` holds no secret and no personal data beyond ids and names.
    #[must_use]
    pub fn did(&self, action: &'static str, target: impl Into<String>, detail: Value) -> Entry {
        Entry {
            actor: self.actor.clone(),
            action,
            target: target.into(),
            detail,
            network: self.network.clone(),
            request_id: self.request_id.clone(),
            at: self.now,
        }
    }
}

/// One act.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who did it.
    pub actor: Option<String>,
    /// What was done: `project.create`.
    pub action: &'static str,
    /// What it was done to: an id or a name.
    pub target: String,
    /// What is worth knowing beside.
    pub detail: Value,
    /// The peer's network.
    pub network: String,
    /// Names the request.
    pub request_id: String,
    /// When.
    pub at: Stamp,
}

/// Records an act in the project's log, in the transaction of the act.
pub async fn record(tx: &WriteTx, entry: Entry) -> Result<(), Problem> {
    write(tx, Log::Project, entry).await
}

/// Records an act in the instance's log, in the transaction of the act.
pub(crate) async fn record_instance(tx: &WriteTx, entry: Entry) -> Result<(), Problem> {
    write(tx, Log::Instance, entry).await
}

async fn write(tx: &WriteTx, log: Log, entry: Entry) -> Result<(), Problem> {
    let row = Row {
        id: Ids.new_id(),
        at: entry.at.time(),
        actor: entry.actor,
        action: entry.action.to_owned(),
        target: entry.target,
        detail: entry.detail,
        network: entry.network,
        request_id: entry.request_id,
    };
    Ok(audit::insert(tx, log, row).await?)
}
