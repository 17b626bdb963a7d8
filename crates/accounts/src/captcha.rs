//! Proof that a person asks, verified by the service that the project names (hCaptcha and Turnstile have one protocol:
//! a form with `secret` and `response`, answered with `success`).

use crate::Accounts;
use crate::error::Error;
use crate::service::Ask;
use gate::egress::{EgressError, HeaderMap, HeaderValue, Method, Outgoing};
use gate::{CaptchaPlace, CaptchaSettings};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;
use url::form_urlencoded;

/// How long the service has to answer, to the last byte.
const TIME_MAX: Duration = Duration::from_secs(5);
/// What the service says when the fault is not the caller's.
const NOT_THE_CALLERS: [&str; 6] = [
    "missing-input-secret",
    "invalid-input-secret",
    "sitekey-secret-mismatch",
    "invalid-sitekey",
    "bad-request",
    "internal-error",
];

/// What the service answers.
#[derive(Deserialize)]
struct Verdict {
    success: bool,
    #[serde(default, rename = "error-codes")]
    errors: Vec<String>,
}

impl Accounts {
    /// Refuses a caller who does not prove to be a person, where the project demands it. Without a verdict nobody
    /// passes.
    pub(crate) async fn demand_person(
        &self,
        ask: &Ask,
        place: CaptchaPlace,
        proof: Option<&SecretString>,
    ) -> Result<(), Error> {
        let settings = ask.project.settings();
        let captcha = settings.captcha.as_ref();
        let captcha = captcha.filter(|c| c.places.contains(&place) && !ask.is_trusted);
        let Some(captcha) = captcha else {
            return Ok(());
        };
        let proof = proof.ok_or(Error::CaptchaFailed("required"))?;
        let verdict = match self.verdict(ask, captcha, proof).await {
            Ok(verdict) => verdict,
            Err(why) => {
                tracing::warn!(project = %ask.project.id, why, "a CAPTCHA could not be verified");
                return Err(Error::CaptchaUnavailable);
            }
        };
        if verdict.success {
            return Ok(());
        }
        let ours = |error: &&String| NOT_THE_CALLERS.contains(&error.as_str());
        if let Some(error) = verdict.errors.iter().find(ours) {
            tracing::error!(project = %ask.project.id, error, "the CAPTCHA's service refuses our question");
            return Err(Error::CaptchaUnavailable);
        }
        Err(Error::CaptchaFailed("wrong"))
    }

    async fn verdict(
        &self,
        ask: &Ask,
        captcha: &CaptchaSettings,
        proof: &SecretString,
    ) -> Result<Verdict, String> {
        let secret = ask.project.captcha_secret().map_err(|e| e.to_string())?;
        let secret = secret.ok_or("it has no secret")?;
        let target = self.inner.egress.check(captcha.address());
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("secret", &secret)
            .append_pair("response", proof.expose_secret())
            .finish();
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert("content-type", form);
        let sending = self.inner.egress.send(Outgoing {
            target: target.map_err(|refused| refused.to_string())?,
            method: Method::POST,
            headers,
            body: body.into_bytes(),
        });
        let answer = tokio::time::timeout(TIME_MAX, sending).await;
        let answer = answer.unwrap_or(Err(EgressError::Timeout));
        let answer = answer.map_err(|e| e.to_string())?;
        if answer.status != 200 {
            return Err(format!("it answered {}", answer.status));
        }
        let body = answer.body.map_err(|e| e.to_string())?;
        let object: Map<String, Value> =
            serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        serde_json::from_value(Value::Object(object)).map_err(|e| e.to_string())
    }
}
