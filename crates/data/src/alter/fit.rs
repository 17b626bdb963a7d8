//! What a change finds in the records that are there: what would be lost, and what does not fit.

use crate::error::DataError;
use crate::fields::Type;
use crate::model::{Alter, DefaultValue, Dropped, Field, Kept};
use crate::rows;
use crate::sql::{alter as sql, pairs};
use gate::Problem;
use kernel::{Code, FieldError, parse_id};
use sea_orm::Value;
use serde_json::{Value as Json, json};
use store::{Doc, StoreError, WriteTx};
use uuid::Uuid;

/// Records that are looked at, and written, with one statement at most.
const SLICE: usize = 500;
/// Code points of one slice's values, about: 500 long texts would be more than an answer may be.
const SLICE_CHARS: usize = 2_000_000;
/// Records that are named at most.
const NAMED: usize = 3;

/// What a change takes from records for good.
pub(crate) struct Loss {
    /// The word that agrees to it in `confirm`.
    pub confirm: String,
    /// The field, or nothing where whole records go.
    pub field: Option<String>,
    /// How many records lose a value.
    pub records: i64,
    /// How many items of their lists go with it, where a join table keeps them.
    pub pairs: Option<i64>,
    /// The ids of some of them.
    pub sample: Vec<String>,
    /// Where the request asks for it.
    pub place: String,
}

impl Loss {
    /// As a dry run tells it.
    pub(super) fn view(&self) -> Json {
        let mut view = json!({"confirm": self.confirm, "field": self.field, "records": self.records, "sample": self.sample});
        if let Some(pairs) = self.pairs {
            view["pairs"] = pairs.into();
        }
        view
    }

    fn fault(&self) -> FieldError {
        let some = sentence(self.records, &self.sample);
        let what = match &self.field {
            Some(field) => {
                let pairs = self
                    .pairs
                    .map_or(String::new(), |n| format!(", {n} relations in all"));
                format!("{some} would lose the value of {field}{pairs}")
            }
            None => format!("{some} would be deleted"),
        };
        FieldError {
            path: self.place.clone(),
            code: "needs_confirmation",
            message: format!("{what}. To agree, send \"{}\" in confirm.", self.confirm),
        }
    }
}

/// Refuses what would be lost and is not agreed to.
pub(crate) fn demand(losses: &[Loss], agreed: impl Fn(&str) -> bool) -> Result<(), DataError> {
    let open = losses.iter().filter(|loss| !agreed(&loss.confirm));
    let errors: Vec<FieldError> = open.map(Loss::fault).collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(Problem::new(Code::ConfirmationRequired)
        .errors(errors)
        .into())
}

/// The number of a statement that counts.
pub(crate) async fn count(
    tx: &WriteTx,
    table: &str,
    having: Option<(&Field, bool)>,
) -> Result<i64, StoreError> {
    let docs = tx.docs(sql::count(table, having, tx.backend())).await?;
    Ok(docs.first().map_or(0, |doc| doc.version))
}

/// How many pairs a join table has, and how many records have some.
async fn count_pairs(tx: &WriteTx, table: &str) -> Result<(i64, i64), StoreError> {
    let [pairs, records] = pairs::count(table, tx.backend());
    let number = |docs: Vec<Doc>| docs.first().map_or(0, |doc| doc.version);
    Ok((
        number(tx.docs(pairs).await?),
        number(tx.docs(records).await?),
    ))
}

/// Records of one kind that were met: how many, and the first of them.
#[derive(Default)]
struct Met {
    count: i64,
    sample: Vec<String>,
}

impl Met {
    fn meet(&mut self, id: Option<&str>) {
        self.count += 1;
        if self.sample.len() < NAMED {
            self.sample.extend(id.map(str::to_owned));
        }
    }
}

fn sentence(count: i64, sample: &[String]) -> String {
    let records = if count == 1 { "record" } else { "records" };
    if sample.is_empty() {
        return format!("{count} {records}");
    }
    let more = if sample.len() as i64 == count {
        ""
    } else {
        ", ..."
    };
    format!("{count} {records} ({}{more})", sample.join(", "))
}

/// What a change does to the values of fields, found out and done.
#[derive(Default)]
pub(super) struct Fit {
    pub losses: Vec<Loss>,
    pub faults: Vec<FieldError>,
    /// The fields whose values were made anew.
    pub converted: Vec<String>,
}

