//! Reading the change log by collection, where it stands, and forgetting its beginning.

use crate::kit::{Kit, both, eventually, stamp, statement};
use sea_orm::{ConnectionTrait, Statement};
use store::{Action, ChangeIn, Db, Pruned, StoreError, WriteTx, change_reads};

both!(
    collections_are_read_apart,
    heads_tell_where_the_log_stands,
    the_beginning_is_forgotten,
    no_read_looks_at_the_whole_log
);

const DAY: &str = "2026-01-02T00:00:00Z";

async fn log(db: &Db, collection: &str, record: &str, at: &str) {
    let change = ChangeIn {
        collection: collection.to_owned(),
        record: record.to_owned(),
        action: Action::Create,
        fields: "[]".to_owned(),
        actor: None,
        witness: None,
        before: None,
        after: None,
        at: stamp(at),
    };
    db.write(async move |tx: &WriteTx| tx.log_change(change.clone()).await)
        .await
        .unwrap();
}

/// The newest place, once `n` changes have theirs.
async fn stamped(db: &Db, n: usize) -> i64 {
    let all = eventually("all are stamped", async || {
        Some(db.changes(0, 1_000).await.unwrap()).filter(|c| c.len() == n)
    })
    .await;
    all.last().map_or(0, |c| c.seq)
}

