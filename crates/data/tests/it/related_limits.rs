//! The bounds of an expansion: rows, statements, bytes, time, and one state of the database for all of an answer.

use crate::kit::{Kit, anon, both, code, key, query_string};
use crate::related::blog;
use kernel::Code;
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};
use store::{StoreError, WriteTx};

both!(
    each_back_relation_is_one_statement,
    a_thousand_rows_of_a_relation_at_most,
    many_related_records_under_a_limit,
    an_answer_is_one_state,
    what_is_repeated_counts,
);

/// Runs statements of a test's own in a write.
pub async fn execute(kit: &Kit, texts: Vec<String>) {
    kit.db
        .write(async move |tx: &WriteTx| -> Result<(), StoreError> {
            for text in &texts {
                tx.execute_unprepared(text).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
}

/// Rows 1 to `n` of a table: `columns` and their values, in which `n` is the row's number.
pub async fn fill(kit: &Kit, table: &str, n: u32, columns: &str, values: &str) {
    let (numbers, id, time) = if kit.is_postgres() {
        (
            format!("SELECT n FROM generate_series(1, {n}) AS g(n)"),
            "CAST('01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)",
            "CAST('2026-01-01T00:00:00Z' AS timestamptz)",
        )
    } else {
        (
            format!(
                "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {n}) SELECT n FROM g"
            ),
            "printf('01990000-0000-7000-8000-%012x', n)",
            "'2026-01-01T00:00:00.000000Z'",
        )
    };
    let sql = format!(
        r#"INSERT INTO "project"."{table}" (id, created_at, updated_at, _version, {columns}) SELECT {id}, {time}, {time}, 1, {values} FROM ({numbers}) AS numbers"#
    );
    execute(kit, vec![sql]).await;
    if kit.is_postgres() {
        execute(kit, vec![format!(r#"ANALYZE "project"."{table}""#)]).await;
    }
}

/// How many statements an answer takes. The schema's version is asked for once a second: the least of some tries.
async fn statements(kit: &Kit, query: &str) -> u64 {
    let mut least = u64::MAX;
    for _ in 0..5 {
        let before = kit.db.read_count();
        kit.page(&anon(), "posts", query).await.unwrap();
        least = least.min(kit.db.read_count() - before);
    }
    least
}

/// At most one statement for each hop beside that of the list.
async fn each_back_relation_is_one_statement(kit: &Kit) {
    let blog = blog(kit).await;
    for (expand, want) in [
        ("", 1),
        ("author,author.team", 1),
        ("comments_via_post", 2),
        ("comments_via_post.author.team", 2),
        ("author.posts_via_author.comments_via_post.author", 3),
        ("author.posts_via_author.author.comments_via_author", 3),
        (
            "author.comments_via_author,author.posts_via_author,comments_via_post(limit:1)",
            4,
        ),
    ] {
        let query = query_string(&[("expand", expand)]);
        assert_eq!(statements(kit, &query).await, want, "{expand}");
        assert_eq!(
            statements(kit, &format!("{query}&count=exact")).await,
            want + 1
        );
        let before = kit.db.read_count();
        kit.get_with(&anon(), "posts", &blog.posts[0], &query)
            .await
            .unwrap();
        assert!(kit.db.read_count() - before <= want + 1);
    }
    // Where there is nobody whose relation could be read, none is.
    kit.rules("authors", json!({"list": "name == 'nobody'"}))
        .await
        .unwrap();
    assert_eq!(statements(kit, "expand=author.posts_via_author").await, 1);
}

/// No hop brings more than 1,000 rows, whatever is asked for; what is left out has a cursor.
async fn a_thousand_rows_of_a_relation_at_most(kit: &Kit) {
    kit.open(
        "posts",
        json!([{"name": "n", "type": "number", "format": "integer"}]),
    )
    .await;
    kit.open("comments", json!([{"name": "post", "type": "relation", "collection": "posts"}, {"name": "n", "type": "number", "format": "integer"}])).await;
    kit.open(
        "likes",
        json!([{"name": "comment", "type": "relation", "collection": "comments"}]),
    )
    .await;
    fill(kit, "posts", 1_000, "n", "n").await;
    let of = |table: &str, modulo: u32| {
        let n = format!("(n % {modulo}) + 1");
        let id = if kit.is_postgres() {
            format!("CAST('01990000-0000-7000-8000-' || lpad(to_hex({n}), 12, '0') AS uuid)")
        } else {
            format!("printf('01990000-0000-7000-8000-%012x', {n})")
        };
        (table.to_owned(), id)
    };
    let (table, id) = of("comments", 1_000);
    fill(kit, &table, 5_000, "post, n", &format!("{id}, n")).await;
    let (table, id) = of("likes", 5_000);
    fill(kit, &table, 10_000, "comment", &id).await;
    let pages = |page: data::RecordPage| -> Vec<Json> {
        let items = page.docs.iter();
        items
            .map(|d| {
                serde_json::from_str::<Json>(&d.json).unwrap()["expand"]["comments_via_post"]
                    .clone()
            })
            .collect()
    };
    for (posts, asked, want) in [
        (1_000, 100, 1),
        (400, 100, 2),
        (100, 3, 3),
        (100, 100, 5),
        (30, 30, 5),
    ] {
        let query = format!("limit={posts}&expand=comments_via_post(limit:{asked},sort:-n)");
        let pages = pages(kit.page(&anon(), "posts", &query).await.unwrap());
        assert_eq!(pages.len(), posts);
        let rows: usize = pages
            .iter()
            .map(|p| p["items"].as_array().unwrap().len())
            .sum();
        assert!(rows <= 1_000, "{query}: {rows}");
        for page in &pages {
            assert_eq!(page["items"].as_array().unwrap().len(), want, "{query}");
            assert_eq!(page["next_cursor"].is_string(), want < 5, "{query}");
        }
    }
    // And behind it: each of up to 1,000 comments one like at most.
    let query = "limit=200&expand=comments_via_post(limit:5,expand:likes_via_comment(limit:100))";
    let pages = pages(kit.page(&anon(), "posts", query).await.unwrap());
    let comments: Vec<&Json> = pages
        .iter()
        .flat_map(|p| p["items"].as_array().unwrap())
        .collect();
    assert_eq!(comments.len(), 1_000);
    let likes = comments.iter().map(|c| {
        let page = &c["expand"]["likes_via_comment"];
        assert!(page["next_cursor"].is_string());
        page["items"].as_array().unwrap().len()
    });
    assert_eq!(likes.sum::<usize>(), 1_000);
}

/// 100,000 records point to one: a page of them is two statements, and quick.
async fn many_related_records_under_a_limit(kit: &Kit) {
    kit.open(
        "posts",
        json!([{"name": "n", "type": "number", "format": "integer"}]),
    )
    .await;
    let fields = json!([{"name": "post", "type": "relation", "collection": "posts"}, {"name": "n", "type": "number", "format": "integer"}, {"name": "m", "type": "number", "format": "integer"}]);
    let rules = json!({"list": "n != 7", "create": "true"});
    kit.collection(json!({"name": "comments", "fields": fields, "indexes": [{"fields": ["post", "n"]}], "rules": rules})).await;
    fill(kit, "posts", 2, "n", "n").await;
    let post = "01990000-0000-7000-8000-000000000001";
    let id = if kit.is_postgres() {
        format!("CAST('{post}' AS uuid)")
    } else {
        format!("'{post}'")
    };
    let values = format!("{id}, n, (n * 7919) % 100003");
    fill(kit, "comments", 100_000, "post, n, m", &values).await;
    for (sort, first, allowed) in [
        ("id", 1, 300),
        ("n", 1, 300),
        ("-n", 100_000, 300),
        // No index serves this order: it is sorted, but only what is shown is made.
        ("-m", 0, 3_000),
    ] {
        let query = format!("expand=comments_via_post(limit:3,sort:{sort})");
        let (mut least, mut page) = (Duration::MAX, Json::Null);
        for _ in 0..4 {
            let started = Instant::now();
            let got = kit.page(&anon(), "posts", &query).await.unwrap();
            least = least.min(started.elapsed());
            page = serde_json::from_str(&got.docs[0].json).unwrap();
        }
        let items = page["expand"]["comments_via_post"]["items"]
            .as_array()
            .unwrap();
        assert_eq!(items.len(), 3);
        assert!(
            first == 0 || items[0]["n"] == json!(first),
            "{sort} {items:?}"
        );
        assert!(least < Duration::from_millis(allowed), "{sort}: {least:?}");
        // What takes long on a worker is read again on the slow lane.
        let allowed = if sort == "-m" && !kit.is_postgres() {
            4
        } else {
            2
        };
        assert!(statements(kit, &query).await <= allowed, "{sort}");
    }
}

/// While a writer changes two tables together, no answer sees one changed and the other not.
async fn an_answer_is_one_state(kit: &Kit) {
    let number = json!({"name": "n", "type": "number", "format": "integer"});
    kit.open("posts", json!([number])).await;
    kit.open(
        "comments",
        json!([number, {"name": "post", "type": "relation", "collection": "posts"}]),
    )
    .await;
    let post = kit.made("posts", json!({"n": 0})).await;
    for _ in 0..3 {
        kit.made("comments", json!({"n": 0, "post": post})).await;
    }
    let writing = async {
        for n in 1..150 {
            // The number of comments changes too, so that the count is held to it.
            let id = format!("01990000-0000-7000-8000-{n:012x}");
            let time = "2026-01-01T00:00:00.000000Z";
            execute(
                kit,
                vec![
                    format!(r#"UPDATE "project"."posts" SET n = {n}"#),
                    format!(r#"UPDATE "project"."comments" SET n = {n}"#),
                    format!(r#"INSERT INTO "project"."comments" (id, n, post, created_at, updated_at, _version) VALUES ('{id}', {n}, '{post}', '{time}', '{time}', 1)"#),
                ],
            )
            .await;
        }
    };
    let reading = async {
        let mut seen = std::collections::HashSet::new();
        for i in 0..300 {
            let page = if i % 2 == 0 {
                let query = "count=exact&expand=comments_via_post(limit:3,fields:n,post,expand:post(fields:n))";
                let page = kit.page(&anon(), "posts", query).await.unwrap();
                serde_json::from_str::<Json>(&page.docs[0].json).unwrap()
            } else {
                let query = "expand=comments_via_post(limit:3,fields:n,post,expand:post(fields:n))";
                kit.get_with(&anon(), "posts", &post, query).await.unwrap()
            };
            let n = &page["n"];
            for comment in page["expand"]["comments_via_post"]["items"]
                .as_array()
                .unwrap()
            {
                assert_eq!((&comment["n"], &comment["expand"]["post"]["n"]), (n, n));
            }
            let counted = kit
                .page(&anon(), "comments", "count=exact&limit=200")
                .await
                .unwrap();
            assert_eq!(
                counted.docs.len(),
                usize::try_from(counted.total.unwrap()).unwrap()
            );
            seen.insert(n.as_i64().unwrap());
            tokio::task::yield_now().await;
        }
        seen.len()
    };
    let ((), states) = tokio::join!(writing, reading);
    assert!(states > 1, "nothing was written meanwhile");
}

/// What is read once and told many times counts as often as it is told.
async fn what_is_repeated_counts(kit: &Kit) {
    kit.open("authors", json!([{"name": "a", "type": "text"}]))
        .await;
    kit.open("bios", json!([{"name": "text", "type": "text", "max": 100_000}, {"name": "author", "type": "relation", "collection": "authors"}])).await;
    kit.open(
        "posts",
        json!([{"name": "author", "type": "relation", "collection": "authors"}]),
    )
    .await;
    let author = kit.made("authors", json!({"a": "a"})).await;
    for _ in 0..3 {
        kit.made(
            "bios",
            json!({"text": "x".repeat(90_000), "author": author}),
        )
        .await;
    }
    for _ in 0..70 {
        kit.made("posts", json!({"author": author})).await;
    }
    let ask = async |limit: &str| {
        let query = [("limit", limit), ("expand", "author.bios_via_author")];
        kit.list(&key(), "posts", &query).await
    };
    assert_eq!(ask("50").await.unwrap().len(), 50);
    assert_eq!(code(ask("70").await), Code::ResponseTooLarge);
}
