//! Many operations in one request, all or none.

use super::records::{asker, options, written};
use crate::can;
use crate::records::operation_count;
use crate::service::Data;
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse, post};
use gate::{Body, Caller, Idempotent, Problem};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(write_batch);
}

/// Operations that all succeed, or have no effect at all.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Data::batch` reads")]
#[schema(as = Batch)]
struct BatchIn {
    /// The operations, in their order: later ones see what earlier ones did.
    #[schema(min_items = 1, max_items = 1000)]
    operations: Vec<OperationIn>,
}

/// What is done to one record, as if it stood alone.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Data::batch` reads")]
#[schema(as = BatchOperation)]
struct OperationIn {
    /// `upsert` makes the record, or changes the one that has the id.
    op: OpIn,
    /// The collection.
    collection: String,
    /// The record's id; a record that is made may leave it out.
    #[schema(required = false, nullable = false)]
    id: Option<uuid::Uuid>,
    /// The fields, as the collection's own operations take them; where a record is made, with the records that are made
    /// in it.
    #[schema(required = false, nullable = false, value_type = Object)]
    data: Option<serde_json::Value>,
    /// The version that the record must have; not where one is made.
    #[schema(required = false, nullable = false)]
    if_match: Option<i64>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `Data::batch` reads")]
#[schema(as = BatchOp)]
enum OpIn {
    Create,
    Update,
    Delete,
    Upsert,
}

/// What the operations have done, in their order.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Data::batch` answers")]
struct BatchResults {
    /// One for each operation.
    results: Vec<BatchResult>,
}

/// What an operation has done.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Data::batch` answers")]
struct BatchResult {
    /// 201 made, 200 changed, 204 deleted.
    #[schema(minimum = 200, maximum = 204)]
    status: i32,
    /// The record's id.
    id: uuid::Uuid,
    /// The record; absent where it is deleted or the caller may not view it.
    #[schema(required = false, nullable = false, value_type = Object)]
    record: Option<serde_json::Value>,
}

/// Does up to 1,000 operations in one transaction: all of them, or none. Each counts against the caller's limit, and each
/// record that is made in another counts as an operation. The problem of the operation that fails names it in `detail` and in the paths of `errors`.
#[utoipa::path(tag = "records", security((), ("bearer" = [])), request_body = BatchIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "16 to 128 characters; makes a retry safe for 24 hours."),
           ("Prefer" = Option<String>, Header, description = "return=minimal leaves the results out of the answer.")),
    responses((status = 200, description = "All of it is done", body = BatchResults), (status = 204, description = "Done; asked for with Prefer: return=minimal."), gate::openapi::Problems))]
#[post("/v1/batch")]
async fn write_batch(
    caller: Caller<can::RecordsWrite>,
    data: web::Data<Data>,
    key: Idempotent,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    gate::charge(&request, operation_count(&body.object))?;
    let claim = options(&caller, &key, &request, &body.bytes)?.claim;
    let asker = asker(&caller, &request);
    let project = caller.project()?;
    let answer = data.batch(project, &asker, body.object, claim).await?;
    Ok(written(answer, &request))
}
