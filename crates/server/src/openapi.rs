//! The API documents: one of the instance, and one per project made of the static routes and its live collections.

use crate::app;
use actix_web::http::header;
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, get};
use gate::{Caller, Place, Problem, Project};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

/// Who may read the documents.
pub mod can {
    use gate::{Holders, InProject};

    gate::permissions! {
        /// Reads the project's API document.
        DocumentRead = "openapi.read", InProject, Holders::Everyone;
    }
}

/// Who may read the instance's document.
mod at_instance {
    use gate::{Holders, InInstance};

    gate::permissions! {
        /// Reads the instance's API document.
        DocumentRead = "instance_openapi.read", InInstance, Holders::Everyone;
    }
}

/// The static parts, made once at start and kept as text: as values they take a dozen times the room, and they are
/// asked for rarely.
pub struct Documents {
    instance: Box<str>,
    project: Box<str>,
}

impl Documents {
    /// Collects the routes. The second is the same for the front door, which tells a wrong method from a wrong address
    /// by it.
    #[must_use]
    pub fn collect() -> (Self, [(Place, utoipa::openapi::OpenApi); 2]) {
        let (instance, project) = (collect(app::instance_routes), collect(app::project_routes));
        let documents = Self {
            instance: document("Galley", &instance),
            project: document("Galley project", &project),
        };
        let typed = [(Place::Instance, instance), (Place::Project, project)];
        (documents, typed)
    }

    /// The instance's document.
    #[must_use]
    pub fn instance(&self, public_url: &str) -> Value {
        let mut document = parsed(&self.instance);
        document["servers"] = json!([{"url": public_url}]);
        document
    }

    /// A project's document.
    #[must_use]
    pub fn project(&self, project: &Project, schema: &data::Schema) -> Value {
        let mut document = parsed(&self.project);
        let taken = taken(&document);
        document["info"]["title"] = project.name.as_str().into();
        document["info"]["version"] = format!("1.{}", schema.version).into();
        document["servers"] = json!([{"url": project.issuer}]);
        let (paths, schemas) = data::openapi::document(schema, &taken);
        merge(&mut document, "/paths", paths);
        merge(&mut document, "/components/schemas", schemas);
        document
    }
}

/// One of our own texts.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn merge(document: &mut Value, place: &str, more: Map<String, Value>) {
    if let Some(Value::Object(object)) = document.pointer_mut(place) {
        object.extend(more);
    }
}

/// The operation ids and schema names of the static part.
fn taken(document: &Value) -> BTreeSet<String> {
    let operations = document["paths"]
        .as_object()
        .into_iter()
        .flat_map(|p| p.values())
        .filter_map(Value::as_object);
    let ids = operations
        .flat_map(|o| o.values())
        .filter_map(|o| o["operationId"].as_str());
    let schemas = document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|s| s.keys());
    ids.map(str::to_owned).chain(schemas.cloned()).collect()
}

fn collect(routes: fn(&mut ServiceConfig<'_>)) -> utoipa::openapi::OpenApi {
    let (_, mut collected) = App::new()
        .into_utoipa_app()
        .configure(routes)
        .split_for_parts();
    gate::openapi::complete(&mut collected);
    collected
}

fn document(title: &str, collected: &utoipa::openapi::OpenApi) -> Box<str> {
    let mut document = serde_json::to_value(collected).unwrap_or_default();
    document["info"] = json!({
        "title": title,
        "version": "1",
        "description": "Errors are problem+json (RFC 9457). Times are UTC, ids are UUIDs, names are snake_case.",
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"}
    });
    document.to_string().into()
}

pub(crate) fn configure_project(config: &mut ServiceConfig<'_>) {
    config.service(project_document);
}

pub(crate) fn configure_instance(config: &mut ServiceConfig<'_>) {
    config.service(instance_document);
}

/// The project's API document; its ETag changes with the schema.
#[utoipa::path(operation_id = "get_openapi", tag = "openapi", security(()), responses((status = 200, description = "The document", body = Object), (status = 304, description = "It has not changed"), gate::openapi::Problems))]
#[get("/v1/openapi.json")]
async fn project_document(
    caller: Caller<can::DocumentRead>,
    documents: Data<Documents>,
    data: web::Data<data::Data>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let project = caller.project()?;
    let schema = data.schema(project).await?;
    let etag = format!("\"{}-{}\"", env!("CARGO_PKG_VERSION"), schema.version);
    let known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .is_some_and(|v| v.as_bytes() == etag.as_bytes());
    Ok(if known {
        HttpResponse::NotModified().finish()
    } else {
        HttpResponse::Ok()
            .insert_header((header::ETAG, etag))
            .json(documents.project(project, &schema))
    })
}

/// The instance's API document.
#[utoipa::path(operation_id = "get_instance_openapi", tag = "openapi", security(()), responses((status = 200, description = "The document", body = Object), gate::openapi::Problems))]
#[get("/admin/v1/openapi.json")]
async fn instance_document(
    _caller: Caller<at_instance::DocumentRead>,
    documents: Data<Documents>,
    gate: Data<gate::Gate>,
) -> HttpResponse {
    HttpResponse::Ok().json(documents.instance(gate.public_url()))
}
