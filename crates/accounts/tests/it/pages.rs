//! The pages behind the links: to open one does nothing, its button does; in the reader's language, without scripts.

use crate::kit::{Kit, PASSWORD, Reply, on_both};
use actix_web::http::Method;
use gate::{Brand, Settings, Who};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";

impl Kit {
    async fn open(&self, page: &str, token: &str, language: &str) -> Reply {
        let path = format!("/v1/auth/pages/{page}?token={token}");
        let headers = [("accept-language", language)];
        self.call_as(Method::GET, &path, Ok(Who::Anonymous), None, &headers)
            .await
    }

    async fn press(&self, page: &str, form: &str, headers: &[(&str, &str)]) -> Reply {
        let path = format!("/v1/auth/pages/{page}");
        let form = Some(Value::from(form));
        self.call_as(Method::POST, &path, Ok(Who::Anonymous), form, headers)
            .await
    }

    async fn reset_link(&self) -> String {
        let body = json!({ "email": ADA });
        self.post("/v1/auth/password-reset", body).await.expect(202);
        self.token("reset", ADA).await
    }
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.bytes.clone()).unwrap()
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    let found = reply.headers.iter().find(|(n, _)| n == name);
    &found.unwrap_or_else(|| panic!("no {name}")).1
}

#[actix_web::test]
async fn opening_a_link_does_nothing_and_its_button_does() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let token = kit.token("verify", ADA).await;
        for _ in 0..3 {
            let page = kit.open("verify", &token, "en").await.expect(200);
            assert!(text(&page).contains(&format!("value=\"{token}\"")));
        }
        assert!(!kit.is_verified(ADA).await);
        let form = format!("token={token}");
        let done = kit.press("verify", &form, &[]).await.expect(200);
        assert!(text(&done).contains("Your address is confirmed."));
        assert!(kit.is_verified(ADA).await);
        let again = kit.press("verify", &form, &[]).await;
        assert_eq!(again.status, 400);
        assert!(text(&again).contains("This link is not good any more"));
        assert_eq!(kit.open("verify", &token, "en").await.status, 400);
    })
    .await;
}

#[actix_web::test]
async fn the_page_of_a_reset_tells_faults_and_keeps_the_link() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let token = kit.reset_link().await;
        let page = kit.open("reset", &token, "de").await.expect(200);
        assert!(
            text(&page).contains("name=\"new_password\"") && text(&page).contains("lang=\"de\"")
        );
        let short = kit
            .press("reset", &format!("token={token}&new_password=x"), &[])
            .await;
        assert_eq!(short.status, 422);
        assert!(text(&short).contains("At least 8 characters") && text(&short).contains(&token));
        let good = format!("token={token}&new_password=battery+staple+%C3%A4");
        kit.press("reset", &good, &[]).await.expect(200);
        kit.sign_in(ADA, "battery staple ä").await.expect(200);
        // The secret of one page is nothing on another.
        let token = kit.reset_link().await;
        assert_eq!(kit.open("verify", &token, "en").await.status, 400);
        assert_eq!(
            kit.press("verify", &format!("token={token}"), &[])
                .await
                .status,
            400
        );
    })
    .await;
}

#[actix_web::test]
async fn an_address_is_changed_on_two_pages() {
    on_both(async |kit| {
        let access = kit.sign_up(ADA).await.text("access_token");
        let body = json!({"new_email": "new@example.com", "current_password": PASSWORD});
        kit.post_as(&access, "/v1/auth/email-change", Some(body))
            .await
            .expect(202);
        let old = kit.token("change_email_old", ADA).await;
        let new = kit.token("change_email_new", "new@example.com").await;
        kit.open("change-email", &old, "en").await.expect(200);
        let half = kit
            .press("change-email", &format!("token={old}"), &[])
            .await
            .expect(200);
        assert!(text(&half).contains("waits for the other address"));
        let done = kit
            .press("change-email", &format!("token={new}"), &[])
            .await
            .expect(200);
        assert!(text(&done).contains("is changed"));
        assert_eq!(kit.me(&access).await.text("email"), "new@example.com");
    })
    .await;
}

#[actix_web::test]
async fn pages_are_closed_to_others_and_say_so() {
    on_both(async |kit| {
        kit.project.set_for_tests(Settings {
            brand: Brand {
                name: "<Ada> & \"Sons\"".to_owned(),
                color: "#aabbcc".to_owned(),
                logo_url: "https://cdn.example/logo.png?a=1&b=2".to_owned(),
                app_url: "https://app.example/in?x=1&y=2".to_owned(),
            },
            ..Settings::default()
        });
        kit.sign_up(ADA).await.expect(201);
        let token = kit.token("verify", ADA).await;
        let good = kit.open("verify", &token, "en").await.expect(200);
        let bad = kit.open("verify", "x", "en").await;
        for page in [&good, &bad] {
            let html = text(page);
            assert!(html.contains("&lt;Ada&gt; &amp; &quot;Sons&quot;") && !html.contains("<Ada>"));
            assert!(html.contains("--c:#aabbcc"));
            assert!(html.contains("src=\"https://cdn.example/logo.png?a=1&amp;b=2\""));
            assert!(html.contains("href=\"https://app.example/in?x=1&amp;y=2\""));
            assert!(
                !html.contains("<script") && !html.contains("onload"),
                "{html}"
            );
            let policy = header(page, "content-security-policy");
            for part in [
                "default-src 'none'",
                "img-src https://cdn.example;",
                "form-action 'self'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
            ] {
                assert!(policy.contains(part), "{policy}");
            }
            let nonce = policy
                .split("nonce-")
                .nth(1)
                .unwrap()
                .split('\'')
                .next()
                .unwrap();
            assert!(nonce.len() >= 43 && html.contains(&format!("nonce=\"{nonce}\"")));
            assert_eq!(header(page, "referrer-policy"), "no-referrer");
            assert_eq!(header(page, "cache-control"), "no-store");
            assert_eq!(header(page, "x-frame-options"), "DENY");
            assert_eq!(header(page, "vary"), "Accept-Language");
        }
        // A page of somebody else's cannot press the button.
        let form = format!("token={token}");
        for site in ["cross-site", "same-site"] {
            let reply = kit
                .press("verify", &form, &[("sec-fetch-site", site)])
                .await;
            assert_eq!(reply.fails(), (403, "cross_origin".to_owned()), "{site}");
        }
        let own = [("sec-fetch-site", "same-origin"), ("origin", "null")];
        kit.press("verify", &form, &own).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn pages_speak_seven_languages_and_take_nothing_odd() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let token = kit.token("verify", ADA).await;
        let mut seen = std::collections::HashSet::new();
        for language in ["en", "de", "es", "fr", "pt", "zh", "ja"] {
            let page = kit.open("verify", &token, language).await.expect(200);
            assert_eq!(header(&page, "content-language"), language);
            let html = text(&page);
            let title = html
                .split("<h1>")
                .nth(1)
                .unwrap()
                .split('<')
                .next()
                .unwrap();
            assert!(seen.insert(title.to_owned()), "{title}");
        }
        let evil = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
        let page = kit.open("verify", evil, "en").await;
        assert_eq!(
            (page.status.as_u16(), text(&page).contains("<script")),
            (400, false)
        );
        assert_eq!(kit.open("odd", &token, "en").await.status, 404);
        let odd = kit
            .press("verify", &format!("token={token}&user=x"), &[])
            .await;
        assert_eq!(odd.status, 400);
        assert!(!kit.is_verified(ADA).await);
    })
    .await;
}
