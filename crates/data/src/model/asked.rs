//! What a change asks of the fields that are there: which of them go, and what the others become.

use super::fields::is_field_name;
use super::patch::{Dropped, Kept, NAME, fault, list, object};
use super::{Collection, CollectionKind, DefaultValue, Field};
use crate::fields::Type;
use gate::Input;
use kernel::FieldError;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, HashSet};

/// What is asked of the fields that are there.
pub(super) struct Asked<'a> {
    before: &'a Collection,
    rename: Map<String, Json>,
    change: Map<String, Json>,
    drop: Vec<Json>,
    /// The names of the drop that may go, with their places.
    gone: BTreeMap<String, usize>,
}

impl<'a> Asked<'a> {
    pub(super) fn read(fields: &mut Input, before: &'a Collection) -> Self {
        let drop = list(fields, "drop");
        let names = drop.iter().enumerate();
        let names = names.filter_map(|(i, n)| Some((n.as_str()?.to_owned(), i)));
        Self {
            before,
            rename: object(fields, "rename"),
            change: object(fields, "change"),
            gone: names.collect(),
            drop,
        }
    }

    /// The fields that stay, with every fault of what is asked of them.
    pub(super) fn kept(&self, input: &mut Input, collection: &str) -> Vec<Kept> {
        for (list, names) in [("rename", &self.rename), ("change", &self.change)] {
            for name in names.keys() {
                let path = format!("/fields/{list}/{name}");
                if let Some((code, message)) = self.unusable(name) {
                    input.push(fault(path, code, message));
                } else if self.gone.contains_key(name) {
                    input.push(fault(path, "conflict", "This field is dropped."));
                }
            }
        }
        let mut kept = Vec::new();
        for field in &self.before.fields {
            if !field.system && self.gone.contains_key(&field.name) {
                continue;
            }
            let (mut after, mut place) = (field.clone(), String::new());
            if !field.system {
                if let Some(options) = self.change.get(&field.name) {
                    place = format!("/fields/change/{}", field.name);
                    after = changed(input, field, options, &place).unwrap_or(after);
                }
                if let Some(name) = self.rename.get(&field.name) {
                    let path = format!("/fields/rename/{}", field.name);
                    after.name = self.new_name(input, name, &path);
                    place = if place.is_empty() { path } else { place };
                }
            }
            let mut before = field.clone();
            // A field that points to its own collection follows it, which is no change of the field.
            for kind in [&mut before.kind, &mut after.kind] {
                if let Type::Relation(r) = kind
                    && r.collection == self.before.name
                {
                    collection.clone_into(&mut r.collection);
                }
            }
            kept.push(Kept {
                before,
                after,
                place,
            });
        }
        let mut seen = HashSet::new();
        for field in &kept {
            if !seen.insert(field.after.name.as_str()) {
                let (path, message) = (field.place.clone(), "Another field has this name.");
                input.push(fault(path, "duplicate", message));
            }
        }
        kept
    }

    fn new_name(&self, input: &mut Input, name: &Json, path: &str) -> String {
        let name = name.as_str().unwrap_or_default();
        let users = self.before.kind == CollectionKind::Users;
        if !is_field_name(name) || users && name == "password" {
            input.push(fault(path.to_owned(), "not_a_name", NAME));
        }
        name.to_owned()
    }

    pub(super) fn dropped(&self, input: &mut Input) -> Vec<Dropped> {
        let mut dropped = Vec::new();
        for (i, name) in self.drop.iter().enumerate() {
            let place = format!("/fields/drop/{i}");
            let name = name.as_str().unwrap_or_default();
            if let Some((code, message)) = self.unusable(name) {
                input.push(fault(place, code, message));
            } else if self.gone.get(name) != Some(&i) {
                input.push(fault(place, "duplicate", "This field stands twice."));
            } else if let Some(field) = self.before.field(name) {
                let field = field.clone();
                dropped.push(Dropped { field, place });
            }
        }
        dropped
    }

    /// Why a field of this name cannot be touched.
    fn unusable(&self, name: &str) -> Option<(&'static str, &'static str)> {
        match self.before.field(name) {
            Some(field) if !field.system => None,
            None if !["id", "created_at", "updated_at", "_version"].contains(&name) => {
                Some(("unknown_field", "There is no such field."))
            }
            _ => Some((
                "system_field",
                "The server keeps this field itself: it stays as it is.",
            )),
        }
    }
}

/// A field with some of its options changed. An option that is null is taken away; `read` and `write` are for
/// keys and operators only then, and `true` lifts them.
fn changed(input: &mut Input, field: &Field, options: &Json, place: &str) -> Option<Field> {
    let Json::Object(options) = options else {
        input.push(fault(
            place.to_owned(),
            "not_an_object",
            "This must be an object.",
        ));
        return None;
    };
    if options.contains_key("name") {
        let message = "A field gets another name in rename.";
        input.push(fault(format!("{place}/name"), "not_here", message));
        return None;
    }
    let Json::Object(mut whole) = field.describe() else {
        return None;
    };
    let mut own = Map::new();
    field.kind.describe(&mut own);
    let other = |name: &str| options.get(name).is_some_and(|v| Some(v) != own.get(name));
    // The bounds of exact numbers are texts, and only decimals have digits.
    let exact = |format: Option<&Json>| format.is_some_and(|f| f == "wide" || f == "decimal");
    let reformed = other("format") && (exact(own.get("format")) || exact(options.get("format")));
    let retyped = other("type") || reformed;
    if retyped {
        whole.retain(|name, _| !own.contains_key(name) || reformed && name == "type");
    }
    whole.extend(options.clone());
    if retyped
        && !options.contains_key("default")
        && matches!(field.default, Some(DefaultValue::Constant(_)))
    {
        follow(&mut whole, field);
    }
    let (changed, checked) = Field::parse(Input::new(whole));
    if let Err(problem) = checked {
        for error in problem.field_errors() {
            let path = format!("{place}{}", error.path);
            input.push(FieldError {
                path,
                ..error.clone()
            });
        }
        return None;
    }
    let changed = changed?;
    if !changed.kind.keeps(&field.kind) && !changed.kind.takes(&field.kind) {
        let message = "No value of the field as it is becomes one of this: add another field.";
        input.push(fault(format!("{place}/type"), "no_conversion", message));
        return None;
    }
    Some(changed)
}

/// Takes a constant default along to another type, as the records' values go.
fn follow(whole: &mut Map<String, Json>, field: &Field) {
    let kind = Type::parse(&mut Input::new(whole.clone()));
    let default = whole.get("default").cloned();
    if let (Some(kind), Some(default)) = (kind, default)
        && let Some(default) = kind.convert(&field.kind, &default)
    {
        whole.insert("default".to_owned(), default);
    }
}
