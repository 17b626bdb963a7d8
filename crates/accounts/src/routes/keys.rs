//! The operation that changes the project's own signing key.

use crate::keys::Rotation;
use crate::service::Ask;
use crate::views::social::{RotateIn, SigningKeyView};
use crate::{Accounts, can};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use gate::openapi::Problems;
use gate::{Body, Caller, NoIdempotency, Problem};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(rotate_keys);
}

/// Changes the key that signs access tokens
///
/// The next key is published at once and signs a day later, so that those who keep the keys know it by then; asked for
/// again meanwhile, the answer is the same key. With `at_once` it signs from now on. The key before stays in the key set
/// until the last token that it signed has ended; with `revoke`, for a key that has leaked, it is gone at once, and what it
/// signed is refused.
#[utoipa::path(operation_id = "rotate_signing_keys", tag = "auth", request_body = RotateIn, responses((status = 200, description = "The next key", body = SigningKeyView), Problems))]
#[post("/v1/auth/keys/rotate")]
async fn rotate_keys(
    caller: Caller<can::SigningKeysRotate>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let at_once = input.optional_bool("at_once").unwrap_or_default();
    let revoke = input.optional_bool("revoke").unwrap_or_default();
    input.finish()?;
    let how = match (revoke, at_once) {
        (true, _) => Rotation::Revoking,
        (false, true) => Rotation::AtOnce,
        (false, false) => Rotation::InADay,
    };
    let ask = Ask::new(&caller, &request)?;
    let key = accounts.rotate_keys(&ask, &caller.by(), how).await?;
    Ok(HttpResponse::Ok().json(key))
}
