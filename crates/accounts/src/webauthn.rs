//! What a relying party verifies of a passkey's answers (W3C Web Authentication Level 3, sections 7.1 and 7.2).
//!
//! Attestation is asked for as `none`, so the statements of authenticators decide nothing and are read over. Keys are
//! those that every authenticator has one of: ES256, `EdDSA` with Ed25519, and RS256. Signatures are verified by the
//! library of cryptography that everything else here uses.

mod data;
mod key;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data::AuthenticatorData;
use key::PublicKey;
use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

/// The algorithms that are offered, the best first, by their COSE numbers: `EdDSA`, ES256, RS256.
pub(crate) const ALGORITHMS: [i64; 3] = [key::EDDSA, key::ES256, key::RS256];
/// Bytes of a credential's id at most (section 7.1: "Verify that the credentialId is <= 1023 bytes").
const CREDENTIAL_ID_BYTES_MAX: usize = 1_023;

/// Whom passkeys are made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    /// The domain that they are bound to.
    pub(crate) id: String,
    /// What people know it by.
    pub(crate) name: String,
    /// The origins whose pages and apps may ask for them.
    pub(crate) origins: Vec<String>,
}

/// Why an answer is not good: for the trace, never for the caller.
pub(crate) type Fault = &'static str;

/// What was asked, which the answer must fit.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) party: &'a Party,
    pub(crate) challenge: &'a [u8],
    /// Whether the authenticator must have verified its user, by a PIN or a finger.
    pub(crate) user_verification: bool,
}

/// An authenticator's answer to `navigator.credentials.create`.
#[derive(Clone, Debug)]
pub(crate) struct Attestation {
    pub(crate) id: Vec<u8>,
    pub(crate) client_data: Vec<u8>,
    pub(crate) object: Vec<u8>,
}

/// An authenticator's answer to `navigator.credentials.get`.
#[derive(Clone, Debug)]
pub(crate) struct Assertion {
    pub(crate) id: Vec<u8>,
    pub(crate) client_data: Vec<u8>,
    pub(crate) authenticator_data: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// Whose passkey it is, as the authenticator knows it.
    pub(crate) user_handle: Option<Vec<u8>>,
}

/// A passkey that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) credential_id: Vec<u8>,
    /// As COSE writes it (RFC 9052, section 7).
    pub(crate) public_key: Vec<u8>,
    pub(crate) sign_count: u32,
    pub(crate) user_verified: bool,
    pub(crate) backup_eligible: bool,
    pub(crate) backed_up: bool,
    /// The model of the authenticator, or nil.
    pub(crate) aaguid: Uuid,
}

/// What is kept of a passkey that an assertion is judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) public_key: &'a [u8],
    pub(crate) sign_count: u32,
    pub(crate) backup_eligible: bool,
}

/// What a good assertion says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) sign_count: u32,
    pub(crate) user_verified: bool,
    pub(crate) backed_up: bool,
}

/// Which ceremony the client took part in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Create,
    Get,
}

/// What the client says it did (section 5.8.1). Members that are not named here are none of ours.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: Option<bool>,
    #[serde(default)]
    top_origin: Option<IgnoredAny>,
}

/// Judges the making of a passkey (section 7.1).
pub(crate) fn verify_attestation(asked: Asked<'_>, answer: &Attestation) -> Result<Made, Fault> {
    check_client(asked, &answer.client_data, Kind::Create)?;
    let authenticator_data = data::attestation_object(&answer.object)?;
    let data = AuthenticatorData::parse(authenticator_data)?;
    check_authenticator(asked, &data)?;
    // "Attested credential data ... MUST be present" (section 6.5.1).
    let attested = data.attested.as_ref().ok_or("no credential was made")?;
    if attested.credential_id.is_empty() || attested.credential_id.len() > CREDENTIAL_ID_BYTES_MAX {
        return Err("the credential's id has another length");
    }
    if attested.credential_id != answer.id {
        return Err("the credential has another id");
    }
    // "Verify that the alg parameter ... matches the alg attribute of one of the items in pubKeyCredParams": a key of
    // another algorithm is not read at all.
    PublicKey::parse(attested.public_key)?.check()?;
    Ok(Made {
        credential_id: attested.credential_id.to_vec(),
        public_key: attested.public_key.to_vec(),
        sign_count: data.sign_count,
        user_verified: data.is_user_verified(),
        backup_eligible: data.is_backup_eligible(),
        backed_up: data.is_backed_up(),
        aaguid: attested.aaguid,
    })
}

