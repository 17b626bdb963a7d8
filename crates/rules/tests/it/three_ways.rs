//! SQLite, PostgreSQL and memory must give the same one of the three answers, for random texts
//! over random rows.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rules::{
    Auth, ErrorKind, Limit, Mode, Request, Resolved, Row, Truth, World, parse_and_resolve,
};
use serde_json::{Value as Json, json};

use crate::kit::{Asked, Lite, Names, Rows, id, object};
use crate::postgres::Pg;
use crate::texts::cond;

/// Per half: the comparison runs in two halves, side by side.
const WORLDS: usize = 6;
const TEXTS_PER_WORLD: usize = 175;
const BATCH: usize = 10;

fn sometimes(strategy: impl Strategy<Value = Json> + 'static) -> BoxedStrategy<Json> {
    prop_oneof![1 => Just(Json::Null), 3 => strategy].boxed()
}

fn one_of(options: Vec<Json>) -> BoxedStrategy<Json> {
    proptest::sample::select(options).boxed()
}

fn user_id() -> BoxedStrategy<Json> {
    // The last one is nobody, so that hops can lead nowhere.
    (0usize..5).prop_map(|n| json!(id("users", n))).boxed()
}

fn words() -> BoxedStrategy<Json> {
    one_of(
        [
            "", "a", "A", "Ab", "ab", "aéb", "É", "50%_!", "x'y", "b\"c", "GET", "😀a",
        ]
        .map(Json::from)
        .to_vec(),
    )
}

fn team() -> BoxedStrategy<Json> {
    (0usize..3).prop_map(|n| json!(id("teams", n))).boxed()
}

fn flag() -> BoxedStrategy<Json> {
    any::<bool>().prop_map(Json::from).boxed()
}

fn moment() -> BoxedStrategy<Json> {
    one_of(
        [
            "2026-02-28T22:30:00.000000Z",
            "2026-02-28T23:59:59.999999Z",
            "2026-03-01T12:00:00.000000Z",
            "2026-03-02T12:00:00.001500Z",
            "2025-12-31T00:00:01.123456Z",
        ]
        .map(Json::from)
        .to_vec(),
    )
}

fn meta() -> BoxedStrategy<Json> {
    let value = || {
        one_of(vec![
            json!("a"),
            json!("É"),
            json!(""),
            json!(1),
            json!(2.5),
            json!(-3),
            json!(true),
            json!(false),
            json!(null),
            json!({"c": "a"}),
            json!(["a", 1]),
            json!(1e308),
            json!(1e-308),
            json!(u64::MAX),
        ])
    };
    let object = (
        value(),
        value(),
        value(),
        prop::collection::vec(value(), 0..4),
        value(),
    )
        .prop_map(|(s, n, b, list, at)| {
            json!({"s": s, "n": n, "b": b, "list": list, "a": {"b": [at, "a"]}, "0": n, "é-_": s})
        });
    prop_oneof![5 => object, 1 => value()].boxed()
}

fn place() -> BoxedStrategy<Json> {
    let at = |(lat, lon): (f64, f64)| json!({"lat": lat, "lon": lon});
    let known = [
        (52.52, 13.405),
        (48.8566, 2.3522),
        (0.0, 180.0),
        (0.0, -180.0),
        (90.0, 0.0),
        (-89.9, -179.9),
        (5.25, 172.5),
        (1e-300, 0.0),
    ];
    prop_oneof![
        one_of(known.map(at).to_vec()),
        (-90f64..90.0, -180f64..180.0).prop_map(at),
    ]
    .boxed()
}

fn post(n: usize) -> BoxedStrategy<Row> {
    let first = (
        sometimes(words()),
        sometimes(words()),
        sometimes((-3i64..8).prop_map(Json::from).boxed()),
        sometimes(one_of(vec![
            json!(2.5),
            json!(-0.5),
            json!(3.0),
            json!(0.0),
            json!(1e200),
            json!(1e-200),
        ])),
        sometimes(one_of(vec![
            json!("10.00"),
            json!("9.99"),
            json!("-0.50"),
            json!("10.50"),
        ])),
        sometimes(flag()),
    );
    let second = (
        sometimes(moment()),
        sometimes(one_of(vec![json!("2026-03-01"), json!("2025-12-31")])),
        sometimes(user_id()),
        sometimes(user_id()),
        sometimes(user_id()),
        sometimes(meta()),
        sometimes(one_of(vec![
            json!("10.0000"),
            json!("9.9901"),
            json!("-0.5000"),
            json!("3.0000"),
        ])),
        sometimes(place()),
        prop::collection::vec(user_id(), 0..4),
    );
    (first, second)
        .prop_map(
            move |(
                (title, body, n_, score, price, published),
                (created_at, due, owner, author, editor, meta, fee, place, readers),
            )| {
                object(json!({
                    "id": id("posts", n), "title": title, "body": body, "n": n_, "score": score,
                    "price": price, "published": published, "created_at": created_at, "due": due,
                    "owner": owner, "author": author, "editor": editor, "meta": meta, "fee": fee,
                    "place": place, "readers": readers,
                }))
            },
        )
        .boxed()
}

