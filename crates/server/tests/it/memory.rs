//! What a server holds when nobody asks anything.

use crate::kit::{Engine, Server};
use futures_util::future::join_all;
use std::time::Duration;

/// What a quiet server may hold, in KiB. Its start alone takes twice as much for a moment.
const QUIET_MAX: u64 = 40 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_start_and_a_burst_took_is_given_back() {
    let server = Server::fresh_with(Engine::Sqlite, |command| {
        command.env("GALLEY_GATE__LIMITS__REQUESTS_PER_SECOND", "0");
    });
    assert_eq!(server.process("THP_enabled:"), 0, "huge pages");
    let client = server.as_("");
    // Large answers, many at a time, so that all threads hold a part of them.
    for _ in 0..6 {
        let asked = (0..48).map(|_| client.get("/admin/v1/openapi.json"));
        let told = join_all(asked).await;
        assert!(told.iter().all(|answer| answer.status == 200));
    }
    let mut held = 0;
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        held = server.process("RssAnon:");
        if held < QUIET_MAX {
            return;
        }
    }
    panic!("a quiet server holds {held} KiB");
}
