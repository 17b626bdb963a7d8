//! The front door around answers: errors, headers, limits, other origins, cookies and ids.

use crate::kit::{Kit, On, PASSWORD, bearer, get, input, operator, send};
use actix_web::test::TestRequest;
use gate::{GateConfig, LimitsConfig, Reach};
use serde_json::json;

fn limits(requests_per_second: u32, burst: u32, credential_requests_per_second: u32, credential_burst: u32) -> GateConfig {
    GateConfig { limits: LimitsConfig { requests_per_second, burst, credential_requests_per_second, credential_burst }, ..GateConfig::default() }
}

#[actix_web::test]
async fn every_error_is_a_problem() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let app = kit.app().await;
    let post = |path: &str| TestRequest::post().uri(path);
    let cases = [
        (get("/nothing"), 404, "route_not_found"),
        (get("/p/shop/v1/nothing"), 404, "route_not_found"),
        (TestRequest::delete().uri("/p/shop/v1/settings"), 405, "method_not_allowed"),
        (TestRequest::put().uri("/admin/v1/projects/shop"), 405, "method_not_allowed"),
        (TestRequest::default().method("BREW".parse().unwrap()).uri("/admin/v1/session"), 405, "method_not_allowed"),
        (get("/p/shop/v1/number/x"), 404, "route_not_found"),
        (post("/p/shop/v1/json").insert_header(("content-type", "application/json")).set_payload("{"), 400, "bad_request"),
        (post("/p/shop/v1/json").set_payload("{}"), 415, "unsupported_media_type"),
        (get("/p/shop/v1/panic"), 500, "internal"),
        (get("/p/shop/v1/broken"), 500, "internal"),
        (get("/p/shop/v1/open").insert_header(("content-encoding", "br")), 415, "unsupported_media_type"),
        (post("/admin/v1/session").insert_header(("content-encoding", "gzip")), 415, "unsupported_media_type"),
        (post("/admin/v1/session").set_payload("x"), 415, "unsupported_media_type"),
        (post("/admin/v1/session").set_json(json!([])), 400, "invalid_json"),
        (post("/admin/v1/session").set_json(json!({"email": "a", "password": "b", "admin": true})), 400, "unknown_field"),
        (post("/admin/v1/session").set_json(json!({})), 422, "validation_failed"),
        (post("/admin/v1/session").set_json(json!({"email": "a@b.c", "password": "b"})), 401, "invalid_credentials"),
        (post("/admin/v1/session").set_json(json!({})).insert_header(("idempotency-key", "0123456789abcdef")), 400, "invalid_idempotency_key"),
        (get("/admin/v1/projects"), 401, "unauthenticated"),
        (get("/p/shop/v1/probe"), 401, "unauthenticated"),
        (bearer(get("/p/shop/v1/probe"), "user:shop").append_header(("authorization", "Bearer user:shop")), 401, "unauthenticated"),
        (get("/p/shop/v1/open").insert_header(("authorization", "Basic YTpi")), 401, "unauthenticated"),
        (bearer(get("/p/shop/v1/settings"), "user:shop"), 403, "permission_denied"),
    ];
    for (request, status, code) in cases {
        let answer = send(&app, request).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.body);
        let text = answer.body.to_string();
        assert!(!text.contains("secret story") && !text.contains("on purpose"), "{text}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let wrong = send(&app, TestRequest::delete().uri("/p/shop/v1/settings")).await;
    assert_eq!(wrong.header("allow"), Some("GET, PATCH"));
    assert_eq!(send(&app, get("/p/shop/v1/open")).await.status, 200, "the worker lives after a panic");
}

#[actix_web::test]
async fn identity_is_no_coding_and_ids_are_kept() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let app = kit.app().await;
    let named = send(&app, get("/p/shop/v1/open").insert_header(("content-encoding", "identity")).insert_header(("x-request-id", "my-request_1"))).await;
    assert_eq!((named.status, named.header("x-request-id")), (200, Some("my-request_1")));
    let odd = send(&app, get("/p/shop/v1/open").insert_header(("x-request-id", "a b<script>"))).await;
    assert_eq!(odd.header("x-request-id").map(str::len), Some(16));
    assert_eq!((odd.header("cache-control"), odd.header("referrer-policy"), odd.header("strict-transport-security")), (Some("no-store"), Some("no-referrer"), None));
}

