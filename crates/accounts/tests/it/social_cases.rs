//! The ways in which accounts were stolen by social sign-in elsewhere, tried here.

use crate::kit::{Kit, PASSWORD, Reply, on_both};
use crate::provider::{APP, Provider, Trip, ada, header, pair, sign_in, start};
use actix_web::http::Method;
use futures_util::future::join_all;
use gate::Who;
use serde_json::{Value, json};
use std::time::Duration;

fn bad() -> (u16, String) {
    (400, "invalid_token".to_owned())
}

/// What a callback answers that signs nobody in and sends nobody anywhere.
#[track_caller]
fn refused(reply: &Reply) {
    assert_eq!(reply.status.as_u16(), 400, "{reply:?}");
    assert!(
        !reply.headers.iter().any(|(name, _)| name == "location"),
        "{reply:?}"
    );
}

async fn come(kit: &Kit, path: &str, cookie: &str) -> Reply {
    kit.call_as(
        Method::GET,
        path,
        Ok(Who::Anonymous),
        None,
        &[("cookie", cookie)],
    )
    .await
}

/// A person whom the provider has no verified address of, linked to the user of this token.
async fn link(kit: &Kit, provider: &Provider, sub: &str, token: &str) -> Reply {
    provider.is(json!({"sub": sub})).await;
    let trip = Trip::away(kit, &provider.issuer, sub).await;
    let body = json!({"ticket": trip.ticket(kit).await, "code_verifier": trip.verifier});
    kit.post_as(token, "/v1/users/me/identities", Some(body))
        .await
}

#[actix_web::test]
async fn who_made_an_account_with_anothers_address_is_put_out_when_its_owner_comes() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let attacker = kit.sign_up("ada@example.com").await.expect(201);
        let id = attacker.json()["user"]["id"].clone();
        let token = attacker.text("access_token");
        link(&kit, &provider, "eve", &token).await.expect(200);
        provider.is(ada()).await;
        let owner = Trip::away(&kit, &provider.issuer, "one")
            .await
            .sign_in(&kit)
            .await
            .expect(200);
        assert_eq!(owner.json()["user"]["id"], id);
        assert!(kit.is_verified("ada@example.com").await);
        // The password, the session, its refresh token, and the account elsewhere are good for nothing now.
        assert_eq!(
            kit.sign_in("ada@example.com", PASSWORD).await.fails().0,
            401
        );
        assert_eq!(kit.me(&token).await.fails().0, 401);
        assert_eq!(
            kit.refresh(&attacker.text("refresh_token")).await.fails().0,
            401
        );
        provider.is(json!({"sub": "eve"})).await;
        let eve = Trip::away(&kit, &provider.issuer, "two")
            .await
            .sign_in(&kit)
            .await
            .expect(200);
        assert_ne!(eve.json()["user"]["id"], id);
        kit.me(&owner.text("access_token")).await.expect(200);
        let told = kit.mail("linked", "ada@example.com").await;
        assert!(told["text"].as_str().unwrap().contains("ada@example.com"));
    })
    .await;
}

#[actix_web::test]
async fn an_address_that_is_verified_on_both_sides_joins_and_leaves_the_password() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let own = kit.sign_up("Ada@Example.com").await.expect(201);
        kit.set_verified("Ada@Example.com", true).await;
        provider.is(ada()).await;
        let reply = Trip::away(&kit, &provider.issuer, "one")
            .await
            .sign_in(&kit)
            .await
            .expect(200);
        assert_eq!(reply.json()["user"]["id"], own.json()["user"]["id"]);
        kit.sign_in("ada@example.com", PASSWORD).await.expect(200);
        kit.me(&own.text("access_token")).await.expect(200);
        kit.mail("linked", "Ada@Example.com").await;
        // A disabled user stays out, also by this door.
        kit.set_disabled("Ada@Example.com", true).await;
        let reply = Trip::away(&kit, &provider.issuer, "two")
            .await
            .sign_in(&kit)
            .await;
        assert_eq!(reply.fails().0, 401);
    })
    .await;
}

#[actix_web::test]
async fn an_address_that_the_provider_has_not_verified_joins_nothing() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let own = kit.sign_up("ada@example.com").await.expect(201);
        for is_verified in [false, true] {
            kit.set_verified("ada@example.com", is_verified).await;
            for claim in [
                json!(false),
                json!("false"),
                json!("true"),
                json!(1),
                Value::Null,
            ] {
                let mut account = json!({"sub": "eve", "email": "ADA@example.com"});
                if !claim.is_null() {
                    account["email_verified"] = claim;
                }
                provider.is(account.clone()).await;
                let trip = Trip::away(&kit, &provider.issuer, "one").await;
                let reply = trip.sign_in(&kit).await;
                assert_eq!(
                    reply.fails(),
                    (409, "link_required".to_owned()),
                    "{account}"
                );
            }
        }
        // Nothing was linked by it, and who is signed in may link it.
        let token = own.text("access_token");
        let all = kit
            .call(Method::GET, "/v1/users/me/identities", Some(&token), None)
            .await;
        assert_eq!(all.expect(200).json()["items"], json!([]));
        link(&kit, &provider, "eve", &token).await.expect(200);
        provider
            .is(json!({"sub": "eve", "email": "ada@example.com"}))
            .await;
        let reply = Trip::away(&kit, &provider.issuer, "two")
            .await
            .sign_in(&kit)
            .await
            .expect(200);
        assert_eq!(reply.json()["user"]["id"], own.json()["user"]["id"]);
        // Who has no account gets one whose address is not verified either, and is asked about it.
        provider
            .is(json!({"sub": "bob", "email": "bob@example.com", "email_verified": "true"}))
            .await;
        Trip::away(&kit, &provider.issuer, "three")
            .await
            .sign_in(&kit)
            .await
            .expect(200);
        assert!(!kit.is_verified("bob@example.com").await);
        kit.mail("verify", "bob@example.com").await;
    })
    .await;
}

