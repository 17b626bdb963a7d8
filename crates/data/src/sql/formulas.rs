//! Defaults that look at other records: one statement computes all of a collection's, as a JSON object.

use super::plan::{Plan, Text};
use super::{column, quote};
use crate::schema::Computed;
use rules::RowSource;
use sea_orm::DbBackend;
use sea_orm::sea_query::Query;

/// The alias of the computed values; no field begins with an underscore.
const VALUES: &str = "_v";

/// The columns (json, key, version) of a statement over the row that is given.
pub(crate) fn plan(all: &[&Computed], backend: DbBackend) -> Plan {
    let sqlite = backend == DbBackend::Sqlite;
    let member = |computed: &&Computed| {
        let value = computed.kind.json(&column(VALUES, &computed.name), backend);
        if sqlite {
            format!("'{}', {value}", computed.name)
        } else {
            format!("{value} AS {}", quote(&computed.name))
        }
    };
    let members = all.iter().map(member).collect::<Vec<_>>().join(", ");
    let mut sql = Text::new(backend);
    sql.push(&if sqlite {
        format!("(SELECT json_object({members}) FROM (SELECT ")
    } else {
        format!("(SELECT CAST(row_to_json(_r) AS text) FROM (SELECT {members} FROM (SELECT ")
    });
    for (i, computed) in all.iter().enumerate() {
        sql.push(if i == 0 { "" } else { ", " })
            .push_expr(computed.formula.to_sql(backend, RowSource::Given))
            .push(&format!(" AS {}", quote(&computed.name)));
    }
    sql.push(&format!(") AS {})", quote(VALUES)));
    if !sqlite {
        sql.push(" AS _r)");
    }
    let mut select = Query::select();
    select
        .expr(sql.expr())
        .expr(fixed("CAST(NULL AS text)", backend))
        .expr(fixed("CAST(0 AS bigint)", backend));
    Plan::new(&select, backend)
}

fn fixed(text: &str, backend: DbBackend) -> sea_orm::sea_query::Expr {
    let mut sql = Text::new(backend);
    sql.push(text);
    sql.expr()
}
