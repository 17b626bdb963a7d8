//! Fields and collections that get new names and another order, with all that points to them.

use crate::alter::{fields, posts, told, values};
use crate::kit::{Kit, U, add_user, anon, both, code, faults, key};
use kernel::Code;
use sea_orm::ConnectionTrait;
use serde_json::json;

both!(
    fields_get_new_names,
    collections_get_new_names,
    fields_have_an_order,
    references_hold_through_a_new_table,
);

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
        // A table of somebody else's that would take the old table's end for that of its rows.
        let sql = r#"CREATE TABLE "project"."_theirs" (post text REFERENCES "project"."posts" (id) ON DELETE CASCADE)"#;
        let job = async move |tx: &store::WriteTx| -> Result<(), store::StoreError> {
            tx.execute_unprepared(sql).await?;
            let sql = r#"INSERT INTO "project"."_theirs" SELECT id FROM "project"."posts""#;
            tx.execute_unprepared(sql).await?;
            Ok(())
        };
        kit.db.write(job).await.unwrap();
        let change = json!({"fields": {"change": {"stock": {"max": 99}}}});
        assert_eq!(code(kit.change("posts", change).await), Code::Referenced);
        let theirs = kit.number(r#"SELECT count(*) AS n FROM "project"."_theirs""#);
        assert_eq!(theirs.await, 1);
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
