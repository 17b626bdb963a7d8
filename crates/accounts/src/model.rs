//! What callers send, read into types that cannot be wrong, with every fault told at once.

pub mod factors;
pub mod import;
pub mod social;
pub mod teams;
pub mod users;

use gate::SignInMethods;
use gate::{Input, Problem};
use kernel::{Code, FieldError};
use secrecy::SecretString;
use serde_json::{Map, Value};

/// Characters of a password at least.
const PASSWORD_CHARS_MIN: usize = 8;
/// Bytes of an e-mail address at most (RFC 5321, with the two brackets of a path).
const EMAIL_BYTES_MAX: usize = 254;
/// Characters of a one-time secret at most. Ours are shorter; another kind of token must read as a wrong one.
const TOKEN_CHARS_MAX: usize = 8_192;

/// A wish to sign up, with its faults; what the profile may hold is the directory's to say.
#[derive(Debug)]
pub struct SignUp {
    /// What the user is to be known by.
    pub named: Named,
    /// The password.
    pub password: SecretString,
    /// The developer's own fields.
    pub profile: Map<String, Value>,
    /// The proof that a person asks.
    pub captcha: Option<SecretString>,
    faults: Option<Problem>,
}

impl SignUp {
    /// Reads the identities that the project knows users by, `password`, `captcha_token`, and all else as the profile.
    #[must_use]
    pub fn read(mut input: Input, methods: &SignInMethods) -> Self {
        let named = Named::read(&mut input, methods);
        let password = new_password(&mut input, "password");
        let captcha = captcha(&mut input);
        let profile = input.rest();
        named.demand_one(&mut input, methods, &profile);
        Self {
            captcha,
            named,
            password,
            profile,
            faults: input.finish().err(),
        }
    }

    /// Its faults, those of the password, and those that the directory found in the profile, together.
    pub(crate) fn judge(
        &mut self,
        profile: Result<(), Problem>,
        password: Vec<FieldError>,
    ) -> Result<(), Problem> {
        match (add(self.faults.take(), password), profile.err()) {
            (None, None) => Ok(()),
            (Some(fault), None) => Err(fault),
            (Some(own), Some(other)) if other.code() == Code::ValidationFailed => {
                Err(Problem::validation(
                    own.field_errors()
                        .iter()
                        .chain(other.field_errors())
                        .cloned()
                        .collect(),
                ))
            }
            // What is malformed is told before what is not valid.
            (_, Some(other)) => Err(other),
        }
    }
}

/// Adds faults to those that are there, unless the same member has been found too short already.
fn add(faults: Option<Problem>, more: Vec<FieldError>) -> Option<Problem> {
    let known = faults
        .as_ref()
        .map_or(&[][..], |f| f.field_errors())
        .to_vec();
    let is_new = |fault: &FieldError| {
        let same =
            |k: &FieldError| k.path == fault.path && (k.code == fault.code || k.code == "required");
        !known.iter().any(same)
    };
    let more: Vec<FieldError> = more.into_iter().filter(is_new).collect();
    match faults {
        // What is malformed is told before what is not valid.
        Some(problem) if more.is_empty() || problem.code() != Code::ValidationFailed => {
            Some(problem)
        }
        None if more.is_empty() => None,
        _ => Some(Problem::validation([known, more].concat())),
    }
}

/// A wish to sign in.
#[derive(Debug)]
pub struct SignIn {
    /// What the user is known by, in any spelling.
    pub identity: String,
    /// The password.
    pub password: SecretString,
    /// The proof that a person asks.
    pub captcha: Option<SecretString>,
}

impl SignIn {
    /// Reads `identity`, `password` and `captcha_token`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let identity = input.text("identity", 1, EMAIL_BYTES_MAX);
        let password = input
            .text("password", 1, gate::password::PASSWORD_BYTES_MAX)
            .into();
        let captcha = captcha(&mut input);
        input.finish().map(|()| Self {
            identity,
            password,
            captcha,
        })
    }
}

mod identity;
mod secrets;
mod ways;

pub use identity::{Named, normal_phone};
pub use secrets::{CodeAnswer, OneTime, Reset, SignUpConfirmation};
pub use ways::{Mint, Promotion, ToPhone, Whom, device, session_name, username};

/// A wish for new tokens.
#[derive(Debug)]
pub struct Refresh {
    /// The refresh token.
    pub token: SecretString,
}

impl Refresh {
    /// Reads `refresh_token`; the one of a cookie stands for it where it is absent.
    pub fn parse(mut input: Input, cookie: Option<String>) -> Result<Self, Problem> {
        // Another kind of token may be longer than ours; it must read 401, not 422.
        let sent = input.optional_text("refresh_token", 1, 8_192);
        if sent.is_none() && cookie.is_none() && !input.has_fault("refresh_token") {
            input.fault("refresh_token", "required", "This is required.");
        }
        let token = sent.or(cookie).unwrap_or_default().into();
        input.finish().map(|()| Self { token })
    }
}

