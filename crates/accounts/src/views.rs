//! The wire types of accounts. What comes in is read by `model`; the types for it here are what the document says.

pub mod factors;
pub mod import;
mod mails;

pub mod social;
pub mod teams;
pub mod users;
mod ways;

pub use mails::*;
pub use ways::*;

use self::social::SocialMethodView;
use crate::door::Entered;
use crate::rows::session;
use crate::service::SignedIn;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A wish to sign up. Beside these it takes the fields of the `users` collection that a user may set. At least one of the
/// project's identities must be there.
#[derive(Deserialize, ToSchema)]
pub struct SignUpIn {
    /// An e-mail address that no other account has.
    #[schema(max_length = 254, format = "email", nullable = false)]
    pub email: Option<String>,
    /// A name to sign in with, where the project has such names: 3 to 64 characters.
    #[schema(min_length = 3, max_length = 64, nullable = false)]
    pub username: Option<String>,
    /// A telephone number with its country's code, where users are known by it.
    #[schema(max_length = 100, nullable = false)]
    pub phone: Option<String>,
    /// What the device is called.
    #[schema(max_length = 100, nullable = false)]
    pub device: Option<String>,
    /// How the session is handed over.
    #[schema(nullable = false)]
    pub session: Option<SessionKind>,
    /// At least 8 characters, at most 512 bytes.
    #[schema(min_length = 8, max_length = 512, format = "password")]
    pub password: String,
    /// What the CAPTCHA's service gave to the page, where `GET /v1/auth/methods` says that it is demanded.
    #[schema(max_length = 8192, nullable = false)]
    pub captcha_token: Option<String>,
    /// Fields of the `users` collection.
    #[serde(flatten)]
    pub profile: HashMap<String, Value>,
}

/// The link of a sign-up, with the password that was chosen then.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUpConfirmationIn {
    /// The secret of the mail.
    #[schema(max_length = 8192)]
    pub token: String,
    /// The password of the sign-up.
    #[schema(max_length = 512, format = "password")]
    pub password: String,
    /// What the device is called.
    #[schema(max_length = 100, nullable = false)]
    pub device: Option<String>,
    /// How the session is handed over.
    #[schema(nullable = false)]
    pub session: Option<SessionKind>,
}

/// The link of an invitation, with the first password of the account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationAcceptIn {
    /// The secret of the mail.
    #[schema(max_length = 8192)]
    pub token: String,
    /// At least 8 characters, at most 512 bytes.
    #[schema(min_length = 8, max_length = 512, format = "password")]
    pub password: String,
    /// What the device is called.
    #[schema(max_length = 100, nullable = false)]
    pub device: Option<String>,
    /// How the session is handed over.
    #[schema(nullable = false)]
    pub session: Option<SessionKind>,
}

/// A wish to sign in with a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInPasswordIn {
    /// What the account is known by, in any spelling: its e-mail address, or another identity of the project.
    #[schema(max_length = 254)]
    pub identity: String,
    /// The password.
    #[schema(max_length = 512, format = "password")]
    pub password: String,
    /// What the device is called; else a name is made of what the browser says it is.
    #[schema(max_length = 100)]
    pub device: Option<String>,
    /// How the session is handed over; else as the project's settings say.
    pub session: Option<SessionKind>,
    /// What the CAPTCHA's service gave to the page, where `GET /v1/auth/methods` says that it is demanded.
    #[schema(max_length = 8192, nullable = false)]
    pub captcha_token: Option<String>,
}

/// A wish for new tokens.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshIn {
    /// The refresh token that was given last; absent where it is in a cookie.
    #[schema(nullable = false)]
    pub refresh_token: Option<String>,
}

/// A wish for another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChangeIn {
    /// The present one. Without it another proof must be less than five minutes old.
    #[schema(max_length = 512, format = "password")]
    pub current_password: Option<String>,
    /// The next one: at least 8 characters, at most 512 bytes.
    #[schema(min_length = 8, max_length = 512, format = "password")]
    pub new_password: String,
}

/// Somebody who is signed in now.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedInView {
    /// The user as it may see itself.
    #[schema(value_type = Object)]
    pub user: Map<String, Value>,
    /// Send it as `Authorization: Bearer <access_token>`. A JWT that other back ends can verify by the project's JWKS.
    pub access_token: String,
    /// Good for one refresh. Keep it secret; it is opaque.
    pub refresh_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// For how many seconds the access token is good.
    pub expires_in: u32,
}

