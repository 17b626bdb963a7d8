//! Downloads: ranges, conditions, caches, and bytes that never mix.

use crate::kit::{Kit, PNG, TOKEN_U, both, now};
use crate::wire::parse;
use serde_json::json;

both!(
    parts_of_a_file,
    conditions_of_reads,
    heads_tell_what_gets_would,
    caches_keep_what_anybody_may_read,
    pages_of_other_origins,
    a_replaced_file_is_read_to_its_end,
    an_object_that_is_gone,
);

async fn parts_of_a_file(kit: &Kit) {
    kit.open_bucket("docs").await;
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let whole = kit.put(None, "docs/x", &bytes).await;
    let tag = whole.header("etag").unwrap().to_owned();
    let get = async |headers: &[(&str, &str)]| {
        kit.ask(None, "GET", "/v1/files/docs/x", headers, b"").await
    };
    let size = bytes.len();
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=131071-131073", 131_071, 131_074),
        ("bytes=1199990-", 1_199_990, size),
        ("bytes=-7", size - 7, size),
        ("bytes=5-99999999", 5, size),
    ] {
        let part = get(&[("range", range)]).await;
        assert_eq!(part.status, 206, "{range}");
        let told = format!("bytes {from}-{}/{size}", to - 1);
        assert_eq!(part.header("content-range"), Some(told.as_str()));
        assert_eq!(
            part.header("content-length"),
            Some((to - from).to_string().as_str())
        );
        assert_eq!(part.header("etag"), Some(tag.as_str()));
        assert!(part.body == bytes[from..to], "{range}");
    }
    // Several ranges, other units and nonsense are answered with the whole.
    for range in ["bytes=0-1,3-4", "lines=0-1", "bytes=9-3", "nonsense"] {
        let all = get(&[("range", range)]).await;
        assert_eq!((all.status, all.body.len()), (200, size), "{range}");
        assert_eq!(all.header("accept-ranges"), Some("bytes"));
    }
    let beyond = get(&[("range", "bytes=1200000-")]).await;
    assert_eq!(beyond.outcome(), (416, "range_not_satisfiable".into()));
    assert_eq!(beyond.header("content-range"), Some("bytes */1200000"));
    // A range is good only for the bytes that the client has a part of.
    let modified = get(&[]).await.header("last-modified").unwrap().to_owned();
    for (validator, want) in [
        (tag.as_str(), 206),
        (&modified, 206),
        ("\"other\"", 200),
        (&format!("W/{tag}"), 200),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 200),
    ] {
        let reply = get(&[("range", "bytes=0-3"), ("if-range", validator)]).await;
        assert_eq!(reply.status, want, "{validator}");
    }
}

