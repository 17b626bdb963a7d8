//! Who is asked for a second factor, and how who must have one sets it up at the door.

use crate::hand::{ADA, BOB, claims, code, invalid_factor, invalid_token, not, policy};
use crate::kit::{Kit, PASSWORD, on_both};
use crate::passkeys::one_of;
use crate::second_factor::is_not_in;
use actix_web::http::Method;
use futures_util::future::join_all;
use gate::SecondFactorPolicy;
use serde_json::{Value, json};

#[actix_web::test]
async fn a_project_asks_nobody_or_everybody_or_some() {
    use SecondFactorPolicy::{Off, Required};
    on_both(async |kit| {
        let methods = || async {
            let said = kit.call(Method::GET, "/v1/auth/methods", None, None).await;
            said.json()["second_factor"].clone()
        };
        assert_eq!(methods().await, "optional");
        let token = kit.newcomer(ADA).await;
        kit.app(&token).await;
        kit.project.set_for_tests(policy(Off, &[]));
        assert_eq!(methods().await, "off");
        kit.sign_in(ADA, PASSWORD)
            .await
            .expect(200)
            .text("access_token");
        let closed = kit.post_as(&token, "/v1/auth/totp", None).await;
        assert_eq!(closed.fails(), (403, "method_disabled".to_owned()));
        kit.project.set_for_tests(policy(Required, &["staff"]));
        kit.newcomer(BOB).await;
        // As an administrator gives it.
        let path = format!("/v1/users/{}", kit.found(BOB).await.id);
        let roles = Some(json!({"roles": ["staff"]}));
        kit.key(Method::PATCH, &path, &["users.write"], roles)
            .await
            .expect(200);
        let due = kit.sign_in(BOB, PASSWORD).await.expect(200).json();
        assert_eq!((&due["enrol"], &due["factors"]), (&json!(true), &json!([])));
        is_not_in(
            kit.sign_in(ADA, PASSWORD).await,
            "who chose it is asked as before",
        );
        // Who must have one sets it up at the door, also who is new.
        kit.project.set_for_tests(policy(Required, &[]));
        let new = kit.sign_up("eve@example.com").await.expect(201).json();
        let mfa = new["mfa_token"].as_str().unwrap().to_owned();
        assert_eq!(new["enrol"], true);
        assert_eq!(
            kit.factor(&mfa, "totp_code", "123456").await.fails(),
            invalid_factor()
        );
        let none = kit
            .post("/v1/auth/sign-in/factor/passkey", json!({"mfa_token": mfa}))
            .await;
        assert_eq!(none.fails(), invalid_token());
        let path = "/v1/auth/sign-in/factor/totp";
        let begun = kit.post(path, json!({"mfa_token": mfa})).await.expect(200);
        let uri = begun.text("uri");
        let wrong = kit
            .factor(&mfa, "totp_code", not(&code(&kit, &uri, 0)))
            .await;
        assert_eq!(wrong.fails(), invalid_factor());
        let done = kit
            .factor(&mfa, "totp_code", code(&kit, &uri, 0))
            .await
            .expect(200);
        let high = done.text("access_token");
        assert_eq!(claims(&high)["aal"], 2);
        // The last one cannot go while one is required.
        assert_eq!(
            kit.delete_as(&high, "/v1/auth/totp").await.fails(),
            (409, "last_way_in".to_owned())
        );
        kit.post_as(&high, "/v1/auth/recovery-codes", None)
            .await
            .expect(200);
        // Who has one sets up no other at the door.
        let mfa = kit.mfa_token("eve@example.com").await;
        let second = kit.post(path, json!({"mfa_token": mfa})).await;
        assert_eq!(second.fails(), invalid_token());
    })
    .await;
}

#[actix_web::test]
async fn of_two_who_set_up_a_factor_at_the_door_one_does() {
    on_both(async |kit| {
        kit.project
            .set_for_tests(policy(SecondFactorPolicy::Required, &[]));
        kit.sign_up(ADA).await.expect(201);
        let mut all = Vec::new();
        for _ in 0..2 {
            let mfa = kit.mfa_token(ADA).await;
            let path = "/v1/auth/sign-in/factor/totp";
            let begun = kit.post(path, json!({"mfa_token": mfa})).await.expect(200);
            all.push((mfa, code(&kit, &begun.text("uri"), 0)));
        }
        let done = join_all(
            all.iter()
                .map(|(mfa, code)| kit.factor(mfa, "totp_code", &**code)),
        );
        let done = done.await;
        assert_eq!(one_of(done, 200), 1);
    })
    .await;
}

#[actix_web::test]
async fn exactly_one_thing_is_shown() {
    on_both(async |kit: Kit| {
        for body in [
            json!({"mfa_token": "x"}),
            json!({"mfa_token": "x", "totp_code": "1", "recovery_code": "2"}),
            json!({"mfa_token": "x", "passkey": {}}),
            json!({"mfa_token": "x", "passkey": "y"}),
            json!({"totp_code": "1"}),
        ] {
            let reply = kit.post("/v1/auth/sign-in/factor", body.clone()).await;
            assert_eq!(reply.status, 422, "{body}");
        }
        let odd = kit.post(
            "/v1/auth/sign-in/factor",
            json!({"mfa_token": "x", "password": "y"}),
        );
        assert_eq!(odd.await.status, 400);
    })
    .await;
}

#[actix_web::test]
async fn an_operator_helps_who_lost_everything() {
    on_both(async |kit| {
        let token = kit.newcomer(ADA).await;
        kit.app(&token).await;
        let id = kit.me(&token).await.text("id");
        let reset = |who: &str, scope: &'static str| {
            let (kit, path) = (&kit, format!("/v1/users/{who}/factors"));
            async move { kit.key(Method::DELETE, &path, &[scope], None).await }
        };
        let seen = async || {
            let path = format!("/v1/users/{id}");
            let reply = kit.key(Method::GET, &path, &["users.read"], None).await;
            reply.expect(200).json()["factors"].clone()
        };
        let before = seen().await;
        assert!(before["totp_since"].is_string(), "{before}");
        assert_eq!(
            (&before["recovery_codes"], &before["passkeys"]),
            (&json!(10), &json!([]))
        );
        let bob = kit.newcomer(BOB).await;
        let path = format!("/v1/users/{id}/factors");
        assert_eq!(kit.delete_as(&bob, &path).await.status, 403);
        assert_eq!(kit.delete_as(&token, &path).await.status, 403);
        assert_eq!(reset(&id, "factors.read").await.status, 403);
        let nobody = reset("01990000-0000-7000-8000-00000000dead", "factors.reset").await;
        assert_eq!(nobody.fails(), (404, "user_not_found".to_owned()));
        reset(&id, "factors.reset").await.expect(204);
        let after = seen().await;
        assert_eq!(
            (&after["totp_since"], &after["recovery_codes"]),
            (&Value::Null, &json!(0))
        );
        assert_eq!(kit.me(&token).await.status, 401);
        assert!(kit.notices().await[0].contains("removed by an administrator"));
        kit.sign_in(ADA, PASSWORD)
            .await
            .expect(200)
            .text("access_token");
        kit.me(&bob).await.expect(200);
    })
    .await;
}
