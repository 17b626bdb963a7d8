//! Changes of a collection with records that are cut short: by the end of the process, and by a full disk.
//!
//! After each the collection is the old one or the new one, whole: its definition, its table and its records agree, and
//! nothing that was acknowledged is lost.

use crate::faults::check_integrity;
use crate::kit::{Client, Engine, Server};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Records that every change has to carry along.
const RECORDS: usize = 3_000;
/// Changes that are cut short, on each engine.
const KILLS: usize = 15;
const COLLECTIONS: &str = "/p/shop/v1/collections";
const RECORDS_OF: &str = "/p/shop/v1/records";

/// Titles of the records that were acknowledged.
type Acknowledged = Arc<Mutex<BTreeMap<String, String>>>;

/// The changes, each with the one that takes it back; what is asked for depends on what is there.
fn change(round: usize, now: &Value) -> Value {
    let field = |name: &str| {
        let fields = now["fields"].as_array().unwrap();
        fields.iter().find(|f| f["name"] == name)
    };
    let index = json!([{"fields": ["title", "created_at"]}]);
    let has_index = now["indexes"].as_array().is_some_and(|i| !i.is_empty());
    let is_text = field("n").is_some_and(|n| n["type"] == "text");
    match round % 5 {
        0 if has_index => json!({"indexes": {"drop": index}}),
        0 => json!({"indexes": {"add": index}}),
        1 if is_text => {
            json!({"fields": {"change": {"n": {"type": "number", "format": "integer"}}}})
        }
        1 => json!({"fields": {"change": {"n": {"type": "text", "max": 20}}}}),
        2 if field("mark").is_some() => json!({"fields": {"rename": {"mark": "sign"}}}),
        2 => json!({"fields": {"rename": {"sign": "mark"}}}),
        3 if field("extra").is_some() => {
            json!({"fields": {"drop": ["extra"]}, "confirm": ["drop:extra"]})
        }
        3 => {
            let extra = json!({"name": "extra", "type": "number", "min": 0, "required": true, "default": 7});
            json!({"fields": {"add": [extra]}})
        }
        _ if now["name"] == "posts" => {
            // All at once: what is rebuilt, filled and renamed goes together.
            let to = if is_text {
                json!({"type": "number", "format": "integer"})
            } else {
                json!({"type": "text", "max": 20})
            };
            json!({"name": "notes", "fields": {"change": {"n": to}}})
        }
        _ => json!({"name": "posts"}),
    }
}

