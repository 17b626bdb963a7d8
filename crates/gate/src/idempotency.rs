//! The `Idempotency-Key` header: read where an operation takes it, refused where it does not.

use crate::{Problem, Who};
use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::{FromRequest, HttpRequest};
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Code, parse_id};
use std::future::{Ready, ready};
use store::Claim;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The key that the caller brought, if it did: 16 to 128 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotent(Option<String>);

impl Idempotent {
    /// What is claimed for this request: the caller's key and a hash of all that decides the outcome.
    ///
    /// A stranger has no name, so its key must be a UUID, which is hard to guess and then the secret.
    pub fn claim(
        &self,
        who: &Who,
        method: &str,
        path: &str,
        query: &str,
        body: &[u8],
        if_match: Option<&str>,
    ) -> Result<Option<Claim>, Problem> {
        let Some(key) = &self.0 else { return Ok(None) };
        let caller = match who.actor() {
            Some(actor) => actor,
            None if parse_id(key).is_some() => "anonymous".to_owned(),
            None => {
                return Err(invalid(
                    "Without a credential the key must be a random UUID.",
                ));
            }
        };
        let mut hash = Context::new(&SHA256);
        for part in [
            method.as_bytes(),
            path.as_bytes(),
            query.as_bytes(),
            if_match.unwrap_or_default().as_bytes(),
            body,
        ] {
            // The lengths keep the parts apart.
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let hash = URL_SAFE_NO_PAD.encode(hash.finish());
        Ok(Some(Claim {
            caller,
            key: key.clone(),
            hash,
        }))
    }
}

impl FromRequest for Idempotent {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(read(request).map(Self))
    }
}

/// Stands in the signature of operations that do not take the header: they refuse it, so that nobody relies on it.
#[derive(Clone, Copy, Debug)]
pub struct NoIdempotency;

impl FromRequest for NoIdempotency {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let sent = request.headers().contains_key(IDEMPOTENCY_KEY);
        ready(if sent {
            Err(invalid("This operation does not take an Idempotency-Key."))
        } else {
            Ok(Self)
        })
    }
}

fn read(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let mut keys = request.headers().get_all(IDEMPOTENCY_KEY);
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    let bytes = key.as_bytes();
    let fits = (16..=128).contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_graphic)
        && keys.next().is_none();
    match key.to_str() {
        Ok(text) if fits => Ok(Some(text.to_owned())),
        _ => Err(invalid(
            "The Idempotency-Key has 16 to 128 visible ASCII characters.",
        )),
    }
}

fn invalid(detail: &str) -> Problem {
    Problem::new(Code::InvalidIdempotencyKey).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use std::sync::Arc;

    fn key() -> Who {
        Who::Key {
            id: kernel::Ids.new_id(),
            scopes: Arc::from(vec![]),
        }
    }

    #[test]
    fn keys_are_16_to_128_visible_characters_once() {
        let get = |keys: &[String]| {
            let request = keys.iter().fold(TestRequest::default(), |r, k| {
                r.append_header((IDEMPOTENCY_KEY, k.as_str()))
            });
            read(&request.to_http_request()).map_err(|p| p.code())
        };
        assert_eq!(get(&[]), Ok(None));
        assert_eq!(get(&["a".repeat(16)]), Ok(Some("a".repeat(16))));
        for bad in [
            vec!["a".repeat(15)],
            vec!["a".repeat(129)],
            vec![format!("{} b", "a".repeat(16))],
            vec!["a".repeat(16), "b".repeat(16)],
            vec!["ä".repeat(20)],
        ] {
            assert_eq!(get(&bad), Err(Code::InvalidIdempotencyKey), "{bad:?}");
        }
    }

    #[test]
    fn the_hash_covers_every_part() {
        let who = key();
        let with = |m: &str, p: &str, q: &str, b: &[u8], i: Option<&str>| {
            Idempotent(Some("k".repeat(16)))
                .claim(&who, m, p, q, b, i)
                .unwrap()
                .unwrap()
                .hash
        };
        let base = with("POST", "/a", "q", b"{}", None);
        assert_eq!(base, with("POST", "/a", "q", b"{}", None));
        for other in [
            with("PUT", "/a", "q", b"{}", None),
            with("POST", "/aq", "", b"{}", None),
            with("POST", "/a", "q", b"{ }", None),
            with("POST", "/a", "q", b"{}", Some("\"1\"")),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn strangers_bring_a_uuid() {
        let claim = |key: String| {
            Idempotent(Some(key))
                .claim(&Who::Anonymous, "POST", "/", "", b"", None)
                .map_err(|p| p.code())
        };
        assert_eq!(
            claim("a".repeat(20)).map(|_| ()),
            Err(Code::InvalidIdempotencyKey)
        );
        assert_eq!(
            claim(kernel::Ids.new_id().to_string())
                .unwrap()
                .unwrap()
                .caller,
            "anonymous"
        );
    }
}
