//! The operations of second factors, and of proving again who one is.

use crate::door::Entered;
use crate::model::factors::{FactorAnswer, MfaToken, StepUp, TotpAnswer};
use crate::service::Ask;
use crate::views::EnteredView;
use crate::views::factors::{
    CeremonyView, EnrolmentView, FactorAnswerIn, FactorsView, MfaTokenIn, RecoveryCodesView,
    StepUpIn, TotpAnswerIn,
};
use crate::{Accounts, can};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use gate::openapi::{Problems, ReadProblems};
use gate::{Body, Caller, NoIdempotency, Problem};
use kernel::Code;
use utoipa_actix_web::service_config::ServiceConfig;

use super::SECRET;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(begin_factor_passkey)
        .service(begin_factor_totp)
        .service(sign_in_factor)
        .service(get_factors)
        .service(begin_totp)
        .service(activate_totp);
    config
        .service(delete_totp)
        .service(renew_recovery_codes)
        .service(reset_user_factors)
        .service(begin_step_up)
        .service(step_up);
}

/// Asks a passkey as the second factor
///
/// After a first proof that was answered with an `mfa_token`. 400 `invalid_token` when it is wrong, used or older than
/// five minutes.
#[utoipa::path(operation_id = "begin_factor_passkey", tag = "auth", request_body = MfaTokenIn, security(()), responses((status = 200, description = "What to ask the browser", body = CeremonyView), Problems))]
#[post("/v1/auth/sign-in/factor/passkey")]
async fn begin_factor_passkey(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = MfaToken::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    let begun = accounts.begin_factor_passkey(&ask, form).await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(CeremonyView::from(begun)))
}

/// Sets up an authenticator app at the door
///
/// For who must have a second factor and has none: the first proof was answered with `"enrol": true`. Give the app the
/// secret, and go on at `/v1/auth/sign-in/factor` with the code that it shows.
#[utoipa::path(operation_id = "begin_factor_totp", tag = "auth", request_body = MfaTokenIn, security(()), responses((status = 200, description = "The secret", body = EnrolmentView), Problems))]
#[post("/v1/auth/sign-in/factor/totp")]
async fn begin_factor_totp(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = MfaToken::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    let enrolment = accounts.begin_factor_totp(&ask, form).await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(EnrolmentView::from(enrolment)))
}

/// Shows the second factor
///
/// Signs in with `aal` 2. A token has five guesses; the codes of one account's app have twenty a day, then 429. 400
/// `invalid_factor` when the factor is wrong or was used, `invalid_token` when the token is over.
#[utoipa::path(operation_id = "sign_in_factor", tag = "auth", request_body = FactorAnswerIn, security(()), responses((status = 200, description = "Signed in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-in/factor")]
async fn sign_in_factor(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let ask = Ask::entering(&caller, &request, &mut input)?;
    let form = FactorAnswer::parse(input)?;
    let done = accounts.sign_in_factor(&ask, form).await?;
    Ok(accounts.entered(&ask, StatusCode::OK, done))
}

/// By what one proves who one is
#[utoipa::path(operation_id = "get_factors", tag = "auth", responses((status = 200, description = "Password, passkeys, app and recovery codes", body = FactorsView), ReadProblems))]
#[get("/v1/auth/factors")]
async fn get_factors(
    caller: Caller<can::FactorsRead>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let standing = accounts.standing(&ask, caller.user()?).await?;
    Ok(HttpResponse::Ok().json(FactorsView::new(standing)))
}

/// Makes a secret for an authenticator app
///
/// Nothing is asked of it before it has shown a code. 403 `reauth_required` when the last proof is older than five
/// minutes, `second_factor_required` where a second factor is there and was not shown: see `/v1/auth/step-up`.
#[utoipa::path(operation_id = "begin_totp", tag = "auth", responses((status = 200, description = "The secret", body = EnrolmentView), Problems))]
#[post("/v1/auth/totp")]
async fn begin_totp(
    caller: Caller<can::FactorsWrite>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let enrolment = accounts.begin_totp(&ask, caller.user()?).await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(EnrolmentView::from(enrolment)))
}

