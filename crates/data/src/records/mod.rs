//! The records' verbs: list, get, create, merge, delete. Rules are asked in the write's own transaction.

mod batch;
mod defaults;
mod holds;
mod judge;
mod make;
mod merge;
mod read;
mod remove;
mod scene;
mod trial;
mod upsert;
mod values;
mod views;
mod write;

pub(crate) use batch::operation_count;
pub(crate) use defaults::{early, late};
pub(crate) use holds::{Keeper, all_removed, made};
pub(crate) use scene::{keep, replay};
pub(crate) use trial::Trial;
pub(crate) use values::{absent, value_of};

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
