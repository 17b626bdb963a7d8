//! What the contract test needs of social sign-in: codes of a real provider, and an identity that is linked.

use super::document::Operation;
use super::samples::Samples;
use crate::kit::{Client, Server};
use crate::social::{NATIVE, Provider, VERIFIER, native_code};
use serde_json::{Value, json};

const SIGN_IN: &str = "/p/shop/v1/auth/sign-in";

/// The bodies of the operations that sign in elsewhere.
pub fn body(samples: &Samples, operation: &str) -> Option<Value> {
    Some(match operation {
        "sign_in_social" | "link_identity" => code(&samples.path["social_code"]),
        "rotate_signing_keys" => json!({"at_once": true}),
        _ => return None,
    })
}

fn code(code: &str) -> Value {
    json!({"provider": "own", "code": code, "code_verifier": VERIFIER, "redirect_uri": NATIVE, "client_id": "native"})
}

/// The path of an operation that is about an identity.
pub fn path(samples: &Samples, operation: &Operation, path: String) -> String {
    match operation.id.as_str() {
        "get_identity_token" => path.replace("{id}", &samples.path["social_user"]),
        "unlink_identity" => path.replace("{id}", &samples.path["identity"]),
        _ => path,
    }
    .replace("{provider}", "own")
}

/// Has the project sign in at the provider.
pub async fn settle(server: &Server, provider: &Provider, samples: &mut Samples) {
    let key = server.as_(&server.key("shop", &["*"]));
    let changed = key.patch("/p/shop/v1/settings", provider.settings()).await;
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    samples.path.insert("issuer", provider.issuer.clone());
    for name in ["social_code", "social_user", "identity"] {
        samples
            .path
            .insert(name, "01990000-0000-7000-8000-00000000dead".to_owned());
    }
}

/// Sets what the operation is about: a code of a new person, or what a new person has.
pub async fn set(samples: &mut Samples, key: &Client, operation: &Operation) {
    let code_of = async || native_code(&samples.path["issuer"]).await;
    match operation.id.as_str() {
        "sign_in_social" | "link_identity" => {
            let code = code_of().await;
            samples.path.insert("social_code", code);
        }
        "get_identity_token" => {
            let form = code(&code_of().await);
            let signed = key.post(&format!("{SIGN_IN}/social"), form).await;
            assert_eq!(signed.status, 200, "{:?}", signed.body);
            let id = signed.body["user"]["id"].as_str().unwrap().to_owned();
            samples.path.insert("social_user", id);
        }
        "unlink_identity" => {
            let form = code(&code_of().await);
            let user = sign_in(key).await;
            let linked = user.post("/p/shop/v1/users/me/identities", form).await;
            assert_eq!(linked.status, 200, "{:?}", linked.body);
            samples.path.insert("identity", linked.id());
        }
        _ => {}
    }
}

/// Whether it is for keys, although it lies among what users do.
pub fn is_for_keys(operation: &Operation) -> bool {
    ["get_identity_token", "rotate_signing_keys"].contains(&operation.id.as_str())
}

/// Whether it asks for a credential that was shown just now.
pub fn is_recent(operation: &Operation) -> bool {
    ["link_identity", "unlink_identity"].contains(&operation.id.as_str())
}

/// The user, signed in just now.
pub async fn again(server: &Server) -> Client {
    sign_in(&server.as_("")).await
}

async fn sign_in(client: &Client) -> Client {
    // A user of its own: the others' one has a second factor by now.
    let mut body = json!({"email": "linked@example.com", "password": "a-long-password"});
    client.post("/p/shop/v1/auth/sign-up", body.clone()).await;
    body = json!({"identity": body["email"], "password": body["password"]});
    let signed = client.post(&format!("{SIGN_IN}/password"), body).await;
    assert_eq!(signed.status, 200, "{:?}", signed.body);
    let mut signed_in = client.clone();
    signed_in.token = signed.body["access_token"].as_str().unwrap().to_owned();
    signed_in
}
