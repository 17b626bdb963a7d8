//! Access tokens: what stands in them, how they are signed, and everything a good one must show.

use crate::grants::Granted;
use crate::hooks::Extra;
use crate::keys::{KeySet, SigningKey};
use jsonwebtoken::{Header, Validation};
use kernel::Stamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use uuid::Uuid;

/// How many seconds the clocks of two nodes may differ.
pub(crate) const LEEWAY_SECONDS: i64 = 5;
/// The longest text that is looked at; ours have about 500 bytes, and up to 5,000 with claims.
const BYTES_MAX: usize = 8_192;
/// What `typ` says in the claims: a token of another kind never passes for an access token.
const KIND: &str = "access";
/// What `typ` says in the header (RFC 9068).
const MEDIA_TYPE: &str = "at+jwt";

/// The claims of an access token. All are required but `nbf`, which we never write and heed if it is there.
///
/// `aud` is one text: a list, even of one, is another type and refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: Uuid,
    pub sid: Uuid,
    pub iat: i64,
    pub exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    pub typ: String,
    /// The level of assurance: 1 for one factor, 2 for two.
    #[serde(default)]
    pub aal: i64,
    /// How the user proved who it is (RFC 8176 has the claim; the names are ours).
    #[serde(default)]
    pub amr: Vec<String>,
    /// The user's roles, as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The user's claims, as they were.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub claims: Map<String, Value>,
    /// Who acts as the user, where it is not the user (RFC 8693, section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Actor {
    /// `operator:<id>` or `key:<id>`.
    pub sub: String,
}

/// Who holds a token, and by which proof.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holder<'a> {
    pub user: Uuid,
    pub session: Uuid,
    pub level: i64,
    /// Names of methods, with spaces between them.
    pub methods: &'a str,
    /// Roles and claims.
    pub granted: &'a Granted,
    /// Who acts as the user, where it is not the user.
    pub actor: Option<&'a str>,
}

/// Whose tokens: the issuer and the audience of a project.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Realm<'a> {
    pub issuer: &'a str,
    pub audience: &'a str,
}

/// Why a token is not good. The caller reads 401 for each; the trace says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not a token of ours at all.
    Malformed,
    /// Signed with a key that is not known (yet).
    UnknownKey,
    /// The signature, the algorithm or a claim is wrong.
    Wrong,
    /// Out of its time.
    Untimely,
}

/// A signed token.
pub(crate) fn sign(
    key: &SigningKey,
    realm: Realm<'_>,
    holder: Holder<'_>,
    now: Stamp,
    life: Duration,
    extra: &Extra,
) -> Result<String, jsonwebtoken::errors::Error> {
    let mut header = Header::new(key.algorithm);
    header.typ = Some(MEDIA_TYPE.to_owned());
    header.kid = Some(key.kid.clone());
    let claims = Claims {
        iss: realm.issuer.to_owned(),
        aud: realm.audience.to_owned(),
        sub: holder.user,
        sid: holder.session,
        iat: now.unix_seconds(),
        exp: now.plus(life).unix_seconds(),
        nbf: None,
        typ: KIND.to_owned(),
        aal: holder.level,
        amr: holder.methods.split(' ').map(str::to_owned).collect(),
        roles: holder.granted.roles.clone(),
        claims: holder.granted.claims.clone(),
        act: holder.actor.map(|sub| Actor {
            sub: sub.to_owned(),
        }),
    };
    let all = Signed {
        claims: &claims,
        extra: &extra.0,
    };
    jsonwebtoken::encode(&header, &all, &key.private)
}

/// Our claims, and those that the project adds. They are no part of [`Claims`], so that what we read of a token is ours.
#[derive(Serialize)]
struct Signed<'a> {
    #[serde(flatten)]
    claims: &'a Claims,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

