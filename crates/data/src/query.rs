//! What a caller asks of a list or a record: parsing of the parameters, and the plan that answers them.

use crate::fields::Type;
use crate::schema::{Column, Loaded, Rule, Schema};
use crate::sql::list::{After, Page, SortKey};
use crate::sql::plan::Plan;
use crate::sql::projection::Projection;
use gate::Problem;
use kernel::limits::{PAGE_DEFAULT, PAGE_MAX};
use kernel::{Code, FieldError};
use rules::{ErrorKind, Mode, Resolved, RuleError};
use sea_orm::DbBackend;
use serde_json::{Map, Value as Json};

/// Relations that one query expands at most.
const EXPAND_MAX: usize = 16;
/// Keys of a sort at most, the id aside.
const SORT_MAX: usize = 8;

/// The parameters of a list or, without the first five, of one record.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Which records.
    pub filter: Option<String>,
    /// Values for the filter's `params.*`.
    pub params: Map<String, Json>,
    /// In which order: `-created_at,title`.
    pub sort: Option<String>,
    /// Records of the page.
    pub limit: Option<u32>,
    /// Where the page begins.
    pub cursor: Option<String>,
    /// Whether to count all.
    pub count: bool,
    /// Which fields.
    pub fields: Option<String>,
    /// Which relations come along.
    pub expand: Option<String>,
}

impl Query {
    /// Reads a list's parameters from a query string; unknown ones and repeated ones are faults.
    pub fn parse_list(text: &str) -> Result<Self, Problem> {
        Self::parse(text, true)
    }

    /// Reads one record's parameters: `fields` and `expand`.
    pub fn parse_one(text: &str) -> Result<Self, Problem> {
        Self::parse(text, false)
    }

    fn parse(text: &str, list: bool) -> Result<Self, Problem> {
        let mut query = Self::default();
        if text.is_empty() {
            return Ok(query);
        }
        let mut seen = std::collections::HashSet::new();
        let mut errors = Vec::new();
        let pairs: Vec<(String, String)> = serde_urlencoded_pairs(text)?;
        for (name, value) in pairs {
            let mut fault = |code, message: &str| {
                errors.push(FieldError {
                    path: format!("?{name}"),
                    code,
                    message: message.to_owned(),
                })
            };
            if value.contains('\0') {
                fault("nul", "U+0000 is not allowed.");
                continue;
            }
            if !seen.insert(name.clone()) {
                fault("repeated", "This stands twice.");
                continue;
            }
            match name.as_str() {
                "fields" => query.fields = Some(value),
                "expand" => query.expand = Some(value),
                "filter" if list => query.filter = Some(value),
                "sort" if list => query.sort = Some(value),
                "cursor" if list => query.cursor = Some(value),
                "count" if list && value == "exact" => query.count = true,
                "count" if list => fault("unknown_count", "The only count is exact."),
                "limit" if list => match value.parse::<u32>() {
                    Ok(n) if (1..=PAGE_MAX).contains(&n) => query.limit = Some(n),
                    _ => fault(
                        "out_of_range",
                        &format!("This must be an integer from 1 to {PAGE_MAX}."),
                    ),
                },
                _ => match name
                    .strip_prefix("params.")
                    .filter(|n| list && !n.is_empty())
                {
                    Some(param) => {
                        query.params.insert(param.to_owned(), value.into());
                    }
                    None => fault("unknown_parameter", "There is no such parameter."),
                },
            }
        }
        if errors.is_empty() {
            Ok(query)
        } else {
            Err(Problem::new(Code::InvalidParameter).errors(errors))
        }
    }

    /// Records of the page.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(PAGE_DEFAULT)
    }
}

fn serde_urlencoded_pairs(text: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(text);
    pairs
        .map(actix_web::web::Query::into_inner)
        .map_err(|_| Problem::new(Code::InvalidParameter).detail("The query string is malformed."))
}

/// A page's plans, kept for the next request of the same shape.
pub(crate) struct Prepared {
    pub page: Plan,
    pub count: Plan,
    /// The kinds of the cursor's values, in order.
    pub keys: Vec<Type>,
    /// Parameters that the filter takes as numbers or booleans although a query string has texts only.
    typed: Vec<String>,
}

