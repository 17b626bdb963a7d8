//! Which place a request is addressed to: the instance by its hosts, a project by its host or by `/p/{project}`.

use crate::{GateConfig, Problem, StartError};
use actix_web::dev::ServiceRequest;
use actix_web::http::Uri;
use actix_web::http::header::HOST;
use actix_web::http::uri::PathAndQuery;
use kernel::{Code, parse_slug};
use std::borrow::Cow;

/// Bytes of a path at most: three for each of a file's 1,024, and room for what stands before.
const PATH_BYTES_MAX: usize = 8_192;

/// The hosts by which the instance and its projects are reached.
#[derive(Clone, Debug)]
pub struct Hosts {
    scheme: &'static str,
    own: Vec<String>,
    /// Below which each label is a project: `.example.com`, and `.localhost` in development.
    parents: Vec<String>,
}

/// Where a path on a host leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// To the instance.
    Instance,
    /// To the project with this slug, on a host of its own.
    Host(String),
    /// To the project with this slug, below its prefix; the rest is what the routes see.
    Prefix(&'a str, &'a str),
}

impl Target<'_> {
    pub(super) fn project(&self) -> Option<&str> {
        match self {
            Self::Instance => None,
            Self::Host(slug) => Some(slug),
            Self::Prefix(slug, _) => Some(slug),
        }
    }

    pub(super) fn rest(&self) -> Option<&str> {
        match self {
            Self::Prefix(_, rest) => Some(rest),
            _ => None,
        }
    }

    pub(super) fn is_mapped_host(&self) -> bool {
        matches!(self, Self::Host(_))
    }
}

impl Hosts {
    pub(super) fn new(public_url: &str, config: &GateConfig) -> Result<Self, StartError> {
        let bad = || {
            StartError::Config(format!(
                "public_url is {public_url:?}; it must be http:// or https:// with a host and no path"
            ))
        };
        let (scheme, rest) = public_url
            .trim_end_matches('/')
            .split_once("://")
            .ok_or_else(bad)?;
        let scheme = match scheme {
            "http" => "http",
            "https" => "https",
            _ => return Err(bad()),
        };
        let host = name_of(rest)
            .filter(|_| !rest.contains(['/', '@', '?', '#']))
            .ok_or_else(bad)?
            .into_owned();
        let is_loopback = is_loopback(&host);
        let mut own = vec![host];
        own.extend(config.hosts.iter().cloned());
        let mut parents = Vec::new();
        if is_loopback {
            own.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
            parents.push(".localhost".to_owned());
        }
        if !config.base_domain.is_empty() {
            parents.push(format!(".{}", config.base_domain));
        }
        Ok(Self {
            scheme,
            own,
            parents,
        })
    }

    /// The origin of pages on this host, as browsers write it.
    pub(super) fn is_own_origin(&self, origin: &str, host: &str) -> bool {
        origin
            .strip_prefix(self.scheme)
            .and_then(|o| o.strip_prefix("://"))
            == Some(host)
    }

    /// `path` is the path as it was sent, `decoded` as the router reads it. Unknown hosts never reach the instance.
    pub(super) fn resolve<'a>(
        &self,
        host: &str,
        path: &'a str,
        decoded: &str,
    ) -> Result<Target<'a>, Problem> {
        let name = name_of(host).ok_or_else(|| malformed("The Host header is malformed."))?;
        if self.own.iter().any(|own| *own == *name) {
            return below_prefix(path, decoded);
        }
        let slug = self
            .parents
            .iter()
            .find_map(|parent| name.strip_suffix(parent.as_str()))
            .and_then(parse_slug);
        slug.map(|slug| Target::Host(slug.to_owned()))
            .ok_or_else(|| Code::ProjectNotFound.into())
    }
}

fn below_prefix<'a>(path: &'a str, decoded: &str) -> Result<Target<'a>, Problem> {
    let Some(rest) = path.strip_prefix("/p/") else {
        // `/%70/shop` is not another spelling of `/p/shop`.
        return if decoded.starts_with("/p/") {
            Err(malformed("The project's prefix is written with %."))
        } else {
            Ok(Target::Instance)
        };
    };
    let (slug, rest) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    if slug.contains('%') {
        return Err(malformed("The project's prefix is written with %."));
    }
    let slug = parse_slug(slug).ok_or(Code::ProjectNotFound)?;
    Ok(Target::Prefix(slug, rest))
}

