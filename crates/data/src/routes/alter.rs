//! Changing collections over HTTP, and what they were before.

use super::collections::{CollectionView, FieldView, IndexView, RulesView};
use super::records::{asker, options, written};
use crate::can;
use crate::service::Data;
use actix_web::web::{self, Path};
use actix_web::{HttpRequest, HttpResponse, get, patch};
use gate::{Body, Caller, Idempotent, ListQuery, Problem};
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(update_collection)
        .service(list_versions)
        .service(get_version);
}

/// A change of a collection. What is absent stays.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Alter::parse` reads")]
struct CollectionPatch {
    /// Its new name. Relations that lead to it follow; rules and defaults that name it must be changed first.
    #[schema(required = false, nullable = false, pattern = "^[a-z][a-z0-9_]{0,58}$")]
    name: Option<String>,
    /// The rules that change; those that are absent stay.
    #[schema(required = false, nullable = false)]
    rules: Option<RulesView>,
    /// What becomes of its fields.
    #[schema(required = false, nullable = false)]
    fields: Option<FieldsPatch>,
    /// What becomes of its indexes.
    #[schema(required = false, nullable = false)]
    indexes: Option<IndexesPatch>,
    /// The words with which a refusal named what would be lost, such as `drop:title` and `convert:price`.
    #[schema(required = false, nullable = false)]
    confirm: Option<Vec<String>>,
    /// Whether only to tell what would be done and lost. It is tried and taken back, and takes as long.
    #[schema(required = false, default = false)]
    dry_run: bool,
}

/// A change of a collection's fields. `rename`, `change` and `drop` call fields as they are called before it, `order` as
/// they are called after it. Rules, defaults and indexes that name a field which goes, gets another name or another type
/// are told, and the change is refused; indexes follow a new name.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Alter::parse` reads")]
#[schema(as = CollectionFieldsPatch)]
struct FieldsPatch {
    /// Fields to be added. A required one needs a constant default; records that are there get a constant default, or
    /// null.
    #[schema(required = false)]
    add: Vec<FieldView>,
    /// New names, by the old ones.
    #[schema(required = false)]
    rename: BTreeMap<String, String>,
    /// Options that change, by the fields' names: those that are absent stay, null takes one away. Records must fit. With
    /// another `type` or `format` the values are converted; what cannot be becomes the constant default or null, once it
    /// is confirmed.
    #[schema(required = false)]
    change: BTreeMap<String, serde_json::Map<String, serde_json::Value>>,
    /// Names of fields that go with their values.
    #[schema(required = false)]
    drop: Vec<String>,
    /// All fields in their new order.
    #[schema(required = false, nullable = false)]
    order: Option<Vec<String>>,
}

/// A change of a collection's indexes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Alter::parse` reads")]
#[schema(as = CollectionIndexesPatch)]
struct IndexesPatch {
    /// Indexes to be added.
    #[schema(required = false)]
    add: Vec<IndexView>,
    /// Indexes that go, by their fields; `unique` where two differ in it.
    #[schema(required = false)]
    drop: Vec<IndexView>,
}

/// What a change would do.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Altered::view` builds")]
#[schema(as = CollectionPlan)]
struct PlanView {
    /// True.
    dry_run: bool,
    /// What would be done to the table.
    steps: Vec<StepView>,
    /// What records would lose.
    losses: Vec<LossView>,
    /// The collection as it would be.
    collection: CollectionView,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Altered::view` builds")]
#[schema(as = CollectionPlanStep)]
struct StepView {
    /// What is done.
    kind: StepKind,
    /// The fields or the collection that it is about.
    of: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `Altered::view` builds")]
#[schema(as = CollectionPlanStepKind)]
enum StepKind {
    /// Something gets another name.
    Rename,
    /// All values of a field are made anew.
    Copy,
    /// The records get a new table.
    Rebuild,
    /// A column's conditions change in its place.
    Alter,
    /// A column comes.
    Add,
    /// A column or an index goes.
    Drop,
    /// An index comes.
    Index,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Loss::view` builds")]
#[schema(as = CollectionLoss)]
struct LossView {
    /// The word that agrees to it in `confirm`.
    confirm: String,
    /// The field.
    field: Option<String>,
    /// How many records lose a value.
    records: i64,
    /// How many items of their lists go with it, of a relation to many.
    #[schema(required = false)]
    pairs: Option<i64>,
    /// The ids of some of them, where values could not be converted.
    sample: Vec<String>,
}

/// The collection, or the plan of a dry run.
struct AlteredView;

impl PartialSchema for AlteredView {
    fn schema() -> RefOr<Schema> {
        let one_of = OneOfBuilder::new()
            .item(Ref::from_schema_name(CollectionView::name()))
            .item(Ref::from_schema_name(PlanView::name()));
        RefOr::T(Schema::OneOf(one_of.build()))
    }
}

impl ToSchema for AlteredView {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CollectionAltered")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((
            CollectionView::name().into_owned(),
            CollectionView::schema(),
        ));
        schemas.push((PlanView::name().into_owned(), PlanView::schema()));
        CollectionView::schemas(schemas);
        PlanView::schemas(schemas);
    }
}

