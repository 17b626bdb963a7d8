//! The server's own pages, as a browser's defences see them.

use crate::kit::{Engine, Server};

#[tokio::test]
async fn no_page_is_framed_or_sniffed() {
    let server = Server::fresh(Engine::Sqlite);
    server.project("shop").await;
    let browser = server.as_("");
    for path in [
        "/dashboard/",
        "/dashboard/projects/shop",
        "/dashboard/index.html",
        "/p/shop/v1/docs",
    ] {
        let answer = browser.request("GET", path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok());
        let policy = header("content-security-policy").unwrap_or_default();
        for part in [
            "default-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {part} in {policy}");
        }
        assert_eq!(header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(header("referrer-policy"), Some("no-referrer"), "{path}");
    }
}
