//! Hashes that another system made, read into types that cannot be wrong and never cost more than about a second or
//! 128 MiB: bcrypt, scrypt, Argon2, PBKDF2, and Firebase's scrypt.

use crate::Problem;
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::num::NonZeroU32;

/// Doublings of bcrypt's work at most: 14 take about a second.
const BCRYPT_COST_MAX: u32 = 14;
/// Bytes of memory of a hash at most.
const MEMORY_BYTES_MAX: u64 = 128 * 1_048_576;
/// Blocks of 128 bytes that scrypt goes over at most, twice each: N times r times p.
const SCRYPT_BLOCKS_MAX: u64 = 1 << 21;
/// Blocks of 1 KiB that Argon2 goes over at most: memory times passes.
const ARGON2_BLOCKS_MAX: u64 = 1 << 20;
/// Rounds of PBKDF2 at most, over all blocks of its output; those of SHA-512 count twice.
const PBKDF2_ROUNDS_MAX: u64 = 2_000_000;
/// Bytes of a salt or a separator at most.
const SALT_BYTES_MAX: usize = 256;
/// Bytes of a hash at least; a shorter one is matched by chance too soon.
const HASH_BYTES_MIN: usize = 16;
/// Bytes of a hash at most.
const HASH_BYTES_MAX: usize = 128;
/// Characters of a text at most.
const TEXT_CHARS_MAX: usize = 1_024;
/// What our text of a hash of Firebase begins with.
const FIREBASE: &str = "$firebase-scrypt$";

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const BCRYPT: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, LENIENT);

/// Why a text is no hash that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It has none of the known forms.
    #[error(
        "This must be a hash of bcrypt, scrypt, Argon2 or PBKDF2, in the form of PHC strings or of Django."
    )]
    Form,
    /// To verify it would cost too much.
    #[error(
        "The hash costs too much: bcrypt has a cost of 14 at most, PBKDF2 2,000,000 rounds (1,000,000 of SHA-512), scrypt and Argon2 128 MiB of memory, N*r*p of 2,097,152 and memory times passes of 1 GiB."
    )]
    Cost,
}

/// A hash that another system made.
#[derive(Clone, PartialEq, Eq)]
pub struct Foreign {
    scheme: Scheme,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq)]
enum Scheme {
    /// OpenBSD's, versions 2a, 2b and 2y, which are one for passwords below 72 bytes.
    Bcrypt { cost: u32 },
    /// RFC 7914.
    Scrypt { log_n: u8, r: u32, p: u32 },
    /// RFC 9106.
    Argon2 {
        is_id: bool,
        is_v16: bool,
        memory: u32,
        passes: u32,
        lanes: u32,
    },
    /// RFC 8018.
    Pbkdf2 { digest: Digest, rounds: u32 },
    /// The project's signer key, encrypted with what scrypt derives.
    Firebase {
        log_n: u8,
        r: u32,
        separator: Vec<u8>,
        signer_key: Vec<u8>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// What Firebase shows of a user and of its project: all texts in base64.
#[derive(Clone, Copy, Debug)]
pub struct Firebase<'a> {
    /// The user's hash.
    pub hash: &'a str,
    /// The user's salt.
    pub salt: &'a str,
    /// The project's signer key. It is a secret.
    pub signer_key: &'a str,
    /// The project's salt separator.
    pub salt_separator: &'a str,
    /// The project's rounds, scrypt's r.
    pub rounds: u32,
    /// The project's memory cost, scrypt's N as a power of two.
    pub memory_cost: u32,
}

impl Firebase<'_> {
    /// The hash as one text, which [`Foreign::parse`] reads. It holds the signer key, so keep it sealed.
    pub fn to_text(self) -> Result<String, NotTaken> {
        let Self {
            rounds,
            memory_cost,
            ..
        } = self;
        let parts = [self.salt_separator, self.salt, self.hash, self.signer_key];
        if parts.iter().any(|part| part.contains('$')) {
            return Err(NotTaken::Form);
        }
        let text = format!("{FIREBASE}ln={memory_cost},r={rounds}${}", parts.join("$"));
        Foreign::parse(&text).map(|_| text)
    }
}

