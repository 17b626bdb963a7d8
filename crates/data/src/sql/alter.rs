//! The statements that change a collection's table and keep its records. PostgreSQL alters it in place; SQLite does
//! where it can, and else gets a new table of the records (<https://www.sqlite.org/lang_altertable.html>, section 7).

use super::ddl::{self, table};
pub(crate) use super::kept::{count, values, without};
use super::{pairs, quote};
use crate::fields::Type;
use crate::model::{Alter, Collection, Field, Index, Kept, renamed};
use sea_orm::{DbBackend, Statement, Value};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What is done to the table.
pub(crate) struct Step {
    /// `rename`, `drop`, `alter`, `add`, `index` or `rebuild`.
    pub kind: &'static str,
    /// The fields that it is about, or the collection.
    pub what: String,
    pub sql: Vec<String>,
    /// The index that it makes.
    pub index: Option<Index>,
}

pub(super) fn step(kind: &'static str, what: &str, sql: Vec<String>) -> Step {
    Step {
        kind,
        what: what.to_owned(),
        sql,
        index: None,
    }
}

/// A value by the columns that hold it, ready to be cast to what they are.
fn cells(kind: &Type, value: Value, backend: DbBackend) -> Vec<Value> {
    match (kind, value) {
        (Type::Exact(exact), Value::BigInt(scaled)) if backend != DbBackend::Sqlite => {
            vec![Value::String(scaled.map(|v| exact.literal(v, false)))]
        }
        (kind, value) => kind.cells(value),
    }
}

/// The columns that hold a field's new values until its old ones are gone.
fn spares(alter: &Alter, field: &Kept) -> Vec<String> {
    let name = ddl::name("c", &alter.after, &field.before.name);
    field.after.kind.columns(&name)
}

/// The statements that make columns, or a join table, for a field's new values.
pub(crate) fn add_spares(alter: &Alter, field: &Kept, backend: DbBackend) -> Vec<String> {
    if field.after.kind.is_joined() {
        return vec![pairs::create(&alter.after, &field.after, backend)];
    }
    let (table, kind) = (table(&alter.after), field.after.kind.column(backend));
    // Where there was nothing to be made another there is none, or an empty list.
    let empty = field.after.kind.many().map_or("", |_| " DEFAULT '[]'");
    let add = |name: String| {
        format!(
            "ALTER TABLE {table} ADD COLUMN {} {kind}{empty}",
            quote(&name)
        )
    };
    spares(alter, field).into_iter().map(add).collect()
}

/// The statement that puts new values beside the old ones.
pub(crate) fn fill(
    alter: &Alter,
    field: &Kept,
    values: Vec<(Uuid, Value)>,
    backend: DbBackend,
) -> Statement {
    if field.after.kind.is_joined() {
        let table = pairs::name(&alter.after.name, &field.after.name);
        return pairs::fill(&table, &values, backend);
    }
    let sqlite = backend == DbBackend::Sqlite;
    let kind = field.after.kind.column(backend);
    // A cast names no collation.
    let kind = kind.split(" COLLATE").next().unwrap_or(&kind);
    let spares = spares(alter, field);
    // SQLite calls the columns of VALUES so, and PostgreSQL does too.
    let set = spares.iter().enumerate().map(|(i, name)| match sqlite {
        true => format!("{} = v.column{}", quote(name), i + 2),
        false => format!("{} = CAST(v.column{} AS {kind})", quote(name), i + 2),
    });
    let set = set.collect::<Vec<_>>().join(", ");
    let width = spares.len() + 1;
    let row = |row: usize| {
        let places = (1..=width).map(|i| format!("${}", row * width + i));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<String> = (0..values.len()).map(row).collect();
    let sql = format!(
        "UPDATE {} AS t SET {set} FROM (VALUES {}) AS v WHERE t.\"id\" = v.column1",
        table(&alter.after),
        rows.join(", "),
    );
    let binds = values.into_iter().flat_map(|(id, value)| {
        let cells = cells(&field.after.kind, value, backend);
        std::iter::once(Value::Uuid(Some(id))).chain(cells)
    });
    Statement::from_sql_and_values(backend, sql, binds.collect::<Vec<_>>())
}

/// The statement that finds references of the table which lead nowhere. SQLite only.
pub(crate) fn check(alter: &Alter) -> Statement {
    let sql = format!("PRAGMA foreign_key_check({})", quote(&alter.after.name));
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, [])
}

