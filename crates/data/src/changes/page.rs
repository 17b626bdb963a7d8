//! A page of changes: what the caller sees now of the records that changed, and which of those it saw are gone.

use super::query::{COLLECTIONS_MAX, too_many};
use super::tag::{SETTLING, looked_at, tag};
use super::witness::{Was, was};
use super::{ChangesQuery, Reading, Since};
use crate::error::DataError;
use crate::schema::{Loaded, Rule, Schema};
use crate::service::{Asker, Data};
use crate::sql::changes;
use gate::{Problem, Project};
use kernel::limits::RESPONSE_BYTES_MAX;
use kernel::{Code, FieldError, parse_id};
use sea_orm::Value;
use serde_json::Map;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use store::{Change, StoreError};
use uuid::Uuid;

/// Changes of a page at most where a list rule looks at other records: each that cannot be seen asks the database.
const LIMIT_WHERE_ASKED: u32 = 100;

/// What has become of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeItem {
    /// The place of its last change on the page.
    pub seq: i64,
    /// The collection's name.
    pub collection: String,
    /// The record's id.
    pub id: Uuid,
    /// The record as a list shows it to the caller now; `None` when it is gone, out of the collection or out of view.
    pub record: Option<String>,
}

/// A page of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesPage {
    /// One item for each record that changed, in the order of their last changes.
    pub items: Vec<ChangeItem>,
    /// Where the next page begins.
    pub next_since: i64,
    /// Whether there are more changes already.
    pub more: bool,
    /// Changes when records may have come into the caller's view, or left it, without a change of their own.
    pub visibility: String,
}

impl Data {
    /// What has happened since a place in the log to the records that the caller may list.
    ///
    /// The list rule decides, as it does in lists: a record that can only be viewed one by one is not told of. A record
    /// is told of at most once per page, as it is now, which may be later than the page. That one is gone is told to
    /// whoever could have listed it before, by its old values and the rule as it is; see `witness.rs` for what is told
    /// where those do not decide. Fails with `resync_required` when the place was pruned, or the log does not say.
    pub async fn changes(
        &self,
        project: &Project,
        asker: &Asker,
        query: &ChangesQuery,
    ) -> Result<ChangesPage, DataError> {
        let read = async |schema: &Arc<Schema>| page(schema, project, asker, query).await;
        self.steady(project, read).await
    }
}

/// The page by one version of the schema.
async fn page(
    schema: &Schema,
    project: &Project,
    asker: &Asker,
    query: &ChangesQuery,
) -> Result<ChangesPage, DataError> {
    let collections = asked(schema, asker, query.collections.as_deref())?;
    let names: Vec<&str> = collections.iter().map(|c| c.def.name.as_str()).collect();
    let looked_at = looked_at(asker, &collections);
    let looked_at: Vec<&str> = looked_at.iter().map(String::as_str).collect();
    let settled = asker.now.minus(SETTLING);
    let heads = project.db.change_heads(&looked_at, &names, settled).await?;
    let reading = Reading {
        db: &project.db,
        asker,
        collections: &collections,
        heads,
    };
    let (newest, pruned) = (reading.heads.newest, reading.heads.pruned);
    let truncated = query.since == Since::Place(0) && pruned > 0;
    let visibility = tag(project, &reading, truncated);
    let since = match query.since {
        Since::Now => newest,
        Since::Place(0) => 0,
        Since::Place(place) if place > newest => return Err(beyond().into()),
        Since::Place(place) if place < pruned => return Err(DataError::Resync),
        Since::Place(place) => place,
    };
    let limit = if looked_at.is_empty() {
        query.limit
    } else {
        query.limit.min(LIMIT_WHERE_ASKED)
    };
    let mut changes = project
        .db
        .changes_of(&names, since, newest, limit + 1)
        .await?;
    // Those that were pruned while they were read are missing from the page.
    let pruned_now = project.db.changes_pruned().await?;
    if pruned_now > since.max(pruned) {
        return Err(DataError::Resync);
    }
    let more = changes.len() > limit as usize;
    changes.truncate(limit as usize);
    let last = changes.last().map(|change| change.seq);
    Ok(ChangesPage {
        items: items(&reading, &changes).await?,
        next_since: last.filter(|_| more).unwrap_or(newest),
        more,
        visibility,
    })
}

