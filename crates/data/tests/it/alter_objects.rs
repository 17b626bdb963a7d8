//! Fields of the types beyond plain texts and numbers under changes of their collection.

use crate::alter::values;
use crate::kit::{Kit, anon, both, code, faults};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    they_are_renamed_converted_and_dropped,
    indexes_with_conditions_follow_or_hold,
    case_counts_or_does_not,
);

async fn things(kit: &Kit) {
    let fields = json!([
        {"name": "place", "type": "geo"},
        {"name": "cost", "type": "number", "format": "decimal", "precision": 8, "scale": 2, "min": "0.00"},
        {"name": "big", "type": "number", "format": "wide"},
        {"name": "labels", "type": "select", "multiple": true, "values": ["a", "b", "c"]},
        {"name": "mood", "type": "select", "values": ["a", "b"]},
        {"name": "day", "type": "date"},
        {"name": "meta", "type": "json"},
        {"name": "page", "type": "editor"},
        {"name": "plain", "type": "text"},
        {"name": "mail", "type": "email"},
        {"name": "code", "type": "uuid"}
    ]);
    kit.open("things", fields).await;
    let whole = json!({"place": {"lat": 1.5, "lon": -2.5}, "cost": "12.50", "big": "9007199254740993",
        "labels": ["b", "a"], "mood": "b", "day": "2026-05-01", "meta": {"a": [1, null]},
        "page": "<p>x</p>", "plain": "<b>y</b><script>z</script>", "mail": "A@example.com",
        "code": "018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b"});
    kit.made("things", whole).await;
    kit.made("things", json!({})).await;
}

async fn they_are_renamed_converted_and_dropped(kit: &Kit) {
    things(kit).await;
    let change = async |change: Json| {
        let told = change.to_string();
        let done = kit.change("things", change).await;
        done.unwrap_or_else(|e| panic!("{told}: {e} {:?}", e.field_errors()))
    };
    // Two columns and their condition go along, there and back.
    change(json!({"fields": {"rename": {"place": "spot", "labels": "tags", "meta": "more"}}}))
        .await;
    let point = json!({"lat": 1.5, "lon": -2.5});
    assert_eq!(values(kit, "things", "spot").await, json!([point, null]));
    assert_eq!(values(kit, "things", "tags").await, json!([["b", "a"], []]));
    let refused = json!({"spot": {"lat": 91.0, "lon": 0.0}});
    assert_eq!(
        code(kit.create(&anon(), "things", refused).await),
        Code::ValidationFailed
    );
    change(json!({"fields": {"rename": {"spot": "place", "mood": "tags", "tags": "mood"}}})).await;
    assert_eq!(values(kit, "things", "mood").await, json!([["b", "a"], []]));
    assert_eq!(values(kit, "things", "tags").await, json!(["b", null]));
    change(json!({"fields": {"rename": {"mood": "tags", "tags": "mood"}}})).await;

    let retype = |field: &str, to: Json| json!({"fields": {"change": {field: to}}});
    for (field, to, want) in [
        ("cost", json!({"max": "99.99"}), json!(["12.50", null])),
        (
            "cost",
            json!({"scale": 3, "min": "0", "max": null}),
            json!(["12.500", null]),
        ),
        (
            "cost",
            json!({"type": "number", "format": "float", "min": null}),
            json!([12.5, null]),
        ),
        (
            "cost",
            json!({"type": "number", "format": "decimal", "precision": 9, "scale": 1, "default": "1.5"}),
            json!(["12.5", null]),
        ),
        (
            "cost",
            json!({"type": "text", "default": null}),
            json!(["12.5", null]),
        ),
        (
            "cost",
            json!({"type": "number", "format": "decimal", "scale": 2}),
            json!(["12.50", null]),
        ),
        (
            "big",
            json!({"type": "text"}),
            json!(["9007199254740993", null]),
        ),
        (
            "big",
            json!({"type": "number", "format": "wide", "min": "1"}),
            json!(["9007199254740993", null]),
        ),
        ("mood", json!({"multiple": true}), json!([["b"], []])),
        (
            "tags",
            json!({"values": ["b", "a"]}),
            json!([["b", "a"], []]),
        ),
        (
            "tags",
            json!({"values": ["b", "a", "z"], "max_items": 2}),
            json!([["b", "a"], []]),
        ),
        ("day", json!({"type": "text"}), json!(["2026-05-01", null])),
        ("day", json!({"type": "date"}), json!(["2026-05-01", null])),
        (
            "plain",
            json!({"type": "editor"}),
            json!(["<b>y</b>", null]),
        ),
        ("page", json!({"type": "text"}), json!(["<p>x</p>", null])),
        (
            "mail",
            json!({"type": "text"}),
            json!(["A@example.com", null]),
        ),
        (
            "mail",
            json!({"type": "email"}),
            json!(["A@example.com", null]),
        ),
        (
            "code",
            json!({"type": "text"}),
            json!(["018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b", null]),
        ),
        (
            "code",
            json!({"type": "uuid"}),
            json!(["018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b", null]),
        ),
        ("more", json!({"schema": {"type": "object"}}), Json::Null),
    ] {
        change(retype(field, to.clone())).await;
        if !want.is_null() {
            assert_eq!(values(kit, "things", field).await, want, "{field} as {to}");
        }
    }
    // What the records do not bear, and what nothing becomes.
    for (field, to, path) in [
        ("cost", json!({"max": "12.49"}), "/fields/change/cost"),
        ("tags", json!({"max_items": 1}), "/fields/change/tags"),
        ("tags", json!({"values": ["a"]}), "/fields/change/tags"),
        (
            "more",
            json!({"schema": {"type": "array"}}),
            "/fields/change/more",
        ),
        ("more", json!({"type": "text"}), "/fields/change/more/type"),
        (
            "place",
            json!({"type": "text"}),
            "/fields/change/place/type",
        ),
        ("tags", json!({"type": "text"}), "/fields/change/tags/type"),
        ("plain", json!({"type": "geo"}), "/fields/change/plain/type"),
        ("place", json!({"required": true}), "/fields/change/place"),
    ] {
        let told = faults(kit.change("things", retype(field, to.clone())).await);
        assert_eq!(
            told,
            (Code::ValidationFailed, vec![path.to_owned()]),
            "{field} as {to}"
        );
    }
    let all = ["place", "cost", "tags", "more"];
    let words: Vec<String> = all.iter().map(|name| format!("drop:{name}")).collect();
    let told = faults(kit.change("things", json!({"fields": {"drop": all}})).await);
    assert_eq!((told.0, told.1.len()), (Code::ConfirmationRequired, 4));
    change(json!({"fields": {"drop": all}, "confirm": words})).await;
    change(json!({"fields": {"add": [{"name": "place", "type": "geo", "default": {"lat": 3.5, "lon": 4.5}}]}})).await;
    let there = json!({"lat": 3.5, "lon": 4.5});
    assert_eq!(values(kit, "things", "place").await, json!([there, there]));
}