/// The statement that finds references to the table which do something of their own when a row of it goes: they would
/// take the end of the old table for that. SQLite only.
pub(crate) fn acting(alter: &Alter) -> Statement {
    let sql = r#"SELECT m.name FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f
        WHERE m.type = 'table' AND f."table" = $1 AND f.on_delete <> 'NO ACTION' LIMIT 1"#;
    let name = Value::from(alter.after.name.as_str());
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, [name])
}

/// Whether the table, or the rows of it, must be held alone: its columns change.
pub(crate) fn is_structural(alter: &Alter) -> bool {
    alter.before.name != alter.after.name
        || !alter.dropped.is_empty()
        || alter.kept.iter().any(|k| k.is_renamed() || is_altered(k))
        || alter.after.fields.len() != alter.kept.len()
}

/// Whether a field's column is another one, its name aside.
fn is_altered(field: &Kept) -> bool {
    let checks = |kind: &Type| kind.checks("x", DbBackend::Sqlite);
    field.is_converted()
        || field.before.is_filled() != field.after.is_filled()
        || checks(&field.before.kind) != checks(&field.after.kind)
}

/// Whether SQLite needs a new table.
pub(crate) fn is_rebuilt(alter: &Alter, backend: DbBackend) -> bool {
    let named = |k: &Kept| k.is_renamed() && is_checked(&k.before.kind);
    // A column that a reference or the condition of another column names cannot go alone.
    let tied = |kind: &Type| {
        let refers = matches!(kind, Type::Relation(_)) && !kind.is_joined();
        refers || kind.check(&kind.columns("x")).is_some()
    };
    backend == DbBackend::Sqlite
        && (alter.kept.iter().any(|k| is_altered(k) || named(k))
            || alter.dropped.iter().any(|d| tied(&d.field.kind))
            || is_circular(&renames(alter)))
}

/// Whether its columns have conditions, which bear its name or hold it.
fn is_checked(kind: &Type) -> bool {
    let columns = kind.columns("x");
    !kind.checks("x", DbBackend::Sqlite).is_empty() || kind.check(&columns).is_some()
}

/// Columns that get another name, by their present one.
fn renames(alter: &Alter) -> Vec<(String, String)> {
    let moved = |k: &Kept| {
        let from = match k.is_converted() {
            true => spares(alter, k),
            false => k.before.kind.columns(&k.before.name),
        };
        from.into_iter().zip(k.after.kind.columns(&k.after.name))
    };
    let all = alter.kept.iter().flat_map(moved);
    all.filter(|(from, to)| from != to).collect()
}

/// Whether one gets the name that another has still.
fn is_circular(renames: &[(String, String)]) -> bool {
    let from: BTreeSet<&String> = renames.iter().map(|(from, _)| from).collect();
    renames.iter().any(|(_, to)| from.contains(to))
}

/// What becomes of the indexes.
struct Indexes {
    gone: Vec<Index>,
    /// They stay under another name, because their fields have one.
    renamed: Vec<(Index, Index)>,
    new: Vec<Index>,
}

impl Indexes {
    fn of(alter: &Alter) -> Self {
        let (before, after) = (alter.before.all_indexes(), alter.after.all_indexes());
        let fixed = |name: &String| {
            let field = alter.kept.iter().find(|k| k.before.name == *name);
            field.map_or(matches!(name.as_str(), "created_at" | "updated_at"), |k| {
                !k.is_converted() && k.before.case_insensitive == k.after.case_insensitive
            })
        };
        // A condition names columns as they are.
        let moves = |k: &&Kept| k.is_converted() || k.is_renamed();
        let moved_names: Vec<&str> = alter
            .kept
            .iter()
            .filter(moves)
            .map(|k| k.before.name.as_str())
            .collect();
        let holds = |index: &Index| {
            let text = index.condition.as_deref().unwrap_or_default();
            let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            words.any(|word| moved_names.contains(&word))
        };
        let (mut gone, mut moved, mut stay) = (Vec::new(), Vec::new(), Vec::new());
        for index in before.clone() {
            let new = renamed(&index, &alter.kept);
            // One that would get the name that another has still is made anew.
            let taken = new != index && before.contains(&new);
            if taken || holds(&index) || !index.fields.iter().all(fixed) || !after.contains(&new) {
                gone.push(index);
                continue;
            }
            stay.push(new.clone());
            if new != index {
                moved.push((index, new));
            }
        }
        let new = after.into_iter().filter(|i| !stay.contains(i)).collect();
        Self {
            gone,
            renamed: moved,
            new,
        }
    }
}

