//! What an engine says is classified once: the same mistake is the same error on both.

use crate::kit::{Kit, both, statement};
use sea_orm::{ConnectionTrait, Value};
use store::{Db, Ddl, Step, StoreError, WriteTx};
use uuid::Uuid;

both!(
    constraints_are_told_apart,
    a_closed_database_says_so,
    syntax_is_an_internal_error
);

const TABLES: Step = Step {
    name: "test/1-errors",
    up: tables,
};

fn tables(ddl: &mut Ddl) {
    ddl.raw(
        r#"CREATE TABLE "project"."a" (id text PRIMARY KEY NOT NULL, slug text, lang text, n bigint NOT NULL CONSTRAINT small CHECK (n < 10),
           CONSTRAINT "a_slug" UNIQUE (slug, lang))"#,
    );
    ddl.raw(r#"CREATE TABLE "project"."kept" (id text PRIMARY KEY NOT NULL, a text REFERENCES "project"."a" (id) ON DELETE RESTRICT)"#);
    ddl.raw(r#"CREATE TABLE "project"."plain" (id bigint PRIMARY KEY NOT NULL, a text REFERENCES "project"."a" (id))"#);
}

async fn run(db: &Db, text: &'static str, values: Vec<Value>) -> Result<(), StoreError> {
    db.write(async move |tx: &WriteTx| {
        tx.execute_raw(statement(tx.backend(), text, values.clone()))
            .await?;
        Ok(())
    })
    .await
}

async fn constraints_are_told_apart(kit: &Kit) {
    let db = kit.try_open(&[TABLES]).await.unwrap();
    let insert = r#"INSERT INTO "project"."a" (id, slug, lang, n) VALUES ($1, $2, $3, $4)"#;
    let a =
        |id: &str, slug: &str, n: Option<i64>| vec![id.into(), slug.into(), "en".into(), n.into()];
    run(&db, insert, a("1", "s", Some(1))).await.unwrap();

    let error = run(&db, insert, a("1", "t", Some(1))).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Unique(what) if what == if kit.is_postgres() { "a_pkey" } else { "a.id" }),
        "{error:?}"
    );
    let error = run(&db, insert, a("2", "s", Some(1))).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Unique(what) if what == if kit.is_postgres() { "a_slug" } else { "a.slug, a.lang" }),
        "{error:?}"
    );
    let error = run(&db, insert, a("2", "t", Some(11))).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Constraint(what) if what.contains("small")),
        "{error:?}"
    );
    let error = run(&db, insert, a("2", "t", None)).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Constraint(what) if what.contains('n')),
        "{error:?}"
    );

    let plain = r#"INSERT INTO "project"."plain" (id, a) VALUES ($1, $2)"#;
    run(&db, plain, vec![1_i64.into(), "1".into()])
        .await
        .unwrap();
    let error = run(&db, plain, vec![1_i64.into(), "1".into()])
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unique(_)), "{error:?}");
    let error = run(&db, plain, vec![2_i64.into(), "none".into()])
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::ForeignKey(_)), "{error:?}");
    let delete = r#"DELETE FROM "project"."a" WHERE id = $1"#;
    let error = run(&db, delete, vec!["1".into()]).await.unwrap_err();
    assert!(matches!(error, StoreError::ForeignKey(_)), "{error:?}");
    run(
        &db,
        r#"DELETE FROM "project"."plain" WHERE id = $1"#,
        vec![1_i64.into()],
    )
    .await
    .unwrap();
    run(
        &db,
        r#"INSERT INTO "project"."kept" (id, a) VALUES ('k', $1)"#,
        vec!["1".into()],
    )
    .await
    .unwrap();
    // RESTRICT has a code of its own on either engine.
    let error = run(&db, delete, vec!["1".into()]).await.unwrap_err();
    assert!(matches!(error, StoreError::ForeignKey(_)), "{error:?}");
}

async fn a_closed_database_says_so(kit: &Kit) {
    let db = kit.try_open(&[TABLES]).await.unwrap();
    let clone = db.clone();
    db.close();
    let insert = run(
        &clone,
        r#"INSERT INTO "project"."plain" (id) VALUES ($1)"#,
        vec![1_i64.into()],
    )
    .await;
    assert!(matches!(insert, Err(StoreError::Closed)), "{insert:?}");
    let read = clone
        .query_all_raw(crate::kit::sql(&clone, "SELECT 1 AS n", []))
        .await
        .map_err(StoreError::from);
    assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
    assert!(matches!(
        clone
            .docs(crate::kit::sql(&clone, "SELECT 'a', 'b', 1", []))
            .await,
        Err(StoreError::Closed)
    ));
}

async fn syntax_is_an_internal_error(kit: &Kit) {
    let db = kit.try_open(&[TABLES]).await.unwrap();
    let id = Uuid::new_v4();
    for text in [
        "SELEC 1",
        r#"SELECT "missing" FROM "project"."a""#,
        r#"SELECT id FROM "project"."missing""#,
    ] {
        let error = StoreError::from(
            db.query_all_raw(crate::kit::sql(&db, text, []))
                .await
                .unwrap_err(),
        );
        assert!(matches!(error, StoreError::Db(_)), "{text}: {error:?}");
    }
    let error = run(
        &db,
        r#"INSERT INTO "project"."a" (id, n) VALUES ($1, $2)"#,
        vec![id.into()],
    )
    .await
    .unwrap_err();
    assert!(matches!(error, StoreError::Db(_)), "{error:?}");
}
