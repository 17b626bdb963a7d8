//! The role that a project's own SQL runs as.

use crate::kit::{Kit, TABLES, admin, postgres_url, statement};
use sea_orm::ConnectionTrait;
use store::{Db, PgOptions, StoreError, WriteTx};

/// Runs one statement as a role, and gives what is said to it.
async fn as_role(db: &Db, role: &str, text: &str) -> Result<(), StoreError> {
    let (role, text) = (role.to_owned(), text.to_owned());
    db.write(async move |tx: &WriteTx| {
        tx.execute_unprepared(&format!("SET LOCAL ROLE \"{role}\""))
            .await?;
        tx.query_all_raw(statement(tx.backend(), &text, [])).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_the_developers_tables_of_one_project() {
    let kit = Kit::postgres().await;
    let (uid, other) = (kit.uid(), kit.uid());
    let db = kit.store.project(uid, &[TABLES]).await.unwrap();
    kit.store.project(other, &[TABLES]).await.unwrap();
    let role = kit.store.ensure_role(uid).await.unwrap().unwrap();
    let (again, twice) = tokio::join!(kit.store.ensure_role(uid), kit.store.ensure_role(uid));
    assert_eq!(
        (again.unwrap().unwrap(), twice.unwrap().unwrap()),
        (role.clone(), role.clone())
    );
    as_role(&db, &role, r#"SELECT * FROM "project"."things""#)
        .await
        .unwrap();
    let foreign = format!(r#"SELECT * FROM "p_{}"."things""#, other.simple());
    for text in [
        r#"SELECT * FROM "project"."_changes""#,
        r#"SELECT * FROM "project"."_idempotency""#,
        r#"DELETE FROM "project"."things""#,
        r#"INSERT INTO "project"."laters" (id) VALUES (1)"#,
        r#"CREATE TABLE "project"."mine" (id bigint)"#,
        r#"DROP TABLE "project"."things""#,
        foreign.as_str(),
        "CREATE ROLE galley_intruder",
    ] {
        let error = as_role(&db, &role, text).await.unwrap_err();
        assert!(error.to_string().contains("42501"), "{text}: {error}");
    }
    // A table that came later is readable after the next call.
    db.write(async move |tx: &WriteTx| {
        tx.execute_unprepared(r#"CREATE TABLE "project"."newer" (id bigint)"#)
            .await?;
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let newer = r#"SELECT * FROM "project"."newer""#;
    assert!(as_role(&db, &role, newer).await.is_err());
    kit.store.ensure_role(uid).await.unwrap();
    as_role(&db, &role, newer).await.unwrap();
    // It owns nothing, cannot log in, and goes.
    let login: bool = sqlx::query_scalar(
        "SELECT rolcanlogin OR rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = $1",
    )
    .bind(&role)
    .fetch_one(&mut admin().await)
    .await
    .unwrap();
    assert!(!login);
    kit.store.drop_role(uid).await.unwrap();
    kit.store.drop_role(uid).await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_roles WHERE rolname = $1")
        .bind(&role)
        .fetch_one(&mut admin().await)
        .await
        .unwrap();
    assert_eq!(left, 0);
    assert!(as_role(&db, &role, newer).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_make_roles_it_says_so() {
    let name = format!("galley_poor_{}", std::process::id());
    let mut server = admin().await;
    for text in [
        format!("CREATE ROLE {name} LOGIN NOCREATEROLE NOSUPERUSER"),
        format!("GRANT CREATE ON DATABASE postgres TO {name}"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(text))
            .execute(&mut server)
            .await
            .unwrap();
    }
    let url = postgres_url();
    let (_, rest) = url.split_once('@').unwrap();
    let kit = Kit::postgres_with(PgOptions::new(format!("postgres://{name}@{rest}"))).await;
    let uid = kit.uid();
    kit.store.project(uid, &[TABLES]).await.unwrap();
    let refused = kit.store.ensure_role(uid).await;
    drop(kit);
    for text in [
        format!("DROP OWNED BY {name} CASCADE"),
        format!("DROP ROLE {name}"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(text))
            .execute(&mut server)
            .await
            .unwrap();
    }
    assert!(
        matches!(refused, Err(StoreError::NoCreateRole)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn sqlite_has_none() {
    let kit = Kit::sqlite().await;
    let uid = kit.uid();
    kit.store.project(uid, &[TABLES]).await.unwrap();
    assert_eq!(kit.store.ensure_role(uid).await.unwrap(), None);
    kit.store.drop_role(uid).await.unwrap();
}
