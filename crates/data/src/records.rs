//! The records' verbs: list, get, create, merge, delete. Rules are asked in the write's own transaction.

use crate::cursor;
use crate::error::DataError;
use crate::fields::Type;
use crate::query::{self, Prepared, Query};
use crate::schema::{Column, Loaded, Schema};
use crate::service::{Asker, Data, allows, shown, visible};
use crate::sql::plan::{Own, Plan};
use crate::sql::projection::Projection;
use crate::sql::{ddl, list, write};
use gate::{Problem, Project};
use kernel::{Code, FieldError, parse_id};
use rules::{Env, Row};
use sea_orm::{DbBackend, Statement, Value};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use store::{Action, Answer, ChangeIn, Claim, Doc, StoreError, WriteTx};
use uuid::Uuid;

/// A page, ready to be sent.
pub struct RecordPage {
    /// The records.
    pub docs: Vec<Doc>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// All records that match, if that was asked for.
    pub total: Option<i64>,
}

/// What `If-Match` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// Any version, as long as the record is there.
    Any,
    /// One of these versions.
    Versions(Vec<i64>),
}

/// How a write is to be done.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// The condition on the record's version.
    pub if_match: Option<IfMatch>,
    /// The idempotency key with the hash of the request.
    pub claim: Option<Claim>,
}

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
        let values = serde_json::to_string(&query.params).unwrap_or_default();
        let caller = asker.who.actor().unwrap_or_default();
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        let print = cursor::fingerprint(&[
            &schema.version.to_string(),
            name,
            &text(&query.sort),
            &text(&query.filter),
            &values,
            &caller,
        ]);
        let key = project.derive_key("cursor");
        let last = query
            .cursor
            .as_deref()
            .map(|c| cursor::open(&key, &print, c))
            .transpose()
            .map_err(Problem::from)?;
        let nulls = last
            .as_ref()
            .map(|l| l.iter().map(Json::is_null).collect::<Vec<bool>>());
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
        let mut docs = project
            .db
            .docs(page.map_err(query::filter_problem)?)
            .await?;
        let more = docs.len() > limit as usize;
        docs.truncate(limit as usize);
        let next_cursor = docs
            .last()
            .filter(|_| more)
            .and_then(|d| d.key.as_deref())
            .map(|k| cursor::seal(&key, &print, k));
        let total = if query.count {
            let count = asker.with_env(&params, None, None, |env| {
                prepared.count.statement(env, |_| Value::String(None))
            });
            project
                .db
                .docs(count.map_err(query::filter_problem)?)
                .await?
                .first()
                .map(|d| d.version)
        } else {
            None
        };
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
        let own;
        let plan = if query.fields.is_none() && query.expand.is_none() {
            view_plan(collection, asker.privileged(), backend)
        } else {
            own = query::prepare_one(&schema, collection, query, asker.privileged(), backend)?;
            &own
        };
        let statement = asker.with_env(&query.params, None, None, |env| {
            plan.statement(env, |_| Value::Uuid(Some(id)))
        });
        let mut docs = project
            .db
            .docs(statement.map_err(query::filter_problem)?)
            .await?;
        docs.pop().ok_or(DataError::NoRecord)
    }

    /// Makes a record.
    pub async fn create(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        object: Map<String, Json>,
        options: WriteOptions,
    ) -> Result<Answer, DataError> {
        let schema = self.schema(project).await?;
        let collection = schema.collection(name)?.clone();
        let backend = project.db.backend();
        let (id, values) = new_values(&collection, object, asker, self.ids().new_id())?;
        let relations = relations(
            &collection,
            collection
                .columns(true)
                .iter()
                .map(|c| c.name.as_str())
                .zip(&values),
        );
        let context = (collection.clone(), asker.clone());
        let result = project
            .db
            .write(async move |tx: &WriteTx| -> Result<Answer, DataError> {
                let (collection, asker) = &context;
                if let Some(answer) = replay(tx, asker, options.claim.as_ref()).await? {
                    return Ok(answer);
                }
                let statement = Statement::from_sql_and_values(
                    backend,
                    collection.insert_text(backend),
                    values.clone(),
                );
                let doc = tx.docs(statement).await?.pop().ok_or(DataError::NoRecord)?;
                // Nothing asks about the row of a caller who passes rules.
                let row = if asker.privileged() {
                    Row::new()
                } else {
                    parse_row(&doc.json)?
                };
                if !allows(&collection.rules.create, asker, tx, &row, Some(&row)).await? {
                    return Err(DataError::Denied);
                }
                log(
                    tx,
                    asker,
                    collection,
                    id,
                    Action::Create,
                    "[]".to_owned(),
                    None,
                )
                .await?;
                let answer = answer(tx, asker, collection, doc, &row, 201).await?;
                keep(tx, asker, options.claim.as_ref(), &answer).await?;
                Ok(answer)
            })
            .await;
        match result {
            Err(error) => Err(self
                .explain(project, &schema, &collection, error, &relations)
                .await),
            done => done,
        }
    }

    /// Changes the fields that are named in `object`, and no others.
    pub async fn merge(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        id: &str,
        object: Map<String, Json>,
        options: WriteOptions,
    ) -> Result<Answer, DataError> {
        let schema = self.schema(project).await?;
        let collection = schema.collection(name)?.clone();
        let id = parse_id(id).ok_or(DataError::NoRecord)?;
        let set = changed_values(&collection, object, asker)?;
        let relations = relations(&collection, set.iter().map(|(n, v)| (n.as_str(), v)));
        let context = (collection.clone(), asker.clone());
        let result = project
            .db
            .write(async move |tx: &WriteTx| -> Result<Answer, DataError> {
                let (collection, asker) = &context;
                if let Some(answer) = replay(tx, asker, options.claim.as_ref()).await? {
                    return Ok(answer);
                }
                let (version, before) = locked(tx, asker, collection, id).await?;
                check_version(options.if_match.as_ref(), version)?;
                let rule = &collection.rules.update;
                // A rule that names the row after is asked once, with both; else it must hold of each by itself.
                let both = matches!(rule, crate::schema::Rule::When(r) if r.names_next());
                if !both {
                    demand(rule, asker, tx, collection, &before, None).await?;
                }
                let mut changes = set.clone();
                changes.push((
                    "updated_at".to_owned(),
                    Value::TimeDateTimeWithTimeZone(Some(asker.now.time())),
                ));
                let doc = tx
                    .docs(write::update(collection, id, changes, tx.backend()))
                    .await?
                    .pop()
                    .ok_or(DataError::NoRecord)?;
                let after = parse_row(&doc.json)?;
                if both {
                    demand(rule, asker, tx, collection, &before, Some(&after)).await?;
                } else if !allows(rule, asker, tx, &after, Some(&after)).await? {
                    return Err(DataError::Denied);
                }
                let fields: Vec<&str> = set.iter().map(|(n, _)| n.as_str()).collect();
                let fields = serde_json::to_string(&fields).unwrap_or_default();
                log(
                    tx,
                    asker,
                    collection,
                    id,
                    Action::Update,
                    fields,
                    Some(&before),
                )
                .await?;
                let answer = answer(tx, asker, collection, doc, &after, 200).await?;
                keep(tx, asker, options.claim.as_ref(), &answer).await?;
                Ok(answer)
            })
            .await;
        match result {
            Err(error) => Err(self
                .explain(project, &schema, &collection, error, &relations)
                .await),
            done => done,
        }
    }

    /// Removes a record.
    pub async fn delete(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        id: &str,
        options: WriteOptions,
    ) -> Result<Answer, DataError> {
        let schema = self.schema(project).await?;
        let collection = schema.collection(name)?.clone();
        let id = parse_id(id).ok_or(DataError::NoRecord)?;
        let asker = asker.clone();
        project
            .db
            .write(async move |tx: &WriteTx| -> Result<Answer, DataError> {
                if let Some(answer) = replay(tx, &asker, options.claim.as_ref()).await? {
                    return Ok(answer);
                }
                let (version, before) = locked(tx, &asker, &collection, id).await?;
                check_version(options.if_match.as_ref(), version)?;
                demand(
                    &collection.rules.delete,
                    &asker,
                    tx,
                    &collection,
                    &before,
                    None,
                )
                .await?;
                tx.docs(write::delete(&collection, id, tx.backend()))
                    .await
                    .map_err(|e| match e {
                        StoreError::ForeignKey(_) => DataError::Referenced,
                        e => e.into(),
                    })?;
                log(
                    tx,
                    &asker,
                    &collection,
                    id,
                    Action::Delete,
                    "[]".to_owned(),
                    Some(&before),
                )
                .await?;
                let answer = Answer {
                    status: 204,
                    etag: None,
                    body: None,
                };
                keep(tx, &asker, options.claim.as_ref(), &answer).await?;
                Ok(answer)
            })
            .await
    }

    /// Turns an engine's constraint into the fields that people know. Only failures pay for the look.
    async fn explain(
        &self,
        project: &Project,
        schema: &Schema,
        collection: &Loaded,
        error: DataError,
        relations: &[(String, String, Uuid)],
    ) -> DataError {
        match error {
            DataError::Store(StoreError::Unique(reported)) => {
                let fields = ddl::unique_fields(&collection.def, &reported);
                if fields == ["id"] {
                    DataError::IdTaken
                } else {
                    DataError::Duplicate(fields)
                }
            }
            DataError::Store(StoreError::ForeignKey(_)) => {
                let mut errors = Vec::new();
                for (field, target, id) in relations {
                    if is_absent(project, schema, target, *id).await {
                        errors.push(FieldError::at(
                            field,
                            "unknown_record",
                            "There is no such record.",
                        ));
                    }
                }
                DataError::invalid(errors)
            }
            DataError::Store(StoreError::Constraint(_)) => {
                DataError::invalid(vec![FieldError::at(
                    "",
                    "constraint",
                    "A constraint of the collection does not hold.",
                )])
            }
            error => error,
        }
    }
}