/// A wish for another password.
#[derive(Debug)]
pub struct PasswordChange {
    /// The present one; without it something else was shown a moment ago.
    pub current: Option<SecretString>,
    /// The next one.
    pub new: SecretString,
}

impl PasswordChange {
    /// Reads `current_password` and `new_password`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let max = gate::password::PASSWORD_BYTES_MAX;
        let current = input.optional_text("current_password", 1, max);
        let new = new_password(&mut input, "new_password");
        input.finish().map(|()| Self {
            current: current.map(Into::into),
            new,
        })
    }
}

/// A wish for a mail to an address.
#[derive(Debug)]
pub struct ToAddress {
    /// The address, trimmed and otherwise as it was spelled.
    pub email: String,
    /// The proof that a person asks.
    pub captcha: Option<SecretString>,
}

impl ToAddress {
    /// Reads `email` and `captcha_token`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let email = address(&mut input, "email");
        let captcha = captcha(&mut input);
        input.finish().map(|()| Self { email, captcha })
    }
}

/// A wish for another address.
#[derive(Debug)]
pub struct EmailChange {
    /// The address that is to be.
    pub new_email: String,
    /// The password, where the account has one.
    pub current: Option<SecretString>,
}

impl EmailChange {
    /// Reads `new_email` and `current_password`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let new_email = address(&mut input, "new_email");
        let max = gate::password::PASSWORD_BYTES_MAX;
        let current = input.optional_text("current_password", 1, max);
        input.finish().map(|()| Self {
            new_email,
            current: current.map(Into::into),
        })
    }
}

/// The proof that a person asks, as the CAPTCHA's service gave it to the page.
pub(crate) fn captcha(input: &mut Input) -> Option<SecretString> {
    let token = input.optional_text("captcha_token", 1, TOKEN_CHARS_MAX);
    token.map(Into::into)
}

/// An address to send mail to.
pub(crate) fn address(input: &mut Input, name: &str) -> String {
    let email = input.text(name, 1, EMAIL_BYTES_MAX).trim().to_owned();
    if let Some((code, message)) = (!email.is_empty()).then(|| email_fault(&email)).flatten() {
        input.fault(name, code, message);
    }
    email
}

/// A password to be set: at least 8 characters, at most 512 bytes, otherwise anything.
pub(crate) fn new_password(input: &mut Input, name: &str) -> SecretString {
    let password = gate::password::check_new_password(input, name);
    // The gate counts bytes; four letters with accents are no password.
    let chars = password.chars().count();
    if password.len() >= gate::password::PASSWORD_BYTES_MIN && chars < PASSWORD_CHARS_MIN {
        input.fault(
            name,
            "too_short",
            format!("At least {PASSWORD_CHARS_MIN} characters are needed."),
        );
    }
    password.into()
}

/// Whether a text has the form of an e-mail address.
pub(crate) fn is_email(text: &str) -> bool {
    email_fault(text).is_none()
}

/// What is wrong with an e-mail address: whether mail arrives there is found out by sending some.
fn email_fault(email: &str) -> Option<(&'static str, String)> {
    // Its domain in ASCII may be longer.
    if email.len().max(gate::email_key(email).len()) > EMAIL_BYTES_MAX {
        return Some((
            "too_long",
            format!("At most {EMAIL_BYTES_MAX} bytes are allowed."),
        ));
    }
    let is_odd = |c: char| {
        c.is_control() || c.is_whitespace() || "()<>[]:;,\\\"".contains(c) || is_invisible(c)
    };
    let parts = email
        .split_once('@')
        .filter(|(_, domain)| !domain.contains('@'));
    let is_fine = parts.is_some_and(|(local, domain)| is_local(local) && is_domain(domain))
        && !email.contains(is_odd);
    (!is_fine).then(|| ("not_an_email", "This must be an e-mail address.".to_owned()))
}

fn is_local(local: &str) -> bool {
    (1..=64).contains(&local.len()) && local.split('.').all(|part| !part.is_empty())
}

/// Labels of letters, digits and hyphens; letters of other alphabets are left to the mail system.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        let ends_well = !label.starts_with('-') && !label.ends_with('-');
        (1..=63).contains(&label.len())
            && ends_well
            && label
                .chars()
                .all(|c| c.is_alphanumeric() || c == '-' || !c.is_ascii())
    };
    domain.split('.').all(is_label)
}

