//! Join tables: a relation to many keeps its pairs of records in a table of its own, named after the collection and the
//! field.

use super::alter::{Step, is_added, step};
use super::plan::Text;
use super::{column, ddl, quote};
use crate::model::{Alter, Collection, Field};
use rules::Pairs;
use sea_orm::sea_query::Expr;
use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

/// The record that has the list.
const RECORD: &str = "record_id";
/// The record that the list names.
const TARGET: &str = "target_id";
/// Where in the list it stands, from 0.
const POSITION: &str = "position";
/// The alias of the pairs; no collection and no other alias is called so.
const ALIAS: &str = "_p";

/// The name of a field's join table. Nothing else has it: that is looked at when a collection is made or changed.
pub(crate) fn name(collection: &str, field: &str) -> String {
    format!("{collection}_{field}")
}

/// The columns of a join table, whose name is not known yet.
pub(crate) fn columns() -> Pairs {
    Pairs {
        table: String::new(),
        here: RECORD.to_owned(),
        there: TARGET.to_owned(),
    }
}

fn table(name: &str) -> String {
    format!("\"project\".{}", quote(name))
}

/// The join tables of a collection, each with its field.
pub(crate) fn of(collection: &Collection) -> impl Iterator<Item = (String, &Field)> {
    let joined = collection.fields.iter().filter(|f| f.kind.is_joined());
    joined.map(|field| (name(&collection.name, &field.name), field))
}

/// The name of a constraint of a field's join table: `p` its key, `u` the same pairs from the other side.
fn key(kind: &str, collection: &Collection, field: &str) -> String {
    ddl::name(kind, collection, &format!("pairs of {field}"))
}

/// The statement that makes a join table. From either side the other is found by an index alone.
pub(crate) fn create(collection: &Collection, field: &Field, backend: DbBackend) -> String {
    let (id, without) = match backend {
        DbBackend::Sqlite => ("uuid_text", " WITHOUT ROWID"),
        _ => ("uuid", ""),
    };
    let target = match &field.kind {
        crate::fields::Type::Relation(r) => r.collection.as_str(),
        _ => "",
    };
    let own = |kind| quote(&key(kind, collection, &field.name));
    format!(
        "CREATE TABLE {} (\"{RECORD}\" {id} NOT NULL REFERENCES {} (\"id\"), \"{TARGET}\" {id} NOT NULL REFERENCES {} (\"id\"), \
         \"{POSITION}\" bigint NOT NULL, CONSTRAINT {} PRIMARY KEY (\"{RECORD}\", \"{TARGET}\"), \
         CONSTRAINT {} UNIQUE (\"{TARGET}\", \"{RECORD}\")){without}",
        table(&name(&collection.name, &field.name)),
        table(&collection.name),
        table(target),
        own("p"),
        own("u"),
    )
}

/// The statement that removes a join table.
pub(crate) fn drop(name: &str) -> String {
    format!("DROP TABLE {}", table(name))
}

/// What is done before all else: the join tables of fields that go are removed, and the collection and the join tables
/// that stay get their new names. Each of these steps aside first, so that two may change their names with each other.
pub(crate) fn renamed(alter: &Alter, backend: DbBackend) -> Vec<Step> {
    let (before, after) = (&alter.before, &alter.after);
    let dropped = alter.dropped.iter().filter(|d| d.field.kind.is_joined());
    let gone = dropped.map(|d| {
        let of = name(&before.name, &d.field.name);
        step("drop", &d.field.name, vec![drop(&of)])
    });
    let mut steps: Vec<Step> = gone.collect();
    let named =
        |from: &str, to: &str| format!("ALTER TABLE {} RENAME TO {}", table(from), quote(to));
    let mut placed = Vec::new();
    if before.name != after.name {
        let sql = vec![named(&before.name, &after.name)];
        placed.push(step("rename", &after.name, sql));
    }
    for kept in alter.kept.iter().filter(|k| k.before.kind.is_joined()) {
        let old = name(&before.name, &kept.before.name);
        let new = name(&after.name, &kept.after.name);
        if old == new {
            continue;
        }
        let (from, to) = (&kept.before.name, &kept.after.name);
        let between = key("r", before, from);
        let mut aside = vec![named(&old, &between)];
        let mut back = vec![named(&between, &new)];
        // There indexes have names as tables do.
        let keys = ["p", "u"]
            .into_iter()
            .filter(|_| backend != DbBackend::Sqlite && from != to);
        for kind in keys {
            let rename = |from: &str, to: &str| {
                let table = table(&between);
                format!(
                    "ALTER TABLE {table} RENAME CONSTRAINT {} TO {}",
                    quote(from),
                    quote(to)
                )
            };
            let way = key(&format!("r{kind}"), before, from);
            aside.push(rename(&key(kind, before, from), &way));
            back.insert(0, rename(&way, &key(kind, before, to)));
        }
        steps.push(step("rename", from, aside));
        placed.push(step("rename", to, back));
    }
    steps.extend(placed);
    steps
}

