//! The one client for requests that leave the server: to public https addresses only, judged where the connection is
//! made, bounded in time and in bytes.
//!
//! Addresses come from users (push endpoints, webhooks, issuers), so each could point into our own network. A
//! [`Target`] is an address whose text was judged; what its name resolves to is judged by the client's own resolver,
//! and the very addresses that passed are connected to, so that a second answer of the name server changes nothing.

mod mail;
mod public;

pub use mail::MailHost;
pub use public::is_public;
pub use reqwest::Method;
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::StartError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};
use utoipa::ToSchema;

/// How long a request may take in all: to resolve, to connect, to be sent and to be answered to the last byte.
pub const EGRESS_TIME_MAX: Duration = Duration::from_secs(10);
/// Bytes of an answer's body that are read at most.
pub const EGRESS_BODY_MAX: usize = 65_536;
/// Bytes of an address at most.
pub const EGRESS_URL_MAX: usize = 2_048;
/// Idle connections kept per host, and how long.
const IDLE: (usize, Duration) = (8, Duration::from_secs(30));
/// Names that mean this machine or this network, whatever they resolve to (RFC 6761, 6762, 8375, 9476 and ICANN's
/// reservation of `internal`).
const LOCAL_NAMES: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];

/// Requests that leave the server: to webhooks, push services and issuers. They go to public https addresses only.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EgressConfig {
    /// Origins that requests may go to although they are private, plain http or at another port, each exactly as
    /// `http://10.0.0.5:9000`; a mail server of a project as `smtp://10.0.0.5:25`.
    pub allow_origins: Vec<String>,
}

impl EgressConfig {
    /// Refuses what is no origin.
    pub(crate) fn validate(&self) -> Result<(), StartError> {
        match self
            .allow_origins
            .iter()
            .find(|text| origin(text).is_none())
        {
            None => Ok(()),
            Some(text) => Err(StartError::Config(format!(
                "gate.egress.allow_origins holds {text:?}; it must be an origin such as http://10.0.0.5:9000, without a path"
            ))),
        }
    }
}

/// The normal form of an origin, `None` when the text is none.
fn origin(text: &str) -> Option<String> {
    if text.starts_with("smtp://") {
        return mail::mail_origin(text);
    }
    let url = Url::parse(text).ok()?;
    let bare = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && !text.ends_with('/')
        && url.query().is_none()
        && url.fragment().is_none()
        && has_no_user(&url);
    bare.then(|| url.origin().ascii_serialization())
}

fn has_no_user(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

/// Why an address is not sent to. The text is a sentence for whoever gave the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No URL, or one that is too long.
    #[error("This must be an absolute https address of at most {EGRESS_URL_MAX} bytes.")]
    NotAUrl,
    /// Another scheme.
    #[error("This must be an https address.")]
    NotHttps,
    /// A name or a password stands in it.
    #[error("An address must not hold a user name or a password.")]
    UserInfo,
    /// Another port than 443.
    #[error("Only port 443 is allowed.")]
    Port,
    /// An address or a name of this machine or of a private network.
    #[error("This address is not public.")]
    NotPublic,
}

impl Refused {
    /// A stable word for the code of a field's fault.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAUrl => "not_a_url",
            Self::NotHttps => "not_https",
            Self::UserInfo => "user_info",
            Self::Port => "bad_port",
            Self::NotPublic => "not_public",
        }
    }
}

/// An address that requests may be sent to. Only [`Egress::check`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    exempt: bool,
}

impl Target {
    /// The address in normal form, without a fragment.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Its host.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Its origin (RFC 6454): scheme, host, and the port if it is not the scheme's own.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Where to.
    pub target: Target,
    /// The method.
    pub method: Method,
    /// Headers beside those that HTTP itself needs.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// What was answered, redirects included: they are never followed.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or why it could not be read whole; the status holds all the same.
    pub body: Result<Vec<u8>, EgressError>,
}

/// Why there is no answer, or no whole one. Nothing of it is for callers: it could tell what is in our network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The name resolves to no public address.
    #[error("the name resolves to no public address")]
    NotPublic,
    /// The name does not resolve.
    #[error("the name does not resolve")]
    Resolve,
    /// Nobody took the connection, or TLS failed.
    #[error("no connection: {0}")]
    Connect(String),
    /// It took longer than [`EGRESS_TIME_MAX`].
    #[error("no answer in time")]
    Timeout,
    /// The body is larger than [`EGRESS_BODY_MAX`].
    #[error("the answer is too large")]
    TooLarge,
    /// The connection ended early, or what came is not HTTP.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The client could not be made, for want of root certificates for example.
    #[error("no client: {0}")]
    Unavailable(String),
}

