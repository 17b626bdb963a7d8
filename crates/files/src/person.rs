//! The files of a person: those whose bytes a user sent.

use crate::jobs;
use crate::rows;
use crate::service::Files;
use crate::views::FileView;
use gate::{Problem, Project};
use kernel::limits::RESPONSE_BYTES_MAX;
use kernel::{Code, Stamp};
use store::WriteTx;
use uuid::Uuid;

/// Files of one look.
const SLICE: u64 = 500;
/// Bytes of a view, about.
const VIEW_BYTES: usize = 400;

impl Files {
    /// The files that a user sent, the newest first; no rule is asked. `response_too_large` when there are more than an
    /// answer may hold.
    pub async fn of_uploader(
        &self,
        project: &Project,
        user: Uuid,
    ) -> Result<Vec<FileView>, Problem> {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let some = rows::of_uploader(&project.db, user, before, SLICE).await?;
            before = some.last().map(|file| file.id);
            all.extend(some.iter().map(FileView::from));
            if before.is_none() {
                return Ok(all);
            }
            if all.len() * VIEW_BYTES > RESPONSE_BYTES_MAX {
                return Err(Code::ResponseTooLarge.into());
            }
        }
    }

    /// Forgets a user who is erased, in that transaction: its files that no record holds are deleted, their bytes after
    /// the commit; those that records hold have no uploader any more.
    pub async fn forget_uploader(
        &self,
        project: &Project,
        tx: &WriteTx,
        user: Uuid,
        now: Stamp,
    ) -> Result<(), Problem> {
        // In the order of their ids, as everybody locks files.
        for file in rows::lock_of_uploader(tx, user).await? {
            if rows::count_owners(tx, file.id).await? == 0 {
                rows::delete_file(tx, file.id).await?;
                jobs::enqueue(tx, file.object, now).await?;
            }
        }
        rows::forget_uploader(tx, user).await?;
        self.wake(project);
        Ok(())
    }
}
