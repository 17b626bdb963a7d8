//! What a caller asks to be counted and summed: names looked up in what exists for it, measures checked by type.

use super::prepare::{Maker, Typed, filter_problem};
use super::{field_names, member, sort_text};
use crate::fields::Type;
use crate::schema::{Column, Loaded, Schema};
use crate::sql::aggregate::{Grouped, Input as Source, Key, Order};
use crate::sql::list::Hop;
use crate::sql::plan::Plan;
use gate::{Input, Problem};
use kernel::{Code, FieldError};
use rules::Kind;
use sea_orm::DbBackend;
use serde_json::{Map, Value as Json};

/// Groups of an answer when no limit is named.
const LIMIT_DEFAULT: u32 = 100;
/// Groups of an answer at most.
const LIMIT_MAX: u32 = 1_000;
/// Fields to group by at most.
const GROUPS_MAX: usize = 4;
/// Measures at most.
const MEASURES_MAX: usize = 16;

/// What is done with the values of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// How many records, or how many have a value.
    Count,
    /// How many different values.
    Distinct,
    Sum,
    Avg,
    Min,
    Max,
}

#[derive(Clone, Debug)]
struct Measure {
    name: String,
    function: Function,
    field: Option<String>,
}

/// An aggregation, as it is asked for.
#[derive(Clone, Debug)]
pub struct Aggregate {
    group_by: Vec<String>,
    measures: Vec<Measure>,
    filter: Option<String>,
    params: Map<String, Json>,
    sort: Option<String>,
    limit: u32,
}

/// The plan of an aggregation, and what its answer's columns are.
pub(crate) struct Totals {
    pub plan: Plan,
    /// Names of the groups, then of the measures.
    pub groups: Vec<String>,
    pub measures: Vec<(String, Function, Option<Type>)>,
    pub params: Map<String, Json>,
    pub limit: u32,
}

impl Aggregate {
    /// Reads the body, with all faults at once.
    pub fn parse(object: Map<String, Json>) -> Result<Self, Problem> {
        let mut input = Input::new(object);
        let group_by = member(&mut input, "group_by", field_names).unwrap_or_default();
        if group_by.len() > GROUPS_MAX {
            let message = format!("At most {GROUPS_MAX} fields can be grouped by.");
            input.fault("group_by", "too_many", message);
        }
        let measures = measures(&mut input, &group_by);
        let filter = input.optional_text("filter", 0, usize::MAX);
        let params = member(&mut input, "params", |value| match value {
            Json::Object(params) => Ok(params),
            _ => Err(("not_an_object", "This must be an object.".to_owned())),
        });
        let sort = member(&mut input, "sort", sort_text);
        let limit = member(&mut input, "limit", |value| {
            let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
            number.filter(|n| (1..=LIMIT_MAX).contains(n)).ok_or((
                "out_of_range",
                format!("This must be an integer from 1 to {LIMIT_MAX}."),
            ))
        });
        input.finish()?;
        Ok(Self {
            group_by,
            measures,
            filter,
            params: params.unwrap_or_default(),
            sort,
            limit: limit.unwrap_or(LIMIT_DEFAULT),
        })
    }
}

fn measures(input: &mut Input, group_by: &[String]) -> Vec<Measure> {
    let members = match input.take("measures") {
        Some(Json::Object(members)) if !members.is_empty() => members,
        _ => {
            let message = "Name at least one measure: {\"n\": \"count()\"}.";
            input.fault("measures", "required", message);
            return Vec::new();
        }
    };
    if members.len() > MEASURES_MAX {
        let message = format!("At most {MEASURES_MAX} measures can be asked for.");
        input.fault("measures", "too_many", message);
    }
    let mut all = Vec::new();
    for (name, text) in members {
        let mut bytes = name.bytes();
        let is_name = name.len() <= 59
            && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let found = text.as_str().and_then(function);
        let (code, message) = match found {
            _ if !is_name => (
                "not_a_name",
                "A measure's name has at most 59 of a-z, 0-9 and _, and begins with a letter.",
            ),
            _ if group_by.contains(&name) => ("duplicate", "A group has this name."),
            Some((function, field)) => {
                all.push(Measure {
                    name,
                    function,
                    field,
                });
                continue;
            }
            None => (
                "unknown_measure",
                "The measures are count(), count(field), count(distinct field), sum(field), avg(field), min(field) and max(field).",
            ),
        };
        input.push(FieldError {
            path: format!("/measures/{name}"),
            code,
            message: message.to_owned(),
        });
    }
    all
}

/// `sum(total)` and its like.
fn function(text: &str) -> Option<(Function, Option<String>)> {
    let (name, rest) = text.trim().split_once('(')?;
    let inner = rest.strip_suffix(')')?.trim();
    let distinct = inner.strip_prefix("distinct ").map(str::trim);
    let function = match (name.trim(), distinct) {
        ("count", None) => Function::Count,
        ("count", Some(_)) => Function::Distinct,
        ("sum", None) => Function::Sum,
        ("avg", None) => Function::Avg,
        ("min", None) => Function::Min,
        ("max", None) => Function::Max,
        _ => return None,
    };
    let field = distinct.unwrap_or(inner);
    if field.is_empty() {
        return (function == Function::Count).then_some((function, None));
    }
    Some((function, Some(field.to_owned())))
}

fn fault(path: String, code: &'static str, message: String) -> FieldError {
    FieldError {
        path,
        code,
        message,
    }
}

/// Whether equal values of a type make a group.
fn is_groupable(kind: &Type) -> bool {
    let kinds = matches!(
        kind.kind(),
        Kind::Text
            | Kind::Integer
            | Kind::Decimal { .. }
            | Kind::Float
            | Kind::Bool
            | Kind::DateTime
            | Kind::Date
            | Kind::Uuid
            | Kind::Relation { .. }
    );
    kinds && !matches!(kind, Type::File(_))
}

