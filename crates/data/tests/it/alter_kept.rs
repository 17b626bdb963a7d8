//! What a change leaves: a plan alone, a version, files under their fields' names.

use crate::alter::posts;
use crate::files::put;
use crate::kit::{Kit, U, add_user, anon, both, code, faults, key, u};
use kernel::Code;
use serde_json::{Value as Json, json};
use uuid::Uuid;

both!(
    a_dry_run_does_nothing,
    versions_are_kept,
    files_are_let_go_and_follow,
);

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
