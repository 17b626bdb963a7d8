//! The changes feed over HTTP.

use super::records::asker;
use crate::can;
use crate::changes::{ChangeItem, ChangesPage, ChangesQuery};
use crate::service::Data;
use actix_web::{HttpRequest, HttpResponse, get, web};
use gate::{Caller, Problem};
use std::fmt::Write;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list_changes);
}

/// What has become of one record.
#[derive(ToSchema)]
#[schema(as = Change)]
#[expect(dead_code, reason = "describes what `write_item` writes")]
struct ChangeView {
    /// The place of its last change on the page.
    #[schema(minimum = 1)]
    seq: i64,
    /// The collection's name.
    collection: String,
    /// The record's id.
    id: uuid::Uuid,
    /// Whether it is there to be seen, or gone: removed, or out of the caller's view.
    op: ChangeOp,
    /// The record as a list shows it to the caller now; with `upsert` only.
    #[schema(required = false, nullable = false, value_type = Object, additional_properties = true)]
    record: Option<serde_json::Value>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `write_item` writes")]
enum ChangeOp {
    Upsert,
    Gone,
}

/// A page of changes.
#[derive(ToSchema)]
#[schema(as = ChangePage)]
#[expect(dead_code, reason = "describes what `body` writes")]
struct ChangePageView {
    /// One item for each record that changed, in the order of their last changes.
    items: Vec<ChangeView>,
    /// Hand this back as `since` for the next page.
    #[schema(minimum = 0)]
    next_since: i64,
    /// Whether there are more changes already.
    more: bool,
    /// An opaque tag. When it is another than before, records may have come into view or left it without a change of
    /// their own (rules, fields, the caller, or records that rules look at have changed): ask for `since=now`, list the
    /// records again, and go on from there.
    visibility: String,
}

/// Tells what has happened to the records that the caller may list.
///
/// To keep a copy: ask for `since=now` and keep `next_since` and `visibility`; list the records; then ask for the changes
/// since, putting each upsert into the copy and taking each gone out of it. When `visibility` changes, or the answer is
/// `resync_required`, begin anew. The list rule decides, as in lists; a record stands at most once on a page, as it is
/// now. Changes are kept for 30 days, and the newest million of them.
#[utoipa::path(
    tag = "records",
    params(
        ("since" = String, Query, description = "Where to begin: next_since of the answer before, 0 for the oldest change that is kept, or now for none.", pattern = "^(now|[0-9]{1,19})$"),
        ("collections" = Option<String>, Query, description = "Names of at most 100 collections, separated by commas; absent for all that the caller may list."),
        ("limit" = Option<u32>, Query, description = "Changes of the page; a page can have fewer items.", minimum = 1, maximum = 1_000)
    ),
    responses((status = 200, description = "What has changed", body = ChangePageView), gate::openapi::Problems),
    security((), ("bearer" = []))
)]
#[get("/v1/changes")]
async fn list_changes(
    caller: Caller<can::RecordsRead>,
    data: web::Data<Data>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = ChangesQuery::parse(request.query_string())?;
    let page = data
        .changes(caller.project()?, &asker(&caller, &request), &query)
        .await?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(body(&page)))
}

/// The records are JSON already: they are joined, not parsed.
fn body(page: &ChangesPage) -> String {
    let records = page.items.iter().filter_map(|i| i.record.as_ref());
    let bytes: usize = records.map(String::len).sum();
    let mut out = String::with_capacity(bytes + page.items.len() * 128 + 128);
    out.push_str("{\"items\":[");
    for (i, item) in page.items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_item(&mut out, item);
    }
    // A tag is base64url: nothing in it needs escaping.
    let _ = write!(
        out,
        "],\"next_since\":{},\"more\":{},\"visibility\":\"{}\"}}",
        page.next_since, page.more, page.visibility
    );
    out
}

/// Names of collections need no escaping.
fn write_item(out: &mut String, item: &ChangeItem) {
    let _ = write!(
        out,
        "{{\"seq\":{},\"collection\":\"{}\",\"id\":\"{}\",\"op\":",
        item.seq, item.collection, item.id
    );
    match &item.record {
        Some(record) => {
            out.push_str("\"upsert\",\"record\":");
            out.push_str(record);
        }
        None => out.push_str("\"gone\""),
    }
    out.push('}');
}
