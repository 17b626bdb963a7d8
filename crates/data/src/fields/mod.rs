//! Field types: one file each, with all that differs by type: options, column, JSON, parsing, and the API document.

mod boolean;
mod convert;
mod date;
mod datetime;
mod editor;
mod email;
mod exact;
mod file;
mod geo;
mod json;
pub(crate) mod many;
mod number;
mod relation;
mod select;
mod text;
mod url;
mod uuid;

pub use editor::Editor;
pub use exact::Exact;
pub use file::File;
pub use json::JsonField;
pub use many::Many;
pub use number::{Bound, Format, Number};
pub use relation::{OnDelete, Relation};
pub use select::Select;
pub use text::Text;
pub use url::Url;

use gate::Input;
use kernel::Stamp;
use sea_orm::sea_query::{Expr, Func};
use sea_orm::{DbBackend, Value};
use serde_json::{Map, Value as Json, json};
use std::borrow::Cow;

/// A value's fault: a stable word and a sentence.
pub type Fault = (&'static str, String);

/// The first of the faults of a value, wherever in it that is.
fn first(faults: Vec<(String, Fault)>) -> Fault {
    let first = faults.into_iter().next();
    first.map_or(("invalid", String::new()), |(_, fault)| fault)
}

/// What a field holds, with the options of its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Unicode text.
    Text(Text),
    /// HTML, sanitised.
    Editor(Editor),
    /// An e-mail address.
    Email,
    /// An address of the web.
    Url(Url),
    /// An integer or a float.
    Number(Number),
    /// A wide integer or a decimal.
    Exact(Exact),
    /// True or false.
    Bool,
    /// A point in time.
    DateTime,
    /// A day.
    Date,
    /// A UUID.
    Uuid,
    /// Any JSON.
    Json(JsonField),
    /// A place on the earth.
    Geo,
    /// A record of another collection.
    Relation(Relation),
    /// One of a few texts.
    Select(Select),
    /// A file of a bucket, or several.
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
            "editor" => Some(Self::Editor(Editor::parse(input))),
            "email" => Some(Self::Email),
            "url" => Some(Self::Url(Url::parse(input))),
            "number" => Some(Self::parse_number(input)),
            "bool" => Some(Self::Bool),
            "datetime" => Some(Self::DateTime),
            "date" => Some(Self::Date),
            "uuid" => Some(Self::Uuid),
            "json" => Some(Self::Json(JsonField::parse(input))),
            "geo" => Some(Self::Geo),
            "relation" => Some(Self::Relation(Relation::parse(input))),
            "select" => Some(Self::Select(Select::parse(input))),
            "file" => Some(Self::File(File::parse(input))),
            "" => None,
            _ => {
                input.fault(
                    "type",
                    "unknown_type",
                    "The types are text, editor, email, url, number, bool, datetime, date, uuid, json, geo, relation, select and file.",
                );
                None
            }
        }
    }

    fn parse_number(input: &mut Input) -> Self {
        match input.optional_text("format", 0, 20).as_deref() {
            Some("wide") => Self::Exact(Exact::wide(input)),
            Some("decimal") => Self::Exact(Exact::decimal(input)),
            format => Self::Number(Number::parse(input, format)),
        }
    }

    /// The type's name and options as they are stored and sent.
    pub fn describe(&self, into: &mut Map<String, Json>) {
        let name = match self {
            Self::Text(_) => "text",
            Self::Editor(_) => "editor",
            Self::Email => "email",
            Self::Url(_) => "url",
            Self::Number(_) | Self::Exact(_) => "number",
            Self::Bool => "bool",
            Self::DateTime => "datetime",
            Self::Date => "date",
            Self::Uuid => "uuid",
            Self::Json(_) => "json",
            Self::Geo => "geo",
            Self::Relation(_) => "relation",
            Self::Select(_) => "select",
            Self::File(_) => "file",
            Self::Id => "id",
        };
        into.insert("type".to_owned(), name.into());
        match self {
            Self::Text(t) => t.describe(into),
            Self::Editor(e) => e.describe(into),
            Self::Url(u) => u.describe(into),
            Self::Number(n) => n.describe(into),
            Self::Exact(e) => e.describe(into),
            Self::Json(j) => j.describe(into),
            Self::Relation(r) => r.describe(into),
            Self::Select(s) => s.describe(into),
            Self::File(f) => f.describe(into),
            Self::Email
            | Self::Bool
            | Self::DateTime
            | Self::Date
            | Self::Uuid
            | Self::Geo
            | Self::Id => {}
        }
    }

    /// The column's declared type. SQLite's decides how SeaORM reads it back.
    #[must_use]
    pub fn column(&self, backend: DbBackend) -> Cow<'static, str> {
        let sqlite = backend == DbBackend::Sqlite;
        let column = match self {
            Self::Exact(e) => return e.column(sqlite).into(),
            Self::Number(n) => n.column(sqlite),
            _ if self.is_json() && sqlite => "json_text",
            // Not jsonb: the text is sent as it was written, the same bytes from both engines.
            Self::Json(_) => "json",
            _ if self.is_json() => "json",
            Self::Geo if sqlite => "double",
            Self::Geo => "double precision",
            Self::Bool => "boolean",
            Self::DateTime => datetime::column(sqlite),
            Self::Date => date::column(sqlite),
            Self::Uuid | Self::Relation(_) | Self::File(_) | Self::Id => relation::column(sqlite),
            Self::Text(_) | Self::Editor(_) | Self::Email | Self::Url(_) | Self::Select(_) => {
                text::column(sqlite)
            }
        };
        column.into()
    }

    /// Whether it is kept beside the table: as pairs of ids in a join table of its own.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        matches!(self, Self::Relation(r) if r.many.is_some())
    }

    /// The names of the columns that keep it; none of what is kept beside the table.
    #[must_use]
    pub fn columns(&self, name: &str) -> Vec<String> {
        match self {
            _ if self.is_joined() => Vec::new(),
            Self::Geo => geo::columns(name).to_vec(),
            _ => vec![name.to_owned()],
        }
    }

    /// What the columns keep of a value, in their order, ready to be bound.
    #[must_use]
    pub fn cells(&self, value: Value) -> Vec<Value> {
        match (self, value) {
            (kind, _) if kind.is_joined() => Vec::new(),
            (Self::Geo, value) => geo::cells(&value).to_vec(),
            (_, Value::Json(json)) => {
                vec![Value::String(json.map(|json| json.to_string()))]
            }
            (_, value) => vec![value],
        }
    }

    /// Whether records can be put in its order.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        !matches!(self, Self::Geo | Self::File(_)) && !self.is_json()
    }

    /// Whether an index can hold it.
    #[must_use]
    pub fn is_indexable(&self) -> bool {
        !self.is_json()
    }

    /// Whether it can be told equal to another by an index.
    #[must_use]
    pub fn is_comparable(&self) -> bool {
        !matches!(self, Self::Geo) && !self.is_json()
    }

    /// Whether its column holds JSON.
    fn is_json(&self) -> bool {
        matches!(self, Self::Json(_)) || self.many().is_some()
    }

    /// How many items it holds, if it is a list.
    #[must_use]
    pub fn many(&self) -> Option<&Many> {
        match self {
            Self::Select(s) => s.many.as_ref(),
            Self::Relation(r) => r.many.as_ref(),
            Self::File(f) => f.many.as_ref(),
            _ => None,
        }
    }

    /// The items of the operators append and remove.
    pub(crate) fn some(&self, json: &Json) -> Result<Value, Fault> {
        match self {
            Self::Select(s) => s.some(json),
            Self::Relation(r) => r.some(json),
            Self::File(f) => f.some(json),
            _ => Err((
                "not_a_list",
                "Only lists can be appended to and removed from.".to_owned(),
            )),
        }
    }

    /// What a field without a value holds: null, or an empty list.
    #[must_use]
    pub fn nothing(&self) -> Value {
        match self.many() {
            Some(_) => Value::Json(Some(Box::new(json!([])))),
            None => self.null(),
        }
    }

    /// A value that is bound, as SQL of the column's type: PostgreSQL takes some types for what they are only by name.
    #[must_use]
    pub fn bound(&self, value: Expr, backend: DbBackend) -> Expr {
        match self {
            Self::Exact(e) => e.bound(value, backend),
            Self::Date if backend != DbBackend::Sqlite => Func::cast_as(value, "date").into(),
            _ if self.is_json() && backend != DbBackend::Sqlite => {
                Func::cast_as(value, "json").into()
            }
            _ => value,
        }
    }

    /// What the columns of one value, quoted, must keep together.
    #[must_use]
    pub fn check(&self, columns: &[String]) -> Option<String> {
        matches!(self, Self::Geo).then(|| geo::check(columns))
    }

    /// The conditions that the column itself must keep, as SQL over the quoted column.
    #[must_use]
    pub fn checks(&self, column: &str, backend: DbBackend) -> Vec<(Bound, String)> {
        match self {
            Self::Number(n) => n.checks(column),
            Self::Exact(e) => e.checks(column, backend == DbBackend::Sqlite),
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
            Self::Date => date::json(column, sqlite),
            Self::Exact(e) => e.json(column, sqlite),
            _ if self.is_json() && sqlite => format!("json({column})"),
            Self::Geo => geo::json(column, sqlite),
            _ => column.to_owned(),
        }
    }

    /// The letter and the expression of a value in SQLite's `galley_object`, which spells it as [`Type::json`] would.
    #[must_use]
    pub fn member(&self, column: &str) -> (char, String) {
        match self {
            Self::Number(_) => ('n', column.to_owned()),
            Self::Bool => ('b', column.to_owned()),
            Self::Geo => ('j', geo::json(column, true)),
            Self::Exact(e) => ('t', e.json(column, true)),
            _ if self.is_json() => ('j', column.to_owned()),
            _ => ('t', column.to_owned()),
        }
    }

    /// A value that a caller sent, ready to be bound; not null.
    pub fn value(&self, json: &Json) -> Result<Value, Fault> {
        match self {
            Self::Text(t) => t.value(json),
            Self::Editor(e) => e.value(json),
            Self::Email => email::value(json),
            Self::Url(u) => u.value(json),
            Self::Number(n) => n.value(json),
            Self::Exact(e) => e.value(json),
            Self::Bool => boolean::value(json),
            Self::DateTime => datetime::value(json),
            Self::Date => date::value(json),
            Self::Uuid => uuid::value(json),
            Self::Json(_) | Self::Relation(_) => self.checked(json).map_err(first),
            Self::Geo => geo::value(json),
            Self::Select(s) => s.value(json),
            Self::File(f) => f.value(json),
            Self::Id => relation::value(json),
        }
    }

    /// The same, with all faults: the place of each within the value, as a JSON pointer.
    pub fn checked(&self, json: &Json) -> Result<Value, Vec<(String, Fault)>> {
        match self {
            Self::Json(j) => j.check(json),
            Self::Relation(r) => r.check(json),
            _ => self
                .value(json)
                .map_err(|fault| vec![(String::new(), fault)]),
        }
    }

    /// Whether an object is a value of it, so that in a change it is no operator.
    #[must_use]
    pub fn takes_objects(&self) -> bool {
        matches!(self, Self::Json(_) | Self::Geo)
    }

    /// A value that the database made for a cursor, ready to be bound; not null.
    pub fn key_value(&self, json: &Json) -> Result<Value, Fault> {
        match (self, json) {
            // Limits hold for what is written, not for what is there.
            (Self::Exact(e), json) => e.scaled(json).map(|n| Value::BigInt(Some(n))),
            (kind, Json::String(text)) if kind.is_text() => Ok(Value::String(Some(text.clone()))),
            (Self::Bool, Json::Bool(value)) => Ok(Value::Bool(Some(*value))),
            _ => self.value(json),
        }
    }

    /// A value of this type in wire form.
    #[must_use]
    pub fn wire(&self, value: &Value) -> Json {
        match (self, value) {
            (Self::Exact(e), Value::BigInt(Some(scaled))) => e.text(*scaled).into(),
            (_, Value::Json(Some(json))) => (**json).clone(),
            (_, Value::String(Some(text))) => text.as_str().into(),
            (_, Value::BigInt(Some(number))) => (*number).into(),
            (_, Value::Double(Some(number))) => (*number).into(),
            (_, Value::Bool(Some(truth))) => (*truth).into(),
            (_, Value::Uuid(Some(id))) => id.to_string().into(),
            (_, Value::TimeDateTimeWithTimeZone(Some(time))) => {
                Stamp::from_time(*time).map_or(Json::Null, |stamp| stamp.to_string().into())
            }
            _ => Json::Null,
        }
    }

    /// Whether it is kept as a text that its limits do not change.
    pub(super) fn is_text(&self) -> bool {
        matches!(
            self,
            Self::Text(_) | Self::Editor(_) | Self::Email | Self::Url(_) | Self::Select(_)
        )
    }

    /// Whether two spellings that differ in case only can be taken for one.
    #[must_use]
    pub fn folds(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Email)
    }

    /// The typed null.
    #[must_use]
    pub fn null(&self) -> Value {
        match self {
            Self::Number(n) => n.null(),
            Self::Exact(_) => Value::BigInt(None),
            Self::Json(_) | Self::Geo => Value::Json(None),
            _ if self.many().is_some() => Value::Json(None),
            Self::Bool => Value::Bool(None),
            Self::DateTime => Value::TimeDateTimeWithTimeZone(None),
            Self::Uuid | Self::Relation(_) | Self::File(_) | Self::Id => Value::Uuid(None),
            _ => Value::String(None),
        }
    }

    /// The type as rules and filters see it. Of a join table it does not know the name, which is made of the field's and
    /// the collection's.
    #[must_use]
    pub fn kind(&self) -> rules::Kind {
        match self {
            Self::Number(n) => n.kind(),
            Self::Exact(e) => e.kind(),
            Self::Date => rules::Kind::Date,
            Self::Json(_) => rules::Kind::Json,
            Self::Select(s) if s.many.is_some() => rules::Kind::Texts,
            Self::File(f) if f.many.is_some() => rules::Kind::Texts,
            Self::Geo => rules::Kind::Point,
            Self::Bool => rules::Kind::Bool,
            Self::DateTime => rules::Kind::DateTime,
            Self::Relation(r) if r.many.is_some() => rules::Kind::Relations {
                to: r.collection.clone(),
                pairs: crate::sql::pairs::columns(),
            },
            Self::Relation(r) => rules::Kind::Relation {
                to: r.collection.clone(),
            },
            Self::Uuid | Self::File(_) | Self::Id => rules::Kind::Uuid,
            Self::Text(_) | Self::Editor(_) | Self::Email | Self::Url(_) | Self::Select(_) => {
                rules::Kind::Text
            }
        }
    }

    /// The type in the API document (JSON Schema 2020-12), without null.
    #[must_use]
    pub fn schema(&self) -> Json {
        match self {
            Self::Text(t) => t.schema(),
            Self::Editor(e) => e.schema(),
            Self::Email => email::schema(),
            Self::Url(u) => u.schema(),
            Self::Number(n) => n.schema(),
            Self::Exact(e) => e.schema(),
            Self::Json(j) => j.schema(),
            Self::Geo => geo::schema(),
            Self::Date => json!({"type": "string", "format": "date"}),
            Self::Bool => json!({"type": "boolean"}),
            Self::DateTime => json!({"type": "string", "format": "date-time"}),
            Self::Select(s) => s.schema(),
            Self::File(f) => f.schema(),
            Self::Relation(r) => r.schema(),
            Self::Uuid | Self::Id => {
                json!({"type": "string", "format": "uuid"})
            }
        }
    }

    /// Code points that a value takes in an index; PostgreSQL refuses index rows beyond about 2,700 bytes.
    #[must_use]
    pub fn index_chars(&self) -> usize {
        match self {
            Self::Text(t) => t.max,
            Self::Editor(e) => e.max,
            Self::Email => email::BYTES_MAX,
            Self::Url(u) => u.max,
            Self::Select(s) => s.chars(),
            _ => 36,
        }
    }
}

#[cfg(test)]
mod tests;
