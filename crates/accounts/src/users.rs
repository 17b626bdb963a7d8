//! Users for developers: keys and operators make, find, change, disable and remove them, and end their sessions.
//!
//! What is done here acts within a second everywhere: sessions that must not go on are ended in the same transaction,
//! and the others are read anew.

use crate::Accounts;
use crate::error::Error;
use crate::factors::Standing;
use crate::grants::Granted;
use crate::model::users::{Person, UserForm, UserPatchForm, UsersFilter};
use crate::ports::{NewUser, UserChange};
use crate::rows::teams::{self};
use crate::rows::{self, Which, changes, credential, grants, identities, session, tokens};
use crate::service::Ask;
use crate::views::factors::FactorsView;
use crate::views::social::IdentityView;
use crate::views::users::{ManagedUserDetailView, ManagedUserView};
use gate::{By, ListQuery};
use kernel::Page;
use secrecy::ExposeSecret;
use serde_json::json;
use std::collections::HashMap;
use store::WriteTx;
use uuid::Uuid;

impl Person {
    /// The user that is to be made of it.
    pub(crate) fn to_new(&self, id: Uuid, ask: &Ask) -> NewUser {
        NewUser {
            email: self.email.clone(),
            username: self.username.clone(),
            phone: self.phone.clone(),
            verified: self.verified,
            phone_verified: self.phone_verified,
            profile: self.profile.clone(),
            trusted: true,
            ..NewUser::new(id, ask.now, ask.actor.clone())
        }
    }
}

impl Accounts {
    /// Makes a user; nobody is signed in by it, and no mail is sent.
    pub async fn create_user(
        &self,
        ask: &Ask,
        by: &By,
        form: UserForm,
    ) -> Result<ManagedUserDetailView, Error> {
        let hash = match &form.password {
            Some(password) => Some(self.inner.passwords.hash(password.expose_secret()).await?),
            None => None,
        };
        let (id, person) = (self.inner.ids.new_id(), form.person);
        let entry = by.did("user.create", id.to_string(), json!({}));
        let (this, of) = (self.clone(), ask.clone());
        let make = async move |tx: &WriteTx| -> Result<(), Error> {
            this.make(&of, tx, id, &person, hash.clone()).await?;
            Ok(gate::audit::record(tx, entry.clone()).await?)
        };
        ask.project.db.write(make).await?;
        self.get_user(ask, id).await
    }

    /// Makes a user with its password's hash and what it is given, in the open transaction.
    pub(crate) async fn make(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        id: Uuid,
        person: &Person,
        password_hash: Option<String>,
    ) -> Result<(), Error> {
        let directory = &self.inner.directory;
        directory
            .create(&ask.project, tx, person.to_new(id, ask))
            .await?;
        if person.disabled {
            let change = UserChange {
                disabled: Some(true),
                ..UserChange::new(ask.now, ask.actor.clone())
            };
            directory.change(&ask.project, tx, id, change).await?;
        }
        if person.granted != Granted::default() {
            person.granted.write(tx, id, ask.now).await?;
        }
        if let Some(password_hash) = password_hash {
            let row = credential::Model {
                user_id: id,
                password_hash,
                changed_at: ask.now.time(),
            };
            rows::insert_credential(tx, row).await?;
        }
        Ok(())
    }

    /// A page of users, the newest first.
    pub async fn list_users(
        &self,
        ask: &Ask,
        filter: &UsersFilter,
        query: &ListQuery,
    ) -> Result<Page<ManagedUserView>, Error> {
        let directory = &self.inner.directory;
        let page = directory.page(&ask.project, filter, query, ask.now).await?;
        let ids = page.items.iter().filter_map(|record| {
            let id = record.get("id")?.as_str()?;
            kernel::parse_id(id)
        });
        let ids: Vec<Uuid> = ids.collect();
        let given = grants::of_many(&ask.project.db, &ids).await?;
        let mut given: HashMap<String, Granted> = given
            .into_iter()
            .map(|row| (row.user_id.to_string(), Granted::of_row(row)))
            .collect();
        let view = |record: serde_json::Map<String, serde_json::Value>| {
            let id = record.get("id").and_then(|id| id.as_str());
            let granted = given.remove(id.unwrap_or_default());
            ManagedUserView::new(record, granted.unwrap_or_default())
        };
        Ok(Page {
            items: page.items.into_iter().map(view).collect(),
            next_cursor: page.next_cursor,
            total: page.total,
        })
    }

