//! Operations on projects.

use crate::openapi::{Problems, ReadProblems};
use crate::views::ProjectView;
use crate::wire::{ListParams, ProjectCreate, ProjectPage, ProjectPatch};
use crate::{Body, Caller, Gate, ListQuery, NoIdempotency, Problem, ProjectIn, can};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, get, patch, post};
use kernel::Page;

/// Lists projects
///
/// Members see the projects that they have a role in.
#[utoipa::path(operation_id = "list_projects", tag = "projects", params(ListParams), responses((status = 200, description = "A page of projects", body = ProjectPage), ReadProblems))]
#[get("/admin/v1/projects")]
pub(super) async fn list_projects(
    caller: Caller<can::ProjectsRead>,
    query: ListQuery,
    gate: Data<Gate>,
) -> Result<Json<Page<ProjectView>>, Problem> {
    let reach = gate.reach(caller.who()).await?;
    gate.list_projects(&reach, &query).await.map(Json)
}

/// Creates a project
///
/// Its database is ready when this answers. 409 `project_taken` when the id is another project's.
#[utoipa::path(operation_id = "create_project", tag = "projects", request_body = ProjectCreate, responses((status = 201, description = "The project", body = ProjectView), Problems))]
#[post("/admin/v1/projects")]
pub(super) async fn create_project(
    caller: Caller<can::ProjectsWrite>,
    _once: NoIdempotency,
    body: Body,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    let made = gate
        .create_project(&caller.by(), ProjectIn::read(body.input())?)
        .await?;
    Ok(HttpResponse::Created().json(made))
}

/// Gets a project
#[utoipa::path(operation_id = "get_project", tag = "projects", params(("id" = String, Path, description = "The project's id")), responses((status = 200, description = "The project", body = ProjectView), ReadProblems))]
#[get("/admin/v1/projects/{id}")]
pub(super) async fn get_project(
    caller: Caller<can::ProjectsRead>,
    id: Path<String>,
    gate: Data<Gate>,
) -> Result<Json<ProjectView>, Problem> {
    let reach = gate.reach(caller.who()).await?;
    gate.get_project(&reach, &id).await.map(Json)
}

/// Renames a project
///
/// Only the name that people read changes; the id stays for good.
#[utoipa::path(operation_id = "update_project", tag = "projects", params(("id" = String, Path, description = "The project's id")), request_body = ProjectPatch, responses((status = 200, description = "The project", body = ProjectView), Problems))]
#[patch("/admin/v1/projects/{id}")]
pub(super) async fn update_project(
    caller: Caller<can::ProjectsWrite>,
    _once: NoIdempotency,
    id: Path<String>,
    body: Body,
    gate: Data<Gate>,
) -> Result<Json<ProjectView>, Problem> {
    let reach = gate.reach(caller.who()).await?;
    let mut input = body.input();
    let name = input.text("name", 1, 100);
    input.finish()?;
    gate.rename_project(&reach, &caller.by(), &id, name)
        .await
        .map(Json)
}

/// Suspends a project
///
/// From now on every request to it is answered 503 `project_suspended`. Doing it twice changes nothing.
#[utoipa::path(operation_id = "suspend_project", tag = "projects", params(("id" = String, Path, description = "The project's id")), responses((status = 200, description = "The project", body = ProjectView), Problems))]
#[post("/admin/v1/projects/{id}/suspend")]
pub(super) async fn suspend_project(
    caller: Caller<can::ProjectsWrite>,
    _once: NoIdempotency,
    id: Path<String>,
    gate: Data<Gate>,
) -> Result<Json<ProjectView>, Problem> {
    let reach = gate.reach(caller.who()).await?;
    gate.suspend_project(&reach, &caller.by(), &id, true)
        .await
        .map(Json)
}

/// Resumes a suspended project
#[utoipa::path(operation_id = "resume_project", tag = "projects", params(("id" = String, Path, description = "The project's id")), responses((status = 200, description = "The project", body = ProjectView), Problems))]
#[post("/admin/v1/projects/{id}/resume")]
pub(super) async fn resume_project(
    caller: Caller<can::ProjectsWrite>,
    _once: NoIdempotency,
    id: Path<String>,
    gate: Data<Gate>,
) -> Result<Json<ProjectView>, Problem> {
    let reach = gate.reach(caller.who()).await?;
    gate.suspend_project(&reach, &caller.by(), &id, false)
        .await
        .map(Json)
}
