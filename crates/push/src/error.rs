//! What can go wrong in push, as facts; each becomes one code.

use gate::Problem;
use kernel::Code;
use sea_orm::DbErr;
use store::StoreError;

/// A failure of an act of push.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such device, or none the caller may see.
    #[error("no such device")]
    NoDevice,
    /// No such message.
    #[error("no such message")]
    NoMessage,
    /// The message is done: nothing of it can be cancelled.
    #[error("the message is done")]
    Done,
    /// The idempotency key was used for another request.
    #[error("idempotency mismatch")]
    OtherRequest,
    /// The first request with the idempotency key still runs.
    #[error("in flight")]
    InFlight,
    /// What is stored is not what was sealed.
    #[error("{0} is stored in a form that is not ours")]
    Sealed(&'static str),
    /// The library of cryptography failed.
    #[error("the library of cryptography failed")]
    Crypto,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody else's failure, told already.
    #[error("{0}")]
    Problem(Problem),
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NoDevice => Code::DeviceNotFound.into(),
            Error::NoMessage => Code::MessageNotFound.into(),
            Error::Done => Code::MessageDone.into(),
            Error::OtherRequest => Code::IdempotencyMismatch.into(),
            Error::InFlight => Code::InFlight.into(),
            Error::Sealed(_) | Error::Crypto => Self::internal(error),
            Error::Store(error) => error.into(),
            Error::Problem(problem) => problem,
        }
    }
}
