//! The server as its users meet it: the real binary, over HTTP and at the command line.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]
#![expect(
    clippy::too_many_lines,
    reason = "a table of cases is as long as its cases"
)]

mod alters;
mod bad_input;
mod charged;
mod cli;
mod contract;
mod faults;
mod kit;
mod mail;
#[cfg(target_os = "linux")]
mod memory;
mod nodes;
mod pages;
mod people;
mod raw;
mod social;
mod tenancy;
mod tokens;
mod tour;
mod ways;