fn user(n: usize) -> BoxedStrategy<Row> {
    (
        sometimes(words()),
        sometimes((0i64..6).prop_map(Json::from)),
        sometimes(team()),
        sometimes(flag()),
        sometimes(user_id()),
        sometimes(place()),
        prop::collection::vec(user_id(), 0..3),
        sometimes(meta()),
    )
        .prop_map(
            move |(name, age, team, active, boss, home, friends, notes)| {
                object(json!({
                    "id": id("users", n), "name": name, "age": age, "team": team, "active": active,
                    "boss": boss, "home": home, "friends": friends, "notes": notes,
                }))
            },
        )
        .boxed()
}

fn comment(n: usize) -> BoxedStrategy<Row> {
    let post = (0usize..6).prop_map(|n| json!(id("posts", n)));
    (
        sometimes(post),
        sometimes(user_id()),
        sometimes(words()),
        sometimes(flag()),
        sometimes((0i64..6).prop_map(Json::from)),
    )
        .prop_map(move |(post, author, text, hidden, likes)| {
            object(json!({
                "id": id("comments", n), "post": post, "author": author, "text": text,
                "hidden": hidden, "likes": likes,
            }))
        })
        .boxed()
}

fn world() -> BoxedStrategy<Rows> {
    let comments = (0usize..9).prop_flat_map(|n| (0..n).map(comment).collect::<Vec<_>>());
    (
        (0..4).map(user).collect::<Vec<_>>(),
        (0..7).map(post).collect::<Vec<_>>(),
        comments,
    )
        .prop_map(|(users, posts, comments)| {
            Rows(vec![
                ("users", users),
                ("posts", posts),
                ("comments", comments),
            ])
        })
        .boxed()
}

fn asked() -> BoxedStrategy<Asked> {
    let claims = (
        sometimes(one_of(vec![json!(3), json!("2"), json!("x"), json!(2.5)])),
        sometimes(words()),
        sometimes(team()),
        sometimes(flag()),
        sometimes(one_of(vec![
            json!([]),
            json!(["a", null, "Ab"]),
            json!("a"),
            json!([1, "É"]),
        ])),
    );
    let auth = (
        (0usize..4),
        sometimes(words()),
        any::<bool>(),
        prop::collection::vec(words(), 0..3),
        prop::collection::vec(team(), 0..3),
        1i64..3,
        claims,
    )
        .prop_map(
            |(n, email, verified, roles, teams, level, (rank, word, org, admin, list))| Auth {
                id: id("users", n),
                email: email.as_str().map(str::to_owned),
                verified,
                anonymous: !verified,
                roles: roles
                    .iter()
                    .filter_map(|r| r.as_str().map(str::to_owned))
                    .collect(),
                claims: object(
                    json!({"rank": rank, "word": word, "org": org, "admin": admin, "list": list}),
                ),
                teams: teams
                    .iter()
                    .filter_map(|t| t.as_str().map(str::to_owned))
                    .collect(),
                level,
            },
        );
    let auth = prop_oneof![1 => Just(None), 3 => auth.prop_map(Some)];
    (auth, sometimes(words()), prop_oneof![Just(None), post(20).prop_map(Some)])
        .prop_map(|(auth, q, next)| Asked {
            auth,
            request: Request {
                method: "GET".to_owned(),
                time: "2026-03-01T11:59:59.000000Z".to_owned(),
                ip_network: None,
                query: object(json!({"q": q})),
            },
            params: object(json!({
                "k": 2, "x": 2.5, "s": "Ab", "u": id("users", 2).to_uppercase(),
                "t": "2026-03-01T13:00:00+01:00", "d": "2026-03-01", "m": "10.5",
                "ids": [id("users", 0), null, id("teams", 1)], "none": [], "words": ["a", "É", "x'y"],
                "ints": [2, "3", null], "prices": ["10.5", 9.99], "times": ["2026-03-01T12:00:00Z"],
                "flags": [true, "false"],
            })),
            record: None,
            next,
        }).boxed()
}

