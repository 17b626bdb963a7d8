//! What one request may stand for counts against its caller's limit: each operation, each record made in another, and
//! the records of a bulk write.

use crate::kit::{Client, Server};
use serde_json::json;

/// How much the caller has left; asking takes one.
async fn left(client: &Client) -> i64 {
    let answer = client.get("/p/shop/v1/collections").await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let left = answer.headers["ratelimit-remaining"].to_str().unwrap();
    left.parse().unwrap()
}

#[tokio::test]
async fn requests_of_many_count_as_many() {
    let temp = tempfile::tempdir().unwrap();
    let few = |command: &mut std::process::Command| {
        command
            .env("GALLEY_GATE__LIMITS__REQUESTS_PER_SECOND", "1")
            .env("GALLEY_GATE__LIMITS__BURST", "200");
    };
    let server = Server::on(&temp.path().join("data"), few, "serve");
    assert!(server.cli(&["project", "create", "shop"]).status.success());
    let client = server.as_(&server.key("shop", &["*"]));
    let folders = json!({"name": "folders", "fields": [{"name": "n", "type": "number"}]});
    let made = client.post("/p/shop/v1/collections", folders).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let parent = json!({"name": "parent", "type": "relation", "collection": "folders"});
    let parent = json!({"fields": {"add": [parent]}});
    let done = client.patch("/p/shop/v1/collections/folders", parent).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    let nested = |n: usize| json!({"n": 1, "folders_via_parent": vec![json!({"n": 1}); n]});
    let made = |n: usize| json!({"op": "create", "collection": "folders", "data": nested(n)});
    for (path, body, count) in [
        ("records/folders", nested(29), 30),
        (
            "batch",
            json!({"operations": [made(10), made(0), made(8)]}),
            21,
        ),
        (
            "records/folders/update",
            json!({"filter": "true", "set": {"n": 2}}),
            51,
        ),
        (
            "records/folders/delete",
            json!({"filter": "parent != null", "limit": 25}),
            25,
        ),
    ] {
        let before = left(&client).await;
        let done = client.post(&format!("/p/shop/v1/{path}"), body).await;
        assert!(done.status < 300, "{path} {:?}", done.body);
        let taken = before - left(&client).await - 1;
        // A second gives one back.
        assert!(
            taken > count - 10 && taken <= count,
            "{path} took {taken} of {count}"
        );
    }
    // What is more than is left is refused before anything is done.
    let mut last = (200, 0);
    for n in 3..13 {
        let all = json!({"filter": "true", "set": {"n": n}});
        let done = client.post("/p/shop/v1/records/folders/update", all).await;
        if done.status == 429 {
            last = (429, n - 1);
            break;
        }
    }
    assert_eq!(last.0, 429);
    let mut kept = 429;
    while kept == 429 {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let sent = format!("/p/shop/v1/records/folders?filter=n%21%3D{}", last.1);
        let found = client.get(&sent).await;
        kept = found.status;
        assert!(
            kept == 429 || found.body["items"] == json!([]),
            "{:?}",
            found.body
        );
    }
}
