//! Signing up: what comes back, what is refused, and that a refusal leaves nothing behind.

use crate::kit::{Kit, PASSWORD, on_both, user};
use accounts::rows::{credential, session};
use actix_web::http::Method;
use gate::Who;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

async fn counts(kit: &Kit) -> [usize; 3] {
    let db = &kit.project.db;
    [
        user::Entity::find().all(db).await.unwrap().len(),
        credential::Entity::find().all(db).await.unwrap().len(),
        session::Entity::find().all(db).await.unwrap().len(),
    ]
}

#[actix_web::test]
async fn a_user_is_made_and_signed_in() {
    on_both(async |kit| {
        let body = json!({"email": " Ada@Example.com", "password": PASSWORD, "name": "Ada"});
        let reply = kit.post("/v1/auth/sign-up", body).await.expect(201);
        let all = reply.json();
        let names: Vec<&str> = all
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            names,
            [
                "user",
                "access_token",
                "refresh_token",
                "token_type",
                "expires_in"
            ]
        );
        assert_eq!(
            (&all["token_type"], &all["expires_in"]),
            (&json!("Bearer"), &json!(600))
        );
        assert_eq!(
            (&all["user"]["email"], &all["user"]["name"]),
            (&json!("Ada@Example.com"), &json!("Ada"))
        );
        assert!(
            reply
                .headers
                .contains(&("cache-control".to_owned(), "no-store".to_owned()))
        );
        let me = kit.me(&reply.text("access_token")).await.expect(200);
        assert_eq!(me.json(), all["user"]);
        kit.refresh(&reply.text("refresh_token")).await.expect(200);
        assert_eq!(counts(&kit).await, [1, 1, 1]);
        let stored = credential::Entity::find()
            .one(&kit.project.db)
            .await
            .unwrap()
            .unwrap();
        assert!(
            stored
                .password_hash
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
        );
    })
    .await;
}

