//! The service: what it is made of, who asks, each project's buckets in memory, and who may read a file.

use crate::catalogue::{Loaded, row_of};
use crate::config::FilesConfig;
use crate::error::FilesError;
use crate::jobs::Marks;
use crate::objects::Objects;
use crate::ports::OwnerGate;
use crate::rows::{self, Which, file};
use gate::{Project, Who};
use kernel::{Ids, Stamp};
use rules::{Env, Row};
use serde_json::Map;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use store::{Step, WriteTx};
use tokio::sync::Notify;
use uuid::Uuid;

/// How long a copy of a bucket is trusted: another node may have changed it.
const TRUST: Duration = Duration::from_secs(1);

/// What the service is made of.
pub struct FilesParts {
    /// The source of ids.
    pub ids: Ids,
    /// The data directory; files lie in `projects/<uid>/files/` below it.
    pub data_dir: PathBuf,
    /// The section `[files]`, validated.
    pub config: FilesConfig,
    /// Decides about files that records hold.
    pub owners: Arc<dyn OwnerGate>,
}

/// Buckets and files of all projects. Cheap to clone; make one per data directory, because it knows what is being
/// written.
#[derive(Clone)]
pub struct Files {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) ids: Ids,
    pub(crate) config: FilesConfig,
    pub(crate) objects: Objects,
    pub(crate) marks: Mutex<HashMap<Uuid, Marks>>,
    /// The slugs of projects with work for [`Files::tick`].
    pub(crate) woken: Mutex<BTreeSet<String>>,
    pub(crate) wake: Notify,
    owners: Arc<dyn OwnerGate>,
    buckets: RwLock<HashMap<(Uuid, String), Kept>>,
}

struct Kept {
    loaded: Arc<Loaded>,
    checked: Instant,
}

/// Who asks, and when: what rules and logs need of a caller.
#[derive(Clone)]
pub struct Asker {
    /// The caller.
    pub who: Who,
    /// The present.
    pub now: Stamp,
    /// What rules read as `request`.
    pub request: Arc<rules::Request>,
    /// Names the request in the audit log.
    pub request_id: String,
}

impl Asker {
    /// Of a request. `query` is the query string as rules may read it.
    #[must_use]
    pub fn new(
        who: &Who,
        now: Stamp,
        method: &str,
        network: &str,
        query: Map<String, serde_json::Value>,
        request_id: &str,
    ) -> Self {
        let request = rules::Request {
            method: method.to_owned(),
            time: now.to_string(),
            ip_network: Some(network.to_owned()),
            query,
        };
        Self {
            who: who.clone(),
            now,
            request: Arc::new(request),
            request_id: request_id.to_owned(),
        }
    }

    /// Whether rules do not bind the caller.
    #[must_use]
    pub fn privileged(&self) -> bool {
        self.who.passes_rules()
    }

    /// The user who asks, if one does.
    #[must_use]
    pub fn user(&self) -> Option<Uuid> {
        match &self.who {
            Who::User(user) => Some(user.id),
            _ => None,
        }
    }

    /// Anybody, from anywhere, who reads the same at the same time: what it may read, caches may keep for others.
    #[must_use]
    pub(crate) fn anybody(&self) -> Self {
        let request = rules::Request {
            method: "GET".to_owned(),
            time: self.now.to_string(),
            ..rules::Request::default()
        };
        Self {
            who: Who::Anonymous,
            now: self.now,
            request: Arc::new(request),
            request_id: self.request_id.clone(),
        }
    }

    /// Runs `f` with the environment of a rule.
    pub(crate) fn with_env<T>(
        &self,
        before: Option<&Row>,
        after: Option<&Row>,
        f: impl FnOnce(&Env<'_>) -> T,
    ) -> T {
        f(&Env {
            auth: self.who.auth(),
            request: &self.request,
            now: &self.request.time,
            params: &Map::new(),
            record: before,
            next: after,
        })
    }
}

/// What a reader may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readable {
    /// Nothing: for it there is none.
    No,
    /// It may read.
    Yes,
    /// So may anybody.
    ByAnybody,
}

impl Files {
    /// From its parts.
    #[must_use]
    pub fn new(parts: FilesParts) -> Self {
        let FilesParts {
            ids,
            data_dir,
            config,
            owners,
        } = parts;
        Self {
            inner: Arc::new(Inner {
                ids,
                config,
                objects: Objects::new(data_dir),
                marks: Mutex::default(),
                woken: Mutex::default(),
                wake: Notify::new(),
                owners,
                buckets: RwLock::default(),
            }),
        }
    }