/// The claims of a good token. The algorithm comes from the stored key, never from the token; times are compared with
/// `now`, not with the machine's clock.
pub(crate) fn verify(
    keys: &KeySet,
    realm: Realm<'_>,
    token: &str,
    now: Stamp,
) -> Result<Claims, Refusal> {
    if token.len() > BYTES_MAX {
        return Err(Refusal::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::Malformed)?;
    let kid = header.kid.ok_or(Refusal::Malformed)?;
    let key = keys.find(&kid, now).ok_or(Refusal::UnknownKey)?;
    let mut rules = Validation::new(key.algorithm);
    rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    rules.set_audience(&[realm.audience]);
    rules.set_issuer(&[realm.issuer]);
    // Ours, below: the library asks the machine's clock.
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &key.public, &rules)
        .map_err(|_| Refusal::Wrong)?
        .claims;
    if claims.iss != realm.issuer || claims.aud != realm.audience || claims.typ != KIND {
        return Err(Refusal::Wrong);
    }
    if is_timely(&claims, now) {
        Ok(claims)
    } else {
        Err(Refusal::Untimely)
    }
}

/// Whether `now` is within the token's time, give or take the leeway.
fn is_timely(claims: &Claims, now: Stamp) -> bool {
    let latest = now.unix_seconds().saturating_add(LEEWAY_SECONDS);
    claims.iat <= latest
        && claims.nbf.is_none_or(|nbf| nbf <= latest)
        && !is_expired(claims.exp, now)
}

