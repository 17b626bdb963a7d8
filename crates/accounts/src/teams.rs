//! Teams: who is in them, what they may do there, and how others are asked to join.
//!
//! A team that its asker is not in does not exist for it. Whatever changes members locks the team first, so that a team
//! always has an owner, whoever leaves at the same time.

mod invitations;

use crate::Accounts;
use crate::error::Error;
use crate::model::teams::{ADMIN, NewTeam, OWNER, TeamName, TeamRole, TeamTransfer};
use crate::rows::teams::{self, member, team};
use crate::service::Ask;
use crate::views::teams::{MemberView, TeamView};
use gate::{By, ListQuery, Problem, Who};
use kernel::{Code, Page};
use serde_json::{Value, json};
use store::WriteTx;
use uuid::Uuid;

/// Teams of a user at most: rules read all of them with each request.
pub const TEAMS_OF_USER_MAX: u64 = 100;
/// Members of a team at most.
const MEMBERS_MAX: u64 = 10_000;

/// Who acts on teams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acting {
    /// A key or an operator: everything in every team.
    Trusted,
    /// A user, as far as its role in the team goes.
    User(Uuid),
}

impl Acting {
    /// As whom somebody acts who was let in.
    pub fn of(who: &Who) -> Result<Self, Problem> {
        match who {
            Who::User(user) => Ok(Self::User(user.id)),
            Who::Key { .. } | Who::Operator { .. } => Ok(Self::Trusted),
            Who::Anonymous => Err(Code::Unauthenticated.into()),
        }
    }

    fn user(self) -> Option<Uuid> {
        match self {
            Self::User(id) => Some(id),
            Self::Trusted => None,
        }
    }
}

/// What somebody may do in a team.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    team: team::Model,
    /// None for keys and operators.
    role: Option<String>,
}

impl Place {
    fn is_owner(&self) -> bool {
        self.role.as_deref().is_none_or(|role| role == OWNER)
    }

    /// Whether the asker may make somebody this, or change somebody who is this.
    fn rules_over(&self, role: &str) -> bool {
        self.is_owner() || (self.role.as_deref() == Some(ADMIN) && !matches!(role, OWNER | ADMIN))
    }

    fn demand(may: bool) -> Result<(), Error> {
        if may {
            Ok(())
        } else {
            Err(Error::NotInTeamsPower)
        }
    }
}

impl Accounts {
    /// Makes a team: a user owns what it makes.
    pub async fn create_team(
        &self,
        ask: &Ask,
        (acting, by): (Acting, &By),
        form: NewTeam,
    ) -> Result<TeamView, Error> {
        let owner = match acting {
            Acting::User(_) if !ask.project.settings().user_teams => {
                return Err(Error::TeamsClosed);
            }
            Acting::User(id) => id,
            Acting::Trusted => form.owner.unwrap_or_default(),
        };
        let row = team::Model {
            id: self.inner.ids.new_id(),
            name: form.name,
            created_at: ask.now.time(),
            updated_at: ask.now.time(),
        };
        let (this, of, made) = (self.clone(), ask.clone(), row.clone());
        let entry = by.did("team.create", row.id.to_string(), json!({ "owner": owner }));
        let make = async move |tx: &WriteTx| -> Result<(), Error> {
            let user = this.inner.directory.lock(&of.project, tx, owner).await?;
            user.ok_or(Error::NoSuchUser)?;
            demand_few(tx, owner).await?;
            teams::insert(tx, row.clone()).await?;
            let place = member::Model {
                team_id: row.id,
                user_id: owner,
                role: OWNER.to_owned(),
                joined_at: of.now.time(),
            };
            teams::put_member(tx, place).await?;
            audited(tx, acting, &entry).await
        };
        ask.project.db.write(make).await?;
        self.user_changed(&ask.project, owner);
        let role = acting.user().map(|_| OWNER.to_owned());
        Ok(TeamView::new(made, role))
    }

