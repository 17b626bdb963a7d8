//! Random texts of the language: well-typed, at every depth, with nulls and absent values.

use proptest::prelude::*;
use proptest::strategy::Union;

use crate::kit::id;

fn pick(options: &[&str]) -> Union<Just<String>> {
    Union::new(options.iter().map(|option| Just((*option).to_owned())))
}

fn equality() -> Union<Just<String>> {
    pick(&["==", "!="])
}

fn order() -> Union<Just<String>> {
    pick(&["==", "!=", "<", "<=", ">", ">="])
}

/// The names within reach: the record, and the rows of macros around.
#[derive(Clone)]
struct Reach {
    ints: Vec<&'static str>,
    texts: Vec<&'static str>,
    ids: Vec<&'static str>,
    bools: Vec<&'static str>,
}

fn reach(depth: usize) -> Reach {
    let mut reach = Reach {
        ints: vec![
            "n",
            "author.age",
            "editor.age",
            "auth.level",
            "auth.claims.rank",
            "next.n",
            "author.boss.age",
            "editor.boss.boss.boss.age",
        ],
        texts: vec![
            "title",
            "body",
            "author.name",
            "editor.name",
            "auth.email",
            "request.method",
            "auth.claims.word",
            "request.query.q",
            "record.title",
            "author.boss.name",
            "author.boss.boss.name",
        ],
        ids: vec![
            "owner",
            "author",
            "editor",
            "author.team",
            "author.boss",
            "editor.boss.team",
            "auth.id",
            "id",
            "next.owner",
            "auth.claims.org",
        ],
        bools: vec![
            "published",
            "author.active",
            "auth.verified",
            "auth.claims.admin",
        ],
    };
    if depth >= 1 {
        reach
            .ints
            .extend(["c.likes", "c.author.age", "c.post.author.age"]);
        reach
            .texts
            .extend(["c.text", "c.author.name", "c.post.author.name"]);
        reach.ids.extend(["c.author", "c.post", "c.id"]);
        reach.bools.extend(["c.hidden", "c.author.active"]);
    }
    if depth >= 2 {
        reach.ints.push("u.age");
        reach.texts.push("u.name");
        reach.ids.extend(["u.id", "u.team"]);
        reach.bools.push("u.active");
    }
    reach
}

fn ints(reach: &Reach) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        4 => pick(&reach.ints),
        2 => (-3i64..8).prop_map(|n| n.to_string()),
        1 => pick(&["size(comments_via_post)", "size(readers)", "size(author.friends)",
                    "size(editor.boss.posts_via_author)", "size(next.readers)", "size(author.posts_via_readers)"]),
        1 => pick(&["size(title)", "size(body)", "created_at.getMonth()", "due.getDayOfWeek()",
                    "created_at.getHours()", "created_at.getMilliseconds()", "params.k",
                    "due.getDayOfYear()", "created_at.getSeconds()", "now.getDayOfMonth()",
                    "created_at.getHours(\"+05:30\")", "created_at.getDate(\"-08:00\")",
                    "request.time.getDayOfWeek(\"+14:00\")", "created_at.getMilliseconds(\"-00:30\")"]),
    ];
    leaf.boxed()
}

fn numbers(reach: &Reach) -> BoxedStrategy<String> {
    let ints = ints(reach);
    let leaf = prop_oneof![
        4 => ints.clone(),
        2 => pick(&["score", "2.5", "-0.5", "3.0", "params.x"]),
        2 => pick(&["price", "fee", "next.price"]),
    ];
    let sum = (
        leaf.clone(),
        pick(&["+", "-", "*", "/"]),
        leaf.clone(),
        pick(&["+", "-", "*"]),
        leaf.clone(),
    )
        .prop_map(|(a, o, b, p, c)| format!("({a} {o} {b}) {p} {c}"));
    let divided = (ints.clone(), pick(&["/", "%"]), ints)
        .prop_filter("constants are not all there is", |(a, _, b)| {
            !a.starts_with(char::is_numeric) || !b.starts_with(char::is_numeric)
        })
        .prop_map(|(a, o, b)| format!("{a} {o} {b}"));
    prop_oneof![5 => leaf, 2 => sum, 2 => divided].boxed()
}

