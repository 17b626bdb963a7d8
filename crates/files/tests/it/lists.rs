//! Lists: the rule, the filter, the prefix, the order, and pages that miss nothing and repeat nothing.

use crate::kit::{Kit, PNG, TOKEN_U, TOKEN_V, both};
use serde_json::{Value as Json, json};

both!(
    rules_and_filters,
    pages_in_every_order,
    prefixes,
    what_is_no_query
);

fn encode(text: &str) -> String {
    let byte = |b: u8| {
        if b.is_ascii_alphanumeric() {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    };
    text.bytes().map(byte).collect()
}

async fn list(kit: &Kit, token: Option<&str>, query: &[(&str, &str)]) -> Json {
    let query: Vec<String> = query
        .iter()
        .map(|(n, v)| format!("{n}={}", encode(v)))
        .collect();
    let reply = kit
        .get(token, &format!("/v1/buckets/b/files?{}", query.join("&")))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.json());
    reply.json()
}

async fn paths(kit: &Kit, token: Option<&str>, query: &[(&str, &str)]) -> Vec<String> {
    let items = list(kit, token, query).await["items"].clone();
    let path = |item: &Json| item["path"].as_str().unwrap().to_owned();
    items.as_array().unwrap().iter().map(path).collect()
}

async fn rules_and_filters(kit: &Kit) {
    let rules = json!({"list": "uploader == auth.id || path.startsWith('public/')", "create": "true", "view": "false"});
    kit.bucket(json!({"name": "b", "rules": rules})).await;
    kit.open_bucket("other").await;
    kit.put(None, "other/public/z", b"z").await;
    kit.put(Some(TOKEN_U), "b/u", b"12345").await;
    kit.put(Some(TOKEN_V), "b/v", PNG).await;
    kit.put(None, "b/public/p", PNG).await;
    kit.put(None, "b/hidden", b"x").await;
    assert_eq!(paths(kit, None, &[]).await, ["public/p"]);
    assert_eq!(paths(kit, Some(TOKEN_U), &[]).await, ["public/p", "u"]);
    assert_eq!(
        paths(kit, Some(&kit.key), &[]).await,
        ["hidden", "public/p", "u", "v"]
    );
    let key = Some(kit.key.as_str());
    for (filter, want) in [
        ("size_bytes > 4", vec!["public/p", "u", "v"]),
        ("content_type == 'image/png'", vec!["public/p", "v"]),
        (
            "uploader == '01990000-0000-7000-8000-0000000000aa'",
            vec!["u"],
        ),
        ("uploader == null", vec!["hidden", "public/p"]),
        ("path.endsWith('p') && created_at <= now", vec!["public/p"]),
        ("bucket != 'b'", vec![]),
    ] {
        assert_eq!(
            paths(kit, key, &[("filter", filter)]).await,
            want,
            "{filter}"
        );
    }
    // A filter narrows what the rule shows and never widens it; the count is of what is shown.
    assert_eq!(
        paths(kit, Some(TOKEN_U), &[("filter", "true || path == 'v'")])
            .await
            .len(),
        2
    );
    let counted = list(kit, Some(TOKEN_U), &[("count", "exact"), ("limit", "1")]).await;
    assert_eq!(
        (
            &counted["total"],
            counted["items"].as_array().unwrap().len()
        ),
        (&json!(2), 1)
    );
    let uncounted = list(kit, None, &[]).await;
    assert!(uncounted.get("total").is_none() && uncounted["next_cursor"].is_null());
}