/// Characters that change how text around them looks, or cannot be seen at all.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::FieldError;
    use secrecy::ExposeSecret;
    use serde_json::json;

    fn fault(name: &str) -> FieldError {
        FieldError::at(name, "required", "This is required.")
    }

    fn input(value: Value) -> Input {
        Input::new(value.as_object().cloned().unwrap())
    }

    fn paths(problem: &Problem) -> Vec<&str> {
        problem
            .field_errors()
            .iter()
            .map(|e| e.path.as_str())
            .collect()
    }

    #[test]
    fn addresses() {
        let long = format!("{}@example.com", "a".repeat(64));
        for good in [
            "a@b.co",
            "Ada.Lovelace+x@Example.com",
            "ä@exämple.org",
            "a@localhost",
            "o'neill@x.ie",
            long.as_str(),
            "a@xn--bcher-kva.example",
        ] {
            assert_eq!(email_fault(good), None, "{good}");
        }
        let bad = [
            "a",
            "@",
            "a@",
            "@b.co",
            "a@b@c",
            "a b@c.de",
            "a@b\r\nBcc:x",
            "a\u{0}@b.co",
            "a@b..co",
            "a@.co",
            "a@-b.co",
            ".a@b.co",
            "a..b@c.de",
            "<a@b.co>",
            "a@b,c@d",
            "\"a\"@b.co",
            "a@b_c.de",
            "a\u{202e}@b.co",
            "a@\u{200b}b.co",
        ];
        for bad in bad {
            assert!(email_fault(bad).is_some(), "{bad:?}");
        }
        assert!(email_fault(&format!("{}@example.com", "a".repeat(65))).is_some());
        assert!(email_fault(&format!("a@{}.com", "b.".repeat(130))).is_some());
    }

    #[test]
    fn a_sign_up_keeps_the_spelling_and_hands_on_the_profile() {
        let methods = SignInMethods::default();
        let sent =
            json!({"email": "  Ada@Example.com ", "name": "Ada", "password": "correct horse"});
        let mut form = SignUp::read(input(sent), &methods);
        assert!(form.judge(Ok(()), Vec::new()).is_ok());
        assert_eq!(
            (form.named.email.as_deref(), form.password.expose_secret()),
            (Some("Ada@Example.com"), "correct horse")
        );
        assert_eq!(Value::Object(form.profile.clone()), json!({"name": "Ada"}));
        assert!(!format!("{form:?}").contains("horse"));
    }

    #[test]
    fn faults_of_all_fields_are_told_together() {
        let methods = SignInMethods::default();
        let read = |value| SignUp::read(input(value), &methods);
        let bad = || read(json!({"email": "x", "password": "short"}));
        assert_eq!(
            paths(&bad().judge(Ok(()), Vec::new()).unwrap_err()),
            ["/email", "/password"]
        );
        let profile = Problem::validation(vec![fault("name")]);
        assert_eq!(
            paths(&bad().judge(Err(profile.clone()), Vec::new()).unwrap_err()),
            ["/email", "/password", "/name"]
        );
        let good = || read(json!({"email": "a@b.co", "password": "12345678"}));
        assert_eq!(
            paths(&good().judge(Err(profile), Vec::new()).unwrap_err()),
            ["/name"]
        );
        let unknown = Problem::new(Code::UnknownField).errors(vec![fault("role")]);
        assert_eq!(
            bad().judge(Err(unknown), Vec::new()).unwrap_err().code(),
            Code::UnknownField
        );
        let none = read(json!({})).judge(Ok(()), Vec::new()).unwrap_err();
        assert_eq!(paths(&none), ["/password", "/email"]);
    }

    #[test]
    fn passwords_have_8_characters_to_512_bytes() {
        let cases = [
            (json!("1234567"), false),
            (json!("12345678"), true),
            (json!("ääää"), false),
            (json!("ääääääää"), true),
            (json!("x".repeat(512)), true),
            (json!("x".repeat(513)), false),
            (json!("🦀".repeat(129)), false),
            (json!(12_345_678), false),
        ];
        for (password, want) in cases {
            let change = json!({"current_password": "x", "new_password": password});
            assert_eq!(
                PasswordChange::parse(input(change)).is_ok(),
                want,
                "{password}"
            );
        }
    }

    #[test]
    fn what_is_not_asked_for_is_refused() {
        let codes = [
            SignIn::parse(input(
                json!({"identity": "a", "password": "b", "email": "c"}),
            ))
            .map(drop),
            Refresh::parse(input(json!({"refresh_token": "a", "user": "b"})), None).map(drop),
            PasswordChange::parse(input(
                json!({"current_password": "a", "new_password": "12345678", "user_id": "b"}),
            ))
            .map(drop),
        ];
        for result in codes {
            assert_eq!(result.unwrap_err().code(), Code::UnknownField);
        }
    }
}
