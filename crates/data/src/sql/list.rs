//! Reads of one record and of pages of records.

use super::column;
use super::plan::{Own, Plan, Text};
use super::projection::{Projection, ROW};
use crate::schema::{Column, Loaded, Rule};
use rules::{Resolved, RowSource};
use sea_orm::DbBackend;
use sea_orm::sea_query::{
    Alias, Cond, Expr, ExprTrait, NullOrdering, Order, Query, SelectStatement,
};

/// One key of a sort.
#[derive(Clone)]
pub(crate) struct SortKey<'a> {
    pub column: &'a Column,
    pub descending: bool,
}

/// Where a page begins: for each key whether the cursor's value is null.
pub(crate) struct After {
    pub nulls: Vec<bool>,
}

/// Everything that decides a page's SQL.
pub(crate) struct Page<'a> {
    pub collection: &'a Loaded,
    pub rule: Option<&'a Rule>,
    pub filter: Option<&'a Resolved>,
    pub projection: Projection<'a>,
    /// The whole key, `id` last.
    pub sort: Vec<SortKey<'a>>,
    pub after: Option<After>,
}

pub(super) fn from(select: &mut SelectStatement, collection: &Loaded) {
    select.from_as(
        (
            Alias::new(store::SCHEMA),
            Alias::new(collection.def.name.clone()),
        ),
        Alias::new(ROW),
    );
}

fn row() -> RowSource {
    RowSource::Alias(ROW.to_owned())
}

/// Adds the condition of a rule. None is for callers that pass rules.
pub(super) fn guard(select: &mut SelectStatement, rule: Option<&Rule>, backend: DbBackend) {
    match rule {
        None | Some(Rule::Open) => {}
        Some(Rule::Closed) => {
            select.and_where(Expr::value(1).eq(0));
        }
        Some(Rule::When(rule)) => {
            select.and_where(rule.resolved.to_sql(backend, row(), row()).truth);
        }
    }
}

pub(super) fn col(name: &str) -> Expr {
    Expr::col((Alias::new(ROW), Alias::new(name)))
}

/// One record by its id.
pub(crate) fn one(
    collection: &Loaded,
    rule: Option<&Rule>,
    projection: &Projection<'_>,
    backend: DbBackend,
    lock: bool,
) -> Plan {
    let mut select = Query::select();
    select
        .expr(projection.expr(ROW, backend))
        .expr(null_text(backend))
        .expr(col("_version"));
    from(&mut select, collection);
    select.and_where(col("id").eq(Own::Id.expr()));
    guard(&mut select, rule, backend);
    if lock && backend != DbBackend::Sqlite {
        select.lock_exclusive();
    }
    Plan::new(&select, backend)
}

/// One whole record by a unique column, for the server itself.
pub(crate) fn one_by(collection: &Loaded, name: &str, backend: DbBackend) -> Plan {
    let everything = Projection {
        columns: collection.columns(true),
        masked: false,
        expand: Vec::new(),
    };
    let mut select = Query::select();
    select
        .expr(everything.expr(ROW, backend))
        .expr(null_text(backend))
        .expr(col("_version"));
    from(&mut select, collection);
    select.and_where(col(name).eq(Own::Id.expr()));
    Plan::new(&select, backend)
}

/// Whether a condition over no table is true: 1 or 0 in the version's place.
pub(crate) fn truth(condition: Expr, backend: DbBackend) -> Plan {
    let mut answer = Text::new(backend);
    answer
        .push("CAST(CASE WHEN ")
        .push_expr(condition)
        .push(" THEN 1 ELSE 0 END AS bigint)");
    let mut select = Query::select();
    select
        .expr(Expr::value(""))
        .expr(null_text(backend))
        .expr(answer.expr());
    Plan::new(&select, backend)
}

/// The columns (json, key, version) of a statement that has no key.
fn null_text(backend: DbBackend) -> Expr {
    let mut sql = Text::new(backend);
    sql.push("CAST(NULL AS text)");
    sql.expr()
}

