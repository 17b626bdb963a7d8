//! Callers, and small things that every test says.

use crate::kit::Kit;
use data::{Asker, DataError, WriteOptions};
use gate::{Problem, UserAuth, Who};
use kernel::{Code, Stamp};
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;
use store::{Answer, Claim};
use uuid::Uuid;

pub const U: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_00aa);
pub const V: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_00bb);

pub fn now() -> Stamp {
    Stamp::parse("2026-03-01T12:00:00.123456Z").unwrap()
}

pub fn asker(who: Who) -> Asker {
    Asker::new(&who, now(), "GET", "127.0.0.1", Map::new(), "r1")
}

pub fn anon() -> Asker {
    asker(Who::Anonymous)
}

pub fn user(id: Uuid) -> Asker {
    let auth = ::rules::Auth {
        id: id.to_string(),
        level: 1,
        ..::rules::Auth::default()
    };
    asker(Who::User(UserAuth::new(
        id,
        Uuid::from_u128(1),
        Arc::new(auth),
        kernel::Stamp::parse("2026-01-01T00:00:00Z").unwrap(),
    )))
}

pub fn u() -> Asker {
    user(U)
}

pub fn v() -> Asker {
    user(V)
}

pub fn key() -> Asker {
    asker(Who::Key {
        id: Uuid::from_u128(7),
        scopes: Arc::from(vec!["*".to_owned()]),
    })
}

pub fn at(asker: Asker, time: &str) -> Asker {
    let now = Stamp::parse(time).unwrap();
    let request = ::rules::Request {
        time: now.to_string(),
        ..(*asker.request).clone()
    };
    Asker {
        now,
        request: Arc::new(request),
        ..asker
    }
}

pub fn claim(key: &str, hash: &str) -> WriteOptions {
    let claim = Claim {
        caller: "user:u".to_owned(),
        key: key.to_owned(),
        hash: hash.to_owned(),
    };
    WriteOptions {
        if_match: None,
        claim: Some(claim),
    }
}

// Small things

pub fn object(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

pub fn body(answer: &Answer) -> Json {
    serde_json::from_str(answer.body.as_deref().unwrap()).unwrap()
}

pub fn query_string(query: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|b| {
                if b.is_ascii_alphanumeric() {
                    char::from(b).to_string()
                } else {
                    format!("%{b:02X}")
                }
            })
            .collect()
    };
    query
        .iter()
        .map(|(n, v)| format!("{}={}", encode(n), encode(v)))
        .collect::<Vec<_>>()
        .join("&")
}

#[track_caller]
pub fn code<T>(result: Result<T, Problem>) -> Code {
    match result {
        Ok(_) => panic!("this should have failed"),
        Err(problem) => problem.code(),
    }
}

/// The code with the places of all faults, sorted.
#[track_caller]
pub fn faults<T>(result: Result<T, Problem>) -> (Code, Vec<String>) {
    let Err(problem) = result else {
        panic!("this should have failed")
    };
    let mut paths: Vec<String> = problem
        .field_errors()
        .iter()
        .map(|e| e.path.clone())
        .collect();
    paths.sort();
    (problem.code(), paths)
}

/// An ordinary collection with a field of each type.
pub fn every_type() -> Json {
    json!([
        {"name": "title", "type": "text"},
        {"name": "stock", "type": "number", "format": "integer"},
        {"name": "price", "type": "number"},
        {"name": "open", "type": "bool"},
        {"name": "due", "type": "datetime"},
        {"name": "owner", "type": "relation", "collection": "users"}
    ])
}

/// A user with this id, by a key.
pub async fn add_user(kit: &Kit, id: Uuid, email: Option<&str>) {
    let new = data::NewUser {
        email: email.map(str::to_owned),
        ..data::NewUser::new(id, now())
    };
    let (data, project) = (kit.data.clone(), kit.project.clone());
    kit.db
        .write(async move |tx: &store::WriteTx| -> Result<(), DataError> {
            data.create_user(&project, tx, &new).await.map(|_| ())
        })
        .await
        .unwrap();
}