impl From<SignedIn> for SignedInView {
    fn from(it: SignedIn) -> Self {
        Self {
            user: it.user,
            access_token: it.access_token,
            refresh_token: it.refresh_token,
            token_type: "Bearer",
            expires_in: it.expires_in,
        }
    }
}

/// Somebody who is in, or who must show a second factor first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum EnteredView {
    /// Signed in.
    In(SignedInView),
    /// Signed in, by cookies.
    Cookie(CookieSessionView),
    /// A second factor is due.
    Factor(FactorDueView),
}

/// What is due before somebody is in.
#[derive(Debug, Serialize, ToSchema)]
pub struct FactorDueView {
    /// Goes with the factor; good once.
    pub mfa_token: String,
    /// The factors that the user has: `totp`, `passkey`, `recovery_code`. None where it must set one up first.
    pub factors: Vec<&'static str>,
    /// Whether the user has none and must: go on at `/v1/auth/sign-in/factor/totp`.
    pub enrol: bool,
    /// For how many seconds the token is good.
    pub expires_in: u32,
}

impl From<Entered> for EnteredView {
    fn from(it: Entered) -> Self {
        match it {
            Entered::In(signed_in) => Self::In(signed_in.into()),
            Entered::Factor(due) => Self::Factor(FactorDueView {
                mfa_token: due.token,
                factors: due.factors,
                enrol: due.enrols,
                expires_in: due.expires_in,
            }),
        }
    }
}

/// A user as it may see itself: the fields of the `users` collection that it may read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(value_type = Object)]
pub struct MeView(pub Map<String, Value>);

/// One sign-in of a user.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// The session.
    pub id: Uuid,
    /// When the user signed in.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Option<kernel::Stamp>,
    /// When its tokens were last refreshed.
    #[schema(value_type = String, format = DateTime)]
    pub used_at: Option<kernel::Stamp>,
    /// When it ends unless it is refreshed.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Option<kernel::Stamp>,
    /// What the device is called; null where nothing is known of it.
    pub device: Option<String>,
    /// What the client said it is.
    pub user_agent: Option<String>,
    /// The network it came from: an IPv4 address, or the /64 of an IPv6 address.
    pub network: String,
    /// Whether this request belongs to it.
    pub current: bool,
}

impl SessionView {
    pub(crate) fn new(row: session::Model, current: Uuid) -> Self {
        Self {
            id: row.id,
            created_at: kernel::Stamp::from_time(row.created_at),
            used_at: kernel::Stamp::from_time(row.used_at),
            expires_at: kernel::Stamp::from_time(row.expires_at),
            device: row.device,
            user_agent: row.user_agent,
            network: row.network,
            current: row.id == current,
        }
    }
}

/// The sessions of a user, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionsView {
    /// The sessions.
    pub items: Vec<SessionView>,
    /// Always null: there is one page.
    pub next_cursor: Option<String>,
}

impl SessionsView {
    pub(crate) fn new(rows: Vec<session::Model>, current: Uuid) -> Self {
        Self {
            items: rows
                .into_iter()
                .map(|row| SessionView::new(row, current))
                .collect(),
            next_cursor: None,
        }
    }
}

/// The public keys of a project (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub struct JwksView {
    /// The keys.
    #[schema(value_type = Vec<Object>)]
    pub keys: Vec<Value>,
}

/// Where other back ends find what they need to verify a project's tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenidConfigurationView {
    /// The `iss` of every token.
    pub issuer: String,
    /// Where the keys are.
    pub jwks_uri: String,
    /// What tokens may be signed with.
    pub id_token_signing_alg_values_supported: [&'static str; 2],
    /// Always `public`: a user has one `sub` for all who verify its tokens.
    pub subject_types_supported: [&'static str; 1],
    /// None: users sign in by the operations of this API, not by redirects of OpenID Connect.
    pub response_types_supported: [&'static str; 0],
    /// What stands in tokens.
    pub claims_supported: [&'static str; 8],
}

impl OpenidConfigurationView {
    pub(crate) fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            id_token_signing_alg_values_supported: ["ES256", "EdDSA"],
            subject_types_supported: ["public"],
            response_types_supported: [],
            claims_supported: ["iss", "aud", "sub", "sid", "iat", "exp", "aal", "amr"],
        }
    }
}

/// A wish for a mail to an address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToAddressIn {
    /// The account's address.
    #[schema(max_length = 254, format = "email")]
    pub email: String,
    /// What the CAPTCHA's service gave to the page, where `GET /v1/auth/methods` says that it is demanded.
    #[schema(max_length = 8192, nullable = false)]
    pub captcha_token: Option<String>,
}

