//! Accounts through their routes, on SQLite and on PostgreSQL, with a directory of the tests' own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]

mod document;
mod kit;
mod password;
mod refresh;
mod rows;
mod sessions;
mod sign_in;
mod sign_up;
mod tokens;