async fn collections_are_read_apart(kit: &Kit) {
    let db = kit.open().await;
    for (collection, record) in [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("b", "5")] {
        log(&db, collection, record, DAY).await;
    }
    let newest = stamped(&db, 5).await;
    let read = async |names: &[&str], since, until, limit| -> String {
        let changes = db.changes_of(names, since, until, limit).await.unwrap();
        changes.into_iter().map(|c| c.record).collect()
    };
    assert_eq!(read(&["a", "b", "c"], 0, newest, 10).await, "12345");
    assert_eq!(read(&["b"], 0, newest, 10).await, "25");
    assert_eq!(read(&["c", "a"], 0, newest, 10).await, "134");
    assert_eq!(read(&["a", "b"], 0, newest, 3).await, "123");
    assert_eq!(read(&["a", "b"], newest - 3, newest - 1, 3).await, "3");
    assert_eq!(read(&["nothing"], 0, newest, 3).await, "");
    assert_eq!(read(&[], 0, newest, 3).await, "");
    let first = db.changes_of(&["a"], 0, newest, 1).await.unwrap().remove(0);
    assert_eq!(first.at, stamp(DAY));
    let names: Vec<String> = (0..400).map(|i| format!("c{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(read(&names, 0, newest, 3).await, "");
}

async fn heads_tell_where_the_log_stands(kit: &Kit) {
    let db = kit.open().await;
    let none = db.change_heads(&["a"], &["a"], stamp(DAY)).await.unwrap();
    assert_eq!((none.newest, none.pruned, none.last["a"]), (0, 0, 0));
    assert_eq!(
        (none.schemas["a"].seq, none.schemas["a"].fresh),
        (Some(0), false)
    );
    log(&db, "a", "1", DAY).await;
    let mark = async |name: &'static str, at| {
        db.write(async move |tx: &WriteTx| tx.log_schema_change(name, None, at).await)
            .await
            .unwrap();
    };
    mark("a", stamp("2026-01-01T00:00:00Z")).await;
    mark("b", stamp(DAY)).await;
    mark("a", stamp("2026-01-03T00:00:00Z")).await;
    log(&db, "b", "2", DAY).await;
    let newest = stamped(&db, 5).await;
    let heads = db
        .change_heads(&["a", "b", "x"], &["a", "b", "x"], stamp(DAY))
        .await
        .unwrap();
    assert_eq!((heads.newest, heads.pruned), (newest, 0));
    assert_eq!(
        (heads.last["a"], heads.last["b"], heads.last["x"]),
        (newest - 4, newest, 0)
    );
    let of = |name: &str| (heads.schemas[name].seq, heads.schemas[name].fresh);
    assert_eq!(of("a"), (Some(newest - 1), true));
    assert_eq!(of("b"), (Some(newest - 2), false));
    assert_eq!(of("x"), (Some(0), false));
    if kit.is_postgres() {
        // Committed, but without a place: it comes after all that has one.
        let sql = r#"INSERT INTO "project"."_changes" (collection, record, action, fields, at) VALUES ('_collections', 'a', 'update', '[]', now())"#;
        db.write(async move |tx: &WriteTx| {
            tx.execute_unprepared(sql)
                .await
                .map(|_| ())
                .map_err(StoreError::from)
        })
        .await
        .unwrap();
        let heads = db.change_heads(&[], &["a", "b"], stamp(DAY)).await.unwrap();
        assert_eq!((heads.newest, heads.schemas["a"].seq), (newest, None));
        assert_eq!(heads.schemas["b"].seq, Some(newest - 2));
    }
}

async fn prune(db: &Db, before: &str, keep: i64, limit: u32) -> Pruned {
    let before = stamp(before);
    db.write(async move |tx: &WriteTx| tx.prune_changes(before, keep, limit).await)
        .await
        .unwrap()
}

async fn the_beginning_is_forgotten(kit: &Kit) {
    let db = kit.open().await;
    let empty = prune(&db, DAY, 0, 10).await;
    assert_eq!((empty.removed, empty.oldest), (0, None));
    // The clock went back: what stands behind a younger one stays.
    for (i, day) in ["01", "02", "09", "03", "04"].iter().enumerate() {
        log(
            &db,
            "a",
            &i.to_string(),
            &format!("2026-01-{day}T00:00:00Z"),
        )
        .await;
    }
    let newest = stamped(&db, 5).await;
    let left = async || -> String {
        let changes = db.changes(0, 100).await.unwrap();
        changes.into_iter().map(|c| c.record).collect()
    };
    let heads = async || db.change_heads(&[], &[], stamp(DAY)).await.unwrap();
    let none = prune(&db, "2025-01-05T00:00:00Z", 5, 10).await;
    assert_eq!(
        (none.removed, none.oldest),
        (0, Some(stamp("2026-01-01T00:00:00Z")))
    );
    assert_eq!(
        (heads().await.pruned, db.changes_pruned().await.unwrap()),
        (0, 0)
    );
    let one = prune(&db, "2026-01-05T00:00:00Z", 100, 1).await;
    assert_eq!((one.removed, one.oldest), (1, None));
    assert_eq!(
        (heads().await.pruned, left().await),
        (newest - 4, "1234".to_owned())
    );
    let two = prune(&db, "2026-01-05T00:00:00Z", 100, 10).await;
    assert_eq!(
        (two.removed, two.oldest),
        (1, Some(stamp("2026-01-09T00:00:00Z")))
    );
    assert_eq!(
        (db.changes_pruned().await.unwrap(), left().await),
        (newest - 3, "234".to_owned())
    );
    // By number.
    let three = prune(&db, "2020-01-01T00:00:00Z", 1, 10).await;
    assert_eq!((three.removed, left().await), (2, "4".to_owned()));
    // All are gone, and their places are not given again.
    prune(&db, "2027-01-01T00:00:00Z", 1, 10).await;
    assert_eq!(
        (heads().await.newest, heads().await.pruned, left().await),
        (newest, newest, String::new())
    );
    log(&db, "a", "x", DAY).await;
    assert_eq!(stamped(&db, 1).await, newest + 1);
    // A slower node does not take back what is known.
    let sql = r#"UPDATE "project"."_counters" SET value = 1000000 WHERE name = 'changes_pruned'"#;
    db.write(async move |tx: &WriteTx| {
        tx.execute_unprepared(sql)
            .await
            .map(|_| ())
            .map_err(StoreError::from)
    })
    .await
    .unwrap();
    prune(&db, "2027-01-01T00:00:00Z", 1, 10).await;
    assert_eq!(db.changes_pruned().await.unwrap(), 1_000_000);
}

/// What the engines mean to do: seeks only, by the index of the collections, which are quiet ones in a busy log.
async fn no_read_looks_at_the_whole_log(kit: &Kit) {
    let db = kit.open().await;
    let fill = if kit.is_postgres() {
        r#"INSERT INTO "project"."_changes" (seq, collection, record, action, fields, at)
           SELECT n, CASE WHEN n % 1000 < 4 THEN 'c' || (n % 1000) ELSE 'busy' END, 'x', 'update', '[]', now() FROM generate_series(1, 20000) AS n; ANALYZE "project"."_changes""#
    } else {
        r#"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000)
           INSERT INTO "project"."_changes" (seq, collection, record, action, fields, at)
           SELECT n, CASE WHEN n % 1000 < 4 THEN 'c' || (n % 1000) ELSE 'busy' END, 'x', 'update', '[]', '2026-01-01T00:00:00.000000Z' FROM s"#
    };
    db.write(async move |tx: &WriteTx| {
        tx.execute_unprepared(fill)
            .await
            .map(|_| ())
            .map_err(StoreError::from)
    })
    .await
    .unwrap();
    let (explain, column) = if kit.is_postgres() {
        ("EXPLAIN", "QUERY PLAN")
    } else {
        ("EXPLAIN QUERY PLAN", "detail")
    };
    let forget = statement(
        db.backend(),
        r#"SELECT seq, at FROM "project"."_changes" WHERE seq > 0 ORDER BY seq LIMIT 500"#,
        [],
    );
    for read in change_reads(db.backend(), stamp(DAY))
        .into_iter()
        .chain([forget])
    {
        let sql = format!("{explain} {}", read.sql);
        let rows = db
            .query_all_raw(Statement {
                sql,
                ..read.clone()
            })
            .await
            .unwrap();
        let plan: Vec<String> = rows
            .iter()
            .map(|r| r.try_get("", column).unwrap())
            .collect();
        let uses = |index: &str| plan.iter().filter(|l| l.contains(index)).count();
        let of =
            read.sql.matches("collection = $").count() + read.sql.matches("= j.value), 0)").count();
        assert_eq!(
            uses("_changes_of"),
            of,
            "{}\nof {}",
            plan.join("\n"),
            read.sql
        );
        let marks = read.sql.matches("'_collections'").count();
        assert_eq!(uses("_changes_schema"), marks, "{}", plan.join("\n"));
        for line in &plan {
            let scan = line.contains("Seq Scan on _changes")
                || line.contains("SCAN c")
                || line.contains("SCAN _changes");
            assert!(!scan, "{line} in\n{}\nof {}", plan.join("\n"), read.sql);
        }
    }
}
