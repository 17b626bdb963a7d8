//! Records and tables that a caller may not know of: the same bytes as for what is nowhere, on every path there is.

use crate::absent::{NOWHERE, send};
use crate::http::call;
use crate::kit::{Kit, U, V, add_user, anon, both, key, query_string, u, v};
use serde_json::{Value as Json, json};

both!(
    a_new_collection_is_closed_on_every_path,
    a_record_of_another_is_absent_on_every_path,
    the_servers_own_tables_have_no_door,
);

/// Without rules nothing of a collection is there for users, whichever way they come.
async fn a_new_collection_is_closed_on_every_path(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("shelves", json!([{"name": "label", "type": "text"}]))
        .await;
    kit.collection(json!({"name": "books", "fields": [
        {"name": "title", "type": "text"},
        {"name": "shelf", "type": "relation", "collection": "shelves"}
    ]}))
    .await;
    kit.open(
        "loans",
        json!([{"name": "book", "type": "relation", "collection": "books"}]),
    )
    .await;
    let shelf = kit.made("shelves", json!({"label": "s"})).await;
    let book = kit
        .made("books", json!({"title": "unseen", "shelf": shelf}))
        .await;
    kit.made("loans", json!({"book": book})).await;
    let before = kit.dump(&["books", "shelves", "loans"]).await;
    let op = |op: &str, id: &str, data: Json| json!({"operations": [{"op": op, "collection": "books", "id": id, "data": data}]});
    let record = format!("/v1/records/books/{book}");
    let data = json!({"title": "x"});
    for asker in [anon(), u()] {
        for (method, path, body, status) in [
            ("GET", "/v1/records/books", None, 403),
            ("GET", "/v1/records/books?count=exact&limit=1", None, 403),
            ("POST", "/v1/records/books/query", Some(json!({})), 403),
            (
                "POST",
                "/v1/records/books/aggregate",
                Some(json!({"measures": {"n": "count()"}})),
                403,
            ),
            (
                "POST",
                "/v1/records/books/update",
                Some(json!({"filter": "true", "set": data})),
                403,
            ),
            (
                "POST",
                "/v1/records/books/delete",
                Some(json!({"filter": "true"})),
                403,
            ),
            ("POST", "/v1/records/books", Some(data.clone()), 403),
            ("GET", &record, None, 404),
            ("PATCH", &record, Some(data.clone()), 404),
            ("DELETE", &record, None, 404),
            ("PUT", &record, Some(data.clone()), 403),
            (
                "POST",
                "/v1/batch",
                Some(op("create", NOWHERE, data.clone())),
                403,
            ),
            (
                "POST",
                "/v1/batch",
                Some(op("upsert", &book, data.clone())),
                403,
            ),
            (
                "POST",
                "/v1/batch",
                Some(op("update", &book, data.clone())),
                404,
            ),
            ("GET", "/v1/changes?since=0&collections=books", None, 403),
        ] {
            let reply = send(kit, &asker, method, path, body.clone()).await;
            assert_eq!(
                reply.status, status,
                "{method} {path} {body:?}: {}",
                reply.text
            );
            assert!(!reply.text.contains("unseen"), "{}", reply.text);
        }
        let delete = json!({"operations": [{"op": "delete", "collection": "books", "id": book}]});
        assert_eq!(
            send(kit, &asker, "POST", "/v1/batch", Some(delete))
                .await
                .status,
            404
        );
        // Together with a record that may be made.
        let nested = json!({"label": "x", "books_via_shelf": [{"title": "x"}]});
        assert_eq!(
            send(kit, &asker, "POST", "/v1/records/shelves", Some(nested))
                .await
                .status,
            403
        );
        // From what is open, neither forth nor back, nor by a look.
        for (path, want) in [
            ("/v1/records/loans?expand=book", json!({"book": null})),
            (
                "/v1/records/shelves?expand=books_via_shelf",
                json!({"books_via_shelf": null}),
            ),
        ] {
            let reply = send(kit, &asker, "GET", path, None).await;
            assert_eq!(reply.json()["items"][0]["expand"], want, "{path}");
        }
        for (of, filter) in [
            ("loans", "book.title == 'unseen'"),
            ("loans", "book.title != 'x'"),
            ("loans", "!(book.title == 'x')"),
            ("shelves", "books_via_shelf.exists(b, true)"),
            ("shelves", "size(books_via_shelf) > 0"),
            (
                "shelves",
                "collection('books').exists(b, b.title == 'unseen')",
            ),
        ] {
            let items = kit.list(&asker, of, &[("filter", filter)]).await.unwrap();
            assert!(items.is_empty(), "{filter}");
        }
        let all = send(kit, &asker, "GET", "/v1/changes?since=0", None).await;
        assert!(!all.text.contains("unseen"), "{}", all.text);
        let about = json!({"action": "view", "record": book});
        let reply = send(
            kit,
            &asker,
            "POST",
            "/v1/collections/books/explain",
            Some(about),
        )
        .await;
        assert!(matches!(reply.status, 401 | 403), "{}", reply.text);
    }
    assert_eq!(kit.dump(&["books", "shelves", "loans"]).await, before);
}

