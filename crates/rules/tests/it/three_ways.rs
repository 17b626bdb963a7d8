//! SQLite, PostgreSQL and memory must give the same one of the three answers, for random texts
//! over random rows.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rules::{ErrorKind, Limit, Mode, Request, Resolved, Truth, World, parse_and_resolve};
use serde_json::{Value as Json, json};

use crate::kit::{Asked, Lite, Names, Rows, id, object};
use crate::postgres::Pg;
use crate::texts::cond;
use crate::worlds::{asked, world};

/// Per half: the comparison runs in two halves, side by side.
const WORLDS: usize = 6;
const TEXTS_PER_WORLD: usize = 175;
const BATCH: usize = 10;

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
