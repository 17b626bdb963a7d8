//! JSON request bodies: bounded in bytes, depth and time, with duplicate keys refused.

use crate::{Input, Problem};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use kernel::Code;
use kernel::limits::{BODY_BYTES_MAX, JSON_DEPTH_MAX};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// How long a JSON body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// A request's JSON object, with the bytes it was sent as.
#[derive(Debug)]
pub struct Body {
    /// The bytes, for hashes.
    pub bytes: bytes::Bytes,
    /// The object.
    pub object: Map<String, Value>,
}

impl Body {
    /// A reader that collects all faults.
    #[must_use]
    pub fn input(self) -> Input {
        Input::new(self.object)
    }
}

impl FromRequest for Body {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = payload.take();
        let problem = refuse(request);
        Box::pin(async move {
            if let Some(problem) = problem {
                return Err(problem);
            }
            let bytes = tokio::time::timeout(BODY_DEADLINE, collect(payload))
                .await
                .map_err(|_| Code::RequestTimeout)??;
            match parse_json(&bytes)? {
                Value::Object(object) => Ok(Self { bytes, object }),
                _ => Err(Problem::new(Code::InvalidJson).detail("The body must be a JSON object.")),
            }
        })
    }
}

/// A request's list of JSON values, `MAX` at most: a JSON list, or one value a line (`application/x-ndjson`). A line
/// that is no JSON is a fault of its own; empty ones are passed over.
#[derive(Debug)]
pub struct Lines<const MAX: usize> {
    /// The values.
    pub items: Vec<Result<Value, Problem>>,
}

impl<const MAX: usize> FromRequest for Lines<MAX> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = payload.take();
        let is_lines = kind_of(request) == LINES;
        let problem = if is_lines {
            refuse_size(request)
        } else {
            refuse(request)
        };
        Box::pin(async move {
            if let Some(problem) = problem {
                return Err(problem);
            }
            let bytes = tokio::time::timeout(BODY_DEADLINE, collect(payload))
                .await
                .map_err(|_| Code::RequestTimeout)??;
            let items: Vec<Result<Value, Problem>> = if is_lines {
                let lines = bytes.split(|b| *b == b'\n');
                let lines = lines.filter(|line| !line.trim_ascii().is_empty());
                lines.take(MAX + 1).map(parse_json).collect()
            } else {
                match parse_json(&bytes)? {
                    Value::Array(items) => items.into_iter().map(Ok).collect(),
                    _ => {
                        let detail = "The body must be a JSON list.";
                        return Err(Problem::new(Code::InvalidJson).detail(detail));
                    }
                }
            };
            if items.len() > MAX {
                let detail = format!("The body has {MAX} items at most.");
                return Err(Problem::new(Code::BodyTooLarge).detail(detail));
            }
            Ok(Self { items })
        })
    }
}

/// The type of a body of lines.
const LINES: &str = "application/x-ndjson";

/// The body's type, without what stands behind it.
fn kind_of(request: &HttpRequest) -> String {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.map_or("", |v| v.to_str().unwrap_or("?"));
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// What can be refused before the body is read.
fn refuse(request: &HttpRequest) -> Option<Problem> {
    let kind = kind_of(request);
    if kind != "application/json" && !(kind.starts_with("application/") && kind.ends_with("+json"))
    {
        return Some(
            Problem::new(Code::UnsupportedMediaType).detail("Send Content-Type: application/json."),
        );
    }
    refuse_size(request)
}

/// A body that says of itself that it is too large.
fn refuse_size(request: &HttpRequest) -> Option<Problem> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    (length.unwrap_or(0) > BODY_BYTES_MAX as u64).then(too_large)
}

fn too_large() -> Problem {
    Problem::new(Code::BodyTooLarge)
        .detail(format!("A JSON body has at most {BODY_BYTES_MAX} bytes."))
}

async fn collect(mut payload: Payload) -> Result<bytes::Bytes, Problem> {
    let mut all = bytes::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|_| Problem::new(Code::BadRequest).detail("The body ended early."))?;
        if all.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// Parses JSON of at most 32 levels, without duplicate keys, without U+0000 in any text.
pub fn parse_json(bytes: &[u8]) -> Result<Value, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    value.map_err(|e| Problem::new(Code::InvalidJson).detail(format!("{e}.")))
}

/// Builds a `Value` as serde_json does, but counts levels and refuses duplicates.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= JSON_DEPTH_MAX {
            return Err(E::custom(format!("more than {JSON_DEPTH_MAX} levels")));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

fn text<E: Error>(text: String) -> Result<String, E> {
    if text.contains('\0') {
        Err(E::custom("a text holds U+0000"))
    } else {
        Ok(text)
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        if value.is_finite() {
            Ok(value.into())
        } else {
            Err(E::custom("a number is out of range"))
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        text(value.to_owned()).map(Value::String)
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        text(value).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let key = text(key)?;
            let value = access.next_value_seed(inner)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(A::Error::custom(format!("the key {key:?} stands twice")));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_duplicates_and_nul_are_refused() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(parse_json(nested(32).as_bytes()).is_ok());
        for bad in [
            nested(33),
            "[".repeat(100_000),
            r#"{"a":1,"a":2}"#.into(),
            r#"{"a":{"b":1,"b":1}}"#.into(),
            r#""\u0000""#.into(),
            "1e999".into(),
            "{}x".into(),
        ] {
            let code = parse_json(bad.as_bytes()).map_err(|p| p.code());
            assert_eq!(
                code,
                Err(Code::InvalidJson),
                "{}",
                &bad[..bad.len().min(40)]
            );
        }
    }
}
