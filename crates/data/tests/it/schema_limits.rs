//! The widest collection there can be: its statements stay within every limit of both engines.

use crate::kit::{Kit, anon, both, code, faults, key};
use kernel::Code;
use serde_json::{Map, Value as Json, json};

both!(
    as_many_fields_as_there_can_be,
    as_many_indexes_as_there_can_be
);

fn fields(n: usize) -> Vec<Json> {
    (0..n)
        .map(|i| match i % 5 {
            0 => json!({"name": format!("f{i}"), "type": "text"}),
            1 => json!({"name": format!("f{i}"), "type": "number"}),
            2 => json!({"name": format!("f{i}"), "type": "bool"}),
            3 => json!({"name": format!("f{i}"), "type": "datetime"}),
            _ => json!({"name": format!("f{i}"), "type": "number", "format": "integer", "min": 0}),
        })
        .collect()
}

async fn as_many_fields_as_there_can_be(kit: &Kit) {
    assert_eq!(
        faults(
            kit.try_collection(json!({"name": "wide", "fields": fields(197)}))
                .await
        ),
        (Code::ValidationFailed, vec!["/fields".into()])
    );
    kit.open("wide", json!(fields(196))).await;
    let mut record = Map::new();
    for i in 0..196 {
        let value = match i % 5 {
            0 => json!(format!("t{i}")),
            1 => json!(f64::from(i) + 0.5),
            2 => json!(i % 2 == 0),
            3 => json!("2026-01-01T00:00:00.000000Z"),
            _ => json!(i),
        };
        record.insert(format!("f{i}"), value);
    }
    let made = kit
        .create(&anon(), "wide", Json::Object(record.clone()))
        .await
        .unwrap();
    assert_eq!(made.as_object().unwrap().len(), 200);
    let id = made["id"].as_str().unwrap();
    for (name, value) in &record {
        assert_eq!(made[name], *value);
    }
    assert_eq!(kit.get(&anon(), "wide", id).await.unwrap(), made);
    assert_eq!(
        kit.list(&anon(), "wide", &[("sort", "-f0,f1")])
            .await
            .unwrap(),
        std::slice::from_ref(&made)
    );
    let merged = kit
        .merge(&anon(), "wide", id, Json::Object(record))
        .await
        .unwrap();
    assert_eq!(merged["_version"], 2);
    // And all of that within an expansion.
    kit.open(
        "narrow",
        json!([{"name": "wide", "type": "relation", "collection": "wide"}]),
    )
    .await;
    kit.made("narrow", json!({"wide": id})).await;
    assert_eq!(
        kit.list(&anon(), "narrow", &[("expand", "wide")])
            .await
            .unwrap()[0]["expand"]["wide"],
        merged
    );
    kit.data
        .delete_collection(&kit.project, &key(), "narrow", Some("delete:narrow"))
        .await
        .unwrap();
    kit.data
        .delete_collection(&kit.project, &key(), "wide", Some("delete:wide"))
        .await
        .unwrap();
    assert_eq!(
        code(kit.list(&anon(), "wide", &[]).await),
        Code::CollectionNotFound
    );
}

async fn as_many_indexes_as_there_can_be(kit: &Kit) {
    let fields: Vec<Json> = (0..40)
        .map(|i| json!({"name": format!("f{i}"), "type": "text", "max": 75, "unique": i >= 32}))
        .collect();
    let indexes: Vec<Json> = (0..32)
        .map(|i| json!({"fields": (i..i + 8).map(|n| format!("f{}", n % 40)).collect::<Vec<_>>()}))
        .collect();
    kit.collection(json!({"name": "indexed", "fields": fields, "indexes": indexes}))
        .await;
    let wide: Map<String, Json> = (0..40)
        .map(|i| (format!("f{i}"), json!("\u{10FFFF}".repeat(75))))
        .collect();
    kit.create(&key(), "indexed", Json::Object(wide))
        .await
        .unwrap();
}
