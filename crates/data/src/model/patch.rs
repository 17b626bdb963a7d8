//! Reading a change of a collection that is there: what of it is renamed, changed, dropped, added and put in order.

use super::asked::Asked;
use super::fields::{parse_fields, parse_indexes};
use super::parse::is_collection_name;
use super::{Collection, CollectionKind, DefaultValue, Field, Index};
use crate::fields::Type;
use gate::{Input, Problem};
use kernel::{FieldError, Stamp};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

/// Where the definition of an added field stands.
const FIELDS_ADDED: &str = "/fields/add";
/// Where the definition of an added index stands.
pub(crate) const INDEXES_ADDED: &str = "/indexes/add";
/// What a name must be.
pub(super) const NAME: &str =
    "A name has at most 59 of a-z, 0-9 and _, begins with a letter and is not reserved.";

/// A change of a collection, read as far as that can be done without the records and the other collections.
#[derive(Clone, Debug)]
pub struct Alter {
    /// The collection as it is.
    pub before: Collection,
    /// The collection as it is to be.
    pub after: Collection,
    /// The fields that stay, those of the system included.
    pub kept: Vec<Kept>,
    /// The fields that go.
    pub dropped: Vec<Dropped>,
    /// The indexes that stay, with their fields' old names.
    pub indexes: Vec<Index>,
    /// The rules that the change itself says, by name.
    pub rules: BTreeSet<String>,
    /// Where the request says what is new of a field, by its new name.
    pub places: BTreeMap<String, String>,
    /// What may be lost, in the words of the refusal that told it.
    pub confirm: BTreeSet<String>,
    /// Whether only to tell what would be done.
    pub dry_run: bool,
}

/// A field that stays.
#[derive(Clone, Debug)]
pub struct Kept {
    /// As it is.
    pub before: Field,
    /// As it is to be.
    pub after: Field,
    /// Where the request names it.
    pub place: String,
}

/// A field that goes.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// As it is.
    pub field: Field,
    /// Where the request names it.
    pub place: String,
}

impl Kept {
    /// Whether its values are made anew.
    #[must_use]
    pub fn is_converted(&self) -> bool {
        !self.after.kind.keeps(&self.before.kind)
    }

    /// Whether it has another name.
    #[must_use]
    pub fn is_renamed(&self) -> bool {
        self.before.name != self.after.name
    }
}

impl Alter {
    /// Reads a change. Fields and indexes that are added stand behind those that stay, unless an order is given.
    pub fn parse(
        before: &Collection,
        object: Map<String, Json>,
        now: Stamp,
    ) -> Result<Self, Problem> {
        let rules = object.get("rules").and_then(Json::as_object);
        let rules = rules
            .map(|r| r.keys().cloned().collect())
            .unwrap_or_default();
        let mut input = Input::new(object);
        let mut after = before.clone();
        after.updated_at = now;
        new_name(&mut input, &mut after);
        after.rules.parse(&mut input);
        let confirm = input.optional_texts("confirm").unwrap_or_default();
        let dry_run = input.optional_bool("dry_run").unwrap_or(false);
        let (mut fields, mut indexes) = (part(&mut input, "fields"), part(&mut input, "indexes"));
        let asked = Asked::read(&mut fields, before);
        let kept = asked.kept(&mut input, &after.name);
        let dropped = asked.dropped(&mut input);
        after.fields = kept.iter().map(|k| k.after.clone()).collect();
        let mut places: BTreeMap<String, String> = kept
            .iter()
            .filter(|k| !k.place.is_empty())
            .map(|k| (k.after.name.clone(), k.place.clone()))
            .collect();
        add_fields(&mut input, &mut fields, &mut after, &mut places);
        put_in_order(&mut input, &mut fields, &mut after);
        let kept_indexes = kept_indexes(&mut input, &mut indexes, before);
        after.indexes = kept_indexes.iter().map(|i| renamed(i, &kept)).collect();
        let items = indexes.take("add");
        let added = parse_indexes(
            &mut input,
            items,
            INDEXES_ADDED,
            &after.fields,
            &after.indexes,
        );
        after.indexes.extend(added);
        absorb(&mut input, fields, "/fields");
        absorb(&mut input, indexes, "/indexes");
        after.check_index_sizes(&mut input);
        input.finish()?;
        Ok(Self {
            before: before.clone(),
            after,
            kept,
            dropped,
            indexes: kept_indexes,
            rules,
            places,
            confirm: confirm.into_iter().collect(),
            dry_run,
        })
    }
}

pub(super) fn fault(path: String, code: &'static str, message: &str) -> FieldError {
    FieldError {
        path,
        code,
        message: message.to_owned(),
    }
}

fn new_name(input: &mut Input, after: &mut Collection) {
    let Some(name) = input.optional_text("name", 1, 59) else {
        return;
    };
    if name == after.name {
        return;
    }
    if after.kind == CollectionKind::Users {
        input.fault("name", "fixed", "The collection users keeps its name.");
    } else if !is_collection_name(&name) {
        input.fault("name", "not_a_name", NAME);
    } else {
        after.name = name;
    }
}

