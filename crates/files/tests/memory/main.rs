//! A large file goes up and comes down through the real server in bounded memory. A binary of its own, because the
//! memory of a process is that of all its tests.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]

#[path = "../it/kit.rs"]
#[expect(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "the kit serves the other tests too"
)]
mod kit;
#[path = "../it/wire.rs"]
#[expect(dead_code, reason = "the client serves the other tests too")]
mod wire;

use kit::{Kit, TOKEN_U};
use std::time::Instant;

/// Megabytes that the process may grow by, client and server together.
const GROWTH_MAX: u64 = 64;

/// Megabytes of resident memory.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096 / 1_048_576
}

#[actix_web::test]
async fn a_large_file_takes_little_memory() {
    // `GALLEY_TEST_FILE_MEGABYTES=1024` measures a gigabyte.
    let megabytes = std::env::var("GALLEY_TEST_FILE_MEGABYTES");
    let megabytes: u64 = megabytes.map_or(256, |text| text.parse().unwrap());
    let kit = Kit::new(false).await;
    kit.open_bucket("a").await;
    kit.put(Some(TOKEN_U), "a/warm", &[1; 1_000_000]).await;
    kit.get(None, "/v1/files/a/warm").await;
    let (before, mut most) = (resident(), 0);
    let piece: Vec<u8> = (0..1_048_576_u32).map(|n| (n % 251) as u8).collect();

    let began = Instant::now();
    let mut wire = kit.wire().await;
    let length = (megabytes * 1_048_576).to_string();
    let head = [("content-length", length.as_str())];
    wire.head("PUT", "/p/shop/v1/files/a/x", Some(TOKEN_U), &head)
        .await;
    for _ in 0..megabytes {
        wire.bytes(&piece).await.unwrap();
        most = most.max(resident());
    }
    let reply = wire.reply().await;
    assert_eq!(reply.status, 201, "{}", reply.json());
    let up = began.elapsed();

    let began = Instant::now();
    let mut wire = kit.wire().await;
    wire.head("GET", "/p/shop/v1/files/a/x", None, &[]).await;
    let mut read = 0;
    loop {
        let some = wire.some(65_536).await;
        if some.is_empty() {
            break;
        }
        read += some.len() as u64;
        most = most.max(resident());
    }
    assert!(read > megabytes * 1_048_576);
    println!(
        "{megabytes} MB: up {up:?}, down {:?}, {before} MB before, {most} MB at most",
        began.elapsed()
    );
    assert!(
        most.saturating_sub(before) < GROWTH_MAX,
        "{before} MB before, {most} MB at most"
    );
    kit.end().await;
}
