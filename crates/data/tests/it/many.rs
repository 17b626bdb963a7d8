//! Fields that hold lists: values in order, bounds, operators, filters and rules, the same on both engines.

use crate::kit::{Kit, anon, both, code, key};
use gate::Problem;
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    lists_keep_their_order,
    lists_are_appended_to_and_removed_from,
    rules_look_into_lists,
    lists_are_added
);

/// Places and words of all faults.
#[track_caller]
fn told<T>(result: Result<T, Problem>) -> Vec<String> {
    let Err(problem) = result else {
        panic!("this should have failed")
    };
    let errors = problem.field_errors().iter();
    errors.map(|e| format!("{} {}", e.path, e.code)).collect()
}

fn labels() -> Json {
    json!({"name": "labels", "type": "select", "values": ["a", "b", "c", "d\"'"], "multiple": true, "max_items": 3})
}

/// A list with these options.
fn sizes(options: Json) -> Json {
    let mut field =
        json!({"name": "sizes", "type": "select", "values": ["s", "m"], "multiple": true});
    for (name, value) in options.as_object().unwrap() {
        field[name] = value.clone();
    }
    field
}

async fn lists_keep_their_order(kit: &Kit) {
    let needed = sizes(json!({"min_items": 1, "default": ["m"]}));
    let made = kit.open("posts", json!([labels(), needed])).await;
    assert_eq!(made["fields"][0]["max_items"], 3, "{made}");
    assert_eq!(made["fields"][1]["max_items"], 2, "{made}");
    for (sent, want) in [
        (json!({}), r#""labels":[],"sizes":["m"],"#),
        (json!({"labels": []}), r#""labels":[],"sizes":["m"],"#),
        (
            json!({"labels": ["c", "a"], "sizes": ["s"]}),
            r#""labels":["c","a"],"sizes":["s"],"#,
        ),
        (
            json!({"labels": ["d\"'"]}),
            r#""labels":["d\"'"],"sizes":["m"],"#,
        ),
    ] {
        let made = kit.create(&anon(), "posts", sent.clone()).await.unwrap();
        let kept = kit.bytes("posts", made["id"].as_str().unwrap()).await;
        assert!(kept.contains(want), "{kept} {want}");
        assert_eq!(made, serde_json::from_str::<Json>(&kept).unwrap());
    }
    for (sent, want) in [
        (json!({"labels": null}), "/labels required"),
        (json!({"labels": "a"}), "/labels not_a_list"),
        (json!({"labels": ["a", "x"]}), "/labels not_a_choice"),
        (json!({"labels": ["a", 1]}), "/labels not_a_choice"),
        (json!({"labels": ["a", null]}), "/labels not_a_choice"),
        (json!({"labels": ["a", "a"]}), "/labels duplicate"),
        (
            json!({"labels": ["a", "b", "c", "d\"'"]}),
            "/labels too_many",
        ),
        (json!({"sizes": []}), "/sizes too_few"),
        (json!({"labels": {"append": ["a"]}}), "/labels not_a_list"),
    ] {
        let result = kit.create(&anon(), "posts", sent.clone()).await;
        assert_eq!(told(result), [want], "{sent}");
    }
    let sorted = kit.list(&anon(), "posts", &[("sort", "labels")]).await;
    assert_eq!(code(sorted), Code::InvalidSort);
}

async fn lists_are_appended_to_and_removed_from(kit: &Kit) {
    kit.open("posts", json!([labels(), sizes(json!({"min_items": 1}))]))
        .await;
    assert_eq!(
        told(kit.create(&anon(), "posts", json!({})).await),
        ["/sizes required"]
    );
    let id = kit
        .made("posts", json!({"labels": ["b"], "sizes": ["s"]}))
        .await;
    for (name, change, want) in [
        (
            "labels",
            json!({"append": ["a", "b"]}),
            Ok(json!(["b", "a"])),
        ),
        (
            "labels",
            json!({"append": ["c"]}),
            Ok(json!(["b", "a", "c"])),
        ),
        ("labels", json!({"append": ["d\"'"]}), Err("too_many")),
        (
            "labels",
            json!({"remove": ["a", "d\"'"]}),
            Ok(json!(["b", "c"])),
        ),
        ("labels", json!({"remove": ["x"]}), Err("not_a_choice")),
        ("labels", json!({"append": []}), Err("too_few")),
        ("labels", json!({"append": "a"}), Err("not_a_list")),
        (
            "labels",
            json!({"append": ["a"], "remove": ["b"]}),
            Err("unknown_operator"),
        ),
        ("labels", json!({"increment": 1}), Err("not_a_number")),
        ("sizes", json!({"remove": ["s"]}), Err("too_few")),
        ("sizes", json!({"set_if_absent": ["m"]}), Ok(json!(["s"]))),
        ("labels", json!([]), Ok(json!([]))),
    ] {
        let sent = json!({name: change});
        let result = kit.merge(&anon(), "posts", &id, sent.clone()).await;
        match want {
            Ok(want) => assert_eq!(result.unwrap()[name], want, "{sent}"),
            Err(word) => assert_eq!(told(result), [format!("/{name} {word}")], "{sent}"),
        }
    }
    // Each operation of a batch sees what went before.
    let update = |change: Json| json!({"op": "update", "collection": "posts", "id": id, "data": {"labels": change}});
    let batch = json!([
        update(json!({"append": ["a"]})),
        update(json!({"append": ["c"]})),
        update(json!({"remove": ["a"]}))
    ]);
    kit.batch(&key(), batch).await.unwrap();
    let read = kit.get(&anon(), "posts", &id).await.unwrap();
    assert_eq!(read["labels"], json!(["c"]));
}

async fn rules_look_into_lists(kit: &Kit) {
    let rules = json!({"list": "!(\"c\" in labels)", "view": "true", "create": "size(labels) > 0", "update": "!(\"b\" in next.labels)"});
    let mut copy = labels();
    copy["name"] = "copy".into();
    copy["default"] = json!({"expression": "labels"});
    let fields = json!([{"name": "title", "type": "text"}, labels(), copy]);
    kit.collection(json!({"name": "posts", "fields": fields, "rules": rules}))
        .await;
    let none = json!({"title": "none"});
    assert_eq!(
        code(kit.create(&anon(), "posts", none.clone()).await),
        Code::RuleDenied
    );
    kit.made("posts", none).await;
    let mut ids = Vec::new();
    for (title, list) in [
        ("ab", json!(["a", "b"])),
        ("c", json!(["c"])),
        ("d", json!(["d\"'"])),
    ] {
        let record = json!({"title": title, "labels": list});
        let made = kit.create(&anon(), "posts", record).await.unwrap();
        assert_eq!(made["copy"], list);
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    for (filter, want) in [
        ("\"a\" in labels", vec!["ab"]),
        ("\"c\" in labels", vec![]),
        ("title in labels", vec![]),
        ("!(\"a\" in labels)", vec!["d", "none"]),
        ("size(labels) == 0", vec!["none"]),
        ("size(labels) >= 1", vec!["ab", "d"]),
        ("labels != null && params.p in labels", vec!["d"]),
    ] {
        let query = [("filter", filter), ("sort", "title"), ("params.p", "d\"'")];
        let query = if filter.contains("params") {
            &query
        } else {
            &query[..2]
        };
        let found = kit.values(&anon(), "posts", "title", query).await;
        assert_eq!(found, want, "{filter}");
    }
    for bad in [
        "labels == \"a\"",
        "1 in labels",
        "labels < labels",
        "labels == labels",
        "labels.contains(\"a\")",
        "labels + 1 > 0",
    ] {
        let found = kit.list(&anon(), "posts", &[("filter", bad)]).await;
        assert_eq!(code(found), Code::InvalidFilter, "{bad}");
    }
    // The rule sees the list as the operator will leave it.
    let append = |label: &str| json!({"labels": {"append": [label]}});
    let denied = kit.merge(&anon(), "posts", &ids[2], append("b")).await;
    assert_eq!(code(denied), Code::RuleDenied);
    kit.merge(&anon(), "posts", &ids[2], append("a"))
        .await
        .unwrap();
}

async fn lists_are_added(kit: &Kit) {
    kit.open("posts", json!([{"name": "title", "type": "text"}]))
        .await;
    let id = kit.made("posts", json!({"title": "x"})).await;
    let filled = sizes(json!({"min_items": 1, "default": ["s", "m"]}));
    kit.change("posts", json!({"fields": {"add": [labels(), filled]}}))
        .await
        .unwrap();
    let read = kit.get(&anon(), "posts", &id).await.unwrap();
    assert_eq!(
        (&read["labels"], &read["sizes"]),
        (&json!([]), &json!(["s", "m"]))
    );
    for (options, want) in [
        (json!({"min_items": 1}), "default required"),
        (json!({"unique": true}), "unique cannot_be_unique"),
        (
            json!({"required": true, "default": ["s"]}),
            "required cannot_be_required",
        ),
        (
            json!({"multiple": false, "max_items": 2}),
            "max_items not_multiple",
        ),
        (
            json!({"min_items": 3, "max_items": 2}),
            "max_items below_min",
        ),
        (json!({"max_items": 1001}), "max_items not_a_count"),
        (json!({"default": ["y"]}), "default not_a_choice"),
    ] {
        let mut field = sizes(options.clone());
        field["name"] = "other".into();
        let result = kit
            .change("posts", json!({"fields": {"add": [field]}}))
            .await;
        let told = told(result);
        assert!(
            told.contains(&format!("/fields/add/0/{want}")),
            "{options} {told:?}"
        );
    }
    let index = json!({"indexes": {"add": [{"fields": ["labels"]}]}});
    assert_eq!(
        told(kit.change("posts", index).await),
        ["/indexes/add/0 not_indexable"]
    );
}