/// Judges the use of a passkey (section 7.2). Whose it is, and that it was one of those that were asked for, is the
/// caller's to judge.
pub(crate) fn verify_assertion(
    asked: Asked<'_>,
    kept: Kept<'_>,
    answer: &Assertion,
) -> Result<Shown, Fault> {
    check_client(asked, &answer.client_data, Kind::Get)?;
    let data = AuthenticatorData::parse(&answer.authenticator_data)?;
    check_authenticator(asked, &data)?;
    // "Compare currentBe ... with credentialRecord.backupEligible": it never changes.
    if data.is_backup_eligible() != kept.backup_eligible {
        return Err("the passkey's eligibility for backups changed");
    }
    // "verify that sig is a valid signature over the binary concatenation of authData and hash".
    let hash = digest(&SHA256, &answer.client_data);
    let message = [&answer.authenticator_data[..], hash.as_ref()].concat();
    PublicKey::parse(kept.public_key)?.verify(&message, &answer.signature)?;
    // "If authData.signCount is nonzero or credentialRecord.signCount is nonzero": one that does not grow is a sign of
    // two copies of the key, of which one is not its owner's.
    let counts = data.sign_count != 0 || kept.sign_count != 0;
    if counts && data.sign_count <= kept.sign_count {
        return Err("the signature counter did not grow");
    }
    Ok(Shown {
        sign_count: data.sign_count,
        user_verified: data.is_user_verified(),
        backed_up: data.is_backed_up(),
    })
}

/// What both ceremonies demand of the client's data (sections 7.1 and 7.2: C.type to C.topOrigin).
fn check_client(asked: Asked<'_>, text: &[u8], kind: Kind) -> Result<(), Fault> {
    let client: ClientData =
        serde_json::from_slice(text).map_err(|_| "the client's data is not readable")?;
    // "Verify that the value of C.type is the string webauthn.create" (webauthn.get).
    let named = match kind {
        Kind::Create => "webauthn.create",
        Kind::Get => "webauthn.get",
    };
    if client.kind != named {
        return Err("the client took part in another ceremony");
    }
    // "Verify that the value of C.challenge equals the base64url encoding of options.challenge."
    let challenge = URL_SAFE_NO_PAD.encode(asked.challenge);
    if verify_slices_are_equal(client.challenge.as_bytes(), challenge.as_bytes()).is_err() {
        return Err("the challenge is another");
    }
    // "Verify that the value of C.origin is an origin expected by the Relying Party" (section 13.4.9): byte by byte.
    if !asked.party.origins.contains(&client.origin) {
        return Err("the origin is not one of ours");
    }
    // "If C.crossOrigin is present and set to true", "If C.topOrigin is present": no page frames ours.
    if client.cross_origin == Some(true) || client.top_origin.is_some() {
        return Err("the page was within another's");
    }
    Ok(())
}

/// What both ceremonies demand of the authenticator's data.
fn check_authenticator(asked: Asked<'_>, data: &AuthenticatorData<'_>) -> Result<(), Fault> {
    // "Verify that the rpIdHash in authData is the SHA-256 hash of the RP ID expected by the Relying Party."
    if data.rp_id_hash != digest(&SHA256, asked.party.id.as_bytes()).as_ref() {
        return Err("the passkey belongs to another party");
    }
    // "Verify that the UP bit of the flags in authData is set."
    if !data.is_user_present() {
        return Err("nobody was present");
    }
    // "If the Relying Party requires user verification ..., verify that the UV bit of the flags in authData is set."
    if asked.user_verification && !data.is_user_verified() {
        return Err("nobody was verified");
    }
    // "If the BE bit of the flags in authData is not set, verify that the BS bit is not set."
    if data.is_backed_up() && !data.is_backup_eligible() {
        return Err("backed up without being eligible");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
