//! The change log: one ordered table of what happened to records, written in the transaction of the change.
//!
//! Readers see a row only once it has its place in the order. On SQLite the one writer gives it; on PostgreSQL rows
//! are stamped after their commit, because a number taken before it would let a reader skip a slower transaction.

use crate::{Db, Sq, StoreError, WriteTx};
use kernel::Stamp;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It was made.
    Create,
    /// It was changed.
    Update,
    /// It was removed.
    Delete,
}

impl Action {
    /// The action as it is stored and sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// A change to be logged.
#[derive(Clone, Debug)]
pub struct ChangeIn {
    /// The collection's name.
    pub collection: String,
    /// The record's id.
    pub record: String,
    /// What happened.
    pub action: Action,
    /// The fields that changed; a JSON array of names.
    pub fields: String,
    /// Who did it: `user:<id>`, `key:<id>`, `operator:<id>`, or nobody.
    pub actor: Option<String>,
    /// Old values of the fields that the list and view rules name; a JSON object.
    pub witness: Option<String>,
    /// The record before and after as JSON, only while somebody is interested in the collection.
    pub before: Option<String>,
    /// See `before`.
    pub after: Option<String>,
    /// When.
    pub at: Stamp,
}

/// A logged change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The place in the order; gaps are allowed.
    pub seq: i64,
    /// The collection's name.
    pub collection: String,
    /// The record's id.
    pub record: String,
    /// `create`, `update` or `delete`.
    pub action: String,
    /// See [`ChangeIn::witness`].
    pub witness: Option<serde_json::Value>,
}

impl WriteTx {
    /// Adds to the change log.
    pub async fn log_change(&self, change: ChangeIn) -> Result<(), StoreError> {
        let backend = self.backend();
        let json = if backend == DbBackend::Sqlite {
            ""
        } else {
            "::jsonb"
        };
        let sql = format!(
            r#"INSERT INTO "project"."_changes" (collection, record, action, fields, actor, witness, before, after, at)
               VALUES ($1, $2, $3, $4{json}, $5, $6{json}, $7{json}, $8{json}, $9)"#
        );
        let values: [Value; 9] = [
            change.collection.into(),
            change.record.into(),
            change.action.as_str().into(),
            change.fields.into(),
            change.actor.into(),
            change.witness.into(),
            change.before.into(),
            change.after.into(),
            change.at.time().into(),
        ];
        self.execute_raw(Statement::from_sql_and_values(backend, sql, values))
            .await?;
        if let Self::Postgres(tx) = self {
            tx.mark_changed();
        }
        Ok(())
    }
}

#[derive(FromQueryResult)]
struct Row {
    seq: i64,
    collection: String,
    record: String,
    action: String,
    witness: Sq<Option<serde_json::Value>>,
}

impl Db {
    /// The changes after `since`, oldest first, at most `limit`.
    pub async fn changes(&self, since: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        let statement = Statement::from_sql_and_values(
            self.backend(),
            r#"SELECT seq, collection, record, action, witness FROM "project"."_changes" WHERE seq > $1 ORDER BY seq LIMIT $2"#,
            [since.into(), i64::from(limit).into()],
        );
        let rows = Row::find_by_statement(statement).all(self).await?;
        let change = |r: Row| Change {
            seq: r.seq,
            collection: r.collection,
            record: r.record,
            action: r.action,
            witness: r.witness.0,
        };
        Ok(rows.into_iter().map(change).collect())
    }
}
