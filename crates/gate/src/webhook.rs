//! Signed webhooks, after the scheme of Standard Webhooks
//! (<https://www.standardwebhooks.com>, version 1): `webhook-id`, `webhook-timestamp`, and `webhook-signature`, which
//! is the base64 of the HMAC-SHA256 of `id.timestamp.body`.

use crate::egress::{
    Answered, Egress, EgressError, HeaderMap, HeaderValue, Method, Outgoing, Target,
};
use crate::sealed::random;
use crate::{HookName, Problem, Project};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as B64;
use kernel::Stamp;
use std::time::Duration;
use uuid::Uuid;

/// What secrets begin with.
const PREFIX: &str = "whsec_";
/// How long a hook has to answer, to the last byte.
pub const HOOK_TIME_MAX: Duration = Duration::from_secs(3);

/// What calls are signed with.
#[derive(Clone)]
pub struct Key(hmac::Key);

impl Key {
    /// Of a secret, if it has the form of one: the prefix, and the base64 of 24 to 64 bytes.
    #[must_use]
    pub fn parse(secret: &str) -> Option<Self> {
        let bytes = B64.decode(secret.strip_prefix(PREFIX)?).ok()?;
        let is_good = (24..=64).contains(&bytes.len());
        is_good.then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The signature of a call, as it stands in its header.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", B64.encode(context.sign()))
    }
}

/// A new secret of 32 random bytes.
pub fn new_secret() -> Result<String, Problem> {
    Ok(format!("{PREFIX}{}", B64.encode(random::<32>()?)))
}

/// A call of a webhook.
pub struct Call<'a> {
    /// Where to.
    pub target: Target,
    /// What it is signed with: by the first key, and by the others too.
    pub keys: &'a [Key],
    /// Its id; the same for a repeat.
    pub id: Uuid,
    /// When.
    pub now: Stamp,
    /// The body, JSON.
    pub body: Vec<u8>,
}

/// The headers of a call: its id, which is the same each time it is tried, when it is sent, and its signatures.
pub fn headers(keys: &[Key], id: &str, now: Stamp, body: &[u8]) -> Result<HeaderMap, EgressError> {
    let timestamp = now.unix_seconds();
    let signatures = keys.iter().map(|key| key.sign(id, timestamp, body));
    let signatures: Vec<String> = signatures.collect();
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ] {
        let value = HeaderValue::from_str(&value);
        headers.insert(name, value.map_err(|e| EgressError::Broken(e.to_string()))?);
    }
    Ok(headers)
}

/// Sends a call, and gives what was answered within [`HOOK_TIME_MAX`]. Nothing is repeated.
pub async fn ask(egress: &Egress, call: Call<'_>) -> Result<Answered, EgressError> {
    let headers = headers(call.keys, &call.id.to_string(), call.now, &call.body)?;
    let sending = egress.send(Outgoing {
        target: call.target,
        method: Method::POST,
        headers,
        body: call.body,
    });
    let answer = tokio::time::timeout(HOOK_TIME_MAX, sending).await;
    answer.map_err(|_| EgressError::Timeout)?
}

impl Project {
    /// The keys of one of its hooks: the present one, and for a while the one before.
    pub fn hook_keys(&self, name: HookName, now: Stamp) -> Result<Vec<Key>, Problem> {
        let settings = self.settings();
        let Some(hook) = settings.hooks.get(name) else {
            return Ok(Vec::new());
        };
        let previous = hook.previous.as_ref().filter(|p| p.until > now);
        let sealed = hook.secret.iter().chain(previous.map(|p| &p.secret));
        sealed
            .map(|sealed| {
                let plain = self.open(crate::settings::SETTINGS_PLACE, sealed)?;
                let text = String::from_utf8(plain).map_err(Problem::internal)?;
                Key::parse(&text).ok_or_else(|| Problem::internal("a hook's secret is none"))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks' libraries.
    #[test]
    fn the_example_of_the_standard_is_signed_alike() {
        let key = Key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = key.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn secrets_have_a_form() {
        assert!(Key::parse(&new_secret().unwrap()).is_some());
        for bad in [
            "",
            "whsec_",
            "whsec_AAAA",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
        ] {
            assert!(Key::parse(bad).is_none(), "{bad}");
        }
    }
}
