//! The type `relation`: the id of one record of another collection, held by a foreign key.

use super::Fault;
use gate::Input;
use sea_orm::Value;
use serde_json::{Map, Value as Json};

/// The options of a relation. A record that is pointed to cannot be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The collection it points to.
    pub collection: String,
}

impl Relation {
    pub(super) fn parse(input: &mut Input) -> Self {
        Self {
            collection: input.text("collection", 1, 59),
        }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("collection".to_owned(), self.collection.as_str().into());
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
