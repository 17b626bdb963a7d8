//! Other origins: which pages may call a project, and what the cookie is good for.

use crate::kit::{Kit, On, PASSWORD, bearer, get, input, operator, send};
use actix_web::test::TestRequest;
use gate::Reach;
use serde_json::json;

#[actix_web::test]
async fn pages_of_listed_origins_may_call_a_project() {
    let kit = Kit::new(On::Sqlite).await;
    let shop = kit.project("shop").await;
    kit.gate
        .update_settings(
            &shop,
            &kit.by(),
            None,
            input(json!({"cors_origins": ["https://good.example"]})),
        )
        .await
        .unwrap();
    let app = kit.app().await;
    let preflight = |path: &str, origin: &str| {
        let request = TestRequest::default()
            .method("OPTIONS".parse().unwrap())
            .uri(path)
            .insert_header(("origin", origin));
        request
            .insert_header(("access-control-request-method", "POST"))
            .insert_header(("access-control-request-headers", "authorization"))
    };
    let good = send(
        &app,
        preflight("/p/shop/v1/anything", "https://good.example"),
    )
    .await;
    assert_eq!(
        (
            good.status,
            good.header("access-control-allow-origin"),
            good.header("vary")
        ),
        (204, Some("https://good.example"), Some("origin"))
    );
    assert!(
        good.header("access-control-allow-headers")
            .unwrap()
            .contains("idempotency-key")
    );
    assert_eq!(good.header("access-control-allow-credentials"), None);
    let read = send(
        &app,
        get("/p/shop/v1/open").insert_header(("origin", "https://good.example")),
    )
    .await;
    assert_eq!(
        (read.status, read.header("access-control-allow-origin")),
        (200, Some("https://good.example"))
    );
    assert!(
        read.header("access-control-expose-headers")
            .unwrap()
            .contains("etag")
    );
    let refused = send(
        &app,
        get("/p/shop/v1/probe").insert_header(("origin", "https://good.example")),
    )
    .await;
    assert_eq!(
        (
            refused.status,
            refused.header("access-control-allow-origin")
        ),
        (401, Some("https://good.example")),
        "errors can be read too"
    );
    for evil in [
        "https://evil.example",
        "null",
        "https://good.example.evil",
        "http://good.example",
        "https://good.example:444",
    ] {
        let answer = send(&app, preflight("/p/shop/v1/open", evil)).await;
        assert_eq!(
            (
                answer.status,
                answer.header("access-control-allow-origin"),
                answer.header("access-control-allow-methods"),
                answer.header("vary")
            ),
            (204, None, None, Some("origin")),
            "{evil}"
        );
        let answer = send(&app, get("/p/shop/v1/open").insert_header(("origin", evil))).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{evil}");
    }
    let instance = send(&app, preflight("/admin/v1/session", "https://good.example")).await;
    assert_eq!(
        (
            instance.status,
            instance.header("access-control-allow-origin")
        ),
        (405, None)
    );
}