    /// The asker's teams, or for keys and operators all, or those of one user; the newest first.
    pub async fn list_teams(
        &self,
        ask: &Ask,
        acting: Acting,
        user: Option<Uuid>,
        query: &ListQuery,
    ) -> Result<Page<TeamView>, Error> {
        let user = acting.user().or(user);
        let list = List::new(ask, format!("teams {user:?}"));
        let db = &ask.project.db;
        let before = list.open(query)?;
        let mut rows = teams::page(db, user, before, query.fetch()).await?;
        let next_cursor = list.cut(&mut rows, query, |row| row.id);
        let total = match query.count {
            true => Some(teams::count(db, user).await?),
            false => None,
        };
        let mut items = Vec::new();
        for row in rows {
            let place = match user {
                Some(user) => teams::member(db, row.id, user).await?,
                None => None,
            };
            items.push(TeamView::new(row, place.map(|place| place.role)));
        }
        Ok(Page {
            items,
            next_cursor,
            total,
        })
    }

    /// One team.
    pub async fn get_team(&self, ask: &Ask, acting: Acting, id: Uuid) -> Result<TeamView, Error> {
        let place = self.place(ask, acting, id).await?;
        Ok(TeamView::new(place.team, place.role))
    }

    /// Gives a team another name.
    pub async fn rename_team(
        &self,
        ask: &Ask,
        (acting, by): (Acting, &By),
        id: Uuid,
        form: TeamName,
    ) -> Result<TeamView, Error> {
        let (name, now) = (form.name, ask.now);
        let entry = by.did("team.update", id.to_string(), json!({}));
        let rename = async move |tx: &WriteTx| -> Result<Place, Error> {
            let mut place = locked(tx, acting, id).await?;
            let may = place.is_owner() || place.role.as_deref() == Some(ADMIN);
            Place::demand(may)?;
            teams::rename(tx, id, &name, now).await?;
            place.team.name.clone_from(&name);
            place.team.updated_at = now.time();
            audited(tx, acting, &entry).await?;
            Ok(place)
        };
        let place = ask.project.db.write(rename).await?;
        Ok(TeamView::new(place.team, place.role))
    }

    /// Removes a team: its members are in it no more.
    pub async fn delete_team(
        &self,
        ask: &Ask,
        (acting, by): (Acting, &By),
        id: Uuid,
    ) -> Result<(), Error> {
        let entry = by.did("team.delete", id.to_string(), json!({}));
        let remove = async move |tx: &WriteTx| -> Result<(), Error> {
            Place::demand(locked(tx, acting, id).await?.is_owner())?;
            teams::delete(tx, id).await?;
            audited(tx, acting, &entry).await
        };
        ask.project.db.write(remove).await?;
        // Whoever was in it: to doubt all costs less than to find them.
        self.doubt(Some(ask.project.uid));
        ask.project.announce(store::Topic::Sessions);
        Ok(())
    }

    /// The members of a team, in the order of their ids.
    pub async fn list_members(
        &self,
        ask: &Ask,
        acting: Acting,
        id: Uuid,
        query: &ListQuery,
    ) -> Result<Page<MemberView>, Error> {
        self.place(ask, acting, id).await?;
        let list = List::new(ask, format!("members {id}"));
        let db = &ask.project.db;
        let mut rows = teams::members(db, id, list.open(query)?, query.fetch()).await?;
        let next_cursor = list.cut(&mut rows, query, |row| row.user_id);
        let total = match query.count {
            true => Some(teams::count_members(db, id, None).await?),
            false => None,
        };
        Ok(Page {
            items: rows.into_iter().map(MemberView::from).collect(),
            next_cursor,
            total,
        })
    }

