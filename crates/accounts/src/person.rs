//! All that is kept of a person: given to it, and erased, across all services.
//!
//! What other services keep is theirs to say: see [`PersonParts`](crate::ports::PersonParts).

use crate::Accounts;
use crate::error::Error;
use crate::factors::Standing;
use crate::grants::Granted;
use crate::mail::address_key;
use crate::model::users::EraseForm;
use crate::rows::teams::{self as team_rows};
use crate::rows::{
    self, Which, anonymous, challenges, changes, externals, grants, identities, mails, places,
    sign_ups, tokens,
};
use crate::service::Ask;
use crate::teams;
use crate::views::users::{ManagedSessionView, PlaceView};
use gate::{By, Entry, Project, UserAuth};
use kernel::Stamp;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use store::WriteTx;
use uuid::Uuid;

impl Accounts {
    /// All that is kept of a user, as it may read it itself.
    pub async fn export_person(
        &self,
        ask: &Ask,
        user: &UserAuth,
    ) -> Result<Map<String, Value>, Error> {
        let (db, id) = (&ask.project.db, user.id);
        let row = self.inner.directory.get(&ask.project, id).await?;
        let row = row.ok_or(Error::InvalidAccessToken("the user is gone"))?;
        let granted = Granted::read(db, id).await?;
        let sessions = rows::live_sessions(db, id, ask.now).await?;
        let sessions: Vec<ManagedSessionView> = sessions.into_iter().map(Into::into).collect();
        let places = team_rows::places(db, id, teams::TEAMS_OF_USER_MAX).await?;
        let places: Vec<PlaceView> = places.into_iter().map(Into::into).collect();
        let credential = rows::credential(db, id).await?;
        let linked = identities::of(db, id).await?;
        let linked: Vec<Value> = linked.into_iter().map(exported_identity).collect();
        let externals = externals::of(db, id).await?;
        let externals: Vec<String> = externals.into_iter().map(|row| row.external_id).collect();
        let standing = Standing::read(db, id).await?;
        let time = Stamp::from_time;
        let app = standing.app.iter();
        let app = app.map(|app| json!({"kind": "totp", "created_at": time(app.created_at)}));
        let codes = (standing.recovery_codes > 0)
            .then(|| json!({"kind": "recovery_codes", "left": standing.recovery_codes}));
        let factors: Vec<Value> = app.chain(codes).collect();
        let passkeys = standing.passkeys.into_iter().map(|row| {
            json!({"name": row.name, "created_at": time(row.created_at), "used_at": row.used_at.map(time)})
        });
        let passkeys: Vec<Value> = passkeys.collect();
        let mut all = Map::new();
        let mut put = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
        put("exported_at", json!(ask.now));
        put("user", Value::Object(row.view));
        put("roles", json!(granted.roles));
        put("claims", Value::Object(granted.claims));
        put("has_password", json!(credential.is_some()));
        put("sessions", json!(sessions));
        put("teams", json!(places));
        put("identities", json!(linked));
        put("external_ids", json!(externals));
        put("passkeys", json!(passkeys));
        put("factors", json!(factors));
        for part in &self.inner.parts {
            all.extend(part.export(&ask.project, user, ask.now).await?);
        }
        Ok(all)
    }

    /// Erases whoever asks for it: who has shown a credential a moment ago, and knows the password where there is one.
    pub async fn erase_me(&self, ask: &Ask, user: &UserAuth, form: EraseForm) -> Result<(), Error> {
        Self::demand_recent(user, ask.now)?;
        if let Some(credential) = rows::credential(&ask.project.db, user.id).await? {
            let current = form.current.as_ref().ok_or(Error::WrongPassword)?;
            let current = current.expose_secret();
            self.demand_password(ask, user, current, Some(&credential))
                .await?;
        }
        self.erase(ask, user.id, None).await
    }

    /// Erases a user, as a key or an operator.
    pub async fn erase_user(&self, ask: &Ask, by: &By, id: Uuid) -> Result<(), Error> {
        let entry = by.did("user.delete", id.to_string(), json!({}));
        self.erase(ask, id, Some(entry)).await
    }

    /// Removes all that is kept of a user, in one transaction.
    async fn erase(&self, ask: &Ask, id: Uuid, entry: Option<Entry>) -> Result<(), Error> {
        let (this, of) = (self.clone(), ask.clone());
        let erase = async move |tx: &WriteTx| -> Result<(Vec<Uuid>, Vec<Uuid>), Error> {
            let (now, actor) = (of.now, of.actor.clone());
            let gone = this.erase_within(&of.project, tx, id, now, actor).await?;
            if let Some(entry) = &entry {
                gate::audit::record(tx, entry.clone()).await?;
            }
            Ok(gone)
        };
        let (ended, heirs) = ask.project.db.write(erase).await?;
        self.ended(&ask.project, &ended);
        for user in heirs.into_iter().chain([id]) {
            self.user_changed(&ask.project, user);
        }
        Ok(())
    }

    /// The same within an open transaction: the sessions that ended, and the users whose teams are theirs now.
    pub(crate) async fn erase_within(
        &self,
        project: &Arc<Project>,
        tx: &WriteTx,
        id: Uuid,
        now: Stamp,
        actor: Option<String>,
    ) -> Result<(Vec<Uuid>, Vec<Uuid>), Error> {
        let directory = &self.inner.directory;
        let user = directory.lock(project, tx, id).await?;
        let user = user.ok_or(Error::NoSuchUser)?;
        let heirs = teams::forget(tx, id).await?;
        let ended = rows::end_sessions(tx, id, Which::All, now).await?;
        // What went to an address that it only wrote is another's, and stays counted.
        if let Some(email) = user.email.as_ref().filter(|_| user.verified) {
            let key = address_key(email);
            mails::delete_to(tx, &key).await?;
            sign_ups::delete_to(tx, &key).await?;
            team_rows::delete_invitations_to(tx, &key).await?;
        } else if let Some(email) = &user.email {
            mails::empty_to(tx, &address_key(email)).await?;
        }
        self.drop_factors(tx, id).await?;
        forget(tx, id).await?;
        directory.erase(project, tx, id, now, actor).await?;
        // Files go last: those that the user's records held are free by now.
        for part in &self.inner.parts {
            part.erase(project, tx, id, now).await?;
        }
        Ok((ended, heirs))
    }
}

/// An account elsewhere as its user may read it: without any token of it.
fn exported_identity(row: identities::Model) -> Value {
    json!({
        "provider": row.provider,
        "issuer": row.issuer,
        "subject": row.subject,
        "email": row.email,
        "email_verified": row.email_verified,
        "name": row.name,
        "picture": row.picture,
        "linked_at": Stamp::from_time(row.created_at),
        "used_at": Stamp::from_time(row.used_at),
    })
}

/// Removes what accounts itself keeps by user id. A table that is new here needs a line of its own.
async fn forget(tx: &WriteTx, user: Uuid) -> Result<(), Error> {
    rows::delete_credential(tx, user).await?;
    rows::delete_sessions(tx, user).await?;
    changes::delete(tx, user).await?;
    tokens::delete_of(tx, user, None).await?;
    challenges::delete_of(tx, user).await?;
    grants::delete(tx, user).await?;
    identities::delete_of(tx, user).await?;
    externals::delete_of(tx, user).await?;
    sign_ups::delete_of(tx, user).await?;
    anonymous::delete(tx, user).await?;
    Ok(places::delete_of(tx, user).await?)
}