#[actix_web::test]
async fn callers_are_limited_one_by_one() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let app = kit.app_with(&kit.gate, limits(1, 3, 1, 2)).await;
    let from = |request: TestRequest, peer: &str| request.peer_addr(format!("{peer}:1000").parse().unwrap());
    for remaining in ["2", "1", "0"] {
        let answer = send(&app, from(get("/p/shop/v1/open"), "192.0.2.1")).await;
        assert_eq!((answer.status, answer.header("ratelimit-limit"), answer.header("ratelimit-remaining")), (200, Some("3"), Some(remaining)));
        assert!(answer.header("ratelimit-reset").is_some());
    }
    let over = send(&app, from(get("/p/shop/v1/open"), "192.0.2.1").insert_header(("x-forwarded-for", "198.51.100.1"))).await;
    assert_eq!((over.status, over.code(), over.header("retry-after"), over.header("ratelimit-remaining")), (429, "rate_limited", Some("1"), Some("0")));
    assert_eq!(send(&app, from(get("/p/shop/v1/open"), "192.0.2.2")).await.status, 200);
    assert_eq!(send(&app, bearer(from(get("/p/shop/v1/probe"), "192.0.2.1"), "user:shop")).await.status, 200, "a user has an allowance of its own");
    for (i, want) in [200, 200, 200, 429].into_iter().enumerate() {
        let answer = send(&app, from(get("/p/shop/v1/open"), &format!("[2001:db8::{i}]"))).await;
        assert_eq!(answer.status, want, "one /64 is one caller");
    }
    for (want, remaining) in [(200, "1"), (200, "0"), (429, "0")] {
        let answer = send(&app, from(get("/p/shop/v1/auth/probe"), "192.0.2.3")).await;
        assert_eq!((answer.status, answer.header("ratelimit-limit"), answer.header("ratelimit-remaining")), (want, Some("2"), Some(remaining)));
    }
    let encoded = send(&app, from(get("/p/shop/v1/%61uth/probe"), "192.0.2.3")).await;
    assert_eq!(encoded.status, 429, "another spelling is the same address");
    let off = kit.app_with(&kit.gate, limits(0, 0, 0, 0)).await;
    assert_eq!(send(&off, get("/p/shop/v1/open")).await.header("ratelimit-limit"), None);
}

#[actix_web::test]
async fn proxies_are_believed_only_when_trusted() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let app = kit.app_with(&kit.gate, GateConfig { trusted_proxies: vec!["10.0.0.0/8".into()], ..GateConfig::default() }).await;
    for (peer, want) in [("10.1.1.1", "198.51.100.9"), ("192.0.2.1", "192.0.2.1")] {
        let request = get("/p/shop/v1/open").peer_addr(format!("{peer}:1").parse().unwrap()).insert_header(("x-forwarded-for", "1.1.1.1, 198.51.100.9"));
        assert_eq!(send(&app, request).await.body["network"], want);
    }
}

#[actix_web::test]
async fn pages_of_listed_origins_may_call_a_project() {
    let kit = Kit::new(On::Sqlite).await;
    let shop = kit.project("shop").await;
    kit.gate.update_settings(&shop, &kit.by(), None, input(json!({"cors_origins": ["https://good.example"]}))).await.unwrap();
    let app = kit.app().await;
    let preflight = |path: &str, origin: &str| {
        let request = TestRequest::default().method("OPTIONS".parse().unwrap()).uri(path).insert_header(("origin", origin));
        request.insert_header(("access-control-request-method", "POST")).insert_header(("access-control-request-headers", "authorization"))
    };
    let good = send(&app, preflight("/p/shop/v1/anything", "https://good.example")).await;
    assert_eq!((good.status, good.header("access-control-allow-origin"), good.header("vary")), (204, Some("https://good.example"), Some("origin")));
    assert!(good.header("access-control-allow-headers").unwrap().contains("idempotency-key"));
    assert_eq!(good.header("access-control-allow-credentials"), None);
    let read = send(&app, get("/p/shop/v1/open").insert_header(("origin", "https://good.example"))).await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, Some("https://good.example")));
    assert!(read.header("access-control-expose-headers").unwrap().contains("etag"));
    let refused = send(&app, get("/p/shop/v1/probe").insert_header(("origin", "https://good.example"))).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, Some("https://good.example")), "errors can be read too");
    for evil in ["https://evil.example", "null", "https://good.example.evil", "http://good.example", "https://good.example:444"] {
        let answer = send(&app, preflight("/p/shop/v1/open", evil)).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin"), answer.header("access-control-allow-methods"), answer.header("vary")), (204, None, None, Some("origin")), "{evil}");
        let answer = send(&app, get("/p/shop/v1/open").insert_header(("origin", evil))).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{evil}");
    }
    let instance = send(&app, preflight("/admin/v1/session", "https://good.example")).await;
    assert_eq!((instance.status, instance.header("access-control-allow-origin")), (405, None));
}

