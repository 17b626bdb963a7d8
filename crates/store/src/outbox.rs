//! The outbox: effects not born of a record (mail, messages, file deletions), written in the transaction that wants
//! them and done afterwards, at least once.

use crate::{Db, StoreError, WriteTx};
use kernel::Stamp;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};

/// An effect to be done.
#[derive(Clone, Debug)]
pub struct EffectIn {
    /// Who does it, such as `mail`.
    pub kind: String,
    /// What its worker needs.
    pub body: serde_json::Value,
    /// Not before this time.
    pub due_at: Stamp,
}

/// An effect that waits.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Effect {
    /// Its number; also the idempotency key of the effect.
    pub id: i64,
    /// What its worker needs.
    pub body: serde_json::Value,
    /// How often it was tried.
    pub attempts: i64,
}

impl WriteTx {
    /// Adds an effect.
    pub async fn enqueue(&self, effect: EffectIn, now: Stamp) -> Result<(), StoreError> {
        let backend = self.backend();
        let json = if backend == DbBackend::Sqlite {
            ""
        } else {
            "::jsonb"
        };
        let sql = format!(
            r#"INSERT INTO "project"."_outbox" (kind, body, attempts, due_at, created_at) VALUES ($1, $2{json}, 0, $3, $4)"#
        );
        let values = [
            effect.kind.into(),
            effect.body.to_string().into(),
            effect.due_at.time().into(),
            now.time().into(),
        ];
        self.execute_raw(Statement::from_sql_and_values(backend, sql, values))
            .await?;
        Ok(())
    }

    /// Takes the due effects of a kind, at most `limit`, and hides them until `until`: if the worker dies before
    /// [`WriteTx::effect_done`], they come again.
    pub async fn lease_effects(
        &self,
        kind: &str,
        now: Stamp,
        until: Stamp,
        limit: u32,
    ) -> Result<Vec<Effect>, StoreError> {
        let backend = self.backend();
        let skip = if backend == DbBackend::Sqlite {
            ""
        } else {
            "FOR UPDATE SKIP LOCKED"
        };
        let pick = format!(
            r#"SELECT id, body, attempts FROM "project"."_outbox" WHERE kind = $1 AND due_at <= $2 ORDER BY id LIMIT $3 {skip}"#
        );
        let statement = Statement::from_sql_and_values(
            backend,
            pick,
            [kind.into(), now.time().into(), i64::from(limit).into()],
        );
        let effects = Effect::find_by_statement(statement).all(self).await?;
        for effect in &effects {
            let sql = r#"UPDATE "project"."_outbox" SET attempts = attempts + 1, due_at = $1 WHERE id = $2"#;
            self.execute_raw(Statement::from_sql_and_values(
                backend,
                sql,
                [until.time().into(), effect.id.into()],
            ))
            .await?;
        }
        Ok(effects)
    }

    /// Removes an effect that was done.
    pub async fn effect_done(&self, id: i64) -> Result<(), StoreError> {
        let sql = r#"DELETE FROM "project"."_outbox" WHERE id = $1"#;
        self.execute_raw(Statement::from_sql_and_values(
            self.backend(),
            sql,
            [id.into()],
        ))
        .await?;
        Ok(())
    }
}

#[derive(FromQueryResult)]
struct Count {
    n: i64,
}

impl Db {
    /// How many effects wait, due or not.
    pub async fn effects_waiting(&self) -> Result<i64, StoreError> {
        let statement = Statement::from_sql_and_values(
            self.backend(),
            r#"SELECT count(*) AS n FROM "project"."_outbox""#,
            [],
        );
        Ok(Count::find_by_statement(statement)
            .one(self)
            .await?
            .map_or(0, |c| c.n))
    }
}
