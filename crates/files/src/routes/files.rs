//! The bytes of files over HTTP: uploads, downloads, deletions, by path and by id.

use super::asker;
use crate::can;
use crate::http::{Wanted, etag, respond};
use crate::model::{FilePath, is_bucket_name};
use crate::rows::Which;
use crate::service::Files;
use crate::upload::{Condition, Put};
use crate::views::{Bytes, FileView};
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, delete, get, head, put};
use futures_util::StreamExt;
use gate::openapi::{Problems, ReadProblems, problem_responses};
use gate::{Caller, NoIdempotency, Problem};
use kernel::{Code, parse_id};
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::openapi::{RefOr, Response};
use utoipa_actix_web::service_config::ServiceConfig;

/// How long a refused body is kept.
const REFUSED_KEPT: Duration = Duration::from_secs(2);

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(get_bytes)
        .service(head_bytes)
        .service(put_bytes)
        .service(delete_file);
    config
        .service(get_bytes_by_id)
        .service(head_bytes_by_id)
        .service(delete_file_by_id);
}

/// What reading bytes can be answered beside.
struct RangeProblems;

impl utoipa::IntoResponses for RangeProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problem_responses(&[412, 416])
    }
}

/// The bucket and the path of the address, as they were sent: the router's own reading puts a replacement character
/// where bytes are no UTF-8, so that two paths would be one.
fn place(request: &HttpRequest) -> Result<(String, FilePath), Problem> {
    let bucket = request.match_info().get("bucket").unwrap_or_default();
    if !is_bucket_name(bucket) {
        return Err(Code::BucketNotFound.into());
    }
    let path = request.uri().path().splitn(5, '/').nth(4);
    Ok((
        bucket.to_owned(),
        FilePath::decode(path.unwrap_or_default())?,
    ))
}

fn at(request: &HttpRequest) -> Result<Which, Problem> {
    let (bucket, path) = place(request)?;
    Ok(Which::At(bucket, path.as_str().to_owned()))
}

fn by_id(request: &HttpRequest) -> Result<Which, Problem> {
    let id = request.match_info().get("id").and_then(parse_id);
    Ok(Which::Id(id.ok_or(Code::FileNotFound)?))
}

fn upload(request: &HttpRequest) -> Result<Put, Problem> {
    let (bucket, path) = place(request)?;
    let text = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
    Ok(Put {
        bucket,
        path,
        length: text(header::CONTENT_LENGTH).and_then(|v| v.parse().ok()),
        declared: text(header::CONTENT_TYPE).map(str::to_owned),
        condition: Condition::of(request)?,
    })
}

fn written((is_new, file): (bool, FileView)) -> HttpResponse {
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    HttpResponse::build(status)
        .insert_header((header::ETAG, etag(&file.sha256)))
        .json(file)
}

/// Keeps what is left of a refused body until the answer has gone. One that is let go before is read to its end by the
/// framework if it is chunked, for as long as its sender likes; one that is kept makes it close the connection.
fn hold_back(body: Payload) {
    let hold = async move {
        tokio::time::sleep(REFUSED_KEPT).await;
        drop(body);
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends by itself, does nothing, and a stop need not wait for it"
    )]
    drop(actix_web::rt::spawn(hold));
}

async fn send(
    caller: &Caller<can::FilesRead>,
    files: &Files,
    request: &HttpRequest,
    which: &Which,
) -> Result<HttpResponse, Problem> {
    let (asker, wanted) = (asker(caller, request), Wanted::of(request));
    let fetched = files.fetch(caller.project()?, &asker, which, &wanted);
    Ok(respond(fetched.await?))
}

