//! Asking others to join a team by their addresses, and what they answer.
//!
//! An invitation is for whoever shows that the address is theirs: a user whose address is verified. There is no secret
//! in its mail.

use super::{Acting, Place, audited, demand_room_for, locked};
use crate::Accounts;
use crate::error::Error;
use crate::mail::{Template, Wish, address_key, demand_room};
use crate::model::teams::TeamInvite;
use crate::rows::teams::{self, Either, invitation, member};
use crate::rows::{mails, tallies};
use crate::service::Ask;
use crate::views::teams::{InvitationView, MyInvitationView, TeamView};
use gate::By;
use serde_json::json;
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// Invitations of a team that wait at most.
const INVITATIONS_MAX: u64 = 1_000;
/// Whom users ask in a day at most, each of them and all of one network: a team's name goes to strangers.
const ASKED_PER_DAY: [u32; 2] = [100, 300];
const DAY: Duration = Duration::from_secs(86_400);

impl Accounts {
    /// Asks an address to join, in the place of an earlier time; a mail says so. Whether the address has an account is
    /// not told.
    pub async fn invite_to_team(
        &self,
        ask: &Ask,
        (acting, by): (Acting, &By),
        id: Uuid,
        form: TeamInvite,
    ) -> Result<InvitationView, Error> {
        let row = invitation::Model {
            id: self.inner.ids.new_id(),
            team_id: id,
            email_key: address_key(&form.email),
            email: form.email.clone(),
            role: form.role,
            invited_by: ask.actor.clone(),
            created_at: ask.now.time(),
            expires_at: ask.now.plus(Template::TeamInvite.life()).time(),
        };
        let wish = Wish {
            template: Template::TeamInvite,
            recipient: form.email,
            subject_id: Some(row.id),
            language: ask.language,
        };
        let (letter, made) = (self.inner.mail(wish, ask.now), row.clone());
        let (now, max) = (ask.now, self.inner.config.mail.mails_per_recipient_hour);
        let user = acting.user().map(|user| user.to_string());
        let network = ask.network.clone();
        let entry = by.did("team.invite", id.to_string(), json!({ "role": row.role }));
        let invite = async move |tx: &WriteTx| -> Result<(), Error> {
            let place = locked(tx, acting, id).await?;
            Place::demand(place.rules_over(&row.role))?;
            let waiting = teams::invitations(tx, Either::Team(id), now, INVITATIONS_MAX).await?;
            if waiting.len() as u64 >= INVITATIONS_MAX {
                return Err(Error::TeamFull);
            }
            if let Some(user) = &user {
                let who = [("team_asker", user), ("team_asker_network", &network)];
                for ((kind, key), max) in who.into_iter().zip(ASKED_PER_DAY) {
                    if !tallies::take(tx, (kind, key), DAY, max, now).await? {
                        return Err(Error::TooManyInvitations);
                    }
                }
            }
            demand_room(tx, &row.email_key, max, now).await?;
            teams::invite(tx, row.clone()).await?;
            mails::insert(tx, letter.clone()).await?;
            audited(tx, acting, &entry).await
        };
        ask.project.db.write(invite).await?;
        (self.inner.wake)(&ask.project);
        Ok(made.into())
    }

    /// The invitations of a team that can still be accepted, the newest first.
    pub async fn list_invitations(
        &self,
        ask: &Ask,
        acting: Acting,
        id: Uuid,
    ) -> Result<Vec<InvitationView>, Error> {
        let place = self.place(ask, acting, id).await?;
        Place::demand(place.rules_over(""))?;
        let (db, of) = (&ask.project.db, Either::Team(id));
        let rows = teams::invitations(db, of, ask.now, INVITATIONS_MAX).await?;
        Ok(rows.into_iter().map(InvitationView::from).collect())
    }

