//! What is asked to be explained: an act, what it is about, and whose it is.

use super::Act;
use crate::error::DataError;
use crate::query::Query;
use crate::service::{Asker, Data};
use gate::{Input, Problem, Project, UserAuth, Who};
use kernel::{Code, FieldError, parse_id};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use uuid::Uuid;

/// Characters of a text at most that is not a filter.
const TEXT_MAX: usize = 500;

/// An act to be explained.
#[derive(Clone, Debug)]
pub struct ExplainIn {
    pub(super) act: Act,
    /// The record that it is about.
    pub(super) record: Option<Uuid>,
    /// What it would write.
    pub(super) data: Map<String, Json>,
    /// The filter and order of a list.
    pub(super) query: Query,
    whom: Whom,
}

#[derive(Clone, Debug)]
enum Whom {
    Caller,
    Stranger,
    User(Claims),
}

/// A user, as far as it is described.
#[derive(Clone, Debug)]
struct Claims {
    /// `None` for one who is made up.
    id: Option<Uuid>,
    roles: Vec<String>,
    teams: Vec<String>,
    claims: Map<String, Json>,
    verified: Option<bool>,
    level: i64,
}

impl ExplainIn {
    /// Reads the request's body, with all faults at once.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let act = match input.text("action", 1, TEXT_MAX).as_str() {
            "list" => Act::List,
            "view" => Act::View,
            "create" => Act::Create,
            "update" => Act::Update,
            "delete" => Act::Delete,
            // Its fault is noted already.
            "" => Act::List,
            _ => {
                let message = "This must be list, view, create, update or delete.";
                input.fault("action", "not_a_choice", message);
                Act::List
            }
        };
        let record = input.optional_text("record", 0, TEXT_MAX);
        let record = record.and_then(|text| {
            let id = parse_id(&text);
            if id.is_none() {
                input.fault(
                    "record",
                    "not_an_id",
                    "This must be a UUID, and neither nil nor max.",
                );
            }
            id.or(Some(Uuid::nil()))
        });
        let needs = matches!(act, Act::View | Act::Update | Act::Delete);
        if needs && record.is_none() {
            input.fault("record", "required", "This is required.");
        } else if act == Act::Create && record.is_some() {
            input.fault("record", "not_here", "A new record has its id in data.");
        }
        let data = object(&mut input, "data");
        if data.is_some() && !matches!(act, Act::Create | Act::Update) {
            input.fault("data", "not_here", "Only create and update take this.");
        }
        let query = Query {
            filter: input.optional_text("filter", 0, rules::TEXT_CHARS_MAX),
            sort: input.optional_text("sort", 0, rules::TEXT_CHARS_MAX),
            params: object(&mut input, "params").unwrap_or_default(),
            ..Query::default()
        };
        if act != Act::List && (query.filter.is_some() || query.sort.is_some()) {
            input.fault("filter", "not_here", "Only list takes a filter and a sort.");
        }
        let mut unknown = Vec::new();
        let whom = whom(&mut input, &mut unknown);
        if !unknown.is_empty() {
            return Err(Problem::new(Code::UnknownField).errors(unknown));
        }
        input.finish()?;
        Ok(Self {
            act,
            record,
            data: data.unwrap_or_default(),
            query,
            whom,
        })
    }

    /// A caller's own act.
    pub(super) fn own(act: Act, record: Option<Uuid>, data: Option<Map<String, Json>>) -> Self {
        Self {
            act,
            record,
            data: data.unwrap_or_default(),
            query: Query::default(),
            whom: Whom::Caller,
        }
    }

    /// Whether it is about somebody else than who asks.
    pub(super) fn is_about_another(&self) -> bool {
        !matches!(self.whom, Whom::Caller)
    }

    /// The one who acts, at the asker's time and place.
    pub(super) fn asker(&self, asker: &Asker, who: Who) -> Asker {
        let method = match self.act {
            Act::List | Act::View => "GET",
            Act::Create => "POST",
            Act::Update => "PATCH",
            Act::Delete => "DELETE",
        };
        let network = asker.request.ip_network.clone().unwrap_or_default();
        Asker::new(
            &who,
            asker.now,
            method,
            &network,
            Map::new(),
            &asker.request_id,
        )
    }
}

impl Data {
    /// Who acts, and whether that is a user who does not exist.
    pub(super) async fn whom(
        &self,
        project: &Project,
        asker: &Asker,
        input: &ExplainIn,
    ) -> Result<(Who, bool), DataError> {
        let claims = match &input.whom {
            Whom::Caller => return Ok((asker.who.clone(), false)),
            Whom::Stranger => return Ok((Who::Anonymous, false)),
            Whom::User(claims) => claims,
        };
        let mut auth = rules::Auth {
            roles: claims.roles.clone(),
            teams: claims.teams.clone(),
            claims: claims.claims.clone(),
            level: claims.level,
            ..rules::Auth::default()
        };
        let id = match claims.id {
            None => self.ids().new_id(),
            Some(id) => {
                let user = self.get_user(project, id).await?.ok_or_else(|| {
                    let path = "/as/user".to_owned();
                    let message = "There is no such user.".to_owned();
                    DataError::invalid(vec![FieldError {
                        path,
                        code: "unknown_record",
                        message,
                    }])
                })?;
                (auth.email, auth.verified) = (user.email, user.verified);
                id
            }
        };
        auth.id = id.to_string();
        auth.verified = claims.verified.unwrap_or(auth.verified);
        let user = UserAuth::new(id, Uuid::nil(), Arc::new(auth), asker.now);
        Ok((Who::User(user), claims.id.is_none()))
    }
}

fn object(input: &mut Input, name: &str) -> Option<Map<String, Json>> {
    match input.take(name)? {
        Json::Null => None,
        Json::Object(map) => Some(map),
        _ => {
            input.fault(name, "not_an_object", "This must be an object.");
            None
        }
    }
}

fn whom(input: &mut Input, unknown: &mut Vec<FieldError>) -> Whom {
    let Some(members) = object(input, "as") else {
        return Whom::Caller;
    };
    let mut inner = Input::new(members);
    let stranger = inner.optional_bool("anonymous") == Some(true);
    let user = inner.optional_text("user", 0, TEXT_MAX);
    let id = user.as_deref().and_then(parse_id);
    if user.is_some() && id.is_none() {
        inner.fault("user", "not_an_id", "This must be the id of a user.");
    }
    let claims = Claims {
        id,
        roles: inner.optional_texts("roles").unwrap_or_default(),
        teams: inner.optional_texts("teams").unwrap_or_default(),
        claims: object(&mut inner, "claims").unwrap_or_default(),
        verified: inner.optional_bool("verified"),
        level: level(&mut inner),
    };
    if stranger && user.is_some() {
        inner.fault("anonymous", "not_here", "A user is not anonymous.");
    }
    let within = |error: FieldError| FieldError {
        path: format!("/as{}", error.path),
        ..error
    };
    for name in inner.rest().keys() {
        unknown.push(within(FieldError::at(
            name,
            "unknown_field",
            "There is no such field.",
        )));
    }
    for error in inner.faults() {
        input.push(within(error));
    }
    if stranger {
        Whom::Stranger
    } else {
        Whom::User(claims)
    }
}

/// The strength of the sign-in.
fn level(input: &mut Input) -> i64 {
    let Some(level) = input.take("level") else {
        return 1;
    };
    level
        .as_i64()
        .filter(|n| (1..=2).contains(n))
        .unwrap_or_else(|| {
            input.fault("level", "not_a_choice", "This must be 1 or 2.");
            1
        })
}
