//! The operations that go by mail: verifying an address, setting a new password, accepting an invitation, changing the
//! address.
//!
//! Whoever asks for a mail is answered the same whether or not the address has an account.

use crate::model::{EmailChange, OneTime, Reset, ToAddress};
use crate::service::Ask;
use crate::views::{
    EmailChangeIn, EmailChangeView, EnteredView, InvitationAcceptIn, OneTimeIn, ResetIn,
    ToAddressIn,
};
use crate::{Accounts, can};
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use gate::openapi::Problems;
use gate::{Body, Caller, NoIdempotency, Problem};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(request_verification)
        .service(confirm_verification)
        .service(request_password_reset)
        .service(confirm_password_reset)
        .service(accept_invitation)
        .service(request_email_change)
        .service(confirm_email_change);
}

/// Asks for a mail that verifies an address
///
/// 202 whether or not there is such an account; a mail is sent if there is one that is not verified yet. One address
/// gets ten mails an hour at most, unless the server is set otherwise.
#[utoipa::path(operation_id = "request_verification", tag = "auth", request_body = ToAddressIn, security(()), responses((status = 202, description = "Taken"), Problems))]
#[post("/v1/auth/verification")]
async fn request_verification(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = ToAddress::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    accounts.request_verification(&ask, form).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Verifies an address
///
/// With the secret of the mail. 400 `invalid_token` when it is wrong, used or out of date.
#[utoipa::path(operation_id = "confirm_verification", tag = "auth", request_body = OneTimeIn, security(()), responses((status = 204, description = "Verified"), Problems))]
#[post("/v1/auth/verification/confirm")]
async fn confirm_verification(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = OneTime::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    accounts.confirm_verification(&ask, form).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Asks for a mail that leads to a new password
///
/// 202 whether or not there is such an account. The link in the mail is good for an hour; a later one replaces it.
#[utoipa::path(operation_id = "request_password_reset", tag = "auth", request_body = ToAddressIn, security(()), responses((status = 202, description = "Taken"), Problems))]
#[post("/v1/auth/password-reset")]
async fn request_password_reset(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = ToAddress::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    accounts.request_reset(&ask, form).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Sets a new password
///
/// With the secret of the mail. Ends all sessions of the account and verifies its address; nobody is signed in by it.
/// 400 `invalid_token` when the secret is wrong, used, out of date, or the account's address or password was changed
/// since.
#[utoipa::path(operation_id = "confirm_password_reset", tag = "auth", request_body = ResetIn, security(()), responses((status = 204, description = "Set"), Problems))]
#[post("/v1/auth/password-reset/confirm")]
async fn confirm_password_reset(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = Reset::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    accounts.confirm_reset(&ask, form).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Accepts an invitation
///
/// With the secret of the mail and the first password of the account that was made for its reader, who is signed in by
/// it. 400 `invalid_token` when the secret is wrong, used, out of date, or a newer invitation was sent. An invitation to a
/// team is another thing, which who is signed in accepts under `/v1/team-invitations`.
#[utoipa::path(operation_id = "accept_invitation", tag = "auth", request_body = InvitationAcceptIn, security(()), responses((status = 200, description = "Signed in", body = EnteredView), Problems))]
#[post("/v1/auth/invitation/accept")]
async fn accept_invitation(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let ask = Ask::entering(&caller, &request, &mut input)?;
    let form = Reset::parse_first(input)?;
    let done = accounts.enter_by_invitation(&ask, form).await?;
    Ok(accounts.entered(&ask, StatusCode::OK, done))
}

/// Asks for another address of one's account
///
/// A mail goes to the present address and one to the new; the address changes when both have been confirmed, within a
/// day. Until then all stays as it is. A later request replaces an earlier one. Whether the new address has an account
/// is not told: who has the address is mailed that there is an account, and the change waits in vain.
#[utoipa::path(operation_id = "request_email_change", tag = "auth", request_body = EmailChangeIn, responses((status = 202, description = "Taken"), Problems))]
#[post("/v1/auth/email-change")]
async fn request_email_change(
    caller: Caller<can::EmailChange>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = EmailChange::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    accounts
        .request_email_change(&ask, caller.user()?, form)
        .await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Confirms another address
///
/// With the secret of one of the two mails. `done` tells whether both addresses have confirmed. 409 `identity_taken`
/// when the new address got an account meanwhile.
#[utoipa::path(operation_id = "confirm_email_change", tag = "auth", request_body = OneTimeIn, security(()), responses((status = 200, description = "Confirmed", body = EmailChangeView), Problems))]
#[post("/v1/auth/email-change/confirm")]
async fn confirm_email_change(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = OneTime::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    let done = accounts.confirm_email_change(&ask, form).await?;
    Ok(HttpResponse::Ok().json(EmailChangeView { done }))
}
