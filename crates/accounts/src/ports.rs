//! What accounts needs of the crate that owns the `users` collection; the server brings the two together.

use gate::{Problem, Project};
use kernel::Stamp;
use serde_json::{Map, Value};
use store::WriteTx;
use uuid::Uuid;

/// A user, as far as signing in is concerned.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// The user.
    pub id: Uuid,
    /// The e-mail address as it was spelled.
    pub email: Option<String>,
    /// Whether the address was verified.
    pub verified: bool,
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
    /// The developer's own fields, as they were sent.
    pub profile: Map<String, Value>,
    /// When.
    pub now: Stamp,
    /// Who does it, for the change log; none for a stranger who signs up.
    pub actor: Option<String>,
}

/// A change of a user's address; what is absent stays.
#[derive(Clone, Debug)]
pub struct UserChange {
    /// Another address, as it was spelled; its form was checked.
    pub email: Option<String>,
    /// Whether the address was verified.
    pub verified: bool,
    /// When.
    pub now: Stamp,
    /// Who does it, for the change log; none for somebody who came by a link.
    pub actor: Option<String>,
}

/// The users of a project.
#[async_trait::async_trait(?Send)]
pub trait Directory: Send + Sync {
    /// The user with this identity, compared in normal form (trimmed, NFC, lower case).
    async fn find(&self, project: &Project, identity: &str) -> Result<Option<UserRow>, Problem>;

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

    /// Changes a user that is there, in the open transaction. A taken address is `identity_taken`.
    async fn change(
        &self,
        project: &Project,
        tx: &WriteTx,
        id: Uuid,
        change: UserChange,
    ) -> Result<(), Problem>;
}
