//! Signs what is sent to other servers, so that they know that it is ours and new.
//!
//! The scheme is that of Standard Webhooks (<https://www.standardwebhooks.com>, version 1.0): three headers, and a
//! signature over `id.timestamp.body` with a secret that both sides have. Libraries for most languages check it.

use super::{HeaderMap, HeaderName, HeaderValue};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::Stamp;

/// What secrets begin with.
const PREFIX: &str = "whsec_";
/// Bytes of a secret.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that both sides have.
#[derive(Clone)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// Reads `whsec_` and 24 to 64 bytes in Base64.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        BYTES.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The headers of a message: its id, which is the same each time it is tried, when it is sent, and the signature.
    #[must_use]
    pub fn headers(&self, id: &str, now: Stamp, body: &[u8]) -> HeaderMap {
        let at = now.unix_seconds().to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut signing = hmac::Context::with_key(&key);
        for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
            signing.update(part);
        }
        let signature = format!("v1,{}", STANDARD.encode(signing.sign()));
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("webhook-id", id),
            ("webhook-timestamp", &at),
            ("webhook-signature", &signature),
        ] {
            // What is no header's value is left out, and its receiver refuses the message.
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        headers.insert(
            HeaderName::from_static("content-type"),
            HeaderValue::from_static("application/json"),
        );
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_the_scheme_says() {
        // The example of the specification's own libraries.
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = time::OffsetDateTime::from_unix_timestamp(1_614_265_330).unwrap();
        let headers = secret.headers(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Stamp::from_time(at).unwrap(),
            br#"{"test": 2432232314}"#,
        );
        let signature = headers["webhook-signature"].to_str().unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(headers["webhook-timestamp"], "1614265330");
    }

    #[test]
    fn a_secret_has_its_prefix_and_enough_bytes() {
        for bad in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_not base64 at all, not at all",
        ] {
            assert!(WebhookSecret::parse(bad).is_none(), "{bad}");
        }
    }
}
