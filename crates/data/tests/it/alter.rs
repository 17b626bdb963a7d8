//! Collections that are changed while they have records: what goes, what becomes another thing, and what is refused.

use crate::files::put;
use crate::kit::{Kit, U, add_user, anon, both, code, faults, key, u};
use kernel::Code;
use serde_json::{Value as Json, json};
use uuid::Uuid;

both!(
    what_is_dropped_is_told_and_agreed_to,
    what_is_named_stays,
    options_are_loosened_and_tightened,
    fields_get_new_names,
    values_become_another_type,
    collections_get_new_names,
    fields_have_an_order,
    every_fault_is_told,
    a_dry_run_does_nothing,
    versions_are_kept,
    files_are_let_go_and_follow,
    references_hold_through_a_new_table,
    a_collection_with_records_goes_when_that_is_said,
);

/// A collection with three records; their ids.
async fn posts(kit: &Kit) -> Vec<String> {
    kit.open(
        "posts",
        json!([
            {"name": "title", "type": "text", "max": 50},
            {"name": "stock", "type": "number", "format": "integer", "min": 0},
            {"name": "price", "type": "number"},
            {"name": "state", "type": "select", "values": ["new", "old"]},
            {"name": "open", "type": "bool"},
            {"name": "due", "type": "datetime"}
        ]),
    )
    .await;
    let records = [
        json!({"title": "12", "stock": 1, "price": 1.5, "state": "new", "open": true, "due": "2026-01-01T00:00:00Z"}),
        json!({"title": "two", "stock": 2, "price": 2.0, "state": "old", "open": false}),
        json!({}),
    ];
    let mut ids = Vec::new();
    for record in records {
        ids.push(kit.made("posts", record).await);
    }
    ids
}

/// The paths and codes of a refusal, with the words that it wants repeated.
fn told(result: Result<Json, gate::Problem>) -> (Code, Vec<(String, String)>) {
    let problem = result.unwrap_err();
    let errors = problem.field_errors().iter();
    let errors = errors.map(|e| (e.path.clone(), e.message.clone()));
    (problem.code(), errors.collect())
}

async fn values(kit: &Kit, collection: &str, field: &str) -> Json {
    kit.values(&anon(), collection, field, &[("sort", "id")])
        .await
        .into()
}

async fn fields(kit: &Kit, collection: &str) -> Vec<String> {
    let schema = kit
        .data
        .get_collection(&kit.project, collection)
        .await
        .unwrap();
    schema.fields.iter().map(|f| f.name.clone()).collect()
}

async fn what_is_dropped_is_told_and_agreed_to(kit: &Kit) {
    let ids = posts(kit).await;
    let before = kit.get(&anon(), "posts", &ids[0]).await.unwrap();
    let (refused, errors) = told(
        kit.change("posts", json!({"fields": {"drop": ["title", "due"]}}))
            .await,
    );
    assert_eq!(refused, Code::ConfirmationRequired);
    assert_eq!(errors[0].0, "/fields/drop/0");
    assert!(
        errors[0]
            .1
            .starts_with("2 records would lose the value of title"),
        "{errors:?}"
    );
    assert!(errors[0].1.contains("\"drop:title\"") && errors[1].1.contains("\"drop:due\""));
    assert!(errors[1].1.starts_with("1 record would"), "{errors:?}");
    // Half of it is not enough, and the other half is told.
    let half = json!({"fields": {"drop": ["title", "due"]}, "confirm": ["drop:title"]});
    assert_eq!(
        faults(kit.change("posts", half).await),
        (Code::ConfirmationRequired, vec!["/fields/drop/1".into()])
    );
    assert_eq!(
        values(kit, "posts", "title").await,
        json!(["12", "two", null])
    );
    let all = json!({"fields": {"drop": ["title", "due"]}, "confirm": ["drop:title", "drop:due"]});
    kit.change("posts", all).await.unwrap();
    let after = kit.get(&anon(), "posts", &ids[0]).await.unwrap();
    assert_eq!(after.get("title"), None);
    for same in [
        "id",
        "created_at",
        "updated_at",
        "_version",
        "stock",
        "price",
        "state",
    ] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(
        code(kit.create(&anon(), "posts", json!({"title": "x"})).await),
        Code::UnknownField
    );
    kit.made("posts", json!({"stock": 3})).await;
    // A field without a value in any record needs no word; neither does the same name again.
    kit.change(
        "posts",
        json!({"fields": {"add": [{"name": "title", "type": "number"}]}}),
    )
    .await
    .unwrap();
    kit.change("posts", json!({"fields": {"drop": ["title"]}}))
        .await
        .unwrap();
    // Something else with the name of what goes, in one change.
    let swap = json!({"fields": {"drop": ["price"], "add": [{"name": "price", "type": "text", "default": "free"}]}, "confirm": ["drop:price"]});
    kit.change("posts", swap).await.unwrap();
    assert_eq!(
        values(kit, "posts", "price").await,
        json!(["free", "free", "free", "free"])
    );
}

