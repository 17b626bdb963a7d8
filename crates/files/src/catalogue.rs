//! The rules of a bucket: type-checked against the fields of a file, asked in memory, and compiled for lists.

use crate::model::{Bucket, Kind, RULE_NAMES};
use crate::rows::file;
use crate::service::Asker;
use gate::Problem;
use kernel::{Code, FieldError, Stamp};
use rules::{Catalogue, Field, HopRule, Mode, Resolved, Row, RuleError, World};
use serde_json::{Map, json};
use std::sync::Arc;

/// The one collection that rules of buckets know.
const FILE: &str = "file";

/// The fields of a file.
pub(crate) struct Fields;

impl Catalogue for Fields {
    fn field(&self, collection: &str, field: &str) -> Option<Field> {
        use rules::Kind::{DateTime, Integer, Text, Uuid};
        let kind = match field {
            "id" | "uploader" => Uuid,
            "bucket" | "path" | "content_type" => Text,
            "size_bytes" => Integer,
            "created_at" | "updated_at" => DateTime,
            _ => return None,
        };
        (collection == FILE).then(|| Field {
            column: field.to_owned(),
            kind,
            nullable: field == "uploader",
        })
    }

    fn has_collection(&self, _name: &str) -> bool {
        false
    }

    fn table(&self, _collection: &str) -> String {
        file::TABLE.to_owned()
    }

    fn back_relation(&self, _collection: &str, _name: &str) -> Option<(String, String)> {
        None
    }

    fn hop_rule(&self, _collection: &str) -> HopRule {
        HopRule::Closed
    }

    fn field_read_rule(&self, _collection: &str, _field: &str) -> Option<Arc<Resolved>> {
        None
    }
}

/// No other rows: rules of buckets have no hops.
struct Alone;

impl World for Alone {
    fn get(&self, _collection: &str, _id: &str) -> Option<Row> {
        None
    }

    fn rows(&self, _collection: &str) -> Vec<Row> {
        Vec::new()
    }
}

fn resolve(text: &str, mode: Mode) -> Result<Resolved, RuleError> {
    let params = Map::new();
    let params = (mode == Mode::Filter).then_some(&params);
    rules::parse_and_resolve(text, FILE, mode, &Fields, params)
}

/// The faults of all rules, each with its place; 422 `invalid_rule`.
pub(crate) fn check(bucket: &Bucket) -> Result<(), Problem> {
    let fault = |(name, text): (&String, &String)| {
        let error = resolve(text, Mode::Rule).err()?;
        Some(FieldError {
            path: format!("/rules/{name}"),
            code: "invalid_rule",
            message: error.to_string(),
        })
    };
    let faults: Vec<FieldError> = bucket.rules.iter().filter_map(fault).collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Problem::new(Code::InvalidRule).errors(faults))
    }
}

/// A caller's filter, or 400 `invalid_filter` with the place of its fault.
pub(crate) fn filter(text: &str) -> Result<Resolved, Problem> {
    resolve(text, Mode::Filter).map_err(filter_problem)
}

pub(crate) fn filter_problem(error: RuleError) -> Problem {
    let (start, end) = (error.span.start, error.span.end);
    let place = format!("{} (characters {start} to {end})", error.message);
    let problem = Problem::new(Code::InvalidFilter).detail(place);
    match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// A rule, ready to be asked.
#[derive(Clone)]
pub(crate) enum Rule {
    /// Keys and operators only; also what a rule that no longer resolves means.
    Closed,
    /// Everybody.
    Open,
    /// Where it is true.
    When(Arc<Resolved>),
}

impl Rule {
    fn of(bucket: &Bucket, name: &str) -> Self {
        match bucket.rules.get(name) {
            None => Self::Closed,
            Some(text) if text.trim() == "true" => Self::Open,
            Some(text) => match resolve(text, Mode::Rule) {
                Ok(resolved) => Self::When(Arc::new(resolved)),
                Err(error) => {
                    tracing::error!(bucket = %bucket.name, rule = name, %error, "a rule does not resolve");
                    Self::Closed
                }
            },
        }
    }

    /// Whether it allows. `before` is what bare names and `record` mean, `after` is `next`.
    pub(crate) fn allows(&self, asker: &Asker, before: &Row, after: &Row) -> bool {
        match self {
            _ if asker.privileged() => true,
            Self::Closed => false,
            Self::Open => true,
            Self::When(rule) => asker
                .with_env(Some(before), Some(after), |env| rule.eval(env, &Alone))
                .allows(),
        }
    }

    /// Whether it allows a change: a rule that names `next` is asked once with both rows, any other of each row.
    pub(crate) fn allows_change(&self, asker: &Asker, before: &Row, after: &Row) -> bool {
        match self {
            Self::When(rule) if rule.names_next() => self.allows(asker, before, after),
            _ => self.allows(asker, before, before) && self.allows(asker, after, after),
        }
    }

    /// Whether it names one of these fields.
    pub(crate) fn names(&self, fields: &[&str]) -> bool {
        let named = |(_, field): &(String, String)| fields.contains(&field.as_str());
        matches!(self, Self::When(rule) if rule.fields().iter().any(named))
    }
}

/// A bucket with its rules resolved.
pub(crate) struct Loaded {
    pub bucket: Bucket,
    pub list: Rule,
    pub view: Rule,
    pub create: Rule,
    pub update: Rule,
    pub delete: Rule,
}

impl Loaded {
    pub(crate) fn new(bucket: Bucket) -> Self {
        let [list, view, create, update, delete] = RULE_NAMES.map(|name| Rule::of(&bucket, name));
        Self {
            bucket,
            list,
            view,
            create,
            update,
            delete,
        }
    }

    pub(crate) fn is_attachments(&self) -> bool {
        self.bucket.kind == Kind::Attachments
    }
}

/// A file as rules see it.
pub(crate) fn row_of(file: &file::Model) -> Row {
    let time = |t| Stamp::from_time(t).map(|s| s.to_string());
    let mut row = Row::new();
    for (name, value) in [
        ("id", json!(file.id.to_string())),
        ("bucket", json!(file.bucket)),
        ("path", json!(file.path)),
        ("size_bytes", json!(file.size_bytes)),
        ("content_type", json!(file.content_type)),
        ("uploader", json!(file.uploader.map(|id| id.to_string()))),
        ("created_at", json!(time(file.created_at))),
        ("updated_at", json!(time(file.updated_at))),
    ] {
        row.insert(name.to_owned(), value);
    }
    row
}
