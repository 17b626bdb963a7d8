//! The records that a bulk write is about: found slice by slice, and asked once more within the write.

use super::changes::among;
use super::column;
use super::list::{col, from, guard, null_text};
use super::plan::{LIMIT_MARK, Own, Plan, Text};
use super::projection::{ROW, truth};
use crate::schema::{Loaded, Rule};
use rules::Resolved;
use sea_orm::DbBackend;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};

fn matching(
    collection: &Loaded,
    rule: Option<&Rule>,
    filter: &Resolved,
    backend: DbBackend,
) -> SelectStatement {
    let mut id = Text::new(backend);
    id.push("CAST(").push(&column(ROW, "id")).push(" AS text)");
    let mut select = Query::select();
    select
        .expr(id.expr())
        .expr(null_text(backend))
        .expr(col("_version"));
    from(&mut select, collection);
    select.and_where_option(guard(rule, ROW, backend));
    select.and_where(truth(filter, ROW, backend));
    select.order_by_expr(Expr::col((Alias::new(ROW), Alias::new("id"))), Order::Asc);
    select
}

/// The ids of the records that match behind [`Own::Key`] 0, in their order, at most [`Own::Limit`].
pub(crate) fn next(
    collection: &Loaded,
    rule: Option<&Rule>,
    filter: &Resolved,
    backend: DbBackend,
) -> Plan {
    let mut select = matching(collection, rule, filter, backend);
    select.and_where(col("id").gt(Own::Key(0).expr()));
    select.limit(LIMIT_MARK);
    Plan::new(&select, backend)
}

/// Those of the ids bound as [`Own::Id`] that match now, in their order, locked where the engine locks rows.
pub(crate) fn still(
    collection: &Loaded,
    rule: Option<&Rule>,
    filter: &Resolved,
    backend: DbBackend,
) -> Plan {
    let mut select = matching(collection, rule, filter, backend);
    select.and_where(among(backend));
    if backend != DbBackend::Sqlite {
        select.lock_exclusive();
    }
    Plan::new(&select, backend)
}