/// Makes records until the server is gone, by whatever name the collection has.
async fn write(client: Client, known: Acknowledged, stop: Arc<AtomicBool>, name: String) {
    for n in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let title = format!("{name}-{n}");
        for collection in ["posts", "notes"] {
            let path = format!("{RECORDS_OF}/{collection}");
            let sent = client.request("POST", &path).json(&json!({"title": title}));
            let Ok(answer) = sent.send().await else {
                return;
            };
            let status = answer.status().as_u16();
            let Ok(body) = answer.json::<Value>().await else {
                return;
            };
            match status {
                201 => {
                    let id = body["id"].as_str().unwrap().to_owned();
                    known.lock().await.insert(id, title.clone());
                    break;
                }
                // It has the other name, or a change is under way.
                404 | 409 | 503 => {}
                status => panic!("{status} {body}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The collection without what every change moves.
async fn definition(client: &Client) -> Value {
    let all = client.get(COLLECTIONS).await;
    assert_eq!(all.status, 200, "{:?}", all.body);
    let own = all.body["items"].as_array().unwrap().iter();
    let mut own: Vec<Value> = own.filter(|c| c["name"] != "users").cloned().collect();
    assert_eq!(own.len(), 1, "{own:?}");
    let mut own = own.remove(0);
    own.as_object_mut().unwrap().remove("updated_at");
    own
}

/// All records, by id, as the API gives them.
async fn records(client: &Client, name: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{RECORDS_OF}/{name}?limit=1000&sort=id{cursor}");
        let page = client.get(&path).await;
        assert_eq!(page.status, 200, "{:?}", page.body);
        for item in page.body["items"].as_array().unwrap() {
            found.insert(item["id"].as_str().unwrap().to_owned(), item.clone());
        }
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// What the database itself says of its tables: their columns, and how many indexes are declared on them.
fn tables(server: &Server) -> BTreeMap<String, (BTreeSet<String>, usize)> {
    let Some(url) = server.database() else {
        return tables_of_sqlite(server);
    };
    let sql = "SELECT t.relname || ' ' || c.attname FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace \
               JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped \
               WHERE t.relkind = 'r' AND s.nspname LIKE 'p\\_%' AND t.relname NOT LIKE '\\_%'";
    let mut all: BTreeMap<String, (BTreeSet<String>, usize)> = BTreeMap::new();
    for line in crate::kit::psql(&url, sql).lines() {
        let (table, column) = line.split_once(' ').unwrap();
        let (columns, _) = all.entry(table.to_owned()).or_default();
        columns.insert(column.to_owned());
    }
    let sql =
        "SELECT tablename FROM pg_indexes WHERE schemaname LIKE 'p\\_%' AND indexname LIKE '\\_i%'";
    for line in crate::kit::psql(&url, sql).lines() {
        if let Some((_, indexes)) = all.get_mut(line) {
            *indexes += 1;
        }
    }
    all
}

fn tables_of_sqlite(server: &Server) -> BTreeMap<String, (BTreeSet<String>, usize)> {
    let mut all = BTreeMap::new();
    for project in std::fs::read_dir(server.dir.join("projects"))
        .unwrap()
        .flatten()
    {
        let file = project.path().join("data.db");
        let connection = rusqlite::Connection::open(&file).unwrap();
        let texts = |sql: &str, of: &[&str]| -> Vec<String> {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map(rusqlite::params_from_iter(of), |row| row.get(0));
            rows.unwrap().map(Result::unwrap).collect()
        };
        let own = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'";
        for table in texts(own, &[]) {
            let columns = texts("SELECT name FROM pragma_table_info(?1)", &[&table]);
            let indexes = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?1 AND name LIKE '\\_i%' ESCAPE '\\'";
            let indexes = texts(indexes, &[&table]).len();
            all.insert(table, (columns.into_iter().collect(), indexes));
        }
        let left = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '\\_t\\_%' ESCAPE '\\'";
        assert_eq!(
            texts(left, &[]),
            Vec::<String>::new(),
            "a table of a rebuild"
        );
    }
    all
}

/// Holds the definition, the table and the records against each other.
async fn agree(server: &Server, client: &Client, now: &Value, known: &Acknowledged) {
    let name = now["name"].as_str().unwrap();
    let fields: Vec<&str> = now["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["name"].as_str().unwrap())
        .collect();
    let mut tables = tables(server);
    tables.remove("users");
    let (columns, indexes) = tables.remove(name).unwrap_or_default();
    assert!(tables.is_empty(), "{tables:?}");
    let system = ["id", "created_at", "updated_at", "_version"];
    let want: BTreeSet<String> = fields
        .iter()
        .chain(&system)
        .map(|f| (*f).to_owned())
        .collect();
    assert_eq!(columns, want);
    assert_eq!(indexes, now["indexes"].as_array().unwrap().len());
    let found = records(client, name).await;
    let known = known.lock().await;
    for (id, title) in known.iter() {
        let record = found.get(id).unwrap_or_else(|| panic!("{id} is lost"));
        assert_eq!(record["title"], json!(title));
    }
    let number = now["fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["name"] == "n")
        .unwrap();
    for record in found.values() {
        let keys: BTreeSet<String> = record.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, want);
        if let Some(n) = record["title"].as_str().unwrap().strip_prefix("first-") {
            let n: i64 = n.parse().unwrap();
            let n = if number["type"] == "text" {
                json!(n.to_string())
            } else {
                json!(n)
            };
            let mark = if fields.contains(&"mark") {
                "mark"
            } else {
                "sign"
            };
            assert_eq!((&record["n"], &record[mark]), (&n, &json!("x")), "{record}");
            assert!(
                record.get("extra").is_none_or(|e| *e == json!(7)),
                "{record}"
            );
        }
    }
}

async fn fill(client: &Client) -> Acknowledged {
    let fields = json!([
        {"name": "title", "type": "text", "max": 60},
        {"name": "n", "type": "number", "format": "integer"},
        {"name": "mark", "type": "text"},
        {"name": "extra", "type": "number", "min": 0, "required": true, "default": 7}
    ]);
    let made = client
        .post(COLLECTIONS, json!({"name": "posts", "fields": fields}))
        .await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let known = Acknowledged::default();
    for part in 0..RECORDS / 1_000 {
        let record = |n: usize| {
            let n = part * 1_000 + n;
            json!({"op": "create", "collection": "posts", "data": {"title": format!("first-{n}"), "n": n, "mark": "x"}})
        };
        let operations: Vec<Value> = (0..1_000).map(record).collect();
        let done = client
            .post("/p/shop/v1/batch", json!({"operations": operations}))
            .await;
        assert_eq!(done.status, 200, "{:?}", done.body);
        let results = done.body["results"].as_array().unwrap().iter().enumerate();
        let mut known = known.lock().await;
        known.extend(results.map(|(n, r)| {
            (
                r["id"].as_str().unwrap().to_owned(),
                format!("first-{}", part * 1_000 + n),
            )
        }));
    }
    known
}

/// Waits until PostgreSQL has ended what the killed process had begun.
async fn at_rest(server: &Server) {
    let Some(url) = server.database() else { return };
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..200 {
        if crate::kit::psql(&url, sql).trim() == "0" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("connections of the killed process are still there");
}

async fn kills(mut server: Server, restart: impl Fn(&mut Server)) {
    assert!(server.cli(&["project", "create", "shop"]).status.success());
    let key = server.key("shop", &["*"]);
    let known = fill(&server.as_(&key)).await;
    let (mut old, mut new) = (0, 0);
    for round in 0..KILLS {
        let client = server.as_(&key);
        let before = definition(&client).await;
        let body = change(round, &before);
        let path = format!("{COLLECTIONS}/{}", before["name"].as_str().unwrap());
        let mut tried = body.clone();
        tried["dry_run"] = true.into();
        let started = Instant::now();
        let tried = client.patch(&path, tried).await;
        let long = started.elapsed();
        assert_eq!(tried.status, 200, "{body} {:?}", tried.body);
        let mut after = tried.body["collection"].clone();
        after.as_object_mut().unwrap().remove("updated_at");
        let stop = Arc::new(AtomicBool::new(false));
        let mut work = Vec::new();
        for writer in 0..2 {
            let (client, known, stop) = (client.clone(), known.clone(), stop.clone());
            #[expect(clippy::disallowed_methods, reason = "a test needs no supervisor")]
            work.push(tokio::spawn(write(
                client,
                known,
                stop,
                format!("{round}-{writer}"),
            )));
        }
        let sent = client.request("PATCH", &path).json(&body).send();
        #[expect(clippy::disallowed_methods, reason = "a test needs no supervisor")]
        let sent = tokio::spawn(sent);
        // From its first statement until some time after its end; each fourth is killed as soon as it is acknowledged.
        let part = round % 4;
        while part == 3 && !sent.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if part < 3 {
            tokio::time::sleep(long.mul_f64(0.15 + 0.4 * part as f64)).await;
        }
        server.kill();
        stop.store(true, Ordering::SeqCst);
        at_rest(&server).await;
        for writer in work {
            writer.await.unwrap();
        }
        let acknowledged = sent
            .await
            .unwrap()
            .is_ok_and(|answer| answer.status() == 200);
        restart(&mut server);
        let client = server.as_(&key);
        let now = definition(&client).await;
        if acknowledged {
            assert_eq!(now, after, "an acknowledged change is lost: {body}");
        }
        assert!(now == before || now == after, "{body} left {now}");
        *(if now == before { &mut old } else { &mut new }) += 1;
        agree(&server, &client, &now, &known).await;
    }
    assert!(
        old > 0 && new > 0,
        "{old} changes were cut short, {new} were not"
    );
    server.kill();
    if server.database().is_none() {
        check_integrity(&server.dir);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_change_leaves_the_old_or_the_new_on_sqlite() {
    kills(Server::fresh(Engine::Sqlite), Server::restart).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_change_leaves_the_old_or_the_new_on_postgres() {
    kills(Server::fresh(Engine::Postgres), Server::restart).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_disk_leaves_the_old_or_the_new() {
    let temp = tempfile::tempdir().unwrap();
    let shim = crate::faults::shim(temp.path());
    let (dir, switch) = (temp.path().join("data"), temp.path().join("full"));
    let with_shim = |command: &mut std::process::Command| {
        command
            .env("LD_PRELOAD", &shim)
            .env("GALLEY_TEST_FAULT_FILE", &switch);
    };
    let mut server = Server::on(&dir, with_shim, "serve");
    assert!(server.cli(&["project", "create", "shop"]).status.success());
    let key = server.key("shop", &["*"]);
    let client = server.as_(&key);
    let known = fill(&client).await;
    for round in 0..10 {
        // A disk that is full first, then one that does not say whether it has written.
        let fault = if round < 5 { "full" } else { "sync" };
        let before = definition(&client).await;
        let body = change(round, &before);
        let path = format!("{COLLECTIONS}/{}", before["name"].as_str().unwrap());
        let send = || {
            let request = client.request("PATCH", &path).json(&body);
            let key = format!("a-key-of-the-change-{round}");
            client.send(request.header("idempotency-key", key))
        };
        std::fs::write(&switch, format!("{fault} data.db")).unwrap();
        let refused = send().await;
        assert!(
            matches!(refused.code(), "storage_full" | "commit_unknown"),
            "{body} {:?}",
            refused.body
        );
        if fault == "full" {
            assert_eq!(definition(&client).await, before, "{body}");
        }
        std::fs::remove_file(&switch).unwrap();
        // As soon as the disk is well again, the same request does it, once.
        let mut done = send().await;
        for _ in 0..100 {
            if done.status != 503 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            done = send().await;
        }
        assert_eq!(done.status, 200, "{body} {:?}", done.body);
        let again = send().await;
        assert_eq!((again.status, &again.body), (200, &done.body), "{body}");
        let now = definition(&client).await;
        assert_ne!(now, before, "{body}");
        let mut told = done.body.clone();
        told.as_object_mut().unwrap().remove("updated_at");
        assert_eq!(now, told);
        agree(&server, &client, &now, &known).await;
    }
    server.kill();
    check_integrity(&dir);
}