async fn what_is_named_stays(kit: &Kit) {
    posts(kit).await;
    kit.open(
        "comments",
        json!([
            {"name": "post", "type": "relation", "collection": "posts"},
            {"name": "copy", "type": "text", "default": {"expression": "post.title"}}
        ]),
    )
    .await;
    kit.change("posts", json!({
        "rules": {"list": "title != 'x' && comments_via_post.all(c, c.copy != 'y')", "update": "stock > 0"},
        "indexes": {"add": [{"fields": ["title", "stock"]}, {"fields": ["title"], "unique": true}]},
        "fields": {"change": {"state": {"default": {"expression": "title == 'a' ? 'new' : 'old'"}}}}
    })).await.unwrap();
    kit.change("comments", json!({"rules": {"view": "post.title == 'a'"}}))
        .await
        .unwrap();
    for change in [
        json!({"fields": {"drop": ["title"]}, "confirm": ["drop:title"]}),
        json!({"fields": {"rename": {"title": "name"}}}),
    ] {
        let is_drop = change["fields"].get("drop").is_some();
        let (refused, errors) = told(kit.change("posts", change).await);
        let mut sentences: Vec<&str> = errors.iter().map(|(_, m)| m.as_str()).collect();
        sentences.sort_unstable();
        let mut want = vec![
            "The default of copy of comments names it.",
            "The default of state of posts names it.",
            "The rule list of posts names it.",
            "The rule view of comments names it.",
        ];
        if is_drop {
            want.extend([
                "The index on title names it.",
                "The index on title, stock names it.",
            ]);
        }
        want.sort_unstable();
        assert_eq!((refused, sentences), (Code::Referenced, want));
    }
    // Another type that a rule cannot bear, and another name of what a back relation is called by.
    let typed = json!({"fields": {"change": {"stock": {"type": "text", "max": 30}}}});
    assert_eq!(
        faults(kit.change("posts", typed).await),
        (Code::Referenced, vec!["/fields/change/stock".into()])
    );
    let back = json!({"fields": {"rename": {"post": "about"}}});
    let (refused, errors) = told(kit.change("comments", back).await);
    let mut sentences: Vec<&str> = errors.iter().map(|(_, m)| m.as_str()).collect();
    sentences.sort_unstable();
    let want = [
        "The default of copy of comments names it.",
        "The rule list of posts names it.",
        "The rule view of comments names it.",
    ];
    assert_eq!((refused, sentences), (Code::Referenced, want.to_vec()));
    // What the change itself says anew does not count.
    kit.change(
        "comments",
        json!({"rules": {"view": "true"}, "fields": {"change": {"copy": {"default": null}}}}),
    )
    .await
    .unwrap();
    kit.change("posts", json!({
        "fields": {"drop": ["title"], "change": {"state": {"default": "new"}}},
        "indexes": {"drop": [{"fields": ["title", "stock"]}, {"fields": ["title"], "unique": true}]},
        "rules": {"list": "true"},
        "confirm": ["drop:title"]
    })).await.unwrap();
    assert_eq!(
        kit.list(&anon(), "posts", &[("expand", "comments_via_post")])
            .await
            .unwrap()
            .len(),
        3
    );
}

