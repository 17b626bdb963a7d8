//! The service: each project's schema in memory, and what every verb needs to ask a rule.

use crate::error::DataError;
use crate::ports::FileRefs;
use crate::rows;
use crate::schema::{Loaded, Rule, Schema};
use crate::sql::plan::Plan;
use gate::{Problem, Project, Who};
use kernel::{Ids, Stamp};
use rules::{Env, Resolved, Row, RowSource, World};
use sea_orm::{DbBackend, Statement};
use serde_json::Map;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use store::{Db, Doc, StoreError, Topic, WriteTx};
use uuid::Uuid;

/// How long a copy of a schema is trusted: another node may have changed it, or a change whose caller went away.
const TRUST: Duration = Duration::from_secs(1);

/// How often a read is done again at most because the schema has changed meanwhile.
const RETRIES_MAX: u32 = 10;

/// Collections and records of all projects. Cheap to clone.
#[derive(Clone)]
pub struct Data {
    inner: Arc<Inner>,
}

struct Inner {
    schemas: RwLock<HashMap<Uuid, Kept>>,
    ids: Ids,
    files: Arc<dyn FileRefs>,
    /// Changes of schemas that this process makes at the moment.
    changing: Arc<AtomicU64>,
    /// Changes of schemas that this process has made.
    changed: AtomicU64,
}

/// A change of a schema under way.
pub(crate) struct Changing(Arc<AtomicU64>);

impl Drop for Changing {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Kept {
    schema: Arc<Schema>,
    /// When its version was last asked for; never, once it is doubted.
    checked: Option<Instant>,
}

/// Who asks, and when: what rules and logs need of a caller.
#[derive(Clone)]
pub struct Asker {
    /// The caller.
    pub who: Who,
    /// The present.
    pub now: Stamp,
    /// What rules read as `request`.
    pub request: Arc<rules::Request>,
    /// Names the request in the audit log.
    pub request_id: String,
    /// Whether the server itself acts: rules do not bind it.
    pub for_server: bool,
    /// In whose name the server acts, for the change log.
    pub actor: Option<String>,
}

impl Asker {
    /// Of a request. `query` is the query string as rules may read it.
    #[must_use]
    pub fn new(
        who: &Who,
        now: Stamp,
        method: &str,
        network: &str,
        query: Map<String, serde_json::Value>,
        request_id: &str,
    ) -> Self {
        let request = rules::Request {
            method: method.to_owned(),
            time: now.to_string(),
            ip_network: Some(network.to_owned()),
            query,
        };
        Self {
            who: who.clone(),
            now,
            request: Arc::new(request),
            request_id: request_id.to_owned(),
            for_server: false,
            actor: None,
        }
    }

    /// The server itself, in the name of `actor`.
    #[must_use]
    pub fn server(actor: Option<String>, now: Stamp) -> Self {
        Self {
            for_server: true,
            actor,
            ..Self::new(&Who::Anonymous, now, "POST", "", Map::new(), "")
        }
    }

    /// The caller's name in the change log.
    #[must_use]
    pub fn actor(&self) -> Option<String> {
        if self.for_server {
            self.actor.clone()
        } else {
            self.who.actor()
        }
    }

    /// Whether rules do not bind the caller.
    #[must_use]
    pub fn privileged(&self) -> bool {
        self.for_server || self.who.passes_rules()
    }

    /// Runs `f` with the environment of a rule.
    pub(crate) fn with_env<T>(
        &self,
        params: &Map<String, serde_json::Value>,
        before: Option<&Row>,
        after: Option<&Row>,
        f: impl FnOnce(&Env<'_>) -> T,
    ) -> T {
        f(&Env {
            auth: self.who.auth(),
            request: &self.request,
            now: &self.request.time,
            params,
            record: before,
            next: after,
        })
    }
}

/// No other rows: what a rule without hops is asked with.
pub(crate) struct Alone;

impl World for Alone {
    fn get(&self, _collection: &str, _id: &str) -> Option<Row> {
        None
    }

    fn rows(&self, _collection: &str) -> Vec<Row> {
        Vec::new()
    }
}

impl Data {
    /// A service with no schema in memory yet.
    #[must_use]
    pub fn new(ids: Ids, files: Arc<dyn FileRefs>) -> Self {
        Self {
            inner: Arc::new(Inner {
                schemas: RwLock::default(),
                ids,
                files,
                changing: Arc::default(),
                changed: AtomicU64::new(0),
            }),
        }
    }

