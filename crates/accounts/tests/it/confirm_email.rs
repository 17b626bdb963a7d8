//! Sign-up where addresses are confirmed: it tells nobody who has an account, and a link makes a user only together with
//! the password that was chosen for it.

use crate::kit::{Kit, PASSWORD, Reply, on_both, user};
use accounts::rows::{credential, mails, session, sign_ups};
use actix_web::http::Method;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;
use std::time::Duration;
use store::{StoreError, WriteTx};

const ADA: &str = "ada@example.com";
const OTHERS: &str = "another long password";

impl Kit {
    fn confirm_email(&self) {
        self.settings(|s| {
            s.confirm_email = true;
            s.lockout.network_guesses_max = 100_000;
        });
    }

    async fn sign_up_with(&self, email: &str, password: &str) -> Reply {
        let body = json!({"email": email, "password": password});
        self.post("/v1/auth/sign-up", body).await
    }

    async fn confirm(&self, token: &str, password: &str) -> Reply {
        let body = json!({"token": token, "password": password});
        self.post("/v1/auth/sign-up/confirm", body).await
    }

    /// Rows of users, passwords, sessions, sign-ups and mails.
    async fn all_rows(&self) -> [u64; 5] {
        let db = &self.project.db;
        [
            user::Entity::find().count(db).await.unwrap(),
            credential::Entity::find().count(db).await.unwrap(),
            session::Entity::find().count(db).await.unwrap(),
            sign_ups::Entity::find().count(db).await.unwrap(),
            mails::Entity::find().count(db).await.unwrap(),
        ]
    }

    /// Accounts of every kind, each at its address.
    async fn of_every_kind(&self) -> [&'static str; 5] {
        let names = [
            "unknown@example.com",
            "known@example.com",
            "unverified@example.com",
            "disabled@example.com",
            "social@example.com",
        ];
        for name in &names[1..] {
            self.sign_up(name).await.expect(201);
        }
        self.set_verified(names[1], true).await;
        self.set_disabled(names[3], true).await;
        self.set_verified(names[4], true).await;
        let social = self.found(names[4]).await.id;
        let no_password = async move |tx: &WriteTx| -> Result<(), StoreError> {
            credential::Entity::delete_by_id(social).exec(tx).await?;
            Ok(())
        };
        self.project.db.write(no_password).await.unwrap();
        names
    }
}

fn not_confirmed() -> (u16, String) {
    (403, "email_not_confirmed".to_owned())
}

fn invalid_credentials() -> (u16, String) {
    (401, "invalid_credentials".to_owned())
}

fn bad_token() -> (u16, String) {
    (400, "invalid_token".to_owned())
}

#[actix_web::test]
async fn a_sign_up_answers_and_does_the_same_whoever_has_the_address() {
    on_both(async |kit| {
        let names = kit.of_every_kind().await;
        kit.confirm_email();
        let mut seen = Vec::new();
        for name in names {
            let before = kit.all_rows().await;
            let first = kit.sign_up_with(name, OTHERS).await;
            let again = kit.sign_up_with(&name.to_uppercase(), OTHERS).await;
            let after = kit.all_rows().await;
            let more: Vec<u64> = after.iter().zip(before).map(|(a, b)| a - b).collect();
            assert_eq!(more, [0, 0, 0, 2, 2], "{name}");
            // With the password of the sign-up all are told the same, with another one nothing.
            let right = kit.sign_in(name, OTHERS).await;
            let wrong = kit.sign_in(name, "a wrong password").await;
            assert_eq!(right.fails(), not_confirmed(), "{name}");
            let all = [first, again, right, wrong];
            seen.push(all.map(|r| (r.status, r.headers, r.bytes)));
        }
        assert_eq!(seen[0][0].0, 202);
        assert!(seen[0][0].2.is_empty());
        for (name, of) in names.iter().zip(&seen) {
            assert_eq!(of, &seen[0], "{name}");
        }
        // Only the mails tell.
        kit.tick().await;
        let all = kit.mails().await;
        let told = |name: &str| -> Vec<String> {
            let of = all.iter().filter(|m| {
                let to = m["recipient"].as_str().unwrap();
                to.eq_ignore_ascii_case(name) && m["created_at"] == all[0]["created_at"]
            });
            let told = of.map(|m| format!("{} {}", m["template"], m["status"]).replace('"', ""));
            let mut told: Vec<String> = told.collect();
            told.dedup();
            told
        };
        assert_eq!(told(names[0]), ["verify caught"]);
        for known in [names[1], names[4]] {
            assert_eq!(told(known)[0], "account_exists caught", "{known}");
        }
        assert_eq!(told(names[3])[0], "verify dropped");
        let mail = kit.mail("account_exists", names[1]).await;
        let text = mail["text"].as_str().unwrap();
        assert!(
            text.contains(names[1]) && !text.contains("token="),
            "{text}"
        );
    })
    .await;
}

