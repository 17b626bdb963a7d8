//! Proof that a person and no program asks: by whose service, and where it is demanded.

use super::Patching;
use crate::{Input, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Characters of a key at most.
const KEY_CHARS_MAX: usize = 255;

/// A service that tells people from programs, and where its proof is demanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ProjectCaptcha)]
pub struct CaptchaSettings {
    /// Whose service.
    pub provider: CaptchaProvider,
    /// The public key, for the app's pages.
    pub site_key: String,
    /// Sealed at rest and in no answer. It goes with its provider and endpoint: others need it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only, nullable = false)]
    pub secret: Option<String>,
    /// Where a proof is demanded.
    pub places: Vec<CaptchaPlace>,
    /// Where proofs are verified, if not at the provider's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub endpoint: Option<String>,
}

/// A service that tells people from programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptchaProvider {
    /// hCaptcha.
    Hcaptcha,
    /// Cloudflare Turnstile.
    Turnstile,
}

impl CaptchaProvider {
    /// Where it verifies proofs.
    #[must_use]
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::Hcaptcha => "https://api.hcaptcha.com/siteverify",
            Self::Turnstile => "https://challenges.cloudflare.com/turnstile/v0/siteverify",
        }
    }
}

/// Where a proof is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptchaPlace {
    /// To sign up.
    SignUp,
    /// To sign in with a password.
    SignIn,
    /// To ask for a mail to an address.
    Mails,
    /// To ask for a message to a telephone.
    Messages,
}

impl CaptchaSettings {
    /// Where proofs are verified.
    #[must_use]
    pub fn address(&self) -> &str {
        self.endpoint.as_deref().unwrap_or(self.provider.endpoint())
    }

    /// Reads the members that are there, over what was before; faults are noted in `input`.
    pub(super) fn read(
        before: Option<Self>,
        input: &mut Input,
        with: &Patching<'_>,
    ) -> Result<Self, Problem> {
        let mut next = before.clone().unwrap_or(Self {
            provider: CaptchaProvider::Turnstile,
            site_key: String::new(),
            secret: None,
            places: vec![CaptchaPlace::SignUp],
            endpoint: None,
        });
        match input.optional_text("provider", 0, 20).as_deref() {
            None if before.is_none() => input.fault("provider", "required", "This is required."),
            None => {}
            Some("hcaptcha") => next.provider = CaptchaProvider::Hcaptcha,
            Some("turnstile") => next.provider = CaptchaProvider::Turnstile,
            Some(_) => input.fault(
                "provider",
                "not_a_choice",
                "This must be \"hcaptcha\" or \"turnstile\".",
            ),
        }
        next.site_key = match input.optional_text("site_key", 1, KEY_CHARS_MAX) {
            None if next.site_key.is_empty() => input.text("site_key", 1, KEY_CHARS_MAX),
            None => next.site_key,
            Some(key) => key,
        };
        next.read_endpoint(input, with);
        if let Some(names) = input.optional_texts("places") {
            next.places = places(input, &names);
        }
        // Whoever may change the settings must not learn the secret by naming a server of his own.
        if before.is_some_and(|b| b.address() != next.address()) {
            next.secret = None;
        }
        if let Some(secret) = input.optional_text("secret", 1, KEY_CHARS_MAX) {
            next.secret = Some((with.seal)(&secret)?);
        }
        if next.secret.is_none() {
            input.fault("secret", "required", "This is required.");
        }
        Ok(next)
    }

    fn read_endpoint(&mut self, input: &mut Input, with: &Patching<'_>) {
        match input.take("endpoint") {
            None => {}
            Some(Value::Null) => self.endpoint = None,
            Some(Value::String(text)) => match with.egress.check(&text) {
                Ok(target) => self.endpoint = Some(target.url().to_owned()),
                Err(refused) => input.fault("endpoint", refused.code(), refused.to_string()),
            },
            Some(_) => input.fault("endpoint", "not_a_text", "This must be a text."),
        }
    }
}

fn places(input: &mut Input, names: &[String]) -> Vec<CaptchaPlace> {
    let known = |name: &String| match name.as_str() {
        "sign_up" => Some(CaptchaPlace::SignUp),
        "sign_in" => Some(CaptchaPlace::SignIn),
        "mails" => Some(CaptchaPlace::Mails),
        "messages" => Some(CaptchaPlace::Messages),
        _ => None,
    };
    let places: Vec<CaptchaPlace> = names.iter().filter_map(known).collect();
    if places.len() != names.len() {
        let message = "These must be of \"sign_up\", \"sign_in\", \"mails\" and \"messages\".";
        input.fault("places", "not_a_choice", message);
    }
    places
}
