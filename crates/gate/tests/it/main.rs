//! The gate on both engines: its service, and its front door before a small app.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]

mod cookies;
mod egress;
mod errors;
mod front;
mod keys;
mod kit;
mod operators;
mod origins;
mod places;
mod projects;
mod requests;
mod settings;
