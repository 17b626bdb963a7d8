//! Groups of records with what is counted and summed of them, the same on both engines.
//!
//! Three layers: the values of each record as the viewer may read them, the groups of them, and their JSON. The sum of
//! integers, scaled ones included, is exact: numeric on PostgreSQL; on SQLite, whose sum would overflow, it is made of the
//! upper and the lower half.

use super::list::{Hop, from, guard, table};
use super::plan::{Plan, Text};
use super::projection::{ROW, truth};
use super::{column, quote};
use crate::query::{Function, Group};
use crate::schema::{Column, Loaded, Rule};
use rules::{Kind, Resolved};
use sea_orm::DbBackend;
use sea_orm::sea_query::{Alias, Cond, Expr, ExprTrait, JoinType, Query, SelectStatement};

/// What a measure is taken of; none is the record itself.
pub(crate) struct Input<'a> {
    pub function: Function,
    pub column: Option<&'a Column>,
}

/// What groups are sorted by, by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Group(usize),
    Measure(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub key: Key,
    pub descending: bool,
}

/// Everything that decides an aggregation's SQL.
pub(crate) struct Grouped<'a> {
    pub collection: &'a Loaded,
    pub rule: Option<&'a Rule>,
    pub filter: Option<&'a Resolved>,
    /// Whether read rules of fields hold for the viewer.
    pub masked: bool,
    pub keys: Vec<Group<'a>>,
    pub inputs: Vec<Input<'a>>,
    pub sort: Vec<Order>,
    pub limit: u32,
}

fn alias(hop: &Hop<'_>) -> String {
    // A field's name is in front of no alias of other rows.
    format!("s_{}", hop.by.name)
}

/// Whether its values are whole numbers where SQLite keeps them: integers, and decimals by their scale.
fn is_whole(input: &Input<'_>) -> bool {
    let kind = input.column.map(|c| c.kind.kind());
    matches!(kind, Some(Kind::Integer | Kind::Decimal { .. }))
}

/// An average's whole part and the rest of it, by which it is sorted exactly: a quotient has fewer digits. What it is made
/// of are the columns of [`measured`].
fn quotient(i: usize, sqlite: bool) -> Vec<String> {
    let of = |by: &str| column("o", &format!("{by}{i}"));
    let (sum, low, count) = (of("m"), of("l"), of("n"));
    if !sqlite {
        return vec![
            format!("div({sum}, {count})"),
            format!("mod({sum}, {count}) / {count}"),
        ];
    }
    let rest = format!("(({sum} % {count}) * 4294967296 + {low})");
    let over = format!("({rest} % {count})");
    vec![
        format!("({sum} / {count}) * 4294967296 + {rest} / {count} - ({over} < 0)"),
        format!("({over} + ({over} < 0) * {count}) * 1.0 / {count}"),
    ]
}

