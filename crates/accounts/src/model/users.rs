//! What keys and operators send about users.

use super::identity::reads_as_another;
use super::{address, new_password};
use crate::grants::{Granted, TEAMS_CLAIM};
use gate::{Input, Problem, QueryInput};
use kernel::FieldError;
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::time::Duration;
use uuid::Uuid;

/// Roles of a user at most.
const ROLES_MAX: usize = 20;
/// Characters of a role at most.
const ROLE_CHARS_MAX: usize = 50;
/// Bytes of a user's claims at most, as JSON: they go into each of its tokens.
const CLAIMS_BYTES_MAX: usize = 2_048;
/// Characters of a name to sign in with at most.
const USERNAME_CHARS_MAX: usize = 64;
/// Characters of a reason at most.
const REASON_CHARS_MAX: usize = 500;

/// What identifies a user, and how it stands.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Its e-mail address, trimmed and otherwise as it was spelled.
    pub email: Option<String>,
    /// Its name to sign in with.
    pub username: Option<String>,
    /// Its telephone number (E.164).
    pub phone: Option<String>,
    /// Whether the address was verified.
    pub verified: bool,
    /// Whether the number was verified.
    pub phone_verified: bool,
    /// Whether it may not sign in.
    pub disabled: bool,
    /// Its roles and claims.
    pub granted: Granted,
    /// The developer's own fields.
    pub profile: Map<String, Value>,
}

impl Person {
    /// Reads all members but the secrets; a user has one identity at least.
    pub(crate) fn read(input: &mut Input) -> Self {
        let email = optional_address(input);
        let (username, phone) = (username(input), phone(input));
        if email.is_none() && username.is_none() && phone.is_none() {
            let message = "An e-mail address, a username or a telephone number is needed.";
            input.fault("email", "required", message);
        }
        let mut flag = |name: &str| input.optional_bool(name).unwrap_or(false);
        Self {
            verified: flag("verified"),
            phone_verified: flag("phone_verified"),
            disabled: flag("disabled"),
            email,
            username,
            phone,
            granted: granted(input),
            profile: object(input, "profile").unwrap_or_default(),
        }
    }
}

/// A user to be made.
#[derive(Debug)]
pub struct UserForm {
    /// Who it is.
    pub person: Person,
    /// Its password, if it has one.
    pub password: Option<SecretString>,
}

impl UserForm {
    /// Reads a user.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let person = Person::read(&mut input);
        let password = optional_password(&mut input).flatten();
        input.finish().map(|()| Self { person, password })
    }
}

/// A change of a user. What is absent stays; null removes.
#[derive(Debug, Default)]
pub struct UserPatchForm {
    /// Another address, or none.
    pub email: Option<Option<String>>,
    /// Another name to sign in with, or none.
    pub username: Option<Option<String>>,
    /// Another telephone number, or none.
    pub phone: Option<Option<String>>,
    /// Whether the address was verified.
    pub verified: Option<bool>,
    /// Whether the number was verified.
    pub phone_verified: Option<bool>,
    /// Whether it may not sign in.
    pub disabled: Option<bool>,
    /// Other roles.
    pub roles: Option<Vec<String>>,
    /// Other claims.
    pub claims: Option<Map<String, Value>>,
    /// Own fields that change.
    pub profile: Map<String, Value>,
    /// Another password, or none.
    pub password: Option<Option<SecretString>>,
    /// The names of what changes, for the audit log.
    pub names: Vec<String>,
}

impl UserPatchForm {
    /// Reads a change.
    pub fn parse(object_sent: Map<String, Value>) -> Result<Self, Problem> {
        let names: Vec<String> = object_sent.keys().cloned().collect();
        let has = |name: &str| names.iter().any(|n| n == name);
        let (email, name, number) = (has("email"), has("username"), has("phone"));
        let mut input = Input::new(object_sent);
        let input = &mut input;
        let form = Self {
            email: email.then(|| optional_address(input)),
            username: name.then(|| username(input)),
            phone: number.then(|| phone(input)),
            verified: input.optional_bool("verified"),
            phone_verified: input.optional_bool("phone_verified"),
            disabled: input.optional_bool("disabled"),
            roles: roles(input),
            claims: claims(input),
            profile: object(input, "profile").unwrap_or_default(),
            password: optional_password(input),
            names,
        };
        let input = std::mem::replace(input, Input::new(Map::new()));
        input.finish().map(|()| form)
    }
}

