//! The wire types of passkeys and second factors.

use crate::factors::{Enrolment, Standing};
use crate::passkeys::Begun;
use crate::rows::passkeys;
use crate::views::SessionKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A ceremony with a passkey that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct CeremonyView {
    /// Send it with the answer, within five minutes. It is good once.
    pub ceremony_id: Uuid,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`, whose result goes to
    /// `navigator.credentials.create` or `get` as `publicKey`.
    #[schema(value_type = Object)]
    pub public_key: Value,
}

impl From<Begun> for CeremonyView {
    fn from(it: Begun) -> Self {
        Self {
            ceremony_id: it.id,
            public_key: it.public_key,
        }
    }
}

/// A passkey that was made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyIn {
    /// The ceremony.
    pub ceremony_id: Uuid,
    /// What its user calls it, such as the name of the device.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Whether it is asked for after a password, too; false unless it is said.
    pub second_factor: Option<bool>,
    /// What `toJSON()` of the credential gives.
    #[schema(value_type = Object)]
    pub credential: Value,
}

/// A passkey that is shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowPasskeyIn {
    /// The ceremony.
    pub ceremony_id: Uuid,
    /// What `toJSON()` of the credential gives.
    #[schema(value_type = Object)]
    pub credential: Value,
}

/// A passkey that signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryPasskeyIn {
    /// The ceremony.
    pub ceremony_id: Uuid,
    /// What `toJSON()` of the credential gives.
    #[schema(value_type = Object)]
    pub credential: Value,
    /// What the device is called; else a name is made of what the browser says it is.
    #[schema(max_length = 100)]
    pub device: Option<String>,
    /// How the session is handed over; else as the project's settings say.
    pub session: Option<SessionKind>,
}

/// Another name of a passkey, or whether it is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyPatchIn {
    /// What its user calls it.
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Whether it is asked for after a password, too.
    pub second_factor: Option<bool>,
}

/// One passkey of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Passkey)]
pub struct PasskeyView {
    /// The passkey.
    pub id: Uuid,
    /// The id by which authenticators know it, in base64url.
    pub credential_id: String,
    /// What its user calls it.
    pub name: String,
    /// Whether it is asked for after a password, too.
    pub second_factor: bool,
    /// Whether its authenticator may copy it to other devices of its user.
    pub backup_eligible: bool,
    /// Whether it did, when it was shown last.
    pub backed_up: bool,
    /// The model of the authenticator (AAGUID), or nil.
    pub aaguid: Uuid,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Option<kernel::Stamp>,
    /// When it was shown last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used_at: Option<kernel::Stamp>,
}

impl From<passkeys::Model> for PasskeyView {
    fn from(row: passkeys::Model) -> Self {
        Self {
            id: row.id,
            credential_id: row.credential_id,
            name: row.name,
            second_factor: row.second_factor,
            backup_eligible: row.backup_eligible,
            backed_up: row.backed_up,
            aaguid: row.aaguid,
            created_at: kernel::Stamp::from_time(row.created_at),
            used_at: row.used_at.and_then(kernel::Stamp::from_time),
        }
    }
}

/// The passkeys of a user.
#[derive(Debug, Serialize, ToSchema)]
pub struct PasskeysView {
    /// In the order in which they were made.
    pub items: Vec<PasskeyView>,
    /// Always null: there is one page.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

impl PasskeysView {
    pub(crate) fn new(rows: Vec<passkeys::Model>) -> Self {
        Self {
            items: rows.into_iter().map(PasskeyView::from).collect(),
            next_cursor: None,
        }
    }
}

/// By what a user proves who it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct FactorsView {
    /// Whether it has a password.
    pub password: bool,
    /// Its passkeys.
    pub passkeys: Vec<PasskeyView>,
    /// Since when an authenticator app is asked; null: it has none.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub totp_since: Option<kernel::Stamp>,
    /// How many recovery codes are left.
    pub recovery_codes: u64,
}

impl FactorsView {
    pub(crate) fn new((it, password): (Standing, bool)) -> Self {
        let since = it.app.map(|app| kernel::Stamp::from_time(app.created_at));
        Self {
            password,
            passkeys: it.passkeys.into_iter().map(PasskeyView::from).collect(),
            totp_since: since.flatten(),
            recovery_codes: it.recovery_codes,
        }
    }
}

/// A secret for an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds). It is shown once.
#[derive(Serialize, ToSchema)]
pub struct EnrolmentView {
    /// Send it with the first code, within five minutes.
    pub enrolment_id: Uuid,
    /// The secret, for who types it.
    pub secret: String,
    /// The secret for an app that reads it from a picture: show it as a QR code.
    pub uri: String,
}

impl From<Enrolment> for EnrolmentView {
    fn from(it: Enrolment) -> Self {
        Self {
            enrolment_id: it.id,
            secret: it.secret,
            uri: it.uri,
        }
    }
}

/// The first code of an app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpAnswerIn {
    /// The secret that it is of.
    pub enrolment_id: Uuid,
    /// The code.
    #[schema(max_length = 20, example = "123456")]
    pub totp_code: String,
}

/// Recovery codes. They are shown once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodesView {
    /// Ten of them, each good once.
    pub recovery_codes: Vec<String>,
}

/// What was given after a first proof.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MfaTokenIn {
    /// The token.
    #[schema(max_length = 8192)]
    pub mfa_token: String,
}

/// A second factor: exactly one of the three.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FactorAnswerIn {
    /// What was given after the first proof.
    #[schema(max_length = 8192)]
    pub mfa_token: String,
    /// The code that an authenticator app shows.
    #[schema(max_length = 20, example = "123456")]
    pub totp_code: Option<String>,
    /// A recovery code, which is good no more afterwards.
    #[schema(max_length = 100)]
    pub recovery_code: Option<String>,
    /// A passkey.
    pub passkey: Option<ShowPasskeyIn>,
    /// What the device is called; else a name is made of what the browser says it is.
    #[schema(max_length = 100)]
    pub device: Option<String>,
    /// How the session is handed over; else as the project's settings say.
    pub session: Option<SessionKind>,
}

/// A proof by somebody who is signed in: exactly one of the four.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepUpIn {
    /// The password.
    #[schema(max_length = 512, format = "password")]
    pub password: Option<String>,
    /// The code that an authenticator app shows.
    #[schema(max_length = 20, example = "123456")]
    pub totp_code: Option<String>,
    /// A recovery code, which is good no more afterwards.
    #[schema(max_length = 100)]
    pub recovery_code: Option<String>,
    /// A passkey.
    pub passkey: Option<ShowPasskeyIn>,
}
