//! What is wrong with a new password, by a project's policy and by what is known from breaches.

use super::Passwords;
use crate::{PasswordPolicy, Problem};
use kernel::FieldError;

/// Characters of an identity, or of a part of it, that counts for nothing; shorter ones stand in many words.
const IDENTITY_CHARS_MIN: usize = 4;

impl Passwords {
    /// Every fault of a new password that is to be an account's with these identities, for the member `name`.
    pub async fn faults(
        &self,
        policy: &PasswordPolicy,
        name: &str,
        password: &str,
        identities: &[&str],
    ) -> Result<Vec<FieldError>, Problem> {
        let mut faults = Vec::new();
        let mut fault = |code, message: String| faults.push(FieldError::at(name, code, message));
        let least = usize::try_from(policy.length_min).unwrap_or(usize::MAX);
        if password.chars().count() < least {
            fault(
                "too_short",
                format!("At least {least} characters are needed."),
            );
        }
        for class in &policy.classes {
            if !password.chars().any(|c| class.holds(c)) {
                fault(
                    "class_missing",
                    format!("A character of the class {:?} is needed.", class.as_str()),
                );
            }
        }
        if policy.refuse_identity && leans_on_identity(password, identities, least) {
            fault(
                "holds_identity",
                "Beside the account's own address or name this is too short.".to_owned(),
            );
        }
        if policy.refuse_breached && self.is_breached(password).await? {
            fault(
                "breached",
                "This password is known from breaches of other services.".to_owned(),
            );
        }
        Ok(faults)
    }

    async fn is_breached(&self, password: &str) -> Result<bool, Problem> {
        if self.breached.is_common(password) {
            return Ok(true);
        }
        if !self.breached.has_file() {
            return Ok(false);
        }
        let (list, password) = (self.breached.clone(), password.to_owned());
        let look = tokio::task::spawn_blocking(move || list.is_in_file(&password));
        let found = look.await.map_err(Problem::internal)?;
        found.map_err(|e| Problem::internal(format!("gate.passwords.breached_file: {e}")))
    }
}

/// Whether a password holds an identity, or what stands before the `@` of one, in any case, and is too short without.
fn leans_on_identity(password: &str, identities: &[&str], least: usize) -> bool {
    let mut rest = password.to_lowercase();
    let before = rest.len();
    for identity in identities {
        let identity = identity.trim().to_lowercase();
        let local = identity.split('@').next().unwrap_or_default();
        for part in [identity.as_str(), local] {
            if part.chars().count() >= IDENTITY_CHARS_MIN {
                rest = rest.replace(part, "");
            }
        }
    }
    rest.len() < before && rest.chars().count() < least
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CharacterClass;

    #[tokio::test]
    async fn every_fault_is_told_at_once() {
        let passwords = Passwords::new(1, 1);
        let strict = PasswordPolicy {
            length_min: 10,
            classes: CharacterClass::ALL.to_vec(),
            ..PasswordPolicy::default()
        };
        let codes = async |policy: &PasswordPolicy, password: &str| {
            let found = passwords
                .faults(
                    policy,
                    "password",
                    password,
                    &["Lovelace@example.com", "ada"],
                )
                .await
                .unwrap();
            found.iter().map(|f| f.code).collect::<Vec<_>>()
        };
        let plain = PasswordPolicy::default();
        let lax = PasswordPolicy {
            refuse_identity: false,
            refuse_breached: false,
            ..plain.clone()
        };
        let none: [&str; 0] = [];
        assert_eq!(codes(&plain, "correct horse").await, none);
        assert_eq!(codes(&plain, "adam and eve").await, none);
        assert_eq!(codes(&plain, "Password1").await, ["breached"]);
        assert_eq!(codes(&plain, "xxLOVELACExx").await, ["holds_identity"]);
        assert_eq!(
            codes(&plain, "lovelace@example.com").await,
            ["holds_identity"]
        );
        assert_eq!(codes(&plain, "a horse of lovelace").await, none);
        assert_eq!(codes(&lax, "Password1").await, none);
        assert_eq!(codes(&lax, "xxLOVELACExx").await, none);
        assert_eq!(codes(&strict, "Ärger-2026").await, none);
        assert_eq!(
            codes(&strict, "password").await,
            [
                "too_short",
                "class_missing",
                "class_missing",
                "class_missing",
                "breached"
            ]
        );
    }
}
