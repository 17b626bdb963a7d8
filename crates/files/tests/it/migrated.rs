//! A project of an earlier release: what its fields held they hold after the tables have changed.

use files::Files;
use kernel::Ids;
use sea_orm::{ConnectionTrait, Statement};
use store::{Db, Engine, PgOptions, SqliteOptions, Store, StoreError, WriteTx};

/// A bucket, two files, and a field that holds the first.
const BEFORE: [&str; 4] = [
    r#"INSERT INTO "project"."_buckets" (name, kind, definition, version, created_at, updated_at) VALUES ('att', 'attachments', '{}', 1, '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')"#,
    r#"INSERT INTO "project"."_files" (id, bucket, path, object, size_bytes, content_type, sha256, created_at, updated_at) VALUES ('01990000-0000-7000-8000-000000000001', 'att', 'a', '01990000-0000-7000-8000-0000000000a1', 1, 'text/plain', '', '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')"#,
    r#"INSERT INTO "project"."_files" (id, bucket, path, object, size_bytes, content_type, sha256, created_at, updated_at) VALUES ('01990000-0000-7000-8000-000000000002', 'att', 'b', '01990000-0000-7000-8000-0000000000a2', 1, 'text/plain', '', '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00')"#,
    r#"INSERT INTO "project"."_file_owners" (collection, record, field, file, claimed_by) VALUES ('posts', '01990000-0000-7000-8000-0000000000f1', 'image', '01990000-0000-7000-8000-000000000001', '01990000-0000-7000-8000-0000000000aa')"#,
];

fn held(file: u8) -> String {
    format!(
        r#"INSERT INTO "project"."_file_owners" (collection, record, field, file) VALUES ('posts', '01990000-0000-7000-8000-0000000000f1', 'image', '01990000-0000-7000-8000-00000000000{file}')"#
    )
}

async fn run(db: &Db, sql: String) -> Result<(), StoreError> {
    db.write(async move |tx: &WriteTx| -> Result<(), StoreError> {
        tx.execute_unprepared(&sql).await?;
        Ok(())
    })
    .await
}

async fn holds_after(engine: Engine) {
    let dir = tempfile::tempdir().unwrap();
    let uid = Ids.new_id();
    let steps = Files::steps();
    let store = Store::start(&engine, dir.path()).await.unwrap();
    let db = store.project(uid, &steps[..1]).await.unwrap();
    for sql in BEFORE {
        run(&db, sql.to_owned()).await.unwrap();
    }
    assert!(run(&db, held(2)).await.is_err(), "a field held one file");
    drop((db, store));
    let store = Store::start(&engine, dir.path()).await.unwrap();
    let db = store.project(uid, steps).await.unwrap();
    let sql = r#"SELECT count(*) AS n FROM "project"."_file_owners" WHERE collection = 'posts' AND field = 'image' AND claimed_by = '01990000-0000-7000-8000-0000000000aa' AND file = '01990000-0000-7000-8000-000000000001'"#;
    let count = Statement::from_sql_and_values(db.backend(), sql, []);
    let rows = db.query_all_raw(count).await.unwrap();
    assert_eq!(rows[0].try_get::<i64>("", "n").unwrap(), 1);
    run(&db, held(2)).await.unwrap();
    assert!(run(&db, held(1)).await.is_err(), "each file once");
    assert!(
        run(&db, held(3)).await.is_err(),
        "no file that is not there"
    );
    if matches!(engine, Engine::Postgres(_)) {
        let drop = format!(r#"DROP SCHEMA "p_{}" CASCADE"#, uid.simple());
        run(&db, drop).await.unwrap();
    }
}

#[actix_web::test]
async fn sqlite() {
    holds_after(Engine::Sqlite(SqliteOptions::default())).await;
}

#[actix_web::test]
async fn postgres() {
    let url = std::env::var("GALLEY_TEST_POSTGRES")
        .expect("PostgreSQL is needed: run the tests with `cargo xtask test`");
    holds_after(Engine::Postgres(PgOptions::new(url))).await;
}