    /// Another node changed the schema of this project, or of all (`None`): it is asked for its version at the next use.
    pub fn doubt(&self, project: Option<Uuid>) {
        let mut schemas = self
            .inner
            .schemas
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for (uid, kept) in schemas.iter_mut() {
            if project.is_none_or(|project| project == *uid) {
                kept.checked = None;
            }
        }
    }

    /// Says that a schema is being changed, until what is given is dropped: copies are trusted less meanwhile.
    pub(crate) fn changing(&self) -> Changing {
        self.inner.changing.fetch_add(1, Ordering::SeqCst);
        Changing(self.inner.changing.clone())
    }

    pub(crate) fn ids(&self) -> Ids {
        self.inner.ids
    }

    pub(crate) fn files(&self) -> &Arc<dyn FileRefs> {
        &self.inner.files
    }

    /// The project's schema, from memory unless it is older than a second and has changed since.
    pub async fn schema(&self, project: &Project) -> Result<Arc<Schema>, Problem> {
        let kept = {
            let schemas = self
                .inner
                .schemas
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            schemas
                .get(&project.uid)
                .map(|k| (k.schema.clone(), k.checked))
        };
        if let Some((schema, checked)) = kept {
            let is_young = checked.is_some_and(|checked| checked.elapsed() < TRUST);
            if is_young && self.inner.changing.load(Ordering::SeqCst) == 0 {
                return Ok(schema);
            }
            if rows::version(&project.db).await? == schema.version {
                self.keep(project, &schema);
                return Ok(schema);
            }
        }
        self.reload(project).await
    }

    /// Reads by one version of the schema. If that has changed meanwhile, what was read may be of two of them, and is
    /// read again; a schema that does not come to rest is told.
    pub(crate) async fn steady<T>(
        &self,
        project: &Project,
        read: impl AsyncFn(&Arc<Schema>) -> Result<T, DataError>,
    ) -> Result<T, DataError> {
        let mut attempt = 0;
        loop {
            let before = self.inner.changed.load(Ordering::SeqCst);
            let schema = self.schema(project).await?;
            let result = read(&schema).await;
            let moves = self.inner.changing.load(Ordering::SeqCst) > 0
                || self.inner.changed.load(Ordering::SeqCst) != before
                // A name that is there no more, on this node or another.
                || matches!(result, Err(DataError::Store(StoreError::Db(_))));
            if !moves || rows::version(&project.db).await? == schema.version {
                return result;
            }
            if attempt == RETRIES_MAX {
                return Err(DataError::SchemaChanged);
            }
            attempt += 1;
            self.reload(project).await?;
        }
    }

    /// The schema for a statement within a write, which may wait for nothing but its transaction: the copy in memory,
    /// however old, or else as the transaction reads it.
    pub(crate) async fn schema_within(
        &self,
        project: &Project,
        tx: &WriteTx,
    ) -> Result<Arc<Schema>, Problem> {
        let kept = {
            let schemas = self.inner.schemas.read();
            let schemas = schemas.unwrap_or_else(PoisonError::into_inner);
            schemas.get(&project.uid).map(|k| k.schema.clone())
        };
        if let Some(schema) = kept {
            return Ok(schema);
        }
        let (version, collections) = rows::load(tx).await?;
        Ok(Arc::new(Schema::load(version, collections)))
    }

    /// Reads the schema anew.
    async fn reload(&self, project: &Project) -> Result<Arc<Schema>, Problem> {
        let (version, collections) = rows::load(&project.db).await?;
        let schema = Arc::new(Schema::load(version, collections));
        self.keep(project, &schema);
        self.inner.changed.fetch_add(1, Ordering::SeqCst);
        Ok(schema)
    }

    /// Reads the schema anew after a change of ours, and tells the other nodes.
    pub(crate) async fn renew(&self, project: &Project) -> Result<(), Problem> {
        project.announce(Topic::Schema);
        self.reload(project).await.map(drop)
    }

