//! A shelf of files for the tests: a true edge of this crate, with tables, so that it goes with the transaction.

use async_trait::async_trait;
use data::ports::{FileClaim, FileRefs, FileRelease};
use gate::{Problem, Project, Who};
use kernel::Stamp;
use sea_orm::{ConnectionTrait, Statement, Value};
use std::collections::HashMap;
use store::{Ddl, Step, WriteTx};
use uuid::Uuid;

pub struct Shelf;

pub fn steps() -> Vec<Step> {
    fn up(ddl: &mut Ddl) {
        ddl.raw(r#"CREATE TABLE "project"."_shelf" (file text PRIMARY KEY NOT NULL, bucket text NOT NULL, uploader text)"#);
        ddl.raw(r#"CREATE TABLE "project"."_held" (collection text NOT NULL, record text NOT NULL, field text NOT NULL, file text NOT NULL, PRIMARY KEY (collection, record, field, file))"#);
    }
    vec![Step {
        name: "test/1-shelf",
        up,
    }]
}

async fn run(tx: &WriteTx, sql: &str, values: Vec<Value>) -> Result<u64, Problem> {
    let statement = Statement::from_sql_and_values(tx.backend(), sql, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

fn text(text: &str) -> Value {
    Value::String(Some(text.to_owned()))
}

/// Puts a file there, uploaded by `uploader`.
pub async fn put(kit: &crate::kit::Kit, file: Uuid, bucket: &'static str, uploader: Option<Uuid>) {
    kit.db
        .write(async move |tx: &WriteTx| -> Result<(), data::DataError> {
            let uploader = Value::String(uploader.map(|u| u.to_string()));
            let sql =
                r#"INSERT INTO "project"."_shelf" (file, bucket, uploader) VALUES ($1, $2, $3)"#;
            run(
                tx,
                sql,
                vec![text(&file.to_string()), text(bucket), uploader],
            )
            .await?;
            Ok(())
        })
        .await
        .unwrap();
}

#[async_trait(?Send)]
impl FileRefs for Shelf {
    async fn claim(
        &self,
        _project: &Project,
        tx: &WriteTx,
        who: &Who,
        claims: &[FileClaim],
    ) -> Result<Result<(), Vec<Uuid>>, Problem> {
        let mut unknown = Vec::new();
        for claim in claims {
            let sql = r#"SELECT uploader FROM "project"."_shelf" WHERE file = $1 AND bucket = $2"#;
            let values = vec![text(&claim.file.to_string()), text(&claim.bucket)];
            let found = tx
                .query_all_raw(Statement::from_sql_and_values(tx.backend(), sql, values))
                .await?;
            let uploader = found
                .first()
                .map(|row| row.try_get::<Option<String>>("", "uploader").unwrap());
            let me = match who {
                Who::User(user) => Some(user.id.to_string()),
                _ => None,
            };
            match uploader {
                Some(_) if who.passes_rules() => {}
                Some(uploader) if uploader.is_some() && uploader == me => {}
                _ => unknown.push(claim.file),
            }
        }
        if !unknown.is_empty() {
            return Ok(Err(unknown));
        }
        for claim in claims {
            let sql = r#"INSERT INTO "project"."_held" (collection, record, field, file) VALUES ($1, $2, $3, $4)"#;
            let owner = &claim.owner;
            let values = [
                &owner.collection,
                &owner.record.to_string(),
                &owner.field,
                &claim.file.to_string(),
            ];
            run(tx, sql, values.into_iter().map(|v| text(v)).collect()).await?;
        }
        Ok(Ok(()))
    }

    async fn release(
        &self,
        _project: &Project,
        tx: &WriteTx,
        releases: &[FileRelease],
        _now: Stamp,
    ) -> Result<(), Problem> {
        for FileRelease { owner, file } in releases {
            let sql = r#"DELETE FROM "project"."_held" WHERE collection = $1 AND record = $2 AND field = $3 AND $4 IN ('', file)"#;
            let file = file.map(|file| file.to_string()).unwrap_or_default();
            let record = owner.record.to_string();
            let values = [&owner.collection, &record, &owner.field, &file];
            run(tx, sql, values.into_iter().map(|v| text(v)).collect()).await?;
        }
        Ok(())
    }

    async fn renamed(
        &self,
        tx: &WriteTx,
        from: (&str, &str),
        to: (&str, &str),
    ) -> Result<(), Problem> {
        let sql = r#"UPDATE "project"."_held" SET collection = $1, field = $2 WHERE collection = $3 AND field = $4"#;
        let values = [to.0, to.1, from.0, from.1];
        run(tx, sql, values.into_iter().map(text).collect()).await?;
        Ok(())
    }

    async fn views(
        &self,
        project: &Project,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, String>, Problem> {
        let mut views = HashMap::new();
        for id in ids {
            let sql = r#"SELECT bucket FROM "project"."_shelf" WHERE file = $1"#;
            let values = vec![text(&id.to_string())];
            let db = &project.db;
            let found = db
                .query_all_raw(Statement::from_sql_and_values(db.backend(), sql, values))
                .await?;
            if let Some(row) = found.first() {
                let bucket: String = row.try_get("", "bucket").unwrap();
                views.insert(*id, format!(r#"{{"id":"{id}","bucket":"{bucket}"}}"#));
            }
        }
        Ok(views)
    }

    async fn has_bucket(&self, _project: &Project, bucket: &str) -> Result<bool, Problem> {
        Ok(["posters", "avatars"].contains(&bucket))
    }
}
