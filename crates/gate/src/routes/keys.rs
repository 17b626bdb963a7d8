//! Operations on project keys.

use super::id;
use crate::openapi::{Problems, ReadProblems};
use crate::views::{KeyView, NewKeyView};
use crate::wire::{ListParams, ProjectKeyCreate, ProjectKeyPage};
use crate::{Body, Caller, Gate, ListQuery, NoIdempotency, Problem, can};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, delete, get, post};
use kernel::Page;

/// Lists a project's keys
///
/// The keys themselves were shown once, when they were made.
#[utoipa::path(operation_id = "list_project_keys", tag = "keys", params(("id" = String, Path, description = "The project's id"), ListParams), responses((status = 200, description = "A page of keys", body = ProjectKeyPage), ReadProblems))]
#[get("/admin/v1/projects/{id}/keys")]
pub(super) async fn list_project_keys(
    caller: Caller<can::KeysRead>,
    project: Path<String>,
    query: ListQuery,
    gate: Data<Gate>,
) -> Result<Json<Page<KeyView>>, Problem> {
    let reach = gate.reach(caller.who()).await?;
    gate.list_keys(&reach, &project, &query).await.map(Json)
}

/// Creates a project key
///
/// `key` is shown here and never again: only its hash is kept.
#[utoipa::path(operation_id = "create_project_key", tag = "keys", params(("id" = String, Path, description = "The project's id")), request_body = ProjectKeyCreate, responses((status = 201, description = "The key", body = NewKeyView), Problems))]
#[post("/admin/v1/projects/{id}/keys")]
pub(super) async fn create_project_key(
    caller: Caller<can::KeysWrite>,
    _once: NoIdempotency,
    project: Path<String>,
    body: Body,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    let reach = gate.reach(caller.who()).await?;
    let new = gate.read_key(body.input(), caller.now())?;
    let (view, key) = gate.create_key(&reach, &caller.by(), &project, new).await?;
    Ok(HttpResponse::Created().json(NewKeyView { key, view }))
}

/// Revokes a project key
///
/// At once on this node, within a second on others.
#[utoipa::path(operation_id = "delete_project_key", tag = "keys", params(("id" = String, Path, description = "The project's id"), ("key_id" = uuid::Uuid, Path, description = "The key's id")), responses((status = 204, description = "Revoked"), Problems))]
#[delete("/admin/v1/projects/{id}/keys/{key_id}")]
pub(super) async fn delete_project_key(
    caller: Caller<can::KeysWrite>,
    _once: NoIdempotency,
    path: Path<(String, String)>,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    let reach = gate.reach(caller.who()).await?;
    gate.delete_key(&reach, &caller.by(), &path.0, id(&path.1)?)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
