//! What can go wrong in accounts, as facts; each becomes one code.

use gate::Problem;
use kernel::{Code, FieldError};
use sea_orm::DbErr;
use std::time::Duration;
use store::StoreError;

/// A failure of an act on an account.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The project lets nobody sign up.
    #[error("sign-up is closed")]
    SignUpClosed,
    /// Nobody signs up but who was invited.
    #[error("sign-up needs an invitation")]
    InvitationRequired,
    /// The password is right, but nobody has shown that the address is theirs.
    #[error("the address is not confirmed")]
    EmailNotConfirmed,
    /// Addresses of this domain are not taken.
    #[error("addresses of this domain are not taken")]
    EmailDomainRefused,
    /// The project's hook refused the sign-up, with these words.
    #[error("the project's hook refused the sign-up")]
    SignUpRefused(String),
    /// The project's hook did not answer well.
    #[error("the project's hook did not answer well")]
    HookFailed,
    /// The proof that a person asks is missing, or wrong.
    #[error("the proof that a person asks is {0}")]
    CaptchaFailed(&'static str),
    /// Whether a person asks could not be found out.
    #[error("the proof that a person asks could not be verified")]
    CaptchaUnavailable,
    /// Too many wrong guesses; how long to wait.
    #[error("too many wrong guesses")]
    TooManyGuesses(Duration),
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
    /// The act needs a session of two factors.
    #[error("a second factor must be shown first")]
    SecondFactorRequired,
    /// What was shown as a factor is not good; the text is for the trace.
    #[error("what was shown is not good: {0}")]
    InvalidFactor(&'static str),
    /// The codes of the account were guessed at too often.
    #[error("too many guesses at the codes of one account")]
    TooManyCodes,
    /// The user has no such passkey.
    #[error("no such passkey")]
    NoSuchPasskey,
    /// The user has no such factor.
    #[error("no such factor")]
    NoSuchFactor,
    /// The user has as many passkeys as it may.
    #[error("too many passkeys")]
    TooManyPasskeys,
    /// Somebody has the passkey already.
    #[error("the passkey is known")]
    PasskeyKnown,
    /// Without it the user would never get in again.
    #[error("it is the last way in")]
    LastWayIn,
    /// The project requires that one is left.
    #[error("it is the last second factor of a user who must have one")]
    LastFactor,
    /// The user has no such session.
    #[error("no such session")]
    NoSuchSession,
    /// The one-time secret is wrong, used, out of date, or its user stands otherwise: the caller never learns which.
    #[error("the one-time secret is not good")]
    InvalidToken,
    /// The address was asked for too often.
    #[error("too many mails to one address")]
    TooManyMails,
    /// The number or its network was asked for too often.
    #[error("too many messages")]
    TooManyMessages,
    /// Too many strangers were asked to join teams.
    #[error("too many were asked to join teams")]
    TooManyInvitations,
    /// The network has made too many users without an identity.
    #[error("too many anonymous users of one network")]
    TooManyAnonymous,
    /// The user has an identity already.
    #[error("the user is not anonymous")]
    NotAnonymous,
    /// The user may not sign in.
    #[error("the user is disabled")]
    UserDisabled,
    /// There is no such user.
    #[error("no such user")]
    NoSuchUser,
    /// Nothing shows that a page of the own origin asks for a session in cookies.
    #[error("cookies are for pages of the own origin")]
    NoOwnPage,
    /// There is no such mail, or none that is kept.
    #[error("no such mail")]
    NoSuchMail,
    /// There is no such team, or the asker is not in it.
    #[error("no such team")]
    NoSuchTeam,
    /// The team has no such member.
    #[error("no such member")]
    NoSuchMember,
    /// There is no such invitation, or it is another's, used or out of date.
    #[error("no such invitation")]
    NoSuchInvitation,
    /// The asker's role in the team does not allow it.
    #[error("the role in the team does not allow this")]
    NotInTeamsPower,
    /// The project's users make no teams.
    #[error("users make no teams")]
    TeamsClosed,
    /// The team would have no owner.
    #[error("the team would have no owner")]
    LastOwner,
    /// The team has all the members, or has asked all whom it may.
    #[error("the team is full")]
    TeamFull,
    /// The user is in all the teams that it may be in.
    #[error("the user is in too many teams")]
    TooManyTeams,
    /// Somebody acts as this user who is another.
    #[error("this is not done as somebody else")]
    Impersonated,
    /// There is no such template.
    #[error("no such template")]
    NoSuchTemplate,
    /// The project has no such provider.
    #[error("no such provider")]
    NoSuchProvider,
    /// Browsers are not sent to this address.
    #[error("the address is not one of the project's redirect addresses")]
    NotARedirect,
    /// A provider did not answer as it should; the text is for the trace.
    #[error("a provider failed: {0}")]
    ProviderFailed(String),
    /// There is an account with an address that the provider has not verified.
    #[error("an account with this address must be linked by its owner")]
    LinkRequired,
    /// The user has no such identity, or none with tokens.
    #[error("no such identity")]
    NoSuchIdentity,
    /// The provider gives no token without the person.
    #[error("the person must sign in at the provider again")]
    ConsentRequired,
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
    #[expect(
        clippy::too_many_lines,
        reason = "one exhaustive list, so that no fact is without a code"
    )]
    fn from(error: Error) -> Self {
        match error {
            Error::SignUpClosed => Code::SignUpClosed.into(),
            Error::InvitationRequired => Code::InvitationRequired.into(),
            Error::EmailDomainRefused => {
                Self::new(Code::EmailDomainRefused).errors(vec![FieldError::at(
                    "email",
                    "domain_refused",
                    "Addresses of this domain are not taken.",
                )])
            }
            Error::EmailNotConfirmed => Code::EmailNotConfirmed.into(),
            Error::SignUpRefused(why) => Self::new(Code::SignUpRefused).detail(why),
            Error::HookFailed => Self::new(Code::HookFailed).retry_after(5),
            Error::CaptchaFailed(how) => {
                Self::new(Code::CaptchaFailed).errors(vec![FieldError::at(
                    "captcha_token",
                    how,
                    "The proof that a person asks is needed.",
                )])
            }
            Error::CaptchaUnavailable => Self::new(Code::CaptchaUnavailable).retry_after(5),
            Error::TooManyGuesses(wait) => Self::new(Code::RateLimited)
                .detail("Too many wrong passwords were tried. Wait, or set a new password.")
                .retry_after(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
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
            Error::SecondFactorRequired => Code::SecondFactorRequired.into(),
            Error::InvalidFactor(why) => {
                tracing::debug!(why, "a factor was refused");
                Code::InvalidFactor.into()
            }
            Error::TooManyCodes => Self::new(Code::RateLimited)
                .detail("The codes of this account were guessed at too often. Use another factor, or wait.")
                .retry_after(3_600),
            Error::NoSuchPasskey => {
                Self::new(Code::RecordNotFound).detail("There is no such passkey.")
            }
            Error::NoSuchFactor => {
                Self::new(Code::RecordNotFound).detail("There is no such second factor.")
            }
            Error::TooManyPasskeys => refused("too_many", "At most 20 passkeys are kept."),
            Error::PasskeyKnown => refused("known", "This passkey is kept already."),
            Error::LastWayIn => Code::LastWayIn.into(),
            Error::LastFactor => Self::new(Code::LastWayIn)
                .detail("The project requires a second factor; set up another one first."),
            Error::NoSuchSession => {
                Self::new(Code::RecordNotFound).detail("There is no such session.")
            }
            Error::InvalidToken => Code::InvalidToken.into(),
            Error::TooManyMails => Self::new(Code::RateLimited)
                .detail("Too many mails were asked for to this address.")
                .retry_after(600),
            Error::TooManyMessages => Self::new(Code::RateLimited)
                .detail("Too many messages were asked for, for this number or by this network.")
                .retry_after(3_600),
            Error::TooManyInvitations => Self::new(Code::RateLimited)
                .detail("Too many people were asked to join teams today.")
                .retry_after(3_600),
            Error::TooManyAnonymous => Self::new(Code::RateLimited)
                .detail("Too many anonymous users were made by this network.")
                .retry_after(3_600),
            Error::NotAnonymous => Code::NotAnonymous.into(),
            Error::UserDisabled => Code::UserDisabled.into(),
            Error::NoSuchUser => Code::UserNotFound.into(),
            Error::NoOwnPage => Self::new(Code::CrossOrigin).detail(
                "Send the header X-Galley-CSRF from a page of this origin to keep a session in cookies.",
            ),
            Error::NoSuchMail => Code::MailNotFound.into(),
            Error::NoSuchTemplate => Code::TemplateNotFound.into(),
            Error::NoSuchTeam => Code::TeamNotFound.into(),
            Error::NoSuchMember => {
                Self::new(Code::UserNotFound).detail("The team has no such member.")
            }
            Error::NoSuchInvitation => Code::InvitationNotFound.into(),
            Error::NotInTeamsPower => Self::new(Code::PermissionDenied)
                .detail("Your role in the team does not allow this."),
            Error::TeamsClosed => Code::TeamsClosed.into(),
            Error::LastOwner => Code::LastOwner.into(),
            Error::TeamFull => Self::new(Code::LimitReached)
                .detail("The team has all the members or invitations that it may have."),
            Error::TooManyTeams => Self::new(Code::LimitReached)
                .detail("The user is in all the teams that it may be in."),
            Error::Impersonated => Code::Impersonated.into(),
            Error::NoSuchProvider => Code::ProviderNotFound.into(),
            Error::NotARedirect => Self::new(Code::InvalidParameter)
                .detail("The address is not one of the project's social.redirect_addresses."),
            Error::ProviderFailed(_) => Code::ProviderFailed.into(),
            Error::LinkRequired => Code::LinkRequired.into(),
            Error::NoSuchIdentity => Code::IdentityNotFound.into(),
            Error::ConsentRequired => Code::ConsentRequired.into(),
            Error::Sealed(_) | Error::Crypto => Self::internal(error),
            Error::Store(error) => error.into(),
            Error::Problem(problem) => problem,
        }
    }
}

/// A passkey that is not kept.
fn refused(code: &'static str, message: &str) -> Problem {
    Problem::validation(vec![FieldError::at("credential", code, message)])
}
