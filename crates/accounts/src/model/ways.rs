//! What callers send for the further ways to sign in.

use super::identity::{self, Named};
use super::{captcha, new_password};
use gate::{Input, Problem, SignInMethods};
use secrecy::SecretString;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Characters of a device's name at most.
const DEVICE_CHARS_MAX: usize = 100;
/// Characters of a name of another identity system at most.
const EXTERNAL_CHARS_MAX: usize = 255;
/// Bytes of claims at most, as JSON.
const CLAIMS_BYTES_MAX: usize = 2_048;

/// A wish for a code to a telephone.
#[derive(Debug)]
pub struct ToPhone {
    /// The number (E.164).
    pub phone: String,
    /// The proof that a person asks.
    pub captcha: Option<SecretString>,
}

impl ToPhone {
    /// Reads `phone` and `captcha_token`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let phone = identity::phone(&mut input, "phone");
        let captcha = captcha(&mut input);
        input.finish().map(|()| Self { phone, captcha })
    }
}

/// A wish to be somebody who was nobody.
#[derive(Debug)]
pub struct Promotion {
    /// What the user is to be known by.
    pub named: Named,
    /// The password.
    pub password: SecretString,
    /// The proof that a person asks.
    pub captcha: Option<SecretString>,
}

impl Promotion {
    /// Reads the identities that the project knows users by, `password` and `captcha_token`.
    pub fn parse(mut input: Input, methods: &SignInMethods) -> Result<Self, Problem> {
        let named = Named::read(&mut input, methods);
        let password = new_password(&mut input, "password");
        let captcha = captcha(&mut input);
        named.demand_one(&mut input, methods, &Map::new());
        input.finish().map(|()| Self {
            named,
            password,
            captcha,
        })
    }
}

/// The word of a project's own identity system for somebody.
#[derive(Debug)]
pub struct Mint {
    /// Whom it is for.
    pub whom: Whom,
    /// What the device is called.
    pub device: Option<String>,
    /// What rules read as `auth.claims` in the session.
    pub claims: Option<Map<String, Value>>,
}

/// Somebody, as a project's own identity system says it.
#[derive(Debug)]
pub enum Whom {
    /// A user here.
    User(Uuid),
    /// A user there, who is made here at the first time.
    External(String),
}

impl Mint {
    /// Reads `user_id` or `external_id`, `device` and `claims`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let user = input.optional_text("user_id", 1, 100);
        let external = input.optional_text("external_id", 1, EXTERNAL_CHARS_MAX);
        if let Some(name) = &external
            && name.contains(char::is_control)
        {
            let message = "This must not hold control characters.";
            input.fault("external_id", "bad_form", message);
        }
        let whom = match (user, external) {
            (Some(id), None) => match kernel::parse_id(&id) {
                Some(id) => Whom::User(id),
                None => {
                    input.fault("user_id", "not_an_id", "This must be an id.");
                    Whom::User(Uuid::nil())
                }
            },
            (None, Some(name)) => Whom::External(name),
            _ => {
                let message = "Send one of user_id and external_id.";
                input.fault("user_id", "required", message);
                Whom::User(Uuid::nil())
            }
        };
        let device = device(&mut input);
        let claims = match input.take("claims") {
            None | Some(Value::Null) => None,
            Some(Value::Object(claims)) => Some(claims),
            Some(_) => {
                input.fault("claims", "not_an_object", "This must be an object.");
                None
            }
        };
        let bytes = claims
            .as_ref()
            .map(|c| Value::Object(c.clone()).to_string().len());
        if bytes.is_some_and(|bytes| bytes > CLAIMS_BYTES_MAX) {
            let message = format!("At most {CLAIMS_BYTES_MAX} bytes are allowed.");
            input.fault("claims", "too_long", message);
        }
        input.finish().map(|()| Self {
            whom,
            device,
            claims,
        })
    }
}

/// Reads `device`: what the device is to be called.
pub fn device(input: &mut Input) -> Option<String> {
    let name = input.optional_text("device", 1, DEVICE_CHARS_MAX)?;
    let name = name.trim().to_owned();
    if name.is_empty() || name.contains(|c: char| c.is_control() || super::is_invisible(c)) {
        let message = "This must be a name without control characters.";
        input.fault("device", "bad_form", message);
    }
    Some(name)
}

/// Reads `username`, which must be there and may be null, and nothing else.
pub fn username(mut input: Input) -> Result<Option<String>, Problem> {
    let sent = input.take("username");
    if sent.as_ref().is_some_and(Value::is_null) {
        return input.finish().map(|()| None);
    }
    let alone = sent.map(|value| ("username".to_owned(), value));
    let mut alone = Input::new(alone.into_iter().collect());
    let name = identity::username(&mut alone);
    alone.faults().into_iter().for_each(|f| input.push(f));
    input.finish().map(|()| Some(name))
}

/// Reads `device`, which must be there, and nothing else.
pub fn session_name(mut input: Input) -> Result<String, Problem> {
    let name = device(&mut input);
    if name.is_none() && !input.has_fault("device") {
        input.fault("device", "required", "This is required.");
    }
    input.finish().map(|()| name.unwrap_or_default())
}