/// The collections that are asked for; without names, those that the caller may list.
fn asked<'a>(
    schema: &'a Schema,
    asker: &Asker,
    names: Option<&[String]>,
) -> Result<Vec<&'a Loaded>, DataError> {
    let closed = |c: &Loaded| !asker.privileged() && matches!(c.rules.list, Rule::Closed);
    let mut all: BTreeMap<&str, &Loaded> = BTreeMap::new();
    match names {
        None => {
            let open = schema.collections.values().filter(|c| !closed(c));
            all.extend(open.map(|c| (c.def.name.as_str(), &**c)));
        }
        Some(names) => {
            for name in names {
                let collection = schema.collection(name)?;
                // As in a list: nothing to tell would say that nothing happens.
                if closed(collection) {
                    return Err(DataError::Denied);
                }
                all.insert(name, collection);
            }
        }
    }
    if all.len() > COLLECTIONS_MAX {
        return Err(fault("collections", too_many()).into());
    }
    Ok(all.into_values().collect())
}

fn beyond() -> Problem {
    let message = "There is no such place in the log yet.".to_owned();
    fault("since", message).hint("Ask for since=now, list the records, and go on from there.")
}

fn fault(name: &str, message: String) -> Problem {
    Problem::new(Code::InvalidParameter).errors(vec![FieldError {
        path: format!("?{name}"),
        code: "invalid_parameter",
        message,
    }])
}

/// One item for each record of the page that is, or was, for the caller to see.
async fn items(reading: &Reading<'_>, changes: &[Change]) -> Result<Vec<ChangeItem>, DataError> {
    let mut histories: BTreeMap<(&str, &str), Vec<&Change>> = BTreeMap::new();
    for change in changes {
        let record = (change.collection.as_str(), change.record.as_str());
        histories.entry(record).or_default().push(change);
    }
    let mut items = Vec::with_capacity(histories.len());
    let mut bytes = 0;
    for collection in reading.collections {
        let name = collection.def.name.as_str();
        let own = histories.iter().filter(|((of, _), _)| *of == name);
        let own: Vec<(Uuid, &Vec<&Change>)> = own
            .filter_map(|((_, id), history)| Some((parse_id(id)?, history)))
            .collect();
        let ids: Vec<Uuid> = own.iter().map(|(id, _)| *id).collect();
        let mut seen = visible(reading, collection, &ids).await?;
        for (id, history) in own {
            let record = seen.remove(&id);
            if record.is_none() && !is_gone(reading, collection, history).await? {
                continue;
            }
            bytes += record.as_ref().map_or(0, String::len);
            if bytes > RESPONSE_BYTES_MAX {
                return Err(StoreError::TooLarge.into());
            }
            items.push(ChangeItem {
                seq: history.last().map_or(0, |change| change.seq),
                collection: name.to_owned(),
                id,
                record,
            });
        }
    }
    items.sort_by_key(|item| item.seq);
    Ok(items)
}

/// The records among `ids` that the caller may list, as a list shows them; one statement for all.
async fn visible(
    reading: &Reading<'_>,
    collection: &Loaded,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, String>, DataError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let backend = reading.db.backend();
    let plan = collection
        .feed
        .plan(collection, reading.asker.privileged(), backend);
    let ids: Value = changes::ids(ids, backend);
    let statement = reading.asker.with_env(&Map::new(), None, None, |env| {
        plan.statement(env, |_| ids.clone())
    });
    let statement =
        statement.map_err(|e| Problem::internal(format!("a statement could not be bound: {e}")))?;
    let docs = reading.db.docs(statement).await?;
    let docs = docs.into_iter();
    let docs = docs.filter_map(|doc| Some((parse_id(doc.key.as_deref()?)?, doc.json)));
    Ok(docs.collect())
}

/// Whether a record that the caller does not see was there to be seen before one of these changes.
async fn is_gone(
    reading: &Reading<'_>,
    collection: &Loaded,
    history: &[&Change],
) -> Result<bool, DataError> {
    let mut known = true;
    for change in history {
        match was(reading, collection, change).await? {
            Was::Seen => return Ok(true),
            Was::Unseen => {}
            Was::Unknown => known = false,
        }
    }
    if known {
        Ok(false)
    } else {
        Err(DataError::Resync)
    }
}