/// The relations that a write sets: field, collection, id.
fn relations<'a>(
    collection: &Loaded,
    values: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Vec<(String, String, Uuid)> {
    let relation = |(name, value): (&str, &Value)| match (&collection.def.field(name)?.kind, value)
    {
        (Type::Relation(r), Value::Uuid(Some(id))) => {
            Some((name.to_owned(), r.collection.clone(), *id))
        }
        _ => None,
    };
    values.filter_map(relation).collect()
}

/// Whether a record is not there. If that cannot be found out, it is told as absent: something was.
async fn is_absent(project: &Project, schema: &Schema, name: &str, id: Uuid) -> bool {
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
    let params: Vec<(&String, u8)> = query.params.iter().map(|(n, v)| (n, kind_of(v))).collect();
    let key = format!(
        "{}\n{privileged}{nulls:?}{params:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        collection.def.name, query.filter, query.sort, query.fields, query.expand
    );
    if let Some(found) = schema.pages.get(&key) {
        return Ok(found);
    }
    let made = Arc::new(query::prepare(
        schema, collection, query, privileged, nulls, backend,
    )?);
    schema.pages.insert(key, made.clone());
    Ok(made)
}

fn kind_of(value: &Json) -> u8 {
    match value {
        Json::Null => 0,
        Json::Bool(_) => 1,
        Json::Number(n) if n.is_f64() => 2,
        Json::Number(_) => 3,
        Json::String(_) => 4,
        Json::Array(_) => 5,
        Json::Object(_) => 6,
    }
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
        list::one(
            collection,
            query::view_rule(collection, privileged),
            &projection,
            backend,
            false,
        )
    })
}

