//! What texts mean, by example: the logic of absence, macros, guards of filters, time, and
//! explanations.

use std::sync::Arc;

use rules::{Auth, HopRule, Mode, Resolved, Truth, parse_and_resolve};
use serde_json::{Value as Json, json};

use crate::kit::{Asked, Lite, NOW, Names, Rows, id, object, rule};

/// One post by user 0 with two comments, one of them hidden; a post without any.
fn rows() -> Rows {
    let users = vec![
        object(
            json!({"id": id("users", 0), "name": "Ann", "age": 30, "team": id("teams", 0), "active": true}),
        ),
        object(
            json!({"id": id("users", 1), "name": null, "age": 40, "team": null, "active": false}),
        ),
    ];
    let posts = vec![
        object(
            json!({"id": id("posts", 0), "title": "Hello", "body": "50%", "n": 7, "score": 2.5,
            "price": "10.50", "published": true, "created_at": "2026-03-01T11:00:00.000000Z",
            "due": "2026-03-05", "owner": id("users", 0), "author": id("users", 0),
            "editor": id("users", 1), "meta": {"a": 1}}),
        ),
        object(json!({"id": id("posts", 1), "title": "Empty"})),
    ];
    let comments = vec![
        object(
            json!({"id": id("comments", 0), "post": id("posts", 0), "author": id("users", 1),
            "text": "first", "hidden": false, "likes": 3}),
        ),
        object(
            json!({"id": id("comments", 1), "post": id("posts", 0), "author": id("users", 0),
            "text": "second", "hidden": true, "likes": null}),
        ),
    ];
    Rows(vec![
        ("users", users),
        ("posts", posts),
        ("comments", comments),
    ])
}

fn ann() -> Auth {
    Auth {
        id: id("users", 0),
        verified: true,
        roles: vec!["admin".to_owned()],
        teams: vec![id("teams", 0)],
        claims: object(json!({"org": {"plan": "pro"}, "rank": 5})),
        level: 2,
        ..Auth::default()
    }
}

/// SQLite and memory, for the first or the second post.
fn answer(rule: &Resolved, auth: Option<Auth>, post: usize, params: &Json) -> Truth {
    let rows = rows();
    let mut asked = Asked {
        auth,
        params: object(params.clone()),
        ..Asked::default()
    };
    let by_sql = Lite::new(&rows).ask(&[rule], &asked.env(), false)[post][0];
    asked.record = Some(rows.0[1].1[post].clone());
    let in_memory = rule.eval(&asked.env(), &rows);
    assert_eq!(by_sql, in_memory, "{}", rule.text());
    in_memory
}

#[test]
fn texts_mean_what_they_say() {
    use Truth::{False, True, Unknown};
    // text, for Ann, for nobody; about the first post
    let cases = [
        ("owner == auth.id", True, Unknown),
        ("!(owner == auth.id)", False, Unknown),
        ("auth.id != null", True, False),
        ("auth.id == null || published", True, True),
        ("\"admin\" in auth.roles", True, Unknown),
        ("!(\"editor\" in auth.roles)", True, Unknown),
        ("author.team in auth.teams", True, Unknown),
        (
            "auth.claims.org.plan == \"pro\" && auth.claims.rank > 4",
            True,
            Unknown,
        ),
        ("auth.claims.org == \"pro\"", Unknown, Unknown),
        (
            "auth.level >= 2 && auth.verified && !auth.anonymous",
            True,
            Unknown,
        ),
        ("published ? n == 7 : false", True, True),
        ("editor.name == null", True, True),
        ("editor.name == \"x\"", Unknown, Unknown),
        ("author.age < editor.age", True, True),
        ("n / 2 == 3 && n % 4 == 3 && n * 0.5 == 3.5", True, True),
        ("n / 0 == 1", Unknown, Unknown),
        ("n % (n - n == 0.0 ? 0 : 1) == 1", Unknown, Unknown),
        ("-n == -7 && n - 10 < 0", True, True),
        (
            "price == 10.5 && price in [1, \"10.50\"] && price < 11",
            True,
            True,
        ),
        ("size(title) == 5 && title.size() == 5", True, True),
        (
            "title.contains(\"ell\") && title.startsWith(\"He\") && title.endsWith(\"lo\")",
            True,
            True,
        ),
        (
            "title.startsWith(\"he\") || title.contains(\"ELL\")",
            False,
            False,
        ),
        (
            "lower(title) == \"hello\" && title.matches_like(\"ELL\")",
            True,
            True,
        ),
        (
            "title.matches_like(\"h%o\") && !title.matches_like(\"h_llo\")",
            True,
            True,
        ),
        (
            "body.matches_like(\"5%\") && !body.matches_like(\"_%\")",
            True,
            True,
        ),
        (
            "created_at > now - duration(\"2h\") && now - created_at == duration(\"1h\")",
            True,
            True,
        ),
        (
            "created_at + duration(\"30m\") < timestamp(\"2026-03-01T12:31:00+01:00\")",
            True,
            True,
        ),
        (
            "created_at.getFullYear() == 2026 && created_at.getMonth() == 2 && due.getDate() == 5",
            True,
            True,
        ),
        ("due > \"2026-03-04\" && due != \"2026-03-06\"", True, True),
        ("title in [] || n in []", False, False),
        ("!(title in [])", True, True),
        ("title in [null, \"Hello\"]", True, True),
        ("has(meta) && !has(meta) == false", True, True),
        ("(published == true) == (n == 7)", True, True),
        (
            "comments_via_post.exists(c, c.author == auth.id)",
            True,
            Unknown,
        ),
        (
            "!comments_via_post.exists(c, c.author == auth.id)",
            False,
            Unknown,
        ),
        (
            "comments_via_post.all(c, c.author != auth.id)",
            False,
            Unknown,
        ),
        ("comments_via_post.exists(c, c.likes > 2)", True, True),
        ("comments_via_post.all(c, c.likes > 2)", Unknown, Unknown),
        ("comments_via_post.exists_one(c, c.hidden)", True, True),
        (
            "comments_via_post.exists_one(c, c.likes == 3)",
            Unknown,
            Unknown,
        ),
        (
            "comments_via_post.exists(c, c.author.active && c.text == \"second\")",
            True,
            True,
        ),
        (
            "size(comments_via_post) == 2 && size(collection(\"users\")) == 2",
            True,
            True,
        ),
        (
            "collection(\"comments\").exists(c, c.post == id && c.author == owner)",
            True,
            True,
        ),
    ];
    for (text, for_ann, for_nobody) in cases {
        let rule = rule(text, "posts");
        assert_eq!(answer(&rule, Some(ann()), 0, &json!({})), for_ann, "{text}");
        assert_eq!(
            answer(&rule, None, 0, &json!({})),
            for_nobody,
            "{text} for nobody"
        );
    }
}

