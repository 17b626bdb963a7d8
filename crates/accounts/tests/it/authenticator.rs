//! An authenticator of the tests' own: it makes keys and signs as a phone does, and says whatever a test wants it to. It
//! writes its own CBOR, so that it shares nothing with what reads it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub const PRESENT: u8 = 1;
pub const VERIFIED: u8 = 4;
pub const ELIGIBLE: u8 = 8;
pub const BACKED_UP: u8 = 16;
pub const ATTESTED: u8 = 64;
pub const EXTENSIONS: u8 = 128;

/// A value as CBOR writes it (RFC 8949).
#[derive(Clone)]
pub enum Cbor {
    Int(i64),
    Bytes(Vec<u8>),
    Text(&'static str),
    Map(Vec<(Cbor, Cbor)>),
}

impl Cbor {
    pub fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(n) if *n < 0 => head(out, 1, u64::try_from(-1 - n).unwrap()),
            Self::Int(n) => head(out, 0, u64::try_from(*n).unwrap()),
            Self::Bytes(bytes) => {
                head(out, 2, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
            Self::Text(text) => {
                head(out, 3, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Map(members) => {
                head(out, 5, members.len() as u64);
                for (name, value) in members {
                    name.write(out);
                    value.write(out);
                }
            }
        }
    }
}

fn head(out: &mut Vec<u8>, kind: u8, n: u64) {
    let kind = kind << 5;
    match n {
        0..=23 => out.push(kind | u8::try_from(n).unwrap()),
        24..=0xff => out.extend([kind | 24, u8::try_from(n).unwrap()]),
        0x100..=0xffff => {
            out.push(kind | 25);
            out.extend(u16::try_from(n).unwrap().to_be_bytes());
        }
        _ => {
            out.push(kind | 26);
            out.extend(u32::try_from(n).unwrap().to_be_bytes());
        }
    }
}

pub enum Key {
    Es256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Key {
    pub fn es256() -> Self {
        Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    pub fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub fn rs256() -> Self {
        Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    /// The public half as COSE writes it.
    pub fn cose(&self) -> Vec<(Cbor, Cbor)> {
        let int = |a: i64, b: i64| (Cbor::Int(a), Cbor::Int(b));
        let bytes = |a: i64, b: &[u8]| (Cbor::Int(a), Cbor::Bytes(b.to_vec()));
        match self {
            Self::Es256(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = (bytes(-2, &point[1..33]), bytes(-3, &point[33..]));
                vec![int(1, 2), int(3, -7), int(-1, 1), x, y]
            }
            Self::Ed25519(key) => {
                let x = bytes(-2, key.public_key().as_ref());
                vec![int(1, 1), int(3, -8), int(-1, 6), x]
            }
            Self::Rs256(key) => {
                let n = key.public_key().modulus();
                let n = n.big_endian_without_leading_zero();
                let e = key.public_key().exponent();
                let e = e.big_endian_without_leading_zero();
                vec![int(1, 3), int(3, -257), bytes(-1, n), bytes(-2, e)]
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }
}

/// What browser and authenticator say; a good answer unless a test changes something.
#[derive(Clone)]
pub struct Said {
    pub kind: &'static str,
    pub challenge: String,
    pub origin: String,
    pub party: String,
    /// More members of the client's data, each with a comma before it.
    pub more: String,
    pub flags: u8,
    /// Follows the authenticator's data.
    pub tail: Vec<u8>,
}

impl Said {
    /// The good answer to options that a server gave.
    pub fn to(options: &Value, origin: &str) -> Self {
        let is_new = options.get("rp").is_some();
        let party = if is_new {
            &options["rp"]["id"]
        } else {
            &options["rpId"]
        };
        Self {
            kind: if is_new {
                "webauthn.create"
            } else {
                "webauthn.get"
            },
            challenge: options["challenge"].as_str().unwrap().to_owned(),
            origin: origin.to_owned(),
            party: party.as_str().unwrap().to_owned(),
            more: r#","crossOrigin":false"#.to_owned(),
            flags: PRESENT | VERIFIED | ELIGIBLE | BACKED_UP,
            tail: Vec::new(),
        }
    }

    fn client_data(&self) -> Vec<u8> {
        let (kind, challenge, origin) = (self.kind, &self.challenge, &self.origin);
        format!(
            r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}"{}}}"#,
            self.more
        )
        .into_bytes()
    }
}

/// One passkey, with the half that only its user has.
pub struct Passkey {
    pub key: Key,
    pub id: Vec<u8>,
    pub count: u32,
    pub user_handle: Option<Vec<u8>>,
}

impl Passkey {
    pub fn new(key: Key) -> Self {
        let mut id = vec![0; 32];
        aws_lc_rs::rand::fill(&mut id).unwrap();
        Self {
            key,
            id,
            count: 0,
            user_handle: None,
        }
    }

    /// The credential as `toJSON()` of a browser gives it after `create`.
    pub fn create(&mut self, said: &Said) -> Value {
        let key = Cbor::Map(self.key.cose()).encoded();
        self.create_with(said, &key)
    }

    pub fn create_with(&mut self, said: &Said, key: &[u8]) -> Value {
        let mut data = self.data(said, ATTESTED);
        data.extend([7; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(key);
        data.extend(&said.tail);
        let object = Cbor::Map(vec![
            (Cbor::Text("fmt"), Cbor::Text("none")),
            (Cbor::Text("attStmt"), Cbor::Map(Vec::new())),
            (Cbor::Text("authData"), Cbor::Bytes(data)),
        ]);
        self.json(json!({
            "clientDataJSON": b64(&said.client_data()),
            "attestationObject": b64(&object.encoded()),
            "transports": ["internal", "hybrid"],
            "publicKeyAlgorithm": -7,
        }))
    }

    /// The credential as `toJSON()` of a browser gives it after `get`.
    pub fn get(&mut self, said: &Said) -> Value {
        let mut data = self.data(said, 0);
        data.extend(&said.tail);
        let client = said.client_data();
        let message = [&data[..], digest(&SHA256, &client).as_ref()].concat();
        let mut response = json!({
            "clientDataJSON": b64(&client),
            "authenticatorData": b64(&data),
            "signature": b64(&self.key.sign(&message)),
        });
        response["userHandle"] = self.user_handle.as_deref().map(b64).into();
        self.json(response)
    }

    fn data(&self, said: &Said, more: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, said.party.as_bytes()).as_ref().to_vec();
        data.push(said.flags | more);
        data.extend(self.count.to_be_bytes());
        data
    }

    fn json(&self, response: Value) -> Value {
        json!({
            "id": b64(&self.id), "rawId": b64(&self.id), "type": "public-key", "response": response,
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
        })
    }
}

pub fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
