//! What is inside of fields and behind several steps: fixed texts with their answers, on all three evaluators, and the
//! plans of the shapes that must not read a whole table.

use rules::{Auth, Binds, Mode, RowSource, Truth, parse_and_resolve};
use sea_orm::DbBackend;
use sea_orm::sea_query::{Alias, Expr, PostgresQueryBuilder, Query, SqliteQueryBuilder};
use serde_json::json;

use crate::kit::{Asked, Lite, Names, Rows, id, lite_bind, object};
use crate::postgres::{Pg, texts};

fn world() -> Rows {
    let user = |n: usize, boss: usize, name: &str| {
        object(
            json!({"id": id("users", n), "name": name, "age": n, "active": n != 3, "boss": id("users", boss),
            "home": {"lat": 52.52, "lon": 13.405}, "friends": [id("users", n + 1)], "team": null, "notes": {"a": n}}),
        )
    };
    let post = object(json!({
        "id": id("posts", 0), "title": "a", "n": 9_007_199_254_740_991i64, "score": 1e-200, "price": "9999999999999999.99",
        "fee": "99999999999999.9999", "created_at": "0001-01-01T00:30:00.000000Z", "author": id("users", 0),
        "owner": id("users", 2), "place": {"lat": 48.8566, "lon": 2.3522}, "readers": [id("users", 1), id("users", 3)],
        "labels": ["a", "É", "x'y"],
        "meta": {"s": "x", "n": 3, "neg": -2.5, "yes": true, "none": null, "o": {"k": ["a", 1, true, null, {"z": "deep"}]},
            "big": 1e300, "huge": 1e301, "0": "zero", "tiny": 1e-301, "empty": [], "é-_": "é"},
    }));
    let comment = |n: usize, author: usize| {
        object(
            json!({"id": id("comments", n), "post": id("posts", 0), "author": id("users", author), "text": "t",
            "hidden": false, "likes": n}),
        )
    };
    Rows(vec![
        (
            "users",
            vec![
                user(0, 1, "Ann"),
                user(1, 2, "Bob"),
                user(2, 3, "Cid"),
                user(3, 9, "Dan"),
            ],
        ),
        ("posts", vec![post]),
        ("comments", vec![comment(0, 1), comment(1, 2)]),
    ])
}