#[test]
fn all_three_agree() {
    compare("three_ways", 1);
}

#[test]
fn all_three_agree_again() {
    compare("three_ways_again", 2);
}

/// A thousand texts from a fixed seed.
fn compare(name: &str, seed: u8) {
    let started = std::time::Instant::now();
    let mut pg = Pg::new(name);
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let mut sample = |strategy: &BoxedStrategy<String>| {
        strategy.new_tree(&mut runner).expect("a text").current()
    };
    let mut texts_left = vec![];
    let conds = cond(0);
    for _ in 0..WORLDS * TEXTS_PER_WORLD {
        texts_left.push(sample(&conds));
    }
    let (worlds, askings) = (world(), asked());
    let (mut texts, mut cases, mut too_large) = (0usize, 0usize, 0usize);
    let mut counts = std::collections::BTreeMap::new();
    for number in 0..WORLDS {
        let rows = worlds.new_tree(&mut runner).expect("a world").current();
        let asked = askings.new_tree(&mut runner).expect("a request").current();
        let names = if number % 3 == 2 {
            Names::guarded()
        } else {
            Names::open()
        };
        let lite = Lite::new(&rows);
        pg.fill(&rows);
        let mut resolved: Vec<Resolved> = vec![];
        for _ in 0..TEXTS_PER_WORLD {
            let text = texts_left.pop().unwrap_or_default();
            let params = Some(&asked.params);
            match parse_and_resolve(&text, "posts", Mode::Filter, &names, params) {
                Ok(one) => resolved.push(one),
                Err(error)
                    if matches!(
                        error.kind,
                        ErrorKind::Limit(
                            Limit::Size | Limit::Characters | Limit::Depth | Limit::Nodes
                        )
                    ) =>
                {
                    too_large += 1;
                }
                Err(error) => panic!("{text}\n{error}"),
            }
        }
        for (batch, rules) in resolved.chunks(BATCH).enumerate() {
            let rules: Vec<&Resolved> = rules.iter().collect();
            let mut posts = rows.rows("posts");
            let given = batch % 4 == 3;
            if given {
                posts = vec![posts.swap_remove(batch % 7)];
            }
            let mut asked = asked.clone();
            asked.record = given.then(|| posts[0].clone());
            let by_lite = lite.ask(&rules, &asked.env(), given);
            let by_pg = pg.ask(&rules, &asked.env(), given);
            for (row, post) in posts.iter().enumerate() {
                let mut asked = asked.clone();
                asked.record = Some(post.clone());
                for (column, rule) in rules.iter().enumerate() {
                    let in_memory = rule.eval(&asked.env(), &rows);
                    let all = (by_lite[row][column], by_pg[row][column], in_memory);
                    assert!(
                        all.0 == all.1 && all.1 == all.2,
                        "SQLite, PostgreSQL and memory say {all:?} to\n{}\nfor {}\nasked by {:?}\nnext {:?}\nin {:#?}",
                        rule.text(),
                        json!(post),
                        asked.auth,
                        asked.next,
                        rows.0
                    );
                    if row == 0 {
                        let explained = rule.explain(&asked.env(), &rows);
                        assert_eq!(explained.answer, in_memory);
                        assert_eq!(explained.clause.is_none(), in_memory == Truth::True);
                    }
                    *counts.entry(in_memory).or_insert(0usize) += 1;
                    cases += 1;
                }
            }
            texts += rules.len();
        }
    }
    // Shown by `--nocapture`: the size of the comparison.
    eprintln!(
        "{texts} texts, {cases} answers compared ({counts:?}), {too_large} texts past a limit, {:?}",
        started.elapsed()
    );
    assert!(texts >= 1_000, "only {texts} texts");
    assert!(
        counts.values().all(|count| *count > cases / 10),
        "one answer is rare: {counts:?}"
    );
}