/// Another's record and one that is nowhere: the same bytes, and nothing of what is in it.
async fn a_record_of_another_is_absent_on_every_path(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "text", "type": "text", "max": 50, "unique": true}
    ]);
    kit.collection(json!({"name": "notes", "fields": fields, "template": "owner"}))
        .await;
    kit.open(
        "links",
        json!([{"name": "note", "type": "relation", "collection": "notes"}]),
    )
    .await;
    let id = kit
        .made("notes", json!({"owner": U, "text": "unseen"}))
        .await;
    let before = kit.dump(&["notes", "links"]).await;
    let one = |op: &str, id: &str, data: Json| {
        let mut operation = json!({"op": op, "collection": "notes", "id": id});
        if !data.is_null() {
            operation["data"] = data;
        }
        Some(json!({"operations": [operation]}))
    };
    let record = "/v1/records/notes/ID";
    let mine = json!({"owner": V, "text": "x"});
    for asker in [v(), anon()] {
        for (method, path, body, headers) in [
            ("GET", record, None, [("accept", "*/*")]),
            (
                "GET",
                "/v1/records/notes/ID?expand=owner",
                None,
                [("accept", "*/*")],
            ),
            (
                "GET",
                "/v1/records/notes/ID?fields=text",
                None,
                [("accept", "*/*")],
            ),
            ("GET", record, None, [("if-none-match", "\"1\"")]),
            (
                "PATCH",
                record,
                Some(json!({"text": "x"})),
                [("accept", "*/*")],
            ),
            (
                "PATCH",
                record,
                Some(json!({"text": "x"})),
                [("if-match", "\"1\"")],
            ),
            (
                "PATCH",
                record,
                Some(json!({"text": "x"})),
                [("if-match", "\"9\"")],
            ),
            (
                "PATCH",
                record,
                Some(json!({"text": "x"})),
                [("prefer", "return=minimal")],
            ),
            ("PATCH", record, Some(mine.clone()), [("accept", "*/*")]),
            ("DELETE", record, None, [("accept", "*/*")]),
            ("DELETE", record, None, [("if-match", "\"1\"")]),
            (
                "POST",
                "/v1/batch",
                one("update", "ID", json!({"text": "x"})),
                [("accept", "*/*")],
            ),
            (
                "POST",
                "/v1/batch",
                one("delete", "ID", Json::Null),
                [("accept", "*/*")],
            ),
        ] {
            let mut told = Vec::new();
            for id in [id.as_str(), NOWHERE] {
                let body = body
                    .clone()
                    .map(|b: Json| b.to_string().replace("ID", id).parse().unwrap());
                let reply =
                    call(kit, &asker, method, &path.replace("ID", id), body, &headers).await;
                assert_eq!(
                    reply.status, 404,
                    "{method} {path} {headers:?}: {}",
                    reply.text
                );
                assert!(reply.etag.is_none() && !reply.text.contains("unseen"));
                told.push(reply.text.replace(id, "ID"));
            }
            assert_eq!(told[0], told[1], "{method} {path}");
        }
        let all = json!({"filter": "true", "set": {"text": "x"}});
        let reply = send(kit, &asker, "POST", "/v1/records/notes/update", Some(all)).await;
        assert_eq!(
            (reply.status, &reply.json()["matched"]),
            (200, &json!(0)),
            "{}",
            reply.text
        );
    }
    assert_eq!(kit.dump(&["notes", "links"]).await, before);
    // Who points at it learns nothing of it.
    kit.create(&v(), "links", json!({"note": id}))
        .await
        .unwrap();
    let reply = send(kit, &v(), "GET", "/v1/records/links?expand=note", None).await;
    assert_eq!(reply.json()["items"][0]["expand"], json!({"note": null}));
}