    /// One user.
    pub async fn get_user(&self, ask: &Ask, id: Uuid) -> Result<ManagedUserDetailView, Error> {
        let (db, directory) = (&ask.project.db, &self.inner.directory);
        let record = directory.record(&ask.project, id, ask.now).await?;
        let record = record.ok_or(Error::NoSuchUser)?;
        let granted = Granted::read(db, id).await?;
        let places = teams::places(db, id, crate::teams::TEAMS_OF_USER_MAX).await?;
        let has_password = rows::credential(db, id).await?.is_some();
        let standing = Standing::read(db, id).await?;
        let elsewhere = identities::of(db, id).await?;
        Ok(ManagedUserDetailView {
            user: ManagedUserView::new(record, granted),
            has_password,
            teams: places.into_iter().map(Into::into).collect(),
            factors: FactorsView::new((standing, has_password)),
            identities: elsewhere.into_iter().map(IdentityView::new).collect(),
        })
    }

    /// Changes a user. Another password and being disabled end all its sessions.
    pub async fn update_user(
        &self,
        ask: &Ask,
        by: &By,
        id: Uuid,
        form: UserPatchForm,
    ) -> Result<ManagedUserDetailView, Error> {
        let hash = match &form.password {
            Some(Some(password)) => {
                let hash = self.inner.passwords.hash(password.expose_secret()).await?;
                Some(Some(hash))
            }
            Some(None) => Some(None),
            None => None,
        };
        let change = UserChange {
            // Of another address, or number, nobody has shown that it is the user's, unless it is said.
            verified: form.verified.or(form.email.is_some().then_some(false)),
            phone_verified: form
                .phone_verified
                .or(form.phone.is_some().then_some(false)),
            email: form.email,
            username: form.username,
            phone: form.phone,
            disabled: form.disabled,
            profile: form.profile,
            ..UserChange::new(ask.now, ask.actor.clone())
        };
        let (roles, claims) = (form.roles, form.claims);
        let detail = json!({ "fields": form.names });
        let entry = by.did("user.update", id.to_string(), detail);
        let (this, of) = (self.clone(), ask.clone());
        let ends = form.disabled == Some(true) || hash.is_some();
        let update = async move |tx: &WriteTx| -> Result<Vec<Uuid>, Error> {
            let directory = &this.inner.directory;
            let found = directory.lock(&of.project, tx, id).await?;
            found.ok_or(Error::NoSuchUser)?;
            directory
                .change(&of.project, tx, id, change.clone())
                .await?;
            if roles.is_some() || claims.is_some() {
                let was = Granted::read(tx, id).await?;
                let granted = Granted {
                    roles: roles.clone().unwrap_or(was.roles),
                    claims: claims.clone().unwrap_or(was.claims),
                };
                granted.write(tx, id, of.now).await?;
            }
            match &hash {
                Some(Some(hash)) => {
                    let row = credential::Model {
                        user_id: id,
                        password_hash: hash.clone(),
                        changed_at: of.now.time(),
                    };
                    rows::put_credential(tx, row).await?;
                }
                Some(None) => rows::delete_credential(tx, id).await?,
                None => {}
            }
            gate::audit::record(tx, entry.clone()).await?;
            if !ends {
                return Ok(Vec::new());
            }
            // Whoever had it begun is not to end it.
            changes::delete(tx, id).await?;
            tokens::delete_of(tx, id, None).await?;
            Ok(rows::end_sessions(tx, id, Which::All, of.now).await?)
        };
        let ended = ask.project.db.write(update).await?;
        self.ended(&ask.project, &ended);
        self.user_changed(&ask.project, id);
        self.get_user(ask, id).await
    }

    /// A user's sessions that live, the newest first.
    pub async fn user_sessions(&self, ask: &Ask, id: Uuid) -> Result<Vec<session::Model>, Error> {
        let found = self.inner.directory.get(&ask.project, id).await?;
        found.ok_or(Error::NoSuchUser)?;
        Ok(rows::live_sessions(&ask.project.db, id, ask.now).await?)
    }

    /// Ends all sessions of a user.
    pub async fn end_user_sessions(&self, ask: &Ask, by: &By, id: Uuid) -> Result<(), Error> {
        let entry = by.did("user.end_sessions", id.to_string(), json!({}));
        let (this, of) = (self.clone(), ask.clone());
        let end = async move |tx: &WriteTx| -> Result<Vec<Uuid>, Error> {
            let found = this.inner.directory.lock(&of.project, tx, id).await?;
            found.ok_or(Error::NoSuchUser)?;
            gate::audit::record(tx, entry.clone()).await?;
            Ok(rows::end_sessions(tx, id, Which::All, of.now).await?)
        };
        let ended = ask.project.db.write(end).await?;
        self.ended(&ask.project, &ended);
        Ok(())
    }
}
