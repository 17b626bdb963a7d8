//! What the contract test needs of passkeys and second factors: a phone that answers, and persons who have a factor.

use super::document::Operation;
use super::samples::Samples;
use crate::kit::{Client, unique};
use authenticator::{Key, Passkey, Said};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::process::Command;

#[expect(dead_code, reason = "the tests of accounts use all of it")]
#[path = "../../../../accounts/tests/it/authenticator.rs"]
mod authenticator;

const AUTH: &str = "/p/shop/v1/auth";
const PASSWORD: &str = "a-long-password";
const ORIGIN: &str = "https://shop.example";

/// The bodies of the operations of passkeys and factors.
pub fn body(samples: &Samples, operation: &str) -> Option<Value> {
    let read = || serde_json::from_str(&samples.path["factor"]).unwrap_or(json!({}));
    Some(match operation {
        "create_passkey"
        | "sign_in_passkey"
        | "begin_factor_passkey"
        | "begin_factor_totp"
        | "sign_in_factor"
        | "activate_totp" => read(),
        "update_passkey" => json!({"name": "another", "second_factor": false}),
        "step_up" => json!({ "password": PASSWORD }),
        _ => return None,
    })
}

/// Sets what the operation is about.
pub async fn set(samples: &mut Samples, user: &Client, key: &Client, operation: &Operation) {
    let id = operation.id.as_str();
    let is_ours = operation.path.starts_with("/v1/auth/passkeys")
        || operation.path.starts_with("/v1/auth/totp")
        || operation.path.starts_with("/v1/auth/recovery-codes")
        || operation.path.starts_with("/v1/auth/sign-in/factor")
        || operation.path.starts_with("/v1/auth/sign-in/passkey")
        || operation.path.starts_with("/v1/auth/step-up");
    // The walk's user has one factor in its session, also after it has set up another.
    let policy = match id {
        "begin_totp" | "activate_totp" | "sign_in_factor" | "begin_factor_passkey" => "optional",
        "begin_factor_totp" => "required",
        _ if is_ours || id == "remove_phone" => "off",
        _ => "optional",
    };
    let before = samples.path.insert("policy", policy.to_owned());
    if is_ours || before.as_deref() != Some(policy) {
        let settings = json!({"second_factor": {"policy": policy}, "passkeys": {"rp_id": "shop.example", "origins": [ORIGIN]}});
        let changed = key.patch("/p/shop/v1/settings", settings).await;
        assert_eq!(changed.status, 200, "{:?}", changed.body);
    }
    let sample = match id {
        "create_passkey" => Some(made(user, AUTH).await.1),
        "update_passkey" | "delete_passkey" | "renew_recovery_codes" => {
            let kept = keep(user, AUTH, &made(user, AUTH).await.1).await;
            samples.path.insert("passkey", kept);
            None
        }
        "reset_user_factors" => {
            let person = person(key).await.get("/p/shop/v1/users/me").await;
            samples.path.insert("person", person.id());
            None
        }
        "sign_in_passkey" => Some(shown(&person(key).await).await),
        "begin_factor_totp" => {
            let email = format!("{}@example.com", unique());
            let body = json!({"email": email, "password": PASSWORD});
            let due = key.post(&format!("{AUTH}/sign-up"), body).await;
            Some(json!({"mfa_token": due.body["mfa_token"]}))
        }
        "begin_factor_passkey" | "sign_in_factor" => Some(due(key, id).await),
        "activate_totp" => {
            let begun = user.post(&format!("{AUTH}/totp"), json!({})).await;
            assert_eq!(begun.status, 200, "{:?}", begun.body);
            let code = code(begun.body["uri"].as_str().unwrap());
            Some(json!({"enrolment_id": begun.body["enrolment_id"], "totp_code": code}))
        }
        _ => None,
    };
    if let Some(sample) = sample {
        samples.path.insert("factor", sample.to_string());
    }
}