fn texts(reach: &Reach) -> BoxedStrategy<String> {
    let constant = pick(&["\"\"", "\"a\"", "\"Ab\"", "\"É\"", "\"50%_!\"", "params.s"]);
    let leaf = prop_oneof![4 => pick(&reach.texts), 2 => constant];
    prop_oneof![4 => leaf.clone(), 1 => leaf.prop_map(|t| format!("lower({t})"))].boxed()
}

fn ids(reach: &Reach) -> BoxedStrategy<String> {
    let constants = [
        format!("\"{}\"", id("users", 1)),
        format!("\"{}\"", id("teams", 0)),
        "params.u".to_owned(),
    ];
    let constants: Vec<&str> = constants.iter().map(String::as_str).collect();
    prop_oneof![4 => pick(&reach.ids), 1 => pick(&constants)].boxed()
}

fn moments() -> BoxedStrategy<String> {
    prop_oneof![
        3 => pick(&["created_at", "now", "request.time", "params.t"]),
        1 => pick(&["timestamp(\"2026-02-28T23:30:00+01:00\")", "\"2026-03-01T00:00:00Z\""]),
        2 => (pick(&["now", "request.time", "params.t"]), pick(&["+", "-"]), pick(&["90m", "36h", "1500us"]))
            .prop_map(|(m, o, d)| format!("{m} {o} duration(\"{d}\")")),
    ]
    .boxed()
}