/// The join tables of fields that are added.
pub(super) fn added(alter: &Alter, backend: DbBackend) -> impl Iterator<Item = Step> {
    let joined = alter.after.fields.iter().filter(|f| f.kind.is_joined());
    let added = joined.filter(|f| is_added(alter, f));
    added.map(move |f| step("add", &f.name, vec![create(&alter.after, f, backend)]))
}

/// SQL for the list of the row of an alias, as JSON: the same bytes on both engines.
pub(crate) fn list(name: &str, alias: &str, backend: DbBackend) -> String {
    let target = column(ALIAS, TARGET);
    let order = column(ALIAS, POSITION);
    let of = format!(
        "FROM {} AS {} WHERE {} = {}",
        table(name),
        quote(ALIAS),
        column(ALIAS, RECORD),
        column(alias, "id")
    );
    match backend {
        DbBackend::Sqlite => {
            format!("json((SELECT json_group_array({target} ORDER BY {order}) {of}))")
        }
        _ => format!(
            "(SELECT CAST('[' || coalesce(string_agg('\"' || CAST({target} AS text) || '\"', ',' ORDER BY {order}), '') || ']' AS json) {of})"
        ),
    }
}

/// A statement with these values in the place of its marks, in their order.
fn statement(sql: String, values: Vec<Value>, backend: DbBackend) -> Statement {
    Statement::from_sql_and_values(backend, sql, values)
}

/// The statements that make a record's list what `ids`, a JSON array, says: what is not in it goes, what is new comes,
/// and what stays where it is is not written.
pub(crate) fn put(name: &str, record: Uuid, ids: &str, backend: DbBackend) -> [Statement; 2] {
    let (rows, value, key) = match backend {
        DbBackend::Sqlite => ("json_each($2) AS e", "e.value", "e.key"),
        _ => (
            "jsonb_array_elements_text(CAST($2 AS jsonb)) WITH ORDINALITY AS e(value, key)",
            "CAST(e.value AS uuid)",
            "e.key - 1",
        ),
    };
    let values = || {
        vec![
            Value::Uuid(Some(record)),
            Value::String(Some(ids.to_owned())),
        ]
    };
    let table = table(name);
    let gone = format!(
        "DELETE FROM {table} WHERE \"{RECORD}\" = $1 AND \"{TARGET}\" NOT IN (SELECT {value} FROM {rows})"
    );
    let come = format!(
        "INSERT INTO {table} AS t (\"{RECORD}\", \"{TARGET}\", \"{POSITION}\") SELECT $1, {value}, {key} FROM {rows} WHERE true \
         ON CONFLICT (\"{RECORD}\", \"{TARGET}\") DO UPDATE SET \"{POSITION}\" = excluded.\"{POSITION}\" \
         WHERE t.\"{POSITION}\" <> excluded.\"{POSITION}\""
    );
    [gone, come].map(|sql| statement(sql, values(), backend))
}

/// The statement that gives records, which have no list yet, lists of one item or none.
pub(super) fn fill(name: &str, lists: &[(Uuid, Value)], backend: DbBackend) -> Statement {
    let first = |value: &Value| match value {
        Value::Json(Some(list)) => kernel::parse_id(list.get(0)?.as_str()?),
        _ => None,
    };
    let pairs = lists
        .iter()
        .filter_map(|(id, list)| Some((*id, first(list)?)));
    let values: Vec<Value> = pairs
        .flat_map(|(record, target)| [record, target])
        .map(|id| Value::Uuid(Some(id)))
        .collect();
    let rows = (0..values.len() / 2).map(|i| format!("(${}, ${}, 0)", 2 * i + 1, 2 * i + 2));
    let rows = rows.collect::<Vec<_>>().join(", ");
    let columns = format!("\"{RECORD}\", \"{TARGET}\", \"{POSITION}\"");
    let table = table(name);
    let source = if values.is_empty() {
        format!("SELECT {columns} FROM {table} WHERE 1 = 0")
    } else {
        format!("VALUES {rows}")
    };
    let sql = format!("INSERT INTO {table} ({columns}) {source}");
    statement(sql, values, backend)
}