/// A change of a collection that is kept.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Entry::view` builds")]
#[schema(as = CollectionVersion)]
struct VersionView {
    /// The schema's version since.
    version: i64,
    /// `collection.create`, `collection.update` or `collection.delete`.
    action: String,
    /// Who did it, such as `operator:<id>`; null if that is not known any more.
    #[schema(required = true)]
    actor: Option<String>,
    /// The request that did it; null if that is not known any more.
    #[schema(required = true)]
    request_id: Option<String>,
    /// When.
    at: String,
}

/// A change of a collection with what it was and became.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Data::get_version` builds")]
#[schema(as = CollectionVersionFull)]
struct VersionFull {
    /// What is told of it in lists.
    #[schema(inline)]
    version: i64,
    /// See `CollectionVersion`.
    action: String,
    /// See `CollectionVersion`.
    #[schema(required = true)]
    actor: Option<String>,
    /// See `CollectionVersion`.
    #[schema(required = true)]
    request_id: Option<String>,
    /// When.
    at: String,
    /// The definition before the change; null if there was none.
    #[schema(required = true, value_type = Option<Object>)]
    before: Option<serde_json::Value>,
    /// The definition since.
    #[schema(required = true, value_type = Option<Object>)]
    definition: Option<serde_json::Value>,
}

/// Changes of a collection, newest first.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `list_versions` sends")]
#[schema(as = CollectionVersionPage)]
struct VersionPage {
    /// The changes.
    items: Vec<VersionView>,
    /// Hand this back as `cursor` for the next page; null on the last.
    #[schema(required = true)]
    next_cursor: Option<String>,
    /// All that are kept; with `count=exact` only.
    #[schema(required = false, nullable = false)]
    total: Option<u64>,
}

/// Changes a collection and keeps its records: its name, its fields, their names, options and types, its indexes and
/// rules, all at once or not at all.
#[utoipa::path(tag = "collections", params(("collection" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "16 to 128 characters; makes a retry safe for 24 hours."),
    ("Prefer" = Option<String>, Header, description = "return=minimal leaves the collection out of the answer.")),
    request_body = CollectionPatch,
    responses((status = 200, description = "The collection, or the plan of a dry run", body = AlteredView), (status = 204, description = "Done; asked for with Prefer: return=minimal."), gate::openapi::Problems))]
#[patch("/v1/collections/{collection}")]
async fn update_collection(
    caller: Caller<can::CollectionsWrite>,
    data: web::Data<Data>,
    name: Path<String>,
    key: Idempotent,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let claim = options(&caller, &key, &request, &body.bytes)?.claim;
    let (project, asker) = (caller.project()?, asker(&caller, &request));
    let answer = data.update_collection(project, &asker, &name, body.object, claim);
    Ok(written(answer.await?, &request))
}

/// Lists the changes of a collection, newest first. The last 100 are kept.
#[utoipa::path(operation_id = "list_collection_versions", tag = "collections", params(
    ("collection" = String, Path),
    ("limit" = Option<u32>, Query, description = "Changes of the page at most.", minimum = 1, maximum = 1_000),
    ("cursor" = Option<String>, Query, description = "Where the page begins: what the page before gave as `next_cursor`."),
    ("count" = Option<String>, Query, description = "`exact` asks for `total`.", pattern = "^exact$")
), responses((status = 200, description = "A page of changes", body = VersionPage), gate::openapi::Problems))]
#[get("/v1/collections/{collection}/versions")]
async fn list_versions(
    caller: Caller<can::CollectionsRead>,
    data: web::Data<Data>,
    name: Path<String>,
    query: ListQuery,
) -> Result<HttpResponse, Problem> {
    let page = data.list_versions(caller.project()?, &name, &query).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Reads a collection as it was at a version of the schema.
#[utoipa::path(operation_id = "get_collection_version", tag = "collections", params(("collection" = String, Path), ("version" = i64, Path, description = "A version of the schema", minimum = 0)), responses((status = 200, description = "The last change until then", body = VersionFull), gate::openapi::Problems))]
#[get("/v1/collections/{collection}/versions/{version}")]
async fn get_version(
    caller: Caller<can::CollectionsRead>,
    data: web::Data<Data>,
    place: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (name, version) = place.into_inner();
    let version = version.parse().unwrap_or(-1);
    let view = data.get_version(caller.project()?, &name, version).await?;
    Ok(HttpResponse::Ok().json(view))
}
