//! Types and values while a text is resolved, bound or evaluated, and the one conversion from
//! JSON to them: binding and evaluation must agree on what a malformed value is.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::catalogue::Kind;
use crate::times;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ty {
    Bool,
    Int,
    Float,
    Decimal(u32),
    Text,
    DateTime,
    Date,
    Uuid,
    /// Microseconds; constants only.
    Duration,
    /// A whole json value.
    Json,
    /// A list of texts.
    Texts,
    /// What is inside of a json value: which type it has is known for each row only.
    Dynamic,
    Point,
    /// Records, not values.
    Rows,
    /// Anything that is only asked whether it is there.
    Present,
    /// Not known before the other side of a comparison is.
    Open,
}

impl Ty {
    pub fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Integer => Self::Int,
            Kind::Float => Self::Float,
            Kind::Bool => Self::Bool,
            Kind::DateTime => Self::DateTime,
            Kind::Date => Self::Date,
            Kind::Uuid | Kind::Relation { .. } => Self::Uuid,
            Kind::Json => Self::Json,
            Kind::Texts => Self::Texts,
            Kind::Point => Self::Point,
            Kind::Relations { .. } => Self::Rows,
            Kind::Decimal { scale } => Self::Decimal(*scale),
        }
    }

    /// The type in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Bool => "a boolean",
            Self::Int => "an integer",
            Self::Float => "a number",
            Self::Decimal(_) => "a decimal",
            Self::Text => "a text",
            Self::DateTime => "a timestamp",
            Self::Date => "a date",
            Self::Uuid => "an id",
            Self::Duration => "a duration",
            Self::Json | Self::Dynamic => "a json value",
            Self::Texts => "a list of texts",
            Self::Point => "a point",
            Self::Rows => "a list of records",
            Self::Open | Self::Present => "a value of unknown type",
        }
    }

    pub fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Decimal(_))
    }
}

/// A value at run time. Decimals are scaled integers, moments fixed-width texts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Val {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Decimal(i64),
    Text(String),
    DateTime(String),
    Date(String),
    Uuid(String),
    Duration(i64),
    Json(Json),
}

impl Val {
    /// Two values of one type in order; none when either is null.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b))
            | (Self::Decimal(a), Self::Decimal(b))
            | (Self::Duration(a), Self::Duration(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Text(a), Self::Text(b))
            | (Self::DateTime(a), Self::DateTime(b))
            | (Self::Date(a), Self::Date(b))
            | (Self::Uuid(a), Self::Uuid(b)) => Some(a.as_str().cmp(b.as_str())),
            _ => None,
        }
    }

    /// The value as JSON, for explanations.
    pub fn json(&self, ty: Ty) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(n) | Self::Duration(n) => Json::from(*n),
            Self::Float(n) => Json::from(*n),
            Self::Decimal(n) => match ty {
                Ty::Decimal(scale) => Json::from(write_decimal(*n, scale)),
                _ => Json::from(*n),
            },
            Self::Text(s) | Self::DateTime(s) | Self::Date(s) | Self::Uuid(s) => {
                Json::from(s.as_str())
            }
            Self::Json(json) => json.clone(),
        }
    }
}

