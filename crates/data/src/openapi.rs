//! The part of a project's API document that its live collections make: named schemas and stable operation ids.

mod read;
mod write;

use crate::fields::Type;
use crate::schema::{Column, Loaded, Schema};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// Paths and schemas of all collections. `taken` are the operation ids and schema names that stand already.
#[must_use]
pub fn document(
    schema: &Schema,
    taken: &BTreeSet<String>,
) -> (Map<String, Json>, Map<String, Json>) {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    let mut taken = taken.clone();
    let mut all = BTreeMap::new();
    for name in schema.collections.keys() {
        all.insert(name.as_str(), Names::new(name, schema, &mut taken));
    }
    for collection in schema.collections.values() {
        let Some(names) = all.get(collection.def.name.as_str()) else {
            continue;
        };
        let related = read::relations(collection, schema, &all);
        add_schemas(collection, names, &related, &mut schemas);
        read::add_schemas(collection, names, &related, &mut schemas);
        let base = format!("/v1/records/{}", collection.def.name);
        paths.insert(base.clone(), many(collection, names, &related));
        paths.insert(format!("{base}/query"), read::query(collection, names));
        write::add_schemas(names, &mut schemas);
        paths.insert(
            format!("{base}/aggregate"),
            read::aggregate(collection, names),
        );
        paths.insert(
            format!("{base}/update"),
            write::update_many(collection, names),
        );
        paths.insert(
            format!("{base}/delete"),
            write::delete_many(collection, names),
        );
        paths.insert(format!("{base}/{{id}}"), one(collection, names, &related));
    }
    (paths, schemas)
}

/// What a collection's schemas and operations are called.
struct Names {
    plural: String,
    singular: String,
    schema: String,
}

impl Names {
    fn new(name: &str, schema: &Schema, taken: &mut BTreeSet<String>) -> Self {
        let short = singular(name);
        // `post` beside `posts` would give two things one name.
        let mut singular = if short != name && schema.collections.contains_key(&short) {
            name.to_owned()
        } else {
            short
        };
        let mut plural = name.to_owned();
        let mut pascal = pascal(&singular);
        let ids = |plural: &str, singular: &str, pascal: &str| -> Vec<String> {
            let operations = [
                format!("list_{plural}"),
                format!("query_{plural}"),
                format!("aggregate_{plural}"),
                format!("create_{singular}"),
                format!("update_{singular}"),
                format!("delete_{singular}"),
                format!("update_many_{plural}"),
                format!("delete_many_{plural}"),
            ];
            let schemas = [
                "",
                "Create",
                "Put",
                "Patch",
                "Page",
                "Query",
                "Expand",
                "Related",
                "UpdateMany",
                "DeleteMany",
                "Aggregate",
            ];
            let schemas = schemas.map(|of| format!("{pascal}{of}"));
            operations.into_iter().chain(schemas).collect()
        };
        while ids(&plural, &singular, &pascal)
            .iter()
            .any(|id| taken.contains(id))
        {
            plural.push_str("_records");
            singular.push_str("_record");
            pascal.push_str("Record");
        }
        taken.extend(ids(&plural, &singular, &pascal));
        Self {
            plural,
            singular,
            schema: pascal,
        }
    }
}

fn singular(name: &str) -> String {
    match name {
        n if n.ends_with("ies") && n.len() > 4 => format!("{}y", &n[..n.len() - 3]),
        "people" => "person".to_owned(),
        n if ["ches", "shes", "sses", "xes", "zes"]
            .iter()
            .any(|e| n.ends_with(e)) =>
        {
            n[..n.len() - 2].to_owned()
        }
        n if n.ends_with("ss") || n.ends_with("us") || n.ends_with("is") => n.to_owned(),
        n if n.ends_with('s') && n.len() > 2 => n[..n.len() - 1].to_owned(),
        n => n.to_owned(),
    }
}

fn pascal(name: &str) -> String {
    let upper = |part: &str| {
        let mut chars = part.chars();
        chars
            .next()
            .map(|c| c.to_ascii_uppercase().to_string() + chars.as_str())
            .unwrap_or_default()
    };
    name.split('_').map(upper).collect()
}

fn nullable(mut schema: Json) -> Json {
    if let Some(kind) = schema.get("type").cloned() {
        schema["type"] = json!([kind, "null"]);
    }
    if let Some(Json::Array(values)) = schema.get_mut("enum") {
        values.push(Json::Null);
    }
    schema
}

