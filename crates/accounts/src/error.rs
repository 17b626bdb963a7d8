//! What can go wrong in accounts, as facts; each becomes one code.

use gate::Problem;
use kernel::{Code, FieldError};
use sea_orm::DbErr;
use store::StoreError;

/// A failure of an act on an account.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The project lets nobody sign up.
    #[error("sign-up is closed")]
    SignUpClosed,
    /// The project's users do not sign in this way.
    #[error("this way to sign in is not open")]
    MethodDisabled,
    /// No such identity, another password, or a user who may not sign in: the caller never learns which.
    #[error("the identity or the password is wrong")]
    InvalidCredentials,
    /// The access token is not good; the text is for the trace.
    #[error("the access token is not good: {0}")]
    InvalidAccessToken(&'static str),
    /// The refresh token is not good; the text is for the trace.
    #[error("the refresh token is not good: {0}")]
    InvalidRefreshToken(&'static str),
    /// The password that was given as the current one is another.
    #[error("the current password is wrong")]
    WrongPassword,
    /// The last proof of who the user is was too long ago.
    #[error("a credential must be shown again")]
    ReauthRequired,
    /// The user has no such session.
    #[error("no such session")]
    NoSuchSession,
    /// The one-time secret is wrong, used, out of date, or its user stands otherwise: the caller never learns which.
    #[error("the one-time secret is not good")]
    InvalidToken,
    /// The address was asked for too often.
    #[error("too many mails to one address")]
    TooManyMails,
    /// There is no such mail, or none that is kept.
    #[error("no such mail")]
    NoSuchMail,
    /// There is no such template.
    #[error("no such template")]
    NoSuchTemplate,
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
            Error::SignUpClosed => Code::SignUpClosed.into(),
            Error::MethodDisabled => Code::MethodDisabled.into(),
            Error::InvalidCredentials => Code::InvalidCredentials.into(),
            Error::InvalidAccessToken(why) => {
                tracing::debug!(why, "access token refused");
                Code::Unauthenticated.into()
            }
            Error::InvalidRefreshToken(why) => {
                tracing::debug!(why, "refresh token refused");
                Code::InvalidRefreshToken.into()
            }
            Error::WrongPassword => {
                let fault = FieldError::at(
                    "current_password",
                    "wrong",
                    "This is not the current password.",
                );
                Self::validation(vec![fault])
            }
            Error::ReauthRequired => Code::ReauthRequired.into(),
            Error::NoSuchSession => {
                Self::new(Code::RecordNotFound).detail("There is no such session.")
            }
            Error::InvalidToken => Code::InvalidToken.into(),
            Error::TooManyMails => Self::new(Code::RateLimited)
                .detail("Too many mails were asked for to this address.")
                .retry_after(600),
            Error::NoSuchMail => Code::MailNotFound.into(),
            Error::NoSuchTemplate => Code::TemplateNotFound.into(),
            Error::Sealed(_) | Error::Crypto => Self::internal(error),
            Error::Store(error) => error.into(),
            Error::Problem(problem) => problem,
        }
    }
}
