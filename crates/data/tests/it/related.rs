//! Nested expansion: relations and back relations, their options and their pages.

use crate::files::put;
use crate::kit::{Kit, anon, both, code, every_type, faults, object, query_string, u, v};
use data::Query;
use kernel::Code;
use serde_json::{Value as Json, json};
use uuid::Uuid;

both!(
    what_is_nested_comes_along,
    a_body_asks_the_same,
    the_cursor_goes_on_in_a_list,
    files_come_along_at_every_hop,
    faults_of_options_have_a_place,
);

/// Two teams, three authors, two posts with comments; comments 3 and 4 are not approved.
pub struct Blog {
    pub posts: [String; 2],
    pub authors: [String; 3],
    pub comments: Vec<String>,
}

pub async fn blog(kit: &Kit) -> Blog {
    kit.open("teams", json!([{"name": "name", "type": "text"}, {"name": "secret", "type": "text", "hidden": true}])).await;
    kit.open("authors", json!([{"name": "name", "type": "text"}, {"name": "team", "type": "relation", "collection": "teams"}, {"name": "secret", "type": "text", "hidden": true}])).await;
    kit.open("posts", json!([{"name": "title", "type": "text"}, {"name": "author", "type": "relation", "collection": "authors"}, {"name": "editor", "type": "relation", "collection": "authors", "hidden": true}])).await;
    kit.open("comments", json!([{"name": "n", "type": "number", "format": "integer"}, {"name": "approved", "type": "bool"}, {"name": "post", "type": "relation", "collection": "posts"}, {"name": "author", "type": "relation", "collection": "authors"}, {"name": "owner", "type": "relation", "collection": "users"}, {"name": "secret", "type": "text", "hidden": true}])).await;
    let red = kit
        .made("teams", json!({"name": "red", "secret": "s"}))
        .await;
    let blue = kit.made("teams", json!({"name": "blue"})).await;
    let authors = [
        kit.made(
            "authors",
            json!({"name": "ada", "team": red, "secret": "s"}),
        )
        .await,
        kit.made("authors", json!({"name": "bob", "team": blue}))
            .await,
        kit.made("authors", json!({"name": "cleo"})).await,
    ];
    let posts = [
        kit.made(
            "posts",
            json!({"title": "first", "author": authors[0], "editor": authors[1]}),
        )
        .await,
        kit.made("posts", json!({"title": "second", "author": authors[1]}))
            .await,
    ];
    let mut comments = Vec::new();
    for n in 0..6 {
        let comment = json!({"n": n, "approved": n < 3, "post": posts[0], "author": authors[n % 3], "secret": "s"});
        comments.push(kit.made("comments", comment).await);
    }
    Blog {
        posts,
        authors,
        comments,
    }
}

pub async fn one(kit: &Kit, asker: data::Asker, post: &str, expand: &str) -> Json {
    let query = query_string(&[("expand", expand)]);
    let got = kit.get_with(&asker, "posts", post, &query).await.unwrap();
    let list = kit
        .list(&asker, "posts", &[("expand", expand), ("sort", "title")])
        .await
        .unwrap();
    let listed = list.into_iter().find(|p| p["id"] == got["id"]).unwrap();
    assert_eq!(listed, got, "a list and a record say the same");
    got["expand"].clone()
}

