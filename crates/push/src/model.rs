//! What callers send, read into types that cannot be wrong: devices and messages, all faults told at once.

use aws_lc_rs::agreement::{ECDH_P256, ParsedPublicKey, UnparsedPublicKey};
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use gate::egress::Egress;
use gate::{Input, Problem};
use kernel::{Code, FieldError, parse_id};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Users or devices that one message names at most.
pub const AUDIENCE_MAX: usize = 1_000;
/// Code points of a title.
pub const TITLE_MAX: usize = 200;
/// Code points of a body.
pub const BODY_MAX: usize = 2_000;
/// Bytes of an address of a page or an image.
pub const LINK_MAX: usize = 2_000;
/// Bytes of `data`, as JSON.
pub const DATA_BYTES_MAX: usize = 2_048;
/// Code points of a collapse key.
pub const COLLAPSE_KEY_MAX: usize = 64;
/// Seconds that a push service keeps a message: four weeks, the longest that all of them take.
pub const TTL_SECONDS_MAX: u32 = 2_419_200;
/// The same, unless the message says it: three days, so that a phone that was off over a weekend still gets it.
pub const TTL_SECONDS_DEFAULT: u32 = 259_200;
/// Bytes of a payload before it is encrypted. Encrypted it has at most 3,286, within the 4,096 that every push service
/// takes (RFC 8030, section 7.2); it is what the library that encrypts takes.
pub const PAYLOAD_BYTES_MAX: usize = 3_052;
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

fn required(input: &mut Input, name: &str) {
    input.fault(name, "required", "This is required.");
}

/// The member as an object, or a fault.
fn object(input: &mut Input, name: &str) -> Option<Map<String, Value>> {
    match input.take(name) {
        Some(Value::Object(object)) => return Some(object),
        None | Some(Value::Null) => required(input, name),
        Some(_) => input.fault(name, "not_an_object", "This must be an object."),
    }
    None
}

/// Reads an object within the member `name`; its faults are told with those around it.
fn inside<T>(
    input: &mut Input,
    name: &str,
    object: Map<String, Value>,
    read: impl FnOnce(&mut Input) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let within = |problem: &Problem| -> Vec<FieldError> {
        let errors = problem.field_errors().iter().map(|e| FieldError {
            path: format!("/{name}{}", e.path),
            ..e.clone()
        });
        errors.collect()
    };
    let mut inner = Input::new(object);
    let value = read(&mut inner).map_err(|p| Problem::new(p.code()).errors(within(&p)))?;
    match inner.finish() {
        Err(problem) if problem.code() == Code::UnknownField => {
            Err(Problem::new(Code::UnknownField).errors(within(&problem)))
        }
        Err(problem) => {
            within(&problem).into_iter().for_each(|e| input.push(e));
            Ok(value)
        }
        Ok(()) => Ok(value),
    }
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

/// How soon a message should wake a device (RFC 8030, section 5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Urgency {
    /// On power and on a network that costs nothing.
    VeryLow,
    /// On power or on such a network.
    Low,
    /// On neither.
    #[default]
    Normal,
    /// Even when the battery is low.
    High,
}

impl Urgency {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::VeryLow, Self::Low, Self::Normal, Self::High];

    /// The word of the standard.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VeryLow => "very-low",
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// From its word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// To whom a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// To every device of these users.
    Users(Vec<Uuid>),
    /// To these devices.
    Devices(Vec<Uuid>),
    /// To every device.
    All,
}

impl Audience {
    /// Its word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Users(_) => "users",
            Self::Devices(_) => "devices",
            Self::All => "all",
        }
    }

    /// The ids it names.
    #[must_use]
    pub fn ids(&self) -> &[Uuid] {
        match self {
            Self::Users(ids) | Self::Devices(ids) => ids,
            Self::All => &[],
        }
    }

    /// From what is stored.
    pub(crate) fn stored(kind: &str, target: Value) -> Option<Self> {
        let ids = || serde_json::from_value(target).ok();
        match kind {
            "users" => ids().map(Self::Users),
            "devices" => ids().map(Self::Devices),
            "all" => Some(Self::All),
            _ => None,
        }
    }

    fn read(input: &mut Input) -> Result<Option<Self>, Problem> {
        let Some(members) = object(input, "to") else {
            return Ok(None);
        };
        if members.len() != 1 {
            input.fault(
                "to",
                "not_one",
                "Name exactly one of users, devices and all.",
            );
            return Ok(None);
        }
        inside(input, "to", members, |inner| {
            let users = ids(inner, "users").map(Self::Users);
            let devices = ids(inner, "devices").map(Self::Devices);
            let all = match inner.take("all") {
                None => None,
                Some(Value::Bool(true)) => Some(Self::All),
                Some(_) => {
                    inner.fault("all", "not_true", "This must be true.");
                    None
                }
            };
            Ok(users.or(devices).or(all))
        })
    }
}

