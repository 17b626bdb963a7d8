//! The role that a project's own SQL runs as: it reads the developer's tables of one schema and owns nothing.

use super::{PgShared, session, session::db_err};
use crate::StoreError;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// Names of roles belong to the whole server, so that the database's is in them: two may hold copies of one project.
fn name(uid: Uuid, database: i64) -> String {
    format!("galley_{database}_{}", uid.simple())
}

impl PgShared {
    /// Makes the role of a project if it is absent, and lets it read what there is now.
    pub(crate) async fn ensure_role(&self, uid: Uuid) -> Result<String, StoreError> {
        let schema = format!("p_{}", uid.simple());
        let mut tx = self.write.begin().await.map_err(db_err)?;
        let role = name(uid, database(&mut tx).await?);
        lock(&mut tx, &role).await?;
        if !exists(&mut tx, &role).await? {
            let may = "SELECT rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user";
            let may: bool = sqlx::query_scalar(may)
                .fetch_one(&mut *tx)
                .await
                .map_err(db_err)?;
            if !may {
                return Err(StoreError::NoCreateRole);
            }
            let make = format!(
                r#"CREATE ROLE "{role}" NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS;
                   GRANT "{role}" TO CURRENT_USER"#
            );
            session::batch(&mut *tx, &make).await?;
        }
        // The developer's tables are those whose names do not begin with an underscore.
        let tables = "SELECT tablename::text FROM pg_catalog.pg_tables WHERE schemaname = $1 AND left(tablename, 1) <> '_'";
        let tables: Vec<String> = sqlx::query_scalar(tables)
            .bind(&schema)
            .fetch_all(&mut *tx)
            .await
            .map_err(db_err)?;
        let mut grants = format!(
            r#"REVOKE ALL ON ALL TABLES IN SCHEMA "{schema}" FROM "{role}"; GRANT USAGE ON SCHEMA "{schema}" TO "{role}""#
        );
        for table in tables {
            let table = table.replace('"', "\"\"");
            grants.push_str(&format!(
                r#"; GRANT SELECT ON "{schema}"."{table}" TO "{role}""#
            ));
        }
        session::batch(&mut *tx, &grants).await?;
        tx.commit().await.map_err(db_err)?;
        Ok(role)
    }

    /// Removes the role of a project, with all that it was allowed.
    pub(crate) async fn drop_role(&self, uid: Uuid) -> Result<(), StoreError> {
        let mut tx = self.write.begin().await.map_err(db_err)?;
        let role = name(uid, database(&mut tx).await?);
        lock(&mut tx, &role).await?;
        if exists(&mut tx, &role).await? {
            let sql = format!(r#"DROP OWNED BY "{role}"; DROP ROLE "{role}""#);
            session::batch(&mut *tx, &sql).await?;
        }
        tx.commit().await.map_err(db_err)?;
        Ok(())
    }
}

async fn database(tx: &mut PgConnection) -> Result<i64, StoreError> {
    let sql = "SELECT oid::bigint FROM pg_catalog.pg_database WHERE datname = current_database()";
    Ok(sqlx::query_scalar(sql)
        .fetch_one(tx)
        .await
        .map_err(db_err)?)
}

async fn exists(tx: &mut PgConnection, role: &str) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1)";
    let found = sqlx::query_scalar(sql).bind(role).fetch_one(tx).await;
    Ok(found.map_err(db_err)?)
}

/// Two nodes may do this at once.
async fn lock(tx: &mut PgConnection, role: &str) -> Result<(), StoreError> {
    let sql = format!("SELECT pg_advisory_xact_lock(hashtextextended('{role}', 7202195))");
    let locked = sqlx::query(AssertSqlSafe(sql)).execute(tx).await;
    locked.map(|_| ()).map_err(|e| db_err(e).into())
}
