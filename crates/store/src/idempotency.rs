//! Idempotency rows: the answer of a write, kept in the write's own transaction, so that a retry tells the truth.

use crate::{StoreError, WriteTx};
use kernel::Stamp;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};
use std::time::Duration;

/// Bytes of an answer's body that are kept; of a longer one the caller keeps ids only.
pub const IDEMPOTENCY_BODY_MAX: usize = 65_536;
/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// A key that a caller brought, with the hash of its request.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Whose key it is, such as `user:<id>`.
    pub caller: String,
    /// The key.
    pub key: String,
    /// The hash of method, path, query, body and conditions.
    pub hash: String,
}

/// What was answered to the first request with the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, 2xx.
    pub status: u16,
    /// The ETag header.
    pub etag: Option<String>,
    /// The body.
    pub body: Option<String>,
}

#[derive(FromQueryResult)]
struct Row {
    hash: String,
    status: i64,
    etag: Option<String>,
    body: Option<String>,
}

impl WriteTx {
    /// Looks for an earlier answer. `Ok(Err(()))` says that the key was used for another request.
    ///
    /// On PostgreSQL a second request waits here for the first, at most the lock timeout, then [`StoreError::Busy`].
    pub async fn idempotent(
        &self,
        claim: &Claim,
        now: Stamp,
    ) -> Result<Result<Option<Answer>, ()>, StoreError> {
        let backend = self.backend();
        if backend == DbBackend::Postgres {
            let lock = r#"SELECT pg_advisory_xact_lock(hashtextextended('"project".' || $1, 42))"#;
            let name = format!("{}\n{}", claim.caller, claim.key);
            self.query_all_raw(Statement::from_sql_and_values(backend, lock, [name.into()]))
                .await?;
        }
        let sql = r#"SELECT hash, status, etag, body FROM "project"."_idempotency" WHERE caller = $1 AND key = $2 AND created_at > $3"#;
        let values = [
            claim.caller.as_str().into(),
            claim.key.as_str().into(),
            now.minus(KEPT).time().into(),
        ];
        let row = Row::find_by_statement(Statement::from_sql_and_values(backend, sql, values))
            .one(self)
            .await?;
        Ok(match row {
            None => Ok(None),
            Some(row) if row.hash == claim.hash => Ok(Some(Answer {
                status: u16::try_from(row.status).unwrap_or(200),
                etag: row.etag,
                body: row.body,
            })),
            Some(_) => Err(()),
        })
    }

    /// Keeps the answer for a retry, and forgets a few that are older than a day.
    pub async fn keep_answer(
        &self,
        claim: &Claim,
        answer: &Answer,
        now: Stamp,
    ) -> Result<(), StoreError> {
        let backend = self.backend();
        let old = now.minus(KEPT).time();
        let skip = if backend == DbBackend::Sqlite {
            ""
        } else {
            "FOR UPDATE SKIP LOCKED"
        };
        let forget = format!(
            r#"DELETE FROM "project"."_idempotency" WHERE (caller, key) IN
               (SELECT caller, key FROM "project"."_idempotency" WHERE created_at <= $1 LIMIT 10 {skip})"#
        );
        self.execute_raw(Statement::from_sql_and_values(
            backend,
            forget,
            [old.into()],
        ))
        .await?;
        let sql = r#"INSERT INTO "project"."_idempotency" (caller, key, hash, status, etag, body, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
                     ON CONFLICT (caller, key) DO UPDATE SET hash = excluded.hash, status = excluded.status, etag = excluded.etag,
                     body = excluded.body, created_at = excluded.created_at"#;
        let values = [
            claim.caller.as_str().into(),
            claim.key.as_str().into(),
            claim.hash.as_str().into(),
            i64::from(answer.status).into(),
            answer.etag.clone().into(),
            answer.body.clone().into(),
            now.time().into(),
        ];
        self.execute_raw(Statement::from_sql_and_values(backend, sql, values))
            .await?;
        Ok(())
    }
}
