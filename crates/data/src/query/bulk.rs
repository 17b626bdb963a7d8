//! The plans of a bulk write: its filter under the rules of a list.

use super::prepare::{Maker, Typed, filter_problem};
use crate::schema::{Loaded, Schema};
use crate::sql::bulk;
use crate::sql::plan::Plan;
use gate::Problem;
use sea_orm::DbBackend;
use serde_json::{Map, Value as Json};

/// Where the records of a bulk write are.
pub(crate) struct Matching {
    /// The next of them.
    pub next: Plan,
    /// Which of some are still of them.
    pub still: Plan,
    /// The filter's parameters.
    pub params: Map<String, Json>,
}

/// Resolves a filter as a list of this viewer takes it.
pub(crate) fn matching(
    schema: &Schema,
    collection: &Loaded,
    (filter, params): (&str, &Map<String, Json>),
    privileged: bool,
    backend: DbBackend,
) -> Result<Matching, Problem> {
    let maker = Maker::new(schema, privileged, backend);
    let mut typed = Typed::default();
    let filter = maker.filter(collection, filter, params, &mut typed);
    let filter = filter.map_err(filter_problem)?;
    let rule = (!privileged).then_some(&collection.rules.list);
    Ok(Matching {
        next: bulk::next(collection, rule, &filter, backend),
        still: bulk::still(collection, rule, &filter, backend),
        params: typed.apply(params),
    })
}
