//! A record's values: from what a caller sent to what is bound, with all faults at once.

use super::defaults;
use crate::error::DataError;
use crate::fields::Type;
use crate::schema::{Column, Loaded};
use crate::service::Asker;
use crate::sql::write::Assign;
use gate::Problem;
use kernel::{Code, FieldError, Stamp, parse_id};
use rules::Row;
use sea_orm::Value;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

/// A relation that a write sets.
#[derive(Clone)]
pub(super) struct Link {
    /// Where in the record it stands.
    pub path: String,
    /// The collection that it points to.
    pub collection: String,
    /// The record that it points to.
    pub id: Uuid,
}

/// The relations among the values of a write, each with its place within the field.
pub(super) fn links<'a>(
    collection: &Loaded,
    values: impl Iterator<Item = (&'a str, &'a str, &'a Value)>,
) -> Vec<Link> {
    let mut all = Vec::new();
    for (name, within, value) in values {
        let Some(Type::Relation(r)) = collection.def.field(name).map(|f| &f.kind) else {
            continue;
        };
        let link = |path: String, id| Link {
            path,
            collection: r.collection.clone(),
            id,
        };
        let path = format!("/{name}{within}");
        match value {
            Value::Uuid(Some(id)) => all.push(link(path, *id)),
            Value::Json(Some(list)) => {
                let ids = list.as_array().into_iter().flatten().enumerate();
                let ids = ids.filter_map(|(i, id)| Some((i, parse_id(id.as_str()?)?)));
                all.extend(ids.map(|(i, id)| link(format!("{path}/{i}"), id)));
            }
            _ => {}
        }
    }
    all
}

/// The values of a new record.
pub(super) struct NewRecord {
    /// Its id.
    pub id: Uuid,
    /// In the order of the columns.
    pub values: Vec<Value>,
    /// Fields whose default the database is to compute.
    pub late: Vec<String>,
}

/// The values of a new record, with all faults at once.
pub(super) fn new_values(
    collection: &Loaded,
    mut object: Map<String, Json>,
    asker: &Asker,
    fresh: Uuid,
) -> Result<NewRecord, DataError> {
    let mut errors = Vec::new();
    let id = match object.shift_remove("id") {
        None => fresh,
        Some(json) => json.as_str().and_then(parse_id).unwrap_or_else(|| {
            let message = "This must be a UUID, and neither nil nor max.";
            errors.push(FieldError::at("id", "not_an_id", message));
            fresh
        }),
    };
    check_names(collection, &object, asker, Writing::New)?;
    let time = Value::TimeDateTimeWithTimeZone(Some(asker.now.time()));
    let (mut values, mut computed) = (Vec::new(), Vec::new());
    for (i, column) in collection.columns(true).into_iter().enumerate() {
        let value = match column.name.as_str() {
            "id" => Value::Uuid(Some(id)),
            "created_at" | "updated_at" => time.clone(),
            "_version" => Value::BigInt(Some(1)),
            name => match object.shift_remove(name) {
                Some(json) => value_of(column, &json, &mut errors),
                None if collection.formula(name).is_some() => {
                    computed.push((i, column));
                    column.kind.null()
                }
                None => absent(collection, column, &mut errors),
            },
        };
        values.push(value);
    }
    let late = defaults::early(collection, asker, &mut values, computed, &mut errors);
    if errors.is_empty() {
        Ok(NewRecord { id, values, late })
    } else {
        Err(DataError::invalid(errors))
    }
}

pub(crate) fn absent(collection: &Loaded, column: &Column, errors: &mut Vec<FieldError>) -> Value {
    let field = collection.def.field(&column.name);
    let value = field.map_or_else(|| column.kind.null(), crate::model::Field::default_value);
    let is_short = || {
        let some = column.kind.many().is_some_and(|many| many.min > 0);
        some && field.is_none_or(|f| f.default.is_none())
    };
    if !column.nullable && (value == column.kind.null() || is_short()) {
        errors.push(FieldError::at(
            &column.name,
            "required",
            "This is required.",
        ));
    }
    value
}

pub(crate) fn value_of(column: &Column, json: &Json, errors: &mut Vec<FieldError>) -> Value {
    if json.is_null() {
        if !column.nullable {
            let message = "This must not be null.";
            errors.push(FieldError::at(&column.name, "required", message));
        }
        return column.kind.null();
    }
    column.kind.checked(json).unwrap_or_else(|faults| {
        errors.extend(faults.into_iter().map(|(place, (code, message))| {
            let at = FieldError::at(&column.name, code, message);
            let path = at.path.clone() + &place;
            FieldError { path, ..at }
        }));
        column.kind.null()
    })
}

