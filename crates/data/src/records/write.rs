//! Creating, merging and deleting one record: the rule, the row, the change log and the kept answer in one transaction.

use super::WriteOptions;
use super::judge::{
    answer, brief, demand, demand_version, explain, is_conflict, parse_row, refusal,
};
use super::values::{changed_values, links, merged, new_values, row_of};
use crate::error::DataError;
use crate::schema::{Loaded, Rule};
use crate::service::{Asker, Data, allows, allows_outside};
use crate::sql::projection::Projection;
use crate::sql::{list, write};
use gate::{Problem, Project};
use kernel::parse_id;
use rules::Row;
use sea_orm::Value;
use serde_json::{Map, Value as Json};
use store::{Action, Answer, ChangeIn, Claim, StoreError, WriteTx};
use uuid::Uuid;

impl Data {
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
        let columns = collection.columns(true);
        let links = links(
            &collection,
            columns.iter().map(|c| c.name.as_str()).zip(&values),
        );
        // Nothing asks about the row of a caller who passes rules.
        let row = if asker.privileged() {
            Row::new()
        } else {
            row_of(&collection, &values)
        };
        let context = (collection.clone(), asker.clone(), row.clone());
        let result = project
            .db
            .write(async move |tx: &WriteTx| -> Result<Answer, DataError> {
                let (collection, asker, row) = &context;
                if let Some(answer) = replay(tx, asker, options.claim.as_ref()).await? {
                    return Ok(answer);
                }
                let rule = &collection.rules.create;
                // What the row alone decides comes first: who is refused learns of no conflict with other records.
                if !rule.needs_sql() && !allows(rule, asker, tx, row, Some(row)).await? {
                    return Err(DataError::Denied);
                }
                let statement = write::insert(collection, values.clone(), backend);
                let doc = tx.docs(statement).await?.pop().ok_or(DataError::NoRecord)?;
                if rule.needs_sql() && !allows(rule, asker, tx, row, Some(row)).await? {
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
                let answer = answer(tx, asker, collection, doc, row, 201).await?;
                keep(tx, asker, options.claim.as_ref(), &answer).await?;
                Ok(answer)
            })
            .await;
        let error = match result {
            Err(error) => error,
            done => return done,
        };
        let rule = &collection.rules.create;
        // The conflict kept the rule from being asked: who would have been refused is refused still.
        if rule.needs_sql()
            && is_conflict(&error)
            && !allows_outside(rule, asker, &project.db, &row, &row).await?
        {
            return Err(DataError::Denied);
        }
        Err(explain(project, &schema, &collection, asker, error, &links).await)
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
        let links = links(&collection, set.iter().map(|(n, v)| (n.as_str(), v)));
        let context = (collection.clone(), asker.clone());
        let result = project
            .db
            .write(async move |tx: &WriteTx| -> Result<Answer, DataError> {
                let (collection, asker) = &context;
                if let Some(answer) = replay(tx, asker, options.claim.as_ref()).await? {
                    return Ok(answer);
                }
                let (version, before) = locked(tx, asker, collection, id).await?;
                let wanted = options.if_match.as_ref();
                demand_version(wanted, version, asker, tx, collection, &before).await?;
                let after = merged(&before, &set, version, asker.now);
                demand_change(tx, asker, collection, &before, &after).await?;
                let mut changes = set.clone();
                let now = Value::TimeDateTimeWithTimeZone(Some(asker.now.time()));
                changes.push(("updated_at".to_owned(), now));
                let statement = write::update(collection, id, changes, tx.backend());
                let doc = tx.docs(statement).await?.pop().ok_or(DataError::NoRecord)?;
                let rule = &collection.rules.update;
                // Other rows that the rule looks at may have been this one.
                if rule.needs_sql() && !allows_change(tx, asker, rule, &before, &after).await? {
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
            Err(error) => Err(explain(project, &schema, &collection, asker, error, &links).await),
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
                let wanted = options.if_match.as_ref();
                demand_version(wanted, version, &asker, tx, &collection, &before).await?;
                demand(&collection.rules.delete, &asker, tx, &collection, &before).await?;
                let statement = write::delete(&collection, id, tx.backend());
                tx.docs(statement).await.map_err(|e| match e {
                    StoreError::ForeignKey(_) => DataError::Referenced,
                    e => e.into(),
                })?;
                let none = "[]".to_owned();
                log(
                    tx,
                    &asker,
                    &collection,
                    id,
                    Action::Delete,
                    none,
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
}

/// The whole record for a write, locked where the engine locks rows. The row is empty where nobody will ask about it.
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
    let asked = !asker.privileged() || !collection.witness.is_empty();
    let row = if asked {
        parse_row(&doc.json)?
    } else {
        Row::new()
    };
    Ok((doc.version, row))
}

/// Whether the update rule is true of a change. One that names the row after is asked once, with both rows; any other
/// must hold of each by itself.
async fn allows_change(
    tx: &WriteTx,
    asker: &Asker,
    rule: &Rule,
    before: &Row,
    after: &Row,
) -> Result<bool, DataError> {
    if rule.names_next() {
        allows(rule, asker, tx, before, Some(after)).await
    } else {
        allows(rule, asker, tx, after, Some(after)).await
    }
}

/// Denies a change that the update rule does not allow, before it could show what stands in its way.
async fn demand_change(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    before: &Row,
    after: &Row,
) -> Result<(), DataError> {
    let rule = &collection.rules.update;
    if !rule.names_next() {
        demand(rule, asker, tx, collection, before).await?;
    }
    // Who may change the record as it is may learn of conflicts: then a rule over other rows is asked once, afterwards.
    let later = rule.needs_sql() && !rule.names_next();
    if later || allows_change(tx, asker, rule, before, after).await? {
        return Ok(());
    }
    Err(if rule.names_next() {
        refusal(asker, tx, collection, before).await?
    } else {
        DataError::Denied
    })
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

/// Keeps an answer for retries with the same idempotency key.
pub(crate) async fn keep(
    tx: &WriteTx,
    asker: &Asker,
    claim: Option<&Claim>,
    answer: &Answer,
) -> Result<(), DataError> {
    let Some(claim) = claim else { return Ok(()) };
    let mut kept = answer.clone();
    let long = |b: &String| b.len() > store::IDEMPOTENCY_BODY_MAX;
    if let Some(body) = kept.body.as_ref().filter(|b| long(b)) {
        // The record is there to be read; its id and version tell which it is.
        kept.body = Some(brief(&parse_row(body)?));
    }
    tx.keep_answer(claim, &kept, asker.now).await?;
    Ok(())
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
            let names = collection.witness.iter();
            let old = names.filter_map(|n| Some((n.clone(), before.get(n)?.clone())));
            Json::Object(old.collect()).to_string()
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
