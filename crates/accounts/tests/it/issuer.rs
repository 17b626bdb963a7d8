//! An issuer and a GitHub of the tests' own, where it matters what exactly they answer: keys that change, documents that
//! are asked for too often, profiles that lie.

use crate::kit::{Kit, accounts_reaching, on_both};
use crate::provider::{APP, NATIVE, header, pair, sign_in, start};
use gate::egress::Egress;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers what it was told to, with JSON, and counts.
#[derive(Clone)]
struct Server {
    origin: String,
    answers: Arc<Mutex<HashMap<String, (u16, Value)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    #[expect(
        clippy::disallowed_methods,
        reason = "what a test starts ends with the test"
    )]
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            answers: Arc::default(),
            asked: Arc::default(),
        };
        let this = server.clone();
        actix_web::rt::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let this = this.clone();
                actix_web::rt::spawn(async move {
                    let mut text = Vec::new();
                    let mut part = [0; 4_096];
                    while !text.windows(4).any(|four| four == b"\r\n\r\n") {
                        let n = stream.read(&mut part).await.unwrap_or(0);
                        if n == 0 {
                            return;
                        }
                        text.extend_from_slice(&part[..n]);
                    }
                    let text = String::from_utf8_lossy(&text).into_owned();
                    let path = text.split(' ').nth(1).unwrap().to_owned();
                    this.asked.lock().unwrap().push(path.clone());
                    let found = this.answers.lock().unwrap().get(&path).cloned();
                    let (status, body) = found.unwrap_or((404, json!({})));
                    let body = body.to_string();
                    let answer = format!(
                        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                        body.len()
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        server
    }

    fn answer(&self, path: &str, status: u16, body: Value) {
        self.answers
            .lock()
            .unwrap()
            .insert(path.to_owned(), (status, body));
    }

    fn count(&self, path: &str) -> usize {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .filter(|one| *one == path)
            .count()
    }

    async fn join(&self, kit: &Kit, provider: Value) -> Kit {
        let reach = std::slice::from_ref(&self.origin);
        let kit = kit.with_accounts(accounts_reaching(&[self.origin.as_str()]));
        let social = json!({"providers": [provider], "redirect_addresses": [APP, NATIVE]});
        kit.change_settings(json!({"social": social}), reach).await;
        kit
    }

    fn publishes(&self, keys: &[&Key]) {
        let discovery = json!({
            "issuer": self.origin, "authorization_endpoint": format!("{}/auth", self.origin),
            "token_endpoint": format!("{}/token", self.origin), "jwks_uri": format!("{}/jwks", self.origin)
        });
        self.answer("/.well-known/openid-configuration", 200, discovery);
        let keys: Vec<&Value> = keys.iter().map(|key| &key.public).collect();
        self.answer("/jwks", 200, json!({"keys": keys}));
    }
}

struct Key {
    private: EncodingKey,
    public: Value,
}

impl Key {
    fn new(kid: &str) -> Self {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        Self {
            private: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
            public: json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": part(1..33), "y": part(33..65)}),
        }
    }

    /// A token that is good now, with other claims where there are some.
    fn token(&self, kit: &Kit, issuer: &str, more: Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = self.public["kid"].as_str().map(str::to_owned);
        let at = kit.clock.now().unix_seconds();
        let mut claims = json!({
            "iss": issuer, "aud": "app", "sub": "ada", "iat": at, "exp": at + 300, "nonce": "n",
            "email": "ada@example.com", "email_verified": true
        });
        claims
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().cloned().unwrap());
        jsonwebtoken::encode(&header, &claims, &self.private).unwrap()
    }
}

async fn bring(kit: &Kit, id_token: String) -> u16 {
    let body = json!({"provider": "own", "id_token": id_token, "nonce": "n"});
    sign_in(kit, body).await.status.as_u16()
}

fn oidc(server: &Server) -> Value {
    json!({"id": "own", "kind": "oidc", "client_id": "app", "issuer": server.origin})
}

