//! The section `[accounts]` of the configuration: how long tokens live and how many verified ones are kept.

use std::time::Duration;

/// Settings of accounts, the same for every project.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsConfig {
    /// How long an access token lives, in seconds: 60 to 3600.
    pub access_token_seconds: u32,
    /// After how many days without a refresh a session expires: 1 to 365.
    pub session_idle_days: u32,
    /// How many verified access tokens are kept in memory, about 1 KiB each: 256 to 10000000.
    pub verified_tokens_max: u32,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            access_token_seconds: 600,
            session_idle_days: 30,
            verified_tokens_max: 20_000,
        }
    }
}

impl AccountsConfig {
    /// Every setting that is out of range, as a sentence.
    pub fn validate(&self) -> Result<(), Vec<String>> {
        let ranges = [
            ("access_token_seconds", self.access_token_seconds, 60, 3_600),
            ("session_idle_days", self.session_idle_days, 1, 365),
            (
                "verified_tokens_max",
                self.verified_tokens_max,
                256,
                10_000_000,
            ),
        ];
        let fault = |(name, value, min, max): (&str, u32, u32, u32)| {
            let ok = (min..=max).contains(&value);
            (!ok).then(|| format!("accounts.{name} is {value}; it must be from {min} to {max}"))
        };
        let faults: Vec<String> = ranges.into_iter().filter_map(fault).collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    pub(crate) fn session_idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.session_idle_days) * 86_400)
    }

    pub(crate) fn access_token(&self) -> Duration {
        Duration::from_secs(u64::from(self.access_token_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::AccountsConfig;

    #[test]
    fn every_setting_out_of_range_is_named() {
        assert_eq!(AccountsConfig::default().validate(), Ok(()));
        let bad = AccountsConfig {
            access_token_seconds: 0,
            session_idle_days: 366,
            verified_tokens_max: 1,
        };
        assert_eq!(bad.validate().map_err(|faults| faults.len()), Err(3));
    }
}
