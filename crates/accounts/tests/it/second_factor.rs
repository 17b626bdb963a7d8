//! The second factor at the door: whatever way leads there, nobody who has one gets in without it; a code is good once,
//! and few guesses are.

use crate::authenticator::{Said, VERIFIED};
use crate::hand::{
    ADA, BOB, ORIGIN, claims, code, invalid_factor, invalid_token, not, reauth_required,
    second_factor_required, settings,
};
use crate::kit::{PASSWORD, Reply, on_both};
use crate::passkeys::one_of;
use actix_web::http::Method;
use futures_util::future::join_all;
use gate::{Brand, Settings, SignInMethods};
use serde_json::{Value, json};
use std::time::Duration;

const HALF_MINUTE: Duration = Duration::from_secs(30);

#[actix_web::test]
async fn a_code_of_an_app_completes_the_sign_in() {
    on_both(async |kit| {
        let token = kit.newcomer(ADA).await;
        let (uri, codes) = kit.app(&token).await;
        assert!(
            uri.starts_with("otpauth://totp/shop:ada%40example.com?secret="),
            "{uri}"
        );
        assert_eq!(codes.len(), 10);
        kit.pass(HALF_MINUTE);
        let first = kit.sign_in(ADA, PASSWORD).await.expect(200).json();
        assert_eq!(first["factors"], json!(["totp", "recovery_code"]));
        assert_eq!(
            (&first["enrol"], &first["expires_in"]),
            (&json!(false), &json!(300))
        );
        assert_eq!(first.as_object().unwrap().len(), 4, "{first}");
        let mfa = first["mfa_token"].as_str().unwrap();
        // It is no other token.
        assert_eq!(kit.refresh(mfa).await.status, 401);
        assert_eq!(kit.me(mfa).await.status, 401);
        let good = code(&kit, &uri, 0);
        assert_eq!(
            kit.factor(mfa, "totp_code", not(&good)).await.fails(),
            invalid_factor()
        );
        assert_eq!(
            kit.factor(&token, "totp_code", &*good).await.fails(),
            invalid_token()
        );
        let done = kit.factor(mfa, "totp_code", &*good).await.expect(200);
        let said = claims(&done.text("access_token"));
        assert_eq!(said["aal"], 2);
        assert_eq!(said["amr"], json!(["password", "totp"]));
        kit.me(&done.text("access_token")).await.expect(200);
        let next = kit.refresh(&done.text("refresh_token")).await.expect(200);
        assert_eq!(claims(&next.text("access_token"))["aal"], 2);
        kit.pass(HALF_MINUTE);
        let later = code(&kit, &uri, 0);
        assert_eq!(
            kit.factor(mfa, "totp_code", later).await.fails(),
            invalid_token()
        );
        let have = kit
            .get_as(&token, "/v1/auth/factors")
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&have["password"], &have["recovery_codes"]),
            (&json!(true), &json!(10))
        );
        assert!(have["totp_since"].is_string() && have["passkeys"] == json!([]));
        assert!(kit.notices().await[0].contains("authenticator app was set up"));
    })
    .await;
}

/// Settings by which all ways are open.
fn ways() -> Settings {
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
        ..settings()
    }
}

#[track_caller]
pub fn is_not_in(reply: Reply, way: &str) {
    let said = reply.expect(200).json();
    assert!(
        said["mfa_token"].is_string() && said.get("access_token").is_none(),
        "{way}: {said}"
    );
}

