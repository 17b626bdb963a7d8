//! Operators: who they are, and what they reach.

use super::Gate;
use crate::audit::{By, record_instance};
use crate::password::check_new_password;
use crate::query::ListQuery;
use crate::roles::{ProjectRole, Reach};
use crate::rows::operators::{self, Model};
use crate::rows::{projects, sessions};
use crate::views::OperatorView;
use crate::{Input, PasswordPolicy, Problem, Who, email_key};
use kernel::{Code, FieldError, Page, Stamp};
use serde_json::{Value, json};
use std::collections::HashMap;
use store::{StoreError, WriteTx};
use uuid::Uuid;

/// Characters of an operator's password at least: it opens everything.
const PASSWORD_CHARS_MIN: usize = 10;

/// A new operator, as it was asked for.
#[derive(Clone, Debug)]
pub struct OperatorIn {
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) password: String,
    owner: bool,
    /// A member's roles by slug.
    projects: Vec<(String, ProjectRole)>,
}

/// A session that has begun: its secret, its end, and whose it is.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The secret, shown once.
    pub token: String,
    /// When it ends in any case.
    pub expires_at: Stamp,
    /// Whose it is.
    pub operator: OperatorView,
}

impl OperatorIn {
    /// Reads `email`, `password` and, if they are there, `name`, `role` and `projects`.
    pub fn read(mut input: Input) -> Result<Self, Problem> {
        let mut new = Self::read_person(&mut input);
        let role = input.optional_text("role", 1, 20);
        new.owner = match role.as_deref() {
            Some("owner") => true,
            None | Some("member") => false,
            Some(_) => {
                input.fault(
                    "role",
                    "not_a_choice",
                    "This must be \"owner\" or \"member\".",
                );
                false
            }
        };
        new.projects = read_projects(&mut input);
        input.finish().map(|()| new)
    }

    /// Reads `email`, `password` and, if it is there, `name`, of an owner.
    pub fn read_owner(mut input: Input) -> Result<Self, Problem> {
        let new = Self::read_person(&mut input);
        input.finish().map(|()| new)
    }

    fn read_person(input: &mut Input) -> Self {
        let email = input.text("email", 1, 254).trim().to_owned();
        if !email.is_empty() && !is_email(&email) {
            input.fault("email", "not_an_email", "This must be an e-mail address.");
        }
        let name = input.optional_text("name", 1, 100);
        let password = check_new_password(input, "password");
        if password.chars().count() < PASSWORD_CHARS_MIN && !input.has_fault("password") {
            let message = format!("At least {PASSWORD_CHARS_MIN} characters are needed.");
            input.fault("password", "too_short", message);
        }
        Self {
            email,
            name,
            password,
            owner: true,
            projects: Vec::new(),
        }
    }
}

fn read_projects(input: &mut Input) -> Vec<(String, ProjectRole)> {
    let members = match input.take("projects") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Object(members)) => members,
        Some(_) => {
            input.fault(
                "projects",
                "not_an_object",
                "This must be an object of project ids and roles.",
            );
            return Vec::new();
        }
    };
    let mut roles = Vec::new();
    for (slug, role) in members {
        match role.as_str().and_then(ProjectRole::parse) {
            Some(role) => roles.push((slug, role)),
            None => {
                let path = format!("/projects/{}", slug.replace('~', "~0").replace('/', "~1"));
                input.push(FieldError {
                    path,
                    code: "not_a_choice",
                    message: "This must be \"owner\", \"editor\" or \"viewer\".".to_owned(),
                });
            }
        }
    }
    roles
}

/// Whether a text can be an address: one `@` with something on both sides, no spaces, no control characters.
fn is_email(text: &str) -> bool {
    let clean = !text
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'));
    clean
        && text.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty()
                && domain.len() > 2
                && !domain.contains('@')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
        })
}

impl Gate {
    /// How far the caller's rights reach at the instance. Only operators have any.
    pub async fn reach(&self, who: &Who) -> Result<Reach, Problem> {
        let Who::Operator { id, .. } = who else {
            return Err(Code::PermissionDenied.into());
        };
        let row = operators::by_id(&self.0.db, *id)
            .await?
            .ok_or(Code::Unauthenticated)?;
        Ok(Reach::of(&row.role, &row.projects))
    }

