//! Forgetting old changes in bounded slices: what is forgotten is always the beginning of the log, and remembered as such.

use super::PRUNED;
use crate::{StoreError, WriteTx};
use kernel::Stamp;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};
use time::OffsetDateTime;

/// What a slice of forgetting has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Changes that were removed.
    pub removed: u64,
    /// When the oldest change that is left was made; `None` when the whole slice went, or nothing is left.
    pub oldest: Option<Stamp>,
}

#[derive(FromQueryResult)]
struct Row {
    seq: i64,
    at: OffsetDateTime,
}

impl WriteTx {
    /// Removes the oldest changes, at most `limit`: those made by `before`, and those that have `keep` or more newer
    /// places behind them. Stops at the first that is neither.
    pub async fn prune_changes(
        &self,
        before: Stamp,
        keep: i64,
        limit: u32,
    ) -> Result<Pruned, StoreError> {
        let backend = self.backend();
        let newest = self
            .places(r#"SELECT seq, at FROM "project"."_changes" WHERE seq > $1 ORDER BY seq DESC LIMIT $2"#, 1)
            .await?;
        let surplus = newest.first().map_or(0, |row| row.seq - keep);
        let oldest = self
            .places(
                r#"SELECT seq, at FROM "project"."_changes" WHERE seq > $1 ORDER BY seq LIMIT $2"#,
                limit,
            )
            .await?;
        let old = |row: &&Row| row.seq <= surplus || row.at <= before.time();
        let Some(last) = oldest.iter().take_while(old).last() else {
            let oldest = oldest.first().and_then(|row| Stamp::from_time(row.at));
            return Ok(Pruned { removed: 0, oldest });
        };
        let sql = r#"DELETE FROM "project"."_changes" WHERE seq > $1 AND seq <= $2"#;
        let values: [Value; 2] = [0i64.into(), last.seq.into()];
        let removed = self
            .execute_raw(Statement::from_sql_and_values(backend, sql, values))
            .await?
            .rows_affected();
        // Another node may have forgotten more meanwhile.
        let sql = r#"INSERT INTO "project"."_counters" (name, value) VALUES ($1, $2)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE excluded.value > "_counters".value"#;
        let values: [Value; 2] = [PRUNED.into(), last.seq.into()];
        self.execute_raw(Statement::from_sql_and_values(backend, sql, values))
            .await?;
        let left = oldest.iter().find(|row| !old(row));
        Ok(Pruned {
            removed,
            oldest: left.and_then(|row| Stamp::from_time(row.at)),
        })
    }

    /// The ends of the log; rows without a place do not belong to it yet.
    async fn places(&self, sql: &str, limit: u32) -> Result<Vec<Row>, StoreError> {
        let values: [Value; 2] = [0i64.into(), i64::from(limit).into()];
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        Ok(Row::find_by_statement(statement).all(self).await?)
    }
}
