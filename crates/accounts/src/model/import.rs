//! Users that come from elsewhere, read one by one: a faulty one does not keep the others out.

use super::users::{Person, optional_id};
use gate::password::{Firebase, Foreign};
use gate::{Input, Problem, QueryInput};
use kernel::Code;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Users of one import at most.
pub const IMPORT_MAX: usize = 1_000;

/// A user to be taken over.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// Its id, if it keeps one.
    pub id: Option<Uuid>,
    /// Who it is.
    pub person: Person,
    /// The hash of its password, in a form that is taken.
    pub hash: Option<String>,
}

impl ImportRow {
    /// Reads one user.
    pub fn parse(value: Value) -> Result<Self, Problem> {
        let Value::Object(object) = value else {
            return Err(Problem::new(Code::InvalidJson).detail("A user is an object."));
        };
        let mut input = Input::new(object);
        let row = Self {
            id: optional_id(&mut input, "id"),
            person: Person::read(&mut input),
            hash: hash(&mut input),
        };
        input.finish().map(|()| row)
    }
}

/// What makes a user the same as one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameBy {
    /// Its id.
    Id,
    /// Its e-mail address.
    Email,
}

/// How an import is done.
#[derive(Clone, Copy, Debug)]
pub struct ImportQuery {
    /// Whether only to tell what would come of it.
    pub dry_run: bool,
    /// By what users that are there already are known.
    pub same_by: SameBy,
}

impl ImportQuery {
    /// Reads `dry_run` and `match`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let mut query = QueryInput::parse(text)?;
        let dry_run = match query.take("dry_run").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                query.fault("dry_run", "This must be true or false.");
                false
            }
        };
        let same_by = match query.take("match").as_deref() {
            None | Some("id") => SameBy::Id,
            Some("email") => SameBy::Email,
            Some(_) => {
                query.fault("match", "This must be id or email.");
                SameBy::Id
            }
        };
        query.finish().map(|()| Self { dry_run, same_by })
    }
}

/// A hash as one text: a PHC string or what else is taken, or Firebase's parts under `firebase_scrypt`.
fn hash(input: &mut Input) -> Option<String> {
    let taken = match input.take("password_hash") {
        None | Some(Value::Null) => return None,
        Some(Value::String(text)) if gate::password::is_ours(&text) => return Some(text),
        Some(Value::String(text)) => Foreign::parse(&text).map(|_| text),
        Some(Value::Object(mut object)) => match object.remove("firebase_scrypt") {
            Some(Value::Object(parts)) if object.is_empty() => return firebase(input, parts),
            _ => Err(gate::password::NotTaken::Form),
        },
        Some(_) => Err(gate::password::NotTaken::Form),
    };
    match taken {
        Ok(text) => Some(text),
        Err(why) => {
            input.fault("password_hash", "not_a_hash", why.to_string());
            None
        }
    }
}

fn firebase(input: &mut Input, parts: Map<String, Value>) -> Option<String> {
    let mut inner = Input::new(parts);
    let mut text = |name: &str| inner.text(name, 0, 500);
    let (hash, salt, signer_key) = (text("hash"), text("salt"), text("signer_key"));
    let salt_separator = text("salt_separator");
    let mut number = |name: &str| {
        let value = inner.take(name).and_then(|value| value.as_u64());
        let value = value.and_then(|value| u32::try_from(value).ok());
        if value.is_none() {
            inner.fault(name, "not_a_number", "This must be a whole number.");
        }
        value.unwrap_or_default()
    };
    let (rounds, memory_cost) = (number("rounds"), number("memory_cost"));
    if let Err(problem) = inner.finish() {
        let message = "This needs hash, salt, signer_key, salt_separator, rounds and memory_cost.";
        for fault in problem.field_errors() {
            input.push(kernel::FieldError {
                path: format!("/password_hash/firebase_scrypt{}", fault.path),
                code: fault.code,
                message: message.to_owned(),
            });
        }
        return None;
    }
    let parts = Firebase {
        hash: &hash,
        salt: &salt,
        signer_key: &signer_key,
        salt_separator: &salt_separator,
        rounds,
        memory_cost,
    };
    match parts.to_text() {
        Ok(text) => Some(text),
        Err(why) => {
            input.fault("password_hash", "not_a_hash", why.to_string());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_fault_of_a_row_is_told() {
        let bad = json!({
            "id": "x", "email": "y", "password_hash": "5f4dcc3b5aa765d61d8327deb882cf99", "roles": 1
        });
        let problem = ImportRow::parse(bad).unwrap_err();
        let paths = problem.field_errors().iter().map(|e| e.path.as_str());
        assert_eq!(
            paths.collect::<Vec<_>>(),
            ["/id", "/email", "/roles", "/password_hash"]
        );
        for bad in [json!(1), json!([]), json!(null)] {
            assert!(ImportRow::parse(bad).is_err());
        }
        let partial = json!({"email": "a@b.co", "password_hash": {"firebase_scrypt": {"hash": "x", "rounds": -1}}});
        let problem = ImportRow::parse(partial).unwrap_err();
        assert_eq!(problem.field_errors().len(), 5, "{problem:?}");
        let another = json!({"email": "a@b.co", "password_hash": {"md5": {}}});
        assert!(ImportRow::parse(another).is_err());
    }

    #[test]
    fn an_import_is_asked_for_in_known_words() {
        let of = |text: &str| ImportQuery::parse(text).map(|q| (q.dry_run, q.same_by));
        assert_eq!(of("").unwrap(), (false, SameBy::Id));
        assert_eq!(
            of("dry_run=true&match=email").unwrap(),
            (true, SameBy::Email)
        );
        for bad in ["dry_run=1", "match=name", "x=y", "match=id&match=id"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