#[actix_web::test]
async fn every_way_in_leads_to_the_second_factor() {
    on_both(async |kit| {
        kit.project.set_for_tests(ways());
        let token = kit.newcomer(ADA).await;
        kit.set_verified(ADA, true).await;
        kit.app(&token).await;
        is_not_in(kit.sign_in(ADA, PASSWORD).await, "password");
        let body = json!({ "email": ADA });
        let asked = kit
            .post("/v1/auth/sign-in/code/request", body.clone())
            .await
            .expect(202);
        let mail = kit.mail("code", ADA).await;
        let digits = &mail["subject"].as_str().unwrap()[..6];
        let answer = json!({"challenge_id": asked.text("challenge_id"), "code": digits});
        is_not_in(kit.post("/v1/auth/sign-in/code", answer).await, "code");
        kit.post("/v1/auth/sign-in/link/request", body.clone())
            .await
            .expect(202);
        let link = json!({"token": kit.token("magic_link", ADA).await});
        is_not_in(kit.post("/v1/auth/sign-in/link", link).await, "link");
        kit.post("/v1/auth/password-reset", body).await.expect(202);
        let reset =
            json!({"token": kit.token("reset", ADA).await, "new_password": "battery staple"});
        kit.post("/v1/auth/password-reset/confirm", reset)
            .await
            .expect(204);
        let due = kit.sign_in(ADA, "battery staple").await;
        let waits = due.text("mfa_token");
        is_not_in(due, "reset");
        assert_eq!(kit.refresh(&waits).await.status, 401);
        let body = json!({"user_id": kit.found(ADA).await.id});
        let path = "/v1/auth/custom-token";
        let ticket = kit
            .key(Method::POST, path, &["auth.mint"], Some(body))
            .await;
        let ticket = json!({"token": ticket.expect(201).text("token")});
        is_not_in(kit.post("/v1/auth/sign-in/custom", ticket).await, "ticket");
        kit.settings(|s| s.sign_in.phone_code = true);
        let mut change = sea_orm::IntoActiveModel::into_active_model(kit.found(ADA).await);
        change.phone = sea_orm::ActiveValue::Set(Some("+491701234567".to_owned()));
        change.phone_verified = sea_orm::ActiveValue::Set(true);
        kit.write(change).await;
        let asked = kit.ask_phone("+491701234567").await.expect(202);
        let code = kit.phone_code("phone_code", "+491701234567").await;
        let done = kit.answer_phone(&asked.text("challenge_id"), &code).await;
        is_not_in(done, "phone");
    })
    .await;
}

#[actix_web::test]
async fn a_step_is_good_once_whoever_comes_with_it() {
    on_both(async |kit| {
        let (uri, _) = kit.app(&kit.newcomer(ADA).await).await;
        // The code that set it up is used.
        let mfa = kit.mfa_token(ADA).await;
        let used = kit.factor(&mfa, "totp_code", code(&kit, &uri, 0)).await;
        assert_eq!(used.fails(), invalid_factor());
        kit.pass(Duration::from_secs(90));
        for (off, good) in [
            (-60, false),
            (60, false),
            (30, true),
            (0, false),
            (-30, false),
        ] {
            let mfa = kit.mfa_token(ADA).await;
            let shown = kit.factor(&mfa, "totp_code", code(&kit, &uri, off)).await;
            assert_eq!(shown.status == 200, good, "{off}");
        }
        // Twenty at once with tokens of their own, and fifty with one.
        kit.pass(Duration::from_secs(86_400));
        let good = code(&kit, &uri, 0);
        let mut tokens = Vec::new();
        for _ in 0..20 {
            tokens.push(kit.mfa_token(ADA).await);
        }
        let all = tokens
            .iter()
            .map(|mfa| kit.factor(mfa, "totp_code", &*good));
        assert_eq!(one_of(join_all(all).await, 200), 19);
        kit.pass(Duration::from_secs(86_400));
        let (good, mfa) = (code(&kit, &uri, 0), kit.mfa_token(ADA).await);
        let all = (0..50).map(|_| kit.factor(&mfa, "totp_code", &*good));
        assert_eq!(one_of(join_all(all).await, 200), 49);
    })
    .await;
}

