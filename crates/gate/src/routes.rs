//! The gate's operations: of the instance below `/admin/v1`, and of a project below `/v1`.

mod audit;
mod keys;
mod operators;
mod projects;
mod requests;
mod session;
mod settings;
mod setup;

use crate::Problem;
use kernel::{Code, parse_id};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The operations of the instance. Goes into the scope that is guarded by [`crate::place_guard`] of the instance.
pub fn configure_instance(config: &mut ServiceConfig<'_>) {
    config.service(setup::create_setup);
    config
        .service(session::create_session)
        .service(session::get_session)
        .service(session::delete_session);
    config
        .service(projects::list_projects)
        .service(projects::create_project)
        .service(projects::get_project);
    config
        .service(projects::update_project)
        .service(projects::suspend_project)
        .service(projects::resume_project);
    config
        .service(keys::list_project_keys)
        .service(keys::create_project_key)
        .service(keys::delete_project_key);
    config
        .service(operators::list_operators)
        .service(operators::create_operator);
    config
        .service(operators::get_operator)
        .service(operators::delete_operator);
    config
        .service(audit::list_instance_audit)
        .service(requests::list_requests);
}

/// The operations of a project. Goes into the scope that is guarded by [`crate::place_guard`] of projects.
pub fn configure_project(config: &mut ServiceConfig<'_>) {
    config
        .service(settings::get_settings)
        .service(settings::update_settings)
        .service(settings::make_hook_secret)
        .service(audit::list_audit);
}

/// An id in a path.
fn id(text: &str) -> Result<Uuid, Problem> {
    parse_id(text).ok_or_else(|| Code::InvalidId.into())
}
