//! Filters: parameters and their types, places of faults, and texts that mean harm.

use crate::kit::{Kit, U, V, add_user, anon, both, code, every_type, key, u, v};
use kernel::Code;
use serde_json::json;

both!(
    parameters_take_the_fields_type,
    faults_have_a_place,
    harm_is_text,
    hops_are_guarded,
    answers_do_not_depend_on_what_was_asked_before
);

async fn parameters_take_the_fields_type(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("posts", every_type()).await;
    kit.made("posts", json!({"title": "12", "stock": 12, "price": 1.5, "open": true, "due": "2026-01-01T00:00:00Z", "owner": U})).await;
    kit.made("posts", json!({"title": "true", "stock": 13, "price": 2.5, "open": false, "due": "2026-02-01T00:00:00Z"})).await;
    let u_id = U.to_string().to_uppercase();
    let cases = [
        ("title == params.p", "12", 1),
        ("title == params.p", "true", 1),
        ("stock == params.p", "12", 1),
        ("stock > params.p", "11", 2),
        ("stock + 1 > params.p", "13", 1),
        ("params.p + 1 < stock", "11", 1),
        ("params.p * 2 < price", "1", 1),
        ("price < params.p", "2", 1),
        ("price < params.p", "2.25", 1),
        ("open == params.p", "true", 1),
        ("open != params.p", "true", 1),
        ("due < params.p", "2026-01-15T00:00:00Z", 1),
        ("due < timestamp(params.p)", "2026-01-15T00:00:00+01:00", 1),
        ("owner == params.p", u_id.as_str(), 1),
        ("owner.id == params.p", u_id.as_str(), 1),
        ("title.contains(params.p)", "r", 1),
        ("title.matches_like(params.p)", "TR%", 1),
        ("stock in [params.p, 1]", "12", 1),
        ("params.p == null", "x", 0),
        ("size(title) == params.p", "4", 1),
    ];
    for (filter, value, want) in cases {
        // Hops of a filter ask the list rule of users, which is closed.
        let asker = if filter.contains("owner.id") {
            key()
        } else {
            anon()
        };
        let items = kit
            .list(&asker, "posts", &[("filter", filter), ("params.p", value)])
            .await;
        assert_eq!(
            items.map(|i| i.len()).unwrap_or(99),
            want,
            "{filter} {value}"
        );
    }
    let bad = [
        ("stock == params.p", "x"),
        ("stock == params.p", "1.5"),
        ("stock == params.p", "99999999999999999999"),
        ("price < params.p", "1e309"),
        ("price < params.p", "NaN"),
        ("price < params.p", "inf"),
        ("open == params.p", "1"),
        ("due < params.p", "2026-02-30T00:00:00Z"),
        ("owner == params.p", "x"),
        ("stock == params.q", "1"),
        ("title == params.p + 'x'", "1"),
        ("params.p", "x"),
        ("stock in params.p", "1"),
    ];
    for (filter, value) in bad {
        assert_eq!(
            code(
                kit.list(&anon(), "posts", &[("filter", filter), ("params.p", value)])
                    .await
            ),
            Code::InvalidFilter,
            "{filter} {value}"
        );
    }
}

