//! The store on both engines: each service-level test runs on SQLite and on PostgreSQL, so that neither drifts.
#![expect(
    clippy::disallowed_methods,
    reason = "tests make ids, tasks and odd SQL that no service may"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]

mod change_log;
mod change_reads;
mod entities;
mod errors;
mod factory;
mod faults;
mod group;
mod idempotency;
mod kit;
mod long;
mod migrations;
mod news;
mod outbox;
mod pipes;
mod postgres;
mod reads;
mod roles;
mod statements;
