//! What the contract test needs of users and teams: somebody to act on, made afresh for each operation.

use super::document::Operation;
use super::samples::Samples;
use crate::kit::{Client, unique};
use serde_json::{Value, json};

const SHOP: &str = "/p/shop/v1";
/// The password of who erases itself.
const PASSWORD: &str = "a-long-password";

/// The bodies of the operations on users and teams.
pub fn body(samples: &Samples, operation: &str) -> Option<Value> {
    let email = || format!("{}@example.com", unique());
    Some(match operation {
        "create_user_account" => {
            json!({"email": email(), "verified": true, "roles": ["editor"], "claims": {"plan": "pro"}})
        }
        "update_user_account" => json!({"disabled": false, "roles": ["viewer"]}),
        "invite_user" => json!({"email": email(), "roles": ["editor"]}),
        "import_users" => json!([{
            "email": email(),
            "password_hash": "$2b$04$KKfLECbTbVQ1MTOcOgGQ8OHDsR649qjGU4ilayPefYbfG5aae10K6"
        }]),
        "impersonate_user" => json!({"reason": "a ticket"}),
        "erase_me" => json!({"current_password": PASSWORD}),
        "create_team" => json!({"name": "Engines", "owner": samples.path["user"]}),
        "update_team" => json!({"name": "Wheels"}),
        "transfer_team" => json!({"user_id": samples.path["user"]}),
        "put_team_member" => json!({"role": "admin"}),
        "invite_to_team" => json!({"email": email(), "role": "member"}),
        _ => return None,
    })
}

/// Sets whom the operation is about.
pub async fn set(samples: &mut Samples, key: &Client, operation: &Operation) {
    let path = &operation.path;
    if path.starts_with("/v1/users/{id}") || path.ends_with("/members/{user}") {
        let body = json!({"email": format!("{}@example.com", unique())});
        let made = key.post(&format!("{SHOP}/users"), body).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        samples.path.insert("person", made.id());
    }
    let is_team = path.starts_with("/v1/teams/{id}");
    let joins = path.starts_with("/v1/team-invitations/{id}");
    if !is_team && !joins {
        return;
    }
    let owner = if joins { "person" } else { "user" };
    if joins {
        let body = json!({"email": format!("{}@example.com", unique())});
        let made = key.post(&format!("{SHOP}/users"), body).await;
        samples.path.insert("person", made.id());
        let me = format!("{SHOP}/users/{}", samples.path["user"]);
        let verified = key.patch(&me, json!({"verified": true})).await;
        assert_eq!(verified.status, 200, "{:?}", verified.body);
    }
    let body = json!({"name": "Engines", "owner": samples.path[owner]});
    let team = key.post(&format!("{SHOP}/teams"), body).await;
    assert_eq!(team.status, 201, "{:?}", team.body);
    let team = team.id();
    if path.ends_with("/members/{user}") {
        let member = format!("{SHOP}/teams/{team}/members/{}", samples.path["person"]);
        let request = key.request("PUT", &member).json(&json!({"role": "member"}));
        let put = key.send(request).await;
        assert_eq!(put.status, 200, "{:?}", put.body);
    }
    if joins || path.ends_with("{invitation}") {
        let body = json!({"email": "u@example.com", "role": "member"});
        let asked = key
            .post(&format!("{SHOP}/teams/{team}/invitations"), body)
            .await;
        assert_eq!(asked.status, 201, "{:?}", asked.body);
        samples.path.insert("invitation", asked.id());
    }
    samples.path.insert("team", team);
}

/// Somebody who has just signed up, and may erase itself.
pub async fn fresh(key: &Client) -> Client {
    let body = json!({"email": format!("{}@example.com", unique()), "password": PASSWORD});
    let made = key.post(&format!("{SHOP}/auth/sign-up"), body).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let mut user = key.clone();
    user.token = made.body["access_token"].as_str().unwrap().to_owned();
    user
}