#[actix_web::test]
async fn what_cannot_be_is_refused_without_effect() {
    on_both(async |kit| {
        kit.sign_up("ada@example.com").await.expect(201);
        let before = counts(&kit).await;
        let good = json!({"email": "bob@example.com", "password": PASSWORD});
        let with = |name: &str, value: Value| {
            let mut body = good.clone();
            body[name] = value;
            body
        };
        let cases = [
            (
                with("email", json!("ADA@example.com ")),
                (409, "identity_taken"),
            ),
            (
                with("email", json!("a@b\r\nBcc:x")),
                (422, "validation_failed"),
            ),
            (
                with("email", json!(format!("{}@example.com", "a".repeat(300)))),
                (422, "validation_failed"),
            ),
            (
                with("password", json!("1234567")),
                (422, "validation_failed"),
            ),
            (
                with("password", json!("x".repeat(1_000_000))),
                (422, "validation_failed"),
            ),
            (with("name", json!(1)), (422, "validation_failed")),
            (with("role", json!("admin")), (400, "unknown_field")),
            (with("password_hash", json!("x")), (400, "unknown_field")),
            (json!({}), (422, "validation_failed")),
        ];
        for (body, (status, code)) in cases {
            let reply = kit.post("/v1/auth/sign-up", body.clone()).await;
            assert_eq!(
                reply.fails(),
                (status, code.to_owned()),
                "{:.200}",
                body.to_string()
            );
        }
        let all = kit
            .post(
                "/v1/auth/sign-up",
                json!({"email": "x", "password": "y", "name": 1}),
            )
            .await
            .json();
        let paths: Vec<&str> = all["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["path"].as_str().unwrap())
            .collect();
        assert_eq!(paths, ["/email", "/password", "/name"]);
        assert_eq!(counts(&kit).await, before);
    })
    .await;
}

#[actix_web::test]
async fn an_identity_is_taken_once_however_many_ask() {
    on_both(async |kit| {
        let replies =
            futures_util::future::join_all((0..8).map(|_| kit.sign_up("ada@example.com"))).await;
        let made = replies.iter().filter(|reply| reply.status == 201).count();
        let taken = replies
            .iter()
            .filter(|reply| reply.fails() == (409, "identity_taken".to_owned()))
            .count();
        assert_eq!((made, taken), (1, 7));
        assert_eq!(counts(&kit).await, [1, 1, 1]);
    })
    .await;
}

#[actix_web::test]
async fn an_idempotency_key_is_refused_on_every_act() {
    on_both(async |kit| {
        let acts = [
            "sign-up",
            "sign-in/password",
            "refresh",
            "sign-out",
            "sign-out-everywhere",
            "password",
        ];
        let user = kit.accounts.clone();
        let signed = kit.sign_up("ada@example.com").await;
        for act in acts {
            let who = gate::ports::UserTokens::verify(
                &user,
                &kit.project,
                &signed.text("access_token"),
                kit.clock.now(),
            )
            .await
            .map(Who::User);
            let headers = [("idempotency-key", "0123456789abcdef")];
            let body = json!({"email": "bob@example.com", "password": PASSWORD});
            let reply = kit
                .call_as(
                    Method::POST,
                    &format!("/v1/auth/{act}"),
                    who,
                    Some(body),
                    &headers,
                )
                .await;
            assert_eq!(
                reply.fails(),
                (400, "invalid_idempotency_key".to_owned()),
                "{act}"
            );
        }
        assert_eq!(
            user::Entity::find().count(&kit.project.db).await.unwrap(),
            1
        );
    })
    .await;
}

#[actix_web::test]
async fn a_key_needs_the_scope() {
    on_both(async |kit| {
        let key = |scopes: &[&str]| {
            Ok(Who::Key {
                id: Uuid::from_u128(1),
                scopes: scopes
                    .iter()
                    .map(|s| (*s).to_owned())
                    .collect::<Arc<[String]>>(),
            })
        };
        let body = json!({"email": "bob@example.com", "password": PASSWORD});
        let reply = kit
            .call_as(
                Method::POST,
                "/v1/auth/sign-up",
                key(&["records.*"]),
                Some(body.clone()),
                &[],
            )
            .await;
        assert_eq!(reply.fails(), (403, "permission_denied".to_owned()));
        kit.call_as(
            Method::POST,
            "/v1/auth/sign-up",
            key(&["auth.use"]),
            Some(body),
            &[],
        )
        .await
        .expect(201);
        let me = kit
            .call_as(Method::GET, "/v1/users/me", key(&["*"]), None, &[])
            .await;
        assert_eq!(me.fails(), (403, "permission_denied".to_owned()));
    })
    .await;
}

#[actix_web::test]
async fn a_closed_project_lets_only_keys_and_operators_make_accounts() {
    on_both(async |kit| {
        kit.sign_up("ada@example.com").await.expect(201);
        kit.close_sign_up().await;
        let before = counts(&kit).await;
        assert_eq!(
            kit.sign_up("bob@example.com").await.fails(),
            (403, "sign_up_closed".to_owned())
        );
        // A taken address reads the same.
        assert_eq!(
            kit.sign_up("ada@example.com").await.fails(),
            (403, "sign_up_closed".to_owned())
        );
        assert_eq!(counts(&kit).await, before);
        kit.sign_in("ada@example.com", PASSWORD).await.expect(200);
        let key = Ok(Who::Key {
            id: Uuid::from_u128(1),
            scopes: Arc::from(["auth.use".to_owned()]),
        });
        let body = json!({"email": "bob@example.com", "password": PASSWORD});
        kit.call_as(Method::POST, "/v1/auth/sign-up", key, Some(body), &[])
            .await
            .expect(201);
    })
    .await;
}

#[actix_web::test]
async fn a_long_password_counts_to_its_last_byte_and_a_look_alike_is_another_account() {
    on_both(async |kit| {
        for (n, password) in [
            "x".repeat(64),
            "x".repeat(512),
            "🦀".repeat(100),
            "äöü €\t 1".to_owned(),
        ]
        .into_iter()
        .enumerate()
        {
            let email = format!("u{n}@example.com");
            let body = json!({"email": email, "password": password});
            kit.post("/v1/auth/sign-up", body).await.expect(201);
            let mut short = password.clone();
            short.pop();
            assert_eq!(kit.sign_in(&email, &short).await.status, 401, "{n}");
            kit.sign_in(&email, &password).await.expect(200);
        }
        let long = json!({"email": "v@example.com", "password": "🦀".repeat(129)});
        let long = kit.post("/v1/auth/sign-up", long).await;
        assert_eq!(long.fails(), (422, "validation_failed".to_owned()));
        // The first letter is Cyrillic.
        let real = kit.sign_up("ada@example.com").await.expect(201);
        let alike = kit.sign_up("\u{430}da@example.com").await.expect(201);
        assert_ne!(real.json()["user"]["id"], alike.json()["user"]["id"]);
    })
    .await;
}
