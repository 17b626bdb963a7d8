//! What can go wrong with buckets and files, as facts; each has one code.

use gate::Problem;
use kernel::{Code, FieldError};
use store::StoreError;

/// A failure of this service.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// No such bucket.
    #[error("no such bucket")]
    NoBucket,
    /// No such file, or none that the caller may see.
    #[error("no such file")]
    NoFile,
    /// A rule does not allow the act.
    #[error("a rule denies")]
    Denied,
    /// An attachment needs a user to belong to, and nobody is signed in.
    #[error("nobody is signed in")]
    NoUploader,
    /// `If-Match` or `If-None-Match` does not hold.
    #[error("another version")]
    OtherVersion,
    /// The bucket's name is taken.
    #[error("bucket taken")]
    BucketTaken,
    /// The bucket holds files.
    #[error("bucket not empty")]
    NotEmpty,
    /// A field of a record holds the file.
    #[error("file in use")]
    InUse,
    /// More bytes than the bucket or the server takes; the most that it takes.
    #[error("more than {0} bytes")]
    TooLarge(u64),
    /// The bucket does not take files of this type.
    #[error("the type {0} is not taken")]
    TypeRefused(String),
    /// The body ended before or after the length that was announced.
    #[error("the body has another length")]
    OtherLength,
    /// The body came too slowly.
    #[error("the body came too slowly")]
    TooSlow,
    /// The idempotency key was used for another request.
    #[error("idempotency mismatch")]
    OtherRequest,
    /// The first request with the idempotency key still runs.
    #[error("in flight")]
    InFlight,
    /// The object store failed.
    #[error(transparent)]
    Objects(#[from] object_store::Error),
    /// Anything that already is a problem.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// Anything else of the database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FilesError {
    /// Whether a transaction that ended with this may have been applied all the same.
    pub(crate) fn is_uncertain(&self) -> bool {
        let Self::Store(error) = self else {
            return false;
        };
        matches!(error, StoreError::CommitUnknown(_) | StoreError::Closed)
    }
}

impl From<sea_orm::DbErr> for FilesError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

/// Whether there is no room for more bytes: `object_store` wraps what the file system said.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return matches!(io.kind(), StorageFull | QuotaExceeded | FileTooLarge);
        }
        at = error.source();
    }
    false
}

impl From<FilesError> for Problem {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::NoBucket => Code::BucketNotFound.into(),
            FilesError::NoFile => Code::FileNotFound.into(),
            FilesError::Denied => Code::RuleDenied.into(),
            FilesError::NoUploader => Self::new(Code::Unauthenticated)
                .detail("Attachments belong to the user who uploads them."),
            FilesError::OtherVersion => Code::PreconditionFailed.into(),
            FilesError::BucketTaken => {
                let fault = FieldError::at("name", "taken", "There is a bucket of this name.");
                Self::new(Code::BucketTaken).errors(vec![fault])
            }
            FilesError::NotEmpty => Code::BucketNotEmpty.into(),
            FilesError::InUse => Code::FileInUse.into(),
            FilesError::TooLarge(max) => Self::new(Code::BodyTooLarge)
                .detail(format!("A file of this bucket has at most {max} bytes.")),
            FilesError::TypeRefused(kind) => Self::new(Code::UnsupportedMediaType).detail(format!(
                "This bucket does not take files of the type {kind}."
            )),
            FilesError::OtherLength => Self::new(Code::BadRequest)
                .detail("The body does not have the length that Content-Length says."),
            FilesError::TooSlow => Code::RequestTimeout.into(),
            FilesError::OtherRequest => Code::IdempotencyMismatch.into(),
            FilesError::InFlight => Code::InFlight.into(),
            FilesError::Objects(error) if is_full(&error) => {
                tracing::error!(%error, "no room for files");
                Code::StorageFull.into()
            }
            FilesError::Objects(error) => Self::internal(error),
            FilesError::Problem(problem) => problem,
            FilesError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_from_a_broken_one() {
        let code = |kind: std::io::ErrorKind| {
            let source = Box::new(std::io::Error::from(kind));
            let error = object_store::Error::Generic {
                store: "test",
                source,
            };
            Problem::from(FilesError::Objects(error)).code()
        };
        assert_eq!(code(std::io::ErrorKind::StorageFull), Code::StorageFull);
        assert_eq!(code(std::io::ErrorKind::QuotaExceeded), Code::StorageFull);
        assert_eq!(code(std::io::ErrorKind::PermissionDenied), Code::Internal);
    }
}
