//! The addresses of buckets and files.

mod buckets;
mod files;

use crate::service::Asker;
use actix_web::{HttpRequest, web};
use gate::{Caller, Permission};
use serde_json::Map;
use utoipa_actix_web::service_config::ServiceConfig;

/// Adds the operations to a project's routes. They need [`crate::Files`] as the app's data.
pub fn configure_project(config: &mut ServiceConfig<'_>) {
    buckets::configure(config);
    files::configure(config);
}

/// Who asks, with what rules may read of the request.
fn asker<P: Permission>(caller: &Caller<P>, request: &HttpRequest) -> Asker {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = pairs.map(web::Query::into_inner).unwrap_or_default();
    let query: Map<String, serde_json::Value> = pairs
        .into_iter()
        .filter(|(_, v)| !v.contains('\0'))
        .map(|(n, v)| (n, v.into()))
        .collect();
    Asker::new(
        caller.who(),
        caller.now(),
        request.method().as_str(),
        caller.network(),
        query,
        caller.request_id(),
    )
}
