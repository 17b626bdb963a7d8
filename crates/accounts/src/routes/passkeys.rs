//! The operations of passkeys.

use crate::model::factors::{MakePasskey, PasskeyPatch, ShowPasskey};
use crate::service::Ask;
use crate::views::EnteredView;
use crate::views::factors::{
    CeremonyView, EntryPasskeyIn, PasskeyIn, PasskeyPatchIn, PasskeyView, PasskeysView,
};
use crate::{Accounts, can};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use gate::openapi::{Problems, ReadProblems};
use gate::{Body, Caller, NoIdempotency, Problem};
use kernel::Code;
use utoipa_actix_web::service_config::ServiceConfig;

use super::SECRET;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(begin_passkey_sign_in)
        .service(sign_in_passkey)
        .service(begin_passkey)
        .service(create_passkey);
    config
        .service(list_passkeys)
        .service(update_passkey)
        .service(delete_passkey);
}

/// Asks for a passkey to sign in with
///
/// Of whomever the authenticator knows: no identity is typed. 403 `method_disabled` where the project's users do not sign
/// in this way.
#[utoipa::path(operation_id = "begin_passkey_sign_in", tag = "auth", security(()), responses((status = 200, description = "What to ask the browser", body = CeremonyView), Problems))]
#[post("/v1/auth/sign-in/passkey/options")]
async fn begin_passkey_sign_in(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let begun = accounts.begin_passkey_sign_in(&ask).await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(CeremonyView::from(begun)))
}

/// Signs in with a passkey
///
/// Its authenticator must have verified its user, so that it counts for two factors: `aal` 2. 400 `invalid_factor` when
/// the answer is not good, `invalid_token` when the ceremony is over, answered, or another one.
#[utoipa::path(operation_id = "sign_in_passkey", tag = "auth", request_body = EntryPasskeyIn, security(()), responses((status = 200, description = "Signed in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-in/passkey")]
async fn sign_in_passkey(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let ask = Ask::entering(&caller, &request, &mut input)?;
    let form = ShowPasskey::parse(input)?;
    let done = accounts.sign_in_passkey(&ask, form).await?;
    Ok(accounts.entered(&ask, StatusCode::OK, done))
}

/// Begins the making of a passkey
///
/// 403 `reauth_required` when the last proof is older than five minutes, `second_factor_required` where a second factor
/// is there and was not shown: see `/v1/auth/step-up`.
#[utoipa::path(operation_id = "begin_passkey", tag = "auth", responses((status = 200, description = "What to ask the browser", body = CeremonyView), Problems))]
#[post("/v1/auth/passkeys/options")]
async fn begin_passkey(
    caller: Caller<can::PasskeysWrite>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let begun = accounts.begin_passkey(&ask, caller.user()?).await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(CeremonyView::from(begun)))
}

/// Keeps a passkey that was made
///
/// At most 20 of a user. With `second_factor` it is asked for after a password from now on, by every device: make
/// recovery codes with it (`/v1/auth/recovery-codes`).
#[utoipa::path(operation_id = "create_passkey", tag = "auth", request_body = PasskeyIn, responses((status = 201, description = "Kept", body = PasskeyView), Problems))]
#[post("/v1/auth/passkeys")]
async fn create_passkey(
    caller: Caller<can::PasskeysWrite>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = MakePasskey::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    let row = accounts.make_passkey(&ask, caller.user()?, form).await?;
    Ok(HttpResponse::Created().json(PasskeyView::from(row)))
}

/// Lists one's passkeys
#[utoipa::path(operation_id = "list_passkeys", tag = "auth", responses((status = 200, description = "The passkeys", body = PasskeysView), ReadProblems))]
#[get("/v1/auth/passkeys")]
async fn list_passkeys(
    caller: Caller<can::FactorsRead>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let rows = accounts.passkeys(&ask, caller.user()?).await?;
    Ok(HttpResponse::Ok().json(PasskeysView::new(rows)))
}

/// Changes a passkey's name, or whether it is asked for
///
/// The latter needs a recent proof, as making one does.
#[utoipa::path(operation_id = "update_passkey", tag = "auth", request_body = PasskeyPatchIn, params(("id" = uuid::Uuid, Path, description = "The passkey")), responses((status = 200, description = "Changed", body = PasskeyView), Problems))]
#[patch("/v1/auth/passkeys/{id}")]
async fn update_passkey(
    caller: Caller<can::PasskeysWrite>,
    _once: NoIdempotency,
    id: Path<String>,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let id = kernel::parse_id(&id).ok_or(Code::InvalidId)?;
    let (patch, ask) = (
        PasskeyPatch::parse(body.input())?,
        Ask::new(&caller, &request)?,
    );
    let user = caller.user()?;
    let row = accounts.update_passkey(&ask, user, id, patch).await?;
    Ok(HttpResponse::Ok().json(PasskeyView::from(row)))
}

/// Removes a passkey
///
/// Needs a recent proof, as making one does. 409 `last_way_in` when its user could not sign in without it.
#[utoipa::path(operation_id = "delete_passkey", tag = "auth", params(("id" = uuid::Uuid, Path, description = "The passkey")), responses((status = 204, description = "Removed"), Problems))]
#[delete("/v1/auth/passkeys/{id}")]
async fn delete_passkey(
    caller: Caller<can::PasskeysWrite>,
    _once: NoIdempotency,
    id: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let id = kernel::parse_id(&id).ok_or(Code::InvalidId)?;
    let ask = Ask::new(&caller, &request)?;
    accounts.delete_passkey(&ask, caller.user()?, id).await?;
    Ok(HttpResponse::NoContent().finish())
}
