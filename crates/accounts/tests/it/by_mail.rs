//! Signing in by a code or a link: only who has the challenge and the mail gets in, once, and who made the account before
//! without proving the address is put out.

use crate::kit::{Kit, PASSWORD, Reply, on_both};
use actix_web::http::Method;
use gate::{Brand, Settings, SignInMethods, Who};
use serde_json::{Value, json};
use std::time::Duration;

const ADA: &str = "ada@example.com";

fn all() -> Settings {
    Settings {
        sign_in: SignInMethods {
            email_code: true,
            magic_link: true,
            ..SignInMethods::default()
        },
        brand: Brand {
            app_url: "https://app.example/in".to_owned(),
            ..Brand::default()
        },
        ..Settings::default()
    }
}

impl Kit {
    async fn ask_code(&self, email: &str) -> String {
        let body = json!({ "email": email });
        let reply = self.post("/v1/auth/sign-in/code/request", body).await;
        reply.expect(202).text("challenge_id")
    }

    /// The code of the newest mail.
    async fn code(&self, email: &str) -> String {
        let mail = self.mail("code", email).await;
        mail["subject"].as_str().unwrap()[..6].to_owned()
    }

    async fn answer(&self, challenge: &str, code: &str) -> Reply {
        let body = json!({"challenge_id": challenge, "code": code});
        self.post("/v1/auth/sign-in/code", body).await
    }

    async fn ask_link(&self, email: &str) -> String {
        let body = json!({ "email": email });
        let reply = self.post("/v1/auth/sign-in/link/request", body).await;
        reply.expect(202);
        self.token("magic_link", email).await
    }

    async fn follow(&self, token: &str) -> Reply {
        let body = json!({ "token": token });
        self.post("/v1/auth/sign-in/link", body).await
    }
}

fn bad_token() -> (u16, String) {
    (400, "invalid_token".to_owned())
}

