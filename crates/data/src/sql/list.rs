//! Reads of one record and of pages of records.

use super::keyset::Arm;
use super::plan::{LIMIT_MARK, Own, Plan, Text};
use super::projection::{Projection, ROW, truth};
use super::{column, keyset};
use crate::schema::{Column, Loaded, Rule};
use rules::{Resolved, RowSource};
use sea_orm::DbBackend;
use sea_orm::sea_query::{
    Alias, Asterisk, Cond, Expr, ExprTrait, Func, JoinType, NullOrdering, Order, Query,
    SelectStatement, UnionType,
};

/// One key of a sort.
#[derive(Clone)]
pub(crate) struct SortKey<'a> {
    pub column: &'a Column,
    pub descending: bool,
    /// The record that holds the column, if it is not the row itself.
    pub hop: Option<Hop<'a>>,
}

/// The record that a relation of the row points to, as far as the caller may list it.
#[derive(Clone)]
pub(crate) struct Hop<'a> {
    pub by: &'a Column,
    pub target: &'a Loaded,
    pub rule: Option<&'a Rule>,
}

impl SortKey<'_> {
    pub(crate) fn nullable(&self) -> bool {
        self.column.nullable || self.hop.is_some()
    }

    /// The alias of the row that holds the column.
    fn alias(&self) -> String {
        match &self.hop {
            // A field's name is in front of no alias of other rows.
            Some(hop) => format!("s_{}", hop.by.name),
            None => ROW.to_owned(),
        }
    }

    /// The column, quoted.
    pub(crate) fn name(&self) -> String {
        column(&self.alias(), &self.column.name)
    }

    pub(crate) fn expr(&self) -> Expr {
        let column = self.column.name.clone();
        Expr::col((Alias::new(self.alias()), Alias::new(column)))
    }

    /// The cursor's value at its place.
    pub(crate) fn bound(&self, place: usize, backend: DbBackend) -> Expr {
        self.column.kind.bound(Own::Key(place).expr(), backend)
    }

    /// Orders by the key, which is in `expr`: nulls are the first ascending and the last descending.
    fn order(&self, select: &mut SelectStatement, expr: Expr, backend: DbBackend) {
        let (order, nulls) = if self.descending {
            (Order::Desc, NullOrdering::Last)
        } else {
            (Order::Asc, NullOrdering::First)
        };
        // SQLite sorts nulls so by itself, and its planner takes an index more readily unasked. PostgreSQL takes one only
        // if it says the same of nulls, and that of the id says nothing.
        if backend == DbBackend::Sqlite || (self.column.name == "id" && self.hop.is_none()) {
            select.order_by_expr(expr, order);
        } else {
            select.order_by_expr_with_nulls(expr, order, nulls);
        }
    }
}

/// Everything that decides a page's SQL.
pub(crate) struct Page<'a> {
    pub collection: &'a Loaded,
    pub rule: Option<&'a Rule>,
    pub filter: Option<&'a Resolved>,
    pub projection: Projection<'a>,
    /// The whole key, `id` last.
    pub sort: Vec<SortKey<'a>>,
    /// Where it begins: for each key whether the cursor's value is null.
    pub after: Option<Vec<bool>>,
}

pub(super) fn from(select: &mut SelectStatement, collection: &Loaded) {
    select.from_as(table(collection), Alias::new(ROW));
}

pub(super) fn table(collection: &Loaded) -> (Alias, Alias) {
    let name = collection.def.name.clone();
    (Alias::new(store::SCHEMA), Alias::new(name))
}

fn row() -> RowSource {
    RowSource::Alias(ROW.to_owned())
}