    /// Takes an invitation back.
    pub async fn revoke_invitation(
        &self,
        ask: &Ask,
        (acting, by): (Acting, &By),
        (id, which): (Uuid, Uuid),
    ) -> Result<(), Error> {
        let now = ask.now;
        let entry = by.did("team.revoke", id.to_string(), json!({}));
        let revoke = async move |tx: &WriteTx| -> Result<(), Error> {
            let place = locked(tx, acting, id).await?;
            let row = teams::invitation(tx, which, now).await?;
            let row = row.filter(|row| row.team_id == id);
            Place::demand(place.rules_over(row.as_ref().map_or("", |row| &row.role)))?;
            teams::consume_invitation(tx, row.ok_or(Error::NoSuchInvitation)?.id).await?;
            audited(tx, acting, &entry).await
        };
        ask.project.db.write(revoke).await
    }

    /// The teams that a user is asked to join, at its verified address.
    pub async fn my_invitations(
        &self,
        ask: &Ask,
        user: Uuid,
    ) -> Result<Vec<MyInvitationView>, Error> {
        let found = self.inner.directory.get(&ask.project, user).await?;
        let own = found
            .filter(|user| user.verified)
            .and_then(|user| user.email);
        let Some(own) = own else {
            return Ok(Vec::new());
        };
        let (db, key) = (&ask.project.db, address_key(&own));
        let rows = teams::invitations(db, Either::Address(&key), ask.now, INVITATIONS_MAX).await?;
        let mut all = Vec::new();
        for row in rows {
            if let Some(team) = teams::get(db, row.team_id).await? {
                all.push(MyInvitationView::new(row, team.name));
            }
        }
        Ok(all)
    }

    /// Joins a team that asked. The invitation is used up; of many who come with it one joins.
    pub async fn accept_invitation(
        &self,
        ask: &Ask,
        user: Uuid,
        id: Uuid,
    ) -> Result<TeamView, Error> {
        let (this, of) = (self.clone(), ask.clone());
        let join = async move |tx: &WriteTx| -> Result<TeamView, Error> {
            let row = this.own_invitation(&of, tx, user, id).await?;
            let team = teams::lock(tx, row.team_id).await?;
            let team = team.ok_or(Error::NoSuchInvitation)?;
            if !teams::consume_invitation(tx, id).await? {
                return Err(Error::NoSuchInvitation);
            }
            let there = teams::member(tx, team.id, user).await?;
            // Who is a member keeps its role.
            let Some(there) = there else {
                demand_room_for(tx, team.id, user).await?;
                let place = member::Model {
                    team_id: team.id,
                    user_id: user,
                    role: row.role.clone(),
                    joined_at: of.now.time(),
                };
                teams::put_member(tx, place).await?;
                return Ok(TeamView::new(team, Some(row.role)));
            };
            Ok(TeamView::new(team, Some(there.role)))
        };
        let view = ask.project.db.write(join).await?;
        self.user_changed(&ask.project, user);
        Ok(view)
    }

    /// Says no to a team that asked.
    pub async fn decline_invitation(&self, ask: &Ask, user: Uuid, id: Uuid) -> Result<(), Error> {
        let (this, of) = (self.clone(), ask.clone());
        let decline = async move |tx: &WriteTx| -> Result<(), Error> {
            let row = this.own_invitation(&of, tx, user, id).await?;
            if teams::consume_invitation(tx, row.id).await? {
                Ok(())
            } else {
                Err(Error::NoSuchInvitation)
            }
        };
        ask.project.db.write(decline).await
    }

    /// An invitation to the address of this user, which must be verified: whoever writes an address into an account
    /// has not shown that it reads its mails.
    async fn own_invitation(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: Uuid,
        id: Uuid,
    ) -> Result<invitation::Model, Error> {
        let found = self.inner.directory.lock(&ask.project, tx, user).await?;
        let found = found.filter(|user| user.verified && !user.disabled);
        let key = found
            .and_then(|user| user.email)
            .map(|own| address_key(&own));
        let row = teams::invitation(tx, id, ask.now).await?;
        row.filter(|row| Some(&row.email_key) == key.as_ref())
            .ok_or(Error::NoSuchInvitation)
    }
}