/// Has an authenticator app asked from now on
///
/// With the first code that it shows. It takes the place of an earlier app, and the recovery codes in the answer that of
/// earlier ones.
#[utoipa::path(operation_id = "activate_totp", tag = "auth", request_body = TotpAnswerIn, responses((status = 200, description = "Recovery codes", body = RecoveryCodesView), Problems))]
#[post("/v1/auth/totp/activate")]
async fn activate_totp(
    caller: Caller<can::FactorsWrite>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = TotpAnswer::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    let codes = accounts.activate_totp(&ask, caller.user()?, form).await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(RecoveryCodesView {
            recovery_codes: codes,
        }))
}

/// Has the authenticator app asked no more
///
/// Needs a session of two factors, the last of which was shown within five minutes. 409 `last_way_in` where the project
/// requires a second factor and there is no passkey.
#[utoipa::path(operation_id = "delete_totp", tag = "auth", responses((status = 204, description = "Removed"), Problems))]
#[delete("/v1/auth/totp")]
async fn delete_totp(
    caller: Caller<can::FactorsWrite>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    accounts.delete_totp(&ask, caller.user()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Makes new recovery codes
///
/// Ten, in the place of those that there are.
#[utoipa::path(operation_id = "renew_recovery_codes", tag = "auth", responses((status = 200, description = "Recovery codes", body = RecoveryCodesView), Problems))]
#[post("/v1/auth/recovery-codes")]
async fn renew_recovery_codes(
    caller: Caller<can::FactorsWrite>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let codes = accounts.renew_recovery(&ask, caller.user()?).await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(RecoveryCodesView {
            recovery_codes: codes,
        }))
}

/// Removes the second factors and passkeys of a user who lost them
///
/// Make sure in some other way who asks for it. The user is signed out everywhere, and told by mail. 404
/// `user_not_found`.
#[utoipa::path(operation_id = "reset_user_factors", tag = "users", params(("id" = uuid::Uuid, Path, description = "The user")), responses((status = 204, description = "Removed"), Problems))]
#[delete("/v1/users/{id}/factors")]
async fn reset_user_factors(
    caller: Caller<can::FactorsReset>,
    _once: NoIdempotency,
    id: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let id = kernel::parse_id(&id).ok_or(Code::InvalidId)?;
    let ask = Ask::new(&caller, &request)?;
    accounts.reset_factors(&ask, &caller.by(), id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Asks a passkey of the signed-in user
#[utoipa::path(operation_id = "begin_step_up_passkey", tag = "auth", responses((status = 200, description = "What to ask the browser", body = CeremonyView), Problems))]
#[post("/v1/auth/step-up/passkey")]
async fn begin_step_up(
    caller: Caller<can::FactorsWrite>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let begun = accounts.begin_step_up(&ask, caller.user()?).await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(CeremonyView::from(begun)))
}

/// Proves again who one is
///
/// For what is dear: for five minutes the session counts as freshly signed in. With anything but the password the session
/// rises to `aal` 2, and then goes on under another id: use the tokens of the answer, the ones before are dead. 400
/// `invalid_factor` when what was shown is wrong or was used.
#[utoipa::path(operation_id = "step_up", tag = "auth", request_body = StepUpIn, responses((status = 200, description = "The tokens to go on with, or in cookies where the session is in cookies", body = EnteredView), Problems))]
#[post("/v1/auth/step-up")]
async fn step_up(
    caller: Caller<can::FactorsWrite>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = StepUp::parse(body.input())?;
    let ask = Ask::going_on(&caller, &request)?;
    let done = accounts.step_up(&ask, caller.user()?, form).await?;
    Ok(accounts.entered(&ask, StatusCode::OK, Entered::In(done)))
}
