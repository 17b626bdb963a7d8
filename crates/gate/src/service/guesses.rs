//! Guesses at operators' passwords: so many are borne, for one account and from one network, then further ones must
//! wait, longer each time.
//!
//! A guess is counted before the password is looked at, so that fifty at once are not all let through, and forgotten
//! when it was right; one that is refused writes nothing. An account is what was typed, whether or not there is such an
//! operator. From everywhere it bears more than from one network, and from where its operator signed in lately it is not
//! counted with the others: so nobody is kept out of it by strangers.

use super::Gate;
use crate::audit::By;
use crate::rows::{audit, guesses};
use crate::{Problem, token_hash};
use kernel::{Code, Stamp};
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// Guesses that are borne: at an account from one network, from one network, and at an account from everywhere.
const BORNE: [i64; 3] = [10, 100, 100];
/// How long to wait after the last one that is borne; twice as long after each further one,
const WAIT: Duration = Duration::from_secs(60);
/// up to this.
const WAIT_MAX: Duration = Duration::from_secs(900);
/// When they are forgotten: after this time without one.
const FORGOTTEN: Duration = Duration::from_secs(3_600);
/// How long an operator is at home where it signed in.
const AT_HOME: Duration = Duration::from_secs(90 * 86_400);

/// A guess that was counted.
pub(super) struct Guess {
    account: Vec<String>,
}

impl Gate {
    /// Counts a guess at the password of `email_key`, which is `operator`'s if there is one; 429 where it must wait.
    pub(super) async fn guess(
        &self,
        by: &By,
        email_key: &str,
        operator: Option<Uuid>,
    ) -> Result<Guess, Problem> {
        let (now, network) = (by.now, by.network.as_str());
        let key = |kind: &str, parts: [&str; 2]| token_hash(&format!("{kind} {parts:?}"));
        let (here, anywhere) = (
            key("account", [network, email_key]),
            key("all", ["", email_key]),
        );
        // Nobody has the nil id: it is looked for all the same, for its time.
        let target = operator.unwrap_or_default().to_string();
        let since = now.minus(AT_HOME).time();
        let is_home = audit::has(&self.0.db, "session.create", &target, network, since).await?;
        let mut keys = vec![here.clone(), key("network", [network, ""])];
        if !is_home {
            keys.push(anywhere.clone());
        }
        let count = async move |tx: &WriteTx| -> Result<(), Problem> {
            guesses::forget_before(tx, now.minus(FORGOTTEN).time()).await?;
            for (key, borne) in keys.iter().zip(BORNE) {
                let row = guesses::lock(tx, key).await?;
                if let Some(left) = row.and_then(|row| left(&row, borne, now)) {
                    return Err(Problem::new(Code::RateLimited)
                        .detail("Too many wrong passwords were tried.")
                        .retry_after(left.as_secs() + 1));
                }
                guesses::count(tx, key, now.time()).await?;
            }
            Ok(())
        };
        self.0.db.write(count).await?;
        let account = vec![here, anywhere];
        Ok(Guess { account })
    }
}

impl Guess {
    /// Forgets what was counted of the account, in the transaction of the sign-in.
    pub(super) async fn was_right(&self, tx: &WriteTx) -> Result<(), Problem> {
        Ok(guesses::forget(tx, &self.account).await?)
    }
}

/// How long the next guess must wait, if it must.
fn left(row: &guesses::Model, borne: i64, now: Stamp) -> Option<Duration> {
    let further = row.count - borne;
    if further < 0 {
        return None;
    }
    let doublings = u32::try_from(further).unwrap_or(u32::MAX).min(16);
    let pause = WAIT.saturating_mul(1 << doublings).min(WAIT_MAX);
    let left = row.last_at + pause - now.time();
    left.is_positive().then(|| left.unsigned_abs())
}
