//! The operations of accounts, each as thin as its verb.

mod by_mail;
mod links;
mod mails;

use crate::model::{PasswordChange, Refresh, SignIn, SignUp};
use crate::service::Ask;
use crate::views::{
    EnteredView, JwksView, MeView, OpenidConfigurationView, PasswordChangeIn, RefreshIn,
    SessionsView, SignInPasswordIn, SignUpIn, SignedInView,
};
use crate::{Accounts, can, pages};
use actix_web::http::header::{self, HeaderName};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use gate::openapi::{Problems, ReadProblems};
use gate::{Body, Caller, InProject, NoIdempotency, Permission, Problem};
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
}

impl Ask {
    pub(crate) fn new<P: Permission<Place = InProject>>(
        caller: &Caller<P>,
        request: &HttpRequest,
    ) -> Result<Self, Problem> {
        let agent = request
            .headers()
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        Ok(Self {
            project: caller.project()?.clone(),
            now: caller.now(),
            actor: caller.who().actor(),
            is_trusted: caller.who().passes_rules(),
            user_agent: agent.map(|text| {
                text.chars()
                    .filter(|c| !c.is_control())
                    .take(USER_AGENT_MAX)
                    .collect()
            }),
            network: caller.network().to_owned(),
            language: pages::language(request),
        })
    }
}

/// Signs up with e-mail and password
///
/// Makes a user and signs it in. The body takes the fields of the `users` collection beside these two. 403
/// `sign_up_closed` where the project lets nobody sign up; 409 `identity_taken` where the address has an account.
#[utoipa::path(operation_id = "sign_up", tag = "auth", request_body = SignUpIn, security(()), responses((status = 201, description = "Signed up and in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-up")]
async fn sign_up(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let done = accounts.sign_up(&ask, SignUp::read(body.input())).await?;
    Ok(HttpResponse::Created()
        .insert_header(SECRET)
        .json(EnteredView::from(done)))
}

/// Signs in with a password
///
/// An unknown identity, a wrong password and a disabled user are answered alike: 401 `invalid_credentials`.
#[utoipa::path(operation_id = "sign_in_password", tag = "auth", request_body = SignInPasswordIn, security(()), responses((status = 200, description = "Signed in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-in/password")]
async fn sign_in_password(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let done = accounts
        .sign_in_password(&ask, SignIn::parse(body.input())?)
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(EnteredView::from(done)))
}

/// Refreshes a session
///
/// Gives the next pair of tokens. A refresh token is good once; a repeat within 10 seconds has the same successor, and
/// anything older ends the session: 401 `invalid_refresh_token`.
#[utoipa::path(operation_id = "refresh_session", tag = "auth", request_body = RefreshIn, security(()), responses((status = 200, description = "The next tokens", body = SignedInView), Problems))]
#[post("/v1/auth/refresh")]
async fn refresh_session(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let done = accounts
        .refresh(&ask, Refresh::parse(body.input())?)
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(SignedInView::from(done)))
}

/// Signs out
///
/// Ends the session that the bearer token belongs to, with every token of it.
#[utoipa::path(operation_id = "sign_out", tag = "auth", responses((status = 204, description = "Signed out"), Problems))]
#[post("/v1/auth/sign-out")]
async fn sign_out(
    caller: Caller<can::SessionsEnd>,
    _once: NoIdempotency,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    accounts
        .sign_out(&Ask::new(&caller, &request)?, caller.user()?)
        .await?;
    Ok(HttpResponse::NoContent().finish())
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
    accounts
        .sign_out_everywhere(&Ask::new(&caller, &request)?, caller.user()?)
        .await?;
    Ok(HttpResponse::NoContent().finish())
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
