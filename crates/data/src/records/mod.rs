//! The records' verbs: list, get, create, merge, delete. Rules are asked in the write's own transaction.

mod judge;
mod read;
mod trial;
mod values;
mod write;

pub(crate) use trial::Trial;
pub(crate) use values::{absent, value_of};
pub(crate) use write::{keep, replay};

use store::{Claim, Doc};

/// A page, ready to be sent.
pub struct RecordPage {
    /// The records.
    pub docs: Vec<Doc>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// All records that match, if that was asked for.
    pub total: Option<i64>,
}

/// What `If-Match` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// Any version, as long as the record is there.
    Any,
    /// One of these versions.
    Versions(Vec<i64>),
}

/// How a write is to be done.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// The condition on the record's version.
    pub if_match: Option<IfMatch>,
    /// The idempotency key with the hash of the request.
    pub claim: Option<Claim>,
}
