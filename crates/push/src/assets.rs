//! The scripts for browsers, as they are served: the worker that shows messages, and a small client that registers.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse};

const SERVICE_WORKER_ALLOWED: HeaderName = HeaderName::from_static("service-worker-allowed");

/// A script that is part of the binary.
pub(crate) struct Script(&'static str);

/// The worker: on the project's own host it is registered as it is; pages of other origins keep a file of their own
/// that says `importScripts('https://api.example.com/v1/push/sw.js')`.
pub(crate) const WORKER: Script = Script(include_str!("assets/sw.js"));
/// The client, an ES module.
pub(crate) const CLIENT: Script = Script(include_str!("assets/client.js"));

impl Script {
    /// The script, or 304 when the caller has it already. It is asked for anew each time, because a worker that is old
    /// is hard to get rid of.
    pub(crate) fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let tag = format!("\"{}\"", gate::token_hash(self.0));
        let known = request.headers().get_all(IF_NONE_MATCH);
        let is_known = known
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| text.split(','))
            .any(|one| {
                let one = one.trim();
                one == "*" || one.trim_start_matches("W/") == tag
            });
        let mut response = if is_known {
            HttpResponse::NotModified()
        } else {
            HttpResponse::Ok()
        };
        response
            .insert_header((ETAG, tag))
            .insert_header((CACHE_CONTROL, "no-cache"));
        if is_known {
            return response.finish();
        }
        response
            .insert_header((CONTENT_TYPE, "text/javascript; charset=utf-8"))
            // It may serve the whole site, though it is not at its root.
            .insert_header((SERVICE_WORKER_ALLOWED, "/"))
            .body(self.0)
    }
}