#[actix_web::test]
async fn a_link_makes_the_user_with_the_password_of_its_sign_up() {
    on_both(async |kit| {
        kit.confirm_email();
        let body = json!({"email": " Ada@Example.com", "password": PASSWORD, "name": "Ada"});
        let reply = kit.post("/v1/auth/sign-up", body).await.expect(202);
        assert!(reply.bytes.is_empty());
        assert_eq!(kit.all_rows().await, [0, 0, 0, 1, 1]);
        let token = kit.token("verify", "Ada@Example.com").await;
        assert_eq!(
            kit.confirm("gt_nothing", PASSWORD).await.fails(),
            bad_token()
        );
        // The secret is good for this alone.
        let other = json!({ "token": token });
        let verified = kit.post("/v1/auth/verification/confirm", other).await;
        assert_eq!(verified.fails(), bad_token());
        let wrong = kit.confirm(&token, OTHERS).await;
        assert_eq!(wrong.fails(), (422, "validation_failed".to_owned()));
        assert_eq!(kit.all_rows().await[0], 0);
        let all = (0..20).map(|_| kit.confirm(&token, PASSWORD));
        let replies = futures_util::future::join_all(all).await;
        let made: Vec<&Reply> = replies.iter().filter(|r| r.status == 201).collect();
        assert_eq!(made.len(), 1, "{replies:?}");
        assert_eq!(kit.all_rows().await[..4], [1, 1, 1, 0]);
        let user = &made[0].json()["user"];
        assert_eq!(
            (&user["email"], &user["name"]),
            (&json!("Ada@Example.com"), &json!("Ada"))
        );
        kit.me(&made[0].text("access_token")).await.expect(200);
        assert!(kit.is_verified("Ada@Example.com").await);
        kit.sign_in(ADA, PASSWORD).await.expect(200);
        assert_eq!(kit.confirm(&token, PASSWORD).await.fails(), bad_token());
    })
    .await;
}

#[actix_web::test]
async fn who_signs_up_with_anothers_address_leaves_nothing_behind() {
    on_both(async |kit| {
        kit.confirm_email();
        // Somebody else first, then who reads the mails, then somebody else again.
        kit.sign_up_with(ADA, OTHERS).await.expect(202);
        let first = kit.token("verify", ADA).await;
        kit.pass(Duration::from_secs(1));
        kit.sign_up(ADA).await.expect(202);
        let own = kit.token("verify", ADA).await;
        kit.pass(Duration::from_secs(1));
        kit.sign_up_with(ADA, "yet another password")
            .await
            .expect(202);
        let last = kit.token("verify", ADA).await;
        assert!(first != own && own != last);
        // The reader's password goes with the reader's link alone: pressing another one gives nobody an account.
        for not_own in [&first, &last] {
            assert_eq!(kit.confirm(not_own, PASSWORD).await.status, 422);
        }
        kit.confirm(&own, PASSWORD).await.expect(201);
        kit.sign_in(ADA, PASSWORD).await.expect(200);
        // What others began comes to nothing, and they learn nothing of it.
        for (link, password) in [(&first, OTHERS), (&last, "yet another password")] {
            assert_eq!(kit.confirm(link, password).await.status, 409);
        }
        let after = kit.sign_in(ADA, "yet another password").await;
        assert_eq!(after.fails(), not_confirmed());
        assert_eq!(
            kit.sign_in(ADA, OTHERS).await.fails(),
            invalid_credentials()
        );
        kit.sign_in(ADA, PASSWORD).await.expect(200);
        assert_eq!(kit.all_rows().await[..2], [1, 1]);
    })
    .await;
}

