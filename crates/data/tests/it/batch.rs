//! Batches: all operations or none, each as if it stood alone.

use crate::kit::{
    Kit, U, V, add_user, anon, body, both, claim, code, every_type, faults, key, object, u,
};
use futures_util::future::join_all;
use kernel::Code;
use serde_json::{Value as Json, json};
use std::time::Instant;

both!(
    every_operation_in_one,
    all_or_nothing,
    each_operation_has_its_rules,
    problems_name_their_place,
    faults_are_told_at_once,
    a_retry_gets_the_same_results,
    a_thousand_and_no_more,
    names_lead_nowhere_else,
    batches_do_not_wait_for_each_other,
);

const A: &str = "01990000-0000-7000-8000-00000000000a";
const B: &str = "01990000-0000-7000-8000-00000000000b";
const C: &str = "01990000-0000-7000-8000-00000000000c";

fn make(collection: &str, id: &str, data: Json) -> Json {
    json!({"op": "create", "collection": collection, "id": id, "data": data})
}

async fn every_operation_in_one(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("posts", every_type()).await;
    kit.open("notes", json!([{"name": "post", "type": "relation", "collection": "posts"}, {"name": "text", "type": "text"}])).await;
    let gone = kit.made("posts", json!({"title": "gone"})).await;
    let done = kit
        .batch(
            &u(),
            json!([
                make("posts", A, json!({"title": "a", "stock": 5})),
                {"op": "update", "collection": "posts", "id": A, "data": {"stock": {"increment": -2}}, "if_match": 1},
                make("notes", B, json!({"post": A, "text": "n"})),
                {"op": "upsert", "collection": "posts", "id": C, "data": {"title": "c"}},
                {"op": "upsert", "collection": "posts", "id": C.to_uppercase(), "data": {"stock": 1}},
                {"op": "delete", "collection": "posts", "id": gone},
                {"op": "create", "collection": "notes"},
            ]),
        )
        .await
        .unwrap();
    let statuses: Vec<i64> = done
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["status"].as_i64().unwrap())
        .collect();
    assert_eq!(statuses, [201, 200, 201, 201, 200, 204, 201]);
    assert_eq!(
        (&done[0]["id"], &done[1]["record"]["stock"]),
        (&json!(A), &json!(3))
    );
    assert_eq!(
        done[1]["record"],
        kit.get(&anon(), "posts", A).await.unwrap()
    );
    let c = kit.get(&anon(), "posts", C).await.unwrap();
    assert_eq!(
        (&c["title"], &c["stock"], &c["_version"]),
        (&json!("c"), &json!(1), &json!(2))
    );
    assert_eq!(done[5].get("record"), None);
    assert_eq!(
        code(kit.get(&anon(), "posts", &gone).await),
        Code::RecordNotFound
    );
    let changes = kit
        .number(r#"SELECT count(*) AS n FROM "project"."_changes" WHERE record <> ''"#)
        .await;
    assert!(changes >= 8, "{changes}");
}