/// The host without its port, in lower case; IPv6 addresses keep their brackets.
fn name_of(host: &str) -> Option<Cow<'_, str>> {
    let end = match host.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(end);
    let port_fits = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
    if name.is_empty() || !port_fits || name.contains(['@', '/', ' ']) {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    Some(if name.bytes().any(|b| b.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.into()
    })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host == "[::1]"
        || host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|a| a.is_loopback())
}

/// The host that was asked, with its port: of the request line if it has one, else the one `Host` header.
pub(super) fn host(request: &ServiceRequest) -> Result<Cow<'_, str>, Problem> {
    if let Some(authority) = request.uri().authority() {
        return Ok(authority.as_str().into());
    }
    let mut hosts = request.headers().get_all(HOST);
    let host = hosts
        .next()
        .filter(|_| hosts.next().is_none())
        .and_then(|h| h.to_str().ok());
    host.map(Cow::from)
        .ok_or_else(|| malformed("One Host header is needed."))
}

/// Refuses paths of which two readers could think differently.
pub(super) fn check_path(path: &str) -> Result<(), Problem> {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') || bytes.len() > PATH_BYTES_MAX {
        return Err(malformed("The path is malformed or too long."));
    }
    if bytes.contains(&b'\\') || bytes.windows(2).any(|pair| pair == b"//") {
        return Err(malformed("The path holds an empty segment or a backslash."));
    }
    let dots = |segment: &str| segment == "." || segment == "..";
    if path.split('/').any(dots) {
        return Err(malformed("The path holds a dot segment."));
    }
    if bytes.contains(&b'%') {
        check_encoded(bytes)
    } else {
        Ok(())
    }
}

/// The same, for what is hidden behind percent signs. `%2F` is left to operations that take paths.
fn check_encoded(bytes: &[u8]) -> Result<(), Problem> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let hex = tail
            .get(..2)
            .and_then(|h| std::str::from_utf8(h).ok())
            .filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = hex
            .and_then(|h| u8::from_str_radix(h, 16).ok())
            .ok_or_else(|| malformed("The path holds a broken % sequence."))?;
        if byte < 0x20 || byte == 0x7f || byte == b'\\' {
            return Err(malformed(
                "The path holds a control character or a backslash.",
            ));
        }
        decoded.push(byte);
        rest = &tail[2..];
    }
    let dots = |segment: &[u8]| segment == b"." || segment == b"..";
    match decoded.split(|b| *b == b'/').any(dots) {
        true => Err(malformed("The path holds a dot segment.")),
        false => Ok(()),
    }
}

/// Puts `path` in the place of the request's own, for the routes and for whoever reads the request.
pub(super) fn rewrite(request: &mut ServiceRequest, path: &str) -> Result<(), Problem> {
    let whole = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query =
        Some(PathAndQuery::try_from(whole).map_err(|_| malformed("The path is malformed."))?);
    let uri = Uri::from_parts(parts).map_err(|_| malformed("The path is malformed."))?;
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
    Ok(())
}

