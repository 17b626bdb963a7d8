//! The operations of the further ways to sign in: names, telephones, nobody in particular, and the word of another
//! identity system.

use super::SECRET;
use crate::mail::Template;
use crate::model::{self, CodeAnswer, Mint, OneTime, Promotion, ToAddress, ToPhone};
use crate::service::Ask;
use crate::views::{
    ChallengeView, CodeAnswerIn, CustomTokenIn, CustomTokenView, EnteredView, EntryCodeIn,
    EntryTokenIn, PromotionIn, SessionNameIn, SignInAnonymousIn, ToAddressIn, ToPhoneIn,
    UsernameIn,
};
use crate::{Accounts, can, custom};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, patch, post};
use gate::openapi::Problems;
use gate::{Body, Caller, NoIdempotency, Problem};
use kernel::Code;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(sign_in_anonymous)
        .service(promote)
        .service(request_promotion_code)
        .service(promote_by_code)
        .service(change_username);
    config
        .service(request_phone_code)
        .service(sign_in_phone)
        .service(request_phone_change)
        .service(confirm_phone_change)
        .service(remove_phone);
    config
        .service(mint_custom_token)
        .service(sign_in_custom)
        .service(rename_session)
        .service(sign_out_elsewhere);
}

fn challenge(challenge_id: Uuid) -> HttpResponse {
    let expires_in = Template::Code.life().as_secs();
    HttpResponse::Accepted()
        .insert_header(SECRET)
        .json(ChallengeView {
            challenge_id,
            expires_in,
        })
}

/// Signs in as nobody in particular
///
/// Makes a user without an identity, whose rules see `auth.anonymous`; it is promoted later and keeps its id with all
/// that it has. 403 `method_disabled` where the project does not have such users, 429 where one network makes too many.
#[utoipa::path(operation_id = "sign_in_anonymous", tag = "auth", request_body = SignInAnonymousIn, security(()), responses((status = 201, description = "Signed in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-in/anonymous")]
async fn sign_in_anonymous(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let ask = Ask::entering(&caller, &request, &mut input)?;
    let profile = input.rest();
    input.finish()?;
    let done = accounts.sign_in_anonymous(&ask, profile).await?;
    Ok(accounts.entered(&ask, StatusCode::CREATED, done))
}

/// Gives an anonymous user an identity
///
/// The user keeps its id, its session and all that it has. 409 `not_anonymous` where it has an identity already, 409
/// `identity_taken` where another user has this one. Where the project confirms addresses, 202 whether or not the address
/// has an account: a mail leads on, as after a sign-up.
#[utoipa::path(operation_id = "promote_user", tag = "auth", request_body = PromotionIn, responses((status = 204, description = "Done"), (status = 202, description = "Taken: a mail is on its way"), Problems))]
#[post("/v1/auth/promote")]
async fn promote(
    caller: Caller<can::IdentityPromote>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = Promotion::parse(body.input(), &caller.project()?.settings().sign_in)?;
    let ask = Ask::new(&caller, &request)?;
    let is_done = accounts.promote(&ask, caller.user()?, form).await?;
    let answers = [HttpResponse::Accepted, HttpResponse::NoContent];
    Ok(answers[usize::from(is_done)]().finish())
}

/// Asks for a code to give an anonymous user an address
///
/// 202 whether or not the address has an account; if it has, no mail is sent.
#[utoipa::path(operation_id = "request_promotion_code", tag = "auth", request_body = ToAddressIn, responses((status = 202, description = "Taken", body = ChallengeView), Problems))]
#[post("/v1/auth/promote/code/request")]
async fn request_promotion_code(
    caller: Caller<can::IdentityPromote>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = ToAddress::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    let id = accounts
        .request_promotion_code(&ask, caller.user()?, form)
        .await?;
    Ok(challenge(id))
}

