//! Tokens by which an issuer says who somebody is (OpenID Connect Core, section 2), and everything a good one must show.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use kernel::Stamp;
use serde_json::{Map, Value};

/// How many seconds the clock of an issuer may differ from ours.
const LEEWAY_SECONDS: i64 = 30;
/// The longest token that is looked at.
const BYTES_MAX: usize = 16_384;
/// Characters of a subject at most (OpenID Connect Core, section 2).
const SUBJECT_CHARS_MAX: usize = 255;
/// What issuers sign with: keys that are public, so never a shared secret, and never nothing.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Whose tokens are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Issuer {
    /// This one's, under any of its spellings; the first is the one that is kept.
    Named(Vec<String>),
    /// That of any tenant, named by `tid`, between these two texts.
    Tenant(&'static str, &'static str),
}

impl Issuer {
    /// Whether an answer in this name is of such an issuer (RFC 9207).
    pub(crate) fn is(&self, name: &str) -> bool {
        match self {
            Self::Named(names) => names.iter().any(|one| one == name),
            Self::Tenant(before, behind) => {
                let tenant = name
                    .strip_prefix(before)
                    .and_then(|rest| rest.strip_suffix(behind));
                tenant.is_some_and(|tenant| kernel::parse_id(tenant).is_some())
            }
        }
    }
}

/// What a token must say.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a Issuer,
    /// One of these clients.
    pub(crate) audiences: &'a [&'a str],
    /// What the asker sent along: the text itself, or its digest, as Apple's and Google's apps do it.
    pub(crate) nonce: Option<&'a str>,
}

/// Why a token is not good. The caller reads the same for each but the first, after which the keys are read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Signed with a key that is not known (yet).
    UnknownKey,
    /// Why else; for the trace.
    Wrong(&'static str),
}

/// The claims of a good token. `iss` is as it is kept.
pub(crate) fn verify(
    token: &str,
    keys: &Value,
    expected: &Expected<'_>,
    now: Stamp,
) -> Result<Map<String, Value>, Refusal> {
    if token.len() > BYTES_MAX {
        return Err(Refusal::Wrong("too long"));
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Wrong("no token"))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Refusal::Wrong("the algorithm"));
    }
    let key = find(keys, header.kid.as_deref(), header.alg)?;
    let mut rules = Validation::new(header.alg);
    rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    rules.set_audience(expected.audiences);
    match expected.issuer {
        Issuer::Named(names) => rules.set_issuer(names),
        // Which one is known once the claims are; judged below.
        Issuer::Tenant(..) => rules.iss = None,
    }
    // Ours, below: the library asks the machine's clock.
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &rules);
    let claims = claims.map_err(|_| Refusal::Wrong("the signature, issuer or audience"))?;
    judge(claims.claims, expected, now).map_err(Refusal::Wrong)
}

/// What the library does not judge.
fn judge(
    mut claims: Map<String, Value>,
    expected: &Expected<'_>,
    now: Stamp,
) -> Result<Map<String, Value>, &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let issuer = issuer(expected.issuer, text("iss").ok_or("iss")?, text("tid"))?;
    let is_subject = |sub: &&str| (1..=SUBJECT_CHARS_MAX).contains(&sub.chars().count());
    text("sub").filter(is_subject).ok_or("sub")?;
    let number = |name: &str| claims.get(name).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^53")]
    let (present, leeway) = (now.unix_seconds() as f64, LEEWAY_SECONDS as f64);
    if number("exp").ok_or("exp")? + leeway <= present {
        return Err("out of date");
    }
    if number("iat").ok_or("iat")? > present + leeway {
        return Err("from the future");
    }
    if claims.contains_key("nbf") && number("nbf").ok_or("nbf")? > present + leeway {
        return Err("not good yet");
    }
    // To whom it was given, which with several audiences must be said (section 3.1.3.7).
    let is_ours = |client: &str| expected.audiences.contains(&client);
    let is_shared = claims
        .get("aud")
        .and_then(Value::as_array)
        .is_some_and(|all| all.len() > 1);
    match claims.get("azp") {
        None if is_shared => return Err("azp"),
        None => {}
        Some(azp) => {
            azp.as_str().filter(|azp| is_ours(azp)).ok_or("azp")?;
        }
    }
    if !is_nonce(claims.get("nonce"), expected.nonce) {
        return Err("nonce");
    }
    claims.insert("iss".to_owned(), Value::String(issuer));
    Ok(claims)
}

/// The issuer as it is kept.
fn issuer(expected: &Issuer, iss: &str, tid: Option<&str>) -> Result<String, &'static str> {
    match expected {
        Issuer::Named(names) => {
            let is_one = names.iter().any(|name| name == iss);
            names.first().filter(|_| is_one).cloned().ok_or("iss")
        }
        Issuer::Tenant(before, behind) => {
            // A tenant's name is an id: nothing else gets into what is compared.
            let tenant = tid
                .filter(|tid| kernel::parse_id(tid).is_some())
                .ok_or("tid")?;
            let is_one = iss == format!("{before}{tenant}{behind}");
            is_one.then(|| iss.to_owned()).ok_or("iss")
        }
    }
}

