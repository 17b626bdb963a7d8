//! What a project demands of its users' passwords.

use super::number;
use crate::Input;
use serde::{Deserialize, Serialize};

/// Characters that may be demanded of a password at most.
const LENGTH_MIN_MAX: u32 = 128;

/// What is demanded of a new password. It may have any characters, and up to 512 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectPasswords)]
pub struct PasswordPolicy {
    /// Characters at least: 8 to 128.
    pub length_min: u32,
    /// Classes of characters of which each must be there. Length does more for safety, so none is demanded at first.
    pub classes: Vec<CharacterClass>,
    /// Whether the account's own address or name counts for nothing: what stands beside it must be long enough.
    pub refuse_identity: bool,
    /// Whether one that is known from breaches of other services is refused.
    pub refuse_breached: bool,
}

/// A class of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CharacterClass {
    /// A small letter of any alphabet.
    Lower,
    /// A capital letter of any alphabet.
    Upper,
    /// A digit.
    Digit,
    /// Anything that is neither letter nor digit.
    Sign,
}

impl CharacterClass {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Lower, Self::Upper, Self::Digit, Self::Sign];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Digit => "digit",
            Self::Sign => "sign",
        }
    }

    /// Whether a character is of it.
    #[must_use]
    pub fn holds(self, c: char) -> bool {
        match self {
            Self::Lower => c.is_lowercase(),
            Self::Upper => c.is_uppercase(),
            Self::Digit => c.is_numeric(),
            Self::Sign => !c.is_alphanumeric(),
        }
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            length_min: 8,
            classes: Vec::new(),
            refuse_identity: true,
            refuse_breached: true,
        }
    }
}

impl PasswordPolicy {
    /// Merges the members that are there; faults are noted in `input`.
    pub(super) fn patch(mut self, input: &mut Input) -> Self {
        let least = u32::try_from(crate::PASSWORD_BYTES_MIN).unwrap_or(8);
        self.length_min = number(
            input,
            "length_min",
            (least, LENGTH_MIN_MAX),
            self.length_min,
        );
        if let Some(names) = input.optional_texts("classes") {
            let known =
                |name: &String| CharacterClass::ALL.into_iter().find(|c| c.as_str() == name);
            let mut classes: Vec<CharacterClass> = names.iter().filter_map(known).collect();
            if classes.len() != names.len() {
                let message = "These must be of \"lower\", \"upper\", \"digit\" and \"sign\".";
                input.fault("classes", "not_a_choice", message);
            }
            classes.sort_by_key(|class| *class as u8);
            classes.dedup();
            self.classes = classes;
        }
        let mut flag = |name: &str, now: bool| input.optional_bool(name).unwrap_or(now);
        self.refuse_identity = flag("refuse_identity", self.refuse_identity);
        self.refuse_breached = flag("refuse_breached", self.refuse_breached);
        self
    }
}
