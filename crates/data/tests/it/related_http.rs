//! Lists in a body and expansions over HTTP, and what the document says of both.

use crate::http::call;
use crate::kit::{Kit, anon, both, key};
use crate::related::blog;
use serde_json::{Value as Json, json};

both!(a_body_lists, the_document_types_what_comes_along);

async fn a_body_lists(kit: &Kit) {
    let blog = blog(kit).await;
    let query = async |body: Json| {
        let path = "/v1/records/posts/query";
        call(kit, &anon(), "POST", path, Some(body), &[]).await
    };
    let body = json!({"sort": "title", "limit": 1, "expand": {"comments_via_post": {"limit": 2, "fields": ["n"]}}});
    let got = query(body.clone()).await;
    let address = "/v1/records/posts?sort=title&limit=1&expand=comments_via_post(limit:2,fields:n)";
    let list = call(kit, &anon(), "GET", address, None, &[]).await;
    assert_eq!((got.status, &got.text), (200, &list.text));
    assert_eq!(got.etag, None);
    // The cursor of a body goes on in an address, and the other way round.
    let cursor = got.json()["next_cursor"].as_str().unwrap().to_owned();
    let mut next = body.clone();
    next["cursor"] = json!(cursor);
    let next = query(next).await;
    let address = format!("{address}&cursor={cursor}");
    assert_eq!(
        next.text,
        call(kit, &anon(), "GET", &address, None, &[]).await.text
    );
    assert_eq!(next.json()["items"][0]["id"], json!(blog.posts[1]));
    // A read: nothing is written, and no key is needed to do it twice.
    assert_eq!(query(body).await.text, got.text);
    for (body, status, code) in [
        (json!({"limit": 0}), 422, "validation_failed"),
        (json!({"limits": 1}), 400, "unknown_field"),
        (
            json!({"expand": {"secret": true}}),
            400,
            "invalid_parameter",
        ),
        (json!({"filter": "secret == 's'"}), 400, "invalid_filter"),
        (json!({"sort": ["author.secret"]}), 400, "invalid_sort"),
    ] {
        assert_eq!(query(body).await.fails(), (status, code.into()));
    }
    let strange = call(
        kit,
        &anon(),
        "POST",
        "/v1/records/nothing/query",
        Some(json!({})),
        &[],
    )
    .await;
    assert_eq!(strange.fails(), (404, "collection_not_found".into()));
    // The word stands for no record.
    let got = call(kit, &key(), "GET", "/v1/records/posts/query", None, &[]).await;
    assert_eq!(got.fails(), (404, "record_not_found".into()));
    kit.rules("posts", json!({"list": null})).await.unwrap();
    assert_eq!(query(json!({})).await.fails(), (403, "rule_denied".into()));
    // A record with what comes along has no tag.
    kit.rules("posts", json!({"view": "true"})).await.unwrap();
    let path = format!(
        "/v1/records/posts/{}?expand=comments_via_post(filter:n < params.n)&params.n=1",
        blog.posts[0]
    );
    let got = call(
        kit,
        &anon(),
        "GET",
        &path.replace(' ', "%20").replace('<', "%3C"),
        None,
        &[],
    )
    .await;
    assert_eq!((got.status, got.etag.as_deref()), (200, None));
    assert_eq!(
        got.json()["expand"]["comments_via_post"]["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

async fn the_document_types_what_comes_along(kit: &Kit) {
    blog(kit).await;
    let schema = kit.data.schema(&kit.project).await.unwrap();
    let (paths, schemas) = data::openapi::document(&schema, &std::collections::BTreeSet::new());
    let maybe =
        |name: &str| json!([{"$ref": format!("#/components/schemas/{name}")}, {"type": "null"}]);
    let expand = &schemas["Post"]["properties"]["expand"]["properties"];
    assert_eq!(expand["author"]["anyOf"], maybe("Author"));
    assert_eq!(expand["comments_via_post"]["anyOf"], maybe("CommentPage"));
    assert_eq!(expand.as_object().unwrap().len(), 3, "{expand}");
    // By reference it goes on: a comment's author's team, and round again.
    let page = &schemas["CommentPage"]["properties"]["items"]["items"];
    assert_eq!(page["$ref"], "#/components/schemas/Comment");
    let comment = &schemas["Comment"]["properties"]["expand"]["properties"];
    assert_eq!(comment["author"]["anyOf"], maybe("Author"));
    let author = &schemas["Author"]["properties"]["expand"]["properties"];
    assert_eq!(author["team"]["anyOf"], maybe("Team"));
    assert_eq!(author["posts_via_author"]["anyOf"], maybe("PostPage"));
    // What a body may ask for.
    let query = &paths["/v1/records/posts/query"]["post"];
    assert_eq!(query["operationId"], "query_posts");
    let body = &query["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["$ref"], "#/components/schemas/PostQuery");
    assert_eq!(
        schemas["PostQuery"]["properties"]["expand"]["$ref"],
        "#/components/schemas/PostExpand"
    );
    let options = &schemas["PostExpand"]["properties"]["comments_via_post"]["anyOf"];
    assert_eq!(options[0], json!({"type": "boolean", "const": true}));
    assert_eq!(options[1]["$ref"], "#/components/schemas/CommentRelated");
    let related = schemas["CommentRelated"]["properties"].as_object().unwrap();
    for option in ["limit", "sort", "filter", "params", "fields", "expand"] {
        assert!(related.contains_key(option), "{option}");
    }
    // Every example is one that the list takes.
    for name in ["posts", "comments", "authors", "teams", "users"] {
        let list = &paths[&format!("/v1/records/{name}")]["get"];
        let parameters = list["parameters"].as_array().unwrap();
        let mut query = vec![("params.max", "5")];
        for parameter in parameters {
            if let Some(example) = parameter["example"].as_str() {
                query.push((parameter["name"].as_str().unwrap(), example));
            }
        }
        assert!(query.len() > 2, "{name}");
        kit.list(&key(), name, &query).await.unwrap();
    }
}
