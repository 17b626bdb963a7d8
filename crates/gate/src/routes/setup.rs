//! The operation by which the first operator is made.

use crate::openapi::Problems;
use crate::views::OperatorView;
use crate::wire::SetUp;
use crate::{Body, Caller, Gate, NoIdempotency, OperatorIn, Problem, can};
use actix_web::web::Data;
use actix_web::{HttpResponse, post};

/// Makes the first operator
///
/// With the secret of the link that the server printed when it started. It works once: 400 `invalid_token` for any other,
/// 409 `setup_done` when there is an operator.
#[utoipa::path(operation_id = "create_setup", tag = "setup", security(()), request_body = SetUp, responses((status = 201, description = "The operator", body = OperatorView), Problems))]
#[post("/admin/v1/setup")]
pub(super) async fn create_setup(
    caller: Caller<can::InstanceOpen>,
    _once: NoIdempotency,
    body: Body,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let token = input.text("token", 1, 200);
    let made = gate
        .set_up(&caller.by(), &token, OperatorIn::read_owner(input)?)
        .await?;
    Ok(HttpResponse::Created().json(made))
}
