//! Two nodes on one PostgreSQL: each sees within a second what the other has done to the schema.

use crate::kit::{Kit, anon, code, every_type, key};
use kernel::Code;
use serde_json::json;
use std::time::{Duration, Instant};

/// Tries until `f` is true; how long that took.
async fn until(mut f: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !f().await {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "not within five seconds"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_node_sees_what_the_first_did() {
    let one = Kit::postgres().await;
    let two = one.another().await;
    one.open("old", json!([])).await;
    assert_eq!(two.list(&anon(), "old", &[]).await.unwrap().len(), 0);
    one.open("posts", every_type()).await;
    let took = until(async || two.list(&anon(), "posts", &[]).await.is_ok()).await;
    assert!(took < Duration::from_millis(1_500), "{took:?}");
    let id = two.made("posts", json!({"title": "from two"})).await;
    assert_eq!(
        one.get(&anon(), "posts", &id).await.unwrap()["title"],
        "from two"
    );
    one.rules("posts", json!({"view": null})).await.unwrap();
    until(async || two.get(&anon(), "posts", &id).await.is_err()).await;
    // A collection made anew under the same name has other columns and other statements.
    one.data
        .delete_collection(&one.project, &key(), "posts", Some("delete:posts"))
        .await
        .unwrap();
    one.open("posts", json!([{"name": "other", "type": "bool"}]))
        .await;
    until(async || {
        two.create(&anon(), "posts", json!({"other": true}))
            .await
            .is_ok()
    })
    .await;
    let items = two.list(&anon(), "posts", &[]).await.unwrap();
    assert_eq!(items[0]["other"], true);
    // A node that has not seen it yet checks its own change against what is there.
    two.list(&anon(), "old", &[]).await.unwrap();
    one.open("new", json!([])).await;
    assert_eq!(
        code(two.try_collection(json!({"name": "new"})).await),
        Code::CollectionTaken
    );
    two.try_collection(json!({"name": "points", "fields": [{"name": "a", "type": "relation", "collection": "new"}]})).await.unwrap();
    let gone = one
        .data
        .delete_collection(&one.project, &key(), "new", Some("delete:new"))
        .await;
    assert_eq!(code(gone.map_err(Into::into)), Code::Referenced);
}
