//! The JSON of a record, built by the database: one object per row, the same bytes on both engines.

use super::plan::Text;
use super::{column, quote};
use crate::schema::{Column, Loaded, Rule};
use rules::RowSource;
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
    /// Relations whose records come along, with the rule that guards each; files, whose ids do.
    pub expand: Vec<(&'a Column, Option<&'a Loaded>)>,
}

impl Projection<'_> {
    /// The object as one SQL expression of text type.
    pub(crate) fn expr(&self, alias: &str, backend: DbBackend) -> Expr {
        let mut sql = Text::new(backend);
        self.write(&mut sql, alias, backend);
        if backend != DbBackend::Sqlite {
            sql.push("::text");
        }
        sql.expr()
    }

    fn write(&self, sql: &mut Text, alias: &str, backend: DbBackend) {
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
            self.write_expand(sql, alias, backend);
            if !sqlite {
                sql.push(" AS \"expand\"");
            }
        }
        sql.push(if sqlite { ")" } else { ") AS _r)" });
    }

    fn value(&self, sql: &mut Text, c: &Column, alias: &str, backend: DbBackend) {
        let json = c.kind.json(&column(alias, &c.name), backend);
        match &c.mask {
            Some(mask) if self.masked => {
                let truth = mask
                    .to_sql(
                        backend,
                        RowSource::Alias(alias.to_owned()),
                        RowSource::Alias(alias.to_owned()),
                    )
                    .truth;
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
                    .push_expr(truth)
                    .push(" THEN ")
                    .push(&json)
                    .push(close);
            }
            _ => {
                sql.push(&json);
            }
        }
    }

    fn write_expand(&self, sql: &mut Text, alias: &str, backend: DbBackend) {
        let sqlite = backend == DbBackend::Sqlite;
        sql.push(if sqlite {
            "json_object("
        } else {
            "(SELECT row_to_json(_x) FROM (SELECT "
        });
        for (i, (c, target)) in self.expand.iter().enumerate() {
            let inner = format!("e{i}");
            if i > 0 {
                sql.push(", ");
            }
            let Some(target) = target else {
                if sqlite {
                    sql.push(&format!("'{}', ", c.name));
                }
                self.value(sql, c, alias, backend);
                if !sqlite {
                    sql.push(&format!(" AS {}", quote(&c.name)));
                }
                continue;
            };
            if sqlite {
                sql.push(&format!("'{}', json(", c.name));
            }
            sql.push("(SELECT ");
            let projection = Projection {
                columns: target.columns(!self.masked),
                masked: self.masked,
                expand: Vec::new(),
            };
            projection.write(sql, &inner, backend);
            sql.push(&format!(
                " FROM \"project\".{} AS {} WHERE {} = {}",
                quote(&target.def.name),
                quote(&inner),
                column(&inner, "id"),
                column(alias, &c.name)
            ));
            if self.masked {
                match &target.rules.list {
                    Rule::Closed => {
                        sql.push(" AND 1 = 0");
                    }
                    Rule::Open => {}
                    Rule::When(rule) => {
                        let truth = rule
                            .resolved
                            .to_sql(
                                backend,
                                RowSource::Alias(inner.clone()),
                                RowSource::Alias(inner.clone()),
                            )
                            .truth;
                        sql.push(" AND ").push_expr(truth);
                    }
                }
            }
            sql.push(")");
            if sqlite {
                sql.push(")");
            } else {
                sql.push(&format!(" AS {}", quote(&c.name)));
            }
        }
        sql.push(if sqlite { ")" } else { ") AS _x)" });
    }
}