/// What the developer says of a field stands before what is said of its type.
fn described(mut schema: Json, collection: &Loaded, column: &Column) -> Json {
    let field = collection.def.field(&column.name);
    if let Some(text) = field.and_then(|f| f.description.as_deref()) {
        let known = schema["description"]
            .as_str()
            .map(|d| format!("{text} {d}"));
        schema["description"] = known.unwrap_or_else(|| text.to_owned()).into();
    }
    schema
}

/// What people must know of a field before they send it.
fn noted(mut schema: Json, column: &Column) -> Json {
    let note = match (column.is_for_keys(), column.write_once) {
        (true, _) => "Only keys and operators can write this.",
        (_, true) => "This can be set only when the record is made.",
        _ => return schema,
    };
    let known = schema["description"]
        .as_str()
        .map(|d| format!("{d} {note}"));
    schema["description"] = known.unwrap_or_else(|| note.to_owned()).into();
    schema
}

/// A field of a change: a value, or an operator.
fn operable(value: Json, plain: Json, column: &Column) -> Json {
    if column.kind.takes_objects() {
        return value;
    }
    let operator = |name: &str, schema: Json| json!({"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": false});
    let mut any = vec![value];
    match &column.kind {
        Type::Number(number) => any.push(operator("increment", number.amount_schema())),
        Type::Exact(exact) => any.push(operator("increment", exact.schema())),
        _ => {}
    }
    if column.kind.many().is_some() {
        let mut items = plain.clone();
        items["minItems"] = 1.into();
        items["maxItems"] = Json::Null;
        items
            .as_object_mut()
            .map(|items| items.shift_remove("maxItems"));
        any.push(operator("append", items.clone()));
        any.push(operator("remove", items));
    }
    any.push(operator("set_if_absent", plain));
    json!({"anyOf": any})
}

