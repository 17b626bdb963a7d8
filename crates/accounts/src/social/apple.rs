//! Apple's idea of a client's secret: a token that the app signs with its private key, and that is good for minutes.

use super::presets::APPLE;
use crate::error::Error;
use gate::SocialProvider;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kernel::Stamp;
use serde_json::json;
use std::time::Duration;

/// How long one is good; Apple takes up to six months.
const LIFE: Duration = Duration::from_secs(300);

/// A secret made of the private key `pem`, for `client`.
pub(crate) fn secret(
    of: &SocialProvider,
    client: &str,
    pem: &str,
    now: Stamp,
) -> Result<String, Error> {
    let bad = |_| Error::ProviderFailed("the private key for Apple is none".to_owned());
    let key = EncodingKey::from_ec_pem(pem.as_bytes()).map_err(bad)?;
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(of.key_id.clone());
    let claims = json!({
        "iss": of.team_id,
        "iat": now.unix_seconds(),
        "exp": now.plus(LIFE).unix_seconds(),
        "aud": APPLE,
        "sub": client,
    });
    jsonwebtoken::encode(&header, &claims, &key).map_err(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    #[test]
    fn it_says_who_asks_whom_and_is_signed_with_the_key() {
        let (private, public) = crate::keys::make_pair(gate::SigningAlgorithm::Es256).unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(private)
        );
        let provider: SocialProvider = serde_json::from_value(json!({
            "id": "apple", "kind": "apple", "client_id": "com.example.web", "team_id": "TEAM", "key_id": "KEY"
        }))
        .unwrap();
        let now = Stamp::parse("2026-01-02T03:04:05Z").unwrap();
        let made = secret(&provider, "com.example.app", &pem, now).unwrap();
        assert_eq!(
            jsonwebtoken::decode_header(&made).unwrap().kid.as_deref(),
            Some("KEY")
        );
        let key = DecodingKey::from_jwk(&serde_json::from_value(public).unwrap()).unwrap();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&[APPLE]);
        rules.validate_exp = false;
        let claims = jsonwebtoken::decode::<Value>(&made, &key, &rules)
            .unwrap()
            .claims;
        assert_eq!(
            (claims["iss"].as_str(), claims["sub"].as_str()),
            (Some("TEAM"), Some("com.example.app"))
        );
        assert_eq!(claims["exp"].as_i64(), Some(now.unix_seconds() + 300));
        assert!(
            secret(
                &provider,
                "x",
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
                now
            )
            .is_err()
        );
    }
}
