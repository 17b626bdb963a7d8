//! The type `url`: an absolute address of the web, stored as sent. Other schemes are refused: `javascript:` in a link is
//! a script.

use super::{Fault, text};
use gate::Input;
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};

/// Code points of a URL when the field names no `max`.
const MAX_DEFAULT: usize = 2_048;

/// The options of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Code points at most.
    pub max: usize,
}

impl Url {
    pub(super) fn parse(input: &mut Input) -> Self {
        Self {
            max: text::count(input, "max", text::MAX).unwrap_or(MAX_DEFAULT),
        }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("max".to_owned(), self.max.into());
    }

    pub(super) fn value(&self, json: &Json) -> Result<Value, Fault> {
        let url = text::plain(json)?;
        text::demand_length(url, 0, self.max)?;
        if is_url(url) {
            Ok(Value::String(Some(url.to_owned())))
        } else {
            let message = "This must be an address that begins with https:// or http://.";
            Err(("not_a_url", message.to_owned()))
        }
    }

    pub(super) fn schema(&self) -> Json {
        json!({"type": "string", "format": "uri", "maxLength": self.max})
    }
}

/// What browsers and everybody else read alike: the parser forgives spaces, tabs, backslashes and missing slashes, and
/// a user's name in front of the host is there to deceive.
fn is_url(text: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let begins = lower.starts_with("https://") || lower.starts_with("http://");
    let plain =
        |url: url::Url| url.has_host() && url.username().is_empty() && url.password().is_none();
    begins && !text.contains(odd) && url::Url::parse(text).is_ok_and(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_are_taken() {
        let url = Url { max: 60 };
        for good in [
            "https://example.org",
            "HTTP://Example.org:8080/a?b=c#d",
            "https://müller.de/ä",
            "http://[::1]/",
        ] {
            assert_eq!(
                url.value(&json!(good)),
                Ok(Value::String(Some(good.to_owned())))
            );
        }
        let long = format!("https://example.org/{}", "a".repeat(41));
        for bad in [
            "",
            "example.org",
            "//example.org",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " https://a",
            "https://a b",
            "java\tscript:alert(1)",
            "https:a",
            "https:/a",
            "https:\\\\a",
            "https://",
            "https://a:99999",
            "ftp://a",
            "data:text/html,x",
            "https://bank.example@evil.example/",
            "https://a\u{0}b",
            "https://a\n",
            &long,
        ] {
            assert!(url.value(&json!(bad)).is_err(), "{bad}");
        }
    }
}
