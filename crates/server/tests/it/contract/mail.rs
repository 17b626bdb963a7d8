//! What the contract test needs of mails: secrets that are good, taken from the development inbox as a person would.

use super::document::Operation;
use super::samples::Samples;
use crate::kit::{Client, unique};
use serde_json::{Value, json};
use std::time::Duration;

const AUTH: &str = "/p/shop/v1/auth";

/// The bodies of the operations that go by mail.
pub fn body(samples: &Samples, operation: &str) -> Option<Value> {
    let token = || samples.path["secret"].clone();
    Some(match operation {
        "request_verification"
        | "request_password_reset"
        | "request_sign_in_code"
        | "request_magic_link" => json!({"email": format!("{}@example.com", unique())}),
        "confirm_verification" | "confirm_email_change" | "sign_in_magic_link" => {
            json!({ "token": token() })
        }
        "confirm_sign_up" | "accept_invitation" => {
            json!({"token": token(), "password": "a-long-password"})
        }
        "confirm_password_reset" => json!({"token": token(), "new_password": "another-password"}),
        "request_email_change" => {
            json!({"new_email": format!("{}@example.com", unique()), "current_password": "a-long-password"})
        }
        "sign_in_code" => {
            json!({"challenge_id": samples.path["challenge"], "code": token()})
        }
        "put_mail_template" | "preview_mail_template" => {
            json!({"subject": "For {{ email }}", "html": "<p>{{ link }}</p>", "text": "{{ link }}"})
        }
        _ => return None,
    })
}

/// Sets what the operation is about: a mail, or a secret of a fresh account's.
pub async fn set(samples: &mut Samples, key: &Client, operation: &Operation) {
    if ["confirm_sign_up", "accept_invitation"].contains(&&*operation.id) {
        return begin(samples, key, &operation.id).await;
    }
    let (template, ask) = match operation.id.as_str() {
        "get_mail" => ("verify", None),
        "confirm_verification" => ("verify", None),
        "confirm_password_reset" => ("reset", Some("/password-reset")),
        "confirm_email_change" => ("change_email_old", Some("/email-change")),
        "sign_in_code" => ("code", Some("/sign-in/code/request")),
        "sign_in_magic_link" => ("magic_link", Some("/sign-in/link/request")),
        "request_sign_in_code" | "request_magic_link" => ("", None),
        _ => return,
    };
    let ways = json!({"sign_in": {"email_code": true, "magic_link": true}, "brand": {"app_url": "https://app.example"}});
    let changed = key.patch("/p/shop/v1/settings", ways).await;
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    if template.is_empty() {
        return;
    }
    let email = format!("{}@example.com", unique());
    let password = "a-long-password";
    let body = json!({"email": email, "password": password});
    let made = key.post(&format!("{AUTH}/sign-up"), body).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    if let Some(ask) = ask {
        let (body, client) = if template == "change_email_old" {
            let new = format!("{}@example.com", unique());
            let mut user = key.clone();
            user.token = made.body["access_token"].as_str().unwrap().to_owned();
            (
                json!({"new_email": new, "current_password": password}),
                user,
            )
        } else {
            (json!({ "email": email }), key.clone())
        };
        let asked = client.post(&format!("{AUTH}{ask}"), body).await;
        assert_eq!(asked.status, 202, "{:?}", asked.body);
        let challenge = asked.body["challenge_id"].as_str().unwrap_or_default();
        samples.path.insert("challenge", challenge.to_owned());
    }
    let mail = caught(key, template, &email).await;
    samples
        .path
        .insert("mail", mail["id"].as_str().unwrap().to_owned());
    samples.path.insert("secret", secret(&mail));
}

/// Begins what a link goes on with: a sign-up that waits, or an invitation.
async fn begin(samples: &mut Samples, key: &Client, operation: &str) {
    let email = format!("{}@example.com", unique());
    let settings = "/p/shop/v1/settings";
    let template = if operation == "accept_invitation" {
        let body = json!({ "email": email });
        let made = key.post("/p/shop/v1/users/invite", body).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        "invite"
    } else {
        key.patch(settings, json!({"confirm_email": true})).await;
        let mut stranger = key.clone();
        stranger.token = String::new();
        let body = json!({"email": email, "password": "a-long-password"});
        let made = stranger.post(&format!("{AUTH}/sign-up"), body).await;
        assert_eq!(made.status, 202, "{:?}", made.body);
        "verify"
    };
    let mail = caught(key, template, &email).await;
    let changed = key.patch(settings, json!({"confirm_email": false})).await;
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    samples.path.insert("secret", secret(&mail));
}

/// The mail once it is in the inbox.
pub async fn caught(key: &Client, template: &str, to: &str) -> Value {
    for _ in 0..200 {
        let all = key.get("/p/shop/v1/mails?status=caught&limit=100").await;
        let items = all.body["items"].as_array().unwrap();
        if let Some(found) = items
            .iter()
            .find(|m| m["recipient"] == to && m["template"] == template)
        {
            let id = found["id"].as_str().unwrap();
            return key.get(&format!("/p/shop/v1/mails/{id}")).await.body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no {template} to {to}");
}

/// The code of a mail, or the secret of its link.
fn secret(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    match text.split_once("token=") {
        Some((_, rest)) => rest.split_whitespace().next().unwrap().to_owned(),
        None => mail["subject"].as_str().unwrap()[..6].to_owned(),
    }
}
