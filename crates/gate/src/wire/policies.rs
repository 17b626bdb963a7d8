//! What the documents say about changes of a project's policies.

use crate::settings::{CaptchaPlace, CaptchaProvider, CharacterClass};
use utoipa::ToSchema;

/// A change of what is demanded of passwords; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectPasswordsPatch {
    /// Characters at least.
    #[schema(minimum = 8, maximum = 128)]
    pub length_min: Option<u32>,
    /// Classes of characters of which each must be there.
    pub classes: Option<Vec<CharacterClass>>,
    /// Whether the account's own address or name counts for nothing: what stands beside it must be long enough.
    pub refuse_identity: Option<bool>,
    /// Whether one that is known from breaches of other services is refused.
    pub refuse_breached: Option<bool>,
}

/// A change of how many wrong guesses are borne; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectLockoutPatch {
    /// Wrong guesses at one account in 15 minutes.
    #[schema(minimum = 3, maximum = 100)]
    pub account_guesses_max: Option<u32>,
    /// Wrong guesses from one network in 15 minutes.
    #[schema(minimum = 10, maximum = 100_000)]
    pub network_guesses_max: Option<u32>,
}

/// A change of the domains that addresses are taken from; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectEmailDomainsPatch {
    /// From these alone; empty: from all.
    #[schema(max_items = 1000, example = json!(["example.com"]))]
    pub allow: Option<Vec<String>>,
    /// From all but these.
    #[schema(max_items = 1000)]
    pub block: Option<Vec<String>>,
}

/// A change of where a proof is demanded that a person asks; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectCaptchaPatch {
    /// Whose service.
    pub provider: Option<CaptchaProvider>,
    /// The public key, for the app's pages.
    #[schema(min_length = 1, max_length = 255)]
    pub site_key: Option<String>,
    /// Sealed at rest and in no answer.
    #[schema(min_length = 1, max_length = 255, write_only)]
    pub secret: Option<String>,
    /// Where a proof is demanded; at sign-up unless told.
    pub places: Option<Vec<CaptchaPlace>>,
    /// Where proofs are verified; null: at the provider's own address.
    #[schema(max_length = 2048)]
    pub endpoint: Option<String>,
}

/// A change of the webhooks that are asked; what is absent stays, null removes one.
#[derive(ToSchema)]
pub struct ProjectHooksPatch {
    /// Asked before somebody signs up.
    pub before_sign_up: Option<ProjectHookPatch>,
    /// Asked before an access token is signed.
    pub on_token: Option<ProjectHookPatch>,
}

/// A change of a webhook; what is absent stays.
#[derive(ToSchema)]
pub struct ProjectHookPatch {
    /// Its public https address.
    #[schema(max_length = 2048, example = "https://hooks.example.com/sign-up")]
    pub url: Option<String>,
    /// Whether things go on without it when it does not answer well. Only of `on_token`.
    pub optional: Option<bool>,
    /// `whsec_` and the base64 of 24 to 64 bytes; one is made unless it is given.
    #[schema(max_length = 200, write_only)]
    pub secret: Option<String>,
}

/// A new secret of a webhook.
#[derive(serde::Serialize, ToSchema)]
pub struct HookSecretView {
    /// It is shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: String,
}
