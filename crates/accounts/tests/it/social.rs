//! Signing in by a real OpenID provider: by redirect, by a code of a native app, by an `id_token`.

use crate::kit::{PASSWORD, on_both};
use crate::provider::{APP, Browser, NATIVE, Provider, Trip, ada, header, pair, sign_in, start};
use actix_web::http::Method;
use serde_json::{Value, json};

async fn counted(kit: &crate::kit::Kit, token: &str) -> usize {
    let path = "/v1/users/me/identities";
    let all = kit
        .call(Method::GET, path, Some(token), None)
        .await
        .expect(200)
        .json();
    all["items"].as_array().unwrap().len()
}

#[actix_web::test]
async fn a_browser_goes_there_and_back_and_the_app_signs_in() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        provider.is(ada()).await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let reply = trip.sign_in(&kit).await.expect(200);
        let user = reply.json()["user"].clone();
        assert_eq!(user["email"], "ada@example.com");
        assert!(kit.is_verified("ada@example.com").await);
        let token = reply.text("access_token");
        kit.me(&token).await.expect(200);
        let path = "/v1/users/me/identities";
        let all = kit
            .call(Method::GET, path, Some(&token), None)
            .await
            .expect(200)
            .json();
        let one = &all["items"][0];
        assert_eq!(
            (
                one["provider"].as_str(),
                one["subject"].as_str(),
                one["name"].as_str()
            ),
            (Some("own"), Some("ada"), Some("Ada"))
        );
        assert_eq!(one["issuer"], provider.issuer);
        // Once more: the same user, and no mail to anybody.
        let again = Trip::away(&kit, &provider.issuer, "two")
            .await
            .sign_in(&kit)
            .await
            .expect(200);
        assert_eq!(again.json()["user"]["id"], user["id"]);
        assert_eq!(counted(&kit, &again.text("access_token")).await, 1);
        assert!(kit.mails().await.is_empty());
        // The documents were asked for once, and the person's address at the place for more.
        assert_eq!(
            (
                provider.count("discovery").await,
                provider.count("jwks").await
            ),
            (1, 1)
        );
        assert_eq!(
            (
                provider.count("token").await,
                provider.count("userinfo").await
            ),
            (2, 2)
        );
    })
    .await;
}

#[actix_web::test]
async fn an_app_learns_where_to_begin() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let methods = kit
            .call(Method::GET, "/v1/auth/methods", None, None)
            .await
            .expect(200)
            .json();
        let want = json!([{
            "id": "own", "kind": "oidc", "name": "OpenID Connect",
            "start_url": "http://127.0.0.1:8090/p/shop/v1/auth/social/own/start"
        }]);
        assert_eq!(methods["social"], want);
        let (_, challenge) = pair("x");
        let left = start(
            &kit,
            &format!("redirect_to={APP}&code_challenge={challenge}"),
        )
        .await
        .expect(303);
        let cookie = header(&left, "set-cookie");
        for part in [
            "__Host-galley_social_",
            "; HttpOnly",
            "; Secure",
            "; SameSite=Lax",
            "; Path=/",
            "; Max-Age=600",
        ] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!cookie.contains("Domain"));
        let location = header(&left, "location");
        assert!(
            location.contains("code_challenge_method=S256") && location.contains("nonce="),
            "{location}"
        );
        // Another place, another provider, no challenge, or a plain one.
        for (query, want) in [
            (
                format!("redirect_to=https://evil.example/&code_challenge={challenge}"),
                400,
            ),
            (
                format!("redirect_to={APP}/&code_challenge={challenge}"),
                400,
            ),
            (format!("redirect_to={APP}"), 400),
            (
                format!("redirect_to={APP}&code_challenge={challenge}&code_challenge_method=plain"),
                400,
            ),
            (
                format!("redirect_to={APP}&code_challenge={challenge}&state=mine"),
                400,
            ),
        ] {
            assert_eq!(
                start(&kit, &query).await.fails(),
                (want, "invalid_parameter".to_owned()),
                "{query}"
            );
        }
        let path =
            format!("/v1/auth/social/nobody/start?redirect_to={APP}&code_challenge={challenge}");
        let nobody = kit.call(Method::GET, &path, None, None).await;
        assert_eq!(nobody.fails(), (404, "provider_not_found".to_owned()));
    })
    .await;
}