/// A list of ids, each once; `None` when it is absent or has a fault.
fn ids(input: &mut Input, name: &str) -> Option<Vec<Uuid>> {
    let items = match input.take(name)? {
        Value::Array(items) => items,
        _ => {
            input.fault(name, "not_a_list", "This must be a list of ids.");
            return None;
        }
    };
    if items.is_empty() {
        input.fault(name, "too_few", "At least one id is needed.");
        return None;
    }
    if items.len() > AUDIENCE_MAX {
        input.fault(
            name,
            "too_many",
            format!("At most {AUDIENCE_MAX} ids are allowed."),
        );
        return None;
    }
    let mut found = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        match item.as_str().and_then(parse_id) {
            Some(id) => found.push(id),
            None => input.push(FieldError {
                path: format!("/{name}/{i}"),
                code: "not_an_id",
                message: "This is no id.".to_owned(),
            }),
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct Draft {
    /// To whom.
    pub audience: Audience,
    /// How long push services keep it.
    pub ttl_seconds: u32,
    /// How soon it should wake devices.
    pub urgency: Urgency,
    /// Of messages with one key only the newest is shown.
    pub collapse_key: Option<String>,
    /// Whether it is to be rendered and counted, but not sent.
    pub dry_run: bool,
    notification: Map<String, Value>,
}

impl Draft {
    /// Reads a message.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let audience = Audience::read(&mut input)?;
        let mut notification = Map::new();
        notification.insert("title".to_owned(), input.text("title", 1, TITLE_MAX).into());
        if let Some(body) = input.optional_text("body", 0, BODY_MAX) {
            notification.insert("body".to_owned(), body.into());
        }
        // Safari takes no declarative message without it; a page of the site itself is always there.
        let url = link(&mut input, "url").unwrap_or_else(|| "/".to_owned());
        notification.insert("navigate".to_owned(), url.into());
        if let Some(image) = link(&mut input, "image") {
            notification.insert("image".to_owned(), image.into());
        }
        if let Some(data) = data(&mut input) {
            notification.insert("data".to_owned(), data.into());
        }
        let ttl_seconds = ttl(&mut input);
        let urgency = urgency(&mut input);
        let collapse_key = input.optional_text("collapse_key", 1, COLLAPSE_KEY_MAX);
        let dry_run = input.optional_bool("dry_run").unwrap_or(false);
        let draft = audience.map(|audience| Self {
            audience,
            ttl_seconds,
            urgency,
            collapse_key,
            dry_run,
            notification,
        });
        if let Some(draft) = &draft {
            draft.check_length(&mut input);
        }
        input.finish()?;
        draft.ok_or_else(|| Problem::internal("a fault was not told"))
    }

    /// What devices get: a declarative message, which Safari shows without a worker (the Push API's "declarative push
    /// message", where 8030 stands for the standard) and our worker reads. A message that comes twice, after a crash
    /// between sending and noting it, replaces itself by its tag.
    #[must_use]
    pub fn payload(&self, id: Uuid) -> String {
        let tag = self.collapse_key.clone().unwrap_or_else(|| id.to_string());
        let mut notification = self.notification.clone();
        notification.insert("tag".to_owned(), tag.into());
        json!({"web_push": 8030, "notification": notification}).to_string()
    }

    /// Notes a fault of the longest member when the payload is too long.
    fn check_length(&self, input: &mut Input) {
        let length = self.payload(Uuid::nil()).len();
        if length <= PAYLOAD_BYTES_MAX {
            return;
        }
        let size = |name: &&str| {
            let value = self.notification.get(*name);
            value.map_or(0, |v| v.to_string().len())
        };
        let longest = ["title", "body", "navigate", "image", "data"]
            .into_iter()
            .max_by_key(size);
        let longest = longest.map_or("body", |name| if name == "navigate" { "url" } else { name });
        let message = format!(
            "The notification has {length} bytes as JSON; at most {PAYLOAD_BYTES_MAX} can be sent."
        );
        input.fault(longest, "too_long", message);
    }
}

/// An address of a page or an image: absolute https, or a path of the site that shows it.
fn link(input: &mut Input, name: &str) -> Option<String> {
    let text = input.optional_text(name, 0, usize::MAX)?;
    // Two slashes, or a slash and a backslash, would lead to another host; so would a line break before them.
    let is_path = text.starts_with('/') && !text[1..].starts_with(['/', '\\']);
    let is_https = || {
        url::Url::parse(&text).is_ok_and(|url| url.scheme() == "https" && url.has_host())
            && text.to_ascii_lowercase().starts_with("https://")
    };
    let is_clean = !text.chars().any(|c| c.is_control() || c == ' ');
    if text.len() > LINK_MAX {
        input.fault(
            name,
            "too_long",
            format!("At most {LINK_MAX} bytes are allowed."),
        );
    } else if !is_clean || !(is_path || is_https()) {
        let message = "This must be an https address, or a path that begins with one slash.";
        input.fault(name, "not_a_url", message);
    }
    Some(text)
}

fn data(input: &mut Input) -> Option<Map<String, Value>> {
    match input.take("data") {
        None | Some(Value::Null) => None,
        Some(Value::Object(data)) => {
            if Value::from(data.clone()).to_string().len() > DATA_BYTES_MAX {
                let message = format!("At most {DATA_BYTES_MAX} bytes of JSON are allowed.");
                input.fault("data", "too_long", message);
            }
            Some(data)
        }
        Some(_) => {
            input.fault("data", "not_an_object", "This must be an object.");
            None
        }
    }
}

fn ttl(input: &mut Input) -> u32 {
    let value = match input.take("ttl_seconds") {
        None | Some(Value::Null) => return TTL_SECONDS_DEFAULT,
        Some(value) => value.as_u64(),
    };
    let ttl = value
        .and_then(|n| u32::try_from(n).ok())
        .filter(|n| *n <= TTL_SECONDS_MAX);
    if ttl.is_none() {
        let message = format!("This must be a whole number from 0 to {TTL_SECONDS_MAX}.");
        input.fault("ttl_seconds", "out_of_range", message);
    }
    ttl.unwrap_or(TTL_SECONDS_DEFAULT)
}

fn urgency(input: &mut Input) -> Urgency {
    let word = match input.take("urgency") {
        None | Some(Value::Null) => return Urgency::default(),
        Some(value) => value.as_str().and_then(Urgency::parse),
    };
    if word.is_none() {
        let message = "This must be \"very-low\", \"low\", \"normal\" or \"high\".";
        input.fault("urgency", "not_a_choice", message);
    }
    word.unwrap_or_default()
}

#[cfg(test)]
mod tests;
