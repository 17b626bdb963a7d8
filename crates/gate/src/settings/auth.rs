//! How a project's own tokens are signed.

use crate::Input;
use serde::{Deserialize, Serialize};

/// How the project's own tokens are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectAuth)]
pub struct AuthSettings {
    /// What access tokens are signed with. A change makes a new key at the next sign-in; tokens of the old one stay good
    /// until they end.
    pub signing_algorithm: SigningAlgorithm,
}

/// What access tokens are signed with (RFC 7518, RFC 8037).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SigningAlgorithm {
    /// ECDSA over P-256 with SHA-256, which every library knows.
    #[default]
    Es256,
    /// Ed25519.
    Eddsa,
}

impl AuthSettings {
    /// Merges the members that are there; faults are noted in `input`.
    pub(super) fn patch(mut self, input: &mut Input) -> Self {
        match input.optional_text("signing_algorithm", 0, 10).as_deref() {
            None => {}
            Some("es256") => self.signing_algorithm = SigningAlgorithm::Es256,
            Some("eddsa") => self.signing_algorithm = SigningAlgorithm::Eddsa,
            Some(_) => input.fault(
                "signing_algorithm",
                "not_a_choice",
                "This must be \"es256\" or \"eddsa\".",
            ),
        }
        self
    }
}
