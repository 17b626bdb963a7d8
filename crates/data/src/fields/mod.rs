//! Field types: one file each, with all that differs by type: options, column, JSON, parsing, and the API document.

mod boolean;
mod convert;
mod datetime;
mod file;
mod number;
mod relation;
mod select;
mod text;

pub use file::File;
pub use number::{Bound, Format, Number};
pub use relation::Relation;
pub use select::Select;
pub use text::Text;

use gate::Input;
use sea_orm::{DbBackend, Value};
use serde_json::{Map, Value as Json, json};

/// A value's fault: a stable word and a sentence.
pub type Fault = (&'static str, String);

/// What a field holds, with the options of its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Unicode text.
    Text(Text),
    /// An integer or a float.
    Number(Number),
    /// True or false.
    Bool,
    /// A point in time.
    DateTime,
    /// A record of another collection.
    Relation(Relation),
    /// One of a few texts.
    Select(Select),
    /// A file of a bucket.
    File(File),
    /// A UUID; only the system field `id`.
    Id,
}

impl Type {
    /// Reads the member `type` and the options that belong to it.
    pub fn parse(input: &mut Input) -> Option<Self> {
        let name = input.text("type", 1, 40);
        match name.as_str() {
            "text" => Some(Self::Text(Text::parse(input))),
            "number" => Some(Self::Number(Number::parse(input))),
            "bool" => Some(Self::Bool),
            "datetime" => Some(Self::DateTime),
            "relation" => Some(Self::Relation(Relation::parse(input))),
            "select" => Some(Self::Select(Select::parse(input))),
            "file" => Some(Self::File(File::parse(input))),
            "" => None,
            _ => {
                input.fault(
                    "type",
                    "unknown_type",
                    "The types are text, number, bool, datetime, relation, select and file.",
                );
                None
            }
        }
    }

    /// The type's name and options as they are stored and sent.
    pub fn describe(&self, into: &mut Map<String, Json>) {
        let name = match self {
            Self::Text(_) => "text",
            Self::Number(_) => "number",
            Self::Bool => "bool",
            Self::DateTime => "datetime",
            Self::Relation(_) => "relation",
            Self::Select(_) => "select",
            Self::File(_) => "file",
            Self::Id => "id",
        };
        into.insert("type".to_owned(), name.into());
        match self {
            Self::Text(t) => t.describe(into),
            Self::Number(n) => n.describe(into),
            Self::Relation(r) => r.describe(into),
            Self::Select(s) => s.describe(into),
            Self::File(f) => f.describe(into),
            Self::Bool | Self::DateTime | Self::Id => {}
        }
    }

    /// The column's declared type. SQLite's decides how SeaORM reads it back.
    #[must_use]
    pub fn column(&self, backend: DbBackend) -> &'static str {
        let sqlite = backend == DbBackend::Sqlite;
        match self {
            Self::Text(_) | Self::Select(_) => text::column(sqlite),
            Self::Number(n) => n.column(sqlite),
            Self::Bool => "boolean",
            Self::DateTime => datetime::column(sqlite),
            Self::Relation(_) | Self::File(_) | Self::Id => relation::column(sqlite),
        }
    }

    /// The conditions that the column itself must keep, as SQL over the quoted column.
    #[must_use]
    pub fn checks(&self, column: &str) -> Vec<(Bound, String)> {
        match self {
            Self::Number(n) => n.checks(column),
            _ => Vec::new(),
        }
    }

    /// SQL for the column's JSON value, the same bytes on both engines. `column` is quoted and qualified.
    #[must_use]
    pub fn json(&self, column: &str, backend: DbBackend) -> String {
        let sqlite = backend == DbBackend::Sqlite;
        match self {
            Self::Number(n) => n.json(column, sqlite),
            Self::Bool => boolean::json(column, sqlite),
            Self::DateTime => datetime::json(column, sqlite),
            Self::Text(_) | Self::Select(_) | Self::Relation(_) | Self::File(_) | Self::Id => {
                column.to_owned()
            }
        }
    }

    /// A value that a caller sent, ready to be bound; not null.
    pub fn value(&self, json: &Json) -> Result<Value, Fault> {
        match self {
            Self::Text(t) => t.value(json),
            Self::Number(n) => n.value(json),
            Self::Bool => boolean::value(json),
            Self::DateTime => datetime::value(json),
            Self::Select(s) => s.value(json),
            Self::File(_) => relation::value(json).map_err(|(code, _)| {
                let message = "This must be the id of a file, a UUID.";
                (code, message.to_owned())
            }),
            Self::Relation(_) | Self::Id => relation::value(json),
        }
    }

    /// A value that the database made for a cursor, ready to be bound; not null.
    pub fn key_value(&self, json: &Json) -> Result<Value, Fault> {
        match (self, json) {
            // Limits hold for what is written, not for what is there.
            (Self::Text(_) | Self::Select(_), Json::String(text)) => {
                Ok(Value::String(Some(text.clone())))
            }
            (Self::Bool, Json::Bool(value)) => Ok(Value::Bool(Some(*value))),
            _ => self.value(json),
        }
    }

    /// The typed null.
    #[must_use]
    pub fn null(&self) -> Value {
        match self {
            Self::Text(_) | Self::Select(_) => Value::String(None),
            Self::Number(n) => n.null(),
            Self::Bool => Value::Bool(None),
            Self::DateTime => Value::TimeDateTimeWithTimeZone(None),
            Self::Relation(_) | Self::File(_) | Self::Id => Value::Uuid(None),
        }
    }

    /// The type as rules and filters see it.
    #[must_use]
    pub fn kind(&self) -> rules::Kind {
        match self {
            Self::Text(_) | Self::Select(_) => rules::Kind::Text,
            Self::Number(n) => n.kind(),
            Self::Bool => rules::Kind::Bool,
            Self::DateTime => rules::Kind::DateTime,
            Self::Relation(r) => rules::Kind::Relation {
                to: r.collection.clone(),
            },
            Self::File(_) | Self::Id => rules::Kind::Uuid,
        }
    }

    /// The type in the API document (JSON Schema 2020-12), without null.
    #[must_use]
    pub fn schema(&self) -> Json {
        match self {
            Self::Text(t) => t.schema(),
            Self::Number(n) => n.schema(),
            Self::Bool => json!({"type": "boolean"}),
            Self::DateTime => json!({"type": "string", "format": "date-time"}),
            Self::Select(s) => s.schema(),
            Self::File(f) => f.schema(),
            Self::Relation(_) | Self::Id => json!({"type": "string", "format": "uuid"}),
        }
    }

    /// Code points that a value takes in an index; PostgreSQL refuses index rows beyond about 2,700 bytes.
    #[must_use]
    pub fn index_chars(&self) -> usize {
        match self {
            Self::Text(t) => t.max,
            Self::Select(s) => s.chars(),
            _ => 36,
        }
    }
}
