//! The grammar of expansions: what it reads, and where it stops.

use super::*;
use serde_json::json;

fn shown(tree: &[Expand]) -> String {
    let parts = tree.iter().map(|e| {
        let mut options = Vec::new();
        options.extend(e.limit.map(|n| format!("limit={n}")));
        options.extend(e.sort.as_ref().map(|s| format!("sort={s}")));
        options.extend(e.filter.as_ref().map(|f| format!("filter={f}")));
        options.extend(e.fields.as_ref().map(|f| format!("fields={}", f.join("+"))));
        options.extend((!e.expand.is_empty()).then(|| format!("[{}]", shown(&e.expand))));
        format!("{}{{{}}}", e.name, options.join(" "))
    });
    parts.collect::<Vec<_>>().join(" ")
}

#[test]
fn texts_are_read() {
    for (text, want) in [
        ("", ""),
        ("author", "author{}"),
        ("author,author", "author{}"),
        ("author, team", "author{} team{}"),
        ("author,author.team", "author{[team{}]}"),
        ("a.b,a.c,a", "a{[b{} c{}]}"),
        (
            "c_via_p(limit:3,sort:-created_at,filter:approved,expand:author)",
            "c_via_p{limit=3 sort=-created_at filter=approved [author{}]}",
        ),
        (
            "c_via_p(sort:-a,b.x,limit:2,fields:id,title,expand:x,y.z(fields:a,b))",
            "c_via_p{limit=2 sort=-a,b.x fields=id+title [x{} y{[z{fields=a+b}]}]}",
        ),
        (
            r#"c(filter:a == "x, limit:3)" && f(b, [1, 2]) ? c : d,limit:1)"#,
            r#"c{limit=1 filter=a == "x, limit:3)" && f(b, [1, 2]) ? c : d}"#,
        ),
        (r#"c(filter:a == r'\' || b)"#, r#"c{filter=a == r'\' || b}"#),
        ("c(expand:a,limit:2),d", "c{limit=2 [a{}]} d{}"),
        ("c(expand:a),c.b", "c{[a{} b{}]}"),
        (
            "a(limit:1).b(limit:2).c,d",
            "a{limit=1 [b{limit=2 [c{}]}]} d{}",
        ),
        ("a.b.c.d", "a{[b{[c{[d{}]}]}]}"),
    ] {
        assert_eq!(shown(&Expand::parse(text).unwrap()), want, "{text}");
    }
}

#[test]
fn faults_of_a_text_have_a_place() {
    for (text, code, at) in [
        ("author,", "syntax", 7),
        (",author", "syntax", 0),
        ("a,,b", "syntax", 2),
        ("a.", "syntax", 2),
        ("a b", "syntax", 2),
        ("a)", "syntax", 1),
        ("a(", "syntax", 2),
        ("a()", "syntax", 2),
        ("a(limit)", "syntax", 2),
        ("a(limit:0)", "out_of_range", 8),
        ("a(limit:101)", "out_of_range", 8),
        ("a(limit:x)", "out_of_range", 8),
        ("a(limit:99999999999)", "out_of_range", 8),
        ("a(limit:1", "syntax", 9),
        ("a(limit:1 sort:b)", "syntax", 10),
        ("a(limit:1,limit:2)", "repeated", 10),
        ("a(where:1)", "unknown_option", 2),
        ("a(sort:b,where:1)", "unknown_option", 9),
        ("a(sort:)", "empty", 2),
        ("a(filter:b == 'c)", "syntax", 17),
        ("a(filter:(b)", "syntax", 12),
        ("a(limit:1),a(limit:2)", "repeated", 12),
        ("a.b.c.d.e", "too_deep", 8),
        ("a(expand:b(expand:c(expand:d(expand:e))))", "too_deep", 36),
        ("a.b(expand:c.d.e)", "too_deep", 15),
        ("é", "syntax", 0),
    ] {
        let problem = Expand::parse(text).unwrap_err();
        let [error] = problem.field_errors() else {
            panic!("{text}: {problem:?}")
        };
        let place = format!("(At character {at}.)");
        assert_eq!(
            (error.path.as_str(), error.code),
            ("?expand", code),
            "{text}"
        );
        assert!(error.message.ends_with(&place), "{text}: {}", error.message);
    }
    let names: Vec<String> = (0..17).map(|i| format!("r{i}")).collect();
    assert_eq!(Expand::parse(&names[..16].join(",")).unwrap().len(), 16);
    let problem = Expand::parse(&names.join(",")).unwrap_err();
    assert_eq!(problem.field_errors()[0].code, "too_many");
    // Nothing that is sent makes it recurse deeper than the hops.
    let deep = "a(expand:".repeat(100_000);
    assert_eq!(
        Expand::parse(&deep).unwrap_err().field_errors()[0].code,
        "too_deep"
    );
}

#[test]
fn bodies_are_read() {
    let read = |json| Expand::parse_body(json);
    let tree = read(json!({
        "author": true,
        "author.team": {"fields": ["name"]},
        "c_via_p": {"limit": 3, "sort": ["-a", "b"], "filter": "x == params.x", "params": {"x": 1}, "expand": {"d": {}}}
    }))
    .unwrap();
    assert_eq!(
        shown(&tree),
        "author{[team{fields=name}]} c_via_p{limit=3 sort=-a,b filter=x == params.x [d{}]}"
    );
    assert_eq!(shown(&read(json!("a.b")).unwrap()), "a{[b{}]}");
    for (json, code, path) in [
        (json!([]), "not_an_object", "/expand"),
        (json!({"a": false}), "not_options", "/expand/a"),
        (
            json!({"a": {"limit": 0}}),
            "out_of_range",
            "/expand/a/limit",
        ),
        (
            json!({"a": {"limit": 1.5}}),
            "out_of_range",
            "/expand/a/limit",
        ),
        (
            json!({"a": {"where": 0}}),
            "unknown_option",
            "/expand/a/where",
        ),
        (json!({"a": {"sort": 1}}), "not_texts", "/expand/a/sort"),
        (json!({"a": {"fields": []}}), "empty", "/expand/a/fields"),
        (
            json!({"a": {"params": []}}),
            "not_an_object",
            "/expand/a/params",
        ),
        (
            json!({"a": {"expand": {"b": 1}}}),
            "not_options",
            "/expand/a/expand/b",
        ),
        (json!({"a.b.c.d.e": true}), "too_deep", "/expand/a.b.c.d.e"),
        (
            json!({"a": {"expand": {"b": {"expand": {"c": {"expand": {"d": {"expand": {"e": true}}}}}}}}}),
            "too_deep",
            "/expand/a/expand/b/expand/c/expand/d/expand/e",
        ),
    ] {
        let problem = read(json.clone()).unwrap_err();
        let errors = problem.field_errors();
        assert_eq!(
            (errors[0].code, errors[0].path.as_str()),
            (code, path),
            "{json}"
        );
    }
}
