//! The inside of json fields: the path to it as each engine takes it, and the walk along it in memory.

use serde_json::Value as Json;

use crate::limits::DEPTH_MAX;
use crate::value::{Ty, Val};

/// Numbers beyond it are not compared, and those below its inverse are zero: PostgreSQL refuses to read them as doubles.
pub(crate) const NUMBER_MAX: f64 = 1e300;

/// A path into a json value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Name(String),
    Index(u32),
}

/// Why a text is no path.
pub(crate) enum NoPath {
    TooDeep,
    Malformed,
}

impl Path {
    /// The value itself.
    pub fn root() -> Self {
        Self(Vec::new())
    }

    /// Reads `a.b[0]`: names of letters, digits, `_` and `-`, and places in arrays. Nothing else can be written, so that
    /// no engine could read it differently.
    pub fn parse(text: &str) -> Result<Self, NoPath> {
        let mut steps = Vec::new();
        for (n, part) in text.split('.').enumerate() {
            let (name, mut places) = part.split_at(part.find('[').unwrap_or(part.len()));
            let known = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            if !name.chars().all(known) || (name.is_empty() && (n > 0 || places.is_empty())) {
                return Err(NoPath::Malformed);
            }
            if !name.is_empty() {
                steps.push(Step::Name(name.to_owned()));
            }
            while let Some((place, rest)) = places.strip_prefix('[').and_then(|p| p.split_once(']'))
            {
                let digits = (1..=6).contains(&place.len())
                    && place.bytes().all(|b| b.is_ascii_digit())
                    && (place == "0" || !place.starts_with('0'));
                match place.parse() {
                    Ok(place) if digits => steps.push(Step::Index(place)),
                    _ => return Err(NoPath::Malformed),
                }
                places = rest;
            }
            if !places.is_empty() {
                return Err(NoPath::Malformed);
            }
            if steps.len() > DEPTH_MAX {
                return Err(NoPath::TooDeep);
            }
        }
        Ok(Self(steps))
    }

    /// The path as SQLite's functions of JSON take it.
    pub fn sqlite(&self) -> String {
        self.write("$")
    }

    /// The path in PostgreSQL's language; strict, so that arrays and objects are not taken for each other.
    pub fn postgres(&self) -> String {
        self.write("strict $")
    }

    fn write(&self, root: &str) -> String {
        let mut text = root.to_owned();
        for step in &self.0 {
            match step {
                Step::Name(name) => text.push_str(&format!(".\"{name}\"")),
                Step::Index(place) => text.push_str(&format!("[{place}]")),
            }
        }
        text
    }

    /// What is there, if anything is; a null is nothing.
    pub fn find<'j>(&self, json: &'j Json) -> Option<&'j Json> {
        let found = self.0.iter().try_fold(json, |at, step| match step {
            Step::Name(name) => at.as_object()?.get(name),
            Step::Index(place) => at.as_array()?.get(usize::try_from(*place).ok()?),
        });
        found.filter(|json| !json.is_null())
    }
}

/// A json value as one type; null if it is of another.
pub(crate) fn take(json: &Json, ty: Ty) -> Val {
    match (json, ty) {
        (Json::String(text), Ty::Text) => Val::Text(text.clone()),
        (Json::Bool(b), Ty::Bool) => Val::Bool(*b),
        (Json::Number(number), Ty::Float) => match number.as_f64() {
            Some(n) if n.abs() < 1.0 / NUMBER_MAX => Val::Float(0.0),
            Some(n) if n.abs() <= NUMBER_MAX => Val::Float(n),
            _ => Val::Null,
        },
        (other, Ty::Present) => Val::Json(other.clone()),
        _ => Val::Null,
    }
}
