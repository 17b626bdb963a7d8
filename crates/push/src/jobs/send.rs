//! Sends what is due, outside of any transaction: many requests at once, few to one service, none to a service that
//! does not answer.

use super::mark::{Fate, Verdict};
use super::{BATCH, LEASE, TICK_MAX, TICK_TIME};
use crate::Push;
use crate::error::Error;
use crate::model::{Subscription, Urgency};
use crate::rows::{deliveries, devices, messages};
use crate::service::place;
use crate::vapid::Pair;
use crate::web::{self, Meaning};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use gate::Project;
use gate::egress::{Method, Outgoing};
use kernel::Stamp;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::WriteTx;
use uuid::Uuid;

/// Verdicts that are noted in one transaction at most.
const MARKS: usize = 32;
/// Characters of a topic (RFC 8030, section 5.4).
const TOPIC_LEN: usize = 32;
/// When to come again after a failure of ours.
const AGAIN: Duration = Duration::from_secs(5);

/// What a batch needs beside its deliveries, read once.
struct Batch {
    messages: HashMap<Uuid, messages::Head>,
    devices: HashMap<Uuid, devices::Model>,
    alive: HashSet<Uuid>,
    pair: Arc<Pair>,
    now: Stamp,
    seen: Stamp,
}

impl Push {
    /// Takes due deliveries and sees each to its fate: many at once, a bounded number in all. What is done makes room
    /// for more, so that a service that hangs holds up its own deliveries and no others.
    pub(super) async fn deliver(&self, project: &Project, now: Stamp) -> Result<(), Error> {
        let started = Instant::now();
        // The tick has one present, but what it waited for a service has passed when something is put off.
        let present = || now.plus(started.elapsed());
        let mut running = FuturesUnordered::new();
        let (mut taken, mut outcome) = (0, Ok(()));
        loop {
            let is_time = taken < TICK_MAX && started.elapsed() < TICK_TIME && outcome.is_ok();
            if is_time && running.len() <= BATCH / 2 {
                let until = present().plus(LEASE);
                match self.take(project, BATCH - running.len(), now, until).await {
                    Ok(None) => taken = TICK_MAX,
                    Ok(Some((rows, batch))) => {
                        taken += rows.len();
                        let batch = Rc::new(batch);
                        let one = |row| self.attempt(project, batch.clone(), row);
                        running.extend(rows.into_iter().map(one));
                    }
                    // Those that are under way come to their end all the same.
                    Err(error) => outcome = Err(error),
                }
            }
            let Some(first) = running.next().await else {
                return outcome;
            };
            let mut verdicts = vec![first];
            while verdicts.len() < MARKS
                && let Some(Some(more)) = running.next().now_or_never()
            {
                verdicts.push(more);
            }
            // What was sent and cannot be noted comes again.
            if let Err(error) = self.mark(project, verdicts, present()).await {
                outcome = Err(error);
            }
        }
    }

    /// Takes so many due deliveries until `until`, with what is needed to send them; none when none is due.
    async fn take(
        &self,
        project: &Project,
        room: usize,
        now: Stamp,
        until: Stamp,
    ) -> Result<Option<(Vec<deliveries::Model>, Batch)>, Error> {
        // Most ticks find nothing here; a look costs no write.
        let due = deliveries::next_due(&project.db).await?;
        if due.is_none_or(|due| due > now.time()) {
            return Ok(None);
        }
        let limit = u64::try_from(room).unwrap_or(0);
        let lease = async move |tx: &WriteTx| -> Result<Vec<deliveries::Model>, Error> {
            Ok(deliveries::lease(tx, now, until, limit).await?)
        };
        let rows = project.db.write(lease).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        match self.batch(project, &rows, now).await {
            Ok(batch) => Ok(Some((rows, batch))),
            Err(error) => {
                self.give_back(project, rows, now).await;
                Err(error)
            }
        }
    }

    async fn batch(
        &self,
        project: &Project,
        taken: &[deliveries::Model],
        now: Stamp,
    ) -> Result<Batch, Error> {
        let ids: HashSet<Uuid> = taken.iter().map(|row| row.message_id).collect();
        let messages = messages::heads(&project.db, ids).await?;
        let ids: HashSet<Uuid> = taken.iter().map(|row| row.device_id).collect();
        let devices = devices::get_all(&project.db, ids).await?;
        let sessions: HashSet<Uuid> = devices.iter().map(|row| row.session_id).collect();
        let sessions: Vec<Uuid> = sessions.into_iter().collect();
        let alive = self.inner.sessions.alive(project, &sessions, now).await?;
        Ok(Batch {
            messages: messages.into_iter().map(|m| (m.id, m)).collect(),
            devices: devices.into_iter().map(|d| (d.id, d)).collect(),
            alive,
            pair: self.inner.vapid.of(project, now).await?,
            now,
            seen: now.minus(self.inner.config.unseen()),
        })
    }

