//! The wire types of users, as keys and operators see them.

use crate::grants::Granted;
use crate::rows::session;
use crate::rows::teams::member;
use crate::views::SessionView;
use crate::views::factors::FactorsView;
use crate::views::social::IdentityView;
use kernel::Stamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// A user to be made. It has an e-mail address, a username or a telephone number at least.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManagedUserIn {
    /// An e-mail address that no other account has.
    #[schema(max_length = 254, format = "email")]
    pub email: Option<String>,
    /// A name to sign in with.
    #[schema(max_length = 64)]
    pub username: Option<String>,
    /// A telephone number (E.164).
    #[schema(example = "+4915112345678")]
    pub phone: Option<String>,
    /// At least 8 characters, at most 512 bytes; a user without one signs in by other ways.
    #[schema(min_length = 8, max_length = 512, format = "password")]
    pub password: Option<String>,
    /// Whether the address was verified.
    #[serde(default)]
    pub verified: bool,
    /// Whether the number was verified.
    #[serde(default)]
    pub phone_verified: bool,
    /// Whether it may not sign in.
    #[serde(default)]
    pub disabled: bool,
    /// Roles: `auth.roles` in rules, `roles` in tokens. At most 20.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Claims: `auth.claims` in rules, `claims` in tokens. At most 2,048 bytes of JSON; `teams` is reserved.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub claims: Map<String, Value>,
    /// Fields of the `users` collection, those too that users may not set.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub profile: Map<String, Value>,
}

/// A change of a user. What is absent stays; null removes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManagedUserPatch {
    /// Another e-mail address.
    #[schema(max_length = 254, format = "email")]
    pub email: Option<String>,
    /// Another name to sign in with.
    #[schema(max_length = 64)]
    pub username: Option<String>,
    /// Another telephone number (E.164).
    pub phone: Option<String>,
    /// Another password, which ends all sessions; null takes it away.
    #[schema(min_length = 8, max_length = 512, format = "password")]
    pub password: Option<String>,
    /// Whether the address was verified.
    pub verified: Option<bool>,
    /// Whether the number was verified.
    pub phone_verified: Option<bool>,
    /// Whether it may not sign in; true ends all sessions.
    pub disabled: Option<bool>,
    /// Roles in the place of those it has.
    pub roles: Option<Vec<String>>,
    /// Claims in the place of those it has.
    #[schema(value_type = Option<Object>)]
    pub claims: Option<Map<String, Value>>,
    /// Fields of the `users` collection that change.
    #[schema(value_type = Option<Object>)]
    pub profile: Option<Map<String, Value>>,
}

/// Somebody to be invited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteIn {
    /// The address.
    #[schema(max_length = 254, format = "email")]
    pub email: String,
    /// Roles. At most 20.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Claims. At most 2,048 bytes of JSON.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub claims: Map<String, Value>,
    /// Fields of the `users` collection.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub profile: Map<String, Value>,
}

/// A user, as keys and operators see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ManagedUser)]
pub struct ManagedUserView {
    /// The user.
    #[schema(value_type = Uuid)]
    pub id: Value,
    /// Its e-mail address.
    #[schema(value_type = Option<String>)]
    pub email: Value,
    /// Its name to sign in with.
    #[schema(value_type = Option<String>)]
    pub username: Value,
    /// Its telephone number.
    #[schema(value_type = Option<String>)]
    pub phone: Value,
    /// Whether the address was verified.
    #[schema(value_type = bool)]
    pub verified: Value,
    /// Whether the number was verified.
    #[schema(value_type = bool)]
    pub phone_verified: Value,
    /// Whether it may not sign in.
    #[schema(value_type = bool)]
    pub disabled: Value,
    /// Whether it has no identity yet.
    #[schema(value_type = bool)]
    pub anonymous: Value,
    /// Its roles.
    pub roles: Vec<String>,
    /// Its claims.
    #[schema(value_type = Object)]
    pub claims: Map<String, Value>,
    /// The developer's own fields.
    #[schema(value_type = Object)]
    pub profile: Map<String, Value>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Value,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Value,
}

/// Fields of the record in which identities stand as they are compared.
const COMPARED: [&str; 2] = ["email_key", "username_key"];

