//! Texts that mean harm, in every place that takes a text of the language, a name or a path.

use crate::http::call;
use crate::kit::{Kit, anon, both, code, every_type, faults, key, query_string, u};
use crate::related_limits::execute;
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    functions_that_run_long_do_not_exist,
    hostile_names_are_refused_in_changes,
    hostile_json_paths_are_refused_everywhere,
    hostile_operands_are_values,
    texts_and_lists_have_limits_on_every_path,
    a_project_has_so_many_collections,
);

const HARM: [&str; 16] = [
    "printf('%900000000d', 1) == 'x'",
    "zeroblob(1000000000) == title",
    "replace(title, 'a', 'b') == 'x'",
    "hex(title) == 'x'",
    "randomblob(9) == title",
    "load_extension('x') == 'y'",
    "pg_sleep(5) == 'x'",
    "generate_series(1, 1000000000) == 1",
    "repeat(title, 1000000) == 'x'",
    "title.matches('(a+)+$')",
    "title.replace('a', 'b') == 'x'",
    "title + title == 'aa'",
    "[1, 2].map(x, x * 2) == [2, 4]",
    "{'a': 1}['a'] == 1",
    "title[0] == 'a'",
    "galley_distance(1, 2, 3, 4) < 5.0",
];

/// In filters, rules, defaults, indexes and whatever else takes a condition.
async fn functions_that_run_long_do_not_exist(kit: &Kit) {
    kit.open("posts", every_type()).await;
    kit.open(
        "links",
        json!([{"name": "post", "type": "relation", "collection": "posts"}]),
    )
    .await;
    let post = kit.made("posts", json!({"title": "a"})).await;
    kit.made("links", json!({"post": post})).await;
    let before = kit.dump(&["posts"]).await;
    for text in HARM {
        let post = async |path: &str, body: Json| {
            let reply = call(
                kit,
                &u(),
                "POST",
                &format!("/v1/records/{path}"),
                Some(body),
                &[],
            )
            .await;
            assert_eq!(reply.status, 400, "{path} {text}: {}", reply.text);
        };
        assert_eq!(
            code(kit.list(&anon(), "posts", &[("filter", text)]).await),
            Code::InvalidFilter,
            "{text}"
        );
        post("posts/query", json!({"filter": text})).await;
        post(
            "posts/aggregate",
            json!({"filter": text, "measures": {"n": "count()"}}),
        )
        .await;
        post(
            "posts/update",
            json!({"filter": text, "set": {"title": "x"}}),
        )
        .await;
        post("posts/delete", json!({"filter": text})).await;
        post(
            "links/query",
            json!({"filter": text.replace("title", "post.title")}),
        )
        .await;
        post(
            "posts/query",
            json!({"expand": {"links_via_post": {"filter": text.replace("title", "post.title")}}}),
        )
        .await;
        for rule in ["list", "view", "create", "update", "delete"] {
            assert_eq!(
                code(kit.rules("posts", json!({rule: text})).await),
                Code::InvalidRule,
                "{rule} {text}"
            );
        }
        for change in [
            json!({"fields": {"change": {"title": {"read": text}}}}),
            json!({"fields": {"change": {"title": {"write": text}}}}),
            json!({"fields": {"change": {"open": {"default": {"expression": text}}}}}),
            json!({"fields": {"add": [{"name": "b", "type": "bool", "default": {"expression": text}}]}}),
            json!({"indexes": {"add": [{"fields": ["stock"], "where": text}]}}),
        ] {
            let code = code(kit.change("posts", change.clone()).await);
            assert!(
                matches!(code, Code::InvalidRule | Code::ValidationFailed),
                "{change}"
            );
        }
        let whole = json!({"name": "more", "fields": every_type(), "rules": {"list": text}});
        assert_eq!(
            code(kit.try_collection(whole).await),
            Code::InvalidRule,
            "{text}"
        );
    }
    for measure in [
        "printf(title)",
        "count(*)",
        "sum(title); --",
        "hex(title)",
        "min(title",
        "group_concat(title)",
        "count() n",
    ] {
        let body = json!({"measures": {"n": measure}});
        let reply = call(
            kit,
            &u(),
            "POST",
            "/v1/records/posts/aggregate",
            Some(body),
            &[],
        )
        .await;
        assert!(
            matches!(reply.status, 400 | 422),
            "{measure}: {}",
            reply.text
        );
    }
    assert_eq!(kit.dump(&["posts"]).await, before);
}

