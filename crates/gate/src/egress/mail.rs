//! Mail servers that a project's owner names: judged as any other address is, where the text is saved and where the
//! connection is made.

use super::{Egress, EgressError, Refused, is_public, is_public_name};
use std::net::IpAddr;
use url::Host;

/// The ports of mail submission and relay (RFC 8314, RFC 5321, and the one that many providers add).
const MAIL_PORTS: [u16; 4] = [25, 465, 587, 2_525];
/// Bytes of a host's name at most (RFC 1035).
const HOST_BYTES_MAX: usize = 253;

/// A mail server that may be connected to. Only [`Egress`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailHost {
    host: String,
    port: u16,
    is_exempt: bool,
}

impl MailHost {
    /// A server that the machine's own administrator chose, public or not.
    #[must_use]
    pub fn trusted(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            is_exempt: true,
        }
    }

    /// Its name, which its certificate must bear.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The normal form of an exempt mail server, `smtp://host:port`.
pub(super) fn mail_origin(text: &str) -> Option<String> {
    let (host, port) = text.strip_prefix("smtp://")?.rsplit_once(':')?;
    let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
    let host = Host::parse(host).ok()?;
    Some(format!("smtp://{host}:{port}"))
}

impl Egress {
    /// Judges the text of a mail server: to be asked when it is saved, and again before it is used. Its name is not
    /// resolved here; that is judged by [`Egress::mail_addresses`].
    pub fn check_mail_host(&self, host: &str, port: u16) -> Result<MailHost, Refused> {
        let parsed = Host::parse(host)
            .ok()
            .filter(|_| host.len() <= HOST_BYTES_MAX);
        let parsed = parsed.ok_or(Refused::NotPublic)?;
        let is_exempt = self.0.exempt.contains(&format!("smtp://{parsed}:{port}"));
        let found = MailHost {
            host: match &parsed {
                Host::Ipv6(ip) => ip.to_string(),
                other => other.to_string(),
            },
            port,
            is_exempt,
        };
        if is_exempt {
            return Ok(found);
        }
        let is_good = match parsed {
            Host::Ipv4(ip) => is_public(ip.into()),
            Host::Ipv6(ip) => is_public(ip.into()),
            Host::Domain(name) => is_public_name(&name),
        };
        match (is_good, MAIL_PORTS.contains(&port)) {
            (false, _) => Err(Refused::NotPublic),
            (true, false) => Err(Refused::Port),
            (true, true) => Ok(found),
        }
    }

    /// The addresses of a mail server that may be connected to. Connect to these very ones: a second answer of the
    /// name server was not judged.
    pub async fn mail_addresses(&self, of: &MailHost) -> Result<Vec<IpAddr>, EgressError> {
        let found = match of.host.parse::<IpAddr>() {
            Ok(ip) => vec![ip],
            Err(_) => {
                let looked = self.0.lookup.lookup(&of.host).await;
                looked.map_err(|_| EgressError::Resolve)?
            }
        };
        if found.is_empty() {
            return Err(EgressError::Resolve);
        }
        let may = |ip: &IpAddr| of.is_exempt || is_public(*ip);
        let good: Vec<IpAddr> = found.into_iter().filter(may).collect();
        if good.is_empty() {
            return Err(EgressError::NotPublic);
        }
        Ok(good)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EgressConfig, Lookup};
    use super::*;
    use std::sync::Arc;

    struct Fixed(&'static [&'static str]);

    #[async_trait::async_trait]
    impl Lookup for Fixed {
        async fn lookup(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
            Ok(self.0.iter().map(|ip| ip.parse().unwrap()).collect())
        }
    }

    fn egress(allow: &[&str], addresses: &'static [&'static str]) -> Egress {
        let config = EgressConfig {
            allow_origins: allow.iter().map(|text| (*text).to_owned()).collect(),
        };
        config.validate().unwrap();
        Egress::with_lookup(&config, Arc::new(Fixed(addresses)))
    }

    #[test]
    fn only_public_hosts_and_ports_of_mail_pass() {
        let egress = egress(&["smtp://127.0.0.1:1025", "smtp://relay.internal:25"], &[]);
        for (host, port) in [
            ("smtp.example.com", 587),
            ("smtp.example.com", 465),
            ("93.184.216.34", 25),
            ("127.0.0.1", 1025),
            ("relay.internal", 25),
        ] {
            assert!(egress.check_mail_host(host, port).is_ok(), "{host}:{port}");
        }
        for (host, port) in [
            ("127.0.0.1", 25),
            ("127.0.0.1", 1026),
            ("[::1]", 25),
            ("[::ffff:127.0.0.1]", 25),
            ("0", 25),
            ("2130706433", 25),
            ("0x7f.1", 25),
            ("169.254.169.254", 25),
            ("100.64.0.1", 25),
            ("[fd00::1]", 25),
            ("localhost", 25),
            ("mail.localhost", 25),
            ("relay.internal", 587),
            ("mailhost", 25),
            ("smtp.example.com", 22),
            ("smtp.example.com", 443),
            ("", 25),
            ("a b", 25),
            ("user@smtp.example.com", 25),
            ("smtp.example.com/x", 25),
            ("smtp.example.com\r\nx", 25),
        ] {
            assert!(egress.check_mail_host(host, port).is_err(), "{host}:{port}");
        }
    }

    #[tokio::test]
    async fn what_a_name_resolves_to_is_judged() {
        let mixed = egress(
            &["smtp://relay.example.com:25"],
            &["10.0.0.1", "93.184.216.34"],
        );
        let host = mixed.check_mail_host("smtp.example.com", 25).unwrap();
        let want: Vec<IpAddr> = vec!["93.184.216.34".parse().unwrap()];
        assert_eq!(mixed.mail_addresses(&host).await, Ok(want));
        let exempt = mixed.check_mail_host("relay.example.com", 25).unwrap();
        assert_eq!(mixed.mail_addresses(&exempt).await.unwrap().len(), 2);
        let private = egress(&[], &["127.0.0.1"]);
        let host = private.check_mail_host("smtp.example.com", 25).unwrap();
        assert_eq!(
            private.mail_addresses(&host).await,
            Err(EgressError::NotPublic)
        );
    }
}