async fn remove(
    caller: &Caller<can::FilesWrite>,
    files: &Files,
    request: &HttpRequest,
    which: &Which,
) -> Result<HttpResponse, Problem> {
    let (asker, condition) = (asker(caller, request), Condition::of(request)?);
    files
        .delete(caller.project()?, &asker, which, &condition)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Reads a file's bytes
///
/// Takes `Range` (one range), `If-Range`, `If-Match`, `If-None-Match`, `If-Modified-Since` and `If-Unmodified-Since`.
/// Pictures, audio and video that are known by their content are sent as such; everything else is an attachment of
/// the type `application/octet-stream`.
#[utoipa::path(operation_id = "get_bytes", tag = "files", params(("bucket" = String, Path, description = "The bucket's name"), ("path" = String, Path, description = "The file's path")), responses((status = 200, description = "The bytes", body = Bytes, content_type = "application/octet-stream"), (status = 206, description = "A part of the bytes", body = Bytes, content_type = "application/octet-stream"), (status = 304, description = "The bytes that the client has are current"), RangeProblems, ReadProblems))]
#[get("/v1/files/{bucket}/{path:.*}")]
async fn get_bytes(
    caller: Caller<can::FilesRead>,
    files: Data<Files>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    send(&caller, &files, &request, &at(&request)?).await
}

/// Asks what reading a file's bytes would answer
#[utoipa::path(operation_id = "head_bytes", tag = "files", params(("bucket" = String, Path, description = "The bucket's name"), ("path" = String, Path, description = "The file's path")), responses((status = 200, description = "The headers of the bytes"), (status = 304, description = "The bytes that the client has are current"), RangeProblems, ReadProblems))]
#[head("/v1/files/{bucket}/{path:.*}")]
async fn head_bytes(
    caller: Caller<can::FilesRead>,
    files: Data<Files>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    send(&caller, &files, &request, &at(&request)?).await
}

/// Uploads a file
///
/// The body is the bytes. A file that is at the path already is replaced and keeps its id. `If-None-Match: *` only
/// makes, `If-Match` only replaces. An upload that sends less than 1 KB per second over 10 seconds is ended: 408.
#[utoipa::path(operation_id = "put_bytes", tag = "files", params(("bucket" = String, Path, description = "The bucket's name"), ("path" = String, Path, description = "The file's path: at most 1,024 bytes, no empty or dot segments; `%2F` and `/` are alike")), request_body(content = Bytes, content_type = "application/octet-stream", description = "The bytes, of any type"), responses((status = 201, description = "The file was made", body = FileView), (status = 200, description = "The file was replaced", body = FileView), Problems))]
#[put("/v1/files/{bucket}/{path:.*}")]
async fn put_bytes(
    caller: Caller<can::FilesWrite>,
    _once: NoIdempotency,
    files: Data<Files>,
    request: HttpRequest,
    mut body: Payload,
) -> Result<HttpResponse, Problem> {
    let asker = asker(&caller, &request);
    let bytes = (&mut body).map(|bytes| bytes.map_err(drop)).boxed_local();
    let put = files.put(caller.project()?, &asker, upload(&request)?, bytes);
    let done = put.await.map(written).map_err(Problem::from);
    done.inspect_err(|_| hold_back(body))
}

/// Deletes a file
///
/// One that a record holds stays: 409 `file_in_use`. Takes `If-Match`.
#[utoipa::path(operation_id = "delete_file", tag = "files", params(("bucket" = String, Path, description = "The bucket's name"), ("path" = String, Path, description = "The file's path")), responses((status = 204, description = "Deleted"), Problems))]
#[delete("/v1/files/{bucket}/{path:.*}")]
async fn delete_file(
    caller: Caller<can::FilesWrite>,
    _once: NoIdempotency,
    files: Data<Files>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    remove(&caller, &files, &request, &at(&request)?).await
}

/// Reads a file's bytes by its id
///
/// As by its path.
#[utoipa::path(operation_id = "get_bytes_by_id", tag = "files", params(("id" = uuid::Uuid, Path, description = "The file")), responses((status = 200, description = "The bytes", body = Bytes, content_type = "application/octet-stream"), (status = 206, description = "A part of the bytes", body = Bytes, content_type = "application/octet-stream"), (status = 304, description = "The bytes that the client has are current"), RangeProblems, ReadProblems))]
#[get("/v1/files/{id}")]
async fn get_bytes_by_id(
    caller: Caller<can::FilesRead>,
    files: Data<Files>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    send(&caller, &files, &request, &by_id(&request)?).await
}

/// Asks what reading a file's bytes by its id would answer
#[utoipa::path(operation_id = "head_bytes_by_id", tag = "files", params(("id" = uuid::Uuid, Path, description = "The file")), responses((status = 200, description = "The headers of the bytes"), (status = 304, description = "The bytes that the client has are current"), RangeProblems, ReadProblems))]
#[head("/v1/files/{id}")]
async fn head_bytes_by_id(
    caller: Caller<can::FilesRead>,
    files: Data<Files>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    send(&caller, &files, &request, &by_id(&request)?).await
}

/// Deletes a file by its id
///
/// As by its path.
#[utoipa::path(operation_id = "delete_file_by_id", tag = "files", params(("id" = uuid::Uuid, Path, description = "The file")), responses((status = 204, description = "Deleted"), Problems))]
#[delete("/v1/files/{id}")]
async fn delete_file_by_id(
    caller: Caller<can::FilesWrite>,
    _once: NoIdempotency,
    files: Data<Files>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    remove(&caller, &files, &request, &by_id(&request)?).await
}
