//! What every test needs: a project behind the real front door of a listening server, callers, and short ways to look.

use crate::wire::{Reply, Wire};
use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use files::ports::OwnerGate;
use files::{Asker, Files, FilesConfig, FilesParts};
use gate::ports::UserTokens;
use gate::{
    By, Front, FrontConfig, Gate, GateConfig, GateParts, LimitsConfig, Master, Place, Problem,
    Project, ProjectIn, Reach, UserAuth, Who, place_guard,
};
use kernel::{Clock, Code, Ids, Stamp};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use store::{Engine, PgOptions, SqliteOptions, Store, WriteTx};
use utoipa_actix_web::AppExt;
use uuid::Uuid;

pub const U: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_00aa);
pub const V: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_00bb);
/// The users' tokens, which the kit understands.
pub const TOKEN_U: &str = "u-01990000-0000-7000-8000-0000000000aa";
pub const TOKEN_V: &str = "u-01990000-0000-7000-8000-0000000000bb";
pub const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// Declares tests that run on either engine.
macro_rules! both {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[actix_web::test]
            async fn sqlite() {
                let kit = crate::kit::Kit::new(false).await;
                super::$name(&kit).await;
                kit.end().await;
            }

            #[actix_web::test]
            async fn postgres() {
                let kit = crate::kit::Kit::new(true).await;
                super::$name(&kit).await;
                kit.end().await;
            }
        }
    )*};
}
pub(crate) use both;

/// Who may read what a field of a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    Nobody,
    Everybody,
    To(Uuid),
}

/// The records of these tests: fields by name, and whom each shows its file.
#[derive(Default)]
pub struct Records(pub Mutex<HashMap<(String, Uuid, String), Shows>>);

#[async_trait::async_trait(?Send)]
impl OwnerGate for Records {
    async fn may_read(
        &self,
        _project: &Project,
        asker: &Asker,
        collection: &str,
        record: Uuid,
        field: &str,
    ) -> Result<bool, Problem> {
        let key = (collection.to_owned(), record, field.to_owned());
        Ok(match self.0.lock().unwrap().get(&key) {
            None | Some(Shows::Nobody) => false,
            Some(Shows::Everybody) => true,
            Some(Shows::To(id)) => asker.user() == Some(*id),
        })
    }
}

pub struct Kit {
    pub gate: Gate,
    pub files: Files,
    pub records: Arc<Records>,
    pub project: Arc<Project>,
    /// A key of the project that may do everything.
    pub key: String,
    pub address: SocketAddr,
    pub dir: tempfile::TempDir,
    server: ServerHandle,
    database: Option<(String, String)>,
}

impl Kit {
    pub async fn new(on_postgres: bool) -> Self {
        Self::with(on_postgres, FilesConfig::default()).await
    }

    pub async fn with(on_postgres: bool, config: FilesConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (engine, database) = if on_postgres {
            let server = std::env::var("GALLEY_TEST_POSTGRES").expect("GALLEY_TEST_POSTGRES is not set: run `cargo xtask test`, which starts a PostgreSQL");
            let name = format!("files_{}", Ids.new_id().simple());
            admin(&server, &format!("CREATE DATABASE {name}")).await;
            let (base, _) = server.rsplit_once('/').unwrap();
            let mut options = PgOptions::new(format!("{base}/{name}"));
            (options.read_connections, options.write_connections) = (4, 8);
            (Engine::Postgres(options), Some((server, name)))
        } else {
            let options = SqliteOptions {
                read_budget_ms: 0,
                ..SqliteOptions::default()
            };
            (Engine::Sqlite(options), None)
        };
        let gate_config = GateConfig {
            limits: LimitsConfig {
                requests_per_second: 0,
                ..LimitsConfig::default()
            },
            ..GateConfig::default()
        };
        let store = Store::start(&engine, dir.path()).await.unwrap();
        let gate = Gate::open(GateParts {
            store,
            clock: Clock::system(),
            ids: Ids,
            master: Master::open(dir.path(), None, false).unwrap(),
            config: gate_config.clone(),
            public_url: "http://127.0.0.1:8090".into(),
            project_steps: Files::steps().to_vec(),
            scopes: files::can::PROJECT_SCOPES.to_vec(),
            logs: None,
        })
        .await
        .unwrap();
        let records = Arc::new(Records::default());
        let files = Files::new(FilesParts {
            ids: Ids,
            data_dir: dir.path().to_owned(),
            config,
            owners: records.clone(),
        });
        let (address, server) = serve(&gate, &files, &gate_config);
        let project = project(&gate, "shop").await;
        let key = key_of(&gate, "shop", &["*"]).await;
        Self {
            gate,
            files,
            records,
            project,
            key,
            address,
            dir,
            server,
            database,
        }
    }