/// The whole record for a write, locked where the engine locks rows, or "no such record" if it may not be seen.
async fn locked(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    id: Uuid,
) -> Result<(i64, Row), DataError> {
    let backend = tx.backend();
    let plan = collection.lock_plan.get_or_init(|| {
        let projection = Projection {
            columns: collection.columns(true),
            masked: false,
            expand: Vec::new(),
        };
        list::one(collection, None, &projection, backend, true)
    });
    let statement = asker.with_env(&Map::new(), None, None, |env| {
        plan.statement(env, |_| Value::Uuid(Some(id)))
    });
    let statement =
        statement.map_err(|e| Problem::internal(format!("a statement could not be bound: {e}")))?;
    let doc = tx.docs(statement).await?.pop().ok_or(DataError::NoRecord)?;
    Ok((doc.version, parse_row(&doc.json)?))
}

/// Denies with 403 if the caller may see the record, else as if there were none.
async fn demand(
    rule: &crate::schema::Rule,
    asker: &Asker,
    tx: &WriteTx,
    collection: &Loaded,
    before: &Row,
    after: Option<&Row>,
) -> Result<(), DataError> {
    if allows(rule, asker, tx, before, after.or(Some(before))).await? {
        return Ok(());
    }
    Err(if visible(collection, asker, tx, before).await? {
        DataError::Denied
    } else {
        DataError::NoRecord
    })
}

