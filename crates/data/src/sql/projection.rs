//! The JSON of a record, built where its row is read: one object per row, the same bytes on both engines.

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
        let mut object = Object::open(sql, "_r", backend);
        for c in &self.columns {
            self.member(&mut object, c, alias);
        }
        if !self.expand.is_empty() {
            object.member("expand", 'j');
            self.write_expand(object.sql, alias, below, backend);
        }
        object.close();
    }

    fn member(&self, object: &mut Object<'_>, c: &Column, alias: &str) {
        let name = column(alias, &c.name);
        let (spelling, json) = match &c.pairs {
            Some(table) => ('j', pairs::list(table, alias, object.backend)),
            None if object.is_sqlite() => c.kind.member(&name),
            None => ('j', c.kind.json(&name, object.backend)),
        };
        object.member(&c.name, spelling);
        match &c.mask {
            Some(mask) if self.masked => {
                let mask = truth(&mask.resolved, alias, object.backend);
                let sql = object.sql.push("CASE WHEN ").push_expr(mask);
                sql.push(" THEN ").push(&json).push(" END");
            }
            _ => {
                object.sql.push(&json);
            }
        }
    }

    fn write_expand(&self, sql: &mut Text, alias: &str, below: &str, backend: DbBackend) {
        let mut object = Object::open(sql, "_x", backend);
        for (i, part) in self.expand.iter().enumerate() {
            match part {
                Part::One { by, target, shown } => {
                    object.member(&by.name, 'j');
                    let inner = format!("{below}{i}");
                    self.write_one(object.sql, (by, alias), (target, &inner), shown, backend);
                }
                Part::File(c) => self.member(&mut object, c, alias),
                Part::Later(name, by) => {
                    object.member(name, 't');
                    let id = column(alias, "id");
                    match by.and_then(|by| by.mask.as_ref()).filter(|_| self.masked) {
                        None => object.sql.push(&id),
                        Some(mask) => object
                            .sql
                            .push("CASE WHEN ")
                            .push_expr(truth(&mask.resolved, alias, backend))
                            .push(&format!(" THEN {id} END")),
                    };
                }
                Part::Closed(name) => {
                    object.member(name, 'j');
                    object.sql.push("NULL");
                }
            }
        }
        object.close();
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

/// A JSON object that is being written into a statement: on SQLite a call of the store's function, whose last value names
/// the members, and on PostgreSQL a row.
struct Object<'a> {
    sql: &'a mut Text,
    backend: DbBackend,
    row: &'static str,
    /// The members so far, as `galley_object` takes them.
    names: String,
    /// The last member, whose name stands behind its value on PostgreSQL.
    last: Option<String>,
}

impl<'a> Object<'a> {
    /// `row` names it within the statement. No field begins with an underscore but `_version`: a column named like the
    /// alias would be taken for it.
    fn open(sql: &'a mut Text, row: &'static str, backend: DbBackend) -> Self {
        match backend {
            DbBackend::Sqlite => sql.push("galley_object("),
            _ => sql.push(&format!("(SELECT row_to_json({row}) FROM (SELECT ")),
        };
        Self {
            sql,
            backend,
            row,
            names: String::new(),
            last: None,
        }
    }

    fn is_sqlite(&self) -> bool {
        self.backend == DbBackend::Sqlite
    }

    /// Begins a member; its value is written next. The name follows the grammar of names: it holds no quote.
    fn member(&mut self, name: &str, spelling: char) {
        self.end_member();
        if self.is_sqlite() {
            let comma = if self.names.is_empty() { "" } else { "," };
            self.names.push_str(&format!("{comma}{spelling}{name}"));
        }
        self.last = Some(name.to_owned());
    }

    fn end_member(&mut self) {
        let Some(name) = self.last.take() else { return };
        if !self.is_sqlite() {
            self.sql.push(&format!(" AS {}", quote(&name)));
        }
        self.sql.push(", ");
    }

    fn close(mut self) {
        if self.is_sqlite() {
            self.end_member();
            self.sql.push(&format!("'{}')", self.names));
            return;
        }
        if let Some(name) = self.last.take() {
            self.sql.push(&format!(" AS {}", quote(&name)));
        }
        self.sql.push(&format!(") AS {})", self.row));
    }
}
