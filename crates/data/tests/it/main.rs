//! The service on both engines: collections, records under rules, lists, the change log, retries and two nodes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]
#![expect(
    clippy::too_many_lines,
    reason = "a table of cases is as long as its cases"
)]

mod absent;
mod added;
mod aggregate;
mod aggregate_exact;
mod alter;
mod alter_at_once;
mod alter_kept;
mod alter_names;
mod alter_objects;
mod alter_retried;
mod alter_types;
mod alter_walk;
mod batch;
mod bulk;
mod callers;
mod changes;
mod changes_copy;
mod changes_feed;
mod changes_kept;
mod changes_rules;
mod cities;
mod closed;
mod collections;
mod concurrency;
mod conflicts;
mod conform;
mod expand;
mod explain;
mod explain_acts;
mod explain_who;
mod falls;
mod field_rules;
mod field_writes;
mod files;
mod filters;
mod fuzz;
mod harm;
mod held;
mod held_many;
mod hop_rules;
mod http;
mod http_schema;
mod identities;
mod joins;
mod joins_changes;
mod joins_falls;
mod joins_reads;
mod joins_rules;
mod kit;
mod lists;
mod many;
mod names;
mod nested;
mod nodes;
mod operators;
mod options;
mod partial;
mod put;
mod records;
mod related;
mod related_guards;
mod related_http;
mod related_limits;
mod rules;
mod schema_limits;
mod shop;
mod sorted_by_hops;
mod type_objects;
mod type_options;
mod types;
mod upserts;
mod users;
mod values;
mod vouching;
