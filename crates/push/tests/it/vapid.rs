//! The key pair by which push services know a project, and the tokens that it signs.

use crate::kit::{Kit, U, both, user};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use std::time::Duration;

both!(
    the_pair_is_made_once_by_whoever_comes_first,
    every_project_has_its_own,
    tokens_are_what_services_want_and_are_used_again,
);

async fn the_pair_is_made_once_by_whoever_comes_first(kit: &Kit) {
    let nodes: Vec<_> = (0..8).map(|_| kit.another_node()).collect();
    let keys = nodes
        .iter()
        .map(|node| node.public_key(&kit.project, kit.now()));
    let keys = futures_util::future::join_all(keys).await;
    let first = keys[0].as_ref().unwrap();
    assert!(keys.iter().all(|key| key.as_ref().unwrap() == first));
    assert_eq!(kit.count("_push_keys").await, 1);
    let config = kit.get(&gate::Who::Anonymous, "/v1/push/config").await;
    assert_eq!(
        config.expect(200).json(),
        json!({"vapid_public_key": first})
    );
    let point = URL_SAFE_NO_PAD.decode(first).unwrap();
    assert_eq!((point.len(), point[0]), (65, 4));
    // The private half is sealed: nothing of 32 bytes stands there in clear.
    let rows = kit
        .rows(r#"SELECT private AS line FROM "project"."_push_keys""#)
        .await;
    let private: String = rows[0].try_get("", "line").unwrap();
    assert!(kit.project.open("_push_keys/1", &private).unwrap().len() == 32);
    assert!(kit.project.open("_push_keys/2", &private).is_err());
}

async fn every_project_has_its_own(kit: &Kit) {
    let other = kit.other_project().await;
    let one = kit.push.public_key(&kit.project, kit.now()).await.unwrap();
    let two = kit.push.public_key(&other, kit.now()).await.unwrap();
    assert_ne!(one, two);
}

/// The claims of the token, its signature verified with the key beside it.
fn verified(kit: &Kit, authorization: &str, public: &str) -> Value {
    let rest = authorization.strip_prefix("vapid t=").unwrap();
    let (token, key) = rest.split_once(", k=").unwrap();
    assert_eq!(key, public);
    let point = URL_SAFE_NO_PAD.decode(key).unwrap();
    let (x, y) = (
        URL_SAFE_NO_PAD.encode(&point[1..33]),
        URL_SAFE_NO_PAD.encode(&point[33..]),
    );
    let key = DecodingKey::from_ec_components(&x, &y).unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&[&kit.service.origin]);
    rules.set_required_spec_claims(&["exp", "aud", "sub"]);
    // The clock of the test stands still, that of the library does not.
    rules.validate_exp = false;
    decode::<Value>(token, &key, &rules).unwrap().claims
}

async fn tokens_are_what_services_want_and_are_used_again(kit: &Kit) {
    kit.register(&user(U), "/a").await;
    let public = kit.push.public_key(&kit.project, kit.now()).await.unwrap();
    for hours in [0, 1, 9, 1, 1] {
        kit.pass(Duration::from_secs(hours * 3_600));
        kit.send_all("t").await;
        kit.run().await;
        let last = kit.service.received().pop().unwrap();
        let claims = verified(kit, &last.headers["authorization"], &public);
        assert_eq!(claims["aud"], json!(kit.service.origin));
        assert_eq!(claims["sub"], json!("https://api.example.com"));
        let left = claims["exp"].as_i64().unwrap() - kit.now().unix_seconds();
        assert!((3_600..=12 * 3_600).contains(&left), "{left}");
    }
    let tokens: Vec<String> = kit
        .service
        .received()
        .iter()
        .map(|r| r.headers["authorization"].clone())
        .collect();
    assert_eq!((tokens.len(), &tokens[0]), (5, &tokens[1]));
    // After ten hours it has no hour left.
    assert_ne!(tokens[0], tokens[2]);
    assert_eq!((&tokens[2], &tokens[3]), (&tokens[3], &tokens[4]));
}