/// Whichever operation fails: nothing is left of any.
async fn all_or_nothing(kit: &Kit) {
    add_user(kit, U, None).await;
    let mut fields = every_type();
    fields[0]["unique"] = json!(true);
    fields[0]["max"] = json!(50);
    kit.open("posts", fields).await;
    let taken = kit
        .made("posts", json!({"title": "taken", "stock": 1}))
        .await;
    let before = kit.dump(&["posts", "users"]).await;
    let nowhere = "01990000-0000-7000-8000-0000000000ff";
    let failing = [
        (make("posts", C, json!({"title": "taken"})), Code::Duplicate),
        (make("posts", &taken, json!({})), Code::IdTaken),
        (
            make("posts", C, json!({"owner": nowhere})),
            Code::ValidationFailed,
        ),
        (
            json!({"op": "update", "collection": "posts", "id": nowhere, "data": {"stock": 1}}),
            Code::RecordNotFound,
        ),
        (
            json!({"op": "update", "collection": "posts", "id": taken, "data": {}, "if_match": 7}),
            Code::PreconditionFailed,
        ),
        (
            json!({"op": "delete", "collection": "posts", "id": nowhere}),
            Code::RecordNotFound,
        ),
        (
            json!({"op": "delete", "collection": "users", "id": U}),
            Code::RecordNotFound,
        ),
        (
            json!({"op": "update", "collection": "posts", "id": taken, "data": {"stock": {"increment": 9_007_199_254_740_991_i64}}}),
            Code::ValidationFailed,
        ),
    ];
    for (bad, want) in failing {
        for at in 0..3 {
            let mut all = vec![
                make("posts", A, json!({"title": "a", "owner": U})),
                json!({"op": "update", "collection": "posts", "id": taken, "data": {"stock": 2}}),
            ];
            all.insert(at, bad.clone());
            let failed = kit.batch(&anon(), json!(all)).await.unwrap_err();
            assert_eq!(failed.code(), want, "{bad}");
            let place = format!("/operations/{at}");
            assert!(
                failed
                    .field_errors()
                    .iter()
                    .all(|e| e.path.starts_with(&place)),
                "{failed:?}"
            );
            assert!(
                failed.to_string().contains(&format!("Operation {at} (")),
                "{failed}"
            );
        }
    }
    assert_eq!(kit.dump(&["posts", "users"]).await, before);
}

async fn each_operation_has_its_rules(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let mut fields = every_type();
    fields
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "secret", "type": "text", "hidden": true}));
    kit.collection(json!({"name": "posts", "fields": fields, "template": "owner"}))
        .await;
    let theirs = kit.made("posts", json!({"owner": V, "title": "v's"})).await;
    let mine = make("posts", A, json!({"owner": U, "title": "mine"}));
    let done = kit.batch(&u(), json!([mine])).await.unwrap();
    assert_eq!(
        done[0]["record"].get("secret"),
        None,
        "hidden fields stay hidden"
    );
    for (operation, want) in [
        (make("posts", B, json!({"owner": V})), Code::RuleDenied),
        (
            json!({"op": "update", "collection": "posts", "id": theirs, "data": {"title": "x"}}),
            Code::RecordNotFound,
        ),
        (
            json!({"op": "delete", "collection": "posts", "id": theirs}),
            Code::RecordNotFound,
        ),
        (
            json!({"op": "update", "collection": "posts", "id": A, "data": {"owner": V}}),
            Code::RuleDenied,
        ),
        (
            json!({"op": "update", "collection": "posts", "id": A, "data": {"secret": "x"}}),
            Code::UnknownField,
        ),
        (
            json!({"op": "update", "collection": "posts", "id": A, "data": {"_version": 9}}),
            Code::ReadonlyField,
        ),
    ] {
        let all = json!([{"op": "update", "collection": "posts", "id": A, "data": {"title": "changed"}}, operation]);
        assert_eq!(code(kit.batch(&u(), all).await), want, "{operation}");
    }
    assert_eq!(kit.get(&u(), "posts", A).await.unwrap()["title"], "mine");
    // A record that one may make and not see is told by its id.
    kit.rules("posts", json!({"create": "true", "view": null}))
        .await
        .unwrap();
    let done = kit
        .batch(&u(), json!([make("posts", B, json!({"owner": V}))]))
        .await
        .unwrap();
    assert_eq!(done, json!([{"status": 201, "id": B}]));
}

