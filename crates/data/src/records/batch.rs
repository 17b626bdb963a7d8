//! Many operations in one transaction: all of them, or none.

use super::IfMatch;
use super::judge::{Done, explain};
use super::merge::Merging;
use super::nested::{self, Node, record_count};
use super::remove::Removing;
use super::scene::{Operation, Scene, keep, replay};
use super::upsert::Upserting;
use super::values::Writing;
use crate::error::DataError;
use crate::schema::Loaded;
use crate::service::{Asker, Data};
use crate::sql::write;
use gate::{Input, Problem, Project};
use kernel::limits::{BATCH_OPERATIONS_MAX, RESPONSE_BYTES_MAX};
use kernel::{Code, FieldError, parse_id};
use sea_orm::DbBackend;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use store::{Answer, Claim, StoreError, WriteTx};
use uuid::Uuid;

/// Why a batch was undone, and by which record of which of its operations.
struct Failed {
    at: Option<(usize, usize)>,
    error: DataError,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        DataError::from(error).into()
    }
}

impl From<DataError> for Failed {
    fn from(error: DataError) -> Self {
        Self { at: None, error }
    }
}

/// An operation with what its problems must say.
struct Step {
    /// The record that it is about, then those that are made in it.
    nodes: Vec<Node>,
    place: Place,
}

/// Where an operation stands in the body, and what it is called.
struct Place {
    at: usize,
    /// What is done to which collection.
    what: String,
    /// Whether the id stands beside the data.
    has_id: bool,
}

impl Data {
    /// Does up to [`BATCH_OPERATIONS_MAX`] operations, the records that are made in them included, in one transaction, in their order, each as if it stood alone:
    /// parsed, judged, written and logged by the same functions, and later ones see what earlier ones did.
    ///
    /// On PostgreSQL all records that are to be changed are locked first, in the order of (collection, id), so that two
    /// batches do not wait for each other; a deadlock that comes about otherwise is tried again by the store. The problem
    /// of the first operation that fails is the batch's; its `errors` name the place, and `detail` the operation.
    pub async fn batch(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        body: Map<String, Json>,
        claim: Option<Claim>,
    ) -> Result<Answer, DataError> {
        let scene = self.scene(project, asker).await?;
        let steps = self.parse(&scene, body)?;
        let job = Arc::new((scene, steps));
        let kept = job.clone();
        let result = project
            .db
            .write(async move |tx: &WriteTx| -> Result<Answer, Failed> {
                let (scene, steps) = &*job;
                if let Some(answer) = replay(tx, &scene.asker, claim.as_ref()).await? {
                    return Ok(answer);
                }
                let answer = run(tx, scene, steps).await?;
                keep(tx, &scene.asker, claim.as_ref(), &answer).await?;
                Ok(answer)
            })
            .await;
        let Failed { at, error } = match result {
            Err(failed) => failed,
            Ok(answer) => return Ok(answer),
        };
        let (scene, steps) = &*kept;
        let found = at.and_then(|(at, within)| {
            let step = steps.get(at)?;
            Some((step, within, step.nodes.get(within)?))
        });
        let Some((step, within, node)) = found else {
            return Err(error);
        };
        // What earlier operations had made is gone with the transaction, and was there for this one.
        let earlier = steps.iter().take(step.place.at).flat_map(|s| &s.nodes);
        let earlier = earlier.chain(step.nodes.iter().take(within));
        let made: HashSet<(&str, Uuid)> = earlier
            .map(|n| &n.operation)
            .map(|o| (o.collection().def.name.as_str(), o.record()))
            .collect();
        let meant =
            |link: &super::values::Link| !made.contains(&(link.collection.as_str(), link.id));
        let error = explain(scene, &node.operation, error, meant).await;
        let problem = nested::placed(error.into(), &node.base);
        Err(step.place.problem(problem, true).into())
    }

