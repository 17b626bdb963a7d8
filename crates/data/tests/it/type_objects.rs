//! Fields whose values are objects: json with its schema, and places on the earth.

use crate::kit::{Kit, anon, both, code};
use crate::types::faults;
use kernel::Code;
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};

both!(objects_are_values, json_keeps_its_schema, places_are_found);

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
