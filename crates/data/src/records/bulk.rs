//! Changing or removing all records that a filter finds: in slices, each of them atomic, under the rules of single writes.
//!
//! A slice is found by a read, so that a long search stops nobody, and asked once more within its write. With an
//! idempotency key the place that was reached is kept in the slice's own transaction: a retry goes on from there, and
//! two that run at once share the work.

use super::judge::explain;
use super::merge::Merging;
use super::remove::Removing;
use super::scene::{Operation, Scene, keep, replay};
use super::values::Writing;
use crate::error::DataError;
use crate::query::{self, Matching};
use crate::rows;
use crate::schema::{Loaded, Rule};
use crate::service::{Asker, Data};
use crate::sql::changes;
use crate::sql::plan::{Own, Plan};
use crate::sql::write;
use gate::{Input, Problem, Project};
use kernel::{Code, FieldError, parse_id};
use sea_orm::{DbBackend, Statement, TransactionSession, TransactionTrait, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use std::time::Duration;
use store::{Answer, Claim, Doc, StoreError, WriteTx};
use uuid::Uuid;

/// Records of a slice.
const SLICE: u64 = 500;
/// How long a slice may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// The status under which the place that was reached is kept; never sent.
const UNDER_WAY: u16 = 202;

/// What a bulk write is asked to do.
#[derive(Clone, Debug)]
pub struct Bulk {
    filter: String,
    params: Map<String, Json>,
    /// The fields that change, as a merge takes them; none where records are removed.
    set: Option<Map<String, Json>>,
    /// Records at most.
    limit: Option<u64>,
}

impl Bulk {
    /// Reads the body of a change: `filter`, `params`, `set` and `limit`, with all faults at once.
    pub fn parse_update(object: Map<String, Json>) -> Result<Self, Problem> {
        let mut input = Input::new(object);
        let set = match input.take("set") {
            Some(Json::Object(set)) => set,
            _ => {
                input.fault("set", "not_an_object", "This must be an object.");
                Map::new()
            }
        };
        Self::parse(input, Some(set))
    }

    /// Reads the body of a removal: `filter`, `params` and `limit`, with all faults at once.
    pub fn parse_delete(object: Map<String, Json>) -> Result<Self, Problem> {
        Self::parse(Input::new(object), None)
    }

    fn parse(mut input: Input, set: Option<Map<String, Json>>) -> Result<Self, Problem> {
        // All records are named by the filter true, and never by leaving it out.
        let filter = input.text("filter", 1, rules::TEXT_CHARS_MAX);
        let params = match input.take("params") {
            None | Some(Json::Null) => Map::new(),
            Some(Json::Object(params)) => params,
            Some(_) => {
                input.fault("params", "not_an_object", "This must be an object.");
                Map::new()
            }
        };
        let limit = input.take("limit").filter(|l| !l.is_null());
        let number = limit.as_ref().and_then(Json::as_u64).filter(|n| *n > 0);
        if limit.is_some() && number.is_none() {
            input.fault("limit", "out_of_range", "This must be an integer from 1.");
        }
        input.finish()?;
        Ok(Self {
            filter,
            params,
            set,
            limit: number,
        })
    }
}

/// How far a bulk write has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    /// All records up to this one are done.
    after: Uuid,
    matched: u64,
    written: u64,
    skipped: u64,
}

/// What came of a slice.
enum Went {
    /// All is done.
    Done(Answer),
    /// There may be more behind this place.
    On(Reached),
}

/// Why a slice was undone, and at which of its records.
struct Stopped {
    at: Option<Uuid>,
    error: DataError,
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        DataError::from(error).into()
    }
}

impl From<DataError> for Stopped {
    fn from(error: DataError) -> Self {
        Self { at: None, error }
    }
}

/// All that the slices share.
struct Work {
    scene: Scene,
    collection: Arc<Loaded>,
    matching: Matching,
    /// The change, as of no record in particular.
    merging: Option<Merging>,
    limit: Option<u64>,
    claim: Option<Claim>,
}

