//! Counts and sums over the records that a caller may list.

use crate::error::DataError;
use crate::fields::{Exact, Format, Type};
use crate::query::{self, Aggregate, Function, Totals};
use crate::schema::{Rule, Schema};
use crate::service::{Asker, Data};
use gate::{Problem, Project};
use kernel::FieldError;
use kernel::number::float_text;
use sea_orm::Value;
use serde_json::{Value as Json, value::RawValue};
use std::sync::Arc;

/// The greatest integer that is sent as a number; beyond it stands a text.
const INTEGER_MAX: i128 = (1 << 53) - 1;
/// Digits that the average of exact numbers has beyond theirs.
const AVERAGE_DIGITS: u32 = 6;

impl Data {
    /// The groups of the records that the caller may list, as JSON: `{"items": [...], "more": false}`.
    ///
    /// Sums of integers are exact, those of floats are rounded to 15 digits, which is what both engines agree on. Of exact
    /// numbers the sum, the least and the greatest are texts as the field's own, the sum with as many digits before the
    /// point as it needs; the average has six more digits behind it and is rounded half away from zero. What takes too long
    /// is [`store::StoreError::TooExpensive`], never a wrong number.
    pub async fn aggregate(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        asked: &Aggregate,
    ) -> Result<String, DataError> {
        let total = async |schema: &Arc<Schema>| total(schema, project, asker, name, asked).await;
        self.steady(project, total).await
    }
}

/// The groups by one version of the schema.
async fn total(
    schema: &Schema,
    project: &Project,
    asker: &Asker,
    name: &str,
    asked: &Aggregate,
) -> Result<String, DataError> {
    let collection = schema.collection(name)?;
    let privileged = asker.privileged();
    if !privileged && matches!(collection.rules.list, Rule::Closed) {
        return Err(DataError::Denied);
    }
    let backend = project.db.backend();
    let totals = query::totals(schema, collection, asked, privileged, backend)?;
    let statement = asker.with_env(&totals.params, None, None, |env| {
        totals.plan.statement(env, |_| Value::String(None))
    });
    let statement = statement.map_err(query::filter_problem)?;
    let docs = project.db.docs(statement).await?;
    let limit = totals.limit as usize;
    let mut body = String::from("{\"items\":[");
    for (i, doc) in docs.iter().take(limit).enumerate() {
        body.push_str(if i > 0 { ",{" } else { "{" });
        write(&mut body, &totals, &doc.json)?;
        body.push('}');
    }
    body.push_str("],\"more\":");
    body.push_str(if docs.len() > limit {
        "true}"
    } else {
        "false}"
    });
    Ok(body)
}

fn write(body: &mut String, totals: &Totals, json: &str) -> Result<(), DataError> {
    let values: Vec<&RawValue> = serde_json::from_str(json)
        .map_err(|e| Problem::internal(format!("a group is no JSON: {e}")))?;
    let mut values = values.into_iter().map(RawValue::get);
    let mut first = true;
    // Names follow the grammar of names, with a dot at most: nothing in them needs escaping.
    let mut member = |body: &mut String, name: &str, value: &str| {
        body.push_str(if first { "\"" } else { ",\"" });
        first = false;
        body.push_str(name);
        body.push_str("\":");
        body.push_str(value);
    };
    for name in &totals.groups {
        member(body, name, values.next().unwrap_or("null"));
    }
    for (name, function, kind) in &totals.measures {
        let value = values.next().unwrap_or("null");
        let integer = matches!(kind, Some(Type::Number(n)) if n.format == Format::Integer);
        let null = || "null".to_owned();
        let shown = match (function, kind) {
            (Function::Sum, Some(Type::Exact(e))) => {
                let sum = whole(value, e.scale)?;
                sum.map_or_else(null, |sum| quoted(sum, e.scale))
            }
            (Function::Sum, _) if integer => whole(value, 0)?.map_or_else(null, exact),
            (Function::Sum, _) => match float(value)? {
                Some(sum) => finite(name, sum)?,
                None => null(),
            },
            (Function::Avg, Some(Type::Exact(e))) => exact_average(name, value, e)?,
            (Function::Avg, _) => average(name, value, integer)?,
            _ => value.to_owned(),
        };
        member(body, name, &shown);
    }
    Ok(())
}

