//! The type `bool`.

use super::Fault;
use sea_orm::Value;
use serde_json::Value as Json;

pub(super) fn json(column: &str, sqlite: bool) -> String {
    if sqlite {
        // SQLite keeps 0 and 1; a bare column would be sent as a number.
        format!("json(CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)")
    } else {
        column.to_owned()
    }
}

pub(super) fn value(json: &Json) -> Result<Value, Fault> {
    match json {
        Json::Bool(value) => Ok(Value::Bool(Some(*value))),
        _ => Err(("not_a_bool", "This must be true or false.".to_owned())),
    }
}