async fn indexes_with_conditions_follow_or_hold(kit: &Kit) {
    let fields = json!([
        {"name": "slug", "type": "text", "max": 50},
        {"name": "state", "type": "select", "values": ["draft", "live"]},
        {"name": "rank", "type": "number", "format": "integer"}
    ]);
    kit.open("posts", fields).await;
    let index = json!({"fields": ["slug"], "unique": true, "where": "state == \"live\""});
    kit.change("posts", json!({"indexes": {"add": [index]}}))
        .await
        .unwrap();
    let live = || json!({"slug": "a", "state": "live"});
    kit.made("posts", live()).await;
    kit.made("posts", json!({"slug": "a", "state": "draft"}))
        .await;
    let holds = async || {
        let told = faults(kit.create(&anon(), "posts", live()).await);
        assert_eq!(told.0, Code::Duplicate, "{told:?}");
        kit.made("posts", json!({"slug": "a", "state": "draft"}))
            .await;
    };
    holds().await;
    for away in [
        json!({"drop": ["state"]}),
        json!({"rename": {"state": "phase"}}),
        json!({"change": {"state": {"type": "bool"}}}),
    ] {
        let told = faults(
            kit.change(
                "posts",
                json!({"fields": away, "confirm": ["drop:state", "convert:state"]}),
            )
            .await,
        );
        assert_eq!(told.0, Code::Referenced, "{told:?}");
    }
    // Through a new table, another type of the same kind, and another name of a field beside it.
    for change in [
        json!({"change": {"rank": {"min": 0}}}),
        json!({"change": {"state": {"type": "text", "max": 10}}}),
        json!({"rename": {"rank": "place"}}),
    ] {
        kit.change("posts", json!({"fields": change}))
            .await
            .unwrap();
        holds().await;
    }
    // And where the collection has another name for a while.
    kit.change("posts", json!({"name": "texts"})).await.unwrap();
    kit.change("texts", json!({"name": "posts"})).await.unwrap();
    holds().await;
}

async fn case_counts_or_does_not(kit: &Kit) {
    let fields = json!([{"name": "name", "type": "text", "max": 50, "unique": true}]);
    kit.open("tags", fields).await;
    kit.made("tags", json!({"name": "Rust"})).await;
    let lower = kit.made("tags", json!({"name": "rust"})).await;
    let folded = json!({"fields": {"change": {"name": {"case_insensitive": true}}}});
    let told = faults(kit.change("tags", folded.clone()).await);
    assert_eq!(
        told,
        (Code::ValidationFailed, vec!["/fields/change/name".into()])
    );
    kit.merge(&anon(), "tags", &lower, json!({"name": "go"}))
        .await
        .unwrap();
    kit.change("tags", folded).await.unwrap();
    let again = async || code(kit.create(&anon(), "tags", json!({"name": "RUST"})).await);
    assert_eq!(again().await, Code::Duplicate);
    let exact = json!({"fields": {"change": {"name": {"case_insensitive": false}}}});
    kit.change("tags", exact).await.unwrap();
    kit.made("tags", json!({"name": "RUST"})).await;
}