fn check_version(wanted: Option<&IfMatch>, version: i64) -> Result<(), DataError> {
    match wanted {
        Some(IfMatch::Versions(versions)) if !versions.contains(&version) => {
            Err(DataError::OtherVersion)
        }
        _ => Ok(()),
    }
}

fn parse_row(json: &str) -> Result<Row, DataError> {
    serde_json::from_str(json)
        .map_err(|e| Problem::internal(format!("a stored record is no JSON: {e}")).into())
}

/// The values of a new record in the order of the columns, with all faults at once.
fn new_values(
    collection: &Loaded,
    mut object: Map<String, Json>,
    asker: &Asker,
    fresh: Uuid,
) -> Result<(Uuid, Vec<Value>), DataError> {
    let mut errors = Vec::new();
    let id = match object.shift_remove("id") {
        None => fresh,
        Some(json) => json.as_str().and_then(parse_id).unwrap_or_else(|| {
            errors.push(FieldError::at(
                "id",
                "not_an_id",
                "This must be a UUID, and neither nil nor max.",
            ));
            fresh
        }),
    };
    check_names(collection, &object, asker)?;
    let time = Value::TimeDateTimeWithTimeZone(Some(asker.now.time()));
    let mut values = Vec::new();
    for column in collection.columns(true) {
        let value = match column.name.as_str() {
            "id" => Value::Uuid(Some(id)),
            "created_at" | "updated_at" => time.clone(),
            "_version" => Value::BigInt(Some(1)),
            name => match object.shift_remove(name) {
                Some(json) => value_of(column, &json, &mut errors),
                None => absent(collection, column, &mut errors),
            },
        };
        values.push(value);
    }
    if errors.is_empty() {
        Ok((id, values))
    } else {
        Err(DataError::invalid(errors))
    }
}

pub(crate) fn absent(collection: &Loaded, column: &Column, errors: &mut Vec<FieldError>) -> Value {
    let value = collection
        .def
        .field(&column.name)
        .map_or_else(|| column.kind.null(), crate::model::Field::default_value);
    if !column.nullable && value == column.kind.null() {
        errors.push(FieldError::at(
            &column.name,
            "required",
            "This is required.",
        ));
    }
    value
}

pub(crate) fn value_of(column: &Column, json: &Json, errors: &mut Vec<FieldError>) -> Value {
    if json.is_null() {
        if !column.nullable {
            errors.push(FieldError::at(
                &column.name,
                "required",
                "This must not be null.",
            ));
        }
        return column.kind.null();
    }
    column.kind.value(json).unwrap_or_else(|(code, message)| {
        errors.push(FieldError::at(&column.name, code, message));
        column.kind.null()
    })
}