/// A code that a native app got from the provider itself.
async fn native_code(provider: &Provider, verifier: &str, challenge: &str) -> String {
    let mut url = url::Url::parse(&format!("{}/auth", provider.issuer)).unwrap();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", "native")
        .append_pair("redirect_uri", NATIVE)
        .append_pair("scope", "openid email profile")
        .append_pair("code_challenge", challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("nonce", "a nonce")
        .append_pair(
            "claims",
            r#"{"id_token":{"email":null,"email_verified":null}}"#,
        );
    let back = Browser::new(&provider.issuer).follow(url.as_str()).await;
    let back = url::Url::parse(&back).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code");
    let _ = verifier;
    code.unwrap_or_else(|| panic!("{back}")).1.into_owned()
}

/// An `id_token` that a native app got from the provider itself.
async fn native_token(provider: &Provider) -> String {
    let (verifier, challenge) = pair("native");
    let code = native_code(provider, &verifier, &challenge).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "native"),
        ("code", code.as_str()),
        ("redirect_uri", NATIVE),
        ("code_verifier", verifier.as_str()),
    ];
    let address = format!("{}/token", provider.issuer);
    let answer = Browser::new(&provider.issuer).post(&address, &form).await;
    let answer: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
    answer["id_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

#[actix_web::test]
async fn a_native_app_brings_its_code() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        provider.is(ada()).await;
        let (verifier, challenge) = pair("native");
        let code = native_code(&provider, &verifier, &challenge).await;
        let good = json!({
            "provider": "own", "code": code, "code_verifier": verifier, "redirect_uri": NATIVE,
            "client_id": "native", "nonce": "a nonce"
        });
        let with = |name: &str, value: Value| {
            let mut bad = good.clone();
            bad[name] = value;
            bad
        };
        // Before anything is asked of the provider: the code stays good.
        for (bad, want) in [
            (with("client_id", json!("stranger")), "invalid_token"),
            (
                with("redirect_uri", json!("https://evil.example/")),
                "invalid_parameter",
            ),
            (with("code_verifier", json!("short")), "invalid_token"),
            (with("code_verifier", Value::Null), "invalid_token"),
        ] {
            assert_eq!(
                sign_in(&kit, bad.clone()).await.fails(),
                (400, want.to_owned()),
                "{bad}"
            );
        }
        assert_eq!(provider.count("token").await, 0);
        let reply = sign_in(&kit, good.clone()).await.expect(200);
        assert_eq!(reply.json()["user"]["email"], "ada@example.com");
        // Used, by another app, with another verifier, with another nonce.
        assert_eq!(
            sign_in(&kit, good.clone()).await.fails(),
            (400, "invalid_token".to_owned())
        );
        for (name, value) in [
            ("client_id", json!("web")),
            ("code_verifier", json!(pair("other").0)),
            ("nonce", json!("another")),
            ("nonce", Value::Null),
        ] {
            let mut bad = with(name, value);
            bad["code"] = json!(native_code(&provider, &verifier, &challenge).await);
            assert_eq!(
                sign_in(&kit, bad.clone()).await.fails(),
                (400, "invalid_token".to_owned()),
                "{bad}"
            );
        }
    })
    .await;
}

