//! The verbs of push that callers ask for; what is sent, and when, is the business of `jobs`.

use crate::error::Error;
use crate::model::{DeviceForm, Draft};
use crate::rows::{deliveries, devices, inbox, messages};
use crate::tally::{Outcome, Tally};
use crate::views::{DeviceView, InboxView, MessageView};
use crate::{DEVICES_PER_USER, INBOX_KEPT, Push};
use gate::{ListQuery, Problem, Project, Who};
use kernel::{Code, Page, Stamp};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use store::{Answer, Claim, StoreError, WriteTx};
use uuid::Uuid;

/// A message is tried for so long at least, however soon push services are to forget it.
const PATIENCE_MIN: Duration = Duration::from_secs(60);

/// Who asks for what is done here, where and when.
pub struct Ask {
    /// The project.
    pub project: Arc<Project>,
    /// Who asks.
    pub who: Who,
    /// The present.
    pub now: Stamp,
}

impl Ask {
    /// The user who asks; none for keys and operators, who see everything.
    fn user(&self) -> Option<Uuid> {
        match &self.who {
            Who::User(user) => Some(user.id),
            _ => None,
        }
    }

    fn session(&self) -> Option<Uuid> {
        match &self.who {
            Who::User(user) => Some(user.session),
            _ => None,
        }
    }
}

/// What a device's subscription is sealed for. The endpoint stays when the device's row is made anew.
pub(crate) fn place(endpoint_hash: &str) -> String {
    format!("_push_devices/{endpoint_hash}")
}

impl Push {
    /// The public key that browsers subscribe with; the first call makes it.
    pub async fn public_key(&self, project: &Project, now: Stamp) -> Result<String, Error> {
        Ok(self.inner.vapid.of(project, now).await?.public.clone())
    }

    /// Registers a device, or notes that it is still there: 201 when it is new, 200 when it was known. One that was
    /// another user's is the caller's from now on.
    pub async fn register(
        &self,
        ask: &Ask,
        form: DeviceForm,
        claim: Option<Claim>,
    ) -> Result<Answer, Error> {
        let Who::User(user) = &ask.who else {
            return Err(Problem::new(Code::PermissionDenied).into());
        };
        let endpoint_hash = gate::token_hash(&form.subscription.endpoint);
        let plain = serde_json::to_vec(&form.subscription).map_err(|_| Error::Crypto)?;
        let row = devices::Model {
            id: self.inner.ids.new_id(),
            kind: "web".to_owned(),
            user_id: user.id,
            session_id: user.session,
            subscription: ask.project.seal(&place(&endpoint_hash), &plain)?,
            endpoint_hash,
            service: form.service,
            locale: form.locale,
            timezone: form.timezone,
            app_version: form.app_version,
            version: 1,
            created_at: ask.now.time(),
            last_seen_at: ask.now.time(),
        };
        let (now, session) = (ask.now, ask.session());
        let write = async move |tx: &WriteTx| -> Result<Answer, Error> {
            if let Some(answer) = replay(tx, claim.as_ref(), now).await? {
                return Ok(answer);
            }
            let made = devices::upsert(tx, row.clone()).await?;
            let status = if made.id == row.id { 201 } else { 200 };
            devices::delete_excess(tx, made.user_id, DEVICES_PER_USER).await?;
            let view = DeviceView::new(made, session);
            keep(tx, claim.as_ref(), status, &view, now).await
        };
        ask.project.db.write(write).await
    }

    /// Devices, the newest first: a user's own; for keys and operators all, or those of `user`.
    pub async fn list_devices(
        &self,
        ask: &Ask,
        user: Option<Uuid>,
        query: &ListQuery,
    ) -> Result<Page<DeviceView>, Error> {
        let user = ask.user().or(user);
        let since = ask.now.minus(self.inner.config.unseen());
        let db = &ask.project.db;
        let list = List::new(ask, format!("push_devices {user:?}"), query);
        let rows = devices::page(db, user, since, list.before()?, query.fetch()).await?;
        let total = match query.count {
            true => Some(devices::count(db, user, since).await?),
            false => None,
        };
        let session = ask.session();
        list.page(
            rows,
            total,
            |row| row.id,
            |row| Ok(DeviceView::new(row, session)),
        )
    }

    /// Removes a device: a user's own, or for keys and operators any.
    pub async fn remove_device(&self, ask: &Ask, id: Uuid) -> Result<(), Error> {
        let user = ask.user();
        let remove = async move |tx: &WriteTx| -> Result<bool, Error> {
            Ok(devices::delete_one(tx, id, user).await?)
        };
        match ask.project.db.write(remove).await? {
            true => Ok(()),
            false => Err(Error::NoDevice),
        }
    }

