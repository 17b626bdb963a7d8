//! The type `uuid`: any RFC 9562 UUID, kept and sent in lower case with hyphens. What it names is the developer's affair.

use super::Fault;
use sea_orm::Value;
use serde_json::Value as Json;
use uuid::Uuid;

pub(super) fn value(json: &Json) -> Result<Value, Fault> {
    // Only the spelling with hyphens: braces and the urn form are of other standards.
    let id = json.as_str().filter(|text| text.len() == 36);
    match id.and_then(|text| Uuid::try_parse(text).ok()) {
        Some(id) => Ok(Value::Uuid(Some(id))),
        None => Err((
            "not_a_uuid",
            "This must be a UUID, such as 01890a5d-ac96-774b-bcce-b302099a8057.".to_owned(),
        )),
    }
}