/// A one-time secret that was sent by mail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OneTimeIn {
    /// The secret.
    #[schema(max_length = 8192)]
    pub token: String,
}

/// A one-time secret with the password that is to be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetIn {
    /// The secret.
    #[schema(max_length = 8192)]
    pub token: String,
    /// At least 8 characters, at most 512 bytes.
    #[schema(min_length = 8, max_length = 512, format = "password")]
    pub new_password: String,
}

/// A wish for another address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChangeIn {
    /// The address that is to be.
    #[schema(max_length = 254, format = "email")]
    pub new_email: String,
    /// The password, where the account has one.
    #[schema(max_length = 512, format = "password")]
    pub current_password: Option<String>,
}

/// How far a change of an address is.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmailChangeView {
    /// Whether both addresses agreed and it is done; else it waits for the other one.
    pub done: bool,
}

/// A challenge: the code in the mail answers it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChallengeView {
    /// Send it with the code. Without it the code is good for nothing.
    pub challenge_id: Uuid,
    /// For how many seconds the code is good, once it was sent.
    pub expires_in: u64,
}

/// The answer to a challenge.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeAnswerIn {
    /// The challenge.
    pub challenge_id: Uuid,
    /// The code.
    #[schema(max_length = 20, example = "123456")]
    pub code: String,
}

/// What an app may offer.
#[derive(Debug, Serialize, ToSchema)]
pub struct MethodsView {
    /// Whether strangers may make accounts.
    pub sign_up: bool,
    /// What users are known by when they sign in with a password: `email`, `username`, `phone`, or fields of the
    /// collection `users`. Who signs up brings at least one of them.
    pub identities: Vec<String>,
    /// Whether users sign in by a password.
    pub password: bool,
    /// Whether users sign in by a code that is sent by mail.
    pub email_code: bool,
    /// Whether users sign in by a link that is sent by mail.
    pub magic_link: bool,
    /// Whether users sign in by a code that is sent to a telephone.
    pub phone_code: bool,
    /// Whether users sign in without any identity, to be given one later.
    pub anonymous: bool,
    /// How a session is handed over where a page of the own origin does not say otherwise.
    pub session: SessionKind,
    /// Who may make an account.
    pub sign_up_mode: gate::SignUp,
    /// Whether who signs up with an address and a password confirms it by a mail before there is an account.
    pub confirm_email: bool,
    /// Characters of a new password at least.
    pub password_length_min: u32,
    /// Classes of characters of which each must be in a new password.
    pub password_classes: Vec<gate::CharacterClass>,
    /// Proof that a person asks; null: none is demanded.
    pub captcha: Option<CaptchaView>,
    /// Whether users sign in by a passkey.
    pub passkey: bool,
    /// Whether a second factor is asked for.
    pub second_factor: gate::SecondFactorPolicy,
    /// By whose accounts users sign in.
    pub social: Vec<SocialMethodView>,
}

/// Whose proof that a person asks is demanded, and where.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Captcha)]
pub struct CaptchaView {
    /// Whose service.
    pub provider: gate::CaptchaProvider,
    /// The public key, for the app's page.
    pub site_key: String,
    /// Where `captcha_token` is demanded.
    pub places: Vec<gate::CaptchaPlace>,
}

impl MethodsView {
    pub(crate) fn new(project: &gate::Project) -> Self {
        let settings = project.settings();
        let methods = &settings.sign_in;
        let is_open = settings.sign_up == gate::SignUp::Open;
        Self {
            sign_up: is_open && (methods.password || !settings.social.providers.is_empty()),
            identities: methods.identities.clone(),
            password: methods.password,
            email_code: methods.email_code,
            magic_link: methods.magic_link,
            phone_code: methods.phone_code,
            anonymous: is_open && methods.anonymous,
            session: match settings.sessions.cookie {
                true => SessionKind::Cookie,
                false => SessionKind::Tokens,
            },
            sign_up_mode: settings.sign_up,
            confirm_email: settings.confirm_email,
            password_length_min: settings.passwords.length_min,
            password_classes: settings.passwords.classes.clone(),
            captcha: settings.captcha.as_ref().map(|captcha| CaptchaView {
                provider: captcha.provider,
                site_key: captcha.site_key.clone(),
                places: captcha.places.clone(),
            }),
            passkey: methods.passkey,
            second_factor: settings.second_factor.policy,
            social: SocialMethodView::all(project),
        }
    }
}
