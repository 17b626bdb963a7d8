//! Starts the real binary on a free port with its data in a temporary folder, and speaks to it.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// The engine that a server under test keeps its data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

pub const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// The operator of every server under test.
pub const OPERATOR: (&str, &str) = ("root@example.com", "a-long-password");

/// A running server. Killed when dropped.
pub struct Server {
    child: Child,
    pub url: String,
    pub told: String,
    pub dir: PathBuf,
    database: Option<Arc<Database>>,
    _temp: Option<tempfile::TempDir>,
}

/// A PostgreSQL database of its own, dropped with the server.
struct Database {
    admin: String,
    name: String,
    url: String,
}

impl Database {
    fn create() -> Self {
        let admin = std::env::var("GALLEY_TEST_POSTGRES")
            .expect("PostgreSQL is needed: run the tests with `cargo xtask test`");
        let name = format!("t_{}", unique());
        psql(&admin, &format!("CREATE DATABASE {name}"));
        let url = format!(
            "{}/{name}",
            admin.rsplit_once('/').expect("a database in the address").0
        );
        Self { admin, name, url }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        psql(
            &self.admin,
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
    }
}

/// Runs one statement through PostgreSQL's own client.
pub fn psql(url: &str, sql: &str) -> String {
    let out = Command::new("psql")
        .args([url, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-c", sql])
        .output()
        .expect("psql");
    assert!(
        out.status.success(),
        "psql: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// A word that no other test of this or another run has.
pub fn unique() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

pub fn galley() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_galley"));
    command
        .env("GALLEY_GATE__LIMITS__REQUESTS_PER_SECOND", "0")
        .env("GALLEY_GATE__LIMITS__CREDENTIAL_REQUESTS_PER_SECOND", "0");
    command
}

impl Server {
    /// A fresh server with an operator.
    pub fn fresh(engine: Engine) -> Self {
        Self::fresh_with(engine, |_| {})
    }

    /// A fresh server with an operator, with changes to its command.
    pub fn fresh_with(engine: Engine, change: impl FnOnce(&mut Command)) -> Self {
        let temp = tempfile::tempdir().expect("a folder");
        let dir = temp.path().join("data");
        let database = (engine == Engine::Postgres).then(|| Arc::new(Database::create()));
        let mut server = Self::start_with(&dir, database, change, "serve");
        server._temp = Some(temp);
        let out = server.cli_with_input(
            &[
                "operator",
                "create",
                "--email",
                OPERATOR.0,
                "--password-stdin",
            ],
            OPERATOR.1,
        );
        assert!(out.contains("created the operator"), "{out}");
        server
    }

    /// Another node of this server, on the same PostgreSQL.
    pub fn node(&self) -> Self {
        let temp = tempfile::tempdir().expect("a folder");
        let dir = temp.path().join("data");
        // Both are the same to the world.
        let url = |command: &mut Command| {
            command.env("GALLEY_SERVER__PUBLIC_URL", &self.url);
        };
        let mut node = Self::start_with(&dir, self.database.clone(), url, "serve");
        node._temp = Some(temp);
        node
    }

    /// A SQLite server on a data directory, with changes to its command.
    pub fn on(dir: &Path, change: impl FnOnce(&mut Command), verb: &str) -> Self {
        Self::start_with(dir, None, change, verb)
    }

    fn start_with(
        dir: &Path,
        database: Option<Arc<Database>>,
        change: impl FnOnce(&mut Command),
        verb: &str,
    ) -> Self {
        let mut command = galley();
        command
            .arg("--data-dir")
            .arg(dir)
            .args([verb, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        command.env("GALLEY_LOG__LEVEL", "error");
        if let Some(database) = &database {
            set_postgres(&mut command, database);
        }
        change(&mut command);
        let mut child = command.spawn().expect("the server");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let first = lines
            .next()
            .expect("a line: the server did not start")
            .expect("text");
        let url = first
            .strip_prefix("listening on ")
            .expect("the address")
            .to_owned();
        let mut told = String::new();
        for line in lines
            .by_ref()
            .map_while(Result::ok)
            .take_while(|line| !line.starts_with("ready in "))
        {
            told.push_str(&line);
            told.push('\n');
        }
        // The pipe must stay open as long as the server runs.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            url,
            told,
            dir: dir.to_owned(),
            database,
            _temp: None,
        }
    }

    /// Ends the server as a power cut would end the process.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts a server that was killed once more, on the same data.
    pub fn restart(&mut self) {
        let (database, temp) = (self.database.clone(), self._temp.take());
        *self = Self::start_with(&self.dir.clone(), database, |_| {}, "serve");
        self._temp = temp;
    }

    /// The address of the PostgreSQL database; none on SQLite.
    pub fn database(&self) -> Option<String> {
        self.database.as_ref().map(|d| d.url.clone())
    }

    /// What PostgreSQL answers to one statement in this server's database.
    pub fn sql(&self, sql: &str) -> String {
        let database = self.database.as_ref().expect("a server on PostgreSQL");
        psql(&database.url, sql)
    }

    /// A number that Linux tells of the server (proc_pid_status(5)); memory is in KiB.
    pub fn process(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("a running server");
        let line = status.lines().find(|line| line.starts_with(name));
        let word = line.and_then(|line| line.split_whitespace().nth(1));
        word.and_then(|word| word.parse().ok()).expect("a number")
    }

    /// Asks the server to stop, and waits for its end.
    pub fn terminate(mut self) -> std::process::ExitStatus {
        let asked = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(asked.expect("kill").success());
        self.child.wait().expect("its end")
    }

    /// Runs the command line beside this server.
    pub fn cli(&self, args: &[&str]) -> std::process::Output {
        self.command(args).output().expect("the command line")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = galley();
        command.arg("--data-dir").arg(&self.dir).args(args);
        if let Some(database) = &self.database {
            set_postgres(&mut command, database);
        }
        command
    }

    fn cli_with_input(&self, args: &[&str], input: &str) -> String {
        use std::io::Write;
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command line");
        child
            .stdin
            .take()
            .expect("its input")
            .write_all(input.as_bytes())
            .expect("written");
        String::from_utf8_lossy(&child.wait_with_output().expect("its end").stdout).into_owned()
    }

    /// A project key.
    pub fn key(&self, project: &str, scopes: &[&str]) -> String {
        let mut args = vec!["key", "create", "--project", project];
        for scope in scopes {
            args.extend(["--scope", scope]);
        }
        let out = self.cli(&args);
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    /// A client with this credential, or none.
    pub fn as_(&self, token: &str) -> Client {
        Client::new(&self.url, token)
    }

    /// The operator, signed in.
    pub async fn operator(&self) -> Client {
        let answer = self
            .as_("")
            .post(
                "/admin/v1/session",
                json!({"email": OPERATOR.0, "password": OPERATOR.1}),
            )
            .await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        self.as_(answer.body["token"].as_str().expect("a token"))
    }

    /// A project with a collection `posts` whose rules are the owner's, and `notes` open to all.
    pub async fn project(&self, id: &str) {
        let operator = self.operator().await;
        let made = operator
            .post("/admin/v1/projects", json!({"id": id, "name": id}))
            .await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        for collection in [posts(), notes()] {
            let made = operator
                .post(&format!("/p/{id}/v1/collections"), collection)
                .await;
            assert_eq!(made.status, 201, "{:?}", made.body);
        }
    }

    /// A user of a project, signed up now: its id and a client.
    pub async fn user(&self, project: &str, email: &str) -> (String, Client) {
        let answer = self
            .as_("")
            .post(
                &format!("/p/{project}/v1/auth/sign-up"),
                json!({"email": email, "password": "a-long-password"}),
            )
            .await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        let id = answer.body["user"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        (
            id,
            self.as_(answer.body["access_token"].as_str().expect("a token")),
        )
    }
}

fn set_postgres(command: &mut Command, database: &Database) {
    command.env("GALLEY_DATABASE__URL", &database.url).env(
        "GALLEY_SECRETS__MASTER_KEY",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    );
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn posts() -> Value {
    json!({"name": "posts", "template": "owner", "fields": [
        {"name": "owner", "type": "relation", "collection": "users", "required": true},
        {"name": "title", "type": "text", "required": true, "min": 1, "max": 100},
        {"name": "score", "type": "number"},
        {"name": "stock", "type": "number", "format": "integer", "min": 0},
        {"name": "open", "type": "bool"},
        {"name": "due", "type": "datetime"},
        {"name": "secret", "type": "text", "hidden": true}
    ]})
}

fn notes() -> Value {
    let rules = json!({"list": "true", "view": "true", "create": "true", "update": "true", "delete": "true"});
    json!({"name": "notes", "rules": rules, "fields": [{"name": "text", "type": "text", "unique": true, "max": 200}]})
}

/// An HTTP client with a credential.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub url: String,
    pub token: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn id(&self) -> String {
        self.body["id"]
            .as_str()
            .unwrap_or_else(|| panic!("an id: {:?}", self.body))
            .to_owned()
    }
}

impl Client {
    fn new(url: &str, token: &str) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test speaks to its own server on loopback"
        )]
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .expect("a client");
        Self {
            http,
            url: url.to_owned(),
            token: token.to_owned(),
        }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.url));
        if self.token.is_empty() {
            request
        } else {
            request.bearer_auth(&self.token)
        }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        read(request.send().await.expect("an answer")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("PATCH", path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request("POST", path).json(&body)).await
    }
}

pub async fn read(response: reqwest::Response) -> Answer {
    let headers = response.headers().clone();
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned)
    };
    let (status, kind) = (
        response.status().as_u16(),
        header("content-type").unwrap_or_default(),
    );
    let bytes = response.bytes().await.expect("a body");
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    Answer {
        status,
        kind,
        headers,
        body,
    }
}
