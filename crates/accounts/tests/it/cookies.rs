//! Sessions in cookies: for pages of the own origin only, with no token in any body.

use crate::kit::{Kit, PASSWORD, Reply, on_both};
use actix_web::http::Method;
use gate::ports::UserTokens;
use gate::{SameSite, Who};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const PAGE: (&str, &str) = ("x-galley-csrf", "1");

impl Kit {
    async fn from(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> Reply {
        let who = Ok(Who::Anonymous);
        self.call_as(Method::POST, path, who, Some(body), headers)
            .await
    }
}

/// The cookies that were set: name, value, and the rest.
fn cookies(reply: &Reply) -> Vec<(String, String, String)> {
    let set = reply
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie");
    set.map(|(_, text)| {
        let (pair, rest) = text.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned(), rest.to_owned())
    })
    .collect()
}

#[actix_web::test]
async fn a_page_gets_cookies_in_place_of_tokens() {
    on_both(async |kit| {
        let sign_up = json!({"email": ADA, "password": PASSWORD, "session": "cookie"});
        let path = "/v1/auth/sign-up";
        let refused = kit.from(path, sign_up.clone(), &[]).await;
        assert_eq!(refused.fails(), (403, "cross_origin".to_owned()));
        let made = kit.from(path, sign_up, &[PAGE]).await.expect(201);
        let body = made.json();
        assert_eq!(
            (&body["session"], &body["user"]["email"]),
            (&json!("cookie"), &json!(ADA))
        );
        let set = cookies(&made);
        for (_, value, rest) in &set {
            assert!(!String::from_utf8_lossy(&made.bytes).contains(value));
            for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age="] {
                assert!(rest.contains(part), "{rest}");
            }
            assert!(!rest.contains("Domain"), "{rest}");
        }
        let names: Vec<&str> = set.iter().map(|c| c.0.as_str()).collect();
        assert_eq!(
            names,
            ["__Host-galley-access.shop", "__Host-galley-refresh.shop"]
        );
        kit.me(&set[0].1).await.expect(200);
        // By its cookie it is refreshed into cookies.
        let next = kit
            .from(
                "/v1/auth/refresh",
                json!({}),
                &[("x-galley-csrf", &set[1].1)],
            )
            .await;
        let next = cookies(&next.expect(200));
        assert_ne!(next[1].1, set[1].1);
        kit.me(&next[0].1).await.expect(200);
        // A token that is sent counts before the cookie, and is answered with tokens.
        let body = json!({ "refresh_token": next[1].1 });
        let told = kit
            .from(
                "/v1/auth/refresh",
                body,
                &[("x-galley-csrf", "gr_nonsense")],
            )
            .await;
        let told = told.expect(200);
        assert!(cookies(&told).is_empty() && !told.text("access_token").is_empty());
        // Without a page there is no cookie to speak of.
        assert_eq!(
            kit.from("/v1/auth/refresh", json!({}), &[]).await.status,
            422
        );
        let now = kit.clock.now();
        let user = kit
            .accounts
            .verify(&kit.project, &next[0].1, now)
            .await
            .unwrap();
        let out = kit
            .call_as(
                Method::POST,
                "/v1/auth/sign-out",
                Ok(Who::User(user)),
                None,
                &[PAGE],
            )
            .await;
        let cleared = cookies(&out.expect(204));
        assert_eq!(cleared.len(), 2);
        assert!(
            cleared
                .iter()
                .all(|c| c.1.is_empty() && c.2.contains("Max-Age=0")),
            "{cleared:?}"
        );
        assert_eq!(kit.me(&next[0].1).await.status, 401);
    })
    .await;
}

#[actix_web::test]
async fn a_sign_in_writes_over_what_was_there_and_ends_it() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        let body = json!({"identity": ADA, "password": PASSWORD, "session": "cookie"});
        let path = "/v1/auth/sign-in/password";
        let set_before = kit.from(path, body.clone(), &[PAGE]).await.expect(200);
        let before = cookies(&set_before);
        kit.me(&before[0].1).await.expect(200);
        // A wrong password leaves it as it is; somebody else's word for it too.
        let wrong = json!({"identity": ADA, "password": "wrong horse", "session": "cookie"});
        let old = ("x-galley-csrf", &*before[1].1);
        assert_eq!(kit.from(path, wrong, &[old]).await.status, 401);
        let forged = format!("{}x", before[1].1);
        let forged = ("x-galley-csrf", &*forged);
        kit.from(path, body.clone(), &[forged]).await.expect(200);
        kit.me(&before[0].1).await.expect(200);
        let after = cookies(&kit.from(path, body, &[old]).await.expect(200));
        assert_ne!(before[0].1, after[0].1);
        assert_eq!(kit.me(&before[0].1).await.status, 401);
        assert_eq!(kit.refresh(&before[1].1).await.status, 401);
        kit.me(&after[0].1).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_project_says_how_sessions_are_handed_over() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        kit.settings(|s| {
            s.sessions.cookie = true;
            s.sessions.same_site = SameSite::Strict;
        });
        let sign_in = async |session: Option<&str>, headers: &[(&str, &str)]| {
            let mut body = json!({"identity": ADA, "password": PASSWORD});
            if let Some(session) = session {
                body["session"] = session.into();
            }
            kit.from("/v1/auth/sign-in/password", body, headers).await
        };
        let page = cookies(&sign_in(None, &[PAGE]).await.expect(200));
        assert!(
            page.len() == 2 && page[0].2.contains("SameSite=Strict"),
            "{page:?}"
        );
        // An app that is no page of the own origin gets tokens, as does who asks for them.
        assert!(cookies(&sign_in(None, &[]).await.expect(200)).is_empty());
        assert!(cookies(&sign_in(Some("tokens"), &[PAGE]).await.expect(200)).is_empty());
        assert_eq!(sign_in(Some("jar"), &[PAGE]).await.status, 422);
        let methods = kit.call(Method::GET, "/v1/auth/methods", None, None).await;
        assert_eq!(methods.json()["session"], "cookie");
    })
    .await;
}
