//! The wire types of push. What comes in is read by `model`; the types for it here are what the document says.

use crate::error::Error;
use crate::rows::{devices, inbox, messages};
use crate::tally::{Count, Outcome, Tally};
use kernel::Stamp;
use sea_orm::prelude::TimeDateTimeWithTimeZone;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// What a page needs to subscribe.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushConfigView {
    /// The `applicationServerKey`: an uncompressed point of P-256 in base64url. It does not change.
    pub vapid_public_key: String,
}

/// A device to be registered.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `DeviceForm::parse` reads")]
#[schema(as = DeviceIn)]
pub(crate) struct DeviceIn {
    /// `web`.
    kind: DeviceKind,
    /// What the browser's `PushManager` gave, as `JSON.stringify` writes it.
    subscription: SubscriptionIn,
    /// The device's language, such as `de-CH`.
    #[schema(min_length = 1, max_length = 64)]
    locale: Option<String>,
    /// Its time zone, such as `Europe/Zurich`.
    #[schema(min_length = 1, max_length = 64)]
    timezone: Option<String>,
    /// The app's version.
    #[schema(min_length = 1, max_length = 64)]
    app_version: Option<String>,
}

/// How a device is reached.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a word")]
pub(crate) enum DeviceKind {
    /// By Web Push.
    Web,
}

/// A browser's subscription.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `DeviceForm::parse` reads")]
#[schema(as = PushSubscription)]
pub(crate) struct SubscriptionIn {
    /// The address at the push service: https, port 443, public.
    #[schema(format = "uri", max_length = 2048)]
    endpoint: String,
    /// The browser's keys.
    keys: SubscriptionKeysIn,
    /// Not used.
    #[serde(rename = "expirationTime")]
    expiration_time: Option<f64>,
}

/// The keys of a browser's subscription (RFC 8291, section 3).
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `DeviceForm::parse` reads")]
#[schema(as = PushSubscriptionKeys)]
pub(crate) struct SubscriptionKeysIn {
    /// An uncompressed point of P-256 in base64url.
    p256dh: String,
    /// 16 bytes in base64url.
    auth: String,
}

/// A device. Its endpoint and keys are never sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Device)]
pub struct DeviceView {
    /// The device.
    pub id: Uuid,
    /// How it is reached: `web`.
    pub kind: String,
    /// Whose it is.
    pub user: Uuid,
    /// Whether the caller's session registered it.
    pub current: bool,
    /// The host of its push service.
    pub service: String,
    /// Its language.
    pub locale: Option<String>,
    /// Its time zone.
    pub timezone: Option<String>,
    /// The app's version.
    pub app_version: Option<String>,
    /// When it was registered first.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Option<Stamp>,
    /// When it was registered last.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Option<Stamp>,
}

impl DeviceView {
    pub(crate) fn new(row: devices::Model, session: Option<Uuid>) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            user: row.user_id,
            current: session == Some(row.session_id),
            service: row.service,
            locale: row.locale,
            timezone: row.timezone,
            app_version: row.app_version,
            created_at: stamp(row.created_at),
            last_seen_at: stamp(row.last_seen_at),
        }
    }
}

/// A message to be sent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Draft::parse` reads")]
#[schema(as = PushMessageIn)]
pub(crate) struct MessageIn {
    /// To whom: exactly one of the three.
    to: AudienceIn,
    /// The title.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// The text.
    #[schema(max_length = 2000)]
    body: Option<String>,
    /// A picture: an https address, or a path of the site.
    #[schema(max_length = 2000)]
    image: Option<String>,
    /// What a click opens: an https address, or a path of the site; `/` unless it is given.
    #[schema(max_length = 2000)]
    url: Option<String>,
    /// Anything for the app: an object of at most 2,048 bytes.
    #[schema(value_type = Option<Object>)]
    data: Option<Map<String, Value>>,
    /// Seconds that push services keep it for a device that is off; three days unless it is given. With 0 only devices
    /// that are on get it.
    #[schema(minimum = 0, maximum = 2_419_200, default = 259_200)]
    ttl_seconds: Option<u32>,
    /// How soon it should wake a device.
    urgency: Option<UrgencyWord>,
    /// Of messages with the same key a device shows the newest only.
    #[schema(min_length = 1, max_length = 64)]
    collapse_key: Option<String>,
    /// Renders and counts it, but sends nothing.
    #[schema(default = false)]
    dry_run: Option<bool>,
}

/// How soon a message should wake a device (RFC 8030, section 5.3).
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case", as = PushUrgency)]
#[expect(dead_code, reason = "describes words")]
pub(crate) enum UrgencyWord {
    VeryLow,
    Low,
    Normal,
    High,
}

/// To whom a message goes: exactly one of the three.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Draft::parse` reads")]
#[schema(as = PushAudienceIn)]
pub(crate) struct AudienceIn {
    /// To every device of these users.
    #[schema(min_items = 1, max_items = 1000, nullable = false)]
    users: Option<Vec<Uuid>>,
    /// To these devices.
    #[schema(min_items = 1, max_items = 1000, nullable = false)]
    devices: Option<Vec<Uuid>>,
    /// True: to every device.
    #[schema(nullable = false)]
    all: Option<bool>,
}