async fn options_are_loosened_and_tightened(kit: &Kit) {
    let ids = posts(kit).await;
    let change = async |field: &str, options: Json| {
        kit.change("posts", json!({"fields": {"change": {field: options}}}))
            .await
    };
    // Whatever fits what is there.
    for (field, options) in [
        ("title", json!({"max": 60, "min": 0})),
        ("title", json!({"max": 3, "min": 2})),
        ("title", json!({"unique": true})),
        (
            "title",
            json!({"unique": false, "hidden": true, "read_only": true}),
        ),
        ("title", json!({"hidden": false, "read_only": false})),
        ("stock", json!({"min": 1, "max": 2})),
        ("stock", json!({"min": null, "max": null})),
        ("stock", json!({"min": -5})),
        (
            "state",
            json!({"values": ["old", "new", "lost"], "default": "lost"}),
        ),
        ("state", json!({"values": ["old", "new"], "default": "old"})),
        ("price", json!({"default": 3.5})),
    ] {
        change(field, options.clone())
            .await
            .unwrap_or_else(|e| panic!("{field} {options}: {e} {:?}", e.field_errors()));
    }
    // What does not, with how many and which.
    for (field, options, path, what) in [
        (
            "title",
            json!({"max": 2}),
            "/fields/change/title",
            format!("1 record ({}) do not fit", ids[1]),
        ),
        (
            "title",
            json!({"min": 3}),
            "/fields/change/title",
            format!("1 record ({}) do not fit", ids[0]),
        ),
        (
            "title",
            json!({"required": true}),
            "/fields/change/title",
            format!("1 record ({}) have no value", ids[2]),
        ),
        (
            "stock",
            json!({"min": 2}),
            "/fields/change/stock",
            format!("1 record ({}) do not fit", ids[0]),
        ),
        (
            "stock",
            json!({"max": 0}),
            "/fields/change/stock",
            format!("2 records ({}, {}) do not fit", ids[0], ids[1]),
        ),
        (
            "state",
            json!({"values": ["new"], "default": null}),
            "/fields/change/state",
            format!("1 record ({}) do not fit", ids[1]),
        ),
        (
            "open",
            json!({"required": true, "default": true}),
            "/fields/change/open",
            format!("1 record ({}) have no value", ids[2]),
        ),
    ] {
        let (refused, errors) = told(change(field, options.clone()).await);
        assert_eq!(
            (refused, errors[0].0.as_str()),
            (Code::ValidationFailed, path),
            "{field} {options}"
        );
        assert!(
            errors[0].1.starts_with(&what),
            "{field} {options}: {errors:?}"
        );
    }
    kit.merge(&key(), "posts", &ids[2], json!({"title": "12", "stock": 3}))
        .await
        .unwrap();
    assert_eq!(
        faults(change("title", json!({"unique": true})).await),
        (Code::ValidationFailed, vec!["/fields/change/title".into()])
    );
    kit.merge(&key(), "posts", &ids[2], json!({"title": "3!"}))
        .await
        .unwrap();
    // All of it holds for writers afterwards.
    change("title", json!({"unique": true, "required": true, "max": 3}))
        .await
        .unwrap();
    change("stock", json!({"min": 1, "max": 5, "required": true}))
        .await
        .unwrap();
    assert_eq!(
        code(
            kit.create(&anon(), "posts", json!({"title": "12", "stock": 1}))
                .await
        ),
        Code::Duplicate
    );
    assert_eq!(
        faults(
            kit.create(&anon(), "posts", json!({"title": "1234", "stock": 6}))
                .await
        )
        .1,
        ["/stock", "/title"]
    );
    assert_eq!(
        faults(kit.create(&anon(), "posts", json!({})).await).1,
        ["/stock", "/title"]
    );
    let made = kit
        .create(&anon(), "posts", json!({"title": "new", "stock": 5}))
        .await
        .unwrap();
    assert_eq!(
        (&made["state"], &made["price"]),
        (&json!("old"), &json!(3.5))
    );
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        faults(
            kit.merge(&anon(), "posts", id, json!({"stock": {"increment": 1}}))
                .await
        ),
        (Code::ValidationFailed, vec!["/stock".into()])
    );
    // The database itself holds it too.
    let checks = if kit.is_postgres() {
        r#"SELECT count(*) AS n FROM pg_constraint AS c JOIN pg_namespace AS s ON s.oid = c.connamespace WHERE s.nspname = current_schema() AND false"#
    } else {
        "SELECT count(*) AS n FROM sqlite_master WHERE name = 'posts' AND sql LIKE '%CHECK (\"stock\" >= 1)%' AND sql LIKE '%CHECK (\"stock\" <= 5)%'"
    };
    assert_eq!(kit.number(checks).await, i64::from(!kit.is_postgres()));
    assert_eq!(
        kit.get(&anon(), "posts", &ids[0]).await.unwrap()["_version"],
        1
    );
}

async fn fields_get_new_names(kit: &Kit) {
    let ids = posts(kit).await;
    kit.change(
        "posts",
        json!({"indexes": {"add": [{"fields": ["title", "stock"], "unique": true}]}}),
    )
    .await
    .unwrap();
    let before = kit.get(&anon(), "posts", &ids[0]).await.unwrap();
    let view = kit
        .change(
            "posts",
            json!({"fields": {"rename": {"title": "name", "stock": "left"}}}),
        )
        .await
        .unwrap();
    assert_eq!(
        view["indexes"],
        json!([{"fields": ["name", "left"], "unique": true}])
    );
    let after = kit.get(&anon(), "posts", &ids[0]).await.unwrap();
    assert_eq!(
        (&after["name"], &after["left"]),
        (&before["title"], &before["stock"])
    );
    assert_eq!(
        (&after["_version"], &after["updated_at"]),
        (&before["_version"], &before["updated_at"])
    );
    assert_eq!(
        code(kit.page(&anon(), "posts", "sort=title").await.map(|_| ())),
        Code::InvalidSort
    );
    assert_eq!(
        kit.list(
            &anon(),
            "posts",
            &[("filter", "name == 'two' && left == 2")]
        )
        .await
        .unwrap()
        .len(),
        1
    );
    // The bounds and the index know the new names.
    assert_eq!(
        faults(
            kit.merge(
                &anon(),
                "posts",
                &ids[0],
                json!({"left": {"increment": -9}})
            )
            .await
        ),
        (Code::ValidationFailed, vec!["/left".into()])
    );
    let taken = kit
        .create(&anon(), "posts", json!({"name": "12", "left": 1}))
        .await;
    assert_eq!(
        faults(taken),
        (Code::Duplicate, vec!["/left".into(), "/name".into()])
    );
    // Two change their names with each other, one takes the name of what goes.
    let round = json!({"fields": {"rename": {"name": "price", "price": "name", "due": "state"}, "drop": ["state"]}, "confirm": ["drop:state"]});
    kit.change("posts", round).await.unwrap();
    assert_eq!(
        values(kit, "posts", "price").await,
        json!(["12", "two", null])
    );
    assert_eq!(values(kit, "posts", "name").await, json!([1.5, 2, null]));
    assert_eq!(
        values(kit, "posts", "state").await,
        json!(["2026-01-01T00:00:00.000000Z", null, null])
    );
    let taken = kit
        .create(&anon(), "posts", json!({"price": "12", "left": 1}))
        .await;
    assert_eq!(
        faults(taken),
        (Code::Duplicate, vec!["/left".into(), "/price".into()])
    );
}

