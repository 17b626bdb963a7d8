//! Codes to telephones: they let in once, they show whose a number is, and what nobody proved gives way to what somebody did.

use crate::hand::{invalid_factor, settings};
use crate::kit::{Kit, PASSWORD, Reply, on_both};
use crate::provider::{Provider, Trip};
use serde_json::{Value, json};
use std::time::Duration;

const NUMBER: &str = "+491701234567";
const ADA: &str = "ada@example.com";

impl Kit {
    pub fn allow_phone(&self) {
        self.settings(|s| {
            s.sign_in.phone_code = true;
            s.sign_in.email_code = true;
            s.sign_in.identities = ["email", "phone"].map(str::to_owned).to_vec();
        });
    }

    pub async fn ask_phone(&self, number: &str) -> Reply {
        let body = json!({ "phone": number });
        self.post("/v1/auth/phone/request", body).await
    }

    /// The newest code that the development inbox has for a number.
    pub async fn phone_code(&self, template: &str, number: &str) -> String {
        let mail = self.mail(template, number).await;
        mail["subject"].as_str().unwrap().to_owned()
    }

    pub async fn answer_phone(&self, challenge: &str, code: &str) -> Reply {
        let body = json!({"challenge_id": challenge, "code": code});
        self.post("/v1/auth/sign-in/phone", body).await
    }

    async fn by_phone(&self, number: &str) -> Reply {
        let challenge = self
            .ask_phone(number)
            .await
            .expect(202)
            .text("challenge_id");
        let code = self.phone_code("phone_code", number).await;
        self.answer_phone(&challenge, &code).await
    }

    async fn change_phone(&self, token: &str, number: &str) -> Reply {
        let body = json!({ "phone": number });
        self.post_as(token, "/v1/auth/phone-change", Some(body))
            .await
    }

    async fn confirm_phone(&self, token: &str, challenge: &str, code: &str) -> Reply {
        let body = json!({"challenge_id": challenge, "code": code});
        self.post_as(token, "/v1/auth/phone-change/confirm", Some(body))
            .await
    }

    async fn made(&self, who: Value) -> Reply {
        let mut who = who;
        who["password"] = PASSWORD.into();
        self.post("/v1/auth/sign-up", who).await.expect(201)
    }
}

fn bad_token() -> (u16, String) {
    (400, "invalid_token".to_owned())
}

fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[actix_web::test]
async fn a_code_lets_in_once() {
    on_both(async |kit| {
        assert_eq!(
            kit.ask_phone(NUMBER).await.fails(),
            (403, "method_disabled".to_owned())
        );
        kit.allow_phone();
        let made = kit.made(json!({ "phone": NUMBER })).await;
        let asked = kit.ask_phone("+49 170 1234567").await.expect(202);
        let challenge = asked.text("challenge_id");
        let mail = kit.mail("phone_code", NUMBER).await;
        let code = mail["subject"].as_str().unwrap().to_owned();
        assert_eq!(mail["text"], format!("{code} is your code for shop"));
        let replies = (0..50).map(|_| kit.answer_phone(&challenge, &code));
        let replies = futures_util::future::join_all(replies).await;
        let won: Vec<&Reply> = replies.iter().filter(|r| r.status == 200).collect();
        assert_eq!(won.len(), 1);
        assert!(
            replies
                .iter()
                .all(|r| r.status == 200 || r.fails() == bad_token())
        );
        assert_eq!(won[0].json()["user"]["id"], made.json()["user"]["id"]);
        // Whoever chose the password before the number was proved is put out.
        assert_eq!(kit.me(&made.text("access_token")).await.status, 401);
        assert_eq!(kit.sign_in(NUMBER, PASSWORD).await.status, 401);
        kit.me(&won[0].text("access_token")).await.expect(200);
        // From then on it is only another way in.
        kit.by_phone(NUMBER).await.expect(200);
        kit.me(&won[0].text("access_token")).await.expect(200);
        // Who has no account is answered alike.
        let nobody = kit.ask_phone("+491709999999").await.expect(202);
        assert_eq!(
            nobody.json().as_object().unwrap().len(),
            asked.json().as_object().unwrap().len()
        );
        kit.tick().await;
        let newest = &kit.mails().await[0];
        assert_eq!(
            (&newest["status"], &newest["reason"]),
            (&json!("dropped"), &json!("no_account"))
        );
        let id = nobody.text("challenge_id");
        assert_eq!(kit.answer_phone(&id, "123456").await.fails(), bad_token());
    })
    .await;
}

