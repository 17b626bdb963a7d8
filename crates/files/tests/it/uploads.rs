//! Uploads: what is made, replaced and refused, and that a refusal leaves nothing.

use crate::kit::{Kit, PNG, TOKEN_U, TOKEN_V, U, V, asker, both, now, user};
use bytes::Bytes;
use files::{Condition, FilePath, Put};
use futures_util::StreamExt;
use serde_json::{Value as Json, json};
use std::time::Duration;

both!(
    a_round_trip,
    a_replacement_keeps_the_id,
    sizes_are_limited_while_they_come,
    types_are_limited_by_content,
    rules_see_the_whole_row,
    refused_before_the_first_byte,
    rules_are_asked_in_the_transaction,
    lengths_that_lie,
    one_path_many_uploads,
    attachments_need_a_user,
);

async fn a_round_trip(kit: &Kit) {
    kit.open_bucket("docs").await;
    let kind = [("content-type", "text/plain; charset=utf-8")];
    let made = kit
        .ask(
            Some(TOKEN_U),
            "PUT",
            "/v1/files/docs/a%2Fb%20c.txt",
            &kind,
            b"hello",
        )
        .await;
    assert_eq!(made.status, 201);
    let view = made.json();
    assert_eq!(view["bucket"], "docs");
    assert_eq!(view["path"], "a/b c.txt");
    assert_eq!(view["size_bytes"], 5);
    assert_eq!(view["content_type"], "text/plain");
    assert_eq!(
        view["sha256"],
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
    assert_eq!(view["uploader"], U.to_string());
    assert_eq!(view["created_at"], view["updated_at"]);
    assert_eq!(
        made.header("etag"),
        Some("\"2cf24dba5fb0a30e26e83b2ac5b9e29e\"")
    );
    let id = view["id"].as_str().unwrap();
    // By either spelling of the path, by the id, and what is known of it.
    for path in [
        "/v1/files/docs/a/b%20c.txt",
        "/v1/files/docs/a%2fb%20c.txt",
        &format!("/v1/files/{id}"),
    ] {
        let got = kit.get(None, path).await;
        assert_eq!(
            (got.status, got.body.as_slice()),
            (200, &b"hello"[..]),
            "{path}"
        );
    }
    let known = kit.get(None, &format!("/v1/buckets/docs/files/{id}")).await;
    assert_eq!(known.json(), view);
    let elsewhere = kit
        .get(None, &format!("/v1/buckets/other/files/{id}"))
        .await;
    assert_eq!(elsewhere.outcome(), (404, "file_not_found".into()));
    // Nothing, and by whom nobody answers.
    let empty = kit.put(None, "docs/empty", b"").await;
    assert_eq!(
        (empty.status, empty.json()["size_bytes"].clone()),
        (201, json!(0))
    );
    assert_eq!(empty.json()["uploader"], Json::Null);
    let got = kit.get(None, "/v1/files/docs/empty").await;
    assert_eq!((got.status, got.header("content-length")), (200, Some("0")));
    // The object's name has nothing of the caller's.
    assert_eq!(kit.objects().len(), 2);
    assert!(
        kit.objects()
            .iter()
            .all(|name| kernel::parse_id(name).is_some())
    );
    // Methods that are not there are told, however deep the path is.
    let wrong = kit
        .ask(None, "POST", "/v1/files/docs/a/b/c", &[], b"")
        .await;
    assert_eq!(wrong.outcome(), (405, "method_not_allowed".into()));
    assert_eq!(wrong.header("allow"), Some("GET, HEAD, PUT, DELETE"));
}

async fn a_replacement_keeps_the_id(kit: &Kit) {
    kit.open_bucket("docs").await;
    let first = kit.put(Some(TOKEN_U), "docs/x", b"one").await.json();
    let old = kit.objects();
    tokio::time::sleep(Duration::from_millis(2)).await;
    let second = kit.put(Some(TOKEN_V), "docs/x", PNG).await;
    assert_eq!(second.status, 200);
    let second = second.json();
    assert_eq!(
        (&second["id"], &second["created_at"]),
        (&first["id"], &first["created_at"])
    );
    assert!(second["updated_at"].as_str() > first["updated_at"].as_str());
    assert_eq!(
        (&second["content_type"], &second["uploader"]),
        (&json!("image/png"), &json!(V))
    );
    // The old object waits in the outbox, and goes with the next tick.
    assert_eq!(kit.objects().len(), 2);
    assert_eq!(kit.project.db.effects_waiting().await.unwrap(), 1);
    assert_eq!(kit.files.woken().await, ["shop"]);
    kit.tick(now()).await;
    assert_eq!(kit.project.db.effects_waiting().await.unwrap(), 0);
    assert_eq!(kit.objects().len(), 1);
    assert_ne!(kit.objects(), old);
    assert_eq!(kit.get(None, "/v1/files/docs/x").await.body, PNG);
    // A key acts for whoever owns the file.
    let third = kit.put(Some(&kit.key), "docs/x", b"three").await.json();
    assert_eq!(third["uploader"], json!(V));
    assert_eq!(
        kit.put(Some(&kit.key), "docs/y", b"y").await.json()["uploader"],
        Json::Null
    );
}

async fn sizes_are_limited_while_they_come(kit: &Kit) {
    let all = json!({"create": "true", "update": "true", "view": "true"});
    kit.bucket(json!({"name": "small", "rules": all, "limits": {"size_bytes_max": 1000}}))
        .await;
    assert_eq!(kit.put(None, "small/x", &[7; 1000]).await.status, 201);
    assert_eq!(
        kit.put(None, "small/y", &[7; 1001]).await.outcome(),
        (413, "body_too_large".into())
    );
    // A length that is announced is refused before a byte is sent.
    let mut wire = kit.wire().await;
    wire.head(
        "PUT",
        "/p/shop/v1/files/small/y",
        None,
        &[("content-length", "1001")],
    )
    .await;
    assert_eq!(wire.reply().await.outcome(), (413, "body_too_large".into()));
    // One that is not is refused as soon as it is passed, with more to come.
    let mut wire = kit.wire().await;
    wire.head(
        "PUT",
        "/p/shop/v1/files/small/y",
        None,
        &[("transfer-encoding", "chunked")],
    )
    .await;
    let chunk = [&b"258\r\n"[..], &[7; 600], b"\r\n"].concat();
    wire.bytes(&chunk).await.unwrap();
    wire.bytes(&chunk).await.unwrap();
    assert_eq!(wire.reply().await.outcome(), (413, "body_too_large".into()));
    assert_eq!(kit.count("_files").await, 1);
    kit.objects_become(1).await;
    // A limit that was set meanwhile holds of a replacement.
    kit.json(
        "PATCH",
        "/v1/buckets/small",
        json!({"limits": {"size_bytes_max": 10}}),
    )
    .await;
    assert_eq!(kit.put(None, "small/x", &[7; 11]).await.status, 413);
    assert_eq!(kit.get(None, "/v1/files/small/x").await.body, [7; 1000]);
}

async fn types_are_limited_by_content(kit: &Kit) {
    let rules = json!({"create": "true", "view": "true"});
    kit.bucket(json!({"name": "pics", "rules": rules, "limits": {"content_types": ["image/*"]}}))
        .await;
    let declared = [("content-type", "image/png")];
    let ask = async |body: &[u8]| {
        kit.ask(None, "PUT", "/v1/files/pics/x.png", &declared, body)
            .await
            .outcome()
    };
    for bad in [
        &b"<!DOCTYPE html><script>"[..],
        b"alert(1)",
        b"%PDF-1.7",
        b"",
        &[b'a'; 20_000],
    ] {
        assert_eq!(ask(bad).await, (415, "unsupported_media_type".into()));
    }
    kit.objects_become(0).await;
    assert_eq!(ask(PNG).await.0, 201);
    let long = [PNG, &[0; 20_000]].concat();
    let reply = kit
        .ask(
            None,
            "PUT",
            "/v1/files/pics/y",
            &[("content-type", "text/html")],
            &long,
        )
        .await;
    assert_eq!(
        (reply.status, &reply.json()["content_type"]),
        (201, &json!("image/png"))
    );
}

async fn rules_see_the_whole_row(kit: &Kit) {
    let create = "size_bytes < 100 && content_type == 'image/png' && path.startsWith('in/') && uploader == auth.id && bucket == 'r' && created_at == now";
    let update = "uploader == auth.id && next.size_bytes > size_bytes && next.id == id && next.created_at == created_at";
    kit.bucket(json!({"name": "r", "rules": {"create": create, "update": update, "view": "true"}}))
        .await;
    let denied = (403, "rule_denied".to_owned());
    let put = async |token, path: &str, body: &[u8]| kit.put(token, path, body).await.outcome();
    assert_eq!(put(None, "r/in/x", PNG).await, denied);
    assert_eq!(put(Some(TOKEN_U), "r/out/x", PNG).await, denied);
    assert_eq!(put(Some(TOKEN_U), "r/in/x", b"text").await, denied);
    assert_eq!(
        put(Some(TOKEN_U), "r/in/x", &[PNG, &[0; 100]].concat()).await,
        denied
    );
    assert_eq!(put(Some(TOKEN_U), "r/in/x", PNG).await.0, 201);
    assert_eq!(
        put(Some(TOKEN_V), "r/in/x", &[PNG, &[0; 9]].concat()).await,
        denied
    );
    assert_eq!(put(Some(TOKEN_U), "r/in/x", PNG).await, denied);
    assert_eq!(
        put(Some(TOKEN_U), "r/in/x", &[PNG, &[0; 9]].concat())
            .await
            .0,
        200
    );
    assert_eq!(kit.count("_files").await, 1);
    // The replaced object alone waits.
    kit.objects_become(2).await;
    // Without a length the size is known at the end, and the rule is asked then.
    let mut wire = kit.wire().await;
    let chunked = [("transfer-encoding", "chunked")];
    wire.head("PUT", "/p/shop/v1/files/r/in/y", Some(TOKEN_U), &chunked)
        .await;
    let body = [b"96\r\n", PNG, &vec![0; 150 - PNG.len()], b"\r\n0\r\n\r\n"].concat();
    wire.bytes(&body).await.unwrap();
    assert_eq!(wire.reply().await.outcome(), denied);
    kit.objects_become(2).await;
    // An update rule that names no `next` holds of the row before and after.
    let own =
        json!({"rules": {"create": "true", "update": "path.startsWith('in/') && size_bytes < 30"}});
    kit.json("PATCH", "/v1/buckets/r", own).await;
    kit.put(None, "r/in/z", &[7; 10]).await;
    assert_eq!(put(None, "r/in/z", &[7; 40]).await, denied);
    assert_eq!(put(None, "r/in/z", &[7; 20]).await.0, 200);
}

async fn refused_before_the_first_byte(kit: &Kit) {
    kit.bucket(json!({"name": "r", "rules": {"create": "auth.id != null && size_bytes < 1000"}}))
        .await;
    kit.put(Some(&kit.key), "r/there", b"x").await;
    let cases = [
        ("r/x", None, "500", (403, "rule_denied")),
        ("r/x", Some(TOKEN_U), "5000", (403, "rule_denied")),
        ("r/there", Some(TOKEN_U), "5", (403, "rule_denied")),
        ("none/x", Some(TOKEN_U), "5", (404, "bucket_not_found")),
        ("r/../x", Some(TOKEN_U), "5", (400, "bad_request")),
        ("r/x/", Some(TOKEN_U), "5", (400, "invalid_path")),
        ("r/x", Some("u-nonsense"), "5", (401, "unauthenticated")),
    ];
    for (path, token, length, want) in cases {
        let mut wire = kit.wire().await;
        let head = [("content-length", length)];
        wire.head("PUT", &format!("/p/shop/v1/files/{path}"), token, &head)
            .await;
        // Not a byte was sent, and the answer is there.
        let got = tokio::time::timeout(Duration::from_secs(5), wire.reply()).await;
        assert_eq!(
            got.unwrap().outcome(),
            (want.0, want.1.to_owned()),
            "{path}"
        );
    }
    kit.objects_become(1).await;
}

async fn rules_are_asked_in_the_transaction(kit: &Kit) {
    kit.open_bucket("docs").await;
    // While the bytes are on their way, the bucket is closed by another process, behind this one's copies.
    let (send, body) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let body =
        futures_util::stream::unfold(body, async |mut body| Some((Ok(body.recv().await?), body)));
    let put = Put {
        bucket: "docs".to_owned(),
        path: FilePath::parse("x").unwrap(),
        length: None,
        declared: None,
        condition: Condition::default(),
    };
    let asker = asker(user(U));
    let upload = kit
        .files
        .put(&kit.project, &asker, put.clone(), body.boxed_local());
    let meddle = async {
        send.send(Bytes::from_static(b"one")).unwrap();
        // It is staged: what could be asked before the first byte was asked.
        kit.objects_become(1).await;
        let closed = json!({"rules": {"view": "true"}, "limits": {}});
        kit.sql(format!(
            r#"UPDATE "project"."_buckets" SET definition = '{closed}', version = version + 1"#
        ))
        .await;
        drop(send);
    };
    let (put_result, ()) = futures_util::future::join(upload, meddle).await;
    assert!(
        matches!(put_result, Err(files::FilesError::Denied)),
        "{put_result:?}"
    );
    assert_eq!(kit.count("_files").await, 0);
    kit.objects_become(0).await;
    // Likewise a file that comes to the path meanwhile is the one that the update rule is asked of.
    let rules = json!({"rules": {"create": "true", "update": "uploader == auth.id", "view": "true"}, "limits": {}});
    kit.sql(format!(
        r#"UPDATE "project"."_buckets" SET definition = '{rules}', version = version + 1"#
    ))
    .await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let (send, body) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let body =
        futures_util::stream::unfold(body, async |mut body| Some((Ok(body.recv().await?), body)));
    let upload = kit.files.put(&kit.project, &asker, put, body.boxed_local());
    let meddle = async {
        send.send(Bytes::from_static(b"mine")).unwrap();
        // It is staged: what could be asked before the first byte was asked.
        kit.objects_become(1).await;
        assert_eq!(
            kit.put(Some(TOKEN_V), "docs/x", b"theirs").await.status,
            201
        );
        drop(send);
    };
    let (put_result, ()) = futures_util::future::join(upload, meddle).await;
    assert!(
        matches!(put_result, Err(files::FilesError::Denied)),
        "{put_result:?}"
    );
    assert_eq!(kit.get(None, "/v1/files/docs/x").await.body, b"theirs");
    kit.objects_become(1).await;
}

async fn lengths_that_lie(kit: &Kit) {
    kit.open_bucket("docs").await;
    let mut wire = kit.wire().await;
    wire.head(
        "PUT",
        "/p/shop/v1/files/docs/x",
        None,
        &[("content-length", "100")],
    )
    .await;
    wire.bytes(&[7; 60]).await.unwrap();
    wire.close_sending().await;
    assert_eq!(wire.reply().await.outcome(), (400, "bad_request".into()));
    // In-process callers can lie in the other direction too.
    for (length, sent) in [(3, &b"four"[..]), (5, b"four"), (0, b"x")] {
        let put = Put {
            bucket: "docs".to_owned(),
            path: FilePath::parse("x").unwrap(),
            length: Some(length),
            declared: None,
            condition: Condition::default(),
        };
        let body = futures_util::stream::iter([Ok(Bytes::copy_from_slice(sent))]).boxed_local();
        let result = kit
            .files
            .put(&kit.project, &asker(user(U)), put, body)
            .await;
        assert!(
            matches!(result, Err(files::FilesError::OtherLength)),
            "{result:?}"
        );
    }
    for bad in ["-1", "x", "1, 2", "18446744073709551616"] {
        let mut wire = kit.wire().await;
        wire.head(
            "PUT",
            "/p/shop/v1/files/docs/x",
            None,
            &[("content-length", bad)],
        )
        .await;
        let mut wire_reply = wire.some(64).await;
        wire_reply.truncate(12);
        assert_eq!(
            String::from_utf8_lossy(&wire_reply),
            "HTTP/1.1 400",
            "{bad}"
        );
    }
    assert_eq!(kit.count("_files").await, 0);
    kit.objects_become(0).await;
}

async fn one_path_many_uploads(kit: &Kit) {
    kit.open_bucket("docs").await;
    let bodies: Vec<Vec<u8>> = (0..12).map(|n| vec![n; 3_000]).collect();
    let puts = bodies
        .iter()
        .map(|body| kit.put(Some(TOKEN_U), "docs/x", body));
    let replies = futures_util::future::join_all(puts).await;
    let made = replies.iter().filter(|r| r.status == 201).count();
    assert_eq!(
        made,
        1,
        "{:?}",
        replies.iter().map(|r| r.status).collect::<Vec<_>>()
    );
    assert!(replies.iter().all(|r| matches!(r.status, 200 | 201)));
    assert!(replies.iter().all(|r| r.id() == replies[0].id()));
    kit.tick(now()).await;
    assert_eq!(kit.objects().len(), 1);
    let got = kit.get(None, "/v1/files/docs/x").await;
    assert!(bodies.contains(&got.body));
}

async fn attachments_need_a_user(kit: &Kit) {
    kit.bucket(json!({"name": "att", "kind": "attachments", "rules": {"create": "true"}}))
        .await;
    assert_eq!(
        kit.put(None, "att/x", b"x").await.outcome(),
        (401, "unauthenticated".into())
    );
    assert_eq!(kit.put(Some(TOKEN_U), "att/x", b"x").await.status, 201);
    assert_eq!(kit.put(Some(&kit.key), "att/y", b"y").await.status, 201);
}
