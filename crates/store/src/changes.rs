//! The change log: one ordered table of what happened to records, written in the transaction of the change.
//!
//! Readers see a row only once it has its place in the order. On SQLite the one writer gives it; on PostgreSQL rows
//! are stamped after their commit, because a number taken before it would let a reader skip a slower transaction.

use crate::{Db, Sq, StoreError, WriteTx};
use kernel::Stamp;
use sea_orm::{DbBackend, FromQueryResult, Statement, Value};
use std::collections::BTreeMap;
use time::OffsetDateTime;

mod prune;

pub use prune::Pruned;

/// The collection under which the log keeps that a collection itself was changed: the row's record is its name. Nothing
/// else in the log begins with an underscore.
pub const SCHEMA_CHANGES: &str = "_collections";
/// Where the place of the last pruned change is kept.
const PRUNED: &str = "changes_pruned";

const SQLITE: DbBackend = DbBackend::Sqlite;
const POSTGRES: DbBackend = DbBackend::Postgres;
const LOG_ON_SQLITE: &str =
    "INSERT INTO _changes (collection, record, action, fields, actor, witness, before, after, at)
   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
/// The counter moves with every change of a collection.
const VERSION_ON_SQLITE: &str = "SELECT '', NULL, value FROM _counters WHERE name = 'schema'";
const LOG_ON_POSTGRES: &str = r#"INSERT INTO "project"."_changes" (collection, record, action, fields, actor, witness, before, after, at)
   VALUES ($1, $2, $3, $4::jsonb, $5, $6::jsonb, $7::jsonb, $8::jsonb, $9)
   RETURNING '', CAST(NULL AS text), COALESCE((SELECT value FROM "project"."_counters" WHERE name = 'schema'), 0)"#;

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
    /// When.
    pub at: Stamp,
}

/// What the change log was at one moment, as far as it was asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The place of the newest change, kept or pruned; 0 before the first.
    pub newest: i64,
    /// The place of the last change that was pruned; 0 if none was.
    pub pruned: i64,
    /// The place of the last change in each collection, 0 where none is kept.
    pub last: BTreeMap<String, i64>,
    /// The last change of each collection itself.
    pub schemas: BTreeMap<String, SchemaHead>,
}

/// The last change of a collection itself that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchemaHead {
    /// Its place; 0 if none is kept, `None` while it is committed but has no place yet.
    pub seq: Option<i64>,
    /// Whether it came after the moment that was asked about.
    pub fresh: bool,
}

impl WriteTx {
    /// Logs that a collection itself was made, changed or removed.
    pub async fn log_schema_change(
        &self,
        collection: &str,
        actor: Option<String>,
        at: Stamp,
    ) -> Result<(), StoreError> {
        let change = ChangeIn {
            collection: SCHEMA_CHANGES.to_owned(),
            record: collection.to_owned(),
            action: Action::Update,
            fields: "[]".to_owned(),
            actor,
            witness: None,
            before: None,
            after: None,
            at,
        };
        self.log_change(change).await
    }

    /// Adds to the change log.
    pub async fn log_change(&self, change: ChangeIn) -> Result<(), StoreError> {
        self.log_change_under(change).await.map(drop)
    }

    /// Adds to the change log, and gives the version of the schema at that moment, 0 if there is none. Whoever has
    /// written to a table before holds it until the commit: a change of the table has come before, or comes after.
    pub async fn log_change_under(&self, change: ChangeIn) -> Result<i64, StoreError> {
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
        let version = match self {
            // Two statements cost less than one that returns something.
            Self::Sqlite(tx) => {
                tx.execute(&Statement::from_sql_and_values(
                    SQLITE,
                    LOG_ON_SQLITE,
                    values,
                ))?;
                tx.docs(&Statement::from_sql_and_values(
                    SQLITE,
                    VERSION_ON_SQLITE,
                    [],
                ))?
            }
            Self::Postgres(tx) => {
                let log = Statement::from_sql_and_values(POSTGRES, LOG_ON_POSTGRES, values);
                let version = tx.docs(log).await?;
                tx.mark_changed();
                version
            }
        };
        Ok(version.first().map_or(0, |v| v.version))
    }
}