    /// Adds an operator.
    pub async fn create_operator(&self, by: &By, new: OperatorIn) -> Result<OperatorView, Problem> {
        let row = self.operator_row(by, new).await?;
        let (made, entry) = (row.clone(), made(by, &row));
        self.0
            .db
            .write(async move |tx: &WriteTx| {
                insert(tx, &made).await?;
                record_instance(tx, entry.clone()).await
            })
            .await?;
        Ok(row.into())
    }

    /// Checks and hashes outside of any transaction: only the transaction may be waited for inside.
    pub(super) async fn operator_row(&self, by: &By, new: OperatorIn) -> Result<Model, Problem> {
        let policy = PasswordPolicy {
            length_min: u32::try_from(PASSWORD_CHARS_MIN).unwrap_or(u32::MAX),
            refuse_identity: false,
            ..PasswordPolicy::default()
        };
        let (passwords, password) = (&self.0.passwords, &new.password);
        let faults = passwords.faults(&policy, "password", password, &[]).await?;
        if !faults.is_empty() {
            return Err(Problem::validation(faults));
        }
        let reach = if new.owner {
            Reach::Everything
        } else {
            Reach::Projects(self.resolve(&new.projects).await?)
        };
        Ok(Model {
            id: self.0.ids.new_id(),
            email_key: email_key(&new.email),
            email: new.email,
            name: new.name,
            password: self.0.passwords.hash(&new.password).await?,
            role: if new.owner { "owner" } else { "member" }.to_owned(),
            projects: reach.to_json(),
            created_at: by.now.time(),
        })
    }

    async fn resolve(
        &self,
        roles: &[(String, ProjectRole)],
    ) -> Result<HashMap<Uuid, ProjectRole>, Problem> {
        let mut found = HashMap::new();
        for (slug, role) in roles {
            let Some(row) = projects::by_slug(&self.0.db, slug).await? else {
                let fault = FieldError::at(
                    "projects",
                    "unknown_project",
                    format!("There is no project {slug:?}."),
                );
                return Err(Problem::validation(vec![fault]));
            };
            found.insert(row.uid, *role);
        }
        Ok(found)
    }

    /// All operators, in the order in which they were added.
    pub async fn list_operators(&self, query: &ListQuery) -> Result<Page<OperatorView>, Problem> {
        let after = self.after("operators", query.cursor.as_deref())?;
        let rows = operators::page(&self.0.db, after, query.fetch()).await?;
        let mut page = self.page("operators", query.limit, rows, |r| r.id, OperatorView::from);
        if query.count {
            page.total = Some(operators::count(&self.0.db).await?);
        }
        Ok(page)
    }

    /// One operator.
    pub async fn get_operator(&self, id: Uuid) -> Result<OperatorView, Problem> {
        let row = operators::by_id(&self.0.db, id)
            .await?
            .ok_or(Code::OperatorNotFound)?;
        Ok(row.into())
    }

    /// Removes an operator and ends its sessions. The last owner stays.
    pub async fn delete_operator(&self, by: &By, id: Uuid) -> Result<(), Problem> {
        let entry = by.did("operator.delete", id.to_string(), json!({}));
        self.0
            .db
            .write(async move |tx: &WriteTx| {
                let owners = operators::lock_owners(tx).await?;
                if owners.len() == 1 && owners.iter().any(|o| o.id == id) {
                    return Err(Problem::new(Code::LastOperator));
                }
                if !operators::delete(tx, id).await? {
                    return Err(Code::OperatorNotFound.into());
                }
                sessions::delete_of(tx, id).await?;
                record_instance(tx, entry.clone()).await
            })
            .await
    }
}

pub(super) fn made(by: &By, row: &Model) -> crate::audit::Entry {
    by.did(
        "operator.create",
        row.id.to_string(),
        json!({"role": row.role, "projects": row.projects}),
    )
}

pub(super) async fn insert(tx: &WriteTx, row: &Model) -> Result<(), Problem> {
    operators::insert(tx, row)
        .await
        .map_err(|e| match StoreError::from(e) {
            StoreError::Unique(_) => Code::OperatorTaken.into(),
            e => e.into(),
        })
}