#[actix_web::test]
async fn keys_are_kept_and_asked_for_again_once_a_minute_at_most() {
    on_both(async |kit| {
        let server = Server::start().await;
        let kit = server.join(&kit, oidc(&server)).await;
        let (first, second, unknown) = (Key::new("1"), Key::new("2"), Key::new("3"));
        server.publishes(&[&first]);
        let good = async |key: &Key| bring(&kit, key.token(&kit, &server.origin, json!({}))).await;
        let tokens: Vec<_> = (0..20)
            .map(|_| bring(&kit, first.token(&kit, &server.origin, json!({}))))
            .collect();
        let all = futures_util::future::join_all(tokens).await;
        assert!(all.iter().all(|status| *status == 200), "{all:?}");
        assert_eq!(
            (
                server.count("/jwks"),
                server.count("/.well-known/openid-configuration")
            ),
            (1, 1)
        );
        // A key that is not known, in less than a minute: nobody is asked.
        for _ in 0..5 {
            assert_eq!(good(&unknown).await, 400);
        }
        assert_eq!(server.count("/jwks"), 1);
        server.publishes(&[&first, &second]);
        kit.pass(Duration::from_secs(60));
        assert_eq!((good(&second).await, server.count("/jwks")), (200, 2));
        for _ in 0..5 {
            assert_eq!(good(&unknown).await, 400);
        }
        assert_eq!(server.count("/jwks"), 2);
        // After an hour it is asked again; where that fails the last answer stands, and it is left alone for a while.
        server.answer("/jwks", 503, json!({}));
        kit.pass(Duration::from_secs(3_600));
        assert_eq!((good(&first).await, good(&first).await), (200, 200));
        assert_eq!(server.count("/jwks"), 3);
        kit.pass(Duration::from_secs(86_400));
        assert_eq!(good(&first).await, 400);
    })
    .await;
}

#[actix_web::test]
async fn an_issuer_is_believed_about_itself_alone() {
    on_both(async |kit| {
        let server = Server::start().await;
        let kit = server.join(&kit, oidc(&server)).await;
        let key = Key::new("1");
        server.publishes(&[&key]);
        let good = |more: Value| key.token(&kit, &server.origin, more);
        assert_eq!(bring(&kit, good(json!({"iss": "https://accounts.google.com"}))).await, 400);
        assert_eq!(bring(&kit, good(json!({"aud": "another"}))).await, 400);
        assert_eq!(bring(&kit, good(json!({"aud": ["app", "another"]}))).await, 400);
        assert_eq!(bring(&kit, good(json!({"nonce": "other"}))).await, 400);
        assert_eq!(bring(&kit, good(json!({"exp": 1}))).await, 400);
        assert_eq!(bring(&kit, Key::new("1").token(&kit, &server.origin, json!({}))).await, 400);
        assert_eq!(bring(&kit, good(json!({}))).await, 200);
        // A document in another's name, and endpoints in the network behind.
        let other = json!({"issuer": "https://accounts.google.com", "authorization_endpoint": format!("{}/auth", server.origin), "token_endpoint": "x", "jwks_uri": format!("{}/jwks", server.origin)});
        server.answer("/.well-known/openid-configuration", 200, other);
        kit.pass(Duration::from_secs(3_600));
        assert_eq!(bring(&kit, good(json!({}))).await, 400);
        let query = format!("redirect_to={APP}&code_challenge={}", pair("x").1);
        let mut inward = json!({"issuer": server.origin, "token_endpoint": "http://169.254.169.254/", "jwks_uri": "http://10.0.0.1/"});
        inward["authorization_endpoint"] = json!("http://192.168.0.1/auth");
        server.answer("/.well-known/openid-configuration", 200, inward);
        kit.pass(Duration::from_secs(3_600));
        assert_eq!(start(&kit, &query).await.fails(), (400, "provider_failed".to_owned()));
        assert_eq!(bring(&kit, good(json!({}))).await, 400);
        assert!(Egress::new(&gate::egress::EgressConfig::default()).check("http://10.0.0.1/").is_err());
    })
    .await;
}

