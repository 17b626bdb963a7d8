//! Lists: orders, pages and cursors, limits, counts and shapes.

use crate::kit::{
    Kit, U, add_user, anon, at, both, code, every_type, faults, key, query_string, u, v,
};
use crate::values::records;
use kernel::Code;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

both!(
    every_type_sorts,
    cursors_are_for_their_query,
    parameters_have_bounds,
    counts_are_exact,
    fields_are_chosen,
    an_empty_list
);

/// The ids of all pages, walked by cursor.
async fn walk(kit: &Kit, sort: &str, limit: &str, filter: Option<&str>) -> Vec<Json> {
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("sort", sort), ("limit", limit), ("fields", "id")];
        query.extend(filter.map(|f| ("filter", f)));
        query.extend(cursor.as_deref().map(|c| ("cursor", c)));
        let page = kit
            .page(&anon(), "posts", &query_string(&query))
            .await
            .unwrap();
        assert!(page.docs.len() <= limit.parse::<usize>().unwrap());
        all.extend(
            page.docs
                .iter()
                .map(|d| serde_json::from_str::<Json>(&d.json).unwrap()["id"].clone()),
        );
        let Some(next) = page.next_cursor else {
            return all;
        };
        assert!(!page.docs.is_empty());
        cursor = Some(next);
        assert!(all.len() < 1_000, "this does not end");
    }
}

const FIELDS: [&str; 9] = [
    "title",
    "stock",
    "price",
    "open",
    "due",
    "owner",
    "created_at",
    "_version",
    "id",
];

/// Rows in which every field repeats and is null now and then, so that each key of a sort matters.
fn rows() -> Vec<Json> {
    let mut rows: Vec<Json> = records(60).to_vec();
    let repeated = json!({"title": "same", "stock": 1, "price": 0.5, "open": true, "due": "2026-01-01T00:00:00Z", "owner": U});
    for i in 0..60 {
        let template = rows[i].clone();
        let mut row = repeated.clone();
        for (n, name) in FIELDS[..6].iter().enumerate() {
            match (i / 3 + n) % 4 {
                0 => row[name] = Json::Null,
                1 => row[name] = template[name].clone(),
                _ => {}
            }
        }
        row["id"] = json!(uuid::Uuid::from_u128(
            u128::try_from(i * 7919 % 1000 + 1).unwrap() << 90 | 1
        ));
        rows.push(row);
    }
    rows
}

