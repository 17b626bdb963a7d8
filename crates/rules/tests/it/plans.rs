//! The common shapes must use an index on both engines: casts stand on the values' side only.

use rules::{Auth, Binds, Mode, parse_and_resolve};
use sea_orm::DbBackend;
use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::sea_query::{PostgresQueryBuilder, SqliteQueryBuilder};
use serde_json::json;

use crate::kit::{Asked, Lite, Names, Rows, id, lite_bind, object};
use crate::postgres::{Pg, texts};

const INDEXED: [(&str, &str); 10] = [
    ("owner == auth.id", "posts_owner"),
    ("auth.id == owner && published", "posts_owner"),
    ("title == params.s", "posts_title"),
    ("title in params.list", "posts_title"),
    ("title in [\"a\", \"b\"]", "posts_title"),
    ("title >= params.s && title < \"zz\"", "posts_title"),
    ("created_at > now - duration(\"1h\")", "posts_created_at"),
    ("!(created_at <= params.t)", "posts_created_at"),
    ("n == params.n && title != null", "posts_n"),
    ("auth.id in readers", "readers_b"),
];

#[test]
fn common_filters_use_an_index() {
    let params = object(json!({"s": "a", "list": ["a"], "n": 3, "t": "2026-01-01T00:00:00Z"}));
    let auth = Some(Auth {
        id: id("users", 0),
        ..Auth::default()
    });
    let asked = Asked {
        auth,
        params: params.clone(),
        ..Asked::default()
    };
    let lite = Lite::new(&Rows::default());
    let mut pg = Pg::new("plans");
    for column in ["owner", "title", "created_at", "n"] {
        lite.0
            .execute_batch(&format!(
                "CREATE INDEX posts_{column} ON posts (\"{column}\")"
            ))
            .unwrap();
        pg.index("posts", column);
    }
    // A join table has an index from either side.
    let index = "CREATE INDEX readers_b ON";
    lite.0
        .execute_batch(&format!("{index} _pairs_readers (b, a)"))
        .unwrap();
    let schema = pg.schema().to_owned();
    pg.run(&format!("{index} {schema}._pairs_readers (b, a)"));
    pg.run("SET enable_seqscan = off");
    for (text, index) in INDEXED {
        let names = Names::open();
        let filter = parse_and_resolve(text, "posts", Mode::Filter, &names, Some(&params)).unwrap();
        let select = |backend| {
            let source = rules::RowSource::Alias("r".to_owned());
            let compiled = filter.to_sql(backend, source, rules::RowSource::Given);
            let name = |name: &str| Alias::new(name.to_owned());
            Query::select()
                .expr(Expr::col((name("r"), name("id"))))
                .from_as((name("project"), name("posts")), name("r"))
                .and_where(compiled.truth)
                .to_owned()
        };
        let (sql, values) = select(DbBackend::Sqlite).build(SqliteQueryBuilder);
        let values = Binds::from_values(values).fill(&asked.env()).unwrap();
        let sql = format!(
            "EXPLAIN QUERY PLAN {}",
            sql.replace("\"project\".", "\"main\".")
        );
        let mut statement = lite.0.prepare(&sql).unwrap();
        let lines: Vec<String> = statement
            .query_map(
                rusqlite::params_from_iter(values.into_iter().map(lite_bind)),
                |row| row.get(3),
            )
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(
            lines
                .iter()
                .any(|line| line.contains(&format!("INDEX {index}"))),
            "{text}: {lines:?}\n{sql}"
        );

        let (sql, values) = select(DbBackend::Postgres).build(PostgresQueryBuilder);
        let values = texts(Binds::from_values(values).fill(&asked.env()).unwrap());
        let lines = pg.lines(&format!("EXPLAIN {sql}"), values);
        assert!(
            lines
                .iter()
                .any(|line| line.contains("Index") && line.contains(index)),
            "{text}: {lines:#?}\n{sql}"
        );
        assert!(
            lines.iter().any(|line| line.contains("Index Cond")),
            "{text}: {lines:#?}"
        );
    }
}
