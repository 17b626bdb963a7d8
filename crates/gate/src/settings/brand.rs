//! How a project's pages and mails look: the little that a person recognises it by.

use crate::Input;
use serde::{Deserialize, Serialize};

/// Bytes of an address at most.
const URL_BYTES_MAX: usize = 500;
/// Characters of a name at most.
const NAME_CHARS_MAX: usize = 100;

/// How pages and mails look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectBrand)]
pub struct Brand {
    /// What people know the project by; empty: the project's name.
    pub name: String,
    /// The colour of buttons, as `#1a2b3c`; empty: a dark blue.
    pub color: String,
    /// An https address of a picture for the top of pages; empty: none.
    pub logo_url: String,
    /// Where the app is: pages lead back there, and sign-in links end there. Empty: nowhere.
    pub app_url: String,
}

impl Brand {
    /// Merges the members that are there; null resets one. Faults are noted in `input`.
    pub(super) fn patch(mut self, input: &mut Input) -> Self {
        merge(input, "name", NAME_CHARS_MAX, &mut self.name, |text| {
            let is_odd = |c: char| c.is_control();
            (!text.contains(is_odd)).then_some(())
        });
        merge(input, "color", 7, &mut self.color, |text| {
            let digits = text.strip_prefix('#')?;
            (digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit())).then_some(())
        });
        merge(
            input,
            "logo_url",
            URL_BYTES_MAX,
            &mut self.logo_url,
            |text| is_address(text, &["https"]).then_some(()),
        );
        merge(input, "app_url", URL_BYTES_MAX, &mut self.app_url, |text| {
            is_address(text, &["https", "http"]).then_some(())
        });
        self
    }

    /// The colour of buttons.
    #[must_use]
    pub fn color(&self) -> &str {
        if self.color.is_empty() {
            "#1c3d5a"
        } else {
            &self.color
        }
    }
}

/// Takes a text that is empty or fits; null makes it empty.
pub(super) fn merge(
    input: &mut Input,
    name: &str,
    max: usize,
    into: &mut String,
    fits: impl Fn(&str) -> Option<()>,
) {
    match input.take(name) {
        None => {}
        Some(serde_json::Value::Null) => into.clear(),
        Some(serde_json::Value::String(text)) => {
            if text.chars().count() > max {
                let message = format!("At most {max} characters are allowed.");
                input.fault(name, "too_long", message);
            } else if !text.is_empty() && fits(&text).is_none() {
                input.fault(
                    name,
                    "bad_form",
                    "This does not have the form that is needed.",
                );
            }
            *into = text;
        }
        Some(_) => input.fault(name, "not_a_text", "This must be a text."),
    }
}

/// Whether a text is an absolute address of one of these schemes, in normal form, that can stand in a header and in a
/// policy: no user, no space, nothing that ends a directive.
fn is_address(text: &str, schemes: &[&str]) -> bool {
    let plain = |b: u8| {
        b.is_ascii_graphic() && !matches!(b, b';' | b',' | b'\'' | b'"' | b'<' | b'>' | b'\\')
    };
    let Ok(url) = url::Url::parse(text) else {
        return false;
    };
    schemes.contains(&url.scheme())
        && text.bytes().all(plain)
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn patched(value: Value) -> (Brand, Vec<String>) {
        let mut input = Input::new(value.as_object().cloned().unwrap());
        let brand = Brand::default().patch(&mut input);
        let paths = input.faults().into_iter().map(|f| f.path).collect();
        (brand, paths)
    }

    #[test]
    fn what_stands_in_headers_and_styles_has_its_form() {
        let good = json!({"name": "Ada's Shop", "color": "#aAbB09", "logo_url": "https://cdn.example/a.png", "app_url": "http://localhost:5173/in"});
        assert_eq!(patched(good).1, Vec::<String>::new());
        for (name, bad) in [
            ("name", "a\r\nBcc: x"),
            ("color", "red"),
            ("color", "#12345g"),
            ("color", "#123456;}"),
            ("logo_url", "http://cdn.example/a.png"),
            ("logo_url", "https://cdn.example/a.png; script-src *"),
            ("logo_url", "javascript:alert(1)"),
            ("logo_url", "/a.png"),
            ("app_url", "javascript:alert(1)"),
            ("app_url", "https://u:p@app.example"),
            ("app_url", "https://app.example/\r\nSet-Cookie: a=b"),
            ("app_url", "https://app.example/#x"),
        ] {
            let (_, faults) = patched(json!({ name: bad }));
            assert_eq!(faults, [format!("/{name}")], "{bad}");
        }
    }
}
