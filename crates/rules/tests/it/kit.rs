//! A small world that all tests share: three collections, their catalogue, their rows in
//! memory, and the same rows in SQLite and PostgreSQL.

use std::sync::Arc;

use rules::{
    Auth, Binds, Catalogue, Env, Field, HopRule, Kind, Mode, Pairs, Request, Resolved, Row,
    RowSource, RuleError, Truth, World, parse_and_resolve,
};
use sea_orm::DbBackend;
use sea_orm::sea_query::{
    Alias, BinOper, Expr, ExprTrait, Keyword, Query, SelectStatement, Value as Sql,
};
use serde_json::{Map, Value as Json, json};

pub const NOW: &str = "2026-03-01T12:00:00.000000Z";

/// The id of the `n`th row of a collection, the same in every run.
pub fn id(collection: &str, n: usize) -> String {
    let letter = match collection {
        "users" => 'a',
        "posts" => 'b',
        "teams" => 'c',
        _ => 'd',
    };
    format!("01890a5d-ac96-774b-bcce-{letter}{n:011}")
}

/// The catalogue; `guarded` adds hop rules and field read rules for filters.
pub struct Names {
    pub guards: Vec<(&'static str, HopRule)>,
    pub masks: Vec<(&'static str, &'static str, Arc<Resolved>)>,
}

pub fn relation(to: &str) -> Kind {
    Kind::Relation { to: to.to_owned() }
}

pub fn relations(to: &str, pairs: &str) -> Kind {
    let (table, here, there) = (format!("_pairs_{pairs}"), "a".to_owned(), "b".to_owned());
    let to = to.to_owned();
    let pairs = Pairs { table, here, there };
    Kind::Relations { to, pairs }
}

/// The columns of a field with the halves of points, and where in the wire form each is.
pub fn columns(collection: &str) -> Vec<(String, Kind, &'static str, Option<&'static str>)> {
    let mut columns = vec![];
    for (name, kind) in fields(collection) {
        match kind {
            Kind::Point => columns.extend(
                ["lat", "lon"]
                    .map(|half| (format!("{name}_{half}"), Kind::Float, name, Some(half))),
            ),
            Kind::Relations { .. } => {}
            kind => columns.push((name.to_owned(), kind, name, None)),
        }
    }
    columns
}

/// The value of a column in a row's wire form.
pub fn stored(row: &Row, name: &str, half: Option<&str>) -> Json {
    let json = row.get(name).cloned().unwrap_or(Json::Null);
    half.map_or(json.clone(), |half| {
        json.get(half).cloned().unwrap_or(Json::Null)
    })
}

/// The pairs of every list of records of a row: table, here, there.
pub fn pairs(collection: &str, row: &Row) -> Vec<(String, String, String)> {
    let lists = fields(collection)
        .into_iter()
        .filter_map(|(name, kind)| match kind {
            Kind::Relations { pairs, .. } => Some((name, pairs.table)),
            _ => None,
        });
    lists
        .flat_map(|(name, table)| {
            let ids = row
                .get(name)
                .and_then(Json::as_array)
                .cloned()
                .unwrap_or_default();
            let here = row["id"].as_str().unwrap().to_owned();
            ids.into_iter()
                .map(move |id| (table.clone(), here.clone(), id.as_str().unwrap().to_owned()))
        })
        .collect()
}

pub const PAIRS: [&str; 2] = ["_pairs_readers", "_pairs_friends"];

pub fn fields(collection: &str) -> Vec<(&'static str, Kind)> {
    match collection {
        "users" => vec![
            ("id", Kind::Uuid),
            ("name", Kind::Text),
            ("age", Kind::Integer),
            ("team", Kind::Uuid),
            ("active", Kind::Bool),
            ("boss", relation("users")),
            ("home", Kind::Point),
            ("notes", Kind::Json),
            ("friends", relations("users", "friends")),
        ],
        "posts" => vec![
            ("id", Kind::Uuid),
            ("title", Kind::Text),
            ("body", Kind::Text),
            ("n", Kind::Integer),
            ("score", Kind::Float),
            ("price", Kind::Decimal { scale: 2 }),
            ("fee", Kind::Decimal { scale: 4 }),
            ("place", Kind::Point),
            ("readers", relations("users", "readers")),
            ("published", Kind::Bool),
            ("created_at", Kind::DateTime),
            ("due", Kind::Date),
            ("owner", Kind::Uuid),
            ("author", relation("users")),
            ("editor", relation("users")),
            ("meta", Kind::Json),
            ("labels", Kind::Texts),
        ],
        "comments" => vec![
            ("id", Kind::Uuid),
            ("post", relation("posts")),
            ("author", relation("users")),
            ("text", Kind::Text),
            ("hidden", Kind::Bool),
            ("likes", Kind::Integer),
        ],
        _ => vec![],
    }
}

impl Names {
    pub fn open() -> Self {
        Self {
            guards: vec![],
            masks: vec![],
        }
    }

