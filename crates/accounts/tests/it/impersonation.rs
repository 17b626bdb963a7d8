//! Acting as a user: short, told to everybody whom it concerns, and without a way to take the account over.

use crate::kit::{Kit, PASSWORD, on_both};
use actix_web::http::Method;
use serde_json::{Value, json};
use std::time::Duration;

async fn begin(kit: &Kit, id: &str) -> Value {
    let path = format!("/v1/users/{id}/impersonate");
    let body = json!({"reason": "a ticket"});
    let scopes = &["users.impersonate"];
    let done = kit.key(Method::POST, &path, scopes, Some(body)).await;
    done.expect(200).json()
}

#[tokio::test]
async fn it_names_who_acts_everywhere() {
    on_both(async |kit| {
        let made = kit.sign_up("ada@example.com").await.expect(201).json();
        let id = made["user"]["id"].as_str().unwrap();
        let acting = begin(&kit, id).await;
        assert_eq!(
            (&acting["expires_in"], &acting["refresh_token"]),
            (&json!(900), &Value::Null)
        );
        let token = acting["access_token"].as_str().unwrap();
        let key = "key:00000000-0000-0000-0000-000000000001";
        let claims = crate::people::claims(token);
        assert_eq!(claims["act"], json!({ "sub": key }));
        assert_eq!(claims["amr"], json!(["impersonation"]));
        assert_eq!(
            kit.me(token).await.expect(200).json()["email"],
            "ada@example.com"
        );
        let path = format!("/v1/users/{id}/sessions");
        let all = kit.key(Method::GET, &path, &["users.read"], None).await;
        let all = all.expect(200).json();
        assert_eq!(all["items"].as_array().unwrap().len(), 2);
        let theirs = all["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["impersonator"] == key);
        assert_eq!(theirs.unwrap()["methods"], "impersonation");
        let noted = kit.audit("user.impersonate").await;
        assert_eq!((noted.len(), &noted[0]["reason"]), (1, &json!("a ticket")));
        // The user sees it, and ends it.
        let own = made["access_token"].as_str().unwrap();
        let end = format!(
            "/v1/auth/sessions/{}",
            theirs.unwrap()["id"].as_str().unwrap()
        );
        kit.call(Method::DELETE, &end, Some(own), None)
            .await
            .expect(204);
        assert_eq!(kit.me(token).await.fails().0, 401);
    })
    .await;
}

#[tokio::test]
async fn it_ends_after_a_quarter_of_an_hour() {
    on_both(async |kit| {
        let made = kit.sign_up("ada@example.com").await.expect(201).json();
        let acting = begin(&kit, made["user"]["id"].as_str().unwrap()).await;
        let token = acting["access_token"].as_str().unwrap();
        kit.pass(Duration::from_secs(899));
        kit.me(token).await.expect(200);
        kit.pass(Duration::from_secs(1));
        assert_eq!(kit.me(token).await.fails().0, 401);
    })
    .await;
}

#[tokio::test]
async fn it_changes_nothing_by_which_the_user_signs_in() {
    on_both(async |kit| {
        let made = kit.sign_up("ada@example.com").await.expect(201).json();
        let acting = begin(&kit, made["user"]["id"].as_str().unwrap()).await;
        let token = acting["access_token"].as_str().unwrap();
        let asks = [
            (
                Method::POST,
                "/v1/auth/password",
                json!({"current_password": PASSWORD, "new_password": "another password"}),
            ),
            (
                Method::POST,
                "/v1/auth/email-change",
                json!({"new_email": "eve@example.com", "current_password": PASSWORD}),
            ),
            (
                Method::DELETE,
                "/v1/users/me",
                json!({"current_password": PASSWORD}),
            ),
            (Method::GET, "/v1/users/me/export", Value::Null),
        ];
        for (method, path, body) in asks {
            let body = (!body.is_null()).then_some(body);
            let done = kit.call(method, path, Some(token), body).await;
            assert_eq!(
                done.fails(),
                (403, "permission_denied".to_owned()),
                "{path}"
            );
        }
        kit.sign_in("ada@example.com", PASSWORD).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn nobody_acts_as_who_is_gone_or_disabled_nor_without_a_reason() {
    on_both(async |kit| {
        let made = kit.sign_up("ada@example.com").await.expect(201).json();
        let id = made["user"]["id"].as_str().unwrap().to_owned();
        let ask = async |id: &str, scopes: &[&str], body: Value| {
            let path = format!("/v1/users/{id}/impersonate");
            kit.key(Method::POST, &path, scopes, Some(body))
                .await
                .fails()
                .0
        };
        let reason = || json!({"reason": "a ticket"});
        let may = &["users.impersonate"];
        assert_eq!(ask(&id, may, json!({})).await, 422);
        assert_eq!(ask(&id, may, json!({"reason": ""})).await, 422);
        assert_eq!(
            ask(&id, &["users.read", "users.write"], reason()).await,
            403
        );
        assert_eq!(
            ask("01990000-0000-7000-8000-00000000dead", may, reason()).await,
            404
        );
        kit.set_disabled("ada@example.com", true).await;
        assert_eq!(ask(&id, may, reason()).await, 404);
    })
    .await;
}
