//! Who could have seen a record that is gone: its old values, judged by the rule that stands.

use super::Reading;
use crate::error::DataError;
use crate::schema::{Loaded, Rule};
use crate::service::{Asker, allows_outside};
use rules::Row;
use serde_json::Value as Json;
use std::sync::Arc;
use store::Change;

/// What is known of a record as it was before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Was {
    /// The caller could have listed it.
    Seen,
    /// The caller could not, or has been told to list again since.
    Unseen,
    /// The log does not say.
    Unknown,
}

/// Whether the caller could have listed the record just before `change`.
///
/// A `Seen` must be true, because it tells an id. An `Unseen` may be false where the visibility tag has changed since
/// the change: whoever holds the present tag has listed the records after it. So it is of what was changed before the
/// rules were, and of a rule that looks at other records when one of those has changed since, or with it: their old
/// values are lost, while as long as they have not changed the database answers as it would have answered then. What
/// stood between two operations of one batch counts as having been there.
pub(super) async fn was(
    reading: &Reading<'_>,
    collection: &Loaded,
    change: &Change,
) -> Result<Was, DataError> {
    // A record that is made was not there before.
    if change.action == "create" {
        return Ok(Was::Unseen);
    }
    if reading.asker.privileged() {
        return Ok(Was::Seen);
    }
    if !reading.under_present_rules(collection, change.seq) {
        return Ok(Was::Unseen);
    }
    let rule = match &collection.rules.list {
        Rule::Closed => return Ok(Was::Unseen),
        Rule::Open => return Ok(Was::Seen),
        Rule::When(rule) => rule,
    };
    let none = Row::new();
    let row = match &change.witness {
        Some(Json::Object(row)) => row,
        _ => &none,
    };
    let own = rule.resolved.fields().iter();
    let mut own = own.filter(|(of, _)| *of == collection.def.name);
    if !own.all(|(_, field)| row.contains_key(field)) {
        // Written by who did not know the rule yet.
        return Ok(Was::Unknown);
    }
    let mut looked_at = rule.resolved.reach().collections.into_iter();
    if looked_at.any(|name| reading.last(&name) >= change.seq) {
        return Ok(Was::Unseen);
    }
    let then = at(reading.asker, change);
    let seen = allows_outside(&collection.rules.list, &then, reading.db, row, row).await?;
    Ok(if seen { Was::Seen } else { Was::Unseen })
}

/// The caller at the time of a change: what a rule makes visible later was not visible then.
fn at(asker: &Asker, change: &Change) -> Asker {
    Asker {
        now: change.at,
        request: Arc::new(rules::Request {
            time: change.at.to_string(),
            ..(*asker.request).clone()
        }),
        ..asker.clone()
    }
}
