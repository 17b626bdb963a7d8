//! Relations to many through changes of the collections that have them, and of those that they lead to.

use crate::joins::{pairs, posts, tags, told};
use crate::kit::{Kit, U, anon, both, code, key};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    lists_are_added_and_dropped,
    join_tables_follow_names,
    tables_have_names_of_their_own,
    bounds_are_asked_of_what_is_there,
    one_becomes_many,
    a_new_table_keeps_its_lists,
    collections_go_with_their_join_tables,
);

async fn lists_are_added_and_dropped(kit: &Kit) {
    kit.open("tags", json!([{"name": "name", "type": "text"}]))
        .await;
    kit.open("posts", json!([{"name": "title", "type": "text"}]))
        .await;
    let a = kit.made("tags", json!({"name": "a"})).await;
    let b = kit.made("tags", json!({"name": "b"})).await;
    let id = kit.made("posts", json!({"title": "x"})).await;
    let other = kit.made("posts", json!({"title": "y"})).await;
    for (options, want) in [
        (json!({"min_items": 1}), "/fields/add/0/min_items required"),
        (json!({"default": [a]}), "/fields/add/0/default no_default"),
    ] {
        let change = json!({"fields": {"add": [tags(options)]}});
        assert_eq!(told(kit.change("posts", change).await), [want]);
    }
    let change = json!({"fields": {"add": [tags(json!({}))]}});
    kit.change("posts", change.clone()).await.unwrap();
    assert_eq!(
        kit.get(&anon(), "posts", &id).await.unwrap()["tags"],
        json!([])
    );
    for (post, list) in [(&id, json!([b, a])), (&other, json!([a]))] {
        kit.merge(&anon(), "posts", post, json!({"tags": list}))
            .await
            .unwrap();
    }
    // Of what is lost the refusal tells how much.
    let drop = json!({"fields": {"drop": ["tags"]}});
    let refused = kit.change("posts", drop.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ConfirmationRequired);
    let message = &refused.field_errors()[0].message;
    assert!(
        message.starts_with("2 records would lose the value of tags, 3 relations in all."),
        "{message}"
    );
    let mut dry = drop.clone();
    dry["dry_run"] = true.into();
    let plan = kit.change("posts", dry).await.unwrap();
    assert_eq!(
        plan["losses"],
        json!([{"confirm": "drop:tags", "field": "tags", "records": 2, "sample": [], "pairs": 3}])
    );
    assert_eq!(plan["steps"], json!([{"kind": "drop", "of": "tags"}]));
    assert_eq!(pairs(kit, "posts_tags").await, 3);
    // What names it keeps it.
    kit.rules("posts", json!({"list": "size(tags) < 9"}))
        .await
        .unwrap();
    let mut confirmed = drop.clone();
    confirmed["confirm"] = json!(["drop:tags"]);
    assert_eq!(
        told(kit.change("posts", confirmed.clone()).await),
        ["/fields/drop/0 referenced"]
    );
    kit.rules("posts", json!({"list": "true"})).await.unwrap();
    kit.rules("tags", json!({"list": "posts_via_tags.exists(p, true)"}))
        .await
        .unwrap();
    assert_eq!(
        told(kit.change("posts", confirmed.clone()).await),
        ["/fields/drop/0 referenced"]
    );
    kit.rules("tags", json!({"list": "true"})).await.unwrap();
    kit.change("posts", confirmed).await.unwrap();
    assert_eq!(tables(kit).await, ["posts", "tags", "users"]);
    assert_eq!(
        kit.get(&anon(), "posts", &id).await.unwrap().get("tags"),
        None
    );
    // The same name is free again, and begins empty; a tag can go.
    kit.change("posts", change).await.unwrap();
    assert_eq!(
        kit.get(&anon(), "posts", &id).await.unwrap()["tags"],
        json!([])
    );
    kit.delete(&anon(), "tags", &a).await.unwrap();
    // An empty list is no loss.
    kit.change("posts", drop).await.unwrap();
}