/// What chance would not find: the ends of ranges, and other alphabets.
#[test]
fn the_ends_of_ranges_agree() {
    let mut pg = Pg::new("ends");
    let post = |n: Json, score: Json, title: &str, created_at: &str| {
        object(json!({
            "id": id("posts", 0), "title": title, "n": n, "score": score, "created_at": created_at,
            "due": created_at.get(..10), "price": "-9999999999999999.99", "meta": null,
        }))
    };
    let posts = [
        post(
            json!("-9223372036854775808"),
            json!(1e308),
            "ÉA%_!",
            "0001-01-01T00:00:00.000000Z",
        ),
        post(
            json!(i64::MIN),
            json!(-1e-308),
            "",
            "9999-12-31T23:59:59.999999Z",
        ),
        post(
            json!(i64::MAX),
            json!(5e-324),
            "İSTANBUL\n\\",
            "2024-02-29T23:59:59.999999Z",
        ),
        post(
            json!(-1),
            json!(9.007_199_254_740_993e15),
            "'; --",
            "2026-12-31T00:00:00.000001Z",
        ),
    ];
    let texts = [
        "n / -1 == 1",
        "n / n == 1",
        "n % -1 == 0",
        "n % n == 0",
        "n / (n / n) == n",
        "n * n > 0",
        "n * n * n * n * n > 0",
        "n + 1 > 0",
        "-n > 0",
        "n - 1 < n",
        "n < 9223372036854775807",
        "n == -9223372036854775808",
        "n > 9.2e18",
        "n == score",
        "score * score > 1",
        "score / 3 > 0",
        "score + score > score",
        "score * 1e40 != 0",
        "score == 5e-324",
        "score < 1e308",
        "0.1 + 0.2 == 0.3",
        "score in [n, 2.5]",
        "lower(title) == \"Éa%_!\"",
        "title.matches_like(\"é\")",
        "title.matches_like(\"É\")",
        "title.matches_like(\"A\\u0025_!\")",
        "title.startsWith(\"\")",
        "title.endsWith(\"\")",
        "title.contains(\"\")",
        "title.endsWith(\"xxxxxxxxxxxxxxxx\")",
        "title.endsWith(title)",
        "title.startsWith(title)",
        "size(title) > 4",
        "title < \"\u{ffff}\"",
        "title > \"😀\"",
        "lower(title).contains(\"stanbul\")",
        "title == \"İSTANBUL\\n\\\\\"",
        "created_at < \"0001-01-01T00:00:00.000001Z\"",
        "created_at >= \"9999-12-31T23:59:59.999999Z\"",
        "created_at.getDayOfWeek() == 1",
        "created_at.getDayOfYear() == 365",
        "created_at.getDayOfYear() > 58",
        "created_at.getMilliseconds() == 999",
        "created_at.getSeconds() == 59",
        "created_at.getFullYear() == 1",
        "due.getFullYear() > 2000",
        "due.getDayOfWeek() < 3",
        "due == \"2024-02-29\"",
        "created_at > now - duration(\"17520h\")",
        "price < -1",
        "price == \"-9999999999999999.99\"",
        "title in params.words",
        "n in params.wide",
        "score in params.floats",
        "price in params.prices",
        "title == params.nasty",
        "title.contains(params.nasty)",
        "title != request.query.q",
    ];
    let asked = Asked {
        params: object(json!({
            "words": ["'; --", "", "\\", "\"", "İSTANBUL\n\\"], "wide": ["-9223372036854775808", i64::MAX],
            "floats": [1e308, 5e-324, 0.1], "prices": ["-9999999999999999.99"], "nasty": "'; --",
        })),
        request: Request {
            query: object(json!({"q": "a\u{0}b"})),
            ..Request::default()
        },
        ..Asked::default()
    };
    for post in posts {
        let mut stored = post.clone();
        if stored["n"].is_string() {
            stored.insert("n".to_owned(), json!(i64::MIN));
        }
        let rows = Rows(vec![("posts", vec![stored])]);
        let lite = Lite::new(&rows);
        pg.fill(&rows);
        for given in [false, true] {
            let mut asked = asked.clone();
            asked.record = Some(post.clone());
            for text in texts {
                let names = Names::open();
                let rule =
                    parse_and_resolve(text, "posts", Mode::Filter, &names, Some(&asked.params))
                        .unwrap_or_else(|error| panic!("{text}: {error}"));
                let all = (
                    lite.ask(&[&rule], &asked.env(), given),
                    pg.ask(&[&rule], &asked.env(), given),
                    vec![vec![rule.eval(&asked.env(), &rows)]],
                );
                assert!(
                    all.0 == all.1 && all.1 == all.2,
                    "{text} for {}: {all:?}",
                    json!(post)
                );
            }
        }
    }
}
