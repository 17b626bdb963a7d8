//! The one form in which e-mail addresses are compared, wherever one is kept or looked for: two that are one here must
//! lead to one mailbox, or whoever has the other one is taken for the owner.

use unicode_normalization::UnicodeNormalization;
use url::Host;

/// The form in which addresses are compared: trimmed, composed (NFC), in lower case, with the domain in ASCII (IDNA).
#[must_use]
pub fn email_key(email: &str) -> String {
    let email = email.trim();
    let Some((local, domain)) = email.rsplit_once('@') else {
        return folded(email);
    };
    let domain = match Host::parse(domain) {
        Ok(Host::Domain(domain)) => domain,
        _ => domain.to_lowercase(),
    };
    format!("{}@{domain}", folded(local))
}

fn folded(text: &str) -> String {
    // Mail servers compare bytes: the Kelvin sign is no k to them, though it folds to one.
    if text.contains(is_disguised) {
        return text.to_ascii_lowercase();
    }
    let composed: String = text.nfc().collect();
    composed.to_lowercase()
}

/// Whether a letter is none of ASCII's and folds to one.
fn is_disguised(c: char) -> bool {
    let mut folded = std::iter::once(c).nfc().flat_map(char::to_lowercase);
    !c.is_ascii() && folded.any(|c| c.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_mailbox_are_one_and_no_others() {
        for (a, b) in [
            (" Ada@Example.COM ", "ada@example.com"),
            ("e\u{301}va@example.com", "\u{c9}VA@example.com"),
            ("ada@B\u{fc}cher.example", "ada@xn--bcher-kva.example"),
            ("ada@\u{ff45}xample.com", "ada@example.com"),
        ] {
            assert_eq!(email_key(a), email_key(b), "{a} {b}");
        }
        for (a, b) in [
            ("\u{212a}ate@example.com", "kate@example.com"),
            ("\u{130}da@example.com", "ida@example.com"),
            ("\u{130}da@example.com", "i\u{307}da@example.com"),
            ("a\u{1fef}b@example.com", "a`b@example.com"),
            ("\u{ff41}da@example.com", "ada@example.com"),
            ("stra\u{df}e@example.com", "strasse@example.com"),
        ] {
            assert_ne!(email_key(a), email_key(b), "{a} {b}");
        }
        assert_eq!(email_key("no address"), "no address");
    }
}
