//! What callers send about passkeys and second factors.

use crate::webauthn::{Assertion, Attestation};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::{Input, Problem};
use kernel::FieldError;
use secrecy::SecretString;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::TOKEN_CHARS_MAX;

/// Characters of a passkey's name at most.
const NAME_CHARS_MAX: usize = 100;
/// Characters of a binary member at most: attestation objects may hold certificates.
const BINARY_CHARS_MAX: usize = 65_536;
/// Ways by which an authenticator is reached, at most.
const TRANSPORTS_MAX: usize = 8;

/// A passkey that was made.
#[derive(Debug)]
pub struct MakePasskey {
    /// The ceremony that it belongs to.
    pub ceremony: Uuid,
    /// What its user calls it.
    pub name: String,
    /// Whether it is asked for after a password as well.
    pub second_factor: bool,
    pub(crate) answer: Attestation,
    /// How its authenticator is reached, space-separated.
    pub transports: String,
}

impl MakePasskey {
    /// Reads `ceremony_id`, `name`, `second_factor` and `credential`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let ceremony = id(&mut input, "ceremony_id");
        let name = name(input.text("name", 1, NAME_CHARS_MAX), &mut input);
        let second_factor = input.optional_bool("second_factor").unwrap_or(false);
        let mut reader = Credential::read(&mut input, "credential");
        let transports = reader.transports();
        let answer = Attestation {
            id: std::mem::take(&mut reader.id),
            client_data: reader.binary("clientDataJSON"),
            object: reader.binary("attestationObject"),
        };
        reader.close(&mut input);
        input.finish().map(|()| Self {
            ceremony,
            name,
            second_factor,
            answer,
            transports,
        })
    }
}

/// A passkey that is shown.
#[derive(Debug)]
pub struct ShowPasskey {
    /// The ceremony that it belongs to.
    pub ceremony: Uuid,
    pub(crate) answer: Assertion,
}

impl ShowPasskey {
    /// Reads `ceremony_id` and `credential`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let read = Self::read(&mut input);
        input.finish().map(|()| read)
    }

    fn read(input: &mut Input) -> Self {
        let ceremony = id(input, "ceremony_id");
        let mut reader = Credential::read(input, "credential");
        let answer = Assertion {
            id: std::mem::take(&mut reader.id),
            client_data: reader.binary("clientDataJSON"),
            authenticator_data: reader.binary("authenticatorData"),
            signature: reader.binary("signature"),
            user_handle: reader.optional_binary("userHandle"),
        };
        reader.close(input);
        Self { ceremony, answer }
    }
}

/// A wish to call a passkey otherwise, or to have it asked for after a password.
#[derive(Debug)]
pub struct PasskeyPatch {
    /// What its user calls it.
    pub name: Option<String>,
    /// Whether it is asked for after a password as well.
    pub second_factor: Option<bool>,
}

impl PasskeyPatch {
    /// Reads `name` and `second_factor`, each if it is there.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let given = input.optional_text("name", 1, NAME_CHARS_MAX);
        let name = given.map(|text| name(text, &mut input));
        let second_factor = input.optional_bool("second_factor");
        input.finish().map(|()| Self {
            name,
            second_factor,
        })
    }
}

/// One thing by which somebody proves again, or further, who he is.
#[derive(Debug)]
pub enum Evidence {
    /// The password.
    Password(SecretString),
    /// A code of an app.
    Totp(SecretString),
    /// A recovery code.
    Recovery(SecretString),
    /// A passkey.
    Passkey(ShowPasskey),
}

impl Evidence {
    /// Reads the one of these members that is there.
    fn read(input: &mut Input, names: &[&str]) -> Option<Self> {
        let mut found = Vec::new();
        for name in names {
            let one = match *name {
                "password" => {
                    let max = gate::password::PASSWORD_BYTES_MAX;
                    input
                        .optional_text(name, 1, max)
                        .map(|text| Self::Password(text.into()))
                }
                "totp_code" => input.optional_text(name, 1, 20).map(|text| {
                    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                    Self::Totp(digits.into())
                }),
                "recovery_code" => input
                    .optional_text(name, 1, 100)
                    .map(|text| Self::Recovery(text.into())),
                _ => inner(input, name, ShowPasskey::read).map(Self::Passkey),
            };
            found.extend(one);
        }
        if found.len() != 1 {
            let message = format!("Exactly one of {} is needed.", names.join(", "));
            input.fault(names[0], "one_of", message);
        }
        found.pop()
    }
}

/// The answer to a second factor that is due.
#[derive(Debug)]
pub struct FactorAnswer {
    /// What was given after the first proof.
    pub token: SecretString,
    /// The second one.
    pub evidence: Evidence,
}

impl FactorAnswer {
    /// Reads `mfa_token` and one of `totp_code`, `recovery_code` and `passkey`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let token = input.text("mfa_token", 1, TOKEN_CHARS_MAX).into();
        let evidence = Evidence::read(&mut input, &["totp_code", "recovery_code", "passkey"]);
        finish(input, evidence).map(|evidence| Self { token, evidence })
    }
}

/// A wish to go on with a second factor that is due.
#[derive(Debug)]
pub struct MfaToken {
    /// What was given after the first proof.
    pub token: SecretString,
}

impl MfaToken {
    /// Reads `mfa_token`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let token = input.text("mfa_token", 1, TOKEN_CHARS_MAX).into();
        input.finish().map(|()| Self { token })
    }
}

