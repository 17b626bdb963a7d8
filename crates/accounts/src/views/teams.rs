//! The wire types of teams.

use crate::rows::teams::{invitation, member, team};
use kernel::Stamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A team to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamIn {
    /// Its name: one line.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Its first owner. Keys and operators must name one; a user owns what it makes and may not.
    pub owner: Option<Uuid>,
}

/// Another name of a team.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamPatch {
    /// Its name: one line.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
}

/// A team.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Team)]
pub struct TeamView {
    /// Its id, which `auth.teams` holds in rules.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// What the asker is in it; null for keys and operators.
    pub role: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Option<Stamp>,
    /// When it was last renamed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Option<Stamp>,
}

impl TeamView {
    pub(crate) fn new(row: team::Model, role: Option<String>) -> Self {
        Self {
            id: row.id,
            name: row.name,
            role,
            created_at: Stamp::from_time(row.created_at),
            updated_at: Stamp::from_time(row.updated_at),
        }
    }
}

/// What a member is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamRoleIn {
    /// `owner`, `admin`, `member`, or a name of the app's own, of lower-case letters, digits and `_`.
    #[schema(min_length = 1, max_length = 40)]
    pub role: String,
}

/// A member of a team.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TeamMember)]
pub struct MemberView {
    /// The user.
    pub user_id: Uuid,
    /// `owner`, `admin`, `member`, or a name of the app's own.
    pub role: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Option<Stamp>,
}

impl From<member::Model> for MemberView {
    fn from(row: member::Model) -> Self {
        Self {
            user_id: row.user_id,
            role: row.role,
            joined_at: Stamp::from_time(row.joined_at),
        }
    }
}

/// Who is to own a team.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamTransferIn {
    /// A member.
    pub user_id: Uuid,
}

/// A wish that somebody join.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamInviteIn {
    /// The address to ask.
    #[schema(max_length = 254, format = "email")]
    pub email: String,
    /// What its user will be.
    #[schema(min_length = 1, max_length = 40)]
    pub role: String,
}

/// An address that is asked to join.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TeamInvitation)]
pub struct InvitationView {
    /// The invitation.
    pub id: Uuid,
    /// Who is asked.
    pub email: String,
    /// What its user will be.
    pub role: String,
    /// Who asks: `user:<id>`, `key:<id>` or `operator:<id>`.
    pub invited_by: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Option<Stamp>,
    /// Until when it can be accepted.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Option<Stamp>,
}

impl From<invitation::Model> for InvitationView {
    fn from(row: invitation::Model) -> Self {
        Self {
            id: row.id,
            email: row.email,
            role: row.role,
            invited_by: row.invited_by,
            created_at: Stamp::from_time(row.created_at),
            expires_at: Stamp::from_time(row.expires_at),
        }
    }
}

/// Those who are asked to join a team.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TeamInvitations)]
pub struct InvitationsView {
    /// The newest first.
    pub items: Vec<InvitationView>,
    /// Always null: there is one page.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A team that asks the signed-in user to join.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MyTeamInvitation)]
pub struct MyInvitationView {
    /// The invitation.
    pub id: Uuid,
    /// The team.
    pub team_id: Uuid,
    /// What people call it.
    pub team_name: String,
    /// What the user will be.
    pub role: String,
    /// When it was asked.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Option<Stamp>,
    /// Until when it can be accepted.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Option<Stamp>,
}

impl MyInvitationView {
    pub(crate) fn new(row: invitation::Model, team_name: String) -> Self {
        Self {
            id: row.id,
            team_id: row.team_id,
            team_name,
            role: row.role,
            created_at: Stamp::from_time(row.created_at),
            expires_at: Stamp::from_time(row.expires_at),
        }
    }
}

/// The teams that ask the signed-in user to join.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MyTeamInvitations)]
pub struct MyInvitationsView {
    /// The newest first.
    pub items: Vec<MyInvitationView>,
    /// Always null: there is one page.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A page of teams, the newest first.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a page")]
pub(crate) struct TeamPage {
    /// The page's teams, in order.
    items: Vec<TeamView>,
    /// Hand this back as `cursor` for the next page; null on the last.
    #[schema(required = true)]
    next_cursor: Option<String>,
    /// All of them, on all pages; only when asked for with `count=exact`.
    #[schema(nullable = false)]
    total: Option<u64>,
}

/// A page of members, in the order of their ids.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a page")]
pub(crate) struct TeamMemberPage {
    /// The page's members, in order.
    items: Vec<MemberView>,
    /// Hand this back as `cursor` for the next page; null on the last.
    #[schema(required = true)]
    next_cursor: Option<String>,
    /// All of them, on all pages; only when asked for with `count=exact`.
    #[schema(nullable = false)]
    total: Option<u64>,
}
