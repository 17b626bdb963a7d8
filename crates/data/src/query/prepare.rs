//! From what a caller asks to the plans that answer it: names looked up, filters resolved, rules put in.

use super::{Expand, Query};
use crate::fields::Type;
use crate::schema::{Column, Loaded, Rule, Schema};
use crate::sql::list::{Hop, Page, SortKey};
use crate::sql::plan::Plan;
use gate::Problem;
use kernel::Code;
use rules::{ErrorKind, Mode, Resolved, RuleError};
use sea_orm::DbBackend;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use std::fmt::Formatter;
use store::Doc;

/// Keys of a sort at most, the id aside.
const SORT_MAX: usize = 8;
/// Bytes of all statements of one query; SQLite takes a million for one.
const SQL_BYTES_MAX: usize = 900_000;

/// A page's plans, kept for the next request of the same shape.
pub(crate) struct Prepared {
    pub page: Plan,
    pub count: Plan,
    /// The kinds of the cursor's values, in order.
    pub keys: Vec<Type>,
    typed: Typed,
    /// What is read after the page.
    pub later: Vec<Later>,
    /// The members of a record that make up its key, where the rows have no key of their own.
    read_key: Option<Vec<String>>,
}

/// The plans of one record with `fields` or `expand`.
pub(crate) struct Shaped {
    pub plan: Plan,
    /// What is read after the record.
    pub later: Vec<Later>,
}

/// A member of `expand` within which something is read after the record itself.
pub(crate) struct Later {
    pub name: String,
    pub what: What,
}

pub(crate) enum What {
    /// The view of a file.
    File,
    /// A record that is there already; something within it is read later.
    Within(Vec<Later>),
    /// Records that point to this one, or stand in its list.
    Related(Box<Pointing>),
}

/// A relation that gives many records: all that reads it.
pub(crate) struct Pointing {
    pub plan: Plan,
    /// The collection of the records.
    pub collection: String,
    pub way: Way,
    pub sort: Option<String>,
    pub filter: Option<String>,
    pub limit: u32,
    /// Which of the query's relations this is, in the order of [`params_of`].
    pub number: usize,
    pub(super) typed: Typed,
    /// What is read after these records.
    pub later: Vec<Later>,
}

/// Parameters that a filter takes as numbers or booleans although a query string has texts only.
#[derive(Default)]
pub(super) struct Typed(Vec<String>);

impl Typed {
    pub(super) fn apply(&self, params: &Map<String, Json>) -> Map<String, Json> {
        let mut params = params.clone();
        for name in &self.0 {
            if let Some(value) = params.get_mut(name)
                && let Some(typed) = scalar(value)
            {
                *value = typed;
            }
        }
        params
    }
}

/// Whether records are read after the first statement.
pub(crate) fn reads_more(later: &[Later]) -> bool {
    later.iter().any(|l| match &l.what {
        What::File => false,
        What::Within(inner) => reads_more(inner),
        What::Related(_) => true,
    })
}

impl Prepared {
    /// The parameters with the types that the filter takes them as.
    pub(crate) fn params(&self, params: &Map<String, Json>) -> Map<String, Json> {
        self.typed.apply(params)
    }

    /// The key of a row of the page, as a JSON array.
    pub(crate) fn key_of(&self, doc: &Doc) -> Option<String> {
        let Some(names) = &self.read_key else {
            return doc.key.clone();
        };
        let mut record = serde_json::Deserializer::from_str(&doc.json);
        let parts = KeyParts(names).deserialize(&mut record).ok()?;
        let parts: Option<Vec<&str>> = parts.into_iter().map(|p| p.map(RawValue::get)).collect();
        Some(format!("[{}]", parts?.join(",")))
    }
}

/// Takes the members of these names out of a record; nothing is made of the others.
struct KeyParts<'n>(&'n [String]);

impl<'de> DeserializeSeed<'de> for KeyParts<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn deserialize<D: Deserializer<'de>>(self, record: D) -> Result<Self::Value, D::Error> {
        record.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for KeyParts<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut parts = vec![None; self.0.len()];
        // Names hold nothing that JSON escapes.
        while let Some(name) = members.next_key::<&str>()? {
            let wanted = self.0.iter().position(|key| key == name);
            match wanted.and_then(|i| parts.get_mut(i)) {
                Some(part) => *part = Some(members.next_value()?),
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(parts)
    }
}

/// What leads from a record to many.
pub(crate) enum Way {
    /// Their relation of this name points to it.
    Pointing(String),
    /// Their list of this name has it.
    Listing(String),
    /// The list has them that this field of this collection's record is.
    Listed { collection: String, field: String },
}

