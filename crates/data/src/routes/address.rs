//! The addresses of records, which are found by their segments: the router makes a regular expression of a pattern, and
//! each that a request is held against costs as much as a quarter of a point read.

use actix_web::dev::Payload;
use actix_web::guard::{Guard, GuardContext};
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest, Route, web};
use gate::RoutePattern;
use percent_encoding::percent_decode_str;
use std::convert::Infallible;
use std::future::{Ready, ready};
use utoipa_actix_web::service_config::ServiceConfig;

const ROOT: &str = "/v1/records";

/// Adds a route below `/v1/records`: `pattern` is the rest of its path.
pub(super) fn route(
    config: &mut ServiceConfig<'_>,
    method: Method,
    pattern: &'static str,
    route: Route,
) {
    debug_assert!(pattern.starts_with(ROOT), "{pattern}");
    let found = Found { method, pattern };
    let scope = web::scope(ROOT).guard(found).default_service(route);
    config.map(|config| config.service(scope));
}

struct Found {
    method: Method,
    pattern: &'static str,
}

impl Guard for Found {
    fn check(&self, context: &GuardContext<'_>) -> bool {
        let head = context.head();
        let found = head.method == self.method && fits(self.pattern, head.uri.path());
        if found {
            let mut data = context.req_data_mut();
            data.insert(RoutePattern(self.pattern));
        }
        found
    }
}

/// Whether a path has the pattern's segments; `{name}` is any that is not empty.
fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), segments.next()) {
            (None, None) => return true,
            (Some(any), Some(segment)) if any.starts_with('{') && !segment.is_empty() => {}
            (Some(text), Some(segment)) if text == segment => {}
            _ => return false,
        }
    }
}

/// What the address of records names; the id is empty where there is none.
pub(super) struct Address {
    pub(super) collection: String,
    pub(super) id: String,
}

impl FromRequest for Address {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let path = request.path().strip_prefix(ROOT).unwrap_or_default();
        let mut segments = path.split('/').skip(1);
        let mut next = || {
            let segment = segments.next().unwrap_or_default();
            percent_decode_str(segment).decode_utf8_lossy().into_owned()
        };
        ready(Ok(Self {
            collection: next(),
            id: next(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fit_patterns_of_their_length() {
        let one = "/v1/records/{collection}/{id}";
        let query = "/v1/records/{collection}/query";
        for (pattern, path, want) in [
            (one, "/v1/records/films/1", true),
            (one, "/v1/records/films/query", true),
            (one, "/v1/records/films", false),
            (one, "/v1/records/films/", false),
            (one, "/v1/records//1", false),
            (one, "/v1/records/films/1/", false),
            (one, "/v1/records/films/1/2", false),
            (one, "/v1/recordsfilms/1", false),
            (query, "/v1/records/films/query", true),
            (query, "/v1/records/films/queries", false),
        ] {
            assert_eq!(fits(pattern, path), want, "{pattern} {path}");
        }
    }

    #[test]
    fn an_address_names_a_collection_and_perhaps_a_record() {
        let address = |path: &str| {
            let request = actix_web::test::TestRequest::with_uri(path).to_http_request();
            let Ok(Address { collection, id }) =
                Address::from_request(&request, &mut Payload::None).into_inner();
            [collection, id]
        };
        assert_eq!(address("/v1/records/films?limit=1"), ["films", ""]);
        assert_eq!(address("/v1/records/films/a%20b"), ["films", "a b"]);
        assert_eq!(address("/v1/records/fi%FFms/1"), ["fi\u{fffd}ms", "1"]);
    }
}
