//! Passkeys: they sign in without a name, at two factors; a ceremony is answered once, by whom it was begun for, in its
//! time; and nobody is left without a way in.

use crate::authenticator::{Cbor, EXTENSIONS, Key, Passkey, Said, VERIFIED};
use crate::hand::{
    ADA, BOB, ORIGIN, claims, invalid_factor, invalid_token, reauth_required, settings,
};
use crate::kit::{Kit, PASSWORD, on_both};
use actix_web::http::Method;
use futures_util::future::join_all;
use gate::{Settings, SignInMethods, Who};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

#[actix_web::test]
async fn a_passkey_signs_in_without_a_name_at_two_factors() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        let token = kit.newcomer(ADA).await;
        let begun = kit.options(&token).await;
        let options = &begun["public_key"];
        assert_eq!(options["rp"], json!({"id": "shop.example", "name": "Shop"}));
        assert_eq!(options["user"]["name"], ADA);
        assert_eq!(options["attestation"], "none");
        let mut passkey = kit.passkey(&token).await;
        // Another is not made on the same device.
        let again = kit.options(&token).await;
        let known = again["public_key"]["excludeCredentials"][0].clone();
        assert_eq!(known["id"], crate::authenticator::b64(&passkey.id));
        assert_eq!(known["transports"], json!(["internal", "hybrid"]));
        passkey.count = 4;
        let signed_in = kit.sign_in_passkey(&mut passkey).await.expect(200);
        assert_eq!(signed_in.json()["user"]["email"], ADA);
        let said = claims(&signed_in.text("access_token"));
        assert_eq!(
            (&said["aal"], &said["amr"]),
            (&json!(2), &json!(["passkey"]))
        );
        kit.me(&signed_in.text("access_token")).await.expect(200);
        // An authenticator that counts goes forward.
        assert_eq!(
            kit.sign_in_passkey(&mut passkey).await.fails(),
            invalid_factor()
        );
        passkey.count = 5;
        kit.sign_in_passkey(&mut passkey).await.expect(200);
        // A passkey alone is not asked for after a password.
        kit.sign_in(ADA, PASSWORD)
            .await
            .expect(200)
            .text("access_token");
        let told = kit.notices().await;
        assert!(
            told.len() == 1 && told[0].contains("A passkey was added"),
            "{told:?}"
        );
    })
    .await;
}

#[actix_web::test]
async fn passkeys_are_named_listed_and_removed() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        let token = kit.newcomer(ADA).await;
        let mut one = kit.passkey(&token).await;
        let mut two = kit.passkey(&token).await;
        let ids = kit.passkey_ids(&token).await;
        assert_eq!(ids.len(), 2);
        let path = format!("/v1/auth/passkeys/{}", ids[0]);
        let patch = |body: Value| kit.call(Method::PATCH, &path, Some(&token), Some(body));
        let named = patch(json!({"name": " Ada's key "})).await.expect(200);
        assert_eq!(named.text("name"), "Ada's key");
        assert_eq!(patch(json!({"name": ""})).await.status, 422);
        assert_eq!(patch(json!({"name": "a\nb"})).await.status, 422);
        assert_eq!(patch(json!({"sign_count": 0})).await.status, 400);
        // Nobody else's.
        let bob = kit.newcomer(BOB).await;
        let other = kit.call(Method::PATCH, &path, Some(&bob), Some(json!({"name": "x"})));
        assert_eq!(other.await.fails(), (404, "record_not_found".to_owned()));
        assert_eq!(kit.delete_as(&bob, &path).await.status, 404);
        kit.delete_as(&token, &path).await.expect(204);
        assert_eq!(kit.delete_as(&token, &path).await.status, 404);
        assert_eq!(kit.passkey_ids(&token).await, ids[1..]);
        assert_eq!(
            kit.sign_in_passkey(&mut one).await.fails(),
            invalid_factor()
        );
        kit.sign_in_passkey(&mut two).await.expect(200);
        assert!(kit.notices().await[0].contains("removed"));
        // What has one has no more than twenty, and none twice.
        for _ in 1..20 {
            kit.passkey(&token).await;
        }
        // Who made them is told of ten an hour, and still gets other mails.
        assert_eq!(kit.notices().await.len(), 10);
        let reset = kit.post("/v1/auth/password-reset", json!({ "email": ADA }));
        reset.await.expect(202);
        kit.token("reset", ADA).await;
        let begun = kit.options(&token).await;
        let credential = Passkey::new(Key::es256()).create(&Said::to(&begun["public_key"], ORIGIN));
        let full = kit.keep(&token, &begun["ceremony_id"], credential).await;
        assert_eq!(full.expect(422).json()["errors"][0]["code"], "too_many");
        let begun = kit.options(&bob).await;
        let credential = two.create(&Said::to(&begun["public_key"], ORIGIN));
        let known = kit.keep(&bob, &begun["ceremony_id"], credential).await;
        assert_eq!(known.expect(422).json()["errors"][0]["code"], "known");
    })
    .await;
}

