//! Other records for rules that look at them, read when a rule has asked for them, and only so many.

use crate::error::DataError;
use crate::query::Query;
use crate::schema::{Loaded, Schema};
use crate::service::{Asker, Data};
use crate::sql::changes;
use gate::{Problem, Project, Who};
use kernel::limits::PAGE_MAX;
use kernel::parse_id;
use rules::{Row, World};
use serde_json::{Map, Value as Json};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// Records that are read for one explanation at most.
const ROWS_MAX: usize = 5_000;
/// Records that are looked at for one explanation at most: macros within macros look at each many times.
const LOOKS_MAX: usize = 20_000;

/// What a rule has asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// A record by its id.
    One(String, String),
    /// The records of a collection, or those whose field is this id.
    Many(String, Option<(String, String)>),
}

/// The records that were read so far, and what is still to be read.
#[derive(Default)]
pub(super) struct Others {
    known: BTreeMap<Asked, Vec<Row>>,
    wanted: RefCell<BTreeSet<Asked>>,
    rows: usize,
    looks: Cell<usize>,
    /// A record as an act would leave it, which takes the place of the stored one.
    pub(super) instead: Option<(String, Row)>,
}

impl Others {
    fn find(&self, asked: Asked) -> Vec<Row> {
        match self.known.get(&asked) {
            Some(rows) => {
                self.looks.set(self.looks.get() + 1 + rows.len());
                if self.is_tired() {
                    Vec::new()
                } else {
                    rows.clone()
                }
            }
            None => {
                self.wanted.borrow_mut().insert(asked);
                Vec::new()
            }
        }
    }

    /// Puts the record of an act in the place of the stored one. Rows that do not match are left out by the rule.
    fn with_instead(&self, collection: &str, mut rows: Vec<Row>) -> Vec<Row> {
        if let Some((_, row)) = self.instead.as_ref().filter(|(of, _)| of == collection) {
            rows.retain(|stored| stored.get("id") != row.get("id"));
            rows.push(row.clone());
        }
        rows
    }

    /// Reads what was asked for; false when that is too much.
    pub(super) async fn read(&mut self, source: &Source<'_>) -> Result<bool, DataError> {
        let wanted = std::mem::take(&mut *self.wanted.borrow_mut());
        let mut ids: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
        for asked in wanted {
            match asked {
                Asked::One(of, id) => {
                    ids.entry(of.clone()).or_default().extend(parse_id(&id));
                    self.known.insert(Asked::One(of, id), Vec::new());
                }
                Asked::Many(of, link) => {
                    let Some(rows) = source.many(&of, link.as_ref()).await? else {
                        return Ok(false);
                    };
                    self.rows += rows.len();
                    self.known.insert(Asked::Many(of, link), rows);
                }
            }
        }
        for (of, ids) in ids {
            for slice in ids.chunks(PAGE_MAX as usize) {
                self.rows += slice.len();
                if self.rows > ROWS_MAX {
                    return Ok(false);
                }
                for (id, row) in source.some(&of, slice).await? {
                    self.known.insert(Asked::One(of.clone(), id), vec![row]);
                }
            }
        }
        Ok(self.rows <= ROWS_MAX)
    }

    /// Whether so much was looked at that nothing more is given: what a rule answers then means nothing.
    pub(super) fn is_tired(&self) -> bool {
        self.looks.get() > LOOKS_MAX
    }

    /// Whether something was asked for that is not read yet.
    pub(super) fn wants(&self) -> bool {
        !self.wanted.borrow().is_empty()
    }
}

impl World for Others {
    fn get(&self, collection: &str, id: &str) -> Option<Row> {
        if let Some((of, row)) = &self.instead
            && of == collection
            && row.get("id").and_then(Json::as_str) == Some(id)
        {
            return Some(row.clone());
        }
        self.find(Asked::One(collection.to_owned(), id.to_owned()))
            .pop()
    }

    fn rows(&self, collection: &str) -> Vec<Row> {
        let rows = self.find(Asked::Many(collection.to_owned(), None));
        self.with_instead(collection, rows)
    }

    fn pointing(&self, collection: &str, field: &str, id: &str) -> Vec<Row> {
        let link = Some((field.to_owned(), id.to_owned()));
        let rows = self.find(Asked::Many(collection.to_owned(), link));
        self.with_instead(collection, rows)
    }
}

/// Where records are read from: as they are, whoever asks, because that is how rules see them.
pub(super) struct Source<'a> {
    pub data: &'a Data,
    pub project: &'a Project,
    pub schema: &'a Schema,
    pub asker: &'a Asker,
}

impl Source<'_> {
    fn asker(&self) -> Asker {
        let who = Who::Operator {
            id: Uuid::nil(),
            scopes: Arc::from(Vec::new()),
        };
        Asker {
            who,
            ..self.asker.clone()
        }
    }

    /// All records, or those whose field is an id; `None` when they are too many for a page.
    async fn many(
        &self,
        name: &str,
        link: Option<&(String, String)>,
    ) -> Result<Option<Vec<Row>>, DataError> {
        let mut query = Query {
            limit: Some(PAGE_MAX),
            ..Query::default()
        };
        if let Some((field, id)) = link {
            let list = self.schema.collection(name)?.column(field, true);
            query.filter = Some(match list.and_then(|c| c.pairs.as_ref()) {
                None => format!("{field} == params.id"),
                Some(_) => format!("params.id in {field}"),
            });
            query.params = Map::from_iter([("id".to_owned(), id.as_str().into())]);
        }
        let page = self
            .data
            .list(self.project, &self.asker(), name, &query)
            .await?;
        if page.next_cursor.is_some() {
            return Ok(None);
        }
        let rows = page.docs.iter().map(|doc| row(&doc.json));
        Ok(Some(rows.collect::<Result<_, _>>()?))
    }

    /// Records by their ids.
    async fn some(&self, name: &str, ids: &[Uuid]) -> Result<Vec<(String, Row)>, DataError> {
        let collection: &Loaded = self.schema.collection(name)?;
        let backend = self.project.db.backend();
        let plan = collection.feed.plan(collection, true, backend);
        let ids = changes::ids(ids, backend);
        let statement = self.asker.with_env(&Map::new(), None, None, |env| {
            plan.statement(env, |_| ids.clone())
        });
        let statement = statement
            .map_err(|e| Problem::internal(format!("a statement could not be bound: {e}")))?;
        let docs = self.project.db.docs(statement).await?;
        let docs = docs.into_iter();
        docs.map(|doc| Ok((doc.key.unwrap_or_default(), row(&doc.json)?)))
            .collect()
    }

    /// A record as it is stored.
    pub(super) async fn stored(&self, name: &str, id: Uuid) -> Result<Row, DataError> {
        let found = self.some(name, &[id]).await?.pop();
        found.map(|(_, row)| row).ok_or(DataError::NoRecord)
    }
}

fn row(json: &str) -> Result<Row, DataError> {
    serde_json::from_str(json)
        .map_err(|e| Problem::internal(format!("a stored record is no JSON: {e}")).into())
}
