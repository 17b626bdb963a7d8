//! The type `relation`: the id of one record of another collection, held by a foreign key, or with `multiple` the ids of
//! any number of them in order, each pair of records a row of a join table.

use super::Fault;
use super::many::{ITEMS_MAX, Many};
use gate::Input;
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};

/// What happens to a record when the one that it points to, or one that its list names, is deleted. Where a record
/// itself is deleted, what its list names stays, whatever this says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// The other cannot be deleted.
    #[default]
    Restrict,
    /// It goes too. Of a list only the pair goes: the record stays, without the other in its list. A list that would
    /// then have fewer items than it must keeps the other from being deleted.
    Cascade,
    /// Its relation becomes null. A list is never null, and has no such act.
    SetNull,
}

/// The options of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The collection it points to.
    pub collection: String,
    /// What happens when the record that it points to is deleted.
    pub on_delete: OnDelete,
    /// How many it points to, if it is a list.
    pub many: Option<Many>,
}

impl Relation {
    pub(super) fn parse(input: &mut Input) -> Self {
        let collection = input.text("collection", 1, 59);
        let on_delete = match input.optional_text("on_delete", 0, 20).as_deref() {
            None | Some("restrict") => OnDelete::Restrict,
            Some("cascade") => OnDelete::Cascade,
            Some("set_null") => OnDelete::SetNull,
            Some(_) => {
                let message = "The acts are restrict, cascade and set_null.";
                input.fault("on_delete", "unknown_act", message);
                OnDelete::Restrict
            }
        };
        let many = Many::parse(input, ITEMS_MAX);
        if many.is_some() && on_delete == OnDelete::SetNull {
            let message =
                "A list is never null: with cascade the deleted record goes from the list.";
            input.fault("on_delete", "cannot_be_null", message);
        }
        Self {
            collection,
            on_delete,
            many,
        }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("collection".to_owned(), self.collection.as_str().into());
        if let Some(many) = &self.many {
            many.describe(into);
        }
        let act = match self.on_delete {
            OnDelete::Restrict => return,
            OnDelete::Cascade => "cascade",
            OnDelete::SetNull => "set_null",
        };
        into.insert("on_delete".to_owned(), act.into());
    }

    /// A value, with the place of each fault within it.
    pub(super) fn check(&self, json: &Json) -> Result<Value, Vec<(String, Fault)>> {
        match &self.many {
            None => value(json).map_err(|fault| vec![(String::new(), fault)]),
            Some(many) => list(many, json),
        }
    }

    /// The items of an operator of the list.
    pub(super) fn some(&self, json: &Json) -> Result<Value, Fault> {
        match &self.many {
            Some(many) => list(&many.free(), json).map_err(super::first),
            None => Err(("not_a_list", "This holds one value.".to_owned())),
        }
    }

    pub(super) fn schema(&self) -> Json {
        let one = json!({"type": "string", "format": "uuid"});
        match &self.many {
            Some(many) => many.schema(&one),
            None => one,
        }
    }
}

/// A list of ids, each spelled as ids are.
fn list(many: &Many, json: &Json) -> Result<Value, Vec<(String, Fault)>> {
    let (mut ids, mut faults) = (Vec::new(), Vec::new());
    for (i, item) in json.as_array().into_iter().flatten().enumerate() {
        match value(item) {
            Ok(Value::Uuid(Some(id))) => ids.push(Json::from(id.to_string())),
            Ok(_) => {}
            Err(fault) => faults.push((format!("/{i}"), fault)),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let ids = if json.is_array() {
        Json::from(ids)
    } else {
        json.clone()
    };
    let whole = many.value(&ids, value);
    whole.map_err(|fault| vec![(String::new(), fault)])
}

pub(super) fn column(sqlite: bool) -> &'static str {
    if sqlite { "uuid_text" } else { "uuid" }
}

pub(super) fn value(json: &Json) -> Result<Value, Fault> {
    match json.as_str().and_then(kernel::parse_id) {
        Some(id) => Ok(Value::Uuid(Some(id))),
        None => Err((
            "not_an_id",
            "This must be the id of a record, a UUID.".to_owned(),
        )),
    }
}
