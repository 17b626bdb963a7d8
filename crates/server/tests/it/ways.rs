//! Ways to sign in by the real front door: sessions in cookies, and identities that are fields of the developer's own.

use crate::kit::{Answer, Client, ENGINES, Server};
use serde_json::{Value, json};

const AUTH: &str = "/p/shop/v1/auth";
const PASSWORD: &str = "a-long-password";

/// A page in a browser: it sends what browsers send, and keeps its cookies.
struct Page<'a> {
    client: &'a Client,
    origin: String,
    cookies: Vec<(String, String)>,
}

impl Page<'_> {
    async fn send(&mut self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let jar = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let request = self
            .client
            .request(method, path)
            .header("origin", &self.origin)
            .header("x-galley-csrf", "1")
            .header("cookie", jar.collect::<Vec<String>>().join("; "));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = self.client.send(request).await;
        for set in answer.headers.get_all("set-cookie") {
            let (pair, _) = set.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }
}

#[tokio::test]
async fn a_page_signs_in_refreshes_and_signs_out_by_cookies_alone() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        server.project("shop-two").await;
        let client = server.as_("");
        let origin = client.url.clone();
        let mut page = Page {
            client: &client,
            origin: origin.clone(),
            cookies: Vec::new(),
        };
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "session": "cookie"});
        let made = page
            .send("POST", &format!("{AUTH}/sign-up"), Some(body.clone()))
            .await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        assert!(
            made.body.get("access_token").is_none() && made.body.get("refresh_token").is_none()
        );
        let names: Vec<&str> = page.cookies.iter().map(|c| c.0.as_str()).collect();
        assert_eq!(
            names,
            ["__Host-galley-access.shop", "__Host-galley-refresh.shop"]
        );
        let me = page.send("GET", "/p/shop/v1/users/me", None).await;
        assert_eq!(me.body["email"], "ada@example.com");
        // The project beside it on the same host knows nothing of them.
        let other = page.send("GET", "/p/shop-two/v1/users/me", None).await;
        assert_eq!(other.status, 401);
        let before = page.cookies.clone();
        let next = page
            .send("POST", &format!("{AUTH}/refresh"), Some(json!({})))
            .await;
        assert_eq!(next.status, 200, "{:?}", next.body);
        assert_ne!(before[1].1, page.cookies[1].1);
        // A page of another origin is refused, and gets no session of its own in.
        let mut evil = Page {
            client: &client,
            origin: "https://evil.example".to_owned(),
            cookies: page.cookies.clone(),
        };
        for (path, body) in [
            ("refresh", json!({})),
            ("sign-in/password", body),
            ("sign-out", json!({})),
        ] {
            let refused = evil
                .send("POST", &format!("{AUTH}/{path}"), Some(body))
                .await;
            assert_eq!(refused.code(), "cross_origin", "{path}");
            assert!(refused.headers.get("access-control-allow-origin").is_none());
        }
        assert_eq!(
            evil.send("GET", "/p/shop/v1/users/me", None).await.status,
            401
        );
        // The forms of pages that mails lead to work beside a session, and do not use it.
        let form = client
            .request("POST", &format!("{AUTH}/pages/verify"))
            .header("origin", "null")
            .header("sec-fetch-site", "same-origin")
            .header(
                "cookie",
                format!("{}={}", page.cookies[0].0, page.cookies[0].1),
            )
            .header("content-type", "application/x-www-form-urlencoded")
            .body("token=nonsense");
        let shown = client.send(form).await;
        assert!(
            shown.kind.starts_with("text/html"),
            "{} {}",
            shown.status,
            shown.kind
        );
        let out = page.send("POST", &format!("{AUTH}/sign-out"), None).await;
        assert_eq!((out.status, page.cookies.len()), (204, 0));
        page.cookies = before;
        assert_eq!(
            page.send("GET", "/p/shop/v1/users/me", None).await.status,
            401
        );
    }
}

#[tokio::test]
async fn users_are_known_by_a_field_of_the_developers_own_as_long_as_it_is_one() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        let key = server.as_(&server.key("shop", &["*"]));
        let by = async |names: Value| {
            let change = json!({"sign_in": {"identities": names}});
            key.patch("/p/shop/v1/settings", change).await
        };
        let change = async |change: Value| key.patch("/p/shop/v1/collections/users", change).await;
        let refused = by(json!(["email", "staff_no"])).await;
        assert_eq!(refused.body["errors"][0]["path"], "/sign_in/identities/1");
        let fields = json!([
            {"name": "staff_no", "type": "text", "max": 40, "unique": true, "case_insensitive": true},
            {"name": "nickname", "type": "text"}
        ]);
        let added = change(json!({"fields": {"add": fields}})).await;
        assert_eq!(added.status, 200, "{:?}", added.body);
        // What several may share tells nobody apart.
        assert_eq!(by(json!(["email", "nickname"])).await.status, 422);
        assert_eq!(by(json!(["email", "staff_no"])).await.status, 200);
        let client = server.as_("");
        let body = json!({"staff_no": "S-7", "password": PASSWORD});
        let made = client.post(&format!("{AUTH}/sign-up"), body).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        let sign_in = json!({"identity": "s-7", "password": PASSWORD});
        let signed_in = client
            .post(&format!("{AUTH}/sign-in/password"), sign_in)
            .await;
        assert_eq!(signed_in.body["user"]["id"], made.body["user"]["id"]);
        for taken in [
            json!({"fields": {"drop": ["staff_no"]}, "confirm": ["drop:staff_no"]}),
            json!({"fields": {"rename": {"staff_no": "number"}}}),
            json!({"fields": {"change": {"staff_no": {"unique": false}}}}),
        ] {
            let refused = change(taken.clone()).await;
            assert_eq!(refused.code(), "referenced", "{taken} {:?}", refused.body);
        }
        assert_eq!(by(json!(["email"])).await.status, 200);
        let renamed = change(json!({"fields": {"rename": {"staff_no": "number"}}})).await;
        assert_eq!(renamed.status, 200, "{:?}", renamed.body);
    }
}
