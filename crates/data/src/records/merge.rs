//! Changing a record within an open transaction.

use super::IfMatch;
use super::fields::{self, Written};
use super::holds;
use super::joined;
use super::judge::{Done, demand, demand_version, done, parse_row, refusal};
use super::read::bound;
use super::scene::{Scene, log};
use super::values::{Link, WRITTEN_ONCE, Writing, changed_values, links, merged};
use crate::error::DataError;
use crate::fields::{Type, many};
use crate::rows;
use crate::schema::{Loaded, Rule};
use crate::service::{Asker, allows};
use crate::sql::projection::Projection;
use crate::sql::write::Assign;
use crate::sql::{list, write};
use gate::Problem;
use kernel::{Code, FieldError};
use rules::Row;
use sea_orm::{DbBackend, Value};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{Action, WriteTx};
use uuid::Uuid;

/// Changes of some fields of a record.
#[derive(Clone)]
pub(super) struct Merging {
    pub collection: Arc<Loaded>,
    pub id: Uuid,
    pub links: Vec<Link>,
    set: Vec<(String, Assign)>,
    if_match: Option<IfMatch>,
    writing: Writing,
    /// The fields that are sent and have a write rule.
    ruled: Vec<String>,
}

impl Merging {
    /// Reads the changes, with all faults at once.
    pub(super) fn parse(
        collection: &Arc<Loaded>,
        asker: &Asker,
        id: Uuid,
        object: Map<String, Json>,
        if_match: Option<IfMatch>,
        writing: Writing,
    ) -> Result<Self, DataError> {
        let set = changed_values(collection, object, asker, writing)?;
        // The place within the field, and what is put there.
        let value = |(name, assign): &'_ (String, Assign)| match assign {
            Assign::Value(value) | Assign::IfAbsent(value) => {
                Some((name.clone(), "", value.clone()))
            }
            Assign::Append(value) => Some((name.clone(), "/append", value.clone())),
            Assign::Increment(_) | Assign::Remove(_) => None,
        };
        let values: Vec<(String, &str, Value)> = set.iter().filter_map(value).collect();
        Ok(Self {
            collection: collection.clone(),
            id,
            links: links(
                collection,
                values.iter().map(|(n, at, v)| (n.as_str(), *at, v)),
            ),
            ruled: fields::ruled(collection, asker, set.iter().map(|(n, _)| n)),
            set,
            if_match,
            writing,
        })
    }

    /// In this order: the record's lock, its version, the rule, the update, the rule again if it looks at other
    /// records, the files, the log, the view rule.
    ///
    /// Before the update, the world without it must allow the record as it is and as it will be (one rule over both,
    /// where it names `next`): no change vouches for itself, and who is refused learns of no conflict. After it, a rule
    /// over other records is asked once more, because the world that it reads may have been this record.
    pub(super) async fn run(&self, tx: &WriteTx, scene: &Scene) -> Result<Done, DataError> {
        let found = self.found(tx, scene).await?.ok_or(DataError::NoRecord)?;
        self.run_on(tx, scene, found).await
    }

    /// The version and the whole record, locked where the engine locks rows.
    pub(super) async fn found(
        &self,
        tx: &WriteTx,
        scene: &Scene,
    ) -> Result<Option<(i64, Row)>, DataError> {
        locked(tx, &scene.asker, &self.collection, self.id, self.reads()).await
    }

    /// The same changes of another record.
    pub(super) fn of(&self, id: Uuid) -> Self {
        Self { id, ..self.clone() }
    }

    /// Whether a rule is asked once more after the change.
    pub(super) fn asks_again(&self) -> bool {
        let rules = self.ruled.iter();
        let mut rules = rules.filter_map(|name| self.collection.column(name, true));
        self.collection.rules.update.needs_sql() || rules.any(|c| c.write.needs_sql())
    }

    /// Whether the change depends on what is there, whoever asks.
    fn reads(&self) -> bool {
        let file = |name: &String| self.collection.files.iter().any(|(f, _)| f == name);
        self.writing == Writing::Upsert
            || self
                .set
                .iter()
                .any(|(name, assign)| !matches!(assign, Assign::Value(_)) || file(name))
    }

    pub(super) async fn run_on(
        &self,
        tx: &WriteTx,
        scene: &Scene,
        (version, before): (i64, Row),
    ) -> Result<Done, DataError> {
        let (collection, asker, id) = (&*self.collection, &scene.asker, self.id);
        let wanted = self.if_match.as_ref();
        demand_version(wanted, version, asker, tx, collection, &before).await?;
        let (values, faults) = self.outcome(&before);
        let after = merged(collection, &before, &values, version, asker.now);
        demand_change(tx, asker, collection, &before, &after).await?;
        let (ruled, change) = (&self.ruled, Written::Change(&before, &after));
        fields::demand(tx, asker, collection, ruled, change).await?;
        self.demand_once(asker, &before, &values)?;
        if !faults.is_empty() {
            return Err(DataError::invalid(faults));
        }
        let mut changes = self.changes(&values);
        let now = Value::TimeDateTimeWithTimeZone(Some(asker.now.time()));
        changes.push(("updated_at".to_owned(), Assign::Value(now)));
        let statement = write::update(collection, id, changes, tx.backend());
        let doc = rows::write(tx, statement)
            .await?
            .ok_or(DataError::NoRecord)?;
        let lists = values.iter().map(|(name, value)| (name.as_str(), value));
        let doc = joined::put(tx, asker, collection, id, (doc, false), lists).await?;
        let rule = &collection.rules.update;
        // Other rows that the rule looks at may have been this one.
        if rule.needs_sql() && !allows_change(tx, asker, rule, &before, &after).await? {
            return Err(DataError::Denied);
        }
        let change = Written::Changed(&before, &after);
        fields::demand(tx, asker, collection, ruled, change).await?;
        if !collection.files.is_empty() {
            let values: Vec<(&str, &Value)> = values.iter().map(|(n, v)| (n.as_str(), v)).collect();
            holds::changed(tx, scene.keeper(), collection, id, &before, &values).await?;
        }
        let fields: Vec<&str> = self.set.iter().map(|(n, _)| n.as_str()).collect();
        let fields = serde_json::to_string(&fields).unwrap_or_default();
        let was = Some(&before);
        log(tx, asker, collection, id, Action::Update, fields, was).await?;
        done(tx, asker, collection, id, doc, &after, 200).await
    }

    /// What the statement does: lists become what they will be, because the row is locked.
    fn changes(&self, values: &[(String, Value)]) -> Vec<(String, Assign)> {
        let known = |name: &String| {
            values
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.clone())
        };
        let change = |(name, assign): &(String, Assign)| match assign {
            Assign::Append(_) | Assign::Remove(_) => (
                name.clone(),
                known(name).map_or_else(|| assign.clone(), Assign::Value),
            ),
            _ => (name.clone(), assign.clone()),
        };
        self.set.iter().map(change).collect()
    }

    /// What the fields will hold, and what is wrong with it. The database computes the same from the same locked row.
    pub(super) fn outcome(&self, before: &Row) -> (Vec<(String, Value)>, Vec<FieldError>) {
        let mut faults = Vec::new();
        let mut values = Vec::new();
        for (name, assign) in &self.set {
            let old = before.get(name).unwrap_or(&Json::Null);
            let kind = self.collection.column(name, true).map(|c| &c.kind);
            let value = match (assign, kind) {
                (Assign::Increment(by), Some(Type::Number(number))) => {
                    let (sum, fault) = number.sum(old, by);
                    faults.extend(fault.map(|(code, text)| FieldError::at(name, code, text)));
                    sum
                }
                (Assign::Increment(by), Some(Type::Exact(exact))) => {
                    let (sum, fault) = exact.sum(old, by);
                    faults.extend(fault.map(|(code, text)| FieldError::at(name, code, text)));
                    sum
                }
                (Assign::Append(items), Some(kind)) => listed(
                    kind,
                    name,
                    &many::appended(old, &kind.wire(items)),
                    &mut faults,
                ),
                (Assign::Remove(items), Some(kind)) => listed(
                    kind,
                    name,
                    &many::removed(old, &kind.wire(items)),
                    &mut faults,
                ),
                // What is there stays.
                (Assign::IfAbsent(_), _) if !old.is_null() => continue,
                (
                    Assign::Value(value)
                    | Assign::IfAbsent(value)
                    | Assign::Increment(value)
                    | Assign::Append(value)
                    | Assign::Remove(value),
                    _,
                ) => value.clone(),
            };
            values.push((name.clone(), value));
        }
        (values, faults)
    }

    /// Refuses another value for a field that can be written once.
    fn demand_once(
        &self,
        asker: &Asker,
        before: &Row,
        values: &[(String, Value)],
    ) -> Result<(), DataError> {
        let differs = |(name, value): &&(String, Value)| {
            let once = self.collection.column(name, true).filter(|c| c.write_once);
            // Whether a guess is right is not told of a value that may not be read.
            let known = !self.collection.masks(name, asker.privileged());
            once.is_some_and(|c| {
                !(known
                    && before
                        .get(name)
                        .is_some_and(|old| *old == c.kind.wire(value)))
            })
        };
        if self.writing != Writing::Upsert {
            return Ok(());
        }
        let fault = |(n, _): &(String, Value)| FieldError::at(n, "readonly_field", WRITTEN_ONCE);
        let errors: Vec<FieldError> = values.iter().filter(differs).map(fault).collect();
        if errors.is_empty() {
            return Ok(());
        }
        Err(Problem::new(Code::ReadonlyField).errors(errors).into())
    }
}

