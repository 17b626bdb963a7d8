//! What became of a message's deliveries: a count for each outcome and reason.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What became of one delivery.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = PushOutcome)]
pub enum Outcome {
    /// The push service took it.
    Sent,
    /// It was given up: `http_403`, `expired`, `address_not_public` and others.
    Failed,
    /// The device is no more, or no longer the user's: `gone`, `signed_out`, `removed`, `moved`, `unseen`.
    Pruned,
    /// It was never to be sent: `no_device`, `dry_run`, `cancelled`.
    Skipped,
}

impl Outcome {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Pruned => "pruned",
            Self::Skipped => "skipped",
        }
    }
}

/// How many deliveries ended so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PushCount)]
pub struct Count {
    /// What became of them.
    pub outcome: Outcome,
    /// Why; empty for those that were sent.
    pub reason: String,
    /// How many.
    pub count: i64,
}

/// All counts of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tally(pub Vec<Count>);

impl Tally {
    /// From what is stored.
    #[must_use]
    pub fn stored(value: &Value) -> Self {
        Self::deserialize(value).unwrap_or_default()
    }

    /// As it is stored.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Adds deliveries that ended so.
    pub fn add(&mut self, outcome: Outcome, reason: &str, count: i64) {
        if count == 0 {
            return;
        }
        let same = |c: &&mut Count| c.outcome == outcome && c.reason == reason;
        match self.0.iter_mut().find(same) {
            Some(known) => known.count += count,
            None => {
                let reason = reason.to_owned();
                self.0.push(Count {
                    outcome,
                    reason,
                    count,
                });
                self.0
                    .sort_by(|a, b| (a.outcome, &a.reason).cmp(&(b.outcome, &b.reason)));
            }
        }
    }

    /// All that ended so, whatever the reason.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> i64 {
        let these = self.0.iter().filter(|c| c.outcome == outcome);
        these.map(|c| c.count).sum()
    }
}
