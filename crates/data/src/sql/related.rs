//! The records that point to others or stand in their lists, for all of those in one statement: the first of each, in the
//! order asked for.

use super::keyset::Arm;
use super::list::Page;
use super::pairs::{self, Side};
use super::plan::{Own, Plan, Text};
use super::projection::truth;
use super::{column, projection::ROW};
use crate::schema::Column;
use sea_orm::DbBackend;
use sea_orm::sea_query::{Alias, Cond, Expr, ExprTrait, Order, Query};

/// A relation that gives many records: the page that each record gets of it.
pub(crate) struct Related<'a> {
    /// Which records, in which order; where it begins is not asked.
    pub page: Page<'a>,
    /// What leads to them.
    pub by: By<'a>,
}

/// What leads from a record to many.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// Their relation, to one or to many, points to it.
    Pointing(&'a Column),
    /// Its list, which this join table keeps, names them: in the list's own order unless another is `sorted` by.
    Listed { table: &'a str, sorted: bool },
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
        let parent = parent.expr();
        let own = |name: &str| Expr::col((Alias::new(ROW), Alias::new(name)));
        let mut first = None;
        let among = |table: &str, side| {
            let mut among = Text::new(backend);
            among.push_expr(own("id")).push(" IN ");
            among.push_expr(pairs::ids(table, side, parent.clone(), backend));
            among.expr()
        };
        let mut rows = Cond::all();
        match self.by {
            By::Pointing(by) => {
                rows = rows.add(match &by.pairs {
                    None => own(&by.name).eq(parent.clone()),
                    Some(table) => among(table, Side::Listing),
                });
                let mask = by.mask.as_ref().filter(|_| self.page.projection.masked);
                if let Some(mask) = mask {
                    rows = rows.add(truth(&mask.resolved, ROW, backend));
                }
            }
            By::Listed { table, sorted } => {
                rows = rows.add(among(table, Side::Listed));
                let place = || pairs::position(table, ROW, parent.clone(), backend);
                first = (!sorted).then(place);
            }
        }
        let order = match first {
            Some(_) => format!("{} ASC", column("x", "kp")),
            None => self.order(sqlite),
        };
        let mut inner = self.page.named(Some(Arm { rows, fixed: 0 }), backend);
        if let Some(place) = first {
            inner.clear_order_by();
            inner.expr_as(place, Alias::new("kp"));
            // By its name: SQLite sees no other statement's rows in an ORDER BY.
            inner.order_by(Alias::new("kp"), Order::Asc);
        }
        let mut sql = Text::new(backend);
        sql.push("coalesce((SELECT ")
            .push(if sqlite { "group_concat" } else { "string_agg" })
            .push("('[' || \"x\".\"j\" || ',' || \"x\".\"k\" || ']', ',' ORDER BY ")
            .push(&order)
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
