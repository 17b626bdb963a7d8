//! Invitations: a link that is good once, for one account, until it is used, replaced or out of date.

use crate::kit::{Kit, PASSWORD, Reply, on_both};
use crate::provider::{Provider, Trip};
use actix_web::http::Method;
use serde_json::{Value, json};
use std::time::Duration;

const WRITE: &[&str] = &["users.read", "users.write"];

async fn invite(kit: &Kit, body: Value) -> Reply {
    kit.key(Method::POST, "/v1/users/invite", WRITE, Some(body))
        .await
}

async fn take(kit: &Kit, token: &str) -> Reply {
    let path = "/v1/auth/pages/invite";
    let form = format!("token={token}&new_password=a+long+password");
    kit.call(Method::POST, path, None, Some(Value::String(form)))
        .await
}

#[tokio::test]
async fn the_page_of_an_invitation_sets_the_first_password_once() {
    on_both(async |kit| {
        let made = invite(
            &kit,
            json!({"email": "ada@example.com", "roles": ["editor"], "profile": {"name": "Ada"}}),
        )
        .await;
        let made = made.expect(201).json();
        assert_eq!(
            (&made["verified"], &made["has_password"]),
            (&json!(false), &json!(false))
        );
        let token = kit.token("invite", "ada@example.com").await;
        let page = kit
            .call(
                Method::GET,
                &format!("/v1/auth/pages/invite?token={token}"),
                None,
                None,
            )
            .await;
        let page = String::from_utf8(page.expect(200).bytes).unwrap();
        assert!(
            page.contains("new_password") && !page.contains("<script"),
            "{page}"
        );
        take(&kit, &token).await.expect(200);
        assert_eq!(take(&kit, &token).await.status, 400);
        kit.sign_in("ada@example.com", "a long password")
            .await
            .expect(200);
        assert!(kit.is_verified("ada@example.com").await);
        // It is somebody's now.
        let again = invite(&kit, json!({"email": "ADA@example.com"})).await;
        assert_eq!(again.fails(), (409, "identity_taken".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_later_invitation_replaces_the_first() {
    on_both(async |kit| {
        let first = invite(&kit, json!({"email": "ada@example.com", "roles": ["a"]}))
            .await
            .expect(201)
            .json();
        let old = kit.token("invite", "ada@example.com").await;
        kit.pass(Duration::from_secs(60));
        let second = invite(&kit, json!({"email": "Ada@example.com", "roles": ["b"]}))
            .await
            .expect(201)
            .json();
        assert_eq!(
            (&first["id"], &second["roles"]),
            (&second["id"], &json!(["b"]))
        );
        // Before the second mail is even made.
        assert_eq!(take(&kit, &old).await.status, 400);
        let new = kit.token("invite", "Ada@example.com").await;
        assert_ne!(old, new);
        take(&kit, &new).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_out_of_date_after_a_week() {
    on_both(async |kit| {
        invite(&kit, json!({"email": "ada@example.com"}))
            .await
            .expect(201);
        let token = kit.token("invite", "ada@example.com").await;
        kit.pass(Duration::from_secs(7 * 86_400));
        assert_eq!(take(&kit, &token).await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn of_fifty_who_come_with_an_invitation_one_sets_the_password() {
    on_both(async |kit| {
        invite(&kit, json!({"email": "ada@example.com"}))
            .await
            .expect(201);
        let token = kit.token("invite", "ada@example.com").await;
        let all = (0..50).map(|_| take(&kit, &token));
        let all = futures_util::future::join_all(all).await;
        let done = all.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(done, 1);
    })
    .await;
}

#[tokio::test]
async fn who_has_an_account_is_not_invited_and_keeps_the_password() {
    on_both(async |kit| {
        kit.sign_up("ada@example.com").await.expect(201);
        let taken = invite(&kit, json!({"email": "ada@example.com"})).await;
        assert_eq!(taken.fails(), (409, "identity_taken".to_owned()));
        kit.sign_in("ada@example.com", PASSWORD).await.expect(200);
        let bad = invite(&kit, json!({"email": "x", "roles": "y"})).await;
        assert_eq!(bad.fails(), (422, "validation_failed".to_owned()));
        let odd = invite(
            &kit,
            json!({"email": "b@example.com", "profile": {"admin": true}}),
        )
        .await;
        assert_eq!(odd.fails().0, 400);
        assert!(
            kit.mails()
                .await
                .iter()
                .all(|mail| mail["template"] != "invite")
        );
    })
    .await;
}

#[actix_web::test]
async fn who_only_wrote_the_address_is_given_nothing_by_its_invitation() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let eve = json!({"sub": "eve", "email": "ada@example.com", "email_verified": false});
        provider.is(eve).await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let token = trip.sign_in(&kit).await.expect(200).text("access_token");
        let body = json!({"email": "ada@example.com", "roles": ["admin"]});
        let taken = invite(&kit, body).await;
        assert_eq!(taken.fails(), (409, "identity_taken".to_owned()));
        assert!(!kit.auth(&token).await.roles.contains(&"admin".to_owned()));
        let told = kit.mails().await;
        assert!(told.iter().all(|mail| mail["template"] != "invite"));
    })
    .await;
}
