//! What a killed process and a failing disk leave behind.

use crate::kit::{Client, Server};
use serde_json::json;
use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// Rounds of the kill test.
const KILLS: usize = 20;
/// Clients that write at the same time.
const WRITERS: usize = 8;

/// What was acknowledged: the record's last known text, or none when its deletion was.
type Acknowledged = Arc<Mutex<HashMap<String, Option<String>>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let made = crate::kit::galley()
        .arg("--data-dir")
        .arg(&dir)
        .args(["project", "create", "shop"])
        .output()
        .unwrap();
    assert!(made.status.success());
    let key = crate::kit::galley()
        .arg("--data-dir")
        .arg(&dir)
        .args(["key", "create", "--project", "shop", "--scope", "*"])
        .output()
        .unwrap();
    let key = String::from_utf8(key.stdout).unwrap().trim().to_owned();
    let mut server = Server::on(&dir, |_| {}, "serve");
    let collection = json!({"name": "notes", "fields": [{"name": "text", "type": "text"}, {"name": "n", "type": "number", "format": "integer"}]});
    assert_eq!(
        server
            .as_(&key)
            .post("/p/shop/v1/collections", collection)
            .await
            .status,
        201
    );
    let known: Acknowledged = Arc::default();
    for round in 0..KILLS {
        let stop = Arc::new(AtomicBool::new(false));
        let mut writers = Vec::new();
        for writer in 0..WRITERS {
            let (client, known, stop) = (server.as_(&key), known.clone(), stop.clone());
            #[expect(clippy::disallowed_methods, reason = "a test needs no supervisor")]
            writers.push(tokio::spawn(write(
                client,
                known,
                stop,
                format!("{round}-{writer}"),
            )));
        }
        tokio::time::sleep(Duration::from_millis(40 + 23 * (round as u64 % 7))).await;
        server.kill();
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.unwrap();
        }
        server = Server::on(&dir, |_| {}, "serve");
        compare(&server.as_(&key), &known).await;
    }
    server.kill();
    assert!(known.lock().await.len() > KILLS, "the writers wrote");
    check_integrity(&dir);
}

/// Creates, changes and deletes until the server is gone; notes only what was acknowledged.
async fn write(client: Client, known: Acknowledged, stop: Arc<AtomicBool>, name: String) {
    let path = "/p/shop/v1/records/notes";
    for n in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let text = format!("{name}-{n}");
        let Ok(made) = client
            .request("POST", path)
            .json(&json!({"text": text, "n": n}))
            .send()
            .await
        else {
            return;
        };
        assert_eq!(made.status(), 201);
        let Ok(body) = made.json::<serde_json::Value>().await else {
            return;
        };
        let id = body["id"].as_str().unwrap().to_owned();
        known.lock().await.insert(id.clone(), Some(text.clone()));
        let place = format!("{path}/{id}");
        if n % 3 == 0 {
            // While the answer is under way the record may be in either state.
            known.lock().await.remove(&id);
            let changed = format!("{text}-changed");
            let Ok(done) = client
                .request("PATCH", &place)
                .json(&json!({"text": changed}))
                .send()
                .await
            else {
                return;
            };
            assert_eq!(done.status(), 200);
            known.lock().await.insert(id, Some(changed));
        } else if n % 3 == 1 {
            known.lock().await.remove(&id);
            let Ok(done) = client.request("DELETE", &place).send().await else {
                return;
            };
            assert_eq!(done.status(), 204);
            known.lock().await.insert(id, None);
        }
    }
}

async fn compare(client: &Client, known: &Acknowledged) {
    let mut found = HashMap::new();
    let mut cursor = String::new();
    loop {
        let page = client
            .get(&format!("/p/shop/v1/records/notes?limit=1000{cursor}"))
            .await;
        assert_eq!(page.status, 200, "{:?}", page.body);
        for item in page.body["items"].as_array().unwrap() {
            found.insert(
                item["id"].as_str().unwrap().to_owned(),
                item["text"].as_str().unwrap().to_owned(),
            );
        }
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    for (id, text) in known.lock().await.iter() {
        assert_eq!(found.get(id), text.as_ref(), "{id}");
    }
}

/// SQLite's own check of every database of the directory.
pub fn check_integrity(dir: &std::path::Path) {
    let mut databases = vec![dir.join("instance.db")];
    for project in std::fs::read_dir(dir.join("projects")).unwrap().flatten() {
        databases.push(project.path().join("data.db"));
    }
    for database in databases {
        let connection = rusqlite::Connection::open(&database).unwrap();
        let answer: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(answer, "ok", "{}", database.display());
    }
}

/// Compiles what breaks the calls of a process to the disk, into this folder.
pub fn shim(dir: &std::path::Path) -> std::path::PathBuf {
    let shim = dir.join("shim.so");
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../store/tests/it/faults/shim.c"
    );
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(&shim)
        .arg(source)
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(built.success());
    shim
}

#[tokio::test]
async fn a_failed_fsync_is_told_as_commit_unknown_and_heals() {
    let temp = tempfile::tempdir().unwrap();
    let (shim, switch) = (shim(temp.path()), temp.path().join("fail"));
    let dir = temp.path().join("data");
    let server = Server::on(
        &dir,
        |command| {
            command
                .env("LD_PRELOAD", &shim)
                .env("GALLEY_TEST_FAULT_FILE", &switch);
        },
        "serve",
    );
    assert!(server.cli(&["project", "create", "shop"]).status.success());
    let key = server.as_(&server.key("shop", &["*"]));
    let collection = json!({"name": "notes", "fields": [{"name": "text", "type": "text"}]});
    assert_eq!(
        key.post("/p/shop/v1/collections", collection).await.status,
        201
    );
    let path = "/p/shop/v1/records/notes";
    let before = key.post(path, json!({"text": "before"})).await.id();

    std::fs::write(&switch, "sync data.db").unwrap();
    let send = || {
        key.request("POST", path)
            .header("idempotency-key", "a-key-for-the-failed-one")
            .json(&json!({"text": "during"}))
    };
    let during = key.send(send()).await;
    assert_eq!(
        (during.status, during.code()),
        (503, "commit_unknown"),
        "{:?}",
        during.body
    );
    let next = key.post(path, json!({"text": "while suspended"})).await;
    assert_eq!(next.status, 503, "{:?}", next.body);
    assert_eq!(
        key.get(&format!("{path}/{before}")).await.status,
        200,
        "reads go on"
    );

    std::fs::remove_file(&switch).unwrap();
    let mut healed = None;
    for _ in 0..100 {
        let again = key.send(send()).await;
        if again.status == 201 {
            healed = Some(again);
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let healed = healed.expect("the database heals");
    // The key tells the truth: whatever became of the first try, there is one record.
    let all = key
        .get(&format!(
            "{path}?count=exact&filter=text%20%3D%3D%20%22during%22"
        ))
        .await;
    assert_eq!(all.body["total"], 1, "{:?}", all.body);
    assert_eq!(all.body["items"][0]["id"], healed.body["id"]);
    drop(server);
    check_integrity(&dir);
}
