//! The service on both engines: collections, records under rules, lists, the change log, retries and two nodes.

mod callers;
mod changes;
mod collections;
mod concurrency;
mod conflicts;
mod expand;
mod filters;
mod hop_rules;
mod http;
mod http_schema;
mod kit;
mod lists;
mod names;
mod nodes;
mod records;
mod rules;
mod schema_limits;
mod users;
mod values;
