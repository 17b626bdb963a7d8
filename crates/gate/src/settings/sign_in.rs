//! The ways by which a project's users sign in.

use crate::Input;
use kernel::FieldError;
use serde::{Deserialize, Serialize};

/// Identities of a project at most.
const IDENTITIES_MAX: usize = 5;

/// The ways by which users sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectSignIn)]
pub struct SignInMethods {
    /// What users are known by when they sign in with a password: `email`, `username`, `phone`, or unique text fields
    /// of the collection `users`. Who signs up brings at least one of them.
    pub identities: Vec<String>,
    /// By a password.
    pub password: bool,
    /// By a code that is sent by mail.
    pub email_code: bool,
    /// By a link that is sent by mail. It ends at `brand.app_url`.
    pub magic_link: bool,
    /// By a code that is sent to a telephone.
    pub phone_code: bool,
    /// By a passkey.
    pub passkey: bool,
    /// Without any identity, to be given one later.
    pub anonymous: bool,
}

impl Default for SignInMethods {
    fn default() -> Self {
        Self {
            identities: vec!["email".to_owned()],
            password: true,
            email_code: false,
            magic_link: false,
            phone_code: false,
            passkey: true,
            anonymous: false,
        }
    }
}

impl SignInMethods {
    /// Merges the members that are there; faults are noted in `input`.
    pub(super) fn patch(self, input: &mut Input) -> Self {
        let identities = input.optional_texts("identities");
        if let Some(names) = &identities {
            judge(input, names);
        }
        let mut flag = |name: &str, now: bool| input.optional_bool(name).unwrap_or(now);
        Self {
            identities: identities.unwrap_or(self.identities),
            password: flag("password", self.password),
            email_code: flag("email_code", self.email_code),
            magic_link: flag("magic_link", self.magic_link),
            phone_code: flag("phone_code", self.phone_code),
            passkey: flag("passkey", self.passkey),
            anonymous: flag("anonymous", self.anonymous),
        }
    }
}

impl SignInMethods {
    /// Whether users are known by this.
    #[must_use]
    pub fn knows_by(&self, identity: &str) -> bool {
        self.identities.iter().any(|one| one == identity)
    }

    /// The fields of the developer's own among the identities.
    pub fn own_fields(&self) -> impl Iterator<Item = &str> {
        let built_in = |name: &&str| !["email", "username", "phone"].contains(name);
        self.identities.iter().map(String::as_str).filter(built_in)
    }
}

/// Notes what is wrong with a list of identities, as far as their names tell.
fn judge(input: &mut Input, names: &[String]) {
    if names.is_empty() || names.len() > IDENTITIES_MAX {
        let message = format!("There must be 1 to {IDENTITIES_MAX} identities.");
        input.fault("identities", "bad_count", message);
    }
    for (i, name) in names.iter().enumerate() {
        let is_name = (1..=63).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let (code, message) = if !is_name {
            (
                "not_a_field",
                "This must be a field of the collection users.",
            )
        } else if names[..i].contains(name) {
            ("repeated", "This stands in the list already.")
        } else {
            continue;
        };
        input.push(FieldError {
            path: format!("/identities/{i}"),
            code,
            message: message.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn identities_are_names_told_once() {
        for (value, count) in [
            (json!(["email", "username", "phone", "staff_no"]), 0),
            (json!([]), 1),
            (json!(["email", "email"]), 1),
            (json!(["Email"]), 1),
            (json!(["email; --"]), 1),
            (json!(["a", "b", "c", "d", "e", "f"]), 1),
            (json!("email"), 1),
        ] {
            let object = json!({ "identities": value });
            let mut input = Input::new(object.as_object().cloned().unwrap());
            let after = SignInMethods::default().patch(&mut input);
            assert_eq!(input.faults().len(), count, "{value}");
            let own: Vec<&str> = after.own_fields().collect();
            assert!(count > 0 || (own == ["staff_no"] && after.knows_by("phone")));
        }
    }
}
