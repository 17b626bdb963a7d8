//! The addresses of collections and records.

mod batch;
mod changes;
mod collections;
mod explain;
mod records;

use utoipa_actix_web::service_config::ServiceConfig;

/// Adds this crate's routes to the scope of a project.
pub fn configure(config: &mut ServiceConfig<'_>) {
    changes::configure(config);
    collections::configure(config);
    explain::configure(config);
    records::configure(config);
    batch::configure(config);
}