async fn problems_name_their_place(kit: &Kit) {
    kit.open("posts", json!([{"name": "a", "type": "text", "max": 9, "unique": true}, {"name": "next_post", "type": "relation", "collection": "users"}])).await;
    kit.open("links", json!([{"name": "post", "type": "relation", "collection": "posts"}, {"name": "user", "type": "relation", "collection": "users"}])).await;
    kit.made("posts", json!({"id": A, "a": "1"})).await;
    let nowhere = "01990000-0000-7000-8000-0000000000ff";
    let cases = [
        (
            json!([
                make("posts", B, json!({})),
                make("posts", C, json!({"a": "1"}))
            ]),
            Code::Duplicate,
            "/operations/1/data/a",
        ),
        (
            json!([make("posts", A, json!({}))]),
            Code::IdTaken,
            "/operations/0/id",
        ),
        (
            json!([{"op": "create", "collection": "posts", "data": {"id": A}}]),
            Code::IdTaken,
            "/operations/0/data/id",
        ),
        // What the batch itself has made is not told as absent, although it is gone.
        (
            json!([
                make("posts", B, json!({})),
                make("links", C, json!({"post": B, "user": nowhere}))
            ]),
            Code::ValidationFailed,
            "/operations/1/data/user",
        ),
        (
            json!([{"op": "delete", "collection": "posts", "id": nowhere}]),
            Code::RecordNotFound,
            "/operations/0",
        ),
    ];
    for (operations, want, path) in cases {
        assert_eq!(
            faults(kit.batch(&anon(), operations.clone()).await),
            (want, vec![path.into()]),
            "{operations}"
        );
    }
}

async fn faults_are_told_at_once(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let (_, paths) = faults(
        kit.batch(
            &anon(),
            json!([
                {"op": "create", "collection": "posts", "data": {"stock": "x", "price": "y"}},
                {"op": "fly", "collection": "posts"},
                {"op": "update", "collection": "posts", "id": "nonsense", "data": {"stock": 1}},
                {"op": "update", "collection": "posts", "id": A, "data": {"stock": {"increment": "1"}, "title": {"increment": 1}, "open": {"fly": 1}, "due": {"set_if_absent": null}}},
                {"op": "create", "collection": "nothing", "data": {}},
                {"op": "create", "collection": "posts", "data": [], "if_match": 1},
                {"op": "delete", "collection": "posts", "data": {"a": 1}},
                {"op": "upsert", "collection": "posts", "id": A, "data": {"nothing": 1}},
                7,
            ]),
        )
        .await,
    );
    assert_eq!(
        paths,
        [
            "/operations/0/data/price",
            "/operations/0/data/stock",
            "/operations/1/id",
            "/operations/1/op",
            "/operations/2/id",
            "/operations/3/data/due",
            "/operations/3/data/open",
            "/operations/3/data/stock",
            "/operations/3/data/title",
            "/operations/4/collection",
            "/operations/5/data",
            "/operations/5/if_match",
            "/operations/6/data",
            "/operations/6/id",
            "/operations/7/data/nothing",
            "/operations/8",
        ]
    );
    let unknown =
        json!({"op": "create", "collection": "posts", "method": "DELETE", "path": "/admin"});
    let (unknown, paths) = faults(kit.batch(&anon(), json!([unknown])).await);
    assert_eq!((unknown, paths.len()), (Code::UnknownField, 2));
}

async fn a_retry_gets_the_same_results(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let send = async |operations: Json, hash: &str| {
        let asked = object(json!({"operations": operations}));
        let claim = claim("k-batch-0123456789", hash).claim;
        kit.data.batch(&kit.project, &anon(), asked, claim).await
    };
    let one = json!([{"op": "create", "collection": "posts", "data": {"stock": 1}}]);
    let first = send(one.clone(), "h").await.unwrap();
    for _ in 0..3 {
        assert_eq!(send(one.clone(), "h").await.unwrap(), first);
    }
    assert_eq!(
        code(send(one, "other").await.map_err(Into::into)),
        Code::IdempotencyMismatch
    );
    assert_eq!(kit.list(&anon(), "posts", &[]).await.unwrap().len(), 1);
    // Of an answer that is too long to be kept, the ids stay.
    let long: Vec<Json> = (0..100).map(|_| json!({"op": "create", "collection": "posts", "data": {"title": "x".repeat(1_000)}})).collect();
    let asked = || object(json!({"operations": long}));
    let claim = claim("k-batch-long-012345", "h").claim;
    let first = kit
        .data
        .batch(&kit.project, &anon(), asked(), claim.clone())
        .await
        .unwrap();
    let again = kit
        .data
        .batch(&kit.project, &anon(), asked(), claim)
        .await
        .unwrap();
    let (first, again) = (body(&first), body(&again));
    for (a, b) in first["results"]
        .as_array()
        .unwrap()
        .iter()
        .zip(again["results"].as_array().unwrap())
    {
        assert_eq!(json!({"status": 201, "id": a["id"]}), *b);
    }
    assert_eq!(again["results"].as_array().unwrap().len(), 100);
}

