//! An explanation and the act itself agree: in their answers, their faults and what they compute.

use crate::explain::{clause, posts};
use crate::kit::{Kit, U, V, anon, both, code, faults, key, u, v};
use gate::Problem;
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    faults_are_told_as_the_act_tells_them,
    what_is_too_much_is_left_to_the_database,
    computed_values_are_explained,
    a_look_into_macros_ends,
    the_answer_is_that_of_the_act
);

async fn faults_are_told_as_the_act_tells_them(kit: &Kit) {
    posts(kit).await;
    let id = kit.made("posts", json!({})).await;
    let cases = [
        (json!({}), Code::ValidationFailed, vec!["/action"]),
        (
            json!({"action": "read", "record": "x", "as": {"user": "y", "level": 3}}),
            Code::ValidationFailed,
            vec!["/action", "/as/level", "/as/user", "/record"],
        ),
        (
            json!({"action": "view"}),
            Code::ValidationFailed,
            vec!["/record"],
        ),
        (
            json!({"action": "create", "record": id}),
            Code::ValidationFailed,
            vec!["/record"],
        ),
        (
            json!({"action": "delete", "record": id, "data": {}}),
            Code::ValidationFailed,
            vec!["/data"],
        ),
        (
            json!({"action": "create", "filter": "true"}),
            Code::ValidationFailed,
            vec!["/filter"],
        ),
        (
            json!({"action": "list", "as": {"anonymous": true, "user": U}}),
            Code::ValidationFailed,
            vec!["/as/anonymous"],
        ),
        (
            json!({"action": "list", "as": {"user": "01990000-0000-7000-8000-0000000000ff"}}),
            Code::ValidationFailed,
            vec!["/as/user"],
        ),
        (
            json!({"action": "list", "as": 1, "data": 1}),
            Code::ValidationFailed,
            vec!["/as", "/data"],
        ),
        (
            json!({"action": "list", "as": {"admin": true}}),
            Code::UnknownField,
            vec!["/as/admin"],
        ),
        (
            json!({"action": "list", "rule": "true"}),
            Code::UnknownField,
            vec!["/rule"],
        ),
        // As the acts.
        (
            json!({"action": "create", "data": {"nothing": 1}}),
            Code::UnknownField,
            vec!["/nothing"],
        ),
        (
            json!({"action": "create", "data": {"_version": 1}}),
            Code::ReadonlyField,
            vec!["/_version"],
        ),
        (
            json!({"action": "create", "data": {"stock": "x", "open": 1}}),
            Code::ValidationFailed,
            vec!["/open", "/stock"],
        ),
        (
            json!({"action": "update", "record": id, "data": {"stock": 1.5}}),
            Code::ValidationFailed,
            vec!["/stock"],
        ),
        (
            json!({"action": "update", "record": "01990000-0000-7000-8000-0000000000ff", "data": {}}),
            Code::RecordNotFound,
            vec![],
        ),
        (
            json!({"action": "view", "record": "01990000-0000-7000-8000-0000000000ff"}),
            Code::RecordNotFound,
            vec![],
        ),
    ];
    for (body, want, paths) in cases {
        let got = faults(kit.try_explain(&key(), "posts", body.clone()).await);
        assert_eq!(
            (got.0, got.1.iter().map(String::as_str).collect::<Vec<_>>()),
            (want, paths),
            "{body}"
        );
    }
    assert_eq!(
        code(
            kit.try_explain(&key(), "nothing", json!({"action": "list"}))
                .await
        ),
        Code::CollectionNotFound
    );
    assert_eq!(
        code(
            kit.try_explain(&key(), "_collections", json!({"action": "list"}))
                .await
        ),
        Code::CollectionNotFound
    );
}

