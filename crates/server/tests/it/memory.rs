//! What a server holds when nobody asks anything.

use crate::kit::{Engine, Server};
use futures_util::future::join_all;
use std::time::Duration;

/// What a burst may leave behind, in KiB.
const LEFT_MAX: u64 = 12 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_burst_took_is_given_back() {
    let server = Server::fresh_with(Engine::Sqlite, |command| {
        command.env("GALLEY_GATE__LIMITS__REQUESTS_PER_SECOND", "0");
    });
    assert_eq!(server.process("THP_enabled:"), 0, "huge pages");
    let client = server.as_("");
    assert_eq!(client.get("/healthz").await.status, 200);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = server.process("RssAnon:");
    // Large answers, many at a time, so that all threads hold a part of them.
    let mut most = 0;
    for _ in 0..6 {
        let asked = (0..48).map(|_| client.get("/admin/v1/openapi.json"));
        let told = join_all(asked).await;
        assert!(told.iter().all(|answer| answer.status == 200));
        most = most.max(server.process("RssAnon:"));
    }
    let mut after = most;
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        after = server.process("RssAnon:");
        if after < before + LEFT_MAX {
            return;
        }
    }
    panic!("{before} KiB before, {most} at most, {after} afterwards");
}
