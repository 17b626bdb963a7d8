//! What the tests share: a gate on a temporary store of either engine, and a small app behind its front door.

use actix_web::dev::Service;
use actix_web::http::header::{HOST, HeaderMap, HeaderValue};
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::web::{self, Data};
use actix_web::{App, HttpMessage, HttpResponse};
use gate::ports::UserTokens;
use gate::{
    By, Caller, Front, FrontConfig, Gate, GateConfig, GateParts, Holders, InInstance, InProject,
    Master, OperatorIn, Place, Problem, Project, ProjectIn, Reach, Signed, UserAuth, Who,
    place_guard,
};
use kernel::{Clock, Code, Ids, Stamp};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use store::{Db, Engine, PgOptions, SqliteOptions, Step, Store};
use utoipa_actix_web::{AppExt, service_config::ServiceConfig};

pub const OWNER: &str = "owner@example.com";
pub const PASSWORD: &str = "correct horse battery";

gate::permissions! {
    /// Reads the probe.
    ProbeRead = "probe.read", InProject, Holders::Users;
    /// Looks at the probe.
    ProbeOpen = "probe.open", InProject, Holders::Everyone;
}

/// A permission of the instance, for a probe there.
pub mod at_instance {
    use super::{Holders, InInstance};

    gate::permissions! {
        /// Looks at the instance's probe.
        InstanceProbe = "instance.open", InInstance, Holders::Everyone;
    }
}

/// Which engine a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

/// Makes two tests of one: on SQLite and on PostgreSQL.
#[macro_export]
macro_rules! on_both {
    ($(async fn $name:ident($kit:ident: Kit) $body:block)*) => {
        $(mod $name {
            use super::*;
            async fn run($kit: &$crate::kit::Kit) $body
            #[actix_web::test]
            async fn sqlite() {
                let kit = $crate::kit::Kit::new($crate::kit::On::Sqlite).await;
                run(&kit).await;
                kit.end().await;
            }
            #[actix_web::test]
            async fn postgres() {
                let kit = $crate::kit::Kit::new($crate::kit::On::Postgres).await;
                run(&kit).await;
                kit.end().await;
            }
        })*
    };
}

pub struct Kit {
    pub gate: Gate,
    pub clock: Clock,
    pub store: Store,
    pub logs: Db,
    dir: tempfile::TempDir,
    database: Option<(String, String)>,
}