/// Finds the addresses of a name. Stands for the system's resolver, so that tests can be one.
#[async_trait::async_trait]
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of `host`, public or not.
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
struct System;

#[async_trait::async_trait]
impl Lookup for System {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// The client. Cheap to clone; made once per process, because it pools connections. What it needs of memory it takes
/// at its first request.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    exempt: Vec<String>,
    lookup: Arc<dyn Lookup>,
    /// Connects to public addresses only.
    public: OnceLock<reqwest::Client>,
    /// Connects to exempt origins. A client of its own, because the resolver sees a name without its port.
    private: OnceLock<reqwest::Client>,
}

impl Egress {
    /// With the system's resolver. The section was validated with the rest of the gate's.
    #[must_use]
    pub fn new(config: &EgressConfig) -> Self {
        Self::with_lookup(config, Arc::new(System))
    }

    /// With another resolver. What it finds is judged all the same.
    #[must_use]
    pub fn with_lookup(config: &EgressConfig, lookup: Arc<dyn Lookup>) -> Self {
        let exempt = config.allow_origins.iter();
        Self(Arc::new(Inner {
            exempt: exempt.filter_map(|text| origin(text)).collect(),
            lookup,
            public: OnceLock::new(),
            private: OnceLock::new(),
        }))
    }

    /// Judges the text of an address: to be asked when it is saved, and again before it is used, because the setting
    /// may have changed. Names are not resolved here; that is judged at each connection.
    pub fn check(&self, text: &str) -> Result<Target, Refused> {
        if text.len() > EGRESS_URL_MAX {
            return Err(Refused::NotAUrl);
        }
        let mut url = Url::parse(text).map_err(|_| Refused::NotAUrl)?;
        url.set_fragment(None);
        if !has_no_user(&url) {
            return Err(Refused::UserInfo);
        }
        let exempt = self.0.exempt.contains(&url.origin().ascii_serialization());
        if !exempt {
            judge(&url)?;
        }
        Ok(Target { url, exempt })
    }

    /// Sends a request once: nothing is followed and nothing is repeated.
    pub async fn send(&self, request: Outgoing) -> Result<Answered, EgressError> {
        let until = Instant::now() + EGRESS_TIME_MAX;
        let client = self.client(request.target.exempt)?;
        let sending = client
            .request(request.method, request.target.url)
            .headers(request.headers)
            .body(request.body)
            .send();
        let answer = timeout_at(until, sending)
            .await
            .map_err(|_| EgressError::Timeout)?;
        let mut answer = answer.map_err(|e| failure(&e))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = timeout_at(until, read(&mut answer)).await;
        Ok(Answered {
            status,
            headers,
            body: body.unwrap_or(Err(EgressError::Timeout)),
        })
    }

    fn client(&self, exempt: bool) -> Result<reqwest::Client, EgressError> {
        let cell = if exempt {
            &self.0.private
        } else {
            &self.0.public
        };
        if let Some(client) = cell.get() {
            return Ok(client.clone());
        }
        let resolver = Resolver {
            lookup: self.0.lookup.clone(),
            exempt,
        };
        let client = build(resolver).map_err(|e| {
            tracing::error!(error = %chain(&e), "the client for outgoing requests cannot be made");
            EgressError::Unavailable(e.to_string())
        })?;
        Ok(cell.get_or_init(|| client).clone())
    }
}

/// What the text of a URL alone says against it.
fn judge(url: &Url) -> Result<(), Refused> {
    let host = url.host().ok_or(match url.scheme() {
        "https" => Refused::NotAUrl,
        _ => Refused::NotHttps,
    })?;
    if url.scheme() != "https" {
        return Err(Refused::NotHttps);
    }
    if url.port_or_known_default() != Some(443) {
        return Err(Refused::Port);
    }
    let public = match host {
        Host::Ipv4(ip) => is_public(ip.into()),
        Host::Ipv6(ip) => is_public(ip.into()),
        Host::Domain(name) => is_public_name(name),
    };
    if public {
        Ok(())
    } else {
        Err(Refused::NotPublic)
    }
}

/// Whether a name may belong to the public: it has a dot, and is not of the machine or of a local network.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_below = |zone: &&str| {
        name.strip_suffix(*zone)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    name.contains('.') && !LOCAL_NAMES.iter().any(is_below)
}

