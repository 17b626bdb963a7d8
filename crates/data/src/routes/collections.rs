//! The schema over HTTP, for keys and operators.

use super::records::{asker, options, written};
use crate::can;
use crate::model::Collection;
use crate::service::Data;
use actix_web::web::{self, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use gate::{Body, Caller, Idempotent, Problem, QueryInput};
use kernel::Page;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list_collections)
        .service(create_collection)
        .service(get_collection)
        .service(delete_collection);
}

/// A collection as it is sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Collection::view` builds")]
#[schema(as = Collection)]
pub struct CollectionView {
    /// Its id.
    id: uuid::Uuid,
    /// Its name, which is its table's too.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,58}$")]
    name: String,
    /// `table`, or `users` for the built-in collection.
    kind: CollectionKindView,
    /// Its fields, without `id`, `created_at`, `updated_at` and `_version`, which every record has.
    fields: Vec<FieldView>,
    /// The fields that the server keeps itself: those of `users`, beside the four of every record. They stay as they are.
    built_in_fields: Vec<FieldView>,
    /// Its indexes.
    indexes: Vec<IndexView>,
    /// Who may do what.
    rules: RulesView,
    /// When it was made.
    created_at: String,
    /// When it was last changed.
    updated_at: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `Collection::view` builds")]
#[schema(as = CollectionKind)]
enum CollectionKindView {
    Table,
    Users,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `Field::describe` builds")]
#[schema(as = FieldType)]
enum FieldTypeView {
    Text,
    Editor,
    Email,
    Url,
    Number,
    Bool,
    Datetime,
    Date,
    Uuid,
    Json,
    Geo,
    Relation,
    Select,
    File,
}

/// A bound: a number, or the text of an exact one.
fn bound() -> Schema {
    let kinds = SchemaType::from_iter([Type::Number, Type::String]);
    ObjectBuilder::new().schema_type(kinds).build().into()
}

/// A field. `min` and `max` bound a text's length or a number's value.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Field::describe` builds")]
#[schema(as = CollectionField)]
pub(super) struct FieldView {
    /// Its name, which is its column's too.
    name: String,
    /// What it holds.
    r#type: FieldTypeView,
    /// Whether it must have a value.
    #[schema(required = false, default = false)]
    required: bool,
    /// Whether no two records may have the same value.
    #[schema(required = false, default = false)]
    unique: bool,
    /// Whether it exists for keys and operators only.
    #[schema(required = false, default = false)]
    hidden: bool,
    /// Who sees its value, beside the rules of the record: a rule, true of the record; null for keys and operators only.
    /// Whoever sees the record but not this is shown null, and cannot sort by it. Absent, the record's rules decide.
    #[schema(required = false)]
    read: Option<String>,
    /// Who may send it, beside the rules of the record: a rule, as `update` is one; null for keys and operators only.
    #[schema(required = false)]
    write: Option<String>,
    /// Texts and addresses: whether spellings that differ in the case of ASCII letters only count as equal where the
    /// field must be unique. Addresses of mail do unless it is said otherwise.
    #[schema(required = false, nullable = false)]
    case_insensitive: Option<bool>,
    /// What it means; the API document shows it.
    #[schema(required = false, nullable = false)]
    description: Option<String>,
    /// Numbers: `float` or `integer`, which JSON carries exactly; or, sent as texts, `wide` with 64 bits or `decimal`.
    #[schema(required = false, nullable = false)]
    format: Option<String>,
    /// Decimals: digits in all, at most 18.
    #[schema(required = false, nullable = false, minimum = 1, maximum = 18)]
    precision: Option<u32>,
    /// Decimals: digits after the point; 2 if absent.
    #[schema(required = false, nullable = false, maximum = 18)]
    scale: Option<u32>,
    /// Texts: code points at least. Numbers: the least value, a text where the format is sent so.
    #[schema(required = false, schema_with = bound)]
    min: (),
    /// Texts: code points at most. Numbers: the greatest value, a text where the format is sent so.
    #[schema(required = false, schema_with = bound)]
    max: (),
    /// Texts: what they must match, found anywhere in the text unless `^` and `$` hold it to the whole. The syntax is that
    /// of Rust's crate `regex`, without look-around and back-references.
    #[schema(required = false, nullable = false)]
    pattern: Option<String>,
    /// JSON: bytes at most.
    #[schema(required = false, nullable = false, maximum = 1048576)]
    size_bytes_max: Option<u64>,
    /// JSON: a JSON Schema (2020-12) that values must keep. Its references stay within it.
    #[schema(required = false, nullable = false)]
    schema: Option<serde_json::Map<String, serde_json::Value>>,
    /// Relations: the collection that it points to.
    #[schema(required = false, nullable = false)]
    collection: Option<String>,
    /// Relations: what happens when the record that it points to is deleted. `restrict`, if absent: it cannot be;
    /// `cascade`: the record goes too, whatever its own rules say; `set_null`: the relation becomes null. At most 10,000
    /// records go or change with one. Of a list (`multiple`): `restrict`: it cannot be as long as a list names it;
    /// `cascade`: it goes from every list, and the records with the lists stay, but one whose list would then be shorter
    /// than `min_items` keeps it; `set_null` is not taken.
    #[schema(required = false, nullable = false)]
    on_delete: Option<String>,
    /// Selects: the texts that it can hold.
    #[schema(required = false, nullable = false)]
    values: Option<Vec<String>>,
    /// Selects, relations and files: whether the field holds a list, in order and each value once. A relation's list is
    /// kept in a join table `<collection>_<field>`.
    #[schema(required = false, nullable = false)]
    multiple: Option<bool>,
    /// Lists: items at least.
    #[schema(required = false, nullable = false, maximum = 1000)]
    min_items: Option<u32>,
    /// Lists: items at most; if absent, of a relation 1,000, of files 100, of a select as many as it has values.
    #[schema(required = false, nullable = false, maximum = 1000)]
    max_items: Option<u32>,
    /// Files: the bucket that they are in.
    #[schema(required = false, nullable = false)]
    bucket: Option<String>,
    /// Whether only keys and operators may send it; a default fills it whoever makes the record.
    #[schema(required = false, default = false)]
    read_only: bool,
    /// Whether it may be set when the record is made, and never after.
    #[schema(required = false, default = false)]
    write_once: bool,
    /// The value of a record made without one: a constant, or `{"expression": "..."}`, which is computed for each record
    /// from its own values, `auth` and `now`, and along its relations.
    #[schema(required = false)]
    default: Option<serde_json::Value>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Collection::definition` builds")]
#[schema(as = CollectionIndex)]
pub(super) struct IndexView {
    /// Its fields, in order.
    fields: Vec<String>,
    /// Whether no two records may have the same values.
    #[schema(required = false, default = false)]
    unique: bool,
    /// Which records it holds, if not all: a filter that compares the record's own fields with constants, such as
    /// `status == "open"`. What it leaves out need not be unique.
    #[schema(required = false, nullable = false)]
    r#where: Option<String>,
}

/// Rules. Null means keys and operators only.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Rules` are sent as")]
#[schema(as = CollectionRules)]
pub(super) struct RulesView {
    /// Which records a list shows.
    #[schema(required = false)]
    list: Option<String>,
    /// Which records can be read one by one.
    #[schema(required = false)]
    view: Option<String>,
    /// Which records can be made.
    #[schema(required = false)]
    create: Option<String>,
    /// Which records can be changed.
    #[schema(required = false)]
    update: Option<String>,
    /// Which records can be deleted.
    #[schema(required = false)]
    delete: Option<String>,
}

/// A new collection.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Collection::parse` reads")]
#[schema(as = CollectionCreate)]
struct CollectionIn {
    /// Its name.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,58}$")]
    name: String,
    /// `table`.
    #[schema(required = false, nullable = false)]
    kind: Option<String>,
    /// Its fields.
    #[schema(required = false)]
    fields: Vec<FieldView>,
    /// Its indexes.
    #[schema(required = false)]
    indexes: Vec<IndexView>,
    /// `owner` gives each record to the user in its field `owner`.
    #[schema(required = false, nullable = false)]
    template: Option<String>,
    /// Who may do what.
    #[schema(required = false)]
    rules: RulesView,
}

/// All collections of the project.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `list_collections` sends")]
pub struct CollectionPage {
    /// The collections by name.
    items: Vec<CollectionView>,
    /// Always null: one page holds all.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Lists the collections.
#[utoipa::path(tag = "collections", responses((status = 200, description = "The collections", body = CollectionPage), gate::openapi::Problems))]
#[get("/v1/collections")]
async fn list_collections(
    caller: Caller<can::CollectionsRead>,
    data: web::Data<Data>,
) -> Result<HttpResponse, Problem> {
    let items: Vec<_> = data
        .list_collections(caller.project()?)
        .await?
        .iter()
        .map(Collection::view)
        .collect();
    Ok(HttpResponse::Ok().json(Page {
        items,
        next_cursor: None,
        total: None,
    }))
}

/// Makes a collection with its table.
#[utoipa::path(tag = "collections", params(("Idempotency-Key" = Option<String>, Header, description = "16 to 128 characters; makes a retry safe for 24 hours.")), request_body = CollectionIn, responses((status = 201, description = "The collection", body = CollectionView), gate::openapi::Problems))]
#[post("/v1/collections")]
async fn create_collection(
    caller: Caller<can::CollectionsWrite>,
    data: web::Data<Data>,
    key: Idempotent,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let claim = options(&caller, &key, &request, &body.bytes)?.claim;
    let answer = data
        .create_collection(
            caller.project()?,
            &asker(&caller, &request),
            body.input(),
            claim,
        )
        .await?;
    Ok(written(answer, &request))
}

/// Reads one collection.
#[utoipa::path(tag = "collections", params(("collection" = String, Path)), responses((status = 200, description = "The collection", body = CollectionView), gate::openapi::Problems))]
#[get("/v1/collections/{collection}")]
async fn get_collection(
    caller: Caller<can::CollectionsRead>,
    data: web::Data<Data>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    let collection = data.get_collection(caller.project()?, &name).await?;
    Ok(HttpResponse::Ok().json(collection.view()))
}

/// Removes a collection with its records.
#[utoipa::path(tag = "collections", params(("collection" = String, Path), ("confirm" = Option<String>, Query, description = "`delete:` and the collection's name, if it has records: they go with it.")), responses((status = 204, description = "Done"), gate::openapi::Problems))]
#[delete("/v1/collections/{collection}")]
async fn delete_collection(
    caller: Caller<can::CollectionsWrite>,
    data: web::Data<Data>,
    name: Path<String>,
    request: HttpRequest,
    mut query: QueryInput,
) -> Result<HttpResponse, Problem> {
    let confirm = query.take("confirm");
    query.finish()?;
    let asker = asker(&caller, &request);
    data.delete_collection(caller.project()?, &asker, &name, confirm.as_deref())
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
