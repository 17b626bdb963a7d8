//! The worker and the client as browsers fetch them.

use crate::kit::{Kit, both};
use actix_web::http::Method;

both!(scripts_are_served_for_the_whole_site_and_kept_by_their_tag);

async fn scripts_are_served_for_the_whole_site_and_kept_by_their_tag(kit: &Kit) {
    let nobody = gate::Who::Anonymous;
    for (path, word) in [
        ("/v1/push/sw.js", "addEventListener('push'"),
        ("/v1/push/client.js", "export async function registerPush"),
    ] {
        let script = kit.get(&nobody, path).await.expect(200);
        assert_eq!(
            script.header("content-type"),
            Some("text/javascript; charset=utf-8")
        );
        assert_eq!(script.header("service-worker-allowed"), Some("/"));
        assert_eq!(script.header("cache-control"), Some("no-cache"));
        let text = String::from_utf8(script.bytes.clone()).unwrap();
        assert!(text.contains(word));
        assert!(!text.contains("eval(") && !text.contains("Function("));
        let tag = script.header("etag").unwrap();
        for (sent, status) in [
            (tag.to_owned(), 304),
            (format!("\"x\", W/{tag}"), 304),
            ("*".to_owned(), 304),
            ("\"x\"".to_owned(), 200),
        ] {
            let headers = [("if-none-match", sent.as_str())];
            let again = kit
                .call_at(&kit.project, &nobody, Method::GET, path, None, &headers)
                .await;
            assert_eq!(again.status.as_u16(), status, "{sent}");
            assert_eq!(
                (again.bytes.is_empty(), again.header("etag")),
                (status == 304, Some(tag))
            );
        }
    }
}
