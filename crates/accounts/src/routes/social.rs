//! The operations of signing in by an account elsewhere, and the two addresses that browsers and providers meet at.

use crate::model::social::{Back, SocialIn, Start};
use crate::service::Ask;
use crate::social::flow::{self, AWAY, Cookie};
use crate::views::EnteredView;
use crate::views::social::{IdentitiesView, IdentityView, ProviderTokenView, SocialSignInIn};
use crate::{Accounts, can, pages};
use actix_web::cookie::{SameSite, time::Duration};
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, delete, get, post};
use gate::openapi::{Problems, ReadProblems};
use gate::{Body, Caller, NoIdempotency, Problem, QueryInput};
use kernel::Code;
use utoipa_actix_web::service_config::ServiceConfig;

use super::SECRET;

/// Bytes of a form that a provider posts at most.
const FORM_BYTES_MAX: usize = 65_536;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(start_social)
        .service(sign_in_social)
        .service(list_identities)
        .service(link_identity)
        .service(unlink_identity)
        .service(get_identity_token);
}

/// Adds the address that providers send browsers back to. It is theirs, so no document shows it.
pub(crate) fn configure_callback(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/v1/auth/social/{provider}/callback")
            .app_data(web::PayloadConfig::new(FORM_BYTES_MAX))
            .route(web::get().to(came_back))
            .route(web::post().to(posted_back)),
    );
}

/// Sends a browser to a provider
///
/// Open it in the browser, on this very address. `redirect_to` is one of the project's `social.redirect_addresses`;
/// `code_challenge` is the SHA-256 of a verifier that the app keeps (RFC 7636). The browser ends at `redirect_to` with
/// `ticket=...`, which signs in within a minute, or with `error=...`: a word of the provider's such as `access_denied`,
/// or `provider_failed`.
#[utoipa::path(operation_id = "start_social_sign_in", tag = "auth", security(()), params(
    ("provider" = String, Path, description = "The provider's id"),
    ("redirect_to" = String, Query, description = "Where the browser goes in the end"),
    ("code_challenge" = String, Query, description = "The app's challenge"),
    ("code_challenge_method" = Option<String>, Query, description = "`S256`"),
), responses((status = 303, description = "To the provider"), ReadProblems))]
#[get("/v1/auth/social/{provider}/start")]
async fn start_social(
    caller: Caller<can::AuthUse>,
    provider: Path<String>,
    query: QueryInput,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = Start::parse(query, caller.on_own_host())?;
    let ask = Ask::new(&caller, &request)?;
    let departure = accounts.depart(&ask, &provider, form).await?;
    let mut response = away(&departure.location);
    departure.cookie.map(|held| response.cookie(cookie(held)));
    Ok(response.finish())
}

async fn came_back(
    caller: Caller<can::AuthUse>,
    provider: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let back = Back::read(request.query_string());
    finish(
        &Ask::new(&caller, &request)?,
        &provider,
        &back,
        &request,
        &accounts,
    )
    .await
}

async fn posted_back(
    caller: Caller<can::AuthUse>,
    provider: Path<String>,
    form: String,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let back = Back::read(&form);
    finish(
        &Ask::new(&caller, &request)?,
        &provider,
        &back,
        &request,
        &accounts,
    )
    .await
}

async fn finish(
    ask: &Ask,
    provider: &str,
    back: &Back,
    request: &HttpRequest,
    accounts: &Accounts,
) -> Result<HttpResponse, Problem> {
    let name = flow::cookie_name(back.state.as_deref().unwrap_or_default());
    let held = request.cookie(&name);
    let held = held.as_ref().map(|cookie| cookie.value());
    match accounts.come_back(ask, provider, back, held).await {
        Ok(location) => Ok(away(&location).cookie(removal(name)).finish()),
        // A person reads it.
        Err(crate::Error::InvalidToken) => Ok(pages::bad_link(ask)?),
        Err(other) => Err(other.into()),
    }
}

/// Sends a browser elsewhere, and tells nobody where it was.
fn away(location: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::SeeOther();
    response
        .insert_header((header::LOCATION, location))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(SECRET);
    response
}

fn cookie(of: Cookie) -> actix_web::cookie::Cookie<'static> {
    let site = if of.is_for_posts {
        SameSite::None
    } else {
        SameSite::Lax
    };
    let life = i64::try_from(AWAY.as_secs()).unwrap_or(0);
    actix_web::cookie::Cookie::build(of.name, of.value)
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(site)
        .max_age(Duration::seconds(life))
        .finish()
}

