//! The two binary structures of an authenticator's answer: the attestation object and the authenticator's data (Web
//! Authentication Level 3, sections 6.1 and 6.5).

use super::Fault;
use minicbor::Decoder;
use uuid::Uuid;

/// Members of a map at most; ours have a handful.
const MEMBERS_MAX: u64 = 32;
/// Bits of the flags (section 6.1).
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// The authenticator's data within an attestation object (section 6.5.4). Its format and its statement are read over.
pub(super) fn attestation_object(bytes: &[u8]) -> Result<&[u8], Fault> {
    let bad = |_| "the attestation object is not readable";
    let mut decoder = Decoder::new(bytes);
    let mut found = None;
    for _ in 0..members(&mut decoder)? {
        let name = decoder.str().map_err(bad)?;
        if name == "authData" {
            let data = decoder.bytes().map_err(bad)?;
            if found.replace(data).is_some() {
                return Err("the attestation object says something twice");
            }
        } else {
            decoder.skip().map_err(bad)?;
        }
    }
    if decoder.position() != bytes.len() {
        return Err("the attestation object has more than its end");
    }
    found.ok_or("the attestation object has no data")
}

/// How many members follow, of a map whose length is said before.
pub(super) fn members(decoder: &mut Decoder<'_>) -> Result<u64, Fault> {
    let count = decoder.map().map_err(|_| "a map was expected")?;
    // Authenticators write no maps of unknown length (FIDO CTAP 2.1, section 8).
    let count = count.ok_or("a map has no length")?;
    if count > MEMBERS_MAX {
        return Err("a map is too long");
    }
    Ok(count)
}

/// What an authenticator says of itself and of its user (section 6.1).
pub(super) struct AuthenticatorData<'a> {
    pub(super) rp_id_hash: &'a [u8],
    flags: u8,
    pub(super) sign_count: u32,
    pub(super) attested: Option<Attested<'a>>,
}

/// A credential that was made (section 6.5.1).
pub(super) struct Attested<'a> {
    pub(super) aaguid: Uuid,
    pub(super) credential_id: &'a [u8],
    pub(super) public_key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all of it, and refuses what is behind its end.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        let short = "the authenticator's data is too short";
        let (rp_id_hash, rest) = bytes.split_at_checked(32).ok_or(short)?;
        let (flags, rest) = rest.split_first().ok_or(short)?;
        let (sign_count, mut rest) = rest.split_first_chunk::<4>().ok_or(short)?;
        let mut attested = None;
        if flags & ATTESTED != 0 {
            let (aaguid, after) = rest.split_first_chunk::<16>().ok_or(short)?;
            let (length, after) = after.split_first_chunk::<2>().ok_or(short)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (credential_id, after) = after.split_at_checked(length).ok_or(short)?;
            let (public_key, after) = after.split_at(item(after)?);
            rest = after;
            attested = Some(Attested {
                aaguid: Uuid::from_bytes(*aaguid),
                credential_id,
                public_key,
            });
        }
        if flags & EXTENSIONS != 0 {
            rest = rest.split_at(item(rest)?).1;
        }
        if !rest.is_empty() {
            return Err("the authenticator's data has more than its end");
        }
        Ok(Self {
            rp_id_hash,
            flags: *flags,
            sign_count: u32::from_be_bytes(*sign_count),
            attested,
        })
    }

    pub(super) fn is_user_present(&self) -> bool {
        self.flags & USER_PRESENT != 0
    }

    pub(super) fn is_user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    pub(super) fn is_backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    pub(super) fn is_backed_up(&self) -> bool {
        self.flags & BACKED_UP != 0
    }
}

/// The length of the item that stands first.
fn item(bytes: &[u8]) -> Result<usize, Fault> {
    let mut decoder = Decoder::new(bytes);
    decoder.skip().map_err(|_| "an item is not readable")?;
    let end = decoder.position();
    (end <= bytes.len())
        .then_some(end)
        .ok_or("an item is cut off")
}