/// The columns that a merge sets, with all faults at once.
fn changed_values(
    collection: &Loaded,
    object: Map<String, Json>,
    asker: &Asker,
) -> Result<Vec<(String, Value)>, DataError> {
    check_names(collection, &object, asker)?;
    let mut errors = Vec::new();
    let mut set = Vec::new();
    for (name, json) in object {
        if let Some(column) = collection.column(&name, true) {
            set.push((name, value_of(column, &json, &mut errors)));
        }
    }
    if errors.is_empty() {
        Ok(set)
    } else {
        Err(DataError::invalid(errors))
    }
}

/// Refuses, all at once, names that do not exist for the caller and names that cannot be written.
fn check_names(
    collection: &Loaded,
    object: &Map<String, Json>,
    asker: &Asker,
) -> Result<(), DataError> {
    let mut errors = Vec::new();
    let mut code = Code::ReadonlyField;
    for name in object.keys() {
        match collection.column(name, asker.privileged()) {
            None => {
                code = Code::UnknownField;
                errors.push(FieldError::at(
                    name,
                    "unknown_field",
                    "There is no such field.",
                ));
            }
            Some(column) if !column.writable => errors.push(FieldError::at(
                name,
                "readonly_field",
                "This cannot be written.",
            )),
            Some(_) => {}
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::new(code).errors(errors).into())
    }
}

/// The earlier answer to the same idempotency key, if there is one.
pub(crate) async fn replay(
    tx: &WriteTx,
    asker: &Asker,
    claim: Option<&Claim>,
) -> Result<Option<Answer>, DataError> {
    let Some(claim) = claim else { return Ok(None) };
    match tx.idempotent(claim, asker.now).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(())) => Err(DataError::OtherRequest),
        Err(StoreError::Busy(_)) => Err(DataError::InFlight),
        Err(e) => Err(e.into()),
    }
}

pub(crate) async fn keep(
    tx: &WriteTx,
    asker: &Asker,
    claim: Option<&Claim>,
    answer: &Answer,
) -> Result<(), DataError> {
    let Some(claim) = claim else { return Ok(()) };
    let mut kept = answer.clone();
    if kept
        .body
        .as_ref()
        .is_some_and(|b| b.len() > store::IDEMPOTENCY_BODY_MAX)
    {
        // The record is there to be read; its id and version tell which it is.
        let row = kept
            .body
            .as_deref()
            .map(parse_row)
            .transpose()?
            .unwrap_or_default();
        kept.body = Some(brief(&row));
    }
    tx.keep_answer(claim, &kept, asker.now).await?;
    Ok(())
}

fn brief(row: &Row) -> String {
    let part: Map<String, Json> = ["id", "_version"]
        .iter()
        .filter_map(|n| Some(((*n).to_owned(), row.get(*n)?.clone())))
        .collect();
    Json::Object(part).to_string()
}

/// What the caller is told of the record it wrote.
async fn answer(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    doc: Doc,
    row: &Row,
    status: u16,
) -> Result<Answer, DataError> {
    let etag = Some(format!("\"{}\"", doc.version));
    let body = if asker.privileged() {
        doc.json
    } else if !visible(collection, asker, tx, row).await? {
        brief(row)
    } else if collection.private {
        Json::Object(shown(collection, asker, row)).to_string()
    } else {
        doc.json
    };
    Ok(Answer {
        status,
        etag,
        body: Some(body),
    })
}

async fn log(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    id: Uuid,
    action: Action,
    fields: String,
    before: Option<&Row>,
) -> Result<(), DataError> {
    let witness = before
        .filter(|_| !collection.witness.is_empty())
        .map(|before| {
            let old: Map<String, Json> = collection
                .witness
                .iter()
                .filter_map(|n| Some((n.clone(), before.get(n)?.clone())))
                .collect();
            Json::Object(old).to_string()
        });
    let change = ChangeIn {
        collection: collection.def.name.clone(),
        record: id.to_string(),
        action,
        fields,
        actor: asker.who.actor(),
        witness,
        before: None,
        after: None,
        at: asker.now,
    };
    tx.log_change(change).await?;
    Ok(())
}
