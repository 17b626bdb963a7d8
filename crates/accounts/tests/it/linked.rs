//! Accounts elsewhere of a user who is signed in, and the tokens of their providers.

use crate::kit::{Kit, Reply, on_both};
use crate::provider::{Browser, Provider, Trip, ada};
use accounts::rows::identities;
use actix_web::http::Method;
use futures_util::future::join_all;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use std::time::Duration;

const IDENTITIES: &str = "/v1/users/me/identities";

async fn proof(kit: &Kit, provider: &Provider, account: Value) -> Value {
    let seed = account["sub"].as_str().unwrap().to_owned();
    provider.is(account).await;
    let trip = Trip::away(kit, &provider.issuer, &seed).await;
    json!({"ticket": trip.ticket(kit).await, "code_verifier": trip.verifier})
}

async fn link(kit: &Kit, provider: &Provider, token: &str, sub: &str) -> Reply {
    let body = proof(kit, provider, json!({"sub": sub})).await;
    kit.post_as(token, IDENTITIES, Some(body)).await
}

async fn unlink(kit: &Kit, token: &str, id: &str) -> Reply {
    let path = format!("{IDENTITIES}/{id}");
    kit.call(Method::DELETE, &path, Some(token), None).await
}

#[actix_web::test]
async fn an_identity_is_linked_by_its_owner_who_showed_a_credential_just_now() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let own = kit.sign_up("ada@example.com").await.expect(201);
        let token = own.text("access_token");
        let id = link(&kit, &provider, &token, "one")
            .await
            .expect(200)
            .text("id");
        // Once more is the same one.
        assert_eq!(
            link(&kit, &provider, &token, "one")
                .await
                .expect(200)
                .text("id"),
            id
        );
        let body = proof(&kit, &provider, json!({"sub": "one"})).await;
        let reply = kit.post("/v1/auth/sign-in/social", body).await.expect(200);
        assert_eq!(reply.json()["user"]["id"], own.json()["user"]["id"]);
        // Who administers users sees it.
        let path = format!("/v1/users/{}", own.json()["user"]["id"].as_str().unwrap());
        let seen = kit.key(Method::GET, &path, &["users.read"], None).await;
        let seen = seen.expect(200).json()["identities"].clone();
        assert_eq!(
            (&seen[0]["id"], &seen[0]["subject"]),
            (&json!(id), &json!("one"))
        );
        // Somebody else's stays his.
        let other = kit
            .sign_up("eve@example.com")
            .await
            .expect(201)
            .text("access_token");
        let taken = link(&kit, &provider, &other, "one").await;
        assert_eq!(taken.fails(), (409, "identity_taken".to_owned()));
        assert_eq!(
            unlink(&kit, &other, &id).await.fails(),
            (404, "identity_not_found".to_owned())
        );
        let late = proof(&kit, &provider, json!({"sub": "two"})).await;
        kit.pass(Duration::from_secs(301));
        let again = kit
            .refresh(&own.text("refresh_token"))
            .await
            .expect(200)
            .text("access_token");
        let stale = (403, "reauth_required".to_owned());
        assert_eq!(
            kit.post_as(&again, IDENTITIES, Some(late)).await.fails(),
            stale
        );
        assert_eq!(unlink(&kit, &again, &id).await.fails(), stale);
        let body = json!({"ticket": "t", "profile": {}});
        assert_eq!(
            kit.post_as(&again, IDENTITIES, Some(body)).await.fails().0,
            400
        );
        assert_eq!(kit.post(IDENTITIES, json!({})).await.fails().0, 401);
    })
    .await;
}

#[actix_web::test]
async fn an_account_elsewhere_is_one_factor() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let token = kit.newcomer("ada@example.com").await;
        link(&kit, &provider, &token, "one").await.expect(200);
        kit.app(&token).await;
        let body = proof(&kit, &provider, json!({"sub": "one"})).await;
        let reply = kit.post("/v1/auth/sign-in/social", body).await;
        crate::second_factor::is_not_in(reply, "social");
    })
    .await;
}

