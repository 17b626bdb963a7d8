//! The write rules of fields: asked of what a caller sends, in the transaction of the write, as the record's own rule is.

use super::merge::allows_change;
use crate::error::DataError;
use crate::schema::{Loaded, Rule};
use crate::service::{Asker, allows};
use gate::Problem;
use kernel::{Code, FieldError};
use rules::Row;
use store::WriteTx;

/// Those of the fields that a caller sends whose write rule must be asked.
pub(crate) fn ruled<'a>(
    collection: &Loaded,
    asker: &Asker,
    sent: impl Iterator<Item = &'a String>,
) -> Vec<String> {
    let asked = |name: &&String| {
        let rule = collection.column(name, true).map(|c| &c.write);
        matches!(rule, Some(Rule::When(_)))
    };
    if asker.privileged() {
        return Vec::new();
    }
    sent.filter(asked).cloned().collect()
}

/// What the write rules of fields are asked of.
#[derive(Clone, Copy)]
pub(super) enum Written<'a> {
    /// A record that is made.
    New(&'a Row),
    /// A record before and after a change.
    Change(&'a Row, &'a Row),
    /// The same, once more where the rule looks at other records: one of them may have been this one.
    Changed(&'a Row, &'a Row),
}

/// Denies, naming them all, the fields whose write rule is not true. The record's own rule has allowed the write.
pub(super) async fn demand(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    fields: &[String],
    of: Written<'_>,
) -> Result<(), DataError> {
    let mut refused = Vec::new();
    for name in fields {
        let Some(rule) = collection.column(name, true).map(|c| &c.write) else {
            continue;
        };
        let allowed = match of {
            Written::New(row) => allows(rule, asker, tx, row, Some(row)).await?,
            Written::Changed(..) if !rule.needs_sql() => true,
            Written::Changed(before, after) => {
                allows_change(tx, asker, rule, before, after).await?
            }
            Written::Change(before, after) => {
                (rule.names_next() || allows(rule, asker, tx, before, Some(before)).await?)
                    && allows_change(tx, asker, rule, before, after).await?
            }
        };
        if !allowed {
            refused.push(FieldError::at(name, "not_writable", NOT_WRITABLE));
        }
    }
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Problem::new(Code::RuleDenied).errors(refused).into())
    }
}

/// The same of a record that is made.
pub(crate) async fn demand_new(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    fields: &[String],
    row: &Row,
) -> Result<(), DataError> {
    demand(tx, asker, collection, fields, Written::New(row)).await
}

/// What is said of a field whose write rule denies.
const NOT_WRITABLE: &str = "The write rule of this field does not allow it.";
