//! Builds what the demonstration needs and becomes it.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::run::{Outcome, Workspace, on, succeed, which};

pub const HELP: &str = "\
Builds Galley for release (the dashboard first, once there is one) and runs `galley demo`.

Usage: cargo xtask demo [arguments of galley demo]

For instance `cargo xtask demo --listen 127.0.0.1:0`; `cargo xtask demo --help` shows what
`galley demo` itself takes.";

/// Never comes back when all goes well: the demonstration takes this program's place.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    build(workspace)?;
    let galley = workspace.target.join("release/galley");
    let error = Command::new(&galley).arg("demo").args(arguments).exec();
    Err(format!("could not run {}: {error}", galley.display()))
}

/// Builds the release binary with everything that goes into it.
pub fn build(workspace: &Workspace) -> Outcome {
    let dashboard = workspace.root.join("dashboard");
    if dashboard.join("package.json").is_file() {
        build_dashboard(&dashboard)?;
    }
    succeed(
        workspace
            .cargo()
            .args(["build", "--release", "-p", "server", "--bin", "galley"]),
    )
}

fn build_dashboard(folder: &Path) -> Outcome {
    if which("npm").is_none() {
        return Err("npm is missing: Node is needed to build the dashboard".to_owned());
    }
    let npm = |arguments: &[&str]| succeed(Command::new("npm").args(arguments).current_dir(folder));
    if !up_to_date(folder)? {
        npm(&["ci", "--no-audit", "--no-fund"])?;
    }
    npm(&["run", "build"])
}

/// Whether the installed packages are younger than the list of what to install.
fn up_to_date(folder: &Path) -> Outcome<bool> {
    let installed = folder.join("node_modules/.package-lock.json");
    if !installed.is_file() {
        return Ok(false);
    }
    let age = |path: &Path| {
        let modified = std::fs::metadata(path).and_then(|data| data.modified());
        on(format!("could not read {}", path.display()), modified)
    };
    Ok(age(&installed)? >= age(&folder.join("package-lock.json"))?)
}