/// Who sent a nonce gets it back, and a token that has one is only for who sent it.
fn is_nonce(found: Option<&Value>, sent: Option<&str>) -> bool {
    match (found, sent) {
        (None, None) => true,
        (Some(Value::String(found)), Some(sent)) => {
            found == sent || *found == hex(&gate::token_digest(sent))
        }
        _ => false,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The key of this name that is for signatures of this algorithm. A token without a name takes the only one there is.
fn find(keys: &Value, kid: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, Refusal> {
    let all = keys.get("keys").and_then(Value::as_array);
    let all = all.ok_or(Refusal::Wrong("a document that holds no keys"))?;
    // What cannot be read is of a kind that came later, and none of ours.
    let read = all
        .iter()
        .filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    let mut fitting = read
        .filter(|key| is_for(key, algorithm))
        .filter(|key| match kid {
            None => true,
            Some(kid) => key.common.key_id.as_deref() == Some(kid),
        });
    let key = fitting.next().ok_or(Refusal::UnknownKey)?;
    if kid.is_none() && fitting.next().is_some() {
        return Err(Refusal::Wrong("several keys and no kid"));
    }
    DecodingKey::from_jwk(&key).map_err(|_| Refusal::Wrong("a key that cannot be read"))
}

fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let is_kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), alg) => {
            !matches!(alg, Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA)
        }
        (AlgorithmParameters::EllipticCurve(ec), Algorithm::ES256) => {
            ec.curve == EllipticCurve::P256
        }
        (AlgorithmParameters::EllipticCurve(ec), Algorithm::ES384) => {
            ec.curve == EllipticCurve::P384
        }
        (AlgorithmParameters::OctetKeyPair(pair), Algorithm::EdDSA) => {
            pair.curve == EllipticCurve::Ed25519
        }
        _ => false,
    };
    let name = format!("{algorithm:?}");
    let is_named = key
        .common
        .key_algorithm
        .is_none_or(|alg| format!("{alg:?}") == name);
    let is_for_signing = matches!(
        key.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    );
    is_kind && is_named && is_for_signing
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate::SigningAlgorithm;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    const NOW: &str = "2026-01-02T03:04:05Z";

    struct Signer {
        header: Header,
        private: EncodingKey,
        keys: Value,
    }

    fn signer(algorithm: SigningAlgorithm) -> Signer {
        let (private, public) = crate::keys::make_pair(algorithm).unwrap();
        let (alg, private) = match algorithm {
            SigningAlgorithm::Es256 => (Algorithm::ES256, EncodingKey::from_ec_der(&private)),
            SigningAlgorithm::Eddsa => (Algorithm::EdDSA, EncodingKey::from_ed_der(&private)),
        };
        let mut header = Header::new(alg);
        header.kid = public["kid"].as_str().map(str::to_owned);
        let keys = json!({"keys": [{"kty": "of tomorrow", "kid": "x"}, public]});
        Signer {
            header,
            private,
            keys,
        }
    }

    fn now() -> Stamp {
        Stamp::parse(NOW).unwrap()
    }

    fn good() -> Value {
        let at = now().unix_seconds();
        json!({"iss": "https://id.example", "aud": "app", "sub": "7", "iat": at, "exp": at + 300, "nonce": "n"})
    }

    fn verified(
        signer: &Signer,
        claims: &Value,
        issuer: &Issuer,
    ) -> Result<Map<String, Value>, Refusal> {
        let token = jsonwebtoken::encode(&signer.header, claims, &signer.private).unwrap();
        let expected = Expected {
            issuer,
            audiences: &["app", "ios"],
            nonce: Some("n"),
        };
        verify(&token, &signer.keys, &expected, now())
    }

    fn named() -> Issuer {
        Issuer::Named(vec![
            "https://id.example".to_owned(),
            "id.example".to_owned(),
        ])
    }

    #[test]
    fn a_good_token_of_either_kind_of_key_is_read() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Eddsa] {
            let signer = signer(algorithm);
            assert_eq!(verified(&signer, &good(), &named()).unwrap()["sub"], "7");
            let mut other = good();
            other["iss"] = json!("id.example");
            other["aud"] = json!(["ios"]);
            other["nonce"] = json!(hex(&gate::token_digest("n")));
            // Kept under one name, however it is spelled.
            assert_eq!(
                verified(&signer, &other, &named()).unwrap()["iss"],
                "https://id.example"
            );
        }
    }

    #[test]
    fn everything_that_a_token_lacks_or_says_wrong_refuses_it() {
        let signer = signer(SigningAlgorithm::Es256);
        let at = now().unix_seconds();
        let cases = [
            ("iss", json!("https://evil.example")),
            ("iss", json!(["https://id.example"])),
            ("aud", json!("other")),
            ("aud", json!([])),
            ("aud", json!(["app", "other"])),
            ("azp", json!("other")),
            ("azp", json!(7)),
            ("sub", json!("")),
            ("sub", json!(7)),
            ("sub", json!("x".repeat(256))),
            ("exp", json!(at - 30)),
            ("exp", json!("never")),
            ("iat", json!(at + 31)),
            ("iat", json!("now")),
            ("nbf", json!(at + 31)),
            ("nbf", json!("now")),
            ("nonce", json!("other")),
            ("nonce", json!(["n"])),
        ];
        for (name, value) in cases {
            let mut claims = good();
            claims[name] = value;
            let refused = verified(&signer, &claims, &named());
            assert!(matches!(refused, Err(Refusal::Wrong(_))), "{claims}");
        }
        for name in ["iss", "aud", "sub", "exp", "iat", "nonce"] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(name);
            let refused = verified(&signer, &claims, &named());
            assert!(matches!(refused, Err(Refusal::Wrong(_))), "{claims}");
        }
        let mut shared = good();
        shared["aud"] = json!(["app", "other"]);
        shared["azp"] = json!("app");
        assert!(verified(&signer, &shared, &named()).is_ok());
    }

    #[test]
    fn a_nonce_that_nobody_sent_is_somebody_elses() {
        assert!(!is_nonce(Some(&json!("n")), None));
        assert!(is_nonce(None, None));
        assert!(!is_nonce(None, Some("n")));
    }

    #[test]
    fn keys_are_for_one_use_and_one_algorithm_and_never_shared_secrets() {
        let signer = signer(SigningAlgorithm::Es256);
        let issuer = named();
        let expected = Expected {
            issuer: &issuer,
            audiences: &["app"],
            nonce: Some("n"),
        };
        let token = jsonwebtoken::encode(&signer.header, &good(), &signer.private).unwrap();
        let with = |name: &str, value: Value| {
            let mut keys = signer.keys.clone();
            keys["keys"][1][name] = value;
            verify(&token, &keys, &expected, now())
        };
        assert!(with("use", json!("sig")).is_ok());
        for (name, value) in [
            ("use", json!("enc")),
            ("alg", json!("ES384")),
            ("kid", json!("other")),
        ] {
            assert_eq!(with(name, value), Err(Refusal::UnknownKey), "{name}");
        }
        // The public key as a shared secret, and no signature at all.
        let x = signer.keys["keys"][1]["x"].as_str().unwrap().to_owned();
        let mut header = signer.header.clone();
        header.alg = Algorithm::HS256;
        let forged =
            jsonwebtoken::encode(&header, &good(), &EncodingKey::from_secret(x.as_bytes()))
                .unwrap();
        assert_eq!(
            verify(&forged, &signer.keys, &expected, now()),
            Err(Refusal::Wrong("the algorithm"))
        );
        let body = token.split('.').nth(1).unwrap();
        let none = format!("eyJhbGciOiJub25lIn0.{body}.");
        assert!(matches!(
            verify(&none, &signer.keys, &expected, now()),
            Err(Refusal::Wrong(_))
        ));
        // Without a name the only key is meant, and of two none.
        let mut unnamed = signer.header.clone();
        unnamed.kid = None;
        let token = jsonwebtoken::encode(&unnamed, &good(), &signer.private).unwrap();
        assert!(verify(&token, &signer.keys, &expected, now()).is_ok());
        let mut two = signer.keys.clone();
        let again = two["keys"][1].clone();
        two["keys"].as_array_mut().unwrap().push(again);
        assert!(verify(&token, &two, &expected, now()).is_err());
    }

    #[test]
    fn a_tenant_is_an_id_and_its_issuer_bears_it() {
        let signer = signer(SigningAlgorithm::Es256);
        let (before, behind) = crate::social::presets::MICROSOFT_TENANT;
        let issuer = Issuer::Tenant(before, behind);
        let tenant = "9188040d-6c67-4c5b-b112-36a304b66dad";
        let mut claims = good();
        claims["tid"] = json!(tenant);
        claims["iss"] = json!(format!("{before}{tenant}{behind}"));
        let read = verified(&signer, &claims, &issuer).unwrap();
        assert_eq!(read["iss"], claims["iss"]);
        for (iss, tid) in [
            (format!("{before}{tenant}{behind}"), json!("other")),
            (
                format!("{before}a/../{tenant}{behind}"),
                json!(format!("a/../{tenant}")),
            ),
            ("https://evil.example".to_owned(), json!(tenant)),
            (format!("{before}{tenant}{behind}"), Value::Null),
        ] {
            claims["iss"] = json!(iss);
            claims["tid"] = tid;
            assert!(verified(&signer, &claims, &issuer).is_err(), "{claims}");
        }
    }
}
