//! Tickets of a project's own identity system: for whom a server key says, good once, for a minute.

use crate::directory::user;
use crate::kit::{Kit, Reply, on_both};
use actix_web::http::Method;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use std::time::Duration;

const ADA: &str = "ada@example.com";

impl Kit {
    async fn mint(&self, body: Value) -> Reply {
        let path = "/v1/auth/custom-token";
        self.key(Method::POST, path, &["auth.mint"], Some(body))
            .await
    }

    async fn use_ticket(&self, token: &str) -> Reply {
        self.post("/v1/auth/sign-in/custom", json!({ "token": token }))
            .await
    }
}

fn bad_token() -> (u16, String) {
    (400, "invalid_token".to_owned())
}

#[actix_web::test]
async fn a_ticket_lets_one_in_once_for_a_minute() {
    on_both(async |kit| {
        let id = kit.sign_up(ADA).await.json()["user"]["id"].clone();
        let body = json!({"user_id": id, "device": "Till 4", "claims": {"shop": 7}});
        let ticket = kit.mint(body.clone()).await.expect(201);
        assert_eq!(
            (&ticket.json()["user_id"], &ticket.json()["created"]),
            (&id, &json!(false))
        );
        let ticket = ticket.text("token");
        let replies =
            futures_util::future::join_all((0..50).map(|_| kit.use_ticket(&ticket))).await;
        let won: Vec<&Reply> = replies.iter().filter(|r| r.status == 200).collect();
        let lost = replies.iter().filter(|r| r.fails() == bad_token()).count();
        assert_eq!((won.len(), lost), (1, 49));
        let token = won[0].text("access_token");
        assert_eq!(kit.auth(&token).await.claims["shop"], 7);
        let sessions = kit.call(Method::GET, "/v1/auth/sessions", Some(&token), None);
        assert_eq!(sessions.await.json()["items"][0]["device"], "Till 4");
        // Two tickets of one user do not end each other; each has its time.
        let (first, second) = (kit.mint(body.clone()).await, kit.mint(body).await);
        kit.pass(Duration::from_secs(59));
        kit.use_ticket(&first.text("token")).await.expect(200);
        kit.pass(Duration::from_secs(1));
        assert_eq!(
            kit.use_ticket(&second.text("token")).await.fails(),
            bad_token()
        );
    })
    .await;
}

#[actix_web::test]
async fn a_name_elsewhere_means_one_user_here() {
    on_both(async |kit| {
        let body = json!({"external_id": "crm|42"});
        let all = futures_util::future::join_all((0..50).map(|_| kit.mint(body.clone()))).await;
        let made = all.iter().filter(|r| r.json()["created"] == true).count();
        let ids: std::collections::HashSet<String> =
            all.iter().map(|r| r.text("user_id")).collect();
        let users = user::Entity::find().count(&kit.project.db).await.unwrap();
        assert_eq!((made, ids.len(), users), (1, 1, 1));
        let other = kit.mint(json!({"external_id": "crm|43"})).await.expect(201);
        assert!(!ids.contains(&other.text("user_id")));
        let signed_in = kit.use_ticket(&all[7].text("token")).await.expect(200);
        assert!(ids.contains(signed_in.json()["user"]["id"].as_str().unwrap()));
        assert!(!kit.auth(&signed_in.text("access_token")).await.anonymous);
    })
    .await;
}

#[actix_web::test]
async fn tickets_are_for_server_keys_and_for_users_who_may_sign_in() {
    on_both(async |kit| {
        let made = kit.sign_up(ADA).await.expect(201);
        let body = json!({"user_id": made.json()["user"]["id"]});
        let path = "/v1/auth/custom-token";
        let user = kit
            .post_as(&made.text("access_token"), path, Some(body.clone()))
            .await;
        assert_eq!(user.status, 403);
        assert_eq!(kit.post(path, body.clone()).await.status, 401);
        let other = kit.key(
            Method::POST,
            path,
            &["records.*", "auth.use"],
            Some(body.clone()),
        );
        assert_eq!(other.await.status, 403);
        let early = kit.mint(body.clone()).await.text("token");
        kit.set_disabled(ADA, true).await;
        assert_eq!(
            kit.mint(body.clone()).await.fails(),
            (409, "user_disabled".to_owned())
        );
        assert_eq!(kit.use_ticket(&early).await.fails(), bad_token());
        kit.set_disabled(ADA, false).await;
        // A ticket is good for this alone, and the secrets of mails are not good for it.
        let ticket = kit.mint(body).await.text("token");
        kit.settings(|s| {
            s.sign_in.magic_link = true;
            s.brand.app_url = "https://app.example".to_owned();
        });
        let link = kit
            .post("/v1/auth/sign-in/link", json!({ "token": ticket }))
            .await;
        assert_eq!(link.fails(), bad_token());
        kit.post("/v1/auth/password-reset", json!({ "email": ADA }))
            .await
            .expect(202);
        let reset = kit.token("reset", ADA).await;
        assert_eq!(kit.use_ticket(&reset).await.fails(), bad_token());
        let nobody = json!({"user_id": "018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b"});
        assert_eq!(
            kit.mint(nobody).await.fails(),
            (404, "user_not_found".to_owned())
        );
        let big = json!({"external_id": "x", "claims": {"a": "x".repeat(2_100)}});
        for bad in [
            json!({}),
            json!({"user_id": "x"}),
            json!({"user_id": made.json()["user"]["id"], "external_id": "x"}),
            json!({"external_id": "a\nb"}),
            json!({"external_id": "x", "claims": [1]}),
            json!({"external_id": "x", "device": "x".repeat(101)}),
            big,
        ] {
            assert_eq!(kit.mint(bad.clone()).await.status, 422, "{bad}");
        }
    })
    .await;
}

#[actix_web::test]
async fn what_a_ticket_hands_on_waits_for_the_second_factor() {
    on_both(async |kit| {
        kit.project.set_for_tests(crate::hand::settings());
        let token = kit.newcomer(ADA).await;
        let (uri, _) = kit.app(&token).await;
        let id = kit.found(ADA).await.id;
        let body = json!({"user_id": id, "device": "Till 4", "claims": {"shop": 7}});
        for (named, called) in [(None, "Till 4"), (Some("My till"), "My till")] {
            kit.pass(Duration::from_secs(60));
            let ticket = kit.mint(body.clone()).await.expect(201).text("token");
            let due = kit.use_ticket(&ticket).await.expect(200).text("mfa_token");
            let code = crate::hand::code(&kit, &uri, 0);
            let mut body = json!({"mfa_token": due, "totp_code": code});
            if let Some(name) = named {
                body["device"] = json!(name);
            }
            let done = kit.post("/v1/auth/sign-in/factor", body).await.expect(200);
            let token = done.text("access_token");
            let auth = kit.auth(&token).await;
            assert_eq!((&auth.claims["shop"], auth.level), (&json!(7), 2));
            let sessions = kit.get_as(&token, "/v1/auth/sessions").await.json();
            assert_eq!(sessions["items"][0]["device"], called);
        }
    })
    .await;
}