/// Whether a token that ends at `exp` is out of date.
pub(crate) fn is_expired(exp: i64, now: Stamp) -> bool {
    exp.saturating_add(LEEWAY_SECONDS) <= now.unix_seconds()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    const REALM: Realm<'static> = Realm {
        issuer: "https://g.test/p/shop",
        audience: "shop",
    };
    const NOW: i64 = 1_800_000_000;
    /// What stands before an uncompressed point of P-256 in a public key of X.509.
    const SPKI: [u8; 26] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];

    fn at(seconds: i64) -> Stamp {
        Stamp::from_time(time::OffsetDateTime::from_unix_timestamp(seconds).unwrap()).unwrap()
    }

    fn key() -> SigningKey {
        key_of(gate::SigningAlgorithm::Es256, "ES256")
    }

    fn key_of(algorithm: gate::SigningAlgorithm, name: &str) -> SigningKey {
        let (private, public) = crate::keys::make_pair(algorithm).unwrap();
        let times = crate::keys::Times {
            created_at: at(NOW),
            signs_at: at(NOW),
            retired_at: None,
        };
        SigningKey::new(name, &private, public, times).unwrap()
    }

    fn good() -> Value {
        let id = "018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b";
        json!({"iss": REALM.issuer, "aud": REALM.audience, "sub": id, "sid": id, "iat": NOW, "exp": NOW + 600, "typ": "access"})
    }

    fn signed(key: &SigningKey, claims: &Value) -> String {
        let mut header = Header::new(key.algorithm);
        header.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&header, claims, &key.private).unwrap()
    }

    /// A token whose claims are this very text, which no JSON library would write.
    fn signed_text(key: &SigningKey, claims: &str) -> String {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": "ES256", "kid": key.kid}).to_string());
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &key.private, key.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    #[test]
    fn a_signed_token_is_good_until_its_time_is_over() {
        let key = key();
        let holder = Holder {
            user: Uuid::from_u128(1),
            session: Uuid::from_u128(2),
            level: 2,
            methods: "password totp",
            granted: &Granted::default(),
            actor: None,
        };
        let extra = Extra(json!({"plan": "gold"}).as_object().cloned().unwrap());
        let token = sign(
            &key,
            REALM,
            holder,
            at(NOW),
            Duration::from_secs(600),
            &extra,
        )
        .unwrap();
        let keys = KeySet::new(vec![key], at(NOW), Duration::from_secs(600));
        let claims = verify(&keys, REALM, &token, at(NOW)).unwrap();
        assert_eq!(
            (claims.sub, claims.sid, claims.exp),
            (Uuid::from_u128(1), Uuid::from_u128(2), NOW + 600)
        );
        assert_eq!(claims.aal, 2);
        assert_eq!(claims.amr, ["password", "totp"]);
        for (now, want) in [
            (-6, false),
            (-5, true),
            (599, true),
            (604, true),
            (605, false),
            (10_000_000, false),
        ] {
            assert_eq!(
                verify(&keys, REALM, &token, at(NOW + now)).is_ok(),
                want,
                "{now}"
            );
        }
    }

    #[test]
    fn a_token_with_a_bad_claim_is_refused() {
        let key = key();
        let bad: Vec<(&str, Value)> = vec![
            ("exp", json!("9999999999")),
            ("exp", json!(-1)),
            ("exp", json!(1e12)),
            ("exp", json!(NOW - 6)),
            ("exp", Value::Null),
            ("aud", Value::Null),
            ("aud", json!([])),
            ("aud", json!(["shop"])),
            ("aud", json!(["shop", "blog"])),
            ("aud", json!("*")),
            ("aud", json!("blog")),
            ("iss", Value::Null),
            ("iss", json!("https://g.test/p/blog")),
            ("iss", json!(["https://g.test/p/shop"])),
            ("iat", Value::Null),
            ("iat", json!(NOW + 6)),
            ("iat", json!("now")),
            ("nbf", json!(NOW + 3_600)),
            ("nbf", json!("0")),
            ("typ", Value::Null),
            ("typ", json!("refresh")),
            ("typ", json!("reset")),
            ("sub", Value::Null),
            ("sub", json!("shop")),
            ("sid", Value::Null),
        ];
        let tokens: Vec<String> = bad
            .iter()
            .map(|(name, value)| {
                let mut claims = good();
                match value {
                    Value::Null => drop(claims.as_object_mut().unwrap().shift_remove(*name)),
                    value => claims[*name] = value.clone(),
                }
                signed(&key, &claims)
            })
            .collect();
        let huge = signed_text(
            &key,
            &good()
                .to_string()
                .replace(&(NOW + 600).to_string(), "1e400"),
        );
        let twice = signed_text(
            &key,
            &good().to_string().replacen('{', r#"{"aud":"shop","#, 1),
        );
        let fine = signed_text(&key, &good().to_string());
        let keys = KeySet::new(vec![key], at(NOW), Duration::from_secs(600));
        assert!(verify(&keys, REALM, &fine, at(NOW)).is_ok());
        for (token, case) in tokens.iter().zip(&bad) {
            assert!(verify(&keys, REALM, token, at(NOW)).is_err(), "{case:?}");
        }
        assert!(verify(&keys, REALM, &huge, at(NOW)).is_err());
        assert!(verify(&keys, REALM, &twice, at(NOW)).is_err());
    }

    #[test]
    fn the_algorithm_is_the_keys_and_not_the_tokens() {
        let (es, ed) = (key(), key_of(gate::SigningAlgorithm::Eddsa, "EdDSA"));
        let claims = good();
        let mut bad = Vec::new();
        for (own, other) in [(&es, &ed), (&ed, &es)] {
            // Signed well by one key, in the name of the other.
            let mut head = Header::new(other.algorithm);
            head.kid = Some(own.kid.clone());
            bad.push(jsonwebtoken::encode(&head, &claims, &other.private).unwrap());
            // Signed well by its own key, under the other's algorithm.
            let said = json!({"alg": format!("{:?}", other.algorithm), "kid": own.kid});
            let said = URL_SAFE_NO_PAD.encode(said.to_string());
            let message = format!("{said}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
            let bytes = message.as_bytes();
            let signature = jsonwebtoken::crypto::sign(bytes, &own.private, own.algorithm).unwrap();
            bad.push(format!("{message}.{signature}"));
        }
        let fine = [signed(&es, &claims), signed(&ed, &claims)];
        let keys = KeySet::new(vec![es, ed], at(NOW), Duration::from_secs(600));
        for token in &fine {
            assert!(verify(&keys, REALM, token, at(NOW)).is_ok(), "{token}");
        }
        for token in &bad {
            assert!(verify(&keys, REALM, token, at(NOW)).is_err(), "{token}");
        }
    }

    #[test]
    fn a_token_with_a_bad_signature_or_algorithm_is_refused() {
        let key = key();
        let (stranger, mut claims) = (self::key(), good());
        let fine = signed(&key, &claims);
        let (message, signature) = fine.rsplit_once('.').unwrap();
        let header = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let body = URL_SAFE_NO_PAD.encode(claims.to_string());
        let mut bad = vec![
            String::new(),
            "..".to_owned(),
            "a.b.c".to_owned(),
            message.to_owned(),
            format!("{message}."),
            format!("{fine}="),
            format!("{fine}.{signature}"),
            format!("{message}.{}", "A".repeat(86)),
            format!("{fine}{}", "A".repeat(5_000)),
        ];
        // Every other last character, also those that differ only in bits that carry nothing.
        let last = fine.chars().last().unwrap();
        let alphabet = ('A'..='Z')
            .chain('a'..='z')
            .chain('0'..='9')
            .chain(['-', '_']);
        bad.extend(
            alphabet
                .filter(|c| *c != last)
                .map(|c| format!("{}{c}", &fine[..fine.len() - 1])),
        );
        for alg in [
            "none", "None", "NONE", "nOnE", "", "HS256", "RS256", "EdDSA", "ES384",
        ] {
            for kid in [json!(key.kid), Value::Null] {
                let head = header(json!({"alg": alg, "kid": kid}));
                bad.push(format!("{head}.{body}."));
                bad.push(format!("{head}.{body}.{signature}"));
            }
        }
        // The public key as the secret of an HMAC, in every shape it is published in or could be.
        let x = key.jwk["x"].as_str().unwrap();
        let y = key.jwk["y"].as_str().unwrap();
        let point = [
            &[4_u8][..],
            &URL_SAFE_NO_PAD.decode(x).unwrap(),
            &URL_SAFE_NO_PAD.decode(y).unwrap(),
        ]
        .concat();
        // The point as a public key of X.509 (RFC 5480), bare and in a text.
        let der = [&SPKI[..], &point].concat();
        let wrapped = base64::engine::general_purpose::STANDARD.encode(&der);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{wrapped}\n-----END PUBLIC KEY-----\n");
        for secret in [
            key.jwk.to_string().into_bytes(),
            pem.trim_end().as_bytes().to_vec(),
            pem.into_bytes(),
            der,
            point,
            key.kid.clone().into_bytes(),
            x.as_bytes().to_vec(),
            Vec::new(),
        ] {
            let mut head = Header::new(jsonwebtoken::Algorithm::HS256);
            head.kid = Some(key.kid.clone());
            let secret = jsonwebtoken::EncodingKey::from_secret(&secret);
            bad.push(jsonwebtoken::encode(&head, &claims, &secret).unwrap());
        }
        // A good signature of another key, under its own name and under ours; and one without a name.
        bad.push(signed(&stranger, &claims));
        let mut head = Header::new(key.algorithm);
        bad.push(jsonwebtoken::encode(&head, &claims, &key.private).unwrap());
        head.kid = Some(key.kid.clone());
        bad.push(jsonwebtoken::encode(&head, &claims, &stranger.private).unwrap());
        // Other claims under the good signature.
        claims["sub"] = json!("018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0c");
        let head = message.split_once('.').unwrap().0;
        bad.push(format!(
            "{head}.{}.{signature}",
            URL_SAFE_NO_PAD.encode(claims.to_string())
        ));
        let keys = KeySet::new(vec![key], at(NOW), Duration::from_secs(600));
        assert!(verify(&keys, REALM, &fine, at(NOW)).is_ok());
        for token in bad {
            assert!(verify(&keys, REALM, &token, at(NOW)).is_err(), "{token}");
        }
    }
}
