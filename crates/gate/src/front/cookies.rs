//! Cookies of a project's users, and what shows that the project's own pages sent them.
//!
//! Browsers send a cookie along without being asked, and pages of other projects may be of the same site. So it counts
//! only where the browser itself says that the request is of the own origin, and where something changes, only with a
//! header that no form and no page of another origin can send.

use super::Shared;
use crate::{SameSite, Settings};
use actix_web::cookie::{self, Cookie, time::Duration};
use actix_web::http::Method;
use actix_web::http::header::{COOKIE, HeaderMap, HeaderName, ORIGIN};

/// What a page's script sends with whatever changes something, with any value.
pub const CSRF_HEADER: HeaderName = HeaderName::from_static("x-galley-csrf");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the names begin with. The prefix makes browsers refuse them from subdomains, without TLS, and for a part of a
/// host; so projects that share a host have names of their own: no slug holds a dot.
const ACCESS: &str = "__Host-galley-access.";
const REFRESH: &str = "__Host-galley-refresh.";

/// A request that a script of the project's own origin sent. Stands among its extensions.
#[derive(Clone, Debug)]
pub struct OwnPage {
    /// The refresh token in its cookie.
    pub refresh_token: Option<String>,
}

/// How far a request's cookies may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// A script of the own origin sent it.
    Own,
    /// It only reads, and nothing says that another origin sent it.
    Reads,
    /// It reads, for another origin.
    Foreign,
    /// It changes something, and nothing shows that a script of the own origin sent it.
    Unproven,
}

pub(super) fn standing(
    shared: &Shared,
    method: &Method,
    headers: &HeaderMap,
    host: &str,
) -> Standing {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let mut origins = headers.get_all(ORIGIN);
    let origin = origins.next().map(|origin| {
        let own = |o: &str| shared.config.hosts.is_own_origin(o, host);
        origins.next().is_none() && origin.to_str().is_ok_and(own)
    });
    let site = headers.get(FETCH_SITE).map(|v| v.as_bytes());
    // Addresses that a person typed are of no site.
    let is_near = site.is_none_or(|s| s == b"same-origin" || (reads && s == b"none"));
    let is_shown = origin == Some(true) || site == Some(b"same-origin");
    match (reads, origin != Some(false) && is_near) {
        (true, true) => Standing::Reads,
        (true, false) => Standing::Foreign,
        (false, true) if is_shown && headers.contains_key(CSRF_HEADER) => Standing::Own,
        (false, _) => Standing::Unproven,
    }
}

/// The access token in its cookie.
pub(super) fn access<'a>(headers: &'a HeaderMap, project: &str) -> Option<&'a str> {
    value(headers, ACCESS, project)
}

/// The refresh token in its cookie.
pub(super) fn refresh<'a>(headers: &'a HeaderMap, project: &str) -> Option<&'a str> {
    value(headers, REFRESH, project)
}

fn value<'a>(headers: &'a HeaderMap, kind: &str, project: &str) -> Option<&'a str> {
    let pairs = headers
        .get_all(COOKIE)
        .filter_map(|v| v.to_str().ok())
        .flat_map(|line| line.split(';'));
    let own = |pair: &'a str| {
        let rest = pair.trim().strip_prefix(kind)?;
        rest.strip_prefix(project)?.strip_prefix('=')
    };
    let mut found = pairs.filter_map(own).filter(|value| !value.is_empty());
    // Of two with one name, neither is known to be ours.
    found.next().filter(|_| found.next().is_none())
}

/// The cookies of a session: the access token, good for `seconds.0`, and the refresh token, kept for `seconds.1`.
#[must_use]
pub fn session_cookies(
    project: &str,
    settings: &Settings,
    tokens: [&str; 2],
    seconds: [u32; 2],
) -> [Cookie<'static>; 2] {
    let same_site = match settings.sessions.same_site {
        SameSite::Lax => cookie::SameSite::Lax,
        SameSite::Strict => cookie::SameSite::Strict,
    };
    let make = |kind: &str, at: usize| {
        Cookie::build(format!("{kind}{project}"), tokens[at].to_owned())
            .path("/")
            .secure(true)
            .http_only(true)
            .same_site(same_site)
            .max_age(Duration::seconds(seconds[at].into()))
            .finish()
    };
    [make(ACCESS, 0), make(REFRESH, 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn each_project_has_cookies_of_its_own_and_two_of_one_name_are_none() {
        let read = |line: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(line));
            let (shop, other) = (access(&headers, "shop"), access(&headers, "shop-two"));
            (shop.map(str::to_owned), other.map(str::to_owned))
        };
        let some = |text: &str| Some(text.to_owned());
        for (line, want) in [
            ("a=1; __Host-galley-access.shop=x", (some("x"), None)),
            ("__Host-galley-access.shop-two=y", (None, some("y"))),
            ("__Host-galley-refresh.shop=x", (None, None)),
            ("__Host-galley-access.shop=", (None, None)),
            (
                "__Host-galley-access.shop=x; __Host-galley-access.shop=y",
                (None, None),
            ),
            ("galley-access.shop=x", (None, None)),
        ] {
            assert_eq!(read(line), want, "{line}");
        }
    }

    #[test]
    fn a_cookie_is_for_its_host_for_tls_and_for_no_script() {
        let settings = Settings::default();
        for cookie in session_cookies("shop", &settings, ["a", "b"], [600, 900]) {
            let text = cookie.to_string();
            assert!(text.starts_with("__Host-galley-"), "{text}");
            for part in [
                "; HttpOnly",
                "; Secure",
                "; SameSite=Lax",
                "; Path=/",
                "; Max-Age=",
            ] {
                assert!(text.contains(part), "{text}");
            }
            assert!(!text.contains("Domain"), "{text}");
        }
    }
}
