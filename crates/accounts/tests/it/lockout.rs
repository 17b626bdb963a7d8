//! Guesses at passwords: so many for one account, however it is spelled, and from one network; and nobody is locked out
//! by others for good.

use crate::kit::{Kit, PASSWORD, Reply, accounts, on_both};
use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;

const ADA: &str = "ada@example.com";
const WRONG: &str = "wrong horse";

/// A guess from a network where nobody was yet.
async fn guess(kit: &Kit, network: &str, identity: &str, password: &str) -> Reply {
    kit.sign_in_from(network, "curl/8", (identity, password))
        .await
}

fn is_refused(reply: &Reply, seconds: &str) -> bool {
    let header = reply.headers.iter().find(|(name, _)| name == "retry-after");
    reply.fails() == (429, "rate_limited".to_owned())
        && header.is_some_and(|(_, value)| value == seconds)
}

#[actix_web::test]
async fn an_account_bears_ten_guesses_in_any_spelling_whether_it_exists_or_not() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        for (of, spelling) in [
            (
                ADA,
                ["ada@example.com", " ADA@Example.COM ", "ａｄａ@example.com"],
            ),
            (
                "nobody@example.com",
                [
                    "nobody@example.com",
                    "NOBODY@example.com ",
                    "ｎｏｂｏｄｙ@example.com",
                ],
            ),
        ] {
            for i in 0..10 {
                let network = format!("198.51.100.{i}");
                let reply = guess(&kit, &network, spelling[i % 3], WRONG).await;
                assert_eq!(
                    reply.fails(),
                    (401, "invalid_credentials".to_owned()),
                    "{of} {i}"
                );
            }
            for spelling in spelling {
                let reply = guess(&kit, "198.51.100.77", spelling, WRONG).await;
                assert!(is_refused(&reply, "60"), "{reply:?}");
            }
            // The right one is refused as the others are, and from elsewhere too.
            let reply = guess(&kit, "198.51.100.78", of, PASSWORD).await;
            assert!(is_refused(&reply, "60"), "{reply:?}");
        }
        // Another account is as before.
        guess(&kit, "198.51.100.77", "bob@example.com", WRONG)
            .await
            .expect(401);
    })
    .await;
}

#[actix_web::test]
async fn waits_grow_and_are_forgotten() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        for i in 0..10 {
            guess(&kit, &format!("198.51.100.{i}"), ADA, WRONG)
                .await
                .expect(401);
        }
        let from = "198.51.100.99";
        for (pass, next) in [
            (60, "120"),
            (120, "240"),
            (240, "480"),
            (480, "900"),
            (900, "900"),
        ] {
            kit.pass(Duration::from_secs(pass - 1));
            assert!(is_refused(&guess(&kit, from, ADA, WRONG).await, "1"));
            kit.pass(Duration::from_secs(1));
            guess(&kit, from, ADA, WRONG).await.expect(401);
            assert!(is_refused(&guess(&kit, from, ADA, WRONG).await, next));
        }
        kit.pass(Duration::from_secs(900));
        guess(&kit, from, ADA, PASSWORD).await.expect(200);
        // The right one wiped the slate.
        for i in 0..10 {
            guess(&kit, &format!("203.0.113.{i}"), ADA, WRONG)
                .await
                .expect(401);
        }
        assert_eq!(guess(&kit, "203.0.113.99", ADA, PASSWORD).await.status, 429);
    })
    .await;
}

#[actix_web::test]
async fn few_guesses_are_forgotten_after_a_quarter_of_an_hour() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        for round in 0..3 {
            for i in 0..9 {
                let network = format!("198.51.{round}.{i}");
                guess(&kit, &network, ADA, WRONG).await.expect(401);
            }
            kit.pass(Duration::from_secs(900));
        }
        guess(&kit, "198.51.100.99", ADA, PASSWORD)
            .await
            .expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_network_bears_a_hundred_whoever_is_guessed_at() {
    on_both(async |kit| {
        kit.set(json!({"lockout": {"network_guesses_max": 10}}), &[])
            .await;
        kit.sign_up(ADA).await.expect(201);
        let network = "2001:db8:1:2::/64";
        for i in 0..10 {
            let identity = format!("user{i}@example.com");
            guess(&kit, network, &identity, WRONG).await.expect(401);
        }
        assert!(is_refused(&guess(&kit, network, ADA, PASSWORD).await, "60"));
        guess(&kit, "2001:db8:1:3::/64", ADA, PASSWORD)
            .await
            .expect(200);
    })
    .await;
}