#[actix_web::test]
async fn the_last_way_in_stays() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let body = proof(&kit, &provider, ada()).await;
        let token = kit
            .post("/v1/auth/sign-in/social", body)
            .await
            .expect(200)
            .text("access_token");
        let first = kit
            .call(Method::GET, IDENTITIES, Some(&token), None)
            .await
            .json();
        let first = first["items"][0]["id"].as_str().unwrap().to_owned();
        let last = (409, "last_way_in".to_owned());
        // A password could be set by mail.
        kit.change_settings(json!({"sign_in": {"password": false}}), &[])
            .await;
        assert_eq!(unlink(&kit, &token, &first).await.fails(), last);
        let second = link(&kit, &provider, &token, "two")
            .await
            .expect(200)
            .text("id");
        // Both at once: one stays.
        let both = join_all([unlink(&kit, &token, &first), unlink(&kit, &token, &second)]).await;
        let gone = both
            .iter()
            .filter(|reply| reply.status.as_u16() == 204)
            .count();
        let kept = both.iter().filter(|reply| reply.fails() == last).count();
        assert_eq!((gone, kept), (1, 1));
        let rest = kit
            .call(Method::GET, IDENTITIES, Some(&token), None)
            .await
            .json();
        let rest = rest["items"][0]["id"].as_str().unwrap().to_owned();
        // With a code by mail there is another way.
        kit.change_settings(json!({"sign_in": {"email_code": true}}), &[])
            .await;
        unlink(&kit, &token, &rest).await.expect(204);
    })
    .await;
}

#[actix_web::test]
async fn what_an_erased_user_left_belongs_to_nobody() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let body = proof(&kit, &provider, ada()).await;
        let first = kit.post("/v1/auth/sign-in/social", body).await.expect(200);
        kit.erase("ada@example.com").await;
        let body = proof(&kit, &provider, ada()).await;
        let second = kit.post("/v1/auth/sign-in/social", body).await.expect(200);
        assert_ne!(first.json()["user"]["id"], second.json()["user"]["id"]);
        kit.erase("ada@example.com").await;
        let eve = kit
            .sign_up("eve@example.com")
            .await
            .expect(201)
            .text("access_token");
        link(&kit, &provider, &eve, "ada").await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn the_tokens_of_a_provider_are_kept_sealed_and_renewed_once() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let body = proof(&kit, &provider, ada()).await;
        let user = kit.post("/v1/auth/sign-in/social", body).await.expect(200);
        let id = user.json()["user"]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/users/{id}/identities/own/token");
        let get = async || {
            kit.key(Method::GET, &path, &["identities.token"], None)
                .await
        };
        // It is not kept unless that is wanted.
        assert_eq!(get().await.fails(), (404, "identity_not_found".to_owned()));
        provider.set(&kit, json!({"keep_tokens": true})).await;
        let body = proof(&kit, &provider, ada()).await;
        let user = kit.post("/v1/auth/sign-in/social", body).await.expect(200);
        let first = get().await.expect(200);
        let token = first.text("access_token");
        assert!(first.json()["expires_at"].is_string());
        let rows = identities::Entity::find()
            .all(&kit.project.db)
            .await
            .unwrap();
        assert!(!format!("{rows:?}").contains(&token));
        assert_eq!(get().await.expect(200).text("access_token"), token);
        // Nobody else reads it, not even the user.
        for scopes in [&["identities.read"][..], &["users.me"], &[]] {
            let reply = kit.key(Method::GET, &path, scopes, None).await;
            assert_eq!(reply.fails().0, 403);
        }
        let own = user.text("access_token");
        assert_eq!(
            kit.call(Method::GET, &path, Some(&own), None)
                .await
                .fails()
                .0,
            403
        );
        assert_eq!(
            kit.call(Method::GET, &path, None, None).await.fails().0,
            401
        );
        let asked = provider.count("token").await;
        kit.pass(Duration::from_secs(45));
        let all = join_all((0..10).map(|_| get())).await;
        let mut tokens: Vec<String> = all
            .into_iter()
            .map(|reply| reply.expect(200).text("access_token"))
            .collect();
        tokens.dedup();
        assert_eq!(tokens.len(), 1);
        assert_ne!(tokens[0], token);
        assert_eq!(provider.count("token").await, asked + 1);
        // What was given is good at the provider, and is renewed once more from the refresh token that came with it.
        let answer = Browser::new(&provider.issuer)
            .post(
                &format!("{}/me", provider.issuer),
                &[("access_token", &tokens[0])],
            )
            .await;
        assert_eq!(answer.status, 200);
        kit.pass(Duration::from_secs(45));
        assert_ne!(get().await.expect(200).text("access_token"), tokens[0]);
    })
    .await;
}
