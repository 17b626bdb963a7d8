//! What the contract test needs of the further ways to sign in: settings that open them, codes and tickets that are good,
//! and somebody who is nobody yet.

use super::document::Operation;
use super::mail::caught;
use super::samples::Samples;
use crate::kit::{Client, Server, unique};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

const AUTH: &str = "/p/shop/v1/auth";

/// A telephone number that nobody has.
fn number() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("+49170{:07}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn email() -> String {
    format!("{}@example.com", unique())
}

/// The bodies of the operations.
pub fn body(samples: &Samples, operation: &str) -> Option<Value> {
    let secret = || samples.path["secret"].clone();
    let answer = || json!({"challenge_id": samples.path["challenge"], "code": secret()});
    Some(match operation {
        "sign_in_anonymous" => json!({"device": "Kiosk"}),
        "promote_user" => json!({"email": email(), "password": "a-long-password"}),
        "request_promotion_code" => json!({ "email": email() }),
        "change_username" => json!({ "username": format!("u{}", unique()) }),
        "request_phone_code" | "request_phone_change" => json!({ "phone": number() }),
        "sign_in_phone" | "confirm_phone_change" | "promote_user_by_code" => answer(),
        "mint_custom_token" => json!({"external_id": "crm|1", "claims": {"a": 1}}),
        "sign_in_custom" => json!({ "token": secret() }),
        "rename_session" => json!({"device": "Another name"}),
        _ => return None,
    })
}

/// Whether a server key does it, although it stands among what users do.
pub fn is_by_key(operation: &Operation) -> bool {
    operation.id == "mint_custom_token"
}

/// Whoever is nobody yet, for the operations that make somebody of it.
pub fn nobody(server: &Server, samples: &Samples, operation: &Operation) -> Option<Client> {
    let is_it = operation.path.starts_with("/v1/auth/promote");
    is_it.then(|| server.as_(&samples.path["nobody"]))
}

/// Sets what the operation is about.
pub async fn set(samples: &mut Samples, user: &Client, key: &Client, operation: &Operation) {
    if body(samples, &operation.id).is_none() {
        return;
    }
    let ways = json!({
        "sign_in": {"phone_code": true, "anonymous": true, "email_code": true, "identities": ["email", "username", "phone"]},
        "phone": {"messages_per_network_hour": 10_000},
        "anonymous": {"per_network_hour": 10_000},
    });
    let changed = key.patch("/p/shop/v1/settings", ways).await;
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    let made = key
        .post(&format!("{AUTH}/sign-in/anonymous"), json!({}))
        .await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let token = made.body["access_token"].as_str().unwrap().to_owned();
    let mut nobody = key.clone();
    nobody.token.clone_from(&token);
    samples.path.insert("nobody", token);
    let (path, client, template, to) = match operation.id.as_str() {
        "sign_in_phone" => {
            let number = number();
            let body = json!({"phone": number, "password": "a-long-password"});
            let made = key.post(&format!("{AUTH}/sign-up"), body).await;
            assert_eq!(made.status, 201, "{:?}", made.body);
            ("/phone/request", key, "phone_code", number)
        }
        "confirm_phone_change" => ("/phone-change", user, "phone_change", number()),
        "promote_user_by_code" => ("/promote/code/request", &nobody, "code", email()),
        "sign_in_custom" => {
            let body = json!({"external_id": "crm|1"});
            let made = key.post(&format!("{AUTH}/custom-token"), body).await;
            let token = made.body["token"].as_str().unwrap();
            samples.path.insert("secret", token.to_owned());
            return;
        }
        _ => return,
    };
    let name = if template == "code" { "email" } else { "phone" };
    let asked = client
        .post(&format!("{AUTH}{path}"), json!({ name: to }))
        .await;
    assert_eq!(asked.status, 202, "{:?}", asked.body);
    let challenge = asked.body["challenge_id"].as_str().unwrap().to_owned();
    samples.path.insert("challenge", challenge);
    let message = caught(key, template, &to).await;
    let code = message["subject"].as_str().unwrap()[..6].to_owned();
    samples.path.insert("secret", code);
}
