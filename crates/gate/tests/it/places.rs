//! Places: every address leads to one place only, and nothing of the other is reachable there.

use crate::kit::{Kit, On, bearer, get, send};
use serde_json::json;

#[actix_web::test]
async fn addresses_lead_to_one_place() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let owner = kit.owner().await;
    let app = kit.app().await;
    let cases = [
        ("127.0.0.1:8090", "/admin/v1/projects", 200, ""),
        ("localhost:8090", "/admin/v1/projects", 200, ""),
        ("[::1]:8090", "/admin/v1/projects", 200, ""),
        ("127.0.0.1:8090", "/p/shop/v1/probe", 200, ""),
        ("shop.localhost:8090", "/v1/probe", 200, ""),
        // No route of the instance below a project, by prefix or host.
        (
            "127.0.0.1:8090",
            "/p/shop/admin/v1/projects",
            404,
            "route_not_found",
        ),
        ("127.0.0.1:8090", "/p/shop/healthz", 404, "route_not_found"),
        ("127.0.0.1:8090", "/metrics", 200, ""),
        ("127.0.0.1:8090", "/p/shop/metrics", 404, "route_not_found"),
        ("shop.localhost:8090", "/metrics", 404, "route_not_found"),
        (
            "127.0.0.1:8090",
            "/p/shop/v1/misplaced",
            404,
            "route_not_found",
        ),
        (
            "shop.localhost:8090",
            "/admin/v1/projects",
            404,
            "route_not_found",
        ),
        (
            "shop.localhost:8090",
            "/p/shop/v1/probe",
            404,
            "route_not_found",
        ),
        // No route of a project at the instance.
        ("127.0.0.1:8090", "/v1/probe", 404, "route_not_found"),
        ("127.0.0.1:8090", "/v1/settings", 404, "route_not_found"),
        // What is not there.
        (
            "127.0.0.1:8090",
            "/p/nope/v1/probe",
            404,
            "project_not_found",
        ),
        ("127.0.0.1:8090", "/p/", 404, "project_not_found"),
        (
            "nope.localhost:8090",
            "/admin/v1/projects",
            404,
            "project_not_found",
        ),
        (
            "evil.example",
            "/admin/v1/projects",
            404,
            "project_not_found",
        ),
        (
            "127.0.0.1.evil.example",
            "/healthz",
            404,
            "project_not_found",
        ),
        // What two readers could read differently.
        ("127.0.0.1:8090", "/p/sh%6Fp/v1/probe", 400, "bad_request"),
        ("127.0.0.1:8090", "/%70/shop/v1/probe", 400, "bad_request"),
        ("127.0.0.1:8090", "/p//shop/v1/probe", 400, "bad_request"),
        (
            "127.0.0.1:8090",
            "/p/shop//admin/v1/projects",
            400,
            "bad_request",
        ),
        ("127.0.0.1:8090", "//p/shop/v1/probe", 400, "bad_request"),
        ("127.0.0.1:8090", "/p/./shop/v1/probe", 400, "bad_request"),
        (
            "127.0.0.1:8090",
            "/p/shop/../../admin/v1/projects",
            400,
            "bad_request",
        ),
        (
            "127.0.0.1:8090",
            "/p/shop/%2e%2e/%2e%2e/admin/v1/projects",
            400,
            "bad_request",
        ),
        ("127.0.0.1:8090", "/p/shop/v1%00", 400, "bad_request"),
        ("", "/healthz", 400, "bad_request"),
    ];
    for (host, path, status, code) in cases {
        let answer = send(
            &app,
            bearer(get(path), &owner.token).insert_header(("host", host)),
        )
        .await;
        assert_eq!(
            (answer.status, answer.code()),
            (status, code),
            "{host} {path} {}",
            answer.body
        );
    }
}

#[actix_web::test]
async fn the_same_answers_by_prefix_and_by_host() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let app = kit.app().await;
    for (host, path) in [
        ("127.0.0.1:8090", "/p/shop/v1/probe?x=1"),
        ("shop.localhost", "/v1/probe?x=1"),
    ] {
        let answer = send(
            &app,
            bearer(get(path), "user:shop").insert_header(("host", host)),
        )
        .await;
        assert_eq!(
            (
                answer.status,
                &answer.body["project"],
                answer.body["actor"].as_str()
            ),
            (
                200,
                &json!("shop"),
                Some("user:00000000-0000-0000-0000-000000000007")
            ),
            "{host}"
        );
        assert_eq!(
            send(
                &app,
                bearer(get(path), "user:blog").insert_header(("host", host))
            )
            .await
            .code(),
            "unauthenticated"
        );
    }
}

#[actix_web::test]
async fn suspended_projects_answer_503_and_others_go_on() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    kit.project("blog").await;
    let app = kit.app().await;
    kit.gate
        .suspend_project(&gate::Reach::Everything, &kit.by(), "shop", true)
        .await
        .unwrap();
    let answer = send(&app, get("/p/shop/v1/open")).await;
    assert_eq!((answer.status, answer.code()), (503, "project_suspended"));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(send(&app, get("/p/blog/v1/open")).await.status, 200);
}
