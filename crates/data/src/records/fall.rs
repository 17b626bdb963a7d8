//! What hangs on a record that goes: records that go with it, relations that become null and lists that it goes from,
//! each told in the log.

use super::holds;
use super::joined;
use super::merge::locked;
use super::scene::{Scene, log};
use crate::error::DataError;
use crate::fields::{OnDelete, Type};
use crate::rows;
use crate::schema::Loaded;
use crate::sql::pairs;
use crate::sql::write::{self, Assign};
use gate::Problem;
use kernel::{Code, parse_id};
use rules::Row;
use sea_orm::Value;
use serde_json::Value as Json;
use std::collections::HashSet;
use std::sync::Arc;
use store::{Action, StoreError, WriteTx};
use uuid::Uuid;

/// Records that one deletion removes or changes at most, beside the one that it names.
const FALL_MAX: usize = 10_000;

/// A record that is met on the way down.
struct Met {
    collection: Arc<Loaded>,
    id: Uuid,
    before: Row,
    /// Records that go with it and have not been met yet.
    below: Vec<(Arc<Loaded>, Uuid)>,
}

/// A record that stays without what its field points to.
struct Loose {
    collection: Arc<Loaded>,
    field: String,
    id: Uuid,
    /// What goes.
    target: Uuid,
}

impl Loose {
    /// Refuses to take something out of a list that would then be too short.
    fn demand_enough(&self, before: &Row) -> Result<(), DataError> {
        let least = self.collection.column(&self.field, true);
        let least = least.and_then(|c| c.kind.many()).map_or(0, |m| m.min);
        let list = before.get(&self.field).and_then(Json::as_array);
        if list.map_or(0, Vec::len) > least {
            return Ok(());
        }
        let detail = "A list that names it would be too short without it.";
        Err(Problem::new(Code::Referenced).detail(detail).into())
    }
}

/// What a deletion takes along.
struct Fall<'a> {
    tx: &'a WriteTx,
    scene: &'a Scene,
    met: HashSet<(String, Uuid)>,
    loosened: Vec<Loose>,
    count: usize,
}

/// Removes a record that is locked, after all that goes with it. The rules of those others are not asked: who made the
/// relation has said that they go. Where records hold each other in a circle, or one holds it that does not go, the
/// record is still referred to.
pub(super) async fn fall(
    tx: &WriteTx,
    scene: &Scene,
    collection: &Arc<Loaded>,
    id: Uuid,
    before: Row,
) -> Result<(), DataError> {
    let mut fall = Fall {
        tx,
        scene,
        met: HashSet::new(),
        loosened: Vec::new(),
        count: 0,
    };
    let mut path = vec![fall.meet(collection.clone(), id, before).await?];
    let mut gone = Vec::new();
    // Downwards first: whatever holds a record goes before it.
    while let Some(last) = path.last_mut() {
        let Some((collection, id)) = last.below.pop() else {
            gone.extend(path.pop());
            continue;
        };
        if fall.met.contains(&(collection.def.name.clone(), id)) {
            continue;
        }
        let found = locked(tx, &scene.asker, &collection, id, false).await?;
        if let Some((_, before)) = found {
            path.push(fall.meet(collection, id, before).await?);
        }
    }
    fall.loosen().await?;
    // Lists hold nothing that goes when their own records do.
    for met in &gone {
        joined::clear(tx, &met.collection, met.id).await?;
    }
    for met in gone {
        fall.remove(&met).await?;
    }
    Ok(())
}

impl Fall<'_> {
    /// Looks for what points to a record.
    async fn meet(
        &mut self,
        collection: Arc<Loaded>,
        id: Uuid,
        before: Row,
    ) -> Result<Met, DataError> {
        let name = collection.def.name.clone();
        self.met.insert((name.clone(), id));
        let mut below = Vec::new();
        for other in self.scene.schema.collections.values() {
            for field in &other.def.fields {
                let Type::Relation(relation) = &field.kind else {
                    continue;
                };
                if relation.collection != name || relation.on_delete == OnDelete::Restrict {
                    continue;
                }
                for found in self.pointing(other, &field.name, id).await? {
                    // Of a list only the pair goes.
                    if relation.on_delete == OnDelete::Cascade && relation.many.is_none() {
                        below.push((other.clone(), found));
                    } else {
                        self.loosened.push(Loose {
                            collection: other.clone(),
                            field: field.name.clone(),
                            id: found,
                            target: id,
                        });
                    }
                }
            }
        }
        Ok(Met {
            collection,
            id,
            before,
            below,
        })
    }

    async fn pointing(
        &mut self,
        other: &Loaded,
        field: &str,
        id: Uuid,
    ) -> Result<Vec<Uuid>, DataError> {
        let left = (FALL_MAX - self.count) as u64;
        let select = write::pointing(other, field, id, left + 1, self.tx.backend());
        let docs = self.tx.docs(select).await?;
        self.count += docs.len();
        if self.count > FALL_MAX {
            let detail = format!(
                "More than {FALL_MAX} records would go or change with it: delete them first."
            );
            return Err(Problem::new(Code::Referenced).detail(detail).into());
        }
        Ok(docs.iter().filter_map(|doc| parse_id(&doc.json)).collect())
    }

    /// Makes relations null, of records that stay, and takes what goes out of lists.
    async fn loosen(&self) -> Result<(), DataError> {
        let (tx, asker) = (self.tx, &self.scene.asker);
        for loose in &self.loosened {
            let (collection, field, id) = (&loose.collection, &loose.field, loose.id);
            if self.met.contains(&(collection.def.name.clone(), id)) {
                continue;
            }
            let found = locked(tx, asker, collection, id, true).await?;
            let Some((_, before)) = found else { continue };
            let now = Value::TimeDateTimeWithTimeZone(Some(asker.now.time()));
            let mut set = vec![("updated_at".to_owned(), Assign::Value(now))];
            match collection
                .column(field, true)
                .and_then(|c| c.pairs.as_deref())
            {
                None => set.push((field.clone(), Assign::Value(Value::Uuid(None)))),
                Some(table) => {
                    loose.demand_enough(&before)?;
                    rows::run(tx, pairs::take(table, id, loose.target, tx.backend())).await?;
                }
            }
            rows::write(tx, write::update(collection, id, set, tx.backend())).await?;
            let fields = serde_json::to_string(&[field]).unwrap_or_default();
            let was = Some(&before);
            log(tx, asker, collection, id, Action::Update, fields, was).await?;
        }
        Ok(())
    }

    async fn remove(&self, met: &Met) -> Result<(), DataError> {
        let (tx, scene, collection) = (self.tx, self.scene, &*met.collection);
        let statement = write::delete(collection, met.id, tx.backend());
        tx.docs(statement).await.map_err(|e| match e {
            StoreError::ForeignKey(_) => DataError::Referenced,
            e => e.into(),
        })?;
        holds::removed(tx, scene.keeper(), collection, met.id).await?;
        let (none, was) = ("[]".to_owned(), Some(&met.before));
        log(
            tx,
            &scene.asker,
            collection,
            met.id,
            Action::Delete,
            none,
            was,
        )
        .await
    }
}
