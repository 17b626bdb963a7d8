//! Nested expansion: relations and back relations, their options, their pages, and the rules at every hop.

use crate::files::put;
use crate::kit::{
    Kit, U, V, add_user, anon, both, code, every_type, faults, key, object, query_string, u, v,
};
use data::Query;
use kernel::Code;
use serde_json::{Value as Json, json};
use uuid::Uuid;

both!(
    what_is_nested_comes_along,
    a_body_asks_the_same,
    the_cursor_goes_on_in_a_list,
    rules_hold_at_every_hop,
    fields_with_a_read_rule_are_masked_at_every_hop,
    hidden_is_absent_at_every_hop,
    closed_collections_are_null,
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

async fn one(kit: &Kit, asker: data::Asker, post: &str, expand: &str) -> Json {
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

/// Case 42 at every hop: forward, back, and forward behind back.
async fn rules_hold_at_every_hop(kit: &Kit) {
    let blog = blog(kit).await;
    let post = &blog.posts[0];
    add_user(kit, U, None).await;
    kit.merge(&key(), "comments", &blog.comments[4], json!({"owner": U}))
        .await
        .unwrap();
    kit.rules("comments", json!({"list": "approved || owner == auth.id"}))
        .await
        .unwrap();
    let ns = async |asker, options: &str| -> Vec<i64> {
        let got = one(kit, asker, post, &format!("comments_via_post{options}")).await;
        let items = got["comments_via_post"]["items"]
            .as_array()
            .unwrap()
            .clone();
        items.iter().map(|i| i["n"].as_i64().unwrap()).collect()
    };
    assert_eq!(ns(anon(), "").await, [0, 1, 2]);
    assert_eq!(ns(v(), "").await, [0, 1, 2]);
    assert_eq!(ns(u(), "").await, [0, 1, 2, 4]);
    assert_eq!(ns(key(), "").await, [0, 1, 2, 3, 4, 5]);
    // A filter narrows what the rule shows; it opens nothing.
    assert_eq!(ns(u(), "(filter:n >= 0 || !approved)").await, [0, 1, 2, 4]);
    assert_eq!(ns(anon(), "(filter:!approved)").await, [0_i64; 0]);
    // Hop 2 behind a back relation and behind a relation.
    kit.rules("teams", json!({"list": "name == 'red' && auth.id != null"}))
        .await
        .unwrap();
    let text = "author(fields:name,expand:team(fields:name)),comments_via_post(limit:2,fields:n,expand:author(fields:name,expand:team(fields:name)))";
    let (red, none) = (json!({"team": {"name": "red"}}), json!({"team": null}));
    for (asker, first, second) in [(u(), &red, &none), (anon(), &none, &none)] {
        let got = one(kit, asker, post, text).await;
        assert_eq!(&got["author"]["expand"], first);
        let items = &got["comments_via_post"]["items"];
        assert_eq!(&items[0]["expand"]["author"]["expand"], first);
        assert_eq!(&items[1]["expand"]["author"]["expand"], second);
    }
    // A relation to what may not be listed ends there: nothing behind it is told.
    kit.rules("authors", json!({"list": "name == 'bob'"}))
        .await
        .unwrap();
    let text = "author.posts_via_author,comments_via_post(fields:n,expand:author(fields:name,expand:posts_via_author(fields:title)))";
    let got = one(kit, u(), post, text).await;
    assert_eq!(got["author"], Json::Null);
    let items = &got["comments_via_post"]["items"];
    assert_eq!(items[0]["expand"], json!({"author": null}));
    assert_eq!(
        items[1]["expand"],
        json!({"author": {"name": "bob", "expand": {"posts_via_author": {"items": [{"title": "second"}], "next_cursor": null}}}})
    );
    // A filter in an expansion steps under the rules of what it steps into, a sort too.
    kit.rules("comments", json!({"list": "true"}))
        .await
        .unwrap();
    assert_eq!(ns(u(), "(filter:author.name == 'ada')").await, [0_i64; 0]);
    assert_eq!(ns(u(), "(filter:author.name == 'bob')").await, [1, 4]);
    assert_eq!(ns(u(), "(sort:-author.name,n)").await, [1, 4, 0, 2, 3, 5]);
    assert_eq!(ns(key(), "(sort:-author.name,n)").await, [2, 5, 1, 4, 0, 3]);
}

async fn fields_with_a_read_rule_are_masked_at_every_hop(kit: &Kit) {
    let blog = blog(kit).await;
    let post = &blog.posts[0];
    add_user(kit, U, Some("u@example.com")).await;
    add_user(kit, V, Some("v@example.com")).await;
    for (n, owner) in [(0, U), (1, V)] {
        kit.merge(
            &key(),
            "comments",
            &blog.comments[n],
            json!({"owner": owner}),
        )
        .await
        .unwrap();
    }
    kit.rules("users", json!({"list": "true"})).await.unwrap();
    let text = "comments_via_post(limit:2,expand:owner(fields:email))";
    let emails = async |asker| {
        let got = one(kit, asker, post, text).await;
        let items = got["comments_via_post"]["items"].clone();
        [0, 1].map(|i| items[i]["expand"]["owner"]["email"].clone())
    };
    assert_eq!(emails(u()).await, [json!("u@example.com"), Json::Null]);
    assert_eq!(emails(v()).await, [Json::Null, json!("v@example.com")]);
    assert_eq!(emails(anon()).await, [Json::Null, Json::Null]);
    assert_eq!(
        emails(key()).await,
        [json!("u@example.com"), json!("v@example.com")]
    );
    // Nor can it be told from an order or a filter.
    for (text, want) in [
        ("comments_via_post(sort:owner.email)", Code::InvalidSort),
        (
            "comments_via_post(filter:owner.email_key == 'u@example.com')",
            Code::InvalidFilter,
        ),
    ] {
        let query = query_string(&[("expand", text)]);
        assert_eq!(
            code(kit.get_with(&v(), "posts", post, &query).await),
            want,
            "{text}"
        );
    }
    let text = "comments_via_post(filter:owner.email == 'u@example.com')";
    let got = one(kit, v(), post, text).await;
    assert_eq!(got["comments_via_post"]["items"], json!([]));
}

/// O2 at every position: what is hidden is answered as what is not there (cases 37, 38, 42).
async fn hidden_is_absent_at_every_hop(kit: &Kit) {
    let blog = blog(kit).await;
    let post = &blog.posts[0];
    let text = "author.team,comments_via_post.author";
    let seen = one(kit, anon(), post, text).await.to_string();
    assert!(
        !seen.contains("secret") && !seen.contains("editor"),
        "{seen}"
    );
    let seen = one(kit, key(), post, text).await;
    assert_eq!(seen["author"]["expand"]["team"]["secret"], "s");
    assert_eq!(seen["comments_via_post"]["items"][0]["secret"], "s");
    let positions = [
        "author(fields:name,SECRET)",
        "author(expand:team(fields:SECRET))",
        "author.SECRET",
        "SECRET",
        "comments_via_post(fields:SECRET)",
        "comments_via_post(sort:SECRET)",
        "comments_via_post(sort:-n,SECRET)",
        "comments_via_post(sort:author.SECRET)",
        "comments_via_post(filter:SECRET == 's')",
        "comments_via_post(filter:author.SECRET == 's')",
        "comments_via_post(filter:author.team.SECRET == 's')",
        "comments_via_post(expand:author(fields:SECRET))",
        "comments_via_post.author.team(fields:SECRET)",
    ];
    for position in positions {
        let told = async |name: &str| {
            let text = position.replace("SECRET", name);
            let query = query_string(&[("expand", &text)]);
            let problem = kit
                .get_with(&anon(), "posts", post, &query)
                .await
                .unwrap_err();
            let list = kit.page(&anon(), "posts", &query).await;
            let list = list.map(|_| ()).unwrap_err();
            format!("{problem:?} {list:?}").replace(name, "?")
        };
        assert_eq!(told("secret").await, told("nought").await, "{position}");
    }
    // A relation that is hidden leads nowhere, neither way.
    for text in ["editor", "author.posts_via_editor", "posts_via_editor"] {
        let query = query_string(&[("expand", text)]);
        assert_eq!(
            faults(kit.get_with(&anon(), "posts", post, &query).await),
            (Code::InvalidParameter, vec!["?expand".into()]),
            "{text}"
        );
    }
    let bob = kit
        .get_with(
            &key(),
            "authors",
            &blog.authors[1],
            "expand=posts_via_editor(fields:title)",
        )
        .await
        .unwrap();
    assert_eq!(
        bob["expand"]["posts_via_editor"]["items"],
        json!([{"title": "first"}])
    );
}

async fn closed_collections_are_null(kit: &Kit) {
    let blog = blog(kit).await;
    let post = &blog.posts[0];
    kit.rules("comments", json!({"list": null})).await.unwrap();
    for asker in [anon(), u()] {
        assert_eq!(
            one(kit, asker, post, "comments_via_post(limit:3).author").await,
            json!({"comments_via_post": null})
        );
    }
    let got = one(kit, key(), post, "comments_via_post(limit:3).author").await;
    assert_eq!(
        got["comments_via_post"]["items"].as_array().unwrap().len(),
        3
    );
    // Faults are told all the same.
    assert_eq!(
        code(
            kit.get_with(&anon(), "posts", post, "expand=comments_via_post.nothing")
                .await
        ),
        Code::InvalidParameter
    );
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