/// Somebody to be invited.
#[derive(Debug)]
pub struct InviteForm {
    /// The address.
    pub email: String,
    /// Roles and claims.
    pub granted: Granted,
    /// Own fields.
    pub profile: Map<String, Value>,
}

impl InviteForm {
    /// Reads `email`, `roles`, `claims` and `profile`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let form = Self {
            email: address(&mut input, "email"),
            granted: granted(&mut input),
            profile: object(&mut input, "profile").unwrap_or_default(),
        };
        input.finish().map(|()| form)
    }
}

/// A wish to act as a user.
#[derive(Debug)]
pub struct ImpersonateForm {
    /// Why, for the audit log.
    pub reason: String,
    /// For how long.
    pub life: Duration,
}

impl ImpersonateForm {
    /// Reads `reason`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let reason = input.text("reason", 1, REASON_CHARS_MAX).trim().to_owned();
        let life = Duration::from_secs(900);
        input.finish().map(|()| Self { reason, life })
    }
}

/// A wish to be erased.
#[derive(Debug)]
pub struct EraseForm {
    /// The password, where the account has one.
    pub current: Option<SecretString>,
}

impl EraseForm {
    /// Reads `current_password`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let max = gate::password::PASSWORD_BYTES_MAX;
        let current = input.optional_text("current_password", 1, max);
        input.finish().map(|()| Self {
            current: current.map(Into::into),
        })
    }
}

/// Which users a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsersFilter {
    /// Part of an identity, in any case.
    pub search: Option<String>,
    /// Whether they may not sign in.
    pub disabled: Option<bool>,
    /// Whether their address was verified.
    pub verified: Option<bool>,
    /// Whether they have no identity.
    pub anonymous: Option<bool>,
}

impl UsersFilter {
    /// Takes its parameters and leaves the others.
    pub fn read(query: &mut QueryInput) -> Self {
        let mut flag = |name: &str| match query.take(name).as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => {
                query.fault(name, "This must be true or false.");
                None
            }
        };
        let (disabled, verified) = (flag("disabled"), flag("verified"));
        let anonymous = flag("anonymous");
        let search = query.take("search").filter(|text| !text.is_empty());
        if search
            .as_ref()
            .is_some_and(|text| text.chars().count() > 254)
        {
            query.fault("search", "At most 254 characters are allowed.");
        }
        Self {
            search,
            disabled,
            verified,
            anonymous,
        }
    }
}

/// An id, or nothing when it is absent or null.
pub(crate) fn optional_id(input: &mut Input, name: &str) -> Option<Uuid> {
    let text = input.optional_text(name, 1, 100)?;
    let id = kernel::parse_id(&text);
    if id.is_none() {
        input.fault(name, "not_an_id", "This must be an id.");
    }
    id
}

fn optional_address(input: &mut Input) -> Option<String> {
    let sent = input.take("email").filter(|value| !value.is_null())?;
    let mut alone = Input::new(Map::from_iter([("email".to_owned(), sent)]));
    let email = address(&mut alone, "email");
    alone.faults().into_iter().for_each(|f| input.push(f));
    Some(email)
}

/// Another password, or none (null); absent when it stays.
fn optional_password(input: &mut Input) -> Option<Option<SecretString>> {
    let sent = input.take("password")?;
    if sent.is_null() {
        return Some(None);
    }
    let mut alone = Input::new(Map::from_iter([("password".to_owned(), sent)]));
    let password = new_password(&mut alone, "password");
    alone.faults().into_iter().for_each(|f| input.push(f));
    Some(Some(password))
}

fn username(input: &mut Input) -> Option<String> {
    let name = input.optional_text("username", 1, USERNAME_CHARS_MAX)?;
    let is_odd = |c: char| c.is_control() || c.is_whitespace();
    if name.contains(is_odd) || reads_as_another(&name) {
        let message = "A username has neither spaces nor @, and does not begin with +.";
        input.fault("username", "not_a_username", message);
    }
    Some(name)
}

