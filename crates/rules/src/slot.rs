//! A place in a compiled text that one request's value is put into: where the value comes from
//! and which type it is taken as. The same reading serves binding and evaluation in memory.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::env::Env;
use crate::error::{ErrorKind, RuleError, Span};
use crate::geo::Half;
use crate::limits::{LIST_PARAM_ITEMS_MAX, Limit};
use crate::times;
use crate::value::{Ty, Val, from_json, like_pattern};

/// SQLite refuses longer patterns with an error of its own.
const PATTERN_CHARS_MAX: usize = 1_000;

/// A value that every request brings anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slot {
    pub(crate) from: From,
    pub(crate) ty: Ty,
    pub(crate) list: bool,
    /// Microseconds added to a moment.
    pub(crate) moved: i64,
    /// Whether the text is the pattern of `matches_like`.
    pub(crate) pattern: bool,
    /// Which coordinate the number is, if it is one.
    pub(crate) half: Option<Half>,
    pub(crate) span: Span,
}

/// Where a slot's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum From {
    AuthId,
    AuthEmail,
    AuthVerified,
    AuthAnonymous,
    AuthLevel,
    AuthRoles,
    AuthTeams,
    Claim(Vec<String>),
    Method,
    Time,
    IpNetwork,
    Query(String),
    Now,
    Param(String),
    /// A field of the row given with the request, or of the row after the write.
    Field {
        next: bool,
        name: String,
        half: Option<Half>,
    },
}

/// A slot's value: one, or the items of a list without its nulls.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filled {
    One(Val),
    Many(Vec<Val>),
}

impl Slot {
    pub(crate) fn new(from: From, ty: Ty, span: Span) -> Self {
        Self {
            from,
            ty,
            list: false,
            moved: 0,
            pattern: false,
            half: None,
            span,
        }
    }

    pub(crate) fn names_auth(&self) -> bool {
        matches!(
            self.from,
            From::AuthId
                | From::AuthEmail
                | From::AuthVerified
                | From::AuthAnonymous
                | From::AuthLevel
                | From::AuthRoles
                | From::AuthTeams
                | From::Claim(_)
        )
    }

    /// Whether a well-formed request may leave it out.
    pub(crate) fn may_be_absent(&self) -> bool {
        self.names_auth() || matches!(self.from, From::Query(_) | From::IpNetwork)
    }

