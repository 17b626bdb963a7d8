//! Collections: what can be defined, what is refused, and what stands in the database afterwards.

use crate::kit::{Kit, at, both, claim, code, every_type, faults, key, now, object};
use gate::Input;
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    every_type_and_option_reads_back,
    all_faults_at_once,
    rules_must_resolve,
    rules_change_and_stay,
    what_is_referred_to_stays,
    a_retry_with_its_key_makes_one,
    the_built_in_users_are_there,
    relations_may_point_home,
    acts_are_audited,
);

async fn every_type_and_option_reads_back(kit: &Kit) {
    let definition = json!({
        "name": "things",
        "kind": "table",
        "fields": [
            {"name": "code", "type": "text", "min": 2, "max": 10, "required": true, "unique": true},
            {"name": "note", "type": "text", "default": "it's", "hidden": true},
            {"name": "stock", "type": "number", "format": "integer", "min": 0, "max": 9, "default": 3},
            {"name": "price", "type": "number", "format": "float", "min": -1.5, "max": 1e300},
            {"name": "open", "type": "bool", "default": false, "required": true},
            {"name": "due", "type": "datetime", "default": "2026-01-01T00:00:00Z"},
            {"name": "owner", "type": "relation", "collection": "users"}
        ],
        "indexes": [{"fields": ["price", "created_at"]}, {"fields": ["stock", "open"], "unique": true}],
        "rules": {"list": "open", "view": "true", "create": null}
    });
    let made = kit.collection(definition).await;
    let fields = made["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 7);
    assert_eq!(
        fields[0],
        json!({"name": "code", "type": "text", "min": 2, "max": 10, "required": true, "unique": true, "hidden": false, "read_only": false, "write_once": false})
    );
    assert_eq!(fields[2]["max"], 9);
    assert_eq!(
        fields[3],
        json!({"name": "price", "type": "number", "format": "float", "min": -1.5, "max": 1e300, "required": false, "unique": false, "hidden": false, "read_only": false, "write_once": false})
    );
    assert_eq!(
        made["indexes"][0],
        json!({"fields": ["price", "created_at"], "unique": false})
    );
    assert_eq!(
        made["rules"],
        json!({"list": "open", "view": "true", "create": null, "update": null, "delete": null})
    );
    assert_eq!(made["created_at"], "2026-03-01T12:00:00.123456Z");
    // Another process reads the same from the database.
    let other = kit.another().await;
    let read = other
        .data
        .get_collection(&other.project, "things")
        .await
        .unwrap();
    assert_eq!(read.view(), made);
    let all: Vec<String> = kit
        .data
        .list_collections(&kit.project)
        .await
        .unwrap()
        .iter()
        .map(|c| c.name.clone())
        .collect();
    assert_eq!(all, ["things", "users"]);
    let record = kit
        .create(&key(), "things", json!({"code": "ab"}))
        .await
        .unwrap();
    assert_eq!(
        (&record["note"], &record["stock"], &record["open"]),
        (&json!("it's"), &json!(3), &json!(false))
    );
    assert_eq!(
        (&record["due"], &record["price"]),
        (&json!("2026-01-01T00:00:00.000000Z"), &Json::Null)
    );
    assert_eq!(
        code(kit.get(&key(), "nothing", "x").await),
        Code::CollectionNotFound
    );
}

async fn all_faults_at_once(kit: &Kit) {
    let bad = json!({
        "name": "Posts",
        "kind": "view",
        "fields": [
            {"name": "a", "type": "text", "min": 5, "max": 2},
            {"name": "b", "type": "number", "format": "huge"},
            {"name": "c", "type": "number", "format": "integer", "default": 1.5},
            {"name": "a", "type": "bool"},
            7
        ],
        "indexes": [{"fields": []}, {"fields": ["c"]}, {"fields": ["c"]}],
        "template": "nobody",
        "rules": {"fly": "true", "list": "", "view": 1}
    });
    let (code, paths) = faults(kit.try_collection(bad).await);
    assert_eq!(code, Code::ValidationFailed);
    let want = [
        "/fields/0/max",
        "/fields/1/format",
        "/fields/2/default",
        "/fields/3/name",
        "/fields/4",
        "/indexes/0",
        "/indexes/2",
        "/kind",
        "/name",
        "/rules/fly",
        "/rules/list",
        "/rules/view",
        "/template",
    ];
    assert_eq!(paths, want);
    assert_eq!(
        faults(
            kit.try_collection(json!({"name": "a", "colour": 1, "x": 2}))
                .await
        ),
        (Code::UnknownField, vec!["/colour".into(), "/x".into()])
    );
    assert_eq!(
        faults(kit.try_collection(json!({"fields": []})).await),
        (Code::ValidationFailed, vec!["/name".into()])
    );
    let wide = json!({"name": "a", "fields": [{"name": "t", "type": "text", "unique": true}]});
    assert_eq!(
        faults(kit.try_collection(wide).await),
        (Code::ValidationFailed, vec!["/fields".into()])
    );
}

async fn rules_must_resolve(kit: &Kit) {
    kit.collection(json!({"name": "posts", "fields": every_type()}))
        .await;
    let bad = json!({"name": "notes", "fields": every_type(), "rules": {"list": "nothing == 1", "view": "title == 1", "create": "((", "update": "owner.nothing == 1", "delete": "true"}});
    let (code_, paths) = faults(kit.try_collection(bad).await);
    assert_eq!(
        (code_, paths),
        (
            Code::InvalidRule,
            [
                "/rules/create",
                "/rules/list",
                "/rules/update",
                "/rules/view"
            ]
            .map(String::from)
            .to_vec()
        )
    );
    let unknown = json!({"name": "notes", "fields": [{"name": "a", "type": "relation", "collection": "nowhere"}], "rules": {"list": "zz"}});
    assert_eq!(
        faults(kit.try_collection(unknown).await),
        (
            Code::ValidationFailed,
            ["/fields/0/collection", "/rules/list"]
                .map(String::from)
                .to_vec()
        )
    );
    assert_eq!(
        faults(kit.rules("posts", json!({"list": "x == 1"})).await),
        (Code::InvalidRule, vec!["/rules/list".into()])
    );
    assert_eq!(
        faults(kit.rules("posts", json!({"fly": "true"})).await),
        (Code::ValidationFailed, vec!["/rules/fly".into()])
    );
    let input = object(json!({"rules": {}, "fields": []}));
    let changed = kit
        .data
        .update_collection(&kit.project, &key(), "posts", input, None)
        .await;
    assert_eq!(
        faults(changed.map_err(Into::into)),
        (Code::ValidationFailed, vec!["/fields".into()])
    );
}

async fn rules_change_and_stay(kit: &Kit) {
    kit.collection(json!({"name": "posts", "fields": every_type(), "template": "owner"}))
        .await;
    let later = at(key(), "2026-03-02T00:00:00Z");
    let input = object(json!({"rules": {"list": "true", "delete": null}}));
    let changed = kit
        .data
        .update_collection(&kit.project, &later, "posts", input, None)
        .await;
    changed.unwrap();
    let changed = kit
        .data
        .get_collection(&kit.project, "posts")
        .await
        .unwrap();
    assert_eq!(changed.rules.list.as_deref(), Some("true"));
    assert_eq!(changed.rules.delete, None);
    assert_eq!(changed.rules.view.as_deref(), Some("owner == auth.id"));
    assert_eq!(changed.created_at, now());
    assert!(changed.updated_at > now());
    let other = kit.another().await;
    assert_eq!(
        other
            .data
            .get_collection(&other.project, "posts")
            .await
            .unwrap(),
        changed
    );
    assert_eq!(
        code(kit.rules("nothing", json!({})).await),
        Code::CollectionNotFound
    );
}

async fn what_is_referred_to_stays(kit: &Kit) {
    kit.open("genres", json!([{"name": "name", "type": "text"}]))
        .await;
    kit.open(
        "films",
        json!([{"name": "genre", "type": "relation", "collection": "genres"}]),
    )
    .await;
    kit.open(
        "members",
        json!([{"name": "user", "type": "relation", "collection": "users"}]),
    )
    .await;
    kit.open("other", json!([])).await;
    // A rule can name a collection without any of its fields.
    kit.rules(
        "other",
        json!({"create": "size(collection(\"members\")) < 5"}),
    )
    .await
    .unwrap();
    kit.rules(
        "films",
        json!({"update": "collection(\"other\").exists(o, true)"}),
    )
    .await
    .unwrap();
    let delete = async |name: &str| {
        kit.data
            .delete_collection(&kit.project, &key(), name, None)
            .await
            .map_err(gate::Problem::from)
    };
    assert_eq!(
        faults(delete("genres").await),
        (Code::Referenced, vec!["/films/genre".into()])
    );
    assert_eq!(
        faults(delete("members").await),
        (Code::Referenced, vec!["/other/rules/create".into()])
    );
    assert_eq!(
        faults(delete("other").await),
        (Code::Referenced, vec!["/films/rules/update".into()])
    );
    assert_eq!(code(delete("users").await), Code::Referenced);
    assert_eq!(code(delete("nothing").await), Code::CollectionNotFound);
    delete("films").await.unwrap();
    delete("other").await.unwrap();
    delete("members").await.unwrap();
    delete("genres").await.unwrap();
}

async fn a_retry_with_its_key_makes_one(kit: &Kit) {
    let make = async |definition: Json, hash: &str| {
        let claim = claim("k-0123456789abcdef", hash).claim;
        let made = kit
            .data
            .create_collection(&kit.project, &key(), Input::new(object(definition)), claim)
            .await;
        made.map_err(gate::Problem::from)
    };
    let first = make(json!({"name": "posts"}), "h").await.unwrap();
    assert_eq!(make(json!({"name": "posts"}), "h").await.unwrap(), first);
    assert_eq!(first.status, 201);
    assert_eq!(
        code(make(json!({"name": "notes"}), "other").await),
        Code::IdempotencyMismatch
    );
    assert_eq!(
        kit.data.list_collections(&kit.project).await.unwrap().len(),
        2
    );
}

async fn the_built_in_users_are_there(kit: &Kit) {
    let users = kit
        .data
        .get_collection(&kit.project, "users")
        .await
        .unwrap()
        .view();
    assert_eq!(users["kind"], "users");
    assert_eq!(users["fields"], json!([]));
    let own = "id == auth.id";
    assert_eq!(
        users["rules"],
        json!({"list": null, "view": own, "create": null, "update": own, "delete": own})
    );
}

async fn relations_may_point_home(kit: &Kit) {
    kit.open(
        "nodes",
        json!([{"name": "parent", "type": "relation", "collection": "nodes"}]),
    )
    .await;
    let root = kit.made("nodes", json!({})).await;
    let child = kit.made("nodes", json!({"parent": root})).await;
    assert_eq!(
        code(kit.delete(&key(), "nodes", &root).await),
        Code::Referenced
    );
    kit.merge(&key(), "nodes", &root, json!({"parent": child}))
        .await
        .unwrap();
    let items = kit
        .list(
            &key(),
            "nodes",
            &[
                ("expand", "parent"),
                ("filter", "parent.parent == params.r"),
                ("params.r", &root),
            ],
        )
        .await
        .unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["expand"]["parent"]["parent"], json!(root));
    // Its rows point to each other and go together.
    kit.data
        .delete_collection(&kit.project, &key(), "nodes", Some("delete:nodes"))
        .await
        .unwrap();
}

async fn acts_are_audited(kit: &Kit) {
    kit.collection(json!({"name": "posts"})).await;
    kit.rules("posts", json!({"list": "true"})).await.unwrap();
    let _ = kit.rules("posts", json!({"list": "nothing"})).await;
    kit.data
        .delete_collection(&kit.project, &key(), "posts", Some("delete:posts"))
        .await
        .unwrap();
    let rows = kit
        .rows(r#"SELECT action, target, actor FROM "project"."_audit" ORDER BY id"#)
        .await;
    let acts: Vec<String> = rows
        .iter()
        .map(|r| r.try_get("", "action").unwrap())
        .collect();
    assert_eq!(
        acts,
        [
            "collection.create",
            "collection.update",
            "collection.delete"
        ]
    );
    assert!(rows.iter().all(|r| {
        r.try_get::<String>("", "actor")
            .unwrap()
            .starts_with("key:")
    }));
}
