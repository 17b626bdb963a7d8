//! Buckets over HTTP, for keys and operators, and the lists of their files.

use super::asker;
use crate::can;
use crate::list::FilesQuery;
use crate::rows::Which;
use crate::service::Files;
use crate::views::{
    BucketCreate, BucketPage, BucketPatch, BucketView, FileListParams, FilePage, FileView,
};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use gate::openapi::{Problems, ReadProblems};
use gate::wire::ListParams;
use gate::{Body, Caller, Idempotent, Problem, QueryInput};
use kernel::{Code, Page, parse_id};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list_buckets)
        .service(create_bucket)
        .service(get_bucket)
        .service(update_bucket)
        .service(delete_bucket)
        .service(list_files)
        .service(get_file);
}

/// Lists the buckets
#[utoipa::path(operation_id = "list_buckets", tag = "files", responses((status = 200, description = "The buckets", body = BucketPage), ReadProblems))]
#[get("/v1/buckets")]
async fn list_buckets(
    caller: Caller<can::BucketsRead>,
    files: Data<Files>,
) -> Result<HttpResponse, Problem> {
    let buckets = files.list_buckets(caller.project()?).await?;
    Ok(HttpResponse::Ok().json(Page {
        items: buckets.iter().map(BucketView::from).collect(),
        next_cursor: None,
        total: None,
    }))
}

/// Makes a bucket
///
/// Rules that are not given let keys and operators only.
#[utoipa::path(operation_id = "create_bucket", tag = "files", request_body = BucketCreate, responses((status = 201, description = "The bucket", body = BucketView), Problems))]
#[post("/v1/buckets")]
async fn create_bucket(
    caller: Caller<can::BucketsWrite>,
    files: Data<Files>,
    key: Idempotent,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (path, query) = (request.path(), request.query_string());
    let claim = key.claim(caller.who(), "POST", path, query, &body.bytes, None)?;
    let asker = asker(&caller, &request);
    let made = files.create_bucket(caller.project()?, &asker, body.input(), claim);
    let answer = made.await?;
    let status = StatusCode::from_u16(answer.status).map_err(Problem::internal)?;
    Ok(HttpResponse::build(status)
        .content_type("application/json")
        .body(answer.body.unwrap_or_default()))
}

/// Reads one bucket
#[utoipa::path(operation_id = "get_bucket", tag = "files", params(("bucket" = String, Path, description = "The bucket's name")), responses((status = 200, description = "The bucket", body = BucketView), ReadProblems))]
#[get("/v1/buckets/{bucket}")]
async fn get_bucket(
    caller: Caller<can::BucketsRead>,
    files: Data<Files>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    let bucket = files.get_bucket(caller.project()?, &name).await?;
    Ok(HttpResponse::Ok().json(BucketView::from(&bucket)))
}

/// Changes a bucket's rules and limits
#[utoipa::path(operation_id = "update_bucket", tag = "files", params(("bucket" = String, Path, description = "The bucket's name")), request_body = BucketPatch, responses((status = 200, description = "The bucket", body = BucketView), Problems))]
#[patch("/v1/buckets/{bucket}")]
async fn update_bucket(
    caller: Caller<can::BucketsWrite>,
    files: Data<Files>,
    name: Path<String>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let asker = asker(&caller, &request);
    let changed = files.update_bucket(caller.project()?, &asker, &name, body.object);
    Ok(HttpResponse::Ok().json(BucketView::from(&changed.await?)))
}

/// Deletes a bucket
///
/// One that holds files stays: 409 `bucket_not_empty`.
#[utoipa::path(operation_id = "delete_bucket", tag = "files", params(("bucket" = String, Path, description = "The bucket's name")), responses((status = 204, description = "Deleted"), Problems))]
#[delete("/v1/buckets/{bucket}")]
async fn delete_bucket(
    caller: Caller<can::BucketsWrite>,
    files: Data<Files>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asker = asker(&caller, &request);
    files
        .delete_bucket(caller.project()?, &asker, &name)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists the files of a bucket
///
/// Those that its list rule shows.
#[utoipa::path(operation_id = "list_files", tag = "files", params(("bucket" = String, Path, description = "The bucket's name"), FileListParams, ListParams), responses((status = 200, description = "A page of files", body = FilePage), ReadProblems))]
#[get("/v1/buckets/{bucket}/files")]
async fn list_files(
    caller: Caller<can::FilesRead>,
    files: Data<Files>,
    bucket: Path<String>,
    query: QueryInput,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = FilesQuery::read(query)?;
    let asker = asker(&caller, &request);
    let page = files.list_files(caller.project()?, &asker, &bucket, &query);
    Ok(HttpResponse::Ok().json(page.await?))
}

/// Reads what is known of a file
#[utoipa::path(operation_id = "get_file", tag = "files", params(("bucket" = String, Path, description = "The bucket's name"), ("id" = uuid::Uuid, Path, description = "The file")), responses((status = 200, description = "The file", body = FileView), ReadProblems))]
#[get("/v1/buckets/{bucket}/files/{id}")]
async fn get_file(
    caller: Caller<can::FilesRead>,
    files: Data<Files>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let which = Which::Id(parse_id(&path.1).ok_or(Code::FileNotFound)?);
    let asker = asker(&caller, &request);
    let view = files.get_file(caller.project()?, &asker, &path.0, &which);
    Ok(HttpResponse::Ok().json(view.await?))
}
