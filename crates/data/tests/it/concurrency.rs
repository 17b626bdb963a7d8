//! Many at once: retries, conditions, and schema changes while others read.

use crate::kit::{Kit, U, anon, both, claim, code, every_type, key, user};
use data::{IfMatch, WriteOptions};
use futures_util::future::join_all;
use gate::{Input, Problem};
use kernel::Code;
use serde_json::json;
use std::time::Duration;
use store::Claim;

both!(
    a_retry_gets_the_first_answer,
    twenty_retries_make_one_record,
    one_of_fifty_wins,
    stock_does_not_go_below_zero,
    readers_go_on_while_the_schema_changes,
    changes_of_rules_do_not_undo_each_other,
    a_change_whose_caller_went_away_is_seen,
);

async fn a_retry_gets_the_first_answer(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let with = |hash| claim("k-0123456789abcdef", hash);
    let first = kit
        .create_with(&anon(), "posts", json!({"title": "a"}), with("h"))
        .await
        .unwrap();
    let again = kit
        .create_with(&anon(), "posts", json!({"title": "a"}), with("h"))
        .await
        .unwrap();
    assert_eq!(first, again);
    assert_eq!((first.status, first.etag.as_deref()), (201, Some("\"1\"")));
    assert_eq!(
        code(
            kit.create_with(&anon(), "posts", json!({}), with("other"))
                .await
        ),
        Code::IdempotencyMismatch
    );
    // Another caller's key of the same text is another key.
    let other = Claim {
        caller: "user:v".into(),
        key: "k-0123456789abcdef".into(),
        hash: "h".into(),
    };
    kit.create_with(
        &anon(),
        "posts",
        json!({}),
        WriteOptions {
            if_match: None,
            claim: Some(other),
        },
    )
    .await
    .unwrap();
    assert_eq!(kit.list(&anon(), "posts", &[]).await.unwrap().len(), 2);
    // Merges and deletions too: the second time nothing is done, and that is not told apart.
    let id = crate::kit::body(&first)["id"].as_str().unwrap().to_owned();
    let merge = WriteOptions {
        if_match: Some(IfMatch::Versions(vec![1])),
        ..claim("k-merge-0123456789", "m")
    };
    for _ in 0..3 {
        let answer = kit
            .data
            .merge(
                &kit.project,
                &anon(),
                "posts",
                &id,
                crate::kit::object(json!({"stock": 1})),
                merge.clone(),
            )
            .await
            .unwrap();
        assert_eq!(
            (answer.status, answer.etag.as_deref()),
            (200, Some("\"2\""))
        );
    }
    for _ in 0..3 {
        let answer = kit
            .data
            .delete(
                &kit.project,
                &anon(),
                "posts",
                &id,
                claim("k-delete-0123456789", "d"),
            )
            .await
            .unwrap();
        assert_eq!((answer.status, answer.body), (204, None));
    }
    // A refusal is not kept: it is computed afresh.
    kit.rules("posts", json!({"create": null})).await.unwrap();
    let fresh = || claim("k-fresh-0123456789", "f");
    assert_eq!(
        code(kit.create_with(&anon(), "posts", json!({}), fresh()).await),
        Code::RuleDenied
    );
    kit.rules("posts", json!({"create": "true"})).await.unwrap();
    kit.create_with(&anon(), "posts", json!({}), fresh())
        .await
        .unwrap();
}

async fn twenty_retries_make_one_record(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let asker = anon();
    let tries = (0..20).map(|_| {
        kit.create_with(
            &asker,
            "posts",
            json!({"title": "a"}),
            claim("k-0123456789abcdef", "h"),
        )
    });
    let answers: Vec<_> = join_all(tries)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(answers.iter().all(|a| *a == answers[0]));
    assert_eq!(kit.list(&anon(), "posts", &[]).await.unwrap().len(), 1);
}

async fn one_of_fifty_wins(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let id = kit.made("posts", json!({"stock": 0})).await;
    let asker = anon();
    let tries = (0..50).map(|n| {
        kit.merge_if(
            &asker,
            "posts",
            &id,
            json!({"stock": n}),
            Some(IfMatch::Versions(vec![1])),
        )
    });
    let done = join_all(tries).await;
    let won: Vec<_> = done.iter().filter_map(|r| r.as_ref().ok()).collect();
    assert_eq!(won.len(), 1);
    assert!(
        done.iter()
            .filter_map(|r| r.as_ref().err())
            .all(|p| p.code() == Code::PreconditionFailed)
    );
    assert_eq!(kit.get(&anon(), "posts", &id).await.unwrap(), *won[0]);
}

