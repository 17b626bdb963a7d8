//! Downloads: the row and the rules first, then the bytes, with no database connection held.

use crate::error::FilesError;
use crate::http::{Verdict, Wanted};
use crate::objects::ByteStream;
use crate::rows::{Which, file};
use crate::service::{Asker, Files, Readable};
use crate::views::FileView;
use gate::{Problem, Project};

/// How often the row is read anew when its object has gone in between.
const TRIES: usize = 3;

/// A file as it is to be sent.
pub(crate) struct Fetched {
    pub file: file::Model,
    pub readable: Readable,
    pub verdict: Verdict,
    /// The bytes, if the verdict asks for some and the request is no HEAD.
    pub bytes: Option<ByteStream>,
}

impl Files {
    /// The view of a file of this bucket that the asker may read.
    pub async fn get_file(
        &self,
        project: &Project,
        asker: &Asker,
        bucket: &str,
        which: &Which,
    ) -> Result<FileView, FilesError> {
        let (file, _) = self.seen(project, asker, which).await?;
        if file.bucket == bucket {
            Ok(FileView::from(&file))
        } else {
            Err(FilesError::NoFile)
        }
    }

    /// A file that the asker may read, with its bytes as far as they are wanted.
    pub(crate) async fn fetch(
        &self,
        project: &Project,
        asker: &Asker,
        which: &Which,
        wanted: &Wanted,
    ) -> Result<Fetched, FilesError> {
        for _ in 0..TRIES {
            let (file, readable) = self.seen(project, asker, which).await?;
            let verdict = wanted.judge(&file);
            let range = verdict.range(&file).filter(|_| !wanted.is_head);
            let bytes = match range {
                None => None,
                Some(range) => {
                    let opened = self.inner.objects.open(project, file.object, range).await?;
                    // Replaced or deleted since the row was read: the next look tells which.
                    let Some(bytes) = opened else { continue };
                    Some(bytes)
                }
            };
            return Ok(Fetched {
                file,
                readable,
                verdict,
                bytes,
            });
        }
        Err(Problem::internal("a file's object is not there").into())
    }
}
