//! Reads a JSON object into a type that cannot be wrong, and tells all faults at once.

use crate::Problem;
use kernel::{Code, FieldError};
use serde_json::{Map, Value};

/// A JSON object being read. Take each member once, then call [`Input::finish`].
#[derive(Debug)]
pub struct Input {
    object: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Input {
    /// Over an object.
    #[must_use]
    pub fn new(object: Map<String, Value>) -> Self {
        Self {
            object,
            errors: Vec::new(),
        }
    }

    /// Whether a member is there and was not taken.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// Takes a member as it is; `None` when absent.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.object.shift_remove(name)
    }

    /// Notes a fault of a member.
    pub fn fault(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError::at(name, code, message));
    }

    /// Notes a fault that was made elsewhere.
    pub fn push(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    /// Whether a fault of this member is noted.
    #[must_use]
    pub fn has_fault(&self, name: &str) -> bool {
        let path = FieldError::at(name, "", "").path;
        self.errors.iter().any(|e| e.path == path)
    }

    /// A text of `min` to `max` code points that must be there. Empty after a fault; `finish` then fails.
    pub fn text(&mut self, name: &str, min: usize, max: usize) -> String {
        match self.optional_text(name, min, max) {
            Some(text) => text,
            None => {
                if !self.has_fault(name) {
                    self.fault(name, "required", "This is required.");
                }
                String::new()
            }
        }
    }

    /// A text of `min` to `max` code points, or nothing when it is absent or null.
    pub fn optional_text(&mut self, name: &str, min: usize, max: usize) -> Option<String> {
        match self.take(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => {
                let length = text.chars().count();
                if length < min {
                    self.fault(
                        name,
                        "too_short",
                        format!("At least {min} characters are needed."),
                    );
                } else if length > max {
                    self.fault(
                        name,
                        "too_long",
                        format!("At most {max} characters are allowed."),
                    );
                }
                Some(text)
            }
            Some(_) => {
                self.fault(name, "not_a_text", "This must be a text.");
                None
            }
        }
    }

    /// A boolean, or nothing when it is absent or null.
    pub fn optional_bool(&mut self, name: &str) -> Option<bool> {
        match self.take(name) {
            None | Some(Value::Null) => None,
            Some(Value::Bool(value)) => Some(value),
            Some(_) => {
                self.fault(name, "not_a_bool", "This must be true or false.");
                None
            }
        }
    }

    /// A list of texts, or nothing when it is absent or null.
    pub fn optional_texts(&mut self, name: &str) -> Option<Vec<String>> {
        match self.take(name) {
            None | Some(Value::Null) => None,
            Some(Value::Array(items)) => {
                let texts: Option<Vec<String>> = items
                    .into_iter()
                    .map(|v| {
                        if let Value::String(s) = v {
                            Some(s)
                        } else {
                            None
                        }
                    })
                    .collect();
                if texts.is_none() {
                    self.fault(name, "not_texts", "This must be a list of texts.");
                }
                texts
            }
            Some(_) => {
                self.fault(name, "not_a_list", "This must be a list.");
                None
            }
        }
    }

    /// The members that were not taken, for whoever reads them itself.
    pub fn rest(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.object)
    }

    /// The faults so far, for whoever reads a member of another object with a reader of its own.
    #[must_use]
    pub fn faults(self) -> Vec<FieldError> {
        self.errors
    }

    /// Fails with 400 when a member was not taken, with 422 when one has a fault; both name all of them.
    pub fn finish(self) -> Result<(), Problem> {
        if !self.object.is_empty() {
            let unknown = self
                .object
                .keys()
                .map(|name| FieldError::at(name, "unknown_field", "There is no such field."))
                .collect();
            return Err(Problem::new(Code::UnknownField).errors(unknown));
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::validation(self.errors))
        }
    }
}
