//! How the engines run the common reads: what an index seeks to on page 1 it seeks to on every page.

use super::ddl;
use super::plan::{Own, Plan};
use crate::model::Collection;
use crate::query::{self, Expand, Query, What};
use crate::schema::Schema;
use gate::Input;
use kernel::{Ids, Stamp};
use rules::Env;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use serde_json::{Map, json};
use sqlx::Connection;
use std::time::{Duration, Instant};
use store::{Db, Engine, PgOptions, SqliteOptions, Store, StoreError, WriteTx};

const ROWS: u32 = 1_000_000;

fn schema() -> Schema {
    let now = Stamp::parse("2026-01-01T00:00:00Z").unwrap();
    let open = json!({"list": "true"});
    let definitions = [
        json!({"name": "posts", "fields": [{"name": "n", "type": "number", "format": "integer"}], "rules": open}),
        json!({
            "name": "comments", "rules": open,
            "fields": [
                {"name": "due", "type": "number", "format": "integer"},
                {"name": "n", "type": "number", "format": "integer", "required": true},
                {"name": "m", "type": "number", "format": "integer", "required": true},
                {"name": "post", "type": "relation", "collection": "posts"}
            ],
            "indexes": [{"fields": ["due"]}, {"fields": ["n"]}, {"fields": ["m", "n"]}, {"fields": ["post", "n"]}]
        }),
    ];
    let collections = definitions.into_iter().map(|definition| {
        let serde_json::Value::Object(map) = definition else {
            panic!("an object")
        };
        let mut input = Map::new();
        input.extend(map);
        Collection::parse(Input::new(input), Ids.new_id(), now).unwrap()
    });
    Schema::load(1, collections.collect())
}

