//! What happens after a message was queued: it is fanned out in pages, its deliveries are taken, sent outside of any
//! transaction, and what became of them is noted.
//!
//! A process that dies between sending and noting leaves a delivery taken; it is free again when its time is over, and
//! is sent once more. Processes that work side by side pass over what another one took.

mod fan_out;
mod mark;
mod send;

use crate::error::Error;
use crate::rows::{deliveries, devices, inbox, messages};
use crate::{INBOX_KEPT, Push};
use gate::{Problem, Project};
use kernel::Stamp;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use store::WriteTx;

/// Deliveries of a project that are under way at once in a tick.
const BATCH: usize = 64;
/// Deliveries that one tick takes, about: it takes no more once it has so many,
const TICK_MAX: usize = 256;
/// or once it has worked so long.
const TICK_TIME: Duration = Duration::from_secs(2);
/// How long what is taken stays taken. All requests of a tick end within it, however slow their services are.
const LEASE: Duration = Duration::from_secs(120);
/// Devices that a message is fanned out to in one transaction.
const PAGE: u64 = 500;
/// A message with so many deliveries that wait gets no more for the time being, so that others have their turn.
const ENOUGH: i64 = 500;
/// Pages that one tick fans out at most.
const PAGES_PER_TICK: usize = 4;
/// How often a project is cleaned up.
const TIDY_EVERY: Duration = Duration::from_secs(3_600);
/// Rows of a kind that are removed at once.
const TIDY_ROWS: u64 = 500;

impl Push {
    /// Does what is due in the project, a bounded part of it, and tells when to be called again: at once if the answer
    /// is not in the future, not before it wakes its holder if there is none.
    ///
    /// A tick takes deliveries for two seconds at most, and then waits for the requests that are under way, which may be
    /// ten seconds more when a service hangs (a service that drips its answers can make it forty). So let the ticks of
    /// several projects run at the same time, and no project will wait for another. Two ticks of one project do no harm.
    /// A future that is dropped half-way is as a process that dies.
    pub async fn tick(&self, project: &Arc<Project>, now: Stamp) -> Result<Option<Stamp>, Problem> {
        for _ in 0..PAGES_PER_TICK {
            if !self.fan_out(project, now).await? {
                break;
            }
        }
        self.deliver(project, now).await?;
        self.tidy(project, now).await?;
        Ok(self.next(project, now).await?)
    }

    /// When something is to be done next.
    async fn next(&self, project: &Project, now: Stamp) -> Result<Option<Stamp>, Error> {
        if messages::any_next(&project.db, ENOUGH).await? {
            return Ok(Some(now));
        }
        let due = deliveries::next_due(&project.db).await?;
        Ok(due.and_then(Stamp::from_time))
    }

    /// Removes what nobody needs any more, once an hour. Nothing depends on it: devices that were not seen for too long
    /// are neither listed nor sent to, and the inbox shows nothing that is too old.
    async fn tidy(&self, project: &Project, now: Stamp) -> Result<(), Error> {
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
            return Ok(());
        }
        let unseen = now.minus(self.inner.config.unseen());
        let old = now.minus(self.inner.config.kept());
        // Who is not in development any more does not need what he looked at.
        let shown = if project.settings().development {
            now.minus(INBOX_KEPT)
        } else {
            now
        };
        let tidy = async move |tx: &WriteTx| -> Result<(), Error> {
            devices::delete_unseen(tx, unseen, TIDY_ROWS).await?;
            messages::delete_old(tx, old, TIDY_ROWS).await?;
            inbox::delete_old(tx, shown).await?;
            Ok(())
        };
        project.db.write(tidy).await
    }
}
