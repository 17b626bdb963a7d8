//! Changing the address: both addresses agree, in any order, and nothing of an earlier wish is good any more.

use crate::kit::{Kit, PASSWORD, Reply, on_both};
use serde_json::json;
use std::time::Duration;

const ADA: &str = "ada@example.com";
const NEW: &str = "Lovelace@example.com";

impl Kit {
    async fn ask_change(&self, access: &str, new: &str, password: &str) -> Reply {
        let body = json!({"new_email": new, "current_password": password});
        self.post_as(access, "/v1/auth/email-change", Some(body))
            .await
    }

    async fn agree(&self, token: &str) -> Reply {
        let body = json!({ "token": token });
        self.post("/v1/auth/email-change/confirm", body).await
    }

    async fn email_of(&self, access: &str) -> String {
        self.me(access).await.expect(200).text("email")
    }
}

fn bad_token() -> (u16, String) {
    (400, "invalid_token".to_owned())
}

#[actix_web::test]
async fn the_address_changes_when_both_have_agreed() {
    on_both(async |kit| {
        for (n, first) in ["change_email_old", "change_email_new"]
            .into_iter()
            .enumerate()
        {
            let (old, new) = (format!("a{n}@example.com"), format!("B{n}@example.com"));
            let access = kit.sign_up(&old).await.text("access_token");
            kit.ask_change(&access, &new, PASSWORD).await.expect(202);
            let one = kit.token("change_email_old", &old).await;
            let two = kit.token("change_email_new", &new).await;
            let (one, two) = if first == "change_email_old" {
                (one, two)
            } else {
                (two, one)
            };
            assert_eq!(
                kit.agree(&one).await.expect(200).json(),
                json!({"done": false})
            );
            assert_eq!(kit.agree(&one).await.fails(), bad_token());
            assert_eq!(kit.email_of(&access).await, old);
            assert_eq!(
                kit.agree(&two).await.expect(200).json(),
                json!({"done": true})
            );
            assert_eq!(kit.email_of(&access).await, new);
            assert!(kit.is_verified(&new).await);
            kit.sign_in(&new.to_uppercase(), PASSWORD).await.expect(200);
            assert_eq!(kit.sign_in(&old, PASSWORD).await.status, 401);
        }
    })
    .await;
}

#[actix_web::test]
async fn of_fifty_who_agree_with_one_secret_one_does() {
    on_both(async |kit| {
        let access = kit.sign_up(ADA).await.text("access_token");
        kit.ask_change(&access, NEW, PASSWORD).await.expect(202);
        let old = kit.token("change_email_old", ADA).await;
        let new = kit.token("change_email_new", NEW).await;
        kit.agree(&old).await.expect(200);
        let replies = futures_util::future::join_all((0..50).map(|_| kit.agree(&new))).await;
        let done = replies.iter().filter(|r| r.status == 200).count();
        let refused = replies.iter().filter(|r| r.fails() == bad_token()).count();
        assert_eq!((done, refused), (1, 49));
    })
    .await;
}

#[actix_web::test]
async fn a_later_wish_a_new_password_and_time_end_it() {
    on_both(async |kit| {
        let access = kit.sign_up(ADA).await.text("access_token");
        kit.ask_change(&access, NEW, PASSWORD).await.expect(202);
        let old = kit.token("change_email_old", ADA).await;
        let new = kit.token("change_email_new", NEW).await;
        kit.agree(&new).await.expect(200);
        // What was confirmed of the earlier wish does not count for the later one.
        kit.ask_change(&access, "third@example.com", PASSWORD)
            .await
            .expect(202);
        let later = kit.token("change_email_old", ADA).await;
        assert_eq!(kit.agree(&old).await.fails(), bad_token());
        assert_eq!(
            kit.agree(&later).await.expect(200).json(),
            json!({"done": false})
        );
        let third = kit.token("change_email_new", "third@example.com").await;
        let change = json!({"current_password": PASSWORD, "new_password": "battery staple"});
        kit.post_as(&access, "/v1/auth/password", Some(change))
            .await
            .expect(204);
        assert_eq!(kit.agree(&third).await.fails(), bad_token());
        kit.ask_change(&access, NEW, "battery staple")
            .await
            .expect(202);
        let late = kit.token("change_email_new", NEW).await;
        kit.pass(Duration::from_secs(86_400));
        assert_eq!(kit.agree(&late).await.fails(), bad_token());
        let mails = kit.mails().await;
        assert!(!mails.iter().any(|m| m["status"] == "queued"));
    })
    .await;
}