#[actix_web::test]
async fn a_link_is_sent_anew_within_limits_and_has_its_time() {
    on_both(async |kit| {
        kit.confirm_email();
        kit.sign_up(ADA).await.expect(202);
        let first = kit.token("verify", ADA).await;
        kit.pass(Duration::from_secs(86_401));
        assert_eq!(kit.confirm(&first, PASSWORD).await.fails(), bad_token());
        assert_eq!(
            kit.sign_in(ADA, "a wrong password").await.fails(),
            invalid_credentials()
        );
        let before = kit.all_rows().await[4];
        for _ in 0..9 {
            assert_eq!(kit.sign_in(ADA, PASSWORD).await.fails(), not_confirmed());
        }
        // Right ones are counted as well, so that nobody guesses at an account behind a sign-up of his own.
        let tired = kit.sign_in(ADA, PASSWORD).await;
        assert_eq!(tired.fails(), (429, "rate_limited".to_owned()));
        assert_eq!(kit.all_rows().await[4] - before, 9);
        kit.pass(Duration::from_secs(3_601));
        for _ in 0..9 {
            kit.sign_up_with("bob@example.com", OTHERS)
                .await
                .expect(202);
        }
        assert_eq!(
            kit.sign_in("bob@example.com", OTHERS).await.fails(),
            not_confirmed()
        );
        let full = kit.all_rows().await;
        let more = kit.sign_up_with("bob@example.com", OTHERS).await;
        assert_eq!(more.fails(), (429, "rate_limited".to_owned()));
        assert_eq!(
            kit.sign_in("bob@example.com", OTHERS).await.fails(),
            not_confirmed()
        );
        assert_eq!(kit.all_rows().await, full);
        let anew = kit.token("verify", ADA).await;
        kit.confirm(&anew, PASSWORD).await.expect(201);
    })
    .await;
}

#[actix_web::test]
async fn an_unproved_account_of_before_must_be_confirmed_too() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        kit.tick().await;
        kit.confirm_email();
        assert_eq!(
            kit.sign_in(ADA, "a wrong password").await.fails(),
            invalid_credentials()
        );
        assert_eq!(kit.sign_in(ADA, PASSWORD).await.fails(), not_confirmed());
        let token = kit.token("verify", ADA).await;
        let body = json!({ "token": token });
        kit.post("/v1/auth/verification/confirm", body)
            .await
            .expect(204);
        kit.sign_in(ADA, PASSWORD).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn names_are_public_numbers_wait_and_keys_are_not_asked() {
    on_both(async |kit| {
        kit.settings(|s| {
            s.confirm_email = true;
            s.sign_in.identities = ["email", "username", "phone"].map(str::to_owned).to_vec();
        });
        let with =
            |name: &str, value: &str| json!({"email": ADA, "password": PASSWORD, name: value});
        let named = json!({"username": "grace", "password": PASSWORD});
        kit.post("/v1/auth/sign-up", named).await.expect(201);
        let taken = kit
            .post("/v1/auth/sign-up", with("username", "grace"))
            .await;
        assert_eq!(taken.fails(), (409, "identity_taken".to_owned()));
        let number = kit
            .post("/v1/auth/sign-up", with("phone", "+491701234567"))
            .await;
        assert_eq!(number.json()["errors"][0]["path"], "/phone");
        assert_eq!(kit.all_rows().await[3], 0);
        kit.post("/v1/auth/sign-up", with("username", "ada"))
            .await
            .expect(202);
        let token = kit.token("verify", ADA).await;
        kit.confirm(&token, PASSWORD).await.expect(201);
        kit.sign_in("ada", PASSWORD).await.expect(200);
        let body = json!({"email": "key@example.com", "password": PASSWORD});
        let by_key = kit.key(Method::POST, "/v1/auth/sign-up", &["auth.use"], Some(body));
        by_key.await.expect(201);
    })
    .await;
}

