//! Sign-ins from elsewhere: told by mail, with a link that ends the session, once.

use crate::kit::{Kit, PASSWORD, on_both};
use actix_web::http::Method;
use serde_json::{Value, json};
use std::time::Duration;

const ADA: &str = "ada@example.com";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0";
const NEWER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0";

async fn told(kit: &Kit) -> usize {
    kit.tick().await;
    let mails = kit.mails().await;
    mails
        .iter()
        .filter(|mail| mail["template"] == "new_device")
        .count()
}

async fn open(kit: &Kit, method: Method, token: &str) -> String {
    let path = "/v1/auth/pages/end-session";
    let reply = match method {
        Method::GET => {
            kit.call(method, &format!("{path}?token={token}"), None, None)
                .await
        }
        _ => {
            kit.post(path, Value::String(format!("token={token}")))
                .await
        }
    };
    format!(
        "{} {}",
        reply.status.as_u16(),
        String::from_utf8_lossy(&reply.bytes)
    )
}

#[actix_web::test]
async fn a_place_is_told_of_once_and_not_the_first() {
    on_both(async |kit| {
        kit.set(json!({"new_device_mail": true}), &[]).await;
        kit.sign_up(ADA).await.expect(201);
        assert_eq!(told(&kit).await, 0);
        let come = async |network: &str, agent: &str| {
            kit.sign_in_from(network, agent, (ADA, PASSWORD))
                .await
                .expect(200);
            told(&kit).await
        };
        assert_eq!(come("198.51.100.7", FIREFOX).await, 1);
        assert_eq!(come("198.51.100.7", FIREFOX).await, 1);
        // A new version of a program is no new device.
        assert_eq!(come("198.51.100.7", NEWER).await, 1);
        assert_eq!(come("198.51.100.8", FIREFOX).await, 2);
        assert_eq!(come("198.51.100.7", "shop-app/1").await, 3);
        kit.pass(Duration::from_secs(90 * 86_400 - 1));
        assert_eq!(come("198.51.100.7", FIREFOX).await, 0);
        kit.pass(Duration::from_secs(90 * 86_400 + 1));
        // Nothing is known any more, nor kept, and yet it is not the first.
        kit.tick().await;
        assert_eq!(come("198.51.100.7", FIREFOX).await, 1);
        // A wrong password is no sign-in.
        kit.sign_in_from("198.51.100.99", FIREFOX, (ADA, "wrong horse"))
            .await
            .expect(401);
        assert_eq!(told(&kit).await, 1);
        kit.set(json!({"new_device_mail": false}), &[]).await;
        assert_eq!(come("198.51.100.9", FIREFOX).await, 1);
    })
    .await;
}

#[actix_web::test]
async fn the_mail_tells_where_and_ends_that_session_once() {
    on_both(async |kit| {
        kit.set(json!({"new_device_mail": true}), &[]).await;
        let mine = kit.sign_up(ADA).await.expect(201).text("access_token");
        let theirs = kit
            .sign_in_from("198.51.100.7", FIREFOX, (ADA, PASSWORD))
            .await;
        let theirs = theirs.text("access_token");
        let mail = kit.mail("new_device", ADA).await;
        let text = mail["text"].as_str().unwrap();
        for part in ["2026-01-02 03:04 UTC", "Firefox on Linux", "198.51.100.7"] {
            assert!(text.contains(part), "{text}");
        }
        let token = kit.token("new_device", ADA).await;
        // Another sign-in is told by another mail, and this one's link stays good.
        kit.sign_in_from("198.51.100.8", FIREFOX, (ADA, PASSWORD))
            .await
            .expect(200);
        assert_eq!(told(&kit).await, 2);
        assert!(open(&kit, Method::GET, &token).await.starts_with("200"));
        kit.me(&theirs).await.expect(200);
        let done = open(&kit, Method::POST, &token).await;
        assert!(
            done.starts_with("200") && done.contains("is ended"),
            "{done}"
        );
        kit.me(&theirs).await.expect(401);
        kit.me(&mine).await.expect(200);
        assert!(open(&kit, Method::POST, &token).await.starts_with("400"));
        assert!(open(&kit, Method::GET, &token).await.starts_with("400"));
        // The place is strange again.
        kit.sign_in_from("198.51.100.7", FIREFOX, (ADA, PASSWORD))
            .await
            .expect(200);
        assert_eq!(told(&kit).await, 3);
    })
    .await;
}

#[actix_web::test]
async fn it_is_written_in_the_language_of_the_request() {
    on_both(async |kit| {
        kit.set(json!({"new_device_mail": true}), &[]).await;
        kit.sign_up(ADA).await.expect(201);
        let body = json!({"identity": ADA, "password": PASSWORD});
        let headers = [
            ("x-test-network", "198.51.100.7"),
            ("accept-language", "de"),
        ];
        let (path, who) = ("/v1/auth/sign-in/password", Ok(gate::Who::Anonymous));
        kit.call_as(Method::POST, path, who, Some(body), &headers)
            .await
            .expect(200);
        let mail = kit.mail("new_device", ADA).await;
        assert!(
            mail["subject"]
                .as_str()
                .unwrap()
                .starts_with("Neue Anmeldung"),
            "{mail}"
        );
    })
    .await;
}

#[actix_web::test]
async fn the_link_ends_the_session_whatever_became_of_it() {
    on_both(async |kit| {
        kit.set(json!({"new_device_mail": true}), &[]).await;
        for (n, is_told_before) in [true, false].into_iter().enumerate() {
            let email = format!("u{n}@example.com");
            kit.sign_up(&email).await.expect(201);
            let theirs = kit
                .sign_in_from("198.51.100.7", FIREFOX, (&email, PASSWORD))
                .await
                .text("access_token");
            let before = match is_told_before {
                true => Some(kit.token("new_device", &email).await),
                false => None,
            };
            // It rises, by an app of the thief's own, and goes on under another id.
            let (uri, _) = kit.app(&theirs).await;
            kit.pass(Duration::from_secs(30));
            let code = crate::hand::code(&kit, &uri, 0);
            let risen = kit.step_up(&theirs, "totp_code", code).await.expect(200);
            let link = match before {
                Some(link) => link,
                None => kit.token("new_device", &email).await,
            };
            let done = open(&kit, Method::POST, &link).await;
            assert!(done.starts_with("200"), "{done}");
            kit.me(&risen.text("access_token")).await.expect(401);
            assert_eq!(kit.refresh(&risen.text("refresh_token")).await.status, 401);
        }
    })
    .await;
}