async fn what_is_nested_comes_along(kit: &Kit) {
    let blog = blog(kit).await;
    let [first, second] = &blog.posts;
    let author = kit.get(&anon(), "authors", &blog.authors[0]).await.unwrap();
    let team = kit
        .list(&anon(), "teams", &[("filter", "name == 'red'")])
        .await
        .unwrap()[0]
        .clone();
    let mut nested = author.clone();
    nested["expand"] = json!({"team": team});
    for text in [
        "author,author.team",
        "author.team",
        "author(expand:team)",
        "author.team,author",
    ] {
        assert_eq!(
            one(kit, anon(), first, text).await,
            json!({"author": nested}),
            "{text}"
        );
    }
    assert_eq!(
        one(
            kit,
            anon(),
            first,
            "author(fields:name,expand:team(fields:name))"
        )
        .await,
        json!({"author": {"name": "ada", "expand": {"team": {"name": "red"}}}})
    );
    // The records that point here, in their order, as many as asked for.
    let text =
        "comments_via_post(limit:2,sort:-n,fields:n,expand:author(fields:name),filter:approved)";
    let got = one(kit, anon(), first, text).await;
    let cursor = got["comments_via_post"]["next_cursor"].clone();
    assert!(cursor.is_string());
    assert_eq!(
        got,
        json!({"comments_via_post": {"items": [
            {"n": 2, "expand": {"author": {"name": "cleo"}}},
            {"n": 1, "expand": {"author": {"name": "bob"}}}
        ], "next_cursor": cursor}})
    );
    assert_eq!(
        one(kit, anon(), second, text).await,
        json!({"comments_via_post": {"items": [], "next_cursor": null}})
    );
    // Without options: by id, all fields, thirty.
    let whole = one(kit, anon(), first, "comments_via_post").await;
    let plain = kit
        .list(&anon(), "comments", &[("sort", "id")])
        .await
        .unwrap();
    assert_eq!(
        whole["comments_via_post"],
        json!({"items": plain, "next_cursor": null})
    );
    // Back, forward, back and forward again: round in circles, four hops and no more.
    let text = "author.posts_via_author.comments_via_post.author";
    let got = one(kit, anon(), first, text).await;
    let back = &got["author"]["expand"]["posts_via_author"]["items"];
    assert_eq!(
        (back.as_array().unwrap().len(), &back[0]["id"]),
        (1, &json!(first))
    );
    let deep = &back[0]["expand"]["comments_via_post"]["items"];
    assert_eq!(deep.as_array().unwrap().len(), 6);
    assert_eq!(deep[4]["expand"]["author"]["name"], "bob");
    assert_eq!(
        faults(
            kit.get_with(&anon(), "posts", first, &format!("expand={text}.team"))
                .await
        ),
        (Code::InvalidParameter, vec!["?expand".into()])
    );
    // The author of one post and of a comment: two places, one and the same page each.
    let text = "author(fields:id,expand:comments_via_author(fields:n)),comments_via_post(fields:n,expand:author(fields:id,expand:comments_via_author(fields:n)))";
    let got = one(kit, anon(), first, text).await;
    let page = json!({"items": [{"n": 0}, {"n": 3}], "next_cursor": null});
    assert_eq!(got["author"]["expand"]["comments_via_author"], page);
    let items = &got["comments_via_post"]["items"];
    for at in [0, 3] {
        assert_eq!(
            items[at]["expand"]["author"]["expand"]["comments_via_author"],
            page
        );
    }
    assert_eq!(
        items[1]["expand"]["author"]["expand"]["comments_via_author"]["items"],
        json!([{"n": 1}, {"n": 4}])
    );
}

async fn a_body_asks_the_same(kit: &Kit) {
    let blog = blog(kit).await;
    let ask = async |body: Json| {
        let query = Query::parse_body(object(body))?;
        let page = kit
            .data
            .list(&kit.project, &anon(), "posts", &query)
            .await?;
        Ok::<Json, gate::Problem>(serde_json::from_str(&page.json()).unwrap())
    };
    let body = json!({
        "filter": "title == params.t", "params": {"t": "first"}, "sort": ["-title"], "fields": ["id"], "limit": 1, "count": "exact",
        "expand": {
            "author": {"fields": ["name"], "expand": {"team": true}},
            "comments_via_post": {"limit": 2, "sort": ["-approved", "-n"], "filter": "n >= params.n", "params": {"n": 1}, "expand": {"author": true}}
        }
    });
    let got = ask(body).await.unwrap();
    let text = query_string(&[
        ("filter", "title == params.t"),
        ("params.t", "first"),
        ("params.n", "1"),
        ("sort", "-title"),
        ("fields", "id"),
        ("limit", "1"),
        ("count", "exact"),
        (
            "expand",
            "author(fields:name,expand:team),comments_via_post(limit:2,sort:-approved,-n,filter:n >= params.n,expand:author)",
        ),
    ]);
    let page = kit.page(&anon(), "posts", &text).await.unwrap();
    assert_eq!(got, serde_json::from_str::<Json>(&page.json()).unwrap());
    assert_eq!(got["total"], 1);
    assert_eq!(got["items"][0]["id"], json!(blog.posts[0]));
    let items = got["items"][0]["expand"]["comments_via_post"]["items"].clone();
    assert_eq!((&items[0]["n"], &items[1]["n"]), (&json!(2), &json!(1)));
    // Nulls are absent, and an empty body is the whole list.
    let empty = json!({"filter": null, "sort": null, "expand": null, "cursor": null, "limit": null, "fields": null, "params": null, "count": null});
    assert_eq!(ask(empty).await.unwrap(), ask(json!({})).await.unwrap());
    for (body, code_, path) in [
        (json!({"where": "x"}), Code::UnknownField, "/where"),
        (json!({"limit": 0}), Code::ValidationFailed, "/limit"),
        (json!({"limit": "1"}), Code::ValidationFailed, "/limit"),
        (json!({"limit": 1001}), Code::ValidationFailed, "/limit"),
        (json!({"count": true}), Code::ValidationFailed, "/count"),
        (json!({"sort": [1]}), Code::ValidationFailed, "/sort"),
        (json!({"params": []}), Code::ValidationFailed, "/params"),
        (json!({"fields": "id"}), Code::ValidationFailed, "/fields"),
        (
            json!({"fields": ["nothing"]}),
            Code::InvalidParameter,
            "/fields",
        ),
        (json!({"expand": 1}), Code::InvalidParameter, "/expand"),
        (
            json!({"expand": {"nothing": true}}),
            Code::InvalidParameter,
            "/expand/nothing",
        ),
        (
            json!({"expand": {"author": {"expand": {"secret": true}}}}),
            Code::InvalidParameter,
            "/expand/author/expand/secret",
        ),
    ] {
        assert_eq!(
            faults(ask(body.clone()).await),
            (code_, vec![path.to_owned()]),
            "{body}"
        );
    }
    assert_eq!(
        code(ask(json!({"filter": "nothing == 1"})).await),
        Code::InvalidFilter
    );
    assert_eq!(
        code(ask(json!({"sort": "nothing"})).await),
        Code::InvalidSort
    );
    assert_eq!(code(ask(json!({"cursor": "x"})).await), Code::InvalidCursor);
}

