//! Dynamic collections: a schema made at run time, and records under its rules.
//!
//! The deep module: one call per verb, behind it parsing, rules, SQL for two engines, the change log and idempotency.
//! Invariants: a name reaches SQL only through the schema's catalogue; a rule is asked in the transaction of its write,
//! in the world before it; hidden fields do not exist for whoever does not pass rules. It knows nothing of credentials or
//! messages, and of files only that fields hold them.

mod alter;
pub mod can;
mod changes;
mod checks;
mod collections;
mod cursor;
mod error;
mod explain;
mod fields;
mod identities;
mod migrations;
mod model;
mod names;
pub mod openapi;
mod person;
pub mod ports;
mod query;
mod records;
mod references;
mod routes;
mod rows;
mod schema;
mod service;
mod sql;
mod users;
mod versions;

pub use changes::{ChangeItem, ChangesPage, ChangesQuery, Since};
pub use error::DataError;
pub use explain::{Act, ClauseView, ExplainIn, ExplanationView, RuleCheck, Seen, TruthView};
pub use fields::{
    Bound, Editor, Exact, File, Format, JsonField, Many, Number, OnDelete, Relation, Select, Text,
    Type, Url,
};
pub use migrations::steps;
pub use model::{Collection, CollectionKind, DefaultValue, Field, FieldRule, Index, Rules};
pub use query::{Aggregate, Query};
pub use records::{Bulk, IfMatch, RecordPage, WriteOptions};
pub use routes::configure;
pub use schema::{Column, Loaded, Rule, Schema};
pub use service::{Asker, Data};
pub use users::{NewUser, User, UserChange, username_key};
