//! A record made with the records that point to it: all of them, or none, each as if it were made alone.
//!
//! `{"customer": ..., "order_lines_via_order": [{...}]}`: the member is named as the back relation is in `expand`, and
//! its records get the new record's id in the field that points there, a list of it alone if the field is one. Parents are made before their children, so that
//! a child's create rule sees its parent.

use super::judge::{Done, explain};
use super::make::Making;
use super::scene::{Operation, Scene, keep, replay};
use super::values::Link;
use crate::error::DataError;
use crate::fields::Type;
use crate::query::HOPS_MAX;
use crate::schema::Loaded;
use crate::service::Data;
use gate::Problem;
use kernel::limits::{BATCH_OPERATIONS_MAX, RESPONSE_BYTES_MAX};
use kernel::{Code, FieldError};
use serde_json::{Map, Value as Json};
use std::collections::HashSet;
use std::sync::Arc;
use store::{Answer, Claim, StoreError, WriteTx};
use uuid::Uuid;

/// Whether a member holds records that point to the record it stands in. No field is called so.
fn is_nested(name: &str) -> bool {
    name.contains("_via_")
}

/// Whether a new record brings others.
pub(super) fn has_nested(object: &Map<String, Json>) -> bool {
    object.keys().any(|name| is_nested(name))
}

/// The records that a body makes, for whoever counts them before they are parsed. The depth of JSON bounds its own.
pub(crate) fn record_count(object: &Map<String, Json>) -> usize {
    let members = object.iter().filter(|(name, _)| is_nested(name));
    let records = members.filter_map(|(_, json)| json.as_array()).flatten();
    let objects = records.filter_map(Json::as_object);
    1 + objects.map(record_count).sum::<usize>()
}

/// A record to be written, and those that point to it.
pub(super) struct Node {
    pub operation: Operation,
    /// Where it stands in the body.
    pub base: String,
    /// Names of its members with the places of their records.
    pub members: Vec<(String, Vec<usize>)>,
}

impl Node {
    /// What stands alone.
    pub(super) fn alone(operation: Operation) -> Self {
        Self {
            operation,
            base: String::new(),
            members: Vec::new(),
        }
    }
}

/// All records, each parent before its children, and what is wrong with them.
#[derive(Default)]
struct Tree {
    nodes: Vec<Node>,
    problems: Vec<Problem>,
}

/// Why nothing was made, and by which record.
struct Failed {
    at: Option<usize>,
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

/// A problem of the record at `base`, with its place.
pub(super) fn placed(problem: Problem, base: &str) -> Problem {
    if base.is_empty() {
        return problem;
    }
    let code = problem.code();
    let moved = problem.field_errors().iter().map(|error| FieldError {
        path: format!("{base}{}", error.path),
        ..error.clone()
    });
    let mut errors: Vec<FieldError> = moved.collect();
    if errors.is_empty() {
        errors.push(FieldError {
            path: base.to_owned(),
            code: code.as_str(),
            message: format!("{}.", code.title()),
        });
    }
    let why = problem.detail_text().unwrap_or(code.title()).to_owned();
    problem.detail(format!("At {base}: {why}")).errors(errors)
}

fn fault(code: Code, path: String, word: &'static str, message: &str) -> Problem {
    Problem::new(code).errors(vec![FieldError {
        path,
        code: word,
        message: message.to_owned(),
    }])
}

impl Data {
    /// Makes a record and those that stand in it: at most [`BATCH_OPERATIONS_MAX`], [`HOPS_MAX`] relations deep.
    pub(super) async fn create_nested(
        &self,
        scene: Scene,
        collection: &Arc<Loaded>,
        object: Map<String, Json>,
        claim: Option<Claim>,
    ) -> Result<Answer, DataError> {
        if record_count(&object) > BATCH_OPERATIONS_MAX {
            let detail = format!("At most {BATCH_OPERATIONS_MAX} records can be made at once.");
            return Err(Problem::new(Code::BadRequest).detail(detail).into());
        }
        let nodes = self.tree(&scene, collection, object)?;
        let project = scene.project.clone();
        let job = Arc::new((scene, nodes));
        let kept = job.clone();
        let write = async move |tx: &WriteTx| -> Result<Answer, Failed> {
            let (scene, nodes) = &*job;
            if let Some(answer) = replay(tx, &scene.asker, claim.as_ref()).await? {
                return Ok(answer);
            }
            let answer = run(tx, scene, nodes).await?;
            keep(tx, &scene.asker, claim.as_ref(), &answer).await?;
            Ok(answer)
        };
        let Failed { at, error } = match project.db.write(write).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        let (scene, nodes) = &*kept;
        let Some((at, node)) = at.and_then(|at| Some((at, nodes.get(at)?))) else {
            return Err(error);
        };
        // What was made before is gone with the transaction, and was there for this one.
        let earlier = nodes.iter().take(at).map(|n| &n.operation);
        let made: HashSet<(&str, Uuid)> = earlier
            .map(|o| (o.collection().def.name.as_str(), o.record()))
            .collect();
        let meant = |link: &Link| !made.contains(&(link.collection.as_str(), link.id));
        let error = explain(scene, &node.operation, error, meant).await;
        Err(placed(error.into(), &node.base).into())
    }

