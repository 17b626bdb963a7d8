//! Uploads and deletions: authorised before the first byte as far as may be known, streamed, and decided in one
//! transaction after the last.

use crate::catalogue::{Loaded, Rule, row_of};
use crate::error::FilesError;
use crate::http::etag;
use crate::jobs;
use crate::model::{FilePath, is_bucket_name};
use crate::objects::Incoming;
use crate::rows::{self, Which, file};
use crate::service::{Asker, Files, Readable, held};
use crate::sniff;
use crate::views::FileView;
use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use gate::Project;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{StoreError, WriteTx};

/// Bytes that an upload sends in each second at least.
const RATE_MIN: u64 = 1_024;
/// How often an upload is decided anew when another one takes its path at the same moment.
const TRIES: usize = 5;

/// The bytes of an upload as they arrive; an error is an end before its time.
pub type Body<'a> = LocalBoxStream<'a, Result<Bytes, ()>>;

/// An upload.
#[derive(Clone, Debug)]
pub struct Put {
    /// The bucket.
    pub bucket: String,
    /// The path in it.
    pub path: FilePath,
    /// How many bytes were announced.
    pub length: Option<u64>,
    /// The type that was declared.
    pub declared: Option<String>,
    /// On which condition.
    pub condition: Condition,
}

/// The conditions of a write (RFC 9110, sections 13.1.1 and 13.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// `If-None-Match: *`: only if there is no file.
    pub absent: bool,
    /// `If-Match`: only if the file has one of these tags; `*` is any.
    pub tags: Option<Vec<String>>,
}

impl Condition {
    fn check(&self, before: Option<&file::Model>) -> Result<(), FilesError> {
        let fits =
            |tag: &String| tag == "*" || before.is_some_and(|file| *tag == etag(&file.sha256));
        let holds = match (&self.tags, before) {
            (_, Some(_)) if self.absent => false,
            (Some(_), None) => false,
            (Some(tags), Some(_)) => tags.iter().any(fits),
            (None, _) => true,
        };
        if holds {
            Ok(())
        } else {
            Err(FilesError::OtherVersion)
        }
    }
}

/// What the bytes were.
struct Received {
    size: u64,
    sha256: String,
    content_type: String,
}

/// An upload with all that decides it.
#[derive(Clone)]
struct Draft {
    loaded: Arc<Loaded>,
    asker: Asker,
    condition: Condition,
    which: Which,
    /// The row as it would be made.
    new: file::Model,
}

impl Draft {
    /// The row after the write.
    fn after(&self, before: Option<&file::Model>) -> file::Model {
        let Some(old) = before else {
            return self.new.clone();
        };
        file::Model {
            id: old.id,
            created_at: old.created_at,
            // Keys and operators act for whoever owns the file; a user answers for the bytes it sends.
            uploader: if self.asker.privileged() {
                old.uploader
            } else {
                self.new.uploader
            },
            ..self.new.clone()
        }
    }

    /// Refuses what the rules, the conditions or the bucket's kind do not allow. A rule that names one of the fields in
    /// `unknown` is left for later.
    fn judge(
        &self,
        loaded: &Loaded,
        before: Option<&file::Model>,
        held: bool,
        unknown: &[&str],
    ) -> Result<(), FilesError> {
        let (before_row, after_row) = (before.map(row_of), row_of(&self.after(before)));
        let asker = &self.asker;
        let later = |rule: &Rule| rule.names(unknown) && !asker.privileged();
        let allowed = match &before_row {
            // Who wants to make a file and nothing else is asked about making it.
            Some(before) if !self.condition.absent => {
                later(&loaded.update) || loaded.update.allows_change(asker, before, &after_row)
            }
            _ => later(&loaded.create) || loaded.create.allows(asker, &after_row, &after_row),
        };
        if !allowed {
            return Err(FilesError::Denied);
        }
        self.condition.check(before)?;
        // What a record shows changes through the record.
        if held && loaded.is_attachments() && !asker.privileged() {
            return Err(FilesError::InUse);
        }
        Ok(())
    }
}