async fn pages_in_every_order(kit: &Kit) {
    kit.open_bucket("b").await;
    // Equal sizes and types, so that the id decides.
    for n in 0..11_u8 {
        let body = vec![n; usize::from(n % 3) + 1];
        kit.put(None, &format!("b/{}", char::from(b'k' - n)), &body)
            .await;
    }
    for sort in [
        "",
        "path",
        "-path",
        "id",
        "-id",
        "size_bytes",
        "-size_bytes",
        "content_type,-size_bytes",
        "-size_bytes,created_at",
        "size_bytes,-path",
        "updated_at",
        "-created_at",
    ] {
        let whole = paths(kit, None, &[("sort", sort)]).await;
        assert_eq!(whole.len(), 11, "{sort}");
        let (mut walked, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("sort", sort), ("limit", "2")];
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let page = list(kit, None, &query).await;
            for item in page["items"].as_array().unwrap() {
                walked.push(item["path"].as_str().unwrap().to_owned());
            }
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(walked, whole, "{sort}");
    }
    let ordered = paths(kit, None, &[("sort", "-size_bytes,path")]).await;
    assert_eq!(
        ordered.concat(),
        "cfi".to_owned() + "adgj" + "behk",
        "{ordered:?}"
    );
    // A cursor is good for its own question only.
    let cursor = list(kit, None, &[("limit", "2")]).await["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    for (token, more) in [
        (None, ("sort", "-path")),
        (None, ("filter", "size_bytes > 0")),
        (None, ("prefix", "a")),
        (Some(TOKEN_U), ("limit", "2")),
    ] {
        let path = format!(
            "/v1/buckets/b/files?cursor={cursor}&{}={}",
            more.0,
            encode(more.1)
        );
        assert_eq!(
            kit.get(token, &path).await.outcome(),
            (400, "cursor_mismatch".into()),
            "{more:?}"
        );
    }
    let forged = kit
        .get(None, &format!("/v1/buckets/b/files?cursor={cursor}A"))
        .await;
    assert_eq!(forged.outcome(), (400, "invalid_cursor".into()));
}

async fn prefixes(kit: &Kit) {
    kit.open_bucket("b").await;
    for path in [
        "a",
        "a/1",
        "a/2",
        "a0",
        "ab",
        "B",
        "%C3%BC/1",
        "a%25",
        "a_",
        "a/%F4%8F%BF%BF",
    ] {
        assert_eq!(
            kit.put(None, &format!("b/{path}"), b"x").await.status,
            201,
            "{path}"
        );
    }
    for (prefix, want) in [
        ("a/", vec!["a/1", "a/2", "a/\u{10ffff}"]),
        (
            "a",
            vec!["a", "a%", "a/1", "a/2", "a/\u{10ffff}", "a0", "a_", "ab"],
        ),
        ("a%", vec!["a%"]),
        ("a_", vec!["a_"]),
        ("u\u{308}", vec!["ü/1"]),
        ("a/\u{10ffff}", vec!["a/\u{10ffff}"]),
        ("none", vec![]),
        ("'; DROP TABLE x; --", vec![]),
    ] {
        assert_eq!(
            paths(kit, None, &[("prefix", prefix)]).await,
            want,
            "{prefix}"
        );
    }
    assert_eq!(paths(kit, None, &[("prefix", "")]).await.len(), 10);
}

async fn what_is_no_query(kit: &Kit) {
    kit.open_bucket("b").await;
    for (query, code) in [
        ("sort=uploader", "invalid_sort"),
        ("sort=sha256", "invalid_sort"),
        ("sort=object", "invalid_sort"),
        ("sort=path,path", "invalid_sort"),
        ("sort=path%22", "invalid_sort"),
        ("filter=object%20!=%20null", "invalid_filter"),
        ("filter=sha256%20==%20%27x%27", "invalid_filter"),
        ("filter=nope", "invalid_filter"),
        ("filter=path%20==", "invalid_filter"),
        ("filter=uploader%20==%20%27x%27", "invalid_filter"),
        ("filter=auth.id%20==%20params.x", "invalid_filter"),
        ("filter=a%00", "invalid_parameter"),
        ("prefix=a%00", "invalid_parameter"),
        ("prefix=a&prefix=b", "invalid_parameter"),
        ("limit=0", "invalid_parameter"),
        ("limit=1001", "invalid_parameter"),
        ("count=all", "invalid_parameter"),
        ("fields=id", "invalid_parameter"),
        ("cursor=x", "invalid_cursor"),
    ] {
        // U+0000 does not come through the front door in a path; in a query it is the operation's to refuse.
        let reply = kit.get(None, &format!("/v1/buckets/b/files?{query}")).await;
        assert_eq!(reply.outcome(), (400, code.to_owned()), "{query}");
    }
    let none = kit.get(None, "/v1/buckets/none/files").await;
    assert_eq!(none.outcome(), (404, "bucket_not_found".into()));
    let deep = format!("{}true{}", "(".repeat(3_000), ")".repeat(3_000));
    let deep = kit
        .get(None, &format!("/v1/buckets/b/files?filter={deep}"))
        .await;
    assert_eq!(deep.outcome(), (400, "invalid_filter".into()));
}
