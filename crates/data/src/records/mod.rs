//! The records' verbs: list, get, create, merge, delete. Rules are asked in the write's own transaction.

mod aggregate;
mod batch;
mod bulk;
mod defaults;
mod expand;
mod fall;
mod fields;
mod holds;
mod joined;
mod judge;
mod make;
mod members;
mod merge;
mod nested;
mod read;
mod remove;
mod scene;
mod trial;
mod upsert;
mod values;
mod views;
mod write;

pub(crate) use batch::operation_count;
pub use bulk::Bulk;
pub(crate) use defaults::{early, late};
pub(crate) use expand::RELATED_ROWS_MAX;
pub(crate) use fields::{demand_new, ruled};
pub(crate) use holds::{Keeper, all_removed, field_removed, made};
pub(crate) use joined::put;
pub(crate) use nested::record_count;
pub(crate) use scene::{keep, replay, unchanged};
pub(crate) use trial::Trial;
pub(crate) use values::{absent, row_of, value_of};

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

impl RecordPage {
    /// The page as it is sent. The records are JSON already: they are joined, not parsed.
    #[must_use]
    pub fn json(&self) -> String {
        let bytes: usize = self.docs.iter().map(|d| d.json.len() + 1).sum();
        let mut out = String::with_capacity(bytes + 256);
        let docs = self.docs.iter().map(|d| d.json.as_str());
        write_page(&mut out, docs, self.next_cursor.as_deref(), self.total);
        out
    }
}

fn write_page<'a>(
    out: &mut String,
    docs: impl Iterator<Item = &'a str>,
    next_cursor: Option<&str>,
    total: Option<i64>,
) {
    out.push_str("{\"items\":[");
    for (i, json) in docs.enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(json);
    }
    out.push_str("],\"next_cursor\":");
    match next_cursor {
        // A cursor is base64url: nothing in it needs escaping.
        Some(cursor) => {
            out.push('"');
            out.push_str(cursor);
            out.push('"');
        }
        None => out.push_str("null"),
    }
    if let Some(total) = total {
        out.push_str(",\"total\":");
        out.push_str(&total.to_string());
    }
    out.push('}');
}

/// What a write demands of the record that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `If-Match: *`: any version, as long as the record is there.
    Any,
    /// `If-None-Match: *`: there is none yet. Only an upsert can be asked for that.
    Absent,
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
