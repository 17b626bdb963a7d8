//! Uploads that break off, stall, or are given up: no row, no object, nothing staged.

use crate::kit::{Kit, TOKEN_U, U, asker, both, now, user};
use bytes::Bytes;
use files::{Condition, FilePath, FilesConfig, Put};
use futures_util::StreamExt;
use std::time::{Duration, Instant};

both!(
    a_client_that_hangs_up,
    a_client_that_hangs_up_while_replacing,
    an_upload_that_is_dropped,
);

async fn hang_up(kit: &Kit, headers: &[(&str, &str)], body: &[u8]) {
    let before = kit.objects().len();
    let mut wire = kit.wire().await;
    wire.head("PUT", "/p/shop/v1/files/a/x", Some(TOKEN_U), headers)
        .await;
    wire.bytes(body).await.unwrap();
    // The server has begun to write.
    kit.objects_become(before + 1).await;
    drop(wire);
    kit.objects_become(before).await;
}

async fn a_client_that_hangs_up(kit: &Kit) {
    kit.open_bucket("a").await;
    let chunk = [&b"100000\r\n"[..], &vec![7; 0x10_0000], b"\r\n"].concat();
    hang_up(kit, &[("content-length", "9000000")], &[7; 2_000_000]).await;
    hang_up(kit, &[("transfer-encoding", "chunked")], &chunk).await;
    hang_up(kit, &[("content-length", "9000000")], b"").await;
    kit.objects_become(0).await;
    assert_eq!(kit.count("_files").await, 0);
    assert_eq!(kit.get(None, "/v1/files/a/x").await.status, 404);
    assert_eq!(kit.put(None, "a/x", b"x").await.status, 201);
}

async fn a_client_that_hangs_up_while_replacing(kit: &Kit) {
    kit.open_bucket("a").await;
    kit.put(None, "a/x", b"whole").await;
    hang_up(kit, &[("content-length", "9000000")], &[7; 2_000_000]).await;
    kit.objects_become(1).await;
    assert_eq!(kit.get(None, "/v1/files/a/x").await.body, b"whole");
    assert_eq!(kit.project.db.effects_waiting().await.unwrap(), 0);
}

async fn an_upload_that_is_dropped(kit: &Kit) {
    kit.open_bucket("a").await;
    // At any moment: while bytes come, while they are published, while the row is written.
    for pause in [0, 1, 2, 3, 4, 5, 7, 9, 12, 16, 20, 30] {
        let body = futures_util::stream::iter((0..4).map(|_| Ok(Bytes::from(vec![1; 300_000]))));
        let put = Put {
            bucket: "a".to_owned(),
            path: FilePath::parse("x").unwrap(),
            length: None,
            declared: None,
            condition: Condition::default(),
        };
        let asker = asker(user(U));
        let upload = kit.files.put(&kit.project, &asker, put, body.boxed_local());
        let _ = tokio::time::timeout(Duration::from_millis(pause), upload).await;
    }
    // What could not be undone at once is undone by the next tick, and by the sweep at the latest.
    tokio::time::sleep(Duration::from_millis(300)).await;
    kit.tick(now()).await;
    kit.another()
        .tick(&kit.project, now().plus(crate::kit::DAY))
        .await;
    let files = kit.count("_files").await;
    assert_eq!(kit.objects().len(), usize::try_from(files).unwrap());
    if files == 1 {
        assert_eq!(kit.get(None, "/v1/files/a/x").await.body.len(), 1_200_000);
    }
}

/// The time that is waited is the setting's, so that the test is short.
#[actix_web::test]
async fn bodies_that_come_too_slowly() {
    let config = FilesConfig {
        upload_stall_seconds: 1,
        ..FilesConfig::default()
    };
    let kit = Kit::with(false, config).await;
    kit.open_bucket("a").await;
    // Nothing at all, and a few bytes now and then.
    for drip in [0_usize, 20] {
        let mut wire = kit.wire().await;
        wire.head(
            "PUT",
            "/p/shop/v1/files/a/x",
            None,
            &[("content-length", "100000")],
        )
        .await;
        let began = Instant::now();
        for _ in 0..30 {
            if drip > 0 && wire.bytes(&vec![7; drip]).await.is_err() {
                break;
            }
            if drip == 0 || began.elapsed() > Duration::from_millis(1_500) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let reply = wire.reply().await;
        assert_eq!(reply.outcome(), (408, "request_timeout".into()), "{drip}");
        assert!(began.elapsed() < Duration::from_secs(4));
    }
    // A slow one that keeps the least rate comes through.
    let mut wire = kit.wire().await;
    wire.head(
        "PUT",
        "/p/shop/v1/files/a/x",
        None,
        &[("content-length", "6000")],
    )
    .await;
    for _ in 0..10 {
        wire.bytes(&[7; 600]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(wire.reply().await.status, 201);
    kit.objects_become(1).await;
    assert_eq!(kit.count("_files").await, 1);
    kit.end().await;
}
