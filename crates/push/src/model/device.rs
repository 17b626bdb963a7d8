//! A device to be registered: a browser's subscription, its endpoint public and its keys real.

use super::{inside, object, required};
use aws_lc_rs::agreement::{ECDH_P256, ParsedPublicKey, UnparsedPublicKey};
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use gate::egress::Egress;
use gate::{Input, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Code points of what a client says of itself.
const LABEL_MAX: usize = 64;
const NOT_A_POINT: &str = "This must be a public key of P-256: an uncompressed point in base64url.";
const NOT_A_SECRET: &str = "This must be 16 bytes in base64url.";

/// Browsers write keys without padding, some libraries with it.
const KEYS: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where and how a browser takes messages: what is sealed of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The address at the push service. Whoever knows it can send there.
    pub endpoint: String,
    /// The browser's public key: an uncompressed point of P-256 in base64url (RFC 8291, section 3.1).
    pub p256dh: String,
    /// The browser's secret: 16 bytes in base64url (RFC 8291, section 3.2).
    pub auth: String,
}

/// A device to be registered.
#[derive(Clone, Debug)]
pub struct DeviceForm {
    /// Where and how it takes messages.
    pub subscription: Subscription,
    /// The host of its push service.
    pub service: String,
    /// Its language, as it says.
    pub locale: Option<String>,
    /// Its time zone, as it says.
    pub timezone: Option<String>,
    /// The app's version, as it says.
    pub app_version: Option<String>,
}

impl DeviceForm {
    /// Reads a device.
    pub fn parse(mut input: Input, egress: &Egress) -> Result<Self, Problem> {
        match input.take("kind") {
            Some(Value::String(kind)) if kind == "web" => {}
            None | Some(Value::Null) => required(&mut input, "kind"),
            Some(_) => input.fault("kind", "not_a_choice", "This must be \"web\"."),
        }
        let subscription = read_subscription(&mut input, egress)?;
        let mut label = |name| input.optional_text(name, 1, LABEL_MAX);
        let (locale, timezone, app_version) =
            (label("locale"), label("timezone"), label("app_version"));
        input.finish()?;
        let (subscription, service) =
            subscription.ok_or_else(|| Problem::internal("a fault was not told"))?;
        Ok(Self {
            subscription,
            service,
            locale,
            timezone,
            app_version,
        })
    }
}

/// The subscription with its service's host; `None` after a fault. Takes what `JSON.stringify` makes of a browser's.
fn read_subscription(
    input: &mut Input,
    egress: &Egress,
) -> Result<Option<(Subscription, String)>, Problem> {
    let Some(members) = object(input, "subscription") else {
        return Ok(None);
    };
    inside(input, "subscription", members, |inner| {
        // Browsers tell when a subscription ends, if it does; its push service answers 410 then.
        inner.take("expirationTime");
        let target = match inner.take("endpoint") {
            Some(Value::String(text)) => match egress.check(&text) {
                Ok(target) => Some(target),
                Err(refused) => {
                    inner.fault("endpoint", refused.code(), refused.to_string());
                    None
                }
            },
            None | Some(Value::Null) => {
                required(inner, "endpoint");
                None
            }
            Some(_) => {
                inner.fault("endpoint", "not_a_text", "This must be a text.");
                None
            }
        };
        let keys = match object(inner, "keys") {
            Some(members) => inside(inner, "keys", members, |keys| {
                Ok((
                    key(keys, "p256dh", is_point, NOT_A_POINT),
                    key(keys, "auth", |bytes| bytes.len() == 16, NOT_A_SECRET),
                ))
            })?,
            None => (None, None),
        };
        Ok(match (target, keys) {
            (Some(target), (Some(p256dh), Some(auth))) => Some((
                Subscription {
                    endpoint: target.url().to_owned(),
                    p256dh,
                    auth,
                },
                target.host().to_owned(),
            )),
            _ => None,
        })
    })
}

/// A key in base64url, in normal form.
fn key(
    input: &mut Input,
    name: &str,
    is_good: impl Fn(&[u8]) -> bool,
    message: &str,
) -> Option<String> {
    match input.take(name) {
        None | Some(Value::Null) => {
            required(input, name);
            None
        }
        Some(value) => {
            let bytes = value.as_str().and_then(|text| KEYS.decode(text).ok());
            let good = bytes.filter(|bytes| is_good(bytes));
            if good.is_none() {
                input.fault(name, "not_a_key", message);
            }
            good.map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
        }
    }
}

/// Whether the bytes are an uncompressed point that lies on P-256.
fn is_point(bytes: &[u8]) -> bool {
    // A point of P-256 has 65 bytes, and nothing else that the library takes has so many and begins with a 4.
    bytes.len() == 65
        && bytes.first() == Some(&4)
        && ParsedPublicKey::try_from(&UnparsedPublicKey::new(&ECDH_P256, bytes)).is_ok()
}
