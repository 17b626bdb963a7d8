//! Every type of field through everything that a field goes through: values in and out with the same bytes on both
//! engines, faults, defaults, filters, sorts, cursors, unique indexes, and fields that are added to records.

use crate::kit::{Kit, anon, both, code, key};
use gate::Problem;
use kernel::Code;
use sea_orm::ConnectionTrait;
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
fn faults<T>(result: Result<T, Problem>) -> (Code, Vec<String>) {
    let Err(problem) = result else {
        panic!("this should have failed")
    };
    let errors = problem.field_errors().iter();
    let mut told: Vec<String> = errors.map(|e| format!("{} {}", e.path, e.code)).collect();
    told.sort();
    (problem.code(), told)
}

fn field(name: &str, options: &Json, more: Json) -> Json {
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

both!(
    case_is_folded_where_it_is_asked_for,
    exact_numbers_are_counted,
    definitions_are_checked,
    objects_are_values,
    json_keeps_its_schema,
    places_are_found
);

async fn case_is_folded_where_it_is_asked_for(kit: &Kit) {
    let fields = json!([
        {"name": "mail", "type": "email", "unique": true},
        {"name": "exact", "type": "email", "unique": true, "case_insensitive": false},
        {"name": "tag", "type": "text", "case_insensitive": true, "max": 20},
        {"name": "owner", "type": "text", "max": 20}
    ]);
    let made = kit
        .collection(json!({"name": "people", "fields": fields, "indexes": [{"fields": ["owner", "tag"], "unique": true}]}))
        .await;
    assert_eq!(made["fields"][0]["case_insensitive"], true);
    assert_eq!(made["fields"][1]["case_insensitive"], false);
    let first = json!({"mail": "Ann@X.org", "exact": "Ann@X.org", "tag": "Red", "owner": "o"});
    let id = kit.made("people", first).await;
    let cases = [
        (json!({"mail": "ann@x.ORG"}), Some("/mail duplicate")),
        (json!({"exact": "ann@x.ORG"}), None),
        (
            json!({"owner": "o", "tag": "rED"}),
            Some("/owner duplicate, /tag duplicate"),
        ),
        (json!({"owner": "O", "tag": "rED"}), None),
        // Letters of other alphabets are told apart.
        (json!({"mail": "ä@x.org"}), None),
        (json!({"mail": "Ä@x.org"}), None),
    ];
    for (record, want) in cases {
        let result = kit.create(&key(), "people", record.clone()).await;
        match want {
            None => assert!(result.is_ok(), "{record}"),
            Some(paths) => {
                let (code, told) = faults(result);
                assert_eq!(
                    (code, told.join(", ").as_str()),
                    (Code::Duplicate, paths),
                    "{record}"
                );
            }
        }
    }
    assert_eq!(
        kit.get(&key(), "people", &id).await.unwrap()["mail"],
        "Ann@X.org"
    );
}

async fn exact_numbers_are_counted(kit: &Kit) {
    let fields = json!([
        {"name": "cents", "type": "number", "format": "decimal", "precision": 6, "scale": 2, "min": "0"},
        {"name": "wide", "type": "number", "format": "wide"}
    ]);
    kit.open("sums", fields).await;
    let id = kit
        .made(
            "sums",
            json!({"cents": "0.10", "wide": "9223372036854775800"}),
        )
        .await;
    let steps = [
        (json!({"cents": {"increment": "0.20"}}), "cents", Ok("0.30")),
        (json!({"cents": {"increment": 0.2}}), "cents", Ok("0.50")),
        (
            json!({"cents": {"increment": "-0.51"}}),
            "cents",
            Err("too_small"),
        ),
        (
            json!({"cents": {"increment": "9999.60"}}),
            "cents",
            Err("out_of_range"),
        ),
        (
            json!({"cents": {"increment": "0.001"}}),
            "cents",
            Err("not_a_decimal"),
        ),
        (
            json!({"wide": {"increment": 7}}),
            "wide",
            Ok("9223372036854775807"),
        ),
        (
            json!({"wide": {"increment": "1"}}),
            "wide",
            Err("out_of_range"),
        ),
        (
            json!({"wide": {"increment": "-9223372036854775807"}}),
            "wide",
            Ok("0"),
        ),
    ];
    for (change, name, want) in steps {
        let result = kit.merge(&anon(), "sums", &id, change.clone()).await;
        match want {
            Ok(value) => assert_eq!(result.unwrap()[name], value, "{change}"),
            Err(word) => {
                let told = faults(result).1;
                assert_eq!(told, [format!("/{name} {word}")], "{change}");
            }
        }
    }
    // The column keeps the bound itself.
    let broken = kit
        .db
        .write(
            async |tx: &store::WriteTx| -> Result<(), store::StoreError> {
                tx.execute_unprepared(r#"UPDATE "project"."sums" SET "cents" = -1"#)
                    .await?;
                Ok(())
            },
        )
        .await;
    assert!(
        matches!(broken, Err(store::StoreError::Constraint(_))),
        "{broken:?}"
    );
}

async fn definitions_are_checked(kit: &Kit) {
    let cases = [
        (
            json!({"type": "text", "pattern": "("}),
            "/fields/0/pattern not_a_pattern",
        ),
        (
            json!({"type": "text", "pattern": "(?=a)"}),
            "/fields/0/pattern not_a_pattern",
        ),
        (
            json!({"type": "text", "pattern": "(a{1000}){1000}"}),
            "/fields/0/pattern pattern_too_large",
        ),
        (
            json!({"type": "text", "pattern": "a", "default": "b"}),
            "/fields/0/default pattern_mismatch",
        ),
        (
            json!({"type": "number", "format": "decimal", "precision": 19}),
            "/fields/0/precision not_a_digit_count",
        ),
        (
            json!({"type": "number", "format": "decimal", "precision": 2, "scale": 3}),
            "/fields/0/scale above_precision",
        ),
        (
            json!({"type": "number", "format": "decimal", "min": "0.001"}),
            "/fields/0/min not_a_decimal",
        ),
        (
            json!({"type": "number", "format": "decimal", "min": "2", "max": "1"}),
            "/fields/0/max below_min",
        ),
        (
            json!({"type": "number", "format": "huge"}),
            "/fields/0/format unknown_format",
        ),
        (
            json!({"type": "bool", "case_insensitive": true}),
            "/fields/0/case_insensitive not_a_text",
        ),
        (
            json!({"type": "text", "description": "x".repeat(1_001)}),
            "/fields/0/description too_long",
        ),
        (
            json!({"type": "date", "default": "2026-02-30"}),
            "/fields/0/default not_a_date",
        ),
    ];
    for (options, want) in cases {
        let fields = json!([field("v", &options, json!({}))]);
        let result = kit
            .try_collection(json!({"name": "bad", "fields": fields}))
            .await;
        assert_eq!(faults(result).1, [want], "{options}");
    }
    let long = json!([{"name": "v", "type": "editor", "unique": true}]);
    let refused = kit
        .try_collection(json!({"name": "bad", "fields": long}))
        .await;
    assert_eq!(code(refused), Code::ValidationFailed);
}

async fn objects_are_values(kit: &Kit) {
    let fields = json!([
        {"name": "j", "type": "json", "size_bytes_max": 200, "required": true},
        {"name": "c", "type": "json", "default": {"expression": "j"}},
        {"name": "p", "type": "geo"},
        {"name": "d", "type": "json", "default": {"a": [1, "'\\\""]}},
        {"name": "q", "type": "geo", "default": {"lat": -0.0, "lon": 13.25}, "write_once": true}
    ]);
    kit.open("things", fields).await;
    let deep = |n: usize| (0..n).fold(json!(1), |inner, _| json!([inner]));
    let good = [
        (
            json!({"b": 1, "a": {"z": null, "y": [true, 1.0, 1.5e300]}}),
            r#"{"b":1,"a":{"z":null,"y":[true,1.0,1.5e+300]}}"#,
        ),
        (json!([]), "[]"),
        (json!(""), "\"\""),
        (
            json!("a\u{1}\u{2028}\u{1F600}\"\\/"),
            "\"a\\u0001\u{2028}\u{1F600}\\\"\\\\/\"",
        ),
        (
            json!(18_446_744_073_709_551_615_u64),
            "18446744073709551615",
        ),
        (json!(-0.1), "-0.1"),
        (json!(false), "false"),
        (json!({"set_if_absent": 1}), "{\"set_if_absent\":1}"),
        (json!("x".repeat(198)), &format!("\"{}\"", "x".repeat(198))),
    ];
    for (sent, want) in &good {
        let id = kit
            .made("things", json!({"j": sent, "p": {"lon": 13, "lat": 52.5}}))
            .await;
        let kept = kit.bytes("things", &id).await;
        let rest = r#""p":{"lat":52.5,"lon":13},"d":{"a":[1,"'\\\""]},"q":{"lat":0,"lon":13.25},"#;
        let want = format!("\"j\":{want},\"c\":{want},{rest}");
        assert!(kept.contains(&want), "{kept} {want}");
        // An object is a value in a change too.
        let merged = kit
            .merge(
                &anon(),
                "things",
                &id,
                json!({"d": sent, "p": {"lat": 1, "lon": 2}}),
            )
            .await
            .unwrap();
        assert_eq!(
            (&merged["d"], &merged["p"]),
            (sent, &json!({"lat": 1, "lon": 2}))
        );
        let emptied = kit
            .merge(&anon(), "things", &id, json!({"d": null, "p": null}))
            .await
            .unwrap();
        assert_eq!((&emptied["d"], &emptied["p"]), (&Json::Null, &Json::Null));
    }
    let bad = [
        ("j", json!("x".repeat(199)), "too_large"),
        ("j", json!("a\u{0}"), "nul"),
        ("j", json!({"a\u{0}": 1}), "nul"),
        ("j", deep(65), "too_deep"),
        ("j", Json::Null, "required"),
        ("p", json!({"lat": 90.1, "lon": 0}), "not_a_point"),
        ("p", json!({"lat": 0, "lon": -180.1}), "not_a_point"),
        ("p", json!({"lat": 0}), "not_a_point"),
        ("p", json!({"lat": 0, "lon": "0"}), "not_a_point"),
        ("p", json!({"lat": 0, "lon": 0, "alt": 0}), "not_a_point"),
        ("p", json!({"lat": 1e308, "lon": 0}), "not_a_point"),
        ("p", json!([0, 0]), "not_a_point"),
    ];
    for (name, sent, word) in bad {
        let mut record = json!({"j": 1});
        record[name] = sent.clone();
        let result = kit.create(&anon(), "things", record).await;
        assert!(result.is_err(), "{sent}");
        let told = faults(result);
        assert_eq!(
            told,
            (Code::ValidationFailed, vec![format!("/{name} {word}")]),
            "{sent}"
        );
    }
    for sort in ["j", "p", "-p", "p_lat", "p.lat"] {
        let sorted = kit.list(&anon(), "things", &[("sort", sort)]).await;
        assert_eq!(code(sorted), Code::InvalidSort, "{sort}");
    }
    let found = kit
        .list(
            &anon(),
            "things",
            &[("filter", "json(j, \"a.y[1]\") == 1.0")],
        )
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    let found = kit
        .list(
            &anon(),
            "things",
            &[("filter", "p == null && d == null && q != null")],
        )
        .await
        .unwrap();
    assert_eq!(found.len(), good.len());
    // Added to records that are there, with defaults; and two columns have their names for themselves.
    let add = json!([{"name": "r", "type": "geo", "required": true, "default": {"lat": 1, "lon": 2}}, {"name": "k", "type": "json", "default": "x"}]);
    kit.change("things", json!({"fields": {"add": add}}))
        .await
        .unwrap();
    for record in kit.list(&anon(), "things", &[]).await.unwrap() {
        assert_eq!(
            (&record["r"], &record["k"]),
            (&json!({"lat": 1, "lon": 2}), &json!("x"))
        );
    }
    let cases = [
        (
            json!({"fields": {"add": [{"name": "p_lat", "type": "bool"}]}}),
            "/fields/add/0/name duplicate",
        ),
        (
            json!({"fields": {"add": [{"name": "x_lon", "type": "bool"}, {"name": "x", "type": "geo"}]}}),
            "/fields/add/1/name duplicate",
        ),
        (
            json!({"fields": {"add": [{"name": "x", "type": "geo", "unique": true}]}}),
            "/fields/add/0/unique cannot_be_unique",
        ),
        (
            json!({"fields": {"add": [{"name": "x", "type": "json", "unique": true}]}}),
            "/fields/add/0/unique cannot_be_unique",
        ),
        (
            json!({"fields": {"add": [{"name": "x", "type": "geo", "default": {"expression": "p"}}]}}),
            "/fields/add/0/default not_a_point",
        ),
        (
            json!({"fields": {"add": [{"name": "x", "type": "geo", "default": {"lat": 91, "lon": 0}}]}}),
            "/fields/add/0/default not_a_point",
        ),
        (
            json!({"indexes": {"add": [{"fields": ["j"]}]}}),
            "/indexes/add/0 not_indexable",
        ),
        (
            json!({"indexes": {"add": [{"fields": ["p"], "unique": true}]}}),
            "/indexes/add/0 not_indexable",
        ),
    ];
    for (change, want) in cases {
        assert_eq!(
            faults(kit.change("things", change.clone()).await).1,
            [want],
            "{change}"
        );
    }
    // The columns keep a point whole and on the earth.
    for set in [
        "\"p_lat\" = 1, \"p_lon\" = NULL",
        "\"p_lat\" = 91, \"p_lon\" = 1",
    ] {
        let sql = format!("UPDATE \"project\".\"things\" SET {set}");
        let broken = kit
            .db
            .write(
                async move |tx: &store::WriteTx| -> Result<(), store::StoreError> {
                    tx.execute_unprepared(&sql).await?;
                    Ok(())
                },
            )
            .await;
        assert!(
            matches!(broken, Err(store::StoreError::Constraint(_))),
            "{broken:?}"
        );
    }
}

async fn json_keeps_its_schema(kit: &Kit) {
    let schema = json!({
        "type": "object", "required": ["name"], "additionalProperties": false,
        "properties": {"name": {"type": "string", "pattern": "^(a+)+$"}, "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}}},
        "$defs": {"tag": {"type": "string", "maxLength": 3}}
    });
    let made = kit
        .open(
            "docs",
            json!([{"name": "doc", "type": "json", "schema": schema}]),
        )
        .await;
    assert_eq!(made["fields"][0]["schema"], schema);
    kit.made("docs", json!({"doc": {"name": "aaa", "tags": ["abc"]}}))
        .await;
    let cases = [
        (json!({"name": "b"}), vec!["/doc/name schema_mismatch"]),
        (
            json!({"tags": ["abcd", 1]}),
            vec![
                "/doc schema_mismatch",
                "/doc/tags/0 schema_mismatch",
                "/doc/tags/1 schema_mismatch",
            ],
        ),
        (json!([]), vec!["/doc schema_mismatch"]),
        // A pattern that is slow to refuse elsewhere.
        (
            json!({"name": format!("{}b", "a".repeat(60_000))}),
            vec!["/doc/name schema_mismatch"],
        ),
    ];
    for (doc, want) in cases {
        let told = faults(kit.create(&anon(), "docs", json!({"doc": doc})).await).1;
        assert_eq!(told, want);
    }
    let bad = [
        (json!({"type": "nothing"}), "not_a_schema"),
        (
            json!({"$ref": "https://example.org/schema.json"}),
            "not_a_schema",
        ),
        (json!({"$ref": "file:///etc/passwd"}), "not_a_schema"),
        (json!({"pattern": "("}), "not_a_schema"),
        (json!({"pattern": "(?=a)"}), "not_a_schema"),
        (json!(true), "not_an_object"),
        (json!({"description": "x".repeat(70_000)}), "too_large"),
    ];
    for (schema, word) in bad {
        let fields = json!([{"name": "doc", "type": "json", "schema": schema}]);
        let told = faults(
            kit.try_collection(json!({"name": "bad", "fields": fields}))
                .await,
        )
        .1;
        assert_eq!(told, [format!("/fields/0/schema {word}")], "{schema}");
    }
}

async fn places_are_found(kit: &Kit) {
    let all =
        json!({"list": "true", "view": "true", "create": "within(at, box(-90, -180, 90, 180))"});
    let fields = json!([{"name": "name", "type": "text"}, {"name": "at", "type": "geo"}]);
    kit.collection(
        json!({"name": "towns", "fields": fields, "indexes": [{"fields": ["at"]}], "rules": all}),
    )
    .await;
    let towns = [
        ("Berlin", 52.52, 13.405),
        ("Paris", 48.857, 2.352),
        ("Suva", -18.14, 178.44),
        ("Apia", -13.83, -171.76),
    ];
    for (name, lat, lon) in towns {
        let record = json!({"name": name, "at": {"lat": lat, "lon": lon}});
        kit.create(&anon(), "towns", record).await.unwrap();
    }
    assert_eq!(
        code(
            kit.create(&anon(), "towns", json!({"name": "nowhere"}))
                .await
        ),
        Code::RuleDenied
    );
    kit.made("towns", json!({"name": "nowhere"})).await;
    let cases = [
        ("distance(at, point(52.5, 13.4)) < 10000", vec!["Berlin"]),
        (
            "distance(at, point(50.0, 8.0)) < 1000000",
            vec!["Berlin", "Paris"],
        ),
        ("within(at, box(45, 0, 55, 15))", vec!["Berlin", "Paris"]),
        ("within(at, box(-20, 170, -10, -170))", vec!["Apia", "Suva"]),
        ("at == null", vec!["nowhere"]),
    ];
    for (filter, want) in cases {
        let found = kit
            .values(
                &anon(),
                "towns",
                "name",
                &[("filter", filter), ("sort", "name")],
            )
            .await;
        assert_eq!(found, want, "{filter}");
    }
    // The index serves a box.
    let indexed = if kit.is_postgres() {
        "SELECT count(*) AS n FROM pg_indexes WHERE tablename = 'towns' AND indexdef LIKE '%at_lat%at_lon%'"
    } else {
        "SELECT count(*) AS n FROM sqlite_master WHERE type = 'index' AND sql LIKE '%at_lat%at_lon%'"
    };
    assert!(kit.number(indexed).await > 0);
}