impl Prepared {
    /// The parameters with the types that the filter takes them as.
    pub(crate) fn params(&self, params: &Map<String, Json>) -> Map<String, Json> {
        let mut params = params.clone();
        for name in &self.typed {
            if let Some(value) = params.get_mut(name)
                && let Some(typed) = scalar(value)
            {
                *value = typed;
            }
        }
        params
    }
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

/// Builds the plans of a page. `nulls` tells which of the cursor's values are null, if there is one.
pub(crate) fn prepare(
    schema: &Schema,
    collection: &Loaded,
    query: &Query,
    privileged: bool,
    nulls: Option<Vec<bool>>,
    backend: DbBackend,
) -> Result<Prepared, Problem> {
    let mut typed = Vec::new();
    let filter = match query.filter.as_deref() {
        Some(text) => Some(resolve_filter(
            schema,
            collection,
            text,
            &query.params,
            privileged,
            &mut typed,
        )?),
        None => None,
    };
    let sort = parse_sort(collection, query.sort.as_deref(), privileged)?;
    let projection = project(schema, collection, query, privileged)?;
    let keys = sort.iter().map(|k| k.column.kind.clone()).collect();
    let rule = (!privileged).then_some(&collection.rules.list);
    let page = Page {
        collection,
        rule,
        filter: filter.as_ref(),
        projection,
        sort,
        after: nulls.map(|nulls| After { nulls }),
    };
    Ok(Prepared {
        page: page.plan(backend),
        count: page.count(backend),
        keys,
        typed,
    })
}

/// The plan of one record with `fields` or `expand`.
pub(crate) fn prepare_one(
    schema: &Schema,
    collection: &Loaded,
    query: &Query,
    privileged: bool,
    backend: DbBackend,
) -> Result<Plan, Problem> {
    let projection = project(schema, collection, query, privileged)?;
    Ok(crate::sql::list::one(
        collection,
        view_rule(collection, privileged),
        &projection,
        backend,
        false,
    ))
}

pub(crate) fn view_rule(collection: &Loaded, privileged: bool) -> Option<&Rule> {
    (!privileged).then_some(&collection.rules.view)
}

/// Resolves a filter. A parameter of a query string is a text; where a number or a boolean is compared with it, it is
/// taken as one, and `typed` tells so.
fn resolve_filter(
    schema: &Schema,
    collection: &Loaded,
    text: &str,
    params: &Map<String, Json>,
    privileged: bool,
    typed: &mut Vec<String>,
) -> Result<Resolved, Problem> {
    let mut params = params.clone();
    loop {
        let error = match rules::parse_and_resolve(
            text,
            &collection.def.name,
            Mode::Filter,
            &schema.names(privileged),
            Some(&params),
        ) {
            Ok(resolved) => return Ok(resolved),
            Err(error) => error,
        };
        let place: String = text
            .chars()
            .skip(error.span.start)
            .take(error.span.end.saturating_sub(error.span.start))
            .collect();
        let candidate = params.iter().find_map(|(name, value)| {
            let named = place.contains(&format!("params.{name}")) && !typed.contains(name);
            Some((name.clone(), scalar(value).filter(|_| named)?))
        });
        let Some((name, value)) = candidate.filter(|_| {
            matches!(
                error.kind,
                ErrorKind::Type | ErrorKind::Param | ErrorKind::Value
            )
        }) else {
            return Err(filter_problem(error));
        };
        params.insert(name.clone(), value);
        typed.push(name);
    }
}

/// A fault of a filter or of its parameters, with its place.
pub(crate) fn filter_problem(error: RuleError) -> Problem {
    let place = format!(
        "{} (characters {} to {})",
        error.message, error.span.start, error.span.end
    );
    let problem = Problem::new(Code::InvalidFilter).detail(place);
    match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

fn parse_sort<'a>(
    collection: &'a Loaded,
    text: Option<&str>,
    privileged: bool,
) -> Result<Vec<SortKey<'a>>, Problem> {
    let mut keys: Vec<SortKey<'a>> = Vec::new();
    for part in text
        .unwrap_or_default()
        .split(',')
        .filter(|p| !p.is_empty())
    {
        let (descending, name) = part
            .strip_prefix('-')
            .map_or((false, part), |name| (true, name));
        // A field with a read rule could be ordered by although it is not shown.
        let column = collection
            .column(name, privileged)
            .filter(|c| privileged || c.mask.is_none())
            .filter(|c| !matches!(c.kind, Type::File(_)));
        let column = column.ok_or_else(|| {
            Problem::new(Code::InvalidSort)
                .detail(format!("There is no field {name:?} to sort by."))
        })?;
        if keys.iter().any(|k| k.column.name == column.name) {
            return Err(
                Problem::new(Code::InvalidSort).detail(format!("The field {name:?} stands twice."))
            );
        }
        keys.push(SortKey { column, descending });
    }
    if keys.len() > SORT_MAX {
        return Err(Problem::new(Code::InvalidSort)
            .detail(format!("At most {SORT_MAX} fields can be sorted by.")));
    }
    // What follows the id decides nothing: it is unique.
    if let Some(id) = keys.iter().position(|k| k.column.name == "id") {
        keys.truncate(id + 1);
    } else if let Some(id) = collection.column("id", true) {
        let descending = keys.last().is_some_and(|k| k.descending);
        keys.push(SortKey {
            column: id,
            descending,
        });
    }
    Ok(keys)
}

fn project<'a>(
    schema: &'a Schema,
    collection: &'a Loaded,
    query: &Query,
    privileged: bool,
) -> Result<Projection<'a>, Problem> {
    let unknown = |parameter: &str, name: &str| {
        let message = format!("There is no field {name:?}.");
        Problem::new(Code::InvalidParameter).errors(vec![FieldError {
            path: format!("?{parameter}"),
            code: "unknown_field",
            message,
        }])
    };
    let columns = match query.fields.as_deref() {
        None => collection.columns(privileged),
        Some(text) => {
            let mut columns: Vec<&Column> = Vec::new();
            for name in text.split(',') {
                let column = collection
                    .column(name, privileged)
                    .ok_or_else(|| unknown("fields", name))?;
                if !columns.iter().any(|c| c.name == column.name) {
                    columns.push(column);
                }
            }
            columns
        }
    };
    let mut expand: Vec<(&Column, Option<&Loaded>)> = Vec::new();
    for name in query
        .expand
        .as_deref()
        .unwrap_or_default()
        .split(',')
        .filter(|n| !n.is_empty())
    {
        let column = collection
            .column(name, privileged)
            .ok_or_else(|| unknown("expand", name))?;
        let target = match &column.kind {
            Type::Relation(relation) => Some(&**schema.collection(&relation.collection)?),
            Type::File(_) => None,
            _ => return Err(unknown("expand", name)),
        };
        if !expand.iter().any(|(c, _)| c.name == column.name) {
            expand.push((column, target));
        }
    }
    if expand.len() > EXPAND_MAX {
        return Err(Problem::new(Code::InvalidParameter)
            .detail(format!("At most {EXPAND_MAX} relations can be expanded.")));
    }
    Ok(Projection {
        columns,
        masked: !privileged,
        expand,
    })
}
