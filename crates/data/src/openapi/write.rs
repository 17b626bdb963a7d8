//! The part of the document that tells of writes of many records at once.

use super::{Names, body, idempotency, operation};
use crate::schema::Loaded;
use serde_json::{Map, Value as Json, json};

/// What the bodies of bulk writes hold.
pub(super) fn add_schemas(names: &Names, schemas: &mut Map<String, Json>) {
    let name = &names.schema;
    let shared = json!({
        "filter": {"type": "string", "minLength": 1, "maxLength": 3_500, "description": "Which records, as in a list; all of them are named by true."},
        "params": {"type": "object", "additionalProperties": true, "description": "Values for the filter's params."},
        "limit": {"type": "integer", "format": "int64", "minimum": 1, "description": "Records at most, in the order of their ids."}
    });
    let mut change = shared.clone();
    change["set"] = json!({"$ref": format!("#/components/schemas/{name}Patch")});
    for (of, properties, required) in [
        ("UpdateMany", change, json!(["filter", "set"])),
        ("DeleteMany", shared, json!(["filter"])),
    ] {
        schemas.insert(
            format!("{name}{of}"),
            json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties}),
        );
    }
}

fn bulk(id: String, summary: &str, schema: String, act: &str) -> Json {
    let count = |text: &str| json!({"type": "integer", "format": "int64", "minimum": 0, "description": text});
    let answer = json!({"description": "How many records.", "content": {"application/json": {"schema": {
        "type": "object", "additionalProperties": false, "required": ["matched", act, "skipped"], "properties": {
            "matched": count("Records that the caller may list and the filter found."),
            act: count("Records that were written."),
            "skipped": count("Records that the rules keep the caller from writing: they are as they were.")
        }
    }}}});
    let request = Some(body(&schema));
    let post = operation(
        &id,
        summary,
        vec![idempotency()],
        request,
        ("200", answer),
        &[409, 507],
    );
    json!({"post": post})
}

/// The change of all records that a filter finds.
pub(super) fn update_many(collection: &Loaded, names: &Names) -> Json {
    let summary = format!(
        "Changes the records of {} that a filter finds, in slices of 500 that are each atomic. It counts against the caller's limit as the records of its first slice. A retry with the same Idempotency-Key goes on where it stopped.",
        collection.def.name
    );
    let schema = format!("{}UpdateMany", names.schema);
    bulk(
        format!("update_many_{}", names.plural),
        &summary,
        schema,
        "updated",
    )
}

/// The removal of all records that a filter finds.
pub(super) fn delete_many(collection: &Loaded, names: &Names) -> Json {
    let summary = format!(
        "Deletes the records of {} that a filter finds, in slices of 500 that are each atomic. It counts against the caller's limit as the records of its first slice. A retry with the same Idempotency-Key goes on where it stopped.",
        collection.def.name
    );
    let schema = format!("{}DeleteMany", names.schema);
    bulk(
        format!("delete_many_{}", names.plural),
        &summary,
        schema,
        "deleted",
    )
}
