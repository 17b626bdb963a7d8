//! What a project demands of passwords, where one is set: at sign-up, by a mail, and by a change.

use crate::kit::{Kit, PASSWORD, Reply, on_both};
use serde_json::{Value, json};

const ADA: &str = "ada.lovelace@example.com";

fn faults(reply: &Reply) -> Vec<(String, String)> {
    let errors = reply.json()["errors"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    errors
        .iter()
        .map(|e| (text(e, "path"), text(e, "code")))
        .collect()
}

async fn sign_up(kit: &Kit, password: &str) -> Reply {
    let body = json!({"email": ADA, "password": password});
    kit.post("/v1/auth/sign-up", body).await
}

#[actix_web::test]
async fn it_is_asked_wherever_a_password_is_set() {
    on_both(async |kit| {
        for (password, code) in [
            ("Password1", "breached"),
            ("iloveyou", "breached"),
            ("my ada.lovelace", "holds_identity"),
            ("ADA.LOVELACE@EXAMPLE.COM", "holds_identity"),
        ] {
            let reply = sign_up(&kit, password).await.expect(422);
            assert_eq!(
                faults(&reply),
                [("/password".to_owned(), code.to_owned())],
                "{password}"
            );
        }
        let short = sign_up(&kit, "short").await.expect(422);
        assert_eq!(
            faults(&short),
            [("/password".to_owned(), "too_short".to_owned())]
        );
        let token = sign_up(&kit, PASSWORD)
            .await
            .expect(201)
            .text("access_token");
        let body = json!({"current_password": PASSWORD, "new_password": "Password1"});
        let reply = kit
            .post_as(&token, "/v1/auth/password", Some(body))
            .await
            .expect(422);
        assert_eq!(
            faults(&reply),
            [("/new_password".to_owned(), "breached".to_owned())]
        );
        kit.post("/v1/auth/password-reset", json!({ "email": ADA }))
            .await
            .expect(202);
        let token = kit.token("reset", ADA).await;
        let path = "/v1/auth/password-reset/confirm";
        for bad in ["Password1", "xx ada.lovelace xx"] {
            let reply = kit
                .post(path, json!({"token": token, "new_password": bad}))
                .await;
            assert_eq!(faults(&reply.expect(422))[0].0, "/new_password");
        }
        // The secret of the mail is as good as before.
        let good = json!({"token": token, "new_password": "battery staple"});
        kit.post(path, good).await.expect(204);
        kit.sign_in(ADA, "battery staple").await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_project_asks_for_more_or_for_less() {
    on_both(async |kit| {
        let strict = json!({"length_min": 12, "classes": ["digit", "sign"]});
        kit.set(json!({ "passwords": strict }), &[]).await;
        let reply = sign_up(&kit, "tiny horse").await.expect(422);
        let codes: Vec<String> = faults(&reply).into_iter().map(|(_, code)| code).collect();
        assert_eq!(codes, ["too_short", "class_missing"]);
        let lax = json!({"length_min": 8, "classes": [], "refuse_breached": false, "refuse_identity": false});
        kit.set(json!({ "passwords": lax }), &[]).await;
        sign_up(&kit, "Password1").await.expect(201);
    })
    .await;
}

#[actix_web::test]
async fn the_page_says_what_is_wrong() {
    on_both(async |kit| {
        sign_up(&kit, PASSWORD).await.expect(201);
        kit.set(json!({"passwords": {"length_min": 12}}), &[]).await;
        kit.post("/v1/auth/password-reset", json!({ "email": ADA }))
            .await
            .expect(202);
        let token = kit.token("reset", ADA).await;
        for (password, says) in [
            ("1234567890", "At least 12 characters"),
            ("passwordpassword", "too easy to guess"),
        ] {
            let form = format!("token={token}&new_password={password}");
            let page = kit
                .post("/v1/auth/pages/reset", Value::String(form))
                .await
                .expect(422);
            let html = String::from_utf8_lossy(&page.bytes).into_owned();
            assert!(html.contains(says), "{html}");
        }
    })
    .await;
}
