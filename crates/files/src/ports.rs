//! What files need of the crate that owns records; the server brings the two together.

use crate::service::Asker;
use gate::{Problem, Project};
use uuid::Uuid;

/// Decides about files that fields of records hold.
#[async_trait::async_trait(?Send)]
pub trait OwnerGate: Send + Sync {
    /// Whether the asker may read the file that this field of this record holds: the record's view rule and the field's
    /// read rule say so. False for a record that is not there. Not asked for callers who pass rules.
    async fn may_read(
        &self,
        project: &Project,
        asker: &Asker,
        collection: &str,
        record: Uuid,
        field: &str,
    ) -> Result<bool, Problem>;
}
