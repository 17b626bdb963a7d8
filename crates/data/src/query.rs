//! What a caller asks of a list or a record: the parameters of an address, or a body.

mod aggregate;
mod bulk;
mod expand;
mod parts;
mod prepare;

pub use aggregate::Aggregate;
pub(crate) use aggregate::{Function, Group, Totals, totals};
pub(crate) use bulk::{Matching, matching};
pub use expand::Expand;
pub(crate) use expand::{HOPS_MAX, RELATED_DEFAULT, RELATED_MAX, RELATIONS_MAX};
pub(crate) use prepare::{
    Later, Pointing, Prepared, Shaped, Way, What, filter_problem, kind_of, params_of, prepare,
    prepare_one, reads_more, view_rule,
};

use gate::{Input, Problem};
use kernel::limits::{PAGE_DEFAULT, PAGE_MAX};
use kernel::{Code, FieldError};
use serde_json::{Map, Value as Json};
use url::form_urlencoded;

/// The parameters of a list or, as far as they fit, of one record.
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
    pub fields: Option<Vec<String>>,
    /// Which relations come along.
    pub expand: Vec<Expand>,
    /// Whether it came in a body, for the places of faults.
    pub from_body: bool,
}

impl Query {
    /// Reads a list's parameters from a query string; unknown ones and repeated ones are faults.
    pub fn parse_list(text: &str) -> Result<Self, Problem> {
        Self::parse(text, true)
    }

    /// Reads one record's parameters: `fields`, `expand`, and `params.*` for the filters in it.
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
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
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
            match &*name {
                "fields" => query.fields = Some(value.split(',').map(str::to_owned).collect()),
                "expand" => match Expand::parse(&value) {
                    Ok(tree) => query.expand = tree,
                    Err(problem) => errors.extend_from_slice(problem.field_errors()),
                },
                "filter" if list => query.filter = Some(value.into_owned()),
                "sort" if list => query.sort = Some(value.into_owned()),
                "cursor" if list => query.cursor = Some(value.into_owned()),
                "count" if list && value == "exact" => query.count = true,
                "count" if list => fault("unknown_count", "The only count is exact."),
                "limit" if list => match value.parse::<u32>() {
                    Ok(n) if (1..=PAGE_MAX).contains(&n) => query.limit = Some(n),
                    _ => fault(
                        "out_of_range",
                        &format!("This must be an integer from 1 to {PAGE_MAX}."),
                    ),
                },
                _ => match name.strip_prefix("params.").filter(|n| !n.is_empty()) {
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

    /// Reads the same as [`Query::parse_list`] from a JSON body.
    pub fn parse_body(object: Map<String, Json>) -> Result<Self, Problem> {
        let mut input = Input::new(object);
        let mut query = Self {
            filter: input.optional_text("filter", 0, usize::MAX),
            cursor: input.optional_text("cursor", 0, usize::MAX),
            fields: member(&mut input, "fields", field_names),
            sort: member(&mut input, "sort", sort_text),
            limit: member(&mut input, "limit", page_limit),
            from_body: true,
            ..Self::default()
        };
        query.count = member(&mut input, "count", |value| match value.as_str() {
            Some("exact") => Ok(()),
            _ => Err(("unknown_count", "The only count is exact.".to_owned())),
        })
        .is_some();
        query.params = member(&mut input, "params", |value| match value {
            Json::Object(params) => Ok(params),
            _ => Err(("not_an_object", "This must be an object.".to_owned())),
        })
        .unwrap_or_default();
        let expand = input.take("expand").filter(|e| !e.is_null());
        input.finish()?;
        query.expand = expand.map_or(Ok(Vec::new()), Expand::parse_body)?;
        Ok(query)
    }

    /// Records of the page.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(PAGE_DEFAULT)
    }
}

/// Reads a member that is there and not null; notes its fault.
fn member<T>(
    input: &mut Input,
    name: &str,
    read: impl FnOnce(Json) -> Result<T, (&'static str, String)>,
) -> Option<T> {
    let value = input.take(name).filter(|v| !v.is_null())?;
    match read(value) {
        Ok(value) => Some(value),
        Err((code, message)) => {
            input.fault(name, code, message);
            None
        }
    }
}

fn page_limit(value: Json) -> Result<u32, (&'static str, String)> {
    let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
    number
        .filter(|n| (1..=PAGE_MAX).contains(n))
        .ok_or_else(|| {
            let message = format!("This must be an integer from 1 to {PAGE_MAX}.");
            ("out_of_range", message)
        })
}

/// A sort as a parameter has it, from a text or a list of texts.
fn sort_text(value: Json) -> Result<String, (&'static str, String)> {
    match value {
        Json::String(text) => Ok(text),
        value => Ok(texts(value)?.join(",")),
    }
}

fn field_names(value: Json) -> Result<Vec<String>, (&'static str, String)> {
    let names = texts(value)?;
    if names.is_empty() {
        return Err(("empty", "Name at least one field.".to_owned()));
    }
    Ok(names)
}

fn texts(value: Json) -> Result<Vec<String>, (&'static str, String)> {
    let fault = || ("not_texts", "This must be a list of texts.".to_owned());
    let Json::Array(items) = value else {
        return Err(fault());
    };
    let texts = items.into_iter().map(|item| match item {
        Json::String(text) => Ok(text),
        _ => Err(fault()),
    });
    texts.collect()
}
