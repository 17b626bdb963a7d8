//! Invitations that an app accepts, passwords that keys set, makings that are safe to send again, what one takes away of
//! oneself, and that nobody takes the last way in.

use crate::hand::{ADA, claims, settings};
use crate::kit::{Kit, PASSWORD, Reply, on_both};
use crate::provider::{Provider, Trip, ada};
use accounts::rows::sign_ups;
use actix_web::http::Method;
use futures_util::future::join_all;
use gate::SecondFactorPolicy;
use gate::Who;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const WRITE: &[&str] = &["users.read", "users.write"];

impl Kit {
    async fn as_key(&self, path: &str, body: Value, once: &str) -> Reply {
        let who = Who::Key {
            id: Uuid::from_u128(1),
            scopes: WRITE
                .iter()
                .map(|s| (*s).to_owned())
                .collect::<Arc<[String]>>(),
        };
        let headers = [("idempotency-key", once)];
        self.call_as(Method::POST, path, Ok(who), Some(body), &headers)
            .await
    }

    async fn invited(&self, email: &str) -> String {
        let body = json!({ "email": email });
        let made = self.key(Method::POST, "/v1/users/invite", WRITE, Some(body));
        made.await.expect(201);
        self.token("invite", email).await
    }

    async fn accept(&self, token: &str, password: &str) -> Reply {
        let body = json!({"token": token, "password": password, "device": "My phone"});
        self.post("/v1/auth/invitation/accept", body).await
    }

    fn know_all(&self) {
        let all = ["email", "username", "phone"].map(str::to_owned);
        self.settings(|s| s.sign_in.identities = all.to_vec());
    }

    async fn rename(&self, token: &str, name: Value) -> Reply {
        let body = json!({ "username": name });
        self.post_as(token, "/v1/auth/username", Some(body)).await
    }
}

fn last_way_in() -> (u16, String) {
    (409, "last_way_in".to_owned())
}

