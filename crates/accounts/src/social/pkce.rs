//! Proof that who brings a code is who asked for it (RFC 7636), with SHA-256 and nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Characters of a verifier (RFC 7636, section 4.1).
const VERIFIER: std::ops::RangeInclusive<usize> = 43..=128;
/// Characters of a challenge: 32 bytes.
const CHALLENGE: usize = 43;

/// The challenge of a verifier; none when it is not one.
pub(crate) fn challenge(verifier: &str) -> Option<String> {
    let is_in = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let is_one = VERIFIER.contains(&verifier.len()) && verifier.bytes().all(is_in);
    is_one.then(|| URL_SAFE_NO_PAD.encode(gate::token_digest(verifier)))
}

/// Whether a text can be a challenge: a digest, as it is written.
pub(crate) fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE && URL_SAFE_NO_PAD.decode(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let made = challenge(verifier).unwrap();
        assert_eq!(made, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge(&made));
        for bad in [
            "",
            "short",
            &"a".repeat(42),
            &"a".repeat(129),
            &format!("{}+", "a".repeat(43)),
        ] {
            assert_eq!(challenge(bad), None, "{bad}");
        }
        for bad in [
            "",
            verifier.get(1..).unwrap(),
            &format!("{made}="),
            &"+".repeat(43),
        ] {
            assert!(!is_challenge(bad), "{bad}");
        }
    }
}