/// A test of values.
fn atom(depth: usize) -> BoxedStrategy<String> {
    let reach = reach(depth);
    let (numbers, texts, ids) = (numbers(&reach), texts(&reach), ids(&reach));
    let bools = pick(&reach.bools);
    let nullable = prop_oneof![
        pick(&reach.texts),
        pick(&reach.ints),
        pick(&reach.ids),
        pick(&reach.bools),
        pick(&[
            "meta",
            "due",
            "price",
            "auth.roles",
            "auth.claims.list",
            "size(body)"
        ]),
    ];
    prop_oneof![
        3 => bools.clone(),
        1 => pick(&["true", "false"]),
        4 => (numbers.clone(), order(), numbers.clone())
            .prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        4 => (texts.clone(), order(), texts.clone()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        4 => (ids.clone(), order(), ids.clone()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        2 => (moments(), order(), moments()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        1 => pick(&["created_at + duration(\"24h\") > now", "now - created_at < duration(\"36h\")",
                    "duration(\"1h\") <= created_at - now"]),
        1 => (order(), pick(&["\"2026-03-01\"", "\"2025-12-31\"", "params.d"]))
            .prop_map(|(o, d)| format!("due {o} {d}")),
        1 => (order(), pick(&["10", "9.99", "\"10.50\"", "params.m", "price"]))
            .prop_map(|(o, p)| format!("price {o} {p}")),
        2 => (pick(&["price", "fee", "price + 0.01", "price - next.price", "-fee", "price + price"]), order(),
              pick(&["fee", "n", "score", "author.age", "price", "size(title)", "next.fee", "json(meta, \"n\")"]))
            .prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        1 => pick(&["price in [fee, 10, n]", "fee in [price]", "price in params.prices"]),
        1 => (pick(&["exists", "all", "exists_one"]), pick(&["author.boss.comments_via_author", "editor.boss.boss.comments_via_author",
            "author.boss.boss.friends", "author.boss.users_via_friends", "editor.posts_via_readers"]))
            .prop_map(|(m, s)| {
                let body = match s.rsplit(['.', '_']).next() {
                    Some("friends") => "d.active || d.name == auth.email",
                    Some("readers") => "d.published || d.n > 2",
                    _ => "d.hidden || d.likes > 2",
                };
                format!("{s}.{m}(d, {body})")
            }),
        3 => json(),
        3 => geo(),
        1 => (ids.clone(), pick(&["readers", "author.friends", "next.readers", "editor.boss.friends"]))
            .prop_map(|(a, l)| format!("{a} in {l}")),
        1 => (bools.clone(), equality(), bools).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        3 => (nullable.clone(), equality()).prop_map(|(a, o)| format!("{a} {o} null")),
        1 => nullable.prop_filter("has takes names", |n| !n.contains('('))
            .prop_map(|a| format!("has({a})")),
        2 => (texts.clone(), pick(&["contains", "startsWith", "endsWith"]), texts.clone())
            .prop_map(|(a, f, b)| format!("{}.{f}({b})", name_of(&a))),
        1 => (texts.clone(), pick(&["\"A\"", "\"a%b\"", "\"%É\"", "\"_\"", "\"50%\"", "params.s",
            "auth.claims.word", "\"!\""])).prop_map(|(a, p)| format!("{}.matches_like({p})", name_of(&a))),
        2 => (texts.clone(), prop::collection::vec(texts.clone(), 0..4))
            .prop_map(|(a, l)| format!("{a} in [{}]", l.join(", "))),
        2 => (ids.clone(), prop::collection::vec(ids.clone(), 0..4))
            .prop_map(|(a, l)| format!("{a} in [{}]", l.join(", "))),
        2 => (numbers.clone(), prop::collection::vec(numbers, 0..3))
            .prop_map(|(a, l)| format!("{a} in [{}]", l.join(", "))),
        2 => (ids, pick(&["auth.teams", "params.ids", "params.none"]))
            .prop_map(|(a, l)| format!("{a} in {l}")),
        2 => (texts, pick(&["auth.roles", "params.words", "auth.claims.list"]))
            .prop_map(|(a, l)| format!("{a} in {l}")),
        1 => pick(&["n in params.ints", "score in params.ints", "price in params.prices",
                    "created_at in params.times", "published in params.flags"]),
    ]
    .boxed()
}

/// Tests of the inside of a json field.
fn json() -> BoxedStrategy<String> {
    let path = || {
        let path = pick(&[
            "s", "n", "b", "list[0]", "list[1]", "list", "a.b[0]", "a.b", "a", "none", "a.b[0].c",
            "0", "list.0", "s.x", "s[0]", "é-_", "[0]",
        ]);
        (pick(&["meta", "meta", "next.meta", "author.notes"]), path)
            .prop_map(|(field, path)| format!("json({field}, \"{path}\")"))
    };
    let operand = || {
        pick(&[
            "\"a\"",
            "\"É\"",
            "1",
            "2.5",
            "true",
            "title",
            "n",
            "score",
            "published",
            "params.s",
            "params.k",
            "auth.id",
            "auth.claims.word",
            "request.query.q",
            "price",
        ])
    };
    prop_oneof![
        3 => (path(), equality(), operand()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        2 => (path(), order(), pick(&["\"a\"", "1", "2.5", "n", "score"])).prop_map(|(a, o, b)| format!("{b} {o} {a}")),
        2 => (path(), equality()).prop_map(|(a, o)| format!("{a} {o} null")),
        1 => path().prop_map(|a| format!("has({a})")),
        1 => path(),
        1 => (path(), pick(&["[\"a\", \"É\"]", "[1, 2.5, null]", "[true]", "params.words", "params.ints", "auth.roles",
            "[title, \"a\"]", "[n, score]"])).prop_map(|(a, l)| format!("{a} in {l}")),
        2 => (operand(), pick(&["list", "a.b", "a", "s", "none"]))
            .prop_map(|(a, l)| format!("{a} in json(meta, \"{l}\")")),
        1 => path().prop_map(|a| format!("{a}.contains(\"a\")")),
        1 => path().prop_map(|a| format!("(lower({a}) == \"a\" || size({a}) > 1)")),
        1 => path().prop_map(|a| format!("{a} * 2 + 1 > n")),
        1 => path().prop_map(|a| format!("(published ? {a} : title) == \"a\"")),
    ]
    .boxed()
}

/// Tests of places.
fn geo() -> BoxedStrategy<String> {
    let point = || {
        pick(&[
            "place",
            "author.home",
            "next.place",
            "point(52.5, 13.4)",
            "point(0, 180)",
            "point(score, n)",
            "point(params.x, params.k)",
            "point(-89.9, -179.9)",
            "author.boss.home",
        ])
    };
    let metres = pick(&[
        "1000",
        "877464",
        "1e7",
        "n * 1000000",
        "0",
        "params.k",
        "2.0015e7",
        "score",
    ]);
    let edges = pick(&[
        "52, 13, 53, 14",
        "-90, -180, 90, 180",
        "-10, 170, 10, -170",
        "0, n, 60, score",
        "params.x, params.k, 60, 20",
        "-n, -179.95, 80, auth.level",
        "0, 0, 0, 0",
    ]);
    prop_oneof![
        3 => (point(), point(), order(), metres).prop_map(|(a, b, o, m)| format!("distance({a}, {b}) {o} {m}")),
        1 => (point(), point(), point())
            .prop_map(|(a, b, c)| format!("distance({a}, {b}) < distance({b}, {c})")),
        3 => (point(), edges.clone()).prop_map(|(p, e)| format!("within({p}, box({e}))")),
        1 => (point(), edges).prop_map(|(p, e)| format!("within({p}, {e})")),
        1 => (pick(&["place", "author.home", "next.place"]), equality())
            .prop_map(|(p, o)| format!("{p} {o} null")),
    ]
    .boxed()
}

/// A text constant in brackets, since `"a".contains(...)` reads badly but parses alike.
fn name_of(text: &str) -> String {
    text.to_owned()
}

/// A condition; `depth` counts the macros around.
pub fn cond(depth: usize) -> BoxedStrategy<String> {
    let mut leaves = vec![(6, atom(depth))];
    if depth < 2 {
        // What is bound to `c` has a text, and what is bound to `u` a name.
        let source = if depth == 0 {
            pick(&[
                "comments_via_post",
                "collection(\"comments\")",
                "author.comments_via_author",
            ])
            .boxed()
        } else {
            pick(&[
                "collection(\"users\")",
                "readers",
                "author.friends",
                "c.author.friends",
                "c.post.readers",
                "author.boss.users_via_boss",
                "author.users_via_friends",
                "c.author.users_via_friends",
                "next.readers",
            ])
            .boxed()
        };
        let var = if depth == 0 { "c" } else { "u" };
        let over = (
            source,
            pick(&["exists", "all", "exists_one"]),
            cond(depth + 1),
        )
            .prop_map(move |(s, m, body)| format!("{s}.{m}({var}, {body})"));
        leaves.push((2, over.boxed()));
    }
    let leaf = Union::new_weighted(leaves);
    let levels = if depth == 0 { 3 } else { 2 };
    leaf.prop_recursive(levels, 12, 3, |inner| {
        prop_oneof![
            2 => inner.clone().prop_map(|a| format!("!({a})")),
            3 => prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|terms| format!("({})", terms.join(" && "))),
            3 => prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|terms| format!("({})", terms.join(" || "))),
            2 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(c, a, b)| format!("(({c}) ? ({a}) : ({b}))")),
            1 => (inner.clone(), equality(), inner.clone())
                .prop_map(|(a, o, b)| format!("(({a}) {o} ({b}))")),
            1 => (inner.clone(), pick(&["n", "author.age", "2"]), order())
                .prop_map(|(c, n, o)| format!("((({c}) ? {n} : size(title)) {o} 2)")),
            1 => inner.prop_map(|a| format!("(({a}) == null)")),
        ]
    })
    .boxed()
}
