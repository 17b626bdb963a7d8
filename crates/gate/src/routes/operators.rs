//! Operations on operators.

use super::id;
use crate::openapi::{Problems, ReadProblems};
use crate::views::OperatorView;
use crate::wire::{ListParams, OperatorCreate, OperatorPage};
use crate::{Body, Caller, Gate, ListQuery, NoIdempotency, OperatorIn, Problem, can};
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, delete, get, post};
use kernel::Page;

/// Lists operators
#[utoipa::path(operation_id = "list_operators", tag = "operators", params(ListParams), responses((status = 200, description = "A page of operators", body = OperatorPage), ReadProblems))]
#[get("/admin/v1/operators")]
pub(super) async fn list_operators(
    _caller: Caller<can::OperatorsRead>,
    query: ListQuery,
    gate: Data<Gate>,
) -> Result<Json<Page<OperatorView>>, Problem> {
    gate.list_operators(&query).await.map(Json)
}

/// Adds an operator
///
/// 409 `operator_taken` when there is one with this address.
#[utoipa::path(operation_id = "create_operator", tag = "operators", request_body = OperatorCreate, responses((status = 201, description = "The operator", body = OperatorView), Problems))]
#[post("/admin/v1/operators")]
pub(super) async fn create_operator(
    caller: Caller<can::OperatorsWrite>,
    _once: NoIdempotency,
    body: Body,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    let made = gate
        .create_operator(&caller.by(), OperatorIn::read(body.input())?)
        .await?;
    Ok(HttpResponse::Created().json(made))
}

/// Gets an operator
#[utoipa::path(operation_id = "get_operator", tag = "operators", params(("id" = uuid::Uuid, Path, description = "The operator's id")), responses((status = 200, description = "The operator", body = OperatorView), ReadProblems))]
#[get("/admin/v1/operators/{id}")]
pub(super) async fn get_operator(
    _caller: Caller<can::OperatorsRead>,
    path: Path<String>,
    gate: Data<Gate>,
) -> Result<Json<OperatorView>, Problem> {
    gate.get_operator(id(&path)?).await.map(Json)
}

/// Removes an operator
///
/// Its sessions end at once. 409 `last_operator` for the last owner.
#[utoipa::path(operation_id = "delete_operator", tag = "operators", params(("id" = uuid::Uuid, Path, description = "The operator's id")), responses((status = 204, description = "Removed"), Problems))]
#[delete("/admin/v1/operators/{id}")]
pub(super) async fn delete_operator(
    caller: Caller<can::OperatorsWrite>,
    _once: NoIdempotency,
    path: Path<String>,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    gate.delete_operator(&caller.by(), id(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}
