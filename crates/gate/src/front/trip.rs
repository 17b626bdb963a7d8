//! What is known about a request from its arrival to its entry in the log.

use super::Shared;
use super::limit::{Charge, Counted};
use super::network::{Network, client};
use crate::requests::Answered;
use crate::{Access, Place, Problem, Project, Who};
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, Uri};
use kernel::{Code, Ids, Stamp};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) struct Trip {
    pub(super) started: Instant,
    pub(super) now: Stamp,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) network: Network,
    pub(super) project: Option<Arc<Project>>,
    /// The caller's origin, if the project allows it.
    pub(super) origin: Option<HeaderValue>,
    /// Whether the answer depends on the origin.
    pub(super) varies: bool,
    pub(super) limit: Option<Counted>,
    /// Counts more for the request, where it may stand for many.
    pub(super) charge: Option<Charge>,
    pub(super) code: Option<Code>,
    id: Rc<str>,
    who: Option<Who>,
    /// Whether it came as far as the routes.
    is_inside: bool,
}

impl Trip {
    pub(super) fn begin(shared: &Shared, request: &ServiceRequest) -> Self {
        let peer = request.peer_addr().map(|a| a.ip());
        Self {
            started: Instant::now(),
            now: shared.gate.clock().now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            network: Network::of(client(peer, request.headers(), &shared.config.trusted)),
            project: None,
            origin: None,
            varies: false,
            limit: None,
            charge: None,
            code: None,
            id: shared.ids.take(request.headers().get(X_REQUEST_ID)),
            who: None,
            is_inside: false,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn place(&self) -> Place {
        if self.project.is_some() {
            Place::Project
        } else {
            Place::Instance
        }
    }

    /// Whether the request ended before or beside all routes.
    pub(super) fn found_no_route(&self) -> bool {
        !self.is_inside
            || matches!(
                self.code,
                Some(Code::RouteNotFound | Code::MethodNotAllowed)
            )
    }

    /// What handlers may know.
    pub(super) fn access(&mut self, who: Result<Who, Problem>, on_own_host: bool) -> Access {
        self.who = who.as_ref().ok().cloned();
        self.is_inside = true;
        Access {
            place: self.place(),
            project: self.project.clone(),
            on_own_host,
            who,
            now: self.now,
            request_id: self.id.to_string(),
            network: self.network.to_string(),
        }
    }

    pub(super) fn log(&self, shared: &Shared, status: StatusCode) {
        let took = self.started.elapsed();
        let Some(log) = shared
            .gate
            .request_log()
            .filter(|log| log.wants(status.as_u16(), took))
        else {
            return;
        };
        log.push(Answered {
            at: self.now,
            request_id: &self.id,
            project: self.project.as_ref().map(|p| p.id.as_str()),
            method: self.method.as_str(),
            path: self.uri.path(),
            status: status.as_u16(),
            took,
            actor: self.who.as_ref().and_then(Who::actor),
            network: &self.network.to_string(),
            code: self.code.map(Code::as_str),
        });
    }
}

/// Names of requests: 16 hexadecimal digits that do not repeat in a process and hardly between two.
pub(super) struct RequestIds(AtomicU64);

impl RequestIds {
    /// A new id's second half is random; the cipher library's own randomness would cost the start 30 ms.
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(Ids.new_id().as_u64_pair().1))
    }

    /// The name that the client gave, if it is one, else a new one.
    fn take(&self, given: Option<&HeaderValue>) -> Rc<str> {
        let given = given
            .and_then(|v| v.to_str().ok())
            .filter(|text| is_request_id(text));
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        given.map_or_else(|| format!("{:016x}", scatter(number)).into(), Rc::from)
    }

    /// A number that is another one after each request.
    pub(super) fn next(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn is_request_id(text: &str) -> bool {
    (8..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The finaliser of SplitMix64: a bijection, so that a counter gives names that do not look like one.
fn scatter(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_only_in_our_alphabet() {
        for good in ["abcdefgh", "a-b_c-1234", &"x".repeat(64)] {
            assert!(is_request_id(good), "{good}");
        }
        for bad in [
            "",
            "short",
            &"x".repeat(65),
            "has space",
            "line\nbreak",
            "a\"b<c>d;e",
            "äöüäöüäöü",
        ] {
            assert!(!is_request_id(bad), "{bad}");
        }
        let ids = RequestIds(AtomicU64::new(7));
        let (a, b) = (ids.take(None), ids.take(None));
        assert!(a != b && a.len() == 16 && is_request_id(&a));
        assert_eq!(
            &*ids.take(Some(&HeaderValue::from_static("mine-1234"))),
            "mine-1234"
        );
    }
}