    /// Queues a message: 202.
    pub async fn send(
        &self,
        ask: &Ask,
        draft: Draft,
        claim: Option<Claim>,
    ) -> Result<Answer, Error> {
        let id = self.inner.ids.new_id();
        let ttl = Duration::from_secs(u64::from(draft.ttl_seconds));
        let ids = draft.audience.ids();
        let size = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        let row = messages::Model {
            id,
            actor: ask.who.actor(),
            audience: draft.audience.kind().to_owned(),
            audience_size: (!ids.is_empty()).then_some(size),
            target: json!(ids),
            payload: draft.payload(id),
            ttl_seconds: i64::from(draft.ttl_seconds),
            urgency: draft.urgency.as_str().to_owned(),
            collapse_key: draft.collapse_key,
            dry_run: draft.dry_run,
            status: "queued".to_owned(),
            cursor: None,
            fanned_out: false,
            waiting: 0,
            counts: Tally::default().to_json(),
            turn_at: ask.now.time(),
            created_at: ask.now.time(),
            expires_at: ask.now.plus(ttl.max(PATIENCE_MIN)).time(),
            finished_at: None,
        };
        let now = ask.now;
        let write = async move |tx: &WriteTx| -> Result<Answer, Error> {
            if let Some(answer) = replay(tx, claim.as_ref(), now).await? {
                return Ok(answer);
            }
            messages::insert(tx, row.clone()).await?;
            let view = MessageView::new(row.clone().into())?;
            keep(tx, claim.as_ref(), 202, &view, now).await
        };
        let answer = ask.project.db.write(write).await?;
        (self.inner.wake)(&ask.project);
        Ok(answer)
    }

    /// One message, with what became of it so far.
    pub async fn get_message(&self, ask: &Ask, id: Uuid) -> Result<MessageView, Error> {
        let found = messages::heads(&ask.project.db, [id]).await?.pop();
        MessageView::new(found.ok_or(Error::NoMessage)?)
    }

    /// Messages, the newest first.
    pub async fn list_messages(
        &self,
        ask: &Ask,
        query: &ListQuery,
    ) -> Result<Page<MessageView>, Error> {
        let db = &ask.project.db;
        let list = List::new(ask, "push_messages".to_owned(), query);
        let rows = messages::page(db, list.before()?, query.fetch()).await?;
        let total = match query.count {
            true => Some(messages::count(db).await?),
            false => None,
        };
        list.page(rows, total, |row| row.id, MessageView::new)
    }

    /// Takes back what was not sent yet. What is being sent at this moment may still arrive, and is counted so. Doing it
    /// again changes nothing; a message that is done is a conflict.
    pub async fn cancel_message(&self, ask: &Ask, id: Uuid) -> Result<MessageView, Error> {
        let (now, is_development) = (ask.now, ask.project.settings().development);
        let cancel = async move |tx: &WriteTx| -> Result<messages::Head, Error> {
            let mut head = messages::lock(tx, [id])
                .await?
                .pop()
                .ok_or(Error::NoMessage)?;
            match head.status.as_str() {
                "cancelled" => return Ok(head),
                "done" => return Err(Error::Done),
                _ => {}
            }
            let cancelled = deliveries::cancel(tx, id, now).await?;
            let count = i64::try_from(cancelled.len()).unwrap_or(i64::MAX);
            let mut tally = Tally::stored(&head.counts);
            tally.add(Outcome::Skipped, "cancelled", count);
            if is_development {
                for row in &cancelled {
                    let (outcome, reason) = (Outcome::Skipped.as_str(), Some("cancelled"));
                    inbox::note(tx, (id, row.device_id), outcome, reason, now).await?;
                }
            }
            head.counts = tally.to_json();
            head.waiting -= count;
            head.fanned_out = true;
            head.status = "cancelled".to_owned();
            settle(&mut head, now);
            messages::update(tx, &head).await?;
            Ok(head)
        };
        MessageView::new(ask.project.db.write(cancel).await?)
    }

