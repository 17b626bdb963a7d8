//! Background work: deletions that are repeated until they are done, attachments nobody holds, and what nothing names.

use crate::kit::{DAY, Kit, TOKEN_U, U, asker, both, now, user};
use crate::owners::{bind, claim};
use bytes::Bytes;
use files::{Condition, FilePath, Put};
use futures_util::StreamExt;
use serde_json::json;
use std::time::Duration;
use store::{EffectIn, WriteTx};
use uuid::Uuid;

both!(
    deletions_are_repeated,
    unheld_attachments_are_collected,
    orphans_are_swept_and_nothing_else,
    what_is_in_flight_is_not_swept,
    dead_uploads_are_swept_at_the_start,
);

async fn deletions_are_repeated(kit: &Kit) {
    kit.open_bucket("a").await;
    kit.put(None, "a/x", b"x").await;
    let object = kit.objects().remove(0);
    kit.delete(None, "/v1/files/a/x").await;
    assert_eq!(kit.project.db.effects_waiting().await.unwrap(), 1);
    // A worker took it and died.
    let at = now();
    let lease = async move |tx: &WriteTx| -> Result<_, gate::Problem> {
        Ok(tx
            .lease_effects("file.delete", at, at.plus(Duration::from_secs(60)), 10)
            .await?)
    };
    assert_eq!(kit.project.db.write(lease).await.unwrap().len(), 1);
    kit.tick(at).await;
    assert_eq!(kit.objects(), std::slice::from_ref(&object));
    // Its lease runs out. That the object went already is no failure.
    std::fs::remove_file(kit.folder().join(&object[34..]).join(&object)).unwrap();
    let next = kit.tick(at.plus(Duration::from_secs(61))).await.unwrap();
    assert_eq!(kit.project.db.effects_waiting().await.unwrap(), 0);
    assert!(next > at.plus(Duration::from_secs(61)));
    // One that cannot be done stays, is told to come again within a minute, and does not stop the others.
    kit.put(None, "a/y", b"y").await;
    kit.put(None, "a/z", b"z").await;
    let names = kit.objects();
    let broken = Uuid::from_u128(0x42);
    let folder = kit.folder().join("42").join(broken.to_string());
    std::fs::create_dir_all(&folder).unwrap();
    let enqueue = async move |tx: &WriteTx| -> Result<(), gate::Problem> {
        let effect = EffectIn {
            kind: "file.delete".into(),
            body: json!({"object": broken}),
            due_at: at,
        };
        Ok(tx.enqueue(effect, at).await?)
    };
    kit.project.db.write(enqueue).await.unwrap();
    kit.delete(None, "/v1/files/a/y").await;
    kit.delete(None, "/v1/files/a/z").await;
    let later = at.plus(Duration::from_secs(70));
    let next = kit.tick(later).await.unwrap();
    assert!(next <= later.plus(Duration::from_secs(60)));
    assert_eq!(kit.project.db.effects_waiting().await.unwrap(), 1);
    assert!(kit.objects().iter().all(|name| !names.contains(name)));
    std::fs::remove_dir(&folder).unwrap();
    kit.tick(next.plus(Duration::from_secs(1))).await;
    assert_eq!(kit.project.db.effects_waiting().await.unwrap(), 0);
}