/// Brings a code, after the server was told what to answer.
async fn by_code(kit: &Kit) -> crate::kit::Reply {
    let body = json!({"provider": "own", "code": "c", "code_verifier": pair("x").0, "redirect_uri": NATIVE});
    sign_in(kit, body).await
}

#[actix_web::test]
async fn a_provider_without_id_tokens_is_asked_who_somebody_is() {
    on_both(async |kit| {
        let server = Server::start().await;
        let github = json!({"id": "own", "kind": "github", "client_id": "app", "client_secret": "s", "issuer": server.origin});
        let kit = server.join(&kit, github).await;
        let left = start(&kit, &format!("redirect_to={APP}&code_challenge={}", pair("x").1)).await.expect(303);
        let location = header(&left, "location");
        assert!(location.starts_with(&format!("{}/login/oauth/authorize?", server.origin)), "{location}");
        assert!(location.contains("code_challenge=") && !location.contains("nonce="));
        let token = "/login/oauth/access_token";
        // It says with status 200 that a code is wrong.
        server.answer(token, 200, json!({"error": "bad_verification_code", "error_description": "..."}));
        assert_eq!(by_code(&kit).await.fails(), (400, "invalid_token".to_owned()));
        for (status, body) in [(500, json!({})), (200, json!([])), (200, json!({"error": "x"})), (302, json!({"access_token": "t"}))] {
            server.answer(token, status, body);
            assert_eq!(by_code(&kit).await.fails(), (400, "provider_failed".to_owned()));
        }
        server.answer(token, 200, json!({"access_token": "t", "scope": "user:email", "token_type": "bearer"}));
        assert_eq!(by_code(&kit).await.fails(), (400, "provider_failed".to_owned()));
        server.answer("/api/v3/user", 200, json!({"id": 7, "login": "ada", "email": "ada@example.com"}));
        kit.sign_up("ada@example.com").await.expect(201);
        // The public address is what anybody writes there.
        assert_eq!(by_code(&kit).await.fails(), (409, "link_required".to_owned()));
        let mails = |verified: bool| json!([{"email": "x@example.com", "primary": false, "verified": true}, {"email": "ada@example.com", "primary": true, "verified": verified}]);
        server.answer("/api/v3/user/emails", 200, mails(false));
        assert_eq!(by_code(&kit).await.fails(), (409, "link_required".to_owned()));
        server.answer("/api/v3/user/emails", 200, mails(true));
        let reply = by_code(&kit).await.expect(200);
        assert_eq!(reply.json()["user"]["email"], "ada@example.com");
    })
    .await;
}

#[actix_web::test]
async fn a_profile_of_somebody_else_is_not_taken_for_who_signed_in() {
    on_both(async |kit| {
        let server = Server::start().await;
        let kit = server.join(&kit, oidc(&server)).await;
        let key = Key::new("1");
        server.publishes(&[&key]);
        let mut discovery = server.answers.lock().unwrap()["/.well-known/openid-configuration"]
            .1
            .clone();
        discovery["userinfo_endpoint"] = json!(format!("{}/me", server.origin));
        server.answer("/.well-known/openid-configuration", 200, discovery);
        // Without an address in the token it is looked for elsewhere.
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("1".to_owned());
        let at = kit.clock.now().unix_seconds();
        let bare =
            json!({"iss": server.origin, "aud": "app", "sub": "ada", "iat": at, "exp": at + 300});
        let id_token = jsonwebtoken::encode(&header, &bare, &key.private).unwrap();
        server.answer(
            "/token",
            200,
            json!({"access_token": "t", "id_token": id_token}),
        );
        for other in [
            json!({"sub": "eve", "email": "ada@example.com", "email_verified": true}),
            json!({"email": "ada@example.com"}),
        ] {
            server.answer("/me", 200, other);
            assert_eq!(
                by_code(&kit).await.fails(),
                (400, "provider_failed".to_owned())
            );
        }
        server.answer(
            "/me",
            200,
            json!({"sub": "ada", "email": "ada@example.com", "email_verified": true}),
        );
        by_code(&kit).await.expect(200);
        assert!(kit.is_verified("ada@example.com").await);
    })
    .await;
}