async fn faults_have_a_place(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let cases = [
        ("title == nothing", "9 to 16"),
        ("title == 1", "0 to 10"),
        ("ä == 1", "0"),
        ("title == 'open", ""),
        ("", ""),
        ("title", ""),
        ("1", ""),
        ("title == 'a' OR 1=1--", ""),
        ("title.matches('x')", ""),
        ("printf('%900000000d', 1) == 'x'", ""),
        ("title == \"a\\u0000\"", ""),
        ("posts.title == 'a'", ""),
        ("t0.title == 'a'", ""),
        ("rowid == 1", ""),
        ("_collections.name == 'a'", ""),
        ("collection('_collections').exists(c, true)", ""),
        ("stock == 9223372036854775808", ""),
        ("price < 1e309", ""),
        ("due < timestamp('2026-02-30T00:00:00Z')", ""),
        ("stock ? true : false", ""),
    ];
    for (filter, place) in cases {
        let problem = kit
            .list(&anon(), "posts", &[("filter", filter)])
            .await
            .unwrap_err();
        assert_eq!(problem.code(), Code::InvalidFilter, "{filter}");
        let told = format!("{problem}");
        assert!(
            told.contains("characters ") && told.contains(place),
            "{filter}: {told}"
        );
    }
    for (filter, limit) in [
        ("(".repeat(5_000), ""),
        ("!".repeat(5_000), ""),
        (vec!["true"; 5_000].join("||"), ""),
        ("a".repeat(3_501), "3500"),
        (format!("stock in [{}]", vec!["1"; 101].join(",")), "100"),
    ] {
        let problem = kit
            .list(&anon(), "posts", &[("filter", &filter)])
            .await
            .unwrap_err();
        assert_eq!(problem.code(), Code::InvalidFilter);
        assert!(format!("{problem}").contains(limit));
    }
}

/// A bad filter, or a comparison with a text; never the database's own error.
async fn harm_is_text(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let harm = [
        "a' OR 1=1--",
        "'; DROP TABLE posts;--",
        "\"; DROP TABLE posts;--",
        "$1",
        "?",
        "?1",
        ":a",
        "$$",
        "\\",
        "\\'",
        "%",
        "_",
        "x'00'",
        "{}",
        "\u{1}own:limit",
        "own:id",
        "\"project\".\"posts\"",
        "/* */",
        "--",
        "\u{202e}",
        "-0",
        "1e309",
        "9223372036854775808",
        "2026-02-30",
        "NULL",
        "pg_sleep(3)",
    ];
    for text in harm {
        let id = kit.made("posts", json!({"title": text})).await;
        let items = kit
            .list(
                &anon(),
                "posts",
                &[
                    ("filter", "title == params.p"),
                    ("params.p", text),
                    ("count", "exact"),
                ],
            )
            .await
            .unwrap();
        assert_eq!((items.len(), &items[0]["id"]), (1, &json!(id)), "{text}");
        let literal = format!("title == {}", json!(text));
        assert_eq!(
            kit.list(&anon(), "posts", &[("filter", &literal)])
                .await
                .unwrap()
                .len(),
            1,
            "{text}"
        );
        let begins = kit
            .list(
                &anon(),
                "posts",
                &[
                    (
                        "filter",
                        "title.startsWith(params.p) && title.endsWith(params.p)",
                    ),
                    ("params.p", text),
                ],
            )
            .await
            .unwrap();
        assert!(begins.iter().any(|i| i["id"] == json!(id)), "{text}");
        let like = kit
            .list(
                &anon(),
                "posts",
                &[
                    ("filter", "title.matches_like(params.p)"),
                    ("params.p", text),
                ],
            )
            .await
            .unwrap();
        assert!(like.iter().any(|i| i["id"] == json!(id)), "{text}");
        for (name, value) in [
            ("filter", text),
            ("sort", text),
            ("fields", text),
            ("expand", text),
        ] {
            if let Err(problem) = kit.list(&anon(), "posts", &[(name, value)]).await {
                assert_eq!(
                    problem.code().kind(),
                    kernel::Kind::Malformed,
                    "{name} {text}"
                );
            }
        }
    }
    assert_eq!(
        kit.list(&anon(), "posts", &[("limit", "1000")])
            .await
            .unwrap()
            .len(),
        harm.len()
    );
    for (name, value) in [
        ("filter", "title == params.p"),
        ("sort", "title"),
        ("cursor", "x"),
        ("params.p", "x"),
    ] {
        let nul = format!("{value}\0");
        assert_eq!(
            code(kit.list(&anon(), "posts", &[(name, &nul)]).await),
            Code::InvalidParameter,
            "{name}"
        );
    }
}