async fn the_cursor_goes_on_in_a_list(kit: &Kit) {
    let blog = blog(kit).await;
    let post = &blog.posts[0];
    let ns =
        |items: &[Json]| -> Vec<i64> { items.iter().map(|i| i["n"].as_i64().unwrap()).collect() };
    // (options, the list's sort, its filter behind the relation's, its parameters)
    for (options, sort, own, params) in [
        ("limit:1", "", "", ""),
        ("limit:2,sort:-n", "-n", "", ""),
        ("limit:1,sort:approved,-n", "approved,-n", "", ""),
        (
            "limit:1,sort:-n,filter:approved",
            "-n",
            " && (approved)",
            "",
        ),
        (
            "limit:1,sort:-n,filter:n < params.max",
            "-n",
            " && (n < params.max)",
            "5",
        ),
        ("limit:1,sort:author.name,-n", "author.name,-n", "", ""),
    ] {
        let expand = format!("comments_via_post({options})");
        let mut query = vec![("expand", expand.as_str())];
        query.extend((!params.is_empty()).then_some(("params.max", params)));
        let got = kit
            .get_with(&u(), "posts", post, &query_string(&query))
            .await
            .unwrap();
        let page = &got["expand"]["comments_via_post"];
        let mut seen = ns(page["items"].as_array().unwrap());
        let mut cursor = page["next_cursor"].clone();
        for filter in [
            format!("post == \"{post}\"{own}"),
            format!("post==\"{post}\"{own} "),
        ] {
            let whole: Vec<(&str, &str)> = [
                ("sort", sort),
                ("filter", filter.as_str()),
                ("params.max", params),
            ]
            .into_iter()
            .filter(|(_, v)| !v.is_empty())
            .collect();
            let all = ns(&kit.list(&u(), "comments", &whole).await.unwrap());
            while let Some(next) = cursor.as_str() {
                let mut query = whole.clone();
                query.extend([("cursor", next), ("limit", "2")]);
                let page = kit
                    .page(&u(), "comments", &query_string(&query))
                    .await
                    .unwrap_or_else(|e| panic!("{options}: {e}"));
                let page: Json = serde_json::from_str(&page.json()).unwrap();
                seen.extend(ns(page["items"].as_array().unwrap()));
                cursor = page["next_cursor"].clone();
            }
            assert_eq!(seen, all, "{options}");
        }
    }
    // It is the caller's own, and of this record.
    let expand = "expand=comments_via_post(limit:1)";
    let got = kit.get_with(&u(), "posts", post, expand).await.unwrap();
    let cursor = got["expand"]["comments_via_post"]["next_cursor"]
        .as_str()
        .unwrap();
    let filter = format!("post == \"{post}\"");
    let other = format!("post == \"{}\"", blog.posts[1]);
    for (asker, filter, want) in [
        (v(), filter.as_str(), Code::CursorMismatch),
        (u(), other.as_str(), Code::CursorMismatch),
        (u(), "true", Code::CursorMismatch),
    ] {
        let query = query_string(&[("filter", filter), ("cursor", cursor)]);
        assert_eq!(code(kit.page(&asker, "comments", &query).await), want);
    }
}