impl Fit {
    /// Tells what goes with a field.
    pub(super) async fn drop(
        &mut self,
        tx: &WriteTx,
        table: &str,
        dropped: &Dropped,
    ) -> Result<(), DataError> {
        let name = &dropped.field.name;
        let (records, pairs) = if dropped.field.kind.is_joined() {
            let (pairs, records) = count_pairs(tx, &pairs::name(table, name)).await?;
            (records, Some(pairs))
        } else {
            (count(tx, table, Some((&dropped.field, true))).await?, None)
        };
        if records > 0 {
            self.losses.push(Loss {
                confirm: format!("drop:{name}"),
                field: Some(name.clone()),
                records,
                pairs,
                sample: Vec::new(),
                place: dropped.place.clone(),
            });
        }
        Ok(())
    }

    /// Looks whether the records fit a field as it is to be, and puts the values of another type beside the old ones.
    pub(super) async fn change(
        &mut self,
        tx: &WriteTx,
        table: &str,
        alter: &Alter,
        field: &Kept,
    ) -> Result<(), DataError> {
        let converted = field.is_converted();
        let some = field.after.kind.many().is_some_and(|many| many.min > 0);
        let needs = field.after.required && !field.before.required;
        if needs || converted && some && field.after.kind.is_joined() {
            let nulls = count(tx, table, Some((&field.before, false))).await?;
            if nulls > 0 {
                let some = sql::without(table, &field.before, NAMED as u64, tx.backend());
                let some = tx
                    .docs(some)
                    .await?
                    .into_iter()
                    .map(|d| d.json)
                    .collect::<Vec<_>>();
                let what = sentence(nulls, &some);
                self.faults
                    .push(misfit(field, "required", format!("{what} have no value.")));
            }
        }
        if converted {
            let backend = tx.backend();
            for sql in sql::add_spares(alter, field, backend) {
                rows::execute(tx, &sql).await?;
            }
            self.converted.push(field.after.name.clone());
        } else if field.after.kind.admits(&field.before.kind) {
            return Ok(());
        }
        let mut unfit = Met::default();
        let (kind, mut after) = (&field.before.kind, Uuid::nil());
        let limit = slice(kind);
        loop {
            // A join table has its new name already.
            let name = if kind.is_joined() {
                &field.after.name
            } else {
                &field.before.name
            };
            let read = sql::values(table, name, kind, after, limit as u64, tx.backend());
            let docs = tx.docs(read).await?;
            let mut filled = Vec::new();
            for doc in &docs {
                let id = doc.key.as_deref();
                after = id
                    .and_then(parse_id)
                    .ok_or_else(|| Problem::internal("a stored id is none"))?;
                match value(field, &doc.json)? {
                    Some(value) => filled.push((after, value)),
                    None => {
                        unfit.meet(id);
                        filled.push((after, field.after.default_value()));
                    }
                }
            }
            if converted && !filled.is_empty() {
                rows::run(tx, sql::fill(alter, field, filled, tx.backend())).await?;
            }
            if docs.len() < limit {
                break;
            }
        }
        self.judge(field, unfit);
        Ok(())
    }

    fn judge(&mut self, field: &Kept, unfit: Met) {
        if unfit.count == 0 {
            return;
        }
        let what = sentence(unfit.count, &unfit.sample);
        let constant = matches!(field.after.default, Some(DefaultValue::Constant(_)));
        if !field.is_converted() {
            let message = format!("{what} do not fit: change them first.");
            self.faults
                .push(misfit(field, "records_do_not_fit", message));
        } else if field.after.required && !constant {
            let message =
                format!("{what} have no such value: the field needs a constant default for them.");
            self.faults
                .push(misfit(field, "records_do_not_fit", message));
        } else {
            self.losses.push(Loss {
                confirm: format!("convert:{}", field.before.name),
                field: Some(field.before.name.clone()),
                records: unfit.count,
                pairs: None,
                sample: unfit.sample,
                place: field.place.clone(),
            });
        }
    }
}

fn misfit(field: &Kept, code: &'static str, message: String) -> FieldError {
    FieldError {
        path: field.place.clone(),
        code,
        message,
    }
}

/// How many values of a type are read at once.
fn slice(kind: &Type) -> usize {
    (SLICE_CHARS / kind.index_chars().max(1)).clamp(1, SLICE)
}

/// A stored value as the field is to hold it; `None` where it cannot.
fn value(field: &Kept, json: &str) -> Result<Option<Value>, DataError> {
    let broken = |_| Problem::internal("a stored value is no JSON");
    let mut row: serde_json::Map<String, Json> = serde_json::from_str(json).map_err(broken)?;
    let stored = row.shift_remove("v").unwrap_or(Json::Null);
    let (new, old) = (&field.after.kind, &field.before.kind);
    let wanted = if new.keeps(old) {
        Some(stored)
    } else {
        new.convert(old, &stored)
    };
    Ok(wanted.and_then(|json| new.value(&json).ok()))
}
