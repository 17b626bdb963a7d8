//! Verifying an address and setting a new password: what is asked for tells nothing, and a secret is good once, for one
//! thing, while its user stands as it did.

use crate::kit::{Kit, PASSWORD, Reply, accounts_with, on_both};
use accounts::rows::{mails, tokens};
use accounts::{AccountsConfig, MailConfig};
use actix_web::http::Method;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use std::time::Duration;

const NEXT: &str = "battery staple";
const ADA: &str = "ada@example.com";

impl Kit {
    async fn ask_reset(&self, email: &str) -> Reply {
        let body = json!({ "email": email });
        self.post("/v1/auth/password-reset", body).await
    }

    async fn reset(&self, token: &str, password: &str) -> Reply {
        let body = json!({"token": token, "new_password": password});
        self.post("/v1/auth/password-reset/confirm", body).await
    }

    async fn reset_token(&self, email: &str) -> String {
        self.ask_reset(email).await.expect(202);
        self.token("reset", email).await
    }
}

fn bad_token() -> (u16, String) {
    (400, "invalid_token".to_owned())
}

#[actix_web::test]
async fn signing_up_sends_a_link_that_verifies_the_address_once() {
    on_both(async |kit| {
        let signed = kit.sign_up(ADA).await.expect(201);
        let token = kit.token("verify", ADA).await;
        let confirm = async || {
            let body = json!({ "token": token });
            kit.post("/v1/auth/verification/confirm", body).await
        };
        assert!(!kit.is_verified(ADA).await);
        confirm().await.expect(204);
        assert!(kit.is_verified(ADA).await);
        assert_eq!(confirm().await.fails(), bad_token());
        // The session that was there stays.
        kit.me(&signed.text("access_token")).await.expect(200);
        // Who is verified gets no other mail.
        let again = kit.post("/v1/auth/verification", json!({ "email": ADA }));
        again.await.expect(202);
        kit.tick().await;
        let last = &kit.mails().await[0];
        assert_eq!(last["reason"], "verified_already");
    })
    .await;
}

#[actix_web::test]
async fn a_reset_sets_the_password_ends_all_sessions_and_verifies() {
    on_both(async |kit| {
        let signed = kit.sign_up(ADA).await.expect(201);
        let token = kit.reset_token(ADA).await;
        kit.me(&signed.text("access_token")).await.expect(200);
        let reply = kit.reset(&token, NEXT).await.expect(204);
        assert!(reply.bytes.is_empty());
        assert_eq!(kit.me(&signed.text("access_token")).await.status, 401);
        assert_eq!(kit.refresh(&signed.text("refresh_token")).await.status, 401);
        assert_eq!(kit.sign_in(ADA, PASSWORD).await.status, 401);
        kit.sign_in(ADA, NEXT).await.expect(200);
        assert!(kit.is_verified(ADA).await);
    })
    .await;
}

#[actix_web::test]
async fn of_fifty_who_come_with_one_secret_one_sets_the_password() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let token = kit.reset_token(ADA).await;
        let passwords: Vec<String> = (0..50).map(|n| format!("battery staple {n}")).collect();
        let all = passwords.iter().map(|password| kit.reset(&token, password));
        let replies = futures_util::future::join_all(all).await;
        let won: Vec<usize> = (0..50).filter(|i| replies[*i].status == 204).collect();
        assert_eq!(won.len(), 1, "{won:?}");
        for (i, reply) in replies.iter().enumerate().filter(|(i, _)| *i != won[0]) {
            assert_eq!(reply.fails(), bad_token(), "{i}");
        }
        kit.sign_in(ADA, &passwords[won[0]]).await.expect(200);
        let other = (won[0] + 1) % 50;
        assert_eq!(kit.sign_in(ADA, &passwords[other]).await.status, 401);
    })
    .await;
}

#[actix_web::test]
async fn of_fifty_who_verify_with_one_secret_one_does() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let token = kit.token("verify", ADA).await;
        let one = || kit.post("/v1/auth/verification/confirm", json!({ "token": token }));
        let replies = futures_util::future::join_all((0..50).map(|_| one())).await;
        let done = replies.iter().filter(|r| r.status == 204).count();
        let refused = replies.iter().filter(|r| r.fails() == bad_token()).count();
        assert_eq!((done, refused), (1, 49));
    })
    .await;
}