/// The reason for two expressions: over no rows, and with nobody signed in.
#[test]
fn an_empty_set_does_not_let_nobody_in() {
    for text in [
        "!comments_via_post.exists(c, c.author == auth.id)",
        "comments_via_post.all(c, c.author == auth.id)",
        "!comments_via_post.exists(c, true && !(c.author == auth.id))",
        "comments_via_post.all(c, collection(\"users\").all(u, u.id != auth.id))",
        "!comments_via_post.exists_one(c, c.author == auth.id)",
    ] {
        let rule = rule(text, "posts");
        assert_eq!(answer(&rule, None, 1, &json!({})), Truth::Unknown, "{text}");
        assert_eq!(
            answer(&rule, Some(ann()), 1, &json!({})),
            Truth::True,
            "{text}"
        );
    }
    // Absent rows without absent values are plain.
    assert_eq!(
        answer(
            &rule("comments_via_post.all(c, c.hidden)", "posts"),
            None,
            1,
            &json!({})
        ),
        Truth::True
    );
    assert_eq!(
        answer(&rule("author.name == null", "posts"), None, 1, &json!({})),
        Truth::Unknown
    );
}

#[test]
fn a_filter_sees_through_the_rules_of_others() {
    let filter = |text: &str, names: &Names, params: &Json| {
        parse_and_resolve(text, "posts", Mode::Filter, names, params.as_object())
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let none = json!({});
    let mut closed = Names::open();
    closed.guards.push(("comments", HopRule::Closed));
    closed.guards.push(("users", HopRule::Closed));
    for (text, expected) in [
        ("comments_via_post.exists(c, true)", Truth::False),
        ("comments_via_post.all(c, false)", Truth::True),
        ("size(comments_via_post) == 0", Truth::True),
        ("author.name == \"Ann\"", Truth::Unknown),
        ("author.name != \"Ann\"", Truth::Unknown),
        ("author.name == null", Truth::Unknown),
    ] {
        assert_eq!(
            answer(&filter(text, &closed, &none), Some(ann()), 0, &none),
            expected,
            "{text}"
        );
    }
    let mut guarded = Names::open();
    guarded.guards.push((
        "comments",
        HopRule::Rule(Arc::new(rule("!hidden", "comments"))),
    ));
    guarded
        .masks
        .push(("posts", "body", Arc::new(rule("owner == auth.id", "posts"))));
    let filtered = filter(
        "comments_via_post.exists(c, c.text == \"second\")",
        &guarded,
        &none,
    );
    assert_eq!(answer(&filtered, Some(ann()), 0, &none), Truth::False);
    assert_eq!(
        answer(
            &filter("size(comments_via_post) == 1", &guarded, &none),
            None,
            0,
            &none
        ),
        Truth::True
    );
    let masked = filter("body == \"50%\"", &guarded, &none);
    assert_eq!(answer(&masked, Some(ann()), 0, &none), Truth::True);
    assert_eq!(answer(&masked, None, 0, &none), Truth::Unknown);
    assert_eq!(
        answer(&filter("body == null", &guarded, &none), None, 0, &none),
        Truth::True
    );
    assert!(masked.names_auth() && !masked.needs_sql());
    // A rule is trusted: neither guard nor mask applies.
    let trusted =
        parse_and_resolve("body == \"50%\"", "posts", Mode::Rule, &guarded, None).unwrap();
    assert_eq!(answer(&trusted, None, 0, &none), Truth::True);
}

#[test]
fn parameters_take_the_type_of_the_other_side() {
    let params = json!({"s": "Hello", "n": "7", "big": 10, "u": id("users", 0).to_uppercase(),
        "t": "2026-03-01T12:00:00+01:00", "list": ["x", null, "Hello"], "none": null, "flag": "true"});
    for text in [
        "title == params.s && n == params.n && score < params.big",
        "owner == params.u && created_at == params.t",
        "title in params.list && params.none == null && params.s != null",
        "published == params.flag && params.flag",
        "price > params.n && n + params.big == 17",
        "created_at < params.t + duration(\"1s\")",
    ] {
        let names = Names::open();
        let filter = parse_and_resolve(text, "posts", Mode::Filter, &names, params.as_object())
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(answer(&filter, None, 0, &params), Truth::True, "{text}");
    }
}

#[test]
fn a_resolved_text_says_what_it_needs() {
    let plain = rule("owner == auth.id && next.n > n", "posts");
    assert!(plain.names_auth() && plain.names_next() && !plain.needs_sql());
    let named: Vec<String> = plain
        .fields()
        .iter()
        .map(|(c, f)| format!("{c}.{f}"))
        .collect();
    assert_eq!(named, ["posts.n", "posts.owner"]);
    let whole = rule("size(collection(\"users\")) == 0", "posts");
    assert_eq!(whole.fields(), [("users".to_owned(), "id".to_owned())]);
    let list = rule(
        "within(author.home, box(0, 0, 1, 1)) && readers.exists(r, json(r.notes, \"a\"))",
        "posts",
    );
    let named: Vec<String> = list
        .fields()
        .iter()
        .map(|(c, f)| format!("{c}.{f}"))
        .collect();
    assert_eq!(
        named,
        ["posts.author", "posts.readers", "users.home", "users.notes"]
    );
    let far = rule(
        "author.team == null || comments_via_post.exists(c, c.hidden)",
        "posts",
    );
    assert!(!far.names_auth() && !far.names_next() && far.needs_sql());
    let named: Vec<String> = far
        .fields()
        .iter()
        .map(|(c, f)| format!("{c}.{f}"))
        .collect();
    assert_eq!(
        named,
        [
            "comments.hidden",
            "comments.post",
            "posts.author",
            "users.team"
        ]
    );
}

#[test]
fn a_denial_is_explained() {
    let rows = rows();
    let record = Some(rows.0[1].1[0].clone());
    let asked = Asked {
        auth: Some(ann()),
        record,
        ..Asked::default()
    };
    // text, the clause to blame, its answer, what it saw
    let cases = [
        (
            "published && n > 9 && owner == auth.id",
            "n > 9",
            Truth::False,
            json!({"n": 7}),
        ),
        (
            "!(published || n > 9)",
            "published",
            Truth::True,
            json!({"published": true}),
        ),
        (
            "editor.name == \"x\" || n == 1",
            "editor.name == \"x\"",
            Truth::Unknown,
            json!({"editor.name": null}),
        ),
        (
            "published ? editor.age * 2 < 3 : true",
            "editor.age * 2 < 3",
            Truth::False,
            json!({"editor.age": 40}),
        ),
        (
            "title in [\"a\", body]",
            "title in [\"a\", body]",
            Truth::False,
            json!({"title": "Hello", "body": "50%"}),
        ),
        (
            "\"x\" in auth.roles",
            "\"x\" in auth.roles",
            Truth::False,
            json!({"auth.roles": ["admin"]}),
        ),
        (
            "price < 2",
            "price < 2",
            Truth::False,
            json!({"price": "10.50"}),
        ),
        (
            "(comments_via_post.all(c, c.hidden)) && true",
            "comments_via_post.all(c, c.hidden)",
            Truth::False,
            json!({}),
        ),
    ];
    for (text, blamed, answer, saw) in cases {
        let explanation = rule(text, "posts").explain(&asked.env(), &rows);
        let clause = explanation
            .clause
            .unwrap_or_else(|| panic!("{text} is denied"));
        assert_eq!(
            (clause.text.as_str(), clause.answer),
            (blamed, answer),
            "{text}"
        );
        assert_eq!(clause.span.of(text), clause.text);
        assert_eq!(
            Json::Object(clause.values.into_iter().collect()),
            saw,
            "{text}"
        );
    }
    assert_eq!(
        rule("published", "posts")
            .explain(&asked.env(), &rows)
            .clause,
        None
    );
    assert_eq!(asked.env().now, NOW);
}
