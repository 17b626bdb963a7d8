//! The type `email`: an address, stored as sent. Whether mail arrives there is found out by sending some.

use super::{Fault, text};
use sea_orm::Value;
use serde_json::{Value as Json, json};

/// Bytes of an address at most (RFC 5321, section 4.5.3.1.3, without the angle brackets).
pub(super) const BYTES_MAX: usize = 254;
/// Bytes of the part before the `@` at most (RFC 5321, section 4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;

pub(super) fn value(json: &Json) -> Result<Value, Fault> {
    let email = text::plain(json)?;
    if email.len() > BYTES_MAX {
        let message = format!("At most {BYTES_MAX} bytes are allowed.");
        return Err(("too_long", message));
    }
    if is_email(email) {
        Ok(Value::String(Some(email.to_owned())))
    } else {
        Err(("not_an_email", "This must be an e-mail address.".to_owned()))
    }
}

pub(super) fn schema() -> Json {
    json!({"type": "string", "format": "email", "maxLength": BYTES_MAX})
}

/// The form without quotes, comments and address literals; letters of other alphabets are left to the mail system.
fn is_email(email: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "()<>[]:;,\\\"".contains(c);
    let Some((local, domain)) = email.split_once('@') else {
        return false;
    };
    let dotted = |text: &str, is_part: fn(&str) -> bool| text.split('.').all(is_part);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_alphanumeric() || c == '-' || !c.is_ascii())
    };
    local.len() <= LOCAL_BYTES_MAX
        && dotted(local, |part| !part.is_empty())
        && dotted(domain, is_label)
        && !domain.contains('@')
        && !email.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        let long = format!("{}@example.org", "a".repeat(64));
        for good in [
            "a@b",
            "Ann.Lee+x@Example.ORG",
            "käthe@müller.de",
            "a@xn--mller-kva.de",
            &long,
        ] {
            assert!(value(&json!(good)).is_ok(), "{good}");
        }
        let too_long = format!("{}@example.org", "a".repeat(65));
        let wide = format!("a@{}", "b.".repeat(126) + "cc");
        for bad in [
            "",
            "a",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            " a@b",
            "a@b ",
            "a@b\n",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a@-b",
            "a@b-",
            "a@b..c",
            "a@.b",
            "\"a\"@b",
            "a<b@c>",
            "a@[127.0.0.1]",
            "a,b@c",
            "a@b_c",
            &too_long,
            &wide,
        ] {
            assert!(value(&json!(bad)).is_err(), "{bad}");
        }
    }
}
