//! Who is asked for a second factor.

use crate::Input;
use serde::{Deserialize, Serialize};

/// Roles that are named at most.
const ROLES_MAX: usize = 100;
/// Characters of a role at most.
const ROLE_CHARS_MAX: usize = 100;

/// Who is asked for a second factor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectSecondFactor)]
pub struct SecondFactor {
    /// Whether one is asked for.
    pub policy: SecondFactorPolicy,
    /// With `required`: whom it is required of. Empty: everybody. Others may have one.
    pub roles: Vec<String>,
}

/// Whether a second factor is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactorPolicy {
    /// Of nobody, also not of those who have one.
    Off,
    /// Of those who set one up.
    #[default]
    Optional,
    /// Of all, or of those with certain roles: who has none sets one up before the first session begins.
    Required,
}

impl SecondFactor {
    /// Merges the members that are there; faults are noted in `input`.
    pub(super) fn patch(mut self, input: &mut Input) -> Self {
        match input.optional_text("policy", 0, 20).as_deref() {
            None => {}
            Some("off") => self.policy = SecondFactorPolicy::Off,
            Some("optional") => self.policy = SecondFactorPolicy::Optional,
            Some("required") => self.policy = SecondFactorPolicy::Required,
            Some(_) => input.fault(
                "policy",
                "not_a_choice",
                "This must be \"off\", \"optional\" or \"required\".",
            ),
        }
        if let Some(roles) = input.optional_texts("roles") {
            let fits = |role: &String| (1..=ROLE_CHARS_MAX).contains(&role.chars().count());
            if roles.len() > ROLES_MAX || !roles.iter().all(fits) {
                let message = format!(
                    "At most {ROLES_MAX} roles of 1 to {ROLE_CHARS_MAX} characters are allowed."
                );
                input.fault("roles", "bad_form", message);
            }
            self.roles = roles;
        }
        self
    }

    /// Whether a user with these roles must have one.
    #[must_use]
    pub fn requires(&self, roles: &[String]) -> bool {
        self.policy == SecondFactorPolicy::Required
            && (self.roles.is_empty() || self.roles.iter().any(|role| roles.contains(role)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn patched(value: Value) -> (SecondFactor, Vec<String>) {
        let mut input = Input::new(value.as_object().cloned().unwrap());
        let it = SecondFactor::default().patch(&mut input);
        (it, input.faults().into_iter().map(|f| f.path).collect())
    }

    #[test]
    fn it_is_required_of_all_or_of_some() {
        let roles = |all: &[&str]| all.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>();
        let (all, faults) = patched(json!({"policy": "required"}));
        assert!(faults.is_empty() && all.requires(&[]));
        let (some, _) = patched(json!({"policy": "required", "roles": ["staff"]}));
        assert!(some.requires(&roles(&["x", "staff"])) && !some.requires(&roles(&["x"])));
        let (optional, _) = patched(json!({"roles": ["staff"]}));
        assert!(!optional.requires(&roles(&["staff"])));
        assert_eq!(patched(json!({"policy": "sometimes"})).1, ["/policy"]);
        assert_eq!(patched(json!({"roles": [""]})).1, ["/roles"]);
        assert_eq!(patched(json!({"roles": "staff"})).1, ["/roles"]);
    }
}