    pub async fn end(self) {
        self.server.stop(false).await;
        if let Some((server, name)) = &self.database {
            admin(server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    /// What a process sees that opens the same directory anew.
    pub fn another(&self) -> Files {
        Files::new(FilesParts {
            ids: Ids,
            data_dir: self.dir.path().to_owned(),
            config: FilesConfig::default(),
            owners: self.records.clone(),
        })
    }

    pub async fn scoped_key(&self, project: &str, scopes: &[&str]) -> String {
        key_of(&self.gate, project, scopes).await
    }

    pub async fn wire(&self) -> Wire {
        Wire::open(self.address).await
    }

    /// Asks below `/p/shop`. A body is sent with its length.
    pub async fn ask(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut wire = self.wire().await;
        let length = body.len().to_string();
        let mut all = headers.to_vec();
        if matches!(method, "PUT" | "POST" | "PATCH") {
            all.push(("content-length", &length));
        }
        wire.head(method, &format!("/p/shop{path}"), token, &all)
            .await;
        let _ = wire.bytes(body).await;
        wire.reply().await
    }

    pub async fn get(&self, token: Option<&str>, path: &str) -> Reply {
        self.ask(token, "GET", path, &[], b"").await
    }

    pub async fn put(&self, token: Option<&str>, path: &str, body: &[u8]) -> Reply {
        self.ask(token, "PUT", &format!("/v1/files/{path}"), &[], body)
            .await
    }

    pub async fn delete(&self, token: Option<&str>, path: &str) -> (u16, String) {
        self.ask(token, "DELETE", path, &[], b"").await.outcome()
    }

    pub async fn json(&self, method: &str, path: &str, body: Json) -> Reply {
        let kind = [("content-type", "application/json")];
        let body = body.to_string();
        self.ask(Some(&self.key), method, path, &kind, body.as_bytes())
            .await
    }

    pub async fn bucket(&self, definition: Json) {
        let made = self.json("POST", "/v1/buckets", definition).await;
        assert_eq!(made.status, 201, "{}", made.json());
    }

    /// A bucket in which everybody may do everything.
    pub async fn open_bucket(&self, name: &str) {
        let all = json!({"list": "true", "view": "true", "create": "true", "update": "true", "delete": "true"});
        self.bucket(json!({"name": name, "rules": all})).await;
    }

    /// Attachments that users may make and change.
    pub async fn attachments(&self, name: &str) {
        let mine = "uploader == auth.id";
        let rules =
            json!({"list": mine, "view": null, "create": mine, "update": mine, "delete": mine});
        self.bucket(json!({"name": name, "kind": "attachments", "rules": rules}))
            .await;
    }

    pub async fn tick(&self, now: Stamp) -> Option<Stamp> {
        self.files.tick(&self.project, now).await
    }

    /// The project's directory of files.
    pub fn folder(&self) -> std::path::PathBuf {
        let uid = self.project.uid.to_string();
        self.dir.path().join("projects").join(uid).join("files")
    }

    /// The names of all that lies there, sorted.
    pub fn objects(&self) -> Vec<String> {
        let mut names = Vec::new();
        for shard in std::fs::read_dir(self.folder()).into_iter().flatten() {
            for entry in std::fs::read_dir(shard.unwrap().path()).unwrap() {
                names.push(entry.unwrap().file_name().into_string().unwrap());
            }
        }
        names.sort();
        names
    }

    /// Waits until as many objects are there, staged ones included.
    pub async fn objects_become(&self, want: usize) {
        for _ in 0..200 {
            if self.objects().len() == want {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("{want} objects were wanted: {:?}", self.objects());
    }

    pub async fn number(&self, sql: &str) -> i64 {
        let db = &self.project.db;
        let statement = Statement::from_sql_and_values(db.backend(), sql, []);
        let rows = db.query_all_raw(statement).await.unwrap();
        rows.first().unwrap().try_get("", "n").unwrap()
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.number(&format!(r#"SELECT count(*) AS n FROM "project"."{table}""#))
            .await
    }

    /// Changes rows behind the service's back.
    pub async fn sql(&self, sql: String) {
        let job = async move |tx: &WriteTx| -> Result<(), Problem> {
            tx.execute_unprepared(&sql).await?;
            Ok(())
        };
        self.project.db.write(job).await.unwrap();
    }
}

pub fn user(id: Uuid) -> Who {
    let auth = ::rules::Auth {
        id: id.to_string(),
        level: 1,
        ..::rules::Auth::default()
    };
    Who::User(UserAuth::new(
        id,
        id,
        Arc::new(auth),
        kernel::Stamp::parse("2026-01-01T00:00:00Z").unwrap(),
    ))
}

pub fn by_key() -> Who {
    Who::Key {
        id: Uuid::from_u128(7),
        scopes: Arc::from(vec!["*".to_owned()]),
    }
}

pub fn now() -> Stamp {
    Clock::system().now()
}

pub fn asker(who: Who) -> Asker {
    Asker::new(&who, now(), "PUT", "127.0.0.1", Map::new(), "r1")
}

async fn project(gate: &Gate, slug: &str) -> Arc<Project> {
    let new = ProjectIn::read(input(json!({"id": slug, "name": slug}))).unwrap();
    gate.create_project(&By::cli(now()), new).await.unwrap();
    gate.project(slug).await.unwrap()
}

async fn key_of(gate: &Gate, slug: &str, scopes: &[&str]) -> String {
    if gate.project(slug).await.is_err() {
        project(gate, slug).await;
    }
    let new = input(json!({"name": "test", "scopes": scopes}));
    let new = gate.read_key(new, now()).unwrap();
    let by = By::cli(now());
    let made = gate.create_key(&Reach::Everything, &by, slug, new).await;
    made.unwrap().1
}

pub fn input(value: Json) -> gate::Input {
    gate::Input::new(value.as_object().cloned().unwrap())
}

/// Users' tokens for tests: `u-<id>` is that user of every project.
struct Tokens;

#[async_trait::async_trait(?Send)]
impl UserTokens for Tokens {
    async fn verify(&self, _: &Project, token: &str, _: Stamp) -> Result<UserAuth, Problem> {
        let id = token.strip_prefix("u-").and_then(kernel::parse_id);
        match user(id.ok_or(Code::Unauthenticated)?) {
            Who::User(auth) => Ok(auth),
            _ => Err(Code::Unauthenticated.into()),
        }
    }
}

fn serve(gate: &Gate, files: &Files, config: &GateConfig) -> (SocketAddr, ServerHandle) {
    let (_, document) = App::new()
        .into_utoipa_app()
        .configure(files::configure_project)
        .split_for_parts();
    let front = FrontConfig::new(config, gate.public_url()).unwrap();
    let front = front.with_document(Place::Project, &document);
    let front = Front::new(gate.clone(), Arc::new(Tokens), front).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let files = files.clone();
    let server = HttpServer::new(move || {
        let scope = web::scope("").guard(place_guard(Place::Project));
        let scope = utoipa_actix_web::scope(scope).configure(files::configure_project);
        App::new()
            .into_utoipa_app()
            .app_data(Data::new(files.clone()))
            .map(|app| app.wrap(front.clone()))
            .service(scope)
            .into_app()
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .unwrap()
    .run();
    let handle = server.handle();
    #[expect(clippy::disallowed_methods, reason = "the test's own server")]
    drop(actix_web::rt::spawn(server));
    (address, handle)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test makes a database of its own"
)]
async fn admin(server: &str, sql: &str) {
    let db = sea_orm::Database::connect(server).await.unwrap();
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

/// Bytes that begin a picture.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