/// All that is done to the table after it has its name and the new values have their columns.
pub(crate) fn steps(alter: &Alter, backend: DbBackend) -> Vec<Step> {
    let indexes = Indexes::of(alter);
    let mut steps = Vec::new();
    let new = if is_rebuilt(alter, backend) {
        steps.push(rebuild(alter, backend));
        alter.after.all_indexes()
    } else {
        in_place(alter, &indexes, backend, &mut steps);
        let moved = indexes.renamed.into_iter().map(|(_, new)| new);
        let again = moved.filter(|_| backend == DbBackend::Sqlite);
        indexes.new.into_iter().chain(again).collect()
    };
    steps.extend(pairs::added(alter, backend));
    for index in new {
        let sql = vec![ddl::index_sql(&alter.after, &index, backend)];
        let what = index.fields.join(", ");
        let made = step("index", &what, sql);
        steps.push(Step {
            index: Some(index),
            ..made
        });
    }
    steps
}

fn in_place(alter: &Alter, indexes: &Indexes, backend: DbBackend, steps: &mut Vec<Step>) {
    let after = &alter.after;
    let table = table(after);
    let named = |index: &Index| format!("\"project\".{}", quote(&ddl::index_name(after, index)));
    let sqlite = backend == DbBackend::Sqlite;
    let again = indexes
        .renamed
        .iter()
        .filter(|_| sqlite)
        .map(|(old, _)| old);
    for index in indexes.gone.iter().chain(again) {
        let sql = vec![format!("DROP INDEX {}", named(index))];
        steps.push(step("drop", &index.fields.join(", "), sql));
    }
    let converted = alter.kept.iter().filter(|k| k.is_converted());
    let gone = alter
        .dropped
        .iter()
        .map(|d| &d.field)
        .chain(converted.map(|k| &k.before));
    for field in gone.filter(|f| !f.kind.is_joined()) {
        let drop = |name| format!("ALTER TABLE {table} DROP COLUMN {}", quote(name));
        let sql = field.kind.columns(&field.name);
        let sql = sql.iter().map(|name| drop(name)).collect();
        steps.push(step("drop", &field.name, sql));
    }
    rename_columns(alter, steps);
    if !sqlite {
        for (old, new) in &indexes.renamed {
            let sql = format!(
                "ALTER INDEX {} RENAME TO {}",
                named(old),
                quote(&ddl::index_name(after, new))
            );
            steps.push(step("rename", &new.fields.join(", "), vec![sql]));
        }
        // All that goes before all that comes: two fields may change their names with each other.
        for part in [released, alterations] {
            for field in &alter.kept {
                let sql = part(alter, field);
                if !sql.is_empty() {
                    steps.push(step("alter", &field.after.name, sql));
                }
            }
        }
    }
    let added = after.fields.iter().filter(|f| !f.kind.is_joined());
    for field in added.filter(|f| is_added(alter, f)) {
        let sql = ddl::add_field(after, field, backend);
        steps.push(step("add", &field.name, sql));
    }
}

pub(super) fn is_added(alter: &Alter, field: &Field) -> bool {
    !alter.kept.iter().any(|k| k.after.name == field.name)
}

fn rename_columns(alter: &Alter, steps: &mut Vec<Step>) {
    let renames = renames(alter);
    let table = table(&alter.after);
    let sql = |from: &str, to: &str| {
        format!(
            "ALTER TABLE {table} RENAME COLUMN {} TO {}",
            quote(from),
            quote(to)
        )
    };
    let between = |to: &str| ddl::name("r", &alter.after, to);
    let circular = is_circular(&renames);
    let mut last = Vec::new();
    for (from, to) in &renames {
        if circular {
            steps.push(step("rename", from, vec![sql(from, &between(to))]));
            last.push(step("rename", to, vec![sql(&between(to), to)]));
        } else {
            last.push(step("rename", to, vec![sql(from, to)]));
        }
    }
    steps.extend(last);
}

