//! How browsers hold sessions, and what becomes of users without an identity.

use crate::Input;
use serde::{Deserialize, Serialize};

/// How pages of the project's own origin hold sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectSessions)]
pub struct SessionSettings {
    /// Whether a sign-in that does not say otherwise sets cookies and answers no tokens.
    pub cookie: bool,
    /// From where browsers send the cookies along.
    pub same_site: SameSite,
}

/// From where browsers send a cookie along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SameSite {
    /// From pages of the same site, and when a link of another site is followed.
    #[default]
    Lax,
    /// From pages of the same site alone.
    Strict,
}

/// Users without an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectAnonymous)]
pub struct AnonymousSettings {
    /// How many of them one network makes in an hour at most.
    pub per_network_hour: u32,
    /// After how many days without a request for tokens they are erased; 0: never.
    pub erased_after_days: u32,
}

impl Default for AnonymousSettings {
    fn default() -> Self {
        Self {
            per_network_hour: 20,
            erased_after_days: 0,
        }
    }
}

impl SessionSettings {
    /// Merges the members that are there; faults are noted in `input`.
    pub(super) fn patch(self, input: &mut Input) -> Self {
        let cookie = input.optional_bool("cookie").unwrap_or(self.cookie);
        let same_site = match input.optional_text("same_site", 0, 10).as_deref() {
            None => self.same_site,
            Some("lax") => SameSite::Lax,
            Some("strict") => SameSite::Strict,
            Some(_) => {
                let message = "This must be \"lax\" or \"strict\".";
                input.fault("same_site", "not_a_choice", message);
                self.same_site
            }
        };
        Self { cookie, same_site }
    }
}

impl AnonymousSettings {
    /// Merges the members that are there; faults are noted in `input`.
    pub(super) fn patch(mut self, input: &mut Input) -> Self {
        let (rate, days) = (self.per_network_hour, self.erased_after_days);
        self.per_network_hour = super::number(input, "per_network_hour", (1, 10_000), rate);
        self.erased_after_days = super::number(input, "erased_after_days", (0, 3_650), days);
        self
    }
}