#[actix_web::test]
async fn a_native_app_brings_an_id_token() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        provider.is(ada()).await;
        let id_token = native_token(&provider).await;
        let good = json!({"provider": "own", "id_token": id_token, "nonce": "a nonce"});
        let reply = sign_in(&kit, good.clone()).await.expect(200);
        assert_eq!(reply.json()["user"]["email"], "ada@example.com");
        for (name, value) in [
            ("nonce", json!("another")),
            ("id_token", json!(format!("{id_token}x"))),
            ("id_token", json!("no token")),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            assert_eq!(
                sign_in(&kit, bad).await.fails(),
                (400, "invalid_token".to_owned()),
                "{name}"
            );
        }
        // Out of date, and for an app that is none of ours.
        let now = kit.clock.now();
        kit.pass(std::time::Duration::from_secs(3_700));
        assert_eq!(
            sign_in(&kit, good.clone()).await.fails(),
            (400, "invalid_token".to_owned())
        );
        kit.clock.set(now);
        provider.set(&kit, json!({"audiences": ["another"]})).await;
        assert_eq!(
            sign_in(&kit, good).await.fails(),
            (400, "invalid_token".to_owned())
        );
    })
    .await;
}

#[actix_web::test]
async fn a_profile_is_for_somebody_new_and_says_nothing_of_who_it_is() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        provider.is(ada()).await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let ticket = trip.ticket(&kit).await;
        let with = |profile: Value| json!({"ticket": ticket, "code_verifier": trip.verifier, "profile": profile});
        let forged = with(json!({"email": "victim@example.com", "verified": true}));
        assert_eq!(sign_in(&kit, forged).await.fails(), (400, "readonly_field".to_owned()));
        assert_eq!(sign_in(&kit, with(json!({"shoe": 7}))).await.fails(), (400, "unknown_field".to_owned()));
        let reply = sign_in(&kit, with(json!({"name": "Countess"}))).await.expect(200);
        assert_eq!(reply.json()["user"]["name"], "Countess");
        assert_eq!(reply.json()["user"]["email"], "ada@example.com");
    })
    .await;
}

#[actix_web::test]
async fn where_nobody_signs_up_nobody_is_made() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        kit.sign_up("ada@example.com").await.expect(201);
        kit.set_verified("ada@example.com", true).await;
        kit.close_sign_up().await;
        provider
            .is(json!({"sub": "eve", "email": "eve@example.com", "email_verified": true}))
            .await;
        let reply = Trip::away(&kit, &provider.issuer, "one")
            .await
            .sign_in(&kit)
            .await;
        assert_eq!(reply.fails(), (403, "sign_up_closed".to_owned()));
        // Who has an account comes in.
        provider.is(ada()).await;
        let reply = Trip::away(&kit, &provider.issuer, "two")
            .await
            .sign_in(&kit)
            .await;
        reply.expect(200);
        kit.sign_in("ada@example.com", PASSWORD).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_refusal_is_told_to_the_app_in_a_word() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        provider.is(json!({"sub": "ada", "deny": true})).await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let reply = trip.arrive(&kit).await.expect(303);
        assert_eq!(
            header(&reply, "location"),
            format!("{APP}?error=access_denied")
        );
        // A word that is none of the standard's, and a code that is none.
        provider.is(ada()).await;
        for (name, value) in [("error", "<script>"), ("code", "wrong")] {
            let mut trip = Trip::away(&kit, &provider.issuer, "two").await;
            let state = trip
                .back
                .split(['?', '&'])
                .find(|part| part.starts_with("state="))
                .unwrap()
                .to_owned();
            let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            trip.back = format!("/v1/auth/social/own/callback?{state}&{name}={value}");
            let reply = trip.arrive(&kit).await.expect(303);
            assert_eq!(
                header(&reply, "location"),
                format!("{APP}?error=provider_failed")
            );
        }
        // Another issuer than the one that was asked (RFC 9207).
        let mut trip = Trip::away(&kit, &provider.issuer, "two").await;
        trip.back = trip.back.replace("iss=", "iss=https%3A%2F%2Fevil.example");
        let reply = trip.arrive(&kit).await.expect(303);
        assert_eq!(
            header(&reply, "location"),
            format!("{APP}?error=provider_failed")
        );
        // A provider that is gone: the app is told, and nobody reads a 5xx.
        let trip = Trip::away(&kit, &provider.issuer, "three").await;
        drop(provider);
        let reply = trip.arrive(&kit).await.expect(303);
        assert_eq!(
            header(&reply, "location"),
            format!("{APP}?error=provider_failed")
        );
    })
    .await;
}
