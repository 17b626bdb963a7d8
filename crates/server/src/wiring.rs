//! Builds every service once and gives each what it needs of the others.

use crate::config::Config;
use crate::people::People;
use crate::worker::Wake;
use accounts::model::users::UsersFilter;
use accounts::ports::{Directory, NewUser, UserChange, UserRow};
use accounts::{Accounts, AccountsParts};
use data::ports::FileRefs;
use data::{Data, DataError};
use files::ports::OwnerGate;
use files::{Files, FilesParts};
use gate::egress::Egress;
use gate::ports::SettingsCheck;
use gate::{Gate, GateParts, ListQuery, Master, Problem, Project, Who};
use kernel::{Clock, Code, FieldError, Ids, Page, Stamp};
use push::ports::Sessions;
use push::{Push, PushParts};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};
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
    /// Buckets and files.
    pub files: Files,
    /// Devices and messages.
    pub push: Push,
}

impl Services {
    /// Opens the databases. `public_url` has no slash at its end.
    /// `wake` learns of the projects that have background work.
    pub async fn open(
        config: &Config,
        data_dir: &Path,
        public_url: &str,
        wake: &Wake,
    ) -> Result<Self, String> {
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
        let attachments = Arc::new(Attachments::default());
        let data = Data::new(ids, attachments.clone());
        gate.set_check(Arc::new(Identities(data.clone())));
        let files = Files::new(FilesParts {
            ids,
            data_dir: data_dir.to_owned(),
            config: config.files.clone(),
            owners: Arc::new(Owners(data.clone())),
        });
        // Each needs the other: data binds files, files ask data about what is bound.
        let _ = attachments.0.set(files.clone());
        let egress = Egress::new(&config.gate.egress);
        let of_mail = wake.clone();
        let people = Arc::new(People {
            data: data.clone(),
            files: files.clone(),
            push: OnceLock::new(),
        });
        let accounts = Accounts::new(AccountsParts {
            directory: Arc::new(Users(data.clone())),
            parts: vec![people.clone()],
            passwords: gate.passwords().clone(),
            egress: egress.clone(),
            wake: Arc::new(move |project| of_mail.call(project)),
            ids,
            config: config.accounts.clone(),
        });
        let wake = wake.clone();
        let push = Push::new(PushParts {
            egress,
            sessions: Arc::new(LiveSessions(accounts.clone())),
            wake: Arc::new(move |project| wake.call(project)),
            ids,
            public_url: public_url.to_owned(),
            config: config.push.clone(),
        });
        let _ = people.push.set(push.clone());
        Ok(Self {
            gate,
            accounts,
            data,
            files,
            push,
        })
    }
}

/// The tables of all services in a project, in the order of their need.
fn project_steps() -> Vec<Step> {
    let mut steps = data::steps();
    steps.extend_from_slice(Accounts::steps());
    steps.extend_from_slice(Files::steps());
    steps.extend_from_slice(Push::steps());
    steps
}

/// Everything that a project key can be given.
fn scopes() -> Vec<&'static str> {
    [
        gate::can::PROJECT_SCOPES,
        accounts::can::PROJECT_SCOPES,
        data::can::PROJECT_SCOPES,
        files::can::PROJECT_SCOPES,
        push::can::PROJECT_SCOPES,
        crate::openapi::can::PROJECT_SCOPES,
    ]
    .concat()
}

/// The users of accounts are records of data.
struct Users(Data);

fn row(user: data::User) -> UserRow {
    UserRow {
        id: user.id,
        email: user.email,
        username: user.username,
        phone: user.phone,
        verified: user.verified,
        phone_verified: user.phone_verified,
        disabled: user.disabled,
        anonymous: user.anonymous,
        roles: Vec::new(),
        view: user.view,
    }
}

#[async_trait::async_trait(?Send)]
impl Directory for Users {
    async fn find(
        &self,
        project: &Project,
        field: &str,
        value: &str,
    ) -> Result<Option<UserRow>, Problem> {
        Ok(self.0.find_user(project, field, value).await?.map(row))
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
        let user = data::NewUser {
            id: user.id,
            email: user.email,
            username: user.username,
            phone: user.phone,
            verified: user.verified,
            phone_verified: user.phone_verified,
            anonymous: user.anonymous,
            profile: user.profile,
            trusted: user.trusted,
            now: user.now,
            actor: user.actor,
        };
        let made = self.0.create_user(project, tx, &user).await;
        made.map(row).map_err(taken)
    }

    async fn lock(
        &self,
        project: &Project,
        tx: &WriteTx,
        id: Uuid,
    ) -> Result<Option<UserRow>, Problem> {
        Ok(self.0.lock_user(project, tx, id).await?.map(row))
    }