impl Foreign {
    /// Reads a hash: a PHC string (`$argon2id$...`, `$scrypt$...`, `$pbkdf2-sha256$...`), one of bcrypt (`$2b$...`), of
    /// passlib, of Django (`pbkdf2_sha256$...`), or what [`Firebase::to_text`] made.
    pub fn parse(text: &str) -> Result<Self, NotTaken> {
        if text.len() > TEXT_CHARS_MAX {
            return Err(NotTaken::Form);
        }
        let found = match text.strip_prefix('$') {
            None => django(text),
            Some(rest) => {
                let (name, rest) = rest.split_once('$').ok_or(NotTaken::Form)?;
                match name {
                    "2a" | "2b" | "2y" => bcrypt_form(rest),
                    "scrypt" => scrypt_form(rest),
                    "argon2i" | "argon2id" => argon2_form(rest, name == "argon2id"),
                    "firebase-scrypt" => firebase_form(rest),
                    "pbkdf2" | "pbkdf2-sha1" => pbkdf2_form(rest, Digest::Sha1),
                    "pbkdf2-sha256" => pbkdf2_form(rest, Digest::Sha256),
                    "pbkdf2-sha512" => pbkdf2_form(rest, Digest::Sha512),
                    _ => None,
                }
            }
        };
        let found = found.ok_or(NotTaken::Form)?;
        let is_sized = found.salt.len() <= SALT_BYTES_MAX
            && (HASH_BYTES_MIN..=HASH_BYTES_MAX).contains(&found.hash.len());
        if !is_sized {
            return Err(NotTaken::Form);
        }
        if found.is_cheap() {
            Ok(found)
        } else {
            Err(NotTaken::Cost)
        }
    }

    fn is_cheap(&self) -> bool {
        let scrypt = |log_n: u8, r: u32, p: u32| {
            let blocks = (1_u64 << log_n.min(40)).saturating_mul(u64::from(r));
            blocks.saturating_mul(128) <= MEMORY_BYTES_MAX
                && blocks.saturating_mul(u64::from(p)) <= SCRYPT_BLOCKS_MAX
        };
        match self.scheme {
            Scheme::Bcrypt { cost } => cost <= BCRYPT_COST_MAX,
            Scheme::Scrypt { log_n, r, p } => scrypt(log_n, r, p),
            Scheme::Firebase { log_n, r, .. } => scrypt(log_n, r, 1),
            Scheme::Argon2 { memory, passes, .. } => {
                u64::from(memory) * 1_024 <= MEMORY_BYTES_MAX
                    && u64::from(memory) * u64::from(passes) <= ARGON2_BLOCKS_MAX
            }
            Scheme::Pbkdf2 { digest, rounds } => {
                let blocks = self.hash.len().div_ceil(digest.bytes()) as u64;
                let weight = if digest == Digest::Sha512 { 2 } else { 1 };
                u64::from(rounds) * blocks * weight <= PBKDF2_ROUNDS_MAX
            }
        }
    }

