//! Operations on the request log.

use crate::openapi::ReadProblems;
use crate::service::RequestsQuery;
use crate::views::RequestView;
use crate::wire::{ListParams, RequestPage, RequestParams};
use crate::{Caller, Gate, Problem, QueryInput, can};
use actix_web::get;
use actix_web::web::{Data, Json};
use kernel::Page;

/// Lists requests that this node answered, newest first
///
/// At most 200 of a second are kept, errors and slow ones first; never bodies, tokens or query values.
#[utoipa::path(operation_id = "list_requests", tag = "logs", params(ListParams, RequestParams), responses((status = 200, description = "A page of requests", body = RequestPage), ReadProblems))]
#[get("/admin/v1/requests")]
pub(super) async fn list_requests(
    _caller: Caller<can::LogsRead>,
    query: QueryInput,
    gate: Data<Gate>,
) -> Result<Json<Page<RequestView>>, Problem> {
    gate.list_requests(&RequestsQuery::read(query)?)
        .await
        .map(Json)
}
