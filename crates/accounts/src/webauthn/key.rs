//! Public keys of passkeys, as COSE writes them (RFC 9052, section 7; RFC 9053, section 7; RFC 8230 for RSA), and the
//! signatures that they verify (Web Authentication Level 3, sections 5.8.5 and 6.5.5).

use super::Fault;
use super::data::members;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use minicbor::Decoder;

/// ECDSA over P-256 with SHA-256 (RFC 9053, section 2.1).
pub(super) const ES256: i64 = -7;
/// Of which only Ed25519 is taken (RFC 9053, section 2.2; section 5.8.5: "MUST specify 6 (Ed25519) as the crv").
pub(super) const EDDSA: i64 = -8;
/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8812).
pub(super) const RS256: i64 = -257;

/// Types of keys.
const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
/// Curves.
const P256: i64 = 1;
const CURVE_ED25519: i64 = 6;

/// A public key of one of the algorithms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// An uncompressed point of P-256.
    Es256([u8; 65]),
    /// A point of Ed25519.
    Ed25519([u8; 32]),
    /// Modulus and exponent.
    Rs256 { n: Vec<u8>, e: Vec<u8> },
}

/// The members of a COSE key that are looked at.
#[derive(Default)]
struct Members<'a> {
    kty: Option<i64>,
    alg: Option<i64>,
    crv: Option<i64>,
    /// -1 where it is bytes: the modulus of RSA.
    n: Option<&'a [u8]>,
    /// -2: the first coordinate, or the exponent of RSA.
    x: Option<&'a [u8]>,
    /// -3: the second coordinate. A sign alone, as compressed points have it, is not taken (section 5.8.5).
    y: Option<&'a [u8]>,
}

impl PublicKey {
    /// Reads a key; one of another algorithm, type or curve is refused.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let read = Members::parse(bytes)?;
        let odd = "the key is not one of those that were asked for";
        match (read.kty, read.alg) {
            (Some(EC2), Some(ES256)) if read.crv == Some(P256) => {
                let (x, y) = read.x.zip(read.y).ok_or(odd)?;
                let point = [&[4], x, y].concat();
                Ok(Self::Es256(point.try_into().map_err(|_| odd)?))
            }
            (Some(OKP), Some(EDDSA)) if read.crv == Some(CURVE_ED25519) => {
                let x = read.x.and_then(|x| x.try_into().ok());
                Ok(Self::Ed25519(x.ok_or(odd)?))
            }
            (Some(RSA), Some(RS256)) => {
                let (n, e) = read.n.zip(read.x).ok_or(odd)?;
                Ok(Self::Rs256 {
                    n: n.to_vec(),
                    e: e.to_vec(),
                })
            }
            _ => Err(odd),
        }
    }

    /// Whether signatures can be verified with it at all: a point is on its curve, a modulus has 2048 to 8192 bits.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let odd = "the key is not one";
        match self {
            Self::Es256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
                .map(drop)
                .map_err(|_| odd),
            Self::Ed25519(point) => ParsedPublicKey::new(&ED25519, point)
                .map(drop)
                .map_err(|_| odd),
            Self::Rs256 { n, e } => {
                let fits = (256..=1_024).contains(&n.len()) && n[0] != 0;
                let odd_exponent = e.last().is_some_and(|last| last % 2 == 1) && e[0] != 0;
                let is_one = e.as_slice() == [1];
                (fits && odd_exponent && e.len() <= 4 && !is_one)
                    .then_some(())
                    .ok_or(odd)
            }
        }
    }

    /// Whether it signed the message.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Fault> {
        let verified = match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::Ed25519(point) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
            Self::Rs256 { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.map_err(|_| "the signature is wrong")
    }
}

impl<'a> Members<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        let bad = |_| "the key is not readable";
        let mut decoder = Decoder::new(bytes);
        let mut read = Self::default();
        for _ in 0..members(&mut decoder)? {
            let label = decoder.i64().map_err(bad)?;
            let is_bytes = decoder.datatype().map_err(bad)? == minicbor::data::Type::Bytes;
            let twice = match label {
                1 => read.kty.replace(decoder.i64().map_err(bad)?).is_some(),
                3 => read.alg.replace(decoder.i64().map_err(bad)?).is_some(),
                -1 if is_bytes => read.n.replace(decoder.bytes().map_err(bad)?).is_some(),
                -1 => read.crv.replace(decoder.i64().map_err(bad)?).is_some(),
                -2 => read.x.replace(decoder.bytes().map_err(bad)?).is_some(),
                -3 => read.y.replace(decoder.bytes().map_err(bad)?).is_some(),
                _ => {
                    decoder.skip().map_err(bad)?;
                    false
                }
            };
            if twice {
                return Err("the key says something twice");
            }
        }
        if decoder.position() != bytes.len() {
            return Err("the key has more than its end");
        }
        Ok(read)
    }
}