    /// Gives a member another role. Keys and operators make somebody a member by it, too.
    pub async fn put_member(
        &self,
        ask: &Ask,
        (acting, by): (Acting, &By),
        (id, user): (Uuid, Uuid),
        form: TeamRole,
    ) -> Result<MemberView, Error> {
        let (this, of, role) = (self.clone(), ask.clone(), form.role);
        let detail = json!({ "user": user, "role": role });
        let entry = by.did("team.member", id.to_string(), detail);
        let put = async move |tx: &WriteTx| -> Result<member::Model, Error> {
            // A user asks others to join, and never makes them. Everybody locks users before teams.
            let found = match acting {
                Acting::Trusted => this.inner.directory.lock(&of.project, tx, user).await?,
                Acting::User(_) => None,
            };
            let place = locked(tx, acting, id).await?;
            let there = teams::member(tx, id, user).await?;
            if there.is_none() {
                let found = found.ok_or(match acting {
                    Acting::Trusted => Error::NoSuchUser,
                    Acting::User(_) => Error::NoSuchMember,
                })?;
                demand_room_for(tx, id, found.id).await?;
            }
            let now = there.as_ref().map_or(&*role, |row| &row.role);
            Place::demand(place.rules_over(now) && place.rules_over(&role))?;
            if now == OWNER && role != OWNER {
                demand_another_owner(tx, id).await?;
            }
            let row = member::Model {
                team_id: id,
                user_id: user,
                role: role.clone(),
                joined_at: there.map_or(of.now.time(), |row| row.joined_at),
            };
            teams::put_member(tx, row.clone()).await?;
            audited(tx, acting, &entry).await?;
            Ok(row)
        };
        let row = ask.project.db.write(put).await?;
        self.user_changed(&ask.project, user);
        Ok(row.into())
    }

    /// Removes a member, who may be the asker: the last owner cannot go.
    pub async fn remove_member(
        &self,
        ask: &Ask,
        (acting, by): (Acting, &By),
        (id, user): (Uuid, Uuid),
    ) -> Result<(), Error> {
        let entry = by.did("team.remove", id.to_string(), json!({ "user": user }));
        let remove = async move |tx: &WriteTx| -> Result<(), Error> {
            let place = locked(tx, acting, id).await?;
            let there = teams::member(tx, id, user).await?;
            let there = there.ok_or(Error::NoSuchMember)?;
            Place::demand(acting.user() == Some(user) || place.rules_over(&there.role))?;
            if there.role == OWNER {
                demand_another_owner(tx, id).await?;
            }
            teams::delete_member(tx, id, user).await?;
            audited(tx, acting, &entry).await
        };
        ask.project.db.write(remove).await?;
        self.user_changed(&ask.project, user);
        Ok(())
    }

    /// Makes a member the owner, and who owned it an admin.
    pub async fn transfer_team(
        &self,
        ask: &Ask,
        (acting, by): (Acting, &By),
        id: Uuid,
        form: TeamTransfer,
    ) -> Result<TeamView, Error> {
        let to = form.user;
        let entry = by.did("team.transfer", id.to_string(), json!({ "user": to }));
        let transfer = async move |tx: &WriteTx| -> Result<Place, Error> {
            let mut place = locked(tx, acting, id).await?;
            Place::demand(place.is_owner())?;
            let next = teams::member(tx, id, to).await?;
            let next = next.ok_or(Error::NoSuchMember)?;
            let give = async |row: member::Model, role: &str| {
                let role = role.to_owned();
                teams::put_member(tx, member::Model { role, ..row }).await
            };
            if let Some(user) = acting.user().filter(|user| *user != to) {
                let own = teams::member(tx, id, user).await?;
                give(own.ok_or(Error::NoSuchTeam)?, ADMIN).await?;
                place.role = Some(ADMIN.to_owned());
            }
            give(next, OWNER).await?;
            audited(tx, acting, &entry).await?;
            Ok(place)
        };
        let place = ask.project.db.write(transfer).await?;
        for user in acting.user().into_iter().chain([to]) {
            self.user_changed(&ask.project, user);
        }
        Ok(TeamView::new(place.team, place.role))
    }

    async fn place(&self, ask: &Ask, acting: Acting, id: Uuid) -> Result<Place, Error> {
        let db = &ask.project.db;
        let team = teams::get(db, id).await?.ok_or(Error::NoSuchTeam)?;
        let Some(user) = acting.user() else {
            return Ok(Place { team, role: None });
        };
        let row = teams::member(db, id, user)
            .await?
            .ok_or(Error::NoSuchTeam)?;
        let role = Some(row.role);
        Ok(Place { team, role })
    }
}