impl Page<'_> {
    /// One row more than the page holds tells whether there is a next one.
    pub(crate) fn plan(&self, backend: DbBackend) -> Plan {
        let mut select = Query::select();
        select
            .expr(self.projection.expr(ROW, backend))
            .expr(self.key(backend))
            .expr(col("_version"));
        self.conditions(&mut select, backend);
        if let Some(after) = &self.after {
            select.cond_where(self.beyond(after, backend));
        }
        for key in &self.sort {
            let (order, nulls) = if key.descending {
                (Order::Desc, NullOrdering::Last)
            } else {
                (Order::Asc, NullOrdering::First)
            };
            // SQLite sorts nulls so by itself, and its planner takes an index more readily unasked.
            if backend == DbBackend::Sqlite {
                select.order_by_expr(col(&key.column.name), order);
            } else {
                select.order_by_expr_with_nulls(col(&key.column.name), order, nulls);
            }
        }
        // The limit is the last value of the statement; each request brings its own.
        select.limit(1);
        Plan::limited(&select, backend)
    }

    /// All rows that match, on all pages; the number is in the version's place.
    pub(crate) fn count(&self, backend: DbBackend) -> Plan {
        let mut select = Query::select();
        let mut number = Text::new(backend);
        number.push("count(*)");
        select
            .expr(Expr::value(""))
            .expr(null_text(backend))
            .expr(number.expr());
        self.conditions(&mut select, backend);
        Plan::new(&select, backend)
    }

    fn conditions(&self, select: &mut SelectStatement, backend: DbBackend) {
        from(select, self.collection);
        guard(select, self.rule, backend);
        if let Some(filter) = self.filter {
            select.and_where(filter.to_sql(backend, row(), row()).truth);
        }
    }

    /// The sort key as a JSON array, from which the cursor is made.
    fn key(&self, backend: DbBackend) -> Expr {
        let sqlite = backend == DbBackend::Sqlite;
        let parts: Vec<String> = self
            .sort
            .iter()
            .map(|k| k.column.kind.json(&column(ROW, &k.column.name), backend))
            .collect();
        let mut sql = Text::new(backend);
        sql.push(if sqlite {
            "json_array("
        } else {
            "json_build_array("
        })
        .push(&parts.join(", "));
        sql.push(if sqlite { ")" } else { ")::text" });
        sql.expr()
    }

    /// The rows after the cursor in the sort's order: nulls first ascending, last descending.
    fn beyond(&self, after: &After, backend: DbBackend) -> Cond {
        let first = self.sort.first().is_some_and(|k| k.descending);
        let same = self.sort.iter().all(|k| k.descending == first);
        let nullable = self.sort.iter().any(|k| k.column.nullable);
        if same && !after.nulls.contains(&true) && !(first && nullable) {
            // A row value is what an index can seek to. Ascending, rows with a null key come before the cursor, and a
            // comparison with null leaves them out.
            let columns: Vec<String> = self
                .sort
                .iter()
                .map(|k| column(ROW, &k.column.name))
                .collect();
            let mut sql = Text::new(backend);
            sql.push("(")
                .push(&columns.join(", "))
                .push(if first { ") < (" } else { ") > (" });
            for i in 0..self.sort.len() {
                if i > 0 {
                    sql.push(", ");
                }
                sql.push_expr(Own::Key(i).expr());
            }
            sql.push(")");
            return Cond::all().add(sql.expr());
        }
        let mut any = Cond::any();
        for (i, key) in self.sort.iter().enumerate() {
            let mut all = Cond::all();
            for (j, earlier) in self.sort.iter().enumerate().take(i) {
                let equal = if after.nulls.get(j) == Some(&true) {
                    col(&earlier.column.name).is_null()
                } else {
                    col(&earlier.column.name).eq(Own::Key(j).expr())
                };
                all = all.add(equal);
            }
            let null = after.nulls.get(i) == Some(&true);
            let here = col(&key.column.name);
            let later = match (key.descending, null) {
                (false, true) => Cond::all().add(here.is_not_null()),
                (false, false) => Cond::all().add(here.gt(Own::Key(i).expr())),
                // Descending, nulls are the last: nothing comes after them by this key.
                (true, true) => continue,
                (true, false) => Cond::any()
                    .add(here.clone().lt(Own::Key(i).expr()))
                    .add(here.is_null()),
            };
            any = any.add(all.add(later));
        }
        any
    }
}