    pub fn guarded() -> Self {
        let rule = |text: &str, collection: &str| Arc::new(rule(text, collection));
        Self {
            guards: vec![
                (
                    "users",
                    HopRule::Rule(rule("active || id == auth.id", "users")),
                ),
                (
                    "comments",
                    HopRule::Rule(rule("!hidden || post.owner == auth.id", "comments")),
                ),
            ],
            masks: vec![
                (
                    "posts",
                    "body",
                    rule("owner == auth.id || author.active", "posts"),
                ),
                ("users", "age", rule("team in auth.teams", "users")),
                ("posts", "editor", rule("published", "posts")),
                ("posts", "readers", rule("published || n > 2", "posts")),
                ("posts", "place", rule("published", "posts")),
                ("posts", "meta", rule("n > 0", "posts")),
                ("users", "home", rule("active", "users")),
                ("users", "friends", rule("age > 1", "users")),
            ],
        }
    }
}

impl Catalogue for Names {
    fn field(&self, collection: &str, field: &str) -> Option<Field> {
        let (name, kind) = fields(collection)
            .into_iter()
            .find(|(name, _)| *name == field)?;
        Some(Field {
            column: name.to_owned(),
            kind,
            nullable: name != "id",
        })
    }

    fn has_collection(&self, name: &str) -> bool {
        !fields(name).is_empty()
    }

    fn table(&self, collection: &str) -> String {
        collection.to_owned()
    }

    fn back_relation(&self, collection: &str, name: &str) -> Option<(String, String)> {
        let (from, field) = name.split_once("_via_")?;
        let (_, kind) = fields(from).into_iter().find(|(name, _)| *name == field)?;
        let points = match kind {
            Kind::Relation { to } | Kind::Relations { to, .. } => to == collection,
            _ => false,
        };
        points.then(|| (from.to_owned(), field.to_owned()))
    }

    fn hop_rule(&self, collection: &str) -> HopRule {
        let found = self.guards.iter().find(|(name, _)| *name == collection);
        found.map_or(HopRule::Open, |(_, rule)| rule.clone())
    }

