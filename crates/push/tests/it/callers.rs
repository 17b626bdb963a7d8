//! Who calls in the tests, and the sessions that they have.

use gate::{Problem, Project, UserAuth, Who};
use kernel::Stamp;
use push::ports::Sessions;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub const U: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_00aa);
pub const V: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_00bb);

/// Sessions that live until they are ended.
#[derive(Default)]
pub struct Living {
    ended: Mutex<HashSet<Uuid>>,
    pub fails: Mutex<bool>,
}

impl Living {
    pub fn end(&self, session: Uuid) {
        self.ended.lock().unwrap().insert(session);
    }
}

#[async_trait::async_trait(?Send)]
impl Sessions for Living {
    async fn alive(
        &self,
        _project: &Project,
        sessions: &[Uuid],
        _now: Stamp,
    ) -> Result<HashSet<Uuid>, Problem> {
        if *self.fails.lock().unwrap() {
            return Err(Problem::new(kernel::Code::Unavailable));
        }
        let ended = self.ended.lock().unwrap();
        let living = sessions.iter().filter(|id| !ended.contains(id));
        Ok(living.copied().collect())
    }
}

/// A user with a session of his own name.
pub fn user(id: Uuid) -> Who {
    signed_in(id, session(id))
}

/// The session of [`user`].
pub fn session(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128() ^ 0xffff)
}

pub fn signed_in(id: Uuid, session: Uuid) -> Who {
    let auth = rules::Auth {
        id: id.to_string(),
        level: 1,
        ..rules::Auth::default()
    };
    Who::User(UserAuth::new(
        id,
        session,
        Arc::new(auth),
        kernel::Stamp::parse("2026-01-01T00:00:00Z").unwrap(),
    ))
}

pub fn key() -> Who {
    key_of(&["*"])
}

pub fn key_of(scopes: &[&str]) -> Who {
    Who::Key {
        id: Uuid::from_u128(7),
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
    }
}
