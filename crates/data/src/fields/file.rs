//! The type `file`: the id of one file of a bucket. Who keeps files counts the fields that hold each.

use gate::Input;
use serde_json::{Map, Value as Json, json};

/// The options of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The bucket that its files are in.
    pub bucket: String,
}

impl File {
    pub(super) fn parse(input: &mut Input) -> Self {
        Self {
            bucket: input.text("bucket", 1, 100),
        }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("bucket".to_owned(), self.bucket.as_str().into());
    }

    pub(super) fn schema(&self) -> Json {
        json!({"type": "string", "format": "uuid", "description": format!("The id of a file of the bucket {}.", self.bucket)})
    }
}