#[actix_web::test]
async fn few_guesses_are_good() {
    on_both(async |kit| {
        let (uri, codes) = kit.app(&kit.newcomer(ADA).await).await;
        kit.pass(HALF_MINUTE);
        let bad = not(&code(&kit, &uri, 0));
        let mfa = kit.mfa_token(ADA).await;
        for _ in 0..5 {
            assert_eq!(
                kit.factor(&mfa, "totp_code", &*bad).await.fails(),
                invalid_factor()
            );
        }
        let good = code(&kit, &uri, 0);
        assert_eq!(
            kit.factor(&mfa, "totp_code", &*good).await.fails(),
            invalid_token()
        );
        // All at once have no more; whatever the token, an account has twenty a day.
        for _ in 0..3 {
            let mfa = kit.mfa_token(ADA).await;
            let all = join_all((0..10).map(|_| kit.factor(&mfa, "totp_code", &*bad))).await;
            let looked_at = all.iter().filter(|r| r.fails() == invalid_factor()).count();
            assert_eq!(looked_at, 5);
        }
        let mfa = kit.mfa_token(ADA).await;
        let over = kit.factor(&mfa, "totp_code", &*good).await;
        assert_eq!(over.fails(), (429, "rate_limited".to_owned()));
        assert!(over.headers.iter().any(|(name, _)| name == "retry-after"));
        // Another factor is not shut, nor the next day.
        kit.factor(&mfa, "recovery_code", &*codes[0])
            .await
            .expect(200);
        kit.pass(Duration::from_secs(86_400));
        let mfa = kit.mfa_token(ADA).await;
        kit.factor(&mfa, "totp_code", code(&kit, &uri, 0))
            .await
            .expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_recovery_code_is_good_once() {
    on_both(async |kit| {
        let token = kit.newcomer(ADA).await;
        let (_, codes) = kit.app(&token).await;
        let bob = kit.newcomer(BOB).await;
        let (_, others) = kit.app(&bob).await;
        let mfa = kit.mfa_token(ADA).await;
        for bad in ["aaaa-aaaa-aaaa", &others[0], ""] {
            assert_ne!(kit.factor(&mfa, "recovery_code", bad).await.status, 200);
        }
        // As people type it.
        let typed = codes[0].replace('-', " ").to_uppercase();
        let done = kit.factor(&mfa, "recovery_code", typed).await.expect(200);
        let said = claims(&done.text("access_token"));
        assert_eq!(said["amr"], json!(["password", "recovery_code"]));
        let mfa = kit.mfa_token(ADA).await;
        let again = kit.factor(&mfa, "recovery_code", &*codes[0]).await;
        assert_eq!(again.fails(), invalid_factor());
        assert!(kit.notices().await[0].contains("recovery code was used"));
        let mut tokens = Vec::new();
        for _ in 0..50 {
            tokens.push(kit.mfa_token(ADA).await);
        }
        let all = tokens
            .iter()
            .map(|mfa| kit.factor(mfa, "recovery_code", &*codes[1]));
        assert_eq!(one_of(join_all(all).await, 200), 49);
        let level = done.text("access_token");
        let left = kit.get_as(&level, "/v1/auth/factors").await.expect(200);
        assert_eq!(left.json()["recovery_codes"], 8);
        // One token lets one in, whatever is shown with it.
        let mfa = kit.mfa_token(ADA).await;
        let all = codes[5..9].iter();
        let all = all.map(|code| kit.factor(&mfa, "recovery_code", &**code));
        assert_eq!(one_of(join_all(all).await, 200), 3);
        // New ones end the old ones, and need two factors.
        let renew = |token: String| {
            let kit = &kit;
            async move { kit.post_as(&token, "/v1/auth/recovery-codes", None).await }
        };
        assert_eq!(renew(token).await.fails(), second_factor_required());
        let fresh = renew(level).await.expect(200).json()["recovery_codes"].clone();
        let mfa = kit.mfa_token(ADA).await;
        let old = kit.factor(&mfa, "recovery_code", &*codes[2]).await;
        assert_eq!(old.fails(), invalid_factor());
        kit.factor(&mfa, "recovery_code", fresh[9].clone())
            .await
            .expect(200);
        let stored = format!("{:?}", kit.mails().await);
        assert!(!stored.contains(&codes[3]));
    })
    .await;
}

#[actix_web::test]
async fn a_passkey_is_a_second_factor_where_its_user_says_so() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        let token = kit.newcomer(ADA).await;
        let mut passkey = kit.passkey(&token).await;
        let bob = kit.newcomer(BOB).await;
        let mut strange = kit.passkey(&bob).await;
        let path = format!("/v1/auth/passkeys/{}", kit.passkey_ids(&token).await[0]);
        let ask = |on: bool| json!({ "second_factor": on });
        let patched = kit.call(Method::PATCH, &path, Some(&token), Some(ask(true))).await;
        patched.expect(200);
        let first = kit.sign_in(ADA, PASSWORD).await.expect(200).json();
        assert_eq!(first["factors"], json!(["passkey"]));
        let mfa = first["mfa_token"].as_str().unwrap();
        let begin = |mfa: &str| kit.post("/v1/auth/sign-in/factor/passkey", json!({"mfa_token": mfa}));
        assert_eq!(begin("gm_nothing").await.fails(), invalid_token());
        let begun = begin(mfa).await.expect(200).json();
        let options = &begun["public_key"];
        assert_eq!(options["allowCredentials"][0]["id"], crate::authenticator::b64(&passkey.id));
        let answer = |credential: Value| json!({"ceremony_id": begun["ceremony_id"], "credential": credential});
        // Not another user's, not to another token, and not to sign in alone.
        let theirs = strange.get(&Said::to(options, ORIGIN));
        let refused = kit.factor(mfa, "passkey", answer(theirs)).await;
        assert_eq!(refused.fails(), invalid_factor());
        let mut said = Said::to(options, ORIGIN);
        // Having it is enough: the password was the other factor.
        said.flags &= !VERIFIED;
        let credential = passkey.get(&said);
        let alone = kit.post("/v1/auth/sign-in/passkey", answer(credential.clone())).await;
        assert_eq!(alone.fails(), invalid_token());
        let other = kit.mfa_token(ADA).await;
        let refused = kit.factor(&other, "passkey", answer(credential.clone())).await;
        assert_eq!(refused.fails(), invalid_token());
        let all = (0..4).map(|_| kit.factor(mfa, "passkey", answer(credential.clone())));
        let all = join_all(all).await;
        let done = all.iter().find(|r| r.status == 200).unwrap().text("access_token");
        assert_eq!(one_of(all, 200), 3);
        let told = claims(&done);
        assert_eq!((&told["aal"], &told["amr"]), (&json!(2), &json!(["password", "passkey"])));
        // The old session of one factor can undo nothing; the new one can.
        let refused = kit.call(Method::PATCH, &path, Some(&token), Some(ask(false))).await;
        assert_eq!(refused.fails(), second_factor_required());
        assert_eq!(kit.delete_as(&token, &path).await.fails(), second_factor_required());
        let begin = kit.post_as(&token, "/v1/auth/passkeys/options", None).await;
        assert_eq!(begin.fails(), second_factor_required());
        let undone = kit.call(Method::PATCH, &path, Some(&done), Some(ask(false))).await;
        undone.expect(200);
        kit.sign_in(ADA, PASSWORD).await.expect(200).text("access_token");
    })
    .await;
}