impl Data {
    /// Changes or removes, in the order of their ids, the records that the caller may list and the filter finds. Those
    /// that the rules keep the caller from writing are counted as skipped and left as they are. Each slice of 500 is
    /// atomic: a record that cannot be written as asked undoes its slice and ends the work, what was done before it
    /// stays, and the problem tells how far it came.
    ///
    /// Before anything is done `charge` is told how many records the first slice has, which is what such a request counts
    /// for at most: a caller's limit that stopped it between its slices would never let a long one end.
    pub async fn write_all(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        name: &str,
        bulk: Bulk,
        claim: Option<Claim>,
        charge: &dyn Fn(usize) -> Result<(), Problem>,
    ) -> Result<Answer, DataError> {
        let work = Arc::new(self.work(project, asker, name, bulk, claim).await?);
        let mut reached = Reached::default();
        loop {
            let slice = work.wanted(&reached);
            let found = work.found(&reached, slice).await;
            let found = found.map_err(|e| work.stopped(&reached, e.into()))?;
            if reached == Reached::default() {
                charge(found.len())?;
            }
            let (job, from) = (work.clone(), reached.clone());
            let write = async move |tx: &WriteTx| job.slice(tx, &from, &found, slice).await;
            match project.db.write_long(DEADLINE, write).await {
                Ok(Went::Done(answer)) => return Ok(answer),
                Ok(Went::On(further)) => reached = further,
                Err(stopped) => return Err(work.explained(&reached, stopped).await),
            }
        }
    }

    async fn work(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        name: &str,
        bulk: Bulk,
        claim: Option<Claim>,
    ) -> Result<Work, DataError> {
        let scene = self.scene(project, asker).await?;
        let collection = scene.schema.collection(name)?.clone();
        let rules = &collection.rules;
        let act = if bulk.set.is_some() {
            &rules.update
        } else {
            &rules.delete
        };
        let closed = |rule: &Rule| matches!(rule, Rule::Closed);
        if !asker.privileged() && (closed(&rules.list) || closed(act)) {
            return Err(DataError::Denied);
        }
        let asked = (bulk.filter.as_str(), &bulk.params);
        let backend = project.db.backend();
        let privileged = asker.privileged();
        let matching = query::matching(&scene.schema, &collection, asked, privileged, backend)?;
        let merging = bulk.set.map(|set| {
            let (none, writing) = (Uuid::nil(), Writing::Merge);
            Merging::parse(&collection, asker, none, set, None, writing).map_err(in_set)
        });
        Ok(Work {
            merging: merging.transpose()?,
            scene,
            collection,
            matching,
            limit: bulk.limit,
            claim,
        })
    }
}

/// The places of faults in a body that has the fields in `set`.
fn in_set(error: DataError) -> DataError {
    let problem = Problem::from(error);
    let moved = problem.field_errors().iter().map(|error| FieldError {
        path: format!("/set{}", error.path),
        ..error.clone()
    });
    let moved = moved.collect();
    problem.errors(moved).into()
}

/// Whether the rules keep the caller from writing a record; any other failure ends the work.
fn is_refusal(error: &DataError) -> bool {
    match error {
        DataError::Denied | DataError::NoRecord => true,
        DataError::Problem(problem) => problem.code() == Code::RuleDenied,
        _ => false,
    }
}

fn ids(docs: &[Doc]) -> Vec<Uuid> {
    docs.iter().filter_map(|doc| parse_id(&doc.json)).collect()
}

impl Work {
    /// How many records the next slice may have.
    fn wanted(&self, reached: &Reached) -> u64 {
        let left = self
            .limit
            .map(|limit| limit.saturating_sub(reached.matched));
        left.map_or(SLICE, |left| left.min(SLICE))
    }

    fn statement(&self, plan: &Plan, value: impl Fn(Own) -> Value) -> Result<Statement, DataError> {
        let params = &self.matching.params;
        let asker = &self.scene.asker;
        let statement = asker.with_env(params, None, None, |env| plan.statement(env, value));
        Ok(statement.map_err(query::filter_problem)?)
    }

    async fn found(&self, reached: &Reached, slice: u64) -> Result<Vec<Uuid>, DataError> {
        let limit = i64::try_from(slice).unwrap_or_default();
        let next = self.statement(&self.matching.next, |own| match own {
            Own::Limit => Value::BigInt(Some(limit)),
            _ => Value::Uuid(Some(reached.after)),
        })?;
        Ok(ids(&self.scene.project.db.docs(next).await?))
    }

