//! The front ends: their packages, their checks and builds, and the walk through them in a real browser.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::packages;
use crate::run::{Outcome, Workspace, on, succeed, which};

/// What is made of the rest of a folder, or tests it.
const MADE: [&str; 5] = ["dist", "node_modules", "e2e", "pictures", "test-results"];

/// The folders with a `package.json`, in the order in which they are checked and built.
const FOLDERS: [&str; 3] = ["dashboard", "examples/shop", "examples/accounts"];

/// Those of which something is built and served.
const SITES: [&str; 2] = ["dashboard", "examples/shop"];

/// Installs packages where they are missing and builds what is served.
pub fn build(workspace: &Workspace) -> Outcome {
    for folder in SITES {
        let path = workspace.root.join(folder);
        let built = path.join("dist/index.html");
        // What is built anew is embedded anew, which is minutes of linking.
        if !built.is_file() || newest(&path)? > age(&built)? {
            npm(workspace, folder, &["run", "build"])?;
        }
    }
    Ok(())
}

/// Formatting, types and unit tests of all front ends and examples, then the builds of those that are served.
pub fn check(workspace: &Workspace) -> Outcome<u64> {
    for folder in FOLDERS {
        for script in ["check", "test", "build"] {
            npm(workspace, folder, &["run", "--if-present", script])?;
        }
    }
    Ok(FOLDERS.len() as u64)
}

/// The command that walks through dashboard and shop in a real browser, on the binary that was built for tests.
pub fn walk(workspace: &Workspace) -> Outcome<Command> {
    succeed(
        workspace
            .cargo()
            .args(["build", "--quiet", "-p", "server", "--bin", "galley"]),
    )?;
    let mut command = Command::new("npm");
    command
        .args(["run", "--silent", "e2e"])
        .current_dir(workspace.root.join("dashboard"))
        .env("GALLEY_TEST_BIN", workspace.target.join("debug/galley"));
    Ok(command)
}

/// Makes sure of Node and of a browser.
pub fn install() -> Outcome {
    node()?;
    packages::ensure("Chromium", &["chromium", "fonts-liberation"], || {
        which("chromium").is_some()
    })
}

/// Reads the closing lines of the walk: `  12 passed (1.0m)` and `  1 failed`.
pub fn summary(line: &str) -> Option<(u64, u64)> {
    let line = line
        .strip_prefix("  ")
        .filter(|rest| !rest.starts_with(' '))?;
    let mut words = line.split_whitespace();
    let number = words.next()?.parse().ok()?;
    match words.next()? {
        // A test that passed at its second try is named as flaky in the report.
        "passed" | "flaky" => Some((number, 0)),
        // One that did not run proves nothing.
        "failed" | "skipped" | "interrupted" => Some((0, number)),
        _ => None,
    }
}

/// The OpenID provider that tests sign in at.
const PROVIDER: &str = "crates/accounts/tests/oidc";

/// Installs the packages of the tests' provider where they are missing.
pub fn provider(workspace: &Workspace) -> Outcome {
    install_all(workspace, &[PROVIDER])
}

/// Installs packages where they are missing.
pub fn packages(workspace: &Workspace) -> Outcome {
    install_all(workspace, &FOLDERS)
}

fn install_all(workspace: &Workspace, folders: &[&str]) -> Outcome {
    node()?;
    for folder in folders {
        if !up_to_date(&workspace.root.join(folder))? {
            run(workspace, folder, &["ci", "--no-audit", "--no-fund"])?;
        }
    }
    Ok(())
}

fn npm(workspace: &Workspace, folder: &str, arguments: &[&str]) -> Outcome {
    packages(workspace)?;
    run(workspace, folder, arguments)
}

fn run(workspace: &Workspace, folder: &str, arguments: &[&str]) -> Outcome {
    let path = workspace.root.join(folder);
    println!("{}: npm {}", path.display(), arguments.join(" "));
    succeed(Command::new("npm").args(arguments).current_dir(path))
}

fn node() -> Outcome {
    match which("npm") {
        Some(_) => Ok(()),
        None => Err("npm is missing: Node is needed to build the dashboard".to_owned()),
    }
}

/// Whether the installed packages are younger than the list of what to install.
fn up_to_date(folder: &Path) -> Outcome<bool> {
    let installed = folder.join("node_modules/.package-lock.json");
    if !installed.is_file() {
        return Ok(false);
    }
    Ok(age(&installed)? >= age(&folder.join("package-lock.json"))?)
}

/// When a file was changed last.
fn age(path: &Path) -> Outcome<SystemTime> {
    let modified = std::fs::metadata(path).and_then(|data| data.modified());
    on(format!("could not read {}", path.display()), modified)
}

/// When anything was changed last that a front end is built of. A folder's own time tells what was moved or removed.
fn newest(folder: &Path) -> Outcome<SystemTime> {
    let unreadable = || format!("could not read {}", folder.display());
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in on(unreadable(), std::fs::read_dir(folder))? {
        let entry = on(unreadable(), entry)?;
        let path = entry.path();
        let is_made = MADE.iter().any(|name| entry.file_name() == *name);
        if is_made || path.is_symlink() {
            continue;
        }
        newest = newest.max(age(&path)?);
        if path.is_dir() {
            newest = newest.max(self::newest(&path)?);
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn closing_lines_are_read() {
        for (line, want) in [
            ("  12 passed (1.0m)", Some((12, 0))),
            ("  1 failed", Some((0, 1))),
            ("  2 flaky", Some((2, 0))),
            ("  3 skipped", Some((0, 3))),
            ("    1 failed", None),
            ("12 passed", None),
            ("  ok 1 e2e/shop.spec.ts", None),
        ] {
            assert_eq!(summary(line), want, "{line}");
        }
    }
}