async fn a_thousand_and_no_more(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let some = |n: i64| -> Json {
        (0..n)
            .map(|i| json!({"op": "create", "collection": "posts", "data": {"stock": i}}))
            .collect()
    };
    let start = Instant::now();
    let done = kit.batch(&u(), some(1_000)).await.unwrap();
    let took = start.elapsed();
    assert_eq!(done.as_array().unwrap().len(), 1_000);
    // In a quiet release build a twentieth of this.
    assert!(took.as_secs() < 5, "{took:?}");
    for n in [0, 1_001] {
        assert_eq!(
            faults(kit.batch(&u(), some(n)).await),
            (Code::BadRequest, vec!["/operations".into()])
        );
    }
    assert_eq!(
        kit.number(r#"SELECT count(*) AS n FROM "project"."posts""#)
            .await,
        1_000
    );
}

async fn names_lead_nowhere_else(kit: &Kit) {
    kit.open("posts", every_type()).await;
    for name in [
        "../posts",
        "/v1/records/posts",
        "//evil",
        "/admin",
        "_collections",
        "_users",
        "sqlite_master",
        "pg_class",
        "posts/x",
        "posts\"",
        "batch",
        "project.posts",
    ] {
        let one = json!([{"op": "create", "collection": name, "data": {}}]);
        assert_eq!(
            code(kit.batch(&key(), one).await),
            Code::CollectionNotFound,
            "{name}"
        );
    }
    let nested = json!([{"op": "batch", "collection": "posts", "operations": []}]);
    assert_eq!(code(kit.batch(&key(), nested).await), Code::UnknownField);
    for id in ["role:admin", "../x", "00000000-0000-0000-0000-000000000000"] {
        for op in ["create", "update", "delete", "upsert"] {
            let one = json!([{"op": op, "collection": "posts", "id": id}]);
            assert_eq!(
                faults(kit.batch(&key(), one).await),
                (Code::ValidationFailed, vec!["/operations/0/id".into()])
            );
        }
    }
}

/// Two batches over the same records in opposite order, many times over.
async fn batches_do_not_wait_for_each_other(kit: &Kit) {
    kit.open("posts", every_type()).await;
    kit.open("notes", every_type()).await;
    for (name, id) in [("posts", A), ("posts", B), ("notes", C)] {
        kit.made(name, json!({"id": id, "stock": 0})).await;
    }
    let add = |name: &str, id: &str| json!({"op": "update", "collection": name, "id": id, "data": {"stock": {"increment": 1}}});
    let forth = json!([add("posts", A), add("posts", B), add("notes", C)]);
    let back = json!([add("notes", C), add("posts", B), add("posts", A)]);
    let asker = anon();
    let start = Instant::now();
    for _ in 0..25 {
        let pairs = (0..4).map(|n| {
            kit.batch(
                &asker,
                if n % 2 == 0 {
                    forth.clone()
                } else {
                    back.clone()
                },
            )
        });
        join_all(pairs).await.into_iter().for_each(|r| {
            r.unwrap();
        });
    }
    assert_eq!(kit.get(&anon(), "posts", A).await.unwrap()["stock"], 100);
    // A deadlock is found after a second.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
