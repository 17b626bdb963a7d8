//! The gate's section of the configuration, with its defaults and their meaning.

use crate::StartError;
use crate::egress::EgressConfig;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who is let in, from where, and how often.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GateConfig {
    /// The domain below which each project has a host of its own, `{project}.{base_domain}`. Empty: projects are
    /// reached below `/p/{project}` only.
    pub base_domain: String,
    /// Further host names of the instance itself, beside the one of `public_url`.
    pub hosts: Vec<String>,
    /// Proxies in front of the server, as addresses or CIDR ranges. Only their `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<String>,
    /// Minutes without a request after which a project's connections are closed, to be opened again at its next use.
    /// 0: never.
    pub project_idle_minutes: u64,
    /// Limits on requests.
    pub limits: LimitsConfig,
    /// How passwords are hashed.
    pub passwords: PasswordsConfig,
    /// Sessions of operators.
    pub sessions: SessionsConfig,
    /// The request log.
    pub request_log: RequestLogConfig,
    /// Requests that leave the server: to webhooks, push services and issuers. They go to public https addresses only.
    pub egress: EgressConfig,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            base_domain: String::new(),
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            project_idle_minutes: 15,
            limits: LimitsConfig::default(),
            passwords: PasswordsConfig::default(),
            sessions: SessionsConfig::default(),
            request_log: RequestLogConfig::default(),
            egress: EgressConfig::default(),
        }
    }
}

/// Limits on requests, per user, key or operator, else per network (an IPv4 address or an IPv6 /64). Each of several
/// nodes grants its part of them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Requests per second of one caller in the long run. 0 turns the limit off.
    pub requests_per_second: u32,
    /// Requests that one caller may send at once.
    pub burst: u32,
    /// Requests per second of one network to sign-in, sign-up and set-up in the long run. 0 turns the limit off.
    pub credential_requests_per_second: u32,
    /// Requests to sign-in, sign-up and set-up that one network may send at once.
    pub credential_burst: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            requests_per_second: 50,
            burst: 200,
            credential_requests_per_second: 10,
            credential_burst: 20,
        }
    }
}

/// How passwords are hashed: Argon2id takes about 19 MiB and 30 ms of a core each time.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordsConfig {
    /// Passwords that are hashed at the same time, each by a thread of the lowest priority. 0: half of the cores. More of
    /// them judge more sign-ins a second, and leave all other requests less of the caches and of the memory's bandwidth.
    pub concurrent_max: usize,
    /// Requests that may wait for that; more are answered 429.
    pub queue_max: usize,
    /// A file of breached passwords beside the list that is built in: the SHA-1 hashes of Have I Been Pwned, ordered by
    /// hash. It is searched where it lies, never loaded. Empty: none.
    pub breached_file: String,
}

impl Default for PasswordsConfig {
    fn default() -> Self {
        Self {
            concurrent_max: 0,
            queue_max: 32,
            breached_file: String::new(),
        }
    }
}

/// Sessions of operators.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionsConfig {
    /// Hours without a request after which a session ends.
    pub idle_hours: u64,
    /// Days after which a session ends in any case.
    pub lifetime_days: u64,
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Self {
            idle_hours: 12,
            lifetime_days: 7,
        }
    }
}

/// The request log. It never holds bodies, tokens or query values.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequestLogConfig {
    /// Requests kept per second; errors and slow ones first. 0 turns the log off.
    pub requests_per_second_max: u32,
    /// Days after which entries are removed.
    pub kept_days: u64,
    /// Size of the log in megabytes, about, above which the oldest entries are removed.
    pub size_megabytes_max: u64,
}

impl Default for RequestLogConfig {
    fn default() -> Self {
        Self {
            requests_per_second_max: 200,
            kept_days: 7,
            size_megabytes_max: 200,
        }
    }
}

impl GateConfig {
    /// Refuses what cannot work, with a sentence that names the setting.
    pub fn validate(&self) -> Result<(), StartError> {
        self.egress.validate()?;
        let bad = |text: String| Err(StartError::Config(text));
        for proxy in &self.trusted_proxies {
            if crate::front::Cidr::parse(proxy).is_none() {
                return bad(format!(
                    "gate.trusted_proxies holds {proxy:?}, which is neither an address nor a CIDR range"
                ));
            }
        }
        for host in self
            .hosts
            .iter()
            .chain((!self.base_domain.is_empty()).then_some(&self.base_domain))
        {
            if host.is_empty()
                || host.contains([':', '/', ' '])
                || host.starts_with('.')
                || *host != host.to_ascii_lowercase()
            {
                return bad(format!(
                    "gate.hosts or gate.base_domain holds {host:?}, which must be a host name in lower case without a port"
                ));
            }
        }
        if self.passwords.concurrent_max > 256 {
            return bad("gate.passwords.concurrent_max must be at most 256".to_owned());
        }
        let limits = &self.limits;
        if (limits.requests_per_second > 0 && limits.burst == 0)
            || (limits.credential_requests_per_second > 0 && limits.credential_burst == 0)
        {
            return bad("gate.limits.burst and gate.limits.credential_burst must be at least 1 where the limit is on".to_owned());
        }
        if !(1..=8_760).contains(&self.sessions.idle_hours)
            || !(1..=365).contains(&self.sessions.lifetime_days)
        {
            return bad("gate.sessions.idle_hours must be 1 to 8760 and gate.sessions.lifetime_days 1 to 365".to_owned());
        }
        if !(1..=3_650).contains(&self.request_log.kept_days)
            || !(1..=1_000_000).contains(&self.request_log.size_megabytes_max)
        {
            return bad("gate.request_log.kept_days must be 1 to 3650 and gate.request_log.size_megabytes_max 1 to 1000000".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_and_bad_values_are_refused() {
        assert!(serde_json::from_str::<GateConfig>(r#"{"limits": {"bursts": 1}}"#).is_err());
        assert!(GateConfig::default().validate().is_ok());
        let cases = [
            r#"{"trusted_proxies": ["10.0.0.0/33"]}"#,
            r#"{"base_domain": "Example.com"}"#,
            r#"{"hosts": ["a:1"]}"#,
            r#"{"limits": {"burst": 0}}"#,
            r#"{"passwords": {"concurrent_max": 257}}"#,
            r#"{"sessions": {"idle_hours": 0}}"#,
            r#"{"egress": {"allow_origins": ["http://10.0.0.5:9000/"]}}"#,
        ];
        for case in cases {
            let config: GateConfig = serde_json::from_str(case).unwrap();
            assert!(
                config
                    .validate()
                    .unwrap_err()
                    .to_string()
                    .starts_with("the setting gate."),
                "{case}"
            );
        }
    }
}