/// A caller's filter sees of other collections what their list rules show.
async fn hops_are_guarded(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    kit.open("teams", json!([{"name": "name", "type": "text"}, {"name": "lead", "type": "relation", "collection": "users"}, {"name": "secret", "type": "text", "hidden": true}])).await;
    kit.open(
        "notes",
        json!([{"name": "team", "type": "relation", "collection": "teams"}]),
    )
    .await;
    let team = kit
        .made("teams", json!({"name": "us", "lead": U, "secret": "s"}))
        .await;
    kit.made("notes", json!({"team": team})).await;
    let found = async |asker, filter: &str| {
        kit.list(&asker, "notes", &[("filter", filter)])
            .await
            .map(|i| i.len())
    };
    assert_eq!(found(anon(), "team.name == 'us'").await.unwrap(), 1);
    assert_eq!(
        code(found(anon(), "team.secret == 's'").await),
        Code::InvalidFilter
    );
    assert_eq!(found(key(), "team.secret == 's'").await.unwrap(), 1);
    kit.rules("teams", json!({"list": "lead == auth.id"}))
        .await
        .unwrap();
    for filter in [
        "team.name == 'us'",
        "team.name != 'x'",
        "!(team.name == 'x')",
        "team.name == 'us' || team.name != 'us'",
        "collection('teams').exists(t, t.name == 'us')",
    ] {
        assert_eq!(found(u(), filter).await.unwrap(), 1, "{filter}");
        assert_eq!(found(v(), filter).await.unwrap(), 0, "{filter}");
        assert_eq!(found(anon(), filter).await.unwrap(), 0, "{filter}");
    }
    kit.rules("teams", json!({"list": null})).await.unwrap();
    for filter in [
        "team.name == 'us'",
        "team.name != 'x'",
        "collection('teams').exists(t, true)",
        "size(collection('teams')) > 0",
    ] {
        assert_eq!(found(u(), filter).await.unwrap(), 0, "{filter}");
        assert_eq!(found(key(), filter).await.unwrap(), 1, "{filter}");
    }
    // Back relations too.
    kit.rules("teams", json!({"list": "true"})).await.unwrap();
    kit.rules("notes", json!({"list": "auth.id != null"}))
        .await
        .unwrap();
    let back = async |asker| {
        kit.list(
            &asker,
            "teams",
            &[("filter", "notes_via_team.exists(n, true)")],
        )
        .await
        .unwrap()
        .len()
    };
    assert_eq!((back(u()).await, back(anon()).await), (1, 0));
}

/// Plans are kept by shape: a kept one must not change what another request is answered.
async fn answers_do_not_depend_on_what_was_asked_before(kit: &Kit) {
    kit.open("posts", every_type()).await;
    kit.made("posts", json!({"title": "1", "stock": 5, "price": 2.5}))
        .await;
    let ask = async |filter: &str, value: &str| {
        kit.list(&anon(), "posts", &[("filter", filter), ("params.p", value)])
            .await
            .map(|i| i.len())
            .map_err(|p| p.code())
    };
    for filter in [
        "params.p + 1 < stock",
        "params.p + 1 < price",
        "title == params.p",
        "stock > params.p",
        "params.p == title",
        "params.p % 2 == stock",
    ] {
        let values = ["1", "1.5", "x", "true", "1e0", "-1", "", "2"];
        let forwards =
            futures_util::future::join_all(values.map(async |v| ask(filter, v).await)).await;
        let mut fresh = Vec::new();
        for value in values {
            // A service that has kept nothing yet.
            let query = [("filter", filter), ("params.p", value)];
            let query = data::Query::parse_list(&crate::kit::query_string(&query)).unwrap();
            let page = data::Data::new(kernel::Ids, std::sync::Arc::new(crate::files::Shelf))
                .list(&kit.project, &anon(), "posts", &query)
                .await;
            fresh.push(
                page.map(|p| p.docs.len())
                    .map_err(|e| gate::Problem::from(e).code()),
            );
        }
        assert_eq!(forwards, fresh, "{filter}");
    }
}