#[actix_web::test]
async fn a_code_has_five_guesses_and_ten_minutes_for_its_own_purpose() {
    on_both(async |kit| {
        kit.allow_phone();
        kit.made(json!({ "phone": NUMBER })).await;
        kit.by_phone(NUMBER).await.expect(200);
        let challenge = kit.ask_phone(NUMBER).await.text("challenge_id");
        let code = kit.phone_code("phone_code", NUMBER).await;
        let bad = wrong(&code);
        let all = (0..20).map(|_| kit.answer_phone(&challenge, &bad));
        futures_util::future::join_all(all).await;
        assert_eq!(
            kit.answer_phone(&challenge, &code).await.fails(),
            bad_token()
        );
        let challenge = kit.ask_phone(NUMBER).await.text("challenge_id");
        let code = kit.phone_code("phone_code", NUMBER).await;
        // It is not the code of a mail.
        let body = json!({"challenge_id": challenge, "code": code});
        assert_eq!(
            kit.post("/v1/auth/sign-in/code", body).await.fails(),
            bad_token()
        );
        kit.pass(Duration::from_secs(600));
        assert_eq!(
            kit.answer_phone(&challenge, &code).await.fails(),
            bad_token()
        );
    })
    .await;
}

#[actix_web::test]
async fn a_number_is_changed_in_two_steps_by_who_signed_in_lately() {
    on_both(async |kit| {
        kit.allow_phone();
        let token = kit.made(json!({ "email": ADA })).await.text("access_token");
        let bob = kit
            .made(json!({"email": "bob@example.com"}))
            .await
            .text("access_token");
        let challenge = kit
            .change_phone(&token, "+49 170/1234567")
            .await
            .expect(202);
        let challenge = challenge.text("challenge_id");
        assert!(kit.found(ADA).await.phone.is_none());
        let code = kit.phone_code("phone_change", NUMBER).await;
        assert_eq!(
            kit.confirm_phone(&bob, &challenge, &code).await.fails(),
            bad_token()
        );
        // What was sent to change a number lets nobody in.
        assert_eq!(
            kit.answer_phone(&challenge, &code).await.fails(),
            bad_token()
        );
        kit.confirm_phone(&token, &challenge, &code)
            .await
            .expect(204);
        let found = kit.found(ADA).await;
        assert_eq!(
            (found.phone.as_deref(), found.phone_verified),
            (Some(NUMBER), true)
        );
        assert_eq!(
            kit.confirm_phone(&token, &challenge, &code).await.fails(),
            bad_token()
        );
        assert_eq!(kit.change_phone(&token, NUMBER).await.status, 422);
        kit.by_phone(NUMBER).await.expect(200);
        kit.sign_in(ADA, PASSWORD).await.expect(200);
        // Nobody takes it who cannot prove it, nor learns whose it is.
        kit.change_phone(&bob, NUMBER).await.expect(202);
        kit.tick().await;
        assert_eq!(kit.mails().await[0]["reason"], "number_taken");
        kit.pass(Duration::from_secs(300));
        let late = (403, "reauth_required".to_owned());
        assert_eq!(
            kit.change_phone(&token, "+491700000001").await.fails(),
            late
        );
        let again = kit.sign_in(ADA, PASSWORD).await.text("access_token");
        let challenge = kit.change_phone(&again, "+491700000001").await.expect(202);
        let code = kit.phone_code("phone_change", "+491700000001").await;
        kit.pass(Duration::from_secs(300));
        let challenge = challenge.text("challenge_id");
        assert_eq!(
            kit.confirm_phone(&again, &challenge, &code).await.fails(),
            late
        );
    })
    .await;
}

#[actix_web::test]
async fn who_proves_a_number_takes_it_from_who_did_not() {
    on_both(async |kit| {
        kit.allow_phone();
        kit.made(json!({"email": "eve@example.com", "phone": NUMBER}))
            .await;
        let token = kit.made(json!({ "email": ADA })).await.text("access_token");
        let challenge = kit.change_phone(&token, NUMBER).await.text("challenge_id");
        let code = kit.phone_code("phone_change", NUMBER).await;
        kit.confirm_phone(&token, &challenge, &code)
            .await
            .expect(204);
        assert_eq!(kit.found(ADA).await.phone.as_deref(), Some(NUMBER));
        assert_eq!(kit.found("eve@example.com").await.phone, None);
    })
    .await;
}

