//! Operations on the audit logs.

use crate::openapi::ReadProblems;
use crate::views::AuditView;
use crate::wire::{AuditPage, ListParams};
use crate::{Caller, Gate, ListQuery, Problem, can};
use actix_web::get;
use actix_web::web::{Data, Json};
use kernel::Page;

/// Lists acts at the instance, newest first
#[utoipa::path(operation_id = "list_instance_audit", tag = "logs", params(ListParams), responses((status = 200, description = "A page of acts", body = AuditPage), ReadProblems))]
#[get("/admin/v1/audit")]
pub(super) async fn list_instance_audit(
    _caller: Caller<can::LogsRead>,
    query: ListQuery,
    gate: Data<Gate>,
) -> Result<Json<Page<AuditView>>, Problem> {
    gate.list_instance_audit(&query).await.map(Json)
}

/// Lists acts in the project, newest first
#[utoipa::path(operation_id = "list_audit", tag = "audit", params(ListParams), responses((status = 200, description = "A page of acts", body = AuditPage), ReadProblems))]
#[get("/v1/audit")]
pub(super) async fn list_audit(
    caller: Caller<can::AuditRead>,
    query: ListQuery,
    gate: Data<Gate>,
) -> Result<Json<Page<AuditView>>, Problem> {
    gate.list_audit(caller.project()?, &query).await.map(Json)
}
