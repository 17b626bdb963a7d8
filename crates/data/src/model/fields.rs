//! Reading fields and indexes as developers write them, in a new collection or added to one.

use super::parse::is_name;
use super::{DefaultValue, Field, FieldRule, Index};
use crate::fields::{OnDelete, Type};
use gate::{Input, Problem};
use kernel::FieldError;
use kernel::limits::FIELDS_MAX;
use serde_json::Value as Json;

/// Indexes of one collection at most, those of unique fields and relations aside.
const INDEXES_MAX: usize = 32;

/// Code points of a field's description at most.
const DESCRIPTION_MAX: usize = 1_000;

/// Names that cannot be fields: those of the language and of the engines (api and rules reserve them).
const RESERVED_FIELDS: &[&str] = &[
    "id",
    "created_at",
    "updated_at",
    "_version",
    "expand",
    "rowid",
    "oid",
    "ctid",
    "xmin",
    "xmax",
    "cmin",
    "cmax",
    "tableoid",
    "record",
    "next",
    "auth",
    "request",
    "now",
    "params",
    "true",
    "false",
    "null",
    "in",
    "has",
    "size",
];

pub(super) fn is_field_name(name: &str) -> bool {
    // `_via_` names back relations.
    is_name(name) && !RESERVED_FIELDS.contains(&name) && !name.contains("_via_")
}

/// A constant of the field's type, or `{"expression": "..."}`, which is resolved with the whole schema later.
fn parse_default(input: &mut Input, kind: &Type) -> Option<DefaultValue> {
    let default = input.take("default").filter(|d| !d.is_null())?;
    if matches!(kind, Type::File(_)) {
        input.fault("default", "no_default", "A file has no default.");
        return None;
    }
    if kind.is_joined() {
        let message =
            "A relation to many has no default: a record made without one has an empty list.";
        input.fault("default", "no_default", message);
        return None;
    }
    if let Json::Object(object) = &default
        && match kind {
            // The language computes no places.
            Type::Geo => false,
            Type::Json(_) => object.contains_key("expression"),
            _ => true,
        }
    {
        let text = object.get("expression").and_then(Json::as_str);
        match text.filter(|t| object.len() == 1 && !t.trim().is_empty()) {
            Some(text) => return Some(DefaultValue::Expression(text.to_owned())),
            None => {
                let message = "This must be a value, or an object with a text expression.";
                input.fault("default", "not_a_default", message);
            }
        }
        return None;
    }
    if let Err((code, message)) = kind.value(&default) {
        input.fault("default", code, message);
        return None;
    }
    Some(DefaultValue::Constant(default))
}

impl Field {
    pub(super) fn parse(mut input: Input) -> (Option<Self>, Result<(), Problem>) {
        let name = input.text("name", 1, 59);
        if !name.is_empty() && !is_field_name(&name) {
            input.fault("name", "not_a_name", "A name has at most 59 of a-z, 0-9 and _, begins with a letter and is not reserved.");
        }
        let kind = Type::parse(&mut input);
        let mut flag = |name: &str| input.optional_bool(name).unwrap_or(false);
        let (required, unique, hidden) = (flag("required"), flag("unique"), flag("hidden"));
        let (read_only, write_once) = (flag("read_only"), flag("write_once"));
        let read = FieldRule::parse(&mut input, "read");
        let write = FieldRule::parse(&mut input, "write");
        let default = kind
            .as_ref()
            .and_then(|kind| parse_default(&mut input, kind));
        if unique && kind.as_ref().is_some_and(|k| !k.is_comparable()) {
            let message = "Values of this type cannot be unique.";
            input.fault("unique", "cannot_be_unique", message);
        }
        if required && matches!(&kind, Some(Type::Relation(r)) if r.on_delete == OnDelete::SetNull)
        {
            let message = "A required relation cannot become null.";
            input.fault("on_delete", "cannot_be_null", message);
        }
        let folds = input.optional_bool("case_insensitive");
        if folds == Some(true) && kind.as_ref().is_some_and(|k| !k.folds()) {
            let message = "Only texts and e-mail addresses can be case-insensitive.";
            input.fault("case_insensitive", "not_a_text", message);
        }
        let description = input.optional_text("description", 1, DESCRIPTION_MAX);
        if required && kind.as_ref().is_some_and(|k| k.many().is_some()) {
            let message = "A list is always there: set min_items to ask for items.";
            input.fault("required", "cannot_be_required", message);
        }
        let field = kind.map(|kind| Self {
            name,
            required,
            unique,
            case_insensitive: folds.unwrap_or(matches!(kind, Type::Email)),
            description,
            kind,
            hidden,
            read_only,
            write_once,
            system: false,
            read,
            write,
            default,
        });
        (field, input.finish())
    }
}

