//! What the tests of passkeys and second factors have in hand: a phone with passkeys, an app that makes codes (pyotp), and
//! steps that many of them take.

use crate::authenticator::{Key, Passkey, Said};
use crate::kit::{Kit, PASSWORD, Reply};
use actix_web::http::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::{PasskeySettings, SecondFactor, SecondFactorPolicy, Settings};
use serde_json::{Value, json};
use std::process::Command;

pub const ADA: &str = "ada@example.com";
pub const BOB: &str = "bob@example.com";
pub const ORIGIN: &str = "https://shop.example";

pub fn invalid_token() -> (u16, String) {
    (400, "invalid_token".to_owned())
}

pub fn invalid_factor() -> (u16, String) {
    (400, "invalid_factor".to_owned())
}

pub fn reauth_required() -> (u16, String) {
    (403, "reauth_required".to_owned())
}

pub fn second_factor_required() -> (u16, String) {
    (403, "second_factor_required".to_owned())
}

/// Settings with a party for passkeys.
pub fn settings() -> Settings {
    Settings {
        passkeys: PasskeySettings {
            rp_id: "shop.example".to_owned(),
            rp_name: "Shop".to_owned(),
            origins: vec![ORIGIN.to_owned()],
        },
        ..Settings::default()
    }
}

pub fn policy(policy: SecondFactorPolicy, roles: &[&str]) -> Settings {
    Settings {
        second_factor: SecondFactor {
            policy,
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        },
        ..settings()
    }
}

/// What an access token says.
pub fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

/// The code that an app shows now, off by some seconds, for the address that it read: made by pyotp.
pub fn code(kit: &Kit, uri: &str, off: i64) -> String {
    let python = std::env::var("GALLEY_TEST_PYTHON");
    let python = python.expect("GALLEY_TEST_PYTHON is not set: run the tests with `cargo xtask test`, which makes a Python with pyotp for them");
    let at = kit.clock.now().unix_seconds() + off;
    let script = "import pyotp, sys; print(pyotp.parse_uri(sys.argv[1]).at(int(sys.argv[2])))";
    let output = Command::new(python)
        .args(["-c", script, uri, &at.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Another code than this one.
pub fn not(code: &str) -> String {
    let n: u32 = code.parse().unwrap();
    format!("{:06}", (n + 1_234) % 1_000_000)
}

impl Kit {
    /// The access token of somebody who signed up now.
    pub async fn newcomer(&self, email: &str) -> String {
        self.sign_up(email).await.expect(201).text("access_token")
    }

    pub async fn get_as(&self, token: &str, path: &str) -> Reply {
        self.call(Method::GET, path, Some(token), None).await
    }

    pub async fn delete_as(&self, token: &str, path: &str) -> Reply {
        self.call(Method::DELETE, path, Some(token), None).await
    }

    /// Begins the making of a passkey: the ceremony and the options.
    pub async fn options(&self, token: &str) -> Value {
        let reply = self.post_as(token, "/v1/auth/passkeys/options", None).await;
        reply.expect(200).json()
    }

    pub async fn keep(&self, token: &str, ceremony: &Value, credential: Value) -> Reply {
        let body = json!({"ceremony_id": ceremony, "name": "phone", "credential": credential});
        self.post_as(token, "/v1/auth/passkeys", Some(body)).await
    }

    /// A passkey of who has the token.
    pub async fn passkey(&self, token: &str) -> Passkey {
        let begun = self.options(token).await;
        let options = &begun["public_key"];
        let mut passkey = Passkey::new(Key::es256());
        let handle = options["user"]["id"].as_str().unwrap();
        passkey.user_handle = Some(URL_SAFE_NO_PAD.decode(handle).unwrap());
        let credential = passkey.create(&Said::to(options, ORIGIN));
        let kept = self.keep(token, &begun["ceremony_id"], credential).await;
        kept.expect(201);
        passkey
    }

    /// The ids of passkeys, in order.
    pub async fn passkey_ids(&self, token: &str) -> Vec<String> {
        let all = self.get_as(token, "/v1/auth/passkeys").await.expect(200);
        let items = all.json()["items"].as_array().unwrap().clone();
        let id = |it: &Value| it["id"].as_str().unwrap().to_owned();
        items.iter().map(id).collect()
    }

    pub async fn ask_passkey(&self) -> Value {
        let asked = self.post("/v1/auth/sign-in/passkey/options", json!({}));
        asked.await.expect(200).json()
    }

    pub async fn answer_passkey(&self, ceremony: &Value, credential: Value) -> Reply {
        let body = json!({"ceremony_id": ceremony, "credential": credential});
        self.post("/v1/auth/sign-in/passkey", body).await
    }

    /// Signs in with a passkey, without naming anybody.
    pub async fn sign_in_passkey(&self, passkey: &mut Passkey) -> Reply {
        let asked = self.ask_passkey().await;
        let credential = passkey.get(&Said::to(&asked["public_key"], ORIGIN));
        self.answer_passkey(&asked["ceremony_id"], credential).await
    }

    /// Has an app asked: what it read, and the recovery codes.
    pub async fn app(&self, token: &str) -> (String, Vec<String>) {
        let begun = self.post_as(token, "/v1/auth/totp", None).await.expect(200);
        let uri = begun.text("uri");
        let body =
            json!({"enrolment_id": begun.text("enrolment_id"), "totp_code": code(self, &uri, 0)});
        let done = self
            .post_as(token, "/v1/auth/totp/activate", Some(body))
            .await;
        let codes = done.expect(200).json()["recovery_codes"].clone();
        (uri, serde_json::from_value(codes).unwrap())
    }

    /// The token after the first proof.
    pub async fn mfa_token(&self, email: &str) -> String {
        let reply = self.sign_in(email, PASSWORD).await.expect(200);
        assert!(reply.json().get("access_token").is_none(), "{reply:?}");
        reply.text("mfa_token")
    }

    pub async fn factor(&self, token: &str, name: &str, value: impl Into<Value>) -> Reply {
        let body = json!({"mfa_token": token, name: value.into()});
        self.post("/v1/auth/sign-in/factor", body).await
    }

    pub async fn step_up(&self, token: &str, name: &str, value: impl Into<Value>) -> Reply {
        let body = json!({ name: value.into() });
        self.post_as(token, "/v1/auth/step-up", Some(body)).await
    }

    /// What mails told the user, the newest first.
    pub async fn notices(&self) -> Vec<String> {
        self.tick().await;
        let mut told = Vec::new();
        for mail in self.mails().await {
            if mail["template"] == "security_notice" {
                let path = format!("/v1/mails/{}", mail["id"].as_str().unwrap());
                let mail = self.key(Method::GET, &path, &["mails.open"], None).await;
                told.push(mail.expect(200).text("text"));
            }
        }
        told
    }
}