/// A message, with what became of it so far.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PushMessage)]
pub struct MessageView {
    /// The message.
    pub id: Uuid,
    /// `queued` until it is addressed to the first devices, then `sending` until nothing of it waits, then `done`; or
    /// `cancelled`.
    #[schema(value_type = MessageStatus)]
    pub status: String,
    /// To whom.
    pub audience: AudienceView,
    /// The title.
    pub title: String,
    /// The text.
    pub body: Option<String>,
    /// A picture.
    pub image: Option<String>,
    /// What a click opens.
    pub url: String,
    /// What the app gets.
    #[schema(value_type = Option<Object>)]
    pub data: Option<Value>,
    /// Seconds that push services keep it.
    pub ttl_seconds: i64,
    /// How soon it should wake a device.
    #[schema(value_type = UrgencyWord)]
    pub urgency: String,
    /// Of messages with the same key a device shows the newest only.
    pub collapse_key: Option<String>,
    /// Whether it is rendered and counted only.
    pub dry_run: bool,
    /// What became of it, device by device.
    pub counts: CountsView,
    /// The counts by reason.
    pub reasons: Vec<Count>,
    /// Who sent it: `key:<id>` or `operator:<id>`.
    pub actor: Option<String>,
    /// When it was sent.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Option<Stamp>,
    /// When what still waits is given up.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Option<Stamp>,
    /// When nothing of it waited any more.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Stamp>,
}

/// How far a message is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case", as = PushStatus)]
#[expect(dead_code, reason = "describes words")]
pub(crate) enum MessageStatus {
    Queued,
    Sending,
    Done,
    Cancelled,
}

/// To whom a message went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PushAudience)]
pub struct AudienceView {
    /// `users`, `devices` or `all`.
    pub kind: String,
    /// How many ids were named; null for all.
    pub size: Option<i64>,
}

/// What became of a message, device by device. Every device is counted once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PushCounts)]
pub struct CountsView {
    /// Waits: to be sent, or to be tried again.
    pub queued: i64,
    /// Taken by the push service.
    pub sent: i64,
    /// Given up.
    pub failed: i64,
    /// The device is no more, or no longer the user's.
    pub pruned: i64,
    /// Never to be sent: no device, cancelled, or a dry run.
    pub skipped: i64,
}

impl MessageView {
    pub(crate) fn new(row: messages::Head) -> Result<Self, Error> {
        let payload: Value =
            serde_json::from_str(&row.payload).map_err(|_| Error::Sealed("a payload"))?;
        let notification = payload.get("notification");
        let member = |name: &str| notification.and_then(|n| n.get(name)).cloned();
        let text = |name: &str| match member(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let tally = Tally::stored(&row.counts);
        Ok(Self {
            id: row.id,
            status: row.status,
            audience: AudienceView {
                kind: row.audience,
                size: row.audience_size,
            },
            title: text("title").unwrap_or_default(),
            body: text("body"),
            image: text("image"),
            url: text("navigate").unwrap_or_default(),
            data: member("data"),
            ttl_seconds: row.ttl_seconds,
            urgency: row.urgency,
            collapse_key: row.collapse_key,
            dry_run: row.dry_run,
            counts: CountsView {
                queued: row.waiting,
                sent: tally.of(Outcome::Sent),
                failed: tally.of(Outcome::Failed),
                pruned: tally.of(Outcome::Pruned),
                skipped: tally.of(Outcome::Skipped),
            },
            reasons: tally.0,
            actor: row.actor,
            created_at: stamp(row.created_at),
            expires_at: stamp(row.expires_at),
            finished_at: row.finished_at.and_then(stamp),
        })
    }
}

/// What one recipient got, or would have got.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PushInboxEntry)]
pub struct InboxView {
    /// The entry.
    pub id: Uuid,
    /// The message.
    pub message: Uuid,
    /// The user; null for a device that is not there.
    pub user: Option<Uuid>,
    /// The device; null for a user who has none.
    pub device: Option<Uuid>,
    /// The payload as the device gets it.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// `queued`, `sent`, `failed`, `pruned` or `skipped`.
    pub outcome: String,
    /// Why.
    pub reason: Option<String>,
    /// When it was addressed.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Option<Stamp>,
    /// When its outcome was noted last.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Option<Stamp>,
}

impl InboxView {
    pub(crate) fn new(row: inbox::Model) -> Result<Self, Error> {
        let payload = serde_json::from_str(&row.payload).map_err(|_| Error::Sealed("a payload"))?;
        Ok(Self {
            id: row.id,
            message: row.message_id,
            user: row.user_id,
            device: row.device_id,
            payload,
            outcome: row.outcome,
            reason: row.reason,
            created_at: stamp(row.created_at),
            updated_at: stamp(row.updated_at),
        })
    }
}

macro_rules! pages {
    ($($(#[$doc:meta])* $name:ident of $item:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(ToSchema)]
            #[expect(dead_code, reason = "describes a page")]
            pub(crate) struct $name {
                /// The page's things, in order.
                items: Vec<$item>,
                /// Hand this back as `cursor` for the next page; null on the last.
                #[schema(required = true)]
                next_cursor: Option<String>,
                /// All of them, on all pages; only when asked for with `count=exact`.
                #[schema(nullable = false)]
                total: Option<u64>,
            }
        )*
    };
}

pages! {
    /// A page of devices, the newest first.
    DevicePage of DeviceView;
    /// A page of messages, the newest first.
    PushMessagePage of MessageView;
    /// A page of the development inbox, the newest first.
    PushInboxPage of InboxView;
}

fn stamp(time: TimeDateTimeWithTimeZone) -> Option<Stamp> {
    Stamp::from_time(time)
}
