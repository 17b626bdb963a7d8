//! A quick measurement of the hot paths in one process, to notice when a change slows them:
//! `cargo run --release -p store --example pace [rows]`. Few rows fit in a reader's page cache, many do not.

use sea_orm::{ActiveModelTrait, DbBackend, EntityTrait, IntoActiveModel, Schema, Statement};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::{Db, Ddl, Engine, SqliteOptions, Step, Store, StoreError, WriteTx};

mod post {
    //! A table like many.
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(schema_name = "project", table_name = "posts")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub title: String,
        pub body: String,
        pub likes: i64,
        pub done: bool,
        pub made_at: TimeDateTimeWithTimeZone,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

const TABLES: Step = Step {
    name: "pace/1-tables",
    up: tables,
};

fn tables(ddl: &mut Ddl) {
    ddl.table(&Schema::new(ddl.backend()).create_table_from_entity(post::Entity));
}

const ROWS: i64 = 100_000;
/// Ids of what the measurement itself creates.
const CREATED: i64 = 1_000_000_000;
const SPAN: Duration = Duration::from_secs(3);
const READ: &str = r#"SELECT json_object('id', id, 'title', title, 'body', body, 'likes', likes, 'made_at', made_at), NULL, 1 FROM "project"."posts" WHERE id = $1"#;
const CREATE: &str = r#"INSERT INTO "project"."posts" (id, title, body, likes, done, made_at) VALUES ($1, $2, $3, $4, $5, $6)
                        RETURNING json_object('id', id, 'title', title, 'body', body, 'likes', likes, 'made_at', made_at), NULL, 1"#;

fn row(id: i64) -> post::Model {
    let made_at = kernel::Stamp::parse("2026-01-02T03:04:05.678901Z").map(kernel::Stamp::time);
    post::Model {
        id,
        title: format!("title {id}"),
        body: "some words ".repeat(10),
        likes: id % 100,
        done: id % 2 == 0,
        made_at: made_at.unwrap_or(time::OffsetDateTime::UNIX_EPOCH),
    }
}

fn statement<const N: usize>(text: &str, values: [sea_orm::Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, text, values)
}

#[expect(clippy::print_stdout, reason = "the numbers are what this is for")]
fn tell(what: &str, n: u64, took: Duration) {
    println!(
        "{what}: {:.0} /s, {:.2} us each",
        n as f64 / took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / n as f64
    );
}

async fn reads(
    what: &str,
    rows: i64,
    mut f: impl AsyncFnMut(i64) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (started, mut n) = (Instant::now(), 0_u64);
    while started.elapsed() < SPAN {
        for _ in 0..100 {
            n += 1;
            f((n as i64).wrapping_mul(7_919) % rows).await?;
        }
    }
    tell(what, n, started.elapsed());
    Ok(())
}

async fn creates(what: &str, db: &Db, conc: usize, json: bool) -> Result<(), Box<dyn Error>> {
    static NEXT: AtomicI64 = AtomicI64::new(CREATED);
    let done = Arc::new(AtomicU64::new(0));
    let (started, before) = (Instant::now(), db.write_counts().unwrap_or_default());
    let mut tasks = Vec::new();
    for _ in 0..conc {
        let (db, done) = (db.clone(), done.clone());
        #[expect(clippy::disallowed_methods, reason = "the tasks are waited for below")]
        tasks.push(tokio::spawn(async move {
            while started.elapsed() < SPAN {
                let model = row(NEXT.fetch_add(1, Ordering::Relaxed));
                if json {
                    db.write(async move |tx: &WriteTx| {
                        let m = model.clone();
                        let values = [
                            m.id.into(),
                            m.title.into(),
                            m.body.into(),
                            m.likes.into(),
                            m.done.into(),
                            m.made_at.into(),
                        ];
                        tx.docs(statement(CREATE, values)).await
                    })
                    .await?;
                } else {
                    db.write(async move |tx: &WriteTx| {
                        Ok::<_, StoreError>(model.clone().into_active_model().insert(tx).await?)
                    })
                    .await?;
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, StoreError>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    tell(what, done.load(Ordering::Relaxed), started.elapsed());
    let after = db.write_counts().unwrap_or_default();
    let commits = after.commits - before.commits;
    tell("  of these commits", commits, started.elapsed());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let rows = std::env::args()
        .nth(1)
        .map_or(Ok(ROWS), |n| n.parse::<i64>())?
        .max(1_000)
        / 1_000
        * 1_000;
    let dir = tempfile::tempdir()?;
    let store = Store::start(&Engine::Sqlite(SqliteOptions::default()), dir.path()).await?;
    let db = store.project(uuid::Uuid::nil(), &[TABLES]).await?;
    for chunk in 0..rows / 1_000 {
        db.write(async move |tx: &WriteTx| {
            let models = (chunk * 1_000..(chunk + 1) * 1_000).map(|id| row(id).into_active_model());
            Ok::<_, StoreError>(
                post::Entity::insert_many(models)
                    .exec_without_returning(tx)
                    .await?,
            )
        })
        .await?;
    }
    for _ in 0..2 {
        reads(
            "point read, JSON by the database, one thread",
            rows,
            async |id| {
                let docs = db.docs(statement(READ, [id.into()])).await?;
                if docs.len() == 1 {
                    Ok(())
                } else {
                    Err(StoreError::Closed)
                }
            },
        )
        .await?;
        reads("point read, entity, one thread", rows, async |id| {
            let found = post::Entity::find_by_id(id).one(&db).await?;
            if found.is_some() {
                Ok(())
            } else {
                Err(StoreError::Closed)
            }
        })
        .await?;
        creates(
            "create, JSON by the database, 256 at once, FULL",
            &db,
            256,
            true,
        )
        .await?;
        creates("create, entity, 256 at once, FULL", &db, 256, false).await?;
    }
    creates("create, entity, 1 at once, FULL", &db, 1, false).await?;
    Ok(())
}