async fn values_become_another_type(kit: &Kit) {
    let ids = posts(kit).await;
    kit.change(
        "posts",
        json!({"indexes": {"add": [{"fields": ["stock"]}, {"fields": ["title", "created_at"]}]}}),
    )
    .await
    .unwrap();
    let change = async |fields: Json, confirm: Json| {
        kit.change(
            "posts",
            json!({"fields": {"change": fields}, "confirm": confirm}),
        )
        .await
    };
    // Totally.
    change(json!({"stock": {"type": "text", "max": 30}, "open": {"type": "text"}, "price": {"format": "float"}, "due": {"type": "text"}}), json!([])).await.unwrap();
    assert_eq!(values(kit, "posts", "stock").await, json!(["1", "2", null]));
    assert_eq!(
        values(kit, "posts", "open").await,
        json!(["true", "false", null])
    );
    assert_eq!(
        values(kit, "posts", "due").await,
        json!(["2026-01-01T00:00:00.000000Z", null, null])
    );
    // And back.
    change(json!({"stock": {"type": "number", "format": "integer", "min": 1}, "open": {"type": "bool"}, "due": {"type": "datetime"}}), json!([])).await.unwrap();
    assert_eq!(values(kit, "posts", "stock").await, json!([1, 2, null]));
    assert_eq!(
        values(kit, "posts", "open").await,
        json!([true, false, null])
    );
    assert_eq!(
        values(kit, "posts", "due").await,
        json!(["2026-01-01T00:00:00.000000Z", null, null])
    );
    assert_eq!(
        kit.list(&anon(), "posts", &[("filter", "stock >= 2 && !open")])
            .await
            .unwrap()
            .len(),
        1
    );
    // In part: what has no such value is told, and becomes null.
    let (refused, errors) = told(
        change(
            json!({"title": {"type": "number"}, "price": {"format": "integer"}}),
            json!([]),
        )
        .await,
    );
    assert_eq!(refused, Code::ConfirmationRequired);
    assert!(
        errors[0].1.contains(&ids[1]) && errors[0].1.contains("\"convert:title\""),
        "{errors:?}"
    );
    assert!(
        errors[1].1.contains(&ids[0]) && errors[1].1.contains("\"convert:price\""),
        "{errors:?}"
    );
    assert_eq!(
        values(kit, "posts", "title").await,
        json!(["12", "two", null])
    );
    let change_both =
        json!({"title": {"type": "number"}, "price": {"format": "integer", "default": 7}});
    change(change_both, json!(["convert:title", "convert:price"]))
        .await
        .unwrap();
    assert_eq!(values(kit, "posts", "title").await, json!([12, null, null]));
    assert_eq!(values(kit, "posts", "price").await, json!([7, 2, null]));
    // A required field needs a default for them.
    kit.merge(&key(), "posts", &ids[2], json!({"state": "old"}))
        .await
        .unwrap();
    change(json!({"state": {"required": true}}), json!([]))
        .await
        .unwrap();
    let refused = change(json!({"state": {"type": "bool"}}), json!(["convert:state"])).await;
    assert_eq!(
        faults(refused),
        (Code::ValidationFailed, vec!["/fields/change/state".into()])
    );
    change(
        json!({"state": {"type": "bool", "default": true}}),
        json!(["convert:state"]),
    )
    .await
    .unwrap();
    assert_eq!(
        values(kit, "posts", "state").await,
        json!([true, true, true])
    );
    assert_eq!(
        faults(kit.create(&anon(), "posts", json!({"state": null})).await).1,
        ["/state"]
    );
    // A select keeps its column, and its values are looked at.
    kit.change(
        "posts",
        json!({"fields": {"add": [{"name": "kind", "type": "text", "max": 20, "default": "a"}]}}),
    )
    .await
    .unwrap();
    change(
        json!({"kind": {"type": "select", "values": ["a", "b"]}}),
        json!([]),
    )
    .await
    .unwrap();
    assert_eq!(
        faults(kit.create(&anon(), "posts", json!({"kind": "c"})).await).1,
        ["/kind"]
    );
    let refused = change(
        json!({"kind": {"values": ["b"], "default": "b"}}),
        json!([]),
    )
    .await;
    assert_eq!(
        faults(refused),
        (Code::ValidationFailed, vec!["/fields/change/kind".into()])
    );
    // Converted and renamed at once.
    kit.change("posts", json!({"fields": {"change": {"kind": {"type": "text"}, "stock": {"type": "text", "max": 30}}, "rename": {"stock": "amount", "kind": "sort_of"}}})).await.unwrap();
    assert_eq!(
        values(kit, "posts", "amount").await,
        json!(["1", "2", null])
    );
    assert_eq!(
        kit.get(&anon(), "posts", &ids[0]).await.unwrap()["_version"],
        1
    );
    for (field, options) in [
        ("open", json!({"type": "datetime"})),
        ("open", json!({"type": "relation", "collection": "posts"})),
        ("open", json!({"type": "file", "bucket": "posters"})),
    ] {
        let refused = change(json!({field: options}), json!(["convert:open"])).await;
        assert_eq!(
            faults(refused),
            (
                Code::ValidationFailed,
                vec!["/fields/change/open/type".into()]
            ),
            "{options}"
        );
    }
}

