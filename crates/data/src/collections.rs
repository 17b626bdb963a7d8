//! The schema's verbs: list, get, create, delete.

use crate::alter::{Loss, count, demand};
use crate::checks::check_rules;
use crate::error::DataError;
use crate::fields::Type;
use crate::model::{Collection, CollectionKind};
use crate::records::{Keeper, all_removed, keep, replay};
use crate::references::references_to;
use crate::rows;
use crate::schema::Schema;
use crate::service::{Asker, Data};
use crate::versions::Entry;
use gate::{Input, Problem, Project};
use kernel::{Code, FieldError};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Answer, Claim, WriteTx};

/// Collections of a project at most: each is held in memory with its rules resolved.
const COLLECTIONS_MAX: usize = 1_000;

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
            let (schema, version) = held(tx, &known).await?;
            if schema.collections.contains_key(&collection.name) {
                return Err(DataError::CollectionTaken);
            }
            if schema.collections.len() >= COLLECTIONS_MAX {
                return Err(DataError::invalid(vec![FieldError {
                    path: String::new(),
                    code: "too_many",
                    message: format!("A project has at most {COLLECTIONS_MAX} collections."),
                }]));
            }
            check_rules(&schema, &collection, None)?;
            rows::create(tx, &collection).await?;
            let entry = Entry::new(version, "collection.create", &asker);
            rows::remember(tx, &entry, None, Some(&collection)).await?;
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

    /// Refuses file fields whose bucket is not there: all of a new collection, else those that the change names.
    pub(crate) async fn check_buckets(
        &self,
        project: &Project,
        collection: &Collection,
        places: Option<&BTreeMap<String, String>>,
    ) -> Result<(), DataError> {
        let own = collection.fields.iter().filter(|f| !f.system).enumerate();
        let mut errors = Vec::new();
        for (i, field) in own {
            let Type::File(file) = &field.kind else {
                continue;
            };
            let place = match places {
                None => format!("/fields/{i}"),
                Some(places) => match places.get(&field.name) {
                    Some(place) => place.clone(),
                    None => continue,
                },
            };
            if !self.files().has_bucket(project, &file.bucket).await? {
                errors.push(FieldError {
                    path: format!("{place}/bucket"),
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

    /// Removes a collection with its records. One that others refer to, in a relation or a rule, stays; one that has
    /// records goes only when `confirm` is the word that the refusal tells, `delete:` and its name.
    pub async fn delete_collection(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        name: &str,
        confirm: Option<&str>,
    ) -> Result<(), DataError> {
        let known = self.schema(project).await?;
        let changing = self.changing();
        let (asker, name) = (asker.clone(), name.to_owned());
        let confirm = confirm.map(str::to_owned);
        let (project_, files) = (project.clone(), self.files().clone());
        let job = async move |tx: &WriteTx| -> Result<(), DataError> {
            let (schema, version) = held(tx, &known).await?;
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
            rows::fence(tx, collection, true).await?;
            let records = count(tx, &name, None).await?;
            let loss = Loss {
                confirm: format!("delete:{name}"),
                field: None,
                records,
                pairs: None,
                sample: Vec::new(),
                place: "?confirm".to_owned(),
            };
            let losses = if records > 0 { vec![loss] } else { Vec::new() };
            demand(&losses, |word| confirm.as_deref() == Some(word))?;
            let keeper = Keeper {
                files: &*files,
                project: &project_,
                asker: &asker,
            };
            all_removed(tx, keeper, loaded).await?;
            rows::delete(tx, collection).await?;
            let entry = Entry::new(version, "collection.delete", &asker);
            rows::remember(tx, &entry, Some(collection), None).await?;
            audit(tx, &asker, "collection.delete", collection).await
        };
        project.db.write(job).await?;
        self.renew(project).await?;
        drop(changing);
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

/// Takes the schema's lock and gives the schema as it is under it: the one that is known, unless it has moved; and the
/// version that it gets.
pub(crate) async fn held(
    tx: &WriteTx,
    known: &Arc<Schema>,
) -> Result<(Arc<Schema>, i64), DataError> {
    let before = rows::lock(tx).await?;
    if before == known.version {
        return Ok((known.clone(), before + 1));
    }
    let (version, collections) = rows::load(tx).await?;
    Ok((Arc::new(Schema::load(version, collections)), version))
}

/// Notes a change of the schema in the audit log, and in the change log: there it divides what was seen under other rules.
pub(crate) async fn audit(
    tx: &WriteTx,
    asker: &Asker,
    action: &'static str,
    collection: &Collection,
) -> Result<(), DataError> {
    let by = gate::audit::By {
        actor: asker.actor(),
        network: asker.request.ip_network.clone().unwrap_or_default(),
        request_id: asker.request_id.clone(),
        now: asker.now,
    };
    let detail = serde_json::Value::Object(collection.definition());
    gate::audit::record(tx, by.did(action, &collection.name, detail)).await?;
    tx.log_schema_change(&collection.name, asker.actor(), asker.now)
        .await?;
    Ok(())
}
