//! The JSON of a record, built by the database: one object per row, the same bytes on both engines.

use super::plan::Text;
use super::{column, pairs, quote};
use crate::schema::{Column, Loaded, Rule};
use rules::{Resolved, RowSource};
use sea_orm::DbBackend;
use sea_orm::sea_query::Expr;

/// The alias of the row that a statement is about.
pub(crate) const ROW: &str = "t0";

/// What a viewer gets of a record.
pub(crate) struct Projection<'a> {
    /// The columns, in order.
    pub columns: Vec<&'a Column>,
    /// Whether read rules of fields hold for the viewer.
    pub masked: bool,
    /// What comes along under `expand`.
    pub expand: Vec<Part<'a>>,
}

/// One member of `expand`.
pub(crate) enum Part<'a> {
    /// The record that a relation points to, if its list rule shows it.
    One {
        by: &'a Column,
        target: &'a Loaded,
        shown: Projection<'a>,
    },
    /// A file, or a list of them. Until their views are there their ids stand there.
    File(&'a Column),
    /// Records that are read afterwards. Until then the record's own id stands there, or null where the field that names
    /// them may not be read.
    Later(String, Option<&'a Column>),
    /// What nobody of this viewer's kind may look at.
    Closed(String),
}

impl Part<'_> {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::One { by, .. } | Self::File(by) => &by.name,
            Self::Later(name, _) | Self::Closed(name) => name,
        }
    }
}

/// Where a condition is true for the row of `alias`.
pub(crate) fn truth(condition: &Resolved, alias: &str, backend: DbBackend) -> Expr {
    let row = || RowSource::Alias(alias.to_owned());
    condition.to_sql(backend, row(), row()).truth
}

impl Projection<'_> {
    /// The object as one SQL expression of text type.
    pub(crate) fn expr(&self, alias: &str, backend: DbBackend) -> Expr {
        let mut sql = Text::new(backend);
        self.write(&mut sql, alias, "e", backend);
        if backend != DbBackend::Sqlite {
            sql.push("::text");
        }
        sql.expr()
    }

    /// `below` begins the aliases of the rows that come along.
    fn write(&self, sql: &mut Text, alias: &str, below: &str, backend: DbBackend) {
        let sqlite = backend == DbBackend::Sqlite;
        // No field begins with an underscore but `_version`: a column named like the alias would be taken for it.
        sql.push(if sqlite {
            "json_object("
        } else {
            "(SELECT row_to_json(_r) FROM (SELECT "
        });
        for (i, c) in self.columns.iter().enumerate() {
            if i > 0 {
                sql.push(", ");
            }
            if sqlite {
                // The name follows the grammar of names: it holds no quote.
                sql.push(&format!("'{}', ", c.name));
            }
            self.value(sql, c, alias, backend);
            if !sqlite {
                sql.push(&format!(" AS {}", quote(&c.name)));
            }
        }
        if !self.expand.is_empty() {
            sql.push(if sqlite { ", 'expand', " } else { ", " });
            self.write_expand(sql, alias, below, backend);
            if !sqlite {
                sql.push(" AS \"expand\"");
            }
        }
        sql.push(if sqlite { ")" } else { ") AS _r)" });
    }

    fn value(&self, sql: &mut Text, c: &Column, alias: &str, backend: DbBackend) {
        let json = match &c.pairs {
            Some(table) => pairs::list(table, alias, backend),
            None => c.kind.json(&column(alias, &c.name), backend),
        };
        match &c.mask {
            Some(mask) if self.masked => {
                // SQLite keeps the mark "this is JSON" of a value only outside of CASE.
                let open = if backend == DbBackend::Sqlite && json.starts_with("json(") {
                    "json(CASE WHEN "
                } else {
                    "CASE WHEN "
                };
                let close = if open.starts_with("json(") {
                    " END)"
                } else {
                    " END"
                };
                sql.push(open)
                    .push_expr(truth(&mask.resolved, alias, backend))
                    .push(" THEN ")
                    .push(&json)
                    .push(close);
            }
            _ => {
                sql.push(&json);
            }
        }
    }

    fn write_expand(&self, sql: &mut Text, alias: &str, below: &str, backend: DbBackend) {
        let sqlite = backend == DbBackend::Sqlite;
        sql.push(if sqlite {
            "json_object("
        } else {
            "(SELECT row_to_json(_x) FROM (SELECT "
        });
        for (i, part) in self.expand.iter().enumerate() {
            if i > 0 {
                sql.push(", ");
            }
            if sqlite {
                sql.push(&format!("'{}', ", part.name()));
            }
            match part {
                Part::One { by, target, shown } => {
                    let inner = format!("{below}{i}");
                    sql.push(if sqlite { "json(" } else { "" });
                    self.write_one(sql, (by, alias), (target, &inner), shown, backend);
                    sql.push(if sqlite { ")" } else { "" });
                }
                Part::File(c) => self.value(sql, c, alias, backend),
                Part::Later(_, by) => {
                    let id = column(alias, "id");
                    match by.and_then(|by| by.mask.as_ref()).filter(|_| self.masked) {
                        None => sql.push(&id),
                        Some(mask) => sql
                            .push("CASE WHEN ")
                            .push_expr(truth(&mask.resolved, alias, backend))
                            .push(&format!(" THEN {id} END")),
                    };
                }
                Part::Closed(_) => {
                    sql.push("NULL");
                }
            }
            if !sqlite {
                sql.push(&format!(" AS {}", quote(part.name())));
            }
        }
        sql.push(if sqlite { ")" } else { ") AS _x)" });
    }

    fn write_one(
        &self,
        sql: &mut Text,
        (by, alias): (&Column, &str),
        (target, inner): (&Loaded, &str),
        shown: &Projection<'_>,
        backend: DbBackend,
    ) {
        sql.push("(SELECT ");
        shown.write(sql, inner, &format!("{inner}_"), backend);
        sql.push(&format!(
            " FROM \"project\".{} AS {} WHERE {} = {}",
            quote(&target.def.name),
            quote(inner),
            column(inner, "id"),
            column(alias, &by.name)
        ));
        if self.masked {
            if let Some(mask) = &by.mask {
                let mask = truth(&mask.resolved, alias, backend);
                sql.push(" AND ").push_expr(mask);
            }
            match &target.rules.list {
                Rule::Closed => {
                    sql.push(" AND 1 = 0");
                }
                Rule::Open => {}
                Rule::When(rule) => {
                    let rule = truth(&rule.resolved, inner, backend);
                    sql.push(" AND ").push_expr(rule);
                }
            }
        }
        sql.push(")");
    }
}