/// The asker's place in a team, which is locked until the transaction ends.
async fn locked(tx: &WriteTx, acting: Acting, id: Uuid) -> Result<Place, Error> {
    let team = teams::lock(tx, id).await?.ok_or(Error::NoSuchTeam)?;
    let Some(user) = acting.user() else {
        return Ok(Place { team, role: None });
    };
    let row = teams::member(tx, id, user)
        .await?
        .ok_or(Error::NoSuchTeam)?;
    let role = Some(row.role);
    Ok(Place { team, role })
}

/// Takes a user out of all teams, when it is erased, and tells whose roles changed by it. A team whose last owner goes
/// is its eldest admin's, else its eldest member's; one that nobody is left in goes too.
pub(crate) async fn forget(tx: &WriteTx, user: Uuid) -> Result<Vec<Uuid>, Error> {
    let mut changed = Vec::new();
    for place in teams::places(tx, user, u64::from(u32::MAX)).await? {
        let id = place.team_id;
        if teams::lock(tx, id).await?.is_none() {
            continue;
        }
        teams::delete_member(tx, id, user).await?;
        if place.role != OWNER || teams::count_members(tx, id, Some(OWNER)).await? > 0 {
            continue;
        }
        let heir = match teams::eldest(tx, id, user, Some(ADMIN)).await? {
            Some(admin) => Some(admin),
            None => teams::eldest(tx, id, user, None).await?,
        };
        match heir {
            None => teams::delete(tx, id).await?,
            Some(heir) => {
                changed.push(heir.user_id);
                let role = OWNER.to_owned();
                teams::put_member(tx, member::Model { role, ..heir }).await?;
            }
        }
    }
    Ok(changed)
}

/// Refuses that the one owner goes.
async fn demand_another_owner(tx: &WriteTx, id: Uuid) -> Result<(), Error> {
    if teams::count_members(tx, id, Some(OWNER)).await? > 1 {
        Ok(())
    } else {
        Err(Error::LastOwner)
    }
}

async fn demand_few(tx: &WriteTx, user: Uuid) -> Result<(), Error> {
    let places = teams::places(tx, user, TEAMS_OF_USER_MAX).await?;
    if (places.len() as u64) < TEAMS_OF_USER_MAX {
        Ok(())
    } else {
        Err(Error::TooManyTeams)
    }
}

async fn demand_room_for(tx: &WriteTx, id: Uuid, user: Uuid) -> Result<(), Error> {
    demand_few(tx, user).await?;
    if teams::count_members(tx, id, None).await? < MEMBERS_MAX {
        Ok(())
    } else {
        Err(Error::TeamFull)
    }
}

/// Notes what keys and operators do; what users do among themselves is theirs.
async fn audited(tx: &WriteTx, acting: Acting, entry: &gate::Entry) -> Result<(), Error> {
    if acting == Acting::Trusted {
        gate::audit::record(tx, entry.clone()).await?;
    }
    Ok(())
}

/// The cursors of one list.
pub(crate) struct List {
    key: [u8; 32],
    name: String,
}

impl List {
    pub(crate) fn new(ask: &Ask, name: String) -> Self {
        let key = ask.project.derive_key("cursor");
        Self { key, name }
    }

    /// The id behind which the page begins.
    pub(crate) fn open(&self, query: &ListQuery) -> Result<Option<Uuid>, Problem> {
        let Some(cursor) = &query.cursor else {
            return Ok(None);
        };
        let value = gate::open_cursor(&self.key, cursor)?;
        let text = |i: usize| value.get(i).and_then(Value::as_str);
        if text(0) != Some(&self.name) {
            return Err(Code::CursorMismatch.into());
        }
        let id = text(1).and_then(kernel::parse_id);
        id.map(Some).ok_or_else(|| Code::InvalidCursor.into())
    }

    /// Leaves the page's rows, and gives the cursor of the next one.
    pub(crate) fn cut<T>(
        &self,
        rows: &mut Vec<T>,
        query: &ListQuery,
        id: impl Fn(&T) -> Uuid,
    ) -> Option<String> {
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let is_more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| is_more).map(id)?;
        Some(gate::sign_cursor(&self.key, &json!([self.name, last])))
    }
}