async fn collections_get_new_names(kit: &Kit) {
    let ids = posts(kit).await;
    kit.open("comments", json!([{"name": "post", "type": "relation", "collection": "posts"}, {"name": "text", "type": "text"}])).await;
    kit.change("posts", json!({"fields": {"add": [{"name": "next_one", "type": "relation", "collection": "posts"}]}})).await.unwrap();
    kit.merge(&key(), "posts", &ids[0], json!({"next_one": ids[1]}))
        .await
        .unwrap();
    let comment = kit
        .made("comments", json!({"post": ids[0], "text": "hi"}))
        .await;
    kit.change("comments", json!({"rules": {"view": "post.title != 'x' && collection(\"posts\").exists(p, p.title == '12')"}})).await.unwrap();
    let (refused, errors) = told(kit.change("posts", json!({"name": "articles"})).await);
    assert_eq!(
        (refused, errors),
        (
            Code::Referenced,
            vec![("/name".into(), "The rule view of comments names it.".into())]
        )
    );
    kit.change("comments", json!({"rules": {"view": "post.title != 'x'"}}))
        .await
        .unwrap();
    assert_eq!(
        code(kit.change("posts", json!({"name": "comments"})).await),
        Code::CollectionTaken
    );
    let all = json!({"name": "articles", "fields": {"rename": {"title": "name"}, "change": {"stock": {"max": 9}}}, "rules": {"list": "name != 'x'"}});
    // The comments' rule names the field that is renamed.
    assert_eq!(
        code(kit.change("posts", all.clone()).await),
        Code::Referenced
    );
    kit.change("comments", json!({"rules": {"view": "post.stock >= 0"}}))
        .await
        .unwrap();
    let view = kit.change("posts", all).await.unwrap();
    assert_eq!(view["name"], "articles");
    assert_eq!(
        code(kit.list(&anon(), "posts", &[]).await),
        Code::CollectionNotFound
    );
    assert_eq!(
        kit.get(&anon(), "articles", &ids[0]).await.unwrap()["next_one"],
        json!(ids[1])
    );
    let expanded = kit
        .get_with(&anon(), "comments", &comment, "expand=post.next_one")
        .await
        .unwrap();
    assert_eq!(
        expanded["expand"]["post"]["expand"]["next_one"]["name"],
        "two"
    );
    let back = kit
        .get_with(&anon(), "articles", &ids[0], "expand=comments_via_post")
        .await
        .unwrap();
    assert_eq!(
        back["expand"]["comments_via_post"]["items"][0]["text"],
        "hi"
    );
    // References hold, and the old name is free.
    assert_eq!(
        code(kit.delete(&key(), "articles", &ids[0]).await),
        Code::Referenced
    );
    assert_eq!(
        code(kit.delete(&key(), "articles", &ids[1]).await),
        Code::Referenced
    );
    let nowhere = kit
        .create(
            &anon(),
            "comments",
            json!({"post": "01990000-0000-7000-8000-00000000dead"}),
        )
        .await;
    assert_eq!(
        faults(nowhere),
        (Code::ValidationFailed, vec!["/post".into()])
    );
    kit.open(
        "posts",
        json!([{"name": "a", "type": "text", "max": 10, "unique": true}]),
    )
    .await;
    kit.made("posts", json!({"a": "b"})).await;
    let definition = kit
        .data
        .get_collection(&kit.project, "comments")
        .await
        .unwrap();
    assert_eq!(
        definition.definition()["fields"][0]["collection"],
        "articles"
    );
    assert_eq!(
        kit.another()
            .await
            .get(&anon(), "articles", &ids[1])
            .await
            .unwrap()["name"],
        "two"
    );
}

async fn fields_have_an_order(kit: &Kit) {
    let ids = posts(kit).await;
    let order = json!(["due", "open", "label", "state", "price", "stock", "title"]);
    let change = json!({"fields": {"order": order, "add": [{"name": "label", "type": "text"}]}});
    kit.change("posts", change).await.unwrap();
    assert_eq!(json!(fields(kit, "posts").await), order);
    let record = kit.bytes("posts", &ids[0]).await;
    assert!(record.find("\"due\"").unwrap() < record.find("\"title\"").unwrap());
    for bad in [
        json!(["due"]),
        json!([]),
        json!("due"),
        json!(["due", "open", "label", "state", "price", "stock", "stock"]),
    ] {
        let refused = kit.change("posts", json!({"fields": {"order": bad}})).await;
        assert_eq!(
            faults(refused),
            (Code::ValidationFailed, vec!["/fields/order".into()]),
            "{bad}"
        );
    }
    add_user(kit, U, None).await;
    kit.change("users", json!({"fields": {"add": [{"name": "b", "type": "text"}, {"name": "a", "type": "text"}], "order": ["a", "b"]}})).await.unwrap();
    let users = fields(kit, "users").await;
    assert_eq!(users[users.len() - 2..], ["a", "b"]);
    assert_eq!(users[0], "email");
}

