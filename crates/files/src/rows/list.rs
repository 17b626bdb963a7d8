//! Pages of files: a bucket's list rule, a caller's filter and the place where the page begins, in one statement.

use super::file;
use rules::{Binds, Env, Resolved, RowSource, RuleError};
use sea_orm::sea_query::{
    Alias, Cond, Expr, ExprTrait, Func, Order, PostgresQueryBuilder, Query, SelectStatement,
    SqliteQueryBuilder,
};
use sea_orm::{DbBackend, DbErr, FromQueryResult, Iterable, Statement, Value};
use store::Db;

/// Everything that decides a page.
pub(crate) struct Page<'a> {
    pub bucket: &'a str,
    pub prefix: Option<&'a str>,
    /// The list rule, unless the caller passes rules or it is `true`.
    pub rule: Option<&'a Resolved>,
    pub filter: Option<&'a Resolved>,
    /// The whole key, its last column unique in the bucket; whether each descends.
    pub sort: &'a [(&'static str, bool)],
    pub after: Option<&'a After>,
    pub limit: u64,
}

/// The values of the sort's columns in the last row of the page before.
pub(crate) struct After(pub Vec<Value>);

impl Page<'_> {
    /// The statements of the page's rows, and of the number of rows on all pages, for one request.
    pub(crate) fn statements(
        &self,
        backend: DbBackend,
        env: &Env<'_>,
    ) -> Result<(Statement, Statement), RuleError> {
        let mut rows = Query::select();
        rows.columns(file::Column::iter().map(|c| (Alias::new(file::TABLE), c)));
        self.conditions(&mut rows, backend);
        if let Some(after) = self.after {
            rows.cond_where(beyond(self.sort, &after.0));
        }
        for (name, descending) in self.sort {
            let order = if *descending { Order::Desc } else { Order::Asc };
            rows.order_by_expr(col(name), order);
        }
        rows.limit(self.limit);
        let mut count = Query::select();
        count.expr_as(Func::count(col("id")), Alias::new("n"));
        self.conditions(&mut count, backend);
        Ok((
            statement(&rows, backend, env)?,
            statement(&count, backend, env)?,
        ))
    }

    fn conditions(&self, select: &mut SelectStatement, backend: DbBackend) {
        select
            .from((Alias::new(store::SCHEMA), Alias::new(file::TABLE)))
            .and_where(col("bucket").eq(self.bucket));
        if let Some(prefix) = self.prefix {
            select.and_where(col("path").gte(prefix));
            if let Some(end) = successor(prefix) {
                select.and_where(col("path").lt(end));
            }
        }
        let row = || RowSource::Alias(file::TABLE.to_owned());
        for condition in [self.rule, self.filter].into_iter().flatten() {
            select.and_where(condition.to_sql(backend, row(), row()).truth);
        }
    }
}

/// The rows of a page.
pub(crate) async fn page(db: &Db, statement: Statement) -> Result<Vec<file::Model>, DbErr> {
    file::Model::find_by_statement(statement).all(db).await
}

#[derive(FromQueryResult)]
struct Count {
    n: i64,
}

/// The number of rows on all pages.
pub(crate) async fn count(db: &Db, statement: Statement) -> Result<u64, DbErr> {
    let count = Count::find_by_statement(statement).one(db).await?;
    Ok(count.map_or(0, |c| c.n.unsigned_abs()))
}

fn col(name: &str) -> Expr {
    Expr::col((Alias::new(file::TABLE), Alias::new(name)))
}

/// The rows after `last` in the sort's order. No sort has a column that can be null.
fn beyond(sort: &[(&'static str, bool)], last: &[Value]) -> Cond {
    let mut any = Cond::any();
    for (i, (name, descending)) in sort.iter().enumerate() {
        let mut all = Cond::all();
        for ((earlier, _), value) in sort.iter().zip(last).take(i) {
            all = all.add(col(earlier).eq(value.clone()));
        }
        let value = last.get(i).cloned().unwrap_or(Value::String(None));
        let here = col(name);
        any = any.add(all.add(if *descending {
            here.lt(value)
        } else {
            here.gt(value)
        }));
    }
    any
}

/// The least text that is greater than every text that begins with `prefix`; texts are ordered by their bytes.
fn successor(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The surrogates between are no characters.
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            c => char::from_u32(u32::from(c) + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

fn statement(
    select: &SelectStatement,
    backend: DbBackend,
    env: &Env<'_>,
) -> Result<Statement, RuleError> {
    let (sql, values) = match backend {
        DbBackend::Sqlite => select.build(SqliteQueryBuilder),
        _ => select.build(PostgresQueryBuilder),
    };
    let values = Binds::from_values(values).fill(env)?;
    Ok(Statement::from_sql_and_values(backend, sql, values))
}

#[cfg(test)]
mod tests {
    use super::successor;

    #[test]
    fn a_prefix_ends_before_its_successor() {
        for (prefix, want) in [
            ("a", Some("b")),
            ("a/", Some("a0")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(successor(prefix).as_deref(), want, "{prefix:?}");
        }
    }
}