fn paths(reply: &Reply) -> Vec<String> {
    let all = reply.json()["errors"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let path = |fault: &Value| fault["path"].as_str().unwrap().to_owned();
    all.iter().map(path).collect()
}

#[actix_web::test]
async fn an_app_accepts_an_invitation_and_is_signed_in_once() {
    on_both(async |kit| {
        let token = kit.invited(ADA).await;
        let weak = kit.accept(&token, "password1").await;
        assert_eq!(
            (weak.status.as_u16(), paths(&weak)),
            (422, vec!["/password".to_owned()])
        );
        assert_eq!(
            kit.accept("gt_no", PASSWORD).await.fails().1,
            "invalid_token"
        );
        let replies = join_all((0..20).map(|_| kit.accept(&token, PASSWORD))).await;
        let won: Vec<&Reply> = replies.iter().filter(|r| r.status == 200).collect();
        assert_eq!(won.len(), 1, "{replies:?}");
        let access = won[0].text("access_token");
        let said = claims(&access);
        assert_eq!(
            (&said["amr"], &said["aal"]),
            (&json!(["invitation"]), &json!(1))
        );
        let sessions = kit.get_as(&access, "/v1/auth/sessions").await.json();
        assert_eq!(sessions["items"][0]["device"], "My phone");
        assert!(kit.is_verified(ADA).await);
        kit.sign_in(ADA, PASSWORD).await.expect(200);
        assert_eq!(
            kit.accept(&token, PASSWORD).await.fails().1,
            "invalid_token"
        );
    })
    .await;
}

#[actix_web::test]
async fn who_is_invited_shows_a_second_factor_where_one_is_required() {
    on_both(async |kit| {
        kit.settings(|s| s.second_factor.policy = SecondFactorPolicy::Required);
        let token = kit.invited(ADA).await;
        let due = kit.accept(&token, PASSWORD).await.expect(200).json();
        assert!(
            due["mfa_token"].is_string() && due["enrol"] == true,
            "{due}"
        );
        assert!(due.get("access_token").is_none());
    })
    .await;
}

#[actix_web::test]
async fn a_password_that_a_key_sets_is_judged_as_any_other() {
    on_both(async |kit| {
        kit.settings(|s| s.passwords.length_min = 12);
        let make = async |password: &str| {
            let body = json!({"email": "lovelace@example.com", "password": password});
            kit.key(Method::POST, "/v1/users", WRITE, Some(body)).await
        };
        for weak in ["eleven-char", "lovelace@example.com", "123456789012"] {
            let refused = make(weak).await;
            assert_eq!(refused.status, 422, "{weak}");
            assert_eq!(paths(&refused)[0], "/password", "{weak}");
        }
        let id = make("a long enough one").await.expect(201).text("id");
        let path = format!("/v1/users/{id}");
        let change = async |body: Value| kit.key(Method::PATCH, &path, WRITE, Some(body)).await;
        let refused = change(json!({"password": "eleven-char", "verified": true})).await;
        assert_eq!(
            (refused.status.as_u16(), paths(&refused)),
            (422, vec!["/password".to_owned()])
        );
        assert!(!kit.is_verified("lovelace@example.com").await);
        // It is judged beside the name that it is set with.
        let refused =
            change(json!({"email": "grace-hopper@example.com", "password": "grace-hopper1"})).await;
        assert_eq!(refused.json()["errors"][0]["code"], "holds_identity");
        change(json!({"password": "another long one"}))
            .await
            .expect(200);
        kit.sign_in("lovelace@example.com", "another long one")
            .await
            .expect(200);
    })
    .await;
}

#[actix_web::test]
async fn what_makes_users_is_safe_to_send_again() {
    on_both(async |kit| {
        let body = json!({"email": ADA, "password": PASSWORD});
        let once = "make-ada-0123456789";
        let all = join_all((0..10).map(|_| kit.as_key("/v1/users", body.clone(), once))).await;
        for reply in all {
            assert_eq!(reply.status, 201, "{reply:?}");
        }
        let first = kit.as_key("/v1/users", body.clone(), once).await.json();
        assert_eq!(first["email"], ADA);
        assert_eq!(kit.audit("user.create").await.len(), 1);
        let other = json!({"email": ADA, "password": "another password"});
        let mismatch = kit.as_key("/v1/users", other, once).await;
        assert_eq!(mismatch.fails().1, "idempotency_mismatch");
        let plain = kit.key(Method::POST, "/v1/users", WRITE, Some(body)).await;
        assert_eq!(plain.fails(), (409, "identity_taken".to_owned()));
        let (body, once) = (json!({"email": "bob@example.com"}), "invite-bob-0123456789");
        let one = kit
            .as_key("/v1/users/invite", body.clone(), once)
            .await
            .expect(201);
        let two = kit.as_key("/v1/users/invite", body, once).await.expect(201);
        assert_eq!(one.json(), two.json());
        let invites = kit.mails().await;
        let invites = invites.iter().filter(|m| m["template"] == "invite");
        assert_eq!(invites.count(), 1);
    })
    .await;
}

#[actix_web::test]
async fn one_takes_all_away_that_is_kept_and_no_secret() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let mut with = settings();
        let joined = kit.project.settings();
        with.social = joined.social.clone();
        kit.project.set_for_tests(with);
        provider.is(ada()).await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let body = json!({"ticket": trip.ticket(&kit).await, "code_verifier": trip.verifier});
        let signed_in = kit.post("/v1/auth/sign-in/social", body).await;
        let token = signed_in.json()["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        kit.passkey(&token).await;
        let (uri, codes) = kit.app(&token).await;
        let all = kit.get_as(&token, "/v1/users/me/export").await.expect(200);
        let text = String::from_utf8(all.bytes.clone()).unwrap();
        let all = all.json();
        let linked = &all["identities"][0];
        assert_eq!(linked["subject"], ada()["sub"]);
        assert!(linked["linked_at"].is_string() && linked["provider"].is_string());
        assert_eq!(all["passkeys"][0]["name"], "phone");
        assert!(all["passkeys"][0]["created_at"].is_string());
        assert_eq!(all["factors"][0]["kind"], "totp");
        assert_eq!(
            all["factors"][1],
            json!({"kind": "recovery_codes", "left": 10})
        );
        assert!(all["sessions"][0].get("device").is_some() && all["teams"].is_array());
        let secret = uri
            .split_once("secret=")
            .unwrap()
            .1
            .split('&')
            .next()
            .unwrap();
        for hidden in [secret, &codes[0], "tokens", "public_key", "password_hash"] {
            assert!(!text.contains(hidden), "{hidden}");
        }
    })
    .await;
}