/// Reads fields that come beside those of `known`; `base` is where the list stands.
pub(super) fn parse_fields(
    input: &mut Input,
    items: Option<Json>,
    base: &str,
    known: &[Field],
) -> Vec<Field> {
    let fault = |code, message: &str| FieldError {
        path: base.to_owned(),
        code,
        message: message.to_owned(),
    };
    let items = match items {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => items,
        Some(_) => {
            input.push(fault("not_a_list", "This must be a list."));
            return Vec::new();
        }
    };
    // The system fields count too.
    if known.len() + items.len() + 4 > FIELDS_MAX {
        let message = format!("A collection has at most {} fields.", FIELDS_MAX - 4);
        input.push(fault("too_many", &message));
        return Vec::new();
    }
    let mut fields: Vec<Field> = Vec::new();
    for (i, item) in items.into_iter().enumerate() {
        let Json::Object(object) = item else {
            input.push(FieldError {
                path: format!("{base}/{i}"),
                code: "not_an_object",
                message: "This must be an object.".to_owned(),
            });
            continue;
        };
        let (field, checked) = Field::parse(Input::new(object));
        if let Err(problem) = checked {
            for error in problem.field_errors() {
                input.push(FieldError {
                    path: format!("{base}/{i}{}", error.path),
                    ..error.clone()
                });
            }
        }
        let Some(field) = field else { continue };
        // A place takes two columns, which other fields then cannot have.
        let columns = |f: &Field| {
            let own = f.kind.columns(&f.name).into_iter();
            own.chain([f.name.clone()]).collect::<Vec<_>>()
        };
        let own = columns(&field);
        if fields
            .iter()
            .chain(known)
            .any(|f| columns(f).iter().any(|c| own.contains(c)))
        {
            input.push(FieldError {
                path: format!("{base}/{i}/name"),
                code: "duplicate",
                message: "Another field has this name.".to_owned(),
            });
        }
        fields.push(field);
    }
    fields
}

/// Reads indexes that come beside those of `known`; `base` is where the list stands.
pub(super) fn parse_indexes(
    input: &mut Input,
    items: Option<Json>,
    base: &str,
    fields: &[Field],
    known: &[Index],
) -> Vec<Index> {
    let items = match items {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) if known.len() + items.len() <= INDEXES_MAX => items,
        Some(_) => {
            input.push(FieldError {
                path: base.to_owned(),
                code: "not_a_list",
                message: format!("A collection has a list of at most {INDEXES_MAX} indexes."),
            });
            return Vec::new();
        }
    };
    let mut indexes = Vec::new();
    for (i, item) in items.into_iter().enumerate() {
        let fault = |code, message: &str| FieldError {
            path: format!("{base}/{i}"),
            code,
            message: message.to_owned(),
        };
        let Json::Object(object) = item else {
            input.push(fault("not_an_object", "This must be an object."));
            continue;
        };
        let mut one = Input::new(object);
        let names = one.optional_texts("fields").unwrap_or_default();
        let unique = one.optional_bool("unique").unwrap_or(false);
        let condition = one.optional_text("where", 1, rules::TEXT_CHARS_MAX);
        if let Err(problem) = one.finish() {
            for error in problem.field_errors() {
                input.push(FieldError {
                    path: format!("{base}/{i}{}", error.path),
                    ..error.clone()
                });
            }
        }
        let is_field = |name: &String| {
            fields.iter().any(|f| f.name == *name && !f.system)
                || matches!(name.as_str(), "created_at" | "updated_at")
        };
        let distinct: std::collections::HashSet<&String> = names.iter().collect();
        if names.is_empty()
            || names.len() > 8
            || distinct.len() != names.len()
            || !names.iter().all(is_field)
        {
            input.push(fault(
                "unknown_fields",
                "An index names 1 to 8 different fields of the collection.",
            ));
            continue;
        }
        let field = |name: &String| fields.iter().find(|f| f.name == *name);
        let fits = |f: &Field| f.kind.is_indexable() && (f.kind.is_comparable() || !unique);
        if !names.iter().filter_map(field).all(fits) {
            let message =
                "Lists and fields of the type json have no index, and places none that is unique.";
            input.push(fault("not_indexable", message));
            continue;
        }
        let index = Index {
            fields: names,
            unique,
            condition,
        };
        if indexes.iter().chain(known).any(|i| *i == index) {
            input.push(fault("duplicate", "Another index is the same."));
            continue;
        }
        indexes.push(index);
    }
    indexes
}
