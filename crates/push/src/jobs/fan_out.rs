//! Makes the deliveries of messages, a page of devices at a time, so that the largest audience costs small transactions
//! and a process that dies goes on where it was.

use super::{ENOUGH, PAGE};
use crate::error::Error;
use crate::model::Audience;
use crate::rows::{deliveries, devices, inbox, messages};
use crate::service::settle;
use crate::tally::{Outcome, Tally};
use crate::{INBOX_MAX, Push};
use gate::Project;
use kernel::{Ids, Stamp};
use store::WriteTx;
use uuid::Uuid;

/// What is the same for all pages of a call.
#[derive(Clone, Copy)]
struct Pager {
    ids: Ids,
    now: Stamp,
    seen: Stamp,
    is_development: bool,
}

impl Push {
    /// One page of the message whose turn it is. False when no message needs one.
    pub(super) async fn fan_out(&self, project: &Project, now: Stamp) -> Result<bool, Error> {
        // Most ticks find nothing here; a look costs no write.
        if !messages::any_next(&project.db, ENOUGH).await? {
            return Ok(false);
        }
        let pager = Pager {
            ids: self.inner.ids,
            now,
            seen: now.minus(self.inner.config.unseen()),
            is_development: project.settings().development,
        };
        let write = async move |tx: &WriteTx| -> Result<bool, Error> { pager.page(tx).await };
        project.db.write(write).await
    }
}

impl Pager {
    async fn page(self, tx: &WriteTx) -> Result<bool, Error> {
        let Some(mut message) = messages::lock_next(tx, ENOUGH).await? else {
            return Ok(false);
        };
        let target = std::mem::take(&mut message.target);
        let audience = Audience::stored(&message.audience, target).unwrap_or_else(|| {
            // It must not stand in the way of all the others.
            tracing::error!(message = %message.id, "the audience of a message is stored in a form that is not ours");
            Audience::Devices(Vec::new())
        });
        let reach = devices::Reach {
            audience: &audience,
            made: message.created_at,
            seen: self.seen,
        };
        let cursor = message.cursor;
        let mut head = messages::Head::from(message);
        let mut tally = Tally::stored(&head.counts);
        if cursor.is_none() {
            let missing = reach.missing(tx).await?;
            tally.add(Outcome::Skipped, "no_device", count(&missing));
            if self.is_development {
                let is_user = matches!(audience, Audience::Users(_));
                let entry = |id: Uuid| {
                    let (user, device) = if is_user {
                        (Some(id), None)
                    } else {
                        (None, Some(id))
                    };
                    self.entry(
                        &head,
                        user,
                        device,
                        Outcome::Skipped.as_str(),
                        Some("no_device"),
                    )
                };
                inbox::insert(tx, missing.into_iter().map(entry).collect(), INBOX_MAX).await?;
            }
        }
        let page = reach.page(tx, cursor, PAGE).await?;
        if head.dry_run {
            tally.add(Outcome::Skipped, "dry_run", count(&page));
        } else {
            head.waiting += count(&page);
            let rows = page.iter().map(|device| self.delivery(&head, device));
            deliveries::insert(tx, rows.collect()).await?;
        }
        if self.is_development {
            let (outcome, reason) = if head.dry_run {
                (Outcome::Skipped.as_str(), Some("dry_run"))
            } else {
                ("queued", None)
            };
            let entry = |d: &devices::Address| {
                self.entry(&head, Some(d.user_id), Some(d.id), outcome, reason)
            };
            inbox::insert(tx, page.iter().map(entry).collect(), INBOX_MAX).await?;
        }
        head.counts = tally.to_json();
        head.fanned_out = count(&page) < i64::try_from(PAGE).unwrap_or(i64::MAX);
        head.status = "sending".to_owned();
        settle(&mut head, self.now);
        messages::update(tx, &head).await?;
        let cursor = page.last().map(|device| device.id).or(cursor);
        messages::advance(tx, head.id, cursor, self.now).await?;
        Ok(true)
    }

    fn delivery(&self, head: &messages::Head, device: &devices::Address) -> deliveries::Model {
        deliveries::Model {
            id: self.ids.new_id(),
            message_id: head.id,
            device_id: device.id,
            user_id: device.user_id,
            attempts: 0,
            leased: false,
            due_at: self.now.time(),
        }
    }

    fn entry(
        &self,
        head: &messages::Head,
        user: Option<Uuid>,
        device: Option<Uuid>,
        outcome: &str,
        reason: Option<&str>,
    ) -> inbox::Model {
        inbox::Model {
            id: self.ids.new_id(),
            message_id: head.id,
            user_id: user,
            device_id: device,
            payload: head.payload.clone(),
            outcome: outcome.to_owned(),
            reason: reason.map(str::to_owned),
            created_at: self.now.time(),
            updated_at: self.now.time(),
        }
    }
}

fn count<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}
