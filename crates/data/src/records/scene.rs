//! What the operations of one transaction share, and what each leaves in the change log.

use super::holds::Keeper;
use super::judge::{Done, explain, shortened};
use super::make::Making;
use super::merge::Merging;
use super::remove::Removing;
use super::upsert::Upserting;
use super::values::{Link, Writing};
use crate::error::DataError;
use crate::model::Collection;
use crate::ports::FileRefs;
use crate::rows;
use crate::schema::{Loaded, Schema};
use crate::service::{Asker, Data};
use gate::{Problem, Project};
use rules::Row;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use store::{Action, Answer, ChangeIn, Claim, StoreError, WriteTx};
use uuid::Uuid;

/// Who asks, in which project, over which schema. Cheap to clone.
#[derive(Clone)]
pub(super) struct Scene {
    pub project: Arc<Project>,
    pub schema: Arc<Schema>,
    pub asker: Asker,
    pub files: Arc<dyn FileRefs>,
}

impl Scene {
    pub(super) fn keeper(&self) -> Keeper<'_> {
        Keeper {
            files: &*self.files,
            project: &self.project,
            asker: &self.asker,
        }
    }
}

/// One operation, parsed: its faults that can be known without the database are behind it.
pub(super) enum Operation {
    Create(Making),
    Update(Merging),
    Delete(Removing),
    Upsert(Box<Upserting>),
}

impl Operation {
    /// Does it within an open transaction, the rules included: the one way for operations alone and in a batch.
    pub(super) async fn run(&self, tx: &WriteTx, scene: &Scene) -> Result<Done, DataError> {
        match self {
            Self::Create(making) => making.run(tx, scene).await,
            Self::Update(merging) => merging.run(tx, scene).await,
            Self::Delete(removing) => removing.run(tx, scene).await,
            Self::Upsert(upserting) => upserting.run(tx, scene).await,
        }
    }

    pub(super) fn collection(&self) -> &Loaded {
        match self {
            Self::Create(making) => &making.collection,
            Self::Update(merging) => &merging.collection,
            Self::Delete(removing) => &removing.collection,
            Self::Upsert(upserting) => &upserting.merging.collection,
        }
    }

    /// The record that it is about.
    pub(super) fn record(&self) -> Uuid {
        match self {
            Self::Create(making) => making.id,
            Self::Update(merging) => merging.id,
            Self::Delete(removing) => removing.id,
            Self::Upsert(upserting) => upserting.merging.id,
        }
    }

    /// The records that its relations lead to.
    pub(super) fn links(&self) -> &[Link] {
        match self {
            Self::Create(making) => &making.links,
            Self::Update(merging) => &merging.links,
            Self::Delete(_) => &[],
            Self::Upsert(upserting) => &upserting.merging.links,
        }
    }
}

impl Data {
    /// What an operation of this caller needs.
    pub(super) async fn scene(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
    ) -> Result<Scene, Problem> {
        Ok(Scene {
            project: project.clone(),
            schema: self.schema(project).await?,
            asker: asker.clone(),
            files: self.files().clone(),
        })
    }

    /// Changes fields of a record within an open transaction.
    pub(crate) async fn merge_within(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        tx: &WriteTx,
        collection: &Arc<Loaded>,
        id: Uuid,
        object: Map<String, Json>,
    ) -> Result<(), DataError> {
        let scene = Scene {
            project: project.clone(),
            schema: self.schema_within(project, tx).await?,
            asker: asker.clone(),
            files: self.files().clone(),
        };
        let merging = Merging::parse(collection, asker, id, object, None, Writing::Merge)?;
        merging.run(tx, &scene).await.map(drop)
    }

    /// Removes a record within an open transaction.
    pub(crate) async fn remove_within(
        &self,
        project: &Arc<Project>,
        schema: Arc<Schema>,
        asker: &Asker,
        tx: &WriteTx,
        collection: Arc<Loaded>,
        id: Uuid,
    ) -> Result<(), DataError> {
        let scene = Scene {
            project: project.clone(),
            schema,
            asker: asker.clone(),
            files: self.files().clone(),
        };
        let removing = Removing {
            collection,
            id,
            if_match: None,
        };
        removing.run(tx, &scene).await.map(drop)
    }

    /// Does one operation in a transaction of its own.
    pub(super) async fn alone(
        &self,
        scene: Scene,
        operation: Operation,
        claim: Option<Claim>,
    ) -> Result<Answer, DataError> {
        let project = scene.project.clone();
        let job = Arc::new((scene, operation));
        let kept = job.clone();
        let result = project
            .db
            .write(async move |tx: &WriteTx| -> Result<Answer, DataError> {
                let (scene, operation) = &*job;
                if let Some(answer) = replay(tx, &scene.asker, claim.as_ref()).await? {
                    return Ok(answer);
                }
                let answer = operation.run(tx, scene).await?.answer();
                keep(tx, &scene.asker, claim.as_ref(), &answer).await?;
                Ok(answer)
            })
            .await;
        let (scene, operation) = &*kept;
        match result {
            Err(error) => Err(Box::pin(explain(scene, operation, error, |_| true)).await),
            done => done,
        }
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
        kept.body = Some(shortened(body)?);
    }
    tx.keep_answer(claim, &kept, asker.now).await?;
    Ok(())
}

/// Writes what happened to a record into the change log.
pub(super) async fn log(
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
        actor: asker.actor(),
        witness,
        before: None,
        after: None,
        at: asker.now,
    };
    let version = tx.log_change_under(change).await?;
    unchanged(tx, collection, version).await
}

/// Refuses what was written by a definition that holds no more. The table is held since it was written to, so that
/// nothing can change between this look and the commit.
pub(crate) async fn unchanged(
    tx: &WriteTx,
    collection: &Loaded,
    version: i64,
) -> Result<(), DataError> {
    if version == collection.version {
        return Ok(());
    }
    let now = rows::find(tx, collection.def.id).await?;
    let same = |now: &Collection| {
        let fields = &mut collection.def.fields.iter();
        now.name == collection.def.name && fields.all(|f| now.field(&f.name) == Some(f))
    };
    // What was added since has its defaults in the table.
    match now.filter(same) {
        Some(_) => Ok(()),
        None => Err(DataError::SchemaChanged),
    }
}
