//! How many wrong guesses at passwords a project bears.

use super::number;
use crate::Input;
use serde::{Deserialize, Serialize};

/// How many wrong guesses are borne, before further ones must wait: a minute, and twice as long after each further one,
/// up to 15 minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectLockout)]
pub struct Lockout {
    /// Wrong guesses at one account in 15 minutes: 3 to 100.
    pub account_guesses_max: u32,
    /// Wrong guesses from one network, an IPv4 address or an IPv6 /64, in 15 minutes: 10 to 100000.
    pub network_guesses_max: u32,
}

impl Default for Lockout {
    fn default() -> Self {
        Self {
            account_guesses_max: 10,
            network_guesses_max: 100,
        }
    }
}

impl Lockout {
    /// Merges the members that are there; faults are noted in `input`.
    pub(super) fn patch(mut self, input: &mut Input) -> Self {
        let (account, network) = (self.account_guesses_max, self.network_guesses_max);
        self.account_guesses_max = number(input, "account_guesses_max", (3, 100), account);
        self.network_guesses_max = number(input, "network_guesses_max", (10, 100_000), network);
        self
    }
}