/// A list as it will be, with what is wrong with it.
fn listed(kind: &Type, name: &str, list: &Json, faults: &mut Vec<FieldError>) -> Value {
    kind.value(list).unwrap_or_else(|(code, message)| {
        faults.push(FieldError::at(name, code, message));
        kind.nothing()
    })
}

/// The whole record for a write, locked where the engine locks rows. The row is empty where nobody will ask about it.
pub(super) async fn locked(
    tx: &WriteTx,
    asker: &Asker,
    collection: &Loaded,
    id: Uuid,
    read: bool,
) -> Result<Option<(i64, Row)>, DataError> {
    let backend = tx.backend();
    let plan = collection.lock_plan.get_or_init(|| {
        let projection = Projection {
            columns: collection.columns(true),
            masked: false,
            expand: Vec::new(),
        };
        list::one(collection, None, &projection, backend, true)
    });
    if backend != DbBackend::Sqlite && collection.joined().next().is_some() {
        // A statement that waits for a row sees the row as it is then, and other tables as they were before: the lists
        // are read by another one.
        rows::run(tx, write::lock(collection, &BTreeSet::from([id]))).await?;
    }
    let statement = bound(plan, asker, id)?;
    let Some(doc) = tx.docs(statement).await?.pop() else {
        return Ok(None);
    };
    let row = if read || !asker.privileged() || !collection.witness.is_empty() {
        parse_row(&doc.json)?
    } else {
        Row::new()
    };
    Ok(Some((doc.version, row)))
}

/// Whether the update rule is true of a change. One that names the row after is asked once, with both rows; any other
/// must hold of each by itself.
pub(super) async fn allows_change(
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
    if allows_change(tx, asker, rule, before, after).await? {
        return Ok(());
    }
    Err(if rule.names_next() {
        refusal(asker, tx, collection, before).await?
    } else {
        DataError::Denied
    })
}
