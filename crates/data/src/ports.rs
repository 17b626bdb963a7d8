//! What this crate needs of whoever keeps files; the server brings the two together.

use gate::{Problem, Project, Who};
use kernel::Stamp;
use std::collections::HashMap;
use store::WriteTx;
use uuid::Uuid;

/// A field of a record that can hold a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileOwner {
    /// The collection.
    pub collection: String,
    /// The record.
    pub record: Uuid,
    /// The field.
    pub field: String,
}

/// What a write takes out of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRelease {
    /// The field.
    pub owner: FileOwner,
    /// One file of it, or all.
    pub file: Option<Uuid>,
}

/// A file that a write puts into a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileClaim {
    /// The file.
    pub file: Uuid,
    /// The bucket that the field's files are in.
    pub bucket: String,
    /// The field that will hold it.
    pub owner: FileOwner,
}

/// Files, as far as fields hold them. What is bound and unbound is part of the write: it goes with its transaction.
#[async_trait::async_trait(?Send)]
pub trait FileRefs: Send + Sync {
    /// Binds files to fields within the write, beside those that a field holds already: what it is to hold no more was
    /// released before.
    ///
    /// A file that is absent, in another bucket, or not the caller's to give (it did not upload it and does not pass
    /// rules) is told as `Err` with the ids of all such files; nothing is bound then.
    async fn claim(
        &self,
        project: &Project,
        tx: &WriteTx,
        who: &Who,
        claims: &[FileClaim],
    ) -> Result<Result<(), Vec<Uuid>>, Problem>;

    /// Unbinds; what is not held is skipped.
    async fn release(
        &self,
        project: &Project,
        tx: &WriteTx,
        releases: &[FileRelease],
        now: Stamp,
    ) -> Result<(), Problem>;

    /// Has the files that a field of all records holds be held under another name, `(collection, field)`: that of the
    /// field or of the collection has changed. Nothing is held under the new one.
    async fn renamed(
        &self,
        tx: &WriteTx,
        from: (&str, &str),
        to: (&str, &str),
    ) -> Result<(), Problem>;

    /// The wire views of files, each a JSON object's text, by id; absent files are left out. Asked by whoever has read
    /// the fields that hold them.
    async fn views(
        &self,
        project: &Project,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, String>, Problem>;

    /// Whether there is such a bucket; asked when a collection is made or gets fields.
    async fn has_bucket(&self, project: &Project, bucket: &str) -> Result<bool, Problem>;
}