#[test]
fn the_same_answer_three_times() {
    use Truth::{False as F, True as T, Unknown as U};
    let cases = [
        // JSON: of the right type it compares, of another it is unknown, absent it is null.
        ("\"a\" in labels", T),
        ("\"É\" in labels && \"x'y\" in labels", T),
        ("\"A\" in labels", F),
        ("!(\"b\" in labels)", T),
        ("title in labels", T),
        ("size(labels) == 3", T),
        ("size(labels) > 3", F),
        ("labels == null", F),
        ("json(meta, \"s\") == \"x\"", T),
        ("json(meta, \"s\") != \"x\"", F),
        ("json(meta, \"s\") == 3", U),
        ("json(meta, \"s\") == true", U),
        ("!(json(meta, \"s\") == 3)", U),
        (
            "json(meta, \"n\") == 3 && json(meta, \"n\") < 3.5 && json(meta, \"neg\") < 0",
            T,
        ),
        ("json(meta, \"n\") == \"3\"", U),
        ("json(meta, \"yes\")", T),
        ("json(meta, \"yes\") == false", F),
        ("json(meta, \"n\")", U),
        (
            "json(meta, \"none\") == null && json(meta, \"nope.a[3]\") == null && !has(json(meta, \"none\"))",
            T,
        ),
        (
            "json(meta, \"o\") != null && json(meta, \"empty\") != null",
            T,
        ),
        (
            "json(meta, \"o.k[0]\") == \"a\" && json(meta, \"o.k[4].z\") == \"deep\"",
            T,
        ),
        (
            "json(meta, \"o.k[5]\") == null && json(meta, \"o.k.z\") == null && json(meta, \"o.k.0\") == null",
            T,
        ),
        (
            "json(meta, \"[0]\") == null && json(meta, \"0\") == \"zero\" && json(meta, \"s[0]\") == null",
            T,
        ),
        ("json(meta, \"é-_\") == \"é\"", T),
        ("json(meta, \"big\") > 1e299", T),
        ("json(meta, \"huge\") > 1", U),
        ("json(meta, \"tiny\") == 0", T),
        (
            "json(meta, \"n\") in [1, 3] && json(meta, \"s\") in [\"x\", null]",
            T,
        ),
        (
            "json(meta, \"n\") in params.numbers && json(meta, \"s\") in params.words",
            T,
        ),
        (
            "\"a\" in json(meta, \"o.k\") && 1 in json(meta, \"o.k\") && true in json(meta, \"o.k\")",
            T,
        ),
        (
            "\"b\" in json(meta, \"o.k\") || 2 in json(meta, \"o.k\") || title in json(meta, \"empty\")",
            F,
        ),
        ("\"a\" in json(meta, \"s\")", U),
        ("\"a\" in json(meta, \"nope\")", U),
        ("json(author.boss.notes, \"a\") == 1", T),
        // Places.
        (
            "distance(place, author.home) > 877000 && distance(place, author.home) < 878000",
            T,
        ),
        ("distance(place, place) == 0", T),
        ("distance(point(0, 179.9), point(0, -179.9)) < 22240", T),
        ("distance(place, point(90, 0)) < 5000000", T),
        ("distance(place, next.place) < 1e9", U),
        ("distance(point(score, n), place) > 0", U),
        ("distance(point(score, score), point(0, 0)) == 0", T),
        ("within(place, box(48, 2, 49, 3))", T),
        ("within(place, 48.8566, 2.3522, 48.8566, 2.3522)", T),
        ("within(place, box(48, 3, 49, 2))", F),
        ("within(place, box(48, 3, 49, 2.4))", T),
        (
            "within(point(0, 180), box(-1, 179, 1, -179)) && within(point(0, -180), box(-1, 179, 1, -179))",
            T,
        ),
        ("within(next.place, box(-90, -180, 90, 180))", U),
        ("within(place, box(params.south, -180, 90, 180))", T),
        ("place != null && next.place == null", T),
        // Decimals: exact with each other, with integers and in one sum.
        ("price > fee && fee < price", T),
        ("price == \"9999999999999999.99\" && price < n * 2", T),
        ("price > n && n < price", T),
        ("fee + 0.0001 == 100000000000000", T),
        ("fee - 0.0001 == \"99999999999999.9998\"", T),
        ("price in [fee, \"10.00\"]", F),
        ("price * 1 > fee && price > score", T),
        // Zones: the first day of the calendar has none.
        ("created_at.getHours() == 0", T),
        ("created_at.getHours(\"+02:00\") == 2", U),
        (
            "now.getHours(\"+02:00\") == 14 && now.getHours(\"-12:30\") == 23 && now.getDate(\"-12:30\") == 28",
            T,
        ),
        (
            "now.getMinutes(\"+05:45\") == 45 && now.getMonth(\"UTC\") == 2 && now.getDayOfYear(\"-13:00\") == 58",
            T,
        ),
        // Four steps.
        ("author.boss.boss.boss.name == \"Dan\"", T),
        ("author.boss.boss.boss.boss == null", F),
        ("author.boss.boss.boss.active", F),
        ("editor.boss.name == \"x\" || editor.boss.boss.active", U),
        ("author.boss.comments_via_author.exists(c, c.likes == 0)", T),
        (
            "author.boss.boss.comments_via_author.all(c, c.likes == 0)",
            F,
        ),
        ("editor.comments_via_author.all(c, true)", U),
        ("author.boss.boss.comments_via_author.all(c, false)", F),
        ("author.comments_via_author.all(c, false)", T),
        (
            "comments_via_post.exists(c, c.author.boss.boss.name == \"Dan\")",
            T,
        ),
        ("size(author.boss.comments_via_author) == 1", T),
        ("size(editor.comments_via_author) == 0", U),
        // Lists of records.
        (
            "readers.exists(r, r.name == \"Bob\") && readers.exists_one(r, r.active)",
            T,
        ),
        ("readers.all(r, r.active)", F),
        ("size(readers) == 2", T),
        ("owner in readers", F),
        ("auth.id in readers && auth.id in author.friends", T),
        ("next.owner in readers", U),
        (
            "readers.exists(r, r.friends.exists(f, f.boss.name == \"Dan\"))",
            T,
        ),
        ("author.boss.friends.exists(f, f.name == \"Cid\")", T),
        // Who has a record in a list.
        (
            "readers.exists(r, r.posts_via_readers.exists(p, p.title == \"a\"))",
            T,
        ),
        ("size(author.posts_via_readers) == 0", T),
        ("readers.all(r, size(r.posts_via_readers) == 1)", T),
        ("editor.posts_via_readers.exists(p, true)", U),
        (
            "readers.exists(r, r.users_via_friends.all(u, u.id == r.id))",
            F,
        ),
        ("next.readers.exists(r, true)", U),
    ];
    let rows = world();
    let lite = Lite::new(&rows);
    let mut pg = Pg::new("places");
    pg.fill(&rows);
    for given in [false, true] {
        let asked = Asked {
            auth: Some(Auth {
                id: id("users", 1),
                ..Auth::default()
            }),
            params: object(json!({"numbers": [3, 4], "words": ["x"], "south": "-12.5"})),
            record: Some(rows.0[1].1[0].clone()),
            ..Asked::default()
        };
        for (text, wanted) in cases {
            let names = Names::open();
            let rule = parse_and_resolve(text, "posts", Mode::Filter, &names, Some(&asked.params))
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            let all = (
                lite.ask(&[&rule], &asked.env(), given)[0][0],
                pg.ask(&[&rule], &asked.env(), given)[0][0],
                rule.eval(&asked.env(), &rows),
            );
            assert_eq!(all, (wanted, wanted, wanted), "{text} (given: {given})");
        }
    }
}

