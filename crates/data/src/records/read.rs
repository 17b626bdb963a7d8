//! Pages of records, and one record, as their rules show them.

use super::RecordPage;
use super::expand::Filling;
use crate::cursor;
use crate::error::DataError;
use crate::query::{self, Expand, Prepared, Query, Shaped};
use crate::schema::{Loaded, Rule, Schema};
use crate::service::{Asker, Data};
use crate::sql::list;
use crate::sql::plan::{Own, Plan};
use crate::sql::projection::Projection;
use gate::{Problem, Project};
use kernel::{Code, parse_id};
use rules::Env;
use sea_orm::{DbBackend, Statement, Value};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use store::{Doc, Snapshot};
use uuid::Uuid;

impl Data {
    /// A page of the records that the caller may list.
    pub async fn list(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        query: &Query,
    ) -> Result<RecordPage, DataError> {
        let list =
            async |schema: &Arc<Schema>| self.list_by(schema, project, asker, name, query).await;
        self.steady(project, list).await
    }

    async fn list_by(
        &self,
        schema: &Arc<Schema>,
        project: &Project,
        asker: &Asker,
        name: &str,
        query: &Query,
    ) -> Result<RecordPage, DataError> {
        let collection = schema.collection(name)?;
        let backend = project.db.backend();
        let privileged = asker.privileged();
        // An empty page would say that there is nothing, where in truth nobody may look.
        if !privileged && matches!(collection.rules.list, Rule::Closed) {
            return Err(DataError::Denied);
        }
        let params = (
            query.sort.as_deref(),
            query.filter.as_deref(),
            &query.params,
        );
        let print = cursor::of_query(schema.version, name, asker, params);
        let key = project.cursor_key();
        let open = |cursor: &str| cursor::open(key, &print, cursor);
        let last = query.cursor.as_deref().map(open).transpose();
        let last = last.map_err(Problem::from)?;
        let nulls = last.as_ref().map(|l| l.iter().map(Json::is_null).collect());
        let prepared = prepared(schema, collection, query, privileged, nulls, backend)?;
        let keys = cursor_values(&prepared, last.as_deref())?;
        let limit = query.limit() as usize;
        let params = prepared.params(&query.params);
        let page = asker.with_env(&params, None, None, |env| {
            prepared.page.statement(env, |own| match own {
                Own::Limit => Value::BigInt(Some(i64::from(query.limit()) + 1)),
                Own::Key(i) => keys.get(i).cloned().unwrap_or(Value::String(None)),
                Own::Id | Own::Parents => Value::String(None),
            })
        });
        let page = page.map_err(query::filter_problem)?;
        let later = prepared.clone();
        let alone = !query::reads_more(&prepared.later) && !query.count;
        let (mut docs, more, total) = if alone {
            let mut docs = project.db.docs(page).await?;
            let more = docs.len() > limit;
            docs.truncate(limit);
            (docs, more, None)
        } else {
            let count = asker.with_env(&params, None, None, |env| {
                prepared.count.statement(env, |_| Value::String(None))
            });
            let count = count.map_err(query::filter_problem)?;
            let count = query.count.then_some(count);
            let filling = Filling::new(project, schema, asker, query);
            let job = async move |snapshot: &Snapshot| -> Result<_, DataError> {
                let mut docs = snapshot.docs(page.clone()).await?;
                let more = docs.len() > limit;
                docs.truncate(limit);
                filling.fill(snapshot, &prepared.later, &mut docs).await?;
                let total = match count.clone() {
                    Some(count) => snapshot.docs(count).await?.first().map(|d| d.version),
                    None => None,
                };
                Ok((docs, more, total))
            };
            project.db.snapshot(job).await?
        };
        let next_cursor = match docs.last().filter(|_| more) {
            None => None,
            Some(doc) => {
                let of_last = later.key_of(doc);
                let of_last = of_last.ok_or_else(|| Problem::internal("a record has no key"))?;
                Some(cursor::seal(key, &print, &of_last))
            }
        };
        if !later.later.is_empty() {
            self.with_files(project, &later.later, &mut docs).await?;
        }
        Ok(RecordPage {
            docs,
            next_cursor,
            total,
        })
    }

    /// One record that the caller may view.
    pub async fn get(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        id: &str,
        query: &Query,
    ) -> Result<Doc, DataError> {
        let get =
            async |schema: &Arc<Schema>| self.get_by(schema, project, asker, name, id, query).await;
        self.steady(project, get).await
    }

    async fn get_by(
        &self,
        schema: &Arc<Schema>,
        project: &Project,
        asker: &Asker,
        name: &str,
        id: &str,
        query: &Query,
    ) -> Result<Doc, DataError> {
        let collection = schema.collection(name)?;
        let id = parse_id(id).ok_or(DataError::NoRecord)?;
        let backend = project.db.backend();
        let bind = |plan: &Plan| {
            let statement = asker.with_env(&query.params, None, None, |env| {
                plan.statement(env, |_| Value::Uuid(Some(id)))
            });
            statement.map_err(query::filter_problem)
        };
        if query.fields.is_none() && query.expand.is_empty() {
            let plan = view_plan(collection, asker.privileged(), backend);
            let mut docs = project.db.docs(bind(plan)?).await?;
            return docs.pop().ok_or(DataError::NoRecord);
        }
        let shaped = shaped(schema, collection, query, asker.privileged(), backend)?;
        let statement = bind(&shaped.plan)?;
        let mut docs = if query::reads_more(&shaped.later) {
            let filling = Filling::new(project, schema, asker, query);
            let shaped = shaped.clone();
            let job = async move |snapshot: &Snapshot| -> Result<_, DataError> {
                let mut docs = snapshot.docs(statement.clone()).await?;
                filling.fill(snapshot, &shaped.later, &mut docs).await?;
                Ok(docs)
            };
            project.db.snapshot(job).await?
        } else {
            project.db.docs(statement).await?
        };
        self.with_files(project, &shaped.later, &mut docs).await?;
        docs.pop().ok_or(DataError::NoRecord)
    }

