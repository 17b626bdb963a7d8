//! What a request costs in instructions, counted by valgrind: signed in beside anonymous.

use std::path::Path;
use std::process::Command;

use super::cases::Case;
use super::http::Connection;
use super::{Options, galley};
use crate::packages;
use crate::run::{Outcome, capture, on, which};

/// Requests that are counted of each kind, after as many to warm up.
const REQUESTS: usize = 500;
/// Under valgrind a server is some fifty times slower; a few rows do.
const ROWS: usize = 100;

/// Tells both, and how they compare.
pub fn run(program: &Path, scratch: &Path, _options: &Options) -> Outcome {
    packages::ensure("valgrind", &["valgrind"], || which("valgrind").is_some())?;
    let out = scratch.join("callgrind.out");
    let server = galley::start_counted(program, scratch, ROWS, &out)?;
    let mut http = Connection::open(&server.server.address)?;
    // What everybody may read.
    let mut paths = (server.load)(Case::Read).paths;
    paths.retain(|path| {
        http.try_send("GET", path, None, None)
            .is_ok_and(|a| a.status == 200)
    });
    if paths.is_empty() {
        return Err("nobody may read any row".to_owned());
    }
    let pid = server.server.id().to_string();
    let control = |what: &str| -> Outcome {
        capture(Command::new("callgrind_control").args([what, &pid])).map(drop)
    };
    let mut counts = Vec::new();
    for (kind, token) in [
        ("anonymous", None),
        ("signed in", Some(server.token.as_str())),
    ] {
        let mut http = Connection::open(&server.server.address)?;
        let mut ask = || -> Outcome {
            for number in 0..REQUESTS {
                let path = &paths[number % paths.len()];
                http.send("GET", path, token, None)?;
            }
            Ok(())
        };
        control("--instr=on")?;
        ask()?;
        control("--zero")?;
        ask()?;
        let name = kind.replace(' ', "-");
        capture(Command::new("callgrind_control").args([&format!("--dump={name}"), &pid]))?;
        let each = total(scratch, &name)? / REQUESTS as f64;
        println!("a point read, {kind}: {each:.0} instructions");
        counts.push(each);
    }
    let [anonymous, signed_in] = counts[..] else {
        return Err("both were to be counted".to_owned());
    };
    println!(
        "signed in / anonymous: {:.3} (at most 1.1)",
        signed_in / anonymous
    );
    Ok(())
}

/// The instructions of the dump with this name, of the busiest thread, which is the one that serves. What others do once a
/// second is nothing beside the thousands of requests of a second, and much beside the few that valgrind leaves of them.
fn total(folder: &Path, name: &str) -> Outcome<f64> {
    let files = on("could not read the dumps", std::fs::read_dir(folder))?;
    let mut most: f64 = 0.0;
    for file in files.flatten() {
        if !file
            .file_name()
            .to_string_lossy()
            .starts_with("callgrind.out.")
        {
            continue;
        }
        let text = on(
            "could not read a dump",
            std::fs::read_to_string(file.path()),
        )?;
        let trigger = format!("desc: Trigger: dump {name}");
        if !text.lines().any(|line| line == trigger) {
            continue;
        }
        let line = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("totals: "));
        let count = line.and_then(|line| line.trim().parse::<f64>().ok());
        most = most.max(count.unwrap_or(0.0));
    }
    match most > 0.0 {
        true => Ok(most),
        false => Err(format!("valgrind left no dump called {name}")),
    }
}
