//! Proof that a person asks: demanded where the project says, verified by the service it names, and nobody passes
//! without a verdict.

use crate::kit::{Kit, PASSWORD, Reply, accounts_reaching, on_both};
use crate::peer::Peer;
use serde_json::{Value, json};
use std::time::Instant;

const ADA: &str = "ada@example.com";

async fn with_captcha(kit: Kit, peer: &Peer, provider: &str, places: &[&str]) -> Kit {
    let origins = [peer.origin.as_str()];
    let captcha = json!({"provider": provider, "site_key": "site", "secret": "s3cret", "places": places, "endpoint": format!("{}/siteverify", peer.origin)});
    kit.set(json!({ "captcha": captcha }), &origins).await;
    kit.with_accounts(accounts_reaching(&origins))
}

async fn sign_up(kit: &Kit, proof: Option<&str>) -> Reply {
    let mut body = json!({"email": ADA, "password": PASSWORD});
    if let Some(proof) = proof {
        body["captcha_token"] = json!(proof);
    }
    kit.post("/v1/auth/sign-up", body).await
}

#[actix_web::test]
async fn a_proof_is_verified_by_the_service_and_demanded_where_it_is_said() {
    on_both(async |kit| {
        let peer = Peer::start();
        let kit = with_captcha(kit, &peer, "turnstile", &["sign_up", "sign_in", "mails"]).await;
        let failed = (403, "captcha_failed".to_owned());
        assert_eq!(sign_up(&kit, None).await.fails(), failed);
        assert_eq!(peer.take().len(), 0);
        peer.answers(200, r#"{"success": false, "error-codes": ["timeout-or-duplicate"]}"#);
        assert_eq!(sign_up(&kit, Some("old")).await.fails(), failed);
        peer.answers(200, r#"{"success": true, "hostname": "shop.example"}"#);
        peer.take();
        sign_up(&kit, Some("good & new")).await.expect(201);
        let asked = peer.take();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].path, "/siteverify");
        assert_eq!(asked[0].body, "secret=s3cret&response=good+%26+new");
        assert_eq!(asked[0].header("content-type"), "application/x-www-form-urlencoded");
        for (path, body) in [
            ("/v1/auth/sign-in/password", json!({"identity": ADA, "password": PASSWORD})),
            ("/v1/auth/password-reset", json!({ "email": ADA })),
            ("/v1/auth/verification", json!({ "email": ADA })),
        ] {
            assert_eq!(kit.post(path, body.clone()).await.fails(), failed, "{path}");
            let mut proved = body;
            proved["captcha_token"] = json!("good");
            let reply = kit.post(path, proved).await;
            assert!(reply.status.is_success(), "{path} {reply:?}");
        }
        let methods = kit.call(actix_web::http::Method::GET, "/v1/auth/methods", None, None).await;
        let want = json!({"provider": "turnstile", "site_key": "site", "places": ["sign_up", "sign_in", "mails"]});
        assert_eq!(methods.json()["captcha"], want);
    })
    .await;
}

