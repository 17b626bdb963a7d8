//! Users for developers: keys and operators make, find, change, disable and remove them, and end their sessions.
//!
//! What is done here acts within a second everywhere: sessions that must not go on are ended in the same transaction,
//! and the others are read anew.

use crate::Accounts;
use crate::error::Error;
use crate::factors::Standing;
use crate::grants::Granted;
use crate::model::users::{Person, UserForm, UserPatchForm, UsersFilter};
use crate::ports::{NewUser, UserChange, UserRow};
use crate::rows::teams::{self};
use crate::rows::{self, Which, changes, credential, grants, identities, session, tokens};
use crate::service::Ask;
use crate::views::factors::FactorsView;
use crate::views::social::IdentityView;
use crate::views::users::{ManagedUserDetailView, ManagedUserView};
use gate::{By, ListQuery, Problem};
use kernel::{Code, Page, Stamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::collections::HashMap;
use store::{Answer, Claim, StoreError, WriteTx};
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
        claim: Option<Claim>,
    ) -> Result<ManagedUserDetailView, Error> {
        let named = UserRow {
            email: form.person.email.clone(),
            username: form.person.username.clone(),
            phone: form.person.phone.clone(),
            ..UserRow::default()
        };
        let hash = match &form.password {
            Some(password) => Some(self.set_password(ask, password, &named).await?),
            None => None,
        };
        let (id, person) = (self.inner.ids.new_id(), form.person);
        let entry = by.did("user.create", id.to_string(), json!({}));
        let (this, of) = (self.clone(), ask.clone());
        let make = async move |tx: &WriteTx| -> Result<Uuid, Error> {
            if let Some(made) = made_before(tx, claim.as_ref(), of.now).await? {
                return Ok(made);
            }
            this.make(&of, tx, id, &person, hash.clone()).await?;
            gate::audit::record(tx, entry.clone()).await?;
            keep_made(tx, claim.as_ref(), id, of.now).await
        };
        let id = ask.project.db.write(make).await?;
        self.get_user(ask, id).await
    }

    /// The hash of a password that is set for a user who is known by these identities, if the project's policy lets
    /// anybody have it.
    async fn set_password(
        &self,
        ask: &Ask,
        password: &SecretString,
        named: &UserRow,
    ) -> Result<String, Error> {
        let password = password.expose_secret();
        self.demand_good(ask, "password", password, named).await?;
        Ok(self.inner.passwords.hash(password).await?)
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

    /// Changes a user. Another password and being disabled end all its sessions. A name or a number is not taken away
    /// where it is the last that the user can sign in with.
    pub async fn update_user(
        &self,
        ask: &Ask,
        by: &By,
        id: Uuid,
        form: UserPatchForm,
    ) -> Result<ManagedUserDetailView, Error> {
        let found = self.inner.directory.get(&ask.project, id).await?;
        let mut named = found.ok_or(Error::NoSuchUser)?;
        let known_by =
            |new: &Option<Option<String>>, old: Option<String>| new.clone().unwrap_or(old);
        named.email = known_by(&form.email, named.email);
        named.username = known_by(&form.username, named.username);
        named.phone = known_by(&form.phone, named.phone);
        let hash = match &form.password {
            Some(Some(password)) => Some(Some(self.set_password(ask, password, &named).await?)),
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
        let takes = change.username == Some(None) || change.phone == Some(None);
        let update = async move |tx: &WriteTx| -> Result<Vec<Uuid>, Error> {
            let directory = &this.inner.directory;
            let found = directory.lock(&of.project, tx, id).await?;
            let found = found.ok_or(Error::NoSuchUser)?;
            let had_a_way = takes && this.gets_in(&of, tx, &found).await?;
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
            if had_a_way {
                this.demand_a_way_in(&of, tx, id).await?;
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

/// The user that an earlier request with the same idempotency key made.
pub(crate) async fn made_before(
    tx: &WriteTx,
    claim: Option<&Claim>,
    now: Stamp,
) -> Result<Option<Uuid>, Error> {
    let Some(claim) = claim else { return Ok(None) };
    let answer = match tx.idempotent(claim, now).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(())) => return Err(Problem::new(Code::IdempotencyMismatch).into()),
        Err(StoreError::Busy(_)) => return Err(Problem::new(Code::InFlight).into()),
        Err(e) => return Err(e.into()),
    };
    let id = answer.and_then(|answer| answer.body);
    Ok(id.and_then(|text| kernel::parse_id(&text)))
}

/// Keeps which user was made, for retries with the same idempotency key: they are told how it stands then.
pub(crate) async fn keep_made(
    tx: &WriteTx,
    claim: Option<&Claim>,
    id: Uuid,
    now: Stamp,
) -> Result<Uuid, Error> {
    if let Some(claim) = claim {
        let answer = Answer {
            status: 201,
            etag: None,
            body: Some(id.to_string()),
        };
        tx.keep_answer(claim, &answer, now).await?;
    }
    Ok(id)
}