#[actix_web::test]
async fn who_was_nobody_confirms_an_address_too() {
    on_both(async |kit| {
        kit.sign_up("known@example.com").await.expect(201);
        kit.allow_anonymous();
        kit.confirm_email();
        let nobody = kit.anonymous().await;
        let (access, id) = (
            nobody.text("access_token"),
            nobody.json()["user"]["id"].clone(),
        );
        let mut seen = Vec::new();
        for email in ["known@example.com", ADA] {
            let body = json!({"email": email, "password": PASSWORD});
            let reply = kit.post_as(&access, "/v1/auth/promote", Some(body)).await;
            seen.push((reply.status, reply.headers, reply.bytes));
        }
        assert_eq!(seen[0].0, 202);
        assert_eq!(seen[0], seen[1]);
        assert!(kit.auth(&access).await.anonymous);
        kit.mail("account_exists", "known@example.com").await;
        let token = kit.token("verify", ADA).await;
        assert_eq!(kit.confirm(&token, OTHERS).await.status, 422);
        let done = kit.confirm(&token, PASSWORD).await.expect(201).json();
        assert_eq!(done["user"]["id"], id);
        assert!(!kit.auth(&access).await.anonymous);
        kit.sign_in(ADA, PASSWORD).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_page_asks_for_the_password_in_every_language() {
    on_both(async |kit| {
        kit.confirm_email();
        kit.sign_up(ADA).await.expect(202);
        let token = kit.token("verify", ADA).await;
        let path = "/v1/auth/pages/sign-up";
        let at = format!("{path}?token={token}");
        let shown = kit.call(Method::GET, &at, None, None);
        let shown = String::from_utf8(shown.await.expect(200).bytes).unwrap();
        assert!(shown.contains("name=\"password\"") && !shown.contains("new_password"));
        let press = |password: &str| {
            let form = format!("token={token}&password={}", password.replace(' ', "+"));
            kit.call(Method::POST, path, None, Some(json!(form)))
        };
        let wrong = press(OTHERS).await.expect(422);
        let wrong = String::from_utf8(wrong.bytes).unwrap();
        assert!(
            wrong.contains("not the password of this sign-up"),
            "{wrong}"
        );
        press(PASSWORD).await.expect(200);
        press(PASSWORD).await.expect(400);
        kit.sign_in(ADA, PASSWORD).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_change_to_a_taken_address_answers_the_same_and_its_owner_is_told() {
    on_both(async |kit| {
        kit.sign_up("known@example.com").await.expect(201);
        let mut seen = Vec::new();
        for (who, new) in [
            ("a@example.com", "free@example.com"),
            ("b@example.com", "known@example.com"),
        ] {
            let access = kit.sign_up(who).await.text("access_token");
            let body = json!({"new_email": new, "current_password": PASSWORD});
            let asked = kit
                .post_as(&access, "/v1/auth/email-change", Some(body))
                .await;
            let old = kit.token("change_email_old", who).await;
            let half = kit
                .post("/v1/auth/email-change/confirm", json!({ "token": old }))
                .await;
            seen.push([asked, half].map(|r| (r.status, r.headers, r.bytes)));
        }
        assert_eq!(seen[0][0].0, 202);
        assert_eq!(seen[0], seen[1]);
        let mail = kit.mail("account_exists", "known@example.com").await;
        assert!(!mail["text"].as_str().unwrap().contains("token="));
    })
    .await;
}
