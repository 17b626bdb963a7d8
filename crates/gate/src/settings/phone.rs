//! How codes reach telephones: by a server of the project's own that is told each message, or by an API in the form of
//! Twilio's; and how many, and to which countries.

use super::brand::merge;
use super::{Patching, close, part};
use crate::webhook::Key;
use crate::{Input, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Characters of a name, a number or a secret at most.
const TEXT_CHARS_MAX: usize = 255;
/// Beginnings of numbers at most.
const COUNTRIES_MAX: usize = 250;
/// Where Twilio is.
const TWILIO: &str = "https://api.twilio.com";

/// How codes reach telephones. Without a sender they are caught in the development inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectPhone)]
pub struct PhoneSettings {
    /// A server of the project's own that sends the messages it is told; null: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub webhook: Option<PhoneWebhook>,
    /// An API in the form of Twilio's; null: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub twilio: Option<PhoneTwilio>,
    /// How the numbers begin that messages go to, such as `+49`; `+` is all. A sender needs at least one.
    pub countries: Vec<String>,
    /// Messages to one number in an hour at most.
    pub messages_per_number_hour: u32,
    /// Messages asked for by one network in an hour at most.
    pub messages_per_network_hour: u32,
    /// Messages of the project in a day at most (UTC): what a flood may cost.
    pub messages_per_day: u32,
}

/// A server that is told each message, signed by the scheme of Standard Webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ProjectPhoneWebhook)]
pub struct PhoneWebhook {
    /// A public https address.
    pub url: String,
    /// `whsec_` and 24 to 64 bytes in Base64. Sealed at rest and in no answer; another address needs it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only, nullable = false)]
    pub secret: Option<String>,
}

/// An API in the form of Twilio's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ProjectPhoneTwilio)]
pub struct PhoneTwilio {
    /// A public https address.
    pub base_url: String,
    /// The account.
    pub account_sid: String,
    /// Who messages are from: a number, or a sender's name.
    pub from: String,
    /// Sealed at rest and in no answer; another address or account needs it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only, nullable = false)]
    pub auth_token: Option<String>,
}

impl Default for PhoneSettings {
    fn default() -> Self {
        Self {
            webhook: None,
            twilio: None,
            countries: Vec::new(),
            messages_per_number_hour: 5,
            messages_per_network_hour: 20,
            messages_per_day: 1_000,
        }
    }
}

impl PhoneSettings {
    /// Whether messages may go to this number.
    #[must_use]
    pub fn allows(&self, number: &str) -> bool {
        self.countries.is_empty() || self.countries.iter().any(|c| number.starts_with(&**c))
    }

    /// Merges the members that are there; null resets one. Faults are noted in `input`.
    pub(super) fn patch(mut self, input: &mut Input, with: &Patching<'_>) -> Result<Self, Problem> {
        self.webhook = sender(input, "webhook", self.webhook, |before, input| {
            PhoneWebhook::read(before, input, with)
        })?;
        self.twilio = sender(input, "twilio", self.twilio, |before, input| {
            PhoneTwilio::read(before, input, with)
        })?;
        if let Some(countries) = input.optional_texts("countries") {
            let fits = |c: &String| {
                c.strip_prefix('+').is_some_and(|digits| {
                    digits.len() <= 15
                        && !digits.starts_with('0')
                        && digits.bytes().all(|b| b.is_ascii_digit())
                })
            };
            if countries.len() > COUNTRIES_MAX || !countries.iter().all(fits) {
                let message = format!(
                    "This must be at most {COUNTRIES_MAX} beginnings of numbers, such as \"+49\"."
                );
                input.fault("countries", "not_numbers", message);
            }
            self.countries = countries;
        }
        let numbers = [
            (
                "messages_per_number_hour",
                &mut self.messages_per_number_hour,
                100,
            ),
            (
                "messages_per_network_hour",
                &mut self.messages_per_network_hour,
                10_000,
            ),
            ("messages_per_day", &mut self.messages_per_day, 10_000_000),
        ];
        for (name, into, max) in numbers {
            *into = super::number(input, name, (1, max), *into);
        }
        if self.webhook.is_some() && self.twilio.is_some() {
            input.fault("twilio", "two_senders", "There is a webhook already.");
        }
        let has_sender = self.webhook.is_some() || self.twilio.is_some();
        if has_sender && self.countries.is_empty() {
            let message = "Say where messages may go, such as [\"+49\"]; [\"+\"] is everywhere. Floods of messages to far numbers are how others earn.";
            input.fault("countries", "required", message);
        }
        Ok(self)
    }
}

/// Reads a sender: null takes it away, an object is merged into what is there.
fn sender<T>(
    input: &mut Input,
    name: &str,
    before: Option<T>,
    read: impl FnOnce(Option<T>, &mut Input) -> Result<T, Problem>,
) -> Result<Option<T>, Problem> {
    match input.take(name) {
        None => Ok(before),
        Some(Value::Null) => Ok(None),
        Some(other) => {
            // Put back, so that it is read as any member that is an object.
            let mut holder = Input::new(Map::from_iter([(name.to_owned(), other)]));
            let inner = part(&mut holder, name);
            holder.faults().into_iter().for_each(|f| input.push(f));
            let Some(mut inner) = inner else {
                return Ok(before);
            };
            let next = read(before, &mut inner)?;
            close(input, name, inner);
            Ok(Some(next))
        }
    }
}

/// Reads the address of a sender.
fn address(input: &mut Input, name: &str, into: &mut String, with: &Patching<'_>) {
    if let Some(text) = input.optional_text(name, 1, crate::egress::EGRESS_URL_MAX) {
        *into = text;
    }
    if into.is_empty() {
        input.fault(name, "required", "This is required.");
    } else if let Err(refused) = with.egress.check(into) {
        input.fault(name, refused.code(), refused.to_string());
    }
}

/// Reads a secret, which is sealed; null forgets it.
fn secret(
    input: &mut Input,
    name: &str,
    into: &mut Option<String>,
    with: &Patching<'_>,
    fits: impl Fn(&str) -> bool,
) -> Result<(), Problem> {
    match input.take(name) {
        None => {}
        Some(Value::Null) => *into = None,
        Some(Value::String(text)) if text.len() <= TEXT_CHARS_MAX && fits(&text) => {
            *into = Some((with.seal)(&text)?);
        }
        Some(_) => {
            input.fault(
                name,
                "bad_form",
                "This does not have the form that is needed.",
            );
            return Ok(());
        }
    }
    if into.is_none() {
        input.fault(name, "required", "This is required.");
    }
    Ok(())
}

impl PhoneWebhook {
    fn read(before: Option<Self>, input: &mut Input, with: &Patching<'_>) -> Result<Self, Problem> {
        let mut next = before.clone().unwrap_or_default();
        address(input, "url", &mut next.url, with);
        // Whoever may change the settings must not use a secret that he does not know.
        if before.is_some_and(|b| b.url != next.url) {
            next.secret = None;
        }
        let fits = |text: &str| Key::parse(text).is_some();
        secret(input, "secret", &mut next.secret, with, fits)?;
        Ok(next)
    }
}

impl PhoneTwilio {
    fn read(before: Option<Self>, input: &mut Input, with: &Patching<'_>) -> Result<Self, Problem> {
        let mut next = before.clone().unwrap_or(Self {
            base_url: TWILIO.to_owned(),
            ..Self::default()
        });
        address(input, "base_url", &mut next.base_url, with);
        let is_word = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric())
                .then_some(())
        };
        merge(
            input,
            "account_sid",
            TEXT_CHARS_MAX,
            &mut next.account_sid,
            is_word,
        );
        let is_plain = |text: &str| (!text.contains(char::is_control)).then_some(());
        merge(input, "from", TEXT_CHARS_MAX, &mut next.from, is_plain);
        for (name, text) in [("account_sid", &next.account_sid), ("from", &next.from)] {
            if text.is_empty() {
                input.fault(name, "required", "This is required.");
            }
        }
        // Whoever may change the settings must not learn the secret by naming a server of his own.
        if before.is_some_and(|b| b.base_url != next.base_url || b.account_sid != next.account_sid)
        {
            next.auth_token = None;
        }
        let fits = |text: &str| !text.is_empty() && !text.contains(char::is_control);
        secret(input, "auth_token", &mut next.auth_token, with, fits)?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::{Egress, EgressConfig};
    use serde_json::json;

    fn patch(before: PhoneSettings, value: &Value) -> (PhoneSettings, Vec<String>) {
        let egress = Egress::new(&EgressConfig::default());
        let seal = |plain: &str| Ok(format!("sealed {plain}"));
        let with = Patching {
            egress: &egress,
            seal: &seal,
        };
        let mut input = Input::new(value.as_object().cloned().unwrap());
        let after = before.patch(&mut input, &with).unwrap();
        (after, input.faults().into_iter().map(|f| f.path).collect())
    }

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn twilio() -> PhoneSettings {
        let value = json!({"countries": ["+49"], "twilio": {"account_sid": "AC1", "from": "+491701", "auth_token": "t"}});
        let (settings, faults) = patch(PhoneSettings::default(), &value);
        assert_eq!(faults, [""; 0]);
        settings
    }

    #[test]
    fn a_secret_is_sealed_and_stays_with_its_server() {
        let token = |s: &PhoneSettings| s.twilio.as_ref().unwrap().auth_token.clone();
        assert_eq!(token(&twilio()).as_deref(), Some("sealed t"));
        let (same, faults) = patch(twilio(), &json!({"twilio": {"from": "Shop"}}));
        assert_eq!(
            (token(&same).as_deref(), faults.len()),
            (Some("sealed t"), 0)
        );
        let other = json!({"twilio": {"base_url": "https://sms.evil.example"}});
        let (other, faults) = patch(twilio(), &other);
        assert_eq!(token(&other), None);
        assert_eq!(faults, ["/twilio/auth_token"]);
        let hook =
            json!({"twilio": null, "webhook": {"url": "https://a.example/sms", "secret": SECRET}});
        let (hook, faults) = patch(twilio(), &hook);
        assert_eq!(faults, [""; 0]);
        let (moved, faults) = patch(hook, &json!({"webhook": {"url": "https://b.example/sms"}}));
        assert_eq!(moved.webhook.unwrap().secret, None);
        assert_eq!(faults, ["/webhook/secret"]);
    }

    #[test]
    fn what_cannot_be_sent_by_is_refused() {
        for (value, path) in [
            (json!({"countries": []}), "/countries"),
            (json!({"countries": ["49"]}), "/countries"),
            (json!({"countries": ["+0"]}), "/countries"),
            (json!({"messages_per_day": 0}), "/messages_per_day"),
            (
                json!({"messages_per_number_hour": 1.5}),
                "/messages_per_number_hour",
            ),
            (
                json!({"twilio": {"base_url": "http://127.0.0.1"}}),
                "/twilio/base_url",
            ),
            (
                json!({"twilio": {"account_sid": "a/../b"}}),
                "/twilio/account_sid",
            ),
            (json!({"twilio": {"from": ""}}), "/twilio/from"),
            (json!({"twilio": {"odd": 1}}), "/twilio/odd"),
            (json!({"twilio": 1}), "/twilio"),
            (
                json!({"webhook": {"url": "https://a.example", "secret": SECRET}}),
                "/twilio",
            ),
            (
                json!({"webhook": {"url": "https://a.example", "secret": "x"}}),
                "/webhook/secret",
            ),
        ] {
            let (_, faults) = patch(twilio(), &value);
            assert!(faults.contains(&path.to_owned()), "{value} {faults:?}");
        }
    }

    #[test]
    fn numbers_go_where_they_may() {
        assert!(PhoneSettings::default().allows("+4917012345"));
        assert!(twilio().allows("+4917012345") && !twilio().allows("+8812345"));
    }
}