/// The statement that empties a record's list.
pub(crate) fn clear(name: &str, record: Uuid, backend: DbBackend) -> Statement {
    let sql = format!("DELETE FROM {} WHERE \"{RECORD}\" = $1", table(name));
    statement(sql, vec![Value::Uuid(Some(record))], backend)
}

/// The statement that takes a record out of another's list.
pub(crate) fn take(name: &str, record: Uuid, target: Uuid, backend: DbBackend) -> Statement {
    let sql = format!(
        "DELETE FROM {} WHERE \"{RECORD}\" = $1 AND \"{TARGET}\" = $2",
        table(name)
    );
    let values = vec![Value::Uuid(Some(record)), Value::Uuid(Some(target))];
    statement(sql, values, backend)
}

/// The columns (json, key, version) of a statement over a join table; the json is the id of the record.
fn docs(name: &str, json: &str, version: &str, tail: &str) -> String {
    format!(
        "SELECT {json}, CAST(NULL AS text), CAST({version} AS bigint) FROM {} {tail}",
        table(name)
    )
}

/// The ids of records whose list names `target`, at most `limit`.
pub(crate) fn pointing(name: &str, target: Uuid, limit: u64, backend: DbBackend) -> Statement {
    let tail = format!("WHERE \"{TARGET}\" = $1 ORDER BY \"{RECORD}\" LIMIT {limit}");
    let sql = docs(name, &format!("CAST(\"{RECORD}\" AS text)"), "0", &tail);
    statement(sql, vec![Value::Uuid(Some(target))], backend)
}

/// How many pairs there are, and how many records have some: the version of each of two rows.
pub(crate) fn count(name: &str, backend: DbBackend) -> [Statement; 2] {
    let count = |of: &str| statement(docs(name, "''", of, ""), Vec::new(), backend);
    [
        count("count(*)"),
        count(&format!("count(DISTINCT \"{RECORD}\")")),
    ]
}

/// The lists of records after `after` in the order of ids, at most `limit`: `{"v": list}` and the id of each.
pub(crate) fn lists(
    collection: &str,
    name: &str,
    after: Uuid,
    limit: u64,
    backend: DbBackend,
) -> Statement {
    let value = list(name, collection, backend);
    let id = column(collection, "id");
    let json = match backend {
        DbBackend::Sqlite => format!("json_object('v', {value})"),
        _ => format!("CAST(json_build_object('v', {value}) AS text)"),
    };
    let sql = format!(
        "SELECT {json}, CAST({id} AS text), CAST(0 AS bigint) FROM {} WHERE {id} > $1 ORDER BY {id} LIMIT {limit}",
        table(collection)
    );
    statement(sql, vec![Value::Uuid(Some(after))], backend)
}

/// Which pairs a subquery takes.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    /// The records whose list names this one.
    Listing,
    /// The records that the list of this one names.
    Listed,
}

/// The ids on the other side of the pairs of a record.
pub(crate) fn ids(name: &str, side: Side, of: Expr, backend: DbBackend) -> Expr {
    let (give, know) = match side {
        Side::Listing => (RECORD, TARGET),
        Side::Listed => (TARGET, RECORD),
    };
    let mut sql = Text::new(backend);
    sql.push(&format!(
        "(SELECT {} FROM {} AS {} WHERE {} = ",
        column(ALIAS, give),
        table(name),
        quote(ALIAS),
        column(ALIAS, know)
    ));
    sql.push_expr(of).push(")");
    sql.expr()
}

/// Where in the list of a record the row of an alias stands.
pub(crate) fn position(name: &str, alias: &str, of: Expr, backend: DbBackend) -> Expr {
    let mut sql = Text::new(backend);
    sql.push(&format!(
        "(SELECT {} FROM {} AS {} WHERE {} = {} AND {} = ",
        column(ALIAS, POSITION),
        table(name),
        quote(ALIAS),
        column(ALIAS, TARGET),
        column(alias, "id"),
        column(ALIAS, RECORD)
    ));
    sql.push_expr(of).push(")");
    sql.expr()
}