/// What came into the tables past the API: numbers that no coordinate and no JSON of ours is.
#[test]
fn rows_that_should_not_be_are_unknown_and_no_error() {
    let rows = world();
    let lite = Lite::new(&rows);
    let mut pg = Pg::new("odd_places");
    pg.fill(&rows);
    let odd = [
        "'NaN'",
        "'Infinity'",
        "'-Infinity'",
        "1e308",
        "-5e-324",
        "91",
    ];
    for value in odd {
        pg.run(&format!(
            "UPDATE {}.posts SET score = {value}, meta = '{{\"n\": 1e400, \"t\": 1e-400}}'",
            pg.schema()
        ));
        let plain = value
            .trim_matches('\'')
            .replace("Infinity", "9e999")
            .replace("NaN", "NULL");
        lite.0
            .execute_batch(&format!(
                "UPDATE posts SET score = {plain}, meta = '{{\"n\": 1e400, \"t\": 1e-400}}'"
            ))
            .unwrap();
        for text in [
            "distance(point(score, 0), place) < 1",
            "within(point(score, score), box(-90, -180, 90, 180))",
            "json(meta, \"n\") > 1",
            "json(meta, \"t\") < -1",
        ] {
            let rule = crate::kit::rule(text, "posts");
            let asked = Asked::default();
            let both = (
                lite.ask(&[&rule], &asked.env(), false)[0][0],
                pg.ask(&[&rule], &asked.env(), false)[0][0],
            );
            assert_eq!(both.0, both.1, "{text} with {value}");
            assert!(
                !both.0.allows() || value == "-5e-324",
                "{text} with {value}"
            );
        }
    }
}