    /// Whether the caller may read the file that this field of this record holds: as it may read the field.
    pub async fn may_read_field(
        &self,
        project: &Project,
        asker: &Asker,
        collection: &str,
        record: Uuid,
        field: &str,
    ) -> Result<bool, DataError> {
        let schema = self.schema(project).await?;
        let Ok(loaded) = schema.collection(collection) else {
            return Ok(false);
        };
        if loaded.column(field, asker.privileged()).is_none() {
            return Ok(false);
        }
        let query = Query {
            fields: Some(vec![field.to_owned()]),
            ..Query::default()
        };
        let id = record.to_string();
        match self.get(project, asker, collection, &id, &query).await {
            Ok(doc) => Ok(super::judge::parse_row(&doc.json)?
                .get(field)
                .is_some_and(|value| !value.is_null())),
            Err(DataError::NoRecord) => Ok(false),
            Err(e) => Err(e),
        }
    }
}

/// Whether a record is not there. If that cannot be found out, it is told as absent: something was.
pub(super) async fn is_absent(project: &Project, schema: &Schema, name: &str, id: Uuid) -> bool {
    let Ok(collection) = schema.collection(name) else {
        return true;
    };
    let plan = view_plan(collection, true, project.db.backend());
    let request = rules::Request::default();
    let env = Env {
        auth: None,
        request: &request,
        now: "",
        params: &Map::new(),
        record: None,
        next: None,
    };
    match plan.statement(&env, |_| Value::Uuid(Some(id))) {
        Ok(statement) => project
            .db
            .docs(statement)
            .await
            .map_or(true, |docs| docs.is_empty()),
        Err(_) => true,
    }
}

/// The page's plans, from the cache or new.
fn prepared(
    schema: &Schema,
    collection: &Loaded,
    query: &Query,
    privileged: bool,
    nulls: Option<Vec<bool>>,
    backend: DbBackend,
) -> Result<Arc<Prepared>, Problem> {
    // The kinds of parameters decide how a filter resolves; their values do not.
    let params: Vec<(&String, u8)> = query
        .params
        .iter()
        .map(|(n, v)| (n, query::kind_of(v)))
        .collect();
    let name = &collection.def.name;
    let has = (query.filter.is_some(), query.sort.is_some());
    let mut key = format!(
        "{name}\n{privileged}{has:?}{nulls:?}{params:?}{:?}\n",
        query.fields
    );
    for part in [&query.filter, &query.sort].into_iter().flatten() {
        // With its length, so that none runs into the next.
        key.push_str(&format!("{}:{part}", part.len()));
    }
    Expand::shape(&query.expand, query::kind_of, &mut key);
    if let Some(found) = schema.pages.get(&key) {
        return Ok(found);
    }
    let made = query::prepare(schema, collection, query, privileged, nulls, backend)?;
    let made = Arc::new(made);
    schema.pages.insert(key, made.clone());
    Ok(made)
}

fn cursor_values(prepared: &Prepared, last: Option<&[Json]>) -> Result<Vec<Value>, Problem> {
    let Some(last) = last else {
        return Ok(Vec::new());
    };
    if last.len() != prepared.keys.len() {
        return Err(Code::CursorMismatch.into());
    }
    let pairs = prepared.keys.iter().zip(last);
    pairs
        .map(|(kind, json)| {
            if json.is_null() {
                Ok(kind.null())
            } else {
                kind.key_value(json).map_err(|_| Code::InvalidCursor.into())
            }
        })
        .collect()
}

/// The statement of a plan for one record, without parameters.
pub(super) fn bound(plan: &Plan, asker: &Asker, id: Uuid) -> Result<Statement, Problem> {
    let statement = asker.with_env(&Map::new(), None, None, |env| {
        plan.statement(env, |_| Value::Uuid(Some(id)))
    });
    statement.map_err(|e| Problem::internal(format!("a statement could not be bound: {e}")))
}

pub(super) fn view_plan(collection: &Loaded, privileged: bool, backend: DbBackend) -> &Plan {
    let [open, ruled] = &collection.view_plans;
    let slot = if privileged { open } else { ruled };
    slot.get_or_init(|| {
        let projection = Projection {
            columns: collection.columns(privileged),
            masked: !privileged,
            expand: Vec::new(),
        };
        let rule = query::view_rule(collection, privileged);
        list::one(collection, rule, &projection, backend, false)
    })
}

/// The plans of one record with `fields` or `expand`, from the cache or new.
fn shaped(
    schema: &Schema,
    collection: &Loaded,
    query: &Query,
    privileged: bool,
    backend: DbBackend,
) -> Result<Arc<Shaped>, Problem> {
    let params: Vec<(&String, u8)> = query
        .params
        .iter()
        .map(|(n, v)| (n, query::kind_of(v)))
        .collect();
    let mut key = format!(
        "{}\n{privileged}{params:?}\n{:?}\n",
        collection.def.name, query.fields
    );
    Expand::shape(&query.expand, query::kind_of, &mut key);
    if let Some(found) = schema.shaped.get(&key) {
        return Ok(found);
    }
    let made = query::prepare_one(schema, collection, query, privileged, backend)?;
    let made = Arc::new(made);
    schema.shaped.insert(key, made.clone());
    Ok(made)
}