#[actix_web::test]
async fn a_secret_is_no_good_after_its_time_a_newer_one_or_a_change() {
    on_both(async |kit| {
        let signed = kit.sign_up(ADA).await.expect(201);
        // After use.
        let used = kit.reset_token(ADA).await;
        kit.reset(&used, PASSWORD).await.expect(204);
        assert_eq!(kit.reset(&used, NEXT).await.fails(), bad_token());
        // After a newer one.
        let old = kit.reset_token(ADA).await;
        let new = kit.reset_token(ADA).await;
        assert_ne!(old, new);
        assert_eq!(kit.reset(&old, NEXT).await.fails(), bad_token());
        // After its time: to the last second it is good.
        kit.pass(Duration::from_secs(3_600));
        assert_eq!(kit.reset(&new, NEXT).await.fails(), bad_token());
        let late = kit.reset_token(ADA).await;
        kit.pass(Duration::from_secs(3_599));
        kit.reset(&late, PASSWORD).await.expect(204);
        // After the password was changed.
        let token = kit.reset_token(ADA).await;
        let access = kit.sign_in(ADA, PASSWORD).await.text("access_token");
        let change = json!({"current_password": PASSWORD, "new_password": NEXT});
        kit.post_as(&access, "/v1/auth/password", Some(change))
            .await
            .expect(204);
        assert_eq!(kit.reset(&token, PASSWORD).await.fails(), bad_token());
        // After the address was changed.
        let token = kit.reset_token(ADA).await;
        let verify = kit.reset_verify_token().await;
        kit.set_email(ADA, "other@example.com").await;
        assert_eq!(kit.reset(&token, PASSWORD).await.fails(), bad_token());
        let body = json!({ "token": verify });
        let verified = kit.post("/v1/auth/verification/confirm", body).await;
        assert_eq!(verified.fails(), bad_token());
        // After the account was disabled.
        let token = kit.reset_token("other@example.com").await;
        kit.set_disabled("other@example.com", true).await;
        assert_eq!(kit.reset(&token, PASSWORD).await.fails(), bad_token());
        assert_eq!(kit.me(&signed.text("access_token")).await.status, 401);
    })
    .await;
}

impl Kit {
    /// A link that verifies the address of somebody who is not verified.
    async fn reset_verify_token(&self) -> String {
        self.set_verified(ADA, false).await;
        let body = json!({ "email": ADA });
        self.post("/v1/auth/verification", body).await.expect(202);
        self.token("verify", ADA).await
    }
}

#[actix_web::test]
async fn a_secret_is_good_for_its_purpose_and_project_alone() {
    on_both(async |kit| {
        let signed = kit.sign_up(ADA).await.expect(201);
        let verify = kit.token("verify", ADA).await;
        let reset = kit.reset_token(ADA).await;
        let access = signed.text("access_token");
        let refresh = signed.text("refresh_token");
        for token in [&verify, &access, &refresh, &"x".to_owned()] {
            assert_eq!(kit.reset(token, NEXT).await.fails(), bad_token());
        }
        for path in ["verification", "email-change"] {
            let body = json!({ "token": reset });
            let reply = kit.post(&format!("/v1/auth/{path}/confirm"), body).await;
            assert_eq!(reply.fails(), bad_token(), "{path}");
        }
        // No secret of a mail is a bearer token or a refresh token.
        assert_eq!(kit.me(&reset).await.status, 401);
        assert_eq!(kit.refresh(&reset).await.status, 401);
        let other = kit.in_other_project().await;
        assert_eq!(other.reset(&reset, NEXT).await.fails(), bad_token());
        kit.reset(&reset, NEXT).await.expect(204);
    })
    .await;
}

#[actix_web::test]
async fn a_refused_password_uses_nothing_up() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let token = kit.reset_token(ADA).await;
        for bad in ["short", "ääää", &"x".repeat(513)] {
            assert_eq!(kit.reset(&token, bad).await.status, 422);
        }
        let unknown = json!({"token": token, "new_password": NEXT, "user_id": "x"});
        let reply = kit.post("/v1/auth/password-reset/confirm", unknown).await;
        assert_eq!(reply.status, 400);
        kit.reset(&token, NEXT).await.expect(204);
    })
    .await;
}

/// What tells one answer from another, but for its time.
/// An answer but for the id of a challenge, which is random.
fn shape(reply: &Reply) -> (u16, Vec<(String, String)>, Value) {
    let mut body = reply.json();
    if let Some(id) = body.get_mut("challenge_id") {
        *id = id.as_str().map(str::len).into();
    }
    (reply.status.as_u16(), reply.headers.clone(), body)
}

#[actix_web::test]
async fn known_and_unknown_addresses_are_answered_alike_and_leave_the_same_work() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        kit.sign_up("verified@example.com").await.expect(201);
        kit.sign_up("disabled@example.com").await.expect(201);
        kit.set_verified("verified@example.com", true).await;
        kit.set_disabled("disabled@example.com", true).await;
        // Whoever has no password, as who is known elsewhere alone.
        let body = json!({"email": "elsewhere@example.com"});
        let scopes = ["users.read", "users.write"];
        kit.key(Method::POST, "/v1/users", &scopes, Some(body))
            .await
            .expect(201);
        kit.settings(|s| {
            s.sign_in.email_code = true;
            s.sign_in.magic_link = true;
            s.brand.app_url = "https://app.example/in".to_owned();
        });
        kit.tick().await;
        for path in [
            "/v1/auth/password-reset",
            "/v1/auth/verification",
            "/v1/auth/sign-in/code/request",
            "/v1/auth/sign-in/link/request",
        ] {
            let mut shapes = Vec::new();
            for email in [
                ADA,
                "nobody@example.com",
                "verified@example.com",
                "disabled@example.com",
                "elsewhere@example.com",
            ] {
                let before = kit.mails().await.len();
                let reply = kit.post(path, json!({ "email": email })).await;
                shapes.push(shape(&reply));
                // The same row waits, whoever has the address.
                let mails = kit.mails().await;
                assert_eq!(mails.len(), before + 1);
                let [status, attempts] = ["status", "attempts"].map(|name| mails[0][name].clone());
                assert_eq!((status, attempts), (json!("queued"), json!(0)));
            }
            assert!(shapes.windows(2).all(|two| two[0] == two[1]), "{shapes:?}");
        }
        kit.tick().await;
        let mails = kit.mails().await;
        let sent: Vec<(&Value, &Value)> = mails
            .iter()
            .filter(|m| m["status"] == "caught")
            .map(|m| (&m["template"], &m["recipient"]))
            .collect();
        assert!(!mails.iter().any(|m| m["status"] == "queued"));
        for (_, to) in &sent {
            assert_ne!(**to, json!("nobody@example.com"));
        }
        let resets = sent.iter().filter(|(t, _)| **t == json!("reset")).count();
        assert_eq!(resets, 3, "{sent:?}");
    })
    .await;
}