fn is_measurable(function: Function, kind: &Type) -> bool {
    let number = matches!(kind, Type::Number(_) | Type::Exact(_));
    match (function, kind.kind()) {
        (Function::Sum | Function::Avg, _) => number,
        (
            Function::Min | Function::Max,
            Kind::Integer
            | Kind::Decimal { .. }
            | Kind::Float
            | Kind::Text
            | Kind::DateTime
            | Kind::Date,
        ) => true,
        (Function::Min | Function::Max, _) => false,
        (Function::Count | Function::Distinct, _) => is_groupable(kind),
    }
}

/// The plan of an aggregation over the records that the viewer may list.
pub(crate) fn totals(
    schema: &Schema,
    collection: &Loaded,
    asked: &Aggregate,
    privileged: bool,
    backend: DbBackend,
) -> Result<Totals, Problem> {
    let mut maker = Maker::new(schema, privileged, backend);
    let mut typed = Typed::default();
    let filter = asked.filter.as_deref();
    let filter = filter
        .map(|text| maker.filter(collection, text, &asked.params, &mut typed))
        .transpose()
        .map_err(filter_problem)?;
    let mut errors = Vec::new();
    let mut keys = Vec::new();
    for (i, name) in asked.group_by.iter().enumerate() {
        let path = format!("/group_by/{i}");
        match maker.group(collection, name) {
            Some(key) if is_groupable(&key.column.kind) => keys.push(key),
            Some(_) => {
                let message = format!("The field {name:?} cannot be grouped by.");
                errors.push(fault(path, "not_groupable", message));
            }
            None => {
                let message = format!("There is no field {name:?}.");
                errors.push(fault(path, "unknown_field", message));
            }
        }
        if asked.group_by.iter().take(i).any(|other| other == name) {
            let message = format!("The field {name:?} stands twice.");
            errors.push(fault(format!("/group_by/{i}"), "repeated", message));
        }
    }
    let mut inputs = Vec::new();
    for measure in &asked.measures {
        let path = format!("/measures/{}", measure.name);
        let column = match &measure.field {
            None => None,
            Some(name) => match collection.column(name, privileged) {
                None => {
                    let message = format!("There is no field {name:?}.");
                    errors.push(fault(path, "unknown_field", message));
                    continue;
                }
                Some(column) if !is_measurable(measure.function, &column.kind) => {
                    let message = format!("The field {name:?} cannot be measured so.");
                    errors.push(fault(path, "not_measurable", message));
                    continue;
                }
                column => column,
            },
        };
        inputs.push(Source {
            function: measure.function,
            column,
        });
    }
    if !errors.is_empty() {
        return Err(Problem::new(Code::InvalidParameter).errors(errors));
    }
    let sort = order(asked)?;
    let kinds = inputs.iter().map(|i| i.column.map(|c| c.kind.clone()));
    let names = asked.measures.iter();
    let measures = names
        .zip(kinds)
        .map(|(m, kind)| (m.name.clone(), m.function, kind));
    let measures = measures.collect();
    let grouped = Grouped {
        collection,
        rule: (!privileged).then_some(&collection.rules.list),
        filter: filter.as_ref(),
        masked: !privileged,
        keys,
        inputs,
        sort,
        limit: asked.limit + 1,
    };
    Ok(Totals {
        plan: maker.checked(grouped.plan(backend))?,
        groups: asked.group_by.clone(),
        measures,
        params: typed.apply(&asked.params),
        limit: asked.limit,
    })
}

/// The order of the groups: as asked for, then by what they are grouped by, so that it is the same each time.
fn order(asked: &Aggregate) -> Result<Vec<Order>, Problem> {
    let mut all: Vec<Order> = Vec::new();
    let parts = asked.sort.as_deref().unwrap_or_default().split(',');
    for part in parts.filter(|p| !p.is_empty()) {
        let (descending, name) = part
            .strip_prefix('-')
            .map_or((false, part), |name| (true, name));
        let group = asked.group_by.iter().position(|g| g == name);
        let measure = asked.measures.iter().position(|m| m.name == name);
        let Some(key) = group.map(Key::Group).or(measure.map(Key::Measure)) else {
            let text = format!("There is no group and no measure {name:?} to sort by.");
            return Err(Problem::new(Code::InvalidSort).detail(text));
        };
        if all.iter().any(|o| o.key == key) {
            let text = format!("The name {name:?} stands twice.");
            return Err(Problem::new(Code::InvalidSort).detail(text));
        }
        all.push(Order { key, descending });
    }
    for key in (0..asked.group_by.len()).map(Key::Group) {
        if !all.iter().any(|o| o.key == key) {
            all.push(Order {
                key,
                descending: false,
            });
        }
    }
    Ok(all)
}

/// A field to group by: one of the record's own, or of the record that a relation leads to.
pub(crate) struct Group<'a> {
    pub column: &'a Column,
    pub hop: Option<Hop<'a>>,
}

impl<'a> Maker<'a> {
    fn group(&self, collection: &'a Loaded, name: &str) -> Option<Group<'a>> {
        let Some((by, field)) = name.split_once('.') else {
            let column = collection.column(name, self.privileged)?;
            return Some(Group { column, hop: None });
        };
        let by = collection.column(by, self.privileged)?;
        let Kind::Relation { to } = by.kind.kind() else {
            return None;
        };
        let target: &Loaded = self.schema.collections.get(&to)?;
        let column = target.column(field, self.privileged)?;
        let rule = (!self.privileged).then_some(&target.rules.list);
        Some(Group {
            column,
            hop: Some(Hop { by, target, rule }),
        })
    }
}
