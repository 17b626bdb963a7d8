//! What happens to records when those that they point to are deleted.

use crate::kit::{Kit, U, add_user, anon, both, code, key};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    children_go_with_their_parents,
    what_is_still_held_stays,
    acts_are_checked,
    a_user_takes_along_what_hangs_on_it
);

fn to(name: &str, collection: &str, act: &str) -> Json {
    json!({"name": name, "type": "relation", "collection": collection, "on_delete": act})
}

async fn count(kit: &Kit, name: &str) -> i64 {
    kit.number(&format!("SELECT count(*) AS n FROM \"project\".\"{name}\""))
        .await
}

/// Collection, id, action and fields of the changes since the first `from`.
async fn told(kit: &Kit, from: i64) -> Vec<String> {
    let order = if kit.is_postgres() { "id" } else { "seq" };
    let sql = format!(
        "SELECT \"collection\" || ' ' || \"action\" || ' ' || \"fields\" AS line FROM \"project\".\"_changes\" ORDER BY {order} LIMIT 1000 OFFSET {from}"
    );
    let rows = kit.rows(&sql).await;
    rows.iter()
        .map(|row| row.try_get::<String>("", "line").unwrap())
        .collect()
}

async fn children_go_with_their_parents(kit: &Kit) {
    kit.open("blogs", json!([{"name": "title", "type": "text"}]))
        .await;
    let made = kit
        .open(
            "posts",
            json!([
                to("blog", "blogs", "cascade"),
                to("next_post", "posts", "set_null")
            ]),
        )
        .await;
    assert_eq!(made["fields"][0]["on_delete"], "cascade");
    // Both ways lead to a post: whatever holds a record goes before it.
    kit.open(
        "comments",
        json!([
            to("post", "posts", "cascade"),
            to("blog", "blogs", "cascade"),
            to("above", "comments", "cascade")
        ]),
    )
    .await;
    kit.open("pins", json!([to("comment", "comments", "set_null"), to("post", "posts", "set_null"), {"name": "n", "type": "text"}])).await;
    let blog = kit.made("blogs", json!({"title": "x"})).await;
    let other = kit.made("blogs", json!({"title": "y"})).await;
    let post = kit.made("posts", json!({"blog": blog})).await;
    let kept = kit
        .made("posts", json!({"blog": other, "next_post": post}))
        .await;
    let comment = kit
        .made("comments", json!({"post": post, "blog": blog}))
        .await;
    let below = kit
        .made("comments", json!({"post": post, "above": comment}))
        .await;
    let pin = kit
        .made("pins", json!({"comment": below, "post": post}))
        .await;
    let loose = kit.made("comments", json!({"post": kept})).await;
    let log = count(kit, "_changes").await;
    kit.delete(&anon(), "blogs", &blog).await.unwrap();
    assert_eq!(
        (
            count(kit, "blogs").await,
            count(kit, "posts").await,
            count(kit, "comments").await
        ),
        (1, 1, 1)
    );
    assert!(kit.get(&key(), "comments", &loose).await.is_ok());
    let read = kit.get(&anon(), "pins", &pin).await.unwrap();
    assert_eq!(
        (&read["comment"], &read["post"], &read["_version"]),
        (&Json::Null, &Json::Null, &json!(3))
    );
    assert_eq!(
        kit.get(&anon(), "posts", &kept).await.unwrap()["next_post"],
        Json::Null
    );
    // Each is a change of its own, the one that was named last.
    let mut told = told(kit, log).await;
    assert_eq!(told.last().map(String::as_str), Some("blogs delete []"));
    told.sort();
    assert_eq!(
        told,
        [
            "blogs delete []",
            "comments delete []",
            "comments delete []",
            "pins update [\"comment\"]",
            "pins update [\"post\"]",
            "posts delete []",
            "posts update [\"next_post\"]"
        ]
    );
}