impl Way {
    /// The filter of a list of their collection that finds the records of one.
    pub(crate) fn filter(&self, id: &str) -> String {
        match self {
            Self::Pointing(by) => format!("{by} == \"{id}\""),
            Self::Listing(by) => format!("\"{id}\" in {by}"),
            Self::Listed { collection, field } => {
                format!("{collection}_via_{field}.exists(r, r.id == \"{id}\")")
            }
        }
    }
}

impl Pointing {
    /// The parameters with the types that the filter takes them as.
    pub(crate) fn params(&self, params: &Map<String, Json>) -> Map<String, Json> {
        self.typed.apply(params)
    }
}

/// The parameters that hold for each of the query's relations: its own, or those of what it is within.
pub(crate) fn params_of(query: &Query) -> Vec<Map<String, Json>> {
    fn add(tree: &[Expand], outer: &Map<String, Json>, all: &mut Vec<Map<String, Json>>) {
        for expand in tree {
            let own = expand.params.as_ref().unwrap_or(outer);
            all.push(own.clone());
            add(&expand.expand, own, all);
        }
    }
    let mut all = Vec::new();
    add(&query.expand, &query.params, &mut all);
    all
}

/// The number or boolean that a text spells.
fn scalar(value: &Json) -> Option<Json> {
    let typed: Json = serde_json::from_str(value.as_str()?).ok()?;
    matches!(typed, Json::Number(_) | Json::Bool(_)).then_some(typed)
}

/// What of a parameter decides how a filter resolves: its type, or for a text the type that it spells.
pub(crate) fn kind_of(value: &Json) -> u8 {
    match value {
        Json::Null => 0,
        Json::Bool(_) => 1,
        Json::Number(n) => {
            let whole = n.is_i64() || n.as_f64().is_some_and(|n| n.fract() == 0.0);
            if whole { 2 } else { 3 }
        }
        Json::Array(_) => 4,
        Json::Object(_) => 5,
        Json::String(_) => 6 + scalar(value).as_ref().map_or(0, kind_of),
    }
}

/// What all of a query's plans are made for.
pub(super) struct Maker<'a> {
    pub schema: &'a Schema,
    pub privileged: bool,
    pub backend: DbBackend,
    /// Relations met so far.
    pub met: usize,
    /// Bytes of SQL made so far.
    bytes: usize,
}

/// Builds the plans of a page. `nulls` tells which of the cursor's values are null, if there is one.
pub(crate) fn prepare(
    schema: &Schema,
    collection: &Loaded,
    query: &Query,
    privileged: bool,
    nulls: Option<Vec<bool>>,
    backend: DbBackend,
) -> Result<Prepared, Problem> {
    let mut maker = Maker::new(schema, privileged, backend);
    let mut typed = Typed::default();
    let filter = query.filter.as_deref();
    let filter = filter
        .map(|text| maker.filter(collection, text, &query.params, &mut typed))
        .transpose()
        .map_err(filter_problem)?;
    let sort = maker.sort(collection, query.sort.as_deref())?;
    let keys = sort.iter().map(|k| k.column.kind.clone()).collect();
    let (projection, later) = maker.top(collection, query)?;
    let page = Page {
        collection,
        rule: (!privileged).then_some(&collection.rules.list),
        filter: filter.as_ref(),
        projection,
        sort,
        after: nulls,
    };
    Ok(Prepared {
        read_key: page.read_key(),
        page: maker.checked(page.plan(backend))?,
        count: page.count(backend),
        keys,
        typed,
        later,
    })
}

/// The plan of one record with `fields` or `expand`.
pub(crate) fn prepare_one(
    schema: &Schema,
    collection: &Loaded,
    query: &Query,
    privileged: bool,
    backend: DbBackend,
) -> Result<Shaped, Problem> {
    let mut maker = Maker::new(schema, privileged, backend);
    let (projection, later) = maker.top(collection, query)?;
    let rule = view_rule(collection, privileged);
    let plan = crate::sql::list::one(collection, rule, &projection, backend, false);
    Ok(Shaped {
        plan: maker.checked(plan)?,
        later,
    })
}

pub(crate) fn view_rule(collection: &Loaded, privileged: bool) -> Option<&Rule> {
    (!privileged).then_some(&collection.rules.view)
}

