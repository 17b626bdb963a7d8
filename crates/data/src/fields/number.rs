//! The type `number`: an integer that JSON carries exactly, or a float.

use super::Fault;
use gate::Input;
use kernel::limits::INTEGER_MAX;
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};

/// How a number is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A whole number within plus or minus 2^53 - 1.
    Integer,
    /// A double.
    Float,
}

/// A bound of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The least value.
    Min,
    /// The greatest value.
    Max,
}

/// The options of a number. `min` and `max` hold against every writer, because the column keeps them itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// How it is kept.
    pub format: Format,
    /// The least value allowed.
    pub min: Option<f64>,
    /// The greatest value allowed.
    pub max: Option<f64>,
}

impl Number {
    pub(super) fn parse(input: &mut Input, format: Option<&str>) -> Self {
        let format = match format {
            Some("integer") => Format::Integer,
            None | Some("float") => Format::Float,
            Some(_) => {
                input.fault(
                    "format",
                    "unknown_format",
                    "The formats are integer, float, wide and decimal.",
                );
                Format::Float
            }
        };
        let min = bound(input, "min", format);
        let max = bound(input, "max", format);
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            input.fault("max", "below_min", "max must not be below min.");
        }
        Self { format, min, max }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        let format = if self.format == Format::Integer {
            "integer"
        } else {
            "float"
        };
        into.insert("format".to_owned(), format.into());
        for (name, bound) in [("min", self.min), ("max", self.max)] {
            if let Some(bound) = bound {
                into.insert(name.to_owned(), self.number(bound));
            }
        }
    }

    pub(super) fn column(&self, sqlite: bool) -> &'static str {
        match (self.format, sqlite) {
            (Format::Integer, _) => "bigint",
            (Format::Float, true) => "double",
            (Format::Float, false) => "double precision",
        }
    }

    pub(super) fn checks(&self, column: &str) -> Vec<(Bound, String)> {
        let side = |bound, sign: &str, value: Option<f64>| {
            value.map(|v| (bound, format!("{column} {sign} {}", self.number(v))))
        };
        [
            side(Bound::Min, ">=", self.min),
            side(Bound::Max, "<=", self.max),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What an increment of `by` makes of a value in wire form, null counting as 0: the number as it will be, and
    /// what is wrong with it.
    pub(crate) fn sum(&self, before: &Json, by: &Value) -> (Value, Option<Fault>) {
        let (sum, json) = match by {
            Value::BigInt(Some(by)) => {
                // Both are within 2^53: this cannot overflow.
                let sum = before.as_i64().unwrap_or(0).saturating_add(*by);
                (Value::BigInt(Some(sum)), Json::from(sum))
            }
            Value::Double(Some(by)) => {
                let sum = before.as_f64().unwrap_or(0.0) + by;
                (Value::Double(Some(sum)), Json::from(sum))
            }
            _ => return (self.null(), None),
        };
        // An infinite sum has no JSON.
        let fault = match json {
            Json::Null => Some(whole(true)),
            json => self.value(&json).err(),
        };
        (sum, fault)
    }

    /// The amount of an increment: a number of this format within the format's own range.
    pub(crate) fn amount(&self, json: &Json) -> Result<Value, Fault> {
        let free = Self {
            format: self.format,
            min: None,
            max: None,
        };
        free.value(json)
    }

    pub(super) fn json(&self, column: &str, sqlite: bool) -> String {
        match (self.format, sqlite) {
            // The store's function prints a float as PostgreSQL does.
            (Format::Float, true) => format!("json(galley_float({column}))"),
            _ => column.to_owned(),
        }
    }

    pub(super) fn value(&self, json: &Json) -> Result<Value, Fault> {
        let Json::Number(number) = json else {
            return Err(("not_a_number", "This must be a number.".to_owned()));
        };
        let (value, float) = match self.format {
            Format::Integer => {
                // 1.0 is no integer, and an unsigned beyond 2^63 is out of range either way.
                let integer = number.as_i64().ok_or_else(|| whole(number.is_u64()))?;
                if integer.abs() > INTEGER_MAX {
                    return Err(whole(true));
                }
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "within 2^53 every integer is a float"
                )]
                (Value::BigInt(Some(integer)), integer as f64)
            }
            Format::Float => {
                let float = number
                    .as_f64()
                    .filter(|f| f.is_finite())
                    .ok_or_else(|| whole(true))?;
                // SQLite keeps no negative zero, and it equals zero anyhow.
                let float = if float == 0.0 { 0.0 } else { float };
                (Value::Double(Some(float)), float)
            }
        };
        if self.min.is_some_and(|min| float < min) {
            return Err((
                "too_small",
                format!(
                    "This must be at least {}.",
                    self.number(self.min.unwrap_or(0.0))
                ),
            ));
        }
        if self.max.is_some_and(|max| float > max) {
            return Err((
                "too_large",
                format!(
                    "This must be at most {}.",
                    self.number(self.max.unwrap_or(0.0))
                ),
            ));
        }
        Ok(value)
    }

    pub(super) fn null(&self) -> Value {
        match self.format {
            Format::Integer => Value::BigInt(None),
            Format::Float => Value::Double(None),
        }
    }

    pub(super) fn kind(&self) -> rules::Kind {
        match self.format {
            Format::Integer => rules::Kind::Integer,
            Format::Float => rules::Kind::Float,
        }
    }

    pub(super) fn schema(&self) -> Json {
        let mut schema = match self.format {
            Format::Integer => json!({"type": "integer", "format": "int64"}),
            Format::Float => json!({"type": "number", "format": "double"}),
        };
        for (name, bound) in [("minimum", self.min), ("maximum", self.max)] {
            if let Some(bound) = bound {
                schema[name] = self.number(bound);
            }
        }
        schema
    }

    /// The amount of an increment in the API document.
    pub(crate) fn amount_schema(&self) -> Json {
        let free = Self {
            format: self.format,
            min: None,
            max: None,
        };
        free.schema()
    }

    fn number(&self, value: f64) -> Json {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "an integer's bound was an integer within 2^53"
        )]
        match self.format {
            Format::Integer => (value as i64).into(),
            Format::Float => value.into(),
        }
    }
}

fn whole(range: bool) -> Fault {
    if range {
        (
            "out_of_range",
            format!("This must be within plus or minus {INTEGER_MAX}."),
        )
    } else {
        ("not_an_integer", "This must be an integer.".to_owned())
    }
}

fn bound(input: &mut Input, name: &str, format: Format) -> Option<f64> {
    let plain = Number {
        format,
        min: None,
        max: None,
    };
    match input.take(name) {
        None | Some(Json::Null) => None,
        Some(json) => match plain.value(&json) {
            Ok(_) => json.as_f64(),
            Err((code, message)) => {
                input.fault(name, code, message);
                None
            }
        },
    }
}
