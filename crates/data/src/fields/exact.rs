//! The formats `wide` and `decimal` of the type `number`: exact numbers beyond those that JSON carries, sent as texts.
//! A decimal is an integer scaled by a power of ten wherever it is computed with; on PostgreSQL it is kept as NUMERIC.

use super::{Bound, Fault};
use gate::Input;
use sea_orm::sea_query::{BinOper, Expr, ExprTrait, Func};
use sea_orm::{DbBackend, Value};
use serde_json::{Map, Value as Json, json};

/// Digits of a decimal at most: as a scaled integer it then fits into 64 bits on every engine.
const PRECISION_MAX: u32 = 18;
/// Significant digits that a JSON number has for sure: a double keeps no more of them.
const DOUBLE_DIGITS: usize = 15;

/// The options of an exact number. `min` and `max` hold against every writer, because the column keeps them itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact {
    /// Digits in all; none for a wide integer, which has 64 bits.
    pub precision: Option<u32>,
    /// Digits after the point.
    pub scale: u32,
    /// The least value allowed, scaled.
    pub min: Option<i64>,
    /// The greatest value allowed, scaled.
    pub max: Option<i64>,
}

impl Exact {
    pub(super) fn wide(input: &mut Input) -> Self {
        Self::bounded(input, None, 0)
    }

    pub(super) fn decimal(input: &mut Input) -> Self {
        let precision = digits(input, "precision", 1).unwrap_or(PRECISION_MAX);
        let scale = digits(input, "scale", 0).unwrap_or(Ord::min(2, precision));
        if scale > precision {
            let message = "scale must not be above precision.";
            input.fault("scale", "above_precision", message);
        }
        Self::bounded(input, Some(precision), Ord::min(scale, precision))
    }