    fn field_read_rule(&self, collection: &str, field: &str) -> Option<Arc<Resolved>> {
        let found = self
            .masks
            .iter()
            .find(|(c, f, _)| *c == collection && *f == field);
        found.map(|(_, _, rule)| Arc::clone(rule))
    }
}

pub fn rule(text: &str, collection: &str) -> Resolved {
    parse_and_resolve(text, collection, Mode::Rule, &Names::open(), None)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub fn refuse(text: &str, mode: Mode, params: &Json) -> RuleError {
    let params = params.as_object();
    match parse_and_resolve(text, "posts", mode, &Names::open(), params) {
        Ok(_) => panic!("should have been refused: {text}"),
        Err(error) => error,
    }
}

/// Rows of all collections.
#[derive(Clone, Debug, Default)]
pub struct Rows(pub Vec<(&'static str, Vec<Row>)>);

impl World for Rows {
    fn get(&self, collection: &str, id: &str) -> Option<Row> {
        self.rows(collection)
            .into_iter()
            .find(|row| row.get("id") == Some(&json!(id)))
    }

    fn rows(&self, collection: &str) -> Vec<Row> {
        self.0
            .iter()
            .find(|(name, _)| *name == collection)
            .map_or(vec![], |(_, rows)| rows.clone())
    }
}

pub fn object(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

/// The values of a request that outlive an `Env`.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub auth: Option<Auth>,
    pub request: Request,
    pub params: Map<String, Json>,
    pub record: Option<Row>,
    pub next: Option<Row>,
}

impl Asked {
    pub fn env(&self) -> Env<'_> {
        Env {
            auth: self.auth.as_ref(),
            request: &self.request,
            now: NOW,
            params: &self.params,
            record: self.record.as_ref(),
            next: self.next.as_ref(),
        }
    }
}

/// `SELECT id, T1, F1, T2, F2, ... FROM project.posts AS r ORDER BY id`, or one row without a
/// table when the row is given.
pub fn statement(rules: &[&Resolved], backend: DbBackend, given: bool) -> SelectStatement {
    let is_true = |expr: Expr| {
        let truth = Expr::Keyword(Keyword::Custom(Alias::new("TRUE").into()));
        expr.binary(BinOper::Is, truth)
    };
    let source = || {
        if given {
            RowSource::Given
        } else {
            RowSource::Alias("r".to_owned())
        }
    };
    let mut select = Query::select();
    for rule in rules {
        let both = rule.to_sql(backend, source(), RowSource::Given);
        select.expr(is_true(both.truth)).expr(is_true(both.falsity));
    }
    if !given {
        let table = (
            Alias::new("project".to_owned()),
            Alias::new("posts".to_owned()),
        );
        select.from_as(table, Alias::new("r".to_owned()));
        select.order_by(
            (Alias::new("r".to_owned()), Alias::new("id".to_owned())),
            sea_orm::sea_query::Order::Asc,
        );
    }
    select
}

pub fn truth(truth: bool, falsity: bool) -> Truth {
    match (truth, falsity) {
        (true, false) => Truth::True,
        (false, true) => Truth::False,
        (false, false) => Truth::Unknown,
        (true, true) => panic!("both true and false"),
    }
}

/// SQLite in memory with the three tables.
pub struct Lite(pub rusqlite::Connection);

impl Lite {
    pub fn new(rows: &Rows) -> Self {
        let db = rusqlite::Connection::open_in_memory().expect("SQLite opens");
        let pure = rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC;
        db.create_scalar_function("galley_distance", 4, pure, |context| {
            let half = |n| context.get::<Option<f64>>(n);
            let (a, b) = ((half(0)?, half(1)?), (half(2)?, half(3)?));
            Ok(match (a, b) {
                ((Some(a), Some(b)), (Some(c), Some(d))) => {
                    Some(kernel::geo::distance_m((a, b), (c, d)))
                }
                _ => None,
            })
        })
        .expect("the function is made");
        for table in PAIRS {
            db.execute_batch(&format!(
                "CREATE TABLE {table} (a TEXT NOT NULL, b TEXT NOT NULL)"
            ))
            .expect("the table is made");
        }
        for collection in ["users", "posts", "comments"] {
            let made: Vec<String> = columns(collection)
                .into_iter()
                .map(|(name, kind, ..)| {
                    let ty = match kind {
                        Kind::Integer | Kind::Bool | Kind::Decimal { .. } => "INTEGER",
                        Kind::Float => "REAL",
                        _ => "TEXT",
                    };
                    format!("\"{name}\" {ty}")
                })
                .collect();
            db.execute_batch(&format!("CREATE TABLE {collection} ({})", made.join(", ")))
                .expect("the table is made");
            for row in rows.rows(collection) {
                let values = columns(collection)
                    .into_iter()
                    .map(|(_, kind, name, half)| lite_value(&stored(&row, name, half), &kind));
                let values: Vec<rusqlite::types::Value> = values.collect();
                let marks = vec!["?"; values.len()].join(", ");
                db.execute(
                    &format!("INSERT INTO {collection} VALUES ({marks})"),
                    rusqlite::params_from_iter(values),
                )
                .expect("the row is stored");
                for (table, here, there) in pairs(collection, &row) {
                    db.execute(&format!("INSERT INTO {table} VALUES (?, ?)"), [here, there])
                        .expect("the pair is stored");
                }
            }
        }
        Self(db)
    }

    pub fn ask(&self, rules: &[&Resolved], env: &Env<'_>, given: bool) -> Vec<Vec<Truth>> {
        let select = statement(rules, DbBackend::Sqlite, given);
        let (sql, values) = select.build(sea_orm::sea_query::SqliteQueryBuilder);
        let sql = sql.replace("\"project\".", "\"main\".");
        let values = Binds::from_values(values).fill(env).expect("binds");
        let values = values.into_iter().map(lite_bind);
        let mut statement = self
            .0
            .prepare(&sql)
            .unwrap_or_else(|e| panic!("{e}\n{sql}"));
        let mut found = statement
            .query(rusqlite::params_from_iter(values))
            .unwrap_or_else(|e| panic!("{e}\n{sql}"));
        let mut answers = vec![];
        while let Some(row) = found.next().unwrap_or_else(|e| panic!("{e}\n{sql}")) {
            let flag = |at: usize| row.get::<_, bool>(at).expect("a boolean");
            answers.push(
                (0..rules.len())
                    .map(|n| truth(flag(2 * n), flag(2 * n + 1)))
                    .collect(),
            );
        }
        answers
    }
}

pub fn lite_bind(value: Sql) -> rusqlite::types::Value {
    use rusqlite::types::Value as V;
    match value {
        Sql::String(Some(text)) => V::Text(text),
        Sql::BigInt(Some(n)) => V::Integer(n),
        Sql::Double(Some(n)) => V::Real(n),
        Sql::String(None) => V::Null,
        other => panic!("not a value for SQLite: {other:?}"),
    }
}

fn lite_value(json: &Json, kind: &Kind) -> rusqlite::types::Value {
    use rusqlite::types::Value as V;
    match (json, kind) {
        (Json::Null, _) => V::Null,
        (other, Kind::Json | Kind::Texts) => V::Text(other.to_string()),
        (Json::Bool(b), _) => V::Integer(i64::from(*b)),
        (Json::Number(n), Kind::Float) => V::Real(n.as_f64().expect("a double")),
        (Json::Number(n), _) => V::Integer(n.as_i64().expect("an integer")),
        (Json::String(s), Kind::Decimal { .. }) => V::Integer(
            s.replace('.', "")
                .parse()
                .expect("all digits after the point"),
        ),
        (Json::String(s), _) => V::Text(s.clone()),
        (other, _) => V::Text(other.to_string()),
    }
}
