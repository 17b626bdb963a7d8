//! Who may read or write one field, beyond what the rules of its record say.

use gate::Input;
use serde_json::{Map, Value as Json};

/// A rule of one field. In a definition it is the member `read` or `write`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FieldRule {
    /// The member is absent: the rules of the record decide.
    #[default]
    Record,
    /// The member is null: keys and operators only.
    Keys,
    /// The member is a text: where this is true of the record, too.
    When(String),
}

impl FieldRule {
    /// Reads the member `name` of a field's definition.
    pub fn parse(input: &mut Input, name: &str) -> Self {
        match input.take(name) {
            None => Self::Record,
            Some(Json::Null) => Self::Keys,
            Some(Json::String(text)) if !text.trim().is_empty() => Self::When(text),
            Some(Json::String(_)) => {
                let message = "An empty rule does not exist: write true, or null for keys and operators only.";
                input.fault(name, "empty_rule", message);
                Self::Keys
            }
            Some(_) => {
                input.fault(name, "not_a_text", "A rule is a text or null.");
                Self::Keys
            }
        }
    }

    /// Writes the member as [`FieldRule::parse`] reads it.
    pub fn describe(&self, name: &str, into: &mut Map<String, Json>) {
        match self {
            Self::Record => {}
            Self::Keys => {
                into.insert(name.to_owned(), Json::Null);
            }
            Self::When(text) => {
                into.insert(name.to_owned(), text.as_str().into());
            }
        }
    }

    /// What it says, if it is a text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::When(text) => Some(text),
            Self::Record | Self::Keys => None,
        }
    }
}
