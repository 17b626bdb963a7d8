//! Sessions have names that people know their devices by, and all but one can be ended.

use crate::kit::{Kit, PASSWORD, on_both};
use actix_web::http::Method;
use gate::Who;
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

impl Kit {
    async fn session_list(&self, token: &str) -> Vec<Value> {
        let path = "/v1/auth/sessions";
        let list = self.call(Method::GET, path, Some(token), None).await;
        list.expect(200).json()["items"].as_array().unwrap().clone()
    }
}

#[actix_web::test]
async fn a_session_has_a_name_that_its_user_can_change() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let sign_in = async |device: Value, agent: &str| {
            let mut body = json!({"identity": ADA, "password": PASSWORD});
            if !device.is_null() {
                body["device"] = device;
            }
            let path = "/v1/auth/sign-in/password";
            let agent = [("user-agent", agent)];
            kit.call_as(Method::POST, path, Ok(Who::Anonymous), Some(body), &agent)
                .await
        };
        sign_in(Value::Null, CHROME).await.expect(200);
        let own = sign_in("Ada's phone".into(), CHROME).await.expect(200);
        for bad in [
            json!(""),
            json!("x".repeat(101)),
            json!("a\nb"),
            json!("a\u{202e}b"),
            json!(7),
        ] {
            assert_eq!(sign_in(bad.clone(), CHROME).await.status, 422, "{bad}");
        }
        let token = own.text("access_token");
        let list = kit.session_list(&token).await;
        let names: Vec<&Value> = list.iter().map(|s| &s["device"]).collect();
        assert_eq!(
            names,
            [
                &json!("Ada's phone"),
                &json!("Chrome on Windows"),
                &Value::Null
            ]
        );
        let rename = async |token: &str, id: &Value, name: Value| {
            let path = format!("/v1/auth/sessions/{}", id.as_str().unwrap());
            let body = json!({ "device": name });
            kit.call(Method::PATCH, &path, Some(token), Some(body))
                .await
        };
        rename(&token, &list[1]["id"], "At work".into())
            .await
            .expect(204);
        assert_eq!(kit.session_list(&token).await[1]["device"], "At work");
        assert_eq!(
            rename(&token, &list[1]["id"], Value::Null).await.status,
            422
        );
        let bob = kit.sign_up("bob@example.com").await.text("access_token");
        assert_eq!(
            rename(&bob, &list[1]["id"], "Bob's".into()).await.status,
            404
        );
        assert_eq!(kit.session_list(&token).await[1]["device"], "At work");
    })
    .await;
}

#[actix_web::test]
async fn all_other_sessions_are_ended_at_once() {
    on_both(async |kit| {
        let other = kit.sign_up(ADA).await.text("access_token");
        let token = kit.sign_in(ADA, PASSWORD).await.text("access_token");
        let bob = kit.sign_up("bob@example.com").await.text("access_token");
        kit.me(&other).await.expect(200);
        let path = "/v1/auth/sign-out-elsewhere";
        kit.post_as(&token, path, None).await.expect(204);
        assert_eq!(kit.me(&other).await.status, 401);
        kit.me(&token).await.expect(200);
        kit.me(&bob).await.expect(200);
    })
    .await;
}
