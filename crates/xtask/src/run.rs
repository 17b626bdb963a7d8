//! Where the workspace is, and how other programs are started and waited for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The result of a chore: the message is for the person, and empty when all has been said already.
pub type Outcome<T = ()> = Result<T, String>;

/// The workspace as cargo sees it.
pub struct Workspace {
    pub root: PathBuf,
    /// Where cargo puts what it builds, `CARGO_TARGET_DIR` and configuration files respected.
    pub target: PathBuf,
    /// What `cargo metadata --no-deps` answered.
    pub metadata: Value,
}

impl Workspace {
    /// Asks cargo about the workspace around the current directory.
    pub fn find() -> Outcome<Self> {
        let mut command = cargo_in(None);
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let text = capture(&mut command)?;
        let metadata: Value = serde_json::from_str(&text)
            .map_err(|error| format!("cargo metadata did not answer in JSON: {error}"))?;
        let path = |key: &str| {
            metadata[key]
                .as_str()
                .map(PathBuf::from)
                .ok_or_else(|| format!("cargo metadata does not name its {key}"))
        };
        Ok(Self {
            root: path("workspace_root")?,
            target: path("target_directory")?,
            metadata,
        })
    }

    /// A cargo command in the root of the workspace.
    pub fn cargo(&self) -> Command {
        cargo_in(Some(&self.root))
    }
}

fn cargo_in(directory: Option<&Path>) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    // `cargo run` describes this very package in the environment; build scripts of others must not see it.
    for (name, _) in std::env::vars_os() {
        let ours = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ]
        .iter()
        .any(|prefix| name.to_string_lossy().starts_with(prefix));
        if ours || name == "CARGO_PRIMARY_PACKAGE" || name == "OUT_DIR" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command with our own terminal and demands that it succeeds.
pub fn succeed(command: &mut Command) -> Outcome {
    let status = command
        .status()
        .map_err(|error| format!("could not run `{}`: {error}", shown(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}` failed ({status})", shown(command)))
    }
}

/// Runs a command and gives what it wrote to its standard output; its errors go to our own.
pub fn capture(command: &mut Command) -> Outcome<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("could not run `{}`: {error}", shown(command)))?;
    if !output.status.success() {
        return Err(format!("`{}` failed ({})", shown(command), output.status));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| format!("`{}` did not write UTF-8", shown(command)))
}

/// Whether a command runs and succeeds; it stays silent.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command as one would type it, without the folders before the program's name.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(OsStr::new("?"));
    let mut text = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// The first file of this name in the folders of `PATH`.
pub fn which(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Whether we run as root.
pub fn is_root() -> bool {
    capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Adds to an input or output error what was tried.
pub fn on<T>(what: impl std::fmt::Display, result: std::io::Result<T>) -> Outcome<T> {
    result.map_err(|error| format!("{what}: {error}"))
}

/// A TCP port of the loopback address that nobody listens on at this moment.
pub fn free_port() -> Outcome<u16> {
    let listener = on(
        "could not bind a loopback port",
        std::net::TcpListener::bind("127.0.0.1:0"),
    )?;
    let address = on("could not read the port", listener.local_addr())?;
    Ok(address.port())
}