async fn unheld_attachments_are_collected(kit: &Kit) {
    kit.attachments("att").await;
    kit.open_bucket("open").await;
    kit.put(Some(TOKEN_U), "att/unheld", b"x").await;
    let held = kit.put(Some(TOKEN_U), "att/held", b"x").await.id();
    kit.put(Some(TOKEN_U), "open/file", b"x").await;
    bind(kit, &user(U), vec![claim(held, "att", 1)])
        .await
        .unwrap();
    kit.tick(now()).await;
    kit.tick(now().plus(DAY - Duration::from_secs(60))).await;
    assert_eq!(kit.count("_files").await, 3);
    kit.tick(now().plus(DAY + Duration::from_secs(3_700))).await;
    assert_eq!(kit.count("_files").await, 2);
    assert_eq!(kit.objects().len(), 2);
    assert_eq!(
        kit.get(Some(TOKEN_U), "/v1/files/att/unheld").await.status,
        404
    );
    // More than one slice.
    let many: Vec<String> = (0..1_201)
        .map(|n| {
            let (id, object) = (Uuid::from_u128(1 << 100 | n), Uuid::from_u128(2 << 100 | n));
            let old = "2020-01-01T00:00:00.000000Z";
            format!("('{id}', 'att', 'p{n}', '{object}', 1, 't', 'h', '{old}', '{old}')")
        })
        .collect();
    kit.sql(format!(
        r#"INSERT INTO "project"."_files" (id, bucket, path, object, size_bytes, content_type, sha256, created_at, updated_at) VALUES {}"#,
        many.join(", ")
    ))
    .await;
    kit.tick(now().plus(3 * DAY)).await;
    assert_eq!(
        (kit.count("_files").await, kit.count("_outbox").await),
        (2, 0)
    );
}

async fn orphans_are_swept_and_nothing_else(kit: &Kit) {
    kit.open_bucket("a").await;
    kit.put(None, "a/live", b"live").await;
    kit.put(None, "a/replaced", b"one").await;
    kit.put(None, "a/replaced", b"two").await;
    let orphan = kit.folder().join("07").join(Uuid::from_u128(7).to_string());
    std::fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    std::fs::write(&orphan, b"orphan").unwrap();
    // What is no object's name is not ours.
    let foreign = kit.folder().join("07").join("README");
    std::fs::write(&foreign, b"by hand").unwrap();
    kit.another().tick(&kit.project, now()).await;
    assert!(orphan.exists());
    kit.another().tick(&kit.project, now().plus(DAY)).await;
    assert!(!orphan.exists() && foreign.exists());
    assert_eq!(kit.get(None, "/v1/files/a/live").await.body, b"live");
    assert_eq!(kit.get(None, "/v1/files/a/replaced").await.body, b"two");
    assert_eq!(kit.objects().len(), 3);
}

async fn what_is_in_flight_is_not_swept(kit: &Kit) {
    kit.open_bucket("a").await;
    let (send, body) = tokio::sync::mpsc::unbounded_channel::<Bytes>();
    let body =
        futures_util::stream::unfold(body, async |mut body| Some((Ok(body.recv().await?), body)));
    let put = Put {
        bucket: "a".to_owned(),
        path: FilePath::parse("slow").unwrap(),
        length: None,
        declared: None,
        condition: Condition::default(),
    };
    let asker = asker(user(U));
    let upload = kit.files.put(&kit.project, &asker, put, body.boxed_local());
    let sweep = async {
        send.send(Bytes::from(vec![1; 600_000])).unwrap();
        kit.objects_become(1).await;
        for days in 1..4 {
            kit.tick(now().plus(days * DAY)).await;
        }
        assert_eq!(kit.objects().len(), 1, "it is staged still");
        send.send(Bytes::from(vec![2; 10])).unwrap();
        drop(send);
    };
    let (done, ()) = futures_util::future::join(upload, sweep).await;
    assert!(done.unwrap().0);
    let got = kit.get(None, "/v1/files/a/slow").await;
    assert_eq!((got.status, got.body.len()), (200, 600_010));
    kit.tick(now().plus(9 * DAY)).await;
    assert_eq!(kit.get(None, "/v1/files/a/slow").await.status, 200);
}

async fn dead_uploads_are_swept_at_the_start(kit: &Kit) {
    kit.open_bucket("a").await;
    kit.put(None, "a/x", b"x").await;
    let staged = kit
        .folder()
        .join("09")
        .join(format!("{}#1", Uuid::from_u128(9)));
    std::fs::create_dir_all(staged.parent().unwrap()).unwrap();
    std::fs::write(&staged, b"half").unwrap();
    // The next process does not wait a day for what the last one left half done.
    kit.another().tick(&kit.project, now()).await;
    assert!(!staged.exists());
    assert_eq!(kit.get(None, "/v1/files/a/x").await.status, 200);
}