/// Another code than this.
fn wrong(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

#[actix_web::test]
async fn a_code_signs_in_once_and_verifies_the_address() {
    on_both(async |kit| {
        kit.project.set_for_tests(all());
        kit.sign_up(ADA).await.expect(201);
        kit.set_verified(ADA, true).await;
        let challenge = kit.ask_code(ADA).await;
        let code = kit.code(ADA).await;
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        let reply = kit.answer(&challenge, &spaced).await.expect(200);
        kit.me(&reply.text("access_token")).await.expect(200);
        kit.refresh(&reply.text("refresh_token")).await.expect(200);
        assert_eq!(kit.answer(&challenge, &code).await.fails(), bad_token());
        // The password of who was verified before stays.
        kit.sign_in(ADA, PASSWORD).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn who_made_the_account_before_and_proved_nothing_is_put_out() {
    on_both(async |kit| {
        kit.project.set_for_tests(all());
        for way in ["code", "link"] {
            let email = format!("{way}@example.com");
            let attacker = kit.sign_up(&email).await.expect(201);
            let reset = kit.post("/v1/auth/password-reset", json!({ "email": email }));
            reset.await.expect(202);
            let token = kit.token("reset", &email).await;
            let body = json!({"new_email": "evil@example.com", "current_password": PASSWORD});
            let access = attacker.text("access_token");
            kit.post_as(&access, "/v1/auth/email-change", Some(body))
                .await
                .expect(202);
            let evil = kit.token("change_email_new", "evil@example.com").await;
            let owner = if way == "code" {
                let challenge = kit.ask_code(&email).await;
                let code = kit.code(&email).await;
                kit.answer(&challenge, &code).await.expect(200)
            } else {
                let token = kit.ask_link(&email).await;
                kit.follow(&token).await.expect(200)
            };
            assert!(kit.is_verified(&email).await);
            kit.me(&owner.text("access_token")).await.expect(200);
            assert_eq!(kit.me(&access).await.status, 401);
            assert_eq!(
                kit.refresh(&attacker.text("refresh_token")).await.status,
                401
            );
            assert_eq!(kit.sign_in(&email, PASSWORD).await.status, 401);
            let body = json!({"token": token, "new_password": "battery staple"});
            let reply = kit.post("/v1/auth/password-reset/confirm", body).await;
            assert_eq!(reply.fails(), bad_token());
            let body = json!({ "token": evil });
            let reply = kit.post("/v1/auth/email-change/confirm", body).await;
            assert_eq!(reply.fails(), bad_token());
        }
    })
    .await;
}

#[actix_web::test]
async fn a_code_has_five_guesses_however_many_guess_at_once() {
    on_both(async |kit| {
        kit.project.set_for_tests(all());
        kit.sign_up(ADA).await.expect(201);
        let challenge = kit.ask_code(ADA).await;
        let code = kit.code(ADA).await;
        let bad = wrong(&code);
        for _ in 0..4 {
            assert_eq!(kit.answer(&challenge, &bad).await.fails(), bad_token());
        }
        kit.answer(&challenge, &code).await.expect(200);
        let challenge = kit.ask_code(ADA).await;
        let code = kit.code(ADA).await;
        let bad = wrong(&code);
        let all = (0..20).map(|_| kit.answer(&challenge, &bad));
        futures_util::future::join_all(all).await;
        assert_eq!(kit.answer(&challenge, &code).await.fails(), bad_token());
    })
    .await;
}

#[actix_web::test]
async fn all_codes_of_an_account_have_twenty_guesses_in_an_hour() {
    on_both(async |kit| {
        kit.project.set_for_tests(all());
        kit.sign_up(ADA).await.expect(201);
        for _ in 0..5 {
            let challenge = kit.ask_code(ADA).await;
            let bad = wrong(&kit.code(ADA).await);
            for _ in 0..4 {
                assert_eq!(kit.answer(&challenge, &bad).await.fails(), bad_token());
            }
        }
        let challenge = kit.ask_code(ADA).await;
        let code = kit.code(ADA).await;
        assert_eq!(kit.answer(&challenge, &code).await.fails(), bad_token());
        kit.pass(Duration::from_secs(3_601));
        let challenge = kit.ask_code(ADA).await;
        let code = kit.code(ADA).await;
        kit.answer(&challenge, &code).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_code_is_good_for_its_own_challenge_while_it_is_the_last() {
    on_both(async |kit| {
        kit.project.set_for_tests(all());
        for email in [ADA, "bob@example.com"] {
            kit.sign_up(email).await.expect(201);
        }
        let (ada, bob) = (
            kit.ask_code(ADA).await,
            kit.ask_code("bob@example.com").await,
        );
        let code = kit.code(ADA).await;
        assert_eq!(kit.answer(&bob, &code).await.fails(), bad_token());
        let unknown = "018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b";
        assert_eq!(kit.answer(unknown, &code).await.fails(), bad_token());
        let later = kit.ask_code(ADA).await;
        let newer = kit.code(ADA).await;
        assert_eq!(kit.answer(&ada, &code).await.fails(), bad_token());
        kit.pass(Duration::from_secs(600));
        assert_eq!(kit.answer(&later, &newer).await.fails(), bad_token());
        // Nobody: the same answer, and a challenge that nothing answers.
        let nobody = kit.ask_code("nobody@example.com").await;
        kit.tick().await;
        assert_eq!(kit.answer(&nobody, "123456").await.fails(), bad_token());
        assert_eq!(kit.mails().await[0]["reason"], "no_account");
    })
    .await;
}

#[actix_web::test]
async fn of_fifty_who_follow_one_link_one_gets_in() {
    on_both(async |kit| {
        kit.project.set_for_tests(all());
        kit.sign_up(ADA).await.expect(201);
        let token = kit.ask_link(ADA).await;
        let replies = futures_util::future::join_all((0..50).map(|_| kit.follow(&token))).await;
        let done = replies.iter().filter(|r| r.status == 200).count();
        let refused = replies.iter().filter(|r| r.fails() == bad_token()).count();
        assert_eq!((done, refused), (1, 49));
        let challenge = kit.ask_code(ADA).await;
        let code = kit.code(ADA).await;
        let all = (0..50).map(|_| kit.answer(&challenge, &code));
        let replies = futures_util::future::join_all(all).await;
        let done = replies.iter().filter(|r| r.status == 200).count();
        assert_eq!(done, 1);
    })
    .await;
}

#[actix_web::test]
async fn the_page_of_a_link_shows_at_first_and_leads_to_the_app_by_its_button() {
    on_both(async |kit| {
        kit.project.set_for_tests(all());
        kit.sign_up(ADA).await.expect(201);
        let token = kit.ask_link(ADA).await;
        let path = format!("/v1/auth/pages/magic-link?token={token}");
        let open = || kit.call(Method::GET, &path, None, None);
        for _ in 0..2 {
            let page = open().await.expect(200);
            let policy = page
                .headers
                .iter()
                .find(|(n, _)| n == "content-security-policy");
            assert!(
                policy
                    .unwrap()
                    .1
                    .contains("form-action 'self' https://app.example;")
            );
        }
        let form = Some(Value::from(format!("token={token}")));
        let press = || {
            kit.call_as(
                Method::POST,
                "/v1/auth/pages/magic-link",
                Ok(Who::Anonymous),
                form.clone(),
                &[],
            )
        };
        let done = press().await.expect(303);
        let to = &done
            .headers
            .iter()
            .find(|(n, _)| n == "location")
            .unwrap()
            .1;
        let ticket = to.strip_prefix("https://app.example/in#token=").unwrap();
        assert_ne!(ticket, token);
        assert_eq!(press().await.status, 400);
        assert_eq!(kit.follow(&token).await.fails(), bad_token());
        kit.follow(ticket).await.expect(200);
        assert_eq!(kit.follow(ticket).await.fails(), bad_token());
        // What the page gave is good for a minute.
        let token = kit.ask_link(ADA).await;
        let form = Some(Value::from(format!("token={token}")));
        let done = kit.call_as(
            Method::POST,
            "/v1/auth/pages/magic-link",
            Ok(Who::Anonymous),
            form,
            &[],
        );
        let done = done.await.expect(303);
        let to = &done
            .headers
            .iter()
            .find(|(n, _)| n == "location")
            .unwrap()
            .1;
        kit.pass(Duration::from_secs(60));
        let late = to.split("#token=").nth(1).unwrap();
        assert_eq!(kit.follow(late).await.fails(), bad_token());
    })
    .await;
}

#[actix_web::test]
async fn only_the_ways_of_the_project_are_open() {
    on_both(async |kit| {
        let methods = async || {
            let said = kit.call(Method::GET, "/v1/auth/methods", None, None).await;
            let said = said.expect(200).json();
            ["sign_up", "password", "email_code", "magic_link"].map(|way| said[way] == true)
        };
        assert_eq!(methods().await, [true, true, false, false]);
        kit.sign_up(ADA).await.expect(201);
        let closed = (403, "method_disabled".to_owned());
        let id = "018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b";
        for (path, body) in [
            ("code/request", json!({ "email": ADA })),
            ("code", json!({"challenge_id": id, "code": "123456"})),
            ("link/request", json!({ "email": ADA })),
            ("link", json!({ "token": "x" })),
        ] {
            let reply = kit.post(&format!("/v1/auth/sign-in/{path}"), body).await;
            assert_eq!(reply.fails(), closed, "{path}");
        }
        let mut settings = all();
        settings.sign_in.password = false;
        kit.project.set_for_tests(settings);
        assert_eq!(methods().await, [false, false, true, true]);
        assert_eq!(kit.sign_in(ADA, PASSWORD).await.fails(), closed);
        assert_eq!(kit.sign_up("bob@example.com").await.fails(), closed);
        let challenge = kit.ask_code(ADA).await;
        let code = kit.code(ADA).await;
        kit.answer(&challenge, &code).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_link_is_no_good_after_its_time_a_newer_one_or_a_change() {
    on_both(async |kit| {
        kit.project.set_for_tests(all());
        kit.sign_up(ADA).await.expect(201);
        kit.set_verified(ADA, true).await;
        let (old, new) = (kit.ask_link(ADA).await, kit.ask_link(ADA).await);
        assert_eq!(kit.follow(&old).await.fails(), bad_token());
        let other = kit.in_other_project().await;
        other.project.set_for_tests(all());
        assert_eq!(other.follow(&new).await.fails(), bad_token());
        // To the last second it is good.
        kit.pass(Duration::from_secs(899));
        kit.follow(&new).await.expect(200);
        let late = kit.ask_link(ADA).await;
        kit.pass(Duration::from_secs(900));
        assert_eq!(kit.follow(&late).await.fails(), bad_token());
        // After the password, the address, or the user's right to sign in was changed.
        let link = kit.ask_link(ADA).await;
        let token = kit.sign_in(ADA, PASSWORD).await.text("access_token");
        let change = json!({"current_password": PASSWORD, "new_password": "battery staple"});
        kit.post_as(&token, "/v1/auth/password", Some(change))
            .await
            .expect(204);
        assert_eq!(kit.follow(&link).await.fails(), bad_token());
        let link = kit.ask_link(ADA).await;
        kit.set_email(ADA, "other@example.com").await;
        assert_eq!(kit.follow(&link).await.fails(), bad_token());
        let link = kit.ask_link("other@example.com").await;
        kit.set_disabled("other@example.com", true).await;
        assert_eq!(kit.follow(&link).await.fails(), bad_token());
    })
    .await;
}
