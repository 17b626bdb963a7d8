//! The project's webhooks: signed after Standard Webhooks, asked outside of any transaction, and what becomes of a
//! sign-up or a token without their answer.

use crate::kit::{Kit, PASSWORD, accounts_reaching, on_both, user};
use crate::peer::{Asked, Peer};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD as B64, URL_SAFE_NO_PAD};
use gate::HookName;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ADA: &str = "ada@example.com";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn with_hook(kit: Kit, peer: &Peer, name: &str, optional: bool) -> Kit {
    let origins = [peer.origin.as_str()];
    let mut hook = json!({"url": format!("{}/hook", peer.origin), "secret": SECRET});
    if optional {
        hook["optional"] = json!(true);
    }
    kit.set(json!({"hooks": {name: hook}}), &origins).await;
    kit.with_accounts(accounts_reaching(&origins))
}

/// Whether one of the signatures of a call is that of this secret, by another implementation than ours.
fn is_signed(asked: &Asked, secret: &str) -> bool {
    let key = B64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let (id, time) = (
        asked.header("webhook-id"),
        asked.header("webhook-timestamp"),
    );
    let text = format!("{id}.{time}.{}", asked.body);
    let want = format!(
        "v1,{}",
        B64.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes()))
    );
    asked
        .header("webhook-signature")
        .split(' ')
        .any(|one| one == want)
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn users(kit: &Kit) -> usize {
    user::Entity::find()
        .all(&kit.project.db)
        .await
        .unwrap()
        .len()
}

