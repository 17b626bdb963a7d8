//! Taking users over from elsewhere, with the hashes of their passwords, and giving all of them away.
//!
//! A hash of another system is kept as it came until its user signs in, when the password is known and hashed anew.

use crate::Accounts;
use crate::error::Error;
use crate::model::import::{ImportQuery, ImportRow, SameBy};
use crate::model::users::UsersFilter;
use crate::rows::{self, credential};
use crate::service::Ask;
use crate::views::import::{ExportedUserView, ImportedUserView, ImportedView};
use gate::{By, ListQuery, Problem, Project};
use kernel::limits::PAGE_MAX;
use kernel::{FieldError, Kind};
use sea_orm::{TransactionSession, TransactionTrait};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;
use store::{StoreError, WriteTx};
use uuid::Uuid;

/// Users that are made in one transaction.
const SLICE: usize = 100;
/// How long a slice may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// What a hash begins with that holds a secret beside, and is sealed.
const SEALED: &str = "$sealed$";
/// The hashes that hold one: the signer key of a Firebase project.
const SECRET: &str = "$firebase-scrypt$";

fn place(user: Uuid) -> String {
    format!("_credentials/{user}")
}

/// A hash as it is kept.
fn closed(project: &Project, user: Uuid, hash: &str) -> Result<String, Problem> {
    if !hash.starts_with(SECRET) {
        return Ok(hash.to_owned());
    }
    let sealed = project.seal(&place(user), hash.as_bytes())?;
    Ok(format!("{SEALED}{sealed}"))
}

/// The hash of a credential, as it came.
pub(crate) fn opened(project: &Project, row: &credential::Model) -> Result<String, Error> {
    let Some(sealed) = row.password_hash.strip_prefix(SEALED) else {
        return Ok(row.password_hash.clone());
    };
    let plain = project.open(&place(row.user_id), sealed)?;
    String::from_utf8(plain).map_err(|_| Error::Sealed("a password's hash"))
}

