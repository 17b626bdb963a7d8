//! Relations to many when what they name is deleted, and what the feed tells of it.

use crate::joins::{pairs, posts, told};
use crate::kit::{Kit, U, V, add_user, anon, both, code, key, u, v};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    lists_lose_what_is_deleted,
    all_that_goes_goes_from_lists,
    short_lists_hold_their_items,
    the_feed_tells_of_lists,
    the_tag_covers_hops_through_lists,
);

/// Collection, action and fields of the changes behind the first `from`.
async fn log(kit: &Kit, from: i64) -> Vec<String> {
    let order = if kit.is_postgres() { "id" } else { "seq" };
    let sql = format!(
        "SELECT \"collection\" || ' ' || \"action\" || ' ' || \"fields\" AS line FROM \"project\".\"_changes\" ORDER BY {order} LIMIT 1000 OFFSET {from}"
    );
    let rows = kit.rows(&sql).await;
    let line = |row: &sea_orm::QueryResult| row.try_get::<String>("", "line").unwrap();
    rows.iter().map(line).collect()
}

async fn lists_lose_what_is_deleted(kit: &Kit) {
    let [a, b, c, _] = posts(kit, json!({})).await;
    let x = kit.made("posts", json!({"tags": [c, a, b]})).await;
    let y = kit.made("posts", json!({"tags": [a]})).await;
    let z = kit.made("posts", json!({"tags": [b]})).await;
    let from = pairs(kit, "_changes").await;
    kit.delete(&anon(), "tags", &a).await.unwrap();
    for (id, list, version) in [
        (&x, json!([c, b]), 2),
        (&y, json!([]), 2),
        (&z, json!([b]), 1),
    ] {
        let read = kit.get(&anon(), "posts", id).await.unwrap();
        assert_eq!((&read["tags"], &read["_version"]), (&list, &json!(version)));
    }
    assert_eq!(
        log(kit, from).await,
        [
            "posts update [\"tags\"]",
            "posts update [\"tags\"]",
            "tags delete []"
        ]
    );
    // The place of what is gone is nobody's: what is appended stands behind.
    let merged = kit
        .merge(&anon(), "posts", &x, json!({"tags": {"append": [a]}}))
        .await;
    assert_eq!(told(merged), ["/tags/append/0 unknown_record"]);
    let d = kit.made("tags", json!({"name": "d"})).await;
    let merged = kit
        .merge(&anon(), "posts", &x, json!({"tags": {"append": [d]}}))
        .await;
    assert_eq!(merged.unwrap()["tags"], json!([c, b, d]));
}

/// Records that go together do not hold each other by their lists.
async fn all_that_goes_goes_from_lists(kit: &Kit) {
    kit.open("blogs", json!([{"name": "title", "type": "text"}]))
        .await;
    let blog =
        json!({"name": "blog", "type": "relation", "collection": "blogs", "on_delete": "cascade"});
    kit.open("words", json!([blog])).await;
    let restrict =
        json!({"name": "words", "type": "relation", "collection": "words", "multiple": true});
    let near = json!({"name": "near", "type": "relation", "collection": "texts", "multiple": true, "on_delete": "cascade"});
    kit.open("texts", json!([blog, restrict, near])).await;
    let blog = kit.made("blogs", json!({})).await;
    let other = kit.made("blogs", json!({})).await;
    let word = kit.made("words", json!({"blog": blog})).await;
    let first = kit
        .made("texts", json!({"blog": blog, "words": [word]}))
        .await;
    let second = kit
        .made(
            "texts",
            json!({"blog": blog, "words": [word], "near": [first]}),
        )
        .await;
    kit.merge(&anon(), "texts", &first, json!({"near": [second, first]}))
        .await
        .unwrap();
    let stays = kit
        .made("texts", json!({"blog": other, "near": [first, second]}))
        .await;
    let holds = kit
        .made("texts", json!({"blog": other, "words": [word]}))
        .await;
    // One that stays holds a word: nothing goes.
    let before = kit
        .dump(&["blogs", "texts", "words", "texts_near", "texts_words"])
        .await;
    assert_eq!(
        code(kit.delete(&anon(), "blogs", &blog).await),
        Code::Referenced
    );
    let after = kit
        .dump(&["blogs", "texts", "words", "texts_near", "texts_words"])
        .await;
    assert_eq!(before, after);
    kit.merge(&anon(), "texts", &holds, json!({"words": []}))
        .await
        .unwrap();
    let from = pairs(kit, "_changes").await;
    kit.delete(&anon(), "blogs", &blog).await.unwrap();
    assert_eq!(
        (
            pairs(kit, "texts").await,
            pairs(kit, "words").await,
            pairs(kit, "texts_near").await,
            pairs(kit, "texts_words").await
        ),
        (2, 0, 0, 0)
    );
    let read = kit.get(&anon(), "texts", &stays).await.unwrap();
    assert_eq!((&read["near"], &read["_version"]), (&json!([]), &json!(3)));
    let mut told = log(kit, from).await;
    told.sort();
    assert_eq!(
        told,
        [
            "blogs delete []",
            "texts delete []",
            "texts delete []",
            "texts update [\"near\"]",
            "texts update [\"near\"]",
            "words delete []"
        ]
    );
}

