//! The one test command: every check in stages, timed, counted, and all told even after a failure.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::run::{Outcome, Workspace, on, shown, succeed};
use crate::{codegen, packages, postgres, python, tidy, web};

pub const HELP: &str = "\
Runs every check there is and closes with one line of passed and failed counts.

Usage: cargo xtask test [stage ...] [-- arguments of cargo test]

Stages, all of them unless some are named:
  formatting     cargo fmt --check
  tidy           cargo xtask tidy
  clippy         cargo clippy, warnings are errors
  build          compile the tests
  tests          cargo test, with a PostgreSQL, a mail server and an OpenID provider of our own, started and
                 stopped here;
                 fuzzers run for half a minute each, or for GALLEY_TEST_FUZZ_SECONDS
  documentation  cargo doc, warnings are errors
  generated      cargo xtask codegen --check
  web            checks, unit tests and builds of the dashboard and the examples
  browser        a customer and an operator in Chromium, on the real binary

On Debian as root, what is missing is installed. With GALLEY_TEST_POSTGRES set to the address of
a superuser's database, that server is used and none is started. Everything after `--` goes to
cargo test: `cargo xtask test tests -- -p store wal`.";

const STAGES: [(&str, Stage); 9] = [
    ("formatting", formatting),
    ("tidy", |run| tidy::run(run.workspace, &[]).map(one)),
    ("clippy", clippy),
    ("build", build),
    ("tests", tests),
    ("documentation", documentation),
    ("generated", |run| {
        codegen::run(run.workspace, &["--check".to_owned()]).map(one)
    }),
    ("web", |run| {
        let passed = web::check(run.workspace)?;
        Ok(Counts { passed, failed: 0 })
    }),
    ("browser", |run| {
        let read =
            |line: &str| web::summary(line).map(|(passed, failed)| Counts { passed, failed });
        count(run, &mut web::walk(run.workspace)?, read)
    }),
];

/// How many seconds each target of the fuzzers runs; a plain `cargo test` gives them few.
const FUZZ: &str = "GALLEY_TEST_FUZZ_SECONDS";

type Stage = fn(&Run) -> Outcome<Counts>;

/// What the stages need to know, and where they note what is told once more at the end.
struct Run<'a> {
    workspace: &'a Workspace,
    /// What the caller wants cargo test to be told.
    extra: &'a [String],
    /// Tests that failed or needed a second try.
    troubled: RefCell<BTreeSet<String>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
}

/// A stage that is not made of tests counts as one.
fn one((): ()) -> Counts {
    Counts {
        passed: 1,
        failed: 0,
    }
}

pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let split = arguments.iter().position(|argument| argument == "--");
    let (names, extra) = match split {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (arguments, &[][..]),
    };
    if let Some(unknown) = names
        .iter()
        .find(|name| STAGES.iter().all(|(known, _)| known != name))
    {
        return Err(format!(
            "there is no stage `{unknown}`; see `cargo xtask help test`"
        ));
    }
    let chosen = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    // Told before anything else, so that nobody waits half an hour for it.
    let mut installed = packages::ensure_make();
    if chosen("tests") && std::env::var_os(postgres::VARIABLE).is_none() {
        installed = installed.and_then(|()| postgres::install());
    }
    if chosen("browser") {
        installed = installed.and_then(|()| web::install());
    }
    if let Err(message) = installed {
        eprintln!("error: {message}");
        println!("0 passed, 1 failed");
        return Err(String::new());
    }
    let troubled = RefCell::default();
    let run = Run {
        workspace,
        extra,
        troubled,
    };
    let mut total = Counts::default();
    let mut report = Vec::new();
    let mut compiles = true;
    for (name, stage) in STAGES.iter().filter(|(name, _)| chosen(name)) {
        println!("\n== {name}");
        let started = Instant::now();
        let result = if *name == "tests" && !compiles {
            Err("not run, because the tests do not compile".to_owned())
        } else {
            stage(&run)
        };
        let counts = result.unwrap_or_else(|message| {
            eprintln!("error: {name}: {message}");
            Counts {
                passed: 0,
                failed: 1,
            }
        });
        compiles &= *name != "build" || counts.failed == 0;
        total.passed += counts.passed;
        total.failed += counts.failed;
        let minutes = started.elapsed().as_secs_f64() / 60.0;
        let Counts { passed, failed } = counts;
        report.push(format!(
            "{name:<14}{minutes:>6.1} min{passed:>7} passed{failed:>5} failed"
        ));
        println!("== {name}: {minutes:.1} min");
    }
    println!("\n{}", report.join("\n"));
    for name in run.troubled.take() {
        println!("failed, or passed at a second try: {name}");
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 {
        Ok(())
    } else {
        Err(String::new())
    }
}

