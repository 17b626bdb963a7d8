//! Sessions of users in cookies: they count for pages of the own origin, and for nobody else.

use crate::kit::{Answer, Door, Kit, On, bearer, get, input, send};
use actix_web::test::TestRequest;
use gate::ports::SettingsCheck;
use gate::{Problem, Project};
use kernel::FieldError;
use serde_json::json;
use std::sync::Arc;

const SHOP: &str = "__Host-galley-access.shop=user:shop";
const CSRF: (&str, &str) = ("x-galley-csrf", "1");
const OWN: (&str, &str) = ("origin", "http://127.0.0.1:8090");

async fn door() -> (Kit, Door) {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    kit.project("shop-two").await;
    let app = kit.app().await;
    (kit, app)
}

async fn ask(app: &Door, method: &str, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    let mut request = TestRequest::default()
        .method(method.parse().unwrap())
        .uri(path);
    for header in headers {
        request = request.append_header(*header);
    }
    send(app, request).await
}

fn actor(answer: &Answer) -> (u16, Option<&str>) {
    (
        answer.status,
        answer.body["actor"].as_str().map(|a| &a[..4]),
    )
}

#[actix_web::test]
async fn a_cookie_reads_for_its_own_origin_alone() {
    let (_kit, app) = door().await;
    let read = async |more: &[(&'static str, &str)]| {
        let all = [&[("cookie", SHOP)], more].concat();
        ask(&app, "GET", "/p/shop/v1/open", &all).await
    };
    for own in [
        &[][..],
        &[OWN],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
    ] {
        assert_eq!(actor(&read(own).await), (200, Some("user")), "{own:?}");
    }
    for foreign in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:8090.evil.example")],
        &[OWN, ("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site")],
        // Another project of the same domain is of the same site.
        &[("sec-fetch-site", "same-site")],
        &[OWN, ("sec-fetch-site", "cross-site")],
    ] {
        let answer = read(foreign).await;
        assert_eq!(actor(&answer), (200, None), "{foreign:?}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let answer = ask(
        &app,
        "GET",
        "/p/shop/v1/probe",
        &[("cookie", SHOP), ("sec-fetch-site", "cross-site")],
    )
    .await;
    assert_eq!(answer.status, 401);
}

#[actix_web::test]
async fn a_cookie_changes_nothing_without_the_header_and_the_own_origin() {
    let (kit, app) = door().await;
    let write = async |more: &[(&'static str, &str)]| {
        let all = [&[("cookie", SHOP)], more].concat();
        ask(&app, "POST", "/p/shop/v1/open", &all).await
    };
    for own in [&[CSRF, OWN][..], &[CSRF, ("sec-fetch-site", "same-origin")]] {
        assert_eq!(actor(&write(own).await), (200, Some("user")), "{own:?}");
    }
    for foreign in [
        &[][..],
        &[OWN],
        &[CSRF],
        &[("sec-fetch-site", "same-origin")],
        &[CSRF, ("sec-fetch-site", "none")],
        &[CSRF, ("sec-fetch-site", "same-site")],
        &[CSRF, ("origin", "https://evil.example")],
        &[CSRF, ("origin", "null")],
        &[CSRF, ("origin", "https://127.0.0.1:8090")],
        &[CSRF, ("origin", "http://shop.localhost:8090")],
        &[CSRF, OWN, ("sec-fetch-site", "cross-site")],
        &[CSRF, OWN, ("origin", "https://evil.example")],
        &[
            OWN,
            ("x-http-method-override", "GET"),
            ("content-type", "text/plain"),
        ],
    ] {
        let answer = write(foreign).await;
        assert_eq!(
            (answer.status, answer.code()),
            (403, "cross_origin"),
            "{foreign:?}"
        );
    }
    // No page of another origin may send the header: the preflight does not allow it.
    let shop = kit.gate.project("shop").await.unwrap();
    let origins = input(json!({"cors_origins": ["https://good.example"]}));
    kit.gate
        .update_settings(&shop, &kit.by(), None, origins)
        .await
        .unwrap();
    let preflight = [
        ("origin", "https://good.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-galley-csrf"),
    ];
    let answer = ask(&app, "OPTIONS", "/p/shop/v1/open", &preflight).await;
    assert!(
        !answer
            .header("access-control-allow-headers")
            .unwrap()
            .contains("csrf")
    );
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

#[actix_web::test]
async fn projects_of_one_host_and_of_one_domain_keep_their_cookies_apart() {
    let (_kit, app) = door().await;
    let two = ask(&app, "GET", "/p/shop-two/v1/open", &[("cookie", SHOP)]).await;
    assert_eq!(actor(&two), (200, None));
    let tossed = ("cookie", "__Host-galley-access.shop-two=user:shop");
    let two = ask(&app, "GET", "/p/shop-two/v1/open", &[tossed]).await;
    assert_eq!(actor(&two), (200, None));
    let host = ("host", "shop.localhost:8090");
    let at_home = [
        ("cookie", SHOP),
        host,
        CSRF,
        ("origin", "http://shop.localhost:8090"),
    ];
    assert_eq!(
        actor(&ask(&app, "POST", "/v1/open", &at_home).await),
        (200, Some("user"))
    );
    for origin in [
        "http://shop-two.localhost:8090",
        "http://127.0.0.1:8090",
        "http://localhost:8090",
    ] {
        let near = [("cookie", SHOP), host, CSRF, ("origin", origin)];
        assert_eq!(
            ask(&app, "POST", "/v1/open", &near).await.code(),
            "cross_origin",
            "{origin}"
        );
    }
}

#[actix_web::test]
async fn a_bearer_counts_before_a_cookie_and_an_old_cookie_is_nobody() {
    let (kit, app) = door().await;
    let key = kit.key("shop", &["probe.*"]).await;
    let both = || bearer(get("/p/shop/v1/open"), &key).insert_header(("cookie", SHOP));
    assert_eq!(actor(&send(&app, both()).await), (200, Some("key:")));
    // Beside a bearer no cookie is judged, so its CSRF defence is not asked for.
    let write = bearer(TestRequest::post().uri("/p/shop/v1/open"), &key);
    let write = write.insert_header(("cookie", SHOP));
    assert_eq!(actor(&send(&app, write).await), (200, Some("key:")));
    let bad = bearer(get("/p/shop/v1/open"), "nonsense").insert_header(("cookie", SHOP));
    assert_eq!(send(&app, bad).await.status, 401);
    let old = ("cookie", "__Host-galley-access.shop=old");
    assert_eq!(
        actor(&ask(&app, "GET", "/p/shop/v1/open", &[old]).await),
        (200, None)
    );
}

/// Knows one field of the developer's own.
struct Staff;

#[async_trait::async_trait(?Send)]
impl SettingsCheck for Staff {
    async fn identities(
        &self,
        _project: &Project,
        identities: &[String],
    ) -> Result<Vec<FieldError>, Problem> {
        let known = ["email", "username", "phone", "staff_no"];
        let wrong = identities.iter().any(|name| !known.contains(&&**name));
        let fault = FieldError::at("sign_in", "not_an_identity", "There is no such field.");
        Ok(wrong.then_some(fault).into_iter().collect())
    }
}

#[actix_web::test]
async fn identities_are_asked_of_who_knows_the_users() {
    let (kit, app) = door().await;
    let key = kit.key("shop", &["settings.*"]).await;
    let set = async |names: serde_json::Value| {
        let patch = TestRequest::patch().uri("/p/shop/v1/settings");
        let body = json!({"sign_in": {"identities": names}});
        send(&app, bearer(patch, &key).set_json(body)).await
    };
    assert_eq!(set(json!(["email", "staff_no"])).await.status, 422);
    kit.gate.set_check(Arc::new(Staff));
    assert_eq!(set(json!(["email", "staff_no"])).await.status, 200);
    assert_eq!(set(json!(["email", "other"])).await.status, 422);
    assert_eq!(set(json!([])).await.status, 422);
    assert_eq!(set(json!(["username", "phone"])).await.status, 200);
}
