//! Push through its routes and its ticks, on SQLite and on PostgreSQL, with a push service of the tests' own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]

mod answers;
mod browser;
mod callers;
mod crashes;
mod devices;
mod document;
mod fairness;
mod inbox;
mod kit;
mod messages;
mod scripts;
mod service;
mod vapid;
