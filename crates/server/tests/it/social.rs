//! A whole sign-in at a real OpenID provider, from the app's page to the app's page, through the real binary.

use crate::kit::{ENGINES, Server, unique};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Where a native app of the tests is.
pub const NATIVE: &str = "com.example.shop:/in";
const APP: &str = "https://app.example/in";
/// The verifier of RFC 7636, appendix B, and its challenge.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

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
    /// One that native apps alone sign in at.
    pub fn start() -> Self {
        Self::at(0, "https://app.example/in")
    }

    /// One at this port, which sends browsers back to this address.
    fn at(port: u16, callback: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../accounts/tests/oidc");
        let mut process = Command::new("node")
            .args(["provider.mjs", callback, &port.to_string()])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is missing: run the tests with `cargo xtask test`, which installs what they need");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = lines.next();
        let issuer = issuer.expect("the provider did not start: run the tests with `cargo xtask test`, which installs its packages");
        Self {
            issuer: issuer.unwrap(),
            process,
        }
    }

    /// Lets a server ask it.
    pub fn allow(&self, command: &mut Command) {
        command.env("GALLEY_GATE__EGRESS__ALLOW_ORIGINS", &self.issuer);
    }

    /// The settings of a project that signs in there.
    pub fn settings(&self) -> Value {
        let own = json!({
            "id": "own", "kind": "oidc", "client_id": "web", "client_secret": "the secret of web & co",
            "issuer": self.issuer, "audiences": ["native"], "keep_tokens": true
        });
        json!({"social": {"providers": [own], "redirect_addresses": [APP, NATIVE]}})
    }
}

/// A browser, which keeps cookies of the provider.
struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test speaks to its own provider on loopback"
        )]
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            http,
            cookies: BTreeMap::new(),
        }
    }

    /// Where an address leads to.
    async fn step(&mut self, address: &str) -> Option<String> {
        let held: Vec<String> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let request = self.http.get(address).header("cookie", held.join("; "));
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap().to_owned();
            self.cookies.insert(name.to_owned(), value);
        }
        let location = answer.headers().get("location")?;
        let base = reqwest::Url::parse(address).unwrap();
        Some(base.join(location.to_str().unwrap()).unwrap().into())
    }

    /// Goes on until it leaves the origin.
    async fn leave(&mut self, origin: &str, address: String) -> String {
        let mut address = address;
        for _ in 0..12 {
            let next = self.step(&address).await;
            address = next.unwrap_or_else(|| panic!("{address} leads nowhere"));
            if !address.starts_with(origin) {
                return address;
            }
        }
        panic!("{address} leads on and on")
    }
}

/// A code that a native app gets of a new person.
pub async fn native_code(issuer: &str) -> String {
    let sub = unique();
    let account =
        json!({"sub": sub, "email": format!("{sub}@example.com"), "email_verified": true});
    let at = |path: &str, pairs: &[(&str, &str)]| -> String {
        let url = reqwest::Url::parse_with_params(&format!("{issuer}{path}"), pairs);
        url.unwrap().into()
    };
    let mut browser = Browser::new();
    browser
        .step(&at("/_as", &[("account", &account.to_string())]))
        .await;
    let start = at(
        "/auth",
        &[
            ("response_type", "code"),
            ("client_id", "native"),
            ("redirect_uri", NATIVE),
            ("scope", "openid email profile"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ],
    );
    let back = browser.leave(issuer, start).await;
    parameter(&back, "code")
}

fn parameter(address: &str, name: &str) -> String {
    let url = reqwest::Url::parse(address).unwrap();
    let found = url.query_pairs().find(|(n, _)| n == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {address}"))
        .1
        .into_owned()
}

#[tokio::test]
async fn a_person_signs_in_elsewhere_and_comes_back() {
    for engine in ENGINES {
        // Each must know where the other is before it starts.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let server = Server::fresh_with(engine, |command| {
            let origin = format!("http://127.0.0.1:{port}");
            command.env("GALLEY_GATE__EGRESS__ALLOW_ORIGINS", origin);
        });
        let callback = format!("{}/p/shop/v1/auth/social/own/callback", server.url);
        let provider = Provider::at(port, &callback);
        server.project("shop").await;
        let key = server.as_(&server.key("shop", &["*"]));
        let changed = key.patch("/p/shop/v1/settings", provider.settings()).await;
        assert_eq!(changed.status, 200, "{:?}", changed.body);
        // What is secret is shown to nobody, and stays when the rest is sent back.
        let shown = key.get("/p/shop/v1/settings").await.body;
        assert!(!shown.to_string().contains("secret of web"), "{shown}");
        let again = key
            .patch("/p/shop/v1/settings", json!({"social": shown["social"]}))
            .await;
        assert_eq!(again.status, 200, "{:?}", again.body);
        let methods = server.as_("").get("/p/shop/v1/auth/methods").await.body;
        let start = methods["social"][0]["start_url"].as_str().unwrap();
        let account = json!({"sub": "ada", "email": "ada@example.com", "email_verified": true, "name": "Ada"});
        let mut browser = Browser::new();
        let url = reqwest::Url::parse_with_params(
            &format!("{}/_as", provider.issuer),
            [("account", account.to_string())],
        );
        browser.step(url.unwrap().as_str()).await;
        let address = format!(
            "{start}?redirect_to={APP}&code_challenge={CHALLENGE}&code_challenge_method=S256"
        );
        // From the project's own host it goes to the issuer's first: that is where it comes back to.
        let (_, port) = server.url.rsplit_once(':').unwrap();
        let path = address.split_once("/p/shop").unwrap().1;
        let elsewhere = browser.http.get(format!("{}{path}", server.url));
        let elsewhere = elsewhere.header("host", format!("shop.localhost:{port}"));
        let elsewhere = elsewhere.send().await.unwrap();
        assert!(!elsewhere.headers().contains_key("set-cookie"));
        let first = elsewhere.headers()["location"].to_str().unwrap();
        assert!(first.starts_with(&format!("{start}?")), "{first}");
        let left = browser.step(first).await.unwrap();
        let back = browser.leave(&provider.issuer, left).await;
        let home = browser.step(&back).await.unwrap();
        let ticket = parameter(&home, "ticket");
        assert!(home.starts_with(APP));
        let body = json!({"ticket": ticket, "code_verifier": VERIFIER});
        let nobody = server.as_("");
        let signed = nobody
            .post("/p/shop/v1/auth/sign-in/social", body.clone())
            .await;
        assert_eq!(signed.status, 200, "{:?}", signed.body);
        assert_eq!(signed.body["user"]["email"], "ada@example.com");
        assert_eq!(
            nobody
                .post("/p/shop/v1/auth/sign-in/social", body)
                .await
                .status,
            400
        );
        let me = server.as_(signed.body["access_token"].as_str().unwrap());
        let mine = me.get("/p/shop/v1/users/me/identities").await;
        assert_eq!(mine.body["items"][0]["name"], "Ada");
        let id = signed.body["user"]["id"].as_str().unwrap();
        let path = format!("/p/shop/v1/users/{id}/identities/own/token");
        assert_eq!(key.get(&path).await.status, 200);
        assert_eq!(me.get(&path).await.status, 403);
        // The way back of somebody whom nobody sent is a page, not an answer of the API, and signs nobody in.
        let lost = server
            .as_("")
            .get("/p/shop/v1/auth/social/own/callback?state=x&code=y")
            .await;
        assert_eq!(
            (lost.status, lost.kind.as_str()),
            (400, "text/html; charset=utf-8")
        );
    }
}
