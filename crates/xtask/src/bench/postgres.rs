//! Galley on PostgreSQL beside pgbench: what the server in front of the database costs.

use std::path::Path;
use std::process::Command;

use super::cases::Case;
use super::load::{self, Figures};
use super::{Options, galley, measured};
use crate::postgres;
use crate::run::{Outcome, Workspace, capture, succeed};

/// `pgbench -i` makes 100,000 rows for each.
const SCALE: &str = "1";

/// Reads single rows through Galley and, with prepared statements over as many connections, through
/// pgbench, in turn; then creates rows through Galley.
pub fn run(workspace: &Workspace, program: &Path, scratch: &Path, options: &Options) -> Outcome {
    postgres::install()?;
    let cluster = postgres::start(workspace)?;
    let programs = postgres::programs().ok_or("PostgreSQL is not installed")?;
    let pgbench = || Command::new(programs.join("pgbench"));
    succeed(pgbench().args(["--initialize", "--quiet", "--scale", SCALE, &cluster.url]))?;
    let contender = galley::start(program, scratch, options.rows, Some(&cluster.url))?;
    let connections = Case::Read.connections();
    let select = |seconds: u64| {
        let mut command = pgbench();
        command.args(["--select-only", "--protocol", "prepared", "--no-vacuum"]);
        command.args(["--jobs", "2", "--client", &connections.to_string()]);
        command.args(["--time", &seconds.to_string(), &cluster.url]);
        per_second(&capture(&mut command)?)
    };

    load::run(&contender, Case::Read, 1, scratch)?;
    select(1)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        ours.push(load::run(&contender, Case::Read, options.seconds, scratch)?);
        theirs.push(select(options.seconds)?);
    }
    let ours = Figures::median(&ours);
    theirs.sort_by(f64::total_cmp);
    let theirs = theirs[theirs.len() / 2];
    let title = format!("point read on PostgreSQL, {connections} connections");
    println!("\n{title}");
    println!(
        "  {:<30}{:>10.0} req/s, p50 {:.2} ms, p99 {:.2} ms",
        contender.about, ours.per_second, ours.p50_ms, ours.p99_ms
    );
    println!(
        "  {:<30}{theirs:>10.0} transactions/s",
        "pgbench -S, prepared"
    );
    println!("  galley / pgbench: {:.2}", ours.per_second / theirs);
    measured(
        std::slice::from_ref(&contender),
        Case::Create,
        options,
        scratch,
    )
}

/// Reads what pgbench tells at its end.
fn per_second(output: &str) -> Outcome<f64> {
    let told = output.lines().find_map(|line| {
        let rest = line.strip_prefix("tps = ")?;
        rest.split(' ').next()?.parse().ok()
    });
    told.ok_or_else(|| format!("pgbench did not tell what it measured:\n{output}"))
}

#[cfg(test)]
mod tests {
    use super::per_second;

    #[test]
    fn what_pgbench_tells_is_read() {
        let told =
            "latency average = 1.2 ms\ntps = 31234.567890 (without initial connection time)\n";
        assert_eq!(per_second(told), Ok(31234.56789));
        assert!(per_second("pgbench: error").is_err());
    }
}