#[actix_web::test]
async fn one_address_gets_so_many_mails_an_hour_and_others_go_on() {
    on_both(async |kit| {
        for email in [ADA, "nobody@example.com"] {
            for n in 0..10 {
                let spelled = if n % 2 == 0 {
                    email.to_uppercase()
                } else {
                    format!(" {email} ")
                };
                kit.ask_reset(&spelled).await.expect(202);
            }
            let refused = kit.ask_reset(email).await;
            assert_eq!(refused.fails(), (429, "rate_limited".to_owned()));
            assert!(
                refused
                    .headers
                    .iter()
                    .any(|(name, _)| name == "retry-after")
            );
        }
        kit.ask_reset("other@example.com").await.expect(202);
        kit.pass(Duration::from_secs(3_601));
        kit.ask_reset(ADA).await.expect(202);
    })
    .await;
}

#[actix_web::test]
async fn those_who_pass_the_limit_together_are_counted_again_in_order() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        // As if all of them had been counted before any of them was written.
        let mail = MailConfig {
            mails_per_recipient_hour: 1_000,
            ..MailConfig::default()
        };
        let wide = kit.with_accounts(accounts_with(AccountsConfig {
            mail,
            ..AccountsConfig::default()
        }));
        let asked = futures_util::future::join_all((0..40).map(|_| wide.ask_reset(ADA))).await;
        assert!(asked.iter().all(|reply| reply.status == 202));
        kit.tick().await;
        let list = kit.key(Method::GET, "/v1/mails?limit=100", &["mails.read"], None);
        let all = list.await.expect(200).json();
        let mails = all["items"].as_array().unwrap();
        let of = |status: &str| mails.iter().filter(|m| m["status"] == status).count();
        assert_eq!((of("caught"), of("dropped"), of("queued")), (10, 31, 0));
    })
    .await;
}

#[actix_web::test]
async fn no_secret_rests_in_the_open() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let token = kit.reset_token(ADA).await;
        let db = &kit.project.db;
        let (mails, tokens) = (
            mails::Entity::find().all(db),
            tokens::Entity::find().all(db),
        );
        let (mails, tokens) = (mails.await.unwrap(), tokens.await.unwrap());
        assert!(mails.len() == 2 && tokens.len() == 2);
        let rows = format!("{mails:?} {tokens:?}");
        assert!(!rows.contains(&token), "the secret stands in a table");
        let listed = kit.key(Method::GET, "/v1/mails", &["mails.read"], None);
        let listed = listed.await.expect(200);
        assert!(!String::from_utf8(listed.bytes).unwrap().contains(&token));
    })
    .await;
}

#[actix_web::test]
async fn who_signs_up_and_goes_again_and_again_floods_nobody() {
    on_both(async |kit| {
        for _ in 0..13 {
            let made = kit.sign_up(ADA).await.expect(201);
            kit.tick().await;
            let body = json!({ "current_password": PASSWORD });
            let token = made.text("access_token");
            kit.call(Method::DELETE, "/v1/users/me", Some(&token), Some(body))
                .await
                .expect(204);
        }
        let all = kit.mails().await;
        let sent = all.iter().filter(|mail| mail["status"] == "caught").count();
        assert_eq!(sent, 10, "{all:#?}");
        assert!(all.iter().all(|mail| mail["recipient"] == ""));
    })
    .await;
}

#[actix_web::test]
async fn no_letter_that_only_looks_alike_gets_the_mail_of_another() {
    on_both(async |kit| {
        kit.sign_up("kate@example.com").await.expect(201);
        // The Kelvin sign, whose small letter is the k of everybody.
        let alike = "\u{212a}ate@example.com";
        kit.ask_reset(alike).await.expect(202);
        kit.tick().await;
        let newest = &kit.mails().await[0];
        assert_eq!(
            (&newest["template"], &newest["reason"]),
            (&json!("reset"), &json!("no_account"))
        );
        kit.ask_reset("KATE@example.com").await.expect(202);
        kit.token("reset", "KATE@example.com").await;
    })
    .await;
}
