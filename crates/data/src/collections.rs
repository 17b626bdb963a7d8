//! The schema's verbs: list, get, create, change of rules, delete.

use crate::error::DataError;
use crate::model::{Collection, CollectionKind};
use crate::records::{keep, replay};
use crate::schema::{Schema, check_rules};
use crate::service::{Asker, Data};
use crate::{model, rows};
use gate::{Input, Problem, Project};
use kernel::{Code, FieldError};
use std::sync::Arc;
use store::{Answer, Claim, StoreError, WriteTx};

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
        let schema = self.schema(project).await?;
        check_rules(&schema, &collection)?;
        let asker = asker.clone();
        let answer = project
            .db
            .write(async move |tx: &WriteTx| -> Result<Answer, DataError> {
                if let Some(answer) = replay(tx, &asker, claim.as_ref()).await? {
                    return Ok(answer);
                }
                rows::lock(tx).await?;
                if rows::exists(tx, &collection.name).await? {
                    return Err(DataError::CollectionTaken);
                }
                rows::create(tx, &collection).await?;
                audit(tx, &asker, "collection.create", &collection).await?;
                let answer = Answer {
                    status: 201,
                    etag: None,
                    body: Some(collection.view().to_string()),
                };
                keep(tx, &asker, claim.as_ref(), &answer).await?;
                Ok(answer)
            })
            .await?;
        self.reload(project).await?;
        Ok(answer)
    }

    /// Changes a collection's rules.
    pub async fn update_collection(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        input: Input,
    ) -> Result<Collection, DataError> {
        let schema = self.schema(project).await?;
        let changed = schema.collection(name)?.def.patch(input, asker.now)?;
        check_rules(&schema, &changed)?;
        let row = changed.clone();
        let asker = asker.clone();
        project
            .db
            .write(async move |tx: &WriteTx| -> Result<(), DataError> {
                rows::lock(tx).await?;
                rows::update(tx, &row).await?;
                audit(tx, &asker, "collection.update", &row).await
            })
            .await?;
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
        let schema = self.schema(project).await?;
        let collection = schema.collection(name)?.def.clone();
        if collection.kind == CollectionKind::Users {
            return Err(Problem::new(Code::Referenced)
                .detail("The collection users cannot be deleted.")
                .into());
        }
        let users = users_of(&schema, name);
        if !users.is_empty() {
            let error = |(path, message): (String, String)| FieldError {
                path,
                code: "referenced",
                message,
            };
            return Err(Problem::new(Code::Referenced)
                .errors(users.into_iter().map(error).collect())
                .into());
        }
        let asker = asker.clone();
        project
            .db
            .write(async move |tx: &WriteTx| -> Result<(), DataError> {
                rows::lock(tx).await?;
                rows::delete(tx, &collection).await?;
                audit(tx, &asker, "collection.delete", &collection).await
            })
            .await
            .map_err(|e| {
                if matches!(e, DataError::Store(StoreError::ForeignKey(_))) {
                    DataError::Referenced
                } else {
                    e
                }
            })?;
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

/// What in other collections refers to `name`.
fn users_of(schema: &Schema, name: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for other in schema.collections.values().filter(|c| c.def.name != name) {
        for field in &other.def.fields {
            if matches!(&field.kind, crate::fields::Type::Relation(r) if r.collection == name) {
                found.push((
                    format!("/{}/{}", other.def.name, field.name),
                    format!(
                        "The field {} of {} points to it.",
                        field.name, other.def.name
                    ),
                ));
            }
        }
        for rule in model::RULE_NAMES {
            if other.rule_names(rule, name) {
                found.push((
                    format!("/{}/rules/{rule}", other.def.name),
                    format!("The rule {rule} of {} names it.", other.def.name),
                ));
            }
        }
    }
    found
}

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
    Ok(())
}