async fn the_servers_own_tables_have_no_door(kit: &Kit) {
    kit.open("posts", json!([{"name": "a", "type": "text"}]))
        .await;
    let before = kit.dump(&["posts"]).await;
    for (n, name) in [
        "_users",
        "_sessions",
        "_api_keys",
        "_join_x",
        "_collections",
        "_changes",
        "_counters",
        "_audit",
        "_idempotency",
        "_outbox",
        "_schema_versions",
        "_shelf",
        "sqlite_master",
        "pg_class",
        "Posts",
        "posts%22",
        "posts;--",
        "%00",
    ]
    .into_iter()
    .enumerate()
    {
        let of = |rest: &str| format!("/v1/records/{name}{rest}");
        let (id, data) = (format!("/{NOWHERE}"), Some(json!({"a": "x"})));
        for asker in if n % 2 == 0 { [key()] } else { [u()] } {
            for (method, path, body) in [
                ("GET", of(""), None),
                ("POST", of(""), data.clone()),
                ("POST", of("/query"), Some(json!({}))),
                (
                    "POST",
                    of("/aggregate"),
                    Some(json!({"measures": {"n": "count()"}})),
                ),
                (
                    "POST",
                    of("/update"),
                    Some(json!({"filter": "true", "set": {"a": "x"}})),
                ),
                ("POST", of("/delete"), Some(json!({"filter": "true"}))),
                ("GET", of(&id), None),
                ("PUT", of(&id), data.clone()),
                ("PATCH", of(&id), data.clone()),
                ("DELETE", of(&id), None),
            ] {
                let reply = send(kit, &asker, method, &path, body).await;
                assert!(
                    matches!(reply.status, 400 | 404),
                    "{method} {path}: {} {}",
                    reply.status,
                    reply.text
                );
            }
            if name.contains('%') {
                continue;
            }
            let batch = json!({"operations": [{"op": "create", "collection": name, "data": {}}]});
            assert_eq!(
                send(kit, &asker, "POST", "/v1/batch", Some(batch))
                    .await
                    .status,
                404,
                "{name}"
            );
            let query = query_string(&[("since", "0"), ("collections", name)]);
            let reply = send(kit, &asker, "GET", &format!("/v1/changes?{query}"), None).await;
            assert_eq!(reply.status, 404, "{name}: {}", reply.text);
            let filter = format!("collection({}).exists(x, true)", json!(name));
            let query = query_string(&[("filter", &filter)]);
            let reply = send(
                kit,
                &asker,
                "GET",
                &format!("/v1/records/posts?{query}"),
                None,
            )
            .await;
            assert_eq!(
                reply.fails(),
                (400, "invalid_filter".to_owned()),
                "{filter}"
            );
        }
        let rule = json!({"list": format!("collection({}).exists(x, true)", json!(name))});
        assert!(kit.rules("posts", rule).await.is_err(), "{name}");
    }
    assert_eq!(kit.dump(&["posts"]).await, before);
}
