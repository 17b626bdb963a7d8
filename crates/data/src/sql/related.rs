//! The records that point to others, for all of those in one statement: the first of each, in the order asked for.

use super::keyset::Arm;
use super::list::Page;
use super::plan::{Own, Plan, Text};
use super::projection::truth;
use super::{column, projection::ROW};
use crate::schema::Column;
use sea_orm::DbBackend;
use sea_orm::sea_query::{Alias, Cond, Expr, ExprTrait, Query};

/// A back relation: the page that each record gets of it.
pub(crate) struct Related<'a> {
    /// Which records, in which order; where it begins is not asked.
    pub page: Page<'a>,
    /// The relation that points to the record.
    pub by: &'a Column,
}

impl Related<'_> {
    /// One row for each of [`Own::Parents`]: `[record,key],[record,key]...` as text, and the parent's place from 0 in
    /// the version's place. One record more than the limit tells whether there are more.
    pub(crate) fn plan(&self, backend: DbBackend) -> Plan {
        let sqlite = backend == DbBackend::Sqlite;
        let mut parent = Text::new(backend);
        parent.push(if sqlite {
            "\"p\".\"value\""
        } else {
            "CAST(\"p\".\"value\" AS uuid)"
        });
        let points = Expr::col((Alias::new(ROW), Alias::new(self.by.name.clone())));
        let mut rows = Cond::all().add(points.eq(parent.expr()));
        if let Some(mask) = self
            .by
            .mask
            .as_ref()
            .filter(|_| self.page.projection.masked)
        {
            rows = rows.add(truth(&mask.resolved, ROW, backend));
        }
        let inner = self.page.named(Some(Arm { rows, fixed: 0 }), backend);
        let mut sql = Text::new(backend);
        sql.push("coalesce((SELECT ")
            .push(if sqlite { "group_concat" } else { "string_agg" })
            .push("('[' || \"x\".\"j\" || ',' || \"x\".\"k\" || ']', ',' ORDER BY ")
            .push(&self.order(sqlite))
            .push(") FROM ")
            .push_expr(Expr::from(inner))
            .push(" AS \"x\"), ''), CAST(NULL AS text), ");
        if sqlite {
            sql.push("\"p\".\"key\" FROM json_each(")
                .push_expr(Own::Parents.expr())
                .push(") AS \"p\"");
        } else {
            sql.push("\"p\".\"key\" - 1 FROM jsonb_array_elements_text(CAST(")
                .push_expr(Own::Parents.expr())
                .push(" AS jsonb)) WITH ORDINALITY AS \"p\"(\"value\", \"key\")");
        }
        let mut select = Query::select();
        select.expr(sql.expr());
        Plan::new(&select, backend)
    }

    fn order(&self, sqlite: bool) -> String {
        let parts = self.page.sort.iter().enumerate().map(|(i, key)| {
            let words = match (key.descending, sqlite) {
                (true, true) => " DESC",
                (false, true) => " ASC",
                (true, false) => " DESC NULLS LAST",
                (false, false) => " ASC NULLS FIRST",
            };
            column("x", &format!("k{i}")) + words
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}