/// Gives an anonymous user the address that a code went to
///
/// The address is verified by it. 400 `invalid_token` when the code or the challenge is wrong, used or out of date.
#[utoipa::path(operation_id = "promote_user_by_code", tag = "auth", request_body = CodeAnswerIn, responses((status = 204, description = "Done"), Problems))]
#[post("/v1/auth/promote/code")]
async fn promote_by_code(
    caller: Caller<can::IdentityPromote>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = CodeAnswer::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    accounts.promote_by_code(&ask, caller.user()?, form).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes one's name to sign in with
///
/// 403 `method_disabled` where the project does not know users by names, 409 `identity_taken` where it is taken. Null
/// takes the name away: that needs a credential that was shown less than five minutes ago, else 403 `reauth_required`, and
/// is 409 `last_way_in` where nothing else is left to sign in with.
#[utoipa::path(operation_id = "change_username", tag = "auth", request_body = UsernameIn, responses((status = 204, description = "Changed"), Problems))]
#[post("/v1/auth/username")]
async fn change_username(
    caller: Caller<can::UsernameChange>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let name = model::username(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    accounts.change_username(&ask, caller.user()?, name).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Asks for a code to a telephone, to sign in with
///
/// 202 whether or not there is such an account. Messages are bounded for each number, each network and each project.
#[utoipa::path(operation_id = "request_phone_code", tag = "auth", request_body = ToPhoneIn, security(()), responses((status = 202, description = "Taken", body = ChallengeView), Problems))]
#[post("/v1/auth/phone/request")]
async fn request_phone_code(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = ToPhone::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    Ok(challenge(accounts.request_phone_code(&ask, form).await?))
}

/// Signs in with a code that went to a telephone
///
/// With the guesses of codes that are mailed. It verifies the number; if nobody had verified it before, the password,
/// the address and the sessions that were there are gone.
#[utoipa::path(operation_id = "sign_in_phone", tag = "auth", request_body = EntryCodeIn, security(()), responses((status = 200, description = "Signed in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-in/phone")]
async fn sign_in_phone(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let ask = Ask::entering(&caller, &request, &mut input)?;
    let form = CodeAnswer::parse(input)?;
    let done = accounts.sign_in_phone(&ask, form).await?;
    Ok(accounts.entered(&ask, StatusCode::OK, done))
}

/// Asks for a code to a telephone that is to be one's own
///
/// Also to the number that the account has, where it is not verified. 403 `reauth_required` where the last sign-in is
/// older than five minutes.
#[utoipa::path(operation_id = "request_phone_change", tag = "auth", request_body = ToPhoneIn, responses((status = 202, description = "Taken", body = ChallengeView), Problems))]
#[post("/v1/auth/phone-change")]
async fn request_phone_change(
    caller: Caller<can::PhoneChange>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = ToPhone::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    let id = accounts
        .request_phone_change(&ask, caller.user()?, form)
        .await?;
    Ok(challenge(id))
}

/// Makes the telephone that a code went to one's own
///
/// 403 `reauth_required` where the last sign-in is older than five minutes; 409 `identity_taken` where another user has
/// verified the number.
#[utoipa::path(operation_id = "confirm_phone_change", tag = "auth", request_body = CodeAnswerIn, responses((status = 204, description = "Changed"), Problems))]
#[post("/v1/auth/phone-change/confirm")]
async fn confirm_phone_change(
    caller: Caller<can::PhoneChange>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = CodeAnswer::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    accounts
        .confirm_phone_change(&ask, caller.user()?, form)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes one's telephone number away
///
/// 403 `reauth_required` where the last sign-in is older than five minutes; 409 `last_way_in` where nothing else is left
/// to sign in with.
#[utoipa::path(operation_id = "remove_phone", tag = "auth", responses((status = 204, description = "Removed"), Problems))]
#[delete("/v1/auth/phone")]
async fn remove_phone(
    caller: Caller<can::PhoneChange>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    accounts.remove_phone(&ask, caller.user()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Makes a ticket for somebody whom another identity system knows
///
/// For server keys. The app signs in with the ticket once, within a minute. A new `external_id` makes a user. 404
/// `user_not_found`, 409 `user_disabled`.
#[utoipa::path(operation_id = "mint_custom_token", tag = "auth", request_body = CustomTokenIn, responses((status = 201, description = "The ticket", body = CustomTokenView), Problems))]
#[post("/v1/auth/custom-token")]
async fn mint_custom_token(
    caller: Caller<can::AuthMint>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = Mint::parse(body.input())?;
    let minted = accounts.mint(&Ask::new(&caller, &request)?, form).await?;
    Ok(HttpResponse::Created()
        .insert_header(SECRET)
        .json(CustomTokenView {
            token: minted.token,
            expires_in: custom::TICKET.as_secs(),
            user_id: minted.user,
            created: minted.is_new,
        }))
}

/// Signs in with a ticket of the project's own identity system
///
/// 400 `invalid_token` when it is wrong, used or out of date.
#[utoipa::path(operation_id = "sign_in_custom", tag = "auth", request_body = EntryTokenIn, security(()), responses((status = 200, description = "Signed in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-in/custom")]
async fn sign_in_custom(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let ask = Ask::entering(&caller, &request, &mut input)?;
    let form = OneTime::parse(input)?;
    let done = accounts.sign_in_custom(&ask, form).await?;
    Ok(accounts.entered(&ask, StatusCode::OK, done))
}

/// Gives one of one's sessions another name
#[utoipa::path(operation_id = "rename_session", tag = "auth", params(("id" = Uuid, Path, description = "The session")), request_body = SessionNameIn, responses((status = 204, description = "Changed"), Problems))]
#[patch("/v1/auth/sessions/{id}")]
async fn rename_session(
    caller: Caller<can::SessionsRename>,
    _once: NoIdempotency,
    id: Path<String>,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let id = kernel::parse_id(&id).ok_or(Code::InvalidId)?;
    let name = model::session_name(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    accounts
        .rename_session(&ask, caller.user()?, id, name)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Signs out everywhere else
///
/// Ends all sessions of the user but this one.
#[utoipa::path(operation_id = "sign_out_elsewhere", tag = "auth", responses((status = 204, description = "Signed out"), Problems))]
#[post("/v1/auth/sign-out-elsewhere")]
async fn sign_out_elsewhere(
    caller: Caller<can::SessionsEnd>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    accounts.sign_out_elsewhere(&ask, caller.user()?).await?;
    Ok(HttpResponse::NoContent().finish())
}
