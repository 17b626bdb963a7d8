//! The one shape of every list.

use serde::Serialize;

/// A page of a list: what it holds, where the next begins, and how many there are when that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The page's things, in order.
    pub items: Vec<T>,
    /// Hand this back as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
    /// All things that match, on all pages; present only when asked for with `count=exact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}
