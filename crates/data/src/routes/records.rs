//! Records over HTTP. Their document is made per project from its live collections, not here.

use super::address::{Address, route};
use crate::can;
use crate::query::{Aggregate, Query};
use crate::records::{Bulk, IfMatch, WriteOptions, record_count};
use crate::service::{Asker, Data};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};
use gate::{Body, Caller, Idempotent, Permission, Problem};
use kernel::Code;
use serde_json::Map;
use store::{Answer, Doc};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    let all = "/v1/records/{collection}";
    let one = "/v1/records/{collection}/{id}";
    let mut at = |method, pattern, to| route(config, method, pattern, to);
    at(Method::GET, one, web::to(get_record));
    at(Method::GET, all, web::to(list_records));
    at(Method::POST, all, web::to(create_record));
    at(Method::PATCH, one, web::to(update_record));
    at(Method::PUT, one, web::to(upsert_record));
    at(Method::DELETE, one, web::to(delete_record));
    let below = [
        ("/v1/records/{collection}/query", web::to(query_records)),
        (
            "/v1/records/{collection}/aggregate",
            web::to(aggregate_records),
        ),
        ("/v1/records/{collection}/update", web::to(update_records)),
        ("/v1/records/{collection}/delete", web::to(delete_records)),
    ];
    for (pattern, to) in below {
        at(Method::POST, pattern, to);
    }
}

async fn list_records(
    caller: Caller<can::RecordsRead>,
    data: web::Data<Data>,
    at: Address,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse_list(request.query_string())?;
    let page = data
        .list(
            caller.project()?,
            &asker(&caller, &request),
            &at.collection,
            &query,
        )
        .await?;
    Ok(json(HttpResponse::Ok()).body(page.json()))
}

async fn query_records(
    caller: Caller<can::RecordsRead>,
    data: web::Data<Data>,
    at: Address,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse_body(body.object)?;
    let page = data
        .list(
            caller.project()?,
            &asker(&caller, &request),
            &at.collection,
            &query,
        )
        .await?;
    Ok(json(HttpResponse::Ok()).body(page.json()))
}

async fn aggregate_records(
    caller: Caller<can::RecordsRead>,
    data: web::Data<Data>,
    at: Address,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let asked = Aggregate::parse(body.object)?;
    let (project, asker) = (caller.project()?, asker(&caller, &request));
    let totals = data
        .aggregate(project, &asker, &at.collection, &asked)
        .await?;
    Ok(json(HttpResponse::Ok()).body(totals))
}

async fn update_records(
    caller: Caller<can::RecordsWrite>,
    data: web::Data<Data>,
    at: Address,
    key: Idempotent,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let claim = options(&caller, &key, &request, &body.bytes)?.claim;
    let bulk = Bulk::parse_update(body.object)?;
    let (project, asker) = (caller.project()?, asker(&caller, &request));
    let charge = |records| gate::charge(&request, records);
    let answer = data.write_all(project, &asker, &at.collection, bulk, claim, &charge);
    Ok(written(answer.await?, &request))
}

async fn delete_records(
    caller: Caller<can::RecordsWrite>,
    data: web::Data<Data>,
    at: Address,
    key: Idempotent,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let claim = options(&caller, &key, &request, &body.bytes)?.claim;
    let bulk = Bulk::parse_delete(body.object)?;
    let (project, asker) = (caller.project()?, asker(&caller, &request));
    let charge = |records| gate::charge(&request, records);
    let answer = data.write_all(project, &asker, &at.collection, bulk, claim, &charge);
    Ok(written(answer.await?, &request))
}

async fn get_record(
    caller: Caller<can::RecordsRead>,
    data: web::Data<Data>,
    at: Address,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse_one(request.query_string())?;
    let doc = data
        .get(
            caller.project()?,
            &asker(&caller, &request),
            &at.collection,
            &at.id,
            &query,
        )
        .await?;
    Ok(record(doc, query.expand.is_empty()))
}

async fn create_record(
    caller: Caller<can::RecordsWrite>,
    data: web::Data<Data>,
    at: Address,
    key: Idempotent,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    gate::charge(&request, record_count(&body.object))?;
    let options = options(&caller, &key, &request, &body.bytes)?;
    let answer = data
        .create(
            caller.project()?,
            &asker(&caller, &request),
            &at.collection,
            body.object,
            options,
        )
        .await?;
    Ok(made(&at.collection, answer, &request))
}

async fn upsert_record(
    caller: Caller<can::RecordsWrite>,
    data: web::Data<Data>,
    at: Address,
    key: Idempotent,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let options = options(&caller, &key, &request, &body.bytes)?;
    let options = only_made(options, request.headers())?;
    let (project, asker) = (caller.project()?, asker(&caller, &request));
    let answer = data
        .upsert(
            project,
            &asker,
            &at.collection,
            &at.id,
            body.object,
            options,
        )
        .await?;
    Ok(written(answer, &request))
}

async fn update_record(
    caller: Caller<can::RecordsWrite>,
    data: web::Data<Data>,
    at: Address,
    key: Idempotent,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let options = options(&caller, &key, &request, &body.bytes)?;
    let answer = data
        .merge(
            caller.project()?,
            &asker(&caller, &request),
            &at.collection,
            &at.id,
            body.object,
            options,
        )
        .await?;
    Ok(written(answer, &request))
}

