//! Builds every service once and gives each what it needs of the others.

use crate::config::Config;
use accounts::ports::{Directory, NewUser, UserRow};
use accounts::{Accounts, AccountsParts};
use data::ports::{FileClaim, FileOwner, FileRefs};
use data::{Data, DataError};
use gate::{Gate, GateParts, Master, Problem, Project, Who};
use kernel::{Clock, Code, Ids, Stamp};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use store::{Engine, Step, Store, StoreError, WriteTx};
use uuid::Uuid;

/// The services of a process. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Projects, operators, keys; who calls and may they.
    pub gate: Gate,
    /// Users' sessions.
    pub accounts: Accounts,
    /// Collections and records.
    pub data: Data,
}

impl Services {
    /// Opens the databases. `public_url` has no slash at its end.
    pub async fn open(config: &Config, data_dir: &Path, public_url: &str) -> Result<Self, String> {
        let engine = config.engine();
        let given = (!config.secrets.master_key.is_empty())
            .then(|| SecretString::from(config.secrets.master_key.clone()));
        let master = Master::open(
            data_dir,
            given.as_ref(),
            matches!(engine, Engine::Postgres(_)),
        )
        .map_err(|e| e.to_string())?;
        let store = Store::start(&engine, data_dir)
            .await
            .map_err(|e| format!("database: {e}"))?;
        let logs = store
            .local(&data_dir.join("logs.db"), &gate::log_steps())
            .await
            .map_err(|e| format!("logs.db: {e}"))?;
        let ids = Ids;
        let gate = Gate::open(GateParts {
            store,
            clock: Clock::system(),
            ids,
            master,
            config: config.gate.clone(),
            public_url: public_url.to_owned(),
            project_steps: project_steps(),
            scopes: scopes(),
            logs: Some(logs),
        })
        .await
        .map_err(|e| e.to_string())?;
        let data = Data::new(ids, Arc::new(NoFiles));
        let accounts = Accounts::new(AccountsParts {
            directory: Arc::new(Users(data.clone())),
            passwords: gate.passwords().clone(),
            ids,
            config: config.accounts.clone(),
        });
        Ok(Self {
            gate,
            accounts,
            data,
        })
    }
}

/// The tables of all services in a project, in the order of their need.
fn project_steps() -> Vec<Step> {
    let mut steps = data::steps();
    steps.extend_from_slice(accounts::Accounts::steps());
    steps
}

/// Everything that a project key can be given.
fn scopes() -> Vec<&'static str> {
    [
        gate::can::PROJECT_SCOPES,
        accounts::can::PROJECT_SCOPES,
        data::can::PROJECT_SCOPES,
        crate::openapi::can::PROJECT_SCOPES,
    ]
    .concat()
}

/// No bucket is there, so that no field can hold a file.
struct NoFiles;

#[async_trait::async_trait(?Send)]
impl FileRefs for NoFiles {
    async fn claim(
        &self,
        _project: &Project,
        _tx: &WriteTx,
        _who: &Who,
        claims: &[FileClaim],
    ) -> Result<Result<(), Vec<Uuid>>, Problem> {
        Ok(Err(claims.iter().map(|c| c.file).collect()))
    }

    async fn release(
        &self,
        _project: &Project,
        _tx: &WriteTx,
        _owners: &[FileOwner],
        _now: Stamp,
    ) -> Result<(), Problem> {
        Ok(())
    }

    async fn views(
        &self,
        _project: &Project,
        _ids: &[Uuid],
    ) -> Result<HashMap<Uuid, String>, Problem> {
        Ok(HashMap::new())
    }

    async fn has_bucket(&self, _project: &Project, _bucket: &str) -> Result<bool, Problem> {
        Ok(false)
    }
}

/// The users of accounts are records of data.
struct Users(Data);

fn row(user: data::User) -> UserRow {
    UserRow {
        id: user.id,
        email: user.email,
        verified: user.verified,
        disabled: user.disabled,
        anonymous: false,
        roles: Vec::new(),
        view: user.view,
    }
}

#[async_trait::async_trait(?Send)]
impl Directory for Users {
    async fn find(&self, project: &Project, identity: &str) -> Result<Option<UserRow>, Problem> {
        Ok(self.0.find_user(project, identity).await?.map(row))
    }

    async fn get(&self, project: &Project, id: Uuid) -> Result<Option<UserRow>, Problem> {
        Ok(self.0.get_user(project, id).await?.map(row))
    }

    async fn check(&self, project: &Project, profile: &Map<String, Value>) -> Result<(), Problem> {
        self.0
            .check_user(project, profile)
            .await
            .map_err(Problem::from)
    }

    async fn create(
        &self,
        project: &Project,
        tx: &WriteTx,
        user: NewUser,
    ) -> Result<UserRow, Problem> {
        let NewUser {
            id,
            email,
            profile,
            now,
            actor,
        } = user;
        let made = self
            .0
            .create_user(
                project,
                tx,
                &data::NewUser {
                    id,
                    email,
                    profile,
                    now,
                    actor,
                },
            )
            .await;
        made.map(row).map_err(|e| match e {
            DataError::Store(StoreError::Unique(_)) => Code::IdentityTaken.into(),
            e => e.into(),
        })
    }
}