/// Takes a JSON value as a type. `Some(Null)` is a null, `None` is a value the type does not
/// take. Texts are read as numbers and booleans too, since a URL's parameters are texts.
pub(crate) fn from_json(json: &Json, ty: Ty) -> Option<Val> {
    let text = json.as_str();
    match (json, ty) {
        (Json::Null, _) => Some(Val::Null),
        (_, Ty::Bool) => match (json, text) {
            (Json::Bool(b), _) => Some(Val::Bool(*b)),
            (_, Some("true")) => Some(Val::Bool(true)),
            (_, Some("false")) => Some(Val::Bool(false)),
            _ => None,
        },
        (_, Ty::Int) => match text {
            Some(text) => text.parse().ok().map(Val::Int),
            None => integer(json).map(Val::Int),
        },
        (_, Ty::Float) => {
            let number: f64 = match text {
                Some(text) if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                    text.parse().ok()?
                }
                Some(_) => return None,
                None => json.as_f64()?,
            };
            number.is_finite().then_some(Val::Float(number))
        }
        (_, Ty::Decimal(scale)) => match text {
            Some(text) => read_decimal(text, scale).map(Val::Decimal),
            None => read_decimal(&json.as_number()?.to_string(), scale).map(Val::Decimal),
        },
        (_, Ty::Text | Ty::Open) => text
            .filter(|text| !text.contains('\0'))
            .map(|text| Val::Text(text.to_owned())),
        (_, Ty::DateTime) => times::moment(text?).map(Val::DateTime),
        (_, Ty::Date) => times::day(text?).map(Val::Date),
        (_, Ty::Uuid) => uuid(text?).map(Val::Uuid),
        (_, Ty::Duration) => times::duration(text?).map(Val::Duration),
        (_, Ty::Json | Ty::Texts) => (!has_nul(json)).then(|| Val::Json(json.clone())),
        // Any text stands for it.
        (_, Ty::Present) => Some(Val::Text(String::from("present"))),
        (_, Ty::Dynamic | Ty::Point | Ty::Rows) => None,
    }
}

/// Whether a text or a name in it holds the one character that PostgreSQL cannot keep.
fn has_nul(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(has_nul),
        Json::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn integer(json: &Json) -> Option<i64> {
    if let Some(n) = json.as_i64() {
        return Some(n);
    }
    whole(json.as_f64()?)
}

/// The integer that a double is, within what a double counts exactly.
pub(crate) fn whole(number: f64) -> Option<i64> {
    let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and small, as just checked"
    )]
    exact.then_some(number as i64)
}

/// A UUID in any of its spellings as the lower-case one with hyphens.
pub(crate) fn uuid(text: &str) -> Option<String> {
    (text.len() == 36)
        .then(|| uuid::Uuid::try_parse(text).ok())
        .flatten()
        .map(|id| id.to_string())
}

/// A decimal text as an integer scaled by ten to the `scale`; none if it has more digits.
#[must_use]
pub fn read_decimal(text: &str, scale: u32) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || whole.len() > 20 {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let scale = scale as usize;
    if fraction.len() > scale {
        return None;
    }
    let scaled: i64 = format!("{whole}{fraction:0<scale$}").parse().ok()?;
    Some(if negative { -scaled } else { scaled })
}

/// Ten to a scale, which is at most 18.
#[must_use]
pub fn power_of_ten(scale: u32) -> i64 {
    10i64.saturating_pow(scale)
}

/// The text of a scaled integer.
#[must_use]
pub fn write_decimal(scaled: impl Into<i128>, scale: u32) -> String {
    let (scaled, scale) = (scaled.into(), scale as usize);
    let digits = format!("{:0>width$}", scaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if scaled < 0 { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// Lower case of ASCII letters only, the one folding that all evaluators share.
pub(crate) fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// The pattern of `matches_like` with `!` as escape, lower case. A `%` in the text asks for a
/// wildcard; without one the text is looked for anywhere.
pub(crate) fn like_pattern(text: &str) -> String {
    let escaped = lower(text).replace('!', "!!").replace('_', "!_");
    if escaped.contains('%') {
        escaped
    } else {
        format!("%{escaped}%")
    }
}

/// Whether a lower-case text matches what [`like_pattern`] made.
pub(crate) fn like(text: &str, pattern: &str) -> bool {
    let mut pieces = vec![String::new()];
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => pieces.push(String::new()),
            _ => {
                let c = if c == '!' {
                    chars.next().unwrap_or('!')
                } else {
                    c
                };
                if let Some(piece) = pieces.last_mut() {
                    piece.push(c);
                }
            }
        }
    }
    let Some((first, rest)) = pieces.split_first() else {
        return false;
    };
    let Some((last, middle)) = rest.split_last() else {
        return text == first;
    };
    let Some(mut left) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    for piece in middle {
        match left.find(piece.as_str()) {
            Some(at) => left = left.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.ends_with(last.as_str())
}