/// A name that comes by a change is held to the same grammar as one at the beginning.
async fn hostile_names_are_refused_in_changes(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let before = kit.dump(&["posts"]).await;
    let long = "a".repeat(60);
    for name in [
        "x\";drop table _users;--",
        "a\",(select 1) \"b",
        "sqlite_x",
        "SELECT",
        &long,
        "p\u{43e}sts",
        "",
        "_x",
        "1a",
        "a b",
        "a.b",
        "a-b",
        "rowid",
        "xmin",
        "ctid",
        "id",
        "_version",
        "expand",
        "record",
        "auth",
        "now",
        "params",
        "a_via_b",
        "\u{202e}a",
        "a\n",
    ] {
        for change in [
            json!({"fields": {"add": [{"name": name, "type": "text"}]}}),
            json!({"fields": {"rename": {"title": name}}}),
            json!({"indexes": {"add": [{"fields": [name]}]}}),
            json!({"fields": {"add": [{"name": "r", "type": "relation", "collection": name}]}}),
            json!({"fields": {"order": [name]}}),
            json!({"fields": {"drop": [name]}}),
            json!({"fields": {"change": {name: {"required": false}}}}),
        ] {
            let refused = kit.change("posts", change.clone()).await;
            let problem = refused.err().unwrap_or_else(|| panic!("{change} was done"));
            assert!(
                matches!(
                    problem.code().kind(),
                    kernel::Kind::Invalid | kernel::Kind::Malformed
                ),
                "{change}: {problem:?}"
            );
        }
        if !matches!(
            name,
            "id" | "_version"
                | "expand"
                | "record"
                | "auth"
                | "now"
                | "params"
                | "rowid"
                | "xmin"
                | "ctid"
        ) {
            assert_eq!(
                code(kit.change("posts", json!({"name": name})).await),
                Code::ValidationFailed,
                "{name:?}"
            );
        }
    }
    assert_eq!(kit.dump(&["posts"]).await, before);
}

const PATHS: [&str; 14] = [
    "a'b",
    "\\\"a\\\"",
    "[*]",
    "$",
    "$.a",
    "a..b",
    "a b",
    "a[-1]",
    "a[last]",
    "a.**",
    "a?(@.b==1)",
    "x' || (select pg_sleep(3)) || '",
    "a[#-1]",
    "{a,b}",
];

async fn hostile_json_paths_are_refused_everywhere(kit: &Kit) {
    kit.open(
        "posts",
        json!([{"name": "meta", "type": "json"}, {"name": "n", "type": "number"}]),
    )
    .await;
    let id = kit
        .made(
            "posts",
            json!({"meta": {"a": {"b": 1}, "a'b": 2, "\"a\"": 3, "$": 4}, "n": 1}),
        )
        .await;
    let before = kit.dump(&["posts"]).await;
    for path in PATHS {
        let filter = format!("json(meta, \"{path}\") == 1");
        for asker in [anon(), key()] {
            assert_eq!(
                code(kit.list(&asker, "posts", &[("filter", &filter)]).await),
                Code::InvalidFilter,
                "{path}"
            );
            for sort in [
                format!("meta.{path}"),
                format!("-meta.{path}"),
                format!("json(meta, \"{path}\")"),
            ] {
                let told = code(kit.list(&asker, "posts", &[("sort", &sort)]).await);
                assert!(
                    matches!(told, Code::InvalidSort | Code::InvalidParameter),
                    "{sort}"
                );
            }
            let fields = format!("meta.{path}");
            assert_eq!(
                code(kit.list(&asker, "posts", &[("fields", &fields)]).await),
                Code::InvalidParameter,
                "{path}"
            );
        }
        assert_eq!(
            code(kit.rules("posts", json!({"list": filter})).await),
            Code::InvalidRule,
            "{path}"
        );
        for name in [
            path.to_owned(),
            format!("meta.{path}"),
            format!("stats.{path}"),
        ] {
            let change = json!({name: {"increment": 1}});
            assert_eq!(
                faults(kit.merge(&anon(), "posts", &id, change).await).0,
                Code::UnknownField,
                "{path}"
            );
        }
        let body = json!({"group_by": [format!("meta.{path}")], "measures": {"n": "count()"}});
        let reply = call(
            kit,
            &key(),
            "POST",
            "/v1/records/posts/aggregate",
            Some(body),
            &[],
        )
        .await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.text);
    }
    assert_eq!(kit.dump(&["posts"]).await, before);
}

