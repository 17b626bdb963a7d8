//! A browser: has keys, subscribes, and reads what it gets by RFC 8291 and RFC 8188, written from their text and from no
//! library of ours that encrypts.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::fill;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub struct Browser {
    private: PrivateKey,
    public: Vec<u8>,
    auth: Vec<u8>,
}

impl Browser {
    pub fn new() -> Self {
        let mut auth = vec![0; 16];
        fill(&mut auth).unwrap();
        Self::over(PrivateKey::generate(&ECDH_P256).unwrap(), auth)
    }

    fn over(private: PrivateKey, auth: Vec<u8>) -> Self {
        let public = private.compute_public_key().unwrap().as_ref().to_vec();
        Self {
            private,
            public,
            auth,
        }
    }

    pub fn p256dh(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.public)
    }

    pub fn auth(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.auth)
    }

    /// What `JSON.stringify` makes of its subscription.
    pub fn subscription(&self, endpoint: &str) -> Value {
        json!({"endpoint": endpoint, "expirationTime": null, "keys": {"p256dh": self.p256dh(), "auth": self.auth()}})
    }

    /// The message in a body (RFC 8188, section 2, and RFC 8291, section 3.4), if it is for this browser.
    pub fn decrypt(&self, body: &[u8]) -> Option<Vec<u8>> {
        let (salt, rest) = body.split_at_checked(16)?;
        let (size, rest) = rest.split_at_checked(4)?;
        let record_size = u32::from_be_bytes(size.try_into().unwrap());
        let (length, rest) = rest.split_first()?;
        let (sender, record) = rest.split_at_checked(usize::from(*length))?;
        // One record, within what every service takes.
        assert!(record.len() <= usize::try_from(record_size).unwrap() && body.len() <= 4_096);
        let peer = UnparsedPublicKey::new(&ECDH_P256, sender);
        let shared = agree(&self.private, peer, (), |secret| Ok(secret.to_vec())).ok()?;
        let mut info = b"WebPush: info\0".to_vec();
        info.extend_from_slice(&self.public);
        info.extend_from_slice(sender);
        let ikm = hkdf(&self.auth, &shared, &info, 32);
        let key = hkdf(salt, &ikm, b"Content-Encoding: aes128gcm\0", 16);
        let nonce = hkdf(salt, &ikm, b"Content-Encoding: nonce\0", 12);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(&nonce).unwrap();
        let mut plain = record.to_vec();
        let plain = key.open_in_place(nonce, Aad::empty(), &mut plain).ok()?;
        // The last record's delimiter is a 2, and zeros pad it.
        let end = plain.iter().rposition(|byte| *byte != 0)?;
        assert_eq!(plain[end], 2);
        Some(plain[..end].to_vec())
    }

    /// The payload in a body.
    pub fn read(&self, body: &[u8]) -> Value {
        serde_json::from_slice(&self.decrypt(body).expect("it is for another browser")).unwrap()
    }
}

/// HKDF with SHA-256 (RFC 5869) for at most 32 bytes.
fn hkdf(salt: &[u8], ikm: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    let mac = |key: &[u8], data: &[u8]| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data)
            .as_ref()
            .to_vec()
    };
    let prk = mac(salt, ikm);
    let mut out = mac(&prk, &[info, &[1]].concat());
    out.truncate(length);
    out
}

#[test]
fn the_example_of_the_standard_is_read() {
    // RFC 8291, section 5 and appendix A.
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let private = bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
    let browser = Browser::over(
        PrivateKey::from_private_key(&ECDH_P256, &private).unwrap(),
        bytes("BTBZMqHH6r4Tts7J_aSIgg"),
    );
    assert_eq!(
        browser.p256dh(),
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    );
    let body = bytes(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    );
    assert_eq!(
        browser.decrypt(&body).unwrap(),
        b"When I grow up, I want to be a watermelon"
    );
    let mut spoiled = body.clone();
    *spoiled.last_mut().unwrap() ^= 1;
    assert_eq!(browser.decrypt(&spoiled), None);
    assert_eq!(Browser::new().decrypt(&body), None);
}
