//! The ways by which a project's users sign in.

use crate::Input;
use serde::{Deserialize, Serialize};

/// The ways by which users sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectSignIn)]
pub struct SignInMethods {
    /// By a password.
    pub password: bool,
    /// By a code that is sent by mail.
    pub email_code: bool,
    /// By a link that is sent by mail. It ends at `brand.app_url`.
    pub magic_link: bool,
    /// By a code that is sent to a telephone.
    pub phone_code: bool,
    /// By a passkey.
    pub passkey: bool,
    /// Without any identity, to be given one later.
    pub anonymous: bool,
}

impl Default for SignInMethods {
    fn default() -> Self {
        Self {
            password: true,
            email_code: false,
            magic_link: false,
            phone_code: false,
            passkey: true,
            anonymous: false,
        }
    }
}

impl SignInMethods {
    /// Merges the members that are there; faults are noted in `input`.
    pub(super) fn patch(self, input: &mut Input) -> Self {
        let mut flag = |name: &str, now: bool| input.optional_bool(name).unwrap_or(now);
        Self {
            password: flag("password", self.password),
            email_code: flag("email_code", self.email_code),
            magic_link: flag("magic_link", self.magic_link),
            phone_code: flag("phone_code", self.phone_code),
            passkey: flag("passkey", self.passkey),
            anonymous: flag("anonymous", self.anonymous),
        }
    }
}
