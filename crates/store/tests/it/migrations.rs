//! Migrations: each step once, all or nothing, and never on a database of a newer binary.

use crate::kit::{Kit, both};
use sea_orm::ConnectionTrait;
use store::{Db, Ddl, Step, StoreError};

both!(
    steps_run_once,
    parallel_openings_run_them_once,
    an_unknown_step_is_refused,
    a_failing_step_leaves_nothing
);

const FIRST: Step = Step {
    name: "test/1-first",
    up: first,
};
const SECOND: Step = Step {
    name: "test/2-second",
    up: second,
};
const BROKEN: Step = Step {
    name: "test/3-broken",
    up: broken,
};

fn first(ddl: &mut Ddl) {
    ddl.raw(r#"CREATE TABLE "project"."m" (id bigint NOT NULL)"#);
    ddl.raw(r#"INSERT INTO "project"."m" (id) VALUES (1)"#);
}

fn second(ddl: &mut Ddl) {
    ddl.raw(r#"INSERT INTO "project"."m" (id) VALUES (2)"#);
    ddl.raw(r#"CREATE INDEX "m_id" ON "project"."m" (id)"#);
}

fn broken(ddl: &mut Ddl) {
    ddl.raw(r#"CREATE TABLE "project"."half" (id bigint NOT NULL)"#);
    ddl.raw(r#"INSERT INTO "project"."nowhere" (id) VALUES (2)"#);
}

async fn rows(db: &Db, text: &str, column: &str) -> Vec<String> {
    let rows = db
        .query_all_raw(crate::kit::sql(db, text, []))
        .await
        .unwrap();
    rows.iter()
        .map(|r| r.try_get("", column).unwrap())
        .collect()
}

async fn ids(db: &Db) -> Vec<String> {
    rows(
        db,
        r#"SELECT CAST(id AS text) AS id FROM "project"."m" ORDER BY id"#,
        "id",
    )
    .await
}

async fn steps(db: &Db) -> Vec<String> {
    rows(
        db,
        r#"SELECT name FROM "project"."_migrations" ORDER BY name"#,
        "name",
    )
    .await
}

async fn steps_run_once(kit: &Kit) {
    let uid = kit.uid();
    let db = kit.store.project(uid, &[FIRST]).await.unwrap();
    assert_eq!(ids(&db).await, ["1"]);
    drop(db);
    for _ in 0..2 {
        let db = kit
            .another()
            .await
            .project(uid, &[FIRST, SECOND])
            .await
            .unwrap();
        assert_eq!(ids(&db).await, ["1", "2"]);
        assert_eq!(
            steps(&db).await,
            [
                "store/1-tables",
                "store/2-change-indexes",
                "test/1-first",
                "test/2-second"
            ]
        );
    }
}

async fn parallel_openings_run_them_once(kit: &Kit) {
    let uid = kit.uid();
    let stores = [kit.store.clone(), kit.another().await];
    let openings: Vec<_> = (0..10)
        .map(|i| {
            let store = stores[i % 2].clone();
            tokio::spawn(async move { store.project(uid, &[FIRST, SECOND]).await })
        })
        .collect();
    for opening in openings {
        let db = opening.await.unwrap().unwrap();
        assert_eq!(ids(&db).await, ["1", "2"]);
    }
}

async fn an_unknown_step_is_refused(kit: &Kit) {
    let uid = kit.uid();
    drop(kit.store.project(uid, &[FIRST, SECOND]).await.unwrap());
    let file = kit
        .dir()
        .join("projects")
        .join(uid.to_string())
        .join("data.db");
    // The writing thread may hold it a moment longer; the last close takes the WAL with it.
    crate::kit::eventually("the file is closed", async || {
        (!file.with_extension("db-wal").exists()).then_some(())
    })
    .await;
    let before = (!kit.is_postgres()).then(|| std::fs::read(&file).unwrap());
    let refused = kit.another().await.project(uid, &[FIRST, BROKEN]).await;
    assert!(
        matches!(&refused, Err(StoreError::Newer(name)) if name == "test/2-second"),
        "{:?}",
        refused.err()
    );
    assert_eq!(
        before,
        (!kit.is_postgres()).then(|| std::fs::read(&file).unwrap())
    );
    let db = kit.store.project(uid, &[FIRST, SECOND]).await.unwrap();
    assert_eq!(
        steps(&db).await,
        [
            "store/1-tables",
            "store/2-change-indexes",
            "test/1-first",
            "test/2-second"
        ]
    );
}

async fn a_failing_step_leaves_nothing(kit: &Kit) {
    let uid = kit.uid();
    assert!(kit.store.project(uid, &[FIRST, BROKEN]).await.is_err());
    // Not even the steps before it, nor the store's own.
    let db = kit.store.project(uid, &[FIRST]).await.unwrap();
    assert_eq!(ids(&db).await, ["1"]);
    assert!(kit.store.project(uid, &[FIRST, BROKEN]).await.is_err());
    assert_eq!(
        steps(&db).await,
        ["store/1-tables", "store/2-change-indexes", "test/1-first"]
    );
    assert!(
        db.query_all_raw(crate::kit::sql(
            &db,
            r#"SELECT id FROM "project"."half""#,
            []
        ))
        .await
        .is_err()
    );
}