#[actix_web::test]
async fn a_state_is_good_once_in_its_browser_at_its_provider_and_in_its_time() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        // The same provider under another name.
        let mut second = provider.settings();
        second["id"] = json!("second");
        let social =
            json!({"providers": [provider.settings(), second], "redirect_addresses": [APP]});
        let reach = std::slice::from_ref(&provider.issuer);
        kit.change_settings(json!({"social": social}), reach).await;
        provider.is(ada()).await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let other = Trip::away(&kit, &provider.issuer, "two").await;
        let back = &trip.back;
        let name = trip.cookie.split('=').next().unwrap();
        let without_state: String = back
            .split('&')
            .filter(|p| !p.contains("state="))
            .collect::<Vec<_>>()
            .join("&");
        let state_of = |trip: &Trip| {
            trip.back
                .split(['?', '&'])
                .find(|p| p.starts_with("state="))
                .unwrap()
                .to_owned()
        };
        let chosen = back.replace(&state_of(&trip), "state=mine");
        let at_second = back.replace("/own/", "/second/");
        for (path, cookie) in [
            (without_state.as_str(), trip.cookie.as_str()),
            (chosen.as_str(), trip.cookie.as_str()),
            (back.as_str(), ""),
            (back.as_str(), other.cookie.as_str()),
            (
                back.as_str(),
                &format!("{name}={}", other.cookie.split('=').nth(1).unwrap()),
            ),
            (at_second.as_str(), trip.cookie.as_str()),
        ] {
            refused(&come(&kit, path, cookie).await);
        }
        let elsewhere = kit.in_other_project().await;
        let social = json!({"providers": [provider.settings()], "redirect_addresses": [APP]});
        elsewhere
            .change_settings(json!({"social": social}), reach)
            .await;
        refused(&come(&elsewhere, back, &trip.cookie).await);
        // None of these used it up; itself does.
        assert_eq!(provider.count("token").await, 0);
        trip.ticket(&kit).await;
        refused(&trip.arrive(&kit).await);
        kit.pass(Duration::from_secs(660));
        refused(&other.arrive(&kit).await);
        assert_eq!(provider.count("token").await, 1);
    })
    .await;
}

#[actix_web::test]
async fn an_answer_may_be_posted_by_another_site() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        provider
            .is(json!({"sub": "ada", "email": "ada@example.com", "email_verified": true}))
            .await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let (path, query) = trip.back.split_once('?').unwrap();
        let user: String =
            url::form_urlencoded::byte_serialize(br#"{"name":{"firstName":"Ada","lastName":"L"}}"#)
                .collect();
        let form = Value::String(format!("{query}&user={user}"));
        let post = async |cookie: &str| {
            let headers = [("cookie", cookie), ("origin", "https://appleid.apple.com")];
            kit.call_as(
                Method::POST,
                path,
                Ok(Who::Anonymous),
                Some(form.clone()),
                &headers,
            )
            .await
        };
        refused(&post("").await);
        let reply = post(&trip.cookie).await.expect(303);
        let location = header(&reply, "location");
        let ticket = location.strip_prefix(&format!("{APP}?ticket=")).unwrap();
        let body = json!({"ticket": ticket, "code_verifier": trip.verifier});
        let token = sign_in(&kit, body).await.expect(200).text("access_token");
        let all = kit
            .call(Method::GET, "/v1/users/me/identities", Some(&token), None)
            .await;
        assert_eq!(all.json()["items"][0]["name"], "Ada L");
    })
    .await;
}

