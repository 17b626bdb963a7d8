//! Files that fields of records hold: counted references, bound and freed in the transactions of the records' writes.
//!
//! Who may bind a file: keys and operators any; a user only one whose bytes it sent itself and that no field holds
//! which somebody else bound. A stranger sent bytes without a name, so that nobody but keys and operators binds them.
//! To bind is to let the readers of a record read the file: so it is never done to another's file. A file that the
//! field holds already may be named again by anybody who may write the record.

use crate::error::FilesError;
use crate::jobs;
use crate::rows::{self, Which, file, owner};
use crate::service::Files;
use crate::views::FileView;
use gate::{Problem, Project, Who};
use kernel::Stamp;
use std::collections::{BTreeSet, HashMap};
use store::WriteTx;
use uuid::Uuid;

/// A field of a record that holds a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileOwner {
    /// The record's collection.
    pub collection: String,
    /// The record.
    pub record: Uuid,
    /// The field.
    pub field: String,
}

impl FileOwner {
    fn key(&self) -> (&str, Uuid, &str) {
        (&self.collection, self.record, &self.field)
    }
}

/// A wish that a field hold a file no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRelease {
    /// Who holds it.
    pub owner: FileOwner,
    /// The file; none means all that the field holds.
    pub file: Option<Uuid>,
}

/// A wish that a field hold a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileClaim {
    /// The file.
    pub file: Uuid,
    /// The bucket that it must be in.
    pub bucket: String,
    /// Who is to hold it.
    pub owner: FileOwner,
}

impl Files {
    /// Binds files to fields within a write. Files that are absent, in another bucket or not the caller's to give are
    /// told as the inner `Err`, all of them, and nothing is bound then.
    ///
    /// They come beside those that a field holds already: what it is to hold no more is freed with [`Files::release`].
    pub async fn claim(
        &self,
        tx: &WriteTx,
        who: &Who,
        claims: &[FileClaim],
    ) -> Result<Result<(), Vec<Uuid>>, Problem> {
        // Everybody locks files in the order of their ids.
        let mut ordered: Vec<&FileClaim> = claims.iter().collect();
        ordered.sort_by_key(|claim| (claim.file, claim.owner.clone()));
        let (mut unknown, mut bound) = (Vec::new(), Vec::new());
        for claim in ordered {
            let found = rows::lock_file(tx, &Which::Id(claim.file)).await?;
            let Some(file) = found.filter(|f| f.bucket == claim.bucket) else {
                unknown.push(claim.file);
                continue;
            };
            if rows::holds(tx, claim.owner.key(), claim.file).await? {
                continue;
            }
            if may_bind(tx, who, &file).await? {
                bound.push(claim);
            } else {
                unknown.push(claim.file);
            }
        }
        if !unknown.is_empty() {
            unknown.dedup();
            return Ok(Err(unknown));
        }
        for claim in bound {
            let row = owner::Model {
                collection: claim.owner.collection.clone(),
                record: claim.owner.record,
                field: claim.owner.field.clone(),
                file: claim.file,
                claimed_by: user(who),
            };
            rows::insert_owner(tx, row).await?;
        }
        Ok(Ok(()))
    }

    /// Frees what fields hold; what they do not hold is skipped. An attachment that no field holds any more is
    /// deleted: its row here, its bytes after the commit. Do not free a field whose file stays.
    pub async fn release(
        &self,
        project: &Project,
        tx: &WriteTx,
        releases: &[FileRelease],
        now: Stamp,
    ) -> Result<(), Problem> {
        let mut freed = BTreeSet::new();
        for FileRelease { owner, file } in releases {
            match file {
                Some(file) if rows::holds(tx, owner.key(), *file).await? => freed.extend([*file]),
                Some(_) => {}
                None => freed.extend(rows::held(tx, owner.key()).await?),
            }
        }
        let mut files = Vec::new();
        for id in freed {
            files.extend(rows::lock_file(tx, &Which::Id(id)).await?);
        }
        for FileRelease { owner, file } in releases {
            rows::delete_owner(tx, owner.key(), *file).await?;
        }
        for file in files {
            if rows::count_owners(tx, file.id).await? > 0 {
                continue;
            }
            let bucket = rows::bucket(tx, &file.bucket).await?;
            if bucket.is_some_and(|b| b.kind == crate::Kind::Attachments) {
                rows::delete_file(tx, file.id).await?;
                jobs::enqueue(tx, file.object, now).await?;
            }
        }
        self.wake(project);
        Ok(())
    }

    /// Frees all that records of a collection hold, when the collection goes. Its attachments are collected by
    /// [`Files::tick`].
    pub async fn release_collection(&self, tx: &WriteTx, collection: &str) -> Result<(), Problem> {
        Ok(rows::delete_owners_of(tx, collection).await?)
    }

    /// Has all files that a field holds be held under another name of it, `(collection, field)`: the field or its
    /// collection has got one.
    pub async fn rename_owners(
        &self,
        tx: &WriteTx,
        from: (&str, &str),
        to: (&str, &str),
    ) -> Result<(), Problem> {
        Ok(rows::rename_owners(tx, from, to).await?)
    }

    /// The wire views of files, as texts of JSON objects; absent ones are left out. No rule is asked.
    pub async fn views(
        &self,
        project: &Project,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, String>, Problem> {
        let mut views = HashMap::new();
        for some in ids.chunks(500) {
            for file in rows::files(&project.db, some).await? {
                let view = serde_json::to_string(&FileView::from(&file));
                views.insert(file.id, view.map_err(Problem::internal)?);
            }
        }
        Ok(views)
    }

    /// Whether there is such a bucket.
    pub async fn has_bucket(&self, project: &Project, bucket: &str) -> Result<bool, Problem> {
        match self.loaded(project, bucket).await {
            Ok(_) => Ok(true),
            Err(FilesError::NoBucket) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn user(who: &Who) -> Option<Uuid> {
    match who {
        Who::User(user) => Some(user.id),
        _ => None,
    }
}

async fn may_bind(tx: &WriteTx, who: &Who, file: &file::Model) -> Result<bool, Problem> {
    match user(who) {
        _ if who.passes_rules() => Ok(true),
        Some(user) if file.uploader == Some(user) => {
            Ok(!rows::is_held_by_others(tx, file.id, user).await?)
        }
        _ => Ok(false),
    }
}
