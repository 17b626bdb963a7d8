//! The dashboard and the reading page of API documents: static files in the binary, made from `dashboard/` beforehand.

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, get, web};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use gate::{Caller, Problem};
use kernel::Code;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::io::Read;

/// Who may load the pages: everybody, since they hold no data; what they ask for is judged as any request.
pub mod can {
    use gate::{Holders, InInstance};

    gate::permissions! {
        /// Loads the dashboard's files.
        DashboardOpen = "dashboard.open", InInstance, Holders::Everyone;
    }
}

/// The same, for a project's reading page.
pub mod in_project {
    use gate::{Holders, InProject};

    gate::permissions! {
        /// Loads the page that shows the project's API document.
        DocsOpen = "docs.open", InProject, Holders::Everyone;
    }
}

/// What `npm run build` made. Scripts and styles are kept compressed only; a build without it has no file.
#[derive(RustEmbed)]
#[folder = "../../dashboard/dist"]
#[allow_missing = true]
#[include = "*.gz"]
#[include = "*.html"]
#[include = "*.png"]
#[include = "*.ico"]
#[include = "*.woff2"]
struct Files;

/// What a page may do: nothing but what this server sends. The nonce is for the style elements that the app makes.
fn dashboard_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; \
         font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The reading page's own: its viewer writes style attributes.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'";

/// Where the page's nonce goes.
const NONCE: &str = "__CSP_NONCE__";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Galley</title>\
     <h1>This server was built without its dashboard</h1>\
     <p>Build the folder <code>dashboard</code> with <code>npm ci &amp;&amp; npm run build</code>, then build the server again; \
     <code>cargo xtask demo</code> does both.</p></html>";

pub(crate) fn configure_instance(config: &mut web::ServiceConfig) {
    config.service(root).service(bare).service(dashboard_file);
}

pub(crate) fn configure_project(config: &mut web::ServiceConfig) {
    config.service(docs).service(docs_file);
}

/// The instance's address leads to the dashboard.
#[get("/")]
async fn root(_caller: Caller<can::DashboardOpen>) -> HttpResponse {
    to("dashboard/")
}

#[get("/dashboard")]
async fn bare(_caller: Caller<can::DashboardOpen>) -> HttpResponse {
    to("dashboard/")
}

/// A file of the app; any address without a file's ending is one of its pages.
#[get("/dashboard/{path:.*}")]
async fn dashboard_file(
    _caller: Caller<can::DashboardOpen>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    if is_page || *path == "index.html" {
        return page();
    }
    file(&path, &request)
}

#[get("/v1/docs")]
async fn docs(_caller: Caller<in_project::DocsOpen>) -> Result<HttpResponse, Problem> {
    let html = text("reference/index.html")?.unwrap_or_else(|| NOT_BUILT.to_owned());
    Ok(html_page(html, DOCS_POLICY))
}

#[get("/v1/docs/{path:.*}")]
async fn docs_file(
    _caller: Caller<in_project::DocsOpen>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    if path.is_empty() {
        return Ok(to("../docs"));
    }
    file(&format!("reference/{path}"), &request)
}

/// Relative, so that it holds below a prefix and behind a proxy.
fn to(place: &'static str) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, place))
        .finish()
}

fn page() -> Result<HttpResponse, Problem> {
    let mut bytes = [0_u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Problem::internal("no randomness"))?;
    let nonce = STANDARD.encode(bytes);
    let html = text("index.html")?.unwrap_or_else(|| NOT_BUILT.to_owned());
    Ok(html_page(
        html.replace(NONCE, &nonce),
        &dashboard_policy(&nonce),
    ))
}

fn html_page(html: String, policy: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        .insert_header(("Cross-Origin-Opener-Policy", "same-origin"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(html)
}

/// A page's text. Pages are not compressed: something is put into them.
fn text(name: &str) -> Result<Option<String>, Problem> {
    let Some(file) = Files::get(name) else {
        return Ok(None);
    };
    String::from_utf8(file.data.into_owned())
        .map(Some)
        .map_err(|_| Problem::internal("an embedded page is no text"))
}

fn unpacked(file: &EmbeddedFile) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    GzDecoder::new(&*file.data).read_to_end(&mut out)?;
    Ok(out)
}

fn file(name: &str, request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let (found, packed) = match Files::get(name) {
        Some(found) => (found, false),
        None => (
            Files::get(&format!("{name}.gz")).ok_or(Code::RouteNotFound)?,
            true,
        ),
    };
    let etag = format!("\"{}\"", hex(&found.metadata.sha256_hash()[..16]));
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::ETAG, etag.as_str()))
        .insert_header((header::VARY, "Accept-Encoding"))
        // The names of files below assets/ change with what is in them.
        .insert_header((
            header::CACHE_CONTROL,
            if name.starts_with("assets/") {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            },
        ));
    let known = request.headers().get(header::IF_NONE_MATCH);
    if known.is_some_and(|v| v.as_bytes() == etag.as_bytes()) {
        return Ok(response
            .status(actix_web::http::StatusCode::NOT_MODIFIED)
            .finish());
    }
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    response.content_type(
        if kind.type_() == "text" || kind.subtype() == "javascript" {
            format!("{kind}; charset=utf-8")
        } else {
            kind.to_string()
        },
    );
    if !packed {
        return Ok(response.body(found.data.into_owned()));
    }
    if takes_gzip(request.headers()) {
        return Ok(response
            .insert_header((header::CONTENT_ENCODING, "gzip"))
            .body(match found.data {
                std::borrow::Cow::Borrowed(bytes) => web::Bytes::from_static(bytes),
                std::borrow::Cow::Owned(bytes) => bytes.into(),
            }));
    }
    let plain =
        unpacked(&found).map_err(|e| Problem::internal(format!("an embedded file: {e}")))?;
    Ok(response.body(plain))
}

/// Whether the client takes gzip (RFC 9110, section 12.5.3); `q=0` says no.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepts = |part: &str| {
        let mut words = part.split(';').map(str::trim);
        let name = words.next().unwrap_or_default();
        let refused = words.any(|w| {
            w.strip_prefix("q=")
                .is_some_and(|q| q.parse() == Ok(0.0_f32))
        });
        matches!(name, "gzip" | "*") && !refused
    };
    headers
        .get_all(header::ACCEPT_ENCODING)
        .filter_map(|v| v.to_str().ok())
        .any(|v| v.split(',').any(accepts))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{ACCEPT_ENCODING, HeaderValue};

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        for (value, want) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("*", true),
            ("identity", false),
            ("gzip;q=0", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(takes_gzip(&headers), want, "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