    /// The development inbox, the newest first; empty unless the project is in development.
    pub async fn list_inbox(&self, ask: &Ask, query: &ListQuery) -> Result<Page<InboxView>, Error> {
        let list = List::new(ask, "push_inbox".to_owned(), query);
        let before = list.before()?;
        let since = ask.now.minus(INBOX_KEPT);
        let (mut rows, mut total) = (Vec::new(), query.count.then_some(0));
        if ask.project.settings().development {
            rows = inbox::page(&ask.project.db, since, before, query.fetch()).await?;
            if query.count {
                total = Some(inbox::count(&ask.project.db, since).await?);
            }
        }
        list.page(rows, total, |row| row.id, InboxView::new)
    }

    /// Removes the devices of sessions that end, in the transaction that ends them. Whoever forgets to call it does no
    /// harm: sessions are asked for before anything is sent.
    pub async fn sessions_ended(&self, tx: &WriteTx, sessions: &[Uuid]) -> Result<(), Error> {
        devices::delete_of_sessions(tx, sessions).await?;
        Ok(())
    }

    /// The devices of a user.
    pub async fn devices_of(
        &self,
        project: &Project,
        user: Uuid,
    ) -> Result<Vec<DeviceView>, Error> {
        let rows = devices::of_user(&project.db, user, DEVICES_PER_USER).await?;
        Ok(rows
            .into_iter()
            .map(|row| DeviceView::new(row, None))
            .collect())
    }

    /// Removes what is kept of a user, in the transaction that erases it: its devices, and what the development inbox
    /// holds for it.
    pub async fn user_erased(&self, tx: &WriteTx, user: Uuid) -> Result<(), Error> {
        devices::delete_of_user(tx, user).await?;
        inbox::delete_of_user(tx, user).await?;
        Ok(())
    }
}

/// Notes that a message is done when nothing of it waits.
pub(crate) fn settle(head: &mut messages::Head, now: Stamp) {
    if !head.fanned_out || head.waiting > 0 || head.finished_at.is_some() {
        return;
    }
    head.finished_at = Some(now.time());
    if head.status != "cancelled" {
        head.status = "done".to_owned();
    }
}

/// The earlier answer to the same idempotency key, if there is one.
async fn replay(tx: &WriteTx, claim: Option<&Claim>, now: Stamp) -> Result<Option<Answer>, Error> {
    let Some(claim) = claim else { return Ok(None) };
    match tx.idempotent(claim, now).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(())) => Err(Error::OtherRequest),
        Err(StoreError::Busy(_)) => Err(Error::InFlight),
        Err(e) => Err(e.into()),
    }
}

/// The answer, kept for retries with the same idempotency key.
async fn keep(
    tx: &WriteTx,
    claim: Option<&Claim>,
    status: u16,
    view: &impl serde::Serialize,
    now: Stamp,
) -> Result<Answer, Error> {
    let body = serde_json::to_string(view).map_err(|_| Error::Crypto)?;
    let answer = Answer {
        status,
        etag: None,
        body: Some(body),
    };
    if let Some(claim) = claim {
        tx.keep_answer(claim, &answer, now).await?;
    }
    Ok(answer)
}

/// A list in the order of ids, newest first, whose cursor is good for it alone.
struct List<'a> {
    key: [u8; 32],
    name: String,
    query: &'a ListQuery,
}

impl<'a> List<'a> {
    fn new(ask: &Ask, name: String, query: &'a ListQuery) -> Self {
        let key = ask.project.derive_key("cursor");
        Self { key, name, query }
    }

    /// The id before which the page begins.
    fn before(&self) -> Result<Option<Uuid>, Problem> {
        let Some(cursor) = &self.query.cursor else {
            return Ok(None);
        };
        let value = gate::open_cursor(&self.key, cursor)?;
        let text = |i: usize| value.get(i).and_then(Value::as_str);
        if text(0) != Some(&*self.name) {
            return Err(Code::CursorMismatch.into());
        }
        let id = text(1).and_then(kernel::parse_id);
        id.map(Some).ok_or_else(|| Code::InvalidCursor.into())
    }

    /// A page from one row more than it holds.
    fn page<R, T>(
        &self,
        mut rows: Vec<R>,
        total: Option<u64>,
        id: impl Fn(&R) -> Uuid,
        view: impl Fn(R) -> Result<T, Error>,
    ) -> Result<Page<T>, Error> {
        let limit = usize::try_from(self.query.limit).unwrap_or(usize::MAX);
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| is_more).map(id);
        let cursor = |id: Uuid| gate::sign_cursor(&self.key, &json!([self.name, id]));
        Ok(Page {
            next_cursor: last.map(cursor),
            items: rows.into_iter().map(view).collect::<Result<_, _>>()?,
            total,
        })
    }
}