/// The tables of collections and relations.
async fn tables(kit: &Kit) -> Vec<String> {
    let sql = if kit.is_postgres() {
        "SELECT CAST(c.relname AS text) AS name FROM pg_class AS c WHERE c.relkind = 'r' AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = CAST('\"project\".\"_collections\"' AS regclass)) ORDER BY 1"
    } else {
        "SELECT name AS name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
    };
    let rows = kit.rows(sql).await;
    let names = rows
        .iter()
        .map(|r| r.try_get::<String>("", "name").unwrap());
    names
        .filter(|n| !n.starts_with('_') && !n.starts_with("sqlite_"))
        .collect()
}

async fn join_tables_follow_names(kit: &Kit) {
    let [a, b, c, _] = posts(kit, json!({})).await;
    let mut more = tags(json!({}));
    more["name"] = "more".into();
    kit.change("posts", json!({"fields": {"add": [more]}}))
        .await
        .unwrap();
    let id = kit
        .made("posts", json!({"tags": [b, a], "more": [c]}))
        .await;
    // Two change their names with each other, and the collection has another one, too.
    let change =
        json!({"name": "articles", "fields": {"rename": {"tags": "more", "more": "tags"}}});
    kit.change("posts", change).await.unwrap();
    let read = kit.get(&anon(), "articles", &id).await.unwrap();
    assert_eq!(
        (&read["tags"], &read["more"]),
        (&json!([c]), &json!([b, a]))
    );
    assert_eq!(read["_version"], 1);
    assert_eq!(
        tables(kit).await,
        [
            "articles",
            "articles_more",
            "articles_tags",
            "tags",
            "users"
        ]
    );
    let found = [
        ("filter", "articles_via_more.exists(p, true)"),
        ("sort", "name"),
    ];
    assert_eq!(
        kit.values(&anon(), "tags", "name", &found).await,
        ["a", "b"]
    );
    let merged = kit
        .merge(&anon(), "articles", &id, json!({"tags": {"append": [a]}}))
        .await;
    assert_eq!(merged.unwrap()["tags"], json!([c, a]));
    // A name that a rule has stays; one that is free is taken.
    kit.rules("articles", json!({"update": "size(tags) < 3"}))
        .await
        .unwrap();
    let rename = json!({"fields": {"rename": {"tags": "labels"}}});
    assert_eq!(
        told(kit.change("articles", rename.clone()).await),
        ["/fields/rename/tags referenced"]
    );
    kit.rules("articles", json!({"update": "true"}))
        .await
        .unwrap();
    kit.change("articles", rename).await.unwrap();
    assert_eq!(pairs(kit, "articles_labels").await, 2);
    kit.change("articles", json!({"fields": {"add": [tags(json!({}))]}}))
        .await
        .unwrap();
    let merged = kit
        .merge(&anon(), "articles", &id, json!({"tags": [b]}))
        .await
        .unwrap();
    assert_eq!(
        (&merged["tags"], &merged["labels"]),
        (&json!([b]), &json!([c, a]))
    );
    // The collection that it leads to gets another name: the list follows.
    kit.change("tags", json!({"name": "words"})).await.unwrap();
    let view = kit
        .data
        .get_collection(&kit.project, "articles")
        .await
        .unwrap()
        .view();
    assert_eq!(view["fields"][1]["collection"], "words");
    kit.delete(&anon(), "words", &a).await.unwrap();
    let read = kit
        .get_with(&anon(), "articles", &id, "expand=labels,tags")
        .await
        .unwrap();
    assert_eq!(read["labels"], json!([c]));
    assert_eq!(read["expand"]["tags"]["items"][0]["name"], "b");
    let nobody = json!({"tags": [U]});
    assert_eq!(
        told(kit.create(&anon(), "articles", nobody).await),
        ["/tags/0 unknown_record"]
    );
}