async fn every_fault_is_told(kit: &Kit) {
    posts(kit).await;
    let refused = kit.change("posts", json!({
        "name": "Bad Name",
        "surprise": 1,
        "fields": {
            "rename": {"title": "x\";drop table posts;--", "id": "key", "nothing": "a", "price": "stock", "due": 5},
            "change": {"_version": {"max": 3}, "stock": {"min": "a", "max": 0.5}, "state": {"name": "b"}, "open": 3},
            "drop": ["created_at", "nothing", 7, "open", "open"],
            "order": [],
            "lift": []
        },
        "indexes": {"drop": [{"fields": ["title"]}, 3, {"fields": ["a"], "b": 1}], "add": [{"fields": ["zz"]}]},
        "confirm": "all",
        "dry_run": 1
    })).await.unwrap_err();
    assert_eq!(refused.code(), Code::UnknownField);
    let refused = kit.change("posts", json!({
        "name": "Bad Name",
        "fields": {
            "rename": {"title": "x\";drop table posts;--", "id": "key", "nothing": "a", "price": "stock", "due": 5},
            "change": {"_version": {"max": 3}, "stock": {"min": "a", "max": 0.5}, "state": {"name": "b"}, "open": 3},
            "drop": ["created_at", "nothing", 7, "open", "open"],
            "order": [],
            "lift": []
        },
        "indexes": {"drop": [{"fields": ["title"]}, 3, {"fields": ["a"], "b": 1}], "add": [{"fields": ["zz"]}]},
        "confirm": "all",
        "dry_run": 1
    })).await;
    let (refused, mut paths) = faults(refused);
    assert_eq!(refused, Code::ValidationFailed);
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(
        paths,
        [
            "/confirm",
            "/dry_run",
            "/fields/change/_version",
            "/fields/change/open",
            "/fields/change/state/name",
            "/fields/change/stock/max",
            "/fields/change/stock/min",
            "/fields/drop/0",
            "/fields/drop/1",
            "/fields/drop/2",
            "/fields/drop/3",
            "/fields/lift",
            "/fields/order",
            "/fields/rename/due",
            "/fields/rename/id",
            "/fields/rename/nothing",
            "/fields/rename/price",
            "/fields/rename/title",
            "/indexes/add/0",
            "/indexes/drop/0",
            "/indexes/drop/1",
            "/indexes/drop/2",
            "/indexes/drop/2/b",
            "/name"
        ]
    );
    for (change, path) in [
        (
            json!({"fields": {"add": [{"name": "n", "type": "text"}], "change": {"n": {"max": 1}}}}),
            "/fields/change/n",
        ),
        (json!({"name": "people"}), "/name"),
        (
            json!({"fields": {"drop": ["email"]}, "confirm": ["drop:email"]}),
            "/fields/drop/0",
        ),
        (
            json!({"fields": {"rename": {"verified": "ok"}}}),
            "/fields/rename/verified",
        ),
        (
            json!({"fields": {"change": {"disabled": {"hidden": true}}}}),
            "/fields/change/disabled",
        ),
        (
            json!({"fields": {"change": {"email_key": {"unique": false}}}}),
            "/fields/change/email_key",
        ),
    ] {
        assert_eq!(
            faults(kit.change("users", change).await),
            (Code::ValidationFailed, vec![path.into()])
        );
    }
    // A new rule that does not hold after the change, and a formula.
    let change = json!({"rules": {"list": "title == 'x'"}, "fields": {"rename": {"title": "name"}, "change": {"price": {"default": {"expression": "title.size() * 1.0"}}}}});
    let (refused, paths) = faults(kit.change("posts", change).await);
    assert_eq!(
        (refused, paths),
        (
            Code::ValidationFailed,
            vec!["/fields/change/price/default".into(), "/rules/list".into()]
        )
    );
    assert_eq!(
        code(kit.change("nothing", json!({})).await),
        Code::CollectionNotFound
    );
    kit.change("posts", json!({})).await.unwrap();
}

