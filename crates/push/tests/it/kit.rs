//! What the tests stand on: a project on either engine, sessions that can be ended, a clock that is held, a push
//! service, and calls through real routes.

use crate::browser::Browser;
use crate::service::PushService;
use actix_web::dev::Service;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use actix_web::{App, HttpMessage};
use gate::egress::{Egress, EgressConfig};
use gate::{Access, By, Gate, GateConfig, GateParts, Input, Master, Place, Problem, Project, Who};
use kernel::{Clock, Ids, Stamp};
use push::{Push, PushConfig, PushParts};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use serde_json::{Value, json};
use sqlx::Connection;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{Db, Engine, PgOptions, SqliteOptions, Step, Store, StoreError, WriteTx};
use utoipa_actix_web::AppExt;
use uuid::Uuid;

pub use crate::callers::*;

/// Declares tests that run on either engine.
macro_rules! both {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[actix_web::test]
            async fn sqlite() {
                super::$name(&crate::kit::Kit::sqlite().await).await;
            }

            #[actix_web::test]
            async fn postgres() {
                super::$name(&crate::kit::Kit::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use both;

/// An answer, as a client reads it.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    pub fn id(&self) -> Uuid {
        self.json()["id"].as_str().unwrap().parse().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The status and the problem's code.
    pub fn fails(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), code)
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let text = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status.as_u16(), status, "{text}");
        self
    }
}

/// A project with push, a hand on its clock, and a push service.
pub struct Kit {
    pub push: Push,
    pub project: Arc<Project>,
    pub clock: Clock,
    pub sessions: Arc<Living>,
    pub service: PushService,
    pub wakes: Arc<AtomicUsize>,
    pub browser: Browser,
    store: Store,
    uids: Mutex<Vec<Uuid>>,
    engine: Engine,
    _dir: tempfile::TempDir,
}

fn steps() -> Vec<Step> {
    [&gate::project_steps()[..], Push::steps()].concat()
}

impl Kit {
    pub async fn sqlite() -> Self {
        Self::start(Engine::Sqlite(SqliteOptions::default())).await
    }

    pub async fn postgres() -> Self {
        let mut options = PgOptions::new(postgres_url());
        (options.read_connections, options.write_connections) = (4, 4);
        Self::start(Engine::Postgres(options)).await
    }

