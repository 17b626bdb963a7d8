//! The operations of accounts, each as thin as its verb.

mod by_mail;
mod entry;
mod factors;
mod keys;
mod links;
mod mails;
mod passkeys;
pub(crate) mod social;
mod teams;
mod users;
mod ways;

use crate::model::{PasswordChange, Refresh, SignIn, SignUp, SignUpConfirmation};
use crate::service::Ask;
use crate::views::{
    EnteredView, JwksView, MeView, OpenidConfigurationView, PasswordChangeIn, RefreshIn,
    RefreshedView, SessionsView, SignInPasswordIn, SignUpConfirmationIn, SignUpIn,
};
use crate::{Accounts, can};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use gate::openapi::{Problems, ReadProblems};
use gate::{Body, Caller, NoIdempotency, Problem};
use kernel::Code;
use utoipa_actix_web::service_config::ServiceConfig;

/// Characters kept of what a client says it is.
const USER_AGENT_MAX: usize = 200;
/// New keys are published long before they sign, so the document may be old.
const PUBLIC: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=3600");
/// Tokens are kept by nobody on the way.
const SECRET: (HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// Adds the operations to a project's routes. They need [`Accounts`] as the app's data.
pub fn configure_project(config: &mut ServiceConfig<'_>) {
    config
        .service(sign_up)
        .service(confirm_sign_up)
        .service(sign_in_password)
        .service(refresh_session)
        .service(sign_out)
        .service(sign_out_everywhere);
    config
        .service(list_sessions)
        .service(end_session)
        .service(change_password)
        .service(get_me);
    config.service(get_jwks).service(get_openid_configuration);
    by_mail::configure(config);
    links::configure(config);
    mails::configure(config);
    ways::configure(config);
    passkeys::configure(config);
    factors::configure(config);
    social::configure(config);
    keys::configure(config);
    teams::configure(config);
    // Last: an id takes every word.
    users::configure(config);
}

/// An id in a path.
fn id(text: &str) -> Result<uuid::Uuid, Problem> {
    kernel::parse_id(text).ok_or_else(|| Code::InvalidId.into())
}

/// Signs up with a password
///
/// Makes a user and signs it in. At least one of the project's identities is needed; the body takes the fields of the
/// `users` collection beside. 403 `sign_up_closed` where the project lets nobody sign up; 409 `identity_taken` where
/// another user has the identity.
///
/// Where the project confirms addresses (`confirm_email` of `GET /v1/auth/methods`), a sign-up with an address is answered
/// 202 without a body, whether or not the address has an account, and nobody is signed in: a mail leads on, or tells the
/// reader of the account that is there. Names to sign in with are public, and a taken one is 409 all the same.
#[utoipa::path(operation_id = "sign_up", tag = "auth", request_body = SignUpIn, security(()), responses((status = 201, description = "Signed up and in", body = EnteredView), (status = 202, description = "Taken: a mail is on its way"), Problems))]
#[post("/v1/auth/sign-up")]
async fn sign_up(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let ask = Ask::entering(&caller, &request, &mut input)?;
    let form = SignUp::read(input, &ask.project.settings().sign_in);
    let done = accounts.sign_up(&ask, form).await?;
    Ok(accounts.signed_up(&ask, done))
}

/// Confirms the address of a sign-up
///
/// With the secret of the mail and the password that was chosen, so that nobody confirms what somebody else began. Makes
/// the user and signs it in. 400 `invalid_token` when the secret is wrong, used or out of date; 409 `identity_taken`
/// when the address or the name got an account meanwhile.
#[utoipa::path(operation_id = "confirm_sign_up", tag = "auth", request_body = SignUpConfirmationIn, security(()), responses((status = 201, description = "Signed up and in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-up/confirm")]
async fn confirm_sign_up(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let ask = Ask::entering(&caller, &request, &mut input)?;
    let form = SignUpConfirmation::parse(input)?;
    let done = accounts.confirm_sign_up(&ask, form).await?;
    Ok(accounts.entered(&ask, StatusCode::CREATED, done))
}

/// Signs in with a password
///
/// An unknown identity, a wrong password and a disabled user are answered alike: 401 `invalid_credentials`. Where the
/// project confirms addresses and the password is right but the address is not confirmed yet, 403
/// `email_not_confirmed`, and the link is sent anew.
#[utoipa::path(operation_id = "sign_in_password", tag = "auth", request_body = SignInPasswordIn, security(()), responses((status = 200, description = "Signed in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-in/password")]
async fn sign_in_password(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let ask = Ask::entering(&caller, &request, &mut input)?;
    let form = SignIn::parse(input)?;
    let done = accounts.sign_in_password(&ask, form).await?;
    Ok(accounts.entered(&ask, StatusCode::OK, done))
}

/// Refreshes a session
///
/// Gives the next pair of tokens. A refresh token is good once; a repeat within 10 seconds has the same successor, and
/// anything older ends the session: 401 `invalid_refresh_token`. A page of the own origin whose session is in cookies sends
/// `{}`, and is answered with new cookies.
#[utoipa::path(operation_id = "refresh_session", tag = "auth", request_body = RefreshIn, security(()), responses((status = 200, description = "The next tokens", body = RefreshedView), Problems))]
#[post("/v1/auth/refresh")]
async fn refresh_session(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = body.input();
    let (ask, cookie) = Ask::renewing(&caller, &request, &form)?;
    let done = accounts
        .refresh(&ask, Refresh::parse(form, cookie)?)
        .await?;
    Ok(accounts.let_have(&ask, StatusCode::OK, done))
}

/// Signs out
///
/// Ends the session that the credential belongs to, with every token of it, and takes its cookies back.
#[utoipa::path(operation_id = "sign_out", tag = "auth", responses((status = 204, description = "Signed out"), Problems))]
#[post("/v1/auth/sign-out")]
async fn sign_out(
    caller: Caller<can::SessionsEnd>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    accounts.sign_out(&ask, caller.user()?).await?;
    Ok(entry::left(&ask, &request))
}

/// Signs out everywhere
///
/// Ends all sessions of the user, this one too.
#[utoipa::path(operation_id = "sign_out_everywhere", tag = "auth", responses((status = 204, description = "Signed out"), Problems))]
#[post("/v1/auth/sign-out-everywhere")]
async fn sign_out_everywhere(
    caller: Caller<can::SessionsEnd>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    accounts.sign_out_everywhere(&ask, caller.user()?).await?;
    Ok(entry::left(&ask, &request))
}

/// Lists one's sessions
///
/// Those that are neither ended nor expired, the newest first.
#[utoipa::path(operation_id = "list_sessions", tag = "auth", responses((status = 200, description = "The sessions", body = SessionsView), ReadProblems))]
#[get("/v1/auth/sessions")]
async fn list_sessions(
    caller: Caller<can::SessionsRead>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let user = caller.user()?;
    let rows = accounts
        .sessions(&Ask::new(&caller, &request)?, user)
        .await?;
    Ok(HttpResponse::Ok().json(SessionsView::new(rows, user.session)))
}

/// Ends one of one's sessions
///
/// Every token of it is refused from now on.
#[utoipa::path(operation_id = "end_session", tag = "auth", params(("id" = uuid::Uuid, Path, description = "The session")), responses((status = 204, description = "Ended"), Problems))]
#[delete("/v1/auth/sessions/{id}")]
async fn end_session(
    caller: Caller<can::SessionsEnd>,
    _once: NoIdempotency,
    id: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let id = kernel::parse_id(&id).ok_or(Code::InvalidId)?;
    accounts
        .end_session(&Ask::new(&caller, &request)?, caller.user()?, id)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes one's password
///
/// Ends all other sessions of the user.
#[utoipa::path(operation_id = "change_password", tag = "auth", request_body = PasswordChangeIn, responses((status = 204, description = "Changed"), Problems))]
#[post("/v1/auth/password")]
async fn change_password(
    caller: Caller<can::PasswordChange>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = PasswordChange::parse(body.input())?;
    accounts
        .change_password(&Ask::new(&caller, &request)?, caller.user()?, form)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The signed-in user
#[utoipa::path(operation_id = "get_me", tag = "users", responses((status = 200, description = "The user as it may see itself", body = MeView), ReadProblems))]
#[get("/v1/users/me")]
async fn get_me(
    caller: Caller<can::UsersMe>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let user = accounts
        .me(&Ask::new(&caller, &request)?, caller.user()?)
        .await?;
    Ok(HttpResponse::Ok().json(MeView(user)))
}

/// The keys that verify access tokens
///
/// A JSON Web Key Set (RFC 7517). Other back ends verify our tokens with it and any stock library.
#[utoipa::path(operation_id = "get_jwks", tag = "auth", security(()), responses((status = 200, description = "The public keys", body = JwksView), ReadProblems))]
#[get("/.well-known/jwks.json")]
async fn get_jwks(
    caller: Caller<can::JwksRead>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let keys = accounts.jwks(&Ask::new(&caller, &request)?).await?;
    Ok(HttpResponse::Ok()
        .insert_header(PUBLIC)
        .json(JwksView { keys }))
}

/// Where the keys and the issuer are found
#[utoipa::path(operation_id = "get_openid_configuration", tag = "auth", security(()), responses((status = 200, description = "The issuer and its keys", body = OpenidConfigurationView), ReadProblems))]
#[get("/.well-known/openid-configuration")]
async fn get_openid_configuration(caller: Caller<can::JwksRead>) -> Result<HttpResponse, Problem> {
    let view = OpenidConfigurationView::new(&caller.project()?.issuer);
    Ok(HttpResponse::Ok().insert_header(PUBLIC).json(view))
}