#[actix_web::test]
async fn of_fifty_guesses_at_once_ten_are_made() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let networks: Vec<String> = (0..50).map(|i| format!("198.51.100.{i}")).collect();
        let tries = networks
            .iter()
            .map(|network| guess(&kit, network, ADA, WRONG));
        let replies = join_all(tries).await;
        let made = replies.iter().filter(|reply| reply.status == 401).count();
        let refused = replies.iter().filter(|reply| reply.status == 429).count();
        assert!(
            (1..=10).contains(&made) && made + refused == 50,
            "{made} {refused}"
        );
    })
    .await;
}

#[actix_web::test]
async fn another_node_and_a_restart_know_of_them() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let other = kit.with_accounts(accounts());
        for i in 0..10 {
            let node = if i % 2 == 0 { &kit } else { &other };
            guess(node, &format!("198.51.100.{i}"), ADA, WRONG)
                .await
                .expect(401);
        }
        for node in [&kit, &other, &kit.with_accounts(accounts())] {
            assert_eq!(guess(node, "203.0.113.1", ADA, WRONG).await.status, 429);
        }
    })
    .await;
}

#[actix_web::test]
async fn the_owner_gets_in_from_home_or_by_the_mail() {
    on_both(async |kit| {
        let home = ("192.0.2.50", "Firefox/1");
        kit.sign_up(ADA).await.expect(201);
        kit.sign_in_from(home.0, home.1, (ADA, PASSWORD))
            .await
            .expect(200);
        for i in 0..10 {
            guess(&kit, &format!("198.51.100.{i}"), ADA, WRONG)
                .await
                .expect(401);
        }
        assert_eq!(guess(&kit, "203.0.113.1", ADA, PASSWORD).await.status, 429);
        kit.sign_in_from(home.0, "Safari/2", (ADA, PASSWORD))
            .await
            .expect(200);
        // Neither does home have more guesses than others.
        for _ in 0..10 {
            guess(&kit, home.0, ADA, WRONG).await.expect(401);
        }
        assert_eq!(guess(&kit, home.0, ADA, PASSWORD).await.status, 429);
        // Elsewhere is still refused; whoever reads the mail is let in.
        kit.post("/v1/auth/password-reset", json!({ "email": ADA }))
            .await
            .expect(202);
        let token = kit.token("reset", ADA).await;
        let next = "battery staple";
        let body = json!({"token": token, "new_password": next});
        kit.post("/v1/auth/password-reset/confirm", body)
            .await
            .expect(204);
        guess(&kit, "203.0.113.1", ADA, next).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_thief_of_a_session_does_not_guess_the_password() {
    on_both(async |kit| {
        let token = kit.sign_up(ADA).await.text("access_token");
        let body = json!({"current_password": WRONG, "new_password": "battery staple"});
        let change = async || {
            kit.post_as(&token, "/v1/auth/password", Some(body.clone()))
                .await
        };
        for _ in 0..10 {
            assert_eq!(
                change().await.fails(),
                (422, "validation_failed".to_owned())
            );
        }
        assert_eq!(change().await.status, 429);
        let body = json!({"new_email": "new@example.com", "current_password": WRONG});
        let other = kit
            .post_as(&token, "/v1/auth/email-change", Some(body))
            .await;
        assert_eq!(other.status, 429);
        kit.call(Method::GET, "/v1/users/me", Some(&token), None)
            .await
            .expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_thief_of_a_session_does_not_guess_the_password_by_erasing() {
    on_both(async |kit| {
        let token = kit.sign_up(ADA).await.text("access_token");
        let body = json!({ "current_password": WRONG });
        let path = "/v1/users/me";
        let erase = async || {
            kit.call(Method::DELETE, path, Some(&token), Some(body.clone()))
                .await
        };
        for _ in 0..10 {
            assert_eq!(erase().await.fails(), (422, "validation_failed".to_owned()));
        }
        assert_eq!(erase().await.status, 429);
        kit.me(&token).await.expect(200);
    })
    .await;
}
