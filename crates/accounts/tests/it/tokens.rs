//! Access tokens through the gate's port: whose they are, until when, and what never passes for one.

use crate::kit::{accounts, on_both};
use accounts::rows::signing_key;
use actix_web::http::Method;
use gate::ports::UserTokens;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::Code;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

#[actix_web::test]
async fn a_token_is_good_for_its_project_and_ten_minutes() {
    on_both(async |kit| {
        let signed = kit.sign_up("Ada@example.com").await;
        let token = signed.text("access_token");
        let now = kit.clock.now();
        let user = kit
            .accounts
            .verify(&kit.project, &token, now)
            .await
            .unwrap();
        assert_eq!(
            user.id.to_string(),
            signed.json()["user"]["id"].as_str().unwrap()
        );
        assert_eq!(
            (
                user.auth.email.as_deref(),
                user.auth.level,
                user.auth.anonymous
            ),
            (Some("Ada@example.com"), 1, false)
        );
        assert_eq!(user.auth.roles, ["member"]);
        let other = kit.other_project().await;
        let refused = |result: Result<gate::UserAuth, gate::Problem>| {
            result.map_err(|problem| problem.code()).err()
        };
        for (project, seconds, want) in [
            (&other, 0, Some(Code::Unauthenticated)),
            (&kit.project, 604, None),
            (&kit.project, 605, Some(Code::Unauthenticated)),
            (&kit.project, 1_000_000, Some(Code::Unauthenticated)),
        ] {
            let at = now.plus(Duration::from_secs(seconds));
            assert_eq!(
                refused(kit.accounts.verify(project, &token, at).await),
                want,
                "{seconds}"
            );
            // Nothing that this process remembers makes the difference.
            assert_eq!(
                refused(accounts().verify(project, &token, at).await),
                want,
                "{seconds}"
            );
        }
    })
    .await;
}

#[actix_web::test]
async fn a_remembered_token_asks_the_database_once_a_second() {
    on_both(async |kit| {
        let token = kit.sign_up("ada@example.com").await.text("access_token");
        let now = kit.clock.now();
        let first = kit
            .accounts
            .verify(&kit.project, &token, now)
            .await
            .unwrap();
        kit.project.db.close();
        let again = kit
            .accounts
            .verify(&kit.project, &token, now.plus(Duration::from_millis(999)))
            .await
            .unwrap();
        assert!(Arc::ptr_eq(&first.auth, &again.auth));
        let later = kit
            .accounts
            .verify(&kit.project, &token, now.plus(Duration::from_secs(1)))
            .await;
        assert!(matches!(
            later.map_err(|problem| problem.code()),
            Err(Code::ProjectUnavailable | Code::Internal)
        ));
    })
    .await;
}

#[actix_web::test]
async fn nothing_else_passes_for_an_access_token() {
    on_both(async |kit| {
        let signed = kit.sign_up("ada@example.com").await;
        let token = signed.text("access_token");
        let mut parts = token.split('.');
        let (header, body, signature) = (
            parts.next().unwrap(),
            parts.next().unwrap(),
            parts.next().unwrap(),
        );
        let jwks = kit
            .call(Method::GET, "/.well-known/jwks.json", None, None)
            .await
            .expect(200)
            .json();
        let kid = jwks["keys"][0]["kid"].as_str().unwrap();
        let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(&token).unwrap();
        let hmac = |kid: &str| {
            let mut head = Header::new(Algorithm::HS256);
            head.kid = Some(kid.to_owned());
            jsonwebtoken::encode(
                &head,
                &claims,
                &EncodingKey::from_secret(jwks["keys"][0].to_string().as_bytes()),
            )
            .unwrap()
        };
        let flipped = if signature.starts_with('A') {
            signature.replacen('A', "B", 1)
        } else {
            format!("A{}", &signature[1..])
        };
        let bad = [
            signed.text("refresh_token"),
            String::new(),
            format!("{header}.{body}."),
            format!("{header}.{body}.{flipped}"),
            format!("{token}A"),
            hmac(kid),
            hmac("unknown"),
            "gk_0123456789".to_owned(),
        ];
        // Before and after the good one is remembered.
        for _ in 0..2 {
            for text in &bad {
                let problem = kit
                    .accounts
                    .verify(&kit.project, text, kit.clock.now())
                    .await
                    .unwrap_err();
                assert_eq!(problem.code(), Code::Unauthenticated, "{text}");
            }
            kit.me(&token).await.expect(200);
        }
        assert_eq!(
            kit.call(Method::GET, "/v1/users/me", None, None)
                .await
                .fails(),
            (401, "unauthenticated".to_owned())
        );
    })
    .await;
}

