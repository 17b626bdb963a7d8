//! Who may read a file that no field holds: the bucket's view rule says so, or it is not there.

use crate::kit::{Kit, TOKEN_U, TOKEN_V, both};
use serde_json::json;

both!(
    the_view_rule_decides,
    attachments_are_their_uploaders_alone,
    another_project_has_none_of_it
);

async fn the_view_rule_decides(kit: &Kit) {
    let rules = json!({"view": "uploader == auth.id", "create": "uploader == auth.id", "delete": "uploader == auth.id && path != 'kept'", "update": "false"});
    kit.bucket(json!({"name": "mine", "rules": rules})).await;
    let id = kit.put(Some(TOKEN_U), "mine/x", b"mine").await.id();
    kit.put(Some(TOKEN_U), "mine/kept", b"kept").await;
    kit.put(Some(&kit.key), "mine/nobodys", b"nobodys").await;
    let absent = kit.get(Some(TOKEN_V), "/v1/files/mine/absent").await;
    let shape = |body: &[u8]| {
        let mut body: serde_json::Value = serde_json::from_slice(body).unwrap();
        body["request_id"] = json!("");
        body
    };
    let known = format!("/v1/buckets/mine/files/{id}");
    let by_id = format!("/v1/files/{id}");
    for path in ["/v1/files/mine/x", &by_id, &known, "/v1/files/mine/nobodys"] {
        for token in [None, Some(TOKEN_V)] {
            let reply = kit.get(token, path).await;
            assert_eq!(reply.status, 404, "{path}");
            // Invisible is absent, to the byte.
            assert_eq!(shape(&reply.body), shape(&absent.body), "{path}");
        }
    }
    for path in ["/v1/files/mine/x", &by_id, &known] {
        assert_eq!(kit.get(Some(TOKEN_U), path).await.status, 200, "{path}");
        assert_eq!(kit.get(Some(&kit.key), path).await.status, 200, "{path}");
    }
    // A stranger whose uploader is null as well is not the uploader.
    assert_eq!(kit.get(None, "/v1/files/mine/nobodys").await.status, 404);
    // To delete: what is seen is forbidden, what is not seen is not there.
    assert_eq!(
        kit.delete(Some(TOKEN_V), "/v1/files/mine/x").await,
        (404, "file_not_found".into())
    );
    assert_eq!(
        kit.delete(Some(TOKEN_U), "/v1/files/mine/kept").await,
        (403, "rule_denied".into())
    );
    assert_eq!(
        kit.put(Some(TOKEN_U), "mine/x", b"new").await.outcome(),
        (403, "rule_denied".into())
    );
    assert_eq!(kit.delete(Some(TOKEN_U), &by_id).await.0, 204);
    assert_eq!(kit.get(Some(TOKEN_U), "/v1/files/mine/x").await.status, 404);
    for bad in [
        "/v1/files/x",
        "/v1/files/00000000-0000-0000-0000-000000000000",
        "/v1/buckets/mine/files/x",
    ] {
        assert_eq!(
            kit.get(Some(TOKEN_U), bad).await.outcome(),
            (404, "file_not_found".into()),
            "{bad}"
        );
    }
}

async fn attachments_are_their_uploaders_alone(kit: &Kit) {
    let open = json!({"list": "true", "view": "true", "create": "true", "update": "true", "delete": "true"});
    kit.bucket(json!({"name": "att", "kind": "attachments", "rules": open}))
        .await;
    kit.put(Some(TOKEN_U), "att/x", b"x").await;
    kit.put(Some(&kit.key), "att/k", b"k").await;
    for (token, path, want) in [
        (Some(TOKEN_U), "att/x", 200),
        (Some(TOKEN_V), "att/x", 404),
        (None, "att/x", 404),
        (Some(TOKEN_U), "att/k", 404),
        (None, "att/k", 404),
        (Some(kit.key.as_str()), "att/x", 200),
    ] {
        let got = kit.get(token, &format!("/v1/files/{path}")).await;
        assert_eq!(got.status, want, "{path} {token:?}");
    }
}

async fn another_project_has_none_of_it(kit: &Kit) {
    kit.open_bucket("docs").await;
    let id = kit.put(None, "docs/x", b"x").await.id();
    let other = kit.scoped_key("other", &["*"]).await;
    let ask = async |method: &str, path: &str, body: &[u8]| {
        let mut wire = kit.wire().await;
        let length = body.len().to_string();
        let head = [
            ("content-length", length.as_str()),
            ("content-type", "application/json"),
        ];
        wire.head(method, &format!("/p/other{path}"), Some(&other), &head)
            .await;
        wire.bytes(body).await.unwrap();
        wire.reply().await
    };
    assert_eq!(
        ask("POST", "/v1/buckets", br#"{"name": "docs"}"#)
            .await
            .status,
        201
    );
    for (method, path) in [
        ("GET", format!("/v1/files/{id}")),
        ("DELETE", format!("/v1/files/{id}")),
        ("GET", "/v1/files/docs/x".to_owned()),
        ("DELETE", "/v1/files/docs/x".to_owned()),
        ("GET", format!("/v1/buckets/docs/files/{id}")),
    ] {
        assert_eq!(
            ask(method, &path, b"").await.outcome(),
            (404, "file_not_found".into()),
            "{method} {path}"
        );
    }
    let list = ask("GET", "/v1/buckets/docs/files?count=exact", b"")
        .await
        .json();
    assert_eq!(list["total"], 0);
    // Nor does a path of the machine lead from one to the other.
    assert_eq!(kit.get(None, "/v1/files/docs/x").await.body, b"x");
}
