//! Records by a list of their ids, as a list shows them.

use super::column;
use super::list::{from, guard};
use super::plan::{Own, Plan, Text};
use super::projection::{Projection, ROW};
use crate::schema::Loaded;
use crate::sql::list::col;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{DbBackend, Value};
use uuid::Uuid;

/// Which of some records the caller may list, one row each: its JSON, its id, its version. [`ids`] are bound as
/// [`Own::Id`].
pub(crate) fn visible(collection: &Loaded, privileged: bool, backend: DbBackend) -> Plan {
    let projection = Projection {
        columns: collection.columns(privileged),
        masked: !privileged,
        expand: Vec::new(),
    };
    let id = column(ROW, "id");
    let mut key = Text::new(backend);
    key.push("CAST(").push(&id).push(" AS text)");
    let mut select = Query::select();
    select
        .expr(projection.expr(ROW, backend))
        .expr(key.expr())
        .expr(col("_version"));
    from(&mut select, collection);
    select.and_where(among(backend));
    let rule = (!privileged).then_some(&collection.rules.list);
    select.and_where_option(guard(rule, ROW, backend));
    Plan::new(&select, backend)
}

/// Whether the row's id is among [`ids`], which are bound as [`Own::Id`].
pub(super) fn among(backend: DbBackend) -> Expr {
    let mut among = Text::new(backend);
    among.push(&column(ROW, "id"));
    if backend == DbBackend::Sqlite {
        among.push(" IN (SELECT value FROM json_each(");
        among.push_expr(Own::Id.expr()).push("))");
    } else {
        among.push(" = ANY(CAST(");
        among.push_expr(Own::Id.expr()).push(" AS uuid[]))");
    }
    among.expr()
}

/// The ids as one value.
pub(crate) fn ids(ids: &[Uuid], backend: DbBackend) -> Value {
    let texts: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    Value::String(Some(if backend == DbBackend::Sqlite {
        serde_json::Value::from(texts).to_string()
    } else {
        format!("{{{}}}", texts.join(","))
    }))
}
