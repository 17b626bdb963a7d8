//! What the gate needs of the crate that owns user sessions.

use crate::{Problem, Project, UserAuth};
use kernel::Stamp;

/// Verifies access tokens of a project's users.
#[async_trait::async_trait(?Send)]
pub trait UserTokens: Send + Sync {
    /// The user behind `token`, or a 401. A session that ended is refused within a second, on every node.
    async fn verify(&self, project: &Project, token: &str, now: Stamp)
    -> Result<UserAuth, Problem>;
}
