//! The addresses of collections and records.

mod batch;
mod collections;
mod records;

use utoipa_actix_web::service_config::ServiceConfig;

/// Adds this crate's routes to the scope of a project.
pub fn configure(config: &mut ServiceConfig<'_>) {
    collections::configure(config);
    records::configure(config);
    batch::configure(config);
}
