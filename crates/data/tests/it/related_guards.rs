//! What guards an expansion at every hop: list rules, read rules of fields, hidden fields and closed collections.

use crate::kit::{Kit, U, V, add_user, anon, both, code, faults, key, query_string, u, v};
use crate::related::{blog, one};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    rules_hold_at_every_hop,
    fields_with_a_read_rule_are_masked_at_every_hop,
    hidden_is_absent_at_every_hop,
    closed_collections_are_null,
);

/// At every hop: forward, back, and forward behind back.
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
