//! Buckets: their definitions, their faults, who may touch them, and what is left of them.

use crate::kit::{Kit, TOKEN_U, both};
use serde_json::{Value as Json, json};

both!(
    definitions,
    faults_are_told_at_once,
    rules_are_checked,
    only_those_who_may,
    null_rules_are_closed,
    what_holds_files_stays,
    retries,
);

async fn definitions(kit: &Kit) {
    let rules = json!({"view": "uploader == auth.id", "list": null});
    let limits = json!({"size_bytes_max": 1000, "content_types": ["image/*", "Text/CSV"]});
    let made = kit
        .json(
            "POST",
            "/v1/buckets",
            json!({"name": "pics", "kind": "attachments", "rules": rules, "limits": limits}),
        )
        .await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(made["kind"], "attachments");
    assert_eq!(
        made["rules"],
        json!({"list": null, "view": "uploader == auth.id", "create": null, "update": null, "delete": null})
    );
    assert_eq!(
        made["limits"],
        json!({"size_bytes_max": 1000, "content_types": ["image/*", "text/csv"]})
    );
    let got = kit.get(Some(&kit.key), "/v1/buckets/pics").await.json();
    assert_eq!(got, made);
    // What is absent stays, what is null goes.
    let change =
        json!({"rules": {"view": null, "create": "true"}, "limits": {"content_types": null}});
    let changed = kit.json("PATCH", "/v1/buckets/pics", change).await.json();
    assert_eq!(changed["rules"]["view"], Json::Null);
    assert_eq!(changed["rules"]["create"], "true");
    assert_eq!(
        changed["limits"],
        json!({"size_bytes_max": 1000, "content_types": null})
    );
    assert_eq!(changed["created_at"], made["created_at"]);
    assert_ne!(changed["updated_at"], made["updated_at"]);
    kit.bucket(json!({"name": "a"})).await;
    let all = kit.get(Some(&kit.key), "/v1/buckets").await.json();
    let names: Vec<&Json> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| &b["name"])
        .collect();
    assert_eq!(names, ["a", "pics"]);
    assert_eq!(all["items"][0]["kind"], "files");
    assert_eq!(all["next_cursor"], Json::Null);
    let again = kit.json("POST", "/v1/buckets", json!({"name": "a"})).await;
    assert_eq!(again.outcome(), (409, "bucket_taken".into()));
    assert_eq!(kit.delete(Some(&kit.key), "/v1/buckets/a").await.0, 204);
    for (method, body) in [("GET", None), ("PATCH", Some(json!({}))), ("DELETE", None)] {
        let reply = match body {
            Some(body) => kit.json(method, "/v1/buckets/a", body).await,
            None => {
                kit.ask(Some(&kit.key), method, "/v1/buckets/a", &[], b"")
                    .await
            }
        };
        assert_eq!(
            reply.outcome(),
            (404, "bucket_not_found".into()),
            "{method}"
        );
    }
    // Each act is in the audit log, by whom it was done.
    let audited = r#"SELECT count(*) AS n FROM "project"."_audit" WHERE action LIKE 'bucket.%' AND actor LIKE 'key:%'"#;
    assert_eq!(kit.number(audited).await, 4);
}