#[actix_web::test]
async fn the_cookie_acts_for_pages_of_its_own_origin_only() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    kit.owner().await;
    let app = kit.app().await;
    let sign_in = TestRequest::post().uri("/admin/v1/session").set_json(json!({"email": crate::kit::OWNER, "password": PASSWORD}));
    let signed = send(&app, sign_in).await;
    assert_eq!(signed.status, 200);
    let set = signed.header("set-cookie").unwrap().to_owned();
    for part in ["__Host-galley=go_", "; HttpOnly", "; Secure", "; SameSite=Strict", "; Path=/", "; Max-Age=604800"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Domain"));
    let cookie = set.split(';').next().unwrap().to_owned();
    let with = |request: TestRequest| request.insert_header(("cookie", cookie.clone()));
    let own = ("origin", "http://127.0.0.1:8090");
    assert_eq!(send(&app, with(get("/admin/v1/session"))).await.body["operator"]["email"], crate::kit::OWNER);
    let create = |slug: &str| with(TestRequest::post().uri("/admin/v1/projects").set_json(json!({"id": slug})));
    assert_eq!(send(&app, create("one")).await.code(), "cross_origin");
    for origin in ["https://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8090", "http://localhost:8090"] {
        assert_eq!(send(&app, create("one").insert_header(("origin", origin))).await.code(), "cross_origin", "{origin}");
    }
    assert_eq!(send(&app, create("one").insert_header(own)).await.status, 201);
    assert_eq!(send(&app, with(get("/admin/v1/projects")).insert_header(("origin", "https://evil.example"))).await.code(), "cross_origin");
    // In a project it counts by the instance's own host, never by the project's.
    assert_eq!(send(&app, with(get("/p/shop/v1/settings"))).await.status, 200);
    let patch = || with(TestRequest::patch().uri("/p/shop/v1/settings").set_json(json!({"development": true})));
    assert_eq!(send(&app, patch()).await.code(), "cross_origin");
    assert_eq!(send(&app, patch().insert_header(own)).await.status, 200);
    assert_eq!(send(&app, with(get("/v1/settings")).insert_header(("host", "shop.localhost:8090"))).await.status, 401);
    let out = send(&app, with(TestRequest::delete().uri("/admin/v1/session")).insert_header(own)).await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(send(&app, with(get("/admin/v1/session"))).await.status, 401);
    let again = with(TestRequest::post().uri("/admin/v1/session").set_json(json!({"email": crate::kit::OWNER, "password": PASSWORD}))).insert_header(own);
    assert_eq!(send(&app, again).await.status, 200, "an old cookie does not keep its owner out");
}

#[actix_web::test]
async fn members_are_narrowed_over_http_too() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    kit.project("blog").await;
    kit.owner().await;
    kit.gate.create_operator(&kit.by(), operator("v@example.com", json!({"projects": {"shop": "viewer"}}))).await.unwrap();
    let viewer = kit.gate.sign_in(&kit.by(), "v@example.com", PASSWORD).await.unwrap().token;
    let app = kit.app().await;
    let ask = async |request: TestRequest| send(&app, bearer(request, &viewer)).await.status;
    assert_eq!(ask(get("/admin/v1/projects/shop")).await, 200);
    assert_eq!(ask(get("/admin/v1/projects/blog")).await, 404);
    assert_eq!(ask(get("/admin/v1/operators")).await, 403);
    assert_eq!(ask(get("/admin/v1/audit")).await, 403);
    assert_eq!(ask(TestRequest::post().uri("/admin/v1/projects").set_json(json!({"id": "mine"}))).await, 403);
    assert_eq!(ask(TestRequest::post().uri("/admin/v1/projects/shop/suspend")).await, 403);
    assert_eq!(ask(get("/p/shop/v1/settings")).await, 200);
    assert_eq!(ask(TestRequest::patch().uri("/p/shop/v1/settings").set_json(json!({}))).await, 403);
    assert_eq!(ask(get("/p/blog/v1/settings")).await, 403);
    assert!(matches!(kit.gate.reach(&gate::Who::Anonymous).await.map(|r| r == Reach::Everything), Err(p) if p.code() == kernel::Code::PermissionDenied));
}

#[actix_web::test]
async fn the_documents_name_every_error_and_public_operation() {
    use utoipa_actix_web::AppExt;
    let (_, mut document) = actix_web::App::new().into_utoipa_app().configure(gate::configure_instance).configure(gate::configure_project).split_for_parts();
    gate::openapi::complete(&mut document);
    let document = serde_json::to_value(&document).unwrap();
    let mut public = Vec::new();
    let mut count = 0;
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values().filter(|o| o.get("operationId").is_some()) {
            count += 1;
            let id = operation["operationId"].as_str().unwrap();
            if operation["security"] == json!([{}]) {
                public.push(id.to_owned());
            }
            for status in ["400", "401", "403", "404", "429", "500", "503"] {
                let schema = &operation["responses"][status]["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{id} {status}");
            }
        }
    }
    assert_eq!((count, public), (23, vec!["create_setup".to_owned(), "create_session".to_owned()]));
    let codes = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    assert_eq!(codes.as_array().map(Vec::len), Some(kernel::Code::ALL.len()));
    let text = document.to_string();
    for name in ["Project", "Operator", "ProjectKey", "NewProjectKey", "AuditEntry", "LoggedRequest", "ProjectSettings", "ProjectPage"] {
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
    for reference in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document["components"]["schemas"].get(reference).is_some(), "{reference} leads nowhere");
    }
}
