//! Which pages of other origins may call a project. Bearer tokens only, so credentials of the browser are never allowed.

use crate::Settings;
use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, idempotency-key, if-match, if-none-match, if-range, prefer, range, x-request-id",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "etag, accept-ranges, content-disposition, content-range, x-request-id, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, location",
);
/// Browsers ask again after ten minutes.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The request's origin, if the project's list names it exactly.
pub(super) fn allowed(settings: &Settings, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    settings
        .allows_origin(origin.to_str().ok()?)
        .then(|| origin.clone())
}

/// The answer to a preflight; whether it allows anything is said by the headers alone.
pub(super) fn preflight(
    request: &ServiceRequest,
    origin: Option<&HeaderValue>,
) -> Option<HttpResponse> {
    let headers = request.headers();
    if request.method() != Method::OPTIONS
        || !headers.contains_key(ORIGIN)
        || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    {
        return None;
    }
    let mut response = HttpResponse::NoContent();
    if origin.is_some() {
        response.insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS));
        response.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, HEADERS));
        response.insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE));
    }
    Some(response.finish())
}

/// Lets the page read the answer.
pub(super) fn decorate(headers: &mut HeaderMap, origin: Option<&HeaderValue>, varies: bool) {
    if varies {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
