//! What accounts needs of the crate that owns the `users` collection; the server brings the two together.

use gate::{Problem, Project};
use kernel::Stamp;
use serde_json::{Map, Value};
use std::sync::Arc;
use store::WriteTx;
use uuid::Uuid;

/// A user, as far as signing in is concerned.
#[derive(Clone, Debug, Default)]
pub struct UserRow {
    /// The user.
    pub id: Uuid,
    /// The e-mail address as it was spelled.
    pub email: Option<String>,
    /// The name to sign in with, as it was spelled.
    pub username: Option<String>,
    /// The telephone number (E.164).
    pub phone: Option<String>,
    /// Whether the address was verified.
    pub verified: bool,
    /// Whether the number was verified.
    pub phone_verified: bool,
    /// Whether the user may not sign in.
    pub disabled: bool,
    /// Whether the user has no identity yet.
    pub anonymous: bool,
    /// The user's roles.
    pub roles: Vec<String>,
    /// The user as it may see itself, in wire form.
    pub view: Map<String, Value>,
}

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Its id.
    pub id: Uuid,
    /// Its e-mail address, trimmed and otherwise as it was spelled; its form was checked.
    pub email: Option<String>,
    /// Its name to sign in with, as it was spelled; its form was checked.
    pub username: Option<String>,
    /// Its telephone number (E.164).
    pub phone: Option<String>,
    /// Whether the address was verified.
    pub verified: bool,
    /// Whether the number was verified.
    pub phone_verified: bool,
    /// Whether it has no identity yet.
    pub anonymous: bool,
    /// The developer's own fields, as they were sent.
    pub profile: Map<String, Value>,
    /// When.
    pub now: Stamp,
    /// Who does it, for the change log; none for a stranger who signs up.
    pub actor: Option<String>,
}

impl NewUser {
    /// One who has nothing yet.
    #[must_use]
    pub fn new(id: Uuid, now: Stamp, actor: Option<String>) -> Self {
        Self {
            id,
            email: None,
            username: None,
            phone: None,
            verified: false,
            phone_verified: false,
            anonymous: false,
            profile: Map::new(),
            now,
            actor,
        }
    }
}

/// A change of a user; what is absent stays.
#[derive(Clone, Debug)]
pub struct UserChange {
    /// Another address, as it was spelled, or none; its form was checked.
    pub email: Option<Option<String>>,
    /// Another name to sign in with, as it was spelled, or none; its form was checked.
    pub username: Option<Option<String>>,
    /// Another telephone number (E.164), or none.
    pub phone: Option<Option<String>>,
    /// Whether the address was verified.
    pub verified: Option<bool>,
    /// Whether the number was verified.
    pub phone_verified: Option<bool>,
    /// Whether the user may not sign in.
    pub disabled: Option<bool>,
    /// Whether the user has no identity yet.
    pub anonymous: Option<bool>,
    /// The developer's own fields, written as an operator would.
    pub profile: Map<String, Value>,
    /// When.
    pub now: Stamp,
    /// Who does it, for the change log; none for somebody who came by a link.
    pub actor: Option<String>,
}

impl UserChange {
    /// One that changes nothing yet.
    #[must_use]
    pub fn new(now: Stamp, actor: Option<String>) -> Self {
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
            actor,
        }
    }
}

/// The users of a project.
#[async_trait::async_trait(?Send)]
pub trait Directory: Send + Sync {
    /// The user whose `field` is `value`: `email`, `username` and `phone` in the form in which they are compared, or a
    /// unique text field of the developer's. None where there is no such field.
    async fn find(
        &self,
        project: &Project,
        field: &str,
        value: &str,
    ) -> Result<Option<UserRow>, Problem>;

    /// The user with this id.
    async fn get(&self, project: &Project, id: Uuid) -> Result<Option<UserRow>, Problem>;

    /// Faults of a profile that is to be created, without writing: told beside those of e-mail and password, and before
    /// the password is hashed. What is not told here is told by `create`.
    async fn check(
        &self,
        _project: &Project,
        _profile: &Map<String, Value>,
    ) -> Result<(), Problem> {
        Ok(())
    }

    /// Makes a user in the open transaction. Faults of the profile are told all at once, a taken identity is
    /// `identity_taken`.
    async fn create(
        &self,
        project: &Project,
        tx: &WriteTx,
        user: NewUser,
    ) -> Result<UserRow, Problem>;

    /// The user as it stands in the open transaction, locked until its end where the engine locks rows.
    async fn lock(
        &self,
        project: &Project,
        tx: &WriteTx,
        id: Uuid,
    ) -> Result<Option<UserRow>, Problem>;

    /// Changes a user that is there, in the open transaction. A taken identity is `identity_taken`.
    async fn change(
        &self,
        project: &Arc<Project>,
        tx: &WriteTx,
        id: Uuid,
        change: UserChange,
    ) -> Result<(), Problem>;

    /// Removes a user in the open transaction, with the records that go with it; rules are not asked. Records that
    /// must have the user keep it: `referenced`.
    async fn erase(
        &self,
        project: &Arc<Project>,
        tx: &WriteTx,
        id: Uuid,
        now: Stamp,
        actor: Option<String>,
    ) -> Result<(), Problem>;
}
