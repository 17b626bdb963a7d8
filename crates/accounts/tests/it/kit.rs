//! What the tests stand on: a project on either engine, a directory over a table of its own, a clock that is held, and
//! calls through real routes.

pub use crate::directory::user;

use crate::directory::{Users, users_table};
use accounts::{Accounts, AccountsConfig, AccountsParts};
use actix_web::dev::Service;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use actix_web::{App, HttpMessage};
use gate::egress::{Egress, EgressConfig};
use gate::password::Passwords;
use gate::ports::UserTokens;
use gate::{
    Access, By, Gate, GateConfig, GateParts, Input, Master, OwnPage, Place, Problem, Project, Who,
};
use kernel::{Clock, Ids, Stamp};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use serde_json::{Value, json};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use store::{Db, Engine, PgOptions, SqliteOptions, Step, Store, StoreError, WriteTx};
use utoipa_actix_web::AppExt;
use uuid::Uuid;

pub const PASSWORD: &str = "correct horse";

/// A project with accounts, and a hand on its clock.
pub struct Kit {
    pub accounts: Accounts,
    pub project: Arc<Project>,
    pub clock: Clock,
    store: Store,
    _dir: tempfile::TempDir,
}

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

    pub fn text(&self, name: &str) -> String {
        self.json()[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in {self:?}"))
            .to_owned()
    }

    /// The status and the problem's code.
    pub fn fails(&self) -> (u16, String) {
        (
            self.status.as_u16(),
            self.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        self
    }
}

/// Runs a test on SQLite and on PostgreSQL.
pub async fn on_both(test: impl AsyncFn(Kit)) {
    let url = std::env::var("GALLEY_TEST_POSTGRES");
    let url = url.expect("GALLEY_TEST_POSTGRES is not set: run the tests with `cargo xtask test`, which starts a PostgreSQL for them");
    test(Kit::start(Engine::Sqlite(SqliteOptions::default())).await).await;
    let options = PgOptions {
        read_connections: 3,
        write_connections: 3,
        ..PgOptions::new(url)
    };
    test(Kit::start(Engine::Postgres(options)).await).await;
}

pub fn accounts() -> Accounts {
    accounts_with(AccountsConfig::default())
}

/// Accounts that may reach these origins of the machine itself.
pub fn accounts_reaching(origins: &[&str]) -> Accounts {
    accounts_of(AccountsConfig::default(), &reaching(origins))
}

pub fn accounts_with(config: AccountsConfig) -> Accounts {
    accounts_of(config, &EgressConfig::default())
}

/// Accounts whose requests may go to these private addresses.
pub fn accounts_through(config: AccountsConfig, egress: &EgressConfig) -> Accounts {
    accounts_of(config, egress)
}

fn reaching(origins: &[&str]) -> EgressConfig {
    EgressConfig {
        allow_origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
    }
}

fn accounts_of(config: AccountsConfig, egress: &EgressConfig) -> Accounts {
    Accounts::new(AccountsParts {
        directory: Arc::new(Users),
        parts: Vec::new(),
        passwords: Passwords::new(2, 64),
        egress: Egress::new(egress),
        wake: Arc::new(|_| ()),
        ids: Ids,
        config,
    })
}

impl Kit {
    async fn start(engine: Engine) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(&engine, dir.path()).await.unwrap();
        let project = Project::for_tests(database(&store).await, "shop").unwrap();
        let clock = Clock::held(Stamp::parse("2026-01-02T03:04:05Z").unwrap());
        Self {
            accounts: accounts(),
            project,
            clock,
            store,
            _dir: dir,
        }
    }

    /// A second project on the same store.
    pub async fn other_project(&self) -> Arc<Project> {
        Project::for_tests(database(&self.store).await, "blog").unwrap()
    }

    /// The same project with other accounts: another process.
    pub fn with_accounts(&self, accounts: Accounts) -> Self {
        Self {
            accounts,
            project: self.project.clone(),
            clock: self.clock.clone(),
            store: self.store.clone(),
            _dir: tempfile::tempdir().unwrap(),
        }
    }

    /// The same accounts, asked at another project.
    pub async fn in_other_project(&self) -> Self {
        Self {
            accounts: self.accounts.clone(),
            project: self.other_project().await,
            clock: self.clock.clone(),
            store: self.store.clone(),
            _dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now().plus(time));
    }

    /// Calls as somebody with this bearer token, or as nobody.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Reply {
        let who = match token {
            None => Ok(Who::Anonymous),
            Some(token) => self
                .accounts
                .verify(&self.project, token, self.clock.now())
                .await
                .map(Who::User),
        };
        self.call_as(method, path, who, body, &[]).await
    }

    /// Calls as somebody who holds these permissions.
    pub async fn key(
        &self,
        method: Method,
        path: &str,
        scopes: &[&str],
        body: Option<Value>,
    ) -> Reply {
        let scopes = scopes.iter().map(|s| (*s).to_owned());
        let who = Who::Key {
            id: Uuid::from_u128(1),
            scopes: scopes.collect::<Arc<[String]>>(),
        };
        self.call_as(method, path, Ok(who), body, &[]).await
    }

    /// Whom rules see behind a token.
    pub async fn auth(&self, token: &str) -> Arc<rules::Auth> {
        let now = self.clock.now();
        let user = self.accounts.verify(&self.project, token, now).await;
        user.unwrap().auth
    }

    /// Changes the project's settings for the test.
    pub fn settings(&self, change: impl FnOnce(&mut gate::Settings)) {
        let mut settings = (*self.project.settings()).clone();
        change(&mut settings);
        self.project.set_for_tests(settings);
    }

    /// Lets the jobs do what is due.
    pub async fn tick(&self) {
        let now = self.clock.now();
        self.accounts.tick(&self.project, now).await.unwrap();
    }

    /// Mails with what became of them, the newest first.
    pub async fn mails(&self) -> Vec<Value> {
        let all = self.key(Method::GET, "/v1/mails", &["mails.read"], None);
        let all = all.await.expect(200).json();
        all["items"].as_array().unwrap().clone()
    }

    /// The newest mail in the development inbox made of this template, for this address.
    pub async fn mail(&self, template: &str, to: &str) -> Value {
        self.tick().await;
        let all = self.mails().await;
        let found = all
            .iter()
            .find(|m| m["template"] == template && m["recipient"] == to && m["status"] == "caught");
        let found = found.unwrap_or_else(|| panic!("no {template} to {to} in {all:#?}"));
        let path = format!("/v1/mails/{}", found["id"].as_str().unwrap());
        let mail = self.key(Method::GET, &path, &["mails.open"], None).await;
        mail.expect(200).json()
    }

    /// The secret in the link of a mail.
    pub async fn token(&self, template: &str, to: &str) -> String {
        let mail = self.mail(template, to).await;
        let text = mail["text"].as_str().unwrap();
        let (_, rest) = text.split_once("token=").unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }

    /// Calls as this caller, through the routes.
    pub async fn call_as(
        &self,
        method: Method,
        path: &str,
        who: Result<Who, Problem>,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let header = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| *value)
        };
        let access = Rc::new(Access {
            place: Place::Project,
            project: Some(self.project.clone()),
            on_own_host: false,
            who,
            now: self.clock.now(),
            request_id: "request".to_owned(),
            network: header("x-test-network").unwrap_or("192.0.2.1").to_owned(),
        });
        let (app, _) = App::new()
            .app_data(Data::new(self.accounts.clone()))
            .into_utoipa_app()
            .configure(accounts::configure_project)
            .map(|app| app.configure(accounts::configure_pages))
            .split_for_parts();
        // What the front door finds of a page of the own origin; the header's value stands for the cookie's.
        let page = headers.iter().find(|(name, _)| *name == "x-galley-csrf");
        let page = page.map(|(_, value)| OwnPage {
            refresh_token: (*value != "1").then(|| (*value).to_owned()),
        });
        let app = init_service(app.wrap_fn(move |request, service| {
            request.extensions_mut().insert(access.clone());
            if let Some(page) = &page {
                request.extensions_mut().insert(page.clone());
            }
            service.call(request)
        }))
        .await;
        let mut request = TestRequest::default().method(method).uri(path);
        for header in headers {
            request = request.insert_header(*header);
        }
        match body {
            Some(Value::String(form)) => {
                let kind = ("content-type", "application/x-www-form-urlencoded");
                if headers.iter().all(|(name, _)| *name != "content-type") {
                    request = request.insert_header(kind);
                }
                request = request.set_payload(form);
            }
            Some(body) => request = request.set_json(body),
            None => {}
        }
        let mut response = call_service(&app, request.to_request()).await;
        let problem = response.response().extensions().get::<Problem>().cloned();
        if let Some(problem) = problem {
            let (request, _) = response.into_parts();
            response = actix_web::dev::ServiceResponse::new(request, problem.render("request"));
        }
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        Reply {
            status: response.status(),
            headers,
            bytes: read_body(response).await.to_vec(),
        }
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(Method::POST, path, None, Some(body)).await
    }

    pub async fn post_as(&self, token: &str, path: &str, body: Option<Value>) -> Reply {
        self.call(Method::POST, path, Some(token), body).await
    }

    pub async fn me(&self, token: &str) -> Reply {
        self.call(Method::GET, "/v1/users/me", Some(token), None)
            .await
    }

    pub async fn sign_up(&self, email: &str) -> Reply {
        self.post(
            "/v1/auth/sign-up",
            json!({"email": email, "password": PASSWORD}),
        )
        .await
    }

    /// Signs in from another network, with another device.
    pub async fn sign_in_from(&self, network: &str, agent: &str, form: (&str, &str)) -> Reply {
        let (identity, password) = form;
        let body = json!({"identity": identity, "password": password});
        let headers = [("x-test-network", network), ("user-agent", agent)];
        let (path, who) = ("/v1/auth/sign-in/password", Ok(Who::Anonymous));
        self.call_as(Method::POST, path, who, Some(body), &headers)
            .await
    }

    pub async fn sign_in(&self, identity: &str, password: &str) -> Reply {
        self.post(
            "/v1/auth/sign-in/password",
            json!({"identity": identity, "password": password}),
        )
        .await
    }

    pub async fn refresh(&self, token: &str) -> Reply {
        self.post("/v1/auth/refresh", json!({"refresh_token": token}))
            .await
    }

    /// Closes the project to strangers, as its owner would.
    pub async fn close_sign_up(&self) {
        self.set(json!({"sign_up": "closed"}), &[]).await;
    }

    /// Changes settings, as the project's owner would.
    pub async fn change_settings(&self, change: Value, reach: &[String]) {
        let reach: Vec<&str> = reach.iter().map(String::as_str).collect();
        self.set(change, &reach).await;
    }

    /// Changes the project's settings, as its owner would, with these origins exempt.
    pub async fn set(&self, change: Value, origins: &[&str]) {
        self.owner(origins, async |gate, by| {
            let change = Input::new(change.as_object().cloned().unwrap());
            let done = gate.update_settings(&self.project, by, None, change).await;
            done.map(drop)
        })
        .await
        .unwrap();
    }

    /// Acts as the project's owner.
    pub async fn owner<T>(&self, origins: &[&str], act: impl AsyncFnOnce(&Gate, &By) -> T) -> T {
        let dir = tempfile::tempdir().unwrap();
        let parts = GateParts {
            store: Store::start(&Engine::Sqlite(SqliteOptions::default()), dir.path())
                .await
                .unwrap(),
            clock: self.clock.clone(),
            ids: Ids,
            master: Master::open(dir.path(), None, false).unwrap(),
            config: GateConfig {
                egress: reaching(origins),
                ..GateConfig::default()
            },
            public_url: "http://127.0.0.1:8090".to_owned(),
            project_steps: Vec::new(),
            scopes: Vec::new(),
            logs: None,
        };
        let gate = Gate::open(parts).await.unwrap();
        act(&gate, &By::cli(self.clock.now())).await
    }

    pub async fn found(&self, email: &str) -> user::Model {
        let found = user::Entity::find().filter(user::Column::Email.eq(email));
        found.one(&self.project.db).await.unwrap().unwrap()
    }

    /// Writes to the directory, as an operator would.
    pub async fn write(&self, change: user::ActiveModel) {
        let write = async move |tx: &WriteTx| -> Result<(), StoreError> {
            change.clone().update(tx).await?;
            Ok(())
        };
        self.project.db.write(write).await.unwrap();
    }

    pub async fn set_disabled(&self, email: &str, disabled: bool) -> Uuid {
        let id = self.found(email).await.id;
        let mut change = user::ActiveModel {
            id: ActiveValue::Unchanged(id),
            ..Default::default()
        };
        change.disabled = ActiveValue::Set(disabled);
        self.write(change).await;
        id
    }

    pub async fn is_verified(&self, email: &str) -> bool {
        self.found(email).await.verified
    }

    pub async fn set_verified(&self, email: &str, verified: bool) {
        let mut change = self.found(email).await.into_active_model();
        change.verified = ActiveValue::Set(verified);
        self.write(change).await;
    }

    pub async fn set_email(&self, email: &str, new: &str) {
        let mut change = self.found(email).await.into_active_model();
        change.email = ActiveValue::Set(Some(new.to_owned()));
        change.key = ActiveValue::Set(Some(gate::email_key(new)));
        self.write(change).await;
    }

    /// Removes a user from the directory.
    pub async fn erase(&self, email: &str) {
        let email = email.to_owned();
        let write = async move |tx: &WriteTx| -> Result<(), StoreError> {
            user::Entity::delete_many()
                .filter(user::Column::Email.eq(email.as_str()))
                .exec(tx)
                .await?;
            Ok(())
        };
        self.project.db.write(write).await.unwrap();
    }
}

async fn database(store: &Store) -> Db {
    let mut steps = gate::project_steps().to_vec();
    steps.extend_from_slice(Accounts::steps());
    steps.push(Step {
        name: "test/1-users",
        up: users_table,
    });
    store.project(Ids.new_id(), &steps).await.unwrap()
}