    /// Whether the password has this hash. It blocks for up to about a second.
    pub(super) fn verify(&self, password: &[u8]) -> Result<bool, Problem> {
        let mut out = vec![0; self.hash.len()];
        let salt = &self.salt;
        let broken = |what: &str| Problem::internal(format!("a foreign hash: {what}"));
        match &self.scheme {
            Scheme::Bcrypt { cost } => {
                let salt = <[u8; 16]>::try_from(&salt[..]).map_err(|_| broken("its salt"))?;
                // A text ends with a zero byte, and what is beyond 72 bytes was never looked at.
                let mut text = password.to_vec();
                text.push(0);
                text.truncate(72);
                out.copy_from_slice(&bcrypt::bcrypt(*cost, salt, &text)[..23]);
            }
            Scheme::Scrypt { log_n, r, p } => {
                let params = scrypt::Params::new(*log_n, *r, *p).map_err(|_| broken("scrypt"))?;
                scrypt::scrypt(password, salt, &params, &mut out).map_err(|_| broken("scrypt"))?;
            }
            Scheme::Argon2 {
                is_id,
                is_v16,
                memory,
                passes,
                lanes,
            } => {
                let of = [Algorithm::Argon2i, Algorithm::Argon2id][usize::from(*is_id)];
                let version = [Version::V0x13, Version::V0x10][usize::from(*is_v16)];
                let params = Params::new(*memory, *passes, *lanes, Some(out.len()));
                let params = params.map_err(|_| broken("argon2"))?;
                Argon2::new(of, version, params)
                    .hash_password_into(password, salt, &mut out)
                    .map_err(|_| broken("argon2"))?;
            }
            Scheme::Pbkdf2 { digest, rounds } => {
                let algorithm = match digest {
                    Digest::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
                    Digest::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
                    Digest::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
                };
                let rounds = NonZeroU32::new(*rounds).ok_or_else(|| broken("pbkdf2"))?;
                pbkdf2::derive(algorithm, rounds, salt, password, &mut out);
            }
            Scheme::Firebase {
                log_n,
                r,
                separator,
                signer_key,
            } => {
                let params = scrypt::Params::new(*log_n, *r, 1).map_err(|_| broken("scrypt"))?;
                let salt = [&salt[..], separator].concat();
                let mut key = [0; 64];
                scrypt::scrypt(password, &salt, &params, &mut key).map_err(|_| broken("scrypt"))?;
                out.clone_from(signer_key);
                counted(&key[..32], &mut out).map_err(|_| broken("aes"))?;
            }
        }
        Ok(verify_slices_are_equal(&out, &self.hash).is_ok())
    }
}

/// AES-256 in counter mode from zero on, which is its own inverse.
fn counted(key: &[u8], text: &mut [u8]) -> Result<(), aws_lc_rs::error::Unspecified> {
    let key = DecryptingKey::ctr(UnboundCipherKey::new(&AES_256, key)?)?;
    let from_zero = DecryptionContext::Iv128(FixedLength::from([0; 16]));
    key.decrypt(text, from_zero).map(drop)
}

/// `name=value` pairs in this order; one that is absent or another fails.
fn pairs<const N: usize>(text: &str, names: [&str; N]) -> Option<[u32; N]> {
    let mut parts = text.split(',');
    let mut values = [0; N];
    for (value, name) in values.iter_mut().zip(names) {
        let (found, number) = parts.next()?.split_once('=')?;
        *value = number.parse().ok().filter(|_| found == name)?;
    }
    parts.next().is_none().then_some(values)
}

/// Base64 of any of the alphabets in use: the standard one, that of URLs, and passlib's with dots.
fn decoded(text: &str) -> Option<Vec<u8>> {
    if text.contains(['-', '_']) {
        return URL_SAFE.decode(text).ok();
    }
    STANDARD.decode(text.replace('.', "+")).ok()
}

fn made(scheme: Scheme, salt: Vec<u8>, hash: Vec<u8>) -> Option<Foreign> {
    Some(Foreign { scheme, salt, hash })
}

fn bcrypt_form(rest: &str) -> Option<Foreign> {
    let (cost, tail) = rest.split_once('$')?;
    let (salt, hash) = tail
        .split_at_checked(22)
        .filter(|(_, hash)| hash.len() == 31)?;
    let cost = cost.parse().ok().filter(|_| cost.len() == 2)?;
    let is_known = (4..=31).contains(&cost);
    let (salt, hash) = (BCRYPT.decode(salt).ok()?, BCRYPT.decode(hash).ok()?);
    made(Scheme::Bcrypt { cost }, salt, hash).filter(|_| is_known)
}

