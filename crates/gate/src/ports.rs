//! What the gate needs of the crate that owns user sessions.

use crate::{Problem, Project, UserAuth};
use kernel::{FieldError, Stamp};

/// Verifies access tokens of a project's users.
#[async_trait::async_trait(?Send)]
pub trait UserTokens: Send + Sync {
    /// The user behind `token`, or a 401. A session that ended is refused within a second, on every node.
    async fn verify(&self, project: &Project, token: &str, now: Stamp)
    -> Result<UserAuth, Problem>;
}

/// Judges settings by what only a service knows, before they are written.
#[async_trait::async_trait(?Send)]
pub trait SettingsCheck: Send + Sync {
    /// What is wrong with the identities: each must be built in, or a unique text field of the collection `users`.
    async fn identities(
        &self,
        project: &Project,
        identities: &[String],
    ) -> Result<Vec<FieldError>, Problem>;
}