fn add_schemas(
    collection: &Loaded,
    names: &Names,
    related: &[read::Relation<'_>],
    schemas: &mut Map<String, Json>,
) {
    let (mut all, mut create, mut patch) = (Map::new(), Map::new(), Map::new());
    let mut create_required = Vec::new();
    for column in collection.columns(true) {
        let plain = described(column.kind.schema(), collection, column);
        // Hidden fields are there for keys and operators, masked ones may be null.
        let value = if column.nullable || column.mask.is_some() {
            nullable(plain.clone())
        } else {
            plain.clone()
        };
        all.insert(column.name.clone(), value.clone());
        if column.name == "id" {
            create.insert("id".to_owned(), plain.clone());
        }
        if column.writable {
            let value = noted(value, column);
            create.insert(column.name.clone(), value.clone());
            if !column.write_once {
                patch.insert(column.name.clone(), operable(value, plain, column));
            }
            let has_default = collection
                .def
                .field(&column.name)
                .is_some_and(|f| f.default.is_some());
            // A list that is not sent is empty.
            let may_lack = column.kind.many().is_some_and(|many| many.min == 0);
            if !column.nullable && !has_default && !may_lack && !column.is_for_keys() {
                create_required.push(column.name.clone());
            }
        }
    }
    if let Some(expand) = read::expanded(related) {
        all.insert("expand".to_owned(), expand);
    }
    let object = |properties: Map<String, Json>, required: Vec<String>| {
        let mut schema =
            json!({"type": "object", "properties": properties, "additionalProperties": false});
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    };
    let name = &names.schema;
    // A record the caller may not view is answered with these two alone, and `fields` can leave out the rest.
    schemas.insert(name.clone(), object(all, Vec::new()));
    schemas.insert(
        format!("{name}Put"),
        object(create.clone(), create_required.clone()),
    );
    create.extend(read::nested(related));
    schemas.insert(format!("{name}Create"), object(create, create_required));
    schemas.insert(format!("{name}Patch"), object(patch, Vec::new()));
    schemas.insert(
        format!("{name}Page"),
        json!({"type": "object", "additionalProperties": false, "required": ["items", "next_cursor"], "properties": {
            "items": {"type": "array", "items": {"$ref": format!("#/components/schemas/{name}")}},
            "next_cursor": {"type": ["string", "null"], "description": "Hand this back as cursor for the next page."},
            "total": {"type": "integer", "format": "int64", "description": "All records that match; only with count=exact."}
        }}),
    );
}

fn query(name: &str, schema: Json, text: &str) -> Json {
    json!({"name": name, "in": "query", "required": false, "schema": schema, "description": text})
}

fn header(name: &str, text: &str) -> Json {
    json!({"name": name, "in": "header", "required": false, "schema": {"type": "string"}, "description": text})
}

fn idempotency() -> Json {
    header(
        "Idempotency-Key",
        "16 to 128 characters; makes a retry safe for 24 hours.",
    )
}

fn answer(name: &str, description: &str) -> Json {
    json!({"description": description,
           "headers": {"ETag": {"description": "The record's version; absent with expand.", "schema": {"type": "string"}}},
           "content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}})
}

fn body(name: &str) -> Json {
    json!({"required": true, "content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}})
}

/// The problems that an operation on records can answer.
fn problems(statuses: &[u16], responses: &mut Map<String, Json>) {
    let shared = [400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 500, 503];
    for status in shared.iter().chain(statuses) {
        responses.insert(
            status.to_string(),
            json!({"description": "A problem (RFC 9457).", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}),
        );
    }
}

fn operation(
    id: &str,
    summary: &str,
    parameters: Vec<Json>,
    request: Option<Json>,
    ok: (&str, Json),
    extra: &[u16],
) -> Json {
    let mut responses = Map::new();
    let ok_is_200 = ok.0 == "200";
    responses.insert(ok.0.to_owned(), ok.1);
    if request.is_some() && ok_is_200 {
        responses.insert(
            "204".to_owned(),
            json!({"description": "Done; asked for with Prefer: return=minimal."}),
        );
    }
    problems(extra, &mut responses);
    let mut operation = json!({"tags": ["records"], "operationId": id, "summary": summary, "parameters": parameters, "responses": responses,
                               "security": [{}, {"bearer": []}]});
    if let Some(request) = request {
        operation["requestBody"] = request;
    }
    operation
}

fn many(collection: &Loaded, names: &Names, related: &[read::Relation<'_>]) -> Json {
    let mut parameters = read::list(collection);
    parameters.extend(read::shape(collection, related));
    let name = &collection.def.name;
    json!({
        "get": operation(&format!("list_{}", names.plural), &format!("Lists {name}."), parameters, None,
                         ("200", answer(&format!("{}Page", names.schema), "A page.")), &[]),
        "post": operation(&format!("create_{}", names.singular), &format!("Makes a record of {name}."),
                          vec![idempotency(), header("Prefer", "return=minimal leaves the record out of the answer.")],
                          Some(body(&format!("{}Create", names.schema))), ("201", answer(&names.schema, "The record.")), &[409, 507]),
    })
}

fn one(collection: &Loaded, names: &Names, related: &[read::Relation<'_>]) -> Json {
    let name = &collection.def.name;
    let if_match = || header("If-Match", "The ETag that the record must have.");
    let prefer = || {
        header(
            "Prefer",
            "return=minimal leaves the record out of the answer.",
        )
    };
    let mut put = operation(
        &format!("upsert_{}", names.singular),
        &format!(
            "Makes a record of {name}, or changes the fields that are named of the one that has the id."
        ),
        vec![
            idempotency(),
            if_match(),
            header("If-None-Match", "* lets the record only be made."),
            prefer(),
        ],
        Some(body(&format!("{}Put", names.schema))),
        ("200", answer(&names.schema, "The record, changed.")),
        &[409, 412, 507],
    );
    put["responses"]["201"] = answer(&names.schema, "The record, made.");
    let delete = operation(
        &format!("delete_{}", names.singular),
        &format!("Deletes a record of {name}."),
        vec![idempotency(), if_match()],
        None,
        ("204", json!({"description": "Done."})),
        &[409, 412, 507],
    );
    json!({
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}, "description": "The record's id."}],
        "get": operation(&format!("get_{}", names.singular), &format!("Reads a record of {name}."), read::shape(collection, related), None, ("200", answer(&names.schema, "The record.")), &[]),
        "patch": operation(&format!("update_{}", names.singular), &format!("Changes fields of a record of {name}."),
                           vec![idempotency(), if_match(), prefer()],
                           Some(body(&format!("{}Patch", names.schema))), ("200", answer(&names.schema, "The record.")), &[409, 412, 507]),
        "put": put,
        "delete": delete,
    })
}