impl Files {
    /// Takes an upload; tells whether it made a file, and the file. What is refused or breaks off leaves nothing.
    pub async fn put(
        &self,
        project: &Project,
        asker: &Asker,
        put: Put,
        body: Body<'_>,
    ) -> Result<(bool, FileView), FilesError> {
        if !is_bucket_name(&put.bucket) {
            return Err(FilesError::NoBucket);
        }
        let loaded = self.loaded(project, &put.bucket).await?;
        let mut draft = self.draft(&loaded, asker, &put)?;
        let max = self.bytes_max(&loaded);
        if put.length.is_some_and(|length| length > max) {
            return Err(FilesError::TooLarge(max));
        }
        let before = rows::file(&project.db, &draft.which).await?;
        let held = match &before {
            Some(file) => rows::count_owners(&project.db, file.id).await? > 0,
            None => false,
        };
        let unknown: &[&str] = match put.length {
            Some(_) => &["content_type"],
            None => &["content_type", "size_bytes"],
        };
        draft.judge(&loaded, before.as_ref(), held, unknown)?;
        let objects = &self.inner.objects;
        let mut incoming = objects.begin(project, draft.new.object).await?;
        let judge = |content_type: &str| {
            draft.new.content_type = content_type.to_owned();
            takes(&loaded, content_type)?;
            draft.judge(&loaded, before.as_ref(), held, &unknown[1..])
        };
        let received = match self.receive(&mut incoming, body, &put, max, judge).await {
            Ok(received) => received,
            Err(error) => {
                incoming.abort().await;
                return Err(error);
            }
        };
        draft.new.size_bytes = i64::try_from(received.size).unwrap_or(i64::MAX);
        draft.new.sha256 = received.sha256;
        draft.new.content_type = received.content_type;
        let mut published = match incoming.publish().await {
            Ok(published) => published,
            Err(error) => {
                if let Err(left) = objects.delete_fallen(project).await {
                    tracing::warn!(error = %left, "an upload could not be removed; it will be swept");
                }
                return Err(error);
            }
        };
        published.is_being_named();
        let result = self.record(project, draft).await;
        match &result {
            Ok(_) => self.wake(project),
            // It may have been applied: if not, the object is swept.
            Err(error) if error.is_uncertain() => {}
            Err(_) => published.discard(objects, project).await,
        }
        result.map(|(is_new, file)| (is_new, FileView::from(&file)))
    }

    fn bytes_max(&self, loaded: &Loaded) -> u64 {
        let server = self.inner.config.upload_bytes_max;
        let bucket = loaded.bucket.limits.size_bytes_max;
        bucket.map_or(server, |max| max.min(server))
    }

    fn draft(&self, loaded: &Arc<Loaded>, asker: &Asker, put: &Put) -> Result<Draft, FilesError> {
        // Nobody could ever bind or read an attachment of a stranger.
        if loaded.is_attachments() && !asker.privileged() && asker.user().is_none() {
            return Err(FilesError::NoUploader);
        }
        let (path, now) = (put.path.as_str().to_owned(), asker.now.time());
        let size = put.length.unwrap_or_default();
        Ok(Draft {
            loaded: loaded.clone(),
            asker: asker.clone(),
            condition: put.condition.clone(),
            which: Which::At(put.bucket.clone(), path.clone()),
            new: file::Model {
                id: self.inner.ids.new_id(),
                bucket: put.bucket.clone(),
                path,
                object: self.inner.ids.new_id(),
                size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
                content_type: String::new(),
                sha256: String::new(),
                uploader: asker.user(),
                created_at: now,
                updated_at: now,
            },
        })
    }

    /// Writes the bytes as they come. `judge` is asked once, when the first bytes have told the type.
    async fn receive(
        &self,
        incoming: &mut Incoming,
        mut body: Body<'_>,
        put: &Put,
        max: u64,
        judge: impl FnOnce(&str) -> Result<(), FilesError>,
    ) -> Result<Received, FilesError> {
        let mut pace = Pace::new(self.inner.config.stall());
        let mut hash = Context::new(&SHA256);
        let (mut size, mut head) = (0, Vec::new());
        let (mut judge, mut content_type) = (Some(judge), String::new());
        let kind =
            |head: &[u8]| sniff::content_type(head, put.declared.as_deref(), put.path.as_str());
        while let Some(bytes) = pace.next(&mut body).await? {
            size += bytes.len() as u64;
            if size > max {
                return Err(FilesError::TooLarge(max));
            }
            if put.length.is_some_and(|length| size > length) {
                return Err(FilesError::OtherLength);
            }
            if judge.is_some() {
                let missing = sniff::HEAD_BYTES.saturating_sub(head.len());
                head.extend_from_slice(bytes.get(..missing).unwrap_or(&bytes));
            }
            if head.len() >= sniff::HEAD_BYTES
                && let Some(judge) = judge.take()
            {
                content_type = kind(&head);
                judge(&content_type)?;
            }
            hash.update(&bytes);
            incoming.write(&bytes).await?;
        }
        if put.length.is_some_and(|length| size != length) {
            return Err(FilesError::OtherLength);
        }
        if let Some(judge) = judge {
            content_type = kind(&head);
            judge(&content_type)?;
        }
        let hex = |byte: &u8| format!("{byte:02x}");
        Ok(Received {
            size,
            sha256: hash.finish().as_ref().iter().map(hex).collect(),
            content_type,
        })
    }