async fn fill(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("posts", every_type()).await;
    for (i, row) in rows().into_iter().enumerate() {
        let asker = at(key(), &format!("2026-03-01T00:00:{:02}Z", i % 7));
        kit.create(&asker, "posts", row).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_give_each_row_once_in_one_order_on_both_engines() {
    let (sqlite, postgres) = (Kit::sqlite().await, Kit::postgres().await);
    fill(&sqlite).await;
    fill(&postgres).await;
    let mut runner = TestRunner::deterministic();
    let keys = proptest::collection::vec(
        (
            proptest::sample::select(FIELDS.to_vec()),
            proptest::bool::ANY,
        ),
        1..5,
    );
    for n in 0..60 {
        let mut keys = keys.new_tree(&mut runner).unwrap().current();
        if n % 3 == 0 {
            // All in one direction: these take another way through the SQL.
            let down = keys[0].1;
            keys.iter_mut().for_each(|k| k.1 = down);
        }
        let mut seen = std::collections::HashSet::new();
        keys.retain(|k| seen.insert(k.0));
        let sort: Vec<String> = keys
            .iter()
            .map(|(name, down)| format!("{}{name}", if *down { "-" } else { "" }))
            .collect();
        let sort = sort.join(",");
        let filter = (n % 4 == 1).then_some("open || stock != 1");
        let whole = walk(&sqlite, &sort, "1000", filter).await;
        let distinct: std::collections::HashSet<&str> =
            whole.iter().filter_map(Json::as_str).collect();
        assert_eq!(distinct.len(), whole.len());
        assert!(filter.is_some() || whole.len() == 120);
        let limit = ["1", "7", "30", "59", "60"][n % 5];
        assert_eq!(
            walk(&sqlite, &sort, limit, filter).await,
            whole,
            "sqlite {sort} {limit}"
        );
        assert_eq!(
            walk(&postgres, &sort, limit, filter).await,
            whole,
            "postgres {sort} {limit}"
        );
    }
}

async fn every_type_sorts(kit: &Kit) {
    fill(kit).await;
    for field in FIELDS {
        let up = kit
            .values(
                &anon(),
                "posts",
                field,
                &[("sort", field), ("limit", "1000")],
            )
            .await;
        let down = kit
            .values(
                &anon(),
                "posts",
                field,
                &[("sort", &format!("-{field}")), ("limit", "1000")],
            )
            .await;
        let mut reversed = down.clone();
        reversed.reverse();
        assert_eq!(up, reversed, "{field}");
        // Nulls first ascending, and otherwise the order of the values.
        let nulls = up.iter().take_while(|v| v.is_null()).count();
        assert!(up[nulls..].iter().all(|v| !v.is_null()), "{field}");
        assert!(
            up[nulls..].is_sorted_by(|a, b| match (a, b) {
                (Json::Number(a), Json::Number(b)) => a.as_f64() <= b.as_f64(),
                (Json::Bool(a), Json::Bool(b)) => a <= b,
                (a, b) => a.as_str().unwrap() <= b.as_str().unwrap(),
            }),
            "{field}"
        );
    }
    for (sort, path) in [
        ("nothing", Code::InvalidSort),
        ("title,-title", Code::InvalidSort),
        ("title desc", Code::InvalidSort),
        ("name\"||pg_sleep(3)||\"", Code::InvalidSort),
        ("--title", Code::InvalidSort),
        ("t0.title", Code::InvalidSort),
    ] {
        assert_eq!(
            code(kit.list(&anon(), "posts", &[("sort", sort)]).await),
            path,
            "{sort}"
        );
    }
    let many: Vec<String> = (0..9).map(|i| format!("f{i}")).collect();
    kit.open(
        "wide",
        json!(
            many.iter()
                .map(|n| json!({"name": n, "type": "bool"}))
                .collect::<Vec<_>>()
        ),
    )
    .await;
    assert_eq!(
        code(
            kit.list(&anon(), "wide", &[("sort", &many.join(","))])
                .await
        ),
        Code::InvalidSort
    );
    kit.list(&anon(), "wide", &[("sort", &many[..8].join(","))])
        .await
        .unwrap();
}

async fn cursors_are_for_their_query(kit: &Kit) {
    kit.open("posts", every_type()).await;
    kit.open("notes", every_type()).await;
    for i in 0..5 {
        kit.made("posts", json!({"stock": i, "title": "t"})).await;
    }
    let query = |more: &[(&str, &str)]| {
        let mut query = vec![
            ("limit", "2"),
            ("sort", "-stock"),
            ("filter", "title == params.t"),
            ("params.t", "t"),
        ];
        for (name, value) in more {
            query.retain(|q| q.0 != *name);
            query.push((name, value));
        }
        query_string(&query)
    };
    let first = kit.page(&u(), "posts", &query(&[])).await.unwrap();
    let cursor = first.next_cursor.unwrap();
    let ask = async |asker, name: &str, more: &[(&str, &str)]| {
        let mut more = more.to_vec();
        more.push(("cursor", &cursor));
        kit.page(&asker, name, &query(&more))
            .await
            .map(|p| p.docs.len())
    };
    assert_eq!(ask(u(), "posts", &[]).await.unwrap(), 2);
    // How much of each record is wanted is not part of the query.
    assert_eq!(
        ask(
            u(),
            "posts",
            &[("limit", "30"), ("fields", "id"), ("count", "exact")]
        )
        .await
        .unwrap(),
        3
    );
    for (asker, name, more) in [
        (v(), "posts", vec![]),
        (anon(), "posts", vec![]),
        (key(), "posts", vec![]),
        (u(), "notes", vec![]),
        (u(), "posts", vec![("sort", "stock")]),
        (u(), "posts", vec![("sort", "-stock,title")]),
        (u(), "posts", vec![("filter", "title == params.t || false")]),
        (u(), "posts", vec![("params.t", "x")]),
    ] {
        assert_eq!(
            code(ask(asker, name, &more).await),
            Code::CursorMismatch,
            "{name} {more:?}"
        );
    }
    for i in 0..cursor.len() {
        let mut bad = cursor.clone().into_bytes();
        bad[i] = if bad[i] == b'A' { b'B' } else { b'A' };
        let bad = String::from_utf8(bad).unwrap();
        let got = kit.page(&u(), "posts", &query(&[("cursor", &bad)])).await;
        assert_eq!(code(got), Code::InvalidCursor, "{i}");
    }
    for bad in [
        "",
        "x",
        "=",
        "%00",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        &cursor[1..],
        &format!("{cursor}A"),
    ] {
        assert_eq!(
            code(kit.page(&u(), "posts", &query(&[("cursor", bad)])).await),
            Code::InvalidCursor,
            "{bad}"
        );
    }
    // Of another project, made with another key.
    let other = kit.another().await;
    assert_eq!(
        code(
            other
                .page(&u(), "posts", &query(&[("cursor", &cursor)]))
                .await
        ),
        Code::InvalidCursor
    );
    kit.rules("posts", json!({"delete": null})).await.unwrap();
    assert_eq!(code(ask(u(), "posts", &[]).await), Code::CursorMismatch);
}

async fn parameters_have_bounds(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let id = kit.made("posts", json!({})).await;
    for _ in 0..40 {
        kit.made("posts", json!({})).await;
    }
    assert_eq!(kit.page(&anon(), "posts", "").await.unwrap().docs.len(), 30);
    assert_eq!(
        kit.page(&anon(), "posts", "limit=1000")
            .await
            .unwrap()
            .docs
            .len(),
        41
    );
    for bad in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=1.0",
        "count=yes",
        "count=",
        "page=1",
        "Filter=true",
        "params.=1",
        "params=1",
        "limit=1&limit=2",
        "sort=%00",
        "$where=1",
    ] {
        let (code_, paths) = faults(kit.page(&anon(), "posts", bad).await);
        assert_eq!((code_, paths.len()), (Code::InvalidParameter, 1), "{bad}");
    }
    let (code_, paths) = faults(kit.page(&anon(), "posts", "limit=0&x=1&count=2").await);
    assert_eq!(
        (code_, paths),
        (
            Code::InvalidParameter,
            ["?count", "?limit", "?x"].map(String::from).to_vec()
        )
    );
    assert_eq!(
        code(kit.page(&anon(), "nothing", "").await),
        Code::CollectionNotFound
    );
    // Without a sort the order is that of the ids, which is that of their making.
    assert_eq!(
        kit.values(&anon(), "posts", "id", &[("limit", "1")]).await,
        [json!(id)]
    );
}

async fn counts_are_exact(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.collection(json!({"name": "posts", "fields": every_type(), "rules": {"list": "owner == auth.id || open"}})).await;
    for i in 0..10 {
        kit.made(
            "posts",
            json!({"stock": i, "open": i < 3, "owner": if i > 7 { json!(U) } else { json!(null) }}),
        )
        .await;
    }
    let total = async |asker, query: &[(&str, &str)]| {
        let mut query = query.to_vec();
        query.extend([("count", "exact"), ("limit", "1")]);
        let page = kit
            .page(&asker, "posts", &query_string(&query))
            .await
            .unwrap();
        (page.docs.len(), page.total.unwrap())
    };
    assert_eq!(total(key(), &[]).await, (1, 10));
    assert_eq!(total(anon(), &[]).await, (1, 3));
    assert_eq!(total(u(), &[]).await, (1, 5));
    assert_eq!(
        total(u(), &[("filter", "stock > params.n"), ("params.n", "1")]).await,
        (1, 3)
    );
    assert_eq!(total(u(), &[("filter", "stock > 100")]).await, (0, 0));
    assert_eq!(kit.page(&u(), "posts", "").await.unwrap().total, None);
}

async fn fields_are_chosen(kit: &Kit) {
    kit.open("posts", json!([{"name": "a", "type": "text"}, {"name": "b", "type": "bool"}, {"name": "secret", "type": "text", "hidden": true}])).await;
    kit.made("posts", json!({"a": "1", "b": true, "secret": "s"}))
        .await;
    assert_eq!(
        kit.list(&anon(), "posts", &[("fields", "b,a,b")])
            .await
            .unwrap(),
        [json!({"b": true, "a": "1"})]
    );
    assert_eq!(
        kit.list(&key(), "posts", &[("fields", "secret")])
            .await
            .unwrap(),
        [json!({"secret": "s"})]
    );
    for fields in ["secret", "nothing", "a,,b", " a", "a;b", "*"] {
        assert_eq!(
            faults(kit.list(&anon(), "posts", &[("fields", fields)]).await),
            (Code::InvalidParameter, vec!["?fields".into()]),
            "{fields}"
        );
    }
    // Every field but the hidden one, and nothing of it by any other way (O2, cases 37, 38).
    assert!(
        kit.list(&anon(), "posts", &[]).await.unwrap()[0]
            .get("secret")
            .is_none()
    );
    assert_eq!(
        code(kit.list(&anon(), "posts", &[("sort", "secret")]).await),
        Code::InvalidSort
    );
    let told = async |name: &str| {
        let filter = format!("{name} == 's'");
        let sort = kit
            .list(&anon(), "posts", &[("sort", name)])
            .await
            .unwrap_err();
        let filter = kit
            .list(&anon(), "posts", &[("filter", &filter)])
            .await
            .unwrap_err();
        let fields = kit
            .list(&anon(), "posts", &[("fields", name)])
            .await
            .unwrap_err();
        let expand = kit
            .list(&anon(), "posts", &[("expand", name)])
            .await
            .unwrap_err();
        format!("{sort:?} {filter:?} {fields:?} {expand:?}")
    };
    assert_eq!(
        told("secret").await.replace("secret", "nought"),
        told("nought").await
    );
}

async fn an_empty_list(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let page = kit
        .page(&anon(), "posts", "count=exact&sort=-due")
        .await
        .unwrap();
    assert_eq!(
        (page.docs.len(), page.next_cursor, page.total),
        (0, None, Some(0))
    );
    kit.made("posts", json!({})).await;
    let page = kit.page(&anon(), "posts", "limit=1").await.unwrap();
    assert_eq!((page.docs.len(), page.next_cursor), (1, None));
}
