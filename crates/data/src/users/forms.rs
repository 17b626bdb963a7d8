//! What users are to whoever keeps their credentials, and the forms in which their identities are compared.

use kernel::Stamp;
use rules::Row;
use serde_json::{Map, Value as Json};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// A user with what only the server knows.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// Its e-mail address as it was written.
    pub email: Option<String>,
    /// Its name to sign in with, as it was written.
    pub username: Option<String>,
    /// Its telephone number.
    pub phone: Option<String>,
    /// Whether the address was verified.
    pub verified: bool,
    /// Whether the number was verified.
    pub phone_verified: bool,
    /// Whether it may not sign in.
    pub disabled: bool,
    /// Whether it has no identity yet.
    pub anonymous: bool,
    /// The user as it may see itself.
    pub view: Row,
}

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Its id.
    pub id: Uuid,
    /// Its e-mail address as it was written.
    pub email: Option<String>,
    /// Its name to sign in with, as it was written.
    pub username: Option<String>,
    /// Its telephone number, in the form that is compared.
    pub phone: Option<String>,
    /// Whether the address was verified.
    pub verified: bool,
    /// Whether the number was verified.
    pub phone_verified: bool,
    /// Whether it has no identity yet.
    pub anonymous: bool,
    /// The developer's own fields.
    pub profile: Map<String, Json>,
    /// Whether a key or an operator makes it: it may set what users may not, and no rule is asked.
    pub trusted: bool,
    /// When.
    pub now: Stamp,
    /// Who does it, for the change log.
    pub actor: Option<String>,
}

impl NewUser {
    /// One who has nothing yet.
    #[must_use]
    pub fn new(id: Uuid, now: Stamp) -> Self {
        Self {
            id,
            email: None,
            username: None,
            phone: None,
            verified: false,
            phone_verified: false,
            anonymous: false,
            profile: Map::new(),
            trusted: false,
            now,
            actor: None,
        }
    }
}

/// A change of what only the server may change of a user; what is absent stays.
#[derive(Clone, Debug)]
pub struct UserChange {
    /// Another e-mail address, as it was written, or none.
    pub email: Option<Option<String>>,
    /// Another name to sign in with, as it was written, or none.
    pub username: Option<Option<String>>,
    /// Another telephone number, in the form that is compared, or none.
    pub phone: Option<Option<String>>,
    /// Whether the address was verified.
    pub verified: Option<bool>,
    /// Whether the number was verified.
    pub phone_verified: Option<bool>,
    /// Whether it may not sign in.
    pub disabled: Option<bool>,
    /// Whether it has no identity yet.
    pub anonymous: Option<bool>,
    /// The developer's own fields, as an operator would change them.
    pub profile: Map<String, Json>,
    /// When.
    pub now: Stamp,
    /// Who does it, for the change log.
    pub actor: Option<String>,
}

impl UserChange {
    /// One that changes nothing yet.
    #[must_use]
    pub fn new(now: Stamp) -> Self {
        Self {
            email: None,
            username: None,
            phone: None,
            verified: None,
            phone_verified: None,
            disabled: None,
            anonymous: None,
            profile: Map::new(),
            now,
            actor: None,
        }
    }
}

/// The form in which names to sign in with are compared: NFKC, every case as one. By way of upper case, so that `ß` is
/// `ss` and both forms of a small sigma are one.
#[must_use]
pub fn username_key(username: &str) -> String {
    let folded: String = username
        .trim()
        .nfkc()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect();
    folded.nfkc().collect()
}