/// The condition of a rule on the rows of an alias. None is for callers that pass rules.
pub(super) fn guard(rule: Option<&Rule>, alias: &str, backend: DbBackend) -> Option<Expr> {
    match rule {
        None | Some(Rule::Open) => None,
        Some(Rule::Closed) => Some(Expr::value(1).eq(0)),
        Some(Rule::When(rule)) => Some(truth(&rule.resolved, alias, backend)),
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
    select.and_where_option(guard(rule, ROW, backend));
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

/// The same, compared as the index of a field is that takes every case as one.
pub(crate) fn one_folded(collection: &Loaded, name: &str, backend: DbBackend) -> Plan {
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
    select.and_where(Expr::from(Func::lower(col(name))).eq(Own::Id.expr()));
    Plan::new(&select, backend)
}

/// Whether a condition over no table is true: 1 or 0 in the version's place.
pub(crate) fn truth_of(condition: Expr, backend: DbBackend) -> Plan {
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
pub(super) fn null_text(backend: DbBackend) -> Expr {
    let mut sql = Text::new(backend);
    sql.push(match backend {
        DbBackend::Sqlite => "NULL",
        _ => "CAST(NULL AS text)",
    });
    sql.expr()
}

impl Page<'_> {
    /// One row more than the page holds tells whether there is a next one.
    pub(crate) fn plan(&self, backend: DbBackend) -> Plan {
        let nulls = self.after.as_deref();
        let mut arms =
            nulls.map_or_else(Vec::new, |nulls| keyset::arms(&self.sort, nulls, backend));
        if arms.len() > 1 {
            return self.joined(arms, backend);
        }
        let mut select = self.found(arms.pop(), backend);
        let [json, key, version] = self.shown(self.read_key().is_none(), backend);
        select.expr(json).expr(key).expr(version);
        if self.is_nested(backend) {
            for (i, key) in self.sort.iter().enumerate() {
                key.order(&mut select, self.part(i, backend), backend);
            }
        }
        Plan::new(&select, backend)
    }

    /// The rows of each arm, one arm after the other: what no index can seek to at once is sought in pieces.
    fn joined(&self, arms: Vec<Arm>, backend: DbBackend) -> Plan {
        let mut all: Option<SelectStatement> = None;
        for arm in arms {
            let inner = self.named_with(Some(arm), self.read_key().is_none(), backend);
            let mut one = Query::select();
            let keys = (0..self.sort.len()).map(|i| format!("k{i}"));
            for name in ["j", "k", "v"].map(str::to_owned).into_iter().chain(keys) {
                one.column((Alias::new("a"), Alias::new(name)));
            }
            one.from_subquery(inner, Alias::new("a"));
            match &mut all {
                None => all = Some(one),
                Some(all) => {
                    all.union(UnionType::All, one);
                }
            }
        }
        let mut all = all.unwrap_or_default();
        if backend == DbBackend::Sqlite {
            // SQLite runs the arms in turn and stops where the page is full.
            all.limit(LIMIT_MARK);
            return Plan::new(&all, backend);
        }
        let mut select = Query::select();
        for name in ["j", "k", "v"] {
            select.column((Alias::new("u"), Alias::new(name)));
        }
        select.from_subquery(all, Alias::new("u"));
        for (i, key) in self.sort.iter().enumerate() {
            let of = Expr::col((Alias::new("u"), Alias::new(format!("k{i}"))));
            key.order(&mut select, of, backend);
        }
        select.limit(LIMIT_MARK);
        Plan::new(&select, backend)
    }

    /// The rows with names for what a statement around it takes: the record `j`, its key `k` with the parts `k0`...,
    /// and its version `v`.
    pub(crate) fn named(&self, arm: Option<Arm>, backend: DbBackend) -> SelectStatement {
        self.named_with(arm, true, backend)
    }

    fn named_with(&self, arm: Option<Arm>, keyed: bool, backend: DbBackend) -> SelectStatement {
        let mut select = self.found(arm, backend);
        for (expr, name) in self.shown(keyed, backend).into_iter().zip(["j", "k", "v"]) {
            select.expr_as(expr, Alias::new(name));
        }
        for i in 0..self.sort.len() {
            let name = Alias::new(format!("k{i}"));
            select.expr_as(self.part(i, backend), name);
        }
        select
    }

    /// The record, its key if it is wanted, and its version.
    fn shown(&self, keyed: bool, backend: DbBackend) -> [Expr; 3] {
        let json = self.projection.expr(ROW, backend);
        let key = if keyed {
            self.key(backend)
        } else {
            null_text(backend)
        };
        [json, key, col("_version")]
    }

    /// The members of the record that make up its key, if they are all shown: then the rows of [`Page::plan`] have no
    /// key of their own. Only the last row's is needed, and the database would make it for each.
    pub(crate) fn read_key(&self) -> Option<Vec<String>> {
        let name = |key: &SortKey<'_>| {
            let shown = self.projection.columns.iter();
            let mut shown = shown.filter(|c| c.mask.is_none() || !self.projection.masked);
            let is_shown = key.hop.is_none() && shown.any(|c| c.name == key.column.name);
            is_shown.then(|| key.column.name.clone())
        };
        self.sort.iter().map(name).collect()
    }

    /// Whether the rows are found in a statement of their own, within the one that shows them. PostgreSQL would make
    /// the JSON of every row that it sorts; where an index gives the order there is nothing to be spared.
    fn is_nested(&self, backend: DbBackend) -> bool {
        backend != DbBackend::Sqlite && self.sort.len() > 1
    }

    /// The rows, nothing selected yet.
    fn found(&self, arm: Option<Arm>, backend: DbBackend) -> SelectStatement {
        let mut rows = Query::select();
        if !self.is_nested(backend) {
            self.rows(&mut rows, arm, backend);
            return rows;
        }
        rows.column((Alias::new(ROW), Asterisk));
        for (i, key) in self.sort.iter().enumerate() {
            if key.hop.is_some() {
                rows.expr_as(key.expr(), Alias::new(format!("_k{i}")));
            }
        }
        self.rows(&mut rows, arm, backend);
        let mut select = Query::select();
        select.from_subquery(rows, Alias::new(ROW));
        select
    }

    /// The column that holds a part of the key where the rows are shown, with its alias.
    fn place(&self, i: usize, backend: DbBackend) -> (String, String) {
        match self.sort.get(i) {
            // No field begins so: the name is free.
            Some(key) if key.hop.is_some() && self.is_nested(backend) => {
                (ROW.to_owned(), format!("_k{i}"))
            }
            Some(key) => (key.alias(), key.column.name.clone()),
            None => (ROW.to_owned(), "id".to_owned()),
        }
    }

    fn part(&self, i: usize, backend: DbBackend) -> Expr {
        let (alias, name) = self.place(i, backend);
        Expr::col((Alias::new(alias), Alias::new(name)))
    }

    /// Which rows, in order, up to the limit.
    fn rows(&self, select: &mut SelectStatement, arm: Option<Arm>, backend: DbBackend) {
        self.conditions(select, backend);
        self.join_hops(select, backend);
        let mut fixed = 0;
        if let Some(arm) = arm {
            select.cond_where(arm.rows);
            fixed = arm.fixed;
        }
        for key in self.sort.iter().skip(fixed) {
            key.order(select, key.expr(), backend);
        }
        select.limit(LIMIT_MARK);
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
        select.and_where_option(guard(self.rule, ROW, backend));
        if let Some(filter) = self.filter {
            select.and_where(filter.to_sql(backend, row(), row()).truth);
        }
    }

    /// The records that keys are taken from. Each row has one at most, so that no row is lost or doubled.
    fn join_hops(&self, select: &mut SelectStatement, backend: DbBackend) {
        let mut joined: Vec<String> = Vec::new();
        for key in &self.sort {
            let Some(hop) = &key.hop else { continue };
            let alias = key.alias();
            if joined.contains(&alias) {
                continue;
            }
            let there = Expr::col((Alias::new(alias.clone()), Alias::new("id")));
            let mut on = Cond::all().add(there.eq(col(&hop.by.name)));
            if let Some(rule) = guard(hop.rule, &alias, backend) {
                on = on.add(rule);
            }
            let name = Alias::new(alias.clone());
            select.join_as(JoinType::LeftJoin, table(hop.target), name, on);
            joined.push(alias);
        }
    }

    /// The sort key as a JSON array, from which the cursor is made.
    fn key(&self, backend: DbBackend) -> Expr {
        let sqlite = backend == DbBackend::Sqlite;
        let parts = self.sort.iter().enumerate().map(|(i, key)| {
            let (alias, name) = self.place(i, backend);
            key.column.kind.json(&column(&alias, &name), backend)
        });
        let parts: Vec<String> = parts.collect();
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
}
