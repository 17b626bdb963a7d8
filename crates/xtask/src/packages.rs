//! Installs missing Debian packages, or says which are missing.

use std::path::Path;
use std::process::Command;

use crate::run::{Outcome, is_root, succeed, which};

/// Makes sure that what `present` looks for is there, installing `packages` when we may.
pub fn ensure(what: &str, packages: &[&str], present: impl Fn() -> bool) -> Outcome {
    if present() {
        return Ok(());
    }
    let names = packages.join(" ");
    if !Path::new("/etc/debian_version").exists() {
        return Err(format!(
            "{what} is missing; install it (on Debian the packages are: {names}) and run this again"
        ));
    }
    if !is_root() {
        return Err(format!(
            "{what} is missing; as root, run `apt-get install {names}`, then run this again"
        ));
    }
    println!("{what} is missing: installing {names}");
    succeed(apt().arg("update"))?;
    succeed(
        apt()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
    )?;
    if present() {
        Ok(())
    } else {
        Err(format!("{what} is still missing after installing {names}"))
    }
}

/// Makes sure of what the build scripts of dependencies call beside the C compiler, without which no program of Rust is
/// linked either.
pub fn ensure_make() -> Outcome {
    ensure("make", &["make"], || which("make").is_some())
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command
        .arg("--quiet=2")
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}
