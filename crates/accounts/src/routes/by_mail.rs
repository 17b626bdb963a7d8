//! The operations that sign in with what was sent by mail, and the one that tells an app what it may offer.

use crate::mail::Template;
use crate::model::{CodeAnswer, OneTime, ToAddress};
use crate::service::Ask;
use crate::views::{ChallengeView, CodeAnswerIn, EnteredView, MethodsView, OneTimeIn, ToAddressIn};
use crate::{Accounts, can};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use gate::openapi::{Problems, ReadProblems};
use gate::{Body, Caller, NoIdempotency, Problem};
use utoipa_actix_web::service_config::ServiceConfig;

use super::SECRET;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(get_methods)
        .service(request_code)
        .service(sign_in_code)
        .service(request_magic_link)
        .service(sign_in_magic_link);
}

/// What an app may offer
///
/// The ways by which the project's users sign in, as its settings say.
#[utoipa::path(operation_id = "get_auth_methods", tag = "auth", security(()), responses((status = 200, description = "The ways", body = MethodsView), ReadProblems))]
#[get("/v1/auth/methods")]
async fn get_methods(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
) -> Result<HttpResponse, Problem> {
    let settings = caller.project()?.settings();
    Ok(HttpResponse::Ok().json(MethodsView::new(&settings)))
}

/// Asks for a code to sign in with
///
/// 202 whether or not there is such an account. The code goes to the address, and is good together with the challenge
/// that is answered here. 403 `method_disabled` where the project's users do not sign in this way.
#[utoipa::path(operation_id = "request_sign_in_code", tag = "auth", request_body = ToAddressIn, security(()), responses((status = 202, description = "Taken", body = ChallengeView), Problems))]
#[post("/v1/auth/sign-in/code/request")]
async fn request_code(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = ToAddress::parse(body.input())?;
    let challenge_id = accounts
        .request_code(&Ask::new(&caller, &request)?, form)
        .await?;
    let expires_in = Template::Code.life().as_secs();
    Ok(HttpResponse::Accepted()
        .insert_header(SECRET)
        .json(ChallengeView {
            challenge_id,
            expires_in,
        }))
}

/// Signs in with a code
///
/// A code has five guesses, and all codes of an account twenty in an hour. 400 `invalid_token` when the code or the
/// challenge is wrong, used or out of date. It verifies the address; if nobody had verified it before, the password and
/// the sessions that were there are gone.
#[utoipa::path(operation_id = "sign_in_code", tag = "auth", request_body = CodeAnswerIn, security(()), responses((status = 200, description = "Signed in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-in/code")]
async fn sign_in_code(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = CodeAnswer::parse(body.input())?;
    let done = accounts
        .sign_in_code(&Ask::new(&caller, &request)?, form)
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(EnteredView::from(done)))
}

/// Asks for a link to sign in with
///
/// 202 whether or not there is such an account. The link shows a page, whose button leads to the project's
/// `brand.app_url` with `#token=...`; the app signs in with that token within a minute.
#[utoipa::path(operation_id = "request_magic_link", tag = "auth", request_body = ToAddressIn, security(()), responses((status = 202, description = "Taken"), Problems))]
#[post("/v1/auth/sign-in/link/request")]
async fn request_magic_link(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = ToAddress::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    accounts.request_link(&ask, form).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Signs in with a link
///
/// With the secret of the link, or with the token that its page gave to the app. 400 `invalid_token` when it is wrong,
/// used or out of date. It verifies the address; if nobody had verified it before, the password and the sessions that
/// were there are gone.
#[utoipa::path(operation_id = "sign_in_magic_link", tag = "auth", request_body = OneTimeIn, security(()), responses((status = 200, description = "Signed in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-in/link")]
async fn sign_in_magic_link(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = OneTime::parse(body.input())?;
    let done = accounts
        .sign_in_link(&Ask::new(&caller, &request)?, form)
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(EnteredView::from(done)))
}