    /// The tables of a project.
    #[must_use]
    pub fn steps() -> &'static [Step] {
        crate::migrations::STEPS
    }

    /// A bucket with its rules resolved, from memory unless that is older than a second and has changed since.
    pub(crate) async fn loaded(
        &self,
        project: &Project,
        name: &str,
    ) -> Result<Arc<Loaded>, FilesError> {
        let key = (project.uid, name.to_owned());
        let kept = {
            let buckets = self.inner.buckets.read();
            let buckets = buckets.unwrap_or_else(PoisonError::into_inner);
            let kept = buckets.get(&key);
            kept.map(|k| (k.loaded.clone(), k.checked.elapsed() < TRUST))
        };
        if let Some((loaded, true)) = kept {
            return Ok(loaded);
        }
        let Some(bucket) = rows::bucket(&project.db, name).await? else {
            self.forget(project, name);
            return Err(FilesError::NoBucket);
        };
        let loaded = match kept {
            Some((loaded, _)) if loaded.bucket == bucket => loaded,
            _ => Arc::new(Loaded::new(bucket)),
        };
        let kept = Kept {
            loaded: loaded.clone(),
            checked: Instant::now(),
        };
        let buckets = self.inner.buckets.write();
        buckets
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, kept);
        Ok(loaded)
    }

    /// Drops the copy of a bucket that was changed.
    pub(crate) fn forget(&self, project: &Project, name: &str) {
        let buckets = self.inner.buckets.write();
        buckets
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(project.uid, name.to_owned()));
    }

    /// Tells the driver of [`Files::tick`] that a project has work.
    pub(crate) fn wake(&self, project: &Project) {
        let woken = self.inner.woken.lock();
        woken
            .unwrap_or_else(PoisonError::into_inner)
            .insert(project.id.clone());
        self.inner.wake.notify_one();
    }

    /// What the asker may do with a file: what one of its owners says, or if no field holds it, its bucket.
    pub(crate) async fn readable(
        &self,
        project: &Project,
        asker: &Asker,
        file: &file::Model,
    ) -> Result<Readable, FilesError> {
        let loaded = self.loaded(project, &file.bucket).await?;
        let owners = rows::owners(&project.db, file.id).await?;
        if self
            .shows(project, &asker.anybody(), &loaded, file, &owners)
            .await?
        {
            return Ok(Readable::ByAnybody);
        }
        let may = asker.privileged() || self.shows(project, asker, &loaded, file, &owners).await?;
        Ok(if may { Readable::Yes } else { Readable::No })
    }

    async fn shows(
        &self,
        project: &Project,
        asker: &Asker,
        loaded: &Loaded,
        file: &file::Model,
        owners: &[rows::owner::Model],
    ) -> Result<bool, FilesError> {
        if owners.is_empty() && loaded.is_attachments() {
            return Ok(asker.user().is_some() && asker.user() == file.uploader);
        }
        if owners.is_empty() {
            let row = row_of(file);
            return Ok(loaded.view.allows(asker, &row, &row));
        }
        for owner in owners {
            let says = self.inner.owners.may_read(
                project,
                asker,
                &owner.collection,
                owner.record,
                &owner.field,
            );
            if says.await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A file that the asker may read.
    pub(crate) async fn seen(
        &self,
        project: &Project,
        asker: &Asker,
        which: &Which,
    ) -> Result<(file::Model, Readable), FilesError> {
        let found = rows::file(&project.db, which).await?;
        let file = found.ok_or(FilesError::NoFile)?;
        match self.readable(project, asker, &file).await? {
            Readable::No => Err(FilesError::NoFile),
            readable => Ok((file, readable)),
        }
    }
}

/// The bucket as the transaction has it: the copy that is known, unless it has changed.
pub(crate) async fn held(tx: &WriteTx, known: &Arc<Loaded>) -> Result<Arc<Loaded>, FilesError> {
    let bucket = rows::bucket(tx, &known.bucket.name).await?;
    let bucket = bucket.ok_or(FilesError::NoBucket)?;
    Ok(if bucket == known.bucket {
        known.clone()
    } else {
        Arc::new(Loaded::new(bucket))
    })
}
