//! Recovery codes: ten at a time, each good once, kept as keyed hashes.

use crate::error::Error;
use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::Project;
use uuid::Uuid;

/// How many a user has.
pub(crate) const CODES: usize = 10;
/// Characters of one, of which each holds five bits: nobody guesses 60.
const CHARS: usize = 12;
/// Without those that look alike.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// New ones, as they are shown.
pub(crate) fn fresh() -> Result<Vec<String>, Error> {
    let mut bytes = [0; CODES * CHARS];
    rand::fill(&mut bytes).map_err(|_| Error::Crypto)?;
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(byte & 31)]);
    let code = |bytes: &[u8]| {
        let quarters: Vec<String> = bytes
            .chunks(4)
            .map(|four| four.iter().map(letter).collect())
            .collect();
        quarters.join("-")
    };
    Ok(bytes.chunks(CHARS).map(code).collect())
}

/// As one is kept. The key is not in the database, so that a copy of it gives none away.
pub(crate) fn hash(project: &Project, user: Uuid, code: &str) -> String {
    let key = project.derive_key("recovery-codes");
    let is_kept = |c: &char| !c.is_whitespace() && *c != '-';
    let plain: String = code.to_lowercase().chars().filter(is_kept).collect();
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &key),
        format!("{user} {plain}").as_bytes(),
    );
    URL_SAFE_NO_PAD.encode(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_ten_different_ones_of_letters_that_do_not_look_alike() {
        let codes = fresh().unwrap();
        assert_eq!((codes.len(), codes[0].len()), (10, 14));
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 10);
        let letters: HashSet<u8> = ALPHABET.iter().copied().collect();
        assert_eq!(letters.len(), 32);
        assert!(!letters.contains(&b'0') && !letters.contains(&b'l'));
    }
}
