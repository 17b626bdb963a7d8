//! Opaque secrets of 256 bits, shown once and kept as SHA-256, and the signed cursors of lists.

use crate::Problem;
use crate::sealed::random;
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Code;
use serde_json::Value;

/// Bytes of a cursor's signature.
const MAC_LEN: usize = 16;

/// A new secret: `prefix` and 256 random bits.
pub fn new_token(prefix: &str) -> Result<String, Problem> {
    let bytes: [u8; 32] = random()?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The SHA-256 of a secret.
#[must_use]
pub fn token_digest(token: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    out
}

/// The SHA-256 of a secret as it is kept in tables: a guess cannot be made from it, and looking it up leaks no time.
#[must_use]
pub fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(token_digest(token))
}

/// An opaque cursor: `value`, signed with `key`.
#[must_use]
pub fn sign_cursor(key: &[u8; 32], value: &Value) -> String {
    let body = value.to_string();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), body.as_bytes());
    let mut all = Vec::with_capacity(MAC_LEN + body.len());
    all.extend_from_slice(&tag.as_ref()[..MAC_LEN]);
    all.extend_from_slice(body.as_bytes());
    URL_SAFE_NO_PAD.encode(all)
}

/// The value of a cursor that [`sign_cursor`] made with the same key, else 400 `invalid_cursor`.
pub fn open_cursor(key: &[u8; 32], cursor: &str) -> Result<Value, Problem> {
    open_checked(key, cursor).ok_or_else(|| Code::InvalidCursor.into())
}

fn open_checked(key: &[u8; 32], cursor: &str) -> Option<Value> {
    let all = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (tag, body) = all.split_at_checked(MAC_LEN)?;
    let want = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), body);
    aws_lc_rs::constant_time::verify_slices_are_equal(tag, &want.as_ref()[..MAC_LEN]).ok()?;
    serde_json::from_slice(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_open_with_their_key_and_unchanged() {
        let value = serde_json::json!(["projects", "018f"]);
        let cursor = sign_cursor(&[1; 32], &value);
        assert_eq!(open_cursor(&[1; 32], &cursor).unwrap(), value);
        for bad in [
            String::new(),
            "x".into(),
            cursor.replacen(&cursor[..2], "zz", 1),
            format!("{cursor}A"),
        ] {
            assert_eq!(
                open_cursor(&[1; 32], &bad).map_err(|p| p.code()),
                Err(Code::InvalidCursor),
                "{bad}"
            );
        }
        assert!(open_cursor(&[2; 32], &cursor).is_err());
    }

    #[test]
    fn tokens_are_long_and_never_twice() {
        let (a, b) = (new_token("gk_").unwrap(), new_token("gk_").unwrap());
        assert!(a != b && a.len() == 3 + 43 && a.starts_with("gk_"));
        assert_ne!(token_hash(&a), token_hash(&b));
    }
}
