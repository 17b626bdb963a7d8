//! The type `file`: the id of a file of a bucket, or with `multiple` those of several in order. Who keeps files counts the
//! fields that hold each.

use super::many::Many;
use super::{Fault, relation};
use gate::Input;
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};

/// Files of a list when the field names no number.
const MANY_DEFAULT: usize = 100;

/// The options of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The bucket that its files are in.
    pub bucket: String,
    /// How many it holds, if it is a list.
    pub many: Option<Many>,
}

impl File {
    pub(super) fn parse(input: &mut Input) -> Self {
        Self {
            bucket: input.text("bucket", 1, 100),
            many: Many::parse(input, MANY_DEFAULT),
        }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("bucket".to_owned(), self.bucket.as_str().into());
        if let Some(many) = &self.many {
            many.describe(into);
        }
    }

    pub(super) fn value(&self, json: &Json) -> Result<Value, Fault> {
        match &self.many {
            Some(many) => many.value(&normal(json), one),
            None => one(json),
        }
    }

    /// The items of an operator of the list.
    pub(super) fn some(&self, json: &Json) -> Result<Value, Fault> {
        match &self.many {
            Some(many) => many.some(&normal(json), one),
            None => Err(("not_a_list", "This holds one file.".to_owned())),
        }
    }

    pub(super) fn schema(&self) -> Json {
        let text = format!("The id of a file of the bucket {}.", self.bucket);
        let one = json!({"type": "string", "format": "uuid", "description": text});
        match &self.many {
            Some(many) => many.schema(&one),
            None => one,
        }
    }
}

fn one(json: &Json) -> Result<Value, Fault> {
    relation::value(json).map_err(|(code, _)| {
        let message = "This must be the id of a file, a UUID.";
        (code, message.to_owned())
    })
}

/// A list of ids in the one spelling that is kept, so that a file cannot stand twice; what is no id stays and is refused.
fn normal(json: &Json) -> Json {
    let spelled = |item: &Json| match one(item) {
        Ok(Value::Uuid(Some(id))) => id.to_string().into(),
        _ => item.clone(),
    };
    match json.as_array() {
        Some(items) => items.iter().map(spelled).collect(),
        None => json.clone(),
    }
}