    fn bounded(input: &mut Input, precision: Option<u32>, scale: u32) -> Self {
        let mut exact = Self {
            precision,
            scale,
            min: None,
            max: None,
        };
        let mut bound = |name: &str| match input.take(name) {
            None | Some(Json::Null) => None,
            Some(json) => exact
                .scaled(&json)
                .map_err(|(code, message)| input.fault(name, code, message))
                .ok(),
        };
        let (min, max) = (bound("min"), bound("max"));
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            input.fault("max", "below_min", "max must not be below min.");
        }
        (exact.min, exact.max) = (min, max);
        exact
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        let format = if self.precision.is_some() {
            "decimal"
        } else {
            "wide"
        };
        into.insert("format".to_owned(), format.into());
        if let Some(precision) = self.precision {
            into.insert("precision".to_owned(), precision.into());
            into.insert("scale".to_owned(), self.scale.into());
        }
        for (name, bound) in [("min", self.min), ("max", self.max)] {
            if let Some(bound) = bound {
                into.insert(name.to_owned(), self.text(bound).into());
            }
        }
    }

    pub(super) fn column(&self, sqlite: bool) -> String {
        match (self.precision, sqlite) {
            (Some(precision), false) => format!("numeric({precision}, {})", self.scale),
            _ => "bigint".to_owned(),
        }
    }

    pub(super) fn checks(&self, column: &str, sqlite: bool) -> Vec<(Bound, String)> {
        let side = |bound, sign: &str, value: Option<i64>| {
            value.map(|v| {
                (
                    bound,
                    format!("{column} {sign} {}", self.literal(v, sqlite)),
                )
            })
        };
        let sides = [
            side(Bound::Min, ">=", self.min),
            side(Bound::Max, "<=", self.max),
        ];
        sides.into_iter().flatten().collect()
    }

    /// A scaled integer as SQL writes the column's value.
    pub(crate) fn literal(&self, scaled: i64, sqlite: bool) -> String {
        if sqlite || self.precision.is_none() {
            scaled.to_string()
        } else {
            self.text(scaled)
        }
    }

    /// A scaled integer that is bound, as the column's value.
    pub(super) fn bound(&self, value: Expr, backend: DbBackend) -> Expr {
        if backend == DbBackend::Sqlite || self.precision.is_none() {
            return value;
        }
        let number = Expr::from(Func::cast_as(value, "numeric"));
        if self.scale == 0 {
            return number;
        }
        // A product of NUMERICs is exact; a quotient would be cut.
        let unit = format!("0.{:0>width$}", 1, width = self.scale as usize);
        let unit = Expr::from(Func::cast_as(Expr::Constant(unit.into()), "numeric"));
        number.binary(BinOper::Mul, unit)
    }

    /// SQL for the text of the number, with all digits of its scale.
    pub(super) fn json(&self, column: &str, sqlite: bool) -> String {
        if !sqlite || self.scale == 0 {
            return format!("CAST({column} AS text)");
        }
        let (unit, scale) = (rules::power_of_ten(self.scale), self.scale);
        // Without CASE a null would be printed as a zero.
        format!(
            "CASE WHEN {column} IS NOT NULL THEN printf('%s%d.%0{scale}d', CASE WHEN {column} < 0 THEN '-' ELSE '' END, \
             abs({column}) / {unit}, abs({column}) % {unit}) END"
        )
    }

    pub(super) fn value(&self, json: &Json) -> Result<Value, Fault> {
        let scaled = self.scaled(json)?;
        match self.beyond(scaled) {
            Some(fault) => Err(fault),
            None => Ok(Value::BigInt(Some(scaled))),
        }
    }

    /// A value in wire form, scaled; the bounds of the field are not asked.
    pub(super) fn scaled(&self, json: &Json) -> Result<i64, Fault> {
        let text = match json {
            Json::String(text) => text.clone(),
            Json::Number(number) if number.is_f64() => {
                let text = number.to_string();
                // More digits may have been sent than a double can tell.
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                if digits.trim_matches('0').len() > DOUBLE_DIGITS {
                    let message = "A number with so many digits must be sent as a text.";
                    return Err(("inexact", message.to_owned()));
                }
                text
            }
            Json::Number(number) => number.to_string(),
            _ => return Err(self.malformed()),
        };
        let scaled = rules::read_decimal(&text, self.scale).ok_or_else(|| self.malformed())?;
        let fits =
            |precision| scaled.unsigned_abs() < rules::power_of_ten(precision).unsigned_abs();
        if self.precision.is_none_or(fits) {
            Ok(scaled)
        } else {
            Err(self.malformed())
        }
    }

    fn malformed(&self) -> Fault {
        match self.precision {
            None => (
                "not_an_integer",
                "This must be a 64-bit integer as a text, such as \"42\".".to_owned(),
            ),
            Some(precision) => (
                "not_a_decimal",
                format!(
                    "This must be a decimal as a text, with at most {} digits before and {} after the point.",
                    precision - self.scale,
                    self.scale
                ),
            ),
        }
    }

    fn beyond(&self, scaled: i64) -> Option<Fault> {
        let fault = |code, words: &str, bound: i64| {
            (code, format!("This must be {words} {}.", self.text(bound)))
        };
        let low = self.min.filter(|min| scaled < *min);
        let high = self.max.filter(|max| scaled > *max);
        low.map(|min| fault("too_small", "at least", min))
            .or_else(|| high.map(|max| fault("too_large", "at most", max)))
    }

    /// What an increment of `by` makes of a value in wire form, null counting as 0: the number as it will be, and what
    /// is wrong with it.
    pub(crate) fn sum(&self, before: &Json, by: &Value) -> (Value, Option<Fault>) {
        let before = self.scaled(before).unwrap_or(0);
        let Value::BigInt(Some(by)) = by else {
            return (Value::BigInt(None), None);
        };
        let sum = before.checked_add(*by);
        let fits = |sum: &i64| {
            let limit = self
                .precision
                .map(|p| rules::power_of_ten(p).unsigned_abs());
            limit.is_none_or(|limit| sum.unsigned_abs() < limit)
        };
        let Some(sum) = sum.filter(fits) else {
            let message = "The sum has more digits than the field.";
            return (
                Value::BigInt(None),
                Some(("out_of_range", message.to_owned())),
            );
        };
        (Value::BigInt(Some(sum)), self.beyond(sum))
    }

    /// The amount of an increment: a number of this format within the format's own range.
    pub(crate) fn amount(&self, json: &Json) -> Result<Value, Fault> {
        self.scaled(json).map(|scaled| Value::BigInt(Some(scaled)))
    }

    /// A scaled integer in wire form.
    pub(crate) fn text(&self, scaled: i64) -> String {
        rules::write_decimal(scaled, self.scale)
    }

    pub(super) fn kind(&self) -> rules::Kind {
        match self.precision {
            None => rules::Kind::Integer,
            Some(_) => rules::Kind::Decimal { scale: self.scale },
        }
    }

    pub(crate) fn schema(&self) -> Json {
        let Some(precision) = self.precision else {
            return json!({"type": "string", "pattern": "^-?[0-9]{1,19}$", "description": "A 64-bit integer."});
        };
        let whole = Ord::max(precision - self.scale, 1);
        let fraction = match self.scale {
            0 => String::new(),
            scale => format!("(\\.[0-9]{{1,{scale}}})?"),
        };
        json!({"type": "string", "format": "decimal", "pattern": format!("^-?[0-9]{{1,{whole}}}{fraction}$")})
    }
}

fn digits(input: &mut Input, name: &str, least: u32) -> Option<u32> {
    let json = input.take(name).filter(|json| !json.is_null())?;
    let number = json.as_u64().and_then(|n| u32::try_from(n).ok());
    let number = number.filter(|n| (least..=PRECISION_MAX).contains(n));
    if number.is_none() {
        let message = format!("This must be an integer from {least} to {PRECISION_MAX}.");
        input.fault(name, "not_a_digit_count", message);
    }
    number
}