async fn files_come_along_at_every_hop(kit: &Kit) {
    let file = |n: u128| Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0f00 + n);
    for n in 0..3 {
        put(kit, file(n), "avatars", None).await;
    }
    kit.open("people", json!([{"name": "name", "type": "text"}, {"name": "avatar", "type": "file", "bucket": "avatars"}])).await;
    kit.open("notes", json!([{"name": "person", "type": "relation", "collection": "people"}, {"name": "scan", "type": "file", "bucket": "avatars"}])).await;
    let ada = kit
        .made("people", json!({"name": "ada", "avatar": file(0)}))
        .await;
    let bob = kit.made("people", json!({"name": "bob"})).await;
    kit.made("notes", json!({"person": ada, "scan": file(1)}))
        .await;
    kit.made("notes", json!({"person": bob, "scan": file(2)}))
        .await;
    let view = |n: u128| json!({"id": file(n), "bucket": "avatars"});
    let text = "scan,person(fields:name,expand:avatar,notes_via_person(fields:scan,expand:scan,person(fields:name,expand:avatar)))";
    let items = kit
        .list(&anon(), "notes", &[("fields", "scan"), ("expand", text)])
        .await
        .unwrap();
    let expected = |n: u128, name: &str, avatar: Json| {
        let again = json!({"scan": file(n), "expand": {"scan": view(n), "person": {"name": name, "expand": {"avatar": avatar}}}});
        json!({"scan": file(n), "expand": {"scan": view(n), "person": {"name": name, "expand": {
            "avatar": avatar, "notes_via_person": {"items": [again], "next_cursor": null}
        }}}})
    };
    assert_eq!(
        items,
        [expected(1, "ada", view(0)), expected(2, "bob", Json::Null)]
    );
    for text in ["scan(fields:id)", "scan.bucket", "scan(limit:1)"] {
        assert_eq!(
            code(kit.list(&anon(), "notes", &[("expand", text)]).await),
            Code::InvalidParameter,
            "{text}"
        );
    }
}

async fn faults_of_options_have_a_place(kit: &Kit) {
    kit.open("posts", every_type()).await;
    kit.open(
        "notes",
        json!([{"name": "post", "type": "relation", "collection": "posts"}, {"name": "n", "type": "number"}]),
    )
    .await;
    for (text, at) in [
        ("notes_via_post,nothing", 15),
        ("notes_via_post(fields:id,nothing)", 0),
        ("notes_via_post.nothing", 15),
        ("notes_via_n", 0),
        ("notes_via_", 0),
        ("_via_post", 0),
        ("users_via_post", 0),
        ("posts_via_owner", 0),
        ("owner(limit:3)", 0),
        ("owner(sort:id)", 0),
        ("owner(filter:verified)", 0),
        ("owner(fields:nothing)", 0),
        ("title", 0),
        ("notes_via_post(limit:0)", 21),
        ("notes_via_post(limit:3", 22),
    ] {
        let query = query_string(&[("expand", text)]);
        let problem = kit
            .page(&anon(), "posts", &query)
            .await
            .map(|_| ())
            .unwrap_err();
        let [error] = problem.field_errors() else {
            panic!("{text} {problem:?}")
        };
        assert_eq!(
            (problem.code(), error.path.as_str()),
            (Code::InvalidParameter, "?expand")
        );
        let place = format!("(At character {at}.)");
        assert!(error.message.ends_with(&place), "{text}: {}", error.message);
    }
    for (text, want, word) in [
        (
            "notes_via_post(filter:nothing == 1)",
            Code::InvalidFilter,
            "expansion of notes_via_post: ",
        ),
        (
            "notes_via_post(filter:n == params.x)",
            Code::InvalidFilter,
            "characters 5 to 13",
        ),
        (
            "notes_via_post(sort:nothing)",
            Code::InvalidSort,
            "expansion of notes_via_post: ",
        ),
        (
            "notes_via_post(sort:post.owner.id)",
            Code::InvalidSort,
            "one relation at most",
        ),
    ] {
        let query = query_string(&[("expand", text)]);
        let problem = kit
            .page(&anon(), "posts", &query)
            .await
            .map(|_| ())
            .unwrap_err();
        assert_eq!(problem.code(), want, "{text}");
        assert!(format!("{problem}").contains(word), "{text}: {problem}");
    }
    // A field of what is expanded is chosen in the expansion, and the answer says so.
    let problem = kit.page(&anon(), "posts", "fields=owner.email").await;
    let problem = problem.map(|_| ()).unwrap_err();
    assert!(format!("{problem:?}").contains("author(fields:name)"));
}