fn scrypt_form(rest: &str) -> Option<Foreign> {
    let mut parts = rest.split('$');
    let [log_n, r, p] = pairs(parts.next()?, ["ln", "r", "p"])?;
    let (salt, hash) = (decoded(parts.next()?)?, decoded(parts.next()?)?);
    let log_n = u8::try_from(log_n).ok().filter(|n| (1..=40).contains(n))?;
    let is_whole = parts.next().is_none() && r > 0 && p > 0;
    made(Scheme::Scrypt { log_n, r, p }, salt, hash).filter(|_| is_whole)
}

fn argon2_form(rest: &str, is_id: bool) -> Option<Foreign> {
    let (version, rest) = match rest.strip_prefix("v=") {
        None => ("16", rest),
        Some(rest) => rest.split_once('$')?,
    };
    let mut parts = rest.split('$');
    let [memory, passes, lanes] = pairs(parts.next()?, ["m", "t", "p"])?;
    let (salt, hash) = (decoded(parts.next()?)?, decoded(parts.next()?)?);
    let is_real = salt.len() >= 8
        && parts.next().is_none()
        && Params::new(memory, passes, lanes, Some(hash.len())).is_ok()
        && matches!(version, "16" | "19");
    let scheme = Scheme::Argon2 {
        is_id,
        is_v16: version == "16",
        memory,
        passes,
        lanes,
    };
    made(scheme, salt, hash).filter(|_| is_real)
}

/// `i=1000,l=32$salt$hash`, or as passlib writes it `1000$salt$hash`.
fn pbkdf2_form(rest: &str, digest: Digest) -> Option<Foreign> {
    let mut parts = rest.split('$');
    let asked = parts.next()?;
    let (salt, hash) = (decoded(parts.next()?)?, decoded(parts.next()?)?);
    let (rounds, length) = match pairs(asked, ["i", "l"]) {
        Some([rounds, length]) => (rounds, usize::try_from(length).ok()?),
        None => match pairs(asked, ["i"]) {
            Some([rounds]) => (rounds, hash.len()),
            None => (asked.parse().ok()?, hash.len()),
        },
    };
    let is_whole = parts.next().is_none() && rounds > 0 && length == hash.len();
    made(Scheme::Pbkdf2 { digest, rounds }, salt, hash).filter(|_| is_whole)
}

/// `pbkdf2_sha256$1000$salt$hash`: the salt stands as it is.
fn django(text: &str) -> Option<Foreign> {
    let mut parts = text.split('$');
    let digest = match parts.next()? {
        "pbkdf2_sha1" => Digest::Sha1,
        "pbkdf2_sha256" => Digest::Sha256,
        "pbkdf2_sha512" => Digest::Sha512,
        _ => return None,
    };
    let rounds = parts.next()?.parse().ok().filter(|n| *n > 0)?;
    let (salt, hash) = (parts.next()?.as_bytes().to_vec(), decoded(parts.next()?)?);
    let scheme = Scheme::Pbkdf2 { digest, rounds };
    made(scheme, salt, hash).filter(|_| parts.next().is_none())
}

fn firebase_form(rest: &str) -> Option<Foreign> {
    let parts: Vec<&str> = rest.split('$').collect();
    let [asked, separator, salt, hash, signer_key] = parts[..] else {
        return None;
    };
    let [log_n, r] = pairs(asked, ["ln", "r"])?;
    let log_n = u8::try_from(log_n).ok().filter(|n| (1..=40).contains(n))?;
    let (salt, hash) = (decoded(salt)?, decoded(hash)?);
    let (separator, signer_key) = (decoded(separator)?, decoded(signer_key)?);
    // The hash is the key, encrypted: as long as it.
    let is_whole = r > 0 && signer_key.len() == hash.len() && separator.len() <= SALT_BYTES_MAX;
    let scheme = Scheme::Firebase {
        log_n,
        r,
        separator,
        signer_key,
    };
    made(scheme, salt, hash).filter(|_| is_whole)
}

// What it holds is nobody's business.
impl std::fmt::Debug for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Foreign").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
