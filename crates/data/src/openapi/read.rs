//! The reading part of the document: what a list takes, in its address or in a body, and what comes along.

use super::{Names, answer, body, operation, query as parameter};
use crate::fields::Type;
use crate::query::{HOPS_MAX, RELATED_DEFAULT, RELATED_MAX, RELATIONS_MAX};
use crate::records::RELATED_ROWS_MAX;
use crate::schema::{Loaded, Schema};
use kernel::limits::{PAGE_DEFAULT, PAGE_MAX};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Something that can be expanded.
pub(super) struct Relation<'a> {
    name: String,
    what: What<'a>,
}

enum What<'a> {
    /// One record of a collection, with what that is called.
    One(&'a Names, &'a Loaded),
    /// A page of its records.
    Many(&'a Names),
    /// A file of this bucket.
    File(&'a str),
    /// Some files of this bucket.
    Files(&'a str),
}

/// The relations of a collection and those that point to it.
pub(super) fn relations<'a>(
    collection: &'a Loaded,
    schema: &'a Schema,
    names: &'a BTreeMap<&str, Names>,
) -> Vec<Relation<'a>> {
    let of = |name: &str| -> Option<(&'a Names, &'a Loaded)> {
        Some((names.get(name)?, schema.collections.get(name)?))
    };
    let mut all = Vec::new();
    for column in collection.columns(true) {
        let what = match &column.kind {
            Type::Relation(r) => of(&r.collection).map(|(names, from)| match r.many {
                None => What::One(names, from),
                Some(_) => What::Many(names),
            }),
            Type::File(f) if f.many.is_some() => Some(What::Files(&f.bucket)),
            Type::File(f) => Some(What::File(&f.bucket)),
            _ => None,
        };
        all.extend(what.map(|what| Relation {
            name: column.name.clone(),
            what,
        }));
    }
    for from in schema.collections.values() {
        for column in from.columns(true) {
            if matches!(&column.kind, Type::Relation(r) if r.collection == collection.def.name) {
                let name = format!("{}_via_{}", from.def.name, column.name);
                let what = of(&from.def.name).map(|(names, _)| What::Many(names));
                all.extend(what.map(|what| Relation { name, what }));
            }
        }
    }
    all
}

fn reference(name: &str) -> Json {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The records that a new record can bring, under the names by which they point to it.
pub(super) fn nested<'a>(related: &'a [Relation<'_>]) -> impl Iterator<Item = (String, Json)> + 'a {
    // A field that is a list holds ids.
    let many = |r: &&Relation<'_>| matches!(r.what, What::Many(_)) && r.name.contains("_via_");
    related.iter().filter(many).map(|r| {
        let of = r.name.split("_via_").next().unwrap_or_default();
        let text = format!(
            "Records of {of} that are made with it, and without the field that points to it."
        );
        let item = json!({"type": "object", "additionalProperties": true});
        let list = json!({"type": "array", "maxItems": 999, "description": text, "items": item});
        (r.name.clone(), list)
    })
}

/// The member `expand` of a record; nothing where there are no relations.
pub(super) fn expanded(related: &[Relation<'_>]) -> Option<Json> {
    if related.is_empty() {
        return None;
    }
    let properties: Map<String, Json> = related
        .iter()
        .map(|r| {
            let maybe = |schema: Json, text: &str| json!({"description": text, "anyOf": [schema, {"type": "null"}]});
            let schema = match &r.what {
                What::One(of, _) => maybe(
                    reference(&of.schema),
                    "The record it points to; null when there is none or it may not be listed.",
                ),
                What::Many(of) => maybe(
                    reference(&format!("{}Page", of.schema)),
                    "The records that point here or that the list names, in its order unless another is asked for; null when they may not be listed.",
                ),
                What::File(bucket) => {
                    let text = format!("A file of the bucket {bucket}.");
                    json!({"type": ["object", "null"], "description": text})
                }
                What::Files(bucket) => {
                    let text = format!("The files of the bucket {bucket}, in their order.");
                    json!({"type": ["array", "null"], "items": {"type": ["object", "null"]}, "description": text})
                }
            };
            (r.name.clone(), schema)
        })
        .collect();
    Some(
        json!({"type": "object", "additionalProperties": false, "properties": properties,
               "description": "What was asked for with expand."}),
    )
}

fn field_names(collection: &Loaded) -> Json {
    let names: Vec<&str> = collection
        .columns(true)
        .into_iter()
        .map(|c| c.name.as_str())
        .collect();
    json!({"type": "array", "minItems": 1, "items": {"type": "string", "enum": names}, "description": "Fields of the answer."})
}

fn sort() -> Json {
    json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}], "examples": ["-created_at", ["-created_at", "id"]],
           "description": "Fields to sort by; a minus in front sorts descending. One relation may lead to a field: author.name."})
}

