//! Proving again who one is: the proof is new, the session the same; with a second factor its level rises, and what was
//! known of the session before is dead.

use crate::authenticator::Said;
use crate::hand::{ADA, ORIGIN, claims, code, invalid_factor, invalid_token, settings};
use crate::kit::{PASSWORD, on_both};
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;

#[actix_web::test]
async fn a_password_renews_the_proof_within_the_session() {
    on_both(async |kit| {
        let first = kit.sign_up(ADA).await.expect(201);
        let token = first.text("access_token");
        kit.pass(Duration::from_secs(301));
        assert_eq!(kit.post_as(&token, "/v1/auth/totp", None).await.status, 403);
        let done = kit.step_up(&token, "password", PASSWORD).await.expect(200);
        let said = claims(&done.text("access_token"));
        assert_eq!(said["sid"], claims(&token)["sid"]);
        assert_eq!(
            (&said["aal"], &said["amr"]),
            (&json!(1), &json!(["password"]))
        );
        // Both the token before and the one after have it.
        kit.post_as(&token, "/v1/auth/totp", None).await.expect(200);
        kit.post_as(&done.text("access_token"), "/v1/auth/totp", None)
            .await
            .expect(200);
        // The refresh token is the one that is unused.
        assert_eq!(done.text("refresh_token"), first.text("refresh_token"));
        kit.refresh(&done.text("refresh_token")).await.expect(200);
        let nobody = kit
            .post("/v1/auth/step-up", json!({"password": PASSWORD}))
            .await;
        assert_eq!(nobody.status, 401);
    })
    .await;
}

#[actix_web::test]
async fn a_second_factor_raises_the_session_under_another_id() {
    on_both(async |kit| {
        let first = kit.sign_up(ADA).await.expect(201);
        let token = first.text("access_token");
        let (uri, _) = kit.app(&token).await;
        let used = kit.step_up(&token, "totp_code", code(&kit, &uri, 0)).await;
        assert_eq!(used.fails(), invalid_factor());
        kit.pass(Duration::from_secs(30));
        let good = code(&kit, &uri, 0);
        let all = join_all((0..20).map(|_| kit.step_up(&token, "totp_code", &*good))).await;
        let won = all.iter().filter(|r| r.status == 200).count();
        assert_eq!(won, 1);
        let done = all.iter().find(|r| r.status == 200).unwrap();
        let said = claims(&done.text("access_token"));
        assert_ne!(said["sid"], claims(&token)["sid"]);
        assert_eq!(
            (&said["aal"], &said["amr"]),
            (&json!(2), &json!(["password", "totp"]))
        );
        assert_eq!(kit.me(&token).await.status, 401);
        assert_eq!(kit.refresh(&first.text("refresh_token")).await.status, 401);
        kit.me(&done.text("access_token")).await.expect(200);
        let next = kit.refresh(&done.text("refresh_token")).await.expect(200);
        assert_eq!(claims(&next.text("access_token"))["aal"], 2);
        // From there on the id stays.
        kit.pass(Duration::from_secs(30));
        let high = next.text("access_token");
        let again = kit
            .step_up(&high, "totp_code", code(&kit, &uri, 0))
            .await
            .expect(200);
        assert_eq!(claims(&again.text("access_token"))["sid"], said["sid"]);
    })
    .await;
}

#[actix_web::test]
async fn a_passkey_of_the_user_raises_it_too() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        let token = kit.newcomer(ADA).await;
        let mut passkey = kit.passkey(&token).await;
        let other = kit.sign_in(ADA, PASSWORD).await.text("access_token");
        let begun = kit
            .post_as(&token, "/v1/auth/step-up/passkey", None)
            .await
            .expect(200)
            .json();
        let credential = passkey.get(&Said::to(&begun["public_key"], ORIGIN));
        let answer = json!({"ceremony_id": begun["ceremony_id"], "credential": credential});
        // Begun in another session.
        let stolen = kit.step_up(&other, "passkey", answer.clone()).await;
        assert_eq!(stolen.fails(), invalid_token());
        let alone = kit.post("/v1/auth/sign-in/passkey", answer.clone()).await;
        assert_eq!(alone.fails(), invalid_token());
        // Begun for something else.
        let making = kit.options(&token).await;
        let mut said = Said::to(&making["public_key"], ORIGIN);
        said.kind = "webauthn.get";
        let other_use =
            json!({"ceremony_id": making["ceremony_id"], "credential": passkey.get(&said)});
        let stolen = kit.step_up(&token, "passkey", other_use).await;
        assert_eq!(stolen.fails(), invalid_token());
        let done = kit.step_up(&token, "passkey", answer).await.expect(200);
        assert_eq!(
            claims(&done.text("access_token"))["amr"],
            json!(["password", "passkey"])
        );
        assert_eq!(kit.me(&token).await.status, 401);
        kit.me(&other).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn guesses_within_a_session_are_counted_too() {
    on_both(async |kit| {
        let token = kit.newcomer(ADA).await;
        let (uri, _) = kit.app(&token).await;
        kit.pass(Duration::from_secs(30));
        let bad = crate::hand::not(&code(&kit, &uri, 0));
        let all = join_all((0..25).map(|_| kit.step_up(&token, "totp_code", &*bad))).await;
        let looked_at = all.iter().filter(|r| r.fails() == invalid_factor()).count();
        assert_eq!(looked_at, 20);
        let good = kit.step_up(&token, "totp_code", code(&kit, &uri, 0)).await;
        assert_eq!(good.status, 429);
        let mfa = kit.mfa_token(ADA).await;
        let good = kit.factor(&mfa, "totp_code", code(&kit, &uri, 0)).await;
        assert_eq!(good.status, 429);
    })
    .await;
}

#[actix_web::test]
async fn a_password_is_set_without_the_old_one_only_after_other_proofs() {
    on_both(async |kit| {
        kit.project.set_for_tests(settings());
        let low = kit.newcomer(ADA).await;
        let mut passkey = kit.passkey(&low).await;
        let set = |token: String| {
            let kit = &kit;
            let body = Some(json!({"new_password": "battery staple"}));
            async move { kit.post_as(&token, "/v1/auth/password", body).await }
        };
        assert_eq!(set(low).await.status, 422);
        let high = kit.sign_in_passkey(&mut passkey).await.text("access_token");
        kit.pass(Duration::from_secs(301));
        assert_eq!(set(high).await.fails(), crate::hand::reauth_required());
        let high = kit.sign_in_passkey(&mut passkey).await.text("access_token");
        set(high).await.expect(204);
        kit.sign_in(ADA, "battery staple").await.expect(200);
    })
    .await;
}