    /// Reads all operations, with all faults that can be known without the database at once.
    fn parse(&self, scene: &Scene, body: Map<String, Json>) -> Result<Vec<Step>, DataError> {
        let count = operation_count(&body);
        let mut input = Input::new(body);
        let items = match input.take("operations") {
            Some(Json::Array(items)) => items,
            _ => {
                input.fault(
                    "operations",
                    "not_a_list",
                    "This must be a list of operations.",
                );
                Vec::new()
            }
        };
        input.finish()?;
        if items.is_empty() || count > BATCH_OPERATIONS_MAX {
            let text = format!(
                "A batch has 1 to {BATCH_OPERATIONS_MAX} operations; each record that is made in another counts as one."
            );
            let fault = FieldError::at("operations", "out_of_range", text.as_str());
            let problem = Problem::new(Code::BadRequest).detail(text);
            return Err(problem.errors(vec![fault]).into());
        }
        let mut steps = Vec::with_capacity(items.len());
        let mut problems: Vec<Problem> = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            match self.parse_one(scene, at, item) {
                Ok(step) => steps.push(step),
                Err(problem) => problems.push(problem),
            }
        }
        let all: Vec<FieldError> = problems
            .iter()
            .flat_map(|p| p.field_errors().iter().cloned())
            .collect();
        match problems.into_iter().next() {
            Some(first) => Err(first.errors(all).into()),
            None => Ok(steps),
        }
    }

    fn parse_one(&self, scene: &Scene, at: usize, item: Json) -> Result<Step, Problem> {
        let mut place = Place {
            at,
            what: String::new(),
            has_id: false,
        };
        let parts = Parts::parse(item).map_err(|p| place.problem(p, false))?;
        place.what = format!("{} {}", parts.op, parts.collection);
        place.has_id = parts.id.is_some();
        let collection = scene
            .schema
            .collection(&parts.collection)
            .map_err(|p| place.absent(p))?;
        let nodes = self
            .nodes(scene, collection, parts)
            .map_err(|e| place.problem(e.into(), true))?;
        Ok(Step { nodes, place })
    }

    fn nodes(
        &self,
        scene: &Scene,
        collection: &Arc<Loaded>,
        parts: Parts,
    ) -> Result<Vec<Node>, DataError> {
        let Parts {
            op,
            id,
            mut data,
            if_match,
            ..
        } = parts;
        let asker = &scene.asker;
        let if_match = if_match.map(|version| IfMatch::Versions(vec![version]));
        if op == "create" {
            if let Some(id) = id {
                data.insert("id".to_owned(), id.into());
            }
            return Ok(self.tree(scene, collection, data)?);
        }
        let id = id.as_deref().and_then(parse_id).ok_or_else(|| {
            let message = "This must be the id of a record, a UUID.";
            DataError::invalid(vec![FieldError::at("id", "not_an_id", message)])
        })?;
        let collection = collection.clone();
        let operation = match op.as_str() {
            "update" => {
                let writing = Writing::Merge;
                let merging = Merging::parse(&collection, asker, id, data, if_match, writing)?;
                Operation::Update(merging)
            }
            "upsert" => {
                let upserting = Upserting::parse(&collection, asker, id, data, if_match)?;
                Operation::Upsert(Box::new(upserting))
            }
            _ => Operation::Delete(Removing {
                collection,
                id,
                if_match,
            }),
        };
        Ok(vec![Node::alone(operation)])
    }
}

/// The operations that a body names, with the records that are made in others, for whoever counts them before they are
/// parsed.
pub(crate) fn operation_count(body: &Map<String, Json>) -> usize {
    let operations = body.get("operations").and_then(Json::as_array);
    let data = operations.into_iter().flatten().map(|o| o.get("data"));
    data.map(|data| data.and_then(Json::as_object).map_or(1, record_count))
        .sum()
}

/// The members of an operation.
struct Parts {
    op: String,
    collection: String,
    id: Option<String>,
    data: Map<String, Json>,
    if_match: Option<i64>,
}

impl Parts {
    fn parse(item: Json) -> Result<Self, Problem> {
        let Json::Object(object) = item else {
            let fault = FieldError {
                path: String::new(),
                code: "not_an_object",
                message: "This must be an object.".to_owned(),
            };
            return Err(Problem::validation(vec![fault]));
        };
        let mut input = Input::new(object);
        let op = input.text("op", 1, 10);
        if !op.is_empty() && !["create", "update", "delete", "upsert"].contains(&op.as_str()) {
            let message = "The operations are create, update, delete and upsert.";
            input.fault("op", "unknown_operation", message);
        }
        let collection = input.text("collection", 1, 59);
        let id = input.optional_text("id", 1, 100);
        if id.is_none() && op != "create" {
            input.fault("id", "required", "This is required.");
        }
        let data = match input.take("data") {
            Some(Json::Object(data)) => data,
            None => Map::new(),
            Some(_) => {
                input.fault("data", "not_an_object", "This must be an object.");
                Map::new()
            }
        };
        if op == "delete" && !data.is_empty() {
            input.fault("data", "not_taken", "A deletion takes no data.");
        }
        if op == "create" && id.is_some() && data.contains_key("id") {
            input.fault("id", "repeated", "The id stands in the data, too.");
        }
        let if_match = match input.take("if_match") {
            None | Some(Json::Null) => None,
            Some(_) if op == "create" => {
                input.fault(
                    "if_match",
                    "not_taken",
                    "A record that is made has no version.",
                );
                None
            }
            Some(json) => {
                if !json.is_i64() {
                    input.fault("if_match", "not_an_integer", "This must be a version.");
                }
                json.as_i64()
            }
        };
        input.finish()?;
        Ok(Self {
            op,
            collection,
            id,
            data,
            if_match,
        })
    }
}

