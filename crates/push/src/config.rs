//! The section `[push]` of the configuration: whom push services can reach, and how long things are kept.

use std::time::Duration;

/// The contact of an instance that has none: an address that belongs to nobody (RFC 2606).
const NOBODY: &str = "https://galley.invalid/";

/// Settings of push, the same for every project.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PushConfig {
    /// Whom a push service can reach when messages of this instance trouble it: `mailto:somebody@example.com` or an
    /// https address. Empty: `server.public_url` if that is https. Some services refuse messages without a real one.
    pub contact: String,
    /// After how many days without a sign of life a device is removed: 1 to 3650.
    pub device_unseen_days: u32,
    /// How many days messages and their counts are kept once they are done: 1 to 3650.
    pub message_kept_days: u32,
}

impl Default for PushConfig {
    fn default() -> Self {
        Self {
            contact: String::new(),
            device_unseen_days: 90,
            message_kept_days: 30,
        }
    }
}

impl PushConfig {
    /// Every setting that cannot work, as a sentence.
    pub fn validate(&self) -> Result<(), Vec<String>> {
        let mut faults = Vec::new();
        for (name, value) in [
            ("device_unseen_days", self.device_unseen_days),
            ("message_kept_days", self.message_kept_days),
        ] {
            if !(1..=3_650).contains(&value) {
                faults.push(format!("push.{name} is {value}; it must be from 1 to 3650"));
            }
        }
        if !self.contact.is_empty() && !is_contact(&self.contact) {
            faults.push(format!(
                "push.contact is {:?}; it must be mailto:somebody@example.com or an https address of the public",
                self.contact
            ));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    /// The `sub` of the tokens by which push services know us (RFC 8292, section 2.1).
    ///
    /// It may be left out by the standard, but some services refuse a token without one, or with the name of a local
    /// machine; so an instance without a public address names one that is well-formed and nobody's.
    pub(crate) fn subject(&self, public_url: &str) -> String {
        if !self.contact.is_empty() {
            self.contact.clone()
        } else if is_contact(public_url) {
            public_url.to_owned()
        } else {
            NOBODY.to_owned()
        }
    }

    pub(crate) fn unseen(&self) -> Duration {
        Duration::from_secs(u64::from(self.device_unseen_days) * 86_400)
    }

    pub(crate) fn kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.message_kept_days) * 86_400)
    }
}

/// Whether push services take this for a contact: no spaces, no brackets, no name of a local machine.
fn is_contact(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"');
    let host = match text.strip_prefix("mailto:") {
        Some(mail) => mail
            .split_once('@')
            .filter(|(name, _)| !name.is_empty())
            .map(|(_, host)| host.to_owned()),
        None => url::Url::parse(text)
            .ok()
            .filter(|url| url.scheme() == "https")
            .and_then(|url| url.domain().map(str::to_owned)),
    };
    let is_public = |host: &str| host.contains('.') && !host.ends_with(".localhost");
    text.chars().all(plain) && host.is_some_and(|host| is_public(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_cannot_work_is_named() {
        assert_eq!(PushConfig::default().validate(), Ok(()));
        let bad = PushConfig {
            contact: "mailto:<a@b.c>".to_owned(),
            device_unseen_days: 0,
            message_kept_days: 3_651,
        };
        assert_eq!(bad.validate().map_err(|faults| faults.len()), Err(3));
    }

    #[test]
    fn contacts_are_such_as_push_services_take() {
        for good in ["mailto:ops@example.com", "https://example.com/contact"] {
            assert!(is_contact(good), "{good}");
        }
        for bad in [
            "ops@example.com",
            "mailto:ops",
            "mailto:@example.com",
            "mailto:ops@localhost",
            "mailto: ops@example.com",
            "http://example.com",
            "https://localhost:8090",
            "https://shop.localhost",
            "https://127.0.0.1",
            "",
        ] {
            assert!(!is_contact(bad), "{bad}");
        }
    }

    #[test]
    fn a_contact_is_always_named() {
        let config = PushConfig::default();
        assert_eq!(
            config.subject("https://api.example.com"),
            "https://api.example.com"
        );
        assert_eq!(config.subject("http://127.0.0.1:8090"), NOBODY);
        let named = PushConfig {
            contact: "mailto:a@b.c".to_owned(),
            ..config
        };
        assert_eq!(named.subject("https://api.example.com"), "mailto:a@b.c");
    }
}