    async fn change(
        &self,
        project: &Arc<Project>,
        tx: &WriteTx,
        id: Uuid,
        change: UserChange,
    ) -> Result<(), Problem> {
        let change = data::UserChange {
            email: change.email,
            username: change.username,
            phone: change.phone,
            verified: change.verified,
            phone_verified: change.phone_verified,
            disabled: change.disabled,
            anonymous: change.anonymous,
            profile: change.profile,
            now: change.now,
            actor: change.actor,
        };
        let done = self.0.update_user(project, tx, id, &change).await;
        done.map_err(taken)
    }

    async fn erase(
        &self,
        project: &Arc<Project>,
        tx: &WriteTx,
        id: Uuid,
        now: Stamp,
        actor: Option<String>,
    ) -> Result<(), Problem> {
        let erased = self.0.erase_user(project, tx, id, now, actor).await;
        erased.map_err(Problem::from)
    }

    async fn record(
        &self,
        project: &Project,
        id: Uuid,
        now: Stamp,
    ) -> Result<Option<Map<String, Value>>, Problem> {
        crate::people::record(&self.0, project, id, now).await
    }

    async fn page(
        &self,
        project: &Project,
        filter: &UsersFilter,
        query: &ListQuery,
        now: Stamp,
    ) -> Result<Page<Map<String, Value>>, Problem> {
        crate::people::page(&self.0, project, filter, query, now).await
    }
}

/// What users may be known by is data's business.
struct Identities(Data);

#[async_trait::async_trait(?Send)]
impl SettingsCheck for Identities {
    async fn identities(
        &self,
        project: &Project,
        identities: &[String],
    ) -> Result<Vec<FieldError>, Problem> {
        let faults = self.0.identity_faults(project, identities).await;
        faults.map_err(Problem::from)
    }
}

fn taken(error: DataError) -> Problem {
    match error {
        DataError::Store(StoreError::Unique(_)) => Code::IdentityTaken.into(),
        error => error.into(),
    }
}

/// The files that fields of data's records hold are files' business.
#[derive(Default)]
struct Attachments(OnceLock<Files>);

impl Attachments {
    fn files(&self) -> Result<&Files, Problem> {
        self.0
            .get()
            .ok_or_else(|| Problem::internal("files are not wired yet"))
    }
}

fn owner(owner: &data::ports::FileOwner) -> files::FileOwner {
    let data::ports::FileOwner {
        collection,
        record,
        field,
    } = owner.clone();
    files::FileOwner {
        collection,
        record,
        field,
    }
}

#[async_trait::async_trait(?Send)]
impl FileRefs for Attachments {
    async fn claim(
        &self,
        _project: &Project,
        tx: &WriteTx,
        who: &Who,
        claims: &[data::ports::FileClaim],
    ) -> Result<Result<(), Vec<Uuid>>, Problem> {
        let claims: Vec<files::FileClaim> = claims
            .iter()
            .map(|claim| files::FileClaim {
                file: claim.file,
                bucket: claim.bucket.clone(),
                owner: owner(&claim.owner),
            })
            .collect();
        self.files()?.claim(tx, who, &claims).await
    }

    async fn release(
        &self,
        project: &Project,
        tx: &WriteTx,
        releases: &[data::ports::FileRelease],
        now: Stamp,
    ) -> Result<(), Problem> {
        let releases: Vec<files::FileRelease> = releases
            .iter()
            .map(|release| files::FileRelease {
                owner: owner(&release.owner),
                file: release.file,
            })
            .collect();
        self.files()?.release(project, tx, &releases, now).await
    }

    async fn renamed(
        &self,
        tx: &WriteTx,
        from: (&str, &str),
        to: (&str, &str),
    ) -> Result<(), Problem> {
        self.files()?.rename_owners(tx, from, to).await
    }

    async fn views(
        &self,
        project: &Project,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, String>, Problem> {
        self.files()?.views(project, ids).await
    }

    async fn has_bucket(&self, project: &Project, bucket: &str) -> Result<bool, Problem> {
        self.files()?.has_bucket(project, bucket).await
    }
}

/// The records that hold files are data's business.
struct Owners(Data);

#[async_trait::async_trait(?Send)]
impl OwnerGate for Owners {
    async fn may_read(
        &self,
        project: &Project,
        asker: &files::Asker,
        collection: &str,
        record: Uuid,
        field: &str,
    ) -> Result<bool, Problem> {
        let asker = data::Asker {
            who: asker.who.clone(),
            now: asker.now,
            request: asker.request.clone(),
            request_id: asker.request_id.clone(),
            for_server: false,
            actor: None,
        };
        self.0
            .may_read_field(project, &asker, collection, record, field)
            .await
            .map_err(Problem::from)
    }
}

/// The sessions that devices belong to are those of accounts.
struct LiveSessions(Accounts);

#[async_trait::async_trait(?Send)]
impl Sessions for LiveSessions {
    async fn alive(
        &self,
        project: &Project,
        sessions: &[Uuid],
        now: Stamp,
    ) -> Result<HashSet<Uuid>, Problem> {
        self.0
            .alive(project, sessions, now)
            .await
            .map_err(Problem::from)
    }
}