impl Place {
    /// A problem of this operation, with its place. `in_data` tells that the paths lead into the record.
    fn problem(&self, problem: Problem, in_data: bool) -> Problem {
        let base = format!("/operations/{}", self.at);
        let path = |path: &str| match path {
            "" => base.clone(),
            "/id" if self.has_id => format!("{base}/id"),
            path if in_data => format!("{base}/data{path}"),
            path => format!("{base}{path}"),
        };
        let moved = problem.field_errors().iter().map(|error| FieldError {
            path: path(&error.path),
            ..error.clone()
        });
        let mut errors: Vec<FieldError> = moved.collect();
        if errors.is_empty() {
            errors.push(FieldError {
                path: base,
                code: problem.code().as_str(),
                message: format!("{}.", problem.code().title()),
            });
        }
        let code = problem.code();
        let why = problem.detail_text().unwrap_or(code.title()).to_owned();
        let what = if self.what.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.what)
        };
        problem
            .detail(format!("Operation {}{what}: {why}", self.at))
            .errors(errors)
    }

    /// The problem of a collection that is not there.
    fn absent(&self, problem: Problem) -> Problem {
        let code = problem.code();
        let fault = FieldError::at("collection", code.as_str(), format!("{}.", code.title()));
        self.problem(problem.errors(vec![fault]), false)
    }
}

async fn run(tx: &WriteTx, scene: &Scene, steps: &[Step]) -> Result<Answer, Failed> {
    if tx.backend() != DbBackend::Sqlite {
        lock(tx, steps).await?;
    }
    let mut body = String::from("{\"results\":[");
    for (i, step) in steps.iter().enumerate() {
        let mut all = Vec::with_capacity(step.nodes.len());
        for (within, node) in step.nodes.iter().enumerate() {
            let at = Some((i, within));
            let done = node.operation.run(tx, scene).await;
            all.push(done.map_err(|error| Failed { at, error })?);
        }
        if i > 0 {
            body.push(',');
        }
        write_result(&mut body, &step.nodes, &all);
        if body.len() > RESPONSE_BYTES_MAX {
            return Err(StoreError::TooLarge.into());
        }
    }
    body.push_str("]}");
    Ok(Answer {
        status: 200,
        etag: None,
        body: Some(body),
    })
}

fn write_result(body: &mut String, nodes: &[Node], all: &[Done]) {
    let Some((done, node)) = all.first().zip(nodes.first()) else {
        return;
    };
    body.push_str(&format!(
        "{{\"status\":{},\"id\":\"{}\"",
        done.status, done.id
    ));
    if !node.members.is_empty() {
        body.push_str(",\"record\":");
        nested::write(body, nodes, all, 0);
    } else if let Some(record) = &done.record {
        body.push_str(",\"record\":");
        body.push_str(record);
    }
    body.push('}');
}

/// Locks what is there of the records that are to be changed, in the order of (collection, id).
async fn lock(tx: &WriteTx, steps: &[Step]) -> Result<(), DataError> {
    let mut all: BTreeMap<&str, (&Loaded, BTreeSet<Uuid>)> = BTreeMap::new();
    let nodes = steps.iter().flat_map(|s| &s.nodes);
    for operation in nodes.map(|n| &n.operation) {
        if !matches!(operation, Operation::Create(_)) {
            let collection = operation.collection();
            let (_, ids) = all
                .entry(collection.def.name.as_str())
                .or_insert_with(|| (collection, BTreeSet::new()));
            ids.insert(operation.record());
        }
    }
    for (collection, ids) in all.values() {
        // One record is locked by its own operation.
        if all.len() > 1 || ids.len() > 1 {
            sea_orm::ConnectionTrait::query_all_raw(tx, write::lock(collection, ids)).await?;
        }
    }
    Ok(())
}
