//! What callers send about teams.

use super::address;
use gate::{Input, Problem};
use uuid::Uuid;

/// Who may do everything in a team.
pub(crate) const OWNER: &str = "owner";
/// Who may see to its members.
pub(crate) const ADMIN: &str = "admin";
/// Characters of a team's name at most.
const NAME_CHARS_MAX: usize = 100;
/// Characters of a role at most.
pub(crate) const ROLE_CHARS_MAX: usize = 40;

/// A team to be made.
#[derive(Debug)]
pub struct NewTeam {
    /// Its name.
    pub name: String,
    /// Its first owner, where a key or an operator makes it.
    pub owner: Option<Uuid>,
}

impl NewTeam {
    /// Reads `name` and, of keys and operators, `owner`.
    pub fn parse(mut input: Input, is_trusted: bool) -> Result<Self, Problem> {
        let name = name(&mut input);
        // A user owns what it makes: to name an owner is to name what does not exist.
        let owner = is_trusted.then(|| id(&mut input, "owner"));
        input.finish().map(|()| Self { name, owner })
    }
}

/// Another name of a team.
#[derive(Debug)]
pub struct TeamName {
    /// The name.
    pub name: String,
}

impl TeamName {
    /// Reads `name`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let name = name(&mut input);
        input.finish().map(|()| Self { name })
    }
}

/// What a member is to be.
#[derive(Debug)]
pub struct TeamRole {
    /// The role.
    pub role: String,
}

impl TeamRole {
    /// Reads `role`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let role = role(&mut input);
        input.finish().map(|()| Self { role })
    }
}

/// A wish that somebody join.
#[derive(Debug)]
pub struct TeamInvite {
    /// The address to ask.
    pub email: String,
    /// What its user will be.
    pub role: String,
}

impl TeamInvite {
    /// Reads `email` and `role`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let email = address(&mut input, "email");
        let role = role(&mut input);
        input.finish().map(|()| Self { email, role })
    }
}

/// Who is to own a team.
#[derive(Debug)]
pub struct TeamTransfer {
    /// A member.
    pub user: Uuid,
}

impl TeamTransfer {
    /// Reads `user_id`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let user = id(&mut input, "user_id");
        input.finish().map(|()| Self { user })
    }
}

fn name(input: &mut Input) -> String {
    let name = input.text("name", 1, NAME_CHARS_MAX).trim().to_owned();
    if name.contains(char::is_control) {
        input.fault("name", "not_a_line", "This must be one line.");
    }
    name
}

fn role(input: &mut Input) -> String {
    let role = input.text("role", 1, ROLE_CHARS_MAX);
    if !role.is_empty() && !is_role(&role) {
        let message = "A role has lower-case letters, digits and _, and begins with a letter.";
        input.fault("role", "not_a_role", message);
    }
    role
}

/// Whether rules can name it: `auth.claims.teams.<role>`.
pub(crate) fn is_role(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// An id that must be there.
fn id(input: &mut Input, name: &str) -> Uuid {
    let text = input.text(name, 1, 100);
    let id = kernel::parse_id(&text);
    if !text.is_empty() && id.is_none() {
        input.fault(name, "not_an_id", "This must be an id.");
    }
    id.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn input(value: Value) -> Input {
        Input::new(value.as_object().cloned().unwrap())
    }

    #[test]
    fn roles_are_names() {
        for good in ["owner", "member", "a", "billing_2"] {
            assert!(is_role(good), "{good}");
        }
        for bad in ["", "Owner", "2nd", "_x", "a b", "a-b", "ä"] {
            assert!(!is_role(bad), "{bad}");
        }
    }

    #[test]
    fn only_who_is_trusted_names_an_owner() {
        let id = "01990000-0000-7000-8000-000000000001";
        let body = || input(json!({"name": " The team ", "owner": id}));
        assert!(NewTeam::parse(body(), false).is_err());
        let made = NewTeam::parse(body(), true).unwrap();
        assert_eq!(made.name, "The team");
        assert_eq!(made.owner, kernel::parse_id(id));
        for bad in [
            json!({}),
            json!({"name": "", "owner": id}),
            json!({"name": "a\nb", "owner": id}),
            json!({"name": "x".repeat(101), "owner": id}),
            json!({"name": "x", "owner": "me"}),
        ] {
            assert!(NewTeam::parse(input(bad.clone()), true).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_invitation_tells_all_its_faults() {
        let bad = TeamInvite::parse(input(json!({"email": "x", "role": "Boss"}))).unwrap_err();
        let paths: Vec<&str> = bad.field_errors().iter().map(|e| e.path.as_str()).collect();
        assert_eq!(paths, ["/email", "/role"]);
    }
}
