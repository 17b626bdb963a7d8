//! Operations on one's own operator session.

use crate::front::credential::{SESSION_COOKIE, bearer, cookie};
use crate::openapi::{Problems, ReadProblems};
use crate::views::SessionView;
use crate::wire::{Present, SignIn};
use crate::{Body, Caller, Gate, NoIdempotency, Problem, Signed, Who, can};
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::dev::Payload;
use actix_web::web::{Data, Json};
use actix_web::{FromRequest, HttpRequest, HttpResponse, delete, get, post};
use kernel::Code;
use std::future::{Ready, ready};

/// The secret of the session by which the caller is known.
struct OwnToken(String);

impl FromRequest for OwnToken {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let headers = request.headers();
        let token = bearer(headers).map(|token| token.or_else(|| cookie(headers)));
        ready(token.and_then(|token| {
            token
                .map(|t| Self(t.to_owned()))
                .ok_or_else(|| Code::Unauthenticated.into())
        }))
    }
}

/// The dashboard's cookie. Script cannot read it, other sites cannot send it.
fn session_cookie(token: &str, age: Duration) -> Cookie<'_> {
    Cookie::build(SESSION_COOKIE, token)
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(age)
        .finish()
}

/// Signs an operator in
///
/// Sets the dashboard's cookie beside. Unknown addresses and wrong passwords are answered alike: 401
/// `invalid_credentials`.
#[utoipa::path(operation_id = "create_session", tag = "session", security(()), request_body = SignIn, responses((status = 200, description = "Signed in", body = SessionView), Problems))]
#[post("/admin/v1/session")]
pub(super) async fn create_session(
    caller: Caller<can::InstanceOpen>,
    _once: NoIdempotency,
    body: Body,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    let mut input = body.input();
    let (email, password) = (input.text("email", 1, 254), input.text("password", 1, 512));
    input.finish()?;
    let Signed {
        token,
        expires_at,
        operator,
    } = gate.sign_in(&caller.by(), &email, &password).await?;
    let age = Duration::seconds(expires_at.unix_seconds() - caller.now().unix_seconds());
    let mut response = HttpResponse::Ok();
    response.cookie(session_cookie(&token, age));
    Ok(response.json(SessionView {
        token,
        expires_at,
        operator,
    }))
}

/// Says who is signed in
#[utoipa::path(operation_id = "get_session", tag = "session", responses((status = 200, description = "Who is signed in", body = Present), ReadProblems))]
#[get("/admin/v1/session")]
pub(super) async fn get_session(
    caller: Caller<can::SessionRead>,
    gate: Data<Gate>,
) -> Result<Json<Present>, Problem> {
    let Who::Operator { id, .. } = caller.who() else {
        return Err(Code::PermissionDenied.into());
    };
    let operator = gate.get_operator(*id).await?;
    Ok(Json(Present { operator }))
}

/// Signs an operator out
#[utoipa::path(operation_id = "delete_session", tag = "session", responses((status = 204, description = "Signed out"), Problems))]
#[delete("/admin/v1/session")]
pub(super) async fn delete_session(
    caller: Caller<can::SessionEnd>,
    _once: NoIdempotency,
    token: OwnToken,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    gate.sign_out(&caller.by(), &token.0).await?;
    Ok(HttpResponse::NoContent()
        .cookie(session_cookie("", Duration::ZERO))
        .finish())
}
