//! New key pairs to sign access tokens with.

use crate::error::Error;
use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::SigningAlgorithm;
use serde_json::{Value, json};

/// A new pair: the private half as PKCS#8, the public half as a JWK whose `kid` is its thumbprint (RFC 7638).
pub(crate) fn make_pair(algorithm: SigningAlgorithm) -> Result<(Vec<u8>, Value), Error> {
    match algorithm {
        SigningAlgorithm::Es256 => make_p256(),
        SigningAlgorithm::Eddsa => make_ed25519(),
    }
}

fn make_ed25519() -> Result<(Vec<u8>, Value), Error> {
    let pair = Ed25519KeyPair::generate().map_err(|_| Error::Crypto)?;
    let private = pair.to_pkcs8v1().map_err(|_| Error::Crypto)?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let kid = thumbprint(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    Ok((
        private.as_ref().to_vec(),
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": "EdDSA", "use": "sig"}),
    ))
}

/// The name of a key, from its members in the order of their names.
fn thumbprint(members: &str) -> String {
    let digest = digest::digest(&digest::SHA256, members.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref())
}

fn make_p256() -> Result<(Vec<u8>, Value), Error> {
    let pair =
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| Error::Crypto)?;
    let private = pair
        .to_pkcs8v1()
        .map_err(|_| Error::Crypto)?
        .as_ref()
        .to_vec();
    // An uncompressed point: the byte 4, then both coordinates.
    let point = pair.public_key().as_ref();
    let (x, y) = point
        .get(1..33)
        .zip(point.get(33..65))
        .ok_or(Error::Crypto)?;
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let kid = thumbprint(&format!(
        r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#
    ));
    Ok((
        private,
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": "ES256", "use": "sig"}),
    ))
}
