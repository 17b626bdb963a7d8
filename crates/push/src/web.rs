//! Web Push on the wire: the request that the library builds (RFC 8030, 8291, 8292), and what an answer means.

use crate::error::Error;
use crate::model::{Subscription, Urgency};
use gate::egress::{Answered, EgressError, HeaderMap, HeaderName, HeaderValue};
use kernel::Stamp;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use web_push::request_builder::build_request;
use web_push::{
    ContentEncoding, SubscriptionInfo, VapidSignature, WebPushError, WebPushMessageBuilder,
};

/// The longest that a service is obeyed when it says when to come again.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(6 * 3_600);

/// What is sent, whoever gets it.
pub(crate) struct Message<'a> {
    /// The payload in clear.
    pub(crate) payload: &'a str,
    /// Seconds that the service keeps it.
    pub(crate) ttl_seconds: u32,
    /// How soon it should wake the device.
    pub(crate) urgency: Urgency,
    /// What it replaces.
    pub(crate) topic: Option<String>,
}

/// Encrypts the message for one device. The headers and the body of a POST to its endpoint.
pub(crate) fn build(
    message: &Message<'_>,
    to: &Subscription,
    token: VapidSignature,
) -> Result<(HeaderMap, Vec<u8>), Error> {
    let info = SubscriptionInfo::new(&*to.endpoint, &*to.p256dh, &*to.auth);
    let mut builder = WebPushMessageBuilder::new(&info);
    builder.set_payload(ContentEncoding::Aes128Gcm, message.payload.as_bytes());
    builder.set_ttl(message.ttl_seconds);
    builder.set_urgency(match message.urgency {
        Urgency::VeryLow => web_push::Urgency::VeryLow,
        Urgency::Low => web_push::Urgency::Low,
        Urgency::Normal => web_push::Urgency::Normal,
        Urgency::High => web_push::Urgency::High,
    });
    if let Some(topic) = &message.topic {
        builder.set_topic(topic.clone());
    }
    builder.set_vapid_signature(token);
    let built = builder.build().map_err(|e| match e {
        WebPushError::PayloadTooLarge => Error::Sealed("a payload"),
        _ => Error::Sealed("a subscription"),
    })?;
    // The library speaks another version of the crate of HTTP's types.
    let request = build_request::<Vec<u8>>(built);
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|_| Error::Crypto)?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Error::Crypto)?;
        headers.insert(name, value);
    }
    // The client counts the bytes itself.
    headers.remove("content-length");
    Ok((headers, request.into_body()))
}

/// What an answer means for one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The service has it.
    Sent,
    /// The device is no more.
    Gone,
    /// It will never be taken; why.
    Failed(String),
    /// It may be taken later: not before so long, if the service said; why.
    Later(Option<Duration>, String),
}

/// Reads an answer, or its absence. The body plays no part.
pub(crate) fn meaning(answer: &Result<Answered, EgressError>, now: Stamp) -> Meaning {
    let answer = match answer {
        Ok(answer) => answer,
        Err(EgressError::NotPublic) => return Meaning::Failed("address_not_public".to_owned()),
        Err(error) => return Meaning::Later(None, network(error).to_owned()),
    };
    let status = answer.status;
    let reason = format!("http_{status}");
    match status {
        200..=299 => Meaning::Sent,
        404 | 410 => Meaning::Gone,
        408 | 425 | 429 | 500..=599 => Meaning::Later(retry_after(&answer.headers, now), reason),
        _ => Meaning::Failed(reason),
    }
}

/// The word for a failure of the network.
fn network(error: &EgressError) -> &'static str {
    match error {
        EgressError::NotPublic => "address_not_public",
        EgressError::Resolve => "name_unknown",
        EgressError::Connect(_) => "not_connected",
        EgressError::Timeout => "timeout",
        EgressError::TooLarge | EgressError::Broken(_) => "connection_broken",
        EgressError::Unavailable(_) => "no_client",
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds or a date.
fn retry_after(headers: &HeaderMap, now: Stamp) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = OffsetDateTime::parse(text, &Rfc2822).ok()?;
            Duration::try_from(until - now.time()).unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<&str>) -> Meaning {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert("retry-after", text.parse().unwrap());
        }
        let answer = Answered {
            status,
            headers,
            body: Ok(Vec::new()),
        };
        meaning(&Ok(answer), Stamp::parse("1994-11-06T08:49:00Z").unwrap())
    }

    #[test]
    fn every_status_has_its_meaning() {
        for good in [200, 201, 202, 204] {
            assert_eq!(answered(good, None), Meaning::Sent);
        }
        for gone in [404, 410] {
            assert_eq!(answered(gone, None), Meaning::Gone);
        }
        for dead in [301, 307, 400, 401, 403, 405, 413, 422] {
            let reason = format!("http_{dead}");
            assert_eq!(answered(dead, Some("5")), Meaning::Failed(reason));
        }
        for later in [408, 425, 429, 500, 502, 503, 504] {
            let reason = format!("http_{later}");
            assert_eq!(answered(later, None), Meaning::Later(None, reason));
        }
    }

    #[test]
    fn a_service_says_when_to_come_again_in_seconds_or_by_a_date() {
        let wait = |text| match answered(503, Some(text)) {
            Meaning::Later(wait, _) => wait.map(|w| w.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(37));
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(wait("99999999999"), Some(RETRY_AFTER_MAX.as_secs()));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
    }

    #[test]
    fn what_the_network_does_is_tried_again_and_a_private_address_is_not() {
        let now = Stamp::parse("2026-01-01T00:00:00Z").unwrap();
        let later = meaning(&Err(EgressError::Timeout), now);
        assert_eq!(later, Meaning::Later(None, "timeout".to_owned()));
        let refused = meaning(&Err(EgressError::NotPublic), now);
        assert_eq!(refused, Meaning::Failed("address_not_public".to_owned()));
    }
}