fn phone(input: &mut Input) -> Option<String> {
    let text = input.optional_text("phone", 1, 30)?;
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_number = (7..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0');
    if !is_number {
        let message = "This must be a telephone number as +4915112345678 (E.164).";
        input.fault("phone", "not_a_phone", message);
    }
    Some(text)
}

fn object(input: &mut Input, name: &str) -> Option<Map<String, Value>> {
    match input.take(name) {
        None | Some(Value::Null) => None,
        Some(Value::Object(object)) => Some(object),
        Some(_) => {
            input.fault(name, "not_an_object", "This must be an object.");
            None
        }
    }
}

/// What a user is given: `roles` and `claims`.
pub(crate) fn granted(input: &mut Input) -> Granted {
    Granted {
        roles: roles(input).unwrap_or_default(),
        claims: claims(input).unwrap_or_default(),
    }
}

fn roles(input: &mut Input) -> Option<Vec<String>> {
    let mut roles = input.optional_texts("roles")?;
    let is_role = |role: &String| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
        (1..=ROLE_CHARS_MAX).contains(&role.len()) && role.chars().all(is_plain)
    };
    if roles.len() > ROLES_MAX {
        let message = format!("At most {ROLES_MAX} roles are allowed.");
        input.fault("roles", "too_many", message);
    }
    for (i, _) in roles.iter().enumerate().filter(|(_, role)| !is_role(role)) {
        input.push(FieldError {
            path: format!("/roles/{i}"),
            code: "not_a_role",
            message: format!(
                "A role has 1 to {ROLE_CHARS_MAX} letters, digits and signs of _ - . :"
            ),
        });
    }
    roles.sort();
    roles.dedup();
    Some(roles)
}

fn claims(input: &mut Input) -> Option<Map<String, Value>> {
    let claims = object(input, "claims")?;
    if Value::Object(claims.clone()).to_string().len() > CLAIMS_BYTES_MAX {
        let message = format!("At most {CLAIMS_BYTES_MAX} bytes of JSON are allowed.");
        input.fault("claims", "too_long", message);
    }
    if claims.contains_key(TEAMS_CLAIM) {
        input.push(FieldError {
            path: format!("/claims/{TEAMS_CLAIM}"),
            code: "reserved",
            message: "Under this name rules find the user's teams by role.".to_owned(),
        });
    }
    Some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input(value: Value) -> Input {
        Input::new(value.as_object().cloned().unwrap())
    }

    fn paths(problem: &Problem) -> Vec<&str> {
        let errors = problem.field_errors().iter();
        errors.map(|e| e.path.as_str()).collect()
    }

    #[test]
    fn all_faults_of_a_user_are_told_together() {
        let bad = json!({
            "email": "x", "username": "a b", "phone": "0151", "verified": 1, "roles": ["ok", "not ok"],
            "claims": {"teams": 1}, "profile": [], "password": "short"
        });
        let problem = UserForm::parse(input(bad)).unwrap_err();
        let mut found = paths(&problem);
        found.sort_unstable();
        let want = [
            "/claims/teams",
            "/email",
            "/password",
            "/phone",
            "/profile",
            "/roles/1",
            "/username",
            "/verified",
        ];
        assert_eq!(found, want);
        let none = UserForm::parse(input(json!({}))).unwrap_err();
        assert_eq!(paths(&none), ["/email"]);
        let odd = UserForm::parse(input(json!({"email": "a@b.co", "admin": true})));
        assert_eq!(odd.unwrap_err().code(), kernel::Code::UnknownField);
    }

    #[test]
    fn a_change_tells_null_from_absent() {
        let parse = |value: Value| UserPatchForm::parse(value.as_object().cloned().unwrap());
        let none = parse(json!({})).unwrap();
        assert!(none.email.is_none() && none.password.is_none() && none.roles.is_none());
        let cleared = parse(json!({"email": null, "phone": null, "password": null})).unwrap();
        assert_eq!((cleared.email, cleared.phone), (Some(None), Some(None)));
        assert!(matches!(cleared.password, Some(None)));
        assert_eq!(cleared.names, ["email", "phone", "password"]);
        assert!(
            parse(json!({"roles": ["b", "a", "a"]}))
                .is_ok_and(|p| p.roles == Some(vec!["a".into(), "b".into()]))
        );
    }

    #[test]
    fn what_goes_into_tokens_is_bounded() {
        let of = |claims: Value, roles: Value| {
            UserForm::parse(input(
                json!({"email": "a@b.co", "claims": claims, "roles": roles}),
            ))
        };
        let big = "x".repeat(2_048 - 8);
        assert!(of(json!({"a": big}), json!([])).is_ok());
        assert!(of(json!({"a": format!("{big}x")}), json!([])).is_err());
        let many: Vec<String> = (0..21).map(|n| format!("r{n}")).collect();
        assert!(of(json!({}), json!(many[..20])).is_ok());
        assert!(of(json!({}), json!(many)).is_err());
        assert!(of(json!({}), json!(["x".repeat(51)])).is_err());
    }
}