fn filter() -> Json {
    json!({"type": "string", "maxLength": 3_500, "examples": ["price < params.max"], "description": "An expression."})
}

fn params() -> Json {
    json!({"type": "object", "additionalProperties": true, "examples": [{"max": 10}], "description": "Values for the filter's params."})
}

fn limit(default: u32, max: u32, text: &str) -> Json {
    json!({"type": "integer", "minimum": 1, "maximum": max, "default": default, "description": text})
}

/// What a body asks for: the query, its expansion, and the options of a page of these records.
pub(super) fn add_schemas(
    collection: &Loaded,
    names: &Names,
    related: &[Relation<'_>],
    schemas: &mut Map<String, Json>,
) {
    let object = |properties: Json| json!({"type": "object", "additionalProperties": false, "properties": properties});
    let name = &names.schema;
    let expand = reference(&format!("{name}Expand"));
    let all = json!({"type": "boolean", "const": true});
    let properties: Map<String, Json> = related
        .iter()
        .map(|r| {
            let options = match &r.what {
                What::File(_) | What::Files(_) => return (r.name.clone(), all.clone()),
                What::Many(of) => reference(&format!("{}Related", of.schema)),
                What::One(of, from) => object(json!({
                    "fields": field_names(from), "expand": reference(&format!("{}Expand", of.schema))
                })),
            };
            (r.name.clone(), json!({"anyOf": [all, options]}))
        })
        .collect();
    schemas.insert(format!("{name}Expand"), object(properties.into()));
    let text = format!(
        "Records for each record that they point to. An answer holds at most {RELATED_ROWS_MAX} of one relation: on a large page each record gets fewer, and next_cursor tells."
    );
    schemas.insert(
        format!("{name}Related"),
        object(json!({
            "limit": limit(RELATED_DEFAULT, RELATED_MAX, &text), "sort": sort(), "filter": filter(), "params": params(),
            "fields": field_names(collection), "expand": expand
        })),
    );
    schemas.insert(
        format!("{name}Aggregate"),
        json!({"type": "object", "additionalProperties": false, "required": ["measures"], "properties": {
            "group_by": {"type": "array", "minItems": 1, "maxItems": 4, "items": {"type": "string"}, "examples": [["status"]], "description": "Fields whose values make the groups; one relation may lead to a field: author.name."},
            "measures": {"type": "object", "minProperties": 1, "maxProperties": 16, "additionalProperties": {"type": "string"}, "examples": [{"n": "count()"}], "description": "Names, each with one of count(), count(field), count(distinct field), sum(field), avg(field), min(field) and max(field)."},
            "filter": filter(), "params": params(),
            "sort": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}], "description": "Names of groups and measures to sort by; a minus in front sorts descending."},
            "limit": limit(100, 1_000, "Groups at most.")
        }}),
    );
    schemas.insert(
        format!("{name}Query"),
        object(json!({
            "filter": filter(), "params": params(), "sort": sort(), "fields": field_names(collection), "expand": expand,
            "limit": limit(PAGE_DEFAULT, PAGE_MAX, "Records of the page."),
            "cursor": {"type": ["string", "null"], "description": "Where the page begins: next_cursor of the page before."},
            "count": {"type": "string", "enum": ["exact"], "description": "Whether to count all records that match."}
        })),
    );
}

fn with_example(mut parameter: Json, example: impl Into<Json>) -> Json {
    parameter["example"] = example.into();
    parameter
}

