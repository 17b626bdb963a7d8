//! A Python for the tests, with the mail server that they send to, the app that makes codes and the library that verifies
//! our tokens.

use std::path::PathBuf;
use std::process::Command;

use crate::packages;
use crate::run::{Outcome, Workspace, succeed, succeeds};

/// The variable by which the tests learn where it is.
pub const VARIABLE: &str = "GALLEY_TEST_PYTHON";

/// What the tests import, each with the package that has it.
const PACKAGES: [(&str, &str); 3] = [
    ("aiosmtpd", "aiosmtpd"),
    ("pyotp", "pyotp"),
    ("jwt, cryptography", "pyjwt[crypto]"),
];

/// Makes it below the target folder, unless it is there, and gives its program.
pub fn ensure(workspace: &Workspace) -> Outcome<PathBuf> {
    packages::ensure("Python with venv", &["python3", "python3-venv"], || {
        succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
    })?;
    packages::ensure("openssl", &["openssl"], || {
        succeeds(Command::new("openssl").arg("version"))
    })?;
    let folder = workspace.target.join("test-tools");
    let program = folder.join("bin/python");
    let imports = PACKAGES.map(|(import, _)| import).join(", ");
    let imports = format!("import {imports}");
    if succeeds(Command::new(&program).args(["-c", &imports])) {
        return Ok(program);
    }
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut install = Command::new(folder.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check"]);
    succeed(install.args(PACKAGES.map(|(_, package)| package)))?;
    Ok(program)
}
