//! Every mistake has its kind, its place, and a hint where one helps.

use rules::{ErrorKind, Mode, Truth, parse_and_resolve};
use serde_json::json;

use crate::kit::{Asked, Names, Rows, object, refuse};

#[test]
fn mistakes_are_pointed_at() {
    use ErrorKind as K;
    // text, kind, the characters it points at, a piece of the message or hint
    let cases: &[(&str, K, &str, &str)] = &[
        ("", K::Syntax, "", "not an expression"),
        ("n ==", K::Syntax, "", "not an expression"),
        ("n = 1", K::Syntax, "=", "not an expression"),
        (
            "n == 1 &&\n  title ** 2",
            K::Syntax,
            "*",
            "not an expression",
        ),
        ("name == 'a' OR 1=1--", K::Syntax, "OR", ""),
        ("title == \"open", K::Syntax, "\"", ""),
        ("title == \"a\\u0000\"", K::Value, "\"a\\u0000\"", "NUL"),
        ("n == 9223372036854775808", K::Syntax, "9", "invalid int"),
        ("score == 1e309", K::Syntax, "1", "invalid double"),
        ("nope == 1", K::UnknownName, "nope", "`nope` in `posts`"),
        (
            "n == 1 && record.nope",
            K::UnknownName,
            "record.nope",
            "nope",
        ),
        (
            "author.nope == 1",
            K::UnknownName,
            "author.nope",
            "`nope` in `users`",
        ),
        (
            "auth.password == \"x\"",
            K::UnknownName,
            "auth.password",
            "auth.password",
        ),
        ("auth == null", K::Type, "auth", "auth.id != null"),
        ("request.body == \"x\"", K::UnknownName, "request.body", ""),
        ("now.foo == 1", K::UnknownName, "now.foo", ""),
        ("record == \"x\"", K::Type, "record", "record.id"),
        (
            "n == \"5\"",
            K::Type,
            "n == \"5\"",
            "an integer cannot be compared with a text",
        ),
        (
            "published && (n > title)",
            K::Type,
            "n > title",
            "cannot be compared",
        ),
        ("n", K::Type, "n", "an integer is not a condition"),
        ("1", K::Type, "1", "is not a condition"),
        (
            "title && true",
            K::Type,
            "title",
            "a text is not a condition",
        ),
        ("n + title == 2", K::Type, "title", "needs numbers"),
        ("title + \"x\" == \"ax\"", K::Type, "title", "needs numbers"),
        ("score % 2 == 1", K::Type, "score % 2", "needs integers"),
        (
            "score * score * score * score * score * score * score > 1",
            K::Type,
            "",
            "leave the range",
        ),
        ("published < true", K::Type, "published < true", "no order"),
        ("n < null", K::Type, "n < null", "null has no order"),
        ("null", K::Type, "null", "not a condition"),
        (
            "lower(null) == \"a\"",
            K::Type,
            "null",
            "null can only be compared",
        ),
        ("lower(n) == \"a\"", K::Type, "n", "must be a text"),
        ("meta == \"x\"", K::Type, "meta == \"x\"", "tested for null"),
        ("meta.a == 1", K::Type, "meta", "json(meta,"),
        ("meta == meta", K::Type, "meta == meta", "json(field"),
        (
            "json(title, \"a\") == 1",
            K::Type,
            "title",
            "needs a json field",
        ),
        ("json(meta, title) == 1", K::Type, "title", "text in quotes"),
        ("json(meta) == 1", K::Type, "json(meta)", "cannot be called"),
        (
            "json(meta, \"a\") == json(meta, \"b\")",
            K::Type,
            "json(meta, \"a\")",
            "has a type only beside",
        ),
        (
            "json(meta, \"a\") == owner",
            K::Type,
            "json(meta, \"a\")",
            "has a type only beside",
        ),
        (
            "json(meta, \"a\") == created_at",
            K::Type,
            "json(meta, \"a\")",
            "has a type only beside",
        ),
        (
            "json(meta, \"a\") == place",
            K::Type,
            "json(meta, \"a\")",
            "has a type only beside",
        ),
        ("json(meta, \"a\") < true", K::Type, "", "no order"),
        ("json(meta, \"\") == 1", K::Value, "\"\"", "is not a path"),
        ("place == place", K::Type, "place", "distance(a, b)"),
        ("place < 3", K::Type, "place", "distance(a, b)"),
        ("place in [place]", K::Type, "place", "looked for in a list"),
        ("place.lat > 3", K::Type, "place", "has no fields"),
        ("point(1, 2) == null", K::Type, "1", "only fields"),
        (
            "point(91, 2) == null",
            K::Value,
            "91",
            "latitude comes first",
        ),
        (
            "distance(place, point(0, -180.5)) < 1",
            K::Value,
            "-180.5",
            "between -180 and 180",
        ),
        (
            "distance(place, title) < 1",
            K::Type,
            "title",
            "must be a point",
        ),
        (
            "distance(place) < 1",
            K::Type,
            "distance(place)",
            "cannot be called",
        ),
        (
            "within(place, box(1, 2, 3))",
            K::Type,
            "within(place, box(1, 2, 3))",
            "south, west, north, east",
        ),
        (
            "within(place, box(3, 0, 1, 0))",
            K::Value,
            "within(place, box(3, 0, 1, 0))",
            "south",
        ),
        (
            "within(place, 1, 2, \"x\", 4)",
            K::Type,
            "\"x\"",
            "must be a number",
        ),
        (
            "within(n, box(1, 2, 3, 4))",
            K::Type,
            "n",
            "must be a point",
        ),
        (
            "box(1, 2, 3, 4) == 1",
            K::Type,
            "box(1, 2, 3, 4)",
            "cannot be called",
        ),
        ("readers == null", K::Type, "readers", "size(readers)"),
        ("title in readers", K::Type, "title", "must be an id"),
        (
            "readers.exists(r, r.nope)",
            K::UnknownName,
            "r.nope",
            "`users`",
        ),
        (
            "created_at.getHours(\"Europe/Berlin\") == 1",
            K::Value,
            "\"Europe/Berlin\"",
            "zones with names",
        ),
        (
            "created_at.getHours(\"+19:00\") == 1",
            K::Value,
            "\"+19:00\"",
            "offset",
        ),
        (
            "created_at.getHours(\"+2:00\") == 1",
            K::Value,
            "\"+2:00\"",
            "offset",
        ),
        (
            "created_at.getHours(title) == 1",
            K::Type,
            "title",
            "in quotes",
        ),
        (
            "due.getMonth(\"+02:00\") == 1",
            K::Type,
            "\"+02:00\"",
            "no zone",
        ),
        (
            "price < owner",
            K::Type,
            "price < owner",
            "cannot be compared",
        ),
        ("price % 2 == 0", K::Type, "price % 2", "needs integers"),
        (
            "title.x == 1",
            K::Type,
            "title",
            "is a text and has no fields",
        ),
        ("owner == \"me\"", K::Value, "\"me\"", "an id looks like"),
        (
            "created_at > \"2026-02-30T00:00:00Z\"",
            K::Value,
            "\"2026-02-30T00:00:00Z\"",
            "timestamp",
        ),
        (
            "created_at > timestamp(\"yesterday\")",
            K::Value,
            "\"yesterday\"",
            "timestamp",
        ),
        (
            "due == \"2026-02-30\"",
            K::Value,
            "\"2026-02-30\"",
            "a date looks like",
        ),
        ("due < now", K::Type, "due < now", "the day in quotes"),
        (
            "price == 1.005",
            K::Value,
            "1.005",
            "2 digits after the point",
        ),
        (
            "created_at > now - duration(\"1 week\")",
            K::Value,
            "\"1 week\"",
            "90m",
        ),
        (
            "created_at + duration(\"1h\") > created_at",
            K::Unsupported,
            "",
            "one constant side",
        ),
        (
            "timestamp(\"9999-12-31T23:00:00Z\") + duration(\"2h\") > created_at",
            K::Overflow,
            "",
            "9999",
        ),
        ("now * 2 == now", K::Type, "now * 2", "does not go with"),
        (
            "title.matches(\"a.*\")",
            K::UnknownFunction,
            "title.matches(\"a.*\")",
            "matches_like",
        ),
        (
            "zeroblob(9) == 1",
            K::UnknownFunction,
            "zeroblob(9)",
            "the functions are",
        ),
        (
            "title.replace(\"a\", \"b\") == \"\"",
            K::UnknownFunction,
            "title.replace(\"a\", \"b\")",
            "",
        ),
        ("meta[\"a\"] == 1", K::UnknownFunction, "[", "x in list"),
        (
            "lower(title, title) == \"a\"",
            K::Type,
            "lower(title, title)",
            "cannot be called",
        ),
        ("{\"a\": 1} == 1", K::UnknownFunction, "{", "maps"),
        ("n == 1u", K::UnknownFunction, "1u", "without `u`"),
        (
            "title == b\"x\"",
            K::UnknownFunction,
            "b\"x\"",
            "byte strings",
        ),
        ("title in body", K::Type, "body", "list of values"),
        (
            "title in comments_via_post",
            K::Type,
            "comments_via_post",
            "exists",
        ),
        (
            "auth.roles == \"admin\"",
            K::Type,
            "auth.roles",
            "only stand after `in`",
        ),
        ("n in [1, \"a\"]", K::Type, "\"a\"", "must be an integer"),
        ("owner in [\"x\"]", K::Value, "\"x\"", "an id"),
        (
            "comments_via_post == 1",
            K::Type,
            "comments_via_post",
            ".exists(x, ...)",
        ),
        (
            "comments_via_nope.exists(c, true)",
            K::UnknownName,
            "comments_via_nope",
            "_via_",
        ),
        ("author.exists(c, true)", K::UnknownName, "author", "_via_"),
        (
            "collection(\"sqlite_master\").exists(c, true)",
            K::UnknownName,
            "\"sqlite_master\"",
            "",
        ),
        (
            "collection(title).exists(c, true)",
            K::Type,
            "collection(title)",
            "one name in quotes",
        ),
        (
            "comments_via_post.exists(c.x, true)",
            K::Syntax,
            "c.x",
            "new name",
        ),
        (
            "comments_via_post.exists(auth, true)",
            K::Syntax,
            "auth",
            "new name",
        ),
        (
            "comments_via_post.map(c, c.likes)",
            K::UnknownFunction,
            "comments_via_post.map(c, c.likes)",
            "exists",
        ),
        ("comments_via_post.exists(c, c == 1)", K::Type, "c", "c.id"),
        (
            "comments_via_post.exists(c, c.nope)",
            K::UnknownName,
            "c.nope",
            "`comments`",
        ),
        (
            "body.matches_like(title)",
            K::Type,
            "title",
            "constant or a parameter",
        ),
        (".n == 1", K::Syntax, "n", "begin with a dot"),
        ("n.?x == 1", K::Syntax, "", ""),
    ];
    for (text, kind, points_at, says) in cases {
        let error = refuse(text, Mode::Rule, &json!({}));
        assert_eq!(error.kind, *kind, "{text}: {error}");
        if !points_at.is_empty() {
            let pointed = error.span.of(text);
            assert!(
                points_at.starts_with(&pointed)
                    && !pointed.is_empty()
                    && (*kind == K::Syntax || pointed == *points_at),
                "{text}: points at `{pointed}`, not `{points_at}`: {error}"
            );
        }
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
}

#[test]
fn positions_count_characters() {
    let text = "title == \"日本語😀\" && nope == 1";
    let error = refuse(text, Mode::Rule, &json!({}));
    assert_eq!(error.span.of(text), "nope");
}

#[test]
fn parameters_are_checked_where_they_are_written() {
    let refused = |text: &str, params: serde_json::Value| refuse(text, Mode::Filter, &params);
    let error = refused("n == params.x", json!({}));
    assert_eq!(
        (error.kind, error.span.start),
        (ErrorKind::Param, 5),
        "{error}"
    );
    assert!(error.message.contains("params.x"));
    assert_eq!(
        refused("n == params.x", json!({"x": null})).kind,
        ErrorKind::Param
    );
    assert_eq!(
        refused("n == params.x", json!({"x": {"a": 1}})).kind,
        ErrorKind::Param
    );
    assert_eq!(
        refused("n == params.x", json!({"x": true})).kind,
        ErrorKind::Type
    );
    assert_eq!(
        refuse("n == params.x", Mode::Rule, &json!({"x": 1})).kind,
        ErrorKind::UnknownName
    );

    // A text takes its type from the other side, and is refused with its place when it is bound.
    let wrong = [
        ("n == params.x", json!("1; drop table")),
        ("owner == params.x", json!("not-an-id")),
        ("created_at < params.x", json!("2026-02-30")),
        ("price < params.x", json!("9.999")),
        ("distance(place, point(params.x, 0)) < 5", json!("90.01")),
        ("within(place, 0, params.x, 1, 1)", json!("-180.01")),
        ("json(meta, \"a\") == params.x", json!("a\u{0}b")),
        ("owner in params.x", json!(["not-an-id"])),
        ("title == params.x", json!("a\u{0}b")),
        ("title.matches_like(params.x)", json!("x".repeat(1_001))),
        ("n in params.x", json!(vec![1; 10_001])),
    ];
    for (text, value) in wrong {
        let params = object(json!({"x": value}));
        let names = Names::open();
        let resolved =
            parse_and_resolve(text, "posts", Mode::Filter, &names, Some(&params)).unwrap();
        let asked = Asked {
            params,
            ..Asked::default()
        };
        for backend in [sea_orm::DbBackend::Sqlite, sea_orm::DbBackend::Postgres] {
            let select = crate::kit::statement(&[&resolved], backend, false);
            let (_, values) = select.build(sea_orm::sea_query::SqliteQueryBuilder);
            let error = rules::Binds::from_values(values)
                .fill(&asked.env())
                .unwrap_err();
            assert!(
                error.span.of(text).starts_with("params.x"),
                "{text}: {error}"
            );
            assert!(
                matches!(error.kind, ErrorKind::Param | ErrorKind::Limit(_)),
                "{text}: {error}"
            );
        }
        assert_eq!(
            resolved.eval(&asked.env(), &Rows::default()),
            Truth::Unknown,
            "{text}"
        );
    }
}