/// The parameters of a list, those of its shape aside.
pub(super) fn list(collection: &Loaded) -> Vec<Json> {
    let columns = collection.columns(false);
    let number = columns.iter().find(|c| matches!(c.kind, Type::Number(_)));
    let filter = number.map(|c| format!("{} < params.max", c.name));
    let mut filter_parameter = parameter(
        "filter",
        json!({"type": "string", "maxLength": 3_500}),
        "An expression, such as price < params.max.",
    );
    if let Some(filter) = filter {
        filter_parameter = with_example(filter_parameter, filter);
    }
    vec![
        filter_parameter,
        json!({"name": "params", "in": "query", "required": false, "style": "deepObject", "explode": true, "description": "Values for the filter, sent as params.name=value.",
               "schema": {"type": "object", "additionalProperties": {"type": "string"}}}),
        with_example(
            parameter(
                "sort",
                json!({"type": "string"}),
                "Fields to sort by, separated by commas; a minus in front sorts descending. One relation may lead to a field: author.name.",
            ),
            "-created_at,id",
        ),
        parameter(
            "limit",
            json!({"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}),
            "Records of the page.",
        ),
        parameter(
            "cursor",
            json!({"type": "string"}),
            "Where the page begins: next_cursor of the page before.",
        ),
        parameter(
            "count",
            json!({"type": "string", "enum": ["exact"]}),
            "Whether to count all records that match.",
        ),
    ]
}

/// The parameters that choose what of a record is shown.
pub(super) fn shape(collection: &Loaded, related: &[Relation<'_>]) -> Vec<Json> {
    let own = collection.columns(false);
    let first = own.iter().find(|c| c.writable);
    let fields = first.map_or("id".to_owned(), |c| format!("id,{}", c.name));
    let fields = with_example(
        parameter(
            "fields",
            json!({"type": "string"}),
            "Fields of the answer, separated by commas.",
        ),
        fields,
    );
    let text = format!(
        "What comes along under expand, separated by commas: relations, files, and <collection>_via_<field> for the records that \
         point here, at most {RELATIONS_MAX} in all and {HOPS_MAX} hops deep (author.team). In brackets: fields and expand; \
         and for records that point here or stand in a list limit (to {RELATED_MAX}, {RELATED_DEFAULT} if absent), sort and filter. The next_cursor \
         of such a page goes on in a list of that collection with the same sort and the filter field == \"id\", of a field that \
         is a list \"id\" in field, and the own filter behind it as && (filter). The records that a list names come in its \
         order; only with sort they have a next_cursor, for the filter <collection>_via_<field>.exists(r, r.id == \"id\")."
    );
    let mut expand = parameter("expand", json!({"type": "string"}), &text);
    let one = related.iter().find(|r| matches!(r.what, What::One(..)));
    let one = one.map(|r| r.name.clone());
    let many = related.iter().find(|r| matches!(r.what, What::Many(..)));
    let many = many.map(|r| format!("{}(limit:3,sort:-created_at)", r.name));
    let example: Vec<String> = one.into_iter().chain(many).collect();
    if !example.is_empty() {
        expand = with_example(expand, example.join(","));
    }
    vec![fields, expand]
}

/// Counts and sums of a list.
pub(super) fn aggregate(collection: &Loaded, names: &Names) -> Json {
    let name = &collection.def.name;
    let totals = json!({"description": "The groups.", "content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": false, "required": ["items", "more"], "properties": {
            "items": {"type": "array", "description": "One for each group: its values and its measures. A sum of integers beyond 2^53 is a text. Of wide integers and decimals the sum, the least and the greatest are texts as the field's; the average is one with six more digits after the point, rounded half away from zero.",
                      "items": {"type": "object", "additionalProperties": true}},
            "more": {"type": "boolean", "description": "Whether there are more groups than the limit."}
        }
    }}}});
    let mut post = operation(
        &format!("aggregate_{}", names.plural),
        &format!("Counts and sums {name}, as far as they may be listed."),
        Vec::new(),
        None,
        ("200", totals),
        &[],
    );
    post["requestBody"] = body(&format!("{}Aggregate", names.schema));
    json!({"post": post})
}

/// The list with its parameters in a body.
pub(super) fn query(collection: &Loaded, names: &Names) -> Json {
    let name = &collection.def.name;
    let page = answer(&format!("{}Page", names.schema), "A page.");
    let mut post = operation(
        &format!("query_{}", names.plural),
        &format!("Lists {name}; the parameters of the list are in the body."),
        Vec::new(),
        None,
        ("200", page),
        &[],
    );
    post["requestBody"] = body(&format!("{}Query", names.schema));
    json!({"post": post})
}