fn formatting(run: &Run) -> Outcome<Counts> {
    succeed(run.workspace.cargo().args(["fmt", "--all", "--check"])).map(one)
}

fn clippy(run: &Run) -> Outcome<Counts> {
    let mut command = run.workspace.cargo();
    command.args(["clippy", "--workspace", "--all-targets", "--"]);
    succeed(command.args(["-D", "warnings"])).map(one)
}

fn build(run: &Run) -> Outcome<Counts> {
    succeed(&mut cargo_test(run, "--no-run")).map(one)
}

fn tests(run: &Run) -> Outcome<Counts> {
    let mut command = cargo_test(run, "--no-fail-fast");
    if std::env::var_os(FUZZ).is_none() {
        command.env(FUZZ, "30");
    }
    let _cluster = match std::env::var_os(postgres::VARIABLE) {
        Some(_) => None,
        None => {
            let cluster = postgres::start(run.workspace)?;
            command.env(postgres::VARIABLE, &cluster.url);
            Some(cluster)
        }
    };
    if std::env::var_os(python::VARIABLE).is_none() {
        command.env(python::VARIABLE, python::ensure(run.workspace)?);
    }
    web::provider(run.workspace)?;
    count(run, &mut command, summary)
}

/// The tests of all crates, unless the caller chose packages.
fn cargo_test(run: &Run, flag: &str) -> Command {
    let mut command = run.workspace.cargo();
    command.args(["test", flag]);
    let chosen = |argument: &String| argument == "-p" || argument == "--package";
    if !run.extra.iter().any(chosen) {
        command.arg("--workspace");
    }
    command.args(run.extra);
    command
}

fn documentation(run: &Run) -> Outcome<Counts> {
    let mut command = run.workspace.cargo();
    command
        .args(["doc", "--no-deps", "--workspace"])
        .arg("--document-private-items")
        .env("RUSTDOCFLAGS", "-D warnings");
    succeed(&mut command).map(one)
}

/// Runs tests, passing on what they print and adding up what their summaries say.
fn count(
    run: &Run,
    command: &mut Command,
    read: impl Fn(&str) -> Option<Counts>,
) -> Outcome<Counts> {
    let what = shown(command);
    let mut child = on(
        format!("could not run `{what}`"),
        command.stdout(Stdio::piped()).spawn(),
    )?;
    let mut counts = Counts::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            if let Some(name) = troubled(&line) {
                run.troubled.borrow_mut().insert(name.to_owned());
            }
            if let Some(found) = read(&line) {
                counts.passed += found.passed;
                counts.failed += found.failed;
            }
        }
    }
    let status = on(format!("could not wait for `{what}`"), child.wait())?;
    if !status.success() && counts.failed == 0 {
        eprintln!("error: `{what}` failed ({status}) though no test reported a failure");
        counts.failed = 1;
    }
    if status.success() && counts == Counts::default() {
        return Err(format!("`{what}` ran no test"));
    }
    Ok(counts)
}

/// Reads `test result: ok. 12 passed; 0 failed; ...`.
fn summary(line: &str) -> Option<Counts> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = Counts::default();
    for part in numbers.split(';') {
        match part.trim().split_once(' ') {
            Some((number, "passed")) => counts.passed = number.parse().ok()?,
            Some((number, "failed")) => counts.failed = number.parse().ok()?,
            _ => {}
        }
    }
    Some(counts)
}

/// Reads `test store::wal ... FAILED`, and `    e2e/shop.spec.ts:12:1 › a walk ────` of the browser's closing report.
fn troubled(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("test ") {
        return rest.strip_suffix(" ... FAILED");
    }
    let walk = line.strip_prefix("    ")?;
    let walk = walk.starts_with("e2e/").then_some(walk)?;
    Some(walk.trim_end_matches(['─', ' ']))
}

#[cfg(test)]
mod tests {
    use super::{Counts, summary, troubled};

    #[test]
    fn names_of_trouble_are_read() {
        for (line, want) in [
            ("test records::create ... FAILED", Some("records::create")),
            ("test records::create ... ok", None),
            (
                "    e2e/shop.spec.ts:12:1 › a walk ────",
                Some("e2e/shop.spec.ts:12:1 › a walk"),
            ),
            ("        at e2e/shop.spec.ts:12:1", None),
        ] {
            assert_eq!(troubled(line), want, "{line}");
        }
    }

    #[test]
    fn summaries_are_read() {
        let cases = [
            (
                "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s",
                Some((12, 0)),
            ),
            (
                "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
                Some((3, 2)),
            ),
            ("test records::create ... ok", None),
            ("all doctests ran in 0.23s", None),
            (" test result: ok. 1 passed; 0 failed", None),
        ];
        for (line, expected) in cases {
            let expected = expected.map(|(passed, failed)| Counts { passed, failed });
            assert_eq!(summary(line), expected, "{line}");
        }
    }
}