async fn what_is_still_held_stays(kit: &Kit) {
    kit.open("blogs", json!([{"name": "title", "type": "text"}]))
        .await;
    kit.open(
        "posts",
        json!([
            to("blog", "blogs", "cascade"),
            to("twin", "posts", "cascade")
        ]),
    )
    .await;
    kit.open("orders", json!([to("post", "posts", "restrict")]))
        .await;
    let blog = kit.made("blogs", json!({"title": "x"})).await;
    let post = kit.made("posts", json!({"blog": blog})).await;
    let order = kit.made("orders", json!({"post": post})).await;
    let before = kit.dump(&["blogs", "posts", "orders"]).await;
    assert_eq!(
        code(kit.delete(&anon(), "blogs", &blog).await),
        Code::Referenced
    );
    assert_eq!(kit.dump(&["blogs", "posts", "orders"]).await, before);
    // What keeps a record is named, as far as it exists for the caller.
    let hidden =
        json!({"name": "proof", "type": "relation", "collection": "posts", "hidden": true});
    kit.collection(json!({"name": "papers", "fields": [hidden]}))
        .await;
    kit.made("papers", json!({"proof": post})).await;
    for (asker, want) in [
        (anon(), vec!["/orders/post"]),
        (key(), vec!["/orders/post", "/papers/proof"]),
    ] {
        let want = want.into_iter().map(str::to_owned).collect();
        let refused = kit.delete(&asker, "posts", &post).await;
        assert_eq!(crate::kit::faults(refused), (Code::Referenced, want));
    }
    kit.data
        .delete_collection(&kit.project, &key(), "papers", Some("delete:papers"))
        .await
        .unwrap();
    kit.delete(&anon(), "orders", &order).await.unwrap();
    // Two that hold each other: neither goes first.
    let twin = kit.made("posts", json!({"twin": post})).await;
    kit.merge(&key(), "posts", &post, json!({"twin": twin}))
        .await
        .unwrap();
    assert_eq!(
        code(kit.delete(&anon(), "blogs", &blog).await),
        Code::Referenced
    );
    kit.merge(&key(), "posts", &post, json!({"twin": post}))
        .await
        .unwrap();
    kit.delete(&anon(), "blogs", &blog).await.unwrap();
    assert_eq!(
        (count(kit, "blogs").await, count(kit, "posts").await),
        (0, 0)
    );
    // Too many to go at once.
    let blog = kit.made("blogs", json!({"title": "x"})).await;
    let insert = if kit.is_postgres() {
        format!(
            "INSERT INTO \"project\".\"posts\" (id, blog, created_at, updated_at, \"_version\") SELECT gen_random_uuid(), '{blog}', now(), now(), 1 FROM generate_series(1, 10001)"
        )
    } else {
        format!(
            "INSERT INTO posts (id, blog, created_at, updated_at, _version) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) SELECT printf('00000000-0000-7000-8000-%012d', i), '{blog}', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 1 FROM n"
        )
    };
    kit.db
        .write(
            async move |tx: &store::WriteTx| -> Result<(), store::StoreError> {
                use sea_orm::ConnectionTrait;
                tx.execute_unprepared(&insert).await?;
                Ok(())
            },
        )
        .await
        .unwrap();
    assert_eq!(
        code(kit.delete(&anon(), "blogs", &blog).await),
        Code::Referenced
    );
    assert_eq!(count(kit, "posts").await, 10_001);
}

async fn acts_are_checked(kit: &Kit) {
    kit.open("blogs", json!([{"name": "title", "type": "text"}]))
        .await;
    for (field, want) in [
        (to("blog", "blogs", "explode"), "unknown_act"),
        (
            json!({"name": "blog", "type": "relation", "collection": "blogs", "on_delete": "set_null", "required": true}),
            "cannot_be_null",
        ),
    ] {
        let problem = kit
            .try_collection(json!({"name": "posts", "fields": [field]}))
            .await
            .unwrap_err();
        let error = &problem.field_errors()[0];
        assert_eq!(
            (error.path.as_str(), error.code),
            ("/fields/0/on_delete", want)
        );
    }
    // A relation that is added takes effect on records that are there.
    kit.open("posts", json!([{"name": "title", "type": "text"}]))
        .await;
    kit.change(
        "posts",
        json!({"fields": {"add": [to("blog", "blogs", "cascade")]}}),
    )
    .await
    .unwrap();
    let blog = kit.made("blogs", json!({})).await;
    kit.made("posts", json!({"blog": blog})).await;
    let gone = json!([{"op": "delete", "collection": "blogs", "id": blog}]);
    kit.batch(&anon(), gone).await.unwrap();
    assert_eq!(count(kit, "posts").await, 0);
}

async fn a_user_takes_along_what_hangs_on_it(kit: &Kit) {
    add_user(kit, U, None).await;
    let picture = json!({"name": "picture", "type": "file", "bucket": "posters"});
    kit.open("posts", json!([to("owner", "users", "cascade"), picture]))
        .await;
    let file = uuid::Uuid::from_u128(77 << 80);
    crate::files::put(kit, file, "posters", None).await;
    kit.made("posts", json!({"owner": U, "picture": file}))
        .await;
    assert_eq!(count(kit, "_held").await, 1);
    kit.delete(&key(), "users", &U.to_string()).await.unwrap();
    assert_eq!(
        (count(kit, "posts").await, count(kit, "_held").await),
        (0, 0)
    );
}