impl Kit {
    pub async fn new(on: On) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (engine, database) = match on {
            On::Sqlite => (
                Engine::Sqlite(SqliteOptions {
                    read_budget_ms: 0,
                    ..SqliteOptions::default()
                }),
                None,
            ),
            On::Postgres => {
                let server = std::env::var("GALLEY_TEST_POSTGRES").expect("GALLEY_TEST_POSTGRES is not set: run `cargo xtask test`, which starts a PostgreSQL");
                let name = format!("gate_{}", Ids.new_id().simple());
                admin(&server, &format!("CREATE DATABASE {name}")).await;
                let (base, _) = server.rsplit_once('/').unwrap();
                (
                    Engine::Postgres(PgOptions::new(format!("{base}/{name}"))),
                    Some((server, name)),
                )
            }
        };
        let store = Store::start(&engine, dir.path()).await.unwrap();
        std::fs::create_dir(dir.path().join("log")).unwrap();
        let logs = Store::start(
            &Engine::Sqlite(SqliteOptions::default()),
            &dir.path().join("log"),
        )
        .await
        .unwrap();
        let logs = logs.instance(&gate::log_steps()).await.unwrap();
        let clock = Clock::held(Stamp::parse("2026-05-01T12:00:00Z").unwrap());
        let gate = open(
            &store,
            &clock,
            &logs,
            dir.path(),
            GateConfig::default(),
            Vec::new(),
        )
        .await;
        Self {
            gate,
            clock,
            store,
            logs,
            dir,
            database,
        }
    }

    /// Another gate over the same databases: a second node, or the same one after a restart.
    pub async fn another(&self, config: GateConfig, steps: Vec<Step>) -> Gate {
        open(
            &self.store,
            &self.clock,
            &self.logs,
            self.dir.path(),
            config,
            steps,
        )
        .await
    }

    pub async fn end(self) {
        if let Some((server, name)) = &self.database {
            admin(server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    pub fn by(&self) -> By {
        By {
            actor: Some("operator:test".into()),
            network: "192.0.2.1".into(),
            request_id: "test-request".into(),
            now: self.clock.now(),
        }
    }

    pub fn later(&self, by: Duration) {
        self.clock.set(self.clock.now().plus(by));
    }

    pub async fn project(&self, slug: &str) -> Arc<Project> {
        self.gate
            .create_project(&self.by(), project_in(slug))
            .await
            .unwrap();
        self.gate.project(slug).await.unwrap()
    }

    /// Makes the first operator and signs it in.
    pub async fn owner(&self) -> Signed {
        let link = self.gate.setup_link().await.unwrap().unwrap();
        let token = link.split_once("token=").unwrap().1.to_owned();
        self.gate
            .set_up(&self.by(), &token, operator(OWNER, json!({})))
            .await
            .unwrap();
        self.gate
            .sign_in(&self.by(), OWNER, PASSWORD)
            .await
            .unwrap()
    }

    pub async fn key(&self, project: &str, scopes: &[&str]) -> String {
        self.key_until(project, scopes, None).await.1
    }

    pub async fn key_until(
        &self,
        project: &str,
        scopes: &[&str],
        end: Option<Stamp>,
    ) -> (uuid::Uuid, String) {
        let mut body = json!({"name": "test", "scopes": scopes});
        if let Some(end) = end {
            body["expires_at"] = json!(end);
        }
        let new = self.gate.read_key(input(body), self.clock.now()).unwrap();
        let (view, key) = self
            .gate
            .create_key(&Reach::Everything, &self.by(), project, new)
            .await
            .unwrap();
        (view.id, key)
    }

    /// The instance's database, as another handle.
    pub async fn instance(&self) -> Db {
        self.store.instance(&gate::instance_steps()).await.unwrap()
    }

    /// Runs a statement behind the gate's back.
    pub async fn sql(&self, db: &Db, sql: &'static str) {
        db.write(async move |tx: &store::WriteTx| -> Result<(), Problem> {
            Ok(tx.execute_unprepared(sql).await.map(|_| ())?)
        })
        .await
        .unwrap();
    }

    pub async fn app(&self) -> Door {
        self.app_with(&self.gate, GateConfig::default()).await
    }

    pub async fn app_with(&self, gate: &Gate, config: GateConfig) -> Door {
        self.app_at(gate, config, gate.public_url()).await
    }

    pub async fn app_at(&self, gate: &Gate, config: GateConfig, public_url: &str) -> Door {
        let document = |routes: fn(&mut ServiceConfig<'_>)| {
            let app = App::new().into_utoipa_app().configure(routes);
            app.split_for_parts().1
        };
        let front = FrontConfig::new(&config, public_url)
            .unwrap()
            .with_document(Place::Instance, &document(gate::configure_instance))
            .with_document(Place::Project, &document(gate::configure_project));
        let front = Front::new(gate.clone(), Arc::new(FakeTokens), front).unwrap();
        let instance = utoipa_actix_web::scope(web::scope("").guard(place_guard(Place::Instance)))
            .configure(gate::configure_instance);
        let project = utoipa_actix_web::scope(web::scope("").guard(place_guard(Place::Project)))
            .configure(gate::configure_project);
        let project = project.map(|s| {
            s.route("/v1/probe", web::get().to(probe))
                .route("/v1/open", web::to(open_probe))
                .route("/v1/auth/probe", web::to(open_probe))
                .route(
                    "/v1/number/{n}",
                    web::get().to(async |n: web::Path<u32>| n.to_string()),
                )
                .route(
                    "/v1/json",
                    web::post().to(async |_: web::Json<Value>| HttpResponse::Ok().finish()),
                )
                // Stands for as many operations as its body says.
                .route(
                    "/v1/many",
                    web::post().to(
                        async |request: actix_web::HttpRequest, n: web::Json<usize>| {
                            gate::charge(&request, *n).map(|()| "ok")
                        },
                    ),
                )
                // In the wrong scope, so that only its `Caller` keeps it from being reached.
                .route(
                    "/v1/misplaced",
                    web::get().to(async |_: Caller<at_instance::InstanceProbe>| "ok"),
                )
                .route("/v1/panic", web::get().to(panics))
                .route(
                    "/v1/broken",
                    web::get()
                        .to(async || HttpResponse::InternalServerError().body("secret story")),
                )
        });
        let instance = instance.map(|s| {
            s.route(
                "/healthz",
                web::get().to(async |_: Caller<at_instance::InstanceProbe>| "ok"),
            )
            // Without a `Caller`, so that only the guard of its scope keeps it in its place.
            .route("/metrics", web::get().to(async || "metrics"))
        });
        let app = App::new()
            .into_utoipa_app()
            .app_data(Data::new(gate.clone()))
            .map(|app| app.wrap(front))
            .service(instance)
            .service(project);
        let app = Rc::new(init_service(app.into_app()).await);
        Door(Box::new(move |request| {
            let app = app.clone();
            Box::pin(async move {
                let mut request = request.to_request();
                if !request.headers().contains_key(HOST) {
                    request
                        .headers_mut()
                        .insert(HOST, HeaderValue::from_static("127.0.0.1:8090"));
                }
                let (status, headers, bytes) = match app.call(request).await {
                    Ok(response) => {
                        let (status, headers) = (response.status(), response.headers().clone());
                        (status, headers, read_body(response).await)
                    }
                    Err(error) => {
                        let response = error.error_response();
                        let (status, headers) = (response.status(), response.headers().clone());
                        (
                            status,
                            headers,
                            actix_web::body::to_bytes(response.into_body())
                                .await
                                .ok()
                                .unwrap(),
                        )
                    }
                };
                let body = serde_json::from_slice(&bytes)
                    .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned()));
                Answer {
                    status: status.as_u16(),
                    headers,
                    body,
                }
            })
        }))
    }
}

