//! The wire types of accounts. What comes in is read by `model`; the types for it here are what the document says.

use crate::rows::session;
use crate::service::SignedIn;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A wish to sign up. Beside these two it takes the fields of the `users` collection that a user may set.
#[derive(Deserialize, ToSchema)]
pub struct SignUpIn {
    /// An e-mail address that no other account has.
    #[schema(max_length = 254, format = "email")]
    pub email: String,
    /// At least 8 characters, at most 512 bytes.
    #[schema(min_length = 8, max_length = 512, format = "password")]
    pub password: String,
    /// Fields of the `users` collection.
    #[serde(flatten)]
    pub profile: HashMap<String, Value>,
}

/// A wish to sign in with a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInPasswordIn {
    /// The account's e-mail address, in any spelling.
    #[schema(max_length = 254)]
    pub identity: String,
    /// The password.
    #[schema(max_length = 512, format = "password")]
    pub password: String,
}

/// A wish for new tokens.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshIn {
    /// The refresh token that was given last.
    pub refresh_token: String,
}

/// A wish for another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChangeIn {
    /// The present one.
    #[schema(max_length = 512, format = "password")]
    pub current_password: String,
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
    /// What the client said it is.
    pub user_agent: Option<String>,
    /// The network it came from: an IPv4 address, or the /64 of an IPv6 address.
    pub network: String,
    /// Whether this request belongs to it.
    pub current: bool,
}

impl SessionView {
    fn new(row: session::Model, current: Uuid) -> Self {
        Self {
            id: row.id,
            created_at: kernel::Stamp::from_time(row.created_at),
            used_at: kernel::Stamp::from_time(row.used_at),
            expires_at: kernel::Stamp::from_time(row.expires_at),
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
}

impl OpenidConfigurationView {
    pub(crate) fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        }
    }
}
