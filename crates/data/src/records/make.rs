//! Making a record within an open transaction.

use super::fields;
use super::judge::{Done, done};
use super::scene::{Scene, log};
use super::values::{Link, NewRecord, links, new_values, row_of};
use super::{defaults, holds, joined};
use crate::error::DataError;
use crate::rows;
use crate::schema::Loaded;
use crate::service::{Asker, allows};
use crate::sql::write;
use rules::Row;
use sea_orm::{Statement, Value};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use store::{Action, WriteTx};
use uuid::Uuid;

/// A record to be made.
pub(super) struct Making {
    pub collection: Arc<Loaded>,
    pub id: Uuid,
    pub links: Vec<Link>,
    values: Vec<Value>,
    /// Fields whose default the database is to compute.
    late: Vec<String>,
    /// The fields that were sent and have a write rule.
    ruled: Vec<String>,
    /// The record as rules see it; empty where nobody asks about it.
    row: Row,
}

impl Making {
    /// Reads the record, with all faults at once; `fresh` is its id unless it brings one.
    pub(super) fn parse(
        collection: &Arc<Loaded>,
        asker: &Asker,
        object: Map<String, Json>,
        fresh: Uuid,
    ) -> Result<Self, DataError> {
        let ruled = fields::ruled(collection, asker, object.keys());
        let NewRecord { id, values, late } = new_values(collection, object, asker, fresh)?;
        let columns = collection.columns(true);
        let names = columns.iter().map(|c| c.name.as_str());
        Ok(Self {
            collection: collection.clone(),
            id,
            links: links(collection, names.zip(&values).map(|(n, v)| (n, "", v))),
            row: seen(collection, asker, &values),
            values,
            late,
            ruled,
        })
    }

    /// In this order: the defaults that look at other records, the create rule, the insert, the files, the log, the
    /// view rule.
    ///
    /// The rule is asked of the record before it is there, over the world without it: no record vouches for itself,
    /// and who is refused learns of no conflict with other records.
    pub(super) async fn run(&self, tx: &WriteTx, scene: &Scene) -> Result<Done, DataError> {
        let made = self.run_unless_taken(tx, scene, false).await?;
        made.ok_or(DataError::IdTaken)
    }

    /// The same; where `or_yield`, nothing is done and `None` is given if the id is taken.
    pub(super) async fn run_unless_taken(
        &self,
        tx: &WriteTx,
        scene: &Scene,
        or_yield: bool,
    ) -> Result<Option<Done>, DataError> {
        let (collection, asker) = (&*self.collection, &scene.asker);
        let mut values = self.values.clone();
        let computed;
        let (row, faults) = if self.late.is_empty() {
            (&self.row, Vec::new())
        } else {
            let docs = async |read: Statement| tx.docs(read).await;
            let asked = (tx.backend(), docs);
            let faults = defaults::late(asked, asker, collection, &mut values, &self.late).await?;
            computed = seen(collection, asker, &values);
            (&computed, faults)
        };
        if !allows(&collection.rules.create, asker, tx, row, Some(row)).await? {
            return Err(DataError::Denied);
        }
        fields::demand_new(tx, asker, collection, &self.ruled, row).await?;
        if !faults.is_empty() {
            return Err(DataError::invalid(faults));
        }
        let held = if collection.files.is_empty() && collection.joined().next().is_none() {
            Vec::new()
        } else {
            values.clone()
        };
        let statement = write::insert(collection, values, or_yield, tx.backend());
        let Some(doc) = rows::write(tx, statement).await? else {
            return Ok(None);
        };
        let columns = collection.columns(true);
        let lists = columns.iter().map(|c| c.name.as_str()).zip(&held);
        let doc = joined::put(tx, asker, collection, self.id, (doc, true), lists).await?;
        holds::made(tx, scene.keeper(), collection, self.id, &held).await?;
        let none = "[]".to_owned();
        log(tx, asker, collection, self.id, Action::Create, none, None).await?;
        let done = done(tx, asker, collection, self.id, doc, row, 201).await?;
        Ok(Some(done))
    }

    /// Whether the caller could make it, were its id free.
    pub(super) async fn allowed(&self, tx: &WriteTx, scene: &Scene) -> Result<bool, DataError> {
        let rule = &self.collection.rules.create;
        allows(rule, &scene.asker, tx, &self.row, Some(&self.row)).await
    }
}

/// The record as rules see it. Nothing asks about the record of a caller who passes rules.
fn seen(collection: &Loaded, asker: &Asker, values: &[Value]) -> Row {
    if asker.privileged() {
        Row::new()
    } else {
        row_of(collection, values)
    }
}
