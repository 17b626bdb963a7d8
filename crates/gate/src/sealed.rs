//! A 32-byte root key: derives keys per purpose, seals secrets for the database, and never shows itself.

use crate::Problem;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretBox};

/// Stands in front of every sealed text, so that the format can change.
const FORMAT: &str = "s1.";
/// Bytes of a key's id.
const ID_LEN: usize = 4;

/// A root key. Its bytes are wiped when it is dropped.
pub(crate) struct RootKey {
    bytes: SecretBox<[u8; 32]>,
    salt: Vec<u8>,
    id: [u8; ID_LEN],
    sealing: LessSafeKey,
}

impl RootKey {
    /// Over bytes that are secret already. `salt` keeps keys of equal roots apart: a project's uid.
    pub(crate) fn new(bytes: SecretBox<[u8; 32]>, salt: &[u8]) -> Result<Self, Problem> {
        let salt = salt.to_vec();
        let key = derive(bytes.expose_secret(), &salt, "seal");
        let digest = digest::digest(&digest::SHA256, &key);
        let mut id = [0; ID_LEN];
        id.copy_from_slice(&digest.as_ref()[..ID_LEN]);
        let unbound = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| broken("making a key"))?;
        Ok(Self {
            bytes,
            salt,
            id,
            sealing: LessSafeKey::new(unbound),
        })
    }

    /// New random bytes for a root key.
    pub(crate) fn fresh() -> Result<SecretBox<[u8; 32]>, Problem> {
        Ok(SecretBox::new(Box::new(random()?)))
    }

    /// The bytes, to be sealed under another key.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.bytes.expose_secret()
    }

    /// The key for one purpose (HKDF-SHA256).
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        derive(self.bytes.expose_secret(), &self.salt, purpose)
    }

    /// Seals `plain` for its `place`, a table and row, so that it opens nowhere else.
    pub(crate) fn seal(&self, place: &str, plain: &[u8]) -> Result<String, Problem> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut text = plain.to_vec();
        self.sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut text,
            )
            .map_err(|_| broken("sealing"))?;
        let mut all = Vec::with_capacity(ID_LEN + NONCE_LEN + text.len());
        all.extend_from_slice(&self.id);
        all.extend_from_slice(&nonce);
        all.extend_from_slice(&text);
        Ok(format!("{FORMAT}{}", URL_SAFE_NO_PAD.encode(all)))
    }

    /// Opens what [`RootKey::seal`] made for the same `place`.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Result<Vec<u8>, Problem> {
        self.open_checked(place, sealed).ok_or_else(|| {
            Problem::internal(format!("the secret at {place} does not open with this key"))
        })
    }

    fn open_checked(&self, place: &str, sealed: &str) -> Option<Vec<u8>> {
        let all = URL_SAFE_NO_PAD.decode(sealed.strip_prefix(FORMAT)?).ok()?;
        let (id, rest) = all.split_at_checked(ID_LEN)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN)?;
        if id != self.id {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let plain = self
            .sealing
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut text)
            .ok()?;
        Some(plain.to_vec())
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey(..)")
    }
}

/// HKDF-SHA256 (RFC 5869) for one block of output, written with HMAC because that cannot fail.
fn derive(key: &[u8; 32], salt: &[u8], purpose: &str) -> [u8; 32] {
    let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), key);
    let mut expand =
        hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, extracted.as_ref()));
    expand.update(purpose.as_bytes());
    expand.update(&[1]);
    let mut out = [0; 32];
    out.copy_from_slice(expand.sign().as_ref());
    out
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| broken("asking for randomness"))?;
    Ok(bytes)
}

fn broken(doing: &str) -> Problem {
    Problem::internal(format!("{doing} failed in the crypto library"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(salt: &[u8]) -> RootKey {
        RootKey::new(SecretBox::new(Box::new([7; 32])), salt).unwrap()
    }

    #[test]
    fn a_secret_opens_at_its_place_with_its_key_and_nowhere_else() {
        let key_a = key(b"a");
        let sealed = key_a.seal("t/1", b"secret").unwrap();
        assert_eq!(key_a.open("t/1", &sealed).unwrap(), b"secret");
        assert_ne!(sealed, key_a.seal("t/1", b"secret").unwrap());
        let mut changed = sealed.clone();
        changed.pop();
        changed.push(if sealed.ends_with('A') { 'Q' } else { 'A' });
        for (key, place, text) in [
            (&key_a, "t/2", &sealed),
            (&key(b"b"), "t/1", &sealed),
            (&key_a, "t/1", &changed),
            (&key_a, "t/1", &String::new()),
        ] {
            assert!(key.open(place, text).is_err(), "{place}");
        }
    }

    #[test]
    fn derivation_is_hkdf() {
        use aws_lc_rs::hkdf;
        let mut want = [0; 32];
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"salt").extract(&[7; 32]);
        prk.expand(&[b"purpose"], hkdf::HKDF_SHA256)
            .unwrap()
            .fill(&mut want)
            .unwrap();
        assert_eq!(key(b"salt").derive("purpose"), want);
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_salt() {
        let all = [
            key(b"a").derive("x"),
            key(b"a").derive("y"),
            key(b"b").derive("x"),
        ];
        assert!(all[0] != all[1] && all[0] != all[2] && all[0] == key(b"a").derive("x"));
        assert_eq!(format!("{:?}", key(b"a")), "RootKey(..)");
    }
}