async fn a_dry_run_does_nothing(kit: &Kit) {
    posts(kit).await;
    kit.change(
        "posts",
        json!({"indexes": {"add": [{"fields": ["title"]}]}}),
    )
    .await
    .unwrap();
    let before = kit.dump(&["posts", "_schema_versions"]).await;
    let change = json!({
        "dry_run": true,
        "name": "articles",
        "fields": {"drop": ["due"], "rename": {"title": "name"}, "change": {"stock": {"type": "text"}, "state": {"type": "bool"}}, "add": [{"name": "n", "type": "text"}]}
    });
    let plan = kit.change("posts", change).await.unwrap();
    assert_eq!(kit.dump(&["posts", "_schema_versions"]).await, before);
    assert_eq!(
        (&plan["dry_run"], &plan["collection"]["name"]),
        (&json!(true), &json!("articles"))
    );
    let words: Vec<(&Json, &Json)> = plan["losses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| (&l["confirm"], &l["records"]))
        .collect();
    assert_eq!(
        words,
        [
            (&json!("drop:due"), &json!(1)),
            (&json!("convert:state"), &json!(2))
        ]
    );
    let kinds: Vec<&str> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["kind"].as_str().unwrap())
        .collect();
    let want = if kit.is_postgres() {
        vec![
            "rename", "copy", "copy", "drop", "drop", "drop", "rename", "rename", "rename",
            "rename", "add",
        ]
    } else {
        vec!["rename", "copy", "copy", "rebuild", "index"]
    };
    assert_eq!(kinds, want);
    // Nothing more than an engine needs.
    for (change, sqlite) in [
        (
            json!({"fields": {"rename": {"price": "cost"}}}),
            vec!["rename"],
        ),
        (json!({"fields": {"drop": ["price"]}}), vec!["drop"]),
        (
            json!({"fields": {"change": {"title": {"max": 60}}}}),
            vec![],
        ),
        (
            json!({"fields": {"change": {"title": {"max": 60}}, "order": ["due", "title", "stock", "price", "state", "open"]}}),
            vec![],
        ),
        (
            json!({"fields": {"change": {"stock": {"min": null}}}}),
            vec!["rebuild", "index"],
        ),
        (
            json!({"indexes": {"drop": [{"fields": ["title"]}]}}),
            vec!["drop"],
        ),
    ] {
        let mut change = change;
        change["dry_run"] = json!(true);
        let plan = kit.change("posts", change.clone()).await.unwrap();
        let kinds: Vec<&str> = plan["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["kind"].as_str().unwrap())
            .collect();
        let want = if kit.is_postgres() && sqlite.contains(&"rebuild") {
            vec!["alter"]
        } else {
            sqlite
        };
        assert_eq!(kinds, want, "{change}");
    }
    // A fault is told as it would be.
    let refused = kit
        .change(
            "posts",
            json!({"dry_run": true, "fields": {"change": {"stock": {"min": 2}}}}),
        )
        .await;
    assert_eq!(code(refused), Code::ValidationFailed);
}

async fn versions_are_kept(kit: &Kit) {
    let all = async |name: &str, query: gate::ListQuery| {
        let page = kit
            .data
            .list_versions(&kit.project, name, &query)
            .await
            .map_err(gate::Problem::from)?;
        Ok::<_, gate::Problem>((page.items, page.next_cursor, page.total))
    };
    let few = |limit, cursor| gate::ListQuery {
        limit,
        cursor,
        count: true,
    };
    let (users, _, _) = all("users", few(5, None)).await.unwrap();
    assert_eq!(
        (users.len(), &users[0]["action"]),
        (1, &json!("collection.create"))
    );
    kit.open("posts", json!([{"name": "title", "type": "text"}]))
        .await;
    let first = kit.data.schema(&kit.project).await.unwrap().version;
    kit.change("posts", json!({"fields": {"rename": {"title": "name"}}}))
        .await
        .unwrap();
    kit.change("posts", json!({"name": "articles"}))
        .await
        .unwrap();
    let (items, cursor, total) = all("articles", few(2, None)).await.unwrap();
    assert_eq!((items.len(), total), (2, Some(3)));
    assert_eq!(items[0]["version"], first + 2);
    assert_eq!(items[0]["actor"], json!(key().who.actor()));
    assert_eq!(items[0]["request_id"], json!(key().request_id));
    assert_eq!(items[0]["at"], json!(key().now.to_string()));
    let (rest, end, _) = all("articles", few(2, cursor.clone())).await.unwrap();
    assert_eq!(
        (rest.len(), end, &rest[0]["action"]),
        (1, None, &json!("collection.create"))
    );
    // A cursor of another collection is none here.
    assert_eq!(
        code(all("users", few(2, cursor)).await),
        Code::CursorMismatch
    );
    let at = async |version| {
        kit.data
            .get_version(&kit.project, "articles", version)
            .await
            .map_err(gate::Problem::from)
    };
    let then = at(first + 1).await.unwrap();
    assert_eq!(then["before"]["fields"][0]["name"], "title");
    assert_eq!(
        (
            &then["definition"]["fields"][0]["name"],
            &then["definition"]["name"]
        ),
        (&json!("name"), &json!("posts"))
    );
    assert_eq!(
        at(first + 99).await.unwrap()["definition"]["name"],
        "articles"
    );
    assert_eq!(code(at(first - 1).await), Code::VersionNotFound);
    assert_eq!(code(at(-1).await), Code::VersionNotFound);
    // The newest hundred stay.
    for n in 0..105 {
        kit.rules("articles", json!({"list": format!("name != '{n}'")}))
            .await
            .unwrap();
    }
    let (items, _, total) = all("articles", few(1_000, None)).await.unwrap();
    assert_eq!((items.len(), total), (100, Some(100)));
    assert_eq!(items[0]["version"], first + 2 + 105);
    // A relation that follows leaves its trace; a refusal leaves none.
    kit.open(
        "notes",
        json!([{"name": "of", "type": "relation", "collection": "articles"}]),
    )
    .await;
    let _ = kit
        .change("notes", json!({"fields": {"drop": ["nothing"]}}))
        .await
        .unwrap_err();
    kit.change("articles", json!({"name": "papers"}))
        .await
        .unwrap();
    let (items, _, _) = all("notes", few(10, None)).await.unwrap();
    assert_eq!(items.len(), 2);
}

async fn files_are_let_go_and_follow(kit: &Kit) {
    let file = |n: u128| Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0f00 + n);
    add_user(kit, U, None).await;
    for n in 0..3 {
        put(kit, file(n), "posters", Some(U)).await;
    }
    let held = async || -> Vec<String> {
        let sql = r#"SELECT collection || '/' || field || '/' || file AS line FROM "project"."_held" ORDER BY 1"#;
        kit.rows(sql)
            .await
            .iter()
            .map(|row| row.try_get("", "line").unwrap())
            .collect()
    };
    let poster = |name: &str| json!({"name": name, "type": "file", "bucket": "posters"});
    kit.open("films", json!([poster("a"), poster("b"), poster("c")]))
        .await;
    let made = kit
        .create(
            &u(),
            "films",
            json!({"a": file(0), "b": file(1), "c": file(2)}),
        )
        .await
        .unwrap();
    let change =
        json!({"name": "movies", "fields": {"rename": {"a": "b", "b": "a"}, "drop": ["c"]}});
    assert_eq!(
        faults(kit.change("films", change.clone()).await),
        (Code::ConfirmationRequired, vec!["/fields/drop/0".into()])
    );
    assert_eq!(held().await.len(), 3);
    let mut change = change;
    change["confirm"] = json!(["drop:c"]);
    kit.change("films", change).await.unwrap();
    assert_eq!(
        held().await,
        [
            format!("movies/a/{}", file(1)),
            format!("movies/b/{}", file(0))
        ]
    );
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        kit.get(&anon(), "movies", id).await.unwrap()["a"],
        json!(file(1))
    );
    kit.merge(&u(), "movies", id, json!({"a": null, "b": file(2)}))
        .await
        .unwrap();
    assert_eq!(held().await, [format!("movies/b/{}", file(2))]);
    assert_eq!(
        faults(
            kit.change(
                "movies",
                json!({"fields": {"change": {"b": {"bucket": "nowhere"}}}})
            )
            .await
        )
        .0,
        Code::ValidationFailed
    );
}