/// A fault of a filter or of its parameters, with its place.
pub(crate) fn filter_problem(error: RuleError) -> Problem {
    let place = format!(
        "{} (characters {} to {})",
        error.message, error.span.start, error.span.end
    );
    let length = error.span.end.saturating_sub(error.span.start);
    let problem = Problem::new(Code::InvalidFilter).detail(place);
    let problem = problem.place(error.span.start, length);
    match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

fn sort_problem(text: String) -> Problem {
    Problem::new(Code::InvalidSort).detail(text)
}

impl<'a> Maker<'a> {
    pub(super) fn new(schema: &'a Schema, privileged: bool, backend: DbBackend) -> Self {
        Self {
            schema,
            privileged,
            backend,
            met: 0,
            bytes: 0,
        }
    }

    /// Refuses what would be too long for the engine.
    pub(super) fn checked(&mut self, plan: Plan) -> Result<Plan, Problem> {
        self.bytes += plan.bytes();
        if self.bytes > SQL_BYTES_MAX {
            let detail = "This needs more SQL than an answer may: ask for fewer relations.";
            return Err(Problem::new(Code::InvalidParameter).detail(detail));
        }
        Ok(plan)
    }

    /// Resolves a filter. A parameter of a query string is a text; where a number or a boolean is compared with it, it
    /// is taken as one, and `typed` tells so.
    pub(super) fn filter(
        &self,
        collection: &Loaded,
        text: &str,
        params: &Map<String, Json>,
        typed: &mut Typed,
    ) -> Result<Resolved, RuleError> {
        let mut params = params.clone();
        let names = self.schema.names(self.privileged);
        loop {
            let name = &collection.def.name;
            let resolved =
                rules::parse_and_resolve(text, name, Mode::Filter, &names, Some(&params));
            let Err(error) = resolved else {
                return resolved;
            };
            let place: String = text
                .chars()
                .skip(error.span.start)
                .take(error.span.end.saturating_sub(error.span.start))
                .collect();
            let candidate = params.iter().find_map(|(name, value)| {
                let named = place.contains(&format!("params.{name}")) && !typed.0.contains(name);
                Some((name.clone(), scalar(value).filter(|_| named)?))
            });
            let Some((name, value)) = candidate.filter(|_| {
                matches!(
                    error.kind,
                    ErrorKind::Type | ErrorKind::Param | ErrorKind::Value
                )
            }) else {
                return Err(error);
            };
            params.insert(name.clone(), value);
            typed.0.push(name);
        }
    }

    /// The whole key of a sort, the id last.
    pub(super) fn sort(
        &self,
        collection: &'a Loaded,
        text: Option<&str>,
    ) -> Result<Vec<SortKey<'a>>, Problem> {
        let mut keys: Vec<SortKey<'a>> = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        let parts = text.unwrap_or_default().split(',');
        for part in parts.filter(|p| !p.is_empty()) {
            let (descending, name) = part
                .strip_prefix('-')
                .map_or((false, part), |name| (true, name));
            let (hop, column) = self.sort_column(collection, name)?;
            if names.contains(&name) {
                return Err(sort_problem(format!("The field {name:?} stands twice.")));
            }
            names.push(name);
            keys.push(SortKey {
                column,
                descending,
                hop,
            });
        }
        if keys.len() > SORT_MAX {
            let text = format!("At most {SORT_MAX} fields can be sorted by.");
            return Err(sort_problem(text));
        }
        // What follows the id decides nothing: it is unique.
        let is_id = |k: &SortKey<'_>| k.column.name == "id" && k.hop.is_none();
        if let Some(id) = keys.iter().position(is_id) {
            keys.truncate(id + 1);
        } else if let Some(id) = collection.column("id", true) {
            let descending = keys.last().is_some_and(|k| k.descending);
            keys.push(SortKey {
                column: id,
                descending,
                hop: None,
            });
        }
        Ok(keys)
    }

    fn sort_column(
        &self,
        collection: &'a Loaded,
        name: &str,
    ) -> Result<(Option<Hop<'a>>, &'a Column), Problem> {
        // A field with a read rule could be ordered by although it is not shown.
        let find = |of: &'a Loaded, name: &str| {
            of.column(name, self.privileged)
                .filter(|c| self.privileged || c.mask.is_none())
                .filter(|c| c.kind.is_ordered())
        };
        let unknown = || sort_problem(format!("There is no field {name:?} to sort by."));
        let Some((by, field)) = name.split_once('.') else {
            return Ok((None, find(collection, name).ok_or_else(unknown)?));
        };
        if field.contains('.') {
            let text = format!("The path {name:?} is too long: a sort takes one relation at most.");
            let hint = "Keep the value in the record that its relation points to, or sort there.";
            return Err(sort_problem(text).hint(hint));
        }
        let by = find(collection, by).ok_or_else(unknown)?;
        let Type::Relation(relation) = &by.kind else {
            return Err(unknown());
        };
        let target: &Loaded = self.schema.collection(&relation.collection)?;
        let column = find(target, field).ok_or_else(unknown)?;
        let rule = (!self.privileged).then_some(&target.rules.list);
        Ok((Some(Hop { by, target, rule }), column))
    }
}