    /// Does the slice `found` behind `from`, unless another request with the same key has come further.
    async fn slice(
        &self,
        tx: &WriteTx,
        from: &Reached,
        found: &[Uuid],
        slice: u64,
    ) -> Result<Went, Stopped> {
        let asker = &self.scene.asker;
        if let Some(answer) = replay(tx, asker, self.claim.as_ref()).await? {
            if answer.status != UNDER_WAY {
                return Ok(Went::Done(answer));
            }
            let body = answer.body.unwrap_or_default();
            let reached: Reached = serde_json::from_str(&body)
                .map_err(|e| Problem::internal(format!("a bulk write's place: {e}")))
                .map_err(DataError::from)?;
            if reached != *from {
                return Ok(Went::On(reached));
            }
        }
        if tx.backend() != DbBackend::Sqlite && self.collection.joined().next().is_some() {
            // As where one is changed: a statement that waits for a row does not see what its lists are by then.
            let ids = found.iter().copied().collect();
            rows::run(tx, write::lock(&self.collection, &ids)).await?;
        }
        let among = changes::ids(found, tx.backend());
        let still = self.statement(&self.matching.still, |_| among.clone())?;
        let still = ids(&tx.docs(still).await?);
        let mut reached = from.clone();
        for id in still {
            let done = self.write(tx, id).await;
            let done = done.map_err(|error| Stopped {
                at: Some(id),
                error,
            })?;
            reached.matched += 1;
            *(if done {
                &mut reached.written
            } else {
                &mut reached.skipped
            }) += 1;
        }
        reached.after = found.last().copied().unwrap_or(from.after);
        let is_last = (found.len() as u64) < slice || self.wanted(&reached) == 0;
        let answer = if is_last {
            self.answer(&reached)
        } else {
            Answer {
                status: UNDER_WAY,
                etag: None,
                body: serde_json::to_string(&reached).ok(),
            }
        };
        keep(tx, asker, self.claim.as_ref(), &answer).await?;
        Ok(if is_last {
            Went::Done(answer)
        } else {
            Went::On(reached)
        })
    }

    fn operation(&self, id: Uuid) -> Operation {
        match &self.merging {
            Some(merging) => Operation::Update(merging.of(id)),
            None => Operation::Delete(Removing {
                collection: self.collection.clone(),
                id,
                if_match: None,
            }),
        }
    }

    /// Writes one record as if it stood alone; false if the rules do not let the caller.
    async fn write(&self, tx: &WriteTx, id: Uuid) -> Result<bool, DataError> {
        let operation = self.operation(id);
        // A rule that is asked once more after the change must be able to undo it, and nothing else.
        let done = if self.merging.as_ref().is_some_and(Merging::asks_again) {
            let nested = tx.begin().await?;
            let done = operation.run(&nested, &self.scene).await;
            if done.is_ok() {
                nested.commit().await?;
            } else {
                nested.rollback().await?;
            }
            done
        } else {
            operation.run(tx, &self.scene).await
        };
        match done {
            Ok(_) => Ok(true),
            Err(error) if is_refusal(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What is done to a record.
    fn act(&self) -> &'static str {
        if self.merging.is_some() {
            "updated"
        } else {
            "deleted"
        }
    }

    fn answer(&self, reached: &Reached) -> Answer {
        let Reached {
            matched,
            written,
            skipped,
            ..
        } = reached;
        let act = self.act();
        let body = format!("{{\"matched\":{matched},\"{act}\":{written},\"skipped\":{skipped}}}");
        Answer {
            status: 200,
            etag: None,
            body: Some(body),
        }
    }

    async fn explained(&self, reached: &Reached, stopped: Stopped) -> DataError {
        let Some(id) = stopped.at else {
            return self.stopped(reached, stopped.error.into());
        };
        let operation = self.operation(id);
        let error = explain(&self.scene, &operation, stopped.error, |_| true).await;
        let problem = Problem::from(if self.merging.is_some() {
            in_set(error)
        } else {
            error
        });
        let why = problem.detail_text().unwrap_or(problem.code().title());
        let told = format!("At the record {id}: {why}");
        self.stopped(reached, problem.detail(told))
    }

    /// A problem that says what was done before it.
    fn stopped(&self, reached: &Reached, problem: Problem) -> DataError {
        let why = problem.detail_text().unwrap_or(problem.code().title());
        let (written, skipped) = (reached.written, reached.skipped);
        let act = self.act();
        let told = format!(
            "{why} (before it {written} records were {act} and {skipped} skipped, which stays)"
        );
        problem.detail(told).into()
    }
}