#[derive(FromQueryResult)]
struct Row {
    seq: i64,
    collection: String,
    record: String,
    action: String,
    witness: Sq<Option<serde_json::Value>>,
    at: OffsetDateTime,
}

#[derive(FromQueryResult)]
struct HeadRow {
    kind: Sq<Option<String>>,
    name: Sq<Option<String>>,
    seq: Sq<Option<i64>>,
    fresh: Sq<Option<i64>>,
}

impl Db {
    /// The changes after `since`, oldest first, at most `limit`.
    pub async fn changes(&self, since: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        let statement = Statement::from_sql_and_values(
            self.backend(),
            r#"SELECT seq, collection, record, action, witness, at FROM "project"."_changes" WHERE seq > $1 ORDER BY seq LIMIT $2"#,
            [since.into(), i64::from(limit).into()],
        );
        self.read_changes(statement).await
    }

    /// The changes in these collections after `since` and not after `until`, oldest first, at most `limit`. Each
    /// collection has its own seek in the index, so that a quiet one costs nothing in a busy project; at most 400.
    pub async fn changes_of(
        &self,
        collections: &[&str],
        since: i64,
        until: i64,
        limit: u32,
    ) -> Result<Vec<Change>, StoreError> {
        let Some(statement) = changes_of(self.backend(), collections, since, until, limit) else {
            return Ok(Vec::new());
        };
        self.read_changes(statement).await
    }

    async fn read_changes(&self, statement: Statement) -> Result<Vec<Change>, StoreError> {
        let rows = Row::find_by_statement(statement).all(self).await?;
        let change = |r: Row| {
            Ok(Change {
                seq: r.seq,
                collection: r.collection,
                record: r.record,
                action: r.action,
                witness: r.witness.0,
                at: Stamp::from_time(r.at)
                    .ok_or_else(|| StoreError::Db("a stored time is out of range".to_owned()))?,
            })
        };
        rows.into_iter().map(change).collect()
    }

    /// Where the log stands: its ends, the last change in each of `collections`, the last change of each collection in
    /// `schemas` itself and whether that came after `fresh_after`; all at one moment.
    pub async fn change_heads(
        &self,
        collections: &[&str],
        schemas: &[&str],
        fresh_after: Stamp,
    ) -> Result<Heads, StoreError> {
        let statement = heads(self.backend(), collections, schemas, fresh_after);
        let mut heads = Heads::default();
        for row in HeadRow::find_by_statement(statement).all(self).await? {
            let (name, seq) = (row.name.0.unwrap_or_default(), row.seq.0.unwrap_or(0));
            match row.kind.0.as_deref() {
                Some("newest") => heads.newest = seq,
                Some("pruned") => heads.pruned = seq,
                Some("last") => {
                    heads.last.insert(name, seq);
                }
                _ => {
                    let head = SchemaHead {
                        seq: (seq >= 0).then_some(seq),
                        fresh: row.fresh.0 == Some(1),
                    };
                    heads.schemas.insert(name, head);
                }
            }
        }
        heads.newest = heads.newest.max(heads.pruned);
        Ok(heads)
    }

    /// The place of the last change that was pruned; 0 if none was.
    pub async fn changes_pruned(&self) -> Result<i64, StoreError> {
        let sql = r#"SELECT value AS n FROM "project"."_counters" WHERE name = $1"#;
        let statement = Statement::from_sql_and_values(self.backend(), sql, [PRUNED.into()]);
        let row = Number::find_by_statement(statement).one(self).await?;
        Ok(row.and_then(|r| r.n.0).unwrap_or(0))
    }
}

#[derive(FromQueryResult)]
struct Number {
    n: Sq<Option<i64>>,
}