    /// Decides the upload for good and writes its row.
    async fn record(
        &self,
        project: &Project,
        draft: Draft,
    ) -> Result<(bool, file::Model), FilesError> {
        let server_max = self.inner.config.upload_bytes_max;
        for last in (0..TRIES).map(|n| n + 1 == TRIES) {
            let draft = draft.clone();
            let job = async move |tx: &WriteTx| record(tx, &draft, server_max).await;
            match project.db.write(job).await {
                // Another upload took the path first: this one replaces it, if it may.
                Err(FilesError::Store(StoreError::Unique(_))) if !last => {}
                Err(FilesError::Store(StoreError::ForeignKey(_))) => {
                    return Err(FilesError::NoBucket);
                }
                done => return done,
            }
        }
        Err(FilesError::OtherVersion)
    }

    /// Deletes a file. One that a record holds stays: 409 `file_in_use`.
    pub async fn delete(
        &self,
        project: &Project,
        asker: &Asker,
        which: &Which,
        condition: &Condition,
    ) -> Result<(), FilesError> {
        let job = {
            let (asker, which, condition) = (asker.clone(), which.clone(), condition.clone());
            async move |tx: &WriteTx| -> Result<(), FilesError> {
                let found = rows::lock_file(tx, &which).await?;
                let file = found.ok_or(FilesError::NoFile)?;
                let bucket = rows::bucket(tx, &file.bucket).await?;
                let loaded = Loaded::new(bucket.ok_or(FilesError::NoFile)?);
                let row = row_of(&file);
                if !loaded.delete.allows(&asker, &row, &row) {
                    return Err(FilesError::Denied);
                }
                condition.check(Some(&file))?;
                if rows::count_owners(tx, file.id).await? > 0 {
                    return Err(FilesError::InUse);
                }
                rows::delete_file(tx, file.id).await?;
                Ok(jobs::enqueue(tx, file.object, asker.now).await?)
            }
        };
        match project.db.write(job).await {
            Ok(()) => {
                self.wake(project);
                Ok(())
            }
            Err(FilesError::Denied) => {
                let Some(file) = rows::file(&project.db, which).await? else {
                    return Err(FilesError::NoFile);
                };
                // Of a file that is not to be seen, not even the refusal tells that it is there.
                Err(match self.readable(project, asker, &file).await? {
                    Readable::No => FilesError::NoFile,
                    _ => FilesError::Denied,
                })
            }
            Err(FilesError::Store(StoreError::ForeignKey(_))) => Err(FilesError::InUse),
            Err(error) => Err(error),
        }
    }
}

fn takes(loaded: &Loaded, content_type: &str) -> Result<(), FilesError> {
    if loaded.bucket.limits.takes(content_type) {
        Ok(())
    } else {
        Err(FilesError::TypeRefused(content_type.to_owned()))
    }
}

async fn record(
    tx: &WriteTx,
    draft: &Draft,
    server_max: u64,
) -> Result<(bool, file::Model), FilesError> {
    // An upload may take hours: the bucket may have changed since.
    let loaded = held(tx, &draft.loaded).await?;
    takes(&loaded, &draft.new.content_type)?;
    let max = loaded.bucket.limits.size_bytes_max.unwrap_or(server_max);
    if draft.new.size_bytes.unsigned_abs() > max {
        return Err(FilesError::TooLarge(max));
    }
    let before = rows::lock_file(tx, &draft.which).await?;
    let is_held = match &before {
        Some(file) => rows::count_owners(tx, file.id).await? > 0,
        None => false,
    };
    draft.judge(&loaded, before.as_ref(), is_held, &[])?;
    let after = draft.after(before.as_ref());
    match &before {
        None => rows::insert_file(tx, after.clone()).await?,
        Some(old) => {
            rows::replace_file(tx, after.clone()).await?;
            jobs::enqueue(tx, old.object, draft.asker.now).await?;
        }
    }
    Ok((before.is_none(), after))
}

/// Ends bodies that come too slowly. Only the time spent waiting for the client counts, not that of our disk.
struct Pace {
    stall: Duration,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn new(stall: Duration) -> Self {
        Self {
            stall,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    async fn next(&mut self, body: &mut Body<'_>) -> Result<Option<Bytes>, FilesError> {
        loop {
            let began = Instant::now();
            let left = self.stall.saturating_sub(self.waited);
            let came = tokio::time::timeout(left, body.next()).await;
            self.waited += began.elapsed();
            match came {
                Ok(None) => return Ok(None),
                Ok(Some(Err(()))) => return Err(FilesError::OtherLength),
                Ok(Some(Ok(bytes))) => {
                    self.bytes += bytes.len() as u64;
                    return Ok(Some(bytes));
                }
                Err(_) if self.bytes < RATE_MIN * self.stall.as_secs() => {
                    return Err(FilesError::TooSlow);
                }
                Err(_) => (self.waited, self.bytes) = (Duration::ZERO, 0),
            }
        }
    }
}
