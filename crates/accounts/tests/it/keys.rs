//! The keys that sign access tokens: changed by hand, and by a setting, while tokens of the old ones stay good.

use crate::kit::{Kit, on_both};
use actix_web::http::Method;
use serde_json::{Value, json};
use std::time::Duration;

const ROTATE: &str = "/v1/auth/keys/rotate";

async fn published(kit: &Kit) -> Vec<String> {
    let all = kit
        .call(Method::GET, "/.well-known/jwks.json", None, None)
        .await
        .expect(200)
        .json();
    let keys = all["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

async fn rotate(kit: &Kit, body: Value) -> Value {
    let reply = kit
        .key(Method::POST, ROTATE, &["signing_keys.rotate"], Some(body))
        .await;
    reply.expect(200).json()
}

/// A new token, with the name of its key and what it is signed with.
async fn token(kit: &Kit, email: &str) -> (String, String, String) {
    let token = kit
        .sign_in(email, crate::kit::PASSWORD)
        .await
        .expect(200)
        .text("access_token");
    let header = jsonwebtoken::decode_header(&token).unwrap();
    (token, header.kid.unwrap(), format!("{:?}", header.alg))
}

#[actix_web::test]
async fn the_next_key_signs_at_once_and_the_tokens_of_the_last_stay_good() {
    on_both(async |kit| {
        kit.sign_up("ada@example.com").await.expect(201);
        let (old, old_kid, _) = token(&kit, "ada@example.com").await;
        let next = rotate(&kit, json!({"at_once": true})).await;
        let (new, new_kid, _) = token(&kit, "ada@example.com").await;
        assert!(new_kid == next["kid"] && new_kid != old_kid);
        let all = published(&kit).await;
        assert!(all.len() == 2 && all.contains(&new_kid) && all.contains(&old_kid));
        // Also where nothing is in memory: another process.
        let other = kit.with_accounts(crate::kit::accounts());
        for kit in [&kit, &other] {
            kit.me(&old).await.expect(200);
            kit.me(&new).await.expect(200);
        }
        kit.pass(Duration::from_secs(661));
        assert_eq!(published(&kit).await, [new_kid]);
        for (who, path) in [(None, ROTATE), (Some(&old), ROTATE)] {
            let reply = kit
                .call(Method::POST, path, who.map(String::as_str), Some(json!({})))
                .await;
            assert_eq!(reply.fails().0, 401);
        }
        let fresh = token(&kit, "ada@example.com").await.0;
        let reply = kit.post_as(&fresh, ROTATE, Some(json!({}))).await;
        assert_eq!(reply.fails().0, 403);
    })
    .await;
}

#[actix_web::test]
async fn a_key_that_leaked_is_worth_nothing_from_then_on() {
    on_both(async |kit| {
        kit.sign_up("ada@example.com").await.expect(201);
        let signed = kit.sign_in("ada@example.com", crate::kit::PASSWORD).await;
        let signed = signed.expect(200);
        let old = signed.text("access_token");
        let old_kid = jsonwebtoken::decode_header(&old).unwrap().kid.unwrap();
        // One more key waits for its day, and has leaked as well.
        let waits = rotate(&kit, json!({})).await;
        kit.me(&old).await.expect(200);
        let next = rotate(&kit, json!({"revoke": true})).await;
        let (new, new_kid, _) = token(&kit, "ada@example.com").await;
        assert!(new_kid == next["kid"] && new_kid != old_kid && new_kid != waits["kid"]);
        assert_eq!(published(&kit).await, [new_kid.as_str()]);
        // Where the token was known, and where nothing is in memory.
        let other = kit.with_accounts(crate::kit::accounts());
        for kit in [&kit, &other] {
            assert_eq!(kit.me(&old).await.fails().0, 401);
            kit.me(&new).await.expect(200);
        }
        // Nobody is signed out.
        let body = json!({"refresh_token": signed.text("refresh_token")});
        let renewed = kit.post("/v1/auth/refresh", body).await.expect(200);
        kit.me(&renewed.text("access_token")).await.expect(200);
        // Another process forgets what it knew when it is told.
        let more = rotate(&kit, json!({"revoke": true, "at_once": false})).await;
        other.me(&new).await.expect(200);
        other.accounts.doubt_keys(Some(kit.project.uid));
        assert_eq!(other.me(&new).await.fails().0, 401);
        assert_eq!(published(&other).await, [more["kid"].as_str().unwrap()]);
    })
    .await;
}

#[actix_web::test]
async fn the_next_key_is_published_a_day_before_it_signs() {
    on_both(async |kit| {
        kit.sign_up("ada@example.com").await.expect(201);
        let (_, old_kid, _) = token(&kit, "ada@example.com").await;
        let next = rotate(&kit, json!({})).await;
        let next_kid = next["kid"].as_str().unwrap().to_owned();
        // Asked for again it is the same one.
        assert_eq!(
            rotate(&kit, json!({"at_once": false})).await["kid"],
            next_kid
        );
        kit.pass(Duration::from_secs(86_399));
        // A process that kept the keys from before learns of them in time.
        let (before, kid, _) = token(&kit, "ada@example.com").await;
        assert_eq!(
            (kid, published(&kit).await),
            (old_kid.clone(), vec![next_kid.clone(), old_kid])
        );
        kit.pass(Duration::from_secs(1));
        let (_, kid, _) = token(&kit, "ada@example.com").await;
        assert_eq!(kid, next_kid);
        kit.me(&before).await.expect(200);
        let reply = kit
            .key(
                Method::POST,
                ROTATE,
                &["signing_keys.rotate"],
                Some(json!({"at": 1})),
            )
            .await;
        assert_eq!(reply.fails().0, 400);
    })
    .await;
}

#[actix_web::test]
async fn another_process_learns_of_a_key_within_a_minute() {
    on_both(async |kit| {
        let other = kit.with_accounts(crate::kit::accounts());
        kit.sign_up("ada@example.com").await.expect(201);
        let (_, old_kid, _) = token(&other, "ada@example.com").await;
        rotate(&kit, json!({"at_once": true})).await;
        let (new, new_kid, _) = token(&kit, "ada@example.com").await;
        kit.pass(Duration::from_secs(6));
        // It takes tokens of the new one now, and signs with it soon.
        other.me(&new).await.expect(200);
        kit.pass(Duration::from_secs(60));
        let (_, kid, _) = token(&other, "ada@example.com").await;
        assert!(kid == new_kid && kid != old_kid);
    })
    .await;
}

#[actix_web::test]
async fn a_setting_changes_what_is_signed_with() {
    on_both(async |kit| {
        kit.sign_up("ada@example.com").await.expect(201);
        let (old, _, algorithm) = token(&kit, "ada@example.com").await;
        assert_eq!(algorithm, "ES256");
        let change = json!({"auth": {"signing_algorithm": "eddsa"}});
        kit.change_settings(change, &[]).await;
        kit.pass(Duration::from_secs(5));
        let (new, kid, algorithm) = token(&kit, "ada@example.com").await;
        assert_eq!(algorithm, "EdDSA");
        assert_eq!(published(&kit).await.len(), 2);
        kit.me(&old).await.expect(200);
        kit.me(&new).await.expect(200);
        kit.with_accounts(crate::kit::accounts())
            .me(&new)
            .await
            .expect(200);
        // A rotation keeps to it.
        rotate(&kit, json!({"at_once": true})).await;
        let (_, next, algorithm) = token(&kit, "ada@example.com").await;
        assert!(next != kid && algorithm == "EdDSA");
    })
    .await;
}

#[actix_web::test]
async fn the_first_key_is_made_once() {
    on_both(async |kit| {
        let nodes = (0..12).map(|_| kit.with_accounts(crate::kit::accounts()));
        let nodes: Vec<Kit> = nodes
            .chain((0..12).map(|_| kit.with_accounts(kit.accounts.clone())))
            .collect();
        let all = futures_util::future::join_all(nodes.iter().map(published)).await;
        assert_eq!(published(&kit).await.len(), 1);
        assert!(all.iter().all(|keys| *keys == all[0]), "{all:?}");
    })
    .await;
}

#[actix_web::test]
async fn many_who_find_no_key_make_one() {
    on_both(async |kit| {
        kit.sign_up("ada@example.com").await.expect(201);
        kit.change_settings(json!({"auth": {"signing_algorithm": "eddsa"}}), &[])
            .await;
        kit.pass(Duration::from_secs(5));
        let nodes = (0..12).map(|_| kit.with_accounts(crate::kit::accounts()));
        let nodes: Vec<Kit> = nodes.collect();
        // Where keys are asked for, one is made if none is right.
        let all = futures_util::future::join_all(nodes.iter().map(published)).await;
        assert!(all.iter().all(|keys| keys.len() == 2), "{all:?}");
        let kids: std::collections::HashSet<_> = all.into_iter().flatten().collect();
        assert_eq!((kids.len(), published(&kit).await.len()), (2, 2));
    })
    .await;
}
