//! The section `[accounts]` of the configuration: how long tokens live, how many verified ones are kept, and how mails
//! leave the instance.

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
    /// The mail server of the instance, for projects that have none of their own. Without one, mails are caught in each
    /// project's development inbox.
    pub mail: MailConfig,
}

/// The mail server of the instance.
#[derive(Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// Its name or address, which may be private. Empty: there is none.
    pub smtp_host: String,
    /// Its port.
    pub smtp_port: u16,
    /// How the connection is protected: starttls, implicit, or none where the network is trusted.
    pub smtp_tls: SmtpTls,
    /// Whom to sign in as. Empty: nobody.
    pub smtp_username: String,
    /// The password.
    pub smtp_password: String,
    /// A file that holds `smtp_password`.
    pub smtp_password_file: String,
    /// A file with the certificates of an authority of one's own, as PEM. Empty: those of the machine alone.
    pub smtp_ca_file: String,
    /// The sender's address, such as no-reply@example.com.
    pub from: String,
    /// Mails to one address in an hour, for each project: 1 to 1000.
    pub mails_per_recipient_hour: u32,
}

/// How the connection to a mail server is protected.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Deserialize,
    serde::Serialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// Plain at first and then encrypted, or not at all (RFC 3207).
    #[default]
    Starttls,
    /// Encrypted from the first byte (RFC 8314).
    Implicit,
    /// Not.
    None,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            smtp_host: String::new(),
            smtp_port: 587,
            smtp_tls: SmtpTls::Starttls,
            smtp_username: String::new(),
            smtp_password: String::new(),
            smtp_password_file: String::new(),
            smtp_ca_file: String::new(),
            from: String::new(),
            mails_per_recipient_hour: 10,
        }
    }
}

// The password is in no log.
impl std::fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailConfig")
            .field("smtp_host", &self.smtp_host)
            .field("smtp_port", &self.smtp_port)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            access_token_seconds: 600,
            session_idle_days: 30,
            verified_tokens_max: 20_000,
            mail: MailConfig::default(),
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
            (
                "mail.mails_per_recipient_hour",
                self.mail.mails_per_recipient_hour,
                1,
                1_000,
            ),
        ];
        let fault = |(name, value, min, max): (&str, u32, u32, u32)| {
            let ok = (min..=max).contains(&value);
            (!ok).then(|| format!("accounts.{name} is {value}; it must be from {min} to {max}"))
        };
        let mut faults: Vec<String> = ranges.into_iter().filter_map(fault).collect();
        let mail = &self.mail;
        if !mail.smtp_host.is_empty() && !mail.from.contains('@') {
            faults.push(format!(
                "accounts.mail.from is {:?}; it must be an address where accounts.mail.smtp_host is set",
                mail.from
            ));
        }
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
            mail: super::MailConfig {
                smtp_host: "relay".to_owned(),
                mails_per_recipient_hour: 0,
                ..super::MailConfig::default()
            },
        };
        assert_eq!(bad.validate().map_err(|faults| faults.len()), Err(5));
    }
}
