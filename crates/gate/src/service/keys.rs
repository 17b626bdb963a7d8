//! Project keys: made and shown once, revoked at once, recognised from memory.

use super::Gate;
use crate::audit::{By, record_instance};
use crate::cache::{Changes, Fresh, Mark};
use crate::query::ListQuery;
use crate::roles::{Reach, is_scope};
use crate::rows::keys::{self, Model};
use crate::tokens::token_digest;
use crate::views::KeyView;
use crate::{Input, Problem, Who, new_token, token_hash};
use kernel::{Code, FieldError, Page, Stamp};
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use store::{Topic, WriteTx};
use uuid::Uuid;

/// Keys in memory at most; beyond, all are read anew.
const CACHE_MAX: usize = 10_000;
/// How coarse `last_used_at` is.
const USED_SECONDS: i64 = 600;
/// Scopes of one key at most.
const SCOPES_MAX: usize = 100;

/// A new key, as it was asked for.
#[derive(Clone, Debug)]
pub struct KeyIn {
    name: String,
    scopes: Vec<String>,
    expires_at: Option<Stamp>,
}

/// A new key: what can be read of it later, and the key itself, which cannot.
pub type KeyMade = (KeyView, String);

impl Gate {
    /// Reads a new key: `name`, `scopes` and, if it shall end, `expires_at`.
    pub fn read_key(&self, mut input: Input, now: Stamp) -> Result<KeyIn, Problem> {
        let name = input.text("name", 1, 100);
        let scopes = input.optional_texts("scopes").unwrap_or_default();
        if scopes.is_empty() {
            input.fault(
                "scopes",
                "required",
                "At least one scope is needed; \"*\" means everything.",
            );
        } else if scopes.len() > SCOPES_MAX {
            input.fault(
                "scopes",
                "too_many",
                format!("At most {SCOPES_MAX} scopes are allowed."),
            );
        }
        for (i, scope) in scopes
            .iter()
            .enumerate()
            .filter(|(_, s)| !is_scope(&self.0.scopes, s))
        {
            let message = format!("There is no permission {scope:?}.");
            input.push(FieldError {
                path: format!("/scopes/{i}"),
                code: "unknown_scope",
                message,
            });
        }
        let expires_at = input.optional_text("expires_at", 1, 64).and_then(|text| {
            let at = Stamp::parse(&text).filter(|at| *at > now);
            if at.is_none() {
                input.fault(
                    "expires_at",
                    "not_a_future_time",
                    "This must be an RFC 3339 time that is still to come.",
                );
            }
            at
        });
        input.finish().map(|()| KeyIn {
            name,
            scopes,
            expires_at,
        })
    }

    /// Makes a key of a project.
    pub async fn create_key(
        &self,
        reach: &Reach,
        by: &By,
        project: &str,
        new: KeyIn,
    ) -> Result<KeyMade, Problem> {
        let project = self.project_row(reach, project).await?;
        reach.own(project.uid)?;
        let key = new_token("gk_")?;
        let row = Model {
            id: self.0.ids.new_id(),
            hash: token_hash(&key),
            project: project.uid,
            name: new.name,
            scopes: json!(new.scopes),
            created_by: by.actor.clone(),
            created_at: by.now.time(),
            expires_at: new.expires_at.map(Stamp::time),
            last_used_at: None,
        };
        let detail = json!({"project": project.slug, "name": row.name, "scopes": row.scopes, "expires_at": new.expires_at});
        let (made, entry) = (
            row.clone(),
            by.did("key.create", row.id.to_string(), detail),
        );
        self.0
            .db
            .write(async move |tx: &WriteTx| -> Result<(), Problem> {
                keys::insert(tx, &made).await?;
                record_instance(tx, entry.clone()).await
            })
            .await?;
        Ok((row.into(), key))
    }

    /// The keys of a project, without the keys themselves.
    pub async fn list_keys(
        &self,
        reach: &Reach,
        project: &str,
        query: &ListQuery,
    ) -> Result<Page<KeyView>, Problem> {
        let project = self.project_row(reach, project).await?.uid;
        let after = self.after("keys", query.cursor.as_deref())?;
        let rows = keys::page(&self.0.db, project, after, query.fetch()).await?;
        let mut page = self.page("keys", query.limit, rows, |r| r.id, KeyView::from);
        if query.count {
            page.total = Some(keys::count(&self.0.db, project).await?);
        }
        Ok(page)
    }

