//! The schema's verbs: list, get, create, change of rules, delete.

use crate::error::DataError;
use crate::model::{Collection, CollectionKind};
use crate::records::{keep, replay};
use crate::rows;
use crate::schema::{Schema, check_rules, references_to};
use crate::service::{Asker, Data};
use gate::{Input, Problem, Project};
use kernel::Code;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use store::{Answer, Claim, WriteTx};

impl Data {
    /// Makes a collection with its table, in one transaction.
    pub async fn create_collection(
        &self,
        project: &Project,
        asker: &Asker,
        input: Input,
        claim: Option<Claim>,
    ) -> Result<Answer, DataError> {
        let collection = Collection::parse(input, self.ids().new_id(), asker.now)?;
        let known = self.schema(project).await?;
        let asker = asker.clone();
        let job = async move |tx: &WriteTx| -> Result<Answer, DataError> {
            if let Some(answer) = replay(tx, &asker, claim.as_ref()).await? {
                return Ok(answer);
            }
            let schema = held(tx, &known).await?;
            if schema.collections.contains_key(&collection.name) {
                return Err(DataError::CollectionTaken);
            }
            check_rules(&schema, &collection)?;
            rows::create(tx, &collection).await?;
            audit(tx, &asker, "collection.create", &collection).await?;
            let answer = Answer {
                status: 201,
                etag: None,
                body: Some(collection.view().to_string()),
            };
            keep(tx, &asker, claim.as_ref(), &answer).await?;
            Ok(answer)
        };
        let answer = project.db.write(job).await?;
        self.reload(project).await?;
        Ok(answer)
    }

    /// Changes a collection's rules.
    pub async fn update_collection(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        input: Map<String, Json>,
    ) -> Result<Collection, DataError> {
        let known = self.schema(project).await?;
        let (asker, name) = (asker.clone(), name.to_owned());
        let job = async move |tx: &WriteTx| -> Result<Collection, DataError> {
            let schema = held(tx, &known).await?;
            let collection = schema.collection(&name)?;
            let input = Input::new(input.clone());
            let changed = collection.def.patch(input, asker.now)?;
            check_rules(&schema, &changed)?;
            rows::update(tx, &changed).await?;
            audit(tx, &asker, "collection.update", &changed).await?;
            Ok(changed)
        };
        let changed = project.db.write(job).await?;
        self.reload(project).await?;
        Ok(changed)
    }

    /// Removes a collection with its records. One that others refer to, in a relation or a rule, stays.
    pub async fn delete_collection(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
    ) -> Result<(), DataError> {
        let known = self.schema(project).await?;
        let (asker, name) = (asker.clone(), name.to_owned());
        let job = async move |tx: &WriteTx| -> Result<(), DataError> {
            let schema = held(tx, &known).await?;
            let collection = &schema.collection(&name)?.def;
            if collection.kind == CollectionKind::Users {
                let problem = Problem::new(Code::Referenced);
                let detail = "The collection users cannot be deleted.";
                return Err(problem.detail(detail).into());
            }
            let references = references_to(&schema, &name);
            if !references.is_empty() {
                return Err(Problem::new(Code::Referenced).errors(references).into());
            }
            rows::delete(tx, collection).await?;
            audit(tx, &asker, "collection.delete", collection).await
        };
        project.db.write(job).await?;
        self.reload(project).await?;
        Ok(())
    }

    /// One collection.
    pub async fn get_collection(
        &self,
        project: &Project,
        name: &str,
    ) -> Result<Collection, DataError> {
        Ok(self.schema(project).await?.collection(name)?.def.clone())
    }

    /// All collections, by name. There are few: one page holds them.
    pub async fn list_collections(&self, project: &Project) -> Result<Vec<Collection>, DataError> {
        let schema: Arc<Schema> = self.schema(project).await?;
        Ok(schema.collections.values().map(|c| c.def.clone()).collect())
    }
}

/// Takes the schema's lock and gives the schema as it is under it: the one that is known, unless it has moved.
async fn held(tx: &WriteTx, known: &Arc<Schema>) -> Result<Arc<Schema>, DataError> {
    if rows::lock(tx).await? == known.version {
        return Ok(known.clone());
    }
    let (version, collections) = rows::load(tx).await?;
    Ok(Arc::new(Schema::load(version, collections)))
}

/// Notes a change of the schema in the audit log, and in the change log: there it divides what was seen under other rules.
async fn audit(
    tx: &WriteTx,
    asker: &Asker,
    action: &'static str,
    collection: &Collection,
) -> Result<(), DataError> {
    let by = gate::audit::By {
        actor: asker.who.actor(),
        network: asker.request.ip_network.clone().unwrap_or_default(),
        request_id: asker.request_id.clone(),
        now: asker.now,
    };
    let detail = serde_json::Value::Object(collection.definition());
    gate::audit::record(tx, by.did(action, &collection.name, detail)).await?;
    tx.log_schema_change(&collection.name, asker.who.actor(), asker.now)
        .await?;
    Ok(())
}
