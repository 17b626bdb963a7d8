//! What the tests of social sign-in stand on: a real OpenID provider, and a browser that goes there and comes back.

use crate::kit::{Kit, Reply, accounts_reaching};
use actix_web::http::Method;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::egress::{Egress, EgressConfig, HeaderMap, HeaderName, HeaderValue, Outgoing};
use gate::{Who, egress};
use kernel::Clock;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub const APP: &str = "https://app.example/in";
pub const NATIVE: &str = "com.example.shop:/in";
const CALLBACK: &str = "http://127.0.0.1:8090/p/shop/v1/auth/social/own/callback";

/// The provider, which ends when this is dropped.
pub struct Provider {
    pub issuer: String,
    process: Child,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Provider {
    pub fn start() -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc");
        let mut process = Command::new("node")
            .args(["provider.mjs", CALLBACK])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is missing: run the tests with `cargo xtask test`, which installs what they need");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = lines
            .next()
            .expect("the provider did not start: run the tests with `cargo xtask test`, which installs its packages")
            .unwrap();
        Self { issuer, process }
    }

    /// Says who signs in next.
    pub async fn is(&self, account: Value) {
        let mut url = url::Url::parse(&format!("{}/_as", self.issuer)).unwrap();
        url.query_pairs_mut()
            .append_pair("account", &account.to_string());
        Browser::new(&self.issuer).get(url.as_str()).await;
    }

    pub async fn count(&self, what: &str) -> u64 {
        let address = format!("{}/_count", self.issuer);
        let answer = Browser::new(&self.issuer).get(&address).await;
        let counts: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
        counts[what].as_u64().unwrap()
    }

    /// The provider as a project's settings have it.
    pub fn settings(&self) -> Value {
        json!({
            "id": "own", "kind": "oidc", "client_id": "web", "client_secret": "the secret of web & co",
            "issuer": self.issuer, "audiences": ["native"]
        })
    }

    /// The kit at the present, with this provider in its settings.
    pub async fn join(&self, kit: &Kit) -> Kit {
        kit.clock.set(Clock::system().now());
        let kit = kit.with_accounts(self.accounts());
        self.set(&kit, json!({})).await;
        kit
    }

    pub fn accounts(&self) -> accounts::Accounts {
        accounts_reaching(&[self.issuer.as_str()])
    }

    /// Sets the project's only provider, with more members.
    pub async fn set(&self, kit: &Kit, more: Value) {
        let mut own = self.settings();
        own.as_object_mut()
            .unwrap()
            .extend(more.as_object().cloned().unwrap());
        let social = json!({"providers": [own], "redirect_addresses": [APP, NATIVE]});
        kit.change_settings(
            json!({"social": social}),
            std::slice::from_ref(&self.issuer),
        )
        .await;
    }
}

/// A browser, which keeps cookies of the provider.
pub struct Browser {
    egress: Egress,
    origin: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(origin: &str) -> Self {
        let config = EgressConfig {
            allow_origins: vec![origin.to_owned()],
        };
        Self {
            egress: Egress::new(&config),
            origin: origin.to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    pub async fn get(&mut self, address: &str) -> egress::Answered {
        self.send(egress::Method::GET, address, String::new()).await
    }

    pub async fn post(&mut self, address: &str, form: &[(&str, &str)]) -> egress::Answered {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        self.send(egress::Method::POST, address, body).await
    }

    async fn send(
        &mut self,
        method: egress::Method,
        address: &str,
        body: String,
    ) -> egress::Answered {
        let mut headers = HeaderMap::new();
        let held: Vec<String> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        if !held.is_empty() {
            headers.insert("cookie", HeaderValue::from_str(&held.join("; ")).unwrap());
        }
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(HeaderName::from_static("content-type"), form);
        let request = Outgoing {
            target: self.egress.check(address).unwrap(),
            method,
            headers,
            body: body.into_bytes(),
        };
        let answer = self.egress.send(request).await.unwrap();
        for cookie in answer.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Goes where it is sent until it leaves the provider, and tells where to.
    pub async fn follow(&mut self, address: &str) -> String {
        let mut address = address.to_owned();
        for _ in 0..12 {
            let answer = self.get(&address).await;
            let location = answer.headers.get("location");
            let location = location.unwrap_or_else(|| {
                panic!(
                    "{address}: {} {:?}",
                    answer.status,
                    answer
                        .body
                        .map(|b| String::from_utf8_lossy(&b).into_owned())
                )
            });
            let base = url::Url::parse(&address).unwrap();
            address = base.join(location.to_str().unwrap()).unwrap().into();
            if !address.starts_with(&self.origin) {
                return address;
            }
        }
        panic!("{address} leads on and on")
    }
}

/// A verifier and its challenge.
pub fn pair(seed: &str) -> (String, String) {
    let verifier = format!("{seed:v<43}");
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    (verifier, challenge)
}

/// One way through the provider, step by step.
pub struct Trip {
    /// What the app brings with the ticket.
    pub verifier: String,
    /// What the browser holds.
    pub cookie: String,
    /// Where the provider sent it back to, without our own origin.
    pub back: String,
}

impl Trip {
    /// Leaves by our start address, and comes back from the provider.
    pub async fn away(kit: &Kit, issuer: &str, seed: &str) -> Self {
        let (verifier, challenge) = pair(seed);
        let left = start(
            kit,
            &format!("redirect_to={APP}&code_challenge={challenge}&code_challenge_method=S256"),
        )
        .await
        .expect(303);
        let cookie = header(&left, "set-cookie")
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let back = Browser::new(issuer)
            .follow(&header(&left, "location"))
            .await;
        let back = back
            .strip_prefix("http://127.0.0.1:8090/p/shop")
            .unwrap_or_else(|| panic!("{back}"));
        Self {
            verifier,
            cookie,
            back: back.to_owned(),
        }
    }

    /// What becomes of it when the browser arrives.
    pub async fn arrive(&self, kit: &Kit) -> Reply {
        let headers = [("cookie", self.cookie.as_str())];
        kit.call_as(Method::GET, &self.back, Ok(Who::Anonymous), None, &headers)
            .await
    }

    /// The ticket that the app gets.
    pub async fn ticket(&self, kit: &Kit) -> String {
        let reply = self.arrive(kit).await.expect(303);
        let location = header(&reply, "location");
        let ticket = location.strip_prefix(&format!("{APP}?ticket="));
        ticket.unwrap_or_else(|| panic!("{location}")).to_owned()
    }

    /// Signs in.
    pub async fn sign_in(&self, kit: &Kit) -> Reply {
        let ticket = self.ticket(kit).await;
        sign_in(
            kit,
            json!({"ticket": ticket, "code_verifier": self.verifier}),
        )
        .await
    }
}

pub async fn start(kit: &Kit, query: &str) -> Reply {
    let path = format!("/v1/auth/social/own/start?{query}");
    kit.call(Method::GET, &path, None, None).await
}

pub async fn sign_in(kit: &Kit, body: Value) -> Reply {
    kit.post("/v1/auth/sign-in/social", body).await
}

pub fn header(reply: &Reply, name: &str) -> String {
    let found = reply.headers.iter().find(|(n, _)| n == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {reply:?}"))
        .1
        .clone()
}

/// A person of the provider, with an address that it has verified.
pub fn ada() -> Value {
    json!({"sub": "ada", "email": "ada@example.com", "email_verified": true, "name": "Ada"})
}
