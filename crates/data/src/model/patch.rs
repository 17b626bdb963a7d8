//! Reading a change of a collection: its rules, and fields and indexes that are added.

use super::fields::{parse_fields, parse_indexes};
use super::{Collection, CollectionKind, DefaultValue, Field};
use crate::fields::Type;
use gate::{Input, Problem};
use kernel::{FieldError, Stamp};
use serde_json::Value as Json;

/// Where the definition of an added field stands.
pub(crate) const FIELDS_ADDED: &str = "/fields/add";
/// Where the definition of an added index stands.
pub(crate) const INDEXES_ADDED: &str = "/indexes/add";

impl Collection {
    /// Reads a change. Fields and indexes are added behind those that are there.
    pub fn patch(&self, mut input: Input, now: Stamp) -> Result<Self, Problem> {
        let mut changed = self.clone();
        changed.rules.parse(&mut input);
        let items = additions(&mut input, "fields");
        let added = parse_fields(&mut input, items, FIELDS_ADDED, &self.fields);
        for (i, field) in added.iter().enumerate() {
            let fault = |name: &str, code, message: &str| FieldError {
                path: format!("{FIELDS_ADDED}/{i}/{name}"),
                code,
                message: message.to_owned(),
            };
            if let Some((name, code, message)) = misfit(field) {
                input.push(fault(name, code, message));
            }
            // Sign-up takes a user's own fields beside the password.
            if self.kind == CollectionKind::Users && field.name == "password" {
                input.push(fault(
                    "name",
                    "not_a_name",
                    "A user cannot have a field password.",
                ));
            }
        }
        changed.fields.extend(added);
        let items = additions(&mut input, "indexes");
        let (fields, known) = (&changed.fields, &self.indexes);
        let added = parse_indexes(&mut input, items, INDEXES_ADDED, fields, known);
        changed.indexes.extend(added);
        changed.updated_at = now;
        changed.check_index_sizes(&mut input);
        input.finish()?;
        Ok(changed)
    }
}

/// What of a field cannot be added, because records are there already.
fn misfit(field: &Field) -> Option<(&'static str, &'static str, &'static str)> {
    let constant = matches!(field.default, Some(DefaultValue::Constant(_)));
    let refers = matches!(field.kind, Type::Relation(_) | Type::File(_));
    let needs = field.kind.many().is_some_and(|many| many.min > 0);
    match () {
        () if needs && !constant => Some((
            "default",
            "required",
            "A list that needs items needs a constant default for the records that are there.",
        )),
        () if field.required && refers => Some((
            "required",
            "cannot_be_required",
            "A relation or a file that is added cannot be required: the records that are there have none.",
        )),
        () if field.required && !constant => Some((
            "default",
            "required",
            "A required field that is added needs a constant default for the records that are there.",
        )),
        () if refers && constant => Some((
            "default",
            "no_default",
            "A relation that is added cannot have a constant default.",
        )),
        () if field.unique && constant => Some((
            "unique",
            "cannot_be_unique",
            "A field that is added with a default cannot be unique: the records that are there would share it.",
        )),
        () => None,
    }
}

/// The list `add` in the member `name`.
fn additions(input: &mut Input, name: &str) -> Option<Json> {
    let object = match input.take(name)? {
        Json::Object(object) => object,
        Json::Null => return None,
        _ => {
            input.fault(name, "not_an_object", "This must be an object.");
            return None;
        }
    };
    let mut inner = Input::new(object);
    let items = inner.take("add");
    if let Err(problem) = inner.finish() {
        for error in problem.field_errors() {
            input.push(FieldError {
                path: format!("/{name}{}", error.path),
                ..error.clone()
            });
        }
    }
    items
}
