//! Operators of a merge: exact under many at once, within the field's bounds.

use crate::kit::{Kit, U, add_user, anon, both, code, faults, key, u};
use futures_util::future::join_all;
use gate::Problem;
use kernel::Code;
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};
use store::WriteTx;

both!(
    increments_are_exact,
    stock_ends_at_zero,
    bounds_name_the_field,
    numbers_are_added,
    absent_is_set_once,
    rules_see_the_sum,
);

fn fields() -> Json {
    json!([
        {"name": "stock", "type": "number", "format": "integer", "min": 0, "max": 1000},
        {"name": "free", "type": "number", "format": "integer"},
        {"name": "price", "type": "number"},
        {"name": "title", "type": "text"},
        {"name": "owner", "type": "relation", "collection": "users"}
    ])
}

fn fault(result: Result<Json, Problem>) -> (String, &'static str) {
    let problem = result.unwrap_err();
    assert_eq!(problem.code(), Code::ValidationFailed);
    let [error] = problem.field_errors() else {
        panic!("{problem:?}")
    };
    (error.path.clone(), error.code)
}

async fn increments_are_exact(kit: &Kit) {
    kit.open("things", fields()).await;
    let id = kit.made("things", json!({})).await;
    let asker = anon();
    let add = json!({"free": {"increment": 3}, "price": {"increment": 0.5}});
    let done = join_all((0..50).map(|_| kit.merge(&asker, "things", &id, add.clone()))).await;
    let mut seen: Vec<i64> = done
        .into_iter()
        .map(|r| r.unwrap()["free"].as_i64().unwrap())
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        (1..=50).map(|n| n * 3).collect::<Vec<_>>(),
        "each saw its own sum"
    );
    let thing = kit.get(&anon(), "things", &id).await.unwrap();
    assert_eq!(
        (&thing["free"], &thing["price"], &thing["_version"]),
        (&json!(150), &json!(25), &json!(51))
    );
}

async fn stock_ends_at_zero(kit: &Kit) {
    kit.open("things", fields()).await;
    let id = kit.made("things", json!({"stock": 10})).await;
    for asker in [anon(), key()] {
        kit.merge(&key(), "things", &id, json!({"stock": 10}))
            .await
            .unwrap();
        let done = join_all(
            (0..100).map(|_| kit.merge(&asker, "things", &id, json!({"stock": {"increment": -1}}))),
        )
        .await;
        assert_eq!(done.iter().filter(|r| r.is_ok()).count(), 10);
        for refused in done.into_iter().filter(Result::is_err) {
            assert_eq!(fault(refused), ("/stock".into(), "too_small"));
        }
        assert_eq!(kit.get(&anon(), "things", &id).await.unwrap()["stock"], 0);
    }
}

async fn bounds_name_the_field(kit: &Kit) {
    kit.open("things", fields()).await;
    let id = kit
        .made(
            "things",
            json!({"stock": 999, "free": 9_007_199_254_740_990_i64, "price": 1.7e308}),
        )
        .await;
    for (change, want) in [
        (json!({"stock": {"increment": 2}}), ("/stock", "too_large")),
        (
            json!({"stock": {"increment": -1000}}),
            ("/stock", "too_small"),
        ),
        (json!({"stock": -1}), ("/stock", "too_small")),
        (
            json!({"stock": {"set_if_absent": 1001}}),
            ("/stock", "too_large"),
        ),
        (json!({"free": {"increment": 2}}), ("/free", "out_of_range")),
        (
            json!({"free": {"increment": 9_007_199_254_740_991_i64}}),
            ("/free", "out_of_range"),
        ),
        (
            json!({"free": {"increment": 9_007_199_254_740_992_i64}}),
            ("/free", "out_of_range"),
        ),
        (
            json!({"free": {"increment": 1.5}}),
            ("/free", "not_an_integer"),
        ),
        (
            json!({"free": {"increment": "1"}}),
            ("/free", "not_a_number"),
        ),
        (
            json!({"free": {"increment": null}}),
            ("/free", "not_a_number"),
        ),
        (
            json!({"price": {"increment": 1.7e308}}),
            ("/price", "out_of_range"),
        ),
        (
            json!({"title": {"increment": 1}}),
            ("/title", "not_a_number"),
        ),
        (json!({"title": {"append": "x"}}), ("/title", "not_a_list")),
        (json!({"title": {}}), ("/title", "unknown_operator")),
        (
            json!({"stock": {"increment": 1, "set_if_absent": 2}}),
            ("/stock", "unknown_operator"),
        ),
    ] {
        let (path, code) = fault(kit.merge(&anon(), "things", &id, change.clone()).await);
        assert_eq!((path.as_str(), code), want, "{change}");
    }
    assert_eq!(
        kit.get(&anon(), "things", &id).await.unwrap()["_version"],
        1
    );
    // A bound that this node does not know: the column keeps it, and names the field all the same.
    kit.db
        .write(async |tx: &WriteTx| -> Result<(), data::DataError> {
            let bounds = if tx.backend() == sea_orm::DbBackend::Sqlite {
                "json_set(definition, '$.fields[0].min', -5, '$.fields[0].max', 5000)"
            } else {
                "jsonb_set(jsonb_set(definition, '{fields,0,min}', '-5'), '{fields,0,max}', '5000')"
            };
            let json = format!(
                r#"UPDATE "project"."_collections" SET definition = {bounds} WHERE name = 'things'"#
            );
            tx.execute_unprepared(&json).await?;
            tx.execute_unprepared(
                r#"UPDATE "project"."_counters" SET value = value + 1 WHERE name = 'schema'"#,
            )
            .await?;
            Ok(())
        })
        .await
        .unwrap();
    let other = kit.another().await;
    let def = other
        .data
        .get_collection(&other.project, "things")
        .await
        .unwrap();
    assert!(
        format!("{:?}", def.fields[0].kind).contains("-5"),
        "{:?}",
        def.fields[0]
    );
    assert_eq!(
        fault(
            other
                .merge(&anon(), "things", &id, json!({"stock": -1}))
                .await
        ),
        ("/stock".into(), "too_small")
    );
    assert_eq!(
        fault(
            other
                .merge(&anon(), "things", &id, json!({"stock": {"increment": 2}}))
                .await
        ),
        ("/stock".into(), "too_large")
    );
    assert_eq!(
        fault(
            other
                .create(&anon(), "things", json!({"stock": 4000}))
                .await
        ),
        ("/stock".into(), "too_large")
    );
}

