//! Puts a server under load with wrk and reads what it measured.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::cases::{Case, Load};
use super::contender::Contender;
use super::http::{Answer, Connection};
use crate::run::{Outcome, capture, on};

const SCRIPT: &str = include_str!("load.lua");
const THREADS: usize = 2;
/// Rows of a page.
const PAGE: usize = 30;

/// What one measurement, or the middle of several, found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Figures {
    /// The median of each figure.
    pub fn median(figures: &[Self]) -> Self {
        let middle = |of: fn(&Self) -> f64| {
            let mut values: Vec<f64> = figures.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        Self {
            per_second: middle(|f| f.per_second),
            p50_ms: middle(|f| f.p50_ms),
            p99_ms: middle(|f| f.p99_ms),
        }
    }
}

/// Loads a server for some seconds. One request is tried before, so that a wrong set-up is told in
/// words; one failed request under load is an error.
pub fn run(contender: &Contender, case: Case, seconds: u64, folder: &Path) -> Outcome<Figures> {
    let load = (contender.load)(case);
    let token = contender.token.as_str();
    let answer = ask(contender, &load)?;
    if matches!(case, Case::List | Case::Expand) && contender.name != "hello" {
        is_full(&answer.body)?;
    }
    send(
        &contender.server.address,
        token,
        &load,
        case.connections(),
        seconds,
        folder,
    )
    .map_err(|error| format!("{}: {error}", contender.name))
}

/// Tries the last of the requests.
fn ask(contender: &Contender, load: &Load) -> Outcome<Answer> {
    let path = load.paths.last().ok_or("there is nothing to ask")?;
    let token = Some(contender.token.as_str());
    let mut http = Connection::open(&contender.server.address)?;
    http.send(load.method, path, token, load.body.as_ref())
}

/// A server that finds nothing would be very fast.
fn is_full(page: &Value) -> Outcome {
    match page["items"].as_array() {
        Some(items) if items.len() == PAGE => Ok(()),
        _ => Err(format!("a page of {PAGE} was expected, not {page}")),
    }
}

/// Sends one kind of request over so many connections.
pub fn send(
    address: &str,
    token: &str,
    load: &Load,
    connections: usize,
    seconds: u64,
    folder: &Path,
) -> Outcome<Figures> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        on(
            format!("could not write {name}"),
            std::fs::write(&path, text),
        )?;
        Ok::<_, String>(path)
    };
    let script = write("load.lua", SCRIPT)?;
    let paths = write("paths", &load.paths.join("\n"))?;
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", &THREADS.to_string()]);
    wrk.args(["--connections", &connections.to_string()]);
    wrk.args(["--duration", &format!("{seconds}s"), "--timeout", "10s"]);
    wrk.arg("--script").arg(script);
    wrk.arg(format!("http://{address}"));
    wrk.args(["--", load.method]).arg(paths).arg(token);
    if let Some(body) = &load.body {
        wrk.arg(body.to_string());
    }
    read(&capture(&mut wrk)?)
}

/// Reads the one line our script ends with.
fn read(output: &str) -> Outcome<Figures> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("measured "))
        .ok_or_else(|| format!("wrk did not tell what it measured:\n{output}"))?;
    let numbers: Vec<f64> = line
        .split(' ')
        .filter_map(|number| number.parse().ok())
        .collect();
    let [requests, micros, p50, p99, refused, broken] = numbers[..] else {
        return Err(format!("wrk told something else: {line}"));
    };
    if refused + broken > 0.0 {
        return Err(format!(
            "of {requests} requests {refused} were refused, and {broken} got no answer"
        ));
    }
    if requests < 1.0 {
        return Err("no request was answered".to_owned());
    }
    Ok(Figures {
        per_second: requests / (micros / 1e6),
        p50_ms: p50 / 1e3,
        p99_ms: p99 / 1e3,
    })
}

#[cfg(test)]
mod tests {
    use super::{Figures, read};

    #[test]
    fn a_failed_request_is_an_error() {
        let told = read("Running 5s test\nmeasured 1000 2000000 1500 9000 0 0\n");
        let figures = Figures {
            per_second: 500.0,
            p50_ms: 1.5,
            p99_ms: 9.0,
        };
        assert_eq!(told, Ok(figures));
        assert!(read("measured 1000 2000000 1500 9000 1 0\n").is_err());
        assert!(read("measured 1000 2000000 1500 9000 0 1\n").is_err());
        assert!(read("measured 0 2000000 0 0 0 0\n").is_err());
        assert!(read("Running\n").is_err());
    }

    #[test]
    fn the_median_is_taken_of_each_figure() {
        let of = |per_second, p50_ms, p99_ms| Figures {
            per_second,
            p50_ms,
            p99_ms,
        };
        let rounds = [of(3.0, 1.0, 9.0), of(1.0, 2.0, 7.0), of(2.0, 3.0, 8.0)];
        assert_eq!(Figures::median(&rounds), of(2.0, 2.0, 8.0));
    }
}
