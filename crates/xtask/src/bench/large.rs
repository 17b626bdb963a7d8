//! Galley alone over many rows: whether a deep page costs what the first one does, and what whole scans do to reads.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cases::Load;
use super::contender::{Server, folder};
use super::http::Connection;
use super::load::{Figures, send};
use crate::run::{Outcome, capture};

const RECORDS: &str = "/p/bench/v1/records/things";
/// Rows of one request while the table is filled.
const BATCH: usize = 1_000;
const LOADERS: usize = 4;
/// The page that is compared with the first.
const DEEP: usize = 1_000;
const ROUNDS: usize = 5;
const CONNECTIONS: usize = 8;
/// Four scans a second.
const SCAN_EVERY: Duration = Duration::from_millis(250);

/// Fills a table and tells both.
pub fn run(program: &Path, scratch: &Path, rows: usize, seconds: u64) -> Outcome {
    let folder = folder(scratch, "large")?;
    let data = folder.join("data");
    let command = || {
        let mut command = Command::new(program);
        command.arg("--data-dir").arg(&data);
        command
    };
    let serve = |budget_ms: Option<u32>| {
        Server::start(&folder, |address| {
            let mut serve = command();
            serve.args(["serve", "--listen", address]);
            serve.env("GALLEY_GATE__LIMITS__REQUESTS_PER_SECOND", "0");
            if let Some(budget) = budget_ms {
                serve.env("GALLEY_DATABASE__READ_BUDGET_MS", budget.to_string());
            }
            serve
        })
    };
    capture(command().args(["project", "create", "bench"]))?;
    let key = capture(command().args(["key", "create", "--project", "bench", "--scope", "*"]))?;
    let key = key.trim();

    let server = serve(None)?;
    let started = Instant::now();
    let ids = fill(&server.address, key, rows)?;
    println!(
        "\n{rows} rows made in {:.0} s, in batches of {BATCH}",
        started.elapsed().as_secs_f64()
    );
    pages(&server, key, seconds, scratch)?;
    let with = scanned(&server, key, &ids, seconds, scratch)?;
    drop(server);
    let server = serve(Some(0))?;
    let without = scanned(&server, key, &ids, seconds, scratch)?;
    println!(
        "point reads while the whole table is scanned 4 times a second, {CONNECTIONS} connections, medians of {ROUNDS}:"
    );
    for (what, figures) in [("with the read budget", with), ("without it", without)] {
        println!(
            "  {what:<30}{:>10.0} req/s, p50 {:.2} ms, p99 {:.2} ms",
            figures.per_second, figures.p50_ms, figures.p99_ms
        );
    }
    Ok(())
}

/// Makes the rows; gives some of their ids.
fn fill(address: &str, key: &str, rows: usize) -> Outcome<Vec<String>> {
    let fields = json!([
        {"name": "title", "type": "text"},
        {"name": "price", "type": "number", "required": true},
    ]);
    let rules = json!({"list": "true", "view": "true"});
    let collection = json!({"name": "things", "fields": fields, "rules": rules, "indexes": [{"fields": ["price"]}]});
    let mut http = Connection::open(address)?;
    http.send(
        "POST",
        "/p/bench/v1/collections",
        Some(key),
        Some(&collection),
    )?;
    let part = |loader: usize| -> Outcome<Vec<String>> {
        let mut http = Connection::open(address)?;
        let mut ids = Vec::new();
        for first in (loader * BATCH..rows).step_by(LOADERS * BATCH) {
            let one = |number: usize| {
                let data = json!({"title": format!("Thing number {number}"), "price": (number * 7919) % rows});
                json!({"op": "create", "collection": "things", "data": data})
            };
            let all: Vec<Value> = (first..rows.min(first + BATCH)).map(one).collect();
            let batch = json!({"operations": all});
            let made = http.send("POST", "/p/bench/v1/batch", Some(key), Some(&batch))?;
            ids.extend(made.body["results"][0]["id"].as_str().map(str::to_owned));
        }
        Ok(ids)
    };
    std::thread::scope(|scope| {
        let loaders: Vec<_> = (0..LOADERS)
            .map(|loader| scope.spawn(move || part(loader)))
            .collect();
        let mut ids = Vec::new();
        for loader in loaders {
            ids.extend(
                loader
                    .join()
                    .map_err(|_| "a loader panicked".to_owned())??,
            );
        }
        Ok(ids)
    })
}

/// Compares the first page with one far behind it.
fn pages(server: &Server, key: &str, seconds: u64, folder: &Path) -> Outcome {
    let first = format!("{RECORDS}?sort=price&limit=30");
    let mut http = Connection::open(&server.address)?;
    let mut deep = first.clone();
    for _ in 1..DEEP {
        let page = http.send("GET", &deep, Some(key), None)?;
        deep = format!("{first}&cursor={}", page.text(&["next_cursor"])?);
    }
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (path, figures) in [(&first, &mut near), (&deep, &mut far)] {
            let load = Load::get(vec![path.clone()]);
            figures.push(send(
                &server.address,
                key,
                &load,
                CONNECTIONS,
                seconds,
                folder,
            )?);
        }
    }
    let (near, far) = (Figures::median(&near), Figures::median(&far));
    println!(
        "pages of 30 in the order of an index, {CONNECTIONS} connections, medians of {ROUNDS}:"
    );
    for (what, figures) in [("page 1".to_owned(), near), (format!("page {DEEP}"), far)] {
        println!(
            "  {what:<30}{:>10.0} req/s, p50 {:.2} ms, p99 {:.2} ms",
            figures.per_second, figures.p50_ms, figures.p99_ms
        );
    }
    println!(
        "  page {DEEP} / page 1: {:.2}",
        far.per_second / near.per_second
    );
    Ok(())
}

/// Reads single rows while somebody looks through all of them.
fn scanned(
    server: &Server,
    key: &str,
    ids: &[String],
    seconds: u64,
    folder: &Path,
) -> Outcome<Figures> {
    let load = Load::get(ids.iter().map(|id| format!("{RECORDS}/{id}")).collect());
    let over = AtomicBool::new(false);
    let (begun, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let scan = || -> Outcome {
        let mut http = Connection::open(&server.address)?;
        let path = format!("{RECORDS}?filter=title.contains(%22nothing%22)&limit=1");
        http.send("GET", &path, Some(key), None)?;
        done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    let figures = std::thread::scope(|scope| {
        let pace = scope.spawn(|| {
            let mut scans = Vec::new();
            while !over.load(Ordering::Relaxed) {
                begun.fetch_add(1, Ordering::Relaxed);
                scans.push(scope.spawn(scan));
                std::thread::sleep(SCAN_EVERY);
            }
            scans
                .into_iter()
                .try_for_each(|scan| scan.join().map_err(|_| "a scan panicked".to_owned())?)
        });
        let measured: Outcome<Vec<Figures>> = (0..ROUNDS)
            .map(|_| send(&server.address, key, &load, CONNECTIONS, seconds, folder))
            .collect();
        over.store(true, Ordering::Relaxed);
        pace.join().map_err(|_| "the pace was lost".to_owned())??;
        measured
    })?;
    println!(
        "{} scans begun, {} answered",
        begun.into_inner(),
        done.into_inner()
    );
    Ok(Figures::median(&figures))
}