#[actix_web::test]
async fn without_a_verdict_nobody_passes() {
    on_both(async |kit| {
        let peer = Peer::start();
        let kit = with_captcha(kit, &peer, "hcaptcha", &["sign_up"]).await;
        let unavailable = (503, "captcha_unavailable".to_owned());
        for (status, body) in [
            (500, r#"{"success": true}"#),
            (302, r#"{"success": true}"#),
            (200, "<html>"),
            (200, "[true]"),
            (200, "{}"),
            (200, r#"{"success": "true"}"#),
            (
                200,
                r#"{"success": false, "error-codes": ["invalid-input-secret"]}"#,
            ),
        ] {
            peer.answers(status, body);
            assert_eq!(
                sign_up(&kit, Some("x")).await.fails(),
                unavailable,
                "{status} {body}"
            );
        }
        peer.hangs();
        let began = Instant::now();
        let hung = sign_up(&kit, Some("x")).await;
        assert_eq!(hung.fails(), unavailable);
        assert!(hung.headers.iter().any(|(name, _)| name == "retry-after"));
        assert!(
            (4..8).contains(&began.elapsed().as_secs()),
            "{:?}",
            began.elapsed()
        );
        // Sign-in asks for none here, and neither does a key.
        kit.sign_in(ADA, PASSWORD).await.expect(401);
        let body = json!({"email": ADA, "password": PASSWORD});
        let path = "/v1/auth/sign-up";
        kit.key(actix_web::http::Method::POST, path, &["*"], Some(body))
            .await
            .expect(201);
    })
    .await;
}

#[actix_web::test]
async fn the_secret_is_shown_to_nobody_and_goes_with_its_server() {
    on_both(async |kit| {
        let peer = Peer::start();
        let kit = with_captcha(kit, &peer, "turnstile", &["sign_up"]).await;
        let origins = [peer.origin.as_str()];
        kit.owner(&origins, async |gate, by| {
            let shown = serde_json::to_value(gate.get_settings(&kit.project).value).unwrap();
            assert_eq!(shown["captcha"].get("secret"), None);
            let change = |value: Value| gate::Input::new(value.as_object().cloned().unwrap());
            let moved = change(json!({"captcha": {"endpoint": format!("{}/evil", peer.origin)}}));
            let refused = gate
                .update_settings(&kit.project, by, None, moved)
                .await
                .unwrap_err();
            assert_eq!(refused.field_errors()[0].path, "/captcha/secret");
            let private = change(json!({"captcha": {"endpoint": "http://127.0.0.1:1/x"}}));
            let refused = gate
                .update_settings(&kit.project, by, None, private)
                .await
                .unwrap_err();
            assert_eq!(refused.field_errors()[0].path, "/captcha/endpoint");
        })
        .await;
        let stored = format!("{:?}", kit.project.settings());
        assert!(!stored.contains("s3cret"), "{stored}");
    })
    .await;
}

#[actix_web::test]
async fn who_was_nobody_is_asked_for_a_proof_as_others_are() {
    on_both(async |kit| {
        let peer = Peer::start();
        let kit = with_captcha(kit, &peer, "turnstile", &["sign_up", "mails"]).await;
        kit.allow_anonymous();
        let token = kit.anonymous().await.expect(201).text("access_token");
        let failed = (403, "captcha_failed".to_owned());
        peer.answers(200, r#"{"success": true}"#);
        for (path, body) in [
            ("/v1/auth/promote/code/request", json!({ "email": ADA })),
            (
                "/v1/auth/promote",
                json!({"email": ADA, "password": PASSWORD}),
            ),
        ] {
            let reply = kit.post_as(&token, path, Some(body.clone())).await;
            assert_eq!(reply.fails(), failed, "{path}");
            let mut proved = body;
            proved["captcha_token"] = json!("good");
            let reply = kit.post_as(&token, path, Some(proved)).await;
            assert!(reply.status.is_success(), "{path} {reply:?}");
        }
    })
    .await;
}

#[actix_web::test]
async fn a_message_to_a_telephone_costs_a_proof() {
    on_both(async |kit| {
        let peer = Peer::start();
        kit.sign_up(ADA).await.expect(201);
        let kit = with_captcha(kit, &peer, "turnstile", &["messages"]).await;
        kit.allow_phone();
        let signed_in = kit.sign_in(ADA, PASSWORD).await.expect(200);
        let token = signed_in.text("access_token");
        let failed = (403, "captcha_failed".to_owned());
        peer.answers(200, r#"{"success": true}"#);
        for path in ["/v1/auth/phone/request", "/v1/auth/phone-change"] {
            let body = json!({"phone": "+491701234567"});
            let reply = kit.post_as(&token, path, Some(body)).await;
            assert_eq!(reply.fails(), failed, "{path}");
            assert_eq!(peer.take().len(), 0);
            let body = json!({"phone": "+491701234567", "captcha_token": "good"});
            kit.post_as(&token, path, Some(body)).await.expect(202);
            assert_eq!(peer.take().len(), 1);
        }
    })
    .await;
}