    /// Gives back what was taken and cannot be sent now. If that fails too, it is free again when its time is over.
    async fn give_back(&self, project: &Project, taken: Vec<deliveries::Model>, now: Stamp) {
        let back = async move |tx: &WriteTx| -> Result<(), Error> {
            for row in &taken {
                deliveries::postpone(tx, row, now.plus(AGAIN)).await?;
            }
            Ok(())
        };
        if let Err(error) = project.db.write(back).await {
            tracing::warn!(%error, project = %project.id, "deliveries were not given back");
        }
    }

    /// Sends one delivery, unless something speaks against it.
    async fn attempt(
        &self,
        project: &Project,
        batch: Rc<Batch>,
        row: deliveries::Model,
    ) -> Verdict {
        let device = batch.devices.get(&row.device_id);
        let fate = match (batch.messages.get(&row.message_id), device) {
            (None, _) => Fate::Failed("message_gone".to_owned()),
            (Some(message), _) if message.status == "cancelled" => Fate::Skipped("cancelled"),
            (Some(message), _) if message.expires_at <= batch.now.time() => {
                Fate::Failed("expired".to_owned())
            }
            (_, None) => Fate::Pruned("removed", None),
            (Some(message), Some(device)) => match batch.objection(&row, device) {
                Some(fate) => fate,
                None => self.send_one(project, &batch, message, device).await,
            },
        };
        Verdict { row, fate }
    }

    async fn send_one(
        &self,
        project: &Project,
        batch: &Batch,
        message: &messages::Head,
        device: &devices::Model,
    ) -> Fate {
        let request = match self.request(project, batch, message, device) {
            Ok(Ok(request)) => request,
            Ok(Err(fate)) => return fate,
            Err(error) => {
                tracing::error!(%error, project = %project.id, device = %device.id, "a message could not be made");
                return Fate::Failed("unreadable".to_owned());
            }
        };
        let origin = request.target.origin();
        let origins = &self.inner.origins;
        let room = origins.room(&origin);
        let _place = room.acquire().await;
        // Those that waited in the same room may have found out that nobody answers.
        if let Some(rest) = origins.rest(&origin) {
            return Fate::Later(Some(rest), "service_rests".to_owned());
        }
        let answer = self.inner.egress.send(request).await;
        origins.note(&origin, answer.is_ok());
        match web::meaning(&answer, batch.now) {
            Meaning::Sent => Fate::Sent,
            Meaning::Gone => Fate::Pruned("gone", Some(device.version)),
            Meaning::Failed(reason) => Fate::Failed(reason),
            Meaning::Later(wait, reason) => Fate::Later(wait, reason),
        }
    }

    /// The request for one device; or what becomes of the delivery because there is none.
    fn request(
        &self,
        project: &Project,
        batch: &Batch,
        message: &messages::Head,
        device: &devices::Model,
    ) -> Result<Result<Outgoing, Fate>, Error> {
        let plain = project.open(&place(&device.endpoint_hash), &device.subscription)?;
        let to: Subscription =
            serde_json::from_slice(&plain).map_err(|_| Error::Sealed("a subscription"))?;
        // What is allowed may have changed since the device was registered.
        let target = match self.inner.egress.check(&to.endpoint) {
            Ok(target) => target,
            Err(_) => return Ok(Err(Fate::Failed("address_not_public".to_owned()))),
        };
        let vapid = &self.inner.vapid;
        let token = vapid.token(project, &batch.pair, &target.origin(), batch.now)?;
        let parts = web::Message {
            payload: &message.payload,
            ttl_seconds: ttl_left(message, batch.now),
            urgency: Urgency::parse(&message.urgency).unwrap_or_default(),
            topic: message.collapse_key.as_deref().map(topic),
        };
        let (headers, body) = web::build(&parts, &to, token)?;
        Ok(Ok(Outgoing {
            target,
            method: Method::POST,
            headers,
            body,
        }))
    }
}

impl Batch {
    /// What speaks against sending to this device.
    fn objection(&self, row: &deliveries::Model, device: &devices::Model) -> Option<Fate> {
        let version = Some(device.version);
        if device.user_id != row.user_id {
            // It is somebody else's now: what was meant for the one before is none of his business.
            Some(Fate::Pruned("moved", None))
        } else if !self.alive.contains(&device.session_id) {
            Some(Fate::Pruned("signed_out", version))
        } else if device.last_seen_at < self.seen.time() {
            Some(Fate::Pruned("unseen", version))
        } else {
            None
        }
    }
}

/// For how many seconds more push services are to keep the message.
fn ttl_left(message: &messages::Head, now: Stamp) -> u32 {
    let age = (now.time() - message.created_at).whole_seconds().max(0);
    u32::try_from((message.ttl_seconds - age).max(0)).unwrap_or(0)
}

/// A topic for any key: it has few characters of a small alphabet, so it is a hash.
fn topic(key: &str) -> String {
    let hash = digest::digest(&digest::SHA256, key.as_bytes());
    let mut text = URL_SAFE_NO_PAD.encode(hash);
    text.truncate(TOPIC_LEN);
    text
}