impl ManagedUserView {
    /// Of the whole record.
    pub(crate) fn new(mut record: Map<String, Value>, granted: Granted) -> Self {
        let mut take = |name: &str| record.remove(name).unwrap_or(Value::Null);
        let _ = take("_version");
        let mut flag = |name: &str| Value::Bool(take(name) == Value::Bool(true));
        let (verified, phone_verified) = (flag("verified"), flag("phone_verified"));
        let (disabled, anonymous) = (flag("disabled"), flag("anonymous"));
        let mut take = |name: &str| record.remove(name).unwrap_or(Value::Null);
        Self {
            id: take("id"),
            email: take("email"),
            username: take("username"),
            phone: take("phone"),
            verified,
            phone_verified,
            disabled,
            anonymous,
            roles: granted.roles,
            claims: granted.claims,
            created_at: take("created_at"),
            updated_at: take("updated_at"),
            profile: record
                .into_iter()
                .filter(|(name, _)| !name.starts_with('_') && !COMPARED.contains(&name.as_str()))
                .collect(),
        }
    }

    /// The user's id.
    pub(crate) fn user(&self) -> Uuid {
        let id = self.id.as_str().and_then(kernel::parse_id);
        id.unwrap_or_default()
    }
}

/// A user with what belongs to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManagedUserDetail)]
pub struct ManagedUserDetailView {
    /// The user.
    #[serde(flatten)]
    pub user: ManagedUserView,
    /// Whether it has a password.
    pub has_password: bool,
    /// Its teams.
    pub teams: Vec<PlaceView>,
    /// Its passkeys and second factors.
    pub factors: FactorsView,
    /// Its accounts elsewhere, the oldest first.
    pub identities: Vec<IdentityView>,
}

/// A user's place in a team.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TeamPlace)]
pub struct PlaceView {
    /// The team.
    pub team_id: Uuid,
    /// What the user is in it.
    pub role: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Option<Stamp>,
}

impl From<member::Model> for PlaceView {
    fn from(row: member::Model) -> Self {
        Self {
            team_id: row.team_id,
            role: row.role,
            joined_at: Stamp::from_time(row.joined_at),
        }
    }
}

/// A page of users, the newest first.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a page")]
pub(crate) struct ManagedUserPage {
    /// The page's users, in order.
    items: Vec<ManagedUserView>,
    /// Hand this back as `cursor` for the next page; null on the last.
    #[schema(required = true)]
    next_cursor: Option<String>,
    /// All of them, on all pages; only when asked for with `count=exact`.
    #[schema(nullable = false)]
    total: Option<u64>,
}

/// A session of a user, as keys and operators see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManagedSession)]
pub struct ManagedSessionView {
    /// The session.
    #[serde(flatten)]
    pub session: SessionView,
    /// How the user proved who it is, with spaces between.
    pub methods: String,
    /// The level of assurance: 1 for one factor, 2 for two.
    pub level: i64,
    /// Who acts as the user, where it is not the user: `operator:<id>` or `key:<id>`.
    pub impersonator: Option<String>,
}

impl From<session::Model> for ManagedSessionView {
    fn from(row: session::Model) -> Self {
        Self {
            methods: row.methods.clone(),
            level: row.level,
            impersonator: row.impersonator.clone(),
            session: SessionView::new(row, Uuid::nil()),
        }
    }
}

/// The sessions of a user that live, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ManagedSessions)]
pub struct ManagedSessionsView {
    /// The sessions.
    pub items: Vec<ManagedSessionView>,
    /// Always null: there is one page.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// A wish to act as a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImpersonateIn {
    /// Why. It stands in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// A session in which somebody acts as a user. It cannot be refreshed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImpersonatedView {
    /// The user as it may see itself.
    #[schema(value_type = Object)]
    pub user: Map<String, Value>,
    /// Send it as `Authorization: Bearer <access_token>`. Its claim `act` names who acts (RFC 8693, section 4.1).
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// For how many seconds it is good: the session ends then.
    pub expires_in: u64,
}

/// A wish to be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseIn {
    /// The password, where the account has one.
    #[schema(max_length = 512, format = "password")]
    pub current_password: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_own_fields_are_shown_and_nothing_of_ours() {
        let record = json!({
            "id": "i", "_version": 3, "email": "A@b.co", "email_key": "a@b.co", "username_key": "a",
            "stripe_key": "sk_1", "key": 7
        });
        let view = ManagedUserView::new(record.as_object().cloned().unwrap(), Granted::default());
        assert_eq!(json!(view.profile), json!({"stripe_key": "sk_1", "key": 7}));
    }
}
