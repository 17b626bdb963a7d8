//! Conditional writes: `If-Match` and `If-None-Match: *`.

use crate::kit::{Kit, TOKEN_U, both};
use serde_json::json;

both!(
    writes_are_conditional,
    conditions_tell_nothing_of_what_is_hidden
);

const FAILED: (u16, &str) = (412, "precondition_failed");

async fn writes_are_conditional(kit: &Kit) {
    kit.open_bucket("docs").await;
    let put = async |header: (&str, &str), body: &[u8]| {
        let reply = kit
            .ask(None, "PUT", "/v1/files/docs/x", &[header], body)
            .await;
        (reply.status, reply.header("etag").map(str::to_owned))
    };
    // There is nothing that could match.
    assert_eq!(put(("if-match", "*"), b"one").await.0, 412);
    let (made, one) = put(("if-none-match", "*"), b"one").await;
    assert_eq!(made, 201);
    let one = one.unwrap();
    assert_eq!(put(("if-none-match", "*"), b"two").await.0, 412);
    assert_eq!(put(("if-none-match", "\"x\""), b"two").await.0, 400);
    for other in [
        "\"x\"",
        "",
        "W/\"x\"",
        &format!("W/{one}"),
        one.trim_matches('"'),
    ] {
        assert_eq!(put(("if-match", other), b"two").await.0, 412, "{other}");
    }
    let (replaced, two) = put(("if-match", &format!("\"x\", {one}")), b"two").await;
    assert_eq!(replaced, 200);
    assert_eq!(put(("if-match", &one), b"three").await.0, 412);
    assert_eq!(put(("if-match", "*"), b"three").await.0, 200);
    kit.objects_become(3).await;
    let delete = async |tag: &str| {
        let path = "/v1/files/docs/x";
        kit.ask(None, "DELETE", path, &[("if-match", tag)], b"")
            .await
            .outcome()
    };
    assert_eq!(delete(&two.unwrap()).await, (FAILED.0, FAILED.1.to_owned()));
    let three = kit.get(None, "/v1/files/docs/x").await;
    assert_eq!(three.body, b"three");
    assert_eq!(delete(three.header("etag").unwrap()).await.0, 204);
    assert_eq!(delete("*").await, (404, "file_not_found".into()));
}

async fn conditions_tell_nothing_of_what_is_hidden(kit: &Kit) {
    kit.bucket(json!({"name": "r", "rules": {"create": "auth.id != null"}}))
        .await;
    let tag = kit
        .put(Some(&kit.key), "r/x", b"x")
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    for (method, header) in [("PUT", "if-match"), ("DELETE", "if-match")] {
        let mut seen = Vec::new();
        for value in [tag.as_str(), "\"other\""] {
            let reply = kit
                .ask(
                    Some(TOKEN_U),
                    method,
                    "/v1/files/r/x",
                    &[(header, value)],
                    b"",
                )
                .await;
            seen.push(reply.outcome());
        }
        assert_eq!(seen[0], seen[1], "{method}");
        assert_ne!(seen[0].0, 412, "{method}");
    }
}