#[actix_web::test]
async fn who_made_an_account_with_a_strangers_number_or_address_does_not_come_back() {
    on_both(async |kit| {
        kit.allow_phone();
        // Eve's address with Ada's number: once Ada is in, Eve's address is gone.
        let eve = kit
            .made(json!({"email": "eve@example.com", "phone": NUMBER}))
            .await;
        let ada = kit.by_phone(NUMBER).await.expect(200);
        assert_eq!(ada.json()["user"]["email"], Value::Null);
        assert_eq!(kit.me(&eve.text("access_token")).await.status, 401);
        let reset = json!({"email": "eve@example.com"});
        kit.post("/v1/auth/password-reset", reset).await.expect(202);
        kit.tick().await;
        assert_eq!(kit.mails().await[0]["reason"], "no_account");
        // Ada's address with Eve's number: once Ada is in, Eve's number is gone.
        let evil = "+491700000666";
        for way in ["code", "reset"] {
            kit.made(json!({"email": ADA, "phone": evil})).await;
            if way == "code" {
                let body = json!({ "email": ADA });
                let asked = kit.post("/v1/auth/sign-in/code/request", body).await;
                let mail = kit.mail("code", ADA).await;
                let code = &mail["subject"].as_str().unwrap()[..6];
                let body = json!({"challenge_id": asked.text("challenge_id"), "code": code});
                kit.post("/v1/auth/sign-in/code", body).await.expect(200);
            } else {
                kit.post("/v1/auth/password-reset", json!({ "email": ADA }))
                    .await
                    .expect(202);
                let token = kit.token("reset", ADA).await;
                let body = json!({"token": token, "new_password": "battery staple"});
                kit.post("/v1/auth/password-reset/confirm", body)
                    .await
                    .expect(204);
            }
            let found = kit.found(ADA).await;
            assert_eq!((found.verified, found.phone), (true, None), "{way}");
            kit.erase(ADA).await;
        }
        // A slip: with a proved address, a number that was never proved lets nobody in, and the other way round.
        kit.made(json!({"email": ADA, "phone": evil})).await;
        kit.set_verified(ADA, true).await;
        kit.ask_phone(evil).await.expect(202);
        kit.tick().await;
        assert_eq!(kit.mails().await[0]["reason"], "no_account");
        kit.set_verified(ADA, false).await;
        let mut change = sea_orm::IntoActiveModel::into_active_model(kit.found(ADA).await);
        change.phone_verified = sea_orm::ActiveValue::Set(true);
        kit.write(change).await;
        for path in ["/v1/auth/sign-in/code/request", "/v1/auth/password-reset"] {
            kit.post(path, json!({ "email": ADA })).await.expect(202);
            kit.tick().await;
            assert_eq!(kit.mails().await[0]["reason"], "no_account", "{path}");
        }
    })
    .await;
}

#[actix_web::test]
async fn who_proves_a_number_puts_out_every_key_of_who_did_not() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        kit.settings(|s| s.passkeys = settings().passkeys);
        kit.allow_phone();
        let eve = kit.made(json!({ "phone": NUMBER })).await;
        let eve = eve.text("access_token");
        let mut passkey = kit.passkey(&eve).await;
        kit.app(&eve).await;
        provider.is(json!({"sub": "eve"})).await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let body = json!({"ticket": trip.ticket(&kit).await, "code_verifier": trip.verifier});
        kit.post_as(&eve, "/v1/users/me/identities", Some(body))
            .await
            .expect(200);
        // Nobody asks the owner for what she does not have, and nobody else is let in.
        let ada = kit.by_phone(NUMBER).await.expect(200);
        let token = ada.text("access_token");
        let have = kit.get_as(&token, "/v1/auth/factors").await.expect(200);
        let have = have.json();
        assert_eq!(
            (
                &have["passkeys"],
                &have["totp_since"],
                &have["recovery_codes"]
            ),
            (&json!([]), &Value::Null, &json!(0))
        );
        let refused = kit.sign_in_passkey(&mut passkey).await;
        assert_eq!(refused.fails(), invalid_factor());
        let other = Trip::away(&kit, &provider.issuer, "two").await;
        let other = other.sign_in(&kit).await.expect(200);
        assert_ne!(other.json()["user"]["id"], ada.json()["user"]["id"]);
    })
    .await;
}
