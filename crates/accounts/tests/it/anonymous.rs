//! Users without an identity: they keep what they have when they get one, nobody makes too many, and those whom nobody
//! comes back to are erased.

use crate::directory::user;
use crate::kit::{Kit, PASSWORD, Reply, on_both};
use accounts::rows::session;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;
use std::time::Duration;

const ADA: &str = "ada@example.com";
const DAY: Duration = Duration::from_secs(86_400);

impl Kit {
    pub fn allow_anonymous(&self) {
        self.settings(|s| {
            s.sign_in.anonymous = true;
            s.sign_in.email_code = true;
        });
    }

    pub async fn anonymous(&self) -> Reply {
        self.post("/v1/auth/sign-in/anonymous", json!({})).await
    }

    async fn promote(&self, token: &str, email: &str) -> Reply {
        let body = json!({"email": email, "password": PASSWORD});
        self.post_as(token, "/v1/auth/promote", Some(body)).await
    }

    async fn users(&self) -> u64 {
        let all = user::Entity::find();
        all.count(&self.project.db).await.unwrap()
    }
}

fn not_anonymous() -> (u16, String) {
    (409, "not_anonymous".to_owned())
}

#[actix_web::test]
async fn who_was_nobody_becomes_somebody_with_the_same_id() {
    on_both(async |kit| {
        assert_eq!(
            kit.anonymous().await.fails(),
            (403, "method_disabled".to_owned())
        );
        kit.allow_anonymous();
        kit.settings(|s| s.sign_up = gate::SignUp::Closed);
        assert_eq!(
            kit.anonymous().await.fails(),
            (403, "sign_up_closed".to_owned())
        );
        kit.settings(|s| s.sign_up = gate::SignUp::Open);
        let body = json!({"name": "Guest", "device": "Kiosk"});
        let made = kit
            .post("/v1/auth/sign-in/anonymous", body)
            .await
            .expect(201);
        let token = made.text("access_token");
        let id = made.json()["user"]["id"].clone();
        assert_eq!(made.json()["user"]["name"], "Guest");
        assert!(kit.auth(&token).await.anonymous);
        let odd = json!({"admin": true});
        assert_eq!(
            kit.post("/v1/auth/sign-in/anonymous", odd).await.status,
            400
        );
        let none = json!({ "password": PASSWORD });
        assert_eq!(
            kit.post_as(&token, "/v1/auth/promote", Some(none))
                .await
                .status,
            422
        );
        kit.sign_up("taken@example.com").await.expect(201);
        let taken = kit.promote(&token, "taken@example.com").await;
        assert_eq!(taken.fails(), (409, "identity_taken".to_owned()));
        assert!(kit.auth(&token).await.anonymous);
        kit.promote(&token, ADA).await.expect(204);
        let auth = kit.auth(&token).await;
        assert!(!auth.anonymous && auth.email.as_deref() == Some(ADA));
        let signed_in = kit.sign_in(ADA, PASSWORD).await.expect(200);
        assert_eq!(signed_in.json()["user"]["id"], id);
        kit.refresh(&made.text("refresh_token")).await.expect(200);
        assert_eq!(
            kit.promote(&token, "b@example.com").await.fails(),
            not_anonymous()
        );
        let other = kit
            .sign_in("taken@example.com", PASSWORD)
            .await
            .text("access_token");
        assert_eq!(
            kit.promote(&other, "c@example.com").await.fails(),
            not_anonymous()
        );
        kit.mail("verify", ADA).await;
    })
    .await;
}

#[actix_web::test]
async fn a_code_proves_the_address_of_who_was_nobody() {
    on_both(async |kit| {
        kit.allow_anonymous();
        let made = kit.anonymous().await.expect(201);
        let token = made.text("access_token");
        let ask = async |token: &str, email: &str| {
            let body = json!({ "email": email });
            let path = "/v1/auth/promote/code/request";
            let reply = kit.post_as(token, path, Some(body)).await;
            reply.expect(202).text("challenge_id")
        };
        let answer = async |token: &str, challenge: &str, code: &str| {
            let body = json!({"challenge_id": challenge, "code": code});
            kit.post_as(token, "/v1/auth/promote/code", Some(body))
                .await
        };
        let bad = (400, "invalid_token".to_owned());
        let challenge = ask(&token, ADA).await;
        // Not before it is made: nothing answers it.
        assert_eq!(answer(&token, &challenge, "").await.status, 422);
        assert_eq!(answer(&token, &challenge, "000000").await.fails(), bad);
        let mail = kit.mail("code", ADA).await;
        let code = mail["subject"].as_str().unwrap()[..6].to_owned();
        // It is for who asked, and lets nobody in.
        let other = kit.anonymous().await.text("access_token");
        assert_eq!(answer(&other, &challenge, &code).await.fails(), bad);
        let body = json!({"challenge_id": challenge, "code": code});
        assert_eq!(kit.post("/v1/auth/sign-in/code", body).await.fails(), bad);
        let all = (0..50).map(|_| answer(&token, &challenge, &code));
        let replies = futures_util::future::join_all(all).await;
        let done = replies.iter().filter(|r| r.status == 204).count();
        // Guesses are counted beforehand, so that some find it used up and some have no guess.
        assert_eq!(done, 1);
        let found = kit.found(ADA).await;
        assert!(found.verified && !found.anonymous);
        assert_eq!(made.json()["user"]["id"], found.id.to_string());
        // Nobody learns who has an address.
        let challenge = ask(&other, ADA).await;
        kit.tick().await;
        assert_eq!(kit.mails().await[0]["template"], "account_exists");
        assert_eq!(answer(&other, &challenge, "123456").await.fails(), bad);
    })
    .await;
}

