//! Errors: every one is a problem, and the documents name them all.

use crate::kit::{Kit, On, bearer, get, send};
use actix_web::test::TestRequest;
use serde_json::json;

#[actix_web::test]
async fn every_error_is_a_problem() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let app = kit.app().await;
    let post = |path: &str| TestRequest::post().uri(path);
    let cases = [
        (get("/nothing"), 404, "route_not_found"),
        (get("/p/shop/v1/nothing"), 404, "route_not_found"),
        (
            TestRequest::delete().uri("/p/shop/v1/settings"),
            405,
            "method_not_allowed",
        ),
        (
            TestRequest::put().uri("/admin/v1/projects/shop"),
            405,
            "method_not_allowed",
        ),
        (
            TestRequest::default()
                .method("BREW".parse().unwrap())
                .uri("/admin/v1/session"),
            405,
            "method_not_allowed",
        ),
        (get("/p/shop/v1/number/x"), 404, "route_not_found"),
        (
            post("/p/shop/v1/json")
                .insert_header(("content-type", "application/json"))
                .set_payload("{"),
            400,
            "bad_request",
        ),
        (
            post("/p/shop/v1/json").set_payload("{}"),
            400,
            "bad_request",
        ),
        (get("/p/shop/v1/panic"), 500, "internal"),
        (get("/p/shop/v1/broken"), 500, "internal"),
        (
            get("/p/shop/v1/open").insert_header(("content-encoding", "br")),
            415,
            "unsupported_media_type",
        ),
        (
            post("/admin/v1/session").insert_header(("content-encoding", "gzip")),
            415,
            "unsupported_media_type",
        ),
        (
            post("/admin/v1/session").set_payload("x"),
            415,
            "unsupported_media_type",
        ),
        (
            post("/admin/v1/session").set_json(json!([])),
            400,
            "invalid_json",
        ),
        (
            post("/admin/v1/session")
                .set_json(json!({"email": "a", "password": "b", "admin": true})),
            400,
            "unknown_field",
        ),
        (
            post("/admin/v1/session").set_json(json!({})),
            422,
            "validation_failed",
        ),
        (
            post("/admin/v1/session").set_json(json!({"email": "a@b.c", "password": "b"})),
            401,
            "invalid_credentials",
        ),
        (
            post("/admin/v1/session")
                .set_json(json!({}))
                .insert_header(("idempotency-key", "0123456789abcdef")),
            400,
            "invalid_idempotency_key",
        ),
        (get("/admin/v1/projects"), 401, "unauthenticated"),
        (get("/p/shop/v1/probe"), 401, "unauthenticated"),
        (
            bearer(get("/p/shop/v1/probe"), "user:shop")
                .append_header(("authorization", "Bearer user:shop")),
            401,
            "unauthenticated",
        ),
        (
            get("/p/shop/v1/open").insert_header(("authorization", "Basic YTpi")),
            401,
            "unauthenticated",
        ),
        (
            bearer(get("/p/shop/v1/settings"), "user:shop"),
            403,
            "permission_denied",
        ),
    ];
    for (request, status, code) in cases {
        let answer = send(&app, request).await;
        assert_eq!(
            (answer.status, answer.code()),
            (status, code),
            "{}",
            answer.body
        );
        let text = answer.body.to_string();
        assert!(
            !text.contains("secret story") && !text.contains("on purpose"),
            "{text}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let wrong = send(&app, TestRequest::delete().uri("/p/shop/v1/settings")).await;
    assert_eq!(wrong.header("allow"), Some("GET, PATCH"));
    assert_eq!(
        send(&app, get("/p/shop/v1/open")).await.status,
        200,
        "the worker lives after a panic"
    );
}

#[actix_web::test]
async fn the_documents_name_every_error_and_public_operation() {
    use utoipa_actix_web::AppExt;
    let (_, mut document) = actix_web::App::new()
        .into_utoipa_app()
        .configure(gate::configure_instance)
        .configure(gate::configure_project)
        .split_for_parts();
    gate::openapi::complete(&mut document);
    let document = serde_json::to_value(&document).unwrap();
    let mut public = Vec::new();
    let mut count = 0;
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item
            .as_object()
            .unwrap()
            .values()
            .filter(|o| o.get("operationId").is_some())
        {
            count += 1;
            let id = operation["operationId"].as_str().unwrap();
            if operation["security"] == json!([{}]) {
                public.push(id.to_owned());
            }
            for status in ["400", "401", "403", "404", "429", "500", "503"] {
                let schema = &operation["responses"][status]["content"]["application/problem+json"]
                    ["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{id} {status}");
            }
        }
    }
    assert_eq!(
        (count, public),
        (
            23,
            vec!["create_setup".to_owned(), "create_session".to_owned()]
        )
    );
    let codes = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    assert_eq!(
        codes.as_array().map(Vec::len),
        Some(kernel::Code::ALL.len())
    );
    let text = document.to_string();
    for name in [
        "Project",
        "Operator",
        "ProjectKey",
        "NewProjectKey",
        "AuditEntry",
        "LoggedRequest",
        "ProjectSettings",
        "ProjectPage",
    ] {
        assert!(
            document["components"]["schemas"].get(name).is_some(),
            "{name}"
        );
    }
    for reference in text
        .split("#/components/schemas/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        assert!(
            document["components"]["schemas"].get(reference).is_some(),
            "{reference} leads nowhere"
        );
    }
}
