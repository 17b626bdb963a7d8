//! The schema's verbs: list, get, create, change, delete.

use crate::error::DataError;
use crate::fields::Type;
use crate::model::{Collection, CollectionKind, FIELDS_ADDED, INDEXES_ADDED};
use crate::records::{Keeper, all_removed, keep, replay};
use crate::rows;
use crate::schema::{Schema, check_rules, references_to};
use crate::service::{Asker, Data};
use gate::{Input, Problem, Project};
use kernel::{Code, FieldError};
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
        self.check_buckets(project, &collection, None).await?;
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
            check_rules(&schema, &collection, None)?;
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
        self.renew(project).await?;
        Ok(answer)
    }

    /// Changes a collection's rules, and adds fields and indexes, in one transaction.
    ///
    /// Records that are there get the constant default of an added field, or null.
    pub async fn update_collection(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        input: Map<String, Json>,
    ) -> Result<Collection, DataError> {
        let known = self.schema(project).await?;
        let there = &known.collection(name)?.def;
        let planned = there.patch(Input::new(input.clone()), asker.now)?;
        self.check_buckets(project, &planned, Some(own_fields(there)))
            .await?;
        let (asker, name) = (asker.clone(), name.to_owned());
        let job = async move |tx: &WriteTx| -> Result<Collection, DataError> {
            let schema = held(tx, &known).await?;
            let there = &schema.collection(&name)?.def;
            let changed = there.patch(Input::new(input.clone()), asker.now)?;
            check_rules(&schema, &changed, Some(own_fields(there)))?;
            let written = rows::extend(tx, there, &changed).await;
            written.map_err(|e| unfit(there, &changed, e))?;
            audit(tx, &asker, "collection.update", &changed).await?;
            Ok(changed)
        };
        let changed = project.db.write(job).await?;
        self.renew(project).await?;
        Ok(changed)
    }

    /// Refuses file fields whose bucket is not there.
    async fn check_buckets(
        &self,
        project: &Project,
        collection: &Collection,
        added_from: Option<usize>,
    ) -> Result<(), DataError> {
        let own = collection.fields.iter().filter(|f| !f.system).enumerate();
        let base = added_from.map_or("/fields", |_| FIELDS_ADDED);
        let mut errors = Vec::new();
        for (i, field) in own.skip(added_from.unwrap_or(0)) {
            let Type::File(file) = &field.kind else {
                continue;
            };
            if !self.files().has_bucket(project, &file.bucket).await? {
                errors.push(FieldError {
                    path: format!("{base}/{}/bucket", i - added_from.unwrap_or(0)),
                    code: "unknown_bucket",
                    message: format!("There is no bucket {}.", file.bucket),
                });
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(DataError::invalid(errors))
        }
    }

    /// Removes a collection with its records. One that others refer to, in a relation or a rule, stays.
    pub async fn delete_collection(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        name: &str,
    ) -> Result<(), DataError> {
        let known = self.schema(project).await?;
        let (asker, name) = (asker.clone(), name.to_owned());
        let (project_, files) = (project.clone(), self.files().clone());
        let job = async move |tx: &WriteTx| -> Result<(), DataError> {
            let schema = held(tx, &known).await?;
            let loaded = schema.collection(&name)?;
            let collection = &loaded.def;
            if collection.kind == CollectionKind::Users {
                let problem = Problem::new(Code::Referenced);
                let detail = "The collection users cannot be deleted.";
                return Err(problem.detail(detail).into());
            }
            let references = references_to(&schema, &name);
            if !references.is_empty() {
                return Err(Problem::new(Code::Referenced).errors(references).into());
            }
            let keeper = Keeper {
                files: &*files,
                project: &project_,
                asker: &asker,
            };
            all_removed(tx, keeper, loaded).await?;
            rows::delete(tx, collection).await?;
            audit(tx, &asker, "collection.delete", collection).await
        };
        project.db.write(job).await?;
        self.renew(project).await?;
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

/// How many fields of the developer's a collection has.
fn own_fields(collection: &Collection) -> usize {
    collection.fields.iter().filter(|f| !f.system).count()
}

/// Tells where in the change the index stands that the records do not fit.
fn unfit(there: &Collection, changed: &Collection, error: rows::Unfit) -> DataError {
    let index = match error {
        rows::Unfit::Equal(index) => index,
        rows::Unfit::Store(error) => return error.into(),
    };
    let added = changed.indexes.iter().skip(there.indexes.len());
    let place = added.clone().position(|i| *i == index);
    let path = place.map_or(INDEXES_ADDED.to_owned(), |i| format!("{INDEXES_ADDED}/{i}"));
    DataError::invalid(vec![FieldError {
        path,
        code: "not_unique",
        message: "Records that are there have equal values.".to_owned(),
    }])
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
