//! Around every answer: one shape for errors, and the headers that all of them carry.

use super::metric::Metrics;
use super::trip::{Trip, X_REQUEST_ID};
use super::{Shared, cors};
use crate::Problem;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{Error, HttpResponse, ResponseError};
use kernel::Code;

/// Headers that describe a body which is put away.
const OF_THE_BODY: [HeaderName; 4] = [
    CONTENT_TYPE,
    CONTENT_LENGTH,
    CONTENT_ENCODING,
    TRANSFER_ENCODING,
];

/// Stands among the extensions of a response that is a page for people: its body stays what it is, whatever its status.
#[derive(Clone, Copy, Debug)]
pub struct Page;

/// Puts a problem in the place of every error's body: the one that the response carries, else the one of its status.
pub(super) fn with_problem<B: MessageBody + 'static>(
    shared: &Shared,
    response: ServiceResponse<B>,
    trip: &mut Trip,
) -> ServiceResponse<EitherBody<B>> {
    let status = response.status();
    let is_page = response.response().extensions().contains::<Page>();
    if status.as_u16() < 400 || is_page || is_problem(response.headers()) {
        return response.map_into_left_body();
    }
    let carried = response.response().extensions().get::<Problem>().cloned();
    let carried = carried.or_else(|| response.response().error().map(problem_of));
    let mut allow = None;
    let problem = carried.unwrap_or_else(|| {
        allow = (status == StatusCode::NOT_FOUND)
            .then(|| {
                shared
                    .config
                    .methods
                    .of(trip.place(), response.request().path())
            })
            .flatten();
        of_status(if allow.is_some() {
            StatusCode::METHOD_NOT_ALLOWED
        } else {
            status
        })
    });
    trip.code = Some(problem.code());
    let mut rendered = problem.render(trip.id());
    for (name, value) in response
        .headers()
        .iter()
        .filter(|(name, _)| !OF_THE_BODY.contains(name))
    {
        if !rendered.headers().contains_key(name) {
            rendered.headers_mut().append(name.clone(), value.clone());
        }
    }
    if let Some(allow) = allow.and_then(|methods| HeaderValue::try_from(methods).ok()) {
        rendered.headers_mut().insert(ALLOW, allow);
    }
    response.into_response(rendered).map_into_right_body()
}

fn is_problem(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|v| v.as_bytes().starts_with(b"application/problem+json"))
}

/// The problem in an error, else the one of its status: what an extractor says is not for the client.
pub(super) fn problem_of(error: &Error) -> Problem {
    error
        .as_error::<Problem>()
        .cloned()
        .unwrap_or_else(|| of_status(error.as_response_error().status_code()))
}

fn of_status(status: StatusCode) -> Problem {
    let code = match status.as_u16() {
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::RouteNotFound,
        405 => Code::MethodNotAllowed,
        408 => Code::RequestTimeout,
        412 => Code::PreconditionFailed,
        413 => Code::BodyTooLarge,
        415 => Code::UnsupportedMediaType,
        422 => Code::ValidationFailed,
        429 => Code::RateLimited,
        400..500 => Code::BadRequest,
        503 => Code::Unavailable,
        _ => return Problem::internal(format!("a response of status {status} without a problem")),
    };
    code.into()
}

/// The headers of every answer.
pub(super) fn decorate(shared: &Shared, headers: &mut HeaderMap, trip: &Trip) {
    if let Ok(id) = HeaderValue::from_str(trip.id()) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|v| {
        v.as_bytes().starts_with(b"application/json")
            || v.as_bytes().starts_with(b"application/problem+json")
    });
    if is_json && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if shared.config.is_https {
        headers.insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    if let Some(limit) = trip.limit {
        limit.write(headers);
    }
    cors::decorate(headers, trip.origin.as_ref(), trip.varies);
}

/// The way out where there is no request any more to answer to: the framework renders the error.
pub(super) fn failure(
    shared: &Shared,
    metrics: &Metrics,
    problem: Problem,
    mut trip: Trip,
) -> Error {
    let status = problem.status_code();
    trip.code = Some(problem.code());
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    decorate(shared, &mut headers, &trip);
    metrics.record(&trip, status, || None);
    trip.log(shared, status);
    let headers = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Failure {
        problem,
        request_id: trip.id().to_owned(),
        headers,
    }
    .into()
}

/// A problem with all that its answer needs.
#[derive(Debug)]
struct Failure {
    problem: Problem,
    request_id: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.problem.fmt(f)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.problem.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.problem.render(&self.request_id);
        for (name, value) in &self.headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        response
    }
}