/// The tables with rows: a tenth of `due` is null, `m` repeats a thousand times, all comments are of one post.
async fn filled(store: &Store, schema: &Schema, rows: u32) -> Db {
    let db = store.project(Ids.new_id(), &[]).await.unwrap();
    let postgres = db.backend() == DbBackend::Postgres;
    let mut texts = Vec::new();
    for name in ["posts", "comments"] {
        let collection = &schema.collection(name).unwrap().def;
        texts.extend(ddl::create(collection, db.backend()));
    }
    let (numbers, id, time) = if postgres {
        (
            format!("SELECT n FROM generate_series(1, {rows}) AS g(n)"),
            "CAST('01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)",
            "CAST('2026-01-01T00:00:00Z' AS timestamptz)",
        )
    } else {
        (
            format!(
                "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {rows}) SELECT n FROM g"
            ),
            "printf('01990000-0000-7000-8000-%012x', n)",
            "'2026-01-01T00:00:00.000000Z'",
        )
    };
    let first = id.replace(", n)", ", 1)").replace("(n)", "(1)");
    texts.push(format!(
        r#"INSERT INTO "project"."posts" (id, n, created_at, updated_at, _version) SELECT {id}, n, {time}, {time}, 1 FROM ({numbers}) AS g WHERE n < 100"#
    ));
    texts.push(format!(
        r#"INSERT INTO "project"."comments" (id, due, n, m, post, created_at, updated_at, _version)
           SELECT {id}, CASE WHEN n % 10 = 0 THEN NULL ELSE n END, n, n / 1000, {first}, {time}, {time}, 1 FROM ({numbers}) AS g"#
    ));
    // Of these alone: the database of the tests has the tables of many others, which would all be locked.
    for table in ["posts", "comments"] {
        texts.push(format!(r#"ANALYZE "project"."{table}""#));
    }
    db.write(async move |tx: &WriteTx| -> Result<(), StoreError> {
        for text in &texts {
            tx.execute_unprepared(text).await?;
        }
        Ok(())
    })
    .await
    .unwrap();
    db
}

fn statement(plan: &Plan, keys: &[Value]) -> Statement {
    let (request, none) = (rules::Request::default(), Map::new());
    let env = Env {
        auth: None,
        request: &request,
        now: "2026-01-01T00:00:00.000000Z",
        params: &none,
        record: None,
        next: None,
    };
    plan.statement(&env, |own| match own {
        Own::Limit => Value::BigInt(Some(31)),
        Own::Key(i) => keys[i].clone(),
        Own::Parents => {
            let ids = json!([
                "01990000-0000-7000-8000-000000000001",
                "01990000-0000-7000-8000-000000000002"
            ]);
            Value::String(Some(ids.to_string()))
        }
        Own::Id => Value::String(None),
    })
    .unwrap()
}

async fn explained(db: &Db, mut statement: Statement) -> Vec<String> {
    let (words, column) = match db.backend() {
        DbBackend::Sqlite => ("EXPLAIN QUERY PLAN ", "detail"),
        _ => ("EXPLAIN (COSTS OFF) ", "QUERY PLAN"),
    };
    statement.sql = format!("{words}{}", statement.sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|r| r.try_get("", column).unwrap())
        .collect()
}

/// Sorts with the keys of a cursor deep in the table.
fn deep() -> Vec<(&'static str, Vec<Value>)> {
    let number = |n: i64| Value::BigInt(Some(n));
    let id = |n: u32| {
        Value::Uuid(kernel::parse_id(&format!(
            "01990000-0000-7000-8000-{n:012x}"
        )))
    };
    let far = 900_001;
    vec![
        ("", vec![id(far)]),
        ("-id", vec![id(100_000)]),
        ("n", vec![number(far.into()), id(far)]),
        ("-n", vec![number(100_000), id(100_000)]),
        ("n,-id", vec![number(far.into()), id(far)]),
        ("-n,id", vec![number(100_000), id(100_000)]),
        ("m,n", vec![number(900), number(far.into()), id(far)]),
        ("-m,-n", vec![number(100), number(100_001), id(100_001)]),
        ("m,-n", vec![number(900), number(far.into()), id(far)]),
        ("-m,n", vec![number(100), number(100_001), id(100_001)]),
        ("due", vec![number(far.into()), id(far)]),
        ("due", vec![Value::BigInt(None), id(500_000)]),
        ("-due", vec![number(100_001), id(100_001)]),
        ("-due", vec![Value::BigInt(None), id(500_000)]),
        ("due,-id", vec![number(far.into()), id(far)]),
        ("-due,id", vec![Value::BigInt(None), id(500_000)]),
    ]
}

fn page(schema: &Schema, sort: &str, keys: Option<&[Value]>, backend: DbBackend) -> Plan {
    let query = Query {
        sort: Some(sort.to_owned()),
        ..Query::default()
    };
    let nulls = keys.map(|k| k.iter().map(|v| *v == v.as_null()).collect());
    let comments = schema.collection("comments").unwrap();
    query::prepare(schema, comments, &query, false, nulls, backend)
        .unwrap()
        .page
}

#[tokio::test]
async fn sqlite_seeks_to_every_page() {
    let dir = tempfile::tempdir().unwrap();
    // Without a budget the statements stay here, and their time is their own.
    let options = SqliteOptions {
        read_budget_ms: 0,
        ..SqliteOptions::default()
    };
    let store = Store::start(&Engine::Sqlite(options), dir.path())
        .await
        .unwrap();
    let schema = schema();
    let db = filled(&store, &schema, ROWS).await;
    let time = async |plan: &Plan, keys: &[Value]| {
        let mut least = Duration::MAX;
        for _ in 0..15 {
            let statement = statement(plan, keys);
            let started = Instant::now();
            assert!(db.docs(statement).await.unwrap().len() == 31);
            least = least.min(started.elapsed());
        }
        least
    };
    for (sort, keys) in deep() {
        let first = page(&schema, sort, None, DbBackend::Sqlite);
        let next = page(&schema, sort, Some(&keys), DbBackend::Sqlite);
        let lines = explained(&db, statement(&next, &keys)).await;
        let sql = statement(&next, &keys).sql;
        assert!(!sql.contains(" OR "), "{sort}: {sql}");
        for line in lines.iter().filter(|l| l.contains("t0")) {
            assert!(line.starts_with("SEARCH t0 USING "), "{sort}: {lines:#?}");
        }
        // Keys of both directions are sorted within each value of the first, never all of the rows.
        let sorted = lines.iter().filter(|l| l.contains("TEMP B-TREE"));
        let mixed = sort.contains(',') && sort.contains('-') && sort != "-m,-n";
        for line in sorted {
            assert!(
                mixed && (line.contains("LAST TERM") || line.contains("LAST 2 TERMS")),
                "{sort}: {lines:#?}"
            );
        }
        let (first, next) = (time(&first, &[]).await, time(&next, &keys).await);
        let allowed = first * 6 + Duration::from_millis(3);
        assert!(
            next <= allowed,
            "{sort}: page 1 {first:?}, a deep one {next:?}\n{sql}\n{lines:#?}"
        );
    }
}

fn related(schema: &Schema, options: &str, backend: DbBackend) -> Plan {
    let query = Query {
        expand: Expand::parse(&format!("comments_via_post{options}")).unwrap(),
        ..Query::default()
    };
    let posts = schema.collection("posts").unwrap();
    let mut prepared = query::prepare(schema, posts, &query, false, None, backend).unwrap();
    let Some(What::Related(of)) = prepared.later.pop().map(|l| l.what) else {
        panic!("a back relation")
    };
    of.plan
}

#[tokio::test]
async fn sqlite_seeks_to_what_points_to_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::Sqlite(SqliteOptions::default());
    let store = Store::start(&engine, dir.path()).await.unwrap();
    let schema = schema();
    let db = filled(&store, &schema, 2_000).await;
    for (options, sorted) in [
        ("", false),
        ("(sort:n)", false),
        ("(sort:-n)", false),
        ("(sort:due)", true),
    ] {
        let plan = related(&schema, options, DbBackend::Sqlite);
        let lines = explained(&db, statement(&plan, &[])).await;
        let seeks = lines.iter().find(|l| l.contains("t0")).unwrap();
        assert!(
            seeks.starts_with("SEARCH t0 USING INDEX") && seeks.contains("(post=?)"),
            "{options}: {lines:#?}"
        );
        let sorts = lines.iter().any(|l| l == "USE TEMP B-TREE FOR ORDER BY");
        assert_eq!(sorts, sorted, "{options}: {lines:#?}");
    }
}

#[tokio::test]
async fn postgres_seeks_too() {
    let url = std::env::var("GALLEY_TEST_POSTGRES").expect("GALLEY_TEST_POSTGRES is not set");
    let dir = tempfile::tempdir().unwrap();
    let mut options = PgOptions::new(url.clone());
    (options.read_connections, options.write_connections) = (2, 2);
    options.statement_timeout_ms = 60_000;
    let store = Store::start(&Engine::Postgres(options), dir.path())
        .await
        .unwrap();
    let schema = schema();
    let db = filled(&store, &schema, 100_000).await;
    let mut wrong = Vec::new();
    for (sort, keys) in deep() {
        let plan = page(&schema, sort, Some(&keys), DbBackend::Postgres);
        let lines = explained(&db, statement(&plan, &keys)).await;
        if lines.iter().any(|l| l.contains("Seq Scan on comments")) {
            wrong.push(format!("{sort}: {lines:#?}"));
        }
    }
    for options in ["", "(sort:n)", "(sort:-n)", "(limit:3,sort:-due)"] {
        let plan = related(&schema, options, DbBackend::Postgres);
        let lines = explained(&db, statement(&plan, &[])).await;
        if lines.iter().any(|l| l.contains("Seq Scan on comments")) {
            wrong.push(format!("{options}: {lines:#?}"));
        }
    }
    let Db::Postgres(handle) = &db else {
        panic!("a PostgreSQL database")
    };
    let drop = format!(r#"DROP SCHEMA "{}" CASCADE"#, handle.schema());
    let mut admin = sqlx::PgConnection::connect(&url).await.unwrap();
    let dropped = sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(&mut admin);
    dropped.await.unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