fn parsed(json: &str) -> Result<Json, DataError> {
    serde_json::from_str(json)
        .map_err(|e| Problem::internal(format!("a measure is no JSON: {e}")).into())
}

fn unread() -> DataError {
    Problem::internal("a measure is no number").into()
}

/// A sum of integers, or of decimals by their scale: a text, or its upper and its lower half.
fn whole(json: &str, scale: u32) -> Result<Option<i128>, DataError> {
    match parsed(json)? {
        Json::String(text) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            if fraction.len() > scale as usize {
                return Err(unread());
            }
            let digits = format!("{whole}{fraction:0<width$}", width = scale as usize);
            digits.parse().map(Some).map_err(|_| unread())
        }
        Json::Array(halves) => {
            let mut halves = halves.iter().map(Json::as_i64);
            let (high, low) = (halves.next().flatten(), halves.next().flatten());
            Ok(high
                .zip(low)
                .map(|(high, low)| (i128::from(high) << 32) + i128::from(low)))
        }
        _ => Ok(None),
    }
}

fn float(json: &str) -> Result<Option<f64>, DataError> {
    match parsed(json)? {
        // So the store's function writes what is beyond a double.
        Json::String(text) if text == "null" => Ok(Some(f64::INFINITY)),
        Json::String(text) => text.parse().map(Some).map_err(|_| unread()),
        _ => Ok(None),
    }
}

fn quoted(scaled: i128, scale: u32) -> String {
    format!("\"{}\"", rules::write_decimal(scaled, scale))
}

fn exact(sum: i128) -> String {
    if sum.abs() <= INTEGER_MAX {
        sum.to_string()
    } else {
        format!("\"{sum}\"")
    }
}

fn beyond(name: &str) -> DataError {
    DataError::invalid(vec![FieldError {
        path: format!("/measures/{name}"),
        code: "out_of_range",
        message: "This is beyond what a number can hold.".to_owned(),
    }])
}

/// A float to 15 digits: further ones depend on the order in which an engine adds.
fn finite(name: &str, value: f64) -> Result<String, DataError> {
    let rounded = format!("{value:.14e}").parse::<f64>().ok();
    let rounded = rounded
        .filter(|r| r.is_finite())
        .ok_or_else(|| beyond(name))?;
    // There is no negative zero on the wire.
    Ok(float_text(if rounded == 0.0 { 0.0 } else { rounded }))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an average is a float, whatever it is of"
)]
fn average(name: &str, json: &str, integer: bool) -> Result<String, DataError> {
    let parts: [&RawValue; 2] = serde_json::from_str(json).map_err(|_| unread())?;
    let [sum, count] = parts.map(RawValue::get);
    let sum = if integer {
        whole(sum, 0)?.map(|sum| sum as f64)
    } else {
        float(sum)?
    };
    let count: u64 = count.parse().map_err(|_| unread())?;
    match sum.filter(|_| count > 0) {
        Some(sum) => finite(name, sum / count as f64),
        None => Ok("null".to_owned()),
    }
}

/// The average of exact numbers, rounded half away from zero.
fn exact_average(name: &str, json: &str, exact: &Exact) -> Result<String, DataError> {
    let parts: [&RawValue; 2] = serde_json::from_str(json).map_err(|_| unread())?;
    let [sum, count] = parts.map(RawValue::get);
    let count: i128 = count.parse().map_err(|_| unread())?;
    let Some(sum) = whole(sum, exact.scale)?.filter(|_| count > 0) else {
        return Ok("null".to_owned());
    };
    let unit = i128::from(rules::power_of_ten(AVERAGE_DIGITS));
    let sum = sum.checked_mul(unit).ok_or_else(|| beyond(name))?;
    let (whole, rest) = (sum / count, sum % count);
    let away = if rest.abs() * 2 >= count {
        sum.signum()
    } else {
        0
    };
    Ok(quoted(whole + away, exact.scale + AVERAGE_DIGITS))
}
