//! Pages of records, and one record, as their rules show them.

use super::RecordPage;
use crate::cursor;
use crate::error::DataError;
use crate::query::{self, Prepared, Query};
use crate::schema::{Loaded, Rule, Schema};
use crate::service::{Asker, Data};
use crate::sql::list;
use crate::sql::plan::{Own, Plan};
use crate::sql::projection::Projection;
use gate::{Problem, Project};
use kernel::{Code, parse_id};
use rules::Env;
use sea_orm::{DbBackend, Value};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use store::Doc;
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
        let schema = self.schema(project).await?;
        let collection = schema.collection(name)?;
        let backend = project.db.backend();
        let privileged = asker.privileged();
        // An empty page would say that there is nothing, where in truth nobody may look.
        if !privileged && matches!(collection.rules.list, Rule::Closed) {
            return Err(DataError::Denied);
        }
        let print = fingerprint(&schema, name, asker, query);
        let key = project.derive_key("cursor");
        let open = |cursor: &str| cursor::open(&key, &print, cursor);
        let last = query.cursor.as_deref().map(open).transpose();
        let last = last.map_err(Problem::from)?;
        let nulls = last.as_ref().map(|l| l.iter().map(Json::is_null).collect());
        let prepared = prepared(&schema, collection, query, privileged, nulls, backend)?;
        let keys = cursor_values(&prepared, last.as_deref())?;
        let limit = query.limit();
        let params = prepared.params(&query.params);
        let page = asker.with_env(&params, None, None, |env| {
            prepared.page.statement(env, |own| match own {
                Own::Limit => Value::BigInt(Some(i64::from(limit) + 1)),
                Own::Key(i) => keys.get(i).cloned().unwrap_or(Value::String(None)),
                Own::Id => Value::String(None),
            })
        });
        let page = page.map_err(query::filter_problem)?;
        let mut docs = project.db.docs(page).await?;
        let more = docs.len() > limit as usize;
        docs.truncate(limit as usize);
        let key_of_last = docs.last().filter(|_| more).and_then(|d| d.key.as_deref());
        let next_cursor = key_of_last.map(|k| cursor::seal(&key, &print, k));
        let total = if query.count {
            let count = asker.with_env(&params, None, None, |env| {
                prepared.count.statement(env, |_| Value::String(None))
            });
            let count = count.map_err(query::filter_problem)?;
            project.db.docs(count).await?.first().map(|d| d.version)
        } else {
            None
        };
        let expand = query.expand.as_deref();
        self.with_files(project, collection, expand, &mut docs)
            .await?;
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
        let schema = self.schema(project).await?;
        let collection = schema.collection(name)?;
        let id = parse_id(id).ok_or(DataError::NoRecord)?;
        let backend = project.db.backend();
        let kept;
        let plan = if query.fields.is_none() && query.expand.is_none() {
            view_plan(collection, asker.privileged(), backend)
        } else {
            kept = shaped_plan(&schema, collection, query, asker.privileged(), backend)?;
            &kept
        };
        let statement = asker.with_env(&query.params, None, None, |env| {
            plan.statement(env, |_| Value::Uuid(Some(id)))
        });
        let statement = statement.map_err(query::filter_problem)?;
        let mut docs = project.db.docs(statement).await?;
        let expand = query.expand.as_deref();
        self.with_files(project, collection, expand, &mut docs)
            .await?;
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
            fields: Some(field.to_owned()),
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

/// Everything that a cursor of this query depends on.
fn fingerprint(schema: &Schema, name: &str, asker: &Asker, query: &Query) -> String {
    let values = serde_json::to_string(&query.params).unwrap_or_default();
    let caller = asker.who.actor().unwrap_or_default();
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    cursor::fingerprint(&[
        &schema.version.to_string(),
        name,
        &text(&query.sort),
        &text(&query.filter),
        &values,
        &caller,
    ])
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
    let key = format!(
        "{}\n{privileged}{nulls:?}{params:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        collection.def.name, query.filter, query.sort, query.fields, query.expand
    );
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

fn view_plan(collection: &Loaded, privileged: bool, backend: DbBackend) -> &Plan {
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

/// The plan of one record with `fields` or `expand`, from the cache or new.
fn shaped_plan(
    schema: &Schema,
    collection: &Loaded,
    query: &Query,
    privileged: bool,
    backend: DbBackend,
) -> Result<Arc<Plan>, Problem> {
    let key = format!(
        "{}\n{privileged}\n{:?}\n{:?}",
        collection.def.name, query.fields, query.expand
    );
    if let Some(found) = schema.shaped.get(&key) {
        return Ok(found);
    }
    let made = query::prepare_one(schema, collection, query, privileged, backend)?;
    let made = Arc::new(made);
    schema.shaped.insert(key, made.clone());
    Ok(made)
}
