//! A server under measurement: its process, and how it is asked to read and to create.

use std::fs::File;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cases::{Case, Load};
use super::http::Connection;
use crate::run::{Outcome, free_port, on, shown};

const START_SECONDS: u64 = 120;
const LOADERS: usize = 32;

/// One server with everything that the load needs to know about it.
pub struct Contender {
    pub name: &'static str,
    /// What the table calls it.
    pub about: String,
    pub server: Server,
    /// Of a signed-in user.
    pub token: String,
    /// That passes all rules; empty where there is none.
    pub key: String,
    /// How it is asked.
    pub load: Box<dyn Fn(Case) -> Load + Sync>,
}

/// A running process; dropping it ends it.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Starts a server that `command` makes for an address, and waits until it listens.
    pub fn start(folder: &Path, command: impl FnOnce(&str) -> Command) -> Outcome<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut command = command(&address);
        let what = shown(&command);
        let log = folder.join("log");
        let (out, err) = on("could not write the log", logs(&log))?;
        command.current_dir(folder).stdout(out).stderr(err);
        let mut server = Self {
            child: on(format!("could not run `{what}`"), command.spawn())?,
            address,
        };
        let started = Instant::now();
        while TcpStream::connect(&server.address).is_err() {
            let ended = server.child.try_wait().is_ok_and(|status| status.is_some());
            if ended || started.elapsed() > Duration::from_secs(START_SECONDS) {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("`{what}` did not come up:\n{log}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

fn logs(path: &Path) -> std::io::Result<(File, File)> {
    let file = File::create(path)?;
    Ok((file.try_clone()?, file))
}

/// A folder of its own for one server.
pub fn folder(scratch: &Path, name: &str) -> Outcome<PathBuf> {
    let folder = scratch.join(name);
    on(
        format!("could not make {}", folder.display()),
        std::fs::create_dir_all(&folder),
    )?;
    Ok(folder)
}

/// The bare actix server: what any server on this machine could reach at best.
pub fn hello(program: &Path, scratch: &Path) -> Outcome<Contender> {
    let server = Server::start(&folder(scratch, "hello")?, |address| {
        let mut command = Command::new(program);
        command.arg(address);
        command
    })?;
    Ok(Contender {
        name: "hello",
        about: "bare actix hello".to_owned(),
        server,
        token: "none".to_owned(),
        key: String::new(),
        load: Box::new(|_| Load::get((0..1000).map(|number| format!("/{number}")).collect())),
    })
}

/// Who and what the rows refer to.
#[derive(Clone)]
pub struct Refers {
    /// The user whom the token belongs to, and all rows.
    pub owner: String,
    pub categories: Vec<String>,
}

/// The names of the categories.
pub fn categories() -> impl Iterator<Item = Value> {
    (1..=20).map(|number| json!({"name": format!("Category {number}")}))
}

/// One row of the table, the same for all servers: half are published, all belong to the user.
pub fn row(number: usize, to: &Refers) -> Value {
    json!({
        "title": format!("Item number {number}"),
        "price": 4.99 + (number % 40) as f64 * 0.5,
        "published": number.is_multiple_of(2),
        "owner": to.owner,
        "category": to.categories[number % to.categories.len()],
    })
}

/// Creates the rows over several connections with a credential that passes the rules; gives their ids.
pub fn fill(
    address: &str,
    path: &str,
    token: &str,
    to: &Refers,
    rows: usize,
) -> Outcome<Vec<String>> {
    let part = |loader: usize| -> Outcome<Vec<String>> {
        let mut connection = Connection::open(address)?;
        (loader..rows)
            .step_by(LOADERS)
            .map(|number| {
                let row = row(number, to);
                let answer = connection.send("POST", path, Some(token), Some(&row))?;
                answer.text(&["id"])
            })
            .collect()
    };
    std::thread::scope(|scope| {
        let loaders: Vec<_> = (0..LOADERS)
            .map(|loader| scope.spawn(move || part(loader)))
            .collect();
        let mut ids = Vec::with_capacity(rows);
        for loader in loaders {
            let part = loader.join().map_err(|_| "a loader panicked".to_owned())?;
            ids.extend(part?);
        }
        Ok(ids)
    })
}
