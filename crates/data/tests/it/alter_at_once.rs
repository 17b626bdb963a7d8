//! Changes of a collection with writers and readers at work, on this node and on another.

use crate::kit::{Kit, anon, both, key, object};
use data::{Aggregate, ChangesQuery, Data, ExplainIn, Query, WriteOptions};
use gate::{Input, Problem, Project};
use kernel::Code;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

both!(
    writers_lose_nothing_and_readers_see_one_schema,
    another_node_meets_the_change,
);

/// Writes until it is told to stop; what it was told is written.
async fn write_on(
    data: &Data,
    project: &Arc<Project>,
    writer: usize,
    stop: &AtomicBool,
) -> Vec<(String, i64)> {
    let mut written = Vec::new();
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let number = (writer * 100_000 + n) as i64;
        // By whatever name and type the field has at the moment.
        for (name, value) in [
            ("a", json!(number)),
            ("a", json!(number.to_string())),
            ("b", json!(number)),
            ("b", json!(number.to_string())),
        ] {
            let record = object(json!({name: value}));
            let done = data
                .create(project, &key(), "posts", record, WriteOptions::default())
                .await;
            match done.map_err(Problem::from) {
                Ok(answer) => {
                    let body = crate::kit::body(&answer);
                    written.push((body["id"].as_str().unwrap().to_owned(), number));
                    break;
                }
                Err(problem) => assert!(
                    matches!(
                        problem.code(),
                        Code::SchemaChanged
                            | Code::UnknownField
                            | Code::ValidationFailed
                            | Code::Unavailable
                    ),
                    "{problem:?}"
                ),
            }
        }
        tokio::task::yield_now().await;
    }
    written
}

/// Reads until it is told to stop: in each page, each record has the one field, with a value of the one type.
async fn read_on(data: &Data, project: &Project, stop: &AtomicBool) -> usize {
    let mut pages = 0;
    while !stop.load(Ordering::Relaxed) {
        let query = Query::parse_list("limit=50&sort=-id").unwrap();
        let page = match data
            .list(project, &anon(), "posts", &query)
            .await
            .map_err(Problem::from)
        {
            Ok(page) => page,
            // A busy machine may not come between two changes.
            Err(problem) if problem.code() == Code::SchemaChanged => continue,
            Err(problem) => panic!("{problem:?}"),
        };
        let mut shapes = BTreeSet::new();
        for doc in &page.docs {
            let record: Json = serde_json::from_str(&doc.json).unwrap();
            let (a, b) = (record.get("a"), record.get("b"));
            let value = a.or(b).unwrap();
            assert!(
                a.is_some() != b.is_some() && (value.is_i64() || value.is_string()),
                "{record}"
            );
            // By the other type's plan this would be null, or a number.
            let flag = &record["flag"];
            assert!(*flag == json!(true) || *flag == json!("true"), "{record}");
            shapes.insert((a.is_some(), value.is_i64()));
        }
        assert!(shapes.len() <= 1, "{shapes:?}");
        pages += 1;
        tokio::task::yield_now().await;
    }
    pages
}

/// Asks for changes, sums and explanations until it is told to stop: each answer is by one schema, and none a word of the
/// database about a name that it has no more.
async fn ask_on(data: &Data, project: &Project, stop: &AtomicBool) -> usize {
    let mut answers = 0;
    let told = |result: Result<Json, Problem>, may_be_unknown: bool| match result {
        Ok(json) => Some(json),
        Err(problem) => {
            let unknown = matches!(problem.code(), Code::InvalidParameter | Code::InvalidFilter);
            let moving = problem.code() == Code::SchemaChanged;
            assert!(moving || unknown && may_be_unknown, "{problem:?}");
            None
        }
    };
    while !stop.load(Ordering::Relaxed) {
        let query = ChangesQuery::parse("since=0&limit=50&collections=posts").unwrap();
        let page = data.changes(project, &anon(), &query).await;
        let page = page.map_err(Problem::from).map(|page| {
            let records = page.items.into_iter().filter_map(|item| item.record);
            let records = records.map(|r| serde_json::from_str::<Json>(&r).unwrap());
            Json::Array(records.collect())
        });
        let shape = |record: &Json| (record.get("a").is_some(), record["flag"].is_boolean());
        if let Some(page) = told(page, false) {
            let shapes: BTreeSet<_> = page.as_array().unwrap().iter().map(shape).collect();
            assert!(shapes.len() <= 1, "{page}");
        }
        let asked = object(json!({"group_by": ["flag"], "measures": {"n": "count(a)"}}));
        let asked = Aggregate::parse(asked).unwrap();
        let sums = data.aggregate(project, &anon(), "posts", &asked).await;
        let sums = sums.map(|text| serde_json::from_str::<Json>(&text).unwrap());
        if let Some(sums) = told(sums.map_err(Problem::from), true) {
            assert!(sums["items"].as_array().unwrap().len() <= 1, "{sums}");
        }
        let asked = object(json!({"action": "list", "filter": "a != null"}));
        let asked = ExplainIn::parse(Input::new(asked)).unwrap();
        let why = data.explain(project, &key(), "posts", asked).await;
        let why = why.map(|why| serde_json::to_value(why).unwrap());
        told(why.map_err(Problem::from), true);
        answers += 1;
        tokio::task::yield_now().await;
    }
    answers
}

