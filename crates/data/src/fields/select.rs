//! The type `select`: one of a few texts that the developer names, or with `multiple` any number of them in order.

use super::Fault;
use super::many::Many;
use gate::Input;
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};

/// Values of one field at most.
const VALUES_MAX: usize = 200;
/// Code points of a value at most.
const VALUE_CHARS_MAX: usize = 100;

/// The options of a select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// The texts that it can hold, in the developer's order.
    pub values: Vec<String>,
    /// How many it holds, if it is a list.
    pub many: Option<Many>,
}

impl Select {
    pub(super) fn parse(input: &mut Input) -> Self {
        let values = input.optional_texts("values");
        let values = values.unwrap_or_default();
        let mut seen = std::collections::HashSet::new();
        let good =
            |v: &String| !v.is_empty() && v.chars().count() <= VALUE_CHARS_MAX && !v.contains('\0');
        if values.is_empty() || values.len() > VALUES_MAX || !values.iter().all(good) {
            input.fault("values", "bad_values", format!("This must be a list of 1 to {VALUES_MAX} texts of 1 to {VALUE_CHARS_MAX} characters."));
        } else if !values.iter().all(|v| seen.insert(v)) {
            input.fault("values", "duplicate", "A value stands twice.");
        }
        let many = Many::parse(input, values.len());
        Self { values, many }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("values".to_owned(), json!(self.values));
        if let Some(many) = &self.many {
            many.describe(into);
        }
    }

    pub(super) fn value(&self, json: &Json) -> Result<Value, Fault> {
        match &self.many {
            Some(many) => many.value(json, |item| self.one(item)),
            None => self.one(json),
        }
    }

    /// The items of an operator of the list.
    pub(super) fn some(&self, json: &Json) -> Result<Value, Fault> {
        match &self.many {
            Some(many) => many.some(json, |item| self.one(item)),
            None => Err(("not_a_list", "This holds one value.".to_owned())),
        }
    }

    fn one(&self, json: &Json) -> Result<Value, Fault> {
        match json.as_str() {
            Some(text) if self.values.iter().any(|v| v == text) => {
                Ok(Value::String(Some(text.to_owned())))
            }
            _ => Err((
                "not_a_choice",
                format!("This must be one of {}.", self.values.join(", ")),
            )),
        }
    }

    pub(super) fn schema(&self) -> Json {
        let one = json!({"type": "string", "enum": self.values});
        match &self.many {
            Some(many) => many.schema(&one),
            None => one,
        }
    }

    pub(super) fn chars(&self) -> usize {
        let lengths = self.values.iter().map(|v| v.chars().count());
        lengths.max().unwrap_or(0)
    }
}
