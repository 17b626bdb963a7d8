//! Cursors: where the next page begins, opaque and signed, good only for the query that made them.

use crate::service::Asker;
use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Code;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// Bytes of the MAC that a cursor carries.
const MAC_BYTES: usize = 16;

/// A hash of everything a cursor depends on: schema version, collection, sort, filter, parameters and who asks.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part.len().to_string().as_bytes());
        context.update(b":");
        context.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(context.finish().as_ref().get(..12).unwrap_or_default())
}

/// The fingerprint of a query of records, `(sort, filter, parameters)`: the same whichever way it came.
pub(crate) fn of_query(
    version: i64,
    collection: &str,
    asker: &Asker,
    (sort, filter, params): (Option<&str>, Option<&str>, &Map<String, Json>),
) -> String {
    let plain = |value: &Json| match value {
        Json::Number(_) | Json::Bool(_) => Json::String(value.to_string()),
        other => other.clone(),
    };
    // An address carries every parameter as a text, a body carries it as it is.
    let params: BTreeMap<&String, Json> = params.iter().map(|(n, v)| (n, plain(v))).collect();
    let params = if params.is_empty() {
        String::new()
    } else {
        serde_json::to_string(&params).unwrap_or_default()
    };
    fingerprint(&[
        &version.to_string(),
        collection,
        sort.unwrap_or_default(),
        &filter.map(without_spaces).unwrap_or_default(),
        &params,
        &asker.actor().unwrap_or_default(),
    ])
}

/// A filter without what stands between its words: two that differ in it mean the same.
fn without_spaces(filter: &str) -> String {
    if !filter.contains(['"', '\'']) {
        let kept = filter.chars().filter(|c| !c.is_ascii_whitespace());
        return kept.collect();
    }
    let chars: Vec<char> = filter.chars().collect();
    let mut out = String::with_capacity(filter.len());
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        let end = match c {
            '"' | '\'' => rules::end_of_string(&chars, at),
            _ => at + 1,
        };
        if !c.is_ascii_whitespace() {
            out.extend(chars.get(at..end).unwrap_or_default());
        }
        at = end;
    }
    out
}

/// Makes a cursor of the last row's key, a JSON array.
pub(crate) fn seal(key: &[u8; 32], fingerprint: &str, last: &str) -> String {
    let payload = format!("{fingerprint}{last}");
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), payload.as_bytes());
    let mut bytes = mac.as_ref().get(..MAC_BYTES).unwrap_or_default().to_vec();
    bytes.extend_from_slice(payload.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The last row's key of a cursor made for this very query.
pub(crate) fn open(key: &[u8; 32], fingerprint: &str, cursor: &str) -> Result<Vec<Json>, Code> {
    let bytes = URL_SAFE_NO_PAD
        .decode(cursor)
        .map_err(|_| Code::InvalidCursor)?;
    let (mac, payload) = bytes
        .split_at_checked(MAC_BYTES)
        .ok_or(Code::InvalidCursor)?;
    let own = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), payload);
    constant_time::verify_slices_are_equal(mac, own.as_ref().get(..MAC_BYTES).unwrap_or_default())
        .map_err(|_| Code::InvalidCursor)?;
    let last = payload
        .strip_prefix(fingerprint.as_bytes())
        .ok_or(Code::CursorMismatch)?;
    serde_json::from_slice(last).map_err(|_| Code::InvalidCursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_bound_to_their_key_and_query() {
        let key = [7; 32];
        let print = fingerprint(&["posts", "-created_at", ""]);
        let cursor = seal(&key, &print, r#"["2026",null,1.5]"#);
        assert_eq!(open(&key, &print, &cursor).unwrap().len(), 3);
        assert_eq!(
            open(&key, &fingerprint(&["posts", "id", ""]), &cursor),
            Err(Code::CursorMismatch)
        );
        assert_eq!(open(&[8; 32], &print, &cursor), Err(Code::InvalidCursor));
        for bad in [
            "",
            "x",
            "AAAA",
            &cursor[..cursor.len() - 2],
            &format!("{cursor}A"),
        ] {
            assert_eq!(open(&key, &print, bad), Err(Code::InvalidCursor), "{bad}");
        }
        assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
    }
}