/// The bounds of a field that stays in its column: those that go with their names, and those that come.
fn bounds(alter: &Alter, field: &Kept) -> [Vec<(String, String)>; 2] {
    let of = |collection: &Collection, of: &Field, kind: &Type| {
        let column = quote(&field.after.name);
        let checks = kind.checks(&column, DbBackend::Postgres).into_iter();
        checks
            .map(|(bound, check)| (quote(&ddl::bound_name(collection, of, bound)), check))
            .collect::<Vec<_>>()
    };
    let (before, after) = (&field.before, &field.after);
    let mut old = of(&alter.before, before, &before.kind);
    let mut new = of(&alter.after, after, &after.kind);
    if field.is_converted() {
        old.clear();
    }
    let stay: Vec<_> = old.iter().filter(|b| new.contains(b)).cloned().collect();
    for all in [&mut old, &mut new] {
        all.retain(|b| !stay.contains(b));
    }
    [old, new]
}

/// What PostgreSQL lets go of a column in its place.
fn released(alter: &Alter, field: &Kept) -> Vec<String> {
    let [gone, _] = bounds(alter, field);
    let table = table(&alter.after);
    let drop = |(name, _): (String, String)| format!("ALTER TABLE {table} DROP CONSTRAINT {name}");
    gone.into_iter().map(drop).collect()
}

/// What PostgreSQL changes of a column in its place, when all have let go.
fn alterations(alter: &Alter, field: &Kept) -> Vec<String> {
    let (before, after) = (&field.before, &field.after);
    if after.kind.is_joined() {
        return Vec::new();
    }
    let table = table(&alter.after);
    let mut all = Vec::new();
    let mut add = |sql: String| all.push(format!("ALTER TABLE {table} {sql}"));
    let name = quote(&after.name);
    let [_, new] = bounds(alter, field);
    for (to, check) in new {
        add(format!("ADD CONSTRAINT {to} CHECK ({check})"));
    }
    let was = before.is_filled() && !field.is_converted();
    if was != after.is_filled() {
        let word = if after.is_filled() { "SET" } else { "DROP" };
        add(format!("ALTER COLUMN {name} {word} NOT NULL"));
    }
    let filled = field.is_converted() && after.kind.many().is_some();
    if filled || !field.is_converted() && before.default != after.default {
        // One that a column got when it was added says what no longer holds.
        add(format!("ALTER COLUMN {name} DROP DEFAULT"));
    }
    all
}

/// A new table with the records, in the place of the old one. References are looked at when it stands: the old table's
/// end would else count as the end of all records that are pointed to. To switch the delay off forgets what it has put
/// off, and [`check`] looks anew.
fn rebuild(alter: &Alter, backend: DbBackend) -> Step {
    let after = &alter.after;
    let new = ddl::name("t", after, "table");
    let (mut names, mut sources) = (Vec::new(), Vec::new());
    for field in &after.fields {
        let quoted = |all: Vec<String>| all.iter().map(|name| quote(name)).collect::<Vec<_>>();
        names.extend(quoted(field.kind.columns(&field.name)));
        let kept = alter.kept.iter().find(|k| k.after.name == field.name);
        sources.extend(match kept {
            Some(k) if k.is_converted() => quoted(spares(alter, k)),
            Some(k) => quoted(k.before.kind.columns(&k.before.name)),
            None => field
                .kind
                .cells(field.default_value())
                .iter()
                .map(|value| ddl::literal(&field.kind, value, backend))
                .collect(),
        });
    }
    for name in ["id", "created_at", "updated_at", "_version"] {
        names.push(quote(name));
        sources.push(quote(name));
    }
    let fresh = format!("\"project\".{}", quote(&new));
    let table = table(after);
    let sql = vec![
        "PRAGMA defer_foreign_keys = ON".to_owned(),
        ddl::create_table(after, &fresh, backend),
        format!(
            "INSERT INTO {fresh} ({}) SELECT {} FROM {table}",
            names.join(", "),
            sources.join(", ")
        ),
        format!("DROP TABLE {table}"),
        format!("ALTER TABLE {fresh} RENAME TO {}", quote(&after.name)),
        "PRAGMA defer_foreign_keys = OFF".to_owned(),
    ];
    step("rebuild", &after.name, sql)
}
