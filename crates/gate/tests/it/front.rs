//! The front door around answers: limits, networks, headers and ids.

use crate::kit::{Kit, On, bearer, get, send};
use actix_web::http::Method;
use actix_web::test::TestRequest;
use gate::{GateConfig, LimitsConfig};

fn limits(
    requests_per_second: u32,
    burst: u32,
    credential_requests_per_second: u32,
    credential_burst: u32,
) -> GateConfig {
    GateConfig {
        limits: LimitsConfig {
            requests_per_second,
            burst,
            credential_requests_per_second,
            credential_burst,
        },
        ..GateConfig::default()
    }
}

#[actix_web::test]
async fn identity_is_no_coding_and_ids_are_kept() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let app = kit.app().await;
    let named = send(
        &app,
        get("/p/shop/v1/open")
            .insert_header(("content-encoding", "identity"))
            .insert_header(("x-request-id", "my-request_1")),
    )
    .await;
    assert_eq!(
        (named.status, named.header("x-request-id")),
        (200, Some("my-request_1"))
    );
    let odd = send(
        &app,
        get("/p/shop/v1/open").insert_header(("x-request-id", "a b<script>")),
    )
    .await;
    assert_eq!(odd.header("x-request-id").map(str::len), Some(16));
    assert_eq!(
        (
            odd.header("cache-control"),
            odd.header("referrer-policy"),
            odd.header("strict-transport-security")
        ),
        (Some("no-store"), Some("no-referrer"), None)
    );
}

/// HSTS (RFC 6797, section 7.1): on every answer of a server that is reached by TLS.
#[actix_web::test]
async fn a_server_behind_tls_is_never_asked_without() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let url = "https://api.example.com";
    let app = kit.app_at(&kit.gate, GateConfig::default(), url).await;
    for path in ["/p/shop/v1/open", "/p/nothing/v1/open", "/"] {
        let request = get(path).insert_header(("host", "api.example.com"));
        let answer = send(&app, request).await;
        let told = answer.header("strict-transport-security");
        assert_eq!(told, Some("max-age=31536000"), "{path}");
    }
}

#[actix_web::test]
async fn callers_are_limited_one_by_one() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let app = kit.app_with(&kit.gate, limits(1, 3, 1, 2)).await;
    let from = |request: TestRequest, peer: &str| {
        request.peer_addr(format!("{peer}:1000").parse().unwrap())
    };
    for remaining in ["2", "1", "0"] {
        let answer = send(&app, from(get("/p/shop/v1/open"), "192.0.2.1")).await;
        assert_eq!(
            (
                answer.status,
                answer.header("ratelimit-limit"),
                answer.header("ratelimit-remaining")
            ),
            (200, Some("3"), Some(remaining))
        );
        assert!(answer.header("ratelimit-reset").is_some());
    }
    let over = send(
        &app,
        from(get("/p/shop/v1/open"), "192.0.2.1")
            .insert_header(("x-forwarded-for", "198.51.100.1")),
    )
    .await;
    assert_eq!(
        (
            over.status,
            over.code(),
            over.header("retry-after"),
            over.header("ratelimit-remaining")
        ),
        (429, "rate_limited", Some("1"), Some("0"))
    );
    assert_eq!(
        send(&app, from(get("/p/shop/v1/open"), "192.0.2.2"))
            .await
            .status,
        200
    );
    assert_eq!(
        send(
            &app,
            bearer(from(get("/p/shop/v1/probe"), "192.0.2.1"), "user:shop")
        )
        .await
        .status,
        200,
        "a user has an allowance of its own"
    );
    for (i, want) in [200, 200, 200, 429].into_iter().enumerate() {
        let answer = send(
            &app,
            from(get("/p/shop/v1/open"), &format!("[2001:db8::{i}]")),
        )
        .await;
        assert_eq!(answer.status, want, "one /64 is one caller");
    }
    for (want, remaining) in [(200, "1"), (200, "0"), (429, "0")] {
        let guess = get("/p/shop/v1/auth/probe").method(Method::POST);
        let answer = send(&app, from(guess, "192.0.2.3")).await;
        assert_eq!(
            (
                answer.status,
                answer.header("ratelimit-limit"),
                answer.header("ratelimit-remaining")
            ),
            (want, Some("2"), Some(remaining))
        );
    }
    let read = send(&app, from(get("/p/shop/v1/auth/probe"), "192.0.2.3")).await;
    assert_eq!(read.status, 200, "to read is not to guess");
    let encoded = get("/p/shop/v1/%61uth/probe").method(Method::POST);
    let encoded = send(&app, from(encoded, "192.0.2.3")).await;
    assert_eq!(encoded.status, 429, "another spelling is the same address");
    for want in [404, 404, 404, 429] {
        let answer = send(&app, from(get("/p/nowhere/v1/open"), "192.0.2.4")).await;
        assert_eq!(answer.status, want, "guessing names is limited too");
    }
    let off = kit.app_with(&kit.gate, limits(0, 0, 0, 0)).await;
    assert_eq!(
        send(&off, get("/p/shop/v1/open"))
            .await
            .header("ratelimit-limit"),
        None
    );
}

#[actix_web::test]
async fn proxies_are_believed_only_when_trusted() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let app = kit
        .app_with(
            &kit.gate,
            GateConfig {
                trusted_proxies: vec!["10.0.0.0/8".into()],
                ..GateConfig::default()
            },
        )
        .await;
    for (peer, want) in [("10.1.1.1", "198.51.100.9"), ("192.0.2.1", "192.0.2.1")] {
        let request = get("/p/shop/v1/open")
            .peer_addr(format!("{peer}:1").parse().unwrap())
            .insert_header(("x-forwarded-for", "1.1.1.1, 198.51.100.9"));
        assert_eq!(send(&app, request).await.body["network"], want);
    }
}

/// A request of many operations counts as many; one of more than a caller may ever send takes the whole allowance.
#[actix_web::test]
async fn operations_are_counted_one_by_one() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let many = async |app: &crate::kit::Door, n: usize| {
        let request = TestRequest::with_uri("/p/shop/v1/many").method(Method::POST);
        let answer = send(app, request.set_json(n)).await;
        (answer.status, answer.code().to_owned())
    };
    // Nothing comes back while the test runs: one a second, and 1,000 at once.
    let app = kit.app_with(&kit.gate, limits(1, 1_000, 1, 2)).await;
    assert_eq!(many(&app, 600).await.0, 200);
    assert_eq!(many(&app, 600).await, (429, "rate_limited".to_owned()));
    assert_eq!(many(&app, 300).await.0, 200);
    let app = kit.app_with(&kit.gate, limits(1, 100, 1, 2)).await;
    assert_eq!(many(&app, 1_000).await.0, 200);
    assert_eq!(many(&app, 1).await.0, 429);
    let off = kit.app_with(&kit.gate, limits(0, 0, 0, 0)).await;
    assert_eq!(many(&off, 1_000).await.0, 200);
}
