//! The values of a user who is to be made: what the server keeps, and the developer's own fields.

use super::{NewUser, username_key};
use crate::error::DataError;
use crate::records;
use crate::schema::{Column, Loaded};
use crate::service::Asker;
use gate::{Problem, email_key};
use kernel::{Code, FieldError};
use sea_orm::Value;
use serde_json::{Map, Value as Json};

/// Refuses fields of a profile that do not exist for whoever makes it, and those that it cannot write.
pub(super) fn check_profile(
    users: &Loaded,
    profile: &Map<String, Json>,
    is_trusted: bool,
) -> Result<(), DataError> {
    let column = |name: &str| users.column(name, is_trusted).filter(|c| c.writable);
    let faults = |code, message, is_wrong: &dyn Fn(&str) -> bool| -> Vec<FieldError> {
        let wrong = profile.keys().filter(|n| is_wrong(n));
        wrong.map(|n| FieldError::at(n, code, message)).collect()
    };
    let unknown = faults("unknown_field", "There is no such field.", &|n| {
        column(n).is_none()
    });
    let fixed = faults(
        "readonly_field",
        "Only keys and operators can write this.",
        &|n| !is_trusted && column(n).is_some_and(Column::is_for_keys),
    );
    let code = match (unknown.is_empty(), fixed.is_empty()) {
        (true, true) => return Ok(()),
        (true, false) => Code::ReadonlyField,
        (false, _) => Code::UnknownField,
    };
    Err(Problem::new(code).errors([unknown, fixed].concat()).into())
}

/// The values of a new user in the order of the columns, and the fields whose default the database is to compute.
pub(super) fn values(
    users: &Loaded,
    profile: &Map<String, Json>,
    made: Option<(&NewUser, &Asker)>,
) -> Result<(Vec<Value>, Vec<String>), Vec<FieldError>> {
    let mut errors = Vec::new();
    let user = made.map(|(user, _)| user);
    let time = user.map(|u| u.now.time());
    let email = user.and_then(|u| u.email.clone());
    let (mut values, mut computed) = (Vec::new(), Vec::new());
    for (i, column) in users.columns(true).into_iter().enumerate() {
        values.push(match column.name.as_str() {
            "id" => Value::Uuid(user.map(|u| u.id)),
            "created_at" | "updated_at" => Value::TimeDateTimeWithTimeZone(time),
            "_version" => Value::BigInt(Some(1)),
            "email" => Value::String(email.as_deref().map(|e| e.trim().to_owned())),
            "email_key" => Value::String(email.as_deref().map(email_key)),
            "username" => Value::String(user.and_then(|u| u.username.clone())),
            "username_key" => {
                let name = user.and_then(|u| u.username.as_deref());
                Value::String(name.map(username_key))
            }
            "phone" => Value::String(user.and_then(|u| u.phone.clone())),
            "verified" => Value::Bool(Some(user.is_some_and(|u| u.verified))),
            "phone_verified" => Value::Bool(Some(user.is_some_and(|u| u.phone_verified))),
            "anonymous" => Value::Bool(Some(user.is_some_and(|u| u.anonymous))),
            "disabled" => Value::Bool(Some(false)),
            name => match profile.get(name) {
                Some(json) => records::value_of(column, json, &mut errors),
                None if users.formula(name).is_some() => {
                    computed.push((i, column));
                    column.kind.null()
                }
                None => records::absent(users, column, &mut errors),
            },
        });
    }
    let late = made.map_or(Vec::new(), |(_, asker)| {
        records::early(users, asker, &mut values, computed, &mut errors)
    });
    if errors.is_empty() {
        Ok((values, late))
    } else {
        Err(errors)
    }
}
