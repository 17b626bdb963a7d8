//! What brings a secret back that was sent to somebody: by a link, or typed from a mail or a message.

use super::{TOKEN_CHARS_MAX, new_password};
use gate::{Input, Problem};
use secrecy::SecretString;
use uuid::Uuid;

/// A one-time secret that was sent by mail.
#[derive(Debug)]
pub struct OneTime {
    /// The secret.
    pub token: SecretString,
}

impl OneTime {
    /// Reads `token`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let token = input.text("token", 1, TOKEN_CHARS_MAX).into();
        input.finish().map(|()| Self { token })
    }
}

/// The answer to a challenge.
#[derive(Debug)]
pub struct CodeAnswer {
    /// The challenge.
    pub challenge: Uuid,
    /// The code, without spaces.
    pub code: SecretString,
}

impl CodeAnswer {
    /// Reads `challenge_id` and `code`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let id = input.text("challenge_id", 1, 100);
        let challenge = kernel::parse_id(&id);
        if !id.is_empty() && challenge.is_none() {
            input.fault("challenge_id", "not_an_id", "This must be an id.");
        }
        let code = input.text("code", 1, 20);
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        input.finish().map(|()| Self {
            challenge: challenge.unwrap_or_default(),
            code: code.into(),
        })
    }
}

/// The link of a sign-up, with the password that was chosen then.
#[derive(Debug)]
pub struct SignUpConfirmation {
    /// The secret.
    pub token: SecretString,
    /// The password.
    pub password: SecretString,
}

impl SignUpConfirmation {
    /// Reads `token` and `password`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let token = input.text("token", 1, TOKEN_CHARS_MAX).into();
        let max = gate::password::PASSWORD_BYTES_MAX;
        let password = input.text("password", 1, max).into();
        input.finish().map(|()| Self { token, password })
    }
}

/// A one-time secret with the password that is to be set.
#[derive(Debug)]
pub struct Reset {
    /// The secret.
    pub token: SecretString,
    /// The password.
    pub new: SecretString,
    /// What the password is called in the body.
    pub name: &'static str,
}

impl Reset {
    /// Reads `token` and `new_password`.
    pub fn parse(input: Input) -> Result<Self, Problem> {
        Self::read(input, "new_password")
    }

    /// Reads `token` and `password`, which is the account's first.
    pub fn parse_first(input: Input) -> Result<Self, Problem> {
        Self::read(input, "password")
    }

    fn read(mut input: Input, name: &'static str) -> Result<Self, Problem> {
        let token = input.text("token", 1, TOKEN_CHARS_MAX).into();
        let new = new_password(&mut input, name);
        input.finish().map(|()| Self { token, new, name })
    }
}