#[actix_web::test]
async fn a_name_and_a_number_go_where_something_else_lets_in() {
    on_both(async |kit| {
        kit.know_all();
        let body = json!({"username": "ada", "password": PASSWORD});
        let only = kit.post("/v1/auth/sign-up", body).await.expect(201);
        let (access, id) = (only.text("access_token"), only.json()["user"]["id"].clone());
        // A password without anything to type beside it lets nobody in.
        assert_eq!(
            kit.rename(&access, Value::Null).await.fails(),
            last_way_in()
        );
        let path = format!("/v1/users/{}", id.as_str().unwrap());
        let change = async |body: Value| kit.key(Method::PATCH, &path, WRITE, Some(body)).await;
        assert_eq!(
            change(json!({"username": null})).await.fails(),
            last_way_in()
        );
        kit.sign_in("ada", PASSWORD).await.expect(200);
        change(json!({"phone": "+4915112345678"})).await.expect(200);
        kit.rename(&access, Value::Null).await.expect(204);
        assert_eq!(kit.sign_in("ada", PASSWORD).await.status, 401);
        assert_eq!(
            kit.delete_as(&access, "/v1/auth/phone").await.fails(),
            last_way_in()
        );
        kit.rename(&access, json!("ada2")).await.expect(204);
        kit.delete_as(&access, "/v1/auth/phone").await.expect(204);
        assert_eq!(kit.me(&access).await.json()["phone"], Value::Null);
        kit.sign_in("ada2", PASSWORD).await.expect(200);
        change(json!({"email": ADA, "username": null}))
            .await
            .expect(200);
        kit.sign_in(ADA, PASSWORD).await.expect(200);
        // It is as dear as any other change of how one signs in.
        kit.rename(&access, json!("ada3")).await.expect(204);
        kit.pass(Duration::from_secs(301));
        for late in [
            kit.rename(&access, Value::Null).await,
            kit.delete_as(&access, "/v1/auth/phone").await,
        ] {
            assert_eq!(late.fails(), (403, "reauth_required".to_owned()));
        }
    })
    .await;
}

#[actix_web::test]
async fn who_proves_a_number_puts_out_factors_of_whoever_claimed_it() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        kit.allow_phone();
        let body =
            json!({"email": "eve@example.com", "phone": "+491701234567", "password": PASSWORD});
        let eve = kit.post("/v1/auth/sign-up", body).await.expect(201);
        let access = eve.text("access_token");
        let mut passkey = kit.passkey(&access).await;
        kit.app(&access).await;
        let asked = kit.ask_phone("+491701234567").await.expect(202);
        let sent = kit.phone_code("phone_code", "+491701234567").await;
        let own = kit.answer_phone(&asked.text("challenge_id"), &sent).await;
        let own = own.expect(200);
        let token = own.text("access_token");
        assert_eq!(kit.passkey_ids(&token).await, Vec::<String>::new());
        assert_eq!(kit.me(&access).await.status, 401);
        assert_ne!(kit.sign_in_passkey(&mut passkey).await.status, 200);
    })
    .await;
}

#[actix_web::test]
async fn nothing_is_left_of_a_sign_up_whose_person_is_erased() {
    on_both(async |kit| {
        let made = kit.sign_up(ADA).await.expect(201);
        kit.settings(|s| s.confirm_email = true);
        kit.sign_up(ADA).await.expect(202);
        let id = made.json()["user"]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/users/{id}");
        let verified = Some(json!({"verified": true}));
        kit.key(Method::PATCH, &path, WRITE, verified)
            .await
            .expect(200);
        kit.key(Method::DELETE, &path, WRITE, None)
            .await
            .expect(204);
        assert_eq!(kit.leftovers(&id).await, Vec::<&str>::new());
        let rows = async || sign_ups::Entity::find().count(&kit.project.db).await;
        assert_eq!(rows().await.unwrap(), 0);
        // To an address that somebody only wrote another one's sign-up may be on its way.
        kit.settings(|s| s.confirm_email = false);
        let made = kit.sign_up(ADA).await.expect(201);
        kit.settings(|s| s.confirm_email = true);
        kit.sign_up(ADA).await.expect(202);
        let access = made.text("access_token");
        let body = json!({"current_password": PASSWORD});
        kit.call(Method::DELETE, "/v1/users/me", Some(&access), Some(body))
            .await
            .expect(204);
        assert_eq!(rows().await.unwrap(), 1);
    })
    .await;
}
