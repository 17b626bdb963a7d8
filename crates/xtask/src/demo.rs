//! Builds what the demonstration needs and becomes it.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::run::{Outcome, Workspace, succeed};
use crate::{packages, web};

pub const HELP: &str = "\
Builds the dashboard, the shop and Galley for release, and runs `galley demo` with the shop as a site.

Usage: cargo xtask demo [arguments of galley demo]

For instance `cargo xtask demo --listen 127.0.0.1:0`; `cargo xtask demo --help` shows what
`galley demo` itself takes.";

/// Never comes back when all goes well: the demonstration takes this program's place.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let galley = build(workspace, "release")?;
    let site = workspace.root.join("examples/shop/dist");
    let mut command = Command::new(&galley);
    command.args(["demo", "--site"]);
    command.arg(format!("shop={}", site.display()));
    let error = command.args(arguments).exec();
    Err(format!("could not run {}: {error}", galley.display()))
}

/// Builds the binary with everything that goes into it, by a profile of the workspace, whose folder has its name.
pub fn build(workspace: &Workspace, profile: &str) -> Outcome<PathBuf> {
    packages::ensure_make()?;
    web::build(workspace)?;
    let mut build = workspace.cargo();
    build.args(["build", "--profile", profile, "-p", "server"]);
    succeed(build.args(["--bin", "galley"]))?;
    Ok(workspace.target.join(profile).join("galley"))
}
