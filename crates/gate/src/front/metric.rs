//! Counts and times requests by route, through handles that each worker keeps, so that no label is hashed twice.

use super::trip::Trip;
use crate::Place;
use actix_web::http::{Method, StatusCode};
use metrics::{Counter, Histogram};
use std::cell::RefCell;
use std::collections::HashMap;

/// The pattern of a route that the router did not find by a pattern, left with the request for the metrics.
#[derive(Clone, Copy, Debug)]
pub struct RoutePattern(pub &'static str);

/// Whether it went to a project, its method, its status.
type Kind = (bool, &'static str, u16);
/// The handles of one kind, by route.
type ByRoute = HashMap<String, (Counter, Histogram)>;

/// The handles of one worker.
#[derive(Default)]
pub(super) struct Metrics(RefCell<HashMap<Kind, ByRoute>>);

impl Metrics {
    /// Counts an answer. `route` gives the pattern that matched; it is asked only where a route can have matched.
    pub(super) fn record(
        &self,
        trip: &Trip,
        status: StatusCode,
        route: impl FnOnce() -> Option<String>,
    ) {
        // Nothing is kept by the path itself: a stranger could make as many series as there are paths.
        let route =
            if trip.found_no_route() { None } else { route() }.unwrap_or_else(|| "none".to_owned());
        let place = trip.place();
        let kind = (
            place == Place::Project,
            method_name(&trip.method),
            status.as_u16(),
        );
        let mut handles = self.0.borrow_mut();
        let routes = handles.entry(kind).or_default();
        let seconds = trip.started.elapsed().as_secs_f64();
        if let Some((count, time)) = routes.get(&route) {
            count.increment(1);
            time.record(seconds);
            return;
        }
        let place = if kind.0 { "project" } else { "instance" };
        let count = metrics::counter!("http_requests_total", "place" => place, "method" => kind.1, "route" => route.clone(), "status" => kind.2.to_string());
        let time = metrics::histogram!("http_request_duration_seconds", "place" => place, "method" => kind.1, "route" => route.clone(), "status" => kind.2.to_string());
        count.increment(1);
        time.record(seconds);
        routes.insert(route, (count, time));
    }
}

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
