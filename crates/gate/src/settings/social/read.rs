//! Reads what an owner sends of providers, with every fault at its place, and keeps the secrets that were there.

use super::{SocialEndpoints, SocialKind, SocialProvider, SocialSettings};
use crate::settings::{Patching, close, part};
use crate::{Input, Problem};
use kernel::FieldError;
use serde_json::Value;
use std::collections::HashSet;

/// Providers of a project at most.
const PROVIDERS_MAX: usize = 30;
/// Redirect addresses, scopes and audiences at most, each.
const LIST_MAX: usize = 50;
/// Characters of an id, a key or a scope at most.
const TEXT_CHARS_MAX: usize = 255;
/// Characters of a secret at most; Apple's private keys have about 250.
const SECRET_CHARS_MAX: usize = 4_096;
/// Bytes of an address of an app at most.
const REDIRECT_BYTES_MAX: usize = 500;
/// Schemes that browsers, mail and telephones know; an app of its own has another one.
const SCHEMES_OF_OTHERS: [&str; 18] = [
    "about",
    "blob",
    "chrome",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "javascript",
    "mailto",
    "resource",
    "sms",
    "tel",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

impl SocialSettings {
    /// Merges the members that are there. Faults are noted in `input`.
    pub(in crate::settings) fn patch(
        mut self,
        input: &mut Input,
        with: &Patching<'_>,
    ) -> Result<Self, Problem> {
        if let Some(addresses) = input.optional_texts("redirect_addresses") {
            too_many(input, "redirect_addresses", addresses.len(), LIST_MAX);
            for (i, _) in addresses
                .iter()
                .enumerate()
                .filter(|(_, a)| !is_redirect(a))
            {
                input.push(FieldError {
                    path: format!("/redirect_addresses/{i}"),
                    code: "not_an_address",
                    message: "This must be an https address, an http address of this machine, or an address of an app's own scheme, without a fragment.".to_owned(),
                });
            }
            self.redirect_addresses = addresses;
        }
        match input.take("providers") {
            None => {}
            Some(Value::Array(sent)) => {
                too_many(input, "providers", sent.len(), PROVIDERS_MAX);
                self.providers = read_all(&self.providers, sent, input, with)?;
            }
            Some(_) => input.fault("providers", "not_a_list", "This must be a list."),
        }
        Ok(self)
    }
}

fn too_many(input: &mut Input, name: &str, count: usize, max: usize) {
    if count > max {
        input.fault(name, "too_many", format!("At most {max} are allowed."));
    }
}

/// The providers that were sent, with the secrets of those that were there before.
fn read_all(
    before: &[SocialProvider],
    sent: Vec<Value>,
    input: &mut Input,
    with: &Patching<'_>,
) -> Result<Vec<SocialProvider>, Problem> {
    let (mut all, mut seen) = (Vec::new(), HashSet::new());
    for (i, value) in sent.into_iter().take(PROVIDERS_MAX).enumerate() {
        // Read as a member of an object, whose name then stands in the faults.
        let name = i.to_string();
        let value = match value {
            Value::Null => Value::Bool(false),
            other => other,
        };
        let mut holder = Input::new([(name.clone(), value)].into_iter().collect());
        if let Some(mut part) = part(&mut holder, &name) {
            let provider = SocialProvider::read(before, &mut part, with)?;
            if !seen.insert(provider.id.clone()) {
                part.fault("id", "duplicate", "Another provider has this id.");
            }
            close(&mut holder, &name, part);
            all.push(provider);
        }
        for fault in holder.faults() {
            input.push(FieldError {
                path: format!("/providers{}", fault.path),
                ..fault
            });
        }
    }
    Ok(all)
}

impl SocialProvider {
    fn read(before: &[Self], input: &mut Input, with: &Patching<'_>) -> Result<Self, Problem> {
        let id = input.text("id", 1, 39);
        if !id.is_empty() && !is_id(&id) {
            let message = "This must be lower-case letters, digits and hyphens, a letter first.";
            input.fault("id", "bad_form", message);
        }
        let kind = read_kind(input);
        let mut text = |name: &str| {
            let text = input.optional_text(name, 0, TEXT_CHARS_MAX);
            let text = text.unwrap_or_default();
            if text.contains(char::is_control) {
                input.fault(name, "bad_form", "This holds a control character.");
            }
            text
        };
        let (name, client_id) = (text("name"), text("client_id"));
        let (team_id, key_id) = (text("team_id"), text("key_id"));
        if client_id.is_empty() {
            input.fault("client_id", "required", "This is required.");
        }
        if kind == SocialKind::Apple && (team_id.is_empty() || key_id.is_empty()) {
            let missing = if team_id.is_empty() {
                "team_id"
            } else {
                "key_id"
            };
            input.fault(missing, "required", "Apple needs this.");
        }
        let next = Self {
            issuer: read_issuer(input, kind, with),
            endpoints: read_endpoints(input, kind, with),
            scopes: read_list(input, "scopes"),
            audiences: read_list(input, "audiences"),
            keep_tokens: input.optional_bool("keep_tokens").unwrap_or_default(),
            client_secret: None,
            id,
            kind,
            name,
            client_id,
            team_id,
            key_id,
        };
        let old = before.iter().find(|old| old.is_asked_as(&next));
        let kept = old.and_then(|old| old.client_secret.clone());
        let client_secret = read_secret(input, kind, kept, with)?;
        Ok(Self {
            client_secret,
            ..next
        })
    }

    /// Whether a secret goes to the same place: whoever may change settings must not learn it by naming a server of his
    /// own.
    fn is_asked_as(&self, other: &Self) -> bool {
        (&self.id, self.kind, &self.client_id) == (&other.id, other.kind, &other.client_id)
            && (&self.issuer, &self.endpoints) == (&other.issuer, &other.endpoints)
    }
}

fn read_kind(input: &mut Input) -> SocialKind {
    let kind = input.text("kind", 0, 40);
    let found = SocialKind::ALL.iter().find(|one| one.as_str() == kind);
    if found.is_none() {
        let names: Vec<&str> = SocialKind::ALL.iter().map(|one| one.as_str()).collect();
        let message = format!("This must be one of {}.", names.join(", "));
        input.fault("kind", "not_a_choice", message);
    }
    found.copied().unwrap_or(SocialKind::Oidc)
}

fn read_issuer(input: &mut Input, kind: SocialKind, with: &Patching<'_>) -> String {
    let issuer = input.optional_text("issuer", 0, REDIRECT_BYTES_MAX);
    let issuer = issuer.unwrap_or_default();
    let (may, must) = kind.issuer();
    match (issuer.is_empty(), may, must) {
        (true, _, true) => input.fault("issuer", "required", "This is required."),
        (true, ..) => {}
        (false, false, _) => input.fault(
            "issuer",
            "not_taken",
            "The issuer of this provider is known.",
        ),
        (false, true, _) => judge(input, "issuer", &issuer, with),
    }
    issuer
}

/// Notes what is wrong with an address that the server is to ask.
fn judge(input: &mut Input, name: &str, address: &str, with: &Patching<'_>) {
    match with.egress.check(address) {
        Err(refused) => input.fault(name, refused.code(), refused.to_string()),
        Ok(_) if address.contains(['?', '#']) && name == "issuer" => {
            let message = "An issuer has neither a query nor a fragment.";
            input.fault(name, "bad_form", message);
        }
        Ok(_) => {}
    }
}

fn read_endpoints(
    input: &mut Input,
    kind: SocialKind,
    with: &Patching<'_>,
) -> Option<SocialEndpoints> {
    let mut part = part(input, "endpoints")?;
    if kind != SocialKind::Oidc {
        let message = "The endpoints of this provider are known.";
        input.fault("endpoints", "not_taken", message);
        return None;
    }
    let mut address = |name: &str, min: usize| {
        let text = match min {
            0 => part.optional_text(name, 0, REDIRECT_BYTES_MAX),
            _ => Some(part.text(name, min, REDIRECT_BYTES_MAX)),
        };
        let text = text.unwrap_or_default();
        if !text.is_empty() {
            judge(&mut part, name, &text, with);
        }
        text
    };
    let endpoints = SocialEndpoints {
        authorization: address("authorization", 1),
        token: address("token", 1),
        jwks: address("jwks", 1),
        userinfo: address("userinfo", 0),
    };
    close(input, "endpoints", part);
    Some(endpoints)
}

/// Words without spaces, as they stand in a list of scopes.
fn read_list(input: &mut Input, name: &str) -> Vec<String> {
    let words = input.optional_texts(name).unwrap_or_default();
    too_many(input, name, words.len(), LIST_MAX);
    let is_word = |word: &String| {
        (1..=TEXT_CHARS_MAX).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_graphic())
    };
    for (i, _) in words.iter().enumerate().filter(|(_, word)| !is_word(word)) {
        input.push(FieldError {
            path: format!("/{name}/{i}"),
            code: "bad_form",
            message: "This must be a word of ASCII without spaces.".to_owned(),
        });
    }
    words
}

