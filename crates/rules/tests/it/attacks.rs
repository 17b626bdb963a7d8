//! Texts made to exhaust the parser, the stack or the database: each is refused, quickly, by a
//! limit that is named.

use std::time::{Duration, Instant};

use rules::{ErrorKind, Limit, Mode, SIZE_MAX};
use serde_json::json;

use crate::kit::refuse;

#[test]
fn hostile_texts_meet_a_limit() {
    let nested = |open: &str, n: usize, close: &str| {
        format!("{}published{}", open.repeat(n), close.repeat(n))
    };
    let chain = |operator: &str, n: usize| vec!["n"; n].join(operator);
    let cases: Vec<(String, Limit)> = vec![
        ("(".repeat(5_000), Limit::Characters),
        ("!".repeat(5_000), Limit::Characters),
        (vec!["published"; 5_000].join("||"), Limit::Characters),
        ("a.".repeat(5_000), Limit::Characters),
        ("x".repeat(3_501), Limit::Characters),
        ("é".repeat(3_501), Limit::Characters),
        ("(".repeat(3_500), Limit::Depth),
        ("[".repeat(3_500), Limit::Depth),
        ("{".repeat(3_500), Limit::Depth),
        (nested("(", 17, ")"), Limit::Depth),
        (nested("!(", 60, ")"), Limit::Depth),
        (nested("size(", 100, ")"), Limit::Depth),
        ("!".repeat(3_400), Limit::Nodes),
        ("-".repeat(3_400), Limit::Nodes),
        (format!("{}a", "a.".repeat(1_700)), Limit::Nodes),
        (chain("+", 1_700), Limit::Nodes),
        (format!("{} == 1", chain("*", 100)), Limit::Depth),
        (format!("{}a", "a?b:".repeat(800)), Limit::Nodes),
        (format!("{}a", "a?b:".repeat(100)), Limit::Depth),
        (format!("{}a == 1", "a.".repeat(30)), Limit::Depth),
        (vec!["published"; 250].join("||"), Limit::Nodes),
        (vec!["n==1"; 150].join("&&"), Limit::Nodes),
        (
            format!("n in [{}]", vec!["1"; 101].join(",")),
            Limit::ListItems,
        ),
        (
            format!("\"{}\" == title && {}", "(".repeat(20), "(".repeat(17)),
            Limit::Depth,
        ),
    ];
    for (text, limit) in cases {
        let started = Instant::now();
        let error = refuse(&text, Mode::Filter, &json!({}));
        let shown: String = text.chars().take(40).collect();
        assert_eq!(error.kind, ErrorKind::Limit(limit), "{shown}: {error}");
        assert!(error.message.contains(limit.name()), "{error}");
        assert!(error.message.contains(&limit.max().to_string()), "{error}");
        assert!(
            started.elapsed() < Duration::from_millis(500),
            "{shown}: {:?}",
            started.elapsed()
        );
    }
}

