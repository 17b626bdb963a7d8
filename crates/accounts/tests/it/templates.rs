//! Templates of a project's own: written per language, previewed, used, and given up again.

use crate::kit::{Reply, on_both};
use actix_web::http::Method;
use serde_json::{Value, json};

const READ: [&str; 1] = ["mail_templates.read"];
const WRITE: [&str; 2] = ["mail_templates.read", "mail_templates.write"];
const ADA: &str = "ada@example.com";

fn own() -> Value {
    json!({"subject": "Hallo {{ email }}", "html": "<p>{{ project }}</p>", "text": "hier: {{ link }}"})
}

#[actix_web::test]
async fn a_template_is_written_used_in_its_language_and_given_up() {
    on_both(async |kit| {
        let all = kit
            .key(Method::GET, "/v1/mail-templates", &READ, None)
            .await;
        let items = all.expect(200).json()["items"].as_array().unwrap().clone();
        assert_eq!(items.len(), accounts::Template::ALL.len() * 7);
        assert!(items.iter().all(|t| t["built_in"] == true));
        let path = "/v1/mail-templates/verify/de";
        let denied = kit.key(Method::PUT, path, &READ, Some(own())).await;
        assert_eq!(denied.status, 403);
        let put = kit
            .key(Method::PUT, path, &WRITE, Some(own()))
            .await
            .expect(200);
        assert_eq!(
            (&put.json()["built_in"], &put.json()["subject"]),
            (&json!(false), &own()["subject"])
        );
        let body = json!({"email": ADA, "password": crate::kit::PASSWORD});
        let german = [("accept-language", "de-CH, en;q=0.3")];
        kit.call_as(
            Method::POST,
            "/v1/auth/sign-up",
            Ok(gate::Who::Anonymous),
            Some(body),
            &german,
        )
        .await
        .expect(201);
        assert_eq!(
            kit.mail("verify", ADA).await["subject"],
            "Hallo ada@example.com"
        );
        kit.sign_up("bob@example.com").await.expect(201);
        let english = kit.mail("verify", "bob@example.com").await;
        assert_eq!(english["subject"], "Confirm your address for shop");
        kit.key(Method::DELETE, path, &WRITE, None)
            .await
            .expect(204);
        let back = kit
            .key(Method::GET, path, &READ, None)
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&back["built_in"], &back["language"]),
            (&json!(true), &json!("de"))
        );
    })
    .await;
}

#[actix_web::test]
async fn what_is_no_template_is_refused_part_by_part() {
    on_both(async |kit| {
        let put = async |name: &str, body: Value| -> Reply {
            let path = format!("/v1/mail-templates/{name}");
            kit.key(Method::PUT, &path, &WRITE, Some(body)).await
        };
        let bad = json!({"subject": "a\r\nBcc: x@y.z", "html": "{{ config }}", "text": "{{ link"});
        let reply = put("verify/en", bad).await.expect(422).json();
        let paths: Vec<&Value> = reply["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| &e["path"])
            .collect();
        assert_eq!(paths, ["/subject", "/html", "/text"]);
        for name in ["verify/xx", "odd/en", "verify/EN"] {
            assert_eq!(
                put(name, own()).await.fails(),
                (404, "template_not_found".to_owned())
            );
        }
        assert_eq!(put("verify/en", json!({"subject": "s"})).await.status, 422);
        let odd = json!({"subject": "s", "html": "h", "text": "t", "css": "c"});
        assert_eq!(put("verify/en", odd).await.status, 400);
        let all = kit
            .key(Method::GET, "/v1/mail-templates/verify/en", &READ, None)
            .await;
        assert_eq!(all.json()["built_in"], true);
    })
    .await;
}

#[actix_web::test]
async fn a_preview_keeps_nothing_and_its_values_are_inert() {
    on_both(async |kit| {
        kit.project.set_for_tests(gate::Settings {
            brand: gate::Brand {
                name: "{{7*7}}<script>alert(1)</script>".to_owned(),
                ..gate::Brand::default()
            },
            ..gate::Settings::default()
        });
        let path = "/v1/mail-templates/code/ja/preview";
        let body = json!({"subject": "{{ code }} {{ project }}", "html": "<b>{{project}}</b>", "text": "{{ minutes }}"});
        let shown = kit.key(Method::POST, path, &READ, Some(body)).await.expect(200).json();
        assert_eq!(shown["subject"], "123456 {{7*7}}<script>alert(1)</script>");
        assert_eq!(shown["html"], "<b>{{7*7}}&lt;script&gt;alert(1)&lt;/script&gt;</b>");
        assert_eq!(shown["text"], "10");
        let kept = kit.key(Method::GET, "/v1/mail-templates/code/ja", &READ, None).await;
        assert_eq!(kept.json()["built_in"], true);
        assert!(kit.mails().await.is_empty());
    })
    .await;
}