fn add_fields(
    input: &mut Input,
    fields: &mut Input,
    after: &mut Collection,
    places: &mut BTreeMap<String, String>,
) {
    let items = fields.take("add");
    let added = parse_fields(input, items, FIELDS_ADDED, &after.fields);
    for (i, field) in added.iter().enumerate() {
        places.insert(field.name.clone(), format!("{FIELDS_ADDED}/{i}"));
        let fault =
            |name, code, message| fault(format!("{FIELDS_ADDED}/{i}/{name}"), code, message);
        if let Some((name, code, message)) = misfit(field) {
            input.push(fault(name, code, message));
        }
        // Sign-up takes a user's own fields beside the password.
        if after.kind == CollectionKind::Users && field.name == "password" {
            input.push(fault(
                "name",
                "not_a_name",
                "A user cannot have a field password.",
            ));
        }
    }
    after.fields.extend(added);
}

/// Puts the developer's fields in the order of `order`, which names each of them once.
fn put_in_order(input: &mut Input, fields: &mut Input, after: &mut Collection) {
    let Some(order) = fields.take("order").filter(|o| !o.is_null()) else {
        return;
    };
    let names: Vec<&str> = match &order {
        Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    let own: BTreeSet<&str> = after
        .fields
        .iter()
        .filter(|f| !f.system)
        .map(|f| f.name.as_str())
        .collect();
    let distinct: BTreeSet<&str> = names.iter().copied().collect();
    if order.as_array().map(Vec::len) != Some(own.len()) || own != distinct {
        let message =
            "This must name each field once, under its new name, those that are added included.";
        input.push(fault("/fields/order".to_owned(), "not_an_order", message));
        return;
    }
    let place: BTreeMap<String, usize> = names
        .iter()
        .enumerate()
        .map(|(i, n)| ((*n).to_owned(), i + 1))
        .collect();
    // The system's own stay in front.
    after.fields.sort_by_key(|f| {
        if f.system {
            0
        } else {
            place.get(&f.name).copied().unwrap_or(0)
        }
    });
}

/// The indexes that stay. An item of the drop names the fields of an index, and `unique` where two differ in it.
fn kept_indexes(input: &mut Input, indexes: &mut Input, before: &Collection) -> Vec<Index> {
    let mut kept = before.indexes.clone();
    for (i, item) in list(indexes, "drop").into_iter().enumerate() {
        let path = format!("/indexes/drop/{i}");
        let Json::Object(object) = item else {
            input.push(fault(path, "not_an_object", "This must be an object."));
            continue;
        };
        let mut one = Input::new(object);
        let names = one.optional_texts("fields").unwrap_or_default();
        let unique = one.optional_bool("unique");
        absorb(input, one, &path);
        let is_meant =
            |index: &Index| index.fields == names && unique.is_none_or(|u| index.unique == u);
        let count = kept.len();
        kept.retain(|index| !is_meant(index));
        if kept.len() == count {
            let message = "There is no such index among those of the collection.";
            input.push(fault(path, "unknown_index", message));
        }
    }
    kept
}

/// An index under the new names of its fields.
pub(crate) fn renamed(index: &Index, kept: &[Kept]) -> Index {
    let name = |name: &String| {
        let field = kept.iter().find(|k| k.before.name == *name);
        field.map_or_else(|| name.clone(), |k| k.after.name.clone())
    };
    Index {
        fields: index.fields.iter().map(name).collect(),
        ..index.clone()
    }
}

/// What of a field cannot be added, because records are there already.
fn misfit(field: &Field) -> Option<(&'static str, &'static str, &'static str)> {
    let constant = matches!(field.default, Some(DefaultValue::Constant(_)));
    let refers = matches!(field.kind, Type::Relation(_) | Type::File(_)) && !field.kind.is_joined();
    let needs = field.kind.many().is_some_and(|many| many.min > 0);
    match () {
        () if needs && field.kind.is_joined() => Some((
            "min_items",
            "required",
            "A list of records that is added is empty in the records that are there: it cannot need items yet.",
        )),
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

/// The object in the member `name`, to be read by itself.
fn part(input: &mut Input, name: &str) -> Input {
    Input::new(object(input, name))
}

pub(super) fn object(input: &mut Input, name: &str) -> Map<String, Json> {
    match input.take(name) {
        Some(Json::Object(object)) => object,
        None | Some(Json::Null) => Map::new(),
        Some(_) => {
            input.fault(name, "not_an_object", "This must be an object.");
            Map::new()
        }
    }
}

pub(super) fn list(input: &mut Input, name: &str) -> Vec<Json> {
    match input.take(name) {
        Some(Json::Array(items)) => items,
        None | Some(Json::Null) => Vec::new(),
        Some(_) => {
            input.fault(name, "not_a_list", "This must be a list.");
            Vec::new()
        }
    }
}

/// Takes over the faults of a part that stands at `base`, what nobody took included.
fn absorb(input: &mut Input, part: Input, base: &str) {
    let mut part = part;
    for name in part.rest().keys() {
        part.fault(name, "unknown_field", "There is no such field.");
    }
    for error in part.faults() {
        let path = format!("{base}{}", error.path);
        input.push(FieldError { path, ..error });
    }
}