impl Grouped<'_> {
    /// One row for each group: a JSON array of its values, then of its measures.
    pub(crate) fn plan(&self, backend: DbBackend) -> Plan {
        let sqlite = backend == DbBackend::Sqlite;
        let mut sql = Text::new(backend);
        sql.push(if sqlite {
            "json_array("
        } else {
            "json_build_array("
        });
        let groups = self.keys.iter().enumerate();
        let groups =
            groups.map(|(i, k)| k.column.kind.json(&column("o", &format!("g{i}")), backend));
        let measures = self.inputs.iter().enumerate();
        let measures = measures.map(|(i, input)| shown(i, input, backend));
        let all: Vec<String> = groups.chain(measures).collect();
        sql.push(&all.join(", "))
            .push(if sqlite { ")" } else { ")::text" })
            .push(", CAST(NULL AS text), CAST(0 AS bigint) FROM (SELECT ");
        let groups: Vec<String> = (0..self.keys.len())
            .map(|i| column("i", &format!("g{i}")))
            .collect();
        let measures = self.inputs.iter().enumerate();
        let measures = measures.map(|(i, input)| measured(i, input, sqlite));
        let all: Vec<String> = groups.iter().cloned().chain(measures).collect();
        sql.push(&all.join(", "))
            .push(" FROM ")
            .push_expr(Expr::from(self.values(backend)))
            .push(" AS \"i\"");
        if !groups.is_empty() {
            sql.push(" GROUP BY ").push(&groups.join(", "));
        }
        sql.push(") AS \"o\"");
        let order: Vec<String> = self.sort.iter().map(|o| self.order(o, sqlite)).collect();
        if !order.is_empty() {
            sql.push(" ORDER BY ").push(&order.join(", "));
        }
        sql.push(&format!(" LIMIT {}", self.limit));
        let mut select = Query::select();
        select.expr(sql.expr());
        Plan::new(&select, backend)
    }

    fn order(&self, order: &Order, sqlite: bool) -> String {
        let parts = match order.key {
            Key::Group(i) => vec![column("o", &format!("g{i}"))],
            Key::Measure(i) => {
                let (own, low) = (column("o", &format!("m{i}")), column("o", &format!("l{i}")));
                let input = self.inputs.get(i);
                let whole = input.is_some_and(is_whole);
                match input.map(|m| m.function) {
                    Some(Function::Sum) if sqlite && whole => vec![
                        format!("{own} + ({low} >> 32)"),
                        format!("{low} & 4294967295"),
                    ],
                    Some(Function::Avg) if whole => quotient(i, sqlite),
                    Some(Function::Avg) => vec![column("o", &format!("a{i}"))],
                    _ => vec![own],
                }
            }
        };
        let words = match (order.descending, sqlite) {
            (true, true) => " DESC",
            (false, true) => " ASC",
            (true, false) => " DESC NULLS LAST",
            (false, false) => " ASC NULLS FIRST",
        };
        let parts: Vec<String> = parts.into_iter().map(|p| p + words).collect();
        parts.join(", ")
    }

    /// The values of each record that the viewer may list.
    fn values(&self, backend: DbBackend) -> SelectStatement {
        let mut select = Query::select();
        for (i, key) in self.keys.iter().enumerate() {
            let of = key.hop.as_ref().map_or_else(|| ROW.to_owned(), alias);
            let value = self.value(key.column, &of, backend);
            select.expr_as(value, Alias::new(format!("g{i}")));
        }
        for (i, input) in self.inputs.iter().enumerate() {
            if let Some(column) = input.column {
                let value = self.value(column, ROW, backend);
                select.expr_as(value, Alias::new(format!("v{i}")));
            }
        }
        // So that there is a value even where only records are counted.
        select.expr_as(Expr::value(1), Alias::new("one"));
        from(&mut select, self.collection);
        let mut joined: Vec<String> = Vec::new();
        for hop in self.keys.iter().filter_map(|k| k.hop.as_ref()) {
            let name = alias(hop);
            if joined.contains(&name) {
                continue;
            }
            let there = Expr::col((Alias::new(name.clone()), Alias::new("id")));
            let mut on = Cond::all().add(there.eq(self.value(hop.by, ROW, backend)));
            if let Some(rule) = guard(hop.rule, &name, backend) {
                on = on.add(rule);
            }
            let target = table(hop.target);
            select.join_as(JoinType::LeftJoin, target, Alias::new(name.clone()), on);
            joined.push(name);
        }
        select.and_where_option(guard(self.rule, ROW, backend));
        if let Some(filter) = self.filter {
            select.and_where(truth(filter, ROW, backend));
        }
        select
    }

    /// A value as the viewer may read it.
    fn value(&self, of: &Column, alias: &str, backend: DbBackend) -> Expr {
        let own = column(alias, &of.name);
        let mut sql = Text::new(backend);
        match of.mask.as_ref().filter(|_| self.masked) {
            None => sql.push(&own),
            Some(mask) => sql
                .push("CASE WHEN ")
                .push_expr(truth(&mask.resolved, alias, backend))
                .push(" THEN ")
                .push(&own)
                .push(" END"),
        };
        sql.expr()
    }
}

/// The columns of a group that a measure needs.
fn measured(i: usize, input: &Input<'_>, sqlite: bool) -> String {
    let value = column("i", &format!("v{i}"));
    let named = |of: String, by: &str| format!("{of} AS {}", quote(&format!("{by}{i}")));
    let sum = |value: &str| match (is_whole(input), sqlite) {
        (true, true) => {
            let high = named(format!("sum({value} >> 32)"), "m");
            let low = named(format!("sum({value} & 4294967295)"), "l");
            format!("{high}, {low}")
        }
        (false, false) => named(format!("sum(CAST(CAST({value} AS text) AS numeric))"), "m"),
        _ => named(format!("sum({value})"), "m"),
    };
    match (input.function, input.column) {
        (Function::Count, None) => named("count(*)".to_owned(), "m"),
        (Function::Count, Some(_)) => named(format!("count({value})"), "m"),
        (Function::Distinct, _) => named(format!("count(DISTINCT {value})"), "m"),
        (Function::Sum, _) => sum(&value),
        (Function::Avg, _) => {
            let count = named(format!("count({value})"), "n");
            if is_whole(input) {
                return format!("{}, {count}", sum(&value));
            }
            let average = if sqlite {
                format!("avg({value})")
            } else {
                format!("avg(CAST(CAST({value} AS text) AS numeric))")
            };
            format!("{}, {}, {count}", sum(&value), named(average, "a"))
        }
        (Function::Min, _) => named(format!("min({value})"), "m"),
        (Function::Max, _) => named(format!("max({value})"), "m"),
    }
}

/// The JSON of a measure: of a sum its exact parts, of an average the sum and the number of values.
fn shown(i: usize, input: &Input<'_>, backend: DbBackend) -> String {
    let sqlite = backend == DbBackend::Sqlite;
    let own = column("o", &format!("m{i}"));
    let sum = match (is_whole(input), sqlite) {
        (true, true) => format!("json_array({own}, {})", column("o", &format!("l{i}"))),
        (false, true) => format!("galley_float({own})"),
        (_, false) => format!("CAST({own} AS text)"),
    };
    match (input.function, input.column) {
        (Function::Sum, _) => sum,
        (Function::Avg, _) => {
            let count = column("o", &format!("n{i}"));
            let array = if sqlite {
                "json_array"
            } else {
                "json_build_array"
            };
            format!("{array}({sum}, {count})")
        }
        (Function::Min | Function::Max, Some(c)) => c.kind.json(&own, backend),
        _ => own,
    }
}
