//! The gate's service: projects, operators, sessions, keys and settings, behind one cheap clone.

mod audit;
mod guesses;
mod keys;
mod nodes;
mod operators;
mod projects;
mod requests;
mod sessions;
mod settings;
mod setup;

pub use keys::{KeyIn, KeyMade};
pub use operators::{OperatorIn, Signed};
pub use projects::ProjectIn;
pub use requests::RequestsQuery;

use crate::cache::Fresh;
use crate::config::GateConfig;
use crate::password::Passwords;
use crate::ports::SettingsCheck;
use crate::roles::Roles;
use crate::{Master, Problem, StartError, migrations};
use kernel::{Clock, Ids};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use store::{Db, Listener, Step, Store, Topic};
use uuid::Uuid;

/// How old what was read may be where another node may have changed it; a little under the second that is promised.
const REREAD: Duration = Duration::from_millis(900);

/// What the gate is made of.
pub struct GateParts {
    /// The databases.
    pub store: Store,
    /// The clock.
    pub clock: Clock,
    /// The source of ids.
    pub ids: Ids,
    /// The master key.
    pub master: Master,
    /// The gate's section of the configuration.
    pub config: GateConfig,
    /// The address by which the world reaches the instance, without a slash at its end: `https://api.example`.
    pub public_url: String,
    /// The steps of every service's tables in a project; the gate adds its own.
    pub project_steps: Vec<Step>,
    /// The names of all permissions that a project key can be given.
    pub scopes: Vec<&'static str>,
    /// The request log's database, brought to [`crate::log_steps`]; without it nothing is logged.
    pub logs: Option<Db>,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Gate(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    store: Store,
    /// The instance's database.
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    ids: Ids,
    master: Master,
    pub(crate) config: GateConfig,
    pub(crate) public_url: String,
    steps: Vec<Step>,
    scopes: Vec<&'static str>,
    roles: Roles,
    passwords: Passwords,
    projects: projects::Projects,
    keys: keys::Keys,
    pub(crate) logs: Option<crate::requests::RequestLog>,
    /// Judges settings by what a service knows.
    check: OnceLock<Arc<dyn SettingsCheck>>,
}

impl Gate {
    /// Opens the instance's database and brings it to its steps.
    pub async fn open(parts: GateParts) -> Result<Self, StartError> {
        parts.config.validate()?;
        let db = parts.store.instance(&migrations::instance_steps()).await?;
        let own = migrations::project_steps();
        let others = parts
            .project_steps
            .into_iter()
            .filter(|step| own.iter().all(|o| o.name != step.name));
        let steps = own.iter().copied().chain(others).collect();
        let passwords = Passwords::from_config(&parts.config.passwords)?;
        let fresh = Fresh::new(match db {
            Db::Sqlite(_) => None,
            Db::Postgres(_) => Some(REREAD),
        });
        let logs = parts
            .logs
            .map(|db| crate::requests::RequestLog::new(db, &parts.config.request_log));
        Ok(Self(Arc::new(Inner {
            store: parts.store,
            db,
            clock: parts.clock,
            ids: parts.ids,
            master: parts.master,
            public_url: parts.public_url.trim_end_matches('/').to_owned(),
            steps,
            roles: Roles::new(&parts.scopes),
            scopes: parts.scopes,
            passwords,
            projects: projects::Projects::new(fresh.clone()),
            keys: keys::Keys::new(fresh),
            logs,
            config: parts.config,
            check: OnceLock::new(),
        })))
    }

    /// Hears what this node and the others change, to be handed to [`Gate::doubt`] and to what other services keep.
    #[must_use]
    pub fn listen(&self) -> Listener {
        self.0.store.listen()
    }

    /// Another node changed this: what is kept of it is read again at its next use.
    pub fn doubt(&self, project: Uuid, topic: Topic) {
        match topic {
            Topic::Settings => self.0.projects.doubt(project),
            Topic::Keys => self.0.keys.doubt(Some(project)),
            Topic::Schema | Topic::Sessions | Topic::SigningKeys | Topic::Changes => {}
        }
    }

    /// Something may have been missed: everything that is kept is read again at its next use.
    pub fn doubt_all(&self) {
        self.0.projects.doubt_all();
        self.0.keys.doubt(None);
    }

    /// Gives it who judges settings by what a service knows. To be called once, before the first change of settings;
    /// without it no field of the developer's own can be an identity.
    pub fn set_check(&self, check: Arc<dyn SettingsCheck>) {
        let _ = self.0.check.set(check);
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The one place where passwords are hashed, shared by all services.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// The address by which the world reaches the instance.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.0.public_url
    }

    /// The request log, if there is one. The server runs [`crate::RequestLog::run`] on its supervisor.
    #[must_use]
    pub fn request_log(&self) -> Option<&crate::RequestLog> {
        self.0.logs.as_ref()
    }

    /// Ends the use of all databases, after everything else has ended: each is left without a log beside it.
    pub async fn shutdown(&self) {
        self.0.store.shutdown().await;
    }

    /// Whether the instance's database answers.
    pub async fn ready(&self) -> Result<(), Problem> {
        crate::rows::operators::count(&self.0.db).await?;
        Ok(())
    }

    /// Reads a cursor of the list `name`.
    fn after(&self, name: &str, cursor: Option<&str>) -> Result<Option<Uuid>, Problem> {
        let Some(cursor) = cursor else {
            return Ok(None);
        };
        read_cursor(&self.0.master.derive_key("cursor"), name, cursor).map(Some)
    }

    /// A page of the list `name` from one row more than asked for.
    fn page<R, T>(
        &self,
        name: &str,
        limit: u32,
        rows: Vec<R>,
        id: fn(&R) -> Uuid,
        view: impl Fn(R) -> T,
    ) -> kernel::Page<T> {
        page(
            &self.0.master.derive_key("cursor"),
            name,
            limit,
            rows,
            id,
            view,
        )
    }
}

fn read_cursor(key: &[u8; 32], name: &str, cursor: &str) -> Result<Uuid, Problem> {
    let value = crate::open_cursor(key, cursor)?;
    if value.get(0).and_then(Value::as_str) != Some(name) {
        return Err(kernel::Code::CursorMismatch.into());
    }
    let id = value
        .get(1)
        .and_then(Value::as_str)
        .and_then(kernel::parse_id);
    id.ok_or_else(|| kernel::Code::InvalidCursor.into())
}

fn page<R, T>(
    key: &[u8; 32],
    name: &str,
    limit: u32,
    mut rows: Vec<R>,
    id: fn(&R) -> Uuid,
    view: impl Fn(R) -> T,
) -> kernel::Page<T> {
    let limit = limit as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more).map(id);
    let next_cursor = last.map(|id| crate::sign_cursor(key, &json!([name, id.to_string()])));
    kernel::Page {
        items: rows.into_iter().map(view).collect(),
        next_cursor,
        total: None,
    }
}