/// What an operator is given is a value or a fault, whatever it looks like.
async fn hostile_operands_are_values(kit: &Kit) {
    let fields = json!([
        {"name": "n", "type": "number", "format": "integer"},
        {"name": "price", "type": "number"},
        {"name": "cost", "type": "number", "format": "decimal", "precision": 10, "scale": 2},
        {"name": "labels", "type": "select", "values": ["a", "b"], "multiple": true}
    ]);
    kit.open("posts", fields).await;
    let id = kit
        .made(
            "posts",
            json!({"n": 1, "price": 1.5, "cost": "1.50", "labels": ["a"]}),
        )
        .await;
    let before = kit.dump(&["posts"]).await;
    for operand in [
        json!("1"),
        json!("1); drop table posts;--"),
        json!(null),
        json!(true),
        json!([1]),
        json!({"increment": 1}),
        json!("pg_sleep(3)"),
        json!(1e300),
        json!("NaN"),
        json!("' || (select 1) || '"),
    ] {
        for field in ["n", "labels"] {
            for operator in ["increment", "append", "remove", "set_if_absent"] {
                // What is there already is not set, whatever the value; it is checked all the same.
                let refused = kit
                    .merge(&anon(), "posts", &id, json!({field: {operator: operand}}))
                    .await;
                assert_eq!(
                    faults(refused),
                    (Code::ValidationFailed, vec![format!("/{field}")]),
                    "{field} {operator} {operand}"
                );
            }
        }
    }
    for operator in ["INCREMENT", "$inc", "increment; --", "", "multiply", "set"] {
        let refused = kit
            .merge(&anon(), "posts", &id, json!({"n": {operator: 1}}))
            .await;
        assert_eq!(faults(refused).0, Code::ValidationFailed, "{operator}");
    }
    assert_eq!(kit.dump(&["posts"]).await, before);
}