/// What came of one row, before its place is known.
type Came = Result<(&'static str, Uuid), Vec<FieldError>>;

impl Accounts {
    /// The credential that is to take the place of one with a hash of another system, once its password is known.
    pub(crate) async fn better(
        &self,
        password: &SecretString,
        row: &credential::Model,
    ) -> Result<Option<credential::Model>, Error> {
        if gate::password::is_ours(&row.password_hash) {
            return Ok(None);
        }
        let password_hash = self.inner.passwords.hash(password.expose_secret()).await?;
        let row = row.clone();
        Ok(Some(credential::Model {
            password_hash,
            ..row
        }))
    }

    /// Makes users, each by itself: a faulty one is told and leaves no trace, and one that is there already stays as it
    /// is, so that an import can be sent again.
    pub async fn import_users(
        &self,
        ask: &Ask,
        by: &By,
        sent: Vec<Result<ImportRow, Problem>>,
        query: ImportQuery,
    ) -> Result<ImportedView, Error> {
        // What is only tried is tried at once: rows of one import can be in each other's way.
        let size = if query.dry_run { sent.len() } else { SLICE };
        let mut all = Vec::new();
        for slice in sent.chunks(size.max(1)) {
            all.extend(self.import_slice(ask, by, slice, query).await?);
        }
        let count = |status: &str| {
            let of = |came: &&Came| came.as_ref().map_or("failed", |(s, _)| s) == status;
            all.iter().filter(of).count()
        };
        Ok(ImportedView {
            dry_run: query.dry_run,
            created: count("created"),
            existing: count("existing"),
            failed: count("failed"),
            items: all
                .iter()
                .enumerate()
                .map(|(index, came)| match came {
                    Ok((status, id)) => ImportedUserView {
                        index,
                        status,
                        id: Some(*id),
                        errors: Vec::new(),
                    },
                    Err(errors) => ImportedUserView {
                        index,
                        status: "failed",
                        id: None,
                        errors: errors.iter().map(|e| moved(index, e)).collect(),
                    },
                })
                .collect(),
        })
    }

    async fn import_slice(
        &self,
        ask: &Ask,
        by: &By,
        slice: &[Result<ImportRow, Problem>],
        query: ImportQuery,
    ) -> Result<Vec<Came>, Error> {
        let mut known: Vec<Option<Uuid>> = Vec::new();
        for row in slice {
            known.push(match row {
                Ok(row) => self.known(ask, row, query.same_by).await?,
                Err(_) => None,
            });
        }
        let (this, of, rows) = (self.clone(), ask.clone(), slice.to_vec());
        let by = by.clone();
        let import = async move |tx: &WriteTx| -> Result<Vec<Came>, Error> {
            let around = tx.begin().await?;
            let mut all = Vec::new();
            for (row, known) in rows.iter().zip(&known) {
                all.push(match (row, known) {
                    (_, Some(id)) => Ok(("existing", *id)),
                    (Err(problem), None) => Err(faults(problem)),
                    (Ok(row), None) => this.import_one(&of, &around, row).await?,
                });
            }
            if query.dry_run {
                around.rollback().await?;
                return Ok(all);
            }
            let is_made = |came: &&Came| matches!(came, Ok(("created", _)));
            let made = all.iter().filter(is_made).count();
            let entry = by.did("users.import", "users", json!({ "created": made }));
            gate::audit::record(&around, entry).await?;
            around.commit().await?;
            Ok(all)
        };
        ask.project.db.write_long(DEADLINE, import).await
    }

    /// The user that is there already.
    async fn known(
        &self,
        ask: &Ask,
        row: &ImportRow,
        same_by: SameBy,
    ) -> Result<Option<Uuid>, Error> {
        let (project, directory) = (&ask.project, &self.inner.directory);
        let found = match (same_by, row.id, &row.person.email) {
            (SameBy::Id, Some(id), _) => directory.get(project, id).await?,
            (SameBy::Email, _, Some(email)) => directory.find(project, "email", email).await?,
            _ => None,
        };
        Ok(found.map(|user| user.id))
    }

    /// Makes one user in a transaction of its own within the slice's.
    async fn import_one(
        &self,
        ask: &Ask,
        around: &WriteTx,
        row: &ImportRow,
    ) -> Result<Came, Error> {
        let id = row.id.unwrap_or_else(|| self.inner.ids.new_id());
        let hash = match &row.hash {
            Some(hash) => Some(closed(&ask.project, id, hash)?),
            None => None,
        };
        let nested = around.begin().await?;
        match self.make(ask, &nested, id, &row.person, hash).await {
            Ok(()) => {
                nested.commit().await?;
                Ok(Ok(("created", id)))
            }
            Err(error) => {
                nested.rollback().await?;
                let problem = match error {
                    Error::Store(StoreError::Unique(_)) => kernel::Code::IdentityTaken.into(),
                    other => Problem::from(other),
                };
                match problem.code().kind() {
                    Kind::Malformed | Kind::Invalid | Kind::Conflict | Kind::Forbidden => {
                        Ok(Err(faults(&problem)))
                    }
                    // The fault is not the row's.
                    _ => Err(problem.into()),
                }
            }
        }
    }

    /// A page of all users, as an import takes them, and where the next begins.
    pub async fn export_users(
        &self,
        ask: &Ask,
        cursor: Option<String>,
        with_hashes: bool,
    ) -> Result<(Vec<ExportedUserView>, Option<String>), Error> {
        let query = ListQuery {
            limit: PAGE_MAX,
            cursor,
            count: false,
        };
        let page = self
            .list_users(ask, &UsersFilter::default(), &query)
            .await?;
        let mut hashes = HashMap::new();
        if with_hashes {
            let ids: Vec<Uuid> = page.items.iter().map(|user| user.user()).collect();
            for row in rows::credentials(&ask.project.db, &ids).await? {
                hashes.insert(row.user_id, opened(&ask.project, &row)?);
            }
        }
        let view = |user: crate::views::users::ManagedUserView| ExportedUserView {
            password_hash: hashes.remove(&user.user()),
            user,
        };
        Ok((page.items.into_iter().map(view).collect(), page.next_cursor))
    }

    /// Notes that somebody exports all users.
    pub async fn note_export(&self, ask: &Ask, by: &By, with_hashes: bool) -> Result<(), Error> {
        let entry = by.did("users.export", "users", json!({ "hashes": with_hashes }));
        let note = async move |tx: &WriteTx| -> Result<(), Error> {
            Ok(gate::audit::record(tx, entry.clone()).await?)
        };
        ask.project.db.write(note).await
    }
}

/// What is wrong with a row.
fn faults(problem: &Problem) -> Vec<FieldError> {
    if !problem.field_errors().is_empty() {
        return problem.field_errors().to_vec();
    }
    let message = problem.detail_text().unwrap_or(problem.code().title());
    vec![FieldError {
        path: String::new(),
        code: problem.code().as_str(),
        message: message.to_owned(),
    }]
}

/// A fault of a row, by its place in what was sent.
fn moved(index: usize, error: &FieldError) -> FieldError {
    FieldError {
        path: format!("/{index}{}", error.path),
        ..error.clone()
    }
}
