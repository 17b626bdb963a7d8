//! The vocabulary every crate shares: ids, codes of errors, the clock, pages, limits and number text.
//!
//! Pure: no I/O, no web, no database driver. A word belongs here only if at least two crates must agree on it.

pub mod clock;
pub mod code;
pub mod geo;
pub mod id;
pub mod limits;
pub mod number;
pub mod page;

pub use clock::{Clock, Stamp};
pub use code::{Code, FieldError, Kind};
pub use id::{Ids, parse_id, parse_slug};
pub use page::Page;
