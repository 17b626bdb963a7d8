//! The caller's credential, judged once. One that is not good is remembered as such and never taken for none.

use super::Shared;
use super::cookies::{self, CSRF_HEADER, OwnPage, Standing};
use super::trip::Trip;
use crate::{Problem, Project, Who};
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, ORIGIN};
use kernel::{Code, Stamp};
use std::sync::Arc;

/// The dashboard's cookie. Its prefix makes browsers refuse it from subdomains and without TLS.
pub(crate) const SESSION_COOKIE: &str = "__Host-galley";
/// Where the pages are that mails lead to.
const PAGES: &str = "/v1/auth/pages/";
/// What stands before a token (RFC 6750, section 2.1).
const SCHEME: &[u8] = b"bearer ";
/// Bytes of a token at most.
const TOKEN_BYTES_MAX: usize = 8_192;

/// Who calls at the trip's place. Keys and users exist in projects only; the dashboard's cookie counts on the instance's
/// own host, and gives way to that of a user where a page says that it means the user.
pub(super) async fn judge(
    shared: &Shared,
    request: &ServiceRequest,
    trip: &Trip,
    host: &str,
    on_own_host: bool,
) -> Result<Who, Problem> {
    let headers = request.headers();
    let project = trip.project.as_ref();
    let Some(token) = bearer(headers)? else {
        let operator = cookie(headers).filter(|_| on_own_host);
        let means_user = operator.is_none() || headers.contains_key(CSRF_HEADER);
        if let Some(project) = project
            && let Some(token) = cookies::access(headers, &project.id).filter(|_| means_user)
        {
            return user(shared, request, (project, token), trip.now, host).await;
        }
        let Some(token) = operator else {
            return Ok(Who::Anonymous);
        };
        refuse_other_origin(shared, request.method(), headers, host)?;
        let present = shared.gate.session(token, trip.now).await;
        return match present {
            // A cookie is sent without being meant: an old one must not keep its owner from signing in again.
            Err(problem) if problem.code() == Code::Unauthenticated => Ok(Who::Anonymous),
            Err(problem) => Err(problem),
            Ok(present) => Ok(shared.gate.operator_at(&present, project.map(|p| p.uid))),
        };
    };
    if token.starts_with("go_") {
        let present = shared.gate.session(token, trip.now).await?;
        return Ok(shared.gate.operator_at(&present, project.map(|p| p.uid)));
    }
    let Some(project) = project else {
        return Err(Problem::new(Code::Unauthenticated)
            .detail("Only sessions of operators are valid here."));
    };
    if token.starts_with("gk_") {
        return shared.gate.key(token, project.uid, trip.now).await;
    }
    shared
        .tokens
        .verify(project, token, trip.now)
        .await
        .map(Who::User)
}

/// The user whose access token is in a cookie; nobody where it is out of date, or where another origin reads.
async fn user(
    shared: &Shared,
    request: &ServiceRequest,
    (project, token): (&Arc<Project>, &str),
    now: Stamp,
    host: &str,
) -> Result<Who, Problem> {
    match cookies::standing(shared, request.method(), request.headers(), host) {
        Standing::Foreign => return Ok(Who::Anonymous),
        // The forms of pages that mails lead to have secrets of their own, and no script that could send a header.
        Standing::Unproven if request.path().contains(PAGES) => return Ok(Who::Anonymous),
        Standing::Unproven => {
            return Err(Problem::new(Code::CrossOrigin).detail(
                "With a session in a cookie, send the header X-Galley-CSRF from a page of this origin.",
            ));
        }
        Standing::Own | Standing::Reads => {}
    }
    match shared.tokens.verify(project, token, now).await {
        // It is sent without being meant: an old one must not keep its owner from signing in again.
        Err(problem) if problem.code() == Code::Unauthenticated => Ok(Who::Anonymous),
        verified => verified.map(Who::User),
    }
}