    /// The value for this request. Only parameters can be wrong; anything else that its type
    /// does not take counts as absent.
    pub(crate) fn read(&self, env: &Env<'_>) -> Result<Filled, RuleError> {
        let json = self.json(env);
        let filled = match (&json, self.list) {
            (Some(Json::Array(items)), true) => {
                if items.len() > LIST_PARAM_ITEMS_MAX && matches!(self.from, From::Param(_)) {
                    return Err(RuleError::limit(Limit::ListParamItems, self.span));
                }
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    match from_json(item, self.ty) {
                        Some(Val::Null) => {}
                        Some(value) => values.push(value),
                        None => self.refuse(item)?,
                    }
                }
                return Ok(Filled::Many(values));
            }
            (Some(Json::Null) | None, _) => Val::Null,
            (Some(other), true) => {
                self.refuse(other)?;
                Val::Null
            }
            (Some(json), false) => match from_json(json, self.ty) {
                Some(value) => self.finish(value)?,
                None => {
                    self.refuse(json)?;
                    Val::Null
                }
            },
        };
        if filled == Val::Null && matches!(self.from, From::Param(_)) {
            return Err(self.wrong(ErrorKind::Param, "is missing or null"));
        }
        Ok(Filled::One(filled))
    }

    fn finish(&self, value: Val) -> Result<Val, RuleError> {
        match value {
            Val::DateTime(at) if self.moved != 0 => match times::moved(&at, self.moved) {
                Some(at) => Ok(Val::DateTime(at)),
                None => Err(self.wrong(ErrorKind::Overflow, "leaves the years 1 to 9999")),
            },
            Val::Text(text) if self.pattern => {
                if text.chars().count() > PATTERN_CHARS_MAX {
                    self.refuse(&Json::Null)?;
                    return Ok(Val::Null);
                }
                Ok(Val::Text(like_pattern(&text)))
            }
            Val::Float(degrees) => match self.half {
                Some(half) if !half.takes(degrees) => {
                    let limit = half.limit();
                    let range = format!("must be between -{limit} and {limit}");
                    if matches!(self.from, From::Param(_)) {
                        return Err(self.wrong(ErrorKind::Param, &range));
                    }
                    Ok(Val::Null)
                }
                _ => Ok(value),
            },
            value => Ok(value),
        }
    }

    fn json(&self, env: &Env<'_>) -> Option<Json> {
        let text = |text: &str| Json::from(text);
        let texts = |texts: &[String]| texts.iter().map(String::as_str).collect::<Json>();
        match &self.from {
            From::AuthId => env.auth.map(|auth| text(&auth.id)),
            From::AuthEmail => env.auth?.email.as_deref().map(text),
            From::AuthVerified => env.auth.map(|auth| Json::from(auth.verified)),
            From::AuthAnonymous => env.auth.map(|auth| Json::from(auth.anonymous)),
            From::AuthLevel => env.auth.map(|auth| Json::from(auth.level)),
            From::AuthRoles => env.auth.map(|auth| texts(&auth.roles)),
            From::AuthTeams => env.auth.map(|auth| texts(&auth.teams)),
            From::Claim(path) => {
                let (first, rest) = path.split_first()?;
                let mut at = env.auth?.claims.get(first)?;
                for name in rest {
                    at = at.as_object()?.get(name)?;
                }
                Some(at.clone())
            }
            From::Method => Some(text(&env.request.method)),
            From::Time => Some(text(&env.request.time)),
            From::IpNetwork => env.request.ip_network.as_deref().map(text),
            From::Query(name) => env.request.query.get(name).cloned(),
            From::Now => Some(text(env.now)),
            From::Param(name) => env.params.get(name).cloned(),
            From::Field { next, name, half } => {
                let row = if *next { env.next } else { env.record };
                let json = row?.get(name)?;
                match half {
                    None => Some(json.clone()),
                    Some(half) => half.of(json).map(Json::from),
                }
            }
        }
    }

    /// A parameter is a mistake of the caller's; other sources merely have no such value.
    fn refuse(&self, _value: &Json) -> Result<(), RuleError> {
        if matches!(self.from, From::Param(_)) {
            let list = if self.list { " in each item" } else { "" };
            let expected = format!("must be {}{list}", self.ty.words());
            return Err(self.wrong(ErrorKind::Param, &expected));
        }
        Ok(())
    }

    fn wrong(&self, kind: ErrorKind, message: &str) -> RuleError {
        RuleError::new(kind, self.span, format!("`{}` {message}", self.name()))
    }

    /// The slot as it is written in a text.
    pub(crate) fn name(&self) -> String {
        match &self.from {
            From::AuthId => "auth.id".to_owned(),
            From::AuthEmail => "auth.email".to_owned(),
            From::AuthVerified => "auth.verified".to_owned(),
            From::AuthAnonymous => "auth.anonymous".to_owned(),
            From::AuthLevel => "auth.level".to_owned(),
            From::AuthRoles => "auth.roles".to_owned(),
            From::AuthTeams => "auth.teams".to_owned(),
            From::Claim(path) => format!("auth.claims.{}", path.join(".")),
            From::Method => "request.method".to_owned(),
            From::Time => "request.time".to_owned(),
            From::IpNetwork => "request.ip_network".to_owned(),
            From::Query(name) => format!("request.query.{name}"),
            From::Now => "now".to_owned(),
            From::Param(name) => format!("params.{name}"),
            From::Field { next, name, .. } if *next => format!("next.{name}"),
            From::Field { name, .. } => name.clone(),
        }
    }
}