async fn numbers_are_added(kit: &Kit) {
    kit.open("things", fields()).await;
    let id = kit.made("things", json!({"price": 0.1})).await;
    let done = kit
        .merge(
            &anon(),
            "things",
            &id,
            json!({"price": {"increment": 0.2}, "stock": {"increment": 7}, "title": "t"}),
        )
        .await
        .unwrap();
    assert_eq!(
        (&done["price"], &done["stock"], &done["title"]),
        (&json!(0.1 + 0.2), &json!(7), &json!("t"))
    );
    // Operators are for changes: a record that is made has nothing to be added to.
    assert_eq!(
        faults(
            kit.create(&anon(), "things", json!({"stock": {"increment": 1}}))
                .await
        ),
        (Code::ValidationFailed, vec!["/stock".into()])
    );
}

async fn absent_is_set_once(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("things", fields()).await;
    let id = kit.made("things", json!({"title": "is there"})).await;
    let set = json!({"title": {"set_if_absent": "x"}, "free": {"set_if_absent": 5}, "price": {"set_if_absent": 2.5}, "owner": {"set_if_absent": U}});
    let done = kit.merge(&anon(), "things", &id, set).await.unwrap();
    assert_eq!(
        (
            &done["title"],
            &done["free"],
            &done["price"],
            &done["owner"]
        ),
        (&json!("is there"), &json!(5), &json!(2.5), &json!(U))
    );
    let asker = anon();
    let id = kit.made("things", json!({})).await;
    let done = join_all(
        (0..20).map(|n| kit.merge(&asker, "things", &id, json!({"free": {"set_if_absent": n}}))),
    )
    .await;
    let first = done[0].as_ref().unwrap()["free"].clone();
    assert!(done.into_iter().all(|r| r.unwrap()["free"] == first));
    let nowhere = "01990000-0000-7000-8000-0000000000ff";
    assert_eq!(
        faults(
            kit.merge(
                &anon(),
                "things",
                &id,
                json!({"owner": {"set_if_absent": nowhere}})
            )
            .await
        ),
        (Code::ValidationFailed, vec!["/owner".into()])
    );
}

async fn rules_see_the_sum(kit: &Kit) {
    kit.open("things", fields()).await;
    kit.rules("things", json!({"update": "next.stock == stock - 1"}))
        .await
        .unwrap();
    let id = kit.made("things", json!({"stock": 20})).await;
    let asker = u();
    let done = join_all(
        (0..30).map(|_| kit.merge(&asker, "things", &id, json!({"stock": {"increment": -1}}))),
    )
    .await;
    assert_eq!(done.iter().filter(|r| r.is_ok()).count(), 20);
    kit.merge(&key(), "things", &id, json!({"stock": 20}))
        .await
        .unwrap();
    assert_eq!(
        code(
            kit.merge(&u(), "things", &id, json!({"stock": {"increment": -2}}))
                .await
        ),
        Code::RuleDenied
    );
    // Who is refused learns of no bound.
    assert_eq!(
        code(
            kit.merge(&u(), "things", &id, json!({"stock": {"increment": -900}}))
                .await
        ),
        Code::RuleDenied
    );
}