    /// Reads a record and those in it, each parent before its children, with all faults at once.
    pub(super) fn tree(
        &self,
        scene: &Scene,
        collection: &Arc<Loaded>,
        object: Map<String, Json>,
    ) -> Result<Vec<Node>, Problem> {
        let mut tree = Tree::default();
        self.grow(scene, collection, object, String::new(), 0, &mut tree);
        let all = tree.problems.iter().flat_map(|p| p.field_errors().iter());
        let all: Vec<FieldError> = all.cloned().collect();
        match tree.problems.into_iter().next() {
            Some(first) => Err(first.errors(all)),
            None => Ok(tree.nodes),
        }
    }

    /// Reads a record and those in it; gives its place among the nodes.
    fn grow(
        &self,
        scene: &Scene,
        collection: &Arc<Loaded>,
        mut object: Map<String, Json>,
        base: String,
        depth: usize,
        tree: &mut Tree,
    ) -> usize {
        let names: Vec<String> = object.keys().filter(|n| is_nested(n)).cloned().collect();
        let nested = names.into_iter().filter_map(|name| {
            let json = object.shift_remove(&name)?;
            Some((name, json))
        });
        let nested: Vec<(String, Json)> = nested.collect();
        let fresh = self.ids().new_id();
        let (mut id, at) = (fresh, tree.nodes.len());
        match Making::parse(collection, &scene.asker, object, fresh) {
            Ok(making) => {
                id = making.id;
                tree.nodes.push(Node {
                    base: base.clone(),
                    ..Node::alone(Operation::Create(making))
                });
            }
            Err(error) => tree.problems.push(placed(error.into(), &base)),
        }
        for (name, json) in nested {
            let path = format!("{base}/{name}");
            let Some((from, by, many)) = pointing(scene, collection, &name) else {
                let message = "There is no such field, and no relation that points here.";
                let problem = fault(Code::UnknownField, path, "unknown_field", message);
                tree.problems.push(problem);
                continue;
            };
            if depth == HOPS_MAX {
                let message = format!("Records are made at most {HOPS_MAX} relations deep.");
                tree.problems
                    .push(fault(Code::BadRequest, path, "too_deep", &message));
                continue;
            }
            let Json::Array(items) = json else {
                let message = "This must be a list of records.";
                tree.problems
                    .push(fault(Code::ValidationFailed, path, "not_a_list", message));
                continue;
            };
            let mut places = Vec::with_capacity(items.len());
            for (i, item) in items.into_iter().enumerate() {
                let base = format!("{path}/{i}");
                let parent = Json::from(id.to_string());
                let parent = if many {
                    Json::from(vec![parent])
                } else {
                    parent
                };
                match child(item, &by, parent) {
                    Ok(item) => places.push(self.grow(scene, &from, item, base, depth + 1, tree)),
                    Err(problem) => tree.problems.push(placed(problem, &base)),
                }
            }
            if let Some(node) = tree.nodes.get_mut(at) {
                node.members.push((name, places));
            }
        }
        at
    }
}

/// The collection and the field by which a member's records point here, as far as they exist for the caller, and whether
/// the field is a list.
fn pointing(scene: &Scene, here: &Loaded, name: &str) -> Option<(Arc<Loaded>, String, bool)> {
    let (from, by) = name.split_once("_via_")?;
    let from = scene.schema.collections.get(from)?;
    match &from.column(by, scene.asker.privileged())?.kind {
        Type::Relation(r) if r.collection == here.def.name => {
            Some((from.clone(), by.to_owned(), r.many.is_some()))
        }
        _ => None,
    }
}

/// A record with the id of the one that it stands in.
fn child(item: Json, by: &str, parent: Json) -> Result<Map<String, Json>, Problem> {
    let at = |name: &str, word, message: &str| {
        let path = if name.is_empty() {
            String::new()
        } else {
            format!("/{name}")
        };
        fault(Code::ValidationFailed, path, word, message)
    };
    let Json::Object(mut object) = item else {
        return Err(at("", "not_an_object", "This must be an object."));
    };
    if object.contains_key(by) {
        let message = "This is the record that this one stands in.";
        return Err(at(by, "not_taken", message));
    }
    object.insert(by.to_owned(), parent);
    Ok(object)
}

async fn run(tx: &WriteTx, scene: &Scene, nodes: &[Node]) -> Result<Answer, Failed> {
    let mut all = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let done = node.operation.run(tx, scene).await;
        let at = Some(at);
        all.push(done.map_err(|error| Failed { at, error })?);
    }
    let mut body = String::new();
    write(&mut body, nodes, &all, 0);
    if body.len() > RESPONSE_BYTES_MAX {
        return Err(StoreError::TooLarge.into());
    }
    Ok(Answer {
        status: 201,
        // As with `expand`: a version does not tell of all that is shown.
        etag: None,
        body: Some(body),
    })
}

/// The record as the caller may see it, with those that were made in it where an expansion has them.
pub(super) fn write(body: &mut String, nodes: &[Node], all: &[Done], at: usize) {
    let (Some(node), Some(done)) = (nodes.get(at), all.get(at)) else {
        return;
    };
    let record = done.shown();
    if node.members.is_empty() {
        body.push_str(&record);
        return;
    }
    body.push_str(record.strip_suffix('}').unwrap_or(&record));
    body.push_str(",\"expand\":{");
    for (i, (name, places)) in node.members.iter().enumerate() {
        // A name that leads to a relation holds nothing that needs escaping.
        body.push_str(if i > 0 { ",\"" } else { "\"" });
        body.push_str(name);
        body.push_str("\":{\"items\":[");
        for (i, place) in places.iter().enumerate() {
            if i > 0 {
                body.push(',');
            }
            write(body, nodes, all, *place);
        }
        body.push_str("],\"next_cursor\":null}");
    }
    body.push_str("}}");
}
