//! Creating, merging and deleting one record, each in a transaction of its own.

use super::WriteOptions;
use super::make::Making;
use super::merge::Merging;
use super::nested::has_nested;
use super::remove::Removing;
use super::scene::Operation;
use super::upsert::Upserting;
use super::values::Writing;
use crate::error::DataError;
use crate::explain::Act;
use crate::service::{Asker, Data};
use gate::{Problem, Project};
use kernel::{Code, FieldError, parse_id};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use store::Answer;

impl Data {
    /// Makes a record, with those that point to it under `<collection>_via_<field>`.
    pub async fn create(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        name: &str,
        object: Map<String, Json>,
        options: WriteOptions,
    ) -> Result<Answer, DataError> {
        let scene = self.scene(project, asker).await?;
        let collection = scene.schema.collection(name)?;
        if has_nested(&object) {
            let collection = collection.clone();
            return self
                .create_nested(scene, &collection, object, options.claim)
                .await;
        }
        let doubtful = Self::doubtful(project, asker, Act::Create, None, Some(&object));
        let making = Making::parse(collection, asker, object, self.ids().new_id())?;
        let operation = Operation::Create(making);
        let result = self.alone(scene, operation, options.claim).await;
        self.hinted(project, asker, name, doubtful, result).await
    }

    /// Changes the fields that are named in `object`, and no others. A field takes a value, or an operator:
    /// `{"increment": n}` on a number, null counting as 0, `{"append": [...]}` and `{"remove": [...]}` on a list, or
    /// `{"set_if_absent": value}`. On fields whose values are objects an object is a value.
    pub async fn merge(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        name: &str,
        id: &str,
        object: Map<String, Json>,
        options: WriteOptions,
    ) -> Result<Answer, DataError> {
        let scene = self.scene(project, asker).await?;
        let collection = scene.schema.collection(name)?;
        let doubtful = Self::doubtful(project, asker, Act::Update, Some(id), Some(&object));
        let id = parse_id(id).ok_or(DataError::NoRecord)?;
        let (wanted, writing) = (options.if_match, Writing::Merge);
        let merging = Merging::parse(collection, asker, id, object, wanted, writing)?;
        let operation = Operation::Update(merging);
        let result = self.alone(scene, operation, options.claim).await;
        self.hinted(project, asker, name, doubtful, result).await
    }

    /// Makes the record with this id, or changes the fields of it that are named in `object`: the same as the operation
    /// `upsert` of a batch. The id need not stand in `object`.
    pub async fn upsert(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        name: &str,
        id: &str,
        object: Map<String, Json>,
        options: WriteOptions,
    ) -> Result<Answer, DataError> {
        let scene = self.scene(project, asker).await?;
        let collection = scene.schema.collection(name)?;
        let doubtful = Self::doubtful(project, asker, Act::Update, Some(id), Some(&object));
        let id = parse_id(id).ok_or_else(|| {
            let message = "This must be a UUID, and neither nil nor max.";
            Problem::new(Code::BadRequest).errors(vec![FieldError::at("id", "not_an_id", message)])
        })?;
        let upserting = Upserting::parse(collection, asker, id, object, options.if_match)?;
        let operation = Operation::Upsert(Box::new(upserting));
        let result = self.alone(scene, operation, options.claim).await;
        self.hinted(project, asker, name, doubtful, result).await
    }

    /// Removes a record, with those whose relation to it says that they go too; other relations to it become null, or
    /// keep it from going.
    pub async fn delete(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        name: &str,
        id: &str,
        options: WriteOptions,
    ) -> Result<Answer, DataError> {
        let scene = self.scene(project, asker).await?;
        let doubtful = Self::doubtful(project, asker, Act::Delete, Some(id), None);
        let removing = Removing {
            collection: scene.schema.collection(name)?.clone(),
            id: parse_id(id).ok_or(DataError::NoRecord)?,
            if_match: options.if_match,
        };
        let operation = Operation::Delete(removing);
        let result = self.alone(scene, operation, options.claim).await;
        self.hinted(project, asker, name, doubtful, result).await
    }
}