async fn what_is_too_much_is_left_to_the_database(kit: &Kit) {
    posts(kit).await;
    kit.open(
        "many",
        json!([{"name": "n", "type": "number", "format": "integer"}]),
    )
    .await;
    let fill = if kit.is_postgres() {
        r#"INSERT INTO "project"."many" (id, n, created_at, updated_at, _version) SELECT gen_random_uuid(), n, now(), now(), 1 FROM generate_series(1, 1001) AS n"#
    } else {
        r#"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1001)
           INSERT INTO "project"."many" (id, n, created_at, updated_at, _version)
           SELECT '01990000-0000-7000-8000-' || printf('%012d', n), n, '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 1 FROM s"#
    };
    kit.execute(fill).await;
    for (rule, want) in [
        ("collection('many').exists(m, m.n == 1001)", true),
        ("collection('many').exists(m, m.n == stock)", false),
    ] {
        kit.rules("posts", json!({"create": rule})).await.unwrap();
        let told = kit
            .explain(
                "posts",
                json!({"action": "create", "data": {"stock": 0}, "as": {"user": U}}),
            )
            .await;
        assert_eq!(
            (&told["allowed"], &told["checks"][0]["clause"]),
            (&json!(want), &Json::Null),
            "{rule}"
        );
    }
}

/// Macros within macros: the database answers what would take too long to look at here.
async fn a_look_into_macros_ends(kit: &Kit) {
    posts(kit).await;
    let fields = json!([{"name": "n", "type": "number", "format": "integer"}]);
    for name in ["one", "two"] {
        kit.open(name, fields.clone()).await;
        for n in 0..150 {
            kit.made(name, json!({"n": n})).await;
        }
    }
    let rule = "!collection('one').exists(a, collection('two').exists(b, collection('one').exists(c, a.n + b.n + c.n > 446)))";
    kit.rules("posts", json!({"create": rule})).await.unwrap();
    let begun = std::time::Instant::now();
    let told = kit
        .explain(
            "posts",
            json!({"action": "create", "data": {}, "as": {"user": U}}),
        )
        .await;
    assert_eq!(
        (&told["allowed"], &told["checks"][0]["clause"]),
        (&json!(false), &Json::Null)
    );
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

/// Whatever the rules, the records and the caller: the explained status is that of the act, done afterwards.
async fn the_answer_is_that_of_the_act(kit: &Kit) {
    posts(kit).await;
    kit.open("shares", json!([{"name": "post", "type": "relation", "collection": "posts"}, {"name": "user", "type": "relation", "collection": "users"}])).await;
    let rules = [
        "true",
        "owner == auth.id",
        "!(owner == auth.id)",
        "owner == auth.id && stock > 1",
        "owner.verified == false",
        "shares_via_post.exists(s, s.user == auth.id)",
        "!shares_via_post.exists(s, s.user == auth.id)",
        "size(collection('posts')) < 12",
        "auth.id != null",
    ];
    let changes = [
        "next.owner == owner",
        "next.stock > stock",
        "next.owner.verified == false && owner == auth.id",
        "size(collection('posts')) > 3 && next.stock != 9",
    ];
    let mut seed = 7u64;
    let mut roll = |sides: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % sides
    };
    let record = |a: usize, b: usize| json!({"owner": ([Some(U), Some(V), None][a]), "stock": b});
    for round in 0..6 {
        let mut all: Vec<&str> = rules.to_vec();
        all.extend(changes);
        kit.rules("posts", json!({"view": rules[roll(rules.len())], "create": rules[roll(rules.len())], "update": all[roll(all.len())], "delete": rules[roll(rules.len())]})).await.unwrap();
        let mut ids = Vec::new();
        for _ in 0..6 {
            let id = kit.made("posts", record(roll(3), roll(4))).await;
            if roll(2) == 0 {
                kit.made("shares", json!({"post": id, "user": ([U, V][roll(2)])}))
                    .await;
            } else {
                ids.push(id);
            }
        }
        for _ in 0..25 {
            let (asker, who) = match roll(3) {
                0 => (u(), json!({"user": U})),
                1 => (v(), json!({"user": V})),
                _ => (anon(), json!({"anonymous": true})),
            };
            let id = if ids.is_empty() {
                break;
            } else {
                ids[roll(ids.len())].clone()
            };
            let data = record(roll(3), roll(4));
            let act = ["view", "create", "update", "delete"][roll(4)];
            let mut body = json!({"action": act, "as": who});
            if act != "create" {
                body["record"] = json!(id);
            }
            if act == "create" || act == "update" {
                body["data"] = data.clone();
            }
            let told = kit.try_explain(&key(), "posts", body.clone()).await;
            let done = match act {
                "view" => kit.get(&asker, "posts", &id).await.map(|_| 200),
                "create" => kit.create(&asker, "posts", data).await.map(|_| 201),
                "update" => kit.merge(&asker, "posts", &id, data).await.map(|_| 200),
                _ => kit.delete(&asker, "posts", &id).await.map(|()| 204),
            };
            let status = |problem: &Problem| match problem.code() {
                Code::RuleDenied => 403,
                Code::RecordNotFound => 404,
                other => panic!("{other:?}"),
            };
            let done = done.unwrap_or_else(|p| status(&p));
            let told = told.map_or_else(|p| json!(status(&p)), |t| t["status"].clone());
            assert_eq!(told, json!(done), "round {round}: {body}");
        }
    }
}