async fn short_lists_hold_their_items(kit: &Kit) {
    let [a, b, ..] = posts(kit, json!({"min_items": 1})).await;
    let id = kit.made("posts", json!({"tags": [a, b]})).await;
    kit.delete(&anon(), "tags", &a).await.unwrap();
    assert_eq!(
        kit.get(&anon(), "posts", &id).await.unwrap()["tags"],
        json!([b])
    );
    assert_eq!(
        code(kit.delete(&anon(), "tags", &b).await),
        Code::Referenced
    );
    kit.delete(&anon(), "posts", &id).await.unwrap();
    kit.delete(&anon(), "tags", &b).await.unwrap();
}

async fn the_feed_tells_of_lists(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let members = json!({"name": "members", "type": "relation", "collection": "users", "multiple": true, "on_delete": "cascade"});
    kit.open("rooms", json!([members])).await;
    kit.rules("rooms", json!({"list": "auth.id in members"}))
        .await
        .unwrap();
    let room = kit.made("rooms", json!({"members": [U, V]})).await;
    let since = kit.place().await;
    let query = format!("since={since}&collections=rooms");
    kit.merge(&key(), "rooms", &room, json!({"members": {"remove": [V]}}))
        .await
        .unwrap();
    let there = |b| (room.clone(), b);
    assert_eq!(kit.told(&u(), &query).await, [there(true)]);
    assert_eq!(kit.told(&v(), &query).await, [there(false)]);
    assert!(kit.told(&anon(), &query).await.is_empty());
    // A user is deleted, and goes from the list: whoever is left is told.
    let since = kit.place().await;
    let query = format!("since={since}&collections=rooms");
    kit.merge(&key(), "rooms", &room, json!({"members": [V, U]}))
        .await
        .unwrap();
    kit.delete(&key(), "users", &V.to_string()).await.unwrap();
    let page = kit.feed(&u(), &query).await.unwrap();
    let record: Json = serde_json::from_str(page.items[0].record.as_ref().unwrap()).unwrap();
    assert_eq!(record["members"], json!([U]));
}

async fn the_tag_covers_hops_through_lists(kit: &Kit) {
    add_user(kit, U, None).await;
    let members = json!({"name": "members", "type": "relation", "collection": "users", "multiple": true, "on_delete": "cascade"});
    kit.open("teams", json!([members])).await;
    let teams = json!({"name": "teams", "type": "relation", "collection": "teams", "multiple": true, "on_delete": "cascade"});
    kit.open("files", json!([teams])).await;
    kit.rules(
        "files",
        json!({"list": "teams.exists(t, auth.id in t.members)"}),
    )
    .await
    .unwrap();
    let team = kit.made("teams", json!({"members": [U]})).await;
    kit.made("files", json!({"teams": [team]})).await;
    let tag = async || {
        kit.feed(&u(), "since=now&collections=files")
            .await
            .unwrap()
            .visibility
    };
    let before = tag().await;
    kit.made("files", json!({"teams": []})).await;
    assert_eq!(tag().await, before);
    kit.merge(&key(), "teams", &team, json!({"members": []}))
        .await
        .unwrap();
    assert_ne!(tag().await, before);
    // The way back is covered as well.
    kit.rules("teams", json!({"list": "files_via_teams.exists(f, true)"}))
        .await
        .unwrap();
    let tag = async || {
        kit.feed(&u(), "since=now&collections=teams")
            .await
            .unwrap()
            .visibility
    };
    let before = tag().await;
    kit.made("files", json!({"teams": [team]})).await;
    assert_ne!(tag().await, before);
}