#[actix_web::test]
async fn secrets_to_the_old_address_are_no_good_after_the_change() {
    on_both(async |kit| {
        let access = kit.sign_up(ADA).await.text("access_token");
        let verify = kit.token("verify", ADA).await;
        kit.post("/v1/auth/password-reset", json!({ "email": ADA }))
            .await
            .expect(202);
        let reset = kit.token("reset", ADA).await;
        kit.ask_change(&access, NEW, PASSWORD).await.expect(202);
        for (template, to) in [("change_email_old", ADA), ("change_email_new", NEW)] {
            let token = kit.token(template, to).await;
            kit.agree(&token).await.expect(200);
        }
        let body = json!({"token": reset, "new_password": "battery staple"});
        let reply = kit.post("/v1/auth/password-reset/confirm", body).await;
        assert_eq!(reply.fails(), bad_token());
        let body = json!({ "token": verify });
        let reply = kit.post("/v1/auth/verification/confirm", body).await;
        assert_eq!(reply.fails(), bad_token());
    })
    .await;
}

#[actix_web::test]
async fn whether_an_address_is_taken_is_not_told() {
    on_both(async |kit| {
        kit.sign_up("taken@example.com").await.expect(201);
        let access = kit.sign_up(ADA).await.text("access_token");
        let free = kit.ask_change(&access, "free@example.com", PASSWORD).await;
        let free_mail = kit.token("change_email_new", "free@example.com").await;
        let taken = kit.ask_change(&access, "Taken@example.com", PASSWORD).await;
        assert_eq!(
            (free.status, &free.headers, &free.bytes),
            (taken.status, &taken.headers, &taken.bytes)
        );
        kit.tick().await;
        let mails = kit.mails().await;
        let to_taken: Vec<_> = mails
            .iter()
            .filter(|m| m["recipient"] == "Taken@example.com")
            .collect();
        assert_eq!(to_taken.len(), 1);
        assert_eq!(to_taken[0]["template"], "account_exists");
        drop(free_mail);
        // Taken between the mail and the confirmation: told to who has proved that it is his.
        kit.ask_change(&access, "late@example.com", PASSWORD)
            .await
            .expect(202);
        let old = kit.token("change_email_old", ADA).await;
        let new = kit.token("change_email_new", "late@example.com").await;
        kit.agree(&old).await.expect(200);
        kit.sign_up("late@example.com").await.expect(201);
        assert_eq!(
            kit.agree(&new).await.fails(),
            (409, "identity_taken".to_owned())
        );
        assert_eq!(kit.email_of(&access).await, ADA);
    })
    .await;
}

#[actix_web::test]
async fn it_needs_the_password_a_session_and_another_address() {
    on_both(async |kit| {
        let access = kit.sign_up(ADA).await.text("access_token");
        for (new, password, path) in [
            (NEW, "wrong horse", "/current_password"),
            (NEW, "", "/current_password"),
            ("ADA@example.com ", PASSWORD, "/new_email"),
            ("a@b\r\nBcc: x@y.z", PASSWORD, "/new_email"),
        ] {
            let reply = kit.ask_change(&access, new, password).await;
            assert_eq!(reply.status, 422, "{new} {password}");
            assert_eq!(reply.json()["errors"][0]["path"], path);
        }
        let body = json!({ "new_email": NEW });
        let without = kit.post_as(&access, "/v1/auth/email-change", Some(body.clone()));
        assert_eq!(without.await.status, 422);
        assert_eq!(kit.post("/v1/auth/email-change", body).await.status, 401);
        let mails = kit.mails().await;
        assert!(mails.iter().all(|m| m["template"] == "verify"), "{mails:?}");
    })
    .await;
}
