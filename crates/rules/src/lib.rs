//! The language of rules and filters: one text is parsed, limited, type-checked against a
//! [`Catalogue`], compiled to SQL for both engines, evaluated in memory, and explained.
//!
//! The language is CEL; the meaning is SQL's three-valued logic. This crate knows no table and
//! no service: whoever calls it brings names and types ([`Catalogue`]), the values of one
//! request ([`Env`]) and, for evaluation in memory, other rows ([`World`]).
//!
//! Invariants:
//! - UNKNOWN denies, also under `!`: every condition compiles to two expressions, "is true" and
//!   "is false", and only "is true" allows.
//! - SQLite, PostgreSQL and memory give the same one of the three answers.
//! - Values are bound, never written into the text; columns are always qualified by an alias.
//! - What does not exist for the viewer cannot be resolved, hence cannot be compiled.

mod binds;
mod catalogue;
mod env;
mod error;
mod eval;
mod explain;
mod formula;
mod geo;
mod json;
mod limits;
mod parse;
mod reach;
mod resolve;
mod slot;
mod sql;
mod syntax;
mod times;
mod tree;
mod value;

pub use binds::{Bind, Binds};
pub use catalogue::{Catalogue, Field, HopRule, Kind, Mode, Pairs};
pub use env::{Auth, Env, Request, Row, Truth, World};
pub use error::{ErrorKind, RuleError, Span};
pub use explain::{Clause, Explanation};
pub use formula::Formula;
pub use limits::end_of_string;
pub use limits::{
    DEPTH_MAX, HOPS_MAX, LIST_ITEMS_MAX, LIST_PARAM_ITEMS_MAX, Limit, NODES_MAX, SIZE_MAX,
    TEXT_CHARS_MAX,
};
pub use reach::Reach;
pub use resolve::{parse_and_resolve, parse_and_resolve_value};
pub use slot::Slot;
pub use sql::{Compiled, PROJECT_SCHEMA, RowSource};
pub use tree::Resolved;
pub use value::{power_of_ten, read_decimal, write_decimal};