/// On SQLite the table that is pointed to is another one afterwards.
async fn references_hold_through_a_new_table(kit: &Kit) {
    let ids = posts(kit).await;
    kit.open(
        "comments",
        json!([{"name": "post", "type": "relation", "collection": "posts", "required": true}]),
    )
    .await;
    kit.change(
        "posts",
        json!({"fields": {"add": [{"name": "twin", "type": "relation", "collection": "posts"}]}}),
    )
    .await
    .unwrap();
    kit.merge(&key(), "posts", &ids[0], json!({"twin": ids[1]}))
        .await
        .unwrap();
    let comment = kit.made("comments", json!({"post": ids[0]})).await;
    kit.change(
        "posts",
        json!({"fields": {"change": {"stock": {"max": 100}, "price": {"type": "text"}}}}),
    )
    .await
    .unwrap();
    kit.change(
        "comments",
        json!({"fields": {"change": {"post": {"required": false}}}}),
    )
    .await
    .unwrap();
    assert_eq!(
        kit.get_with(&anon(), "comments", &comment, "expand=post")
            .await
            .unwrap()["expand"]["post"]["price"],
        "1.5"
    );
    for id in &ids[..2] {
        assert_eq!(
            code(kit.delete(&key(), "posts", id).await),
            Code::Referenced
        );
    }
    let nowhere = json!({"post": "01990000-0000-7000-8000-00000000dead"});
    assert_eq!(
        faults(kit.create(&anon(), "comments", nowhere).await),
        (Code::ValidationFailed, vec!["/post".into()])
    );
    kit.merge(&key(), "comments", &comment, json!({"post": null}))
        .await
        .unwrap();
    kit.delete(&key(), "posts", &ids[0]).await.unwrap();
    // A relation goes as any other field does.
    kit.merge(&key(), "comments", &comment, json!({"post": ids[1]}))
        .await
        .unwrap();
    kit.change(
        "comments",
        json!({"fields": {"drop": ["post"]}, "confirm": ["drop:post"]}),
    )
    .await
    .unwrap();
    kit.delete(&key(), "posts", &ids[1]).await.unwrap();
    if !kit.is_postgres() {
        assert_eq!(
            kit.number("SELECT count(*) AS n FROM pragma_foreign_key_check")
                .await,
            0
        );
        assert_eq!(
            kit.number(
                "SELECT count(*) AS n FROM sqlite_master WHERE name LIKE '\\_t\\_%' ESCAPE '\\'"
            )
            .await,
            0
        );
    }
}

async fn a_collection_with_records_goes_when_that_is_said(kit: &Kit) {
    posts(kit).await;
    let delete = async |confirm| {
        let gone = kit
            .data
            .delete_collection(&kit.project, &key(), "posts", confirm)
            .await;
        gone.map_err(gate::Problem::from)
    };
    for wrong in [None, Some("true"), Some("delete:comments")] {
        let problem = delete(wrong).await.unwrap_err();
        assert_eq!(problem.code(), Code::ConfirmationRequired);
        let error = &problem.field_errors()[0];
        assert_eq!(error.path, "?confirm");
        assert!(
            error.message.starts_with("3 records would be deleted"),
            "{error:?}"
        );
    }
    assert_eq!(kit.list(&anon(), "posts", &[]).await.unwrap().len(), 3);
    delete(Some("delete:posts")).await.unwrap();
    kit.open("posts", json!([])).await;
    delete(None).await.unwrap();
}
