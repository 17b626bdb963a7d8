//! The wire types of the further ways to sign in.

use crate::service::SignedIn;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// How a session is handed over.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// Its tokens are in the answer.
    Tokens,
    /// Its tokens are in cookies, for pages of the project's own origin that send `X-Galley-CSRF`.
    Cookie,
}

/// Somebody who is signed in now, by cookies.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CookieSession)]
pub struct CookieSessionView {
    /// The user as it may see itself.
    #[schema(value_type = Object)]
    pub user: Map<String, Value>,
    /// Always `cookie`.
    #[schema(value_type = SessionKind)]
    pub session: &'static str,
    /// After how many seconds the session is to be refreshed.
    pub expires_in: u32,
}

impl From<SignedIn> for CookieSessionView {
    fn from(it: SignedIn) -> Self {
        Self {
            user: it.user,
            session: "cookie",
            expires_in: it.expires_in,
        }
    }
}

/// A wish to sign in as nobody in particular. Beside these it takes the fields of the `users` collection.
#[derive(Deserialize, ToSchema)]
pub struct SignInAnonymousIn {
    /// What the device is called.
    #[schema(max_length = 100, nullable = false)]
    pub device: Option<String>,
    /// How the session is handed over.
    #[schema(nullable = false)]
    pub session: Option<SessionKind>,
    /// Fields of the `users` collection.
    #[serde(flatten)]
    pub profile: std::collections::HashMap<String, Value>,
}

/// What an anonymous user is to be known by. At least one of the project's identities, and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionIn {
    /// An e-mail address that no other account has.
    #[schema(max_length = 254, format = "email")]
    pub email: Option<String>,
    /// A name to sign in with, where the project has such names.
    #[schema(min_length = 3, max_length = 64)]
    pub username: Option<String>,
    /// A telephone number with its country's code, where users are known by it.
    #[schema(max_length = 100)]
    pub phone: Option<String>,
    /// At least 8 characters, at most 512 bytes.
    #[schema(min_length = 8, max_length = 512, format = "password")]
    pub password: String,
    /// What the CAPTCHA's service gave to the page, where `GET /v1/auth/methods` says that it is demanded to sign up.
    #[schema(max_length = 8192, nullable = false)]
    pub captcha_token: Option<String>,
}

/// Another name to sign in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsernameIn {
    /// 3 to 64 characters, without `@`, spaces and what cannot be seen. Every case is one. Null takes it away.
    #[schema(
        min_length = 3,
        max_length = 64,
        example = "ada.lovelace",
        required = true
    )]
    pub username: Option<String>,
}

/// A wish for a code to a telephone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToPhoneIn {
    /// The number, with its country's code.
    #[schema(max_length = 100, example = "+49 170 1234567")]
    pub phone: String,
    /// What the CAPTCHA's service gave to the page, where `GET /v1/auth/methods` says that it is demanded for messages.
    #[schema(min_length = 1, max_length = 8192, nullable = false)]
    pub captcha_token: Option<String>,
}

/// The word of the project's own identity system for somebody: one of `user_id` and `external_id`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomTokenIn {
    /// A user.
    pub user_id: Option<Uuid>,
    /// Somebody of the other system, who is made a user at the first time.
    #[schema(max_length = 255)]
    pub external_id: Option<String>,
    /// What the device is called.
    #[schema(max_length = 100)]
    pub device: Option<String>,
    /// What rules read as `auth.claims` while the session lasts; at most 2,048 bytes.
    #[schema(value_type = Option<Object>)]
    pub claims: Option<Map<String, Value>>,
}

/// A ticket to sign in with.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomTokenView {
    /// Hand it to the app, which signs in with it once.
    pub token: String,
    /// For how many seconds it is good.
    pub expires_in: u64,
    /// For whom it is.
    pub user_id: Uuid,
    /// Whether the user was made now.
    pub created: bool,
}

/// Another name of a session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionNameIn {
    /// What the device is called.
    #[schema(min_length = 1, max_length = 100, example = "Ada's phone")]
    pub device: String,
}

/// The answer to a challenge that signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryCodeIn {
    /// The challenge.
    pub challenge_id: Uuid,
    /// The code.
    #[schema(max_length = 20, example = "123456")]
    pub code: String,
    /// What the device is called; else a name is made of what the browser says it is.
    #[schema(max_length = 100)]
    pub device: Option<String>,
    /// How the session is handed over; else as the project's settings say.
    pub session: Option<SessionKind>,
}

/// A one-time secret that signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryTokenIn {
    /// The secret.
    #[schema(max_length = 8192)]
    pub token: String,
    /// What the device is called; else a name is made of what the browser says it is.
    #[schema(max_length = 100)]
    pub device: Option<String>,
    /// How the session is handed over; else as the project's settings say.
    pub session: Option<SessionKind>,
}

/// New tokens, or new cookies.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum RefreshedView {
    /// The next tokens.
    Tokens(super::SignedInView),
    /// They are in cookies.
    Cookie(CookieSessionView),
}