#[actix_web::test]
async fn a_stock_library_verifies_by_the_published_keys() {
    on_both(async |kit| {
        let found = kit
            .call(Method::GET, "/.well-known/openid-configuration", None, None)
            .await
            .expect(200)
            .json();
        let issuer = found["issuer"].as_str().unwrap();
        assert_eq!(
            (issuer, found["jwks_uri"].as_str()),
            (
                kit.project.issuer.as_str(),
                Some(format!("{issuer}/.well-known/jwks.json").as_str())
            )
        );
        let reply = kit
            .call(Method::GET, "/.well-known/jwks.json", None, None)
            .await
            .expect(200);
        assert!(
            reply
                .headers
                .iter()
                .any(|(name, value)| name == "cache-control" && value.starts_with("public"))
        );
        let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_slice(&reply.bytes).unwrap();
        let token = kit.sign_up("ada@example.com").await.text("access_token");
        let header = jsonwebtoken::decode_header(&token).unwrap();
        let key = DecodingKey::from_jwk(jwks.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&["shop"]);
        rules.set_issuer(&[issuer]);
        rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // The clock of these tests is held in the past.
        rules.validate_exp = false;
        let claims = jsonwebtoken::decode::<Value>(&token, &key, &rules)
            .unwrap()
            .claims;
        assert_eq!(
            (
                &claims["typ"],
                claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
            ),
            (&json!("access"), 600)
        );
        assert!(!reply.json().to_string().contains("\"d\""));
    })
    .await;
}

#[actix_web::test]
async fn nodes_that_start_at_once_accept_each_others_tokens() {
    on_both(async |kit| {
        let nodes: Vec<_> = (0..3).map(|_| accounts()).collect();
        // Each loads the keys before any other has written one, as far as the engine lets it.
        let garbage = "a.b.c";
        let loads = nodes
            .iter()
            .map(|node| node.verify(&kit.project, garbage, kit.clock.now()));
        futures_util::future::join_all(loads).await;
        let token = kit.sign_up("ada@example.com").await.text("access_token");
        kit.pass(Duration::from_secs(5));
        for node in &nodes {
            node.verify(&kit.project, &token, kit.clock.now())
                .await
                .unwrap();
        }
        let keys = signing_key::Entity::find()
            .all(&kit.project.db)
            .await
            .unwrap();
        assert!(
            !keys.is_empty()
                && keys
                    .iter()
                    .all(|key| key.private.starts_with("s1.") && key.algorithm == "ES256")
        );
    })
    .await;
}

#[actix_web::test]
async fn no_secret_of_another_kind_is_a_token() {
    on_both(async |kit| {
        let made = kit.sign_up("ada@example.com").await.expect(201);
        kit.settings(|s| {
            s.sign_in.magic_link = true;
            s.brand.app_url = "https://app.example/in".to_owned();
        });
        let email = json!({"email": "ada@example.com"});
        let verify = kit.token("verify", "ada@example.com").await;
        for path in ["/v1/auth/password-reset", "/v1/auth/sign-in/link/request"] {
            kit.post(path, email.clone()).await.expect(202);
        }
        let body = json!({"user_id": made.json()["user"]["id"]});
        let path = "/v1/auth/custom-token";
        let ticket = kit
            .key(Method::POST, path, &["auth.mint"], Some(body))
            .await;
        kit.app(&made.text("access_token")).await;
        let secrets = [
            ("verify", verify),
            ("reset", kit.token("reset", "ada@example.com").await),
            ("link", kit.token("magic_link", "ada@example.com").await),
            ("ticket", ticket.expect(201).text("token")),
            ("factor", kit.mfa_token("ada@example.com").await),
        ];
        for (kind, secret) in secrets {
            assert_eq!(kit.me(&secret).await.status, 401, "{kind}");
            assert_eq!(kit.refresh(&secret).await.status, 401, "{kind}");
        }
    })
    .await;
}