/// A rule over the row before is asked of the row as it is under its lock.
async fn stock_does_not_go_below_zero(kit: &Kit) {
    kit.open("posts", every_type()).await;
    kit.rules("posts", json!({"update": "next.stock == stock - 1"}))
        .await
        .unwrap();
    let id = kit.made("posts", json!({"stock": 10})).await;
    let asker = user(U);
    // All want to take it from 10 to 9; one can.
    let done =
        join_all((0..20).map(|_| kit.merge(&asker, "posts", &id, json!({"stock": 9})))).await;
    assert_eq!(done.iter().filter(|r| r.is_ok()).count(), 1);
    assert_eq!(kit.get(&anon(), "posts", &id).await.unwrap()["_version"], 2);
}

async fn readers_go_on_while_the_schema_changes(kit: &Kit) {
    kit.open("posts", every_type()).await;
    for i in 0..5 {
        kit.made("posts", json!({"stock": i})).await;
    }
    let (data, project) = (kit.data.clone(), kit.project.clone());
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let end = std::sync::Arc::new(tokio::sync::Barrier::new(20));
    let readers: Vec<_> = (0..20)
        .map(|_| {
            let (data, project, stop) = (data.clone(), project.clone(), stop.clone());
            let end = end.clone();
            // A thread of its own, as a worker is: the service's futures stay where they began.
            std::thread::spawn(move || {
                let reading = async move {
                    let mut n = 0;
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        let query =
                            data::Query::parse_list("sort=-stock&count=exact&filter=stock>=0")
                                .unwrap();
                        let page = data.list(&project, &anon(), "posts", &query).await.unwrap();
                        assert_eq!((page.docs.len(), page.total), (5, Some(5)));
                        n += 1;
                        tokio::task::yield_now().await;
                    }
                    // A connection that was opened here serves the others as long as they read.
                    let all = tokio::time::timeout(std::time::Duration::from_secs(20), end.wait());
                    all.await.unwrap();
                    n
                };
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap()
                    .block_on(reading)
            })
        })
        .collect();
    for n in 0..5 {
        kit.open(&format!("notes{n}"), every_type()).await;
        kit.made(&format!("notes{n}"), json!({"title": "seen at once"}))
            .await;
        kit.rules(&format!("notes{n}"), json!({"list": null}))
            .await
            .unwrap();
        assert_eq!(
            code(kit.list(&anon(), &format!("notes{n}"), &[]).await),
            Code::RuleDenied
        );
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for reader in readers {
        assert!(reader.join().unwrap() > 0);
    }
}

async fn changes_of_rules_do_not_undo_each_other(kit: &Kit) {
    kit.collection(json!({"name": "posts", "fields": every_type()}))
        .await;
    let names = ["list", "view", "create", "update", "delete"];
    join_all(
        names
            .iter()
            .map(|n| kit.rules("posts", json!({*n: "true"}))),
    )
    .await
    .into_iter()
    .for_each(|r| r.unwrap());
    let rules = kit
        .data
        .get_collection(&kit.project, "posts")
        .await
        .unwrap()
        .rules;
    assert!(
        names.iter().all(|n| rules.get(n) == Some("true")),
        "{rules:?}"
    );
    // Twelve collections and one name for three of them.
    let names: Vec<String> = (0..12).map(|n| format!("c{}", n % 10)).collect();
    let made = join_all(names.iter().map(|n| kit.try_collection(json!({"name": n})))).await;
    assert_eq!(made.iter().filter(|r| r.is_ok()).count(), 10);
    assert!(
        made.into_iter()
            .filter_map(Result::err)
            .all(|p| p.code() == Code::CollectionTaken)
    );
    // A collection that goes and one that begins to point to it: one of them is too late.
    for n in 0..5 {
        let (target, source) = (format!("t{n}"), format!("s{n}"));
        kit.collection(json!({"name": target})).await;
        let points = json!({"name": source, "fields": [{"name": "a", "type": "relation", "collection": target}]});
        let caller = key();
        let gone = async {
            kit.data
                .delete_collection(&kit.project, &caller, &target, None)
                .await
                .map_err(Problem::from)
        };
        let (gone, made) = futures_util::join!(gone, kit.try_collection(points));
        assert_ne!(gone.is_ok(), made.is_ok(), "{gone:?} {made:?}");
    }
}

/// A client that hangs up between the commit and the service's own reading of the schema.
async fn a_change_whose_caller_went_away_is_seen(kit: &Kit) {
    for n in 0..12_u64 {
        let name = format!("c{n}");
        let (data, project) = (kit.data.clone(), kit.project.clone());
        let definition = crate::kit::object(json!({"name": name, "rules": {"list": "true"}}));
        let caller = key();
        let made = data.create_collection(&project, &caller, Input::new(definition), None);
        let _ = tokio::time::timeout(Duration::from_micros(200 * n), made).await;
    }
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    let stored = kit
        .number(r#"SELECT count(*) AS n FROM "project"."_collections""#)
        .await;
    let known = kit.data.list_collections(&kit.project).await.unwrap().len();
    assert_eq!(i64::try_from(known).unwrap(), stored);
}