#[actix_web::test]
async fn a_ceremony_is_answered_once_by_whom_it_was_begun_for() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        let (ada, bob) = (kit.newcomer(ADA).await, kit.newcomer(BOB).await);
        let second = kit.sign_in(ADA, PASSWORD).await.text("access_token");
        let begun = kit.options(&ada).await;
        let ceremony = &begun["ceremony_id"];
        let mut passkey = Passkey::new(Key::es256());
        let credential = passkey.create(&Said::to(&begun["public_key"], ORIGIN));
        // Another user's, and another session of the same user.
        for token in [&bob, &second] {
            let stolen = kit.keep(token, ceremony, credential.clone()).await;
            assert_eq!(stolen.fails(), invalid_token());
        }
        // Not to sign in with.
        let shown = passkey.get(&Said::to(&kit.ask_passkey().await["public_key"], ORIGIN));
        let other = kit.answer_passkey(ceremony, shown).await;
        assert_eq!(other.fails(), invalid_token());
        kit.keep(&ada, ceremony, credential.clone())
            .await
            .expect(201);
        let again = kit.keep(&ada, ceremony, credential).await;
        assert_eq!(again.fails(), invalid_token());
        assert_eq!(kit.passkey_ids(&ada).await.len(), 1);
        // A later ceremony ends an earlier one, and five minutes end both.
        let earlier = kit.options(&ada).await;
        let later = kit.options(&ada).await;
        for (begun, wait) in [(earlier, 0), (later, 300)] {
            kit.pass(Duration::from_secs(wait));
            kit.step_up(&ada, "password", PASSWORD).await.expect(200);
            let new = Passkey::new(Key::es256()).create(&Said::to(&begun["public_key"], ORIGIN));
            let late = kit.keep(&ada, &begun["ceremony_id"], new).await;
            assert_eq!(late.fails(), invalid_token());
        }
    })
    .await;
}

#[actix_web::test]
async fn a_sign_in_is_of_its_ceremony_its_project_and_its_user() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        let other = kit.in_other_project().await;
        other.project.set_for_tests(settings());
        let ada = kit.newcomer(ADA).await;
        let mut passkey = kit.passkey(&ada).await;
        let (one, two) = (kit.ask_passkey().await, kit.ask_passkey().await);
        let said = Said::to(&one["public_key"], ORIGIN);
        let credential = passkey.get(&said);
        // Another ceremony's answer, and another project's ceremony.
        let mixed = kit
            .answer_passkey(&two["ceremony_id"], credential.clone())
            .await;
        assert_eq!(mixed.fails(), invalid_factor());
        let abroad = other
            .answer_passkey(&one["ceremony_id"], credential.clone())
            .await;
        assert_eq!(abroad.fails(), invalid_token());
        let asked = other.ask_passkey().await;
        let unknown = passkey.get(&Said::to(&asked["public_key"], ORIGIN));
        let unknown = other.answer_passkey(&asked["ceremony_id"], unknown).await;
        assert_eq!(unknown.fails(), invalid_factor());
        // Somebody else's name, or none, or nobody verified, or another page.
        let handle = passkey.user_handle.clone();
        for user_handle in [None, Some(vec![1; 16]), Some(Vec::from([0]))] {
            passkey.user_handle = user_handle;
            let credential = passkey.get(&said);
            let refused = kit.answer_passkey(&one["ceremony_id"], credential).await;
            assert_eq!(refused.fails(), invalid_factor());
        }
        passkey.user_handle = handle;
        let mut bad = said.clone();
        bad.flags &= !VERIFIED;
        let refused = kit
            .answer_passkey(&one["ceremony_id"], passkey.get(&bad))
            .await;
        assert_eq!(refused.fails(), invalid_factor());
        let mut bad = said.clone();
        bad.origin = "https://evil.example".to_owned();
        let refused = kit
            .answer_passkey(&one["ceremony_id"], passkey.get(&bad))
            .await;
        assert_eq!(refused.fails(), invalid_factor());
        // A disabled user has none.
        kit.set_disabled(ADA, true).await;
        let refused = kit
            .answer_passkey(&one["ceremony_id"], credential.clone())
            .await;
        assert_eq!(refused.fails(), invalid_factor());
        kit.set_disabled(ADA, false).await;
        kit.answer_passkey(&one["ceremony_id"], credential.clone())
            .await
            .expect(200);
        let again = kit.answer_passkey(&one["ceremony_id"], credential).await;
        assert_eq!(again.fails(), invalid_token());
        kit.pass(5 * MINUTE);
        let late = passkey.get(&Said::to(&two["public_key"], ORIGIN));
        let late = kit.answer_passkey(&two["ceremony_id"], late).await;
        assert_eq!(late.fails(), invalid_token());
        // Where it is no way in, it is none.
        kit.project.set_for_tests(Settings {
            sign_in: SignInMethods {
                passkey: false,
                ..SignInMethods::default()
            },
            ..settings()
        });
        let closed = kit
            .post("/v1/auth/sign-in/passkey/options", json!({}))
            .await;
        assert_eq!(closed.fails(), (403, "method_disabled".to_owned()));
    })
    .await;
}

