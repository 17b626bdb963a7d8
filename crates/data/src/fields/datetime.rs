//! The type `datetime`: UTC microseconds; any offset is accepted, finer digits are cut.

use super::Fault;
use kernel::Stamp;
use sea_orm::Value;
use serde_json::Value as Json;

pub(super) fn column(sqlite: bool) -> &'static str {
    if sqlite {
        "timestamp_with_timezone_text"
    } else {
        "timestamptz"
    }
}

pub(super) fn json(column: &str, sqlite: bool) -> String {
    if sqlite {
        column.to_owned()
    } else {
        format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    }
}

pub(super) fn value(json: &Json) -> Result<Value, Fault> {
    let stamp = json.as_str().and_then(Stamp::parse);
    match stamp {
        Some(stamp) => Ok(Value::TimeDateTimeWithTimeZone(Some(stamp.time()))),
        None => Err((
            "not_a_datetime",
            "This must be an RFC 3339 time of the years 1 to 9999, such as 2026-01-31T12:00:00Z."
                .to_owned(),
        )),
    }
}
