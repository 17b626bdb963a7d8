//! The verbs of buckets: list, get, create, change, delete. Each act is audited in its own transaction.

use crate::catalogue::check;
use crate::error::FilesError;
use crate::model::Bucket;
use crate::rows;
use crate::service::{Asker, Files};
use crate::views::BucketView;
use gate::{Input, Problem, Project};
use kernel::Code;
use serde_json::{Map, Value as Json};
use store::{Answer, Claim, StoreError, WriteTx};

/// Buckets of a project at most.
const BUCKETS_MAX: usize = 1_000;

impl Files {
    /// All buckets, by name. There are few: one page holds them.
    pub async fn list_buckets(&self, project: &Project) -> Result<Vec<Bucket>, FilesError> {
        Ok(rows::buckets(&project.db).await?)
    }

    /// One bucket.
    pub async fn get_bucket(&self, project: &Project, name: &str) -> Result<Bucket, FilesError> {
        let found = rows::bucket(&project.db, name).await?;
        found.ok_or(FilesError::NoBucket)
    }

    /// Makes a bucket.
    pub async fn create_bucket(
        &self,
        project: &Project,
        asker: &Asker,
        input: Input,
        claim: Option<Claim>,
    ) -> Result<Answer, FilesError> {
        let bucket = Bucket::parse(input, asker.now)?;
        check(&bucket)?;
        let asker = asker.clone();
        let job = async move |tx: &WriteTx| -> Result<Answer, FilesError> {
            if let Some(answer) = replay(tx, &asker, claim.as_ref()).await? {
                return Ok(answer);
            }
            if rows::buckets(tx).await?.len() >= BUCKETS_MAX {
                let problem = Problem::new(Code::ValidationFailed);
                return Err(problem
                    .detail(format!("A project has at most {BUCKETS_MAX} buckets."))
                    .into());
            }
            let inserted = rows::insert_bucket(tx, &bucket).await;
            inserted.map_err(|e| match e.into() {
                StoreError::Unique(_) => FilesError::BucketTaken,
                e => e.into(),
            })?;
            audit(tx, &asker, "bucket.create", &bucket).await?;
            let view = serde_json::to_string(&BucketView::from(&bucket));
            let answer = Answer {
                status: 201,
                etag: None,
                body: Some(view.map_err(Problem::internal)?),
            };
            if let Some(claim) = &claim {
                tx.keep_answer(claim, &answer, asker.now).await?;
            }
            Ok(answer)
        };
        project.db.write(job).await
    }

    /// Changes a bucket's rules and limits.
    pub async fn update_bucket(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        input: Map<String, Json>,
    ) -> Result<Bucket, FilesError> {
        let (asker, named) = (asker.clone(), name.to_owned());
        let job = async move |tx: &WriteTx| -> Result<Bucket, FilesError> {
            let found = rows::lock_bucket(tx, &named).await?;
            let bucket = found.ok_or(FilesError::NoBucket)?;
            let changed = bucket.patch(Input::new(input.clone()), asker.now)?;
            check(&changed)?;
            rows::update_bucket(tx, &changed).await?;
            audit(tx, &asker, "bucket.update", &changed).await?;
            Ok(changed)
        };
        let changed = project.db.write(job).await;
        self.forget(project, name);
        changed
    }

    /// Deletes a bucket that holds no file.
    pub async fn delete_bucket(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
    ) -> Result<(), FilesError> {
        let (asker, named) = (asker.clone(), name.to_owned());
        let job = async move |tx: &WriteTx| -> Result<(), FilesError> {
            let found = rows::lock_bucket(tx, &named).await?;
            let bucket = found.ok_or(FilesError::NoBucket)?;
            if rows::has_files(tx, &named).await? {
                return Err(FilesError::NotEmpty);
            }
            rows::delete_bucket(tx, &named).await?;
            audit(tx, &asker, "bucket.delete", &bucket).await
        };
        let deleted = project.db.write(job).await;
        self.forget(project, name);
        deleted.map_err(|e| match e {
            // A file came between the look and the deletion.
            FilesError::Store(StoreError::ForeignKey(_)) => FilesError::NotEmpty,
            e => e,
        })
    }
}

/// The earlier answer to the same idempotency key, if there is one.
async fn replay(
    tx: &WriteTx,
    asker: &Asker,
    claim: Option<&Claim>,
) -> Result<Option<Answer>, FilesError> {
    let Some(claim) = claim else { return Ok(None) };
    match tx.idempotent(claim, asker.now).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(())) => Err(FilesError::OtherRequest),
        Err(StoreError::Busy(_)) => Err(FilesError::InFlight),
        Err(e) => Err(e.into()),
    }
}

async fn audit(
    tx: &WriteTx,
    asker: &Asker,
    action: &'static str,
    bucket: &Bucket,
) -> Result<(), FilesError> {
    let by = gate::audit::By {
        actor: asker.who.actor(),
        network: asker.request.ip_network.clone().unwrap_or_default(),
        request_id: asker.request_id.clone(),
        now: asker.now,
    };
    let mut detail = bucket.definition();
    detail["kind"] = bucket.kind.as_str().into();
    gate::audit::record(tx, by.did(action, &bucket.name, detail)).await?;
    Ok(())
}
