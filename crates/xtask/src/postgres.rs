//! A PostgreSQL cluster of our own for the tests: made, started, and always stopped and removed.

use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::packages;
use crate::run::{Outcome, Workspace, capture, free_port, is_root, on, succeed, succeeds, which};

/// The variable by which the tests learn where the cluster is.
pub const VARIABLE: &str = "GALLEY_TEST_POSTGRES";

const START_SECONDS: u64 = 60;

/// Runs the server until our end of its standard input is closed, whatever the reason: the cluster
/// stops and its files go even when this program is killed or interrupted. `$1` is the folder, the
/// rest is the server's command. QUIT stops PostgreSQL at once: nothing in it is wanted any more.
const KEEPER: &str = r#"
trap '' INT TERM HUP
folder=$1
shift
"$@" </dev/null >"$folder/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT "$(head -n 1 "$folder/data/postmaster.pid")" 2>/dev/null || kill -TERM "$server" 2>/dev/null
wait "$server"
rm -rf "$folder"
"#;

/// A running cluster; dropping it stops the server and removes its files.
pub struct Cluster {
    keeper: Child,
    /// Where the tests reach it, as a superuser.
    pub url: String,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Makes sure that PostgreSQL's programs are installed.
pub fn install() -> Outcome {
    packages::ensure("PostgreSQL", &["postgresql"], || programs().is_some())
}

/// Starts a cluster with its files below the target folder, or in a temporary folder where the
/// server's user cannot reach that one. A second attempt covers a port that was taken meanwhile.
pub fn start(workspace: &Workspace) -> Outcome<Cluster> {
    attempt(workspace).or_else(|first| {
        attempt(workspace).map_err(|second| format!("{first}\nthe second attempt: {second}"))
    })
}

fn attempt(workspace: &Workspace) -> Outcome<Cluster> {
    let programs = programs().ok_or("PostgreSQL is not installed")?;
    let user = is_root().then_some("postgres");
    let folder = folder(&workspace.target, user)?;
    let result = make(&programs, user, &folder).and_then(|()| launch(&programs, user, &folder));
    if result.is_err() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    result
}

/// The folder of `initdb`, `postgres`, `pg_isready` and `pgbench`: Debian keeps them out of `PATH`.
pub fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").ok();
    let newest = debian
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("bin/initdb").is_file())
        .max_by_key(|entry| {
            let name = entry.file_name();
            name.to_str().and_then(|name| name.parse::<u32>().ok())
        })
        .map(|entry| entry.path().join("bin"));
    newest.or_else(|| which("initdb")?.parent().map(Path::to_path_buf))
}

/// A command as the server's user; PostgreSQL refuses to run as root.
fn as_user(user: Option<&str>, program: &Path) -> Command {
    match user {
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn folder(target: &Path, user: Option<&str>) -> Outcome<PathBuf> {
    let name = format!("galley-postgres-{}", std::process::id());
    let reachable = succeeds(as_user(user, Path::new("test")).arg("-x").arg(target));
    let folder = if reachable {
        target.join(name)
    } else {
        std::env::temp_dir().join(name)
    };
    on(
        format!("could not make {}", folder.display()),
        std::fs::DirBuilder::new().mode(0o700).create(&folder),
    )?;
    if let Some(user) = user {
        let id = |flag: &str| -> Outcome<u32> {
            capture(Command::new("id").args([flag, user]))?
                .trim()
                .parse()
                .map_err(|_| format!("the user {user} has no id"))
        };
        let owner = (Some(id("-u")?), Some(id("-g")?));
        on(
            format!("could not give {} to {user}", folder.display()),
            chown(&folder, owner.0, owner.1),
        )?;
    }
    Ok(folder)
}

/// Makes the cluster. It is trusting, because it listens on the loopback address for minutes only.
fn make(programs: &Path, user: Option<&str>, folder: &Path) -> Outcome {
    succeed(
        as_user(user, &programs.join("initdb"))
            .arg("--pgdata")
            .arg(folder.join("data"))
            .args(["--username", "galley", "--auth", "trust", "--no-sync"])
            .args(["--encoding", "UTF8", "--locale", "C.UTF-8"])
            .current_dir(folder)
            .stdout(Stdio::null()),
    )
}

fn launch(programs: &Path, user: Option<&str>, folder: &Path) -> Outcome<Cluster> {
    let port = free_port()?;
    let server = as_user(user, &programs.join("postgres"));
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        "unix_socket_directories=".to_owned(),
        "max_connections=200".to_owned(),
    ];
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER, "keeper"]).arg(folder);
    keeper.arg(server.get_program()).args(server.get_args());
    keeper.arg("-D").arg(folder.join("data"));
    for setting in settings {
        keeper.args(["-c", &setting]);
    }
    keeper.current_dir(folder).stdin(Stdio::piped());
    let cluster = Cluster {
        keeper: on("could not start PostgreSQL", keeper.spawn())?,
        url: format!("postgres://galley@127.0.0.1:{port}/postgres"),
    };
    let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(START_SECONDS) {
        let mut probe = Command::new(programs.join("pg_isready"));
        probe.args(["-q", "-h", "127.0.0.1", "-U", "galley", "-d", "postgres"]);
        if succeeds(probe.args(["-p", &port.to_string()])) {
            return Ok(cluster);
        }
        if log().contains("FATAL") {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let log = log();
    Err(format!("PostgreSQL did not start:\n{log}"))
}
