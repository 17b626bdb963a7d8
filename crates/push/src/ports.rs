//! What push needs of the crate that owns user sessions; the server brings the two together.

use gate::{Problem, Project};
use kernel::Stamp;
use std::collections::HashSet;
use uuid::Uuid;

/// The sessions of a project's users.
///
/// A device belongs to the session that registered it. Push asks this port for the sessions of each batch right before
/// it sends, so that a device is never sent to after its user signed out, whoever ended the session and however: it
/// needs no hook in the crate that does so. [`crate::Push::sessions_ended`] is there to remove devices at once.
#[async_trait::async_trait(?Send)]
pub trait Sessions: Send + Sync {
    /// Which of these sessions live: neither ended nor expired, of users who exist and may sign in.
    async fn alive(
        &self,
        project: &Project,
        sessions: &[Uuid],
        now: Stamp,
    ) -> Result<HashSet<Uuid>, Problem>;
}