async fn faults_are_told_at_once(kit: &Kit) {
    let bad = json!({
        "name": "No", "kind": "cupboard",
        "rules": {"view": 1}, "limits": {"size_bytes_max": 0, "content_types": ["image"]},
    });
    let reply = kit.json("POST", "/v1/buckets", bad).await;
    assert_eq!(reply.outcome(), (422, "validation_failed".into()));
    let errors = reply.json()["errors"].clone();
    let mut paths: Vec<&str> = errors
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["path"].as_str().unwrap())
        .collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "/kind",
            "/limits/content_types",
            "/limits/size_bytes_max",
            "/name",
            "/rules/view"
        ]
    );
    for (bad, want) in [
        (json!({}), (422, "validation_failed")),
        (json!({"name": 1}), (422, "validation_failed")),
        (json!({"name": ""}), (422, "validation_failed")),
        (json!({"name": "a".repeat(60)}), (422, "validation_failed")),
        (json!({"name": "a", "extra": 1}), (400, "unknown_field")),
        (
            json!({"name": "a", "rules": {"read": "true"}}),
            (400, "unknown_field"),
        ),
        (
            json!({"name": "a", "limits": {"files": 1}}),
            (400, "unknown_field"),
        ),
        (
            json!({"name": "a", "rules": []}),
            (422, "validation_failed"),
        ),
        (
            json!({"name": "a", "limits": {"size_bytes_max": 1.5}}),
            (422, "validation_failed"),
        ),
        (
            json!({"name": "a", "limits": {"size_bytes_max": -1}}),
            (422, "validation_failed"),
        ),
        (
            json!({"name": "a", "limits": {"content_types": "image/*"}}),
            (422, "validation_failed"),
        ),
    ] {
        let reply = kit.json("POST", "/v1/buckets", bad.clone()).await;
        assert_eq!(reply.outcome(), (want.0, want.1.to_owned()), "{bad}");
    }
    kit.bucket(json!({"name": "a"})).await;
    for bad in [json!({"name": "b"}), json!({"kind": "attachments"})] {
        let reply = kit.json("PATCH", "/v1/buckets/a", bad.clone()).await;
        assert_eq!(reply.outcome(), (400, "unknown_field".into()), "{bad}");
    }
    assert_eq!(kit.count("_buckets").await, 1);
}

async fn rules_are_checked(kit: &Kit) {
    let bad = json!({"name": "a", "rules": {
        "list": "size_bytes > 'x'", "view": "owner == auth.id", "create": "path ==", "update": "collection('users').exists(u, true)",
        "delete": "true",
    }});
    let reply = kit.json("POST", "/v1/buckets", bad).await;
    assert_eq!(reply.outcome(), (422, "invalid_rule".into()));
    let errors = reply.json()["errors"].clone();
    let mut paths = Vec::new();
    for error in errors.as_array().unwrap() {
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("(characters "), "{message}");
        paths.push(error["path"].as_str().unwrap().to_owned());
    }
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "/rules/create",
            "/rules/list",
            "/rules/update",
            "/rules/view"
        ]
    );
    let good = json!({"name": "a", "rules": {
        "list": "bucket == 'a' && path.startsWith('public/') && created_at < now",
        "view": "id != auth.id && updated_at <= request.time",
        "create": "next.size_bytes < 10 && content_type == 'image/png' && request.method == 'PUT'",
        "update": "uploader == auth.id && next.path == path",
    }});
    kit.bucket(good).await;
    let worse = json!({"rules": {"view": "nope"}});
    let reply = kit.json("PATCH", "/v1/buckets/a", worse).await;
    assert_eq!(reply.outcome(), (422, "invalid_rule".into()));
}

async fn only_those_who_may(kit: &Kit) {
    kit.open_bucket("a").await;
    let reader = kit
        .scoped_key("shop", &["buckets.read", "files.read"])
        .await;
    let files_only = kit.scoped_key("shop", &["files.*"]).await;
    let stranger = kit.scoped_key("other", &["*"]).await;
    let new = json!({"name": "b"}).to_string();
    let kind = [("content-type", "application/json")];
    let acts: [(&str, &str, &[u8]); 5] = [
        ("GET", "/v1/buckets", b""),
        ("GET", "/v1/buckets/a", b""),
        ("POST", "/v1/buckets", new.as_bytes()),
        ("PATCH", "/v1/buckets/a", b"{}"),
        ("DELETE", "/v1/buckets/a", b""),
    ];
    for (method, path, body) in acts {
        let status =
            async |token: Option<&str>| kit.ask(token, method, path, &kind, body).await.status;
        assert_eq!(status(None).await, 401, "{method} {path}");
        assert_eq!(status(Some(TOKEN_U)).await, 403, "{method} {path}");
        assert_eq!(status(Some(&files_only)).await, 403, "{method} {path}");
        assert_eq!(status(Some(&stranger)).await, 401, "{method} {path}");
        let want = if method == "GET" { 200 } else { 403 };
        assert_eq!(status(Some(&reader)).await, want, "{method} {path}");
    }
    // A key that reads neither uploads nor deletes, whatever the rules say.
    assert_eq!(kit.put(Some(&kit.key), "a/x", b"x").await.status, 201);
    assert_eq!(
        kit.put(Some(&reader), "a/y", b"y").await.outcome(),
        (403, "permission_denied".into())
    );
    assert_eq!(
        kit.delete(Some(&reader), "/v1/files/a/x").await,
        (403, "permission_denied".into())
    );
    assert_eq!(kit.put(Some(&stranger), "a/y", b"y").await.status, 401);
    assert_eq!(kit.get(Some(&stranger), "/v1/files/a/x").await.status, 401);
    assert_eq!(kit.get(Some(&reader), "/v1/files/a/x").await.body, b"x");
    assert_eq!(kit.count("_files").await, 1);
}

