//! The type `text`: Unicode, stored as sent, length in code points.

use super::Fault;
use gate::Input;
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};

/// Code points of a text when the field names no `max`.
const MAX_DEFAULT: usize = 5_000;
/// Code points of a text at most.
const MAX: usize = 500_000;

/// The options of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Code points at least.
    pub min: usize,
    /// Code points at most.
    pub max: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            min: 0,
            max: MAX_DEFAULT,
        }
    }
}

impl Text {
    pub(super) fn parse(input: &mut Input) -> Self {
        let min = count(input, "min").unwrap_or(0);
        let max = count(input, "max").unwrap_or(MAX_DEFAULT.max(min));
        if min > max {
            input.fault("max", "below_min", "max must not be below min.");
        }
        Self { min, max }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("min".to_owned(), self.min.into());
        into.insert("max".to_owned(), self.max.into());
    }

    pub(super) fn value(&self, json: &Json) -> Result<Value, Fault> {
        let Json::String(text) = json else {
            return Err(("not_a_text", "This must be a text.".to_owned()));
        };
        if text.contains('\0') {
            return Err(("nul", "U+0000 is not allowed.".to_owned()));
        }
        // A text of n bytes has at most n code points: most values need no count.
        let length = if text.len() <= self.max && self.min == 0 {
            0
        } else {
            text.chars().count()
        };
        if length > self.max {
            return Err((
                "too_long",
                format!("At most {} characters are allowed.", self.max),
            ));
        }
        if length < self.min {
            return Err((
                "too_short",
                format!("At least {} characters are needed.", self.min),
            ));
        }
        Ok(Value::String(Some(text.clone())))
    }

    pub(super) fn schema(&self) -> Json {
        let mut schema = json!({"type": "string", "maxLength": self.max});
        if self.min > 0 {
            schema["minLength"] = self.min.into();
        }
        schema
    }
}

/// Bytes sort alike on both engines only without a locale's rules.
pub(super) fn column(sqlite: bool) -> &'static str {
    if sqlite { "text" } else { "text COLLATE \"C\"" }
}

fn count(input: &mut Input, name: &str) -> Option<usize> {
    match input.take(name) {
        None | Some(Json::Null) => None,
        Some(value) => match value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| *n <= MAX)
        {
            Some(n) => Some(n),
            None => {
                input.fault(
                    name,
                    "not_a_length",
                    format!("This must be an integer from 0 to {MAX}."),
                );
                None
            }
        },
    }
}
