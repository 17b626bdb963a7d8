//! Filters and definitions of collections that chance has bent: whatever comes is answered or refused, in bounded time,
//! alike on both engines.
//!
//! What is bent is kept in `tests/corpus`: the seeds, and every input that ever failed. `GALLEY_TEST_FUZZ_SECONDS` says how
//! long each target runs, `GALLEY_TEST_FUZZ_SEED` repeats a run.

mod bend;

use crate::conform::Dice;
use crate::http::call;
use crate::kit::{Kit, U, V, add_user, key, object, u};
use data::{Asker, Query};
use futures_util::FutureExt;
use gate::Problem;
use kernel::Code;
use serde_json::{Value as Json, json};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long one input may take at most, in a debug build on a busy machine.
const TIME_MAX: Duration = Duration::from_secs(10);

/// One target's run: its corpus, its chance and its end.
struct Run {
    folder: PathBuf,
    seeds: Vec<String>,
    dice: Dice,
    until: Instant,
    inputs: usize,
    accepted: usize,
}

impl Run {
    fn new(target: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/corpus")
            .join(target);
        let variable = |name: &str| std::env::var(name).ok()?.parse().ok();
        let seed = variable("GALLEY_TEST_FUZZ_SEED")
            .unwrap_or_else(|| kernel::Ids.new_id().as_u64_pair().1);
        let seconds = variable("GALLEY_TEST_FUZZ_SECONDS").unwrap_or(4);
        eprintln!("{target} from GALLEY_TEST_FUZZ_SEED={seed} for {seconds} s");
        let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let mut seeds = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            if file.ends_with("seeds.txt") {
                seeds.extend(text.lines().map(str::to_owned));
            } else {
                seeds.push(text);
            }
        }
        assert!(seeds.len() > 20, "the corpus of {target} is not there");
        Self {
            folder,
            seeds,
            dice: Dice(seed),
            until: Instant::now() + Duration::from_secs(seconds),
            inputs: 0,
            accepted: 0,
        }
    }

    /// The next input: first each of the corpus as it is, then bent ones until the time is over.
    fn next(&mut self, bend: fn(&mut Dice, &[String]) -> String) -> Option<String> {
        let n = self.inputs;
        self.inputs += 1;
        if let Some(seed) = self.seeds.get(n) {
            return Some(seed.clone());
        }
        (Instant::now() < self.until).then(|| bend(&mut self.dice, &self.seeds))
    }

    /// Runs one input; one that panics, takes too long or gets a word of `judge` is kept, and fails the test.
    async fn judge(&mut self, input: &str, judge: impl Future<Output = Result<bool, String>>) {
        let started = Instant::now();
        let done = AssertUnwindSafe(judge).catch_unwind().await;
        let took = started.elapsed();
        let fault = match done {
            Ok(Ok(accepted)) if took < TIME_MAX => {
                self.accepted += usize::from(accepted);
                return;
            }
            Ok(Ok(_)) => format!("took {took:?}"),
            Ok(Err(fault)) => fault,
            Err(_) => "panicked".to_owned(),
        };
        let hash = input.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        let path = self.folder.join(format!("found-{hash:016x}.txt"));
        std::fs::write(&path, input).unwrap();
        panic!("{fault}\nby {input}\nkept in {}", path.display());
    }

    fn end(&self) {
        let (inputs, accepted) = (self.inputs, self.accepted);
        eprintln!("{inputs} inputs, {accepted} of them accepted");
        assert!(
            accepted * 50 > inputs,
            "next to nothing was accepted: {accepted} of {inputs}"
        );
        assert!(accepted < inputs, "nothing was refused");
    }
}

/// Whether an answer is one that is meant for people.
fn is_meant(code: Code) -> bool {
    !matches!(
        code.kind(),
        kernel::Kind::Internal | kernel::Kind::Unavailable | kernel::Kind::Storage
    )
}

async fn library(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    kit.open(
        "authors",
        json!([
            {"name": "name", "type": "text"},
            {"name": "home", "type": "geo"},
            {"name": "born", "type": "date"},
            {"name": "secret", "type": "text", "hidden": true}
        ]),
    )
    .await;
    kit.open(
        "books",
        json!([
            {"name": "title", "type": "text"},
            {"name": "stock", "type": "number", "format": "integer"},
            {"name": "rating", "type": "number"},
            {"name": "price", "type": "number", "format": "decimal", "precision": 10, "scale": 2},
            {"name": "open", "type": "bool"},
            {"name": "due", "type": "datetime"},
            {"name": "labels", "type": "select", "values": ["a", "b"], "multiple": true},
            {"name": "meta", "type": "json"},
            {"name": "owner", "type": "relation", "collection": "users"},
            {"name": "author", "type": "relation", "collection": "authors"},
            {"name": "note", "type": "text", "read": "owner == auth.id"}
        ]),
    )
    .await;
    kit.rules("authors", json!({"list": "name != 'x' || auth.id != null"}))
        .await
        .unwrap();
    let mut authors = Vec::new();
    for n in 0..2 {
        let author = json!({"id": format!("01990000-0000-7000-8000-0000000000{n}1"), "name": (["a", "É"][n]), "home": {"lat": 52.5, "lon": 13.4}, "born": "2000-02-29"});
        authors.push(kit.made("authors", author).await);
    }
    for n in 0..5_usize {
        let mut book = json!({
            "id": format!("01990000-0000-7000-8000-0000000000{n}2"), "title": (["a", "Ab", "É", "", "50%_!"][n]),
            "stock": n, "rating": (n as f64) - 0.5, "price": "9.99", "open": n % 2 == 0, "labels": (["a", "b"][n % 2..]),
            "meta": {"a": {"b": [n, "x"]}, "s": "a"}, "author": authors[n % 2], "note": "n"
        });
        if n > 1 {
            (book["owner"], book["due"]) = (json!(U), json!("2026-03-01T12:00:00Z"));
        }
        kit.made("books", book).await;
    }
}

