//! What the command line can have done, here or by the server that holds the data directory.

use crate::config::Config;
use crate::openapi::Documents;
use crate::wiring::Services;
use gate::audit::By;
use gate::{Input, ListQuery, OperatorIn, Problem, ProjectIn, Reach};
use kernel::limits::PAGE_MAX;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A command.
#[derive(Debug, Serialize, Deserialize)]
pub enum Command {
    /// Create a project.
    ProjectCreate { id: String, name: String },
    /// List all projects.
    ProjectList,
    /// Give a project another name.
    ProjectRename { id: String, name: String },
    /// Suspend or resume a project.
    ProjectSuspend { id: String, suspended: bool },
    /// Add an operator.
    OperatorCreate { email: String, password: String },
    /// List all operators.
    OperatorList,
    /// Remove an operator.
    OperatorDelete { id: String },
    /// Create a key and tell it.
    KeyCreate {
        project: String,
        scopes: Vec<String>,
        name: String,
        expires_at: Option<String>,
    },
    /// List a project's keys.
    KeyList { project: String },
    /// Revoke a key.
    KeyRevoke { project: String, id: String },
    /// The document of the instance or of a project.
    Openapi { project: Option<String> },
}

/// Does a command and gives what is to be printed.
pub async fn run(services: &Services, command: Command) -> Result<String, String> {
    act(services, command)
        .await
        .map_err(|problem| sentence(&problem))
}

/// A problem as one line for a terminal.
pub fn sentence(problem: &Problem) -> String {
    let faults: Vec<String> = problem
        .field_errors()
        .iter()
        .map(|e| format!("{}: {}", e.path.trim_start_matches('/'), e.message))
        .collect();
    match faults.is_empty() {
        true => problem.to_string(),
        false => faults.join(" "),
    }
}

async fn act(services: &Services, command: Command) -> Result<String, Problem> {
    let gate = &services.gate;
    let by = By::cli(gate.clock().now());
    let reach = Reach::Everything;
    let all = ListQuery {
        limit: PAGE_MAX,
        ..ListQuery::default()
    };
    let lines = |items: Vec<String>| items.join("\n");
    Ok(match command {
        Command::ProjectCreate { id, name } => {
            let made = gate
                .create_project(
                    &by,
                    ProjectIn::read(input(json!({"id": id, "name": name})))?,
                )
                .await?;
            format!("created the project {}", made.id)
        }
        Command::ProjectList => {
            let page = gate.list_projects(&reach, &all).await?;
            lines(
                page.items
                    .iter()
                    .map(|p| format!("{}\t{}\t{}", p.id, p.status, p.name))
                    .collect(),
            )
        }
        Command::ProjectRename { id, name } => {
            gate.rename_project(&reach, &by, &id, name).await?;
            format!("renamed the project {id}")
        }
        Command::ProjectSuspend { id, suspended } => {
            gate.suspend_project(&reach, &by, &id, suspended).await?;
            format!(
                "{} the project {id}",
                if suspended { "suspended" } else { "resumed" }
            )
        }
        Command::OperatorCreate { email, password } => {
            let made = gate
                .create_operator(
                    &by,
                    OperatorIn::read_owner(input(json!({"email": email, "password": password})))?,
                )
                .await?;
            format!("created the operator {}", made.email)
        }
        Command::OperatorList => {
            let page = gate.list_operators(&all).await?;
            lines(
                page.items
                    .iter()
                    .map(|o| format!("{}\t{}\t{}", o.id, o.role, o.email))
                    .collect(),
            )
        }
        Command::OperatorDelete { id } => {
            gate.delete_operator(&by, parse_id(&id)?).await?;
            format!("removed the operator {id}")
        }
        Command::KeyCreate {
            project,
            scopes,
            name,
            expires_at,
        } => {
            let mut object = json!({"name": name, "scopes": scopes});
            if let Some(at) = expires_at {
                object["expires_at"] = at.into();
            }
            let new = gate.read_key(input(object), by.now)?;
            gate.create_key(&reach, &by, &project, new).await?.1
        }
        Command::KeyList { project } => {
            let page = gate.list_keys(&reach, &project, &all).await?;
            lines(
                page.items
                    .iter()
                    .map(|k| format!("{}\t{}\t{}", k.id, k.scopes.join(","), k.name))
                    .collect(),
            )
        }
        Command::KeyRevoke { project, id } => {
            gate.delete_key(&reach, &by, &project, parse_id(&id)?)
                .await?;
            format!("revoked the key {id}")
        }
        Command::Openapi { project } => document(services, project).await?,
    })
}

async fn document(services: &Services, project: Option<String>) -> Result<String, Problem> {
    let (documents, _) = Documents::collect();
    let document = match project {
        None => documents.instance(services.gate.public_url()),
        Some(id) => {
            let project = services.gate.project(&id).await?;
            documents.project(&project, &*services.data.schema(&project).await?)
        }
    };
    Ok(serde_json::to_string_pretty(&document).unwrap_or_default())
}

fn input(value: Value) -> Input {
    let object = if let Value::Object(object) = value {
        object
    } else {
        Map::new()
    };
    Input::new(object)
}

fn parse_id(text: &str) -> Result<uuid::Uuid, Problem> {
    kernel::parse_id(text)
        .ok_or_else(|| Problem::new(kernel::Code::InvalidId).detail(format!("{text:?} is no id")))
}

/// The settings in force, with secrets left out.
pub fn effective(config: &Config) -> String {
    let mut value = serde_json::to_value(config).unwrap_or_default();
    let secrets = [
        "/database/url",
        "/secrets/master_key",
        "/accounts/mail/smtp_password",
    ];
    for place in secrets {
        if let Some(secret) = value.pointer_mut(place)
            && secret.as_str().is_some_and(|s| !s.is_empty())
        {
            *secret = "(set)".into();
        }
    }
    serde_json::to_string_pretty(&value).unwrap_or_default()
}