    fn keep(&self, project: &Project, schema: &Arc<Schema>) {
        let mut schemas = self
            .inner
            .schemas
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let older = schemas
            .get(&project.uid)
            .is_some_and(|k| k.schema.version > schema.version);
        // A slow reader must not put back what a faster one has replaced.
        if !older {
            schemas.insert(
                project.uid,
                Kept {
                    schema: schema.clone(),
                    checked: Some(Instant::now()),
                },
            );
        }
    }
}

/// How a rule over given rows is answered.
enum Asked {
    /// By the rows alone.
    Known(bool),
    /// By the database.
    By(Statement),
}

fn ask(
    rule: &Rule,
    asker: &Asker,
    backend: DbBackend,
    before: &Row,
    after: Option<&Row>,
) -> Result<Asked, DataError> {
    let rule = match rule {
        _ if asker.privileged() => return Ok(Asked::Known(true)),
        Rule::Closed => return Ok(Asked::Known(false)),
        Rule::Open => return Ok(Asked::Known(true)),
        Rule::When(rule) => rule,
    };
    let params = Map::new();
    if !rule.resolved.needs_sql() {
        let truth = asker.with_env(&params, Some(before), after, |env| {
            rule.resolved.eval(env, &Alone)
        });
        return Ok(Asked::Known(truth.allows()));
    }
    let plan = rule.given.get_or_init(|| given(&rule.resolved, backend));
    let statement = asker.with_env(&params, Some(before), after, |env| {
        plan.statement(env, |_| sea_orm::Value::String(None))
    });
    let statement =
        statement.map_err(|e| Problem::internal(format!("a rule could not be bound: {e}")))?;
    Ok(Asked::By(statement))
}

fn is_yes(docs: &[Doc]) -> bool {
    docs.first().is_some_and(|doc| doc.version == 1)
}

/// Whether `rule` allows, asked inside the write's transaction. `before` is what bare names and `record` mean.
pub(crate) async fn allows(
    rule: &Rule,
    asker: &Asker,
    tx: &WriteTx,
    before: &Row,
    after: Option<&Row>,
) -> Result<bool, DataError> {
    match ask(rule, asker, tx.backend(), before, after)? {
        Asked::Known(answer) => Ok(answer),
        Asked::By(statement) => Ok(is_yes(&tx.docs(statement).await?)),
    }
}

/// Whether `rule` would allow a record, or a change of one, asked outside of a write.
pub(crate) async fn allows_outside(
    rule: &Rule,
    asker: &Asker,
    db: &Db,
    before: &Row,
    after: &Row,
) -> Result<bool, DataError> {
    match ask(rule, asker, db.backend(), before, Some(after))? {
        Asked::Known(answer) => Ok(answer),
        Asked::By(statement) => Ok(is_yes(&db.docs(statement).await?)),
    }
}

/// A rule over rows that are given, not read: the columns (text, key, 1 or 0).
fn given(rule: &Resolved, backend: DbBackend) -> Plan {
    let truth = rule
        .to_sql(backend, RowSource::Given, RowSource::Given)
        .truth;
    crate::sql::list::truth_of(truth, backend)
}

/// Whether the caller may view a record that is given whole.
pub(crate) async fn visible(
    collection: &Loaded,
    asker: &Asker,
    tx: &WriteTx,
    row: &Row,
) -> Result<bool, DataError> {
    allows(&collection.rules.view, asker, tx, row, Some(row)).await
}

/// The record without what is kept from the caller. The values stay as the database wrote them.
pub(crate) async fn shown(
    collection: &Loaded,
    asker: &Asker,
    tx: &WriteTx,
    json: &str,
    row: &Row,
) -> Result<String, DataError> {
    let values: HashMap<&str, &RawValue> = serde_json::from_str(json)
        .map_err(|e| Problem::internal(format!("a stored record is no JSON: {e}")))?;
    let mut out = String::with_capacity(json.len());
    for column in collection.columns(asker.privileged()) {
        let Some(value) = values.get(column.name.as_str()) else {
            continue;
        };
        let masked = match &column.mask {
            Some(mask) => {
                let rule = Rule::When(mask.clone());
                !allows(&rule, asker, tx, row, Some(row)).await?
            }
            None => false,
        };
        out.push(if out.is_empty() { '{' } else { ',' });
        // A name follows the grammar of names: nothing in it needs escaping.
        out.push('"');
        out.push_str(&column.name);
        out.push_str("\":");
        out.push_str(if masked { "null" } else { value.get() });
    }
    out.push('}');
    Ok(out)
}
