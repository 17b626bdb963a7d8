//! Defaults that are computed: before the transaction where the record alone decides, else within it.

use super::values::{row_of, value_of};
use crate::error::DataError;
use crate::schema::{Column, Computed, Loaded};
use crate::service::{Alone, Asker};
use crate::sql::formulas;
use gate::Problem;
use kernel::FieldError;
use rules::Row;
use sea_orm::Value;
use serde_json::{Map, Value as Json};
use store::WriteTx;

/// Computes what the new record alone decides; gives the names of those that look at other records.
pub(crate) fn early(
    collection: &Loaded,
    asker: &Asker,
    values: &mut [Value],
    computed: Vec<(usize, &Column)>,
    errors: &mut Vec<FieldError>,
) -> Vec<String> {
    if computed.is_empty() {
        return Vec::new();
    }
    let row = row_of(collection, values);
    let (params, mut late) = (Map::new(), Vec::new());
    for (i, column) in computed {
        let Some(Computed { formula, .. }) = collection.formula(&column.name) else {
            continue;
        };
        if formula.needs_sql() {
            late.push(column.name.clone());
            continue;
        }
        let json = asker.with_env(&params, Some(&row), Some(&row), |env| {
            formula.eval(env, &Alone)
        });
        if let Some(value) = values.get_mut(i) {
            *value = value_of(column, &json, errors);
        }
    }
    late
}

/// Computes what looks at other records, of the new record `row`. What is wrong with the values is given back, to be
/// told only to whom the rule allows the record.
pub(crate) async fn late(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    values: &mut [Value],
    late: &[String],
) -> Result<Vec<FieldError>, DataError> {
    let backend = tx.backend();
    let plan = collection.formulas_plan.get_or_init(|| {
        let all = collection.formulas.iter();
        let all: Vec<&Computed> = all.filter(|c| c.formula.needs_sql()).collect();
        formulas::plan(&all, backend)
    });
    let row: Row = row_of(collection, values);
    let statement = asker.with_env(&Map::new(), Some(&row), Some(&row), |env| {
        plan.statement(env, |_| Value::String(None))
    });
    let statement =
        statement.map_err(|e| Problem::internal(format!("a default could not be bound: {e}")))?;
    let doc = tx.docs(statement).await?.pop();
    let doc = doc.ok_or_else(|| Problem::internal("computed defaults are missing"))?;
    let computed = super::judge::parse_row(&doc.json)?;
    let mut errors = Vec::new();
    for (column, value) in collection.columns(true).into_iter().zip(values) {
        if late.contains(&column.name) {
            let json = computed.get(&column.name).unwrap_or(&Json::Null);
            *value = value_of(column, json, &mut errors);
        }
    }
    Ok(errors)
}