/// The columns that a merge sets, with all faults at once.
pub(super) fn changed_values(
    collection: &Loaded,
    object: Map<String, Json>,
    asker: &Asker,
    writing: Writing,
) -> Result<Vec<(String, Assign)>, DataError> {
    check_names(collection, &object, asker, writing)?;
    let mut errors = Vec::new();
    let mut set = Vec::new();
    for (name, json) in object {
        if let Some(column) = collection.column(&name, true) {
            let assign = match json {
                Json::Object(operator)
                    if writing == Writing::Merge && !column.kind.takes_objects() =>
                {
                    operation(column, &operator, &mut errors)
                }
                json => Assign::Value(value_of(column, &json, &mut errors)),
            };
            set.push((name, assign));
        }
    }
    if errors.is_empty() {
        Ok(set)
    } else {
        Err(DataError::invalid(errors))
    }
}

/// An operator of a merge: `{"increment": n}` on numbers, `{"set_if_absent": value}` on any field.
fn operation(
    column: &Column,
    operator: &Map<String, Json>,
    errors: &mut Vec<FieldError>,
) -> Assign {
    let one = operator.iter().next().filter(|_| operator.len() == 1);
    let fault = match (one.map(|(name, json)| (name.as_str(), json)), &column.kind) {
        (Some(("increment", json)), Type::Number(number)) => match number.amount(json) {
            Ok(by) => return Assign::Increment(by),
            Err(fault) => fault,
        },
        (Some(("increment", json)), Type::Exact(exact)) => match exact.amount(json) {
            Ok(by) => return Assign::Increment(by),
            Err(fault) => fault,
        },
        (Some(("increment", _)), _) => (
            "not_a_number",
            "Only numbers can be incremented.".to_owned(),
        ),
        (Some((name @ ("append" | "remove"), json)), kind) => match kind.some(json) {
            Ok(items) if name == "append" => return Assign::Append(items),
            Ok(items) => return Assign::Remove(items),
            Err(fault) => fault,
        },
        (Some(("set_if_absent", Json::Null)), _) => {
            ("required", "This must not be null.".to_owned())
        }
        (Some(("set_if_absent", json)), kind) => match kind.value(json) {
            Ok(value) => return Assign::IfAbsent(value),
            Err(fault) => fault,
        },
        _ => (
            "unknown_operator",
            "This must be a value, or one of the operators increment, append, remove and set_if_absent.".to_owned(),
        ),
    };
    errors.push(FieldError::at(&column.name, fault.0, fault.1));
    Assign::Value(column.kind.null())
}

/// What a write does with the fields that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// It makes a record.
    New,
    /// It changes one.
    Merge,
    /// It may do either: what can be written once may stand there again, if it is the same.
    Upsert,
}

/// Refuses, all at once, names that do not exist for the caller and names that it cannot write.
fn check_names(
    collection: &Loaded,
    object: &Map<String, Json>,
    asker: &Asker,
    writing: Writing,
) -> Result<(), DataError> {
    let mut errors = Vec::new();
    let mut code = Code::ReadonlyField;
    for name in object.keys() {
        let message = match collection.column(name, asker.privileged()) {
            None => {
                code = Code::UnknownField;
                let message = "There is no such field.";
                errors.push(FieldError::at(name, "unknown_field", message));
                continue;
            }
            Some(column) if !column.writable => "This cannot be written.",
            Some(column) if !asker.privileged() && column.is_for_keys() => {
                "Only keys and operators can write this."
            }
            Some(column) if column.write_once && writing == Writing::Merge => WRITTEN_ONCE,
            Some(_) => continue,
        };
        errors.push(FieldError::at(name, "readonly_field", message));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::new(code).errors(errors).into())
    }
}

/// What is said of a field that can be written once.
pub(super) const WRITTEN_ONCE: &str = "This can be set only when the record is made.";

/// The record that these values make, as rules see it, before the database has made its JSON.
pub(crate) fn row_of(collection: &Loaded, values: &[Value]) -> Row {
    let columns = collection.columns(true).into_iter().zip(values);
    columns
        .map(|(column, value)| (column.name.clone(), column.kind.wire(value)))
        .collect()
}

/// The record `before` as a merge of `set` will leave it.
pub(super) fn merged(
    collection: &Loaded,
    before: &Row,
    set: &[(String, Value)],
    version: i64,
    now: Stamp,
) -> Row {
    let mut after = before.clone();
    for (name, value) in set {
        if let Some(column) = collection.column(name, true) {
            after.insert(name.clone(), column.kind.wire(value));
        }
    }
    after.insert("updated_at".to_owned(), now.to_string().into());
    after.insert("_version".to_owned(), (version + 1).into());
    after
}
