//! Every type of field through everything that a field goes through: values in and out with the same bytes on both
//! engines, faults, defaults, filters, sorts, cursors, unique indexes, and fields that are added to records.

use crate::kit::{Kit, anon, key};
use gate::Problem;
use kernel::Code;
use serde_json::{Value as Json, json};

/// A type and what it makes of values.
struct Case {
    /// The members of the field's definition, its name aside.
    options: Json,
    /// What is sent, and what comes back; in ascending order, all different.
    good: Vec<(Json, &'static str)>,
    /// What is refused, with the word of the fault.
    bad: Vec<(Json, &'static str)>,
    /// Filters, with how many of the good values they find.
    filters: Vec<(&'static str, usize)>,
}

fn case(
    options: Json,
    good: Vec<(Json, &'static str)>,
    bad: Vec<(Json, &'static str)>,
    filters: Vec<(&'static str, usize)>,
) -> Case {
    Case {
        options,
        good,
        bad,
        filters,
    }
}

fn texts() -> Vec<Case> {
    vec![
        case(
            json!({"type": "text", "pattern": "^[a-zé]+[0-9]?$", "max": 6}),
            vec![
                (json!("abc"), r#""abc""#),
                (json!("abc1"), r#""abc1""#),
                (json!("é"), r#""é""#),
            ],
            vec![
                (json!("Abc"), "pattern_mismatch"),
                (json!("a\nb"), "pattern_mismatch"),
                (json!("abc\n"), "pattern_mismatch"),
                (json!("aaaaaaa"), "too_long"),
                (json!("a\u{0}"), "nul"),
                (json!(1), "not_a_text"),
                (json!(["a"]), "not_a_text"),
            ],
            vec![("v.startsWith(\"abc\")", 2), ("size(v) == 1", 1)],
        ),
        case(
            json!({"type": "editor", "max": 40}),
            vec![
                (json!("<b onclick=\"x()\">a</b>"), r#""<b>a</b>""#),
                (json!("<p>b<script>alert(1)</script>"), r#""<p>b</p>""#),
                (json!("a & <i>b"), r#""a &amp; <i>b</i>""#),
            ],
            vec![
                (json!("x".repeat(41)), "too_long"),
                (json!("&".repeat(9)), "too_long"),
                (json!("a\u{0}"), "nul"),
                (json!({}), "not_a_text"),
                (json!(1), "not_a_text"),
            ],
            vec![("v.contains(\"<b>\")", 1), ("v.contains(\"script\")", 0)],
        ),
        case(
            json!({"type": "email"}),
            vec![
                (json!("Ann@Example.org"), r#""Ann@Example.org""#),
                (json!("bob@example.org"), r#""bob@example.org""#),
                (json!("käthe@müller.de"), r#""käthe@müller.de""#),
            ],
            vec![
                (json!("ann"), "not_an_email"),
                (json!("a@b@c"), "not_an_email"),
                (json!(" a@b"), "not_an_email"),
                (json!(""), "not_an_email"),
                (json!(format!("a@{}", "b.".repeat(150))), "too_long"),
                (json!("a@b\u{0}"), "nul"),
                (json!(1), "not_a_text"),
            ],
            vec![
                ("lower(v) == \"ann@example.org\"", 1),
                ("v == \"ann@example.org\"", 0),
            ],
        ),
        case(
            json!({"type": "url", "max": 40}),
            vec![
                (json!("HTTP://a.example"), r#""HTTP://a.example""#),
                (
                    json!("https://a.example/?b=c#d"),
                    r#""https://a.example/?b=c#d""#,
                ),
            ],
            vec![
                (json!("javascript:alert(1)"), "not_a_url"),
                (json!("https://"), "not_a_url"),
                (json!("//a.example"), "not_a_url"),
                (json!("https://user@a.example"), "not_a_url"),
                (json!(format!("https://{}", "a".repeat(60))), "too_long"),
                (json!(null), "required"),
                (json!(true), "not_a_text"),
            ],
            vec![("v.startsWith(\"https\")", 1)],
        ),
    ]
}

fn scalars() -> Vec<Case> {
    vec![
        case(
            json!({"type": "date"}),
            vec![
                (json!("0001-01-01"), r#""0001-01-01""#),
                (json!("2024-02-29"), r#""2024-02-29""#),
                (json!("9999-12-31"), r#""9999-12-31""#),
            ],
            vec![
                (json!("2023-02-29"), "not_a_date"),
                (json!("0000-01-01"), "not_a_date"),
                (json!("2024-2-9"), "not_a_date"),
                (json!("2024-02-29T00:00:00Z"), "not_a_date"),
                (json!("now"), "not_a_date"),
                (json!("infinity"), "not_a_date"),
                (json!(20_240_229), "not_a_date"),
            ],
            vec![
                ("v < \"2024-03-01\"", 2),
                ("v == \"2024-02-29\"", 1),
                ("v in [\"2024-02-29\", \"9999-12-31\"]", 2),
                ("v.getFullYear() == 2024", 1),
                ("v.getMonth() == 1", 1),
            ],
        ),
        case(
            json!({"type": "uuid"}),
            vec![
                (
                    json!("00000000-0000-0000-0000-000000000000"),
                    r#""00000000-0000-0000-0000-000000000000""#,
                ),
                (
                    json!("018F3C2A-7B1E-7C3D-9A4B-5C6D7E8F9A0B"),
                    r#""018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b""#,
                ),
            ],
            vec![
                (json!("018f3c2a7b1e7c3d9a4b5c6d7e8f9a0b"), "not_a_uuid"),
                (
                    json!("{018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b}"),
                    "not_a_uuid",
                ),
                (json!("x"), "not_a_uuid"),
                (json!(1), "not_a_uuid"),
            ],
            vec![("v == \"018F3C2A-7B1E-7C3D-9A4B-5C6D7E8F9A0B\"", 1)],
        ),
        case(
            json!({"type": "number", "format": "wide", "min": "-9223372036854775807"}),
            vec![
                (json!("-9223372036854775807"), r#""-9223372036854775807""#),
                (json!(-3), r#""-3""#),
                (json!("9007199254740993"), r#""9007199254740993""#),
                (
                    json!(9_223_372_036_854_775_807_i64),
                    r#""9223372036854775807""#,
                ),
            ],
            vec![
                (json!("9223372036854775808"), "not_an_integer"),
                (json!("-9223372036854775808"), "not_an_integer"),
                (json!(1e300), "not_an_integer"),
                (json!(1.5), "not_an_integer"),
                (json!("1.5"), "not_an_integer"),
                (json!("+1"), "not_an_integer"),
                (json!(" 1"), "not_an_integer"),
                (json!(""), "not_an_integer"),
                (json!("NaN"), "not_an_integer"),
                (json!(true), "not_an_integer"),
            ],
            vec![
                ("v > 9007199254740992", 2),
                ("v == 9007199254740993", 1),
                ("v < 0", 2),
                ("v in [-3, 4]", 1),
            ],
        ),
        case(
            json!({"type": "number", "format": "decimal", "precision": 18, "scale": 2, "max": "9999999999999999.98"}),
            vec![
                (json!("-9999999999999999.99"), r#""-9999999999999999.99""#),
                (json!("-0.05"), r#""-0.05""#),
                (json!("-0"), r#""0.00""#),
                (json!(0.1), r#""0.10""#),
                (json!("1.5"), r#""1.50""#),
                (json!(2), r#""2.00""#),
                (json!("10.50"), r#""10.50""#),
                (json!("9999999999999999.98"), r#""9999999999999999.98""#),
            ],
            vec![
                (json!("9999999999999999.99"), "too_large"),
                (json!("10000000000000000"), "not_a_decimal"),
                (json!("1.005"), "not_a_decimal"),
                (json!(1.005), "not_a_decimal"),
                (json!(12_345_678_901_234.56), "inexact"),
                (json!(1e300), "not_a_decimal"),
                (json!("1e2"), "not_a_decimal"),
                (json!("1,5"), "not_a_decimal"),
                (json!(".5"), "not_a_decimal"),
                (json!("NaN"), "not_a_decimal"),
                (json!("Infinity"), "not_a_decimal"),
                (json!("9".repeat(500)), "not_a_decimal"),
                (json!([]), "not_a_decimal"),
            ],
            vec![
                ("v < 0", 2),
                ("v == 0.1", 1),
                ("v >= 1.5 && v < 10.51", 3),
                ("v in [1.5, 2]", 2),
                ("v * 2 == 3", 1),
            ],
        ),
        case(
            json!({"type": "number", "format": "decimal", "precision": 18, "scale": 18}),
            vec![
                (json!("-0.999999999999999999"), r#""-0.999999999999999999""#),
                (json!("0.000000000000000001"), r#""0.000000000000000001""#),
                (json!("0.123456789012345678"), r#""0.123456789012345678""#),
            ],
            vec![
                (json!("1"), "not_a_decimal"),
                (json!("0.0000000000000000001"), "not_a_decimal"),
            ],
            vec![("v > 0", 2)],
        ),
        case(
            json!({"type": "number", "format": "decimal", "precision": 3, "scale": 0}),
            vec![(json!("-999"), r#""-999""#), (json!(7), r#""7""#)],
            vec![
                (json!("1000"), "not_a_decimal"),
                (json!("0.5"), "not_a_decimal"),
            ],
            vec![("v == 7", 1)],
        ),
    ]
}

/// The code with the places and words of all faults, sorted.
#[track_caller]
pub fn faults<T>(result: Result<T, Problem>) -> (Code, Vec<String>) {
    let Err(problem) = result else {
        panic!("this should have failed")
    };
    let errors = problem.field_errors().iter();
    let mut told: Vec<String> = errors.map(|e| format!("{} {}", e.path, e.code)).collect();
    told.sort();
    (problem.code(), told)
}

pub fn field(name: &str, options: &Json, more: Json) -> Json {
    let mut field = options.clone();
    field["name"] = name.into();
    for (name, value) in more.as_object().unwrap() {
        field[name] = value.clone();
    }
    field
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_behave_alike_on_both_engines() {
    conform(texts()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scalars_behave_alike_on_both_engines() {
    conform(scalars()).await;
}

async fn conform(cases: Vec<Case>) {
    let (sqlite, postgres) = (Kit::sqlite().await, Kit::postgres().await);
    for (i, case) in cases.into_iter().enumerate() {
        let name = format!("t{i}");
        let mut all = Vec::new();
        for kit in [&sqlite, &postgres] {
            let mut bytes = Vec::new();
            values(kit, &name, &case, &mut bytes).await;
            queries(kit, &name, &case, &mut bytes).await;
            added(kit, &name, &case, &mut bytes).await;
            all.push(bytes);
        }
        assert_eq!(all[0], all[1], "{}", case.options);
    }
}

/// Values in and out, by a new record, a change and defaults; and what is refused, without a trace.
async fn values(kit: &Kit, name: &str, case: &Case, bytes: &mut Vec<String>) {
    let first = case.good[0].0.clone();
    let fields = json!([
        field(
            "v",
            &case.options,
            json!({"required": true, "description": "A value."})
        ),
        field("d", &case.options, json!({"default": first})),
        field("f", &case.options, json!({"default": {"expression": "v"}})),
        field("w", &case.options, json!({"write_once": true})),
    ]);
    let made = kit.open(name, fields).await;
    assert_eq!(made["fields"][0]["description"], "A value.", "{made}");
    for (n, (sent, want)) in case.good.iter().enumerate() {
        let id = format!("018f3c2a-7b1e-7c3d-9a4b-{n:012}");
        let record = json!({"id": id, "v": sent, "w": sent});
        let made = kit.create(&anon(), name, record).await;
        let made = made.unwrap_or_else(|p| panic!("{} {sent} {p:?}", case.options));
        let first = case.good[0].1;
        let kept = kit.bytes(name, &id).await;
        let wanted = format!("\"v\":{want},\"d\":{first},\"f\":{want},\"w\":{want},");
        assert!(kept.contains(&wanted), "{kept} {wanted}");
        assert_eq!(made, serde_json::from_str::<Json>(&kept).unwrap());
        let merged = kit
            .merge(&anon(), name, &id, json!({"d": sent, "f": null}))
            .await
            .unwrap();
        let merged = [merged["d"].to_string(), merged["f"].to_string()];
        assert_eq!(merged, [*want, "null"]);
        // A record may bring again what it has, and nothing else, where a field is written once.
        let kept = json!({"f": {"set_if_absent": sent}});
        let kept = kit.merge(&anon(), name, &id, kept).await.unwrap();
        assert_eq!(kept["f"].to_string(), *want);
        bytes.push(kept["f"].to_string());
    }
    for (sent, word) in &case.bad {
        let result = kit
            .create(&anon(), name, json!({"v": sent, "d": sent}))
            .await;
        let optional = if sent.is_null() {
            None
        } else {
            Some(format!("/d {word}"))
        };
        let want: Vec<String> = optional.into_iter().chain([format!("/v {word}")]).collect();
        assert_eq!(faults(result), (Code::ValidationFailed, want), "{sent}");
    }
    let n = kit
        .number(&format!("SELECT count(*) AS n FROM \"project\".\"{name}\""))
        .await;
    assert_eq!(n, i64::try_from(case.good.len()).unwrap());
}

/// Filters, with literals and parameters, and sorts in both directions over pages of one.
async fn queries(kit: &Kit, name: &str, case: &Case, bytes: &mut Vec<String>) {
    for (filter, want) in &case.filters {
        let found = kit.list(&anon(), name, &[("filter", filter)]).await;
        let found = found.unwrap_or_else(|p| panic!("{filter} {p:?}"));
        assert_eq!(found.len(), *want, "{filter}");
    }
    for (_, want) in &case.good {
        let value: Json = serde_json::from_str(want).unwrap();
        let value = value.as_str().map_or(value.to_string(), str::to_owned);
        let query = [("filter", "v == params.p"), ("params.p", value.as_str())];
        let found = kit.values(&anon(), name, "v", &query).await;
        assert_eq!(found.len(), 1, "{} {want}", case.options);
        assert_eq!(found[0].to_string(), *want);
    }
    for sort in ["v", "-v", "v,-w", "-f,v"] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut query = vec![("sort", sort), ("limit", "1")];
            if !cursor.is_empty() {
                query.push(("cursor", cursor.as_str()));
            }
            let page = kit
                .page(&anon(), name, &crate::kit::query_string(&query))
                .await
                .unwrap();
            for doc in &page.docs {
                let record: Json = serde_json::from_str(&doc.json).unwrap();
                seen.push(record["v"].to_string());
            }
            match page.next_cursor {
                Some(next) => cursor = next,
                None => break,
            }
        }
        let mut want: Vec<String> = case.good.iter().map(|(_, out)| (*out).to_owned()).collect();
        if sort.starts_with('-') {
            want.reverse();
        }
        assert_eq!(seen, want, "{} {sort}", case.options);
        bytes.extend(seen);
    }
}

/// Fields that are added to records that are there, unique ones among them.
async fn added(kit: &Kit, name: &str, case: &Case, bytes: &mut Vec<String>) {
    let last = case.good.last().unwrap();
    let add = json!([
        field(
            "a",
            &case.options,
            json!({"required": true, "default": last.0})
        ),
        field("u", &case.options, json!({"unique": true})),
    ]);
    let indexes = json!([{"fields": ["v", "a"]}, {"fields": ["v", "d"], "unique": true}]);
    kit.change(
        name,
        json!({"fields": {"add": add}, "indexes": {"add": indexes}}),
    )
    .await
    .unwrap();
    for value in kit.values(&anon(), name, "a", &[]).await {
        assert_eq!(value.to_string(), last.1);
        bytes.push(value.to_string());
    }
    let same = json!({"v": last.0, "d": case.good[0].0, "u": case.good[0].0});
    kit.create(&key(), name, same.clone()).await.unwrap();
    let again = kit.create(&key(), name, same).await;
    let (code, paths) = faults(again);
    assert_eq!(code, Code::Duplicate, "{paths:?}");
}
