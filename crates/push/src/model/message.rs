//! A message to be sent: to whom, what it says, and what devices get of it.

use super::{
    AUDIENCE_MAX, BODY_MAX, COLLAPSE_KEY_MAX, DATA_BYTES_MAX, LINK_MAX, PAYLOAD_BYTES_MAX,
    TITLE_MAX, TTL_SECONDS_DEFAULT, TTL_SECONDS_MAX, inside, object,
};
use gate::{Input, Problem};
use kernel::{FieldError, parse_id};
use serde_json::{Map, Value, json};
use uuid::Uuid;

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