/// A proof by somebody who is signed in.
#[derive(Debug)]
pub struct StepUp {
    /// The proof.
    pub evidence: Evidence,
}

impl StepUp {
    /// Reads one of `password`, `totp_code`, `recovery_code` and `passkey`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let names = ["password", "totp_code", "recovery_code", "passkey"];
        let evidence = Evidence::read(&mut input, &names);
        finish(input, evidence).map(|evidence| Self { evidence })
    }
}

/// The first code of an app.
#[derive(Debug)]
pub struct TotpAnswer {
    /// Which secret it is of.
    pub enrolment: Uuid,
    /// The code.
    pub code: SecretString,
}

impl TotpAnswer {
    /// Reads `enrolment_id` and `totp_code`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let enrolment = id(&mut input, "enrolment_id");
        let code = input.text("totp_code", 1, 20);
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        input.finish().map(|()| Self {
            enrolment,
            code: code.into(),
        })
    }
}

fn finish(input: Input, evidence: Option<Evidence>) -> Result<Evidence, Problem> {
    input.finish()?;
    // Its absence was a fault.
    evidence.ok_or_else(|| kernel::Code::Internal.into())
}

fn id(input: &mut Input, name: &str) -> Uuid {
    let text = input.text(name, 1, 100);
    let parsed = kernel::parse_id(&text);
    if !text.is_empty() && parsed.is_none() {
        input.fault(name, "not_an_id", "This must be an id.");
    }
    parsed.unwrap_or_default()
}

fn name(text: String, input: &mut Input) -> String {
    if text.contains(char::is_control) {
        input.fault("name", "bad_form", "This must be one line.");
    }
    text.trim().to_owned()
}

/// A member that is an object, read by a reader of its own.
fn inner<T>(input: &mut Input, name: &str, read: impl Fn(&mut Input) -> T) -> Option<T> {
    let object = match input.take(name) {
        None | Some(Value::Null) => return None,
        Some(Value::Object(object)) => object,
        Some(_) => {
            input.fault(name, "not_an_object", "This must be an object.");
            return None;
        }
    };
    let mut part = Input::new(object);
    let value = read(&mut part);
    for unknown in part.rest().keys() {
        part.fault(unknown, "unknown_field", "There is no such field.");
    }
    for fault in part.faults() {
        input.push(FieldError {
            path: format!("/{name}{}", fault.path),
            ..fault
        });
    }
    Some(value)
}

/// What a browser's `credential.toJSON()` gives (Web Authentication Level 3, section 5.1): what is not named here is
/// passed over, because clients add to it.
struct Credential {
    id: Vec<u8>,
    response: Map<String, Value>,
    at: String,
    faults: Vec<FieldError>,
}

impl Credential {
    fn read(input: &mut Input, name: &str) -> Self {
        let mut this = Self {
            id: Vec::new(),
            response: Map::new(),
            at: format!("/{name}"),
            faults: Vec::new(),
        };
        let Some(Value::Object(mut object)) = input.take(name) else {
            this.fault("", "This must be the credential as `toJSON()` gives it.");
            return this;
        };
        this.id = this
            .bytes("/id", object.shift_remove("id"))
            .unwrap_or_default();
        if object
            .get("rawId")
            .is_some_and(|raw| bytes(raw).as_ref() != Some(&this.id))
        {
            this.fault("/rawId", "This must be what `id` is.");
        }
        if object.get("type").and_then(Value::as_str) != Some("public-key") {
            this.fault("/type", "This must be \"public-key\".");
        }
        match object.shift_remove("response") {
            Some(Value::Object(response)) => this.response = response,
            _ => this.fault("/response", "This must be an object."),
        }
        this
    }

    fn fault(&mut self, at: &str, message: &str) {
        self.faults.push(FieldError {
            path: format!("{}{at}", self.at),
            code: "bad_form",
            message: message.to_owned(),
        });
    }

    fn bytes(&mut self, at: &str, value: Option<Value>) -> Option<Vec<u8>> {
        let read = value.as_ref().and_then(bytes);
        if read.is_none() {
            self.fault(at, "This must be bytes in base64url, without padding.");
        }
        read
    }

    fn binary(&mut self, name: &str) -> Vec<u8> {
        let value = self.response.shift_remove(name);
        self.bytes(&format!("/response/{name}"), value)
            .unwrap_or_default()
    }

    fn optional_binary(&mut self, name: &str) -> Option<Vec<u8>> {
        let value = self.response.shift_remove(name);
        let value = value.filter(|value| !value.is_null());
        value.and_then(|value| self.bytes(&format!("/response/{name}"), Some(value)))
    }

    /// Only a hint for browsers: what has another form is passed over.
    fn transports(&mut self) -> String {
        let is_one = |text: &&str| {
            (1..=32).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        };
        let Some(Value::Array(all)) = self.response.shift_remove("transports") else {
            return String::new();
        };
        let texts = all.iter().filter_map(Value::as_str).filter(is_one);
        let some: Vec<&str> = texts.take(TRANSPORTS_MAX).collect();
        some.join(" ")
    }

    fn close(self, input: &mut Input) {
        self.faults.into_iter().for_each(|fault| input.push(fault));
    }
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    let text = value
        .as_str()
        .filter(|text| (1..=BINARY_CHARS_MAX).contains(&text.len()))?;
    URL_SAFE_NO_PAD.decode(text).ok()
}