#[test]
fn steps_and_boxes_use_indexes() {
    let params = object(json!({"lat": 52.5, "lon": 13.4, "m": 5_000}));
    let asked = Asked {
        auth: Some(Auth {
            id: id("users", 0),
            ..Auth::default()
        }),
        params: params.clone(),
        ..Asked::default()
    };
    let lite = Lite::new(&Rows::default());
    let mut pg = Pg::new("place_plans");
    let indexes = [
        ("posts", "place_lat", "\"place_lat\", \"place_lon\""),
        ("users", "id", "\"id\""),
        ("users", "boss", "\"boss\""),
        ("comments", "author", "\"author\""),
        ("_pairs_readers", "a", "\"a\", \"b\""),
        ("_pairs_readers", "b", "\"b\", \"a\""),
    ];
    for (table, name, columns) in indexes {
        let sql = format!("CREATE INDEX {table}_{name} ON ");
        lite.0
            .execute_batch(&format!("{sql}{table} ({columns})"))
            .unwrap();
        let schema = pg.schema().to_owned();
        pg.run(&format!("{sql}{schema}.{table} ({columns})"));
    }
    pg.run("SET enable_seqscan = off");
    // The text, the indexes it must use, and how often.
    let cases: [(&str, &[(&str, usize)]); 9] = [
        (
            "within(place, box(52, 13, 53, 14))",
            &[("posts_place_lat", 1)],
        ),
        (
            "within(place, box(params.lat, params.lon, 53, 14))",
            &[("posts_place_lat", 1)],
        ),
        (
            "distance(place, point(params.lat, params.lon)) < params.m",
            &[("posts_place_lat", 1)],
        ),
        (
            "5000 >= distance(point(52.5, 13.4), place)",
            &[("posts_place_lat", 1)],
        ),
        ("author.boss.boss.boss.name == \"x\"", &[("users_id", 4)]),
        (
            "author.boss.comments_via_author.exists(c, c.hidden)",
            &[("users_id", 2), ("comments_author", 1)],
        ),
        (
            "author.users_via_boss.exists(u, u.active)",
            &[("users_id", 1), ("users_boss", 1)],
        ),
        // One value for all rows leads to the rows, else each row's list is looked into.
        ("auth.id in readers", &[("_pairs_readers_b", 1)]),
        ("owner in readers", &[("_pairs_readers_a", 1)]),
    ];
    for (text, used) in cases {
        let names = Names::open();
        let filter = parse_and_resolve(text, "posts", Mode::Filter, &names, Some(&params)).unwrap();
        let select = |backend| {
            let compiled =
                filter.to_sql(backend, RowSource::Alias("r".to_owned()), RowSource::Given);
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
        let values = rusqlite::params_from_iter(values.into_iter().map(lite_bind));
        let rows = statement
            .query_map(values, |row| row.get::<_, String>(3))
            .unwrap();
        let lite_lines: Vec<String> = rows.map(Result::unwrap).collect();

        let (sql, values) = select(DbBackend::Postgres).build(PostgresQueryBuilder);
        let values = texts(Binds::from_values(values).fill(&asked.env()).unwrap());
        let pg_lines = pg.lines(&format!("EXPLAIN {sql}"), values);
        for (index, times) in used {
            let count = |lines: &[String]| lines.iter().filter(|line| line.contains(index)).count();
            assert!(
                count(&lite_lines) >= *times,
                "{text}: {index}: {lite_lines:#?}"
            );
            // A planner may turn steps into joins, and read a table once for several.
            assert!(count(&pg_lines) >= 1, "{text}: {index}: {pg_lines:#?}");
        }
        let reads = pg_lines
            .iter()
            .filter(|line| line.contains("Seq Scan on"))
            .count();
        assert!(reads <= 1, "{text}: {pg_lines:#?}");
    }
}