async fn conditions_of_reads(kit: &Kit) {
    kit.open_bucket("docs").await;
    let tag = kit
        .put(None, "docs/x", b"x")
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let modified = kit
        .get(None, "/v1/files/docs/x")
        .await
        .header("last-modified")
        .unwrap()
        .to_owned();
    let weak = format!("W/{tag}");
    let cases = [
        ("if-none-match", tag.as_str(), 304),
        ("if-none-match", &weak, 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"other\"", 200),
        ("if-modified-since", &modified, 304),
        ("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("if-modified-since", "yesterday", 200),
        ("if-match", &tag, 200),
        ("if-match", "*", 200),
        ("if-match", &weak, 412),
        ("if-unmodified-since", &modified, 200),
        ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT", 412),
    ];
    for method in ["GET", "HEAD"] {
        for (name, value, want) in cases {
            let reply = kit
                .ask(None, method, "/v1/files/docs/x", &[(name, value)], b"")
                .await;
            assert_eq!(reply.status, want, "{method} {name}: {value}");
            if want == 304 {
                assert_eq!(
                    (reply.header("etag"), reply.body.len()),
                    (Some(tag.as_str()), 0)
                );
            }
        }
    }
    // The tag speaks, where both are sent.
    let both = [
        ("if-none-match", "\"other\""),
        ("if-modified-since", modified.as_str()),
    ];
    assert_eq!(
        kit.ask(None, "GET", "/v1/files/docs/x", &both, b"")
            .await
            .status,
        200
    );
}

async fn heads_tell_what_gets_would(kit: &Kit) {
    kit.open_bucket("docs").await;
    kit.bucket(json!({"name": "closed"})).await;
    let id = kit
        .put(None, "docs/x.png", &[PNG, &[0; 500_000]].concat())
        .await
        .id();
    kit.put(Some(&kit.key), "closed/x", b"x").await;
    for path in ["/v1/files/docs/x.png".to_owned(), format!("/v1/files/{id}")] {
        let (get, head) = (
            kit.get(None, &path).await,
            kit.ask(None, "HEAD", &path, &[], b"").await,
        );
        assert_eq!((get.status, head.status, head.body.len()), (200, 200, 0));
        let told = |reply: &crate::wire::Reply| {
            let rest = |(n, _): &&(String, String)| n != "date" && n != "x-request-id";
            let mut all: Vec<_> = reply.headers.iter().filter(rest).cloned().collect();
            all.sort();
            all
        };
        assert_eq!(told(&get), told(&head));
        assert_eq!(
            get.body.len().to_string(),
            head.header("content-length").unwrap()
        );
    }
    for path in ["/v1/files/closed/x", "/v1/files/docs/none"] {
        let head = kit.ask(None, "HEAD", path, &[], b"").await;
        assert_eq!((head.status, head.body.len()), (404, 0), "{path}");
        let part = kit
            .ask(None, "GET", path, &[("range", "bytes=0-0")], b"")
            .await;
        assert_eq!(part.outcome(), (404, "file_not_found".into()), "{path}");
    }
}

async fn caches_keep_what_anybody_may_read(kit: &Kit) {
    kit.open_bucket("open").await;
    let rules =
        json!({"view": "auth.id != null || request.ip_network == '127.0.0.1'", "create": "true"});
    kit.bucket(json!({"name": "mine", "rules": rules})).await;
    kit.put(None, "open/x", b"x").await;
    kit.put(None, "mine/x", b"x").await;
    let public = (Some("public, max-age=60"), Some("cross-origin"));
    let private = (Some("private, no-cache"), Some("same-origin"));
    for (path, token, want) in [
        ("/v1/files/open/x", None, public),
        ("/v1/files/open/x", Some(TOKEN_U), public),
        ("/v1/files/mine/x", Some(TOKEN_U), private),
        // Nobody is signed in, and yet it is not for anybody: the rule looks at where the request comes from.
        ("/v1/files/mine/x", None, private),
        ("/v1/files/mine/x", Some(&kit.key), private),
    ] {
        let reply = kit.get(token, path).await;
        assert_eq!(reply.status, 200, "{path}");
        let told = (
            reply.header("cache-control"),
            reply.header("cross-origin-resource-policy"),
        );
        assert_eq!(told, want, "{path} {token:?}");
    }
    // A refusal is kept by nobody.
    assert_eq!(
        kit.get(None, "/v1/files/open/none")
            .await
            .header("cache-control"),
        Some("no-store")
    );
}

async fn pages_of_other_origins(kit: &Kit) {
    kit.open_bucket("open").await;
    kit.put(None, "open/x", b"x").await;
    let origin = ("origin", "https://shop.example");
    let reply = kit
        .ask(None, "GET", "/v1/files/open/x", &[origin], b"")
        .await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    let preflight = [origin, ("access-control-request-method", "PUT")];
    let reply = kit
        .ask(None, "OPTIONS", "/v1/files/open/x", &preflight, b"")
        .await;
    assert_eq!(
        (reply.status, reply.header("access-control-allow-methods")),
        (204, None)
    );
}

async fn a_replaced_file_is_read_to_its_end(kit: &Kit) {
    kit.open_bucket("docs").await;
    let old = vec![1; 24_000_000];
    kit.put(None, "docs/x", &old).await;
    let mut wire = kit.wire().await;
    wire.head("GET", "/p/shop/v1/files/docs/x", None, &[]).await;
    let mut got = wire.some(100_000).await;
    // The reader is slow. Meanwhile the file is replaced, then deleted, and its objects with it.
    assert_eq!(
        kit.put(None, "docs/x", &vec![2; 24_000_000]).await.status,
        200
    );
    assert_eq!(kit.delete(None, "/v1/files/docs/x").await.0, 204);
    kit.tick(now()).await;
    assert_eq!(kit.objects(), [""; 0]);
    loop {
        let more = wire.some(1_000_000).await;
        if more.is_empty() {
            break;
        }
        got.extend_from_slice(&more);
    }
    let reply = parse(&got);
    assert_eq!((reply.status, reply.body.len()), (200, old.len()));
    assert!(reply.body == old, "the bytes are of one file");
    assert_eq!(
        kit.get(None, "/v1/files/docs/x").await.outcome(),
        (404, "file_not_found".into())
    );
}

async fn an_object_that_is_gone(kit: &Kit) {
    kit.open_bucket("docs").await;
    kit.put(None, "docs/x", b"x").await;
    std::fs::remove_dir_all(kit.folder()).unwrap();
    // A fault of ours, told as one, without a word of the file system.
    let reply = kit.get(None, "/v1/files/docs/x").await;
    assert_eq!(reply.outcome(), (500, "internal".into()));
    assert!(!String::from_utf8_lossy(&reply.body).contains(kit.dir.path().to_str().unwrap()));
    // And it heals by a replacement.
    assert_eq!(kit.put(None, "docs/x", b"y").await.status, 200);
    assert_eq!(kit.get(None, "/v1/files/docs/x").await.body, b"y");
}