type Found = Result<Vec<String>, Code>;

async fn find(kit: &Kit, asker: &Asker, filter: &str) -> Found {
    let params = json!({"p": "a", "n": 2, "x": 2.5, "list": ["a", 1], "ids": [U], "t": "2026-03-01T00:00:00Z", "b": true, "nil": null});
    let body = json!({"filter": filter, "params": params, "sort": "id", "fields": ["id"]});
    let query = Query::parse_body(object(body)).map_err(|p| p.code())?;
    let page = kit.data.list(&kit.project, asker, "books", &query).await;
    let page = page.map_err(|e| Problem::from(e).code())?;
    Ok(page.docs.into_iter().map(|d| d.json).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_are_answered_or_refused() {
    let mut run = Run::new("filters");
    let kits = [Kit::sqlite().await, Kit::postgres().await];
    for kit in &kits {
        library(kit).await;
    }
    let askers = [u(), key()];
    while let Some(text) = run.next(bend::text) {
        let asker = &askers[run.inputs % 2];
        let judged = async {
            let sqlite = find(&kits[0], asker, &text).await;
            if let Err(code) = &sqlite
                && !is_meant(*code)
            {
                return Err(format!("SQLite answered {code:?}"));
            }
            // What is refused is refused before any engine sees it: one in eight is enough.
            if sqlite.is_ok() || text.len() % 8 == 0 {
                let postgres = find(&kits[1], asker, &text).await;
                if sqlite != postgres {
                    return Err(format!("SQLite {sqlite:?}, PostgreSQL {postgres:?}"));
                }
            }
            Ok(sqlite.is_ok())
        };
        run.judge(&text, judged).await;
    }
    run.end();
}

/// Whether a collection can be used: described, listed, and its records are all there.
async fn is_usable(kit: &Kit, name: &str, records: Option<usize>) -> Result<(), String> {
    for path in [
        format!("/v1/collections/{name}"),
        format!("/v1/records/{name}?limit=100"),
    ] {
        let reply = call(kit, &key(), "GET", &path, None, &[]).await;
        if reply.status != 200 {
            return Err(format!(
                "then {path} answered {} {}",
                reply.status, reply.text
            ));
        }
        let items = reply.json()["items"].as_array().map(Vec::len);
        if path.contains("/records/") && records.is_some() && items != records {
            return Err(format!("of {records:?} records there are {items:?}"));
        }
    }
    Ok(())
}

/// One definition or change; what is accepted must be good for something.
async fn define(kit: &Kit, body: &Json, change: bool) -> Result<bool, String> {
    let (method, path) = if change {
        ("PATCH", "/v1/collections/books")
    } else {
        ("POST", "/v1/collections")
    };
    let reply = call(kit, &key(), method, path, Some(body.clone()), &[]).await;
    if reply.status >= 500 {
        return Err(format!("{} {}", reply.status, reply.text));
    }
    if reply.status >= 300 {
        let code = reply.json()["code"].as_str().unwrap_or_default().to_owned();
        return if code.is_empty() {
            Err(format!("no code: {}", reply.text))
        } else {
            Ok(false)
        };
    }
    if change {
        let told = reply.json();
        let plan = body["dry_run"] == json!(true);
        let name = if plan {
            "books"
        } else {
            told["name"].as_str().unwrap_or("books")
        };
        is_usable(kit, name, Some(5)).await?;
    } else {
        let told = reply.json();
        let name = told["name"].as_str().unwrap_or_default();
        is_usable(kit, name, Some(0)).await?;
        let reply = call(
            kit,
            &key(),
            "DELETE",
            &format!("/v1/collections/{name}"),
            None,
            &[],
        )
        .await;
        if reply.status != 204 {
            return Err(format!("it does not go: {} {}", reply.status, reply.text));
        }
    }
    Ok(true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_are_made_or_refused() {
    let mut run = Run::new("collections");
    let mut kit = Kit::sqlite().await;
    library(&kit).await;
    while let Some(text) = run.next(bend::json) {
        let Ok(mut body @ Json::Object(_)) = text.parse::<Json>() else {
            continue;
        };
        let change = body.get("name").is_none() || body.get("confirm").is_some();
        if change && run.inputs > run.seeds.len() && text.len() % 5 > 0 {
            // A plan costs no new collection.
            body["dry_run"] = json!(true);
        }
        let before = run.accepted;
        let judged = define(&kit, &body, change);
        run.judge(&text, judged).await;
        // What was changed is not what the corpus knows.
        if change && run.accepted > before && body["dry_run"] != json!(true) {
            drop(kit);
            kit = if run.dice.chance(4) {
                Kit::postgres().await
            } else {
                Kit::sqlite().await
            };
            library(&kit).await;
        }
    }
    run.end();
}
