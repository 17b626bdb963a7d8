//! What can go wrong with collections and records, as facts; each has one code.

use gate::Problem;
use kernel::{Code, FieldError};
use store::StoreError;

/// A failure of this service.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// No such collection.
    #[error("no such collection")]
    NoCollection,
    /// No such record, or none the caller may see.
    #[error("no such record")]
    NoRecord,
    /// The record is visible, the act is not allowed.
    #[error("a rule denies")]
    Denied,
    /// `If-Match` names another version.
    #[error("another version")]
    OtherVersion,
    /// A unique value is taken; the fields that make it up.
    #[error("duplicate {0:?}")]
    Duplicate(Vec<String>),
    /// The id is taken, visible or not.
    #[error("id taken")]
    IdTaken,
    /// Other records point to it.
    #[error("referenced")]
    Referenced,
    /// The collection's name is taken.
    #[error("collection taken")]
    CollectionTaken,
    /// The collection was changed since the request was read; nothing was written.
    #[error("schema changed")]
    SchemaChanged,
    /// The changes that were asked for cannot be told: all records must be listed again.
    #[error("resync required")]
    Resync,
    /// The idempotency key was used for another request.
    #[error("idempotency mismatch")]
    OtherRequest,
    /// The first request with the idempotency key still runs.
    #[error("in flight")]
    InFlight,
    /// Anything that already is a problem.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// Anything else of the store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DataError {
    /// Known fields with bad values.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self::Problem(Problem::validation(errors))
    }
}

impl From<sea_orm::DbErr> for DataError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

impl From<DataError> for Problem {
    fn from(error: DataError) -> Self {
        match error {
            DataError::NoCollection => Code::CollectionNotFound.into(),
            DataError::NoRecord => Code::RecordNotFound.into(),
            DataError::Denied => Code::RuleDenied.into(),
            DataError::OtherVersion => Code::PreconditionFailed.into(),
            DataError::Duplicate(fields) => {
                let error =
                    |f: &String| FieldError::at(f, "duplicate", "Another record has this value.");
                Problem::new(Code::Duplicate).errors(fields.iter().map(error).collect())
            }
            DataError::IdTaken => Problem::new(Code::IdTaken).errors(vec![FieldError::at(
                "id",
                "taken",
                "This id is taken.",
            )]),
            DataError::Referenced => Code::Referenced.into(),
            DataError::CollectionTaken => Code::CollectionTaken.into(),
            DataError::Resync => Problem::new(Code::ResyncRequired)
                .hint("Ask for since=now, list the records, and go on from there."),
            DataError::SchemaChanged => Problem::new(Code::SchemaChanged)
                .hint("Nothing was written. Send it again, as the collection is now."),
            DataError::OtherRequest => Code::IdempotencyMismatch.into(),
            DataError::InFlight => Code::InFlight.into(),
            DataError::Problem(problem) => problem,
            DataError::Store(error) => error.into(),
        }
    }
}
