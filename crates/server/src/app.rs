//! The HTTP server: the front door, one scope per place, and the documents.

use crate::openapi::Documents;
use crate::sites::{self, Sites};
use crate::wiring::Services;
use crate::{dashboard, health, openapi};
use actix_web::web::{self, Data};
use gate::{Place, place_guard};
use std::sync::Arc;
use utoipa_actix_web::service_config::ServiceConfig;

/// What every worker's app is made of.
#[derive(Clone)]
pub struct AppParts {
    /// The services.
    pub services: Services,
    /// The API documents.
    pub documents: Arc<Documents>,
    /// Whether the server takes new requests.
    pub health: health::Health,
    /// Static sites.
    pub sites: Sites,
}

/// All routes of a project. The records come first: they are what is asked for most.
pub fn project_routes(config: &mut ServiceConfig<'_>) {
    data::configure(config);
    accounts::configure_project(config);
    files::configure_project(config);
    push::configure_project(config);
    gate::configure_project(config);
    openapi::configure_project(config);
}

/// All routes of the instance.
pub fn instance_routes(config: &mut ServiceConfig<'_>) {
    gate::configure_instance(config);
    health::configure(config);
    openapi::configure_instance(config);
}

/// Adds the two scopes and what their handlers share. The front door is wrapped around by the caller.
pub fn configure(config: &mut web::ServiceConfig, parts: &AppParts) {
    let AppParts {
        services,
        documents,
        health,
        sites,
    } = parts.clone();
    config
        .app_data(Data::new(services.gate))
        .app_data(Data::new(services.accounts))
        .app_data(Data::new(services.data))
        .app_data(Data::new(services.files))
        .app_data(Data::new(services.push))
        .app_data(Data::from(documents))
        .app_data(Data::new(health))
        .app_data(Data::new(sites));
    let scope = |place, routes: fn(&mut ServiceConfig<'_>)| {
        web::scope("")
            .guard(place_guard(place))
            .configure(move |config| routes(&mut ServiceConfig::new(config)))
    };
    // Pages are no operations: they are not in the documents.
    config
        .service(
            scope(Place::Project, project_routes)
                .configure(dashboard::configure_project)
                .configure(accounts::configure_pages)
                .default_service(web::to(sites::serve)),
        )
        .service(scope(Place::Instance, instance_routes).configure(dashboard::configure_instance));
}