async fn texts_and_lists_have_limits_on_every_path(kit: &Kit) {
    kit.open("posts", every_type()).await;
    kit.made("posts", json!({"stock": 7})).await;
    let nested =
        |open: &str, n: usize, close: &str| format!("{}open{}", open.repeat(n), close.repeat(n));
    for text in [
        "(".repeat(5_000),
        "!".repeat(5_000),
        vec!["true"; 5_000].join("||"),
        nested("(", 17, ")"),
        nested("!(", 40, ")"),
        vec!["open"; 250].join("||"),
        "x".repeat(3_501),
        format!("stock in [{}]", vec!["1"; 101].join(",")),
    ] {
        for path in ["query", "aggregate", "update", "delete"] {
            let mut body = json!({"filter": text});
            match path {
                "aggregate" => body["measures"] = json!({"n": "count()"}),
                "update" => body["set"] = json!({"title": "x"}),
                _ => {}
            }
            let reply = call(
                kit,
                &u(),
                "POST",
                &format!("/v1/records/posts/{path}"),
                Some(body),
                &[],
            )
            .await;
            // The longest are told as values that are too long where they stand in a body among others.
            let (status, code) = reply.fails();
            let told = (status, code.as_str());
            assert!(
                matches!(told, (400, "invalid_filter") | (422, "validation_failed")),
                "{path}: {}",
                reply.text
            );
        }
        assert_eq!(
            code(kit.rules("posts", json!({"list": text})).await),
            Code::InvalidRule
        );
        let default = json!({"fields": {"change": {"open": {"default": {"expression": text}}}}});
        assert_eq!(
            code(kit.change("posts", default).await),
            Code::ValidationFailed
        );
    }
    for (n, status) in [(10_000, 200), (10_001, 400)] {
        let list: Vec<usize> = (0..n).collect();
        let body = json!({"filter": "stock in params.list", "params": {"list": list}});
        let reply = call(
            kit,
            &u(),
            "POST",
            "/v1/records/posts/query",
            Some(body),
            &[],
        )
        .await;
        assert_eq!(reply.status, status, "{n}: {}", reply.text);
        if status == 200 {
            assert_eq!(reply.json()["items"].as_array().unwrap().len(), 1);
        }
    }
    // Relations of an answer: how deep, how many, in a circle.
    kit.open(
        "chain",
        json!([{"name": "next_one", "type": "relation", "collection": "posts"}]),
    )
    .await;
    kit.change(
        "chain",
        json!({"fields": {"add": [{"name": "up", "type": "relation", "collection": "chain"}]}}),
    )
    .await
    .unwrap();
    let top = kit.made("chain", json!({})).await;
    kit.merge(&key(), "chain", &top, json!({"up": top}))
        .await
        .unwrap();
    for (text, good) in [
        ("up.up.up.up", true),
        ("up.up.up.up.up", false),
        ("up.up.up.up.up.up.up", false),
        ("chain_via_up.chain_via_up.up.up", true),
        ("chain_via_up.up.chain_via_up.up.chain_via_up", false),
    ] {
        let query = query_string(&[("expand", text)]);
        assert_eq!(
            kit.page(&anon(), "chain", &query).await.is_ok(),
            good,
            "{text}"
        );
    }
    let siblings: Vec<String> = (0..100)
        .map(|n| format!("chain_via_up(limit:{})", n % 9 + 1))
        .collect();
    let query = query_string(&[("expand", &siblings.join(","))]);
    assert_eq!(
        code(kit.page(&anon(), "chain", &query).await),
        Code::InvalidParameter
    );
}

async fn a_project_has_so_many_collections(kit: &Kit) {
    kit.collection(json!({"name": "first"})).await;
    // The others are there in name alone.
    let (id, name, definition) = if kit.is_postgres() {
        (
            "CAST('01990000-0000-7000-8001-' || lpad(to_hex(n), 12, '0') AS uuid)",
            "'c' || CAST(n AS text)",
            "jsonb_set(definition, '{name}', to_jsonb('c' || CAST(n AS text)))",
        )
    } else {
        (
            "printf('01990000-0000-7000-8001-%012x', n)",
            "'c' || n",
            "json_set(definition, '$.name', 'c' || n)",
        )
    };
    let numbers = "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 997)";
    let insert = format!(
        r#"{numbers} INSERT INTO "project"."_collections" (id, name, definition, created_at, updated_at) SELECT {id}, {name}, {definition}, created_at, updated_at FROM "project"."_collections" CROSS JOIN g WHERE name = 'first'"#
    );
    let moved = r#"UPDATE "project"."_counters" SET value = value + 1 WHERE name = 'schema'"#;
    execute(kit, vec![insert, moved.to_owned()]).await;
    kit.data.doubt(None);
    kit.collection(json!({"name": "the_last"})).await;
    assert_eq!(
        faults(kit.try_collection(json!({"name": "one_too_many"})).await),
        (Code::ValidationFailed, vec![String::new()])
    );
    // One that is there can be changed, and where one goes another may come.
    kit.rules("the_last", json!({"list": "true"}))
        .await
        .unwrap();
    kit.data
        .delete_collection(&kit.project, &key(), "the_last", None)
        .await
        .unwrap();
    kit.collection(json!({"name": "another"})).await;
}
