//! The wire types of imports.

use kernel::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// A user that comes from elsewhere. It has an e-mail address, a username or a telephone number at least.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportUserIn {
    /// Its id, if it keeps one.
    pub id: Option<Uuid>,
    /// An e-mail address that no other account has.
    #[schema(max_length = 254, format = "email")]
    pub email: Option<String>,
    /// A name to sign in with.
    #[schema(max_length = 64)]
    pub username: Option<String>,
    /// A telephone number (E.164).
    pub phone: Option<String>,
    /// Whether the address was verified.
    #[serde(default)]
    pub verified: bool,
    /// Whether the number was verified.
    #[serde(default)]
    pub phone_verified: bool,
    /// Whether it may not sign in.
    #[serde(default)]
    pub disabled: bool,
    /// Roles. At most 20.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Claims. At most 2,048 bytes of JSON.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub claims: Map<String, Value>,
    /// Fields of the `users` collection.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub profile: Map<String, Value>,
    /// The hash of its password: a text (a PHC string of Argon2i, Argon2id, scrypt or PBKDF2, one of bcrypt, or of
    /// Django), or for Firebase an object with `firebase_scrypt`, which has `hash`, `salt`, `signer_key`,
    /// `salt_separator`, `rounds` and `memory_cost`. It is replaced by a hash of ours at the next sign-in.
    #[schema(value_type = Option<Value>)]
    pub password_hash: Option<Value>,
}

/// What came of an import.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedView {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Users that were made.
    pub created: usize,
    /// Users that were there already, which stay as they are.
    pub existing: usize,
    /// Users that were not taken.
    pub failed: usize,
    /// What came of each, in the order in which they were sent.
    pub items: Vec<ImportedUserView>,
}

/// What came of one user of an import.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImportedUserView {
    /// Its place in what was sent, from 0.
    pub index: usize,
    /// `created`, `existing` or `failed`.
    pub status: &'static str,
    /// The user; null where it failed.
    #[schema(required = true)]
    pub id: Option<Uuid>,
    /// What is wrong with it.
    #[schema(value_type = Vec<Object>)]
    pub errors: Vec<FieldError>,
}

/// A line of an export: what an import takes, with the times of its record.
#[derive(Debug, Serialize)]
pub struct ExportedUserView {
    /// The user.
    #[serde(flatten)]
    pub user: super::users::ManagedUserView,
    /// The hash of its password; absent unless it was asked for and there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
}