#[actix_web::test]
async fn a_factor_goes_only_with_two_factors_shown_a_moment_ago() {
    on_both(async |kit| {
        let low = kit.newcomer(ADA).await;
        let (uri, _) = kit.app(&low).await;
        kit.pass(HALF_MINUTE);
        assert_eq!(
            kit.delete_as(&low, "/v1/auth/totp").await.fails(),
            second_factor_required()
        );
        let again = kit.post_as(&low, "/v1/auth/totp", None).await;
        assert_eq!(again.fails(), second_factor_required());
        let mfa = kit.mfa_token(ADA).await;
        let done = kit.factor(&mfa, "totp_code", code(&kit, &uri, 0)).await;
        let high = done.expect(200).text("access_token");
        kit.pass(Duration::from_secs(300));
        assert_eq!(
            kit.delete_as(&high, "/v1/auth/totp").await.fails(),
            reauth_required()
        );
        kit.step_up(&high, "totp_code", code(&kit, &uri, 0))
            .await
            .expect(200);
        kit.delete_as(&high, "/v1/auth/totp").await.expect(204);
        assert_eq!(kit.delete_as(&high, "/v1/auth/totp").await.status, 404);
        assert!(kit.notices().await[0].contains("no longer a second factor"));
        // What stood for it is gone with it.
        kit.sign_in(ADA, PASSWORD)
            .await
            .expect(200)
            .text("access_token");
        let have = kit
            .get_as(&high, "/v1/auth/factors")
            .await
            .expect(200)
            .json();
        assert_eq!(have["recovery_codes"], 0);
        let none = kit.post_as(&high, "/v1/auth/recovery-codes", None).await;
        assert_eq!(none.status, 404);
    })
    .await;
}

#[actix_web::test]
async fn what_waits_for_a_factor_ends_with_the_password_and_with_time() {
    on_both(async |kit| {
        let low = kit.newcomer(ADA).await;
        let (_, codes) = kit.app(&low).await;
        let mut n = 0;
        let mut use_one = async |mfa: &str| {
            n += 1;
            kit.factor(mfa, "recovery_code", &*codes[n]).await.fails()
        };
        let mfa = kit.mfa_token(ADA).await;
        let body = json!({"current_password": PASSWORD, "new_password": "battery staple"});
        kit.post_as(&low, "/v1/auth/password", Some(body))
            .await
            .expect(204);
        assert_eq!(use_one(&mfa).await, invalid_token());
        let body = json!({"current_password": "battery staple", "new_password": PASSWORD});
        kit.post_as(&low, "/v1/auth/password", Some(body))
            .await
            .expect(204);
        let mfa = kit.mfa_token(ADA).await;
        kit.pass(Duration::from_secs(300));
        assert_eq!(use_one(&mfa).await, invalid_token());
        let mfa = kit.mfa_token(ADA).await;
        kit.set_disabled(ADA, true).await;
        assert_eq!(use_one(&mfa).await, (401, "invalid_credentials".to_owned()));
        kit.set_disabled(ADA, false).await;
        kit.post_as(&low, "/v1/auth/sign-out-everywhere", None)
            .await
            .expect(204);
        assert_eq!(use_one(&mfa).await, invalid_token());
        let abroad = kit.mfa_token(ADA).await;
        let other = kit.in_other_project().await;
        let refused = other.factor(&abroad, "recovery_code", &*codes[9]).await;
        assert_eq!(refused.fails(), invalid_token());
    })
    .await;
}
