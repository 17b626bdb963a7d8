//! The addresses of collections and records.

mod alter;
mod batch;
mod changes;
mod collections;
mod explain;
mod records;

use utoipa_actix_web::service_config::ServiceConfig;

/// Adds this crate's routes to the scope of a project.
pub fn configure(config: &mut ServiceConfig<'_>) {
    alter::configure(config);
    changes::configure(config);
    collections::configure(config);
    explain::configure(config);
    records::configure(config);
    batch::configure(config);
}