async fn writers_lose_nothing_and_readers_see_one_schema(kit: &Kit) {
    kit.open(
        "posts",
        json!([
            {"name": "a", "type": "number", "format": "integer", "required": true},
            {"name": "flag", "type": "bool", "required": true, "default": true}
        ]),
    )
    .await;
    let stop = Arc::new(AtomicBool::new(false));
    let end = Arc::new(tokio::sync::Barrier::new(26));
    let threads: Vec<_> = (0..26)
        .map(|n| {
            let (data, project) = (kit.data.clone(), kit.project.clone());
            let (stop, end) = (stop.clone(), end.clone());
            std::thread::spawn(move || {
                let work = async move {
                    let (mut written, mut pages) = (Vec::new(), 1);
                    if n < 20 {
                        written = write_on(&data, &project, n, &stop).await;
                    } else if n < 22 {
                        pages = ask_on(&data, &project, &stop).await;
                    } else {
                        pages = read_on(&data, &project, &stop).await;
                    }
                    // A connection that was opened here serves the others as long as they work.
                    let all = tokio::time::timeout(std::time::Duration::from_secs(20), end.wait());
                    all.await.unwrap();
                    assert!(pages > 0);
                    written
                };
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap()
                    .block_on(work)
            })
        })
        .collect();
    for _ in 0..4 {
        for change in [
            json!({"fields": {"rename": {"a": "b"}}}),
            json!({"fields": {"change": {"b": {"type": "text", "max": 30}, "flag": {"type": "text"}}}}),
            json!({"fields": {"rename": {"b": "a"}, "add": [{"name": "note", "type": "text"}]}}),
            json!({"fields": {"change": {"a": {"type": "number", "format": "integer"}, "flag": {"type": "bool"}}, "drop": ["note"]}}),
        ] {
            loop {
                match kit.change("posts", change.clone()).await {
                    Ok(_) => break,
                    Err(problem) => assert_eq!(problem.code(), Code::Unavailable, "{problem:?}"),
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let written: Vec<(String, i64)> = threads
        .into_iter()
        .flat_map(|t| t.join().unwrap())
        .collect();
    assert!(!written.is_empty());
    // Connections that were opened on the threads ended with them.
    let kit = &kit.another().await;
    let count = kit
        .number(r#"SELECT count(*) AS n FROM "project"."posts""#)
        .await;
    assert_eq!(usize::try_from(count).unwrap(), written.len());
    for (id, number) in written {
        assert_eq!(kit.get(&anon(), "posts", &id).await.unwrap()["a"], number);
    }
}

/// A node that has not heard of the change writes nothing by the old definition, and reads nothing in its words.
async fn another_node_meets_the_change(kit: &Kit) {
    kit.open(
        "posts",
        json!([{"name": "a", "type": "text", "max": 9}, {"name": "b", "type": "text"}]),
    )
    .await;
    let id = kit.made("posts", json!({"a": "x"})).await;
    let other = kit.another().await;
    let changes = [
        (
            json!({"fields": {"rename": {"a": "c"}}}),
            json!({"a": "late"}),
            json!({"c": "in time"}),
        ),
        (
            json!({"fields": {"change": {"c": {"type": "select", "values": ["x", "in time"]}}}}),
            json!({"c": "late"}),
            json!({"c": "x"}),
        ),
        (
            json!({"fields": {"change": {"c": {"required": true, "default": "x"}}}}),
            json!({"c": null}),
            json!({}),
        ),
        (
            json!({"fields": {"drop": ["b"], "add": [{"name": "b", "type": "number", "required": true, "default": 1}]}}),
            json!({"b": "late"}),
            json!({"b": 5}),
        ),
    ];
    for (change, late, now) in changes {
        other.list(&anon(), "posts", &[]).await.unwrap();
        // The copy of the other node is fresh: it is trusted.
        kit.change("posts", change.clone()).await.unwrap();
        let refused = other.create(&anon(), "posts", late).await.unwrap_err();
        assert_eq!(refused.code(), Code::SchemaChanged, "{change}: {refused:?}");
        kit.change("posts", json!({"rules": {"list": "true"}}))
            .await
            .unwrap();
        let seen = other.list(&anon(), "posts", &[]).await.unwrap();
        assert!(seen.iter().any(|r| r["id"] == json!(id)), "{change}");
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        other.create(&anon(), "posts", now).await.unwrap();
    }
}