/// `?:` doubles at every level of its condition; the count of the compiled parts stops it.
#[test]
fn a_short_text_cannot_become_a_huge_statement() {
    let mut text = "published".to_owned();
    for _ in 0..13 {
        text = format!("({text} ? n == 1 : n == 2)");
    }
    let started = Instant::now();
    let error = refuse(&text, Mode::Rule, &json!({}));
    assert_eq!(error.kind, ErrorKind::Limit(Limit::Size), "{error}");
    assert!(error.message.contains(&SIZE_MAX.to_string()));
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// What the count before parsing lets through by mistake must not overflow the stack either:
/// brackets in what it takes for a string, a comment or another form of quotes.
#[test]
fn misread_quotes_do_not_reach_the_stack() {
    let deep = "(".repeat(3_000);
    for before in ["r'\\'", "'''", "\"\"\"", "b'", "//", "r\"\"\"\\", "'\\'"] {
        let text = format!("{before}{deep}");
        let error = refuse(&text, Mode::Filter, &json!({}));
        assert!(
            matches!(error.kind, ErrorKind::Syntax | ErrorKind::Limit(_)),
            "{before}: {error}"
        );
    }
    let error = refuse(&format!("// note\n{deep}"), Mode::Filter, &json!({}));
    assert_eq!(error.kind, ErrorKind::Limit(Limit::Depth));
}

/// Random tokens neither panic nor hang.
#[test]
fn random_tokens_are_answered() {
    let tokens = [
        "n",
        "title",
        "author",
        ".",
        ".",
        "(",
        ")",
        "[",
        "]",
        "==",
        "!",
        "&&",
        "||",
        "?",
        ":",
        "in",
        "1",
        "\"a\"",
        "'",
        "null",
        "exists",
        "comments_via_post",
        ",",
        "c",
        "-",
        "%",
        "params",
        "\\",
        "{",
        "}",
        "`a`",
        "é",
        "\u{0}",
        "1e999",
        "0x",
        "9223372036854775808",
        "auth.id",
        "now",
    ];
    // A small generator of our own: the same texts in every run.
    let mut state = 42u64;
    let mut next = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    for _ in 0..1_500 {
        let text: Vec<&str> = (0..=next(14)).map(|_| tokens[next(tokens.len())]).collect();
        let text = text.join(if next(2) == 0 { "" } else { " " });
        let length = text.chars().count();
        let names = crate::kit::Names::open();
        if let Err(error) = rules::parse_and_resolve(&text, "posts", Mode::Filter, &names, None) {
            assert!(
                error.span.start <= error.span.end && error.span.end <= length,
                "{text}: {error}"
            );
        }
    }
}

/// A path is names and places, or it is refused: no engine gets to read it its own way.
#[test]
fn hostile_json_paths_are_refused() {
    let long = "a.".repeat(1_600) + "a";
    let deep = "[0]".repeat(1_000);
    let paths = [
        "a'b",
        "\\\"a\\\"",
        "[*]",
        "*",
        "$",
        "$.a",
        "a..b",
        ".a",
        "a.",
        ".",
        "a b",
        "a[",
        "a]",
        "a[]",
        "a[-1]",
        "a[01]",
        "a[9999999]",
        "a[0]b",
        "[0].",
        "a[last]",
        "a.**",
        "@",
        "a?(@.b==1)",
        "a;b",
        "a/*",
        "{a}",
        "strict $",
        "a\\\\",
        "a\\n",
        "a,b",
        "a[0,1]",
        "a[1 to 2]",
        "#-1",
        "a[#-1]",
        "a%",
    ];
    for path in paths.iter().copied().chain([deep.as_str(), long.as_str()]) {
        let text = format!("json(meta, \"{path}\") == 1");
        let error = refuse(&text, Mode::Filter, &json!({}));
        let kind = if path.len() > 1_000 {
            ErrorKind::Limit(Limit::Depth)
        } else {
            ErrorKind::Value
        };
        assert_eq!(error.kind, kind, "{path}: {error}");
    }
    let too_long = format!("json(meta, \"{}a\") == 1", "a.".repeat(10_000));
    let error = refuse(&too_long, Mode::Filter, &json!({}));
    assert_eq!(error.kind, ErrorKind::Limit(Limit::Characters));
}

/// Coordinates that are no numbers, or none of the earth.
#[test]
fn hostile_coordinates_are_refused() {
    for text in [
        "distance(place, point(1e999, 0)) < 1",
        "distance(place, point(90.0000001, 0)) < 1",
        "distance(place, point(0, 180.1)) < 1",
        "within(place, -91, 0, 0, 0)",
        "distance(place, point(NaN, 0)) < 1",
        "distance(place, point(\"NaN\", 0)) < 1",
        "distance(place, point(0 / 0, 181)) < 1",
        "distance(place, point(params.x, 0)) < 1",
    ] {
        refuse(text, Mode::Filter, &json!({}));
    }
}

#[test]
fn hops_are_limited_by_name() {
    let five = [
        "author.boss.boss.boss.boss.name == \"x\"",
        "comments_via_post.exists(c, c.post.author.boss.boss.age == 1)",
        "author.boss.boss.boss.boss.comments_via_author.exists(c, true)",
        "author.boss.friends.exists(f, f.boss.boss.active)",
        "size(author.boss.boss.boss.boss.friends) == 1",
        "within(author.boss.boss.boss.boss.home, box(0, 0, 1, 1))",
        "auth.id in author.boss.boss.boss.boss.friends",
    ];
    for text in five {
        let error = refuse(text, Mode::Rule, &json!({}));
        assert_eq!(error.kind, ErrorKind::Limit(Limit::Hops), "{text}: {error}");
        assert!(error.message.contains("`hops` of 4"), "{error}");
    }
    let mut text = "e.text == title".to_owned();
    for var in ["e", "d", "c", "b", "a"] {
        text = format!("collection(\"comments\").exists({var}, {text})");
    }
    let error = refuse(&text, Mode::Rule, &json!({}));
    assert_eq!(error.kind, ErrorKind::Limit(Limit::Hops), "{error}");
}