fn read_secret(
    input: &mut Input,
    kind: SocialKind,
    kept: Option<String>,
    with: &Patching<'_>,
) -> Result<Option<String>, Problem> {
    match input.take("client_secret") {
        None => Ok(kept),
        Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if (1..=SECRET_CHARS_MAX).contains(&text.chars().count()) => {
            if kind == SocialKind::Apple && !text.contains("-----BEGIN PRIVATE KEY-----") {
                let message = "Apple's is a private key as PEM.";
                input.fault("client_secret", "bad_form", message);
            }
            (with.seal)(&text).map(Some)
        }
        Some(_) => {
            let message = format!("This must be a text of 1 to {SECRET_CHARS_MAX} characters.");
            input.fault("client_secret", "not_a_text", message);
            Ok(None)
        }
    }
}

fn is_id(text: &str) -> bool {
    let is_in = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    text.len() <= 39
        && text.bytes().all(is_in)
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
}

/// Whether a browser may be sent there with a ticket: to a page over TLS or on the same machine, or to an app that has
/// the scheme (RFC 8252, section 7).
fn is_redirect(text: &str) -> bool {
    let Ok(url) = url::Url::parse(text) else {
        return false;
    };
    let is_plain = text.len() <= REDIRECT_BYTES_MAX
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"\"'<>\\`".contains(&b))
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    let is_there = match url.scheme() {
        "https" => url.has_host(),
        "http" => match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        },
        scheme => !SCHEMES_OF_OTHERS.contains(&scheme),
    };
    is_plain && is_there
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::{Egress, EgressConfig};
    use serde_json::json;

    #[test]
    fn browsers_are_sent_to_pages_over_tls_to_this_machine_and_to_apps() {
        for good in [
            "https://shop.example/signed-in",
            "https://shop.example/a?b=c",
            "http://localhost:5173/",
            "http://shop.localhost:8090/in",
            "http://127.0.0.1:9000/cb",
            "http://[::1]:9000/cb",
            "com.example.shop:/in",
            "myapp://in",
        ] {
            assert!(is_redirect(good), "{good}");
        }
        for bad in [
            "",
            "/in",
            "http://shop.example/",
            "http://127.0.0.1.example/",
            "https://u:p@shop.example/",
            "https://shop.example/#a",
            "https://shop.example/a b",
            "https://shop.example/\r\nx",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "intent://x",
        ] {
            assert!(!is_redirect(bad), "{bad}");
        }
    }

    fn patched(before: SocialSettings, value: Value) -> (SocialSettings, Vec<String>) {
        let egress = Egress::new(&EgressConfig::default());
        let seal = |plain: &str| Ok(format!("sealed {plain}"));
        let with = Patching {
            egress: &egress,
            seal: &seal,
        };
        let mut input = Input::new(value.as_object().cloned().unwrap());
        let after = before.patch(&mut input, &with).unwrap();
        let faults = input.faults().into_iter();
        (
            after,
            faults.map(|f| format!("{} {}", f.path, f.code)).collect(),
        )
    }

    #[test]
    fn every_fault_of_a_provider_is_told_where_it_is() {
        let (_, faults) = patched(
            SocialSettings::default(),
            json!({"providers": [
                {"id": "Google", "kind": "google", "issuer": "https://a.example"},
                {"id": "a", "kind": "oidc", "client_id": "x", "issuer": "http://127.0.0.1:1", "scopes": ["a b"], "wrong": 1},
                {"id": "a", "kind": "apple", "client_id": "x", "client_secret": "no key"},
                7, {"id": "b", "kind": "oidc", "client_id": "x"}, {"id": "c", "kind": "myspace", "client_id": "x"}
            ], "redirect_addresses": ["https://a.example/", "data:x"]}),
        );
        assert_eq!(
            faults,
            [
                "/redirect_addresses/1 not_an_address",
                "/providers/0/id bad_form",
                "/providers/0/client_id required",
                "/providers/0/issuer not_taken",
                "/providers/1/issuer not_https",
                "/providers/1/scopes/0 bad_form",
                "/providers/1/wrong unknown_field",
                "/providers/2/team_id required",
                "/providers/2/client_secret bad_form",
                "/providers/2/id duplicate",
                "/providers/3 not_an_object",
                "/providers/4/issuer required",
                "/providers/5/kind not_a_choice",
                "/providers/5/issuer required",
            ]
        );
    }

    #[test]
    fn a_secret_stays_with_its_provider_and_goes_with_another_server() {
        let one = |issuer: &str, more: Value| {
            let mut value =
                json!({"id": "own", "kind": "oidc", "client_id": "x", "issuer": issuer});
            value
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().cloned().unwrap());
            json!({"providers": [value]})
        };
        let (before, faults) = patched(
            SocialSettings::default(),
            one("https://id.example", json!({"client_secret": "s"})),
        );
        assert_eq!(faults, [""; 0]);
        let secret = |settings: &SocialSettings| settings.providers[0].client_secret.clone();
        assert_eq!(secret(&before).as_deref(), Some("sealed s"));
        let same = patched(
            before.clone(),
            one("https://id.example", json!({"name": "N"})),
        )
        .0;
        assert_eq!(secret(&same), secret(&before));
        let other = patched(before.clone(), one("https://evil.example", json!({}))).0;
        assert_eq!(secret(&other), None);
        let other = patched(
            before.clone(),
            one("https://id.example", json!({"client_id": "y"})),
        )
        .0;
        assert_eq!(secret(&other), None);
        let gone = patched(
            before,
            one("https://id.example", json!({"client_secret": null})),
        )
        .0;
        assert_eq!(secret(&gone), None);
    }
}