#[actix_web::test]
async fn a_ticket_is_good_once_for_a_minute_and_for_the_app_that_began() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        provider.is(ada()).await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let ticket = trip.ticket(&kit).await;
        let other = Trip::away(&kit, &provider.issuer, "two").await;
        let others = other.ticket(&kit).await;
        let plain = pair("one").1;
        for body in [
            json!({"ticket": ticket}),
            json!({"ticket": ticket, "code_verifier": ""}),
            json!({"ticket": ticket, "code_verifier": plain}),
            json!({"ticket": ticket, "code_verifier": other.verifier}),
            json!({"ticket": others, "code_verifier": trip.verifier}),
            json!({"ticket": "gt_wrong", "code_verifier": trip.verifier}),
        ] {
            assert_eq!(sign_in(&kit, body.clone()).await.fails(), bad(), "{body}");
        }
        let good = json!({"ticket": ticket, "code_verifier": trip.verifier});
        let elsewhere = kit.in_other_project().await;
        assert_eq!(sign_in(&elsewhere, good.clone()).await.fails(), bad());
        sign_in(&kit, good.clone()).await.expect(200);
        assert_eq!(sign_in(&kit, good).await.fails(), bad());
        kit.pass(Duration::from_secs(60));
        let late = json!({"ticket": others, "code_verifier": other.verifier});
        assert_eq!(sign_in(&kit, late).await.fails(), bad());
    })
    .await;
}

#[actix_web::test]
async fn of_fifty_who_come_at_once_one_passes() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        provider.is(ada()).await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let all = join_all((0..50).map(|_| trip.arrive(&kit))).await;
        let mut passed = all.into_iter().filter(|reply| reply.status.as_u16() != 400);
        let location = header(&passed.next().unwrap().expect(303), "location");
        assert!(passed.next().is_none());
        assert_eq!(provider.count("token").await, 1);
        let ticket = location.strip_prefix(&format!("{APP}?ticket=")).unwrap();
        let body = json!({"ticket": ticket, "code_verifier": trip.verifier});
        let all = join_all((0..50).map(|_| sign_in(&kit, body.clone()))).await;
        let good = all
            .iter()
            .filter(|reply| reply.status.as_u16() == 200)
            .count();
        let others = all.iter().filter(|reply| reply.fails() == bad()).count();
        assert_eq!((good, others), (1, 49));
    })
    .await;
}

#[actix_web::test]
async fn many_first_sign_ins_of_one_person_make_one_user() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        provider.is(ada()).await;
        let mut tickets = Vec::new();
        for seed in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let trip = Trip::away(&kit, &provider.issuer, seed).await;
            tickets
                .push(json!({"ticket": trip.ticket(&kit).await, "code_verifier": trip.verifier}));
        }
        let all = join_all(tickets.into_iter().map(|body| sign_in(&kit, body))).await;
        let ids: std::collections::HashSet<String> = all
            .into_iter()
            .map(|reply| reply.expect(200).json()["user"]["id"].to_string())
            .collect();
        assert_eq!(ids.len(), 1);
    })
    .await;
}

#[actix_web::test]
async fn a_provider_that_was_taken_away_lets_nobody_in() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        provider.is(ada()).await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let ticket = trip.ticket(&kit).await;
        let under_way = Trip::away(&kit, &provider.issuer, "two").await;
        kit.change_settings(json!({"social": {"providers": []}}), &[])
            .await;
        let body = json!({"ticket": ticket, "code_verifier": trip.verifier});
        assert_eq!(
            sign_in(&kit, body).await.fails(),
            (404, "provider_not_found".to_owned())
        );
        let reply = under_way.arrive(&kit).await.expect(303);
        assert_eq!(
            header(&reply, "location"),
            format!("{APP}?error=provider_failed")
        );
        let query = format!("redirect_to={APP}&code_challenge={}", pair("x").1);
        assert_eq!(start(&kit, &query).await.fails().0, 404);
    })
    .await;
}

#[actix_web::test]
async fn a_reset_by_mail_puts_out_what_a_stranger_linked() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let attacker = kit.sign_up("ada@example.com").await.expect(201);
        let id = attacker.json()["user"]["id"].clone();
        link(&kit, &provider, "eve", &attacker.text("access_token"))
            .await
            .expect(200);
        let asked = json!({"email": "ada@example.com"});
        kit.post("/v1/auth/password-reset", asked).await.expect(202);
        let secret = kit.token("reset", "ada@example.com").await;
        let body = json!({"token": secret, "new_password": "another password"});
        kit.post("/v1/auth/password-reset/confirm", body)
            .await
            .expect(204);
        provider.is(json!({"sub": "eve"})).await;
        let eve = Trip::away(&kit, &provider.issuer, "two")
            .await
            .sign_in(&kit)
            .await
            .expect(200);
        assert_ne!(eve.json()["user"]["id"], id);
    })
    .await;
}

#[actix_web::test]
async fn an_address_that_only_looks_alike_joins_nothing() {
    on_both(async |kit| {
        let provider = Provider::start();
        let kit = provider.join(&kit).await;
        let kate = kit.sign_up("kate@example.com").await.expect(201);
        kit.set_verified("kate@example.com", true).await;
        let eve = json!({"sub": "eve", "email": "\u{212a}ate@example.com", "email_verified": true});
        provider.is(eve).await;
        let trip = Trip::away(&kit, &provider.issuer, "one").await;
        let eve = trip.sign_in(&kit).await;
        assert_ne!(
            eve.json()["user"]["id"],
            kate.json()["user"]["id"],
            "{eve:?}"
        );
    })
    .await;
}