fn build(resolver: Resolver) -> reqwest::Result<reqwest::Client> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one client that refuses private addresses"
    )]
    let builder = reqwest::Client::builder();
    builder
        .dns_resolver(resolver)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .http1_only()
        .pool_max_idle_per_host(IDLE.0)
        .pool_idle_timeout(IDLE.1)
        .user_agent(concat!("galley/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Reads the body, and no more of it than is allowed, whatever the answer says about its length.
async fn read(answer: &mut reqwest::Response) -> Result<Vec<u8>, EgressError> {
    let limit = u64::try_from(EGRESS_BODY_MAX).unwrap_or(u64::MAX);
    if answer.content_length().is_some_and(|length| length > limit) {
        return Err(EgressError::TooLarge);
    }
    let mut all = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| failure(&e))? {
        if all.len() + chunk.len() > EGRESS_BODY_MAX {
            return Err(EgressError::TooLarge);
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

/// Resolves names, and gives the public addresses only unless the origin is exempt.
struct Resolver {
    lookup: Arc<dyn Lookup>,
    exempt: bool,
}

/// What the resolver says of a name that has addresses, but no public one.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to no public address")]
struct NotPublic;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, exempt) = (self.lookup.clone(), self.exempt);
        Box::pin(async move {
            let found = lookup.lookup(name.as_str()).await?;
            let any = !found.is_empty();
            let good: Vec<SocketAddr> = found
                .into_iter()
                .filter(|ip| exempt || is_public(*ip))
                .map(|ip| SocketAddr::new(ip, 0))
                .collect();
            if any && good.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(good.into_iter()) as Addrs)
        })
    }
}

fn failure(error: &reqwest::Error) -> EgressError {
    if causes(error).any(|cause| cause.is::<NotPublic>()) {
        EgressError::NotPublic
    } else if error.is_dns() {
        EgressError::Resolve
    } else if error.is_timeout() {
        EgressError::Timeout
    } else if error.is_connect() {
        EgressError::Connect(chain(error))
    } else {
        EgressError::Broken(chain(error))
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

/// An error with its causes. The address is left out: its path may be a secret.
fn chain(error: &reqwest::Error) -> String {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    if texts.is_empty() {
        "no cause is known".to_owned()
    } else {
        texts.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(Vec<IpAddr>);

    #[async_trait::async_trait]
    impl Lookup for Fixed {
        async fn lookup(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
            Ok(self.0.clone())
        }
    }

    async fn resolved(addresses: &[&str], exempt: bool) -> Result<Vec<String>, bool> {
        let lookup = Fixed(addresses.iter().map(|a| a.parse().unwrap()).collect());
        let resolver = Resolver {
            lookup: Arc::new(lookup),
            exempt,
        };
        match resolver.resolve("push.example.com".parse().unwrap()).await {
            Ok(found) => Ok(found.map(|a| a.ip().to_string()).collect()),
            Err(e) => Err(e.is::<NotPublic>()),
        }
    }

    #[tokio::test]
    async fn what_is_connected_to_is_what_was_judged() {
        let mixed = ["127.0.0.1", "9.9.9.9", "10.0.0.1", "2620:fe::fe", "fd00::1"];
        assert_eq!(
            resolved(&mixed, false).await.unwrap(),
            ["9.9.9.9", "2620:fe::fe"]
        );
        assert_eq!(resolved(&mixed, true).await.unwrap().len(), 5);
        assert_eq!(resolved(&["169.254.169.254"], false).await, Err(true));
        assert_eq!(resolved(&[], false).await.unwrap(), [""; 0]);
    }

    #[test]
    fn exempt_origins_are_exact() {
        for bad in [
            "",
            "http://a/",
            "http://a/b",
            "http://u@a",
            "ftp://a",
            "a:1",
        ] {
            let config = EgressConfig {
                allow_origins: vec![bad.to_owned()],
            };
            assert!(config.validate().is_err(), "{bad}");
        }
        let egress = Egress::new(&EgressConfig {
            allow_origins: vec!["http://127.0.0.1:9999".to_owned()],
        });
        assert!(egress.check("http://127.0.0.1:9999/a").is_ok());
        for bad in [
            "http://127.0.0.1:9998/a",
            "https://127.0.0.1:9999/a",
            "http://127.0.0.1/a",
            "http://localhost:9999/a",
            "http://u:p@127.0.0.1:9999/a",
        ] {
            assert!(egress.check(bad).is_err(), "{bad}");
        }
    }
}