/// One branch per collection, because an `IN` over several with an order reads all of their rows or all of the log.
fn changes_of(
    backend: DbBackend,
    collections: &[&str],
    since: i64,
    until: i64,
    limit: u32,
) -> Option<Statement> {
    let mut names = collections.iter();
    // SQLite numbers these by their first appearance, so that they must appear in their order.
    let mut values: Vec<Value> = vec![
        since.into(),
        until.into(),
        (*names.next()?).into(),
        i64::from(limit).into(),
    ];
    values.extend(names.map(|name| Value::from(*name)));
    let mut sql = "SELECT seq, collection, record, action, witness, at FROM (".to_owned();
    for (i, _) in collections.iter().enumerate() {
        let name = if i == 0 { 3 } else { 4 + i };
        let union = if i == 0 { "" } else { " UNION ALL " };
        sql.push_str(&format!(
            r#"{union}SELECT * FROM (SELECT seq, collection, record, action, witness, at FROM "project"."_changes"
               WHERE seq > $1 AND seq <= $2 AND collection = ${name} ORDER BY seq LIMIT $4) AS b{i}"#
        ));
    }
    sql.push_str(") AS c ORDER BY seq LIMIT $4");
    Some(Statement::from_sql_and_values(backend, sql, values))
}

fn heads(
    backend: DbBackend,
    collections: &[&str],
    schemas: &[&str],
    fresh_after: Stamp,
) -> Statement {
    let each = |value: u8| match backend {
        DbBackend::Sqlite => format!("json_each(${value}) AS j"),
        _ => format!("jsonb_array_elements_text(CAST(${value} AS jsonb)) AS j(value)"),
    };
    // Descending, PostgreSQL begins with what is not stamped yet.
    let last = |what: &str| {
        format!(
            r#"COALESCE((SELECT {what} FROM "project"."_changes" AS c WHERE c.collection = '{SCHEMA_CHANGES}' AND c.record = j.value
               ORDER BY c.seq DESC LIMIT 1), 0)"#
        )
    };
    let sql = format!(
        r#"SELECT 'newest' AS kind, '' AS name, COALESCE((SELECT max(seq) FROM "project"."_changes"), 0) AS seq, CAST(0 AS bigint) AS fresh
           UNION ALL SELECT 'pruned', '', COALESCE((SELECT value FROM "project"."_counters" WHERE name = '{PRUNED}'), 0), 0
           UNION ALL SELECT 'last', j.value, COALESCE((SELECT max(c.seq) FROM "project"."_changes" AS c WHERE c.collection = j.value), 0), 0
             FROM {}
           UNION ALL SELECT 'schema', j.value, {}, {} FROM {}"#,
        each(1),
        last("COALESCE(c.seq, -1)"),
        last("CASE WHEN c.at > $2 THEN 1 ELSE 0 END"),
        each(3),
    );
    let list = |names: &[&str]| Value::from(serde_json::Value::from(names).to_string());
    let values = [list(collections), fresh_after.time().into(), list(schemas)];
    Statement::from_sql_and_values(backend, sql, values)
}

/// The reads of the log as they are sent, for tests that look at their plans.
#[doc(hidden)]
#[must_use]
pub fn change_reads(backend: DbBackend, now: Stamp) -> Vec<Statement> {
    let mut all = vec![heads(backend, &["c1"], &["c1"], now)];
    all.extend(changes_of(backend, &["c1"], 10_000, 20_000, 100));
    all.extend(changes_of(backend, &["c1", "c2", "c3"], 0, 20_000, 1_000));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_the_order_in_which_they_appear() {
        let now = Stamp::parse("2026-01-01T00:00:00Z").unwrap();
        let all = [
            changes_of(DbBackend::Sqlite, &["a", "b", "c"], 1, 2, 3).unwrap(),
            changes_of(DbBackend::Sqlite, &["a"], 1, 2, 3).unwrap(),
            heads(DbBackend::Sqlite, &["a"], &["b"], now),
        ];
        for statement in all {
            let mut seen: Vec<usize> = Vec::new();
            for part in statement.sql.split('$').skip(1) {
                let digits = part.find(|c: char| !c.is_ascii_digit());
                let number = part[..digits.unwrap_or(part.len())].parse().unwrap();
                if !seen.contains(&number) {
                    seen.push(number);
                }
            }
            let values = statement.values.unwrap().0.len();
            assert_eq!(seen, (1..=values).collect::<Vec<_>>(), "{}", statement.sql);
        }
        assert!(changes_of(DbBackend::Sqlite, &[], 1, 2, 3).is_none());
    }
}
