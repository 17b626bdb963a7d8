//! Notes what became of deliveries: each is counted once, by whoever took it last, in one transaction with its removal.

use crate::Push;
use crate::error::Error;
use crate::rows::{deliveries, devices, inbox, messages};
use crate::service::settle;
use crate::tally::{Outcome, Tally};
use gate::Project;
use kernel::Stamp;
use std::collections::HashMap;
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// How long to wait after the first failure; twice as long after each further one.
const WAIT: Duration = Duration::from_secs(5);
/// How long to wait at most, unless the service says so.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// What is to become of a delivery.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// The service has it.
    Sent,
    /// It is given up; why.
    Failed(String),
    /// Its device is out of reach; why. With a version, the device is removed unless it was registered again since.
    Pruned(&'static str, Option<i64>),
    /// It is not to be sent; why.
    Skipped(&'static str),
    /// It is tried again: not before so long; why.
    Later(Option<Duration>, String),
}

/// A delivery with its fate.
#[derive(Clone)]
pub(super) struct Verdict {
    pub(super) row: deliveries::Model,
    pub(super) fate: Fate,
}

impl Push {
    pub(super) async fn mark(
        &self,
        project: &Project,
        mut verdicts: Vec<Verdict>,
        now: Stamp,
    ) -> Result<(), Error> {
        // Everybody goes through devices in one order, so that nobody waits in a circle.
        verdicts.sort_by_key(|v| v.row.device_id);
        let is_development = project.settings().development;
        let mark = async move |tx: &WriteTx| -> Result<(), Error> {
            Mark::begin(tx, &verdicts, now, is_development)
                .await?
                .run(tx, &verdicts)
                .await
        };
        project.db.write(mark).await
    }
}

/// One transaction of verdicts.
struct Mark {
    messages: HashMap<Uuid, (messages::Head, Tally)>,
    now: Stamp,
    is_development: bool,
}

impl Mark {
    /// Locks the messages: counts are read and written under it.
    async fn begin(
        tx: &WriteTx,
        verdicts: &[Verdict],
        now: Stamp,
        is_development: bool,
    ) -> Result<Self, Error> {
        let mut ids: Vec<Uuid> = verdicts.iter().map(|v| v.row.message_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let heads = messages::lock(tx, ids).await?;
        let with_tally = |head: messages::Head| {
            let tally = Tally::stored(&head.counts);
            (head.id, (head, tally))
        };
        Ok(Self {
            messages: heads.into_iter().map(with_tally).collect(),
            now,
            is_development,
        })
    }

    async fn run(mut self, tx: &WriteTx, verdicts: &[Verdict]) -> Result<(), Error> {
        let mut ends: HashMap<Uuid, (Outcome, String)> = HashMap::new();
        let mut done = Vec::new();
        for verdict in verdicts {
            match self.end(tx, verdict).await? {
                Some(end) => {
                    ends.insert(verdict.row.id, end);
                    done.push(&verdict.row);
                }
                None => continue,
            }
        }
        // Only what is still ours is counted: a delivery that was taken anew is the other one's to count.
        for row in deliveries::finish(tx, &done).await? {
            let Some((outcome, reason)) = ends.remove(&row.id) else {
                continue;
            };
            if let Some((head, tally)) = self.messages.get_mut(&row.message_id) {
                tally.add(outcome, &reason, 1);
                head.waiting -= 1;
            }
            let reason = (!reason.is_empty()).then_some(reason);
            self.note(tx, &row, outcome.as_str(), reason.as_deref())
                .await?;
        }
        for (head, tally) in self.messages.values_mut() {
            head.counts = tally.to_json();
            settle(head, self.now);
            messages::update(tx, head).await?;
        }
        Ok(())
    }

    /// How the delivery ends; `None` when it does not, and was put off.
    async fn end(
        &self,
        tx: &WriteTx,
        verdict: &Verdict,
    ) -> Result<Option<(Outcome, String)>, Error> {
        Ok(Some(match &verdict.fate {
            Fate::Sent => (Outcome::Sent, String::new()),
            Fate::Failed(reason) => (Outcome::Failed, reason.clone()),
            Fate::Skipped(reason) => (Outcome::Skipped, (*reason).to_owned()),
            Fate::Pruned(reason, None) => (Outcome::Pruned, (*reason).to_owned()),
            Fate::Pruned(reason, Some(version)) => {
                let device = verdict.row.device_id;
                let removed = devices::delete_version(tx, device, *version).await?;
                if !removed && devices::exists(tx, device).await? {
                    // It was registered again while the request was under way: the answer was about the one before.
                    return self.later(tx, verdict, None, reason).await;
                }
                (Outcome::Pruned, (*reason).to_owned())
            }
            Fate::Later(wait, reason) => return self.later(tx, verdict, *wait, reason).await,
        }))
    }

    /// Puts a delivery off, unless that would be too late.
    async fn later(
        &self,
        tx: &WriteTx,
        Verdict { row, .. }: &Verdict,
        wait: Option<Duration>,
        reason: &str,
    ) -> Result<Option<(Outcome, String)>, Error> {
        let Some((head, _)) = self.messages.get(&row.message_id) else {
            return Ok(Some((Outcome::Failed, "message_gone".to_owned())));
        };
        if head.status == "cancelled" {
            return Ok(Some((Outcome::Skipped, "cancelled".to_owned())));
        }
        let due = self.now.plus(pause(row, wait));
        if due.time() >= head.expires_at {
            return Ok(Some((Outcome::Failed, "expired".to_owned())));
        }
        deliveries::postpone(tx, row, due).await?;
        self.note(tx, row, "queued", Some(reason)).await?;
        Ok(None)
    }

    async fn note(
        &self,
        tx: &WriteTx,
        row: &deliveries::Model,
        outcome: &str,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        if self.is_development {
            let which = (row.message_id, row.device_id);
            inbox::note(tx, which, outcome, reason, self.now).await?;
        }
        Ok(())
    }
}

/// How long to wait before the next attempt: what the service says and up to a tenth more, else twice as long each time
/// and up to a quarter less or more, so that those who failed together do not come again together.
fn pause(row: &deliveries::Model, wait: Option<Duration>) -> Duration {
    // The random bits of the id, stirred by the attempt.
    let bits = row.id.as_u64_pair().1 ^ row.attempts.unsigned_abs().wrapping_mul(0x9e37_79b9);
    let thousandths =
        u32::try_from(bits.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap_or(0) % 1_000;
    match wait {
        Some(wait) => wait.max(Duration::from_secs(1)) * (10_000 + thousandths) / 10_000,
        None => {
            let doublings = u32::try_from(row.attempts - 1).unwrap_or(0).min(20);
            let wait = WAIT.saturating_mul(2_u32.saturating_pow(doublings));
            wait.min(WAIT_MAX) * (1_500 + thousandths) / 2_000
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(attempts: i64) -> deliveries::Model {
        deliveries::Model {
            id: kernel::Ids.new_id(),
            message_id: Uuid::nil(),
            device_id: Uuid::nil(),
            user_id: Uuid::nil(),
            attempts,
            leased: true,
            due_at: kernel::Clock::system().now().time(),
        }
    }

    #[test]
    fn pauses_double_and_spread_and_heed_the_service() {
        for (attempts, from, to) in [
            (1, 3_750, 6_250),
            (2, 7_500, 12_500),
            (5, 60_000, 100_000),
            (40, 2_700_000, 4_500_000),
        ] {
            let all: Vec<u128> = (0..200)
                .map(|_| pause(&row(attempts), None).as_millis())
                .collect();
            assert!(all.iter().all(|ms| (from..=to).contains(ms)), "{attempts}");
            let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
            assert!(most - least > (to - from) / 2, "{attempts}");
        }
        for _ in 0..200 {
            let pause = pause(&row(9), Some(Duration::from_secs(100))).as_millis();
            assert!((100_000..=110_000).contains(&pause), "{pause}");
        }
        assert!(pause(&row(1), Some(Duration::ZERO)) >= Duration::from_secs(1));
    }
}
