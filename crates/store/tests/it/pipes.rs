//! Reads that share a connection of PostgreSQL: each gets its own answer, and none waits for long behind a slow one.

use crate::kit::{Kit, admin, eventually, statement};
use futures_util::future::join_all;
use sea_orm::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use store::{Db, Doc, StoreError, WriteTx};

/// The records of a statement.
async fn docs(db: &Db, text: &str, values: Vec<Value>) -> Result<Vec<Doc>, StoreError> {
    db.docs(statement(db.backend(), text, values)).await
}

/// Which sessions answer so many questions at once.
async fn sessions(db: &Db, at_once: usize) -> BTreeSet<i64> {
    let text = "SELECT '{}', NULL::text, pg_backend_pid()::bigint FROM pg_sleep(0.002)";
    let asked = (0..at_once).map(|_| docs(db, text, Vec::new()));
    let answers = join_all(asked).await;
    answers.into_iter().map(|a| a.unwrap()[0].version).collect()
}

/// A database whose connections for many at once are open.
async fn open(kit: &Kit) -> Db {
    let db = kit.open().await;
    eventually("many are answered by two sessions", async || {
        (sessions(&db, 24).await.len() <= 2).then_some(())
    })
    .await;
    db
}

#[tokio::test]
async fn everybody_gets_the_own_answer() {
    let kit = Kit::postgres().await;
    let db = open(&kit).await;
    let text = "SELECT json_build_object('n', $1::bigint, 't', $2::text, 'x', $3::float8, 'b', $4::bool, 'u', $5::uuid)::text, $2::text, $1::bigint";
    let asked = (0..200_i64).map(|n| {
        let word = (n % 3 > 0).then(|| format!("wörd {n}"));
        let values = vec![
            n.into(),
            word.clone().into(),
            0.5.into(),
            (n % 2 == 0).into(),
            uuid::Uuid::from_u128(1).into(),
        ];
        let db = &db;
        async move { (n, word, docs(db, text, values).await.unwrap()) }
    });
    for (n, word, found) in join_all(asked).await {
        assert_eq!((found[0].version, found[0].key.clone()), (n, word));
        assert!(
            found[0].json.contains(&format!("\"n\" : {n},")),
            "{found:?}"
        );
    }
    let none = docs(
        &db,
        "SELECT '{}', NULL::text, 1::bigint WHERE $1",
        vec![false.into()],
    );
    assert_eq!(none.await.unwrap(), Vec::new());
}

#[tokio::test]
async fn faults_are_their_own() {
    let kit = Kit::postgres().await;
    let db = open(&kit).await;
    let divide = "SELECT '{}', NULL::text, 1 / $1::bigint";
    let asked = (0..50_i64).map(|n| docs(&db, divide, vec![(n % 5).into()]));
    for (n, answer) in join_all(asked).await.into_iter().enumerate() {
        assert_eq!(answer.is_err(), n % 5 == 0, "{answer:?}");
    }
    let write = "WITH gone AS (DELETE FROM \"project\".\"laters\" RETURNING id) SELECT '{}', NULL::text, count(*) FROM gone";
    assert!(
        docs(&db, write, Vec::new()).await.is_err(),
        "they only read"
    );
    let large = "SELECT repeat('x', 1000000), NULL::text, 1::bigint FROM generate_series(1, 64)";
    let answer = docs(&db, large, Vec::new()).await;
    assert!(matches!(answer, Err(StoreError::TooLarge)), "{answer:?}");
    assert!(sessions(&db, 24).await.len() <= 2);
}

#[tokio::test]
async fn what_is_slow_goes_elsewhere() {
    let kit = Kit::postgres().await;
    let db = open(&kit).await;
    let slow = "SELECT '{}', NULL::text, 1::bigint FROM pg_sleep(0.4)";
    for _ in 0..3 {
        docs(&db, slow, Vec::new()).await.unwrap();
    }
    let quick = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let began = Instant::now();
        sessions(&db, 24).await;
        began.elapsed()
    };
    let (slow, quick) = tokio::join!(docs(&db, slow, Vec::new()), quick);
    slow.unwrap();
    assert!(quick < Duration::from_millis(300), "{quick:?}");
}

#[tokio::test]
async fn nobody_new_waits_behind_what_holds_a_connection_up() {
    let kit = Kit::postgres().await;
    let db = open(&kit).await;
    // Each is another statement, so that none is known to be slow.
    let slow = (0..4).map(|n| {
        let text = format!("SELECT '{n}', NULL::text, 1::bigint FROM pg_sleep(1)");
        let db = &db;
        async move { docs(db, &text, Vec::new()).await.unwrap() }
    });
    let quick = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let began = Instant::now();
        docs(&db, "SELECT '{}', NULL::text, 1::bigint", Vec::new())
            .await
            .unwrap();
        began.elapsed()
    };
    let (_, quick) = tokio::join!(join_all(slow), quick);
    assert!(quick < Duration::from_millis(600), "{quick:?}");
}

#[tokio::test]
async fn a_killed_session_and_a_changed_table_are_not_noticed() {
    let kit = Kit::postgres().await;
    let db = open(&kit).await;
    let all = r#"SELECT row_to_json(t0)::text, NULL::text, id FROM "project"."laters" t0"#;
    db.write(async move |tx: &WriteTx| {
        let add = r#"INSERT INTO "project"."laters" (id) VALUES (1)"#;
        sea_orm::ConnectionTrait::execute_unprepared(tx, add).await?;
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    assert_eq!(docs(&db, all, Vec::new()).await.unwrap().len(), 1);
    for pid in sessions(&db, 24).await {
        sqlx::query("SELECT pg_terminate_backend($1)")
            .bind(i32::try_from(pid).unwrap())
            .execute(&mut admin().await)
            .await
            .unwrap();
    }
    // Where a pool's session was among them, its next caller may meet that.
    for _ in 0..5 {
        match docs(&db, all, Vec::new()).await {
            Ok(found) => assert_eq!(found.len(), 1),
            Err(e) => assert!(matches!(e, StoreError::Busy(_)), "{e:?}"),
        }
    }
    eventually("others are opened", async || {
        (sessions(&db, 24).await.len() <= 2).then_some(())
    })
    .await;
    docs(&db, all, Vec::new()).await.unwrap();
    db.write(async move |tx: &WriteTx| {
        let change = r#"ALTER TABLE "project"."laters" ALTER COLUMN id TYPE numeric(20)"#;
        sea_orm::ConnectionTrait::execute_unprepared(tx, change).await?;
        let back =
            r#"ALTER TABLE "project"."laters" ALTER COLUMN id TYPE bigint, ADD COLUMN more text"#;
        sea_orm::ConnectionTrait::execute_unprepared(tx, back).await?;
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let found = docs(&db, all, Vec::new()).await.unwrap();
    assert!(found[0].json.contains("more"), "{found:?}");
}
