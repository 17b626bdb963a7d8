//! The changes feed: what has happened to the records that a caller may list, so that a client can keep a copy of them.
//!
//! How a client does that: it asks for `since=now` and keeps `next_since` and `visibility`; it lists the records; then it
//! asks for the changes since, again and again, and puts each upsert into its copy and takes each gone out of it. When
//! `visibility` is another than the one it keeps, or the answer is `resync_required`, it begins anew. What a change
//! between `since=now` and the list did is then in the list already, and told once more: nothing is missed.

mod page;
mod prune;
mod query;
mod tag;
mod witness;

pub use page::{ChangeItem, ChangesPage};
pub use query::{ChangesQuery, Since};
pub(crate) use tag::Feed;

use crate::schema::Loaded;
use crate::service::Asker;
use store::{Db, Heads};

/// One caller's reading of the log.
struct Reading<'a> {
    db: &'a Db,
    asker: &'a Asker,
    /// The collections that were asked for, each once, by name.
    collections: &'a [&'a Loaded],
    heads: Heads,
}

impl Reading<'_> {
    /// The place of the last change in a collection that rules look at.
    fn last(&self, collection: &str) -> i64 {
        self.heads.last.get(collection).copied().unwrap_or(i64::MAX)
    }

    /// Whether the collection's rules and fields have not changed since the place `seq`.
    fn under_present_rules(&self, collection: &Loaded, seq: i64) -> bool {
        let head = self.heads.schemas.get(&collection.def.name);
        // What has no place yet comes after everything that has one.
        head.and_then(|head| head.seq)
            .is_some_and(|changed| seq > changed)
    }
}