/// Somebody new, who is signed in.
async fn person(key: &Client) -> Client {
    let email = format!("{}@example.com", unique());
    let body = json!({"email": email, "password": PASSWORD});
    let made = key.post(&format!("{AUTH}/sign-up"), body).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let mut person = key.clone();
    person.token = made.body["access_token"].as_str().unwrap().to_owned();
    person
}

/// A passkey that a person makes, and what is sent of it.
async fn made(person: &Client, auth: &str) -> (Passkey, Value) {
    let path = format!("{auth}/passkeys/options");
    let begun = person.post(&path, json!({}));
    let begun = begun.await.body;
    let options = &begun["public_key"];
    let mut passkey = Passkey::new(Key::es256());
    let handle = options["user"]["id"].as_str().expect("options");
    passkey.user_handle = Some(URL_SAFE_NO_PAD.decode(handle).unwrap());
    let credential = passkey.create(&Said::to(options, ORIGIN));
    let body =
        json!({"ceremony_id": begun["ceremony_id"], "name": "phone", "credential": credential});
    (passkey, body)
}

async fn keep(person: &Client, auth: &str, body: &Value) -> String {
    let path = format!("{auth}/passkeys");
    // A user has no more than twenty.
    let have = person.get(&path).await;
    for old in have.body["items"].as_array().unwrap() {
        let old = format!("{path}/{}", old["id"].as_str().unwrap());
        person.send(person.request("DELETE", &old)).await;
    }
    let kept = person.post(&path, body.clone()).await;
    assert_eq!(kept.status, 201, "{:?}", kept.body);
    kept.id()
}

/// The passkey that a person made.
pub async fn passkey(person: &Client, auth: &str) -> String {
    let (_, body) = made(person, auth).await;
    keep(person, auth, &body).await
}

/// What signs a person in by a passkey.
async fn shown(person: &Client) -> Value {
    let (mut passkey, body) = made(person, AUTH).await;
    keep(person, AUTH, &body).await;
    let path = format!("{AUTH}/sign-in/passkey/options");
    let asked = person.post(&path, json!({}));
    let asked = asked.await.body;
    let credential = passkey.get(&Said::to(&asked["public_key"], ORIGIN));
    json!({"ceremony_id": asked["ceremony_id"], "credential": credential})
}

/// What completes a sign-in that waits for a factor, or asks for the passkey that does.
async fn due(key: &Client, operation: &str) -> Value {
    let person = person(key).await;
    let (_, body) = made(&person, AUTH).await;
    let id = keep(&person, AUTH, &body).await;
    let path = format!("{AUTH}/recovery-codes");
    let codes = person.post(&path, json!({}));
    let code = codes.await.body["recovery_codes"][0].clone();
    let patch = json!({"second_factor": true});
    let asked = person.patch(&format!("{AUTH}/passkeys/{id}"), patch).await;
    assert_eq!(asked.status, 200, "{:?}", asked.body);
    let email = person.get("/p/shop/v1/users/me").await.body["email"].clone();
    let body = json!({"identity": email, "password": PASSWORD});
    let due = key.post(&format!("{AUTH}/sign-in/password"), body).await;
    let token = due.body["mfa_token"].clone();
    assert!(token.is_string(), "{:?}", due.body);
    match operation {
        "sign_in_factor" => json!({"mfa_token": token, "recovery_code": code}),
        _ => json!({ "mfa_token": token }),
    }
}

/// The code that an app shows now, made by pyotp.
fn code(uri: &str) -> String {
    let python = std::env::var("GALLEY_TEST_PYTHON");
    let python = python.expect("GALLEY_TEST_PYTHON is not set: run the tests with `cargo xtask test`, which makes a Python with pyotp for them");
    let script = "import pyotp, sys; print(pyotp.parse_uri(sys.argv[1]).now())";
    let output = Command::new(python).args(["-c", script, uri]).output();
    let output = String::from_utf8(output.unwrap().stdout).unwrap();
    output.trim().to_owned()
}