async fn tables_have_names_of_their_own(kit: &Kit) {
    posts(kit, json!({})).await;
    let taken = json!({"name": "posts_tags", "fields": []});
    assert_eq!(told(kit.try_collection(taken).await), ["/name name_taken"]);
    kit.open("a", json!([])).await;
    kit.open("a_b", json!([])).await;
    let field = |name: &str| {
        let mut field = tags(json!({}));
        field["name"] = name.into();
        json!({"fields": {"add": [field]}})
    };
    assert_eq!(
        told(kit.change("a", field("b")).await),
        ["/fields/add/0/name name_taken"]
    );
    kit.change("a", field("b_c")).await.unwrap();
    assert_eq!(
        told(kit.change("a_b", field("c")).await),
        ["/fields/add/0/name name_taken"]
    );
    // A name must be one that a table may have.
    for (name, of) in [
        ("json", "each"),
        ("pragma", "x"),
        (&"x".repeat(50), "nine_long"),
    ] {
        let mut field = tags(json!({}));
        field["name"] = of.into();
        let definition = json!({"name": name, "fields": [field]});
        assert_eq!(
            told(kit.try_collection(definition).await),
            ["/fields/0/name name_taken"],
            "{name} {of}"
        );
    }
    // What an engine calls its indexes takes no name from anybody.
    for name in ["posts_tags_pkey", "posts_tags_target_id_record_id_key"] {
        kit.open(name, json!([])).await;
        kit.data
            .delete_collection(&kit.project, &key(), name, None)
            .await
            .unwrap();
    }
    // Nor does a new name of the collection lead there.
    kit.change("a_b", field("x")).await.unwrap();
    let rename = json!({"name": "x".repeat(59)});
    assert_eq!(told(kit.change("a_b", rename).await), ["/name name_taken"]);
    let rename = json!({"name": "posts_tags"});
    let refused = told(kit.change("a_b", rename).await);
    assert_eq!(refused, ["/name name_taken"]);
    assert_eq!(
        tables(kit).await,
        [
            "a",
            "a_b",
            "a_b_c",
            "a_b_x",
            "posts",
            "posts_tags",
            "tags",
            "users"
        ]
    );
}

async fn bounds_are_asked_of_what_is_there(kit: &Kit) {
    let [a, b, ..] = posts(kit, json!({})).await;
    let id = kit.made("posts", json!({"tags": [a, b]})).await;
    let change = |options: Json| json!({"fields": {"change": {"tags": options}}});
    for options in [json!({"max_items": 1}), json!({"min_items": 3})] {
        let refused = kit.change("posts", change(options)).await;
        assert_eq!(told(refused), ["/fields/change/tags records_do_not_fit"]);
    }
    kit.change("posts", change(json!({"min_items": 2, "max_items": 2})))
        .await
        .unwrap();
    let tight = json!({"tags": {"remove": [a]}});
    assert_eq!(
        told(kit.merge(&anon(), "posts", &id, tight).await),
        ["/tags too_few"]
    );
    // A bound, a new name and another act at once.
    let both = json!({"fields": {"change": {"tags": {"min_items": 1, "on_delete": "restrict"}}, "rename": {"tags": "words"}}});
    kit.change("posts", both).await.unwrap();
    assert_eq!(
        code(kit.delete(&anon(), "tags", &a).await),
        Code::Referenced
    );
    let merged = kit
        .merge(&anon(), "posts", &id, json!({"words": [b]}))
        .await;
    assert_eq!(merged.unwrap()["words"], json!([b]));
}