    async fn start(engine: Engine) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(&engine, dir.path()).await.unwrap();
        let uid = Ids.new_id();
        let db = store.project(uid, &steps()).await.unwrap();
        let project = Project::for_tests(db, "shop").unwrap();
        let (sessions, wakes) = (Arc::new(Living::default()), Arc::default());
        let service = PushService::start().await;
        Self {
            push: node(&[&service], &sessions, &wakes),
            project,
            clock: Clock::held(Stamp::parse("2026-03-01T12:00:00Z").unwrap()),
            sessions,
            service,
            wakes,
            browser: Browser::new(),
            store,
            uids: Mutex::new(vec![uid]),
            engine,
            _dir: dir,
        }
    }

    /// The same service as another process has it.
    pub fn another_node(&self) -> Push {
        self.node_for(&[&self.service])
    }

    /// A process that may send to these services.
    pub fn node_for(&self, services: &[&PushService]) -> Push {
        node(services, &self.sessions, &self.wakes)
    }

    /// A second project on the same store.
    pub async fn other_project(&self) -> Arc<Project> {
        let uid = Ids.new_id();
        self.uids.lock().unwrap().push(uid);
        let db = self.store.project(uid, &steps()).await.unwrap();
        Project::for_tests(db, "blog").unwrap()
    }

    pub fn now(&self) -> Stamp {
        self.clock.now()
    }

    pub fn pass(&self, time: Duration) {
        self.clock.set(self.now().plus(time));
    }

    // Calls

    pub async fn call(&self, who: &Who, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.call_at(&self.project, who, method, path, body, &[])
            .await
    }

    pub async fn get(&self, who: &Who, path: &str) -> Reply {
        self.call(who, Method::GET, path, None).await
    }

    pub async fn post(&self, who: &Who, path: &str, body: Value) -> Reply {
        self.call(who, Method::POST, path, Some(body)).await
    }

    pub async fn call_at(
        &self,
        project: &Arc<Project>,
        who: &Who,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let access = Rc::new(Access {
            place: Place::Project,
            project: Some(project.clone()),
            who: Ok(who.clone()),
            now: self.now(),
            request_id: "request".to_owned(),
            network: "192.0.2.1".to_owned(),
        });
        let (app, _) = App::new()
            .app_data(Data::new(self.push.clone()))
            .into_utoipa_app()
            .configure(push::configure_project)
            .split_for_parts();
        let app = init_service(app.wrap_fn(move |request, service| {
            request.extensions_mut().insert(access.clone());
            service.call(request)
        }))
        .await;
        let mut request = TestRequest::default().method(method).uri(path);
        for header in headers {
            request = request.insert_header(*header);
        }
        if let Some(body) = body {
            request = request.set_json(body);
        }
        let mut response = call_service(&app, request.to_request()).await;
        let problem = response.response().extensions().get::<Problem>().cloned();
        if let Some(problem) = problem {
            let (request, _) = response.into_parts();
            response = actix_web::dev::ServiceResponse::new(request, problem.render("request"));
        }
        let headers = response.headers().iter();
        Reply {
            status: response.status(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            bytes: read_body(response).await.to_vec(),
        }
    }

    // Devices and messages

    /// The endpoint with this path at the push service.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.service.origin)
    }

    pub async fn try_register(&self, who: &Who, path: &str) -> Reply {
        let subscription = self.browser.subscription(&self.endpoint(path));
        let body = json!({"kind": "web", "subscription": subscription});
        self.post(who, "/v1/push/devices", body).await
    }

    /// Registers a device that was not known.
    pub async fn register(&self, who: &Who, path: &str) -> Uuid {
        self.try_register(who, path).await.expect(201).id()
    }

    /// Many devices of one user each, put into the table in one transaction.
    pub async fn register_many(&self, project: &Arc<Project>, prefix: &str, count: usize) {
        let time = self.now().time();
        let row = |i: usize| -> Vec<sea_orm::Value> {
            let endpoint = self.endpoint(&format!("/{prefix}/{i}"));
            let (p256dh, auth) = (self.browser.p256dh(), self.browser.auth());
            let plain = json!({"endpoint": endpoint, "p256dh": p256dh, "auth": auth}).to_string();
            let hash = gate::token_hash(&endpoint);
            let place = format!("_push_devices/{hash}");
            let sealed = project.seal(&place, plain.as_bytes()).unwrap();
            let (id, user) = (Ids.new_id(), Ids.new_id());
            let session = session(user);
            vec![
                id.into(),
                user.into(),
                session.into(),
                hash.into(),
                sealed.into(),
                time.into(),
            ]
        };
        let rows: Vec<_> = (0..count).map(row).collect();
        let insert = async move |tx: &WriteTx| -> Result<(), StoreError> {
            let sql = r#"INSERT INTO "project"."_push_devices" (id, kind, user_id, session_id, endpoint_hash, service, subscription, version, created_at, last_seen_at)
                         VALUES ($1, 'web', $2, $3, $4, '127.0.0.1', $5, 1, $6, $6)"#;
            for row in &rows {
                let statement = Statement::from_sql_and_values(tx.backend(), sql, row.clone());
                tx.execute_raw(statement).await?;
            }
            Ok(())
        };
        project.db.write(insert).await.unwrap();
    }

    pub async fn send(&self, message: Value) -> Uuid {
        self.send_in(&self.project, message).await
    }

    pub async fn send_in(&self, project: &Arc<Project>, message: Value) -> Uuid {
        let path = "/v1/push/messages";
        let reply = self
            .call_at(project, &key(), Method::POST, path, Some(message), &[])
            .await;
        reply.expect(202).id()
    }

    /// A message to everybody.
    pub async fn send_all(&self, title: &str) -> Uuid {
        self.send(json!({"to": {"all": true}, "title": title}))
            .await
    }

    pub async fn message(&self, id: Uuid) -> Value {
        let reply = self.get(&key(), &format!("/v1/push/messages/{id}")).await;
        reply.expect(200).json()
    }

    /// The status of a message, and its counts: queued, sent, failed, pruned, skipped.
    pub async fn state(&self, id: Uuid) -> (String, [i64; 5]) {
        let view = self.message(id).await;
        let count = |name: &str| view["counts"][name].as_i64().unwrap();
        let names = ["queued", "sent", "failed", "pruned", "skipped"];
        (
            view["status"].as_str().unwrap().to_owned(),
            names.map(count),
        )
    }

    /// The reasons of a message as `outcome/reason: count`.
    pub async fn reasons(&self, id: Uuid) -> Vec<String> {
        let view = self.message(id).await;
        let text = |r: &Value| {
            let (outcome, reason) = (&r["outcome"], &r["reason"]);
            let (outcome, reason) = (outcome.as_str().unwrap(), reason.as_str().unwrap());
            format!("{outcome}/{reason}: {}", r["count"])
        };
        view["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect()
    }

    /// Ticks until nothing is due at the present; tells when something will be.
    pub async fn run(&self) -> Option<Stamp> {
        for _ in 0..1_000 {
            match self.push.tick(&self.project, self.now()).await.unwrap() {
                Some(next) if next <= self.now() => {}
                next => return next,
            }
        }
        panic!("there is always something to do");
    }

    pub fn wakes(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }

    /// Changes the project's settings, as its owner would.
    pub async fn set_development(&self, on: bool) {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::Sqlite(SqliteOptions::default());
        let parts = GateParts {
            store: Store::start(&engine, dir.path()).await.unwrap(),
            clock: self.clock.clone(),
            ids: Ids,
            master: Master::open(dir.path(), None, false).unwrap(),
            config: GateConfig::default(),
            public_url: "http://127.0.0.1:8090".to_owned(),
            project_steps: Vec::new(),
            scopes: Vec::new(),
            logs: None,
        };
        let change = Input::new(json!({"development": on}).as_object().cloned().unwrap());
        let gate = Gate::open(parts).await.unwrap();
        gate.update_settings(&self.project, &By::cli(self.now()), None, change)
            .await
            .unwrap();
    }

    // The database itself

    pub async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let statement = Statement::from_sql_and_values(self.project.db.backend(), sql, []);
        self.project.db.query_all_raw(statement).await.unwrap()
    }

    pub async fn number(&self, sql: &str) -> i64 {
        let rows = self.rows(sql).await;
        rows.first().unwrap().try_get("", "n").unwrap()
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.number(&format!(r#"SELECT count(*) AS n FROM "project"."{table}""#))
            .await
    }

    /// All that writes could have left, as text.
    pub async fn dump(&self) -> String {
        let mut out = String::new();
        for table in [
            "_push_keys",
            "_push_devices",
            "_push_messages",
            "_push_deliveries",
            "_push_inbox",
            "_idempotency",
            "_outbox",
            "_audit",
        ] {
            let sql = if self.project.db.backend() == DbBackend::Postgres {
                format!(
                    r#"SELECT CAST(to_jsonb(x) AS text) AS line FROM "project"."{table}" AS x ORDER BY 1"#
                )
            } else {
                let names = format!("SELECT name AS name FROM pragma_table_info('{table}')");
                let names = self.rows(&names).await;
                let names = names
                    .iter()
                    .map(|c| c.try_get::<String>("", "name").unwrap());
                let parts: Vec<String> = names.map(|n| format!("quote(\"{n}\")")).collect();
                let parts = parts.join(" || '|' || ");
                format!(r#"SELECT {parts} AS line FROM "project"."{table}" ORDER BY 1"#)
            };
            for row in self.rows(&sql).await {
                let line: String = row.try_get("", "line").unwrap();
                out.push_str(&format!("{table}: {line}\n"));
            }
        }
        out
    }

    pub fn db(&self) -> &Db {
        &self.project.db
    }
}

/// A process: its own memory, the same push service.
fn node(services: &[&PushService], sessions: &Arc<Living>, wakes: &Arc<AtomicUsize>) -> Push {
    let count = wakes.clone();
    Push::new(PushParts {
        egress: Egress::new(&EgressConfig {
            allow_origins: services.iter().map(|s| s.origin.clone()).collect(),
        }),
        sessions: sessions.clone(),
        wake: Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }),
        ids: Ids,
        public_url: "https://api.example.com".to_owned(),
        config: PushConfig::default(),
    })
}

impl Drop for Kit {
    fn drop(&mut self) {
        let Engine::Postgres(_) = self.engine else {
            return;
        };
        let uids = self.uids.lock().unwrap().clone();
        let drop = async move {
            let mut admin = sqlx::PgConnection::connect(&postgres_url()).await.unwrap();
            for uid in uids {
                let schema = format!("p_{}", uid.simple());
                let sql = format!(
                    r#"SET lock_timeout = '20s'; DROP SCHEMA IF EXISTS "{schema}" CASCADE"#
                );
                for last in [false, false, false, true] {
                    let sql = sqlx::AssertSqlSafe(sql.clone());
                    let done = sqlx::raw_sql(sql).execute(&mut admin).await;
                    if done.is_ok() || last {
                        done.unwrap();
                        break;
                    }
                }
            }
        };
        // The test's own runtime may be ending.
        let dropped = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(drop);
        });
        assert!(
            dropped.join().is_ok() || std::thread::panicking(),
            "a test's schema was not dropped"
        );
    }
}

fn postgres_url() -> String {
    std::env::var("GALLEY_TEST_POSTGRES")
        .expect("GALLEY_TEST_POSTGRES is not set: run the tests with `cargo xtask test`, which starts a PostgreSQL and names it there")
}
