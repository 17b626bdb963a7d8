//! The type `json`: any JSON value up to a size, which a JSON Schema may narrow. It is compared as a value.

use super::{Fault, text};
use gate::Input;
use jsonschema::{PatternOptions, Validator};
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;

/// Bytes of a value when the field names no `size_bytes_max`.
const SIZE_DEFAULT: usize = 64 * 1024;
/// Bytes of a value at most.
const SIZE_MAX: usize = 1024 * 1024;
/// Bytes of a schema at most.
const SCHEMA_MAX: usize = 64 * 1024;
/// Values within each other at most.
const DEPTH_MAX: usize = 64;
/// Faults of one value that are told at once.
const FAULTS_MAX: usize = 20;

/// The options of a json field.
#[derive(Clone, Debug)]
pub struct JsonField {
    /// Bytes at most, without spaces between its parts.
    pub size_bytes_max: usize,
    schema: Option<(Json, Arc<Validator>)>,
}

impl PartialEq for JsonField {
    fn eq(&self, other: &Self) -> bool {
        let schema = |of: &Self| of.schema.as_ref().map(|(schema, _)| schema.clone());
        self.size_bytes_max == other.size_bytes_max && schema(self) == schema(other)
    }
}

impl JsonField {
    pub(super) fn parse(input: &mut Input) -> Self {
        let size = text::count(input, "size_bytes_max", SIZE_MAX);
        let schema = input.take("schema").filter(|schema| !schema.is_null());
        let schema = schema.and_then(|schema| match validator(&schema) {
            Ok(validator) => Some((schema, Arc::new(validator))),
            Err((code, message)) => {
                input.fault("schema", code, message);
                None
            }
        });
        Self {
            size_bytes_max: size.unwrap_or(SIZE_DEFAULT),
            schema,
        }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("size_bytes_max".to_owned(), self.size_bytes_max.into());
        if let Some((schema, _)) = &self.schema {
            into.insert("schema".to_owned(), schema.clone());
        }
    }

    /// The value, or all that is wrong with it: places within it, each with its fault.
    pub(super) fn check(&self, json: &Json) -> Result<Value, Vec<(String, Fault)>> {
        let whole = |fault| vec![(String::new(), fault)];
        plain(json, 0).map_err(whole)?;
        if json.to_string().len() > self.size_bytes_max {
            let message = format!("At most {} bytes are allowed.", self.size_bytes_max);
            return Err(whole(("too_large", message)));
        }
        if let Some((_, validator)) = &self.schema {
            let faults = validator.iter_errors(json).take(FAULTS_MAX).map(|error| {
                let message: String = error.masked().to_string().chars().take(300).collect();
                (
                    error.instance_path().to_string(),
                    ("schema_mismatch", message),
                )
            });
            let faults: Vec<(String, Fault)> = faults.collect();
            if !faults.is_empty() {
                return Err(faults);
            }
        }
        Ok(Value::Json(Some(Box::new(json.clone()))))
    }

    pub(super) fn schema(&self) -> Json {
        let text = format!("At most {} bytes of JSON.", self.size_bytes_max);
        let mut whole = json!({"description": text});
        // References would lead to other places of the document.
        let stands_alone = |schema: &&Json| !schema.to_string().contains("\"$");
        if let Some(schema) = self.schema.as_ref().map(|(s, _)| s).filter(stands_alone) {
            whole["allOf"] = json!([schema]);
        }
        whole
    }
}

/// Compiles a schema. Its references stay within it, and its patterns are matched in linear time.
fn validator(schema: &Json) -> Result<Validator, Fault> {
    if !schema.is_object() {
        return Err(("not_an_object", "A schema is an object.".to_owned()));
    }
    plain(schema, 0)?;
    if schema.to_string().len() > SCHEMA_MAX {
        let message = format!("A schema has at most {SCHEMA_MAX} bytes.");
        return Err(("too_large", message));
    }
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .with_pattern_options(
            PatternOptions::regex()
                .size_limit(1 << 20)
                .dfa_size_limit(1 << 20),
        )
        .offline()
        .build(schema)
        .map_err(|error| {
            let message: String = error.to_string().chars().take(300).collect();
            ("not_a_schema", message)
        })
}

/// Refuses what an engine could not keep.
fn plain(json: &Json, depth: usize) -> Result<(), Fault> {
    if depth > DEPTH_MAX {
        let message = format!("At most {DEPTH_MAX} values can be within each other.");
        return Err(("too_deep", message));
    }
    let no_nul = |text: &str| {
        let fault = || ("nul", "U+0000 is not allowed.".to_owned());
        if text.contains('\0') {
            Err(fault())
        } else {
            Ok(())
        }
    };
    match json {
        Json::String(text) => no_nul(text),
        Json::Array(items) => items.iter().try_for_each(|item| plain(item, depth + 1)),
        Json::Object(members) => members.iter().try_for_each(|(name, value)| {
            no_nul(name)?;
            plain(value, depth + 1)
        }),
        _ => Ok(()),
    }
}