async fn null_rules_are_closed(kit: &Kit) {
    kit.bucket(json!({"name": "new"})).await;
    kit.put(Some(&kit.key), "new/x", b"secret").await;
    let missing = kit.get(None, "/v1/files/new/other").await;
    for token in [None, Some(TOKEN_U)] {
        let list = kit.get(token, "/v1/buckets/new/files").await;
        assert_eq!(list.outcome(), (403, "rule_denied".into()));
        let got = kit.get(token, "/v1/files/new/x").await;
        assert_eq!(got.outcome(), (404, "file_not_found".into()));
        assert_eq!(got.body.len(), missing.body.len());
        assert_eq!(
            kit.put(token, "new/y", b"y").await.outcome(),
            (403, "rule_denied".into())
        );
        assert_eq!(
            kit.put(token, "new/x", b"y").await.outcome(),
            (403, "rule_denied".into())
        );
        assert_eq!(
            kit.delete(token, "/v1/files/new/x").await,
            (404, "file_not_found".into())
        );
    }
    assert_eq!(
        kit.get(Some(&kit.key), "/v1/files/new/x").await.body,
        b"secret"
    );
}

async fn what_holds_files_stays(kit: &Kit) {
    kit.open_bucket("a").await;
    kit.put(None, "a/x", b"x").await;
    assert_eq!(
        kit.delete(Some(&kit.key), "/v1/buckets/a").await,
        (409, "bucket_not_empty".into())
    );
    assert_eq!(kit.delete(None, "/v1/files/a/x").await.0, 204);
    assert_eq!(kit.delete(Some(&kit.key), "/v1/buckets/a").await.0, 204);
    assert_eq!(
        kit.put(None, "a/x", b"x").await.outcome(),
        (404, "bucket_not_found".into())
    );
}

async fn retries(kit: &Kit) {
    let key = [
        ("content-type", "application/json"),
        ("idempotency-key", "0123456789abcdef"),
    ];
    let ask = async |body: &[u8]| {
        kit.ask(Some(&kit.key), "POST", "/v1/buckets", &key, body)
            .await
    };
    let (first, again) = (
        ask(br#"{"name": "a"}"#).await,
        ask(br#"{"name": "a"}"#).await,
    );
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(first.status, 201);
    assert_eq!(
        ask(br#"{"name": "b"}"#).await.outcome(),
        (422, "idempotency_mismatch".into())
    );
    assert_eq!(kit.count("_buckets").await, 1);
    // Uploads and deletions take no such key.
    kit.open_bucket("open").await;
    for (method, path) in [("PUT", "/v1/files/open/x"), ("DELETE", "/v1/files/open/x")] {
        let reply = kit
            .ask(
                None,
                method,
                path,
                &[("idempotency-key", "0123456789abcdef")],
                b"",
            )
            .await;
        assert_eq!(
            reply.outcome(),
            (400, "invalid_idempotency_key".into()),
            "{method}"
        );
    }
    assert_eq!(kit.count("_files").await, 0);
}