#[actix_web::test]
async fn of_fifty_promotions_one_wins() {
    on_both(async |kit| {
        kit.allow_anonymous();
        let token = kit.anonymous().await.text("access_token");
        let emails: Vec<String> = (0..50).map(|i| format!("ada{i}@example.com")).collect();
        let all = emails.iter().map(|email| kit.promote(&token, email));
        let replies = futures_util::future::join_all(all).await;
        let won: Vec<usize> = (0..50).filter(|i| replies[*i].status == 204).collect();
        let lost = replies
            .iter()
            .filter(|r| r.fails() == not_anonymous())
            .count();
        assert_eq!((won.len(), lost), (1, 49));
        kit.sign_in(&emails[won[0]], PASSWORD).await.expect(200);
        assert_eq!(kit.users().await, 1);
    })
    .await;
}

#[actix_web::test]
async fn one_network_makes_so_many_in_an_hour() {
    on_both(async |kit| {
        kit.allow_anonymous();
        kit.settings(|s| s.anonymous.per_network_hour = 3);
        let replies = futures_util::future::join_all((0..50).map(|_| kit.anonymous())).await;
        let made = replies.iter().filter(|r| r.status == 201).count();
        let refused = replies
            .iter()
            .filter(|r| r.fails().1 == "rate_limited")
            .count();
        assert_eq!((made, refused, kit.users().await), (3, 47, 3));
        kit.pass(Duration::from_secs(3_600));
        kit.anonymous().await.expect(201);
    })
    .await;
}

#[actix_web::test]
async fn those_whom_nobody_comes_back_to_are_erased() {
    on_both(async |kit| {
        kit.allow_anonymous();
        let gone = kit.anonymous().await.expect(201);
        let back = kit.anonymous().await.expect(201);
        let promoted = kit.anonymous().await.expect(201);
        kit.promote(&promoted.text("access_token"), ADA)
            .await
            .expect(204);
        kit.sign_up("bob@example.com").await.expect(201);
        kit.pass(DAY * 8);
        let back = kit.refresh(&back.text("refresh_token")).await.expect(200);
        kit.pass(DAY * 3);
        kit.tick().await;
        assert_eq!(kit.users().await, 4);
        kit.settings(|s| s.anonymous.erased_after_days = 10);
        kit.pass(Duration::from_secs(3_600));
        kit.tick().await;
        assert_eq!(kit.users().await, 3);
        let id = |reply: &Reply| reply.json()["user"]["id"].as_str().unwrap().to_owned();
        let left = user::Entity::find().all(&kit.project.db).await.unwrap();
        assert!(left.iter().all(|user| user.id.to_string() != id(&gone)));
        let rows = session::Entity::find().all(&kit.project.db).await.unwrap();
        assert!(rows.iter().all(|row| row.user_id.to_string() != id(&gone)));
        assert_eq!(kit.refresh(&gone.text("refresh_token")).await.status, 401);
        kit.refresh(&back.text("refresh_token")).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn who_becomes_somebody_is_judged_as_one_who_signs_up() {
    on_both(async |kit| {
        kit.allow_anonymous();
        let token = kit.anonymous().await.expect(201).text("access_token");
        kit.settings(|s| {
            s.email_domains.block = vec!["evil.example".to_owned()];
            s.passwords.length_min = 20;
        });
        let refused = (403, "email_domain_refused".to_owned());
        let promote = async |email: &str, password: &str| {
            let body = json!({"email": email, "password": password});
            kit.post_as(&token, "/v1/auth/promote", Some(body)).await
        };
        let long = "a horse and a battery";
        assert_eq!(promote("x@evil.example", long).await.fails(), refused);
        let short = promote(ADA, PASSWORD).await;
        assert_eq!(short.fails(), (422, "validation_failed".to_owned()));
        let body = json!({"email": "x@evil.example"});
        let asked = kit.post_as(&token, "/v1/auth/promote/code/request", Some(body));
        assert_eq!(asked.await.fails(), refused);
        kit.settings(|s| s.sign_up = gate::SignUp::InviteOnly);
        let uninvited = (403, "invitation_required".to_owned());
        assert_eq!(promote(ADA, long).await.fails(), uninvited);
        assert!(kit.auth(&token).await.anonymous);
        kit.settings(|s| s.sign_up = gate::SignUp::Open);
        assert!(promote(ADA, long).await.status.is_success());
        assert!(!kit.auth(&token).await.anonymous);
    })
    .await;
}
