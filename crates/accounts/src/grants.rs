//! What users are given by keys and operators, for rules and for tokens: roles, claims of the developer's own, and
//! their places in teams.

use crate::error::Error;
use crate::ports::UserRow;
use crate::rows::{grants, teams};
use crate::teams::TEAMS_OF_USER_MAX;
use kernel::Stamp;
use sea_orm::ConnectionTrait;
use serde_json::{Map, Value, json};
use store::WriteTx;
use uuid::Uuid;

/// The claim in which rules find teams by role: `auth.claims.teams.admin`. Nobody gives a claim of this name.
pub(crate) const TEAMS_CLAIM: &str = "teams";

/// The roles and the claims of a user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Granted {
    /// The roles.
    pub roles: Vec<String>,
    /// The claims.
    pub claims: Map<String, Value>,
}

impl Granted {
    pub(crate) fn of_row(row: grants::Model) -> Self {
        let roles = match row.roles {
            Value::Array(all) => all,
            _ => Vec::new(),
        };
        let text = |role: Value| match role {
            Value::String(text) => Some(text),
            _ => None,
        };
        let claims = match row.claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        };
        Self {
            roles: roles.into_iter().filter_map(text).collect(),
            claims,
        }
    }

    /// What a user is given.
    pub(crate) async fn read<C: ConnectionTrait>(db: &C, user: Uuid) -> Result<Self, Error> {
        let row = grants::get(db, user).await?;
        Ok(row.map(Self::of_row).unwrap_or_default())
    }

    /// What a user is given, with the roles that the directory gives it.
    pub(crate) async fn of<C: ConnectionTrait>(db: &C, user: &UserRow) -> Result<Self, Error> {
        let mut granted = Self::read(db, user.id).await?;
        let more = user.roles.iter();
        let more = more.filter(|role| !granted.roles.contains(role)).cloned();
        let more: Vec<String> = more.collect();
        granted.roles.extend(more);
        Ok(granted)
    }

    /// Keeps it as what the user is given from now on.
    pub(crate) async fn write(&self, tx: &WriteTx, user: Uuid, now: Stamp) -> Result<(), Error> {
        let row = grants::Model {
            user_id: user,
            roles: json!(self.roles),
            claims: Value::Object(self.claims.clone()),
            updated_at: now.time(),
        };
        Ok(grants::put(tx, row).await?)
    }

    /// Adds it, and the user's places in teams, to what rules read.
    pub(crate) async fn add_to<C: ConnectionTrait>(
        db: &C,
        user: Uuid,
        auth: &mut rules::Auth,
    ) -> Result<(), Error> {
        let Self { roles, claims } = Self::read(db, user).await?;
        let more = roles.into_iter().filter(|role| !auth.roles.contains(role));
        let more: Vec<String> = more.collect();
        auth.roles.extend(more);
        // What the session was given comes first, what the user is granted has the last word.
        auth.claims.extend(claims);
        let mut by_role: Map<String, Value> = Map::new();
        for place in teams::places(db, user, TEAMS_OF_USER_MAX).await? {
            let id = place.team_id.to_string();
            let of_role = by_role.entry(place.role).or_insert_with(|| json!([]));
            if let Value::Array(of_role) = of_role {
                of_role.push(id.clone().into());
            }
            auth.teams.push(id);
        }
        auth.claims
            .insert(TEAMS_CLAIM.to_owned(), Value::Object(by_role));
        Ok(())
    }
}