#[actix_web::test]
async fn fifty_answers_to_one_ceremony_make_one_session() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        let ada = kit.newcomer(ADA).await;
        let mut passkey = kit.passkey(&ada).await;
        let asked = kit.ask_passkey().await;
        let credential = passkey.get(&Said::to(&asked["public_key"], ORIGIN));
        let answers =
            (0..50).map(|_| kit.answer_passkey(&asked["ceremony_id"], credential.clone()));
        assert_eq!(one_of(join_all(answers).await, 200), 49);
        let begun = kit.options(&ada).await;
        let made = Passkey::new(Key::ed25519()).create(&Said::to(&begun["public_key"], ORIGIN));
        let answers = (0..50).map(|_| kit.keep(&ada, &begun["ceremony_id"], made.clone()));
        assert_eq!(one_of(join_all(answers).await, 201), 49);
        assert_eq!(kit.passkey_ids(&ada).await.len(), 2);
    })
    .await;
}

/// How many of the others were refused, of which one succeeded.
pub fn one_of(replies: Vec<crate::kit::Reply>, status: u16) -> usize {
    let won = replies.iter().filter(|r| r.status == status).count();
    assert_eq!(
        won,
        1,
        "{:?}",
        replies.iter().map(|r| r.fails()).collect::<Vec<_>>()
    );
    replies.iter().filter(|r| r.status == 400).count()
}

#[actix_web::test]
async fn an_old_sign_in_changes_no_passkeys_until_it_is_proved_again() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        let token = kit.newcomer(ADA).await;
        kit.passkey(&token).await;
        let begun = kit.options(&token).await;
        let path = format!("/v1/auth/passkeys/{}", kit.passkey_ids(&token).await[0]);
        kit.pass(5 * MINUTE);
        let begin = || kit.post_as(&token, "/v1/auth/passkeys/options", None);
        assert_eq!(begin().await.fails(), reauth_required());
        let new = Passkey::new(Key::es256()).create(&Said::to(&begun["public_key"], ORIGIN));
        let kept = kit.keep(&token, &begun["ceremony_id"], new).await;
        assert_eq!(kept.fails(), reauth_required());
        assert_eq!(
            kit.delete_as(&token, &path).await.fails(),
            reauth_required()
        );
        let ask = json!({"second_factor": true});
        let patched = kit
            .call(Method::PATCH, &path, Some(&token), Some(ask))
            .await;
        assert_eq!(patched.fails(), reauth_required());
        let wrong = kit.step_up(&token, "password", "another one").await;
        assert_eq!(wrong.fails(), invalid_factor());
        assert_eq!(begin().await.fails(), reauth_required());
        kit.step_up(&token, "password", PASSWORD).await.expect(200);
        begin().await.expect(200);
        kit.delete_as(&token, &path).await.expect(204);
    })
    .await;
}

#[actix_web::test]
async fn who_acts_for_a_user_changes_none_of_its_keys() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        let token = kit.newcomer(ADA).await;
        kit.passkey(&token).await;
        let path = format!("/v1/auth/passkeys/{}", kit.passkey_ids(&token).await[0]);
        let now = kit.clock.now();
        let verify = gate::ports::UserTokens::verify(&kit.accounts, &kit.project, &token, now);
        let mut user = verify.await.unwrap();
        user.impersonator = Some(Arc::from("operator:x"));
        for (method, path) in [
            (Method::POST, "/v1/auth/passkeys/options"),
            (Method::DELETE, path.as_str()),
            (Method::POST, "/v1/auth/totp"),
            (Method::POST, "/v1/auth/recovery-codes"),
            (Method::POST, "/v1/auth/step-up/passkey"),
        ] {
            let who = Ok(Who::User(user.clone()));
            let reply = kit.call_as(method, path, who, None, &[]).await;
            assert_eq!(
                reply.fails(),
                (403, "permission_denied".to_owned()),
                "{path}"
            );
        }
        let body = Some(json!({"password": PASSWORD}));
        let who = Ok(Who::User(user));
        let reply = kit
            .call_as(Method::POST, "/v1/auth/step-up", who, body, &[])
            .await;
        assert_eq!(reply.fails(), (403, "permission_denied".to_owned()));
    })
    .await;
}

