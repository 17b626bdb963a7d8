//! The addresses of collections and records.

mod address;
mod alter;
mod batch;
mod changes;
mod collections;
mod explain;
mod records;

use utoipa_actix_web::service_config::ServiceConfig;

/// Adds this crate's routes to the scope of a project. Each is looked at in turn for a request: those of records come
/// first, since they are what is asked for most.
pub fn configure(config: &mut ServiceConfig<'_>) {
    records::configure(config);
    alter::configure(config);
    changes::configure(config);
    collections::configure(config);
    explain::configure(config);
    batch::configure(config);
}
