//! Work that no request waits for: deleting objects, collecting attachments that no field holds, and sweeping what
//! uploads of dead processes left.
//!
//! How it is driven: one loop in the server waits for [`Files::woken`] and for the earliest time that a tick gave, and
//! calls [`Files::tick`] of each project that was named or is due; at the start, of every project. A tick that is
//! repeated, late, or cut short does no harm: what it leaves undone the next one does.

use crate::error::FilesError;
use crate::objects::Objects;
use crate::rows;
use crate::service::Files;
use futures_util::TryStreamExt;
use gate::Project;
use kernel::Stamp;
use serde_json::json;
use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::Duration;
use store::{EffectIn, StoreError, WriteTx};
use uuid::Uuid;

/// The outbox's kind of deleting an object.
const DELETE: &str = "file.delete";
/// How long a deletion is leased, and after how long it is tried again.
const LEASE: Duration = Duration::from_secs(60);
/// Deletions of one lease at most.
const BATCH: u32 = 100;
/// How old an attachment is that no field holds when it is collected.
const UNHELD_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How often attachments are looked for.
const COLLECT_EVERY: Duration = Duration::from_secs(3600);
/// How old an object is that no row names when it is swept. With the pause between sweeps none lives for more than 24 h.
const ORPHAN_AGE: Duration = Duration::from_secs(18 * 3600);
/// How often objects are compared with rows.
const SWEEP_EVERY: Duration = Duration::from_secs(6 * 3600);
/// A commit may follow its wake by this.
const COMMIT_PAUSE: Duration = Duration::from_millis(50);

/// When the work of a project was last done by this process.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marks {
    collected: Option<Stamp>,
    swept: Option<Stamp>,
}

/// Whether something that was done at `last` is due again; also after the clock went back.
fn is_due(last: Option<Stamp>, every: Duration, now: Stamp) -> bool {
    last.is_none_or(|last| now >= last.plus(every) || now < last)
}

/// Wishes that an object be deleted, in the transaction whose row lets go of it.
pub(crate) async fn enqueue(tx: &WriteTx, object: Uuid, now: Stamp) -> Result<(), StoreError> {
    let effect = EffectIn {
        kind: DELETE.to_owned(),
        body: json!({"object": object}),
        due_at: now,
    };
    tx.enqueue(effect, now).await
}

impl Files {
    /// Waits until projects have work and gives their slugs. For one waiter.
    pub async fn woken(&self) -> Vec<String> {
        loop {
            let woken = {
                let woken = self.inner.woken.lock();
                std::mem::take(&mut *woken.unwrap_or_else(PoisonError::into_inner))
            };
            if !woken.is_empty() {
                // Who frees a file within a transaction of another service wakes before the commit.
                tokio::time::sleep(COMMIT_PAUSE).await;
                return woken.into_iter().collect();
            }
            self.inner.wake.notified().await;
        }
    }

    /// Does what is due in a project; gives when to come again.
    pub async fn tick(&self, project: &Project, now: Stamp) -> Option<Stamp> {
        let retry = now.plus(LEASE);
        let mut next = now.plus(COLLECT_EVERY);
        if let Err(error) = self.delete_objects(project, now).await {
            tracing::warn!(project = %project.id, %error, "objects could not be deleted; they will be");
            next = next.min(retry);
        }
        let mut marks = {
            let marks = self.inner.marks.lock();
            let marks = marks.unwrap_or_else(PoisonError::into_inner);
            marks.get(&project.uid).copied().unwrap_or_default()
        };
        if is_due(marks.collected, COLLECT_EVERY, now) {
            match self.collect(project, now).await {
                Ok(()) => marks.collected = Some(now),
                Err(error) => {
                    tracing::warn!(project = %project.id, %error, "attachments could not be collected; they will be");
                    next = next.min(retry);
                }
            }
        }
        if is_due(marks.swept, SWEEP_EVERY, now) {
            match self.sweep(project, now).await {
                Ok(()) => marks.swept = Some(now),
                Err(error) => {
                    tracing::warn!(project = %project.id, %error, "objects could not be swept; they will be");
                    next = next.min(retry);
                }
            }
        }
        let all = self.inner.marks.lock();
        all.unwrap_or_else(PoisonError::into_inner)
            .insert(project.uid, marks);
        Some(next)
    }

    /// Does the outbox's deletions. One that is done twice finds nothing the second time.
    async fn delete_objects(&self, project: &Project, now: Stamp) -> Result<(), FilesError> {
        let objects: &Objects = &self.inner.objects;
        objects.delete_fallen(project).await?;
        loop {
            let lease = async move |tx: &WriteTx| -> Result<_, FilesError> {
                Ok(tx
                    .lease_effects(DELETE, now, now.plus(LEASE), BATCH)
                    .await?)
            };
            let effects = project.db.write(lease).await?;
            if effects.is_empty() {
                return Ok(());
            }
            let mut done = Vec::new();
            let mut failed = None;
            for effect in effects {
                let object = effect.body["object"].as_str().and_then(kernel::parse_id);
                let Some(object) = object else {
                    tracing::error!(body = %effect.body, "a deletion of no object");
                    done.push(effect.id);
                    continue;
                };
                match objects.delete(project, object).await {
                    Ok(()) => done.push(effect.id),
                    Err(error) => failed = Some(error),
                }
            }
            let mark = async move |tx: &WriteTx| -> Result<(), FilesError> {
                for id in &done {
                    tx.effect_done(*id).await?;
                }
                Ok(())
            };
            project.db.write(mark).await?;
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }

    /// Deletes attachments that no field has held for a day, in slices.
    async fn collect(&self, project: &Project, now: Stamp) -> Result<(), FilesError> {
        let before = now.minus(UNHELD_KEPT);
        loop {
            let slice = async move |tx: &WriteTx| -> Result<usize, FilesError> {
                let files = rows::lock_unheld(tx, before).await?;
                let mut deleted = 0;
                for file in &files {
                    // Its row is locked now: a field that took it before that shows.
                    if rows::count_owners(tx, file.id).await? == 0 {
                        rows::delete_file(tx, file.id).await?;
                        enqueue(tx, file.object, now).await?;
                        deleted += 1;
                    }
                }
                Ok(deleted)
            };
            if project.db.write(slice).await? == 0 {
                return self.delete_objects(project, now).await;
            }
        }
    }

    /// Removes what was staged by dead processes, and old objects that no row names.
    async fn sweep(&self, project: &Project, now: Stamp) -> Result<(), FilesError> {
        let objects: &Objects = &self.inner.objects;
        let staged = objects.delete_staged(project).await?;
        let mut swept = 0;
        let mut old = objects.old(project, now.minus(ORPHAN_AGE)).await?;
        while let Some(page) = old.try_next().await? {
            let named = rows::named_objects(&project.db, &page).await?;
            let named: HashSet<Uuid> = named.into_iter().collect();
            for object in page.iter().filter(|object| !named.contains(object)) {
                objects.delete(project, *object).await?;
                swept += 1;
            }
        }
        if staged + swept > 0 {
            tracing::info!(project = %project.id, staged, swept, "swept files that nothing names");
        }
        Ok(())
    }
}