#[actix_web::test]
async fn the_last_way_in_stays() {
    on_both(async |kit| {
        let only = Settings {
            sign_in: SignInMethods {
                password: false,
                ..SignInMethods::default()
            },
            ..settings()
        };
        kit.project.set_for_tests(settings());
        let token = kit.newcomer(ADA).await;
        kit.passkey(&token).await;
        kit.passkey(&token).await;
        let ids = kit.passkey_ids(&token).await;
        kit.project.set_for_tests(only);
        let remove = |n: usize| {
            let path = format!("/v1/auth/passkeys/{}", ids[n]);
            let (kit, token) = (&kit, &token);
            async move { kit.delete_as(token, &path).await }
        };
        remove(0).await.expect(204);
        assert_eq!(remove(1).await.fails(), (409, "last_way_in".to_owned()));
        kit.project.set_for_tests(settings());
        remove(1).await.expect(204);
    })
    .await;
}

#[actix_web::test]
async fn whoever_had_the_account_before_its_owner_is_put_out_with_all_keys() {
    on_both(async |kit| {
        takeover(&kit, true).await;
        takeover(&kit, false).await;
    })
    .await;
}

/// Somebody signs up with an address of somebody else, and makes keys; then its owner comes by mail.
async fn takeover(kit: &Kit, by_reset: bool) {
    let email = if by_reset { ADA } else { BOB };
    kit.project.set_for_tests(Settings {
        sign_in: SignInMethods {
            email_code: true,
            ..SignInMethods::default()
        },
        ..settings()
    });
    let token = kit.newcomer(email).await;
    let mut passkey = kit.passkey(&token).await;
    kit.app(&token).await;
    let body = json!({ "email": email });
    let mine = if by_reset {
        kit.post("/v1/auth/password-reset", body).await.expect(202);
        let token = kit.token("reset", email).await;
        let body = json!({"token": token, "new_password": "battery staple"});
        kit.post("/v1/auth/password-reset/confirm", body)
            .await
            .expect(204);
        kit.sign_in(email, "battery staple").await
    } else {
        let asked = kit
            .post("/v1/auth/sign-in/code/request", body)
            .await
            .expect(202);
        let mail = kit.mail("code", email).await;
        let code = mail["subject"].as_str().unwrap()[..6].to_owned();
        let body = json!({"challenge_id": asked.text("challenge_id"), "code": code});
        kit.post("/v1/auth/sign-in/code", body).await
    };
    // Nobody asks the owner for what he does not have, and nobody else is let in.
    let mine = mine.expect(200).text("access_token");
    let have = kit
        .get_as(&mine, "/v1/auth/factors")
        .await
        .expect(200)
        .json();
    assert_eq!(have["passkeys"], json!([]));
    assert_eq!(have["totp_since"], Value::Null);
    assert_eq!(have["recovery_codes"], 0);
    assert_eq!(
        kit.sign_in_passkey(&mut passkey).await.fails(),
        invalid_factor()
    );
}

#[actix_web::test]
async fn keys_of_every_kind_sign_in() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        let token = kit.newcomer(ADA).await;
        for key in [Key::es256(), Key::ed25519(), Key::rs256()] {
            let begun = kit.options(&token).await;
            let mut said = Said::to(&begun["public_key"], ORIGIN);
            said.flags |= EXTENSIONS;
            said.tail = Cbor::Map(vec![(Cbor::Text("credProtect"), Cbor::Int(2))]).encoded();
            let mut passkey = Passkey::new(key);
            let credential = passkey.create(&said);
            let kept = kit.keep(&token, &begun["ceremony_id"], credential).await;
            kept.expect(201);
            let me = kit.me(&token).await.expect(200).text("id");
            passkey.user_handle = Some(uuid::Uuid::parse_str(&me).unwrap().as_bytes().to_vec());
            kit.sign_in_passkey(&mut passkey).await.expect(200);
        }
    })
    .await;
}