/// Operators and defaults are computed as the write computes them.
async fn computed_values_are_explained(kit: &Kit) {
    posts(kit).await;
    let lines = json!([
        {"name": "post", "type": "relation", "collection": "posts"},
        {"name": "n", "type": "number", "format": "integer", "max": 9},
        {"name": "twice", "type": "number", "format": "integer", "default": {"expression": "n"}},
        {"name": "left", "type": "number", "format": "integer", "min": 0, "default": {"expression": "post.stock"}}
    ]);
    kit.open("lines", lines).await;
    kit.rules(
        "lines",
        json!({"create": "left > 3 && twice == 7", "update": "next.n == 5"}),
    )
    .await
    .unwrap();
    let post = kit.made("posts", json!({"stock": 4})).await;
    let poor = kit.made("posts", json!({"stock": 2})).await;
    let owing = kit.made("posts", json!({"stock": -1})).await;
    let create = async |post: &str, n: i64| {
        kit.explain(
            "lines",
            json!({"action": "create", "data": {"post": post, "n": n}, "as": {"user": U}}),
        )
        .await
    };
    assert_eq!(create(&post, 7).await["allowed"], true);
    assert_eq!(
        clause(&create(&poor, 7).await)[4],
        json!([{"name": "left", "value": 2}])
    );
    assert_eq!(
        clause(&create(&post, 8).await)[4],
        json!([{"name": "twice", "value": 8}])
    );
    // A fault of what was computed is for those whom the rule allows it.
    assert_eq!(create(&owing, 7).await["allowed"], false);
    kit.rules("lines", json!({"create": "twice == 7"}))
        .await
        .unwrap();
    let body = json!({"action": "create", "data": {"post": owing, "n": 7}, "as": {"user": U}});
    let got = kit.try_explain(&key(), "lines", body).await;
    let done = kit
        .create(&u(), "lines", json!({"post": owing, "n": 7}))
        .await;
    assert_eq!(faults(got), faults(done));
    let id = kit.made("lines", json!({"n": 4})).await;
    let update = async |by: i64| {
        let data = json!({"n": {"increment": by}});
        kit.try_explain(
            &key(),
            "lines",
            json!({"action": "update", "record": id, "data": data, "as": {"user": U}}),
        )
        .await
    };
    assert_eq!(update(1).await.unwrap()["allowed"], true);
    assert_eq!(
        clause(&update(2).await.unwrap())[4],
        json!([{"name": "next.n", "value": 6}])
    );
    kit.rules("lines", json!({"update": "true"})).await.unwrap();
    assert_eq!(
        faults(update(6).await),
        (Code::ValidationFailed, vec!["/n".to_owned()])
    );
}
