//! SeaORM's traits for the handles, so that entities and sea-query statements run on either engine.

use crate::{Db, WriteTx, place};
use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, TransactionError, TransactionOptions, TransactionSession, TransactionTrait,
};
use std::future::Future;
use std::pin::Pin;

#[async_trait::async_trait]
impl ConnectionTrait for Db {
    fn get_database_backend(&self) -> DbBackend {
        self.backend()
    }

    async fn execute_raw(&self, _statement: Statement) -> Result<ExecResult, DbErr> {
        Err(DbErr::Custom(
            "[8] a read handle does not execute".to_owned(),
        ))
    }

    async fn execute_unprepared(&self, _sql: &str) -> Result<ExecResult, DbErr> {
        Err(DbErr::Custom(
            "[8] a read handle does not execute".to_owned(),
        ))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(db) => {
                place(&mut statement.sql, "");
                Ok(db
                    .rows(statement)
                    .await?
                    .into_iter()
                    .map(QueryResult::from)
                    .collect())
            }
            Self::Postgres(db) => Box::pin(db.rows(statement)).await,
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for WriteTx {
    fn get_database_backend(&self) -> DbBackend {
        self.backend()
    }

    async fn execute_raw(&self, mut statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(tx) => {
                place(&mut statement.sql, "");
                tx.execute(&statement).map(Into::into)
            }
            Self::Postgres(tx) => Box::pin(tx.execute(statement)).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(tx) => {
                let mut sql = sql.to_owned();
                place(&mut sql, "");
                tx.execute_batch(&sql).map(Into::into)
            }
            Self::Postgres(tx) => tx.execute_batch(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(tx) => {
                place(&mut statement.sql, "");
                Ok(tx
                    .rows(&statement)?
                    .into_iter()
                    .map(QueryResult::from)
                    .collect())
            }
            Self::Postgres(tx) => Box::pin(tx.rows(statement)).await,
        }
    }
}

#[async_trait::async_trait]
impl TransactionTrait for WriteTx {
    type Transaction = WriteTx;

    async fn begin(&self) -> Result<WriteTx, DbErr> {
        match self {
            Self::Sqlite(tx) => tx.begin().map(WriteTx::Sqlite),
            Self::Postgres(tx) => tx.begin().await.map(WriteTx::Postgres),
        }
    }

    async fn begin_with_config(
        &self,
        _isolation: Option<IsolationLevel>,
        _access: Option<AccessMode>,
    ) -> Result<WriteTx, DbErr> {
        // A nested transaction is a savepoint: it has the isolation of the one around it.
        self.begin().await
    }

    async fn begin_with_options(&self, _options: TransactionOptions) -> Result<WriteTx, DbErr> {
        self.begin().await
    }

    async fn transaction<F, T, E>(&self, callback: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c WriteTx) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        let nested = self.begin().await.map_err(TransactionError::Connection)?;
        match callback(&nested).await {
            Ok(value) => nested
                .commit()
                .await
                .map(|()| value)
                .map_err(TransactionError::Connection),
            Err(e) => {
                nested
                    .rollback()
                    .await
                    .map_err(TransactionError::Connection)?;
                Err(TransactionError::Transaction(e))
            }
        }
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        callback: F,
        _isolation: Option<IsolationLevel>,
        _access: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c WriteTx) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
            + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        self.transaction(callback).await
    }
}

#[async_trait::async_trait]
impl TransactionSession for WriteTx {
    async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(tx) => tx.commit(),
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    async fn rollback(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(tx) => tx.rollback(),
            Self::Postgres(tx) => tx.rollback().await,
        }
    }
}