/// What a page of the own origin brought, if a script of one sent the request.
pub(super) fn own_page(
    shared: &Shared,
    request: &ServiceRequest,
    project: &Project,
    host: &str,
) -> Option<OwnPage> {
    let headers = request.headers();
    let standing = cookies::standing(shared, request.method(), headers, host);
    (standing == Standing::Own).then(|| OwnPage {
        refresh_token: cookies::refresh(headers, &project.id).map(str::to_owned),
    })
}

/// The bearer token, none without the header, 401 for anything else that stands there.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let bad = |detail: &str| Problem::new(Code::Unauthenticated).detail(detail);
    let mut all = headers.get_all(AUTHORIZATION);
    let Some(value) = all.next() else {
        return Ok(None);
    };
    if all.next().is_some() {
        return Err(bad("Send one Authorization header."));
    }
    let token = value
        .as_bytes()
        .split_at_checked(SCHEME.len())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
        .map(|(_, token)| token.trim_ascii())
        .filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX && is_graphic(token))
        .and_then(|token| std::str::from_utf8(token).ok());
    token
        .map(Some)
        .ok_or_else(|| bad("Send Authorization: Bearer and the token."))
}

/// Whether all bytes are visible ASCII; all are looked at, which goes many at a time.
fn is_graphic(bytes: &[u8]) -> bool {
    let all = |all, byte: &u8| all & byte.is_ascii_graphic();
    bytes.iter().fold(true, all)
}

/// The session in the dashboard's cookie.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers
        .get_all(COOKIE)
        .filter_map(|v| v.to_str().ok())
        .flat_map(|line| line.split(';'));
    let mut own =
        pairs.filter_map(|pair| pair.trim().strip_prefix(SESSION_COOKIE)?.strip_prefix('='));
    own.next().filter(|token| token.starts_with("go_"))
}

/// A cookie acts only for pages of its own origin: what changes something must say so, and what names another is refused.
fn refuse_other_origin(
    shared: &Shared,
    method: &Method,
    headers: &HeaderMap,
    host: &str,
) -> Result<(), Problem> {
    let mut origins = headers.get_all(ORIGIN);
    let origin = origins.next();
    let is_own = match origin {
        None => matches!(*method, Method::GET | Method::HEAD),
        Some(origin) => {
            origins.next().is_none()
                && origin
                    .to_str()
                    .is_ok_and(|o| shared.config.hosts.is_own_origin(o, host))
        }
    };
    if is_own {
        Ok(())
    } else {
        Err(Code::CrossOrigin.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn headers(name: HeaderName, lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name.clone(), HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn one_bearer_is_read_and_anything_else_refused() {
        assert_eq!(bearer(&HeaderMap::new()).unwrap(), None);
        assert_eq!(
            bearer(&headers(AUTHORIZATION, &["Bearer abc"])).unwrap(),
            Some("abc")
        );
        assert_eq!(
            bearer(&headers(AUTHORIZATION, &["bearer  abc"])).unwrap(),
            Some("abc")
        );
        for bad in [
            &["Bearer a", "Bearer a"][..],
            &["Basic abc"],
            &["abc"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer a b"],
            &[""],
        ] {
            assert_eq!(
                bearer(&headers(AUTHORIZATION, bad)).map_err(|p| p.code()),
                Err(Code::Unauthenticated),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let read = |lines: &[&'static str]| cookie(&headers(COOKIE, lines)).map(str::to_owned);
        assert_eq!(
            read(&["a=1; __Host-galley=go_x; b=2"]).as_deref(),
            Some("go_x")
        );
        assert_eq!(
            read(&["a=1", "__Host-galley=go_x"]).as_deref(),
            Some("go_x")
        );
        for none in [
            "__Host-galley=gk_x",
            "__Host-galleyx=go_x",
            "x__Host-galley=go_x",
            "__Host-galley",
            "",
        ] {
            assert_eq!(cookie(&headers(COOKIE, &[none])), None, "{none}");
        }
    }
}
