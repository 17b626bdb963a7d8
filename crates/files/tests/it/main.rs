//! Files on both engines, behind the real front door of a listening server.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]

mod buckets;
mod conditions;
mod document;
mod downloads;
mod held;
mod interruption;
mod jobs;
mod kit;
mod lists;
mod migrated;
mod names;
mod owners;
mod reading;
mod uploads;
mod wire;