fn malformed(detail: &str) -> Problem {
    Problem::new(Code::BadRequest).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case = (&'static str, &'static str, Result<Target<'static>, Code>);

    fn check(hosts: &Hosts, cases: &[Case]) {
        for (host, path, want) in cases {
            let decoded = path.replace("%70", "p").replace("%6F", "o");
            let got = hosts.resolve(host, path, &decoded).map_err(|p| p.code());
            assert_eq!(got, *want, "{host} {path}");
        }
    }

    const INSTANCE: Result<Target<'static>, Code> = Ok(Target::Instance);
    const NOWHERE: Result<Target<'static>, Code> = Err(Code::ProjectNotFound);
    const MALFORMED: Result<Target<'static>, Code> = Err(Code::BadRequest);

    fn prefix(rest: &'static str) -> Result<Target<'static>, Code> {
        Ok(Target::Prefix("shop", rest))
    }

    fn host_of_shop() -> Result<Target<'static>, Code> {
        Ok(Target::Host("shop".into()))
    }

    #[test]
    fn prefixes_lead_to_projects_and_are_spelled_one_way() {
        let hosts = Hosts::new("https://api.example", &GateConfig::default()).unwrap();
        check(
            &hosts,
            &[
                ("api.example", "/admin/v1/projects", INSTANCE),
                ("API.Example.:443", "/", INSTANCE),
                ("api.example", "/px/shop", INSTANCE),
                ("api.example", "/p/shop/v1/x", prefix("/v1/x")),
                ("api.example", "/p/shop", prefix("/")),
                ("api.example", "/p/shop/", prefix("/")),
                ("api.example", "/p/shop/p/blog/v1", prefix("/p/blog/v1")),
                ("api.example", "/p/", NOWHERE),
                ("api.example", "/p/admin/v1", NOWHERE),
                ("api.example", "/p/sh%6Fp/v1", MALFORMED),
                ("api.example", "/%70/shop/v1", MALFORMED),
            ],
        );
    }

    #[test]
    fn hosts_lead_to_one_place_and_unknown_ones_nowhere() {
        let config = GateConfig {
            base_domain: "apps.example".into(),
            hosts: vec!["alias.example".into()],
            ..GateConfig::default()
        };
        let hosts = Hosts::new("https://api.example", &config).unwrap();
        check(
            &hosts,
            &[
                ("alias.example", "/", INSTANCE),
                ("shop.apps.example", "/p/blog/v1", host_of_shop()),
                ("shop.apps.example:8443", "/v1", host_of_shop()),
                ("a.shop.apps.example", "/v1", NOWHERE),
                ("www.apps.example", "/v1", NOWHERE),
                ("apps.example", "/admin/v1", NOWHERE),
                ("evil.example", "/admin/v1", NOWHERE),
                ("localhost", "/admin/v1", NOWHERE),
                ("shop.localhost", "/v1", NOWHERE),
                ("", "/", MALFORMED),
                ("api.example:x", "/", MALFORMED),
                ("u@api.example", "/", MALFORMED),
            ],
        );
        let local = Hosts::new("http://127.0.0.1:8090/", &GateConfig::default()).unwrap();
        check(
            &local,
            &[
                ("localhost:8090", "/", INSTANCE),
                ("[::1]:8090", "/", INSTANCE),
                ("127.0.0.1:1", "/", INSTANCE),
                ("shop.localhost:8090", "/v1", host_of_shop()),
                ("127.0.0.1.evil.example", "/", NOWHERE),
            ],
        );
        for bad in [
            "api.example",
            "ftp://x",
            "https://",
            "https://a/b",
            "https://u@a",
        ] {
            assert!(Hosts::new(bad, &GateConfig::default()).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_read_one_way_only() {
        for good in [
            "/",
            "/v1/files/b/a%2Fb",
            "/v1/files/b/%C3%A4",
            "/v1/x..y/.well",
            "/.well-known/jwks.json",
            "/a%20b",
        ] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        let long = format!("/{}", "a".repeat(9_000));
        for bad in [
            "",
            "*",
            "a",
            "//",
            "/p//shop",
            "//p/shop",
            "/p/./shop",
            "/p/shop/../x",
            "/p/shop/..",
            "/%2e%2e/x",
            "/a/%2E/b",
            "/a%2f..%2fb",
            "/a%2f%2e%2e/b",
            "/%",
            "/%2",
            "/%zz",
            "/%00",
            "/a%0d%0ab",
            "/a%5cb",
            "/a\\b",
            &long,
        ] {
            assert_eq!(
                check_path(bad).map_err(|p| p.code()),
                Err(Code::BadRequest),
                "{bad}"
            );
        }
    }

    #[test]
    fn origins_are_those_of_the_host() {
        let hosts = Hosts::new("http://localhost:8090", &GateConfig::default()).unwrap();
        assert!(hosts.is_own_origin("http://localhost:8090", "localhost:8090"));
        for other in [
            "https://localhost:8090",
            "http://localhost",
            "null",
            "http://localhost:8090.evil",
            "",
        ] {
            assert!(!hosts.is_own_origin(other, "localhost:8090"), "{other}");
        }
    }
}