async fn one_becomes_many(kit: &Kit) {
    let [a, b, ..] = posts(kit, json!({})).await;
    let one = json!({"name": "first", "type": "relation", "collection": "tags"});
    kit.change("posts", json!({"fields": {"add": [one]}}))
        .await
        .unwrap();
    for change in [
        json!({"tags": {"multiple": false, "min_items": null, "max_items": null}}),
        json!({"tags": {"collection": "posts"}}),
        json!({"first": {"collection": "posts", "multiple": true}}),
        json!({"tags": {"type": "text"}}),
        json!({"title": {"type": "relation", "collection": "tags", "multiple": true}}),
    ] {
        let refused = kit
            .change("posts", json!({"fields": {"change": change}}))
            .await;
        let refused = told(refused);
        assert!(
            refused[0].ends_with("/type no_conversion"),
            "{change} {refused:?}"
        );
    }
    // One is carried over as a list of one, with a new name and a new table on top.
    let x = kit.made("posts", json!({"first": b, "tags": [a]})).await;
    let y = kit.made("posts", json!({})).await;
    let change = |options: Json| json!({"fields": {"change": {"first": options, "title": {"required": false, "min": 0}}, "rename": {"first": "all"}}});
    let refused = kit
        .change("posts", change(json!({"multiple": true, "min_items": 1})))
        .await;
    assert_eq!(told(refused), ["/fields/change/first required"]);
    kit.rules("posts", json!({"view": "first.name != 'x'"}))
        .await
        .unwrap();
    let change = change(json!({"multiple": true, "on_delete": "cascade"}));
    let refused = kit.change("posts", change.clone()).await;
    assert_eq!(told(refused)[0], "/fields/change/first referenced");
    kit.rules("posts", json!({"view": "true"})).await.unwrap();
    kit.change("posts", change).await.unwrap();
    for (id, all, own) in [(&x, json!([b]), json!([a])), (&y, json!([]), json!([]))] {
        let read = kit.get(&anon(), "posts", id).await.unwrap();
        assert_eq!((&read["all"], &read["tags"]), (&all, &own));
        assert_eq!((read.get("first"), &read["_version"]), (None, &json!(1)));
    }
    kit.merge(&anon(), "posts", &y, json!({"all": {"append": [a, b]}}))
        .await
        .unwrap();
    kit.delete(&anon(), "tags", &b).await.unwrap();
    assert_eq!(
        kit.get(&anon(), "posts", &y).await.unwrap()["all"],
        json!([a])
    );
}

/// SQLite makes a new table for such a change; what refers to the old one refers to the new.
async fn a_new_table_keeps_its_lists(kit: &Kit) {
    let [a, b, ..] = posts(kit, json!({})).await;
    let id = kit
        .made("posts", json!({"title": "12", "tags": [b, a]}))
        .await;
    let change = json!({"fields": {"change": {"title": {"type": "number", "format": "integer"}}}});
    kit.change("posts", change).await.unwrap();
    let change = json!({"fields": {"add": [{"name": "n", "type": "number", "min": 0}], "change": {"title": {"min": 1}}, "rename": {"tags": "words"}}});
    kit.change("posts", change).await.unwrap();
    let read = kit.get(&anon(), "posts", &id).await.unwrap();
    assert_eq!(
        (&read["title"], &read["words"]),
        (&json!(12), &json!([b, a]))
    );
    // So it is where the table that the list leads to is made anew.
    let change = json!({"fields": {"change": {"name": {"required": true}}}});
    kit.change("tags", change).await.unwrap();
    assert_eq!(
        kit.get(&anon(), "posts", &id).await.unwrap()["words"],
        json!([b, a])
    );
    kit.delete(&anon(), "tags", &a).await.unwrap();
    assert_eq!(
        kit.get(&anon(), "posts", &id).await.unwrap()["words"],
        json!([b])
    );
    let nobody = json!({"words": [U]});
    assert_eq!(
        told(kit.create(&anon(), "posts", nobody).await),
        ["/words/0 unknown_record"]
    );
    kit.delete(&anon(), "posts", &id).await.unwrap();
    assert_eq!(pairs(kit, "posts_words").await, 0);
}

async fn collections_go_with_their_join_tables(kit: &Kit) {
    let [a, ..] = posts(kit, json!({})).await;
    kit.made("posts", json!({"tags": [a]})).await;
    let delete = |name: &'static str, confirm: Option<&'static str>| {
        kit.data
            .delete_collection(&kit.project, key_of(), name, confirm)
    };
    let refused = delete("tags", Some("delete:tags")).await;
    assert_eq!(
        told(refused.map_err(Into::into)),
        ["/posts/tags referenced"]
    );
    delete("posts", Some("delete:posts")).await.unwrap();
    assert_eq!(tables(kit).await, ["tags", "users"]);
    delete("tags", Some("delete:tags")).await.unwrap();
    posts(kit, json!({})).await;
}

/// A key that lives as long as the tests do.
fn key_of() -> &'static data::Asker {
    static KEY: std::sync::OnceLock<data::Asker> = std::sync::OnceLock::new();
    KEY.get_or_init(key)
}
