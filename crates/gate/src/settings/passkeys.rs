//! For whom passkeys are made: the domain that they are bound to, and the pages and apps that may ask for them.

use super::brand::merge;
use super::{ORIGINS_MAX, Settings, is_origin};
use crate::Input;
use kernel::FieldError;
use serde::{Deserialize, Serialize};

/// Characters of a domain at most (RFC 1035).
const DOMAIN_CHARS_MAX: usize = 253;
/// Characters of a name at most: authenticators cut longer ones.
const NAME_CHARS_MAX: usize = 64;
/// What an Android app's origin begins with; the SHA-256 of its signing certificate follows, in base64url.
const ANDROID: &str = "android:apk-key-hash:";

/// For whom passkeys are made (Web Authentication Level 3, section 5.4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectPasskeys)]
pub struct PasskeySettings {
    /// The domain that passkeys are bound to, such as `example.com`: pages of it and below it may ask for them. With
    /// another one all passkeys there are are lost. Empty: the host of `brand.app_url`, and where that is empty, the
    /// instance's.
    pub rp_id: String,
    /// What authenticators call the project; empty: the brand's name.
    pub rp_name: String,
    /// Origins that may ask for passkeys: `https://shop.example`, or `android:apk-key-hash:...` for an app. Empty: that of
    /// `brand.app_url` and `cors_origins`.
    pub origins: Vec<String>,
}

impl PasskeySettings {
    /// Merges the members that are there; null resets one. Faults are noted in `input`.
    pub(super) fn patch(mut self, input: &mut Input) -> Self {
        merge(input, "rp_id", DOMAIN_CHARS_MAX, &mut self.rp_id, |text| {
            is_domain(text).then_some(())
        });
        merge(
            input,
            "rp_name",
            NAME_CHARS_MAX,
            &mut self.rp_name,
            |text| (!text.contains(char::is_control)).then_some(()),
        );
        if let Some(origins) = input.optional_texts("origins") {
            if origins.len() > ORIGINS_MAX {
                let message = format!("At most {ORIGINS_MAX} origins are allowed.");
                input.fault("origins", "too_many", message);
            }
            let odd = |(_, text): &(usize, &String)| !is_origin(text) && !is_android(text);
            for (i, text) in origins.iter().enumerate().filter(odd) {
                input.push(FieldError {
                    path: format!("/origins/{i}"),
                    code: "not_an_origin",
                    message: format!(
                        "{text:?} is no origin: it needs a form such as https://shop.example, in lower case, without a path, or {ANDROID} with 43 characters."
                    ),
                });
            }
            self.origins = origins;
        }
        self
    }
}

impl Settings {
    /// The domain that passkeys are bound to; `issuer` stands in where the project names none.
    #[must_use]
    pub fn passkey_domain(&self, issuer: &str) -> String {
        if !self.passkeys.rp_id.is_empty() {
            return self.passkeys.rp_id.clone();
        }
        let host = |text: &str| {
            let url = url::Url::parse(text).ok()?;
            url.host_str().map(str::to_owned)
        };
        host(&self.brand.app_url)
            .or_else(|| host(issuer))
            .unwrap_or_default()
    }

    /// The origins that may ask for passkeys; that of `issuer` is one of them where the project names neither a domain
    /// nor an app.
    #[must_use]
    pub fn passkey_origins(&self, issuer: &str) -> Vec<String> {
        if !self.passkeys.origins.is_empty() {
            return self.passkeys.origins.clone();
        }
        let origin = |text: &str| {
            let url = url::Url::parse(text).ok()?;
            Some(url.origin().ascii_serialization())
        };
        let mut all: Vec<String> = origin(&self.brand.app_url).into_iter().collect();
        if self.brand.app_url.is_empty() && self.passkeys.rp_id.is_empty() {
            all.extend(origin(issuer));
        }
        all.extend(self.cors_origins.iter().cloned());
        all
    }
}

/// A domain as browsers compare it: lower-case labels of letters, digits and hyphens; not an address.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    // The last label of an IPv4 address is a number.
    let is_named = text
        .rsplit('.')
        .next()
        .is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()));
    is_named && text.split('.').all(is_label)
}

fn is_android(text: &str) -> bool {
    text.strip_prefix(ANDROID).is_some_and(|hash| {
        hash.len() == 43
            && hash
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(value: Value) -> Vec<String> {
        let mut input = Input::new(value.as_object().cloned().unwrap());
        let _ = PasskeySettings::default().patch(&mut input);
        input.faults().into_iter().map(|f| f.path).collect()
    }

    #[test]
    fn a_party_is_a_domain_with_origins() {
        let hash = "a".repeat(43);
        let good = json!({"rp_id": "shop.example", "rp_name": "Shop", "origins": ["https://shop.example", "http://localhost:5173", format!("{ANDROID}{hash}")]});
        assert_eq!(faults(good), Vec::<String>::new());
        assert_eq!(faults(json!({"rp_id": "localhost"})), Vec::<String>::new());
        for bad in [
            "https://shop.example",
            "Shop.example",
            "shop.example.",
            "shop..example",
            "127.0.0.1",
            "shop.example:8080",
            "[::1]",
            "-a.example",
        ] {
            assert_eq!(faults(json!({ "rp_id": bad })), ["/rp_id"], "{bad}");
        }
        for bad in [
            "*",
            "https://shop.example/",
            "android:apk-key-hash:short",
            "ios:bundle-id:x",
            "null",
        ] {
            let all = json!({"origins": ["https://a.example", bad]});
            assert_eq!(faults(all), ["/origins/1"], "{bad}");
        }
    }

    #[test]
    fn what_is_not_named_follows_the_app_and_then_the_instance() {
        let issuer = "https://galley.example:8443/p/shop";
        let mut settings = Settings {
            cors_origins: vec!["https://other.example".to_owned()],
            ..Settings::default()
        };
        assert_eq!(settings.passkey_domain(issuer), "galley.example");
        assert_eq!(
            settings.passkey_origins(issuer),
            ["https://galley.example:8443", "https://other.example"]
        );
        settings.brand.app_url = "https://app.example/in".to_owned();
        assert_eq!(settings.passkey_domain(issuer), "app.example");
        assert_eq!(
            settings.passkey_origins(issuer),
            ["https://app.example", "https://other.example"]
        );
        settings.passkeys.rp_id = "example".to_owned();
        settings.passkeys.origins = vec!["https://only.example".to_owned()];
        assert_eq!(settings.passkey_domain(issuer), "example");
        assert_eq!(settings.passkey_origins(issuer), ["https://only.example"]);
    }
}
