//! Options of fields: uniqueness without case, exact sums, and definitions that are refused.

use crate::kit::{Kit, anon, both, code, key};
use crate::types::{faults, field};
use kernel::Code;
use sea_orm::ConnectionTrait;
use serde_json::json;

both!(
    case_is_folded_where_it_is_asked_for,
    exact_numbers_are_counted,
    definitions_are_checked
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
