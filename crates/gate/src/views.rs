//! What the gate's resources look like on the wire.

use crate::rows::{audit, keys, operators, projects, requests};
use kernel::Stamp;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// A project.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Project)]
pub struct ProjectView {
    /// The slug by which it is addressed.
    pub id: String,
    /// Names its folder, schema and keys; never used again.
    pub uid: Uuid,
    /// The name that people read.
    pub name: String,
    /// `active`, or `suspended` while all requests to it are refused.
    pub status: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: At,
    /// When it was changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: At,
}

impl From<projects::Model> for ProjectView {
    fn from(row: projects::Model) -> Self {
        let (created_at, updated_at) = (At(row.created_at), At(row.updated_at));
        Self {
            id: row.slug,
            uid: row.uid,
            name: row.name,
            status: row.status,
            created_at,
            updated_at,
        }
    }
}

/// An operator of the instance.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Operator)]
pub struct OperatorView {
    /// The id.
    pub id: Uuid,
    /// The e-mail address.
    pub email: String,
    /// The name that people read.
    pub name: Option<String>,
    /// `owner` of the instance, or `member` of some projects.
    pub role: String,
    /// A member's role (`owner`, `editor` or `viewer`) by project uid.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub projects: Value,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: At,
}

impl From<operators::Model> for OperatorView {
    fn from(row: operators::Model) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            role: row.role,
            projects: row.projects,
            created_at: At(row.created_at),
        }
    }
}

/// An operator's session that has begun.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OperatorSession)]
pub struct SessionView {
    /// The secret, to be sent as `Authorization: Bearer`.
    pub token: String,
    /// When it ends in any case.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Stamp,
    /// Whose it is.
    pub operator: OperatorView,
}

/// A project key, without the key itself.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ProjectKey)]
pub struct KeyView {
    /// The id.
    pub id: Uuid,
    /// The name that people read.
    pub name: String,
    /// What it may: permission names, `noun.*` or `*`.
    pub scopes: Vec<String>,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: At,
    /// When it ends, if ever.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<At>,
    /// When it was last used, to ten minutes.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<At>,
}

impl From<keys::Model> for KeyView {
    fn from(row: keys::Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            scopes: texts(&row.scopes),
            created_by: row.created_by,
            created_at: At(row.created_at),
            expires_at: row.expires_at.map(At),
            last_used_at: row.last_used_at.map(At),
        }
    }
}

/// A new project key. The key is shown here and never again.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NewProjectKey)]
pub struct NewKeyView {
    /// The key, to be sent as `Authorization: Bearer`.
    pub key: String,
    /// The rest of it.
    #[serde(flatten)]
    pub view: KeyView,
}

/// One act of an audit log.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditView {
    /// The id, in the order of time.
    pub id: Uuid,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: At,
    /// Who: `user:<id>`, `key:<id>`, `operator:<id>`, `cli`, or nobody.
    pub actor: Option<String>,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub target: String,
    /// What is worth knowing beside.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// The peer's network: an IPv4 address, or the /64 of an IPv6 address.
    pub network: String,
    /// Names the request.
    pub request_id: String,
}

impl From<audit::Row> for AuditView {
    fn from(row: audit::Row) -> Self {
        Self {
            id: row.id,
            at: At(row.at),
            actor: row.actor,
            action: row.action,
            target: row.target,
            detail: row.detail,
            network: row.network,
            request_id: row.request_id,
        }
    }
}

/// One request of the log.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = LoggedRequest)]
pub struct RequestView {
    /// The id, in the order of time.
    pub id: Uuid,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub at: At,
    /// Names it in problems and traces.
    pub request_id: String,
    /// The project, if it went to one.
    pub project: Option<String>,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status of the answer.
    pub status: i64,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// Who called.
    pub actor: Option<String>,
    /// The peer's network.
    pub network: String,
    /// The problem's code.
    pub code: Option<String>,
}

impl From<requests::Model> for RequestView {
    fn from(row: requests::Model) -> Self {
        Self {
            id: row.id,
            at: At(row.at),
            request_id: row.request_id,
            project: row.project,
            method: row.method,
            path: row.path,
            status: row.status,
            duration_us: row.duration_us,
            actor: row.actor,
            network: row.network,
            code: row.code,
        }
    }
}

/// Something with a version, which is its ETag.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<T> {
    /// The version.
    pub version: i64,
    /// The thing.
    pub value: T,
}

/// A time of our own tables, sent as a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At(OffsetDateTime);

impl Serialize for At {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        Stamp::from_time(self.0)
            .ok_or_else(|| serde::ser::Error::custom("a time out of range"))?
            .serialize(s)
    }
}

pub(crate) fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|items| {
            items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default()
}
