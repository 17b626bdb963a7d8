//! The type `relation`: the id of one record of another collection, held by a foreign key.

use super::Fault;
use gate::Input;
use sea_orm::Value;
use serde_json::{Map, Value as Json};

/// What happens to a record when the one that it points to is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// The other cannot be deleted.
    #[default]
    Restrict,
    /// It goes too.
    Cascade,
    /// Its relation becomes null.
    SetNull,
}

/// The options of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The collection it points to.
    pub collection: String,
    /// What happens when the record that it points to is deleted.
    pub on_delete: OnDelete,
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
        Self {
            collection,
            on_delete,
        }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("collection".to_owned(), self.collection.as_str().into());
        let act = match self.on_delete {
            OnDelete::Restrict => return,
            OnDelete::Cascade => "cascade",
            OnDelete::SetNull => "set_null",
        };
        into.insert("on_delete".to_owned(), act.into());
    }
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