/// An answer that is under way.
type Coming = Pin<Box<dyn Future<Output = Answer>>>;

/// The app, without its long type.
pub struct Door(Box<dyn Fn(TestRequest) -> Coming>);

async fn open(
    store: &Store,
    clock: &Clock,
    logs: &Db,
    dir: &std::path::Path,
    config: GateConfig,
    project_steps: Vec<Step>,
) -> Gate {
    let parts = GateParts {
        store: store.clone(),
        clock: clock.clone(),
        ids: Ids,
        master: Master::open(dir, None, false).unwrap(),
        config,
        public_url: "http://127.0.0.1:8090".into(),
        project_steps,
        scopes: vec![
            "probe.read",
            "probe.open",
            "settings.read",
            "settings.write",
            "audit.read",
            "records.read",
            "records.write",
        ],
        logs: Some(logs.clone()),
    };
    Gate::open(parts).await.unwrap()
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

async fn probe(caller: Caller<ProbeRead>) -> Result<web::Json<Value>, Problem> {
    Ok(web::Json(
        json!({"project": caller.project()?.id, "actor": caller.who().actor()}),
    ))
}

async fn open_probe(caller: Caller<ProbeOpen>) -> Result<web::Json<Value>, Problem> {
    Ok(web::Json(
        json!({"project": caller.project()?.id, "actor": caller.who().actor(), "network": caller.network()}),
    ))
}

async fn panics() -> HttpResponse {
    panic!("on purpose")
}

/// Users' tokens for tests: `user:<slug>` is a user of that project.
struct FakeTokens;

#[async_trait::async_trait(?Send)]
impl UserTokens for FakeTokens {
    async fn verify(
        &self,
        project: &Project,
        token: &str,
        _now: Stamp,
    ) -> Result<UserAuth, Problem> {
        if token != format!("user:{}", project.id) {
            return Err(Code::Unauthenticated.into());
        }
        let id = uuid::Uuid::from_u128(7);
        Ok(UserAuth::new(
            id,
            id,
            Arc::default(),
            kernel::Stamp::parse("2026-01-01T00:00:00Z").unwrap(),
        ))
    }
}

pub fn input(value: Value) -> gate::Input {
    gate::Input::new(value.as_object().cloned().unwrap())
}

pub fn project_in(slug: &str) -> ProjectIn {
    ProjectIn::read(input(json!({"id": slug, "name": format!("The {slug}")}))).unwrap()
}

pub fn operator(email: &str, more: Value) -> OperatorIn {
    let mut body = json!({"email": email, "password": PASSWORD});
    let is_owner = more == json!({});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap());
    if is_owner {
        OperatorIn::read_owner(input(body)).unwrap()
    } else {
        OperatorIn::read(input(body)).unwrap()
    }
}

pub fn code<T>(result: Result<T, Problem>) -> Option<Code> {
    result.err().map(|p| p.code())
}

pub fn who(id: uuid::Uuid) -> Who {
    Who::Operator {
        id,
        scopes: Arc::from(vec![]),
    }
}

/// An answer, read whole.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
}

/// Sends a request; a `Host` of 127.0.0.1:8090 stands in it unless it brings one.
pub async fn send(app: &Door, request: TestRequest) -> Answer {
    let answer = (app.0)(request).await;
    if answer.status >= 400 {
        let body = &answer.body;
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{} {body}",
            answer.status
        );
        assert_eq!(body["status"], answer.status, "{body}");
        assert_eq!(
            body["request_id"].as_str(),
            answer.header("x-request-id"),
            "{body}"
        );
        assert!(
            Code::ALL.iter().any(|c| body["code"] == c.as_str()),
            "{body}"
        );
    }
    answer
}

pub fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

pub fn bearer(request: TestRequest, token: &str) -> TestRequest {
    request.insert_header(("authorization", format!("Bearer {token}")))
}