#[actix_web::test]
async fn a_project_is_asked_before_somebody_signs_up() {
    on_both(async |kit| {
        let peer = Peer::start();
        let kit = with_hook(kit, &peer, "before_sign_up", false).await;
        peer.answers(200, r#"{"refuse": "Not on a Sunday."}"#);
        let refused = kit.sign_up(ADA).await;
        assert_eq!(refused.fails(), (403, "sign_up_refused".to_owned()));
        assert_eq!(refused.text("detail"), "Not on a Sunday.");
        assert_eq!(users(&kit).await, 0);
        let asked = peer.take();
        assert!(
            asked.len() == 1 && is_signed(&asked[0], SECRET),
            "{asked:?}"
        );
        assert!(!is_signed(
            &asked[0],
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        ));
        let body: Value = serde_json::from_str(&asked[0].body).unwrap();
        assert_eq!(body["type"], "before_sign_up");
        assert_eq!(body["data"]["user"]["email"], ADA);
        assert_eq!(body["data"]["method"], "password");
        assert!(!asked[0].body.contains(PASSWORD));
        peer.answers(200, r#"{"profile": {"name": "from the hook"}}"#);
        let signed_up = kit.sign_up(ADA).await.expect(201);
        assert_eq!(signed_up.json()["user"]["name"], "from the hook");
        peer.answers(204, "");
        kit.sign_up("bob@example.com").await.expect(201);
    })
    .await;
}

#[actix_web::test]
async fn a_hook_gives_a_newcomer_roles_and_claims() {
    on_both(async |kit| {
        let peer = Peer::start();
        let kit = with_hook(kit, &peer, "before_sign_up", false).await;
        let given =
            r#"{"roles": ["editor"], "claims": {"plan": "gold"}, "profile": {"name": "A"}}"#;
        peer.answers(200, given);
        let token = kit.sign_up(ADA).await.expect(201).text("access_token");
        assert_eq!(claims(&token)["roles"][0], "editor");
        let auth = kit.auth(&token).await;
        assert!(auth.roles.contains(&"editor".to_owned()));
        assert_eq!(auth.claims["plan"], "gold");
        // Who was nobody is given them beside what it has.
        kit.allow_anonymous();
        peer.answers(200, r#"{"roles": ["guest"]}"#);
        let nobody = kit.anonymous().await.text("access_token");
        peer.answers(200, given);
        let body = json!({"email": "bob@example.com", "password": PASSWORD});
        kit.post_as(&nobody, "/v1/auth/promote", Some(body))
            .await
            .expect(204);
        kit.pass(Duration::from_secs(2));
        let roles = kit.auth(&nobody).await.roles.clone();
        assert!(
            ["editor", "guest"]
                .iter()
                .all(|role| roles.contains(&(*role).to_owned()))
        );
        // What no user could have, and what only we say, is no good answer.
        let before = users(&kit).await;
        for bad in [
            r#"{"roles": ["not a role"]}"#,
            r#"{"roles": "editor"}"#,
            r#"{"claims": {"teams": {"owner": ["x"]}}}"#,
            r#"{"claims": []}"#,
        ] {
            peer.answers(200, bad);
            let failed = kit.sign_up("carl@example.com").await.fails();
            assert_eq!(failed, (503, "hook_failed".to_owned()), "{bad}");
        }
        assert_eq!(users(&kit).await, before);
        // A sign-up that waits keeps what it was given.
        kit.settings(|s| s.confirm_email = true);
        peer.answers(200, given);
        kit.sign_up("dora@example.com").await.expect(202);
        peer.answers(200, "{}");
        let link = kit.token("verify", "dora@example.com").await;
        let body = json!({"token": link, "password": PASSWORD});
        let done = kit.post("/v1/auth/sign-up/confirm", body).await.expect(201);
        let auth = kit.auth(&done.text("access_token")).await;
        assert!(auth.roles.contains(&"editor".to_owned()));
        assert_eq!(done.json()["user"]["name"], "A");
    })
    .await;
}

#[actix_web::test]
async fn without_a_good_answer_nobody_signs_up_and_others_write_meanwhile() {
    on_both(async |kit| {
        let peer = Peer::start();
        kit.sign_up("bob@example.com").await.expect(201);
        let kit = with_hook(kit, &peer, "before_sign_up", false).await;
        let failed = (503, "hook_failed".to_owned());
        for (status, body) in [
            (500, "{}"),
            (302, "{}"),
            (404, ""),
            (200, "x"),
            (200, r#"{"allow": true}"#),
            (200, r#"{"profile": {"nope": 1}}"#),
        ] {
            peer.answers(status, body);
            assert_eq!(kit.sign_up(ADA).await.fails(), failed, "{status} {body}");
        }
        peer.hangs();
        let began = Instant::now();
        let other = async {
            kit.sign_in("bob@example.com", PASSWORD).await.expect(200);
            began.elapsed()
        };
        let (hung, signed_in) = futures_util::future::join(kit.sign_up(ADA), other).await;
        assert_eq!(hung.fails(), failed);
        assert!(signed_in < Duration::from_millis(2_500), "{signed_in:?}");
        assert!(
            (3..6).contains(&began.elapsed().as_secs()),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(users(&kit).await, 1);
    })
    .await;
}

#[actix_web::test]
async fn a_project_adds_claims_to_tokens() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let peer = Peer::start();
        let kit = with_hook(kit, &peer, "on_token", false).await;
        peer.answers(200, r#"{"claims": {"plan": "gold", "tenant": {"id": 7}}}"#);
        let signed_in = kit.sign_in(ADA, PASSWORD).await.expect(200);
        let token = signed_in.text("access_token");
        assert_eq!(claims(&token)["plan"], "gold");
        assert_eq!(claims(&token)["tenant"]["id"], 7);
        assert_eq!(claims(&token)["aud"], "shop");
        kit.me(&token).await.expect(200);
        let asked = peer.take();
        assert!(asked.len() == 1 && is_signed(&asked[0], SECRET));
        peer.answers(200, r#"{"claims": {"plan": "silver"}}"#);
        let refreshed = kit
            .refresh(&signed_in.text("refresh_token"))
            .await
            .expect(200);
        assert_eq!(claims(&refreshed.text("access_token"))["plan"], "silver");
        // What it may not write, and what is too much, is no good answer.
        let long = format!(r#"{{"claims": {{"x": "{}"}}}}"#, "y".repeat(3_000));
        for bad in [
            r#"{"claims": {"sub": "another"}}"#,
            r#"{"claims": {"roles": ["admin"]}}"#,
            &long,
        ] {
            peer.answers(200, bad);
            let refused = kit.refresh(&refreshed.text("refresh_token")).await;
            assert_eq!(refused.fails(), (503, "hook_failed".to_owned()), "{bad}");
        }
        // The refresh token was not used up by that.
        peer.answers(200, "{}");
        kit.pass(Duration::from_secs(60));
        kit.refresh(&refreshed.text("refresh_token"))
            .await
            .expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_token_without_the_hook_is_for_the_project_to_allow() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let peer = Peer::start();
        peer.answers(500, "");
        let kit = with_hook(kit, &peer, "on_token", false).await;
        let before = kit.sign_in(ADA, PASSWORD).await;
        assert_eq!(before.fails(), (503, "hook_failed".to_owned()));
        let kit = with_hook(kit, &peer, "on_token", true).await;
        let token = kit
            .sign_in(ADA, PASSWORD)
            .await
            .expect(200)
            .text("access_token");
        // The session of the one that failed is not left over.
        let sessions = kit
            .call(
                actix_web::http::Method::GET,
                "/v1/auth/sessions",
                Some(&token),
                None,
            )
            .await;
        assert_eq!(sessions.json()["items"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[actix_web::test]
async fn a_secret_is_shown_once_and_the_one_before_is_good_for_a_day() {
    on_both(async |kit| {
        let peer = Peer::start();
        let kit = with_hook(kit, &peer, "before_sign_up", false).await;
        let origins = [peer.origin.as_str()];
        let next = kit
            .owner(&origins, async |gate, by| {
                let none = gate
                    .make_hook_secret(&kit.project, by, HookName::OnToken)
                    .await;
                assert_eq!(none.unwrap_err().code(), kernel::Code::HookNotFound);
                let made = gate
                    .make_hook_secret(&kit.project, by, HookName::BeforeSignUp)
                    .await;
                let shown = serde_json::to_value(gate.get_settings(&kit.project).value).unwrap();
                let hook = &shown["hooks"]["before_sign_up"];
                assert!(
                    hook.get("secret").is_none() && hook.get("previous").is_none(),
                    "{hook}"
                );
                made.unwrap()
            })
            .await;
        peer.answers(200, r#"{"refuse": "no"}"#);
        kit.sign_up(ADA).await.expect(403);
        let asked = peer.take();
        assert!(is_signed(&asked[0], SECRET) && is_signed(&asked[0], &next));
        kit.pass(Duration::from_secs(86_400));
        kit.sign_up(ADA).await.expect(403);
        let asked = peer.take();
        assert!(!is_signed(&asked[0], SECRET) && is_signed(&asked[0], &next));
        // Another server gets another secret.
        let other = Peer::start();
        let both = [peer.origin.as_str(), other.origin.as_str()];
        kit.set(
            json!({"hooks": {"before_sign_up": {"url": format!("{}/x", other.origin)}}}),
            &both,
        )
        .await;
        let kit = kit.with_accounts(accounts_reaching(&both));
        kit.sign_up(ADA).await;
        let asked = other.take();
        assert!(asked.len() == 1 && !is_signed(&asked[0], &next) && !is_signed(&asked[0], SECRET));
    })
    .await;
}
