//! Creating, merging and deleting one record, each in a transaction of its own.

use super::WriteOptions;
use super::make::Making;
use super::merge::Merging;
use super::remove::Removing;
use super::scene::Operation;
use super::values::Writing;
use crate::error::DataError;
use crate::service::{Asker, Data};
use gate::Project;
use kernel::parse_id;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use store::Answer;

impl Data {
    /// Makes a record.
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
        let making = Making::parse(collection, asker, object, self.ids().new_id())?;
        self.alone(scene, Operation::Create(making), options.claim)
            .await
    }

    /// Changes the fields that are named in `object`, and no others. A field takes a value, or an operator:
    /// `{"increment": n}` on a number, null counting as 0, or `{"set_if_absent": value}`.
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
        let id = parse_id(id).ok_or(DataError::NoRecord)?;
        let (wanted, writing) = (options.if_match, Writing::Merge);
        let merging = Merging::parse(collection, asker, id, object, wanted, writing)?;
        self.alone(scene, Operation::Update(merging), options.claim)
            .await
    }

    /// Removes a record.
    pub async fn delete(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        name: &str,
        id: &str,
        options: WriteOptions,
    ) -> Result<Answer, DataError> {
        let scene = self.scene(project, asker).await?;
        let removing = Removing {
            collection: scene.schema.collection(name)?.clone(),
            id: parse_id(id).ok_or(DataError::NoRecord)?,
            if_match: options.if_match,
        };
        self.alone(scene, Operation::Delete(removing), options.claim)
            .await
    }
}