#[actix_web::test]
async fn the_cookie_acts_for_pages_of_its_own_origin_only() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    kit.owner().await;
    let app = kit.app().await;
    let sign_in = TestRequest::post()
        .uri("/admin/v1/session")
        .set_json(json!({"email": crate::kit::OWNER, "password": PASSWORD}));
    let signed = send(&app, sign_in).await;
    assert_eq!(signed.status, 200);
    let set = signed.header("set-cookie").unwrap().to_owned();
    for part in [
        "__Host-galley=go_",
        "; HttpOnly",
        "; Secure",
        "; SameSite=Strict",
        "; Path=/",
        "; Max-Age=604800",
    ] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Domain"));
    let cookie = set.split(';').next().unwrap().to_owned();
    let with = |request: TestRequest| request.insert_header(("cookie", cookie.clone()));
    let own = ("origin", "http://127.0.0.1:8090");
    assert_eq!(
        send(&app, with(get("/admin/v1/session"))).await.body["operator"]["email"],
        crate::kit::OWNER
    );
    let create = |slug: &str| {
        with(
            TestRequest::post()
                .uri("/admin/v1/projects")
                .set_json(json!({"id": slug})),
        )
    };
    assert_eq!(send(&app, create("one")).await.code(), "cross_origin");
    for origin in [
        "https://evil.example",
        "null",
        "http://127.0.0.1:9999",
        "https://127.0.0.1:8090",
        "http://localhost:8090",
    ] {
        assert_eq!(
            send(&app, create("one").insert_header(("origin", origin)))
                .await
                .code(),
            "cross_origin",
            "{origin}"
        );
    }
    assert_eq!(
        send(&app, create("one").insert_header(own)).await.status,
        201
    );
    assert_eq!(
        send(
            &app,
            with(get("/admin/v1/projects")).insert_header(("origin", "https://evil.example"))
        )
        .await
        .code(),
        "cross_origin"
    );
    // In a project it counts by the instance's own host, never by the project's.
    assert_eq!(
        send(&app, with(get("/p/shop/v1/settings"))).await.status,
        200
    );
    let patch = || {
        with(
            TestRequest::patch()
                .uri("/p/shop/v1/settings")
                .set_json(json!({"development": true})),
        )
    };
    assert_eq!(send(&app, patch()).await.code(), "cross_origin");
    assert_eq!(send(&app, patch().insert_header(own)).await.status, 200);
    assert_eq!(
        send(
            &app,
            with(get("/v1/settings")).insert_header(("host", "shop.localhost:8090"))
        )
        .await
        .status,
        401
    );
    let out = send(
        &app,
        with(TestRequest::delete().uri("/admin/v1/session")).insert_header(own),
    )
    .await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(send(&app, with(get("/admin/v1/session"))).await.status, 401);
    let again = with(
        TestRequest::post()
            .uri("/admin/v1/session")
            .set_json(json!({"email": crate::kit::OWNER, "password": PASSWORD})),
    )
    .insert_header(own);
    assert_eq!(
        send(&app, again).await.status,
        200,
        "an old cookie does not keep its owner out"
    );
}

#[actix_web::test]
async fn members_are_narrowed_over_http_too() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    kit.project("blog").await;
    kit.owner().await;
    kit.gate
        .create_operator(
            &kit.by(),
            operator("v@example.com", json!({"projects": {"shop": "viewer"}})),
        )
        .await
        .unwrap();
    let viewer = kit
        .gate
        .sign_in(&kit.by(), "v@example.com", PASSWORD)
        .await
        .unwrap()
        .token;
    let app = kit.app().await;
    let ask = async |request: TestRequest| send(&app, bearer(request, &viewer)).await.status;
    assert_eq!(ask(get("/admin/v1/projects/shop")).await, 200);
    assert_eq!(ask(get("/admin/v1/projects/blog")).await, 404);
    assert_eq!(ask(get("/admin/v1/operators")).await, 403);
    assert_eq!(ask(get("/admin/v1/audit")).await, 403);
    assert_eq!(
        ask(TestRequest::post()
            .uri("/admin/v1/projects")
            .set_json(json!({"id": "mine"})))
        .await,
        403
    );
    assert_eq!(
        ask(TestRequest::post().uri("/admin/v1/projects/shop/suspend")).await,
        403
    );
    assert_eq!(ask(get("/p/shop/v1/settings")).await, 200);
    assert_eq!(
        ask(TestRequest::patch()
            .uri("/p/shop/v1/settings")
            .set_json(json!({})))
        .await,
        403
    );
    assert_eq!(ask(get("/p/blog/v1/settings")).await, 403);
    assert!(
        matches!(kit.gate.reach(&gate::Who::Anonymous).await.map(|r| r == Reach::Everything), Err(p) if p.code() == kernel::Code::PermissionDenied)
    );
}