async fn delete_record(
    caller: Caller<can::RecordsWrite>,
    data: web::Data<Data>,
    at: Address,
    key: Idempotent,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let options = options(&caller, &key, &request, b"")?;
    let answer = data
        .delete(
            caller.project()?,
            &asker(&caller, &request),
            &at.collection,
            &at.id,
            options,
        )
        .await?;
    Ok(written(answer, &request))
}

/// Who asks, with what rules may read of the request.
pub(super) fn asker<P: Permission>(caller: &Caller<P>, request: &HttpRequest) -> Asker {
    let text = request.query_string();
    let query = if text.is_empty() {
        Map::new()
    } else {
        query_map(text)
    };
    Asker::new(
        caller.who(),
        caller.now(),
        request.method().as_str(),
        caller.network(),
        query,
        caller.request_id(),
    )
}

fn query_map(text: &str) -> Map<String, serde_json::Value> {
    url::form_urlencoded::parse(text.as_bytes())
        .filter(|(_, value)| !value.contains('\0'))
        .map(|(name, value)| (name.into_owned(), value.into()))
        .collect()
}

pub(super) fn options<P: Permission>(
    caller: &Caller<P>,
    key: &Idempotent,
    request: &HttpRequest,
    body: &[u8],
) -> Result<WriteOptions, Problem> {
    let headers = request.headers();
    let if_match = headers.get(header::IF_MATCH).and_then(|v| v.to_str().ok());
    let if_none_match = headers.get(header::IF_NONE_MATCH);
    let condition = match if_none_match.and_then(|v| v.to_str().ok()) {
        None => if_match.map(str::to_owned),
        Some(none) => Some(format!("{} none {none}", if_match.unwrap_or_default())),
    };
    let claim = key.claim(
        caller.who(),
        request.method().as_str(),
        request.path(),
        request.query_string(),
        body,
        condition.as_deref(),
    )?;
    Ok(WriteOptions {
        if_match: parse_if_match(headers),
        claim,
    })
}

/// `If-Match` (RFC 9110, section 13.1.1): `*` or strong tags; a tag that is none of ours matches nothing.
fn parse_if_match(headers: &HeaderMap) -> Option<IfMatch> {
    let values: Vec<&str> = headers
        .get_all(header::IF_MATCH)
        .map(|v| v.to_str().unwrap_or_default())
        .collect();
    if values.is_empty() {
        return None;
    }
    let tags: Vec<&str> = values
        .iter()
        .flat_map(|v| v.split(','))
        .map(str::trim)
        .collect();
    if tags == ["*"] {
        return Some(IfMatch::Any);
    }
    let version = |tag: &&str| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
    Some(IfMatch::Versions(tags.iter().filter_map(version).collect()))
}

/// `If-None-Match: *` (RFC 9110, section 13.1.2) beside what `If-Match` asks for; both together hold of no record.
fn only_made(options: WriteOptions, headers: &HeaderMap) -> Result<WriteOptions, Problem> {
    let if_match = match (headers.get(header::IF_NONE_MATCH), options.if_match) {
        (None, if_match) => if_match,
        (Some(value), _) if value.as_bytes().trim_ascii() != b"*" => {
            let detail = "If-None-Match takes * only.";
            return Err(Problem::new(Code::BadRequest).detail(detail));
        }
        (Some(_), None) => Some(IfMatch::Absent),
        (Some(_), Some(_)) => Some(IfMatch::Versions(Vec::new())),
    };
    Ok(WriteOptions {
        if_match,
        ..options
    })
}

fn json(mut builder: actix_web::HttpResponseBuilder) -> actix_web::HttpResponseBuilder {
    builder.insert_header((header::CONTENT_TYPE, "application/json"));
    builder
}

fn record(doc: Doc, tagged: bool) -> HttpResponse {
    let mut response = json(HttpResponse::Ok());
    if tagged {
        response.insert_header((header::ETAG, format!("\"{}\"", doc.version)));
    }
    response.body(doc.json)
}

/// Where the made record is, from the address of its collection. Without it nobody would know the id of a record whose
/// answer has no body.
fn made(collection: &str, answer: Answer, request: &HttpRequest) -> HttpResponse {
    #[derive(serde::Deserialize)]
    struct Made {
        id: String,
    }
    let place = answer.body.as_deref().and_then(|body| {
        let made: Made = serde_json::from_str(body).ok()?;
        header::HeaderValue::try_from(format!("{collection}/{}", made.id)).ok()
    });
    let mut response = written(answer, request);
    if let Some(place) = place {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// The answer of a write; `Prefer: return=minimal` (RFC 7240, section 4.2) leaves the body out: 204, or 201 where
/// something was made.
pub(super) fn written(answer: Answer, request: &HttpRequest) -> HttpResponse {
    let prefer = request.headers().get_all("prefer");
    let mut prefer = prefer.filter_map(|v| v.to_str().ok());
    let minimal = prefer.any(|p| p.split([',', ';']).any(|p| p.trim() == "return=minimal"));
    let applied = minimal && answer.body.is_some();
    let status = if applied && answer.status == 200 {
        204
    } else {
        answer.status
    };
    let mut response =
        HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap_or_default());
    if let Some(etag) = answer.etag {
        response.insert_header((header::ETAG, etag));
    }
    if applied {
        response.insert_header(("preference-applied", "return=minimal"));
    }
    match answer.body.filter(|_| !applied) {
        Some(body) => json(response).body(body),
        None => response.finish(),
    }
}