    /// Revokes a key: at once on this node, within a second on others.
    pub async fn delete_key(
        &self,
        reach: &Reach,
        by: &By,
        project: &str,
        id: Uuid,
    ) -> Result<(), Problem> {
        let project = self.project_row(reach, project).await?;
        reach.own(project.uid)?;
        let (uid, entry) = (
            project.uid,
            by.did(
                "key.delete",
                id.to_string(),
                json!({"project": project.slug}),
            ),
        );
        let done = self.0.db.write(async move |tx: &WriteTx| {
            if !keys::delete(tx, uid, id).await? {
                return Err(Problem::new(Code::KeyNotFound));
            }
            record_instance(tx, entry.clone()).await
        });
        let done = done.await;
        // Also when the outcome is not known: the next use reads the row.
        self.0.keys.forget(id);
        self.0.store.announce(uid, Topic::Keys);
        done
    }

    /// Who calls with this key, at this project. 401 when it is unknown, out of date, or of another project.
    pub(crate) async fn key(&self, token: &str, project: Uuid, now: Stamp) -> Result<Who, Problem> {
        let digest = token_digest(token);
        let key = match self.0.keys.cached(&digest) {
            Some(key) => key,
            None => self.load_key(token, digest).await?,
        };
        if key.project != project || key.expires_at.is_some_and(|end| end <= now) {
            return Err(unknown());
        }
        if key.note_use(now) {
            // What the key may does not hang on this.
            if let Err(problem) = self.touch_key(key.id, now).await {
                tracing::warn!(%problem, "the use of a key was not noted");
            }
        }
        Ok(Who::Key {
            id: key.id,
            scopes: key.scopes.clone(),
        })
    }

    async fn load_key(&self, token: &str, digest: [u8; 32]) -> Result<Arc<Known>, Problem> {
        let changes = self.0.keys.changes.now();
        let Some(row) = keys::by_hash(&self.0.db, &token_hash(token)).await? else {
            self.0.keys.drop_one(&digest);
            return Err(unknown());
        };
        let known = Arc::new(Known {
            id: row.id,
            project: row.project,
            scopes: crate::views::texts(&row.scopes).into(),
            expires_at: row.expires_at.and_then(Stamp::from_time),
            used: AtomicI64::new(
                row.last_used_at
                    .map_or(0, time::OffsetDateTime::unix_timestamp),
            ),
            read: self.0.keys.fresh.mark(),
        });
        self.0.keys.keep(digest, known.clone(), changes);
        Ok(known)
    }

    async fn touch_key(&self, id: Uuid, now: Stamp) -> Result<(), Problem> {
        self.0
            .db
            .write(async move |tx: &WriteTx| Ok(keys::touch(tx, id, now.time()).await?))
            .await
    }
}

fn unknown() -> Problem {
    Problem::new(Code::Unauthenticated).detail("The key is not valid here.")
}

/// A key that was read.
struct Known {
    id: Uuid,
    project: Uuid,
    scopes: Arc<[String]>,
    expires_at: Option<Stamp>,
    used: AtomicI64,
    read: Mark,
}

impl Known {
    /// Whether this use should be written down: said once in ten minutes.
    fn note_use(&self, now: Stamp) -> bool {
        let (now, then) = (now.unix_seconds(), self.used.load(Ordering::Relaxed));
        now - then >= USED_SECONDS
            && self
                .used
                .compare_exchange(then, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

/// The keys that were used, by their digest.
pub(crate) struct Keys {
    fresh: Fresh,
    changes: Changes,
    known: RwLock<HashMap<[u8; 32], Arc<Known>>>,
}

impl Keys {
    pub(crate) fn new(fresh: Fresh) -> Self {
        Self {
            fresh,
            changes: Changes::default(),
            known: RwLock::default(),
        }
    }

    fn cached(&self, digest: &[u8; 32]) -> Option<Arc<Known>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .get(digest)
            .filter(|key| !key.read.is_due(&self.fresh))
            .cloned()
    }

    fn keep(&self, digest: [u8; 32], key: Arc<Known>, changes: u64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CACHE_MAX {
            known.clear();
        }
        if self.changes.now() == changes {
            known.insert(digest, key);
        }
    }

    fn drop_one(&self, digest: &[u8; 32]) {
        if self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(digest)
        {
            self.known
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(digest);
        }
    }

    /// Reads the keys of a project, or of all, anew at their next use.
    pub(crate) fn doubt(&self, project: Option<Uuid>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.one_more();
        known.retain(|_, key| project.is_some_and(|uid| key.project != uid));
    }

    fn forget(&self, id: Uuid) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.one_more();
        known.retain(|_, key| key.id != id);
    }
}