fn removal(name: String) -> actix_web::cookie::Cookie<'static> {
    let of = Cookie {
        name,
        value: String::new(),
        is_for_posts: false,
    };
    let mut cookie = cookie(of);
    cookie.make_removal();
    cookie.set_expires(None);
    cookie
}

/// Signs in by an account elsewhere
///
/// With what a browser came back with, with a code that a native app got itself, or with an `id_token` of a provider's
/// library. Somebody new is made a user of, unless the project lets nobody sign up: 403 `sign_up_closed`. An address that
/// both the provider and we have verified joins the account that it has; an account whose address nobody verified loses
/// the password and the sessions that were there. 409 `link_required` where the provider has not verified the address of
/// an account that is there: sign in to that and link it. 400 `invalid_token` when what was brought is wrong, used, out
/// of date or another app's, 400 `provider_failed` when the provider does not answer as it should.
#[utoipa::path(operation_id = "sign_in_social", tag = "auth", request_body = SocialSignInIn, security(()), responses((status = 200, description = "Signed in", body = EnteredView), Problems))]
#[post("/v1/auth/sign-in/social")]
async fn sign_in_social(
    caller: Caller<can::AuthUse>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let ask = Ask::entering(&caller, &request, &mut input)?;
    let form = SocialIn::parse(input)?;
    let done = accounts.sign_in_social(&ask, form).await?;
    Ok(accounts.entered(&ask, StatusCode::OK, done))
}

/// Lists one's accounts elsewhere
#[utoipa::path(operation_id = "list_identities", tag = "users", responses((status = 200, description = "The identities", body = IdentitiesView), ReadProblems))]
#[get("/v1/users/me/identities")]
async fn list_identities(
    caller: Caller<can::IdentitiesRead>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let rows = accounts.identities(&ask, caller.user()?).await?;
    Ok(HttpResponse::Ok().json(IdentitiesView::new(rows)))
}

/// Links an account elsewhere to one's own
///
/// With the same three as signing in. 403 `reauth_required` where one has not shown a credential for five minutes; 409
/// `identity_taken` where it is somebody else's.
#[utoipa::path(operation_id = "link_identity", tag = "users", request_body = SocialSignInIn, responses((status = 200, description = "Linked", body = IdentityView), Problems))]
#[post("/v1/users/me/identities")]
async fn link_identity(
    caller: Caller<can::IdentitiesLink>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = SocialIn::parse_link(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    let row = accounts.link_identity(&ask, caller.user()?, form).await?;
    Ok(HttpResponse::Ok().json(IdentityView::new(row)))
}

/// Unlinks an account elsewhere
///
/// 403 `reauth_required` where one has not shown a credential for five minutes; 409 `last_way_in` where nothing else
/// would be left to sign in with.
#[utoipa::path(operation_id = "unlink_identity", tag = "users", params(("id" = uuid::Uuid, Path, description = "The identity")), responses((status = 204, description = "Unlinked"), Problems))]
#[delete("/v1/users/me/identities/{id}")]
async fn unlink_identity(
    caller: Caller<can::IdentitiesLink>,
    _once: NoIdempotency,
    id: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let id = kernel::parse_id(&id).ok_or(Code::InvalidId)?;
    let ask = Ask::new(&caller, &request)?;
    accounts.unlink_identity(&ask, caller.user()?, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A token of a provider, for its API
///
/// For the app's server: what the provider gave when the user signed in there last, renewed when it is out of date.
/// Providers with `keep_tokens` have it. 409 `consent_required` when the user must sign in there again.
#[utoipa::path(operation_id = "get_identity_token", tag = "users", params(("id" = uuid::Uuid, Path, description = "The user"), ("provider" = String, Path, description = "The provider's id")), responses((status = 200, description = "The token", body = ProviderTokenView), Problems))]
#[get("/v1/users/{id}/identities/{provider}/token")]
async fn get_identity_token(
    caller: Caller<can::IdentitiesToken>,
    path: Path<(String, String)>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let (id, provider) = path.into_inner();
    let id = kernel::parse_id(&id).ok_or(Code::InvalidId)?;
    let ask = Ask::new(&caller, &request)?;
    let token = accounts.provider_token(&ask, id, &provider).await?;
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .json(ProviderTokenView::from(token)))
}
