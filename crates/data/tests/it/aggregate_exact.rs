//! Sums, averages and bounds of decimals and wide integers: texts that are exact, the same on both engines.

use crate::kit::{Kit, anon, both, key};
use serde_json::{Value as Json, json};

both!(exact_numbers_stay_exact);

async fn exact_numbers_stay_exact(kit: &Kit) {
    let fields = json!([
        {"name": "g", "type": "text"},
        {"name": "d", "type": "number", "format": "decimal", "precision": 18, "scale": 3},
        {"name": "w", "type": "number", "format": "wide"},
        {"name": "s", "type": "number", "format": "decimal", "precision": 5, "scale": 0, "read": "g != 'c'"}
    ]);
    kit.open("rows", fields).await;
    let (top, low) = ("999999999999999.999", "-999999999999999.999");
    let (most, least) = (i64::MAX.to_string(), (-i64::MAX).to_string());
    let mut operations = Vec::new();
    for (g, d, w, s) in [
        ("a", json!(top), json!(most), json!("1")),
        ("a", json!(top), json!(most), json!("2")),
        ("a", json!("0.001"), json!(most), json!(null)),
        ("b", json!(low), json!(least), json!("-7")),
        ("b", json!(low), json!(least), json!("0")),
        ("c", json!("-0.001"), json!("-1"), json!("5")),
        ("c", json!("0"), json!("0"), json!("5")),
        ("d", json!(null), json!(null), json!(null)),
        // Averages that differ in a digit that a double has no more.
        (
            "e",
            json!(null),
            json!((i64::MAX - 2).to_string()),
            json!(null),
        ),
        (
            "f",
            json!(null),
            json!((i64::MAX - 1).to_string()),
            json!(null),
        ),
        (
            "f",
            json!(null),
            json!((i64::MAX - 2).to_string()),
            json!(null),
        ),
    ] {
        operations.push(
            json!({"op": "create", "collection": "rows", "data": {"g": g, "d": d, "w": w, "s": s}}),
        );
    }
    kit.batch(&key(), json!(operations)).await.unwrap();
    let measures = |field: &str| {
        let of = |name: &str| format!("{name}({field})");
        json!({"group_by": ["g"], "measures": {"sum": of("sum"), "avg": of("avg"), "min": of("min"), "max": of("max"), "n": format!("count(distinct {field})")}})
    };
    let row = |g: &str, n: i64, [sum, avg, min, max]: [&str; 4]| {
        let text = |text: &str| {
            if text.is_empty() {
                Json::Null
            } else {
                json!(text)
            }
        };
        json!({"g": g, "sum": text(sum), "avg": text(avg), "min": text(min), "max": text(max), "n": n})
    };
    let none = ["", "", "", ""];
    assert_eq!(
        kit.groups(&anon(), "rows", measures("d")).await,
        json!([
            row(
                "a",
                2,
                [
                    "1999999999999999.999",
                    "666666666666666.666333333",
                    "0.001",
                    top
                ]
            ),
            row(
                "b",
                1,
                [
                    "-1999999999999999.998",
                    "-999999999999999.999000000",
                    low,
                    low
                ]
            ),
            row("c", 2, ["-0.001", "-0.000500000", "-0.001", "0.000"]),
            row("d", 0, none),
            row("e", 0, none),
            row("f", 0, none),
        ])
    );
    assert_eq!(
        kit.groups(&anon(), "rows", measures("w")).await,
        json!([
            row(
                "a",
                1,
                [
                    "27670116110564327421",
                    "9223372036854775807.000000",
                    &most,
                    &most
                ]
            ),
            row(
                "b",
                1,
                [
                    "-18446744073709551614",
                    "-9223372036854775807.000000",
                    &least,
                    &least
                ]
            ),
            row("c", 2, ["-1", "-0.500000", "-1", "0"]),
            row("d", 0, none),
            row(
                "e",
                1,
                [
                    "9223372036854775805",
                    "9223372036854775805.000000",
                    "9223372036854775805",
                    "9223372036854775805"
                ]
            ),
            row(
                "f",
                2,
                [
                    "18446744073709551611",
                    "9223372036854775805.500000",
                    "9223372036854775805",
                    "9223372036854775806"
                ]
            ),
        ])
    );
    // A masked value counts as none.
    assert_eq!(
        kit.groups(&anon(), "rows", measures("s")).await,
        json!([
            row("a", 2, ["3", "1.500000", "1", "2"]),
            row("b", 2, ["-7", "-3.500000", "-7", "0"]),
            row("c", 0, none),
            row("d", 0, none),
            row("e", 0, none),
            row("f", 0, none),
        ])
    );
    // The seventh digit is rounded half away from zero.
    let third = json!({"measures": {"avg": "avg(d)"}, "filter": "g in ['c', 'a'] && d < 1"});
    let third = kit.groups(&anon(), "rows", third).await;
    assert_eq!(third, json!([{"avg": "0.000000000"}]));
    for (d, want) in [
        ("0.001", "0.000166667"),
        ("-0.011", "-0.001833333"),
        ("-0.003", "-0.000500000"),
    ] {
        kit.open("sixths", json!([{"name": "d", "type": "number", "format": "decimal", "precision": 9, "scale": 3}])).await;
        for value in [d, "0", "0", "0", "0", "0"] {
            kit.made("sixths", json!({"d": value})).await;
        }
        let found = kit
            .groups(&anon(), "sixths", json!({"measures": {"avg": "avg(d)"}}))
            .await;
        assert_eq!(found, json!([{"avg": want}]));
        kit.data
            .delete_collection(&kit.project, &key(), "sixths", Some("delete:sixths"))
            .await
            .unwrap();
    }
    for (sort, want) in [
        ("sum_w", ["d", "b", "c", "e", "f", "a"]),
        ("avg_w", ["d", "b", "c", "e", "f", "a"]),
        ("-avg_w", ["a", "f", "e", "c", "b", "d"]),
        ("avg_d,g", ["d", "e", "f", "b", "c", "a"]),
        ("-max_d,g", ["a", "c", "b", "d", "e", "f"]),
    ] {
        let body = json!({"group_by": ["g"], "sort": sort, "measures": {"sum_w": "sum(w)", "avg_w": "avg(w)", "avg_d": "avg(d)", "max_d": "max(d)"}});
        let groups = kit.groups(&anon(), "rows", body).await;
        let groups: Vec<&Json> = groups.as_array().unwrap().iter().map(|g| &g["g"]).collect();
        assert_eq!(groups, want, "{sort}");
    }
    let by = json!({"group_by": ["d"], "measures": {"n": "count()"}, "filter": "d != null"});
    assert_eq!(
        kit.groups(&anon(), "rows", by).await,
        json!([{"d": low, "n": 2}, {"d": "-0.001", "n": 1}, {"d": "0.000", "n": 1}, {"d": "0.001", "n": 1}, {"d": top, "n": 2}])
    );
}
